/*
 * Products of a batch of one row. No element of W is used twice: W is read once, with enough chains at a time to hide
 * the latency of each.
 */
#ifndef BP_VECTOR_ROW_H
#define BP_VECTOR_ROW_H

#include "vector/activation.h"
#include "vector/optimizer.h"
#include "vector/pack.h"

/* a = x W + bias for panel_count * vecs vectors of columns; padding is computed too. */
static ALWAYS_INLINE void row_chains(const size_t panel_count, const size_t vecs, float *a, size_t a_panel, bp_packed x,
                                     const float *w, size_t w_row, size_t w_panel, const float *bias, size_t in,
                                     bp_activation activation) {
    vec acc[ROW_PANEL_COUNT * TILE_VECS];
    UNROLL_FOR (size_t g = 0; g < panel_count; g++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            acc[g * vecs + v] = bias ? vec_load(bias + g * NR + v * VEC_LANES) : vec_set1(0.0f);
    }
    for (size_t i = 0; i < in; i += NR) {
        const float *xi = packed_at(x, 0, i);
        const size_t end = least(in - i, NR);
        for (size_t k = 0; k < end; k++, w += w_row) {
            const vec xk = vec_set1(xi[k]);
            UNROLL_FOR (size_t g = 0; g < panel_count; g++) {
                UNROLL_FOR (size_t v = 0; v < vecs; v++)
                    acc[g * vecs + v] = vec_fma(xk, vec_load(w + g * w_panel + v * VEC_LANES), acc[g * vecs + v]);
            }
        }
    }
    UNROLL_FOR (size_t g = 0; g < panel_count; g++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            vec_store(a + g * a_panel + v * VEC_LANES, vec_rectify(acc[g * vecs + v], activation));
    }
}

static inline const float *bias_at(const float *bias, size_t j) {
    return bias ? bias + j : NULL;
}

static void row_forward(bp_packed a, bp_packed derivatives, bp_packed x, bp_packed w, const float *bias, size_t in,
                        size_t out, bp_activation f) {
    size_t j = 0;
    for (; j + ROW_PANEL_COUNT * NR <= out; j += ROW_PANEL_COUNT * NR)
        row_chains(ROW_PANEL_COUNT, TILE_VECS, packed_at(a, 0, j), a.panel_stride, x, packed_at(w, 0, j), w.row_stride,
                   w.panel_stride, bias_at(bias, j), in, f);
    for (; j < out; j += NR) {
        float *z = packed_at(a, 0, j);
        const float *wj = packed_at(w, 0, j);
        if (out - j > 2 * VEC_LANES)
            row_chains(1, TILE_VECS, z, 0, x, wj, w.row_stride, 0, bias_at(bias, j), in, f);
        else if (out - j > VEC_LANES)
            row_chains(1, 2, z, 0, x, wj, w.row_stride, 0, bias_at(bias, j), in, f);
        else
            row_chains(1, 1, z, 0, x, wj, w.row_stride, 0, bias_at(bias, j), in, f);
    }
    for (j = 0; !is_rectifier(f) && j < out; j += NR) {
        float *slope = derivatives.data ? packed_at(derivatives, 0, j) : NULL;
        activate_in_place(packed_at(a, 0, j), 0, slope, 0, 1, round_up(least(out - j, NR), VEC_LANES), f);
    }
}

/* acc + W d for VEC_LANES rows and `lanes` columns of W, transposed in registers. Rows beyond `rows` count as 0. */
static ALWAYS_INLINE vec delta_square(vec acc, const float *d, const float *from, size_t ld, size_t rows,
                                      size_t lanes) {
    vec row[VEC_LANES];
    if (rows >= VEC_LANES && lanes == VEC_LANES) {
        for (size_t l = 0; l < VEC_LANES; l++)
            row[l] = vec_load(from + l * ld);
        vec_transpose(row);
        UNROLL_FOR (size_t l = 0; l < VEC_LANES; l++)
            acc = vec_fma(vec_set1(d[l]), row[l], acc);
        return acc;
    }
    for (size_t l = 0; l < VEC_LANES; l++)
        row[l] = l < rows ? load_some(from + l * ld, lanes) : vec_set1(0.0f);
    vec_transpose(row);
    for (size_t l = 0; l < lanes; l++)
        acc = vec_fma(vec_set1(d[l]), row[l], acc);
    return acc;
}

