/*
 * The register tile (micro-kernel): a small matrix of results, each one chain of fused multiply-adds that stays in a
 * register.
 *
 * One tile serves the three products of a dense layer. It loads what its chains begin with: zero, the bias, or the
 * results of earlier blocks. The loop runs over a range of the depth k: it broadcasts one value of A and multiplies it
 * by TILE_VECS vectors of B. The epilogue stores what the product asks for. Each SIMD lane holds a result of its own,
 * so neither the vector's width nor the tile's shape changes a bit.
 *
 * May know: vectors, activations, prefetch streams; not which product it computes, nor the blocks. Before
 * inclusion: a vec_ header and a tuning.h.
 */
#ifndef BP_TILE_H
#define BP_TILE_H

#include <stdbool.h>
#include <stddef.h>

#include "coefficients.h"
#include "vector/activation.h"
#include "vector/pack.h"
#include "vector/prefetch.h"

typedef enum epilogue_kind {
    EPILOGUE_STORE,
    EPILOGUE_ACTIVATION,
    EPILOGUE_DERIVATIVE, /* times f', computed from the saved values */
    EPILOGUE_SGD,        /* C are weights, less the learning rate times the results */
    EPILOGUE_OPTIMIZER   /* the tile stores; gemm.h does the optimizer's step on the gradient */
} epilogue_kind;

/* What becomes of the results of a product. */
typedef struct gemm_epilogue {
    epilogue_kind kind;
    bp_activation activation;      /* EPILOGUE_ACTIVATION */
    bp_packed derivatives;         /* receives the activation's; data null: none. Padded matrices only */
    bp_derivative derivative;      /* EPILOGUE_DERIVATIVE */
    bp_packed saved;               /* what it is computed from */
    const bp_coefficients *update; /* EPILOGUE_SGD, EPILOGUE_OPTIMIZER */
} gemm_epilogue;

/*
 * The left operand, from the first row of the next tile on.
 *
 *       A = X, packed: its rows                          A = X transposed: its rows are X's columns
 *
 *              k -> NR steps   NR steps                         r -> NR rows      NR rows
 *        r   at: x x x x       x x x x                    k   at: x x x x         x x x x
 *        |       x x x x       x x x x                    |       x x x x         x x x x
 *        v       x x x x       x x x x                    v       x x x x         x x x x
 *
 *   row_stride   to the next row of X                     1
 *   border_skip  0                                        besides, where the next row lies in the next panel
 *   k_stride     1                                        to the next row of X
 *   k_panel      to the next panel, after NR steps        NR * k_stride
 */
typedef struct lhs_cursor {
    const float *at;
    size_t row_stride, border_skip, k_stride, k_panel;
    size_t row_in_panel; /* of `at`, if there is a border_skip */
} lhs_cursor;

/* What a tile reads and writes. Pointers are at its first element; each tile advances them to the next rows. */
typedef struct tile_operands {
    lhs_cursor a;
    const float *b; /* B(k, j) = b[k * b_k + j], in whole vectors */
    size_t b_k;
    size_t depth;
    float *c; /* results; EPILOGUE_SGD: the weights, which are read too */
    size_t ldc;
    const float *first; /* what the chains begin with */
    size_t ld_first;    /* 0: the same in every row */
    const float *sums;  /* of earlier chains, which are added; null: none */
    size_t ld_sums;
    const float *saved; /* EPILOGUE_DERIVATIVE */
    size_t ld_saved;
    prefetches *prefetches; /* or null */
} tile_operands;

/* The addresses of the tile's rows of A; advances to the next rows. */
static ALWAYS_INLINE void lhs_rows(const size_t rows, const float **a, lhs_cursor *p) {
    const size_t left = NR - p->row_in_panel; /* rows up to the border of the panel */
    if (left >= rows) {
        UNROLL_FOR (size_t r = 0; r < rows; r++)
            a[r] = p->at + r * p->row_stride;
    } else {
        UNROLL_FOR (size_t r = 0; r < rows; r++)
            a[r] = p->at + r * p->row_stride + (r < left ? 0 : p->border_skip);
    }
    p->at += rows * p->row_stride + (left <= rows ? p->border_skip : 0);
    p->row_in_panel = left <= rows ? rows - left : p->row_in_panel + rows;
}

static ALWAYS_INLINE void tile_begin(const size_t rows, const size_t vecs, vec *acc, const tile_operands *p) {
    if (p->ld_first > 0) {
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                acc[r * vecs + v] = vec_load(p->first + r * p->ld_first + v * VEC_LANES);
        }
        return;
    }
    UNROLL_FOR (size_t v = 0; v < vecs; v++) {
        const vec first = vec_load(p->first + v * VEC_LANES);
        UNROLL_FOR (size_t r = 0; r < rows; r++)
            acc[r * vecs + v] = first;
    }
}

