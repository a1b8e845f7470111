/*
 * The tiled product behind all dense kernels: C(m, n) <- chain over k of A(m, k) * B(k, n), see tile.h.
 *
 * Blocks of B, BLOCK_DEPTH x BLOCK_COLUMNS, are packed into panels one tile wide; blocks of A, BLOCK_ROWS x
 * BLOCK_DEPTH, are read where they lie or packed likewise; then all tiles of the block run. A chain that is longer
 * than a block continues through memory, which changes no bit.
 *
 * Before inclusion, besides what tile.h needs: BLOCK_DEPTH, BLOCK_ROWS, BLOCK_COLUMNS.
 */
#ifndef BP_PRODUCT_H
#define BP_PRODUCT_H

#include <backprop/dense.h>

#include "tables.h"
#include "vector/tile.h"

typedef enum pack_kind { PACK_NONE, PACK_ROWS, PACK_COLUMNS } pack_kind;

typedef struct product {
    size_t rows, columns, depth;
    const float *a; /* A(m, k) = a[m * a_row + k * a_k] */
    size_t a_row, a_k;
    pack_kind pack_a; /* none, or rows where a_row is 1 */
    const float *b;   /* row k of B at b + k * ldb; with PACK_COLUMNS column n of B at b + n * ldb */
    size_t ldb;
    pack_kind pack_b; /* none: whole panels are read where they lie */
    float *c;
    size_t ldc;
    size_t block_depth; /* depth of one stage */
    bool sum_blocks;    /* each stage is a chain of its own and the stages are added; else they continue one chain */
    bool own_partial;   /* sums between stages may not be kept in c */
    const float *bias;
    const float *below;
    size_t ld_below;
    tile_finish finish; /* of the last stage */
    bp_activation activation;
    float rate;
} product;

/* The deepest stage: the gradient's stages are the contract's blocks of rows. */
#define DEPTH_MAX (BLOCK_DEPTH > BP_ROW_BLOCK ? BLOCK_DEPTH : BP_ROW_BLOCK)

_Static_assert(BLOCK_COLUMNS % TILE_COLUMNS == 0, "blocks of B hold whole panels");
_Static_assert(DEPTH_MAX *BLOCK_COLUMNS + (DEPTH_MAX + SCRATCH_SLACK) * BLOCK_ROWS + BLOCK_ROWS * BLOCK_COLUMNS +
                       2 * SCRATCH_SLACK <=
                   BP_SCRATCH_BYTES / sizeof(float),
               "packed blocks fit into scratch");

static inline size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Cuts `rows` into tiles of nearly equal height: a remainder of one row would cost as much as several. */
typedef struct row_cut {
    size_t tiles, height, taller; /* the first `taller` tiles have height + 1 rows */
} row_cut;

static inline row_cut cut_rows(size_t rows) {
    const size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    return (row_cut){tiles, rows / tiles, rows % tiles};
}

static inline size_t tile_height(row_cut cut, size_t tile) {
    return cut.height + (tile < cut.taller);
}

/*
 * Packing by rows goes over all panels with a few rows at a time: they lie pages apart and fall on the same few sets of
 * the first-level cache, which must still hold a line of each when the next panel wants its other part.
 */
#define PACK_STEP 8

/* Packs a block of B into panels, but for those that are read in place. */
static void pack_b_block(const product *p, float *packed, size_t k0, size_t depth, size_t n0, size_t columns) {
    const size_t step = p->pack_b == PACK_COLUMNS ? depth : PACK_STEP;
    for (size_t k = 0; k < depth; k += step)
        for (size_t n = 0; n < columns; n += TILE_COLUMNS) {
            const size_t width = least(columns - n, TILE_COLUMNS), padded = round_up(width, VEC_LANES);
            float *panel = packed + n * depth + k * padded;
            if (p->pack_b == PACK_COLUMNS)
                pack_columns(panel, padded, p->b + (n0 + n) * p->ldb + k0, p->ldb, depth, width);
            else if (p->pack_b == PACK_ROWS || width != padded)
                pack_rows(panel, padded, p->b + (k0 + k) * p->ldb + n0 + n, p->ldb, least(depth - k, step), width);
        }
}

/* Floats of a packed tile of A, with room for the vector that pack_rows spills. */
static inline size_t packed_tile(size_t height, size_t depth) {
    return height * depth + VEC_LANES;
}

/* Packs a block of A, tile after tile; A(m, k) lies at a[m + k * a_k]. */
static void pack_a_block(const product *p, float *packed, size_t k0, size_t depth, size_t m0, row_cut cut) {
    for (size_t k = 0; k < depth; k += PACK_STEP) {
        const float *from = p->a + m0 + (k0 + k) * p->a_k;
        float *to = packed;
        for (size_t t = 0; t < cut.tiles; t++) {
            const size_t height = tile_height(cut, t);
            pack_rows(to + k * height, height, from, p->a_k, least(depth - k, PACK_STEP), height);
            to += packed_tile(height, depth);
            from += height;
        }
    }
}

