/*
 * Products of a batch of one row. Nothing is used twice, so all that matters is that W streams through once, with
 * enough chains at the same time to hide the latency of each.
 */
#ifndef BP_VECTOR_ROW_H
#define BP_VECTOR_ROW_H

#include "vector/product.h"

/* Panels of columns whose chains run together. */
#define ROW_PANELS 4

/* a = x W + bias over `panels` panels of columns; the vectors of the last one beyond the columns are computed too. */
static ALWAYS_INLINE void row_chains(const size_t panels, const size_t vecs, float *a, size_t a_panel, bp_panels x,
                                     const float *w, size_t w_row, size_t w_panel, const float *bias, size_t in,
                                     bp_activation activation) {
    vec acc[ROW_PANELS * TILE_VECS];
    UNROLL_FOR (size_t g = 0; g < panels; g++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            acc[g * vecs + v] = bias ? vec_load(bias + g * TILE_COLUMNS + v * VEC_LANES) : vec_set1(0.0f);
    }
    for (size_t i = 0; i < in; i += TILE_COLUMNS) {
        const float *xi = panel_at(x, 0, i);
        const size_t end = least(in - i, TILE_COLUMNS);
        for (size_t k = 0; k < end; k++, w += w_row) {
            const vec xk = vec_set1(xi[k]);
            UNROLL_FOR (size_t g = 0; g < panels; g++) {
                UNROLL_FOR (size_t v = 0; v < vecs; v++)
                    acc[g * vecs + v] = vec_fma(xk, vec_load(w + g * w_panel + v * VEC_LANES), acc[g * vecs + v]);
            }
        }
    }
    UNROLL_FOR (size_t g = 0; g < panels; g++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            vec_store(a + g * a_panel + v * VEC_LANES, vec_rectify(acc[g * vecs + v], activation));
    }
}

static inline const float *bias_at(const float *bias, size_t j) {
    return bias ? bias + j : NULL;
}

static void row_forward(bp_panels a, bp_panels slopes, bp_panels x, bp_panels w, const float *bias, size_t in,
                        size_t out, bp_activation f) {
    size_t j = 0;
    for (; j + ROW_PANELS * TILE_COLUMNS <= out; j += ROW_PANELS * TILE_COLUMNS)
        row_chains(ROW_PANELS, TILE_VECS, panel_at(a, 0, j), a.panel, x, panel_at(w, 0, j), w.row, w.panel,
                   bias_at(bias, j), in, f);
    for (; j < out; j += TILE_COLUMNS) {
        float *z = panel_at(a, 0, j);
        const float *wj = panel_at(w, 0, j);
        if (out - j > 2 * VEC_LANES)
            row_chains(1, TILE_VECS, z, 0, x, wj, w.row, 0, bias_at(bias, j), in, f);
        else if (out - j > VEC_LANES)
            row_chains(1, 2, z, 0, x, wj, w.row, 0, bias_at(bias, j), in, f);
        else
            row_chains(1, 1, z, 0, x, wj, w.row, 0, bias_at(bias, j), in, f);
    }
    for (j = 0; !is_rectifier(f) && j < out; j += TILE_COLUMNS) {
        float *slope = slopes.at ? panel_at(slopes, 0, j) : NULL;
        activate_in_place(panel_at(a, 0, j), 0, slope, 0, 1, round_up(least(out - j, TILE_COLUMNS), VEC_LANES), f);
    }
}

/* Vectors of W's rows whose chains run together: enough of them to hide the latency of a multiply-add. */
#define DELTA_VECS (32 / VEC_LANES)

/* Columns of a cache line, all used while it is there: rows a power of two apart fall on few sets of the cache. */
#define LINE_COLUMNS (TILE_COLUMNS % 16 == 0 ? 16 : VEC_LANES)

/* acc + W d for VEC_LANES of W's rows and `lanes` of its columns, transposed in registers; rows beyond `rows` are 0. */
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

/* Sums for `vecs` vectors of W's rows from row i on, of which the last may have fewer than all of its rows. */
static ALWAYS_INLINE void delta_chains(const size_t vecs, float *below, bp_panels delta, bp_panels w, size_t i,
                                       size_t rows, size_t out) {
    vec acc[DELTA_VECS];
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        acc[v] = vec_set1(0.0f);
    size_t j = 0;
    for (; rows == vecs * VEC_LANES && j + LINE_COLUMNS <= out; j += LINE_COLUMNS) {
        const size_t at = j % TILE_COLUMNS;
        const float *d = panel_at(delta, 0, j - at) + at, *from = panel_at(w, i, j - at) + at;
        UNROLL_FOR (size_t v = 0; v < vecs; v++, from += VEC_LANES * w.row) {
            for (size_t c = 0; c < LINE_COLUMNS; c += VEC_LANES)
                acc[v] = delta_square(acc[v], d + c, from + c, w.row, VEC_LANES, VEC_LANES);
        }
    }
    for (; j < out; j += VEC_LANES) {
        const size_t lanes = least(out - j, VEC_LANES), at = j % TILE_COLUMNS;
        const float *d = panel_at(delta, 0, j - at) + at, *from = panel_at(w, i, j - at) + at;
        UNROLL_FOR (size_t v = 0; v < vecs; v++, from += VEC_LANES * w.row)
            acc[v] = delta_square(acc[v], d, from, w.row, rows - least(rows, v * VEC_LANES), lanes);
    }
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        vec_store(below + v * VEC_LANES, acc[v]);
}

