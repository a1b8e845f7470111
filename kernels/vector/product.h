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
    bool pack_a;    /* only where a_row is 1 */
    const float *b; /* row k of B at b + k * ldb; with PACK_COLUMNS column n of B at b + n * ldb */
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

/* Rows whose sums between stages are kept in scratch: as many share each packed block of B. */
#define SUM_ROWS (4 * BLOCK_ROWS)

_Static_assert(BLOCK_COLUMNS % TILE_COLUMNS == 0, "blocks of B hold whole panels");
_Static_assert(ROW_COLUMNS % TILE_COLUMNS == 0, "the wide tile of one row ends where a panel ends");

#define SCRATCH_FLOATS                                                                                                 \
    (BLOCK_COLUMNS * (DEPTH_MAX + SUM_ROWS) + BLOCK_ROWS * (DEPTH_MAX + SCRATCH_SLACK) + 2 * SCRATCH_SLACK)
_Static_assert(SCRATCH_FLOATS <= BP_SCRATCH_BYTES / sizeof(float), "packed blocks fit into scratch");

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

/* A block of the product: the tiles of some rows and columns over a stretch of the depth. */
typedef struct block {
    size_t k0, depth, m0, rows, n0, columns;
    row_cut cut;    /* of the rows */
    const float *a; /* packed tiles of A, null if A is read in place */
    const float *b; /* packed panels of B */
    float *c;       /* where this stage's results go */
    size_t ldc;
    const float *partial; /* sums of the stages before */
    size_t ld_partial;
} block;

/* Packs a block of B into panels, but for those that are read in place. */
static void pack_b_block(const product *p, const block *b, float *packed) {
    const size_t step = p->pack_b == PACK_COLUMNS ? b->depth : PACK_STEP;
    for (size_t k = 0; k < b->depth; k += step)
        for (size_t n = 0; n < b->columns; n += TILE_COLUMNS) {
            const size_t width = least(b->columns - n, TILE_COLUMNS), padded = round_up(width, VEC_LANES);
            float *panel = packed + n * b->depth + k * padded;
            const float *row = p->b + (b->k0 + k) * p->ldb + b->n0 + n;
            const float *column = p->b + (b->n0 + n) * p->ldb + b->k0;
            if (p->pack_b == PACK_COLUMNS)
                pack_columns(panel, padded, column, p->ldb, b->depth, width);
            else if (p->pack_b == PACK_ROWS || width != padded)
                pack_rows(panel, padded, row, p->ldb, least(b->depth - k, step), width);
        }
}

/* Floats of a packed tile of A, with room for the vector that pack_rows spills. */
static inline size_t packed_tile(size_t height, size_t depth) {
    return height * depth + VEC_LANES;
}

/* Packs a block of A, tile after tile. */
static void pack_a_block(const product *p, const block *b, float *packed) {
    for (size_t k = 0; k < b->depth; k += PACK_STEP) {
        const float *from = p->a + b->m0 + (b->k0 + k) * p->a_k;
        float *to = packed;
        for (size_t t = 0; t < b->cut.tiles; t++) {
            const size_t height = tile_height(b->cut, t);
            pack_rows(to + k * height, height, from, p->a_k, least(b->depth - k, PACK_STEP), height);
            to += packed_tile(height, b->depth);
            from += height;
        }
    }
}

