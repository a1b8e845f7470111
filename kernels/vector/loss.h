/* Sums and losses on vectors; include/backprop/loss.h defines them. */
#ifndef BP_VECTOR_LOSS_H
#define BP_VECTOR_LOSS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/loss.h>

#include "vector/accumulators.h"
#include "vector/activation.h"
#include "vector/pack.h"

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
    return vec_get0(vec_log(vec_set1(x)));
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

/* ---- Losses by their kind, with weights ------------------------------------------------------------------------- */

/* The factor of a row's deltas, and its weighted loss. */
static inline float row_scale(const float *weights, size_t n, float scale) {
    return weights ? weights[n] * scale : scale;
}

static inline float row_weighted(const float *weights, size_t n, float loss) {
    return weights ? weights[n] * loss : loss;
}

/* c_j of the Huber loss; NaN gives NaN. */
static inline vec huber_slope(vec error, float threshold) {
    const vec t = vec_set1(threshold), minus_t = vec_set1(-threshold);
    return vec_select(vec_less_equal(t, error), t, vec_select(vec_less_equal(error, minus_t), minus_t, error));
}

/* Losses that are a sum over the outputs: returns the derivative; *value is the term, if `wanted`. */
static inline vec loss_part(vec *value, bool wanted, vec a, vec y, bp_loss_kind loss, float parameter) {
    const vec zero = vec_set1(0.0f), one = vec_set1(1.0f), error = vec_sub(a, y);
    switch (loss) {
    case BP_LOSS_MAE:
        *value = vec_abs(error);
        return vec_sign(error);
    case BP_LOSS_HUBER: {
        const vec c = huber_slope(error, parameter);
        *value = vec_mul(c, vec_fnma(vec_set1(0.5f), c, error));
        return c;
    }
    case BP_LOSS_BINARY_CROSS_ENTROPY: {
        const vec q = vec_exp(vec_negate(vec_abs(a))), u = vec_div(q, vec_add(one, q));
        if (wanted)
            *value = vec_add(vec_fnma(a, y, vec_max(a, zero)), vec_log1p(q));
        return vec_select(vec_less_equal(a, zero), vec_sub(u, y), vec_sub(vec_sub(one, y), u));
    }
    case BP_LOSS_HINGE: {
        const vec h = vec_fnma(y, a, one);
        const vec_mask right = vec_less_equal(h, zero);
        *value = vec_select(right, zero, h);
        return vec_select(right, zero, vec_negate(y));
    }
    default:
        *value = vec_mul(error, error);
        return error;
    }
}

/* One row; d may be null or a, row_loss null. */
static void parts_row(float *d, float *row_loss, const float *a, const float *y, size_t out, bp_loss_kind loss,
                      float parameter, float r) {
    const vec zero = vec_set1(0.0f);
    vec p[SUM_VECS];
    lanes_fill(p, 0.0f);
    for (size_t j = 0; j < out; j += BP_SUM_ACCUMULATORS)
        for (size_t v = 0; v < SUM_VECS; v++) {
            const size_t at = j + v * VEC_LANES, n = lanes_left(out, at);
            if (n == 0)
                continue;
            vec value = zero;
            const vec slope =
                loss_part(&value, row_loss != NULL, load_some(a + at, n), load_some(y + at, n), loss, parameter);
            p[v] = vec_add(p[v], vec_keep_first(value, n, zero));
            if (d)
                store_some(d + at, n, vec_mul(slope, vec_set1(r)));
        }
    if (row_loss)
        *row_loss = loss == BP_LOSS_MSE ? 0.5f * accumulators_sum(p) : accumulators_sum(p);
}

/* One output per row: a vector holds VEC_LANES rows. */
static void parts_column(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                         size_t ldy, const float *weights, size_t batch, bp_loss_kind loss, float parameter,
                         float scale) {
    const vec zero = vec_set1(0.0f), half = vec_set1(0.5f);
    for (size_t n = 0; n < batch; n += VEC_LANES) {
        const size_t rows = lanes_left(batch, n);
        float output[VEC_LANES] = {0}, target[VEC_LANES] = {0}, d[VEC_LANES];
        for (size_t l = 0; l < rows; l++) {
            output[l] = a[(n + l) * lda];
            target[l] = y[(n + l) * ldy];
        }
        const vec weight = weights ? load_some(weights + n, rows) : vec_set1(1.0f);
        vec value = zero;
        const vec slope = loss_part(&value, row_loss != NULL, vec_load(output), vec_load(target), loss, parameter);
        if (row_loss) {
            value = vec_add(zero, value);
            value = vec_mul(weight, loss == BP_LOSS_MSE ? vec_mul(half, value) : value);
            store_some(row_loss + n, rows, value);
        }
        vec_store(d, vec_mul(slope, vec_mul(weight, vec_set1(scale))));
        for (size_t l = 0; delta && l < rows; l++)
            delta[(n + l) * ldd] = d[l];
    }
}

