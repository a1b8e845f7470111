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
 * Sums over a row run as in loss.h; what they add at columns j .. j + BP_SUM_LANES - 1 is a group. `whole`: none of the
 * group's columns lies beyond the row.
 */
static ALWAYS_INLINE size_t group_lanes(const bool whole, size_t columns, size_t j) {
    return whole ? VEC_LANES : lanes_left(columns, j);
}

static ALWAYS_INLINE void add_values(const bool whole, vec p[SUM_VECS], bp_panels z, size_t n, size_t j,
                                     size_t columns) {
    UNROLL_FOR (size_t v = 0; v < SUM_VECS; v++, j += VEC_LANES) {
        const size_t lanes = group_lanes(whole, columns, j);
        if (lanes > 0)
            p[v] = vec_add(p[v], load_some(element_of(z, n, j), lanes));
    }
}

static ALWAYS_INLINE void add_squares(const bool whole, vec p[SUM_VECS], vec mean, bp_panels z, size_t n, size_t j,
                                      size_t columns) {
    UNROLL_FOR (size_t v = 0; v < SUM_VECS; v++, j += VEC_LANES) {
        const size_t lanes = group_lanes(whole, columns, j);
        if (lanes == 0)
            continue;
        const vec distance = vec_sub(load_some(element_of(z, n, j), lanes), mean);
        const vec square = vec_mul(distance, distance);
        p[v] = vec_add(p[v], whole ? square : vec_keep_first(square, lanes, vec_set1(0.0f)));
    }
}

static float row_mean(bp_panels z, size_t n, size_t columns) {
    vec p[SUM_VECS];
    lanes_fill(p, 0.0f);
    size_t j = 0;
    for (; j + BP_SUM_LANES <= columns; j += BP_SUM_LANES)
        add_values(true, p, z, n, j, columns);
    if (j < columns)
        add_values(false, p, z, n, j, columns);
    return lanes_sum(p) / (float)columns;
}

static float row_variance(bp_panels z, size_t n, float mean, size_t columns) {
    const vec m = vec_set1(mean);
    vec p[SUM_VECS];
    lanes_fill(p, 0.0f);
    size_t j = 0;
    for (; j + BP_SUM_LANES <= columns; j += BP_SUM_LANES)
        add_squares(true, p, m, z, n, j, columns);
    if (j < columns)
        add_squares(false, p, m, z, n, j, columns);
    return lanes_sum(p) / (float)columns;
}

/* A row of the forward pass; `normalized.at` may be null. */
typedef struct value_row {
    bp_panels y, normalized, z;
    const float *gain, *shift;
    size_t n;
    vec mean, factor;
} value_row;

static ALWAYS_INLINE void normalize_lanes(const value_row *r, size_t j, size_t lanes) {
    const vec value = vec_mul(vec_sub(load_some(element_of(r->z, r->n, j), lanes), r->mean), r->factor);
    if (r->normalized.at)
        store_some(element_of(r->normalized, r->n, j), lanes, value);
    store_some(element_of(r->y, r->n, j), lanes,
               vec_fma(load_some(r->gain + j, lanes), value, load_some(r->shift + j, lanes)));
}

/* `normalized.at` and `inverse` may be null. */
static void normalize_rows(bp_panels y, bp_panels normalized, float *inverse, bp_panels z, const float *gain,
                           const float *shift, size_t rows, size_t columns, float epsilon) {
    for (size_t n = 0; n < rows; n++) {
        const float mean = row_mean(z, n, columns);
        const float factor = 1.0f / sqrtf(row_variance(z, n, mean, columns) + epsilon);
        const value_row r = {y, normalized, z, gain, shift, n, vec_set1(mean), vec_set1(factor)};
        size_t j = 0;
        for (; j + VEC_LANES <= columns; j += VEC_LANES)
            normalize_lanes(&r, j, VEC_LANES);
        if (j < columns)
            normalize_lanes(&r, j, columns - j);
        if (inverse)
            inverse[n] = factor;
    }
}

/* A row of the backward pass: its deltas, what was normalised, the gains. */
typedef struct delta_row {
    bp_panels delta, normalized;
    const float *gain;
    size_t n, columns;
} delta_row;

static ALWAYS_INLINE vec gained_delta(const delta_row *r, size_t j, size_t lanes) {
    return vec_mul(load_some(element_of(r->delta, r->n, j), lanes), load_some(r->gain + j, lanes));
}

/* Adds to the sums of g and of g times what was normalised. */
static ALWAYS_INLINE void add_deltas(const bool whole, vec p[SUM_VECS], vec q[SUM_VECS], const delta_row *r, size_t j) {
    UNROLL_FOR (size_t v = 0; v < SUM_VECS; v++, j += VEC_LANES) {
        const size_t lanes = group_lanes(whole, r->columns, j);
        if (lanes == 0)
            continue;
        const vec g = gained_delta(r, j, lanes);
        p[v] = vec_add(p[v], g);
        q[v] = vec_add(q[v], vec_mul(g, load_some(element_of(r->normalized, r->n, j), lanes)));
    }
}

static ALWAYS_INLINE void delta_lanes(const delta_row *r, bp_panels below, vec m, vec c, vec inverse, size_t j,
                                      size_t lanes) {
    const vec rest = vec_sub(gained_delta(r, j, lanes), m);
    const vec value = vec_fnma(load_some(element_of(r->normalized, r->n, j), lanes), c, rest);
    store_some(element_of(below, r->n, j), lanes, vec_mul(value, inverse));
}

static void panels_normalize_delta(bp_panels below, bp_panels delta, bp_panels normalized, const float *inverse,
                                   const float *gain, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++) {
        const delta_row r = {delta, normalized, gain, n, columns};
        vec p[SUM_VECS], q[SUM_VECS];
        lanes_fill(p, 0.0f);
        lanes_fill(q, 0.0f);
        size_t j = 0;
        for (; j + BP_SUM_LANES <= columns; j += BP_SUM_LANES)
            add_deltas(true, p, q, &r, j);
        if (j < columns)
            add_deltas(false, p, q, &r, j);
        const vec m = vec_set1(lanes_sum(p) / (float)columns), c = vec_set1(lanes_sum(q) / (float)columns);
        const vec factor = vec_set1(inverse[n]);
        for (j = 0; j + VEC_LANES <= columns; j += VEC_LANES)
            delta_lanes(&r, below, m, c, factor, j, VEC_LANES);
        if (j < columns)
            delta_lanes(&r, below, m, c, factor, j, columns - j);
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

static void panels_activate(bp_panels a, bp_panels slopes, size_t rows, size_t columns, bp_activation activation) {
    for (size_t j = 0; j < columns; j += TILE_COLUMNS)
        activate_in_place(panel_at(a, 0, j), a.row, slopes.at ? panel_at(slopes, 0, j) : NULL, slopes.row, rows,
                          round_up(least(columns - j, TILE_COLUMNS), VEC_LANES), activation);
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
