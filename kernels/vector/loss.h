/* Sums, losses and SGD on vectors; include/backprop/loss.h and optimizer.h define them. */
#ifndef BP_VECTOR_LOSS_H
#define BP_VECTOR_LOSS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/loss.h>

#include "vector/activation.h"
#include "vector/pack.h"

/* Vectors that hold the accumulators of a sum or a maximum. */
#define SUM_VECS (BP_SUM_ACCUMULATORS / VEC_LANES)

static inline void lanes_fill(vec p[SUM_VECS], float value) {
    for (size_t v = 0; v < SUM_VECS; v++)
        p[v] = vec_set1(value);
}

/* Elements of the vector at j that lie within a row of `count`. */
static inline size_t lanes_left(size_t count, size_t j) {
    return j >= count ? 0 : count - j < VEC_LANES ? count - j : VEC_LANES;
}

/* The tree that completes a sum, in registers: lane l < h adds lane l + h; the other lanes hold nothing of use. */
static inline float accumulators_sum(const vec p[SUM_VECS]) {
    vec lane[SUM_VECS];
    for (size_t v = 0; v < SUM_VECS; v++)
        lane[v] = p[v];
    for (size_t h = SUM_VECS / 2; h > 0; h /= 2)
        for (size_t v = 0; v < h; v++)
            lane[v] = vec_add(lane[v], lane[v + h]);
    for (size_t h = VEC_LANES / 2; h > 0; h /= 2)
        lane[0] = vec_add(lane[0], vec_rotate(lane[0], h));
    float sum[VEC_LANES];
    vec_store(sum, lane[0]);
    return sum[0];
}

static inline float accumulators_maximum(const vec p[SUM_VECS]) {
    float lane[BP_SUM_ACCUMULATORS];
    for (size_t v = 0; v < SUM_VECS; v++)
        vec_store(lane + v * VEC_LANES, p[v]);
    for (size_t h = BP_SUM_ACCUMULATORS / 2; h > 0; h /= 2)
        for (size_t l = 0; l < h; l++)
            lane[l] = lane[l + h] > lane[l] ? lane[l + h] : lane[l];
    return lane[0];
}

/*
 * The loops below run over whole groups of accumulators. Lanes beyond the row take a value that changes nothing: +0 in
 * sums (an accumulator is never -0), -infinity in maxima.
 */
static inline float sum(const float *values, size_t count) {
    vec p[SUM_VECS];
    lanes_fill(p, 0.0f);
    for (size_t j = 0; j < count; j += BP_SUM_ACCUMULATORS)
        for (size_t v = 0; v < SUM_VECS; v++) {
            const size_t at = j + v * VEC_LANES, n = lanes_left(count, at);
            if (n > 0)
                p[v] = vec_add(p[v], load_some(values + at, n));
        }
    return accumulators_sum(p);
}

static float row_maximum(const float *z, size_t count) {
    const vec least_value = vec_set1(-INFINITY);
    vec p[SUM_VECS];
    lanes_fill(p, -INFINITY);
    for (size_t j = 0; j < count; j += BP_SUM_ACCUMULATORS)
        for (size_t v = 0; v < SUM_VECS; v++) {
            const size_t at = j + v * VEC_LANES, n = lanes_left(count, at);
            if (n > 0)
                p[v] = vec_max(vec_keep_first(load_some(z + at, n), n, least_value), p[v]);
        }
    return accumulators_maximum(p);
}

/* e[j] = exp(z[j] - m); returns the sum. e may be null or z itself. */
static float row_exponentials(float *e, const float *z, float m, size_t count) {
    const vec zero = vec_set1(0.0f);
    vec p[SUM_VECS];
    lanes_fill(p, 0.0f);
    for (size_t j = 0; j < count; j += BP_SUM_ACCUMULATORS)
        for (size_t v = 0; v < SUM_VECS; v++) {
            const size_t at = j + v * VEC_LANES, n = lanes_left(count, at);
            if (n == 0)
                continue;
            const vec value = vec_exp(vec_sub(load_some(z + at, n), vec_set1(m)));
            p[v] = vec_add(p[v], vec_keep_first(value, n, zero));
            if (e)
                store_some(e + at, n, value);
        }
    return accumulators_sum(p);
}

static void divide_row(float *p, size_t count, float s) {
    for (size_t j = 0; j < count; j += VEC_LANES) {
        const size_t n = lanes_left(count, j);
        store_some(p + j, n, vec_div(load_some(p + j, n), vec_set1(s)));
    }
}

static float log_of(float x) {
    float lane[VEC_LANES];
    vec_store(lane, vec_log(vec_set1(x)));
    return lane[0];
}

static inline void softmax(float *p, size_t ldp, const float *z, size_t ldz, size_t rows, size_t classes) {
    for (size_t n = 0; n < rows; n++) {
        const float m = row_maximum(z + n * ldz, classes);
        const float s = row_exponentials(p + n * ldp, z + n * ldz, m, classes);
        divide_row(p + n * ldp, classes, s);
    }
}

