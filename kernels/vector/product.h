/*
 * The tiled product behind all dense kernels: C(m, n) <- chain over k of A(m, k) * B(k, n), see tile.h.
 *
 * Matrices in panels are read where they lie. Of row-major ones, blocks of B, BLOCK_DEPTH x BLOCK_COLUMNS, are packed
 * into panels, and blocks of A likewise where they are walked down their columns or would fall on few sets of the
 * cache; then all tiles of the block run. A chain that is longer than a block continues through memory, which changes
 * no bit.
 *
 * Before inclusion, besides what tile.h needs: BLOCK_DEPTH, BLOCK_ROWS, BLOCK_COLUMNS.
 */
#ifndef BP_PRODUCT_H
#define BP_PRODUCT_H

#include <backprop/dense.h>

#include "tables.h"
#include "vector/optimizer.h"
#include "vector/tile.h"

typedef enum pack_kind { PACK_NONE, PACK_ROWS, PACK_COLUMNS } pack_kind;

/*
 * How A is walked: A(m, k) is m * row + m / TILE_COLUMNS * skip + k / TILE_COLUMNS * panel + k % TILE_COLUMNS * k
 * elements from `at`.
 */
typedef struct left_side {
    const float *at;
    size_t row, skip, panel, k;
} left_side;

typedef struct product {
    size_t rows, columns, depth;
    left_side a;
    pack_kind pack_a; /* of a row-major matrix: its rows, or its columns, see columns_of */
    bp_panels b;      /* B, or with PACK_COLUMNS its transpose */
    pack_kind pack_b;
    bool padded; /* rows of all matrices reach to the next whole vector */
    bp_panels c;
    bool transposed; /* c is the transpose of the product; a single block of the depth */
    size_t block_rows, block_depth;
    size_t chain;     /* depth of one chain: longer products are sums of chains; 0: one chain over the whole depth */
    bool own_partial; /* sums between blocks may not be kept in c */
    const bp_panels *sums; /* of the chains before this product */
    const float *bias;
    bp_panels below;
    tile_finish finish; /* of the last block */
    bp_activation activation;
    bp_panels slopes; /* where the activation's derivatives go; null if they are not wanted; of padded matrices alone */
    float rate;
    const bp_rule *rule; /* FINISH_RULE */
} product;

/* The deepest block: the gradient's blocks are the contract's blocks of rows. */
#define DEPTH_MAX (BLOCK_DEPTH > BP_ROW_BLOCK ? BLOCK_DEPTH : BP_ROW_BLOCK)

/* A block of A's columns, whole panels of them. */
#define COLUMN_BLOCK (BLOCK_ROWS < TILE_COLUMNS ? TILE_COLUMNS : BLOCK_ROWS / TILE_COLUMNS * TILE_COLUMNS)

/* Rows whose sums between blocks are kept in scratch: as many share each packed block of B. */
#define SUM_ROWS (4 * COLUMN_BLOCK)

_Static_assert(BLOCK_COLUMNS % TILE_COLUMNS == 0, "blocks of B hold whole panels");
_Static_assert(BLOCK_DEPTH % TILE_COLUMNS == 0, "blocks of A begin where a panel begins");

#define SCRATCH_FLOATS                                                                                                 \
    (BLOCK_COLUMNS * (DEPTH_MAX + SUM_ROWS) + (BLOCK_ROWS + TILE_COLUMNS) * DEPTH_MAX + 2 * SCRATCH_SLACK)
_Static_assert(SCRATCH_FLOATS <= BP_SCRATCH_BYTES / sizeof(float), "packed blocks fit into scratch");
_Static_assert(TILE_COLUMNS <= SCRATCH_SLACK, "panels of a small product fit into scratch");