/* The sum of y[j] (z[j] - m), minus y[j] log y[j] if `entropy`. Terms with y[j] = 0 are +0. */
static float row_terms(const float *z, float m, const float *y, size_t count, bool entropy) {
    const vec zero = vec_set1(0.0f);
    vec p[SUM_VECS];
    lanes_fill(p, 0.0f);
    for (size_t j = 0; j < count; j += BP_SUM_ACCUMULATORS)
        for (size_t v = 0; v < SUM_VECS; v++) {
            const size_t at = j + v * VEC_LANES, n = lanes_left(count, at);
            if (n == 0)
                continue;
            const vec target = load_some(y + at, n); /* +0 beyond the row */
            vec d = vec_sub(load_some(z + at, n), vec_set1(m));
            if (entropy)
                d = vec_sub(d, vec_log(target));
            p[v] = vec_add(p[v], vec_select(vec_less_equal(vec_abs(target), zero), zero, vec_mul(target, d)));
        }
    return accumulators_sum(p);
}

/* Softmax cross-entropy, or divergence, against a distribution y. */
static void distribution_row(float *d, float *row_loss, const float *z, const float *y, size_t classes,
                             bp_loss_kind loss, float r) {
    const float m = row_maximum(z, classes), total = sum(y, classes);
    const float terms = row_loss ? row_terms(z, m, y, classes, loss == BP_LOSS_KULLBACK_LEIBLER) : 0.0f;
    const float s = row_exponentials(d, z, m, classes); /* d may be z */
    if (row_loss)
        *row_loss = fmaf(total, log_of(s), -terms);
    for (size_t j = 0; d && j < classes; j += VEC_LANES) {
        const size_t n = lanes_left(classes, j);
        const vec p = vec_div(load_some(d + j, n), vec_set1(s));
        const vec slope = vec_fma(p, vec_set1(total), vec_negate(load_some(y + j, n)));
        store_some(d + j, n, vec_mul(slope, vec_set1(r)));
    }
}

static inline void loss_targets(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                                size_t ldy, const float *weights, size_t batch, size_t out, bp_loss_kind loss,
                                float parameter, float scale) {
    const bool distributions = loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS || loss == BP_LOSS_KULLBACK_LEIBLER;
    if (out == 1 && !distributions) {
        parts_column(delta, ldd, row_loss, a, lda, y, ldy, weights, batch, loss, parameter, scale);
        return;
    }
    for (size_t n = 0; n < batch; n++) {
        float *d = delta ? delta + n * ldd : NULL, *value = row_loss ? row_loss + n : NULL;
        const float r = row_scale(weights, n, scale);
        if (distributions)
            distribution_row(d, value, a + n * lda, y + n * ldy, out, loss, r);
        else
            parts_row(d, value, a + n * lda, y + n * ldy, out, loss, parameter, r);
        if (value)
            *value = row_weighted(weights, n, *value);
    }
}

/* v with +0 in one lane. */
static inline vec without_lane(vec v, size_t lane) {
    const vec zero = vec_set1(0.0f), cut = vec_keep_first(zero, lane + 1, v);
    return lane == 0 ? cut : vec_keep_first(v, lane, cut);
}

static void multiclass_hinge_row(float *d, float *row_loss, const float *z, size_t label, size_t classes, float r) {
    const vec zero = vec_set1(0.0f), one = vec_set1(1.0f), label_z = vec_set1(z[label]);
    vec p[SUM_VECS], violations[SUM_VECS];
    lanes_fill(p, 0.0f);
    lanes_fill(violations, 0.0f);
    for (size_t j = 0; j < classes; j += BP_SUM_ACCUMULATORS)
        for (size_t v = 0; v < SUM_VECS; v++) {
            const size_t at = j + v * VEC_LANES, n = lanes_left(classes, at);
            if (n == 0)
                continue;
            const vec h = vec_add(vec_sub(load_some(z + at, n), label_z), one);
            const vec_mask right = vec_less_equal(h, zero);
            vec value = vec_keep_first(vec_select(right, zero, h), n, zero);
            vec slope = vec_keep_first(vec_select(right, zero, one), n, zero);
            if (label - at < n) { /* never where label < at: sizes wrap around */
                value = without_lane(value, label - at);
                slope = without_lane(slope, label - at);
            }
            p[v] = vec_add(p[v], value);
            violations[v] = vec_add(violations[v], slope);
            if (d)
                store_some(d + at, n, vec_mul(slope, vec_set1(r)));
        }
    if (d)
        d[label] = -accumulators_sum(violations) * r;
    if (row_loss)
        *row_loss = accumulators_sum(p);
}

static inline void loss_labels(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                               const uint32_t *labels, const float *weights, size_t batch, size_t classes,
                               bp_loss_kind loss, float parameter, float scale) {
    const float u = parameter / (float)classes, h = 1.0f - parameter;
    for (size_t n = 0; n < batch; n++) {
        float *d = delta ? delta + n * ldd : NULL, *value = row_loss ? row_loss + n : NULL;
        const float r = row_scale(weights, n, scale);
        if (loss == BP_LOSS_MULTICLASS_HINGE)
            multiclass_hinge_row(d, value, z + n * ldz, labels[n], classes, r);
        else
            cross_entropy_row(d, value, z + n * ldz, labels[n], classes, u, h, r);
        if (value)
            *value = row_weighted(weights, n, *value);
    }
}

#endif