/* The sum of z[j] - m. */
static float row_distances(const float *z, float m, size_t count) {
    const vec zero = vec_set1(0.0f);
    vec p[SUM_VECS];
    lanes_fill(p, 0.0f);
    for (size_t j = 0; j < count; j += BP_SUM_ACCUMULATORS)
        for (size_t v = 0; v < SUM_VECS; v++) {
            const size_t at = j + v * VEC_LANES, n = lanes_left(count, at);
            if (n > 0)
                p[v] = vec_add(p[v], vec_keep_first(vec_sub(load_some(z + at, n), vec_set1(m)), n, zero));
        }
    return accumulators_sum(p);
}

/* Cross-entropy of softmax(z) with a smoothed label: h + u at the label, u at every other class. */
static inline __attribute__((always_inline)) void cross_entropy_row(float *d, float *loss, const float *z, size_t label,
                                                                    size_t classes, float u, float h, float r) {
    const float m = row_maximum(z, classes), label_z = z[label] - m;
    const float distances = loss && u != 0.0f ? row_distances(z, m, classes) : 0.0f;
    const float s = row_exponentials(d, z, m, classes); /* d may be z */
    if (loss)
        *loss = log_of(s) - (u != 0.0f ? fmaf(u, distances, h * label_z) : label_z);
    if (!d)
        return;
    const float label_e = d[label];
    for (size_t j = 0; j < classes; j += VEC_LANES) {
        const size_t lanes = lanes_left(classes, j);
        const vec p = vec_div(load_some(d + j, lanes), vec_set1(s));
        store_some(d + j, lanes, vec_mul(vec_sub(p, vec_set1(u)), vec_set1(r)));
    }
    d[label] = (label_e / s - (h + u)) * r;
}

static void loss_softmax_cross_entropy(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                       const uint32_t *labels, size_t batch, size_t classes, float scale) {
    for (size_t n = 0; n < batch; n++)
        cross_entropy_row(delta ? delta + n * ldd : NULL, row_loss ? row_loss + n : NULL, z + n * ldz, labels[n],
                          classes, 0.0f, 1.0f, scale);
}

/*
 * Errors of n columns of a row: adds their squares to *p and, if d is not null, stores their deltas. `few`: the
 * derivative is one that an epilogue can compute; the others stay out of the loop.
 */
static ALWAYS_INLINE void mse_errors(vec *p, float *d, const float *a, const float *y, size_t n,
                                     bp_activation activation, float scale, const bool few) {
    const vec output = load_some(a, n);
    const vec error = vec_sub(output, load_some(y, n));
    *p = vec_add(*p, vec_mul(error, error));
    if (!d)
        return;
    vec delta = vec_mul(error, vec_set1(scale));
    if (activation.kind != BP_ACTIVATION_IDENTITY)
        delta = vec_mul(delta, few ? vec_derivative(output, derivative_of(activation)) : vec_slope(output, activation));
    store_some(d, n, delta);
}

static ALWAYS_INLINE void mse_rows(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda,
                                   const float *y, size_t ldy, size_t batch, size_t out, bp_activation activation,
                                   float scale, const bool few) {
    for (size_t n = 0; n < batch; n++) {
        const float *row = a + n * lda, *target = y + n * ldy;
        float *d = delta ? delta + n * ldd : NULL;
        vec p[SUM_VECS];
        lanes_fill(p, 0.0f);
        for (size_t j = 0; j < out; j += BP_SUM_ACCUMULATORS)
            for (size_t v = 0; v < SUM_VECS; v++) {
                const size_t at = j + v * VEC_LANES, lanes = lanes_left(out, at);
                if (lanes > 0)
                    mse_errors(&p[v], d ? d + at : NULL, row + at, target + at, lanes, activation, scale, few);
            }
        if (row_loss)
            row_loss[n] = 0.5f * accumulators_sum(p);
    }
}

static void loss_mse(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y, size_t ldy,
                     size_t batch, size_t out, bp_activation activation, float scale) {
    if (derivative_of(activation).kind != DERIVATIVE_SAVED)
        mse_rows(delta, ldd, row_loss, a, lda, y, ldy, batch, out, activation, scale, true);
    else
        mse_rows(delta, ldd, row_loss, a, lda, y, ldy, batch, out, activation, scale, false);
}

static inline void sgd(float *parameters, const float *gradient, size_t count, float learning_rate) {
    size_t k = 0;
    for (; k + SGD_VECS * VEC_LANES <= count; k += SGD_VECS * VEC_LANES) {
        UNROLL_FOR (size_t v = 0; v < SGD_VECS; v++) {
            float *at = parameters + k + v * VEC_LANES;
            vec_store(at, vec_fnma(vec_set1(learning_rate), vec_load(gradient + k + v * VEC_LANES), vec_load(at)));
        }
    }
    for (; k < count; k += VEC_LANES) {
        const size_t n = lanes_left(count, k);
        const vec g = load_some(gradient + k, n);
        store_some(parameters + k, n, vec_fnma(vec_set1(learning_rate), g, load_some(parameters + k, n)));
    }
}

#endif