/* One step of the depth: a column of A times a row of B. */
static ALWAYS_INLINE void tile_step(const size_t rows, const size_t vecs, vec *acc, const float *const *a, size_t k,
                                    const float *b) {
    vec bv[TILE_VECS];
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        bv[v] = vec_load(b + v * VEC_LANES);
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        const vec ar = vec_set1(a[r][k]);
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            acc[r * vecs + v] = vec_fma(ar, bv[v], acc[r * vecs + v]);
    }
}

/* `steps` of the depth, from B's row b and the columns of A at offset k on; returns the next row of B. */
static ALWAYS_INLINE const float *tile_steps(const size_t rows, const size_t vecs, vec *acc, const float *const *a,
                                             size_t k, const float *b, const tile_operands *p, size_t steps) {
    const size_t k_stride = p->a.k_stride, b_k = p->b_k;
    for (size_t n = steps / TILE_UNROLL; n > 0; n--)
        UNROLL_FOR (size_t u = 0; u < TILE_UNROLL; u++, k += k_stride, b += b_k)
            tile_step(rows, vecs, acc, a, k, b);
    for (size_t n = steps % TILE_UNROLL; n > 0; n--, k += k_stride, b += b_k)
        tile_step(rows, vecs, acc, a, k, b);
    return b;
}

/*
 * The first `depth` steps, panel by panel, since A is packed so. Where a step is short, a whole panel has a loop of its
 * own, with a constant number of steps.
 */
static ALWAYS_INLINE void tile_multiply(const size_t rows, const size_t vecs, vec *acc, const float *const *a,
                                        const tile_operands *p, size_t depth) {
    const float *b = p->b;
    for (size_t k = 0, steps; depth > 0; depth -= steps, k += p->a.k_panel) {
        steps = least(depth, NR);
        if (p->prefetches)
            prefetch_iteration(p->prefetches);
        if (TILE_UNROLL == 1 && steps == NR)
            b = tile_steps(rows, vecs, acc, a, k, b, p, NR);
        else
            b = tile_steps(rows, vecs, acc, a, k, b, p, steps);
    }
}

/*
 * The last `tail` steps and the epilogue, row by row. If all rows were stored after the last step, stores that wait for
 * it would fill the processor's queues, and the next tile could not begin.
 */
static ALWAYS_INLINE void tile_tail(const size_t rows, const size_t vecs, const size_t tail, vec *acc,
                                    const float *const *a, const epilogue_kind kind, const gemm_epilogue *e,
                                    const tile_operands *p) {
    const float *b[TILE_TAIL + 1];
    size_t k[TILE_TAIL + 1];
    UNROLL_FOR (size_t t = 0; t < tail; t++) {
        const size_t step = p->depth - tail + t;
        k[t] = step / NR * p->a.k_panel + step % NR * p->a.k_stride;
        b[t] = p->b + step * p->b_k;
    }
    /* Copies: the compiler cannot know that the stores do not change them. */
    const bp_activation activation = e->activation;
    const bp_derivative derivative = e->derivative;
    const vec learning_rate = vec_set1(kind == EPILOGUE_SGD ? e->update->learning_rate : 0.0f);
    const bool adds = p->sums != NULL;
    const float *sums = adds ? p->sums : p->c, *saved = p->saved;
    float *c = p->c;
    const size_t ldc = p->ldc, ld_sums = p->ld_sums, ld_saved = p->ld_saved;
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        vec *const row = acc + r * vecs;
        UNROLL_FOR (size_t t = 0; t < tail; t++) {
            const vec ar = vec_set1(a[r][k[t]]);
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                row[v] = vec_fma(ar, vec_load(b[t] + v * VEC_LANES), row[v]);
        }
        if (adds) {
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                row[v] = vec_add(vec_load(sums + v * VEC_LANES), row[v]);
        }
        sums += ld_sums;
        UNROLL_FOR (size_t v = 0; v < vecs; v++) {
            if (kind == EPILOGUE_SGD)
                row[v] = vec_fnma(learning_rate, row[v], vec_load(c + v * VEC_LANES));
            else if (kind == EPILOGUE_ACTIVATION)
                row[v] = vec_rectify(row[v], activation);
            else if (kind == EPILOGUE_DERIVATIVE)
                row[v] = vec_mul(row[v], vec_derivative(vec_load(saved + v * VEC_LANES), derivative));
        }
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            vec_store(c + v * VEC_LANES, row[v]);
        c += ldc;
        if (kind == EPILOGUE_DERIVATIVE)
            saved += ld_saved;
    }
}

