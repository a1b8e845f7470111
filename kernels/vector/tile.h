/*
 * The register tile: a small matrix of results, each one chain of fused multiply-adds that stays in a register.
 *
 * One tile serves the three products of a dense layer. The prologue loads zero, the bias, or partial sums. The loop
 * runs over a range of the depth k: it broadcasts one value of A and multiplies it by TILE_VECS vectors of B. The
 * epilogue stores what the product asks for. Each SIMD lane holds a result of its own, so neither the vector's width
 * nor the tile's shape changes a bit.
 *
 * Before inclusion, a vec_ header and a tuning.h.
 */
#ifndef BP_TILE_H
#define BP_TILE_H

#include <stdbool.h>
#include <stddef.h>

#include "vector/activation.h"
#include "vector/pack.h"
#include "vector/prefetch.h"

typedef enum tile_prologue { PROLOGUE_ZERO, PROLOGUE_BIAS, PROLOGUE_PARTIAL } tile_prologue;
/* The tile itself stores for EPILOGUE_OPTIMIZER; update_tiles does the rest. */
typedef enum tile_epilogue {
    EPILOGUE_STORE,
    EPILOGUE_ACTIVATION,
    EPILOGUE_DERIVATIVE,
    EPILOGUE_SGD,
    EPILOGUE_OPTIMIZER
} tile_epilogue;

/* What a tile reads and writes. Pointers are at its first element; each tile advances them to the next rows. */
typedef struct tile_operands {
    /*
     * A(r, k) = a[r * a_row + k / NR * a_panel + k % NR * a_k]. If A's rows are columns of a packed
     * X, they cross a panel's border after NR - a_row_in_panel rows, and a_skip more elements are skipped.
     */
    const float *a;
    size_t a_row, a_k, a_panel;
    size_t a_row_in_panel, a_skip;
    const float *b; /* B(k, j) = b[k * b_k + j], in whole vectors */
    size_t b_k;
    size_t depth;
    float *c; /* results; EPILOGUE_SGD: the weights, which are read too */
    size_t ldc;
    const float *partial; /* partial sums: PROLOGUE_PARTIAL continues them, add_partial adds them */
    size_t ld_partial;
    const float *bias;     /* PROLOGUE_BIAS */
    const float *previous; /* EPILOGUE_DERIVATIVE: the previous layer's saved values */
    size_t ld_previous;
    prefetches *prefetches; /* or null */
} tile_operands;

/* What all tiles of a block have in common. */
typedef struct tile_spec {
    tile_prologue prologue;
    bool add_partial;
    tile_epilogue epilogue;
    bp_activation activation;
    float learning_rate;
} tile_spec;

