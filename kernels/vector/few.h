/*
 * Products of a batch of a few rows. Weights come from the second-level cache or beyond, so time is bytes: each weight
 * is read once for all rows, and a backward sweep reads and writes it once for the previous layer's deltas and the
 * update together. The deltas use the weights before the update, which a sweep still holds in registers; where the two
 * are apart, a block's deltas come first.
 *
 * Functions with a constant `rows` are compiled for each number of rows.
 */
#ifndef BP_VECTOR_FEW_H
#define BP_VECTOR_FEW_H

#include "vector/activation.h"
#include "vector/optimizer.h"
#include "vector/pack.h"

static inline const float *bias_at(const float *bias, size_t j) {
    return bias ? bias + j : NULL;
}

/* ---- Forward ---------------------------------------------------------------------------------------------------- */

/* a = x W + bias for `vecs` vectors of columns in each of `count` panel widths; padding is computed too. */
static ALWAYS_INLINE void few_chains(const size_t rows, const size_t count, const size_t vecs, bp_packed a, bp_packed x,
                                     bp_packed w, const float *bias, size_t in, bp_activation f) {
    vec acc[FORWARD_CHAINS];
    UNROLL_FOR (size_t g = 0; g < count; g++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++) {
            const vec first = bias ? vec_load(bias + g * NR + v * VEC_LANES) : vec_set1(0.0f);
            UNROLL_FOR (size_t n = 0; n < rows; n++)
                acc[(n * count + g) * vecs + v] = first;
        }
    }
    const float *wg[4];
    UNROLL_FOR (size_t g = 0; g < count; g++)
        wg[g] = w.data + g * w.panel_stride;
    size_t at = 0;
    for (size_t i = 0; i < in; i += NR) {
        const float *xi = packed_at(x, 0, i);
        const size_t end = least(in - i, NR);
        for (size_t k = 0; k < end; k++, at += w.row_stride) {
            vec xk[MR];
            UNROLL_FOR (size_t n = 0; n < rows; n++)
                xk[n] = vec_set1(xi[n * x.row_stride + k]);
            UNROLL_FOR (size_t g = 0; g < count; g++) {
                UNROLL_FOR (size_t v = 0; v < vecs; v++) {
                    const vec wk = vec_load(wg[g] + at + v * VEC_LANES);
                    UNROLL_FOR (size_t n = 0; n < rows; n++)
                        acc[(n * count + g) * vecs + v] = vec_fma(xk[n], wk, acc[(n * count + g) * vecs + v]);
                }
            }
        }
    }
    UNROLL_FOR (size_t n = 0; n < rows; n++) {
        UNROLL_FOR (size_t g = 0; g < count; g++) {
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                vec_store(a.data + n * a.row_stride + g * a.panel_stride + v * VEC_LANES,
                          vec_rectify(acc[(n * count + g) * vecs + v], f));
        }
    }
}

/* Columns of `count` panel widths at a time, from column j on; returns the first column that is left. */
static ALWAYS_INLINE size_t forward_columns(const size_t rows, const size_t count, bp_packed a, bp_packed x,
                                            bp_packed w, const float *bias, size_t in, size_t j, size_t out,
                                            bp_activation f) {
    for (; count <= MR / rows && j + count * NR <= out; j += count * NR)
        few_chains(rows, count, TILE_VECS, packed_part(a, 0, j), x, packed_part(w, 0, j), bias_at(bias, j), in, f);
    return j;
}

static ALWAYS_INLINE void forward_rows(const size_t rows, bp_packed a, bp_packed x, bp_packed w, const float *bias,
                                       size_t in, size_t out, bp_activation f) {
    size_t j = forward_columns(rows, 4, a, x, w, bias, in, 0, out, f);
    j = forward_columns(rows, 2, a, x, w, bias, in, j, out, f);
    for (; j < out; j += NR) {
        const bp_packed aj = packed_part(a, 0, j), wj = packed_part(w, 0, j);
        const size_t vecs = least((out - j + VEC_LANES - 1) / VEC_LANES, TILE_VECS);
        if (vecs == 1)
            few_chains(rows, 1, 1, aj, x, wj, bias_at(bias, j), in, f);
        else if (vecs == 2)
            few_chains(rows, 1, 2, aj, x, wj, bias_at(bias, j), in, f);
        else if (vecs < TILE_VECS)
            few_chains(rows, 1, TILE_VECS - 1, aj, x, wj, bias_at(bias, j), in, f);
        else
            few_chains(rows, 1, TILE_VECS, aj, x, wj, bias_at(bias, j), in, f);
    }
}