static void row_delta(bp_panels below, bp_panels delta, bp_panels w, bp_panels a_below, size_t in, size_t out,
                      bp_activation activation) {
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
            const size_t c = i + v * VEC_LANES, at = c % TILE_COLUMNS;
            vec slope = vec_load(s + v * VEC_LANES);
            if (activation.kind != BP_IDENTITY)
                slope = vec_mul(slope, vec_derivative(vec_load(panel_at(a_below, 0, c - at) + at), activation));
            vec_store(panel_at(below, 0, c - at) + at, slope);
        }
    }
}

/* W less rate times the outer product of x and delta, for a row-major part of W: row after row, once through. */
static ALWAYS_INLINE void outer_product_update(float *w, size_t ldw, const float *x, const float *delta, size_t in,
                                               size_t out, float rate) {
    const vec zero = vec_set1(0.0f), r = vec_set1(rate);
    for (size_t i = 0; i < in; i++) {
        const vec xi = vec_set1(x[i]);
        float *row = w + i * ldw;
        size_t j = 0;
        for (; j + VEC_LANES <= out; j += VEC_LANES)
            vec_store(row + j, vec_fnma(r, vec_fma(xi, vec_load(delta + j), zero), vec_load(row + j)));
        if (j < out) {
            const vec g = vec_fma(xi, vec_load_first(delta + j, out - j), zero);
            vec_store_first(row + j, out - j, vec_fnma(r, g, vec_load_first(row + j, out - j)));
        }
    }
}

static void row_update(bp_panels w, bp_panels x, bp_panels delta, size_t in, size_t out, float rate) {
    for (size_t j = 0; j < out; j += TILE_COLUMNS) {
        const size_t columns = round_up(least(out - j, TILE_COLUMNS), VEC_LANES);
        const float *d = panel_at(delta, 0, j);
        for (size_t i = 0; i < in; i += TILE_COLUMNS) {
            const size_t rows = least(in - i, TILE_COLUMNS);
            if (columns == TILE_COLUMNS) /* known to the compiler: delta stays in registers */
                outer_product_update(panel_at(w, i, j), w.row, panel_at(x, 0, i), d, rows, TILE_COLUMNS, rate);
            else
                outer_product_update(panel_at(w, i, j), w.row, panel_at(x, 0, i), d, rows, columns, rate);
        }
    }
}

/* bias_gradient for one row, without its stages: a tiny network feels them. */
static void row_bias_update(float *biases, bp_panels delta, size_t out, float rate) {
    for (size_t j = 0; j < out; j += VEC_LANES) {
        const size_t at = j % TILE_COLUMNS;
        const vec sum = vec_add(vec_set1(0.0f), vec_load(panel_at(delta, 0, j - at) + at));
        vec_store(biases + j, vec_fnma(vec_set1(rate), sum, vec_load(biases + j)));
    }
}

/* The same by an optimizer: gradients of a square of W at a time, then its step. */
static void row_rule(const bp_rule *rule, bp_panels w, bp_panels x, bp_panels delta, size_t in, size_t out) {
    float gradient[TILE_COLUMNS * TILE_COLUMNS];
    for (size_t j = 0; j < out; j += TILE_COLUMNS) {
        const size_t columns = round_up(least(out - j, TILE_COLUMNS), VEC_LANES);
        const float *d = panel_at(delta, 0, j);
        for (size_t i = 0; i < in; i += TILE_COLUMNS) {
            const size_t rows = least(in - i, TILE_COLUMNS);
            const float *xi = panel_at(x, 0, i);
            for (size_t r = 0; r < rows; r++)
                for (size_t c = 0; c < columns; c += VEC_LANES) {
                    const vec g = vec_fma(vec_set1(xi[r]), vec_load(d + c), vec_set1(0.0f));
                    vec_store(gradient + r * TILE_COLUMNS + c, g);
                }
            apply_rule(rule, RULE_WEIGHTS, panel_at(w, i, j), w.row, row_major(gradient, TILE_COLUMNS), rows, columns);
        }
    }
}

static void row_bias_rule(const bp_rule *rule, float *biases, bp_panels delta, size_t out) {
    float gradient[TILE_COLUMNS];
    for (size_t j = 0; j < out; j += TILE_COLUMNS) {
        const size_t columns = round_up(least(out - j, TILE_COLUMNS), VEC_LANES);
        for (size_t c = 0; c < columns; c += VEC_LANES)
            vec_store(gradient + c, vec_add(vec_set1(0.0f), vec_load(panel_at(delta, 0, j) + c)));
        apply_rule(rule, RULE_OTHERS, biases + j, 0, row_major(gradient, 0), 1, columns);
    }
}

static void row_forward_all(const bp_dense_layer *layers, size_t count, bp_panels x) {
    for (const bp_dense_layer *k = layers; k < layers + count; x = k++->outputs)
        row_forward(k->outputs, kept_slopes(k), x, k->weights, k->biases, k->in, k->out, k->activation);
}

static void row_backward_all(const bp_dense_layer *layers, size_t count, bp_panels x, float rate, const bp_rule *rule) {
    for (size_t l = count; l-- > 0;) {
        const bp_dense_layer *k = &layers[l];
        if (l > 0)
            row_delta(k[-1].deltas, k->deltas, k->weights, k[-1].kept, k->in, k->out, k[-1].kept_as);
        if (rule) {
            row_bias_rule(rule, k->biases, k->deltas, k->out);
            row_rule(rule, k->weights, l > 0 ? k[-1].outputs : x, k->deltas, k->in, k->out);
            continue;
        }
        row_bias_update(k->biases, k->deltas, k->out, rate);
        row_update(k->weights, l > 0 ? k[-1].outputs : x, k->deltas, k->in, k->out, rate);
    }
}

#endif