static ALWAYS_INLINE void tile_begin(const size_t rows, const size_t vecs, vec *acc, const tile_spec *spec,
                                     const tile_operands *p) {
    if (spec->prologue == PROLOGUE_PARTIAL) {
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                acc[r * vecs + v] = vec_load(p->partial + r * p->ld_partial + v * VEC_LANES);
        }
        return;
    }
    UNROLL_FOR (size_t v = 0; v < vecs; v++) {
        const vec first = spec->prologue == PROLOGUE_BIAS ? vec_load(p->bias + v * VEC_LANES) : vec_set1(0.0f);
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

/* The addresses of the tile's rows of A; advances to the next rows. */
static ALWAYS_INLINE void tile_rows_of_a(const size_t rows, const float **a, tile_operands *p) {
    const size_t left = NR - p->a_row_in_panel; /* rows up to the border of the panel */
    if (left >= rows) {
        UNROLL_FOR (size_t r = 0; r < rows; r++)
            a[r] = p->a + r * p->a_row;
    } else {
        UNROLL_FOR (size_t r = 0; r < rows; r++)
            a[r] = p->a + r * p->a_row + (r < left ? 0 : p->a_skip);
    }
    p->a += rows * p->a_row + (left <= rows ? p->a_skip : 0);
    p->a_row_in_panel = left <= rows ? rows - left : p->a_row_in_panel + rows;
}

/* The offset of A(0, k) from A(0, 0). */
static ALWAYS_INLINE size_t tile_depth_at(const tile_operands *p, size_t k) {
    return k / NR * p->a_panel + k % NR * p->a_k;
}

/* The first `depth` steps, NR of them an iteration, since A is packed so. */
static ALWAYS_INLINE void tile_multiply(const size_t rows, const size_t vecs, vec *acc, const float *const *a,
                                        const tile_operands *p, size_t depth, const bool prefetching) {
    const float *b = p->b;
    const size_t a_k = p->a_k, b_k = p->b_k;
    size_t panel = 0;
    /* A small tile has no register left for a variable number of steps: a whole panel has a loop of its own. */
    for (; TILE_UNROLL == 1 && depth >= NR; depth -= NR, panel += p->a_panel) {
        size_t k = panel;
        if (prefetching)
            prefetch_iteration(p->prefetches);
        for (size_t left = NR; left > 0; left--, k += a_k, b += b_k)
            tile_step(rows, vecs, acc, a, k, b);
    }
    for (; depth > 0; panel += p->a_panel) {
        const size_t steps = depth < NR ? depth : NR;
        size_t k = panel;
        depth -= steps;
        if (prefetching)
            prefetch_iteration(p->prefetches);
        for (size_t iterations = steps / TILE_UNROLL; iterations > 0; iterations--)
            UNROLL_FOR (size_t u = 0; u < TILE_UNROLL; u++, k += a_k, b += b_k)
                tile_step(rows, vecs, acc, a, k, b);
        for (size_t left = steps % TILE_UNROLL; left > 0; left--, k += a_k, b += b_k)
            tile_step(rows, vecs, acc, a, k, b);
    }
}

/*
 * The last `tail` steps and the epilogue, row by row. If all rows were stored after the last step, stores that wait for
 * it would fill the processor's queues, and the next tile could not begin.
 */
static ALWAYS_INLINE void tile_tail(const size_t rows, const size_t vecs, const size_t tail, vec *acc,
                                    const float *const *a, const tile_epilogue epilogue, const tile_spec *spec,
                                    const tile_operands *p) {
    const float *b[TILE_TAIL + 1];
    size_t k[TILE_TAIL + 1];
    UNROLL_FOR (size_t t = 0; t < tail; t++) {
        k[t] = tile_depth_at(p, p->depth - tail + t);
        b[t] = p->b + (p->depth - tail + t) * p->b_k;
    }
    /* Copies: the compiler cannot know that the stores do not change them. */
    const bp_activation activation = spec->activation;
    const vec learning_rate = vec_set1(spec->learning_rate);
    const bool add_partial = spec->add_partial;
    const float *partial = p->partial, *previous = p->previous;
    float *c = p->c;
    const size_t ldc = p->ldc, ld_partial = p->ld_partial, ld_previous = p->ld_previous;
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        vec *const row = acc + r * vecs;
        UNROLL_FOR (size_t t = 0; t < tail; t++) {
            const vec ar = vec_set1(a[r][k[t]]);
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                row[v] = vec_fma(ar, vec_load(b[t] + v * VEC_LANES), row[v]);
        }
        if (add_partial) {
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                row[v] = vec_add(vec_load(partial + v * VEC_LANES), row[v]);
        }
        UNROLL_FOR (size_t v = 0; v < vecs; v++) {
            if (epilogue == EPILOGUE_SGD)
                row[v] = vec_fnma(learning_rate, row[v], vec_load(c + v * VEC_LANES));
            else if (epilogue == EPILOGUE_ACTIVATION)
                row[v] = vec_rectify(row[v], activation);
            else if (epilogue == EPILOGUE_DERIVATIVE)
                row[v] = vec_mul(row[v], vec_derivative(vec_load(previous + v * VEC_LANES), activation));
        }
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            vec_store(c + v * VEC_LANES, row[v]);
        c += ldc;
        partial += ld_partial;
        previous += ld_previous;
    }
}

/* `count` tiles of consecutive rows. */
static ALWAYS_INLINE void tiles_run(const size_t rows, const size_t vecs, const tile_spec *spec, tile_operands *p,
                                    size_t count) {
    const size_t tail = rows > 1 ? TILE_TAIL : 0;
    for (; count > 0; count--) {
        const float *a[TILE_ROWS_MAX];
        vec acc[TILE_ROWS_MAX * TILE_VECS];
        tile_rows_of_a(rows, a, p);
        tile_begin(rows, vecs, acc, spec, p);
        if (p->prefetches)
            tile_multiply(rows, vecs, acc, a, p, p->depth - tail, true);
        else
            tile_multiply(rows, vecs, acc, a, p, p->depth - tail, false);
        if (spec->epilogue == EPILOGUE_SGD)
            tile_tail(rows, vecs, tail, acc, a, EPILOGUE_SGD, spec, p);
        else if (spec->epilogue == EPILOGUE_ACTIVATION)
            tile_tail(rows, vecs, tail, acc, a, EPILOGUE_ACTIVATION, spec, p);
        else if (spec->epilogue == EPILOGUE_DERIVATIVE)
            tile_tail(rows, vecs, tail, acc, a, EPILOGUE_DERIVATIVE, spec, p);
        else
            tile_tail(rows, vecs, tail, acc, a, EPILOGUE_STORE, spec, p);
        p->c += rows * p->ldc;
        p->partial += rows * p->ld_partial;
        p->previous += rows * p->ld_previous;
    }
}

