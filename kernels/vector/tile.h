/*
 * The register tile: a small matrix of results, each one chain of fused multiply-adds that stays in a register.
 *
 * One tile serves the three products of a dense layer. It starts from zero, the bias, or sums left in memory, runs
 * over a stretch of the depth k broadcasting a value of A against TILE_VECS vectors of B, and finishes with what
 * the product asks for. Lanes hold different results, so neither their number nor the tile's shape touches a bit.
 *
 * Before inclusion: a vec_ header, TILE_ROWS and TILE_VECS.
 */
#ifndef BP_TILE_H
#define BP_TILE_H

#include <stdbool.h>
#include <stddef.h>

#include "vector/activation.h"
#include "vector/pack.h"

#define FLOATS_PER_LINE 16
#define TILE_COLUMNS (TILE_VECS * VEC_LANES)

/* A tile of one row alone is as wide as several panels: it needs as many chains to hide their latency. */
#define ROW_VECS (4 * TILE_VECS)
#define ROW_COLUMNS (ROW_VECS * VEC_LANES)

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Loops over a tile must vanish, or its registers go through memory. clang unrolls them by itself. */
#if defined(__clang__)
#define UNROLL_FOR for
#else
#define UNROLL_FOR _Pragma("GCC unroll 16") for
#endif

typedef enum tile_start { START_ZERO, START_BIAS, START_PARTIAL } tile_start;
typedef enum tile_finish { FINISH_STORE, FINISH_ACTIVATION, FINISH_DERIVATIVE, FINISH_SGD } tile_finish;

/* What a tile reads and writes; all pointers stand at its first element. */
typedef struct tile_place {
    const float *a; /* A(r, k) = a[r * a_row + k * a_k] */
    size_t a_row, a_k;
    const float *b; /* B(k, j) = b[k * b_k + j], whole vectors */
    size_t b_k;
    size_t depth;
    float *c; /* results; those of FINISH_SGD are weights and are read too */
    size_t ldc;
    const float *partial; /* sums so far: START_PARTIAL continues them, add_partial adds them */
    size_t ld_partial;
    const float *bias;  /* START_BIAS */
    const float *below; /* FINISH_DERIVATIVE: outputs of the layer below */
    size_t ld_below;
    const float *next; /* where the next tile begins: its rows, ldc apart, are fetched early if they will be read */
} tile_place;

/* What is the same for all tiles of one stage of a product. */
typedef struct tile_stage {
    tile_start start;
    bool add_partial;
    tile_finish finish;
    bool fetch_next; /* the next tile's results are read before they are written */
    bp_activation activation;
    float rate;
} tile_stage;

static ALWAYS_INLINE void tile_begin(const size_t rows, const size_t vecs, vec *acc, const tile_stage *stage,
                                     const tile_place *p) {
    if (stage->fetch_next) {
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            UNROLL_FOR (size_t v = 0; v < vecs; v += FLOATS_PER_LINE / VEC_LANES)
                __builtin_prefetch(p->next + r * p->ldc + v * VEC_LANES);
        }
    }
    if (stage->start == START_PARTIAL) {
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                acc[r * vecs + v] = vec_load(p->partial + r * p->ld_partial + v * VEC_LANES);
        }
        return;
    }
    UNROLL_FOR (size_t v = 0; v < vecs; v++) {
        const vec first = stage->start == START_BIAS ? vec_load(p->bias + v * VEC_LANES) : vec_set1(0.0f);
        UNROLL_FOR (size_t r = 0; r < rows; r++)
            acc[r * vecs + v] = first;
    }
}

static ALWAYS_INLINE void tile_multiply(const size_t rows, const size_t vecs, vec *acc, const tile_place *p) {
    const float *a[TILE_ROWS];
    UNROLL_FOR (size_t r = 0; r < rows; r++)
        a[r] = p->a + r * p->a_row;
    const float *b = p->b;
    const size_t a_k = p->a_k, b_k = p->b_k, end = p->depth * a_k;
    for (size_t k = 0; k != end; k += a_k, b += b_k) {
        vec bv[ROW_VECS];
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            bv[v] = vec_load(b + v * VEC_LANES);
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            const vec ar = vec_set1(a[r][k]);
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                acc[r * vecs + v] = vec_fma(ar, bv[v], acc[r * vecs + v]);
        }
    }
}