_Static_assert(TILE_VECS <= 4, "forward_rows has code for each number of vectors");

/* Whether few_forward takes so many rows: it runs at least two panel widths at a time, else tiles are as fast. */
static inline bool few_go_forward(size_t rows) {
    return 2 * rows <= MR;
}

static void few_forward(size_t rows, bp_packed a, bp_packed x, bp_packed w, const float *bias, size_t in, size_t out,
                        bp_activation f) {
    /* clang-format off */
    switch (rows) {
    case 1: forward_rows(1, a, x, w, bias, in, out, f); break;
    case 2: forward_rows(2, a, x, w, bias, in, out, f); break;
    case 3: forward_rows(3, a, x, w, bias, in, out, f); break;
    case 4: forward_rows(4, a, x, w, bias, in, out, f); break;
    case 5: forward_rows(5, a, x, w, bias, in, out, f); break;
    case 6: forward_rows(6, a, x, w, bias, in, out, f); break;
    }
    /* clang-format on */
}

/* ---- Backward --------------------------------------------------------------------------------------------------- */

/* W [in x out], and what a backward sweep reads and writes with it. */
typedef struct few_operands {
    size_t rows, in, out;
    bp_packed previous; /* data null: only the update */
    bp_packed delta;    /* its rows are NR apart, or it is one */
    bp_packed w;
    bp_packed saved; /* the previous layer's, for `derivative` */
    bp_derivative derivative;
    const bp_coefficients *update; /* null: only the deltas */
    bp_packed x;                   /* the inputs, for the update */
    bool padded;                   /* rows of W and delta are padded to whole vectors */
} few_operands;

/* Rows of W that a sweep takes at a time. */
#define SWEEP_ROWS (SWEEP_PANEL_COUNT * NR)
#define SWEEP_VECS (SWEEP_PANEL_COUNT * TILE_VECS)

/*
 * sums[n] += W d[n], for VEC_LANES rows and columns of W at `w`, transposed in registers. If `updates`, then
 * W -= learning_rate x^T d there, and the same square `next` elements on is asked for, to be written soon.
 */
static ALWAYS_INLINE void whole_square(const size_t rows, const bool updates, vec *sums, const float *d, float *w,
                                       size_t ld, const float *x, vec learning_rate, size_t next) {
    vec s[FEW_ROWS], r[VEC_LANES], dn[FEW_ROWS];
    UNROLL_FOR (size_t n = 0; n < rows; n++) {
        s[n] = sums[n];
        dn[n] = vec_load(d + n * NR);
    }
    UNROLL_FOR (size_t l = 0; l < VEC_LANES; l += 4) {
        __asm__("" : "+r"(w)); /* the compiler would keep an address for each row, in memory */
        UNROLL_FOR (size_t k = 0; k < 4; k++) {
            r[l + k] = vec_load(w + k * ld);
            if (updates) {
                __builtin_prefetch(w + k * ld + next, 1);
                vec g = vec_set1(0.0f);
                UNROLL_FOR (size_t n = 0; n < rows; n++)
                    g = vec_fma(vec_set1(x[n * SWEEP_ROWS + l + k]), dn[n], g);
                vec_store(w + k * ld, vec_fnma(learning_rate, g, r[l + k]));
            }
        }
        w += 4 * ld;
    }
    vec_transpose(r);
    UNROLL_FOR (size_t l = 0; l < VEC_LANES; l++) {
        UNROLL_FOR (size_t n = 0; n < rows; n++)
            s[n] = vec_fma(vec_set1(d[n * NR + l]), r[l], s[n]);
    }
    UNROLL_FOR (size_t n = 0; n < rows; n++)
        sums[n] = s[n];
}

/* The same for fewer rows or columns, without an update. */
KEEP_APART void part_of_square(size_t rows, vec *sums, const float *d, const float *w, size_t ld, size_t w_rows,
                               size_t columns) {
    float transposed[VEC_LANES * VEC_LANES];
    pack_columns(transposed, VEC_LANES, w, ld, columns, w_rows);
    for (size_t n = 0; n < rows; n++)
        for (size_t l = 0; l < columns; l++)
            sums[n] = vec_fma(vec_set1(d[n * NR + l]), vec_load(transposed + l * VEC_LANES), sums[n]);
}