/* Rows of a tile. One that is a single vector wide is taller, to have enough chains at once. */
static ALWAYS_INLINE size_t tile_height(size_t columns) {
    return columns <= VEC_LANES ? TILE_ROWS_OF_ONE : MR;
}

/* One copy of the tile for each number of rows: no row is computed for nothing. */
#define TILE_CASE(r)                                                                                                   \
    case r:                                                                                                            \
        if (r <= tile_height(vecs * VEC_LANES))                                                                        \
            tiles_run(r, vecs, spec, p, count);                                                                        \
        break;

static ALWAYS_INLINE void tiles_of_rows(size_t rows, const size_t vecs, const tile_spec *spec, tile_operands *p,
                                        size_t count) {
    if (p->depth < TILE_TAIL) { /* single rows have no tail */
        count *= rows;
        rows = 1;
    }
    switch (rows) {
        TILE_CASE(1)
        TILE_CASE(2)
        TILE_CASE(3)
        TILE_CASE(4)
        TILE_CASE(5)
        TILE_CASE(6)
        TILE_CASE(7)
        TILE_CASE(8)
        TILE_CASE(9)
        TILE_CASE(10)
        TILE_CASE(11)
        TILE_CASE(12)
    }
}

/* Tiles of rows x (vecs whole vectors): 0 < rows <= tile_height(..) <= 12 and 0 < vecs <= TILE_VECS <= 3. */
static void tiles_whole(size_t rows, size_t vecs, const tile_spec *spec, tile_operands *p, size_t count) {
    if (TILE_VECS == 1 || vecs == TILE_VECS)
        tiles_of_rows(rows, TILE_VECS, spec, p, count);
    else if (TILE_VECS > 2 && vecs == 2)
        tiles_of_rows(rows, 2, spec, p, count);
    else
        tiles_of_rows(rows, 1, spec, p, count);
}

/*
 * A tile whose last vector is not whole. It works on padded copies, so nothing beyond the columns is read or written.
 * b is packed and padded.
 */
static void tile_ragged(size_t rows, size_t columns, const tile_spec *spec, tile_operands *p) {
    float c[TILE_ROWS_MAX * NR], partial[TILE_ROWS_MAX * NR], previous[TILE_ROWS_MAX * NR];
    float bias[NR];
    tile_operands copy = *p;
    if (spec->epilogue == EPILOGUE_SGD)
        pack_rows(c, NR, p->c, p->ldc, rows, columns);
    if (spec->prologue == PROLOGUE_PARTIAL || spec->add_partial)
        pack_rows(partial, NR, p->partial, p->ld_partial, rows, columns);
    if (spec->epilogue == EPILOGUE_DERIVATIVE)
        pack_rows(previous, NR, p->previous, p->ld_previous, rows, columns);
    if (spec->prologue == PROLOGUE_BIAS)
        pack_rows(bias, NR, p->bias, 0, 1, columns);
    copy.c = c;
    copy.partial = partial;
    copy.previous = previous;
    copy.bias = bias;
    copy.ldc = copy.ld_partial = copy.ld_previous = NR;
    tiles_whole(rows, (columns + VEC_LANES - 1) / VEC_LANES, spec, &copy, 1);
    unpack_rows(p->c, p->ldc, c, NR, rows, columns);
    p->a = copy.a;
    p->a_row_in_panel = copy.a_row_in_panel;
    p->c += rows * p->ldc;
    p->partial += rows * p->ld_partial;
    p->previous += rows * p->ld_previous;
}

/* `columns` rounded up to whole vectors. */
static inline size_t whole_columns(size_t columns) {
    return columns <= NARROW_COLUMNS ? NARROW_COLUMNS : round_up(columns, VEC_LANES);
}

/* Tiles of up to NARROW_COLUMNS columns, on narrower vectors than this file's. */
void narrow_tiles(size_t rows, size_t columns, const tile_spec *spec, tile_operands *p, size_t count);

static inline void tiles_any(size_t rows, size_t columns, const tile_spec *spec, tile_operands *p, size_t count) {
    if (NARROW_COLUMNS > 0 && columns <= NARROW_COLUMNS)
        narrow_tiles(rows, columns, spec, p, count);
    else if (columns % VEC_LANES == 0)
        tiles_whole(rows, columns / VEC_LANES, spec, p, count);
    else
        for (; count > 0; count--)
            tile_ragged(rows, columns, spec, p);
}

#endif
