/* Layer normalisation on vectors; include/backprop/layer_norm.h defines it. */
#ifndef BP_VECTOR_LAYER_NORM_H
#define BP_VECTOR_LAYER_NORM_H

#include <math.h>
#include <stddef.h>

#include <backprop/layer_norm.h>

#include "vector/dense.h"
#include "vector/dropout.h"
#include "vector/loss.h"

/*
 * Sums over a row walk all vectors of the row in order; the one at column j belongs to the running values from
 * j % BP_SUM_LANES on. Lanes beyond the row add +0, as in loss.h.
 */
static inline vec *lanes_at(vec p[SUM_VECS], size_t j) {
    return &p[j / VEC_LANES % SUM_VECS];
}

static float row_mean(bp_panels z, size_t n, size_t columns) {
    vec p[SUM_VECS];
    lanes_fill(p, 0.0f);
    for (size_t j = 0; j < columns; j += VEC_LANES) {
        vec *lanes = lanes_at(p, j);
        *lanes = vec_add(*lanes, load_some(element_of(z, n, j), lanes_left(columns, j)));
    }
    return lanes_sum(p) / (float)columns;
}

static float row_variance(bp_panels z, size_t n, float mean, size_t columns) {
    const vec zero = vec_set1(0.0f);
    vec p[SUM_VECS];
    lanes_fill(p, 0.0f);
    for (size_t j = 0; j < columns; j += VEC_LANES) {
        const size_t left = lanes_left(columns, j);
        const vec distance = vec_sub(load_some(element_of(z, n, j), left), vec_set1(mean));
        const vec square = vec_mul(distance, distance);
        vec *lanes = lanes_at(p, j);
        *lanes = vec_add(*lanes, left == VEC_LANES ? square : vec_keep_first(square, left, zero));
    }
    return lanes_sum(p) / (float)columns;
}

/* `normalized.at` and `inverse` may be null. */
static void normalize_rows(bp_panels y, bp_panels normalized, float *inverse, bp_panels z, const float *gain,
                           const float *shift, size_t rows, size_t columns, float epsilon) {
    for (size_t n = 0; n < rows; n++) {
        const float mean = row_mean(z, n, columns);
        const float factor = 1.0f / sqrtf(row_variance(z, n, mean, columns) + epsilon);
        for (size_t j = 0; j < columns; j += VEC_LANES) {
            const size_t left = lanes_left(columns, j);
            const vec distance = vec_sub(load_some(element_of(z, n, j), left), vec_set1(mean));
            const vec value = vec_mul(distance, vec_set1(factor));
            if (normalized.at)
                store_some(element_of(normalized, n, j), left, value);
            store_some(element_of(y, n, j), left,
                       vec_fma(load_some(gain + j, left), value, load_some(shift + j, left)));
        }
        if (inverse)
            inverse[n] = factor;
    }
}

static void panels_normalize_delta(bp_panels below, bp_panels delta, bp_panels normalized, const float *inverse,
                                   const float *gain, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++) {
        vec p[SUM_VECS], q[SUM_VECS];
        lanes_fill(p, 0.0f);
        lanes_fill(q, 0.0f);
        for (size_t j = 0; j < columns; j += VEC_LANES) {
            const size_t left = lanes_left(columns, j);
            const vec g = vec_mul(load_some(element_of(delta, n, j), left), load_some(gain + j, left));
            vec *lanes = lanes_at(p, j), *products = lanes_at(q, j);
            *lanes = vec_add(*lanes, g);
            *products = vec_add(*products, vec_mul(g, load_some(element_of(normalized, n, j), left)));
        }
        const vec m = vec_set1(lanes_sum(p) / (float)columns), c = vec_set1(lanes_sum(q) / (float)columns);
        for (size_t j = 0; j < columns; j += VEC_LANES) {
            const size_t left = lanes_left(columns, j);
            const vec g = vec_mul(load_some(element_of(delta, n, j), left), load_some(gain + j, left));
            const vec rest = vec_fnma(load_some(element_of(normalized, n, j), left), c, vec_sub(g, m));
            store_some(element_of(below, n, j), left, vec_mul(rest, vec_set1(inverse[n])));
        }
    }
}

/*
 * Sums of delta times normalized over blocks of rows, like bias_gradient: for `vecs` vectors of columns from column j
 * on, of which the last has `lanes` columns.
 */