/* The same for a block of W, up to SWEEP_ROWS x NR. With an update it is whole. */
static ALWAYS_INLINE void block_squares(const size_t rows, const bool updates, vec *sums, const float *d, float *w,
                                        size_t ld, const float *x, float learning_rate, size_t w_rows, size_t columns,
                                        size_t next) {
    const vec rate = vec_set1(learning_rate);
    for (size_t c = 0; c < columns; c += VEC_LANES)
        for (size_t r = 0; r < w_rows; r += VEC_LANES) {
            vec *const s = sums + r / VEC_LANES * rows;
            float *const at = w + r * ld + c;
            if (w_rows - r >= VEC_LANES && columns - c >= VEC_LANES)
                whole_square(rows, updates, s, d + c, at, ld, updates ? x + r : NULL, rate, next);
            else
                part_of_square(rows, s, d + c, at, ld, least(w_rows - r, VEC_LANES), least(columns - c, VEC_LANES));
        }
}

/* The gradient x^T d of `w_rows` rows and some vectors of W: stored at `to`, or W there is updated by it. */
static ALWAYS_INLINE void gradient_strip(const size_t rows, const size_t vecs, const bp_coefficients *update, float *to,
                                         size_t ld, const float *x, const float *d, size_t w_rows, size_t lanes) {
    vec dn[FEW_ROWS * TILE_VECS];
    const vec learning_rate = vec_set1(update ? update->learning_rate : 0.0f);
    UNROLL_FOR (size_t n = 0; n < rows; n++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            dn[n * vecs + v] = load_some(d + n * NR + v * VEC_LANES, lanes);
    }
    for (size_t i = 0; i < w_rows; i++, to += ld) {
        vec g[TILE_VECS];
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            g[v] = vec_set1(0.0f);
        UNROLL_FOR (size_t n = 0; n < rows; n++) {
            const vec xi = vec_set1(x[n * SWEEP_ROWS + i]);
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                g[v] = vec_fma(xi, dn[n * vecs + v], g[v]);
        }
        UNROLL_FOR (size_t v = 0; v < vecs; v++) {
            if (update)
                g[v] = vec_fnma(learning_rate, g[v], load_some(to + v * VEC_LANES, lanes));
            store_some(to + v * VEC_LANES, lanes, g[v]);
        }
    }
}

/* The same for up to a panel of columns, as many vectors at a time as registers hold deltas of. */
static ALWAYS_INLINE void block_gradient(const size_t rows, const bp_coefficients *update, float *to, size_t ld,
                                         const float *x, const float *d, size_t w_rows, size_t columns) {
    const size_t most = STRIP_VECS / rows;
    const size_t vecs = most >= TILE_VECS ? TILE_VECS : most >= 2 ? 2 : 1;
    size_t c = 0;
    for (; c + vecs * VEC_LANES <= columns; c += vecs * VEC_LANES)
        gradient_strip(rows, vecs, update, to + c, ld, x, d + c, w_rows, VEC_LANES);
    for (; c < columns; c += VEC_LANES)
        gradient_strip(rows, 1, update, to + c, ld, x, d + c, w_rows, least(columns - c, VEC_LANES));
}

/* What is done with a block of W. */
typedef enum few_task { FEW_SWEEP, FEW_DELTAS, FEW_GRADIENT } few_task;

static ALWAYS_INLINE void block_task(const size_t rows, const few_task task, vec *sums, const bp_coefficients *update,
                                     float *w, size_t ld, const float *x, const float *d, size_t w_rows, size_t columns,
                                     size_t next) {
    if (rows > FEW_ROWS || (task == FEW_SWEEP && rows > SWEEP_MOST)) /* no code for it */
        return;
    if (task == FEW_GRADIENT)
        block_gradient(rows, update, w, ld, x, d, w_rows, columns);
    else
        block_squares(rows, task == FEW_SWEEP, sums, d, w, ld, x, update ? update->learning_rate : 0.0f, w_rows,
                      columns, next);
}