static void run_block(const product *p, const tile_stage *stage, const block *b) {
    const bool wide = b->rows == 1 && p->pack_b == PACK_NONE;
    size_t width;
    for (size_t n = 0; n < b->columns; n += width) {
        const size_t left = b->columns - n;
        width = wide && left >= ROW_COLUMNS ? ROW_COLUMNS : least(left, TILE_COLUMNS);
        const bool b_in_place = p->pack_b == PACK_NONE && width % VEC_LANES == 0;
        tile_place place = {
            .a = b->a ? b->a : p->a + b->m0 * p->a_row + b->k0 * p->a_k,
            .a_row = p->a_row,
            .a_k = p->a_k,
            .b = b_in_place ? p->b + b->k0 * p->ldb + b->n0 + n : b->b + n * b->depth,
            .b_k = b_in_place ? p->ldb : round_up(width, VEC_LANES),
            .depth = b->depth,
            .c = b->c + n,
            .ldc = b->ldc,
            .partial = b->partial + n,
            .ld_partial = b->ld_partial,
            .bias = p->bias ? p->bias + b->n0 + n : NULL,
            .below = p->below ? p->below + b->m0 * p->ld_below + b->n0 + n : NULL,
            .ld_below = p->ld_below,
        };
        for (size_t t = 0; t < b->cut.tiles; t++) {
            const size_t height = tile_height(b->cut, t);
            place.next = place.c + height * b->ldc;
            if (b->a)
                place.a_k = height;
            tile_any(height, width, stage, &place);
            place.a += b->a ? packed_tile(height, b->depth) : height * p->a_row;
            place.c += height * b->ldc;
            place.partial += height * b->ld_partial;
            place.below = p->below ? place.below + height * p->ld_below : NULL;
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

/* Scratch holds a block of B, one of A, and sums: as close together as their sizes allow. */
typedef struct workspace {
    float *b, *a, *sums;
    size_t ld_sums;
} workspace;

static workspace cut_scratch(const product *p, float *scratch) {
    const size_t depth = least(p->depth, p->block_depth), rows = least(p->rows, BLOCK_ROWS);
    const size_t columns = round_up(least(p->columns, BLOCK_COLUMNS), VEC_LANES);
    workspace w = {.b = scratch, .ld_sums = columns};
    w.a = w.b + round_up(depth * columns, FLOATS_PER_LINE);
    w.sums = w.a;
    if (p->pack_a)
        w.sums += round_up(depth * rows + cut_rows(rows).tiles * VEC_LANES, FLOATS_PER_LINE);
    return w;
}

/* The rows of a block, BLOCK_ROWS at a time; B is packed already. */
static void run_rows(const product *p, const tile_stage *stage, block b, size_t end, const workspace *w, bool own) {
    const bool last = b.k0 + b.depth == p->depth;
    float *sums = own ? w->sums : NULL;
    for (; b.m0 < end; b.m0 += BLOCK_ROWS) {
        float *c = p->c + b.m0 * p->ldc + b.n0;
        b.rows = least(end - b.m0, BLOCK_ROWS);
        b.cut = cut_rows(b.rows);
        b.partial = own ? sums : c;
        b.ld_partial = own ? w->ld_sums : p->ldc;
        b.c = own && !last ? sums : c;
        b.ldc = own && !last ? w->ld_sums : p->ldc;
        sums = own ? sums + BLOCK_ROWS * w->ld_sums : NULL;
        if (p->pack_a)
            pack_a_block(p, &b, w->a);
        run_block(p, stage, &b);
        if (last && p->finish == FINISH_ACTIVATION && !is_rectifier(p->activation))
            activate(c, p->ldc, c, p->ldc, b.rows, b.columns, p->activation);
    }
}

static void run_product(const product *p, void *scratch) {
    const workspace w = cut_scratch(p, scratch);
    const bool own = p->own_partial && p->depth > p->block_depth;
    /* Rows that use a block of B while it is packed: all, unless their sums must fit into scratch. */
    const size_t stretch = own ? SUM_ROWS : p->rows;
    for (size_t n0 = 0; n0 < p->columns; n0 += BLOCK_COLUMNS)
        for (size_t m0 = 0; m0 < p->rows; m0 += stretch)
            for (size_t k0 = 0; k0 < p->depth; k0 += p->block_depth) {
                block b = {.k0 = k0, .m0 = m0, .n0 = n0, .b = w.b};
                b.depth = least(p->depth - k0, p->block_depth);
                b.columns = least(p->columns - n0, BLOCK_COLUMNS);
                b.a = p->pack_a ? w.a : NULL;
                pack_b_block(p, &b, w.b);
                const tile_stage stage = stage_at(p, k0, b.depth);
                run_rows(p, &stage, b, least(m0 + stretch, p->rows), &w, own);
            }
}

#endif