static ALWAYS_INLINE void tile_end(const size_t rows, const size_t vecs, vec *acc, const tile_stage *stage,
                                   const tile_place *p) {
    if (stage->add_partial) {
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                acc[r * vecs + v] =
                    vec_add(vec_load(p->partial + r * p->ld_partial + v * VEC_LANES), acc[r * vecs + v]);
        }
    }
    if (stage->finish == FINISH_SGD) {
        const vec rate = vec_set1(stage->rate);
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                acc[r * vecs + v] = vec_fnma(rate, acc[r * vecs + v], vec_load(p->c + r * p->ldc + v * VEC_LANES));
        }
    } else if (stage->finish == FINISH_ACTIVATION) {
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                acc[r * vecs + v] = vec_rectify(acc[r * vecs + v], stage->activation);
        }
    } else if (stage->finish == FINISH_DERIVATIVE) {
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            UNROLL_FOR (size_t v = 0; v < vecs; v++) {
                const vec below = vec_load(p->below + r * p->ld_below + v * VEC_LANES);
                acc[r * vecs + v] = vec_mul(acc[r * vecs + v], vec_derivative(below, stage->activation));
            }
        }
    }
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            vec_store(p->c + r * p->ldc + v * VEC_LANES, acc[r * vecs + v]);
    }
}

static ALWAYS_INLINE void tile_run(const size_t rows, const size_t vecs, const tile_stage *stage, const tile_place *p) {
    vec acc[TILE_ROWS * TILE_VECS];
    tile_begin(rows, vecs, acc, stage, p);
    tile_multiply(rows, vecs, acc, p);
    tile_end(rows, vecs, acc, stage, p);
}

/* One copy of the tile for each number of rows, so that no row is computed in vain. */
#define TILE_CASE(r)                                                                                                   \
    case r:                                                                                                            \
        if (r <= TILE_ROWS)                                                                                            \
            tile_run(r, vecs, stage, p);                                                                               \
        break;

static ALWAYS_INLINE void tile_of_rows(size_t rows, const size_t vecs, const tile_stage *stage, const tile_place *p) {
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

/*
 * A tile of rows x (vecs whole vectors): 0 < rows <= TILE_ROWS and 0 < vecs <= TILE_VECS <= 3, or one row of ROW_VECS.
 */
static void tile_whole(size_t rows, size_t vecs, const tile_stage *stage, const tile_place *p) {
    if (vecs == ROW_VECS)
        tile_run(1, ROW_VECS, stage, p);
    else if (vecs == TILE_VECS)
        tile_of_rows(rows, TILE_VECS, stage, p);
    else if (TILE_VECS > 2 && vecs == 2)
        tile_of_rows(rows, 2, stage, p);
    else
        tile_of_rows(rows, 1, stage, p);
}

/*
 * A tile whose last vector is not whole: computed on copies, so that nothing beyond the columns is read or written.
 * b is packed and padded.
 */
static void tile_ragged(size_t rows, size_t columns, const tile_stage *stage, const tile_place *p) {
    float c[TILE_ROWS * TILE_COLUMNS], partial[TILE_ROWS * TILE_COLUMNS], below[TILE_ROWS * TILE_COLUMNS];
    float bias[TILE_COLUMNS];
    tile_place copy = *p;
    if (stage->finish == FINISH_SGD)
        pack_rows(c, TILE_COLUMNS, p->c, p->ldc, rows, columns);
    if (stage->start == START_PARTIAL || stage->add_partial)
        pack_rows(partial, TILE_COLUMNS, p->partial, p->ld_partial, rows, columns);
    if (stage->finish == FINISH_DERIVATIVE)
        pack_rows(below, TILE_COLUMNS, p->below, p->ld_below, rows, columns);
    if (stage->start == START_BIAS)
        pack_rows(bias, TILE_COLUMNS, p->bias, 0, 1, columns);
    copy.c = c;
    copy.partial = partial;
    copy.below = below;
    copy.bias = bias;
    copy.ldc = copy.ld_partial = copy.ld_below = TILE_COLUMNS;
    tile_whole(rows, (columns + VEC_LANES - 1) / VEC_LANES, stage, &copy);
    unpack_rows(p->c, p->ldc, c, TILE_COLUMNS, rows, columns);
}

static inline void tile_any(size_t rows, size_t columns, const tile_stage *stage, const tile_place *p) {
    if (columns % VEC_LANES == 0)
        tile_whole(rows, columns / VEC_LANES, stage, p);
    else
        tile_ragged(rows, columns, stage, p);
}

#endif