/* One copy of the code for each number of rows: sums and deltas stay in registers. */
static ALWAYS_INLINE void block_of_rows(size_t rows, const few_task task, vec *sums, const bp_coefficients *update,
                                        float *w, size_t ld, const float *x, const float *d, size_t w_rows,
                                        size_t columns, size_t next) {
    /* clang-format off */
    switch (rows) {
    case 1: block_task(1, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 2: block_task(2, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 3: block_task(3, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 4: block_task(4, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 5: block_task(5, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 6: block_task(6, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 7: block_task(7, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 8: block_task(8, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 9: block_task(9, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 10: block_task(10, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 11: block_task(11, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 12: block_task(12, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 13: block_task(13, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 14: block_task(14, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 15: block_task(15, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    case 16: block_task(16, task, sums, update, w, ld, x, d, w_rows, columns, next); break;
    }
    /* clang-format on */
}

/* The sums and the update of a whole block. */
KEEP_APART void few_sweep(const few_operands *o, vec *sums, float *w, const float *x, const float *d, size_t next) {
    block_of_rows(o->rows, FEW_SWEEP, sums, o->update, w, o->w.row_stride, x, d, SWEEP_ROWS, NR, next);
}

KEEP_APART void few_deltas(const few_operands *o, vec *sums, float *w, const float *d, size_t w_rows, size_t columns) {
    block_of_rows(o->rows, FEW_DELTAS, sums, NULL, w, o->w.row_stride, NULL, d, w_rows, columns, 0);
}

KEEP_APART void few_gradient(size_t rows, const bp_coefficients *update, float *to, size_t ld, const float *x,
                             const float *d, size_t w_rows, size_t columns) {
    block_of_rows(rows, FEW_GRADIENT, NULL, update, to, ld, x, d, w_rows, columns, 0);
}

/* Updates the part of W at `w`, up to SWEEP_ROWS x NR. */
static void update_block(const few_operands *o, float *w, const float *x, const float *d, size_t w_rows,
                         size_t columns) {
    if (o->update->plain) {
        few_gradient(o->rows, o->update, w, o->w.row_stride, x, d, w_rows, columns);
        return;
    }
    float gradient[SMALL_OPTIMIZER_ROWS * NR];
    for (size_t r = 0; r < w_rows; r += SMALL_OPTIMIZER_ROWS) {
        const size_t count = least(w_rows - r, SMALL_OPTIMIZER_ROWS);
        few_gradient(o->rows, NULL, gradient, NR, x + r, d, count, columns);
        apply_optimizer(o->update, ROLE_WEIGHTS, w + r * o->w.row_stride, o->w.row_stride, row_major(gradient, NR),
                        count, columns);
    }
}

/* The sums of `w_rows` rows of W, multiplied by f', are the previous layer's deltas from column i on. */
static void store_deltas(const few_operands *o, size_t i, const vec *sums, size_t w_rows) {
    for (size_t r = 0; r < w_rows; r += VEC_LANES)
        for (size_t n = 0; n < o->rows; n++) {
            vec s = *sums++;
            if (o->derivative.kind != DERIVATIVE_ONE)
                s = vec_mul(s, vec_derivative(vec_load(element_of(o->saved, n, i + r)), o->derivative));
            vec_store(element_of(o->previous, n, i + r), s);
        }
}

/* The inputs from column i on, rows SWEEP_ROWS apart; in `copy`, unless it is a single contiguous row. */
static const float *few_inputs(const few_operands *o, size_t i, size_t w_rows, float *copy) {
    if (o->rows == 1 && o->x.panel_stride == NR)
        return o->x.data + i;
    for (size_t r = 0; r < w_rows; r += NR)
        pack_rows(copy + r, SWEEP_ROWS, packed_at(o->x, 0, i + r), o->x.row_stride, o->rows, least(w_rows - r, NR));
    return copy;
}

/* A sum over a row of W goes on from panel to panel; the panel is updated as soon as it has been used. */
static void few_backward(const few_operands *o) {
    const bool deltas = o->previous.data, sweeps = deltas && o->update && o->update->plain && o->rows <= SWEEP_MOST;
    float copy[FEW_ROWS * SWEEP_ROWS];
    vec sums[SWEEP_VECS * FEW_ROWS];
    for (size_t i = 0; i < o->in; i += SWEEP_ROWS) {
        const size_t w_rows = least(o->in - i, SWEEP_ROWS);
        const float *x = o->update ? few_inputs(o, i, w_rows, copy) : NULL;
        for (size_t k = 0; deltas && k < SWEEP_VECS * o->rows; k++)
            sums[k] = vec_set1(0.0f);
        for (size_t j = 0; j < o->out; j += NR) {
            const size_t columns = least(o->out - j, NR), whole = o->padded ? round_up(columns, VEC_LANES) : columns;
            const float *d = packed_at(o->delta, 0, j);
            float *w = packed_at(o->w, i, j);
            if (sweeps && w_rows == SWEEP_ROWS && columns == NR) {
                few_sweep(o, sums, w, x, d, j + 2 * NR <= o->out ? o->w.panel_stride : 0);
                continue;
            }
            if (deltas)
                few_deltas(o, sums, w, d, w_rows, columns);
            if (o->update)
                update_block(o, w, x, d, w_rows, whole);
        }
        if (deltas)
            store_deltas(o, i, sums, w_rows);
    }
}

#endif