static ALWAYS_INLINE void gain_sums(const size_t vecs, float *to, const float *sums, bp_panels delta,
                                    bp_panels normalized, size_t j, size_t rows, size_t lanes, const float *rate) {
    vec sum[SUM_CHAINS];
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        sum[v] = sums ? load_some(sums + j + v * VEC_LANES, lanes) : vec_set1(0.0f);
    for (size_t begin = 0; begin < rows; begin += BP_ROW_BLOCK) {
        vec g[SUM_CHAINS];
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            g[v] = vec_set1(0.0f);
        for (size_t n = begin; n < least(begin + BP_ROW_BLOCK, rows); n++)
            UNROLL_FOR (size_t v = 0; v < vecs; v++) {
                const size_t c = j + v * VEC_LANES;
                g[v] = vec_fma(load_some(element_of(delta, n, c), lanes),
                               load_some(element_of(normalized, n, c), lanes), g[v]);
            }
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            sum[v] = !sums && begin == 0 ? g[v] : vec_add(sum[v], g[v]);
    }
    UNROLL_FOR (size_t v = 0; v < vecs; v++) {
        float *gain = to + j + v * VEC_LANES;
        store_some(gain, lanes, rate ? vec_fnma(vec_set1(*rate), sum[v], load_some(gain, lanes)) : sum[v]);
    }
}

static void gain_gradient(float *to, const float *sums, bp_panels delta, bp_panels normalized, size_t rows,
                          size_t columns, const float *rate) {
    size_t j = 0;
    for (; j + SUM_CHAINS * VEC_LANES <= columns; j += SUM_CHAINS * VEC_LANES)
        gain_sums(SUM_CHAINS, to, sums, delta, normalized, j, rows, VEC_LANES, rate);
    for (; j < columns; j += VEC_LANES)
        gain_sums(1, to, sums, delta, normalized, j, rows, lanes_left(columns, j), rate);
}

static void layer_norm_forward(float *y, size_t ldy, float *normalized, size_t ldn, float *inverse, const float *z,
                               size_t ldz, const float *gain, const float *shift, size_t rows, size_t columns,
                               float epsilon) {
    normalize_rows(row_major(y, ldy), row_major(normalized, ldn), inverse, row_major(z, ldz), gain, shift, rows,
                   columns, epsilon);
}

static void layer_norm_backward(float *below, size_t ldb, const float *delta, size_t ldd, const float *normalized,
                                size_t ldn, const float *inverse, const float *gain, size_t rows, size_t columns) {
    panels_normalize_delta(row_major(below, ldb), row_major(delta, ldd), row_major(normalized, ldn), inverse, gain,
                           rows, columns);
}

static void layer_norm_gradient(float *gradient_gain, float *gradient_shift, const float *delta, size_t ldd,
                                const float *normalized, size_t ldn, size_t rows, size_t columns) {
    if (gradient_gain)
        gain_gradient(gradient_gain, NULL, row_major(delta, ldd), row_major(normalized, ldn), rows, columns, NULL);
    if (gradient_shift)
        bias_gradient(gradient_shift, NULL, row_major(delta, ldd), rows, columns, NULL);
}

static void panels_activate(bp_panels a, size_t rows, size_t columns, bp_activation activation) {
    for (size_t j = 0; j < columns; j += TILE_COLUMNS)
        activate(panel_at(a, 0, j), a.row, panel_at(a, 0, j), a.row, rows, least(columns - j, TILE_COLUMNS),
                 activation);
}

static void panels_normalize(bp_panels a, bp_panels normalized, float *inverse, const float *gain, const float *shift,
                             size_t rows, size_t columns) {
    normalize_rows(a, normalized, inverse, a, gain, shift, rows, columns, BP_LAYER_NORM_EPSILON);
}

static void panels_normalize_update(const bp_update *u, bp_panels delta, bp_panels normalized, size_t rows,
                                    size_t columns) {
    const float *rate = u->last ? &u->rate : NULL;
    gain_gradient(u->last ? u->weights.at : u->sums.at, u->first ? NULL : u->sums.at, delta, normalized, rows, columns,
                  rate);
    bias_gradient(u->last ? u->biases : u->bias_sums, u->first ? NULL : u->bias_sums, delta, rows, columns, rate);
}

#endif