/* All tiles of one block of rows, columns and depth. */
static void run_block(const product *p, const tile_stage *stage, float *c, size_t ldc, const float *partial,
                      size_t ld_partial, const float *packed_a, const float *packed_b, size_t k0, size_t depth,
                      size_t m0, row_cut cut, size_t n0, size_t columns) {
    for (size_t n = 0; n < columns; n += TILE_COLUMNS) {
        const size_t width = least(columns - n, TILE_COLUMNS);
        const bool b_in_place = p->pack_b == PACK_NONE && width % VEC_LANES == 0;
        tile_place place = {
            .a_row = packed_a ? 1 : p->a_row,
            .b = b_in_place ? p->b + k0 * p->ldb + n0 + n : packed_b + n * depth,
            .b_k = b_in_place ? p->ldb : round_up(width, VEC_LANES),
            .depth = depth,
            .ldc = ldc,
            .ld_partial = ld_partial,
            .bias = p->bias ? p->bias + n0 + n : NULL,
            .ld_below = p->ld_below,
        };
        const float *a = packed_a ? packed_a : p->a + m0 * p->a_row + k0 * p->a_k;
        size_t m = 0;
        for (size_t t = 0; t < cut.tiles; t++) {
            const size_t height = tile_height(cut, t);
            place.a = a;
            place.a_k = packed_a ? height : p->a_k;
            place.c = c + m * ldc + n;
            place.next = place.c + height * ldc;
            place.partial = partial + m * ld_partial + n;
            place.below = p->below ? p->below + (m0 + m) * p->ld_below + n0 + n : NULL;
            tile_any(height, width, stage, &place);
            a += packed_a ? packed_tile(height, depth) : height * p->a_row;
            m += height;
        }
    }
}

/* What the tiles of the stage that starts at depth k0 begin and end with. */
static tile_stage stage_at(const product *p, size_t k0, size_t depth) {
    const bool first = k0 == 0, last = k0 + depth == p->depth;
    const tile_start fresh = p->bias ? START_BIAS : START_ZERO;
    return (tile_stage){
        .start = first || p->sum_blocks ? fresh : START_PARTIAL,
        .add_partial = !first && p->sum_blocks,
        .finish = last ? p->finish : FINISH_STORE,
        .fetch_next = !first || (last && p->finish == FINISH_SGD),
        .activation = p->activation,
        .rate = p->rate,
    };
}

static void run_product(const product *p, void *scratch) {
    /* Scratch holds a block of B, a block of A, and sums: as close together as their sizes allow. */
    const size_t depth_max = least(p->depth, p->block_depth), rows_max = least(p->rows, BLOCK_ROWS);
    const size_t columns_max = round_up(least(p->columns, BLOCK_COLUMNS), VEC_LANES);
    float *packed_b = scratch;
    float *packed_a = packed_b + round_up(depth_max * columns_max, FLOATS_PER_LINE);
    float *own_partial = packed_a;
    if (p->pack_a == PACK_ROWS)
        own_partial += round_up(depth_max * rows_max + cut_rows(rows_max).tiles * VEC_LANES, FLOATS_PER_LINE);
    const bool own = p->own_partial && p->depth > p->block_depth;
    /* Sums in scratch serve one block of rows at a time; else all rows use a block of B while it is packed. */
    const size_t stretch = own ? BLOCK_ROWS : p->rows;
    for (size_t n0 = 0; n0 < p->columns; n0 += BLOCK_COLUMNS) {
        const size_t columns = least(p->columns - n0, BLOCK_COLUMNS);
        for (size_t s0 = 0; s0 < p->rows; s0 += stretch) {
            for (size_t k0 = 0; k0 < p->depth; k0 += p->block_depth) {
                const size_t depth = least(p->depth - k0, p->block_depth);
                const bool last = k0 + depth == p->depth;
                const tile_stage stage = stage_at(p, k0, depth);
                pack_b_block(p, packed_b, k0, depth, n0, columns);
                const size_t s1 = least(s0 + stretch, p->rows);
                for (size_t m0 = s0; m0 < s1; m0 += BLOCK_ROWS) {
                    const size_t rows = least(s1 - m0, BLOCK_ROWS);
                    const row_cut cut = cut_rows(rows);
                    float *c = p->c + m0 * p->ldc + n0;
                    float *partial = own ? own_partial : c;
                    const size_t ld_partial = own ? columns_max : p->ldc;
                    if (p->pack_a == PACK_ROWS)
                        pack_a_block(p, packed_a, k0, depth, m0, cut);
                    run_block(p, &stage, last ? c : partial, last ? p->ldc : ld_partial, partial, ld_partial,
                              p->pack_a == PACK_ROWS ? packed_a : NULL, packed_b, k0, depth, m0, cut, n0, columns);
                    if (last && p->finish == FINISH_ACTIVATION && !is_rectifier(p->activation))
                        activate(c, p->ldc, c, p->ldc, rows, columns, p->activation);
                }
            }
        }
    }
}

#endif
