/* Layer normalization on vectors; include/backprop/layer_norm.h defines it. */
#ifndef BP_VECTOR_LAYER_NORM_H
#define BP_VECTOR_LAYER_NORM_H

#include <math.h>
#include <stddef.h>

#include <backprop/layer_norm.h>

#include "vector/accumulators.h"
#include "vector/dense.h"

/*
 * Sums over a row run as in accumulators.h. Columns j .. j + BP_SUM_ACCUMULATORS - 1 are a group. `whole`: all columns
 * of the group lie in the row.
 */
static ALWAYS_INLINE size_t group_lanes(const bool whole, size_t columns, size_t j) {
    return whole ? VEC_LANES : lanes_left(columns, j);
}

static ALWAYS_INLINE void add_values(const bool whole, vec p[SUM_VECS], bp_packed z, size_t n, size_t j,
                                     size_t columns) {
    UNROLL_FOR (size_t v = 0; v < SUM_VECS; v++, j += VEC_LANES) {
        const size_t lanes = group_lanes(whole, columns, j);
        if (lanes > 0)
            p[v] = vec_add(p[v], load_some(element_of(z, n, j), lanes));
    }
}

static ALWAYS_INLINE void add_squares(const bool whole, vec p[SUM_VECS], vec mean, bp_packed z, size_t n, size_t j,
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

static float row_mean(bp_packed z, size_t n, size_t columns) {
    vec p[SUM_VECS];
    lanes_fill(p, 0.0f);
    size_t j = 0;
    for (; j + BP_SUM_ACCUMULATORS <= columns; j += BP_SUM_ACCUMULATORS)
        add_values(true, p, z, n, j, columns);
    if (j < columns)
        add_values(false, p, z, n, j, columns);
    return accumulators_sum(p) / (float)columns;
}

static float row_variance(bp_packed z, size_t n, float mean, size_t columns) {
    const vec m = vec_set1(mean);
    vec p[SUM_VECS];
    lanes_fill(p, 0.0f);
    size_t j = 0;
    for (; j + BP_SUM_ACCUMULATORS <= columns; j += BP_SUM_ACCUMULATORS)
        add_squares(true, p, m, z, n, j, columns);
    if (j < columns)
        add_squares(false, p, m, z, n, j, columns);
    return accumulators_sum(p) / (float)columns;
}

/* A row of the forward pass; `normalized.data` may be null. */
typedef struct value_row {
    bp_packed y, normalized, z;
    const float *gamma, *beta;
    size_t n;
    vec mean, factor;
} value_row;

static ALWAYS_INLINE void normalize_lanes(const value_row *r, size_t j, size_t lanes) {
    const vec value = vec_mul(vec_sub(load_some(element_of(r->z, r->n, j), lanes), r->mean), r->factor);
    if (r->normalized.data)
        store_some(element_of(r->normalized, r->n, j), lanes, value);
    store_some(element_of(r->y, r->n, j), lanes,
               vec_fma(load_some(r->gamma + j, lanes), value, load_some(r->beta + j, lanes)));
}

/* `normalized.data` and `rstd` may be null. */
static void normalize_rows(bp_packed y, bp_packed normalized, float *rstd, bp_packed z, const float *gamma,
                           const float *beta, size_t rows, size_t columns, float epsilon) {
    for (size_t n = 0; n < rows; n++) {
        const float mean = row_mean(z, n, columns);
        const float factor = 1.0f / sqrtf(row_variance(z, n, mean, columns) + epsilon);
        const value_row r = {y, normalized, z, gamma, beta, n, vec_set1(mean), vec_set1(factor)};
        size_t j = 0;
        for (; j + VEC_LANES <= columns; j += VEC_LANES)
            normalize_lanes(&r, j, VEC_LANES);
        if (j < columns)
            normalize_lanes(&r, j, columns - j);
        if (rstd)
            rstd[n] = factor;
    }
}

/* A row of the backward pass. */
typedef struct delta_row {
    bp_packed delta, normalized;
    const float *gamma;
    size_t n, columns;
} delta_row;

static ALWAYS_INLINE vec scaled_delta(const delta_row *r, size_t j, size_t lanes) {
    return vec_mul(load_some(element_of(r->delta, r->n, j), lanes), load_some(r->gamma + j, lanes));
}

/* Adds g to p and g * normalized to q. */
static ALWAYS_INLINE void add_deltas(const bool whole, vec p[SUM_VECS], vec q[SUM_VECS], const delta_row *r, size_t j) {
    UNROLL_FOR (size_t v = 0; v < SUM_VECS; v++, j += VEC_LANES) {
        const size_t lanes = group_lanes(whole, r->columns, j);
        if (lanes == 0)
            continue;
        const vec g = scaled_delta(r, j, lanes);
        p[v] = vec_add(p[v], g);
        q[v] = vec_add(q[v], vec_mul(g, load_some(element_of(r->normalized, r->n, j), lanes)));
    }
}

static ALWAYS_INLINE void delta_lanes(const delta_row *r, bp_packed previous, vec m, vec c, vec rstd, size_t j,
                                      size_t lanes) {
    const vec rest = vec_sub(scaled_delta(r, j, lanes), m);
    const vec value = vec_fnma(load_some(element_of(r->normalized, r->n, j), lanes), c, rest);
    store_some(element_of(previous, r->n, j), lanes, vec_mul(value, rstd));
}

static void packed_normalize_delta(bp_packed previous, bp_packed delta, bp_packed normalized, const float *rstd,
                                   const float *gamma, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++) {
        const delta_row r = {delta, normalized, gamma, n, columns};
        vec p[SUM_VECS], q[SUM_VECS];
        lanes_fill(p, 0.0f);
        lanes_fill(q, 0.0f);
        size_t j = 0;
        for (; j + BP_SUM_ACCUMULATORS <= columns; j += BP_SUM_ACCUMULATORS)
            add_deltas(true, p, q, &r, j);
        if (j < columns)
            add_deltas(false, p, q, &r, j);
        const vec m = vec_set1(accumulators_sum(p) / (float)columns),
                  c = vec_set1(accumulators_sum(q) / (float)columns);
        const vec factor = vec_set1(rstd[n]);
        for (j = 0; j + VEC_LANES <= columns; j += VEC_LANES)
            delta_lanes(&r, previous, m, c, factor, j, VEC_LANES);
        if (j < columns)
            delta_lanes(&r, previous, m, c, factor, j, columns - j);
    }
}