/* Sums for `vecs` vectors of W's rows from row i on. The last vector may be partial. */
static ALWAYS_INLINE void delta_chains(const size_t vecs, float *previous, bp_packed delta, bp_packed w, size_t i,
                                       size_t rows, size_t out) {
    vec acc[DELTA_VECS];
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        acc[v] = vec_set1(0.0f);
    size_t j = 0;
    for (; rows == vecs * VEC_LANES && j + LINE_COLUMNS <= out; j += LINE_COLUMNS) {
        const size_t at = j % NR;
        const float *d = packed_at(delta, 0, j - at) + at, *from = packed_at(w, i, j - at) + at;
        UNROLL_FOR (size_t v = 0; v < vecs; v++, from += VEC_LANES * w.row_stride) {
            for (size_t c = 0; c < LINE_COLUMNS; c += VEC_LANES)
                acc[v] = delta_square(acc[v], d + c, from + c, w.row_stride, VEC_LANES, VEC_LANES);
        }
    }
    for (; j < out; j += VEC_LANES) {
        const size_t lanes = least(out - j, VEC_LANES), at = j % NR;
        const float *d = packed_at(delta, 0, j - at) + at, *from = packed_at(w, i, j - at) + at;
        UNROLL_FOR (size_t v = 0; v < vecs; v++, from += VEC_LANES * w.row_stride)
            acc[v] = delta_square(acc[v], d, from, w.row_stride, rows - least(rows, v * VEC_LANES), lanes);
    }
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        vec_store(previous + v * VEC_LANES, acc[v]);
}

static void row_delta(bp_packed previous, bp_packed delta, bp_packed w, bp_packed previous_saved, size_t in, size_t out,
                      bp_derivative derivative) {
    for (size_t i = 0; i < in; i += DELTA_VECS * VEC_LANES) {
        float s[DELTA_VECS * VEC_LANES];
        const size_t rows = least(in - i, DELTA_VECS * VEC_LANES);
        if (rows > DELTA_VECS / 2 * VEC_LANES)
            delta_chains(DELTA_VECS, s, delta, w, i, rows, out);
        else if (rows > VEC_LANES)
            delta_chains(DELTA_VECS / 2, s, delta, w, i, rows, out);
        else
            delta_chains(1, s, delta, w, i, rows, out);
        for (size_t v = 0; v * VEC_LANES < rows; v++) {
            const size_t c = i + v * VEC_LANES, at = c % NR;
            vec slope = vec_load(s + v * VEC_LANES);
            if (derivative.kind != DERIVATIVE_ONE)
                slope = vec_mul(slope, vec_derivative(vec_load(packed_at(previous_saved, 0, c - at) + at), derivative));
            vec_store(packed_at(previous, 0, c - at) + at, slope);
        }
    }
}

/*
 * W -= learning_rate * outer product of x and delta, for a row-major part of W, row by row, `vecs` vectors at a time
 * and then one at a time.
 */
static ALWAYS_INLINE void outer_product_update(const size_t vecs, float *w, size_t ldw, const float *x,
                                               const float *delta, size_t in, size_t out, float learning_rate) {
    const vec zero = vec_set1(0.0f), r = vec_set1(learning_rate);
    for (size_t i = 0; i < in; i++) {
        const vec xi = vec_set1(x[i]);
        float *row = w + i * ldw;
        size_t j = 0;
        for (; vecs > 1 && j + vecs * VEC_LANES <= out; j += vecs * VEC_LANES) {
            UNROLL_FOR (size_t v = j; v < j + vecs * VEC_LANES; v += VEC_LANES)
                vec_store(row + v, vec_fnma(r, vec_fma(xi, vec_load(delta + v), zero), vec_load(row + v)));
        }
        for (; j + VEC_LANES <= out; j += VEC_LANES)
            vec_store(row + j, vec_fnma(r, vec_fma(xi, vec_load(delta + j), zero), vec_load(row + j)));
        if (j < out) {
            const vec g = vec_fma(xi, vec_load_first(delta + j, out - j), zero);
            vec_store_first(row + j, out - j, vec_fnma(r, g, vec_load_first(row + j, out - j)));
        }
    }
}

/* A part of W that begins a panel each way, by an optimizer. */
static void outer_product_optimizer(const bp_coefficients *update, float *w, size_t ldw, const float *x,
                                    const float *delta, size_t in, size_t out) {
    float gradient[NR * NR];
    for (size_t r = 0; r < in; r++)
        for (size_t c = 0; c < out; c += VEC_LANES)
            vec_store(gradient + r * NR + c, vec_fma(vec_set1(x[r]), vec_load(delta + c), vec_set1(0.0f)));
    apply_optimizer(update, ROLE_WEIGHTS, w, ldw, row_major(gradient, NR), in, out);
}

/* Updates W by the outer product of x and delta, a square at a time. */
static void row_update(const bp_coefficients *update, bp_packed w, bp_packed x, bp_packed delta, size_t in,
                       size_t out) {
    for (size_t j = 0; j < out; j += NR) {
        const size_t columns = round_up(least(out - j, NR), VEC_LANES);
        const float *d = packed_at(delta, 0, j);
        for (size_t i = 0; i < in; i += NR) {
            const size_t rows = least(in - i, NR);
            float *at = packed_at(w, i, j);
            const float *xi = packed_at(x, 0, i);
            if (!update->plain)
                outer_product_optimizer(update, at, w.row_stride, xi, d, rows, columns);
            else if (columns == NR) /* known to the compiler: delta stays in registers */
                outer_product_update(1, at, w.row_stride, xi, d, rows, NR, update->learning_rate);
            else
                outer_product_update(1, at, w.row_stride, xi, d, rows, columns, update->learning_rate);
        }
    }
}

#endif