static inline size_t panels_in(size_t columns) {
    return (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
}

/* As many rows as fit, whole panels of them. */
static inline size_t whole_panels(size_t rows) {
    return rows < TILE_COLUMNS ? TILE_COLUMNS : rows / TILE_COLUMNS * TILE_COLUMNS;
}

/* The place of element (r, c); c begins a panel. */
static inline float *panel_at(bp_panels m, size_t r, size_t c) {
    return m.at + c / TILE_COLUMNS * m.panel + r * m.row;
}

static inline left_side rows_of(bp_panels x) {
    return (left_side){x.at, x.row, 0, x.panel, 1};
}

/* A is the transpose of x. */
static inline left_side columns_of(bp_panels x) {
    return (left_side){x.at, 1, x.panel - TILE_COLUMNS, TILE_COLUMNS * x.row, x.row};
}

/* Cuts `rows` into tiles of nearly equal height: a remainder of one row would cost as much as several. */
typedef struct row_cut {
    size_t tiles, height, taller; /* the first `taller` tiles have height + 1 rows */
} row_cut;

static inline row_cut cut_rows(size_t rows, size_t columns) {
    const size_t height = tile_height(columns), tiles = (rows + height - 1) / height;
    return (row_cut){tiles, rows / tiles, rows % tiles};
}

/*
 * Packing by rows goes over all panels with a few rows at a time: they lie pages apart and fall on the same few sets of
 * the first-level cache, which must still hold a line of each when the next panel wants its other part.
 */
#define PACK_STEP 8

/* A block of the product: the tiles of some rows and columns over a stretch of the depth. */
typedef struct block {
    size_t k0, depth, m0, rows, n0, columns;
    left_side a;     /* stands at (m0, k0) */
    float *packed_b; /* its panels, if B is packed */
    bool pack_now;   /* panels of B's transpose are packed when they are first used */
    float *c;        /* where this block's results go */
    size_t c_row, c_panel;
    const float *partial; /* sums of the blocks before */
    size_t partial_row, partial_panel;
} block;

/* The place of A(m, k) where m and k begin a panel, if there are such. */
static const float *left_at(const product *p, size_t m, size_t k) {
    return p->a.at + m * p->a.row + m / TILE_COLUMNS * p->a.skip + k / TILE_COLUMNS * p->a.panel +
           k % TILE_COLUMNS * p->a.k;
}

/* Packs the rows of a block of a row-major matrix into panels, each `depth` rows long. */
static void pack_row_block(float *packed, const float *from, size_t ld, size_t depth, size_t columns) {
    for (size_t k = 0; k < depth; k += PACK_STEP)
        for (size_t n = 0; n < columns; n += TILE_COLUMNS)
            pack_rows(packed + n * depth + k * TILE_COLUMNS, TILE_COLUMNS, from + k * ld + n, ld,
                      least(depth - k, PACK_STEP), least(columns - n, TILE_COLUMNS));
}

/* Packs the panel of columns n.. of B where B is the transpose of p->b. */
static void pack_transposed_panel(float *panel, const product *p, const block *b, size_t n) {
    const size_t width = least(b->columns - n, TILE_COLUMNS);
    for (size_t k = 0; k < b->depth; k += TILE_COLUMNS)
        pack_columns(panel + k * TILE_COLUMNS, TILE_COLUMNS, panel_at(p->b, b->n0 + n, b->k0 + k), p->b.row,
                     least(b->depth - k, TILE_COLUMNS), width);
}

/* A tile of several chains, whose sums are added up. */
static void run_chains(size_t rows, size_t columns, size_t chain, const tile_stage *stage, tile_place *place) {
    float sums[TILE_ROWS_MAX * TILE_COLUMNS];
    tile_stage s = *stage;
    s.finish = FINISH_STORE;
    tile_place at = *place;
    at.ldc = TILE_COLUMNS;
    at.depth = chain;
    for (size_t left = place->depth; left > chain; left -= chain) {
        tile_place p = at;
        p.c = sums;
        tiles_any(rows, columns, &s, &p, 1);
        at.a += chain * at.a_k;
        at.b += chain * at.b_k;
        at.partial = sums;
        at.ld_partial = TILE_COLUMNS;
        at.depth = least(left - chain, chain);
        s.add_partial = true;
    }
    const size_t offset = (size_t)(at.a - place->a);
    at.ldc = place->ldc;
    s.finish = stage->finish;
    tiles_any(rows, columns, &s, &at, 1);
    place->a = at.a - offset;
    place->a_row_in_panel = at.a_row_in_panel;
    place->c = at.c;
    place->partial += rows * place->ld_partial;
    place->below = at.below;
}

static void run_tiles(size_t rows, size_t columns, size_t chain, const tile_stage *stage, tile_place *place,
                      size_t count) {
    if (chain == 0 || place->depth <= chain)
        tiles_any(rows, columns, stage, place, count);
    else
        for (; count > 0; count--)
            run_chains(rows, columns, chain, stage, place);
}

/* Rows whose gradients stay in the first-level cache until their parameters are updated: those of several tiles. */
#define RULE_ROWS (4 * TILE_ROWS_MAX)

/* Tiles of a gradient, and the optimizer's step on the parameters that stand in the place of C. */
static void update_tiles(size_t rows, size_t columns, size_t chain, const tile_stage *stage, const bp_rule *rule,
                         tile_place *place, size_t count) {
    float gradient[RULE_ROWS * TILE_COLUMNS];
    tile_stage s = *stage;
    s.finish = FINISH_STORE;
    float *w = place->c;
    const size_t ldw = place->ldc;
    for (size_t tiles; count > 0; count -= tiles) {
        tiles = least(count, RULE_ROWS / rows);
        place->c = gradient;
        place->ldc = TILE_COLUMNS;
        run_tiles(rows, columns, chain, &s, place, tiles);
        apply_rule(rule, RULE_WEIGHTS, w, ldw, row_major(gradient, TILE_COLUMNS), tiles * rows, columns);
        w += tiles * rows * ldw;
    }
    place->c = w;
    place->ldc = ldw;
}

/* A part of a matrix, to be fetched in so many turns. */
static ahead fetch_part(bp_panels m, size_t r, size_t c, size_t rows, size_t columns, size_t turns) {
    const size_t panels = panels_in(columns);
    return (ahead){
        .at = panel_at(m, r, c),
        .row = m.row,
        .panel = m.panel,
        .rows = rows,
        .panels = panels,
        .per_turn = (rows * panels + turns - 1) / turns,
    };
}

/* The block of A that follows in the same columns of C. */
static ahead next_of_a(const product *p, const block *b, size_t end, size_t turns) {
    const size_t m0 = b->m0 + b->rows;
    if (p->pack_a != PACK_NONE || m0 >= end)
        return (ahead){0};
    const size_t rows = least(end - m0, p->block_rows);
    float *at = (float *)p->a.at;
    if (p->a.row == 1) /* columns of X */
        return fetch_part((bp_panels){at, p->a.k, p->a.skip + TILE_COLUMNS}, b->k0, m0, b->depth, rows, turns);
    return fetch_part((bp_panels){at, p->a.row, p->a.panel}, m0, b->k0, rows, b->depth, turns);
}

/* Elements of a matrix that is not in the second-level cache anyway. */
#define FETCH_MIN ((size_t)256 * 1024)

/* The next panel of B, where it is read in place or packed then. */
static ahead next_of_b(const product *p, const block *b, size_t n, size_t turns) {
    const size_t next = n + TILE_COLUMNS;
    if (next >= b->columns || p->depth * p->columns < FETCH_MIN)
        return (ahead){0};
    const size_t width = least(b->columns - next, TILE_COLUMNS);
    if (p->pack_b == PACK_NONE)
        return fetch_part(p->b, b->k0, b->n0 + next, b->depth, width, turns);
    return b->pack_now ? fetch_part(p->b, b->n0 + next, b->k0, width, b->depth, turns) : (ahead){0};
}

/* Rows from a tile to the one for whose end something is fetched. */
#define ENDS_LEAD (2 * TILE_ROWS)

/* What the ends of tiles read or write: results, or outputs below, where they take half of the cache or more. */
static ahead next_of_ends(const product *p, const tile_stage *stage, const block *b, row_cut cut) {
    if (p->rows * p->columns < FETCH_MIN / 2 || b->rows <= ENDS_LEAD)
        return (ahead){0};
    ahead f = fetch_part(stage->finish == FINISH_DERIVATIVE ? p->below : p->c, b->m0, b->n0, b->rows, b->columns, 1);
    f.next_row = ENDS_LEAD;
    f.per_turn = cut.height / panels_in(b->depth) + 1;
    return f;
}

/* Columns of a panel that are computed: where matrices are padded, whole vectors of them. */
static inline size_t panel_columns(const product *p, size_t columns) {
    return p->padded || p->transposed ? whole_columns(columns) : columns;
}

static void run_block(const product *p, const tile_stage *stage, const block *b, size_t end) {
    const bool all_packed = p->pack_b != PACK_NONE;
    const row_cut whole = cut_rows(b->rows, TILE_COLUMNS);
    const size_t panel_turns = whole.tiles * panels_in(b->depth), turns = panel_turns * panels_in(b->columns);
    fetches f = {.a = next_of_a(p, b, end, turns)};
    if (!p->transposed) {
        f.end = next_of_ends(p, stage, b, whole);
    } else { /* see transpose_results */
        f.b = fetch_part(p->c, b->n0, b->m0, b->columns, b->rows, turns);
        if (p->below.at)
            f.end = fetch_part(p->below, b->n0, b->m0, b->columns, b->rows, turns);
    }
    for (size_t n = 0; n < b->columns; n += TILE_COLUMNS) {
        const size_t columns = panel_columns(p, least(b->columns - n, TILE_COLUMNS));
        const row_cut cut = cut_rows(b->rows, columns);
        if (b->pack_now)
            pack_transposed_panel(b->packed_b + n * b->depth, p, b, n);
        const bool packed = all_packed || (!p->padded && columns % VEC_LANES != 0);
        tile_place place = {
            .a = b->a.at,
            .a_row = b->a.row,
            .a_k = b->a.k,
            .a_panel = b->a.panel,
            .a_skip = b->a.skip,
            .b = packed ? b->packed_b + n * b->depth : panel_at(p->b, b->k0, b->n0 + n),
            .b_k = packed ? TILE_COLUMNS : p->b.row,
            .depth = b->depth,
            .c = b->c + n / TILE_COLUMNS * b->c_panel,
            .ldc = b->c_row,
            .partial = b->partial + n / TILE_COLUMNS * b->partial_panel,
            .ld_partial = b->partial_row,
            .bias = p->bias ? p->bias + b->n0 + n : NULL,
            .below = p->finish == FINISH_DERIVATIVE ? panel_at(p->below, b->m0, b->n0 + n) : b->c, /* or not read */
            .ld_below = p->below.row,
        };
        if (!p->transposed)
            f.b = next_of_b(p, b, n, panel_turns);
        place.fetches = f.a.panels + f.b.panels + f.end.panels > 0 ? &f : NULL;
        if (stage->finish == FINISH_RULE) {
            update_tiles(cut.height + 1, columns, p->chain, stage, p->rule, &place, cut.taller);
            update_tiles(cut.height, columns, p->chain, stage, p->rule, &place, cut.tiles - cut.taller);
            continue;
        }
        if (cut.taller > 0)
            run_tiles(cut.height + 1, columns, p->chain, stage, &place, cut.taller);
        run_tiles(cut.height, columns, p->chain, stage, &place, cut.tiles - cut.taller);
    }
}

/* What the tiles of the block at depth k0 begin and end with. */
static tile_stage stage_at(const product *p, size_t k0, size_t depth) {
    const bool first = k0 == 0, last = k0 + depth == p->depth;
    const tile_start fresh = p->bias ? START_BIAS : START_ZERO;
    return (tile_stage){
        .start = first || p->chain ? fresh : START_PARTIAL,
        .add_partial = p->chain && (!first || p->sums),
        .finish = last ? p->finish : FINISH_STORE,
        .activation = p->activation,
        .rate = p->rate,
    };
}

/* Scratch holds a block of B, one of A, and sums: as close together as their sizes allow. */
typedef struct workspace {
    float *b, *a, *sums;
} workspace;

static workspace cut_scratch(const product *p, float *scratch) {
    const size_t depth = least(p->depth, p->block_depth), rows = least(p->rows, p->block_rows);
    const size_t columns = round_up(least(p->columns, BLOCK_COLUMNS), TILE_COLUMNS);
    workspace w = {.b = scratch};
    w.a = w.b + depth * columns;
    w.sums = p->pack_a != PACK_NONE ? w.a + round_up(depth, TILE_COLUMNS) * round_up(rows, TILE_COLUMNS) : w.a;
    return w;
}

/* Rows of the transpose, `lanes` wide, go to their places, times the derivatives at the outputs below. */
static ALWAYS_INLINE void store_transposed(const vec *v, size_t count, size_t lanes, bp_panels c, bp_panels below,
                                           bp_activation activation) {
    for (size_t l = 0; l < count; l++) {
        vec result = v[l];
        if (activation.kind != BP_IDENTITY)
            result = vec_mul(result, vec_derivative(load_some(below.at + l * below.row, lanes), activation));
        store_some(c.at + l * c.row, lanes, result);
    }
}

/* The results of a block, in scratch, go to their places in the transpose. */
static void transpose_results(const product *p, const block *b) {
    for (size_t m = 0; m < b->rows; m += VEC_LANES) {
        const size_t at = m % TILE_COLUMNS, to = b->m0 + m - at, rows = least(b->rows - m, VEC_LANES);
        for (size_t n = 0; n < b->columns; n += VEC_LANES) {
            const float *from = b->c + n / TILE_COLUMNS * b->c_panel + m * b->c_row + n % TILE_COLUMNS;
            vec v[VEC_LANES];
            if (rows == VEC_LANES)
                UNROLL_FOR (size_t l = 0; l < VEC_LANES; l++)
                    v[l] = vec_load(from + l * b->c_row);
            else
                for (size_t l = 0; l < VEC_LANES; l++)
                    v[l] = l < rows ? vec_load(from + l * b->c_row) : vec_set1(0.0f);
            vec_transpose(v);
            bp_panels c = p->c, below = p->below;
            c.at = panel_at(c, b->n0 + n, to) + at;
            if (below.at)
                below.at = panel_at(below, b->n0 + n, to) + at;
            const size_t count = least(b->columns - n, VEC_LANES);
            if (rows < VEC_LANES && !p->padded)
                store_transposed(v, count, rows, c, below, p->activation);
            else if (p->activation.kind == BP_RELU)
                store_transposed(v, count, VEC_LANES, c, below, (bp_activation){BP_RELU, 0.0f});
            else
                store_transposed(v, count, VEC_LANES, c, below, p->activation);
        }
    }
}

/* The rows of a block, block_rows at a time. */
static void run_rows(const product *p, const tile_stage *stage, block b, size_t end, const workspace *w, bool own) {
    const bool last = b.k0 + b.depth == p->depth;
    /* Rows of row-major parameters lie far apart: they are updated from end to end, once a block's gradients are there.
     */
    const bool by_rows = p->finish == FINISH_RULE && !p->padded, update = by_rows && last;
    const size_t sum_row = by_rows ? round_up(b.columns, TILE_COLUMNS) : TILE_COLUMNS;
    const size_t sum_panel = by_rows ? TILE_COLUMNS : SUM_ROWS * TILE_COLUMNS;
    tile_stage s = *stage;
    s.finish = update ? FINISH_STORE : stage->finish;
    for (const size_t begin = b.m0; b.m0 < end; b.m0 += p->block_rows) {
        float *sums = own ? w->sums + (b.m0 - begin) * sum_row : w->sums;
        b.rows = least(end - b.m0, p->block_rows);
        if (p->transposed) {
            b.c = w->sums;
            b.c_row = TILE_COLUMNS;
            b.c_panel = b.rows * TILE_COLUMNS;
        } else {
            const bool kept = (own && !last) || update;
            b.c = kept ? sums : panel_at(p->c, b.m0, b.n0);
            b.c_row = kept ? sum_row : p->c.row;
            b.c_panel = kept ? sum_panel : p->c.panel;
        }
        b.partial = own ? sums : b.c;
        b.partial_row = own ? sum_row : b.c_row;
        b.partial_panel = own ? sum_panel : b.c_panel;
        if (b.k0 == 0 && p->sums) {
            b.partial = panel_at(*p->sums, b.m0, b.n0);
            b.partial_row = p->sums->row;
            b.partial_panel = p->sums->panel;
        }
        if (p->pack_a == PACK_COLUMNS) {
            pack_row_block(w->a, p->a.at + b.m0 + b.k0 * p->a.k, p->a.k, b.depth, b.rows);
            b.a = columns_of((bp_panels){w->a, TILE_COLUMNS, b.depth * TILE_COLUMNS});
        } else if (p->pack_a == PACK_ROWS) {
            pack_row_block(w->a, p->a.at + b.m0 * p->a.row + b.k0, p->a.row, b.rows, b.depth);
            b.a = rows_of((bp_panels){w->a, TILE_COLUMNS, b.rows * TILE_COLUMNS});
        } else {
            b.a = p->a;
            b.a.at = left_at(p, b.m0, b.k0);
        }
        run_block(p, &s, &b, end);
        if (update)
            apply_rule(p->rule, RULE_WEIGHTS, panel_at(p->c, b.m0, b.n0), p->c.row,
                       (bp_panels){b.c, b.c_row, b.c_panel}, b.rows, b.columns);
        b.pack_now = false;
        if (p->transposed)
            transpose_results(p, &b);
        if (last && p->finish == FINISH_ACTIVATION && !is_rectifier(p->activation))
            for (size_t n = 0; n < b.columns; n += TILE_COLUMNS, b.c += b.c_panel)
                activate_in_place(b.c, b.c_row, p->slopes.at ? panel_at(p->slopes, b.m0, b.n0 + n) : NULL,
                                  p->slopes.row, b.rows, panel_columns(p, least(b.columns - n, TILE_COLUMNS)),
                                  p->activation);
    }
}

/* A product of one tile and one chain, as in tiny networks: blocks would cost more than the product. */
static void run_one_tile(const product *p, float *scratch) {
    const size_t columns = panel_columns(p, p->columns);
    const tile_stage stage = stage_at(p, 0, p->depth);
    tile_place place = {
        .a = p->a.at,
        .a_row = p->a.row,
        .a_k = p->a.k,
        .a_panel = p->a.panel,
        .a_skip = p->a.skip,
        .b = p->b.at,
        .b_k = p->b.row,
        .depth = p->depth,
        .c = p->c.at,
        .ldc = p->c.row,
        .partial = p->sums ? p->sums->at : p->c.at,
        .ld_partial = p->sums ? p->sums->row : p->c.row,
        .bias = p->bias,
        .below = p->below.at ? p->below.at : p->c.at,
        .ld_below = p->below.row,
    };
    if (p->pack_b == PACK_COLUMNS) {
        pack_columns(scratch, TILE_COLUMNS, p->b.at, p->b.row, p->depth, p->columns);
        place.b = scratch;
        place.b_k = TILE_COLUMNS;
    }
    if (stage.finish == FINISH_RULE)
        update_tiles(p->rows, columns, 0, &stage, p->rule, &place, 1);
    else
        tiles_any(p->rows, columns, &stage, &place, 1);
    if (p->finish == FINISH_ACTIVATION && !is_rectifier(p->activation))
        activate_in_place(p->c.at, p->c.row, p->slopes.at, p->slopes.row, p->rows, columns, p->activation);
}

static void run_product(const product *p, void *scratch) {
    if (p->padded && p->columns <= TILE_COLUMNS && p->rows <= tile_height(p->columns) && p->depth <= TILE_COLUMNS) {
        run_one_tile(p, scratch);
        return;
    }
    const workspace w = cut_scratch(p, scratch);
    const bool own = p->own_partial && p->depth > p->block_depth;
    /* Rows that use a block of B while it is packed: all, unless their sums must fit into scratch. */
    const size_t stretch = own ? SUM_ROWS / p->block_rows * p->block_rows : p->rows;
    for (size_t n0 = 0; n0 < p->columns; n0 += BLOCK_COLUMNS)
        for (size_t m0 = 0; m0 < p->rows; m0 += stretch)
            for (size_t k0 = 0; k0 < p->depth; k0 += p->block_depth) {
                block b = {.k0 = k0, .m0 = m0, .n0 = n0, .packed_b = w.b};
                b.depth = least(p->depth - k0, p->block_depth);
                b.columns = least(p->columns - n0, BLOCK_COLUMNS);
                b.pack_now = p->pack_b == PACK_COLUMNS;
                const size_t ragged = p->padded ? 0 : b.columns % VEC_LANES, whole = b.columns / TILE_COLUMNS;
                const float *from = p->b.at + k0 * p->b.row + n0;
                if (p->pack_b == PACK_ROWS)
                    pack_row_block(w.b, from, p->b.row, b.depth, b.columns);
                else if (p->pack_b == PACK_NONE && ragged) /* the panel that ends within a vector */
                    pack_row_block(w.b + whole * TILE_COLUMNS * b.depth, from + whole * TILE_COLUMNS, p->b.row, b.depth,
                                   b.columns % TILE_COLUMNS);
                const tile_stage stage = stage_at(p, k0, b.depth);
                run_rows(p, &stage, b, least(m0 + stretch, p->rows), &w, own);
            }
}

#endif