/*
 * Sums of delta * normalized over row blocks, like bias_columns, for `vecs` vectors of columns from column j on. The
 * last vector has `lanes` columns.
 */
static ALWAYS_INLINE void gamma_columns(const size_t vecs, const bp_coefficients *update, float *to, const float *sums,
                                        bp_packed delta, bp_packed normalized, size_t j, size_t rows, size_t lanes) {
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
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        store_gradient(update, to + j + v * VEC_LANES, lanes, sum[v]);
}

/* An update is plain. */
static void gamma_gradient(const gradient_use *use, float *gamma, float *sums, bp_packed delta, bp_packed normalized,
                           size_t rows, size_t columns) {
    float *to = use->update ? gamma : sums;
    const float *earlier = use->continues ? sums : NULL;
    size_t j = 0;
    for (; j + SUM_CHAINS * VEC_LANES <= columns; j += SUM_CHAINS * VEC_LANES)
        gamma_columns(SUM_CHAINS, use->update, to, earlier, delta, normalized, j, rows, VEC_LANES);
    for (; j < columns; j += VEC_LANES)
        gamma_columns(1, use->update, to, earlier, delta, normalized, j, rows, lanes_left(columns, j));
}

static void layer_norm_forward(float *y, size_t ldy, float *normalized, size_t ldn, float *rstd, const float *z,
                               size_t ldz, const float *gamma, const float *beta, size_t rows, size_t columns,
                               float epsilon) {
    normalize_rows(row_major(y, ldy), row_major(normalized, ldn), rstd, row_major(z, ldz), gamma, beta, rows, columns,
                   epsilon);
}

static void layer_norm_backward(float *previous, size_t ldp, const float *delta, size_t ldd, const float *normalized,
                                size_t ldn, const float *rstd, const float *gamma, size_t rows, size_t columns) {
    packed_normalize_delta(row_major(previous, ldp), row_major(delta, ldd), row_major(normalized, ldn), rstd, gamma,
                           rows, columns);
}

static void layer_norm_gradient(float *gradient_gamma, float *gradient_beta, const float *delta, size_t ldd,
                                const float *normalized, size_t ldn, size_t rows, size_t columns) {
    const gradient_use store = {0};
    if (gradient_gamma)
        gamma_gradient(&store, NULL, gradient_gamma, row_major(delta, ldd), row_major(normalized, ldn), rows, columns);
    if (gradient_beta)
        bias_gradient(&store, NULL, gradient_beta, row_major(delta, ldd), rows, columns);
}

static void packed_normalize(bp_packed a, bp_packed normalized, float *rstd, const float *gamma, const float *beta,
                             size_t rows, size_t columns) {
    normalize_rows(a, normalized, rstd, a, gamma, beta, rows, columns, BP_LAYER_NORM_EPSILON);
}

static void packed_norm_gradient(const gradient_use *use, float *gamma, float *beta, float *gamma_sums,
                                 float *beta_sums, bp_packed delta, bp_packed normalized, size_t rows, size_t columns) {
    gamma_gradient(use, gamma, gamma_sums, delta, normalized, rows, columns);
    bias_gradient(use, beta, beta_sums, delta, rows, columns);
}

#endif