/* Advances to the rows after `rows`. */
static ALWAYS_INLINE void next_rows(tile_operands *p, size_t rows) {
    p->c += rows * p->ldc;
    p->first += rows * p->ld_first;
    p->sums = p->sums ? p->sums + rows * p->ld_sums : NULL;
    p->saved = p->saved ? p->saved + rows * p->ld_saved : NULL;
}

/* Rows of a tile. Narrow ones are taller, to have enough chains at once. */
static ALWAYS_INLINE size_t tile_height(size_t columns) {
    return TILE_HEIGHT((columns + VEC_LANES - 1) / VEC_LANES);
}

/* `count` tiles of consecutive rows. */
static ALWAYS_INLINE void tile(const size_t rows, const size_t vecs, const gemm_epilogue *e, tile_operands *p,
                               size_t count) {
    const size_t tail = rows > 1 ? TILE_TAIL : 0;
    if (rows > tile_height(vecs * VEC_LANES)) /* no code for it */
        return;
    for (; count > 0; count--) {
        const float *a[TILE_ROWS_MAX];
        vec acc[TILE_ROWS_MAX * TILE_VECS];
        lhs_rows(rows, a, &p->a);
        tile_begin(rows, vecs, acc, p);
        tile_multiply(rows, vecs, acc, a, p, p->depth - tail);
        if (e->kind == EPILOGUE_SGD)
            tile_tail(rows, vecs, tail, acc, a, EPILOGUE_SGD, e, p);
        else if (e->kind == EPILOGUE_ACTIVATION)
            tile_tail(rows, vecs, tail, acc, a, EPILOGUE_ACTIVATION, e, p);
        else if (e->kind == EPILOGUE_DERIVATIVE)
            tile_tail(rows, vecs, tail, acc, a, EPILOGUE_DERIVATIVE, e, p);
        else
            tile_tail(rows, vecs, tail, acc, a, EPILOGUE_STORE, e, p);
        next_rows(p, rows);
    }
}

/* One copy of the tile for each number of rows: no row is computed for nothing. */
static ALWAYS_INLINE void tiles_of_vecs(size_t rows, const size_t vecs, const gemm_epilogue *e, tile_operands *p,
                                        size_t count) {
    if (p->depth < TILE_TAIL) { /* single rows have no tail */
        count *= rows;
        rows = 1;
    }
    /* clang-format off */
    switch (rows) {
    case 1: tile(1, vecs, e, p, count); break;
    case 2: tile(2, vecs, e, p, count); break;
    case 3: tile(3, vecs, e, p, count); break;
    case 4: tile(4, vecs, e, p, count); break;
    case 5: tile(5, vecs, e, p, count); break;
    case 6: tile(6, vecs, e, p, count); break;
    case 7: tile(7, vecs, e, p, count); break;
    case 8: tile(8, vecs, e, p, count); break;
    case 9: tile(9, vecs, e, p, count); break;
    case 10: tile(10, vecs, e, p, count); break;
    case 11: tile(11, vecs, e, p, count); break;
    case 12: tile(12, vecs, e, p, count); break;
    }
    /* clang-format on */
}

/* A function for each width: in one for all, the compiler would run out of registers for the addresses. */
KEEP_APART void tiles_of_1(size_t rows, const gemm_epilogue *e, tile_operands *p, size_t count) {
    tiles_of_vecs(rows, 1, e, p, count);
}

KEEP_APART void tiles_of_2(size_t rows, const gemm_epilogue *e, tile_operands *p, size_t count) {
    tiles_of_vecs(rows, 2, e, p, count);
}

KEEP_APART void tiles_of_3(size_t rows, const gemm_epilogue *e, tile_operands *p, size_t count) {
    tiles_of_vecs(rows, 3, e, p, count);
}

KEEP_APART void tiles_of_all(size_t rows, const gemm_epilogue *e, tile_operands *p, size_t count) {
    tiles_of_vecs(rows, TILE_VECS, e, p, count);
}

/* Tiles of up to NARROW_COLUMNS columns, on narrower vectors than this file's. */
void narrow_tiles(size_t rows, const gemm_epilogue *e, tile_operands *p, size_t count);

/* Runs `count` tiles of so many rows, 0 < rows <= tile_height(columns) <= 12. */
typedef void tiles_fn(size_t rows, const gemm_epilogue *e, tile_operands *p, size_t count);

/* The function for tiles of 0 < columns <= NR, which are computed in whole vectors; TILE_VECS <= 4. */
static inline tiles_fn *tiles_for(size_t columns) {
    if (NARROW_COLUMNS > 0 && columns <= NARROW_COLUMNS)
        return narrow_tiles;
    if (columns <= VEC_LANES)
        return tiles_of_1;
    if (TILE_VECS > 2 && columns <= 2 * VEC_LANES)
        return tiles_of_2;
    return TILE_VECS > 3 && columns <= 3 * VEC_LANES ? tiles_of_3 : tiles_of_all;
}

#endif
