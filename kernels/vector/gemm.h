/*
 * The matrix product (GEMM) behind all dense kernels: C(m, n) <- chain over k of A(m, k) * B(k, n).
 *
 * A caller says what is multiplied (gemm_operands), in which blocks (gemm_plan), and what becomes of the results
 * (gemm_epilogue, in tile.h). The five loops, outermost first:
 *
 *   gemm            NC columns of C and B
 *                   KC steps of the depth: a block of B, packed if the plan says so
 *                   MC rows of C and A: a block of A, packed if the plan says so
 *   gemm_block_run  NR columns of the block: a panel of B
 *   tile            MR rows of the block, whose sums stay in registers
 *
 * A chain that is longer than a block continues from the results in memory, which changes no bit.
 *
 * May know: the tile, packing, optimizers. It does not know layers or batches.
 */
#ifndef BP_GEMM_H
#define BP_GEMM_H

#include <backprop/dense.h>

#include "backend.h"
#include "vector/optimizer.h"
#include "vector/tile.h"

/* What is multiplied, and where the results go. */
typedef struct gemm_operands {
    size_t rows, columns, depth;
    lhs_cursor a;
    bp_packed b; /* B, or with PACK_TRANSPOSED its transpose */
    bp_packed c;
    const float *bias; /* what chains begin with, or null: zero */
    bp_packed sums;    /* plan.chains: the sum of earlier chains; data null: none */
    bool padded;       /* the rows of all matrices are padded to whole vectors */
} gemm_operands;

/* PACK_TRANSPOSED: of A, columns of a row-major matrix; of B, the transpose. */
typedef enum pack_kind { PACK_NONE, PACK_ROWS, PACK_TRANSPOSED } pack_kind;

/* The blocks, and where they are copied to. */
typedef struct gemm_plan {
    size_t mc, kc;
    pack_kind pack_a, pack_b; /* of A, only row-major matrices are packed */
    bool chains;              /* each block of the depth is a chain of its own; they are added up */
    bool sums_in_scratch;     /* results of earlier blocks must not overwrite c */
} gemm_plan;

/*
 * The plan of chains over the whole depth. In packed matrices a chain of up to two blocks becomes one block, so that no
 * results go through memory.
 */
static inline gemm_plan chain_plan(const gemm_operands *g) {
    const bool one = g->padded && g->depth > KC && g->depth <= 2 * KC;
    return (gemm_plan){.mc = one ? MC / 2 : MC, .kc = one ? g->depth : KC};
}

/* The deepest block. In a gradient a block is one of the contract's row blocks. */
#define DEPTH_MAX (KC > BP_ROW_BLOCK ? KC : BP_ROW_BLOCK)

/* MC as a multiple of the panel width, for a block of A's columns. */
#define COLUMN_BLOCK (MC < NR ? NR : MC / NR * NR)

/* Rows whose sums fit into scratch: so many rows share a packed block of B. */
#define SUM_ROWS (4 * COLUMN_BLOCK)

_Static_assert(NC % NR == 0, "a block of B is a multiple of the panel width");
_Static_assert(KC % NR == 0, "a block of A begins at a panel");

#define SCRATCH_FLOATS (NC * (DEPTH_MAX + SUM_ROWS) + (MC + NR) * DEPTH_MAX + 2 * SCRATCH_SLACK)
_Static_assert(SCRATCH_FLOATS <= BP_SCRATCH_BYTES / sizeof(float), "packed blocks fit into scratch");
_Static_assert(NR <= SCRATCH_SLACK, "a panel of a small product fits into scratch");
_Static_assert(NR >= UNPACKED_COLUMNS, "small products pack no block of A");

/* A = x. */
static inline lhs_cursor rows_of(bp_packed x) {
    return (lhs_cursor){.at = x.data, .row_stride = x.row_stride, .k_stride = 1, .k_panel = x.panel_stride};
}

/* A = x transposed. */
static inline lhs_cursor columns_of(bp_packed x) {
    return (lhs_cursor){
        .at = x.data,
        .row_stride = 1,
        .border_skip = x.panel_stride - NR,
        .k_stride = x.row_stride,
        .k_panel = NR * x.row_stride,
    };
}

/* Structs are copied field by field: a copy by vectors would wait for the stores of the fields. */

/* *to = A from element (m, k) on, which begin a panel if it is packed. */
static inline void set_lhs(lhs_cursor *to, const lhs_cursor *a, size_t m, size_t k) {
    to->at = a->at + m * a->row_stride + m / NR * a->border_skip + k / NR * a->k_panel + k % NR * a->k_stride;
    to->row_stride = a->row_stride;
    to->border_skip = a->border_skip;
    to->k_stride = a->k_stride;
    to->k_panel = a->k_panel;
    to->row_in_panel = 0;
}

/* *to = the part of m from element (r, c) on, if there is m; c begins a panel. */
static inline void set_part(bp_packed *to, const bp_packed *m, size_t r, size_t c) {
    to->data = m->data ? packed_at(*m, r, c) : NULL;
    to->row_stride = m->row_stride;
    to->panel_stride = m->panel_stride;
}

/* ---- One block: the loops over NR columns and MR rows ----------------------------------------------------------- */

/* A block of a product. All matrices begin at its first element. */
typedef struct gemm_block {
    size_t rows, columns, depth;
    lhs_cursor a;
    bp_packed b;
    bp_packed b_ragged;     /* the last panel, if its last vector is not whole and b is not padded */
    bp_packed b_transposed; /* if data is not null, each panel of b is packed from it at its first use */
    bool prefetch_b;        /* the next panel of b, or what it will be packed from */
    bp_packed c;            /* receives the results */
    bp_packed w;            /* EPILOGUE_OPTIMIZER: the weights; the results are their gradient */
    bp_packed derivatives;  /* EPILOGUE_ACTIVATION: receives f'; data null: none */
    bp_packed first;        /* what the chains begin with */
    bp_packed sums;         /* of earlier chains, which are added; data null: none */
    bp_packed saved;        /* EPILOGUE_DERIVATIVE */
    bool padded;
} gemm_block;

/* What chains begin with if there is neither a bias nor a result of earlier blocks. */
static const float gemm_zeros[NR];

/* Cuts `rows` into tiles of nearly equal height: a tile of one row would cost as much as one of several. */
typedef struct row_cut {
    size_t tiles, height, taller; /* the first `taller` tiles have height + 1 rows */
} row_cut;

static inline row_cut cut_rows(size_t rows, size_t columns) {
    const size_t height = tile_height(columns), count = (rows + height - 1) / height;
    return (row_cut){count, rows / count, rows % count};
}

/* `columns` rounded up to whole vectors. */
static inline size_t whole_columns(size_t columns) {
    return columns <= NARROW_COLUMNS ? NARROW_COLUMNS : round_up(columns, VEC_LANES);
}

/* The iterations of a tile's loop, in which it prefetches: of all tiles of a panel of the block. */
static inline size_t panel_iterations(const gemm_block *b) {
    return cut_rows(b->rows, NR).tiles * panel_count(b->depth);
}

/* A prefetch stream over m [rows x columns], spread over `iterations`. */
static void set_stream(prefetch_stream *f, bp_packed m, size_t rows, size_t columns, size_t iterations) {
    f->data = m.data;
    f->row_stride = m.row_stride;
    f->panel_stride = m.panel_stride;
    f->rows = rows;
    f->panel_count = panel_count(columns);
    f->next_row = 0;
    f->per_iteration = (rows * f->panel_count + iterations - 1) / iterations;
}

/* The panel of B after the one at column n. */
static void prefetch_panel_of_b(prefetch_stream *f, const gemm_block *b, size_t n) {
    const size_t next = n + NR;
    f->panel_count = 0;
    if (next >= b->columns)
        return;
    const size_t width = least(b->columns - next, NR), iterations = panel_iterations(b);
    if (b->b_transposed.data)
        set_stream(f, packed_part(b->b_transposed, next, 0), width, b->depth, iterations);
    else
        set_stream(f, packed_part(b->b, 0, next), b->depth, width, iterations);
}

/* The operands of the tiles of the block's panel at column n. */
static void set_operands(tile_operands *p, const gemm_block *b, bp_packed rhs, size_t n) {
    set_lhs(&p->a, &b->a, 0, 0);
    p->b = packed_at(rhs, 0, n);
    p->b_k = rhs.row_stride;
    p->depth = b->depth;
    p->c = packed_at(b->c, 0, n);
    p->ldc = b->c.row_stride;
    p->first = packed_at(b->first, 0, n);
    p->ld_first = b->first.row_stride;
    p->sums = b->sums.data ? packed_at(b->sums, 0, n) : NULL;
    p->ld_sums = b->sums.row_stride;
    p->saved = b->saved.data ? packed_at(b->saved, 0, n) : NULL;
    p->ld_saved = b->saved.row_stride;
}

/*
 * Tiles whose last vector is not whole. They work on padded copies, so nothing beyond the columns is read or written.
 * B is packed and padded.
 */
static void ragged_tiles(row_cut cut, size_t columns, const gemm_epilogue *e, tile_operands *p) {
    float c[TILE_ROWS_MAX * NR], first[TILE_ROWS_MAX * NR], sums[TILE_ROWS_MAX * NR], saved[TILE_ROWS_MAX * NR];
    tiles_fn *const tiles = tiles_for(columns);
    tile_operands copy = *p; /* one for all tiles: it advances along A */
    copy.ldc = copy.ld_sums = copy.ld_saved = NR;
    copy.ld_first = p->ld_first > 0 ? NR : 0;
    for (size_t t = 0; t < cut.tiles; t++) {
        const size_t rows = cut.height + (t < cut.taller);
        copy.c = c;
        copy.first = first;
        copy.sums = p->sums ? sums : NULL;
        copy.saved = p->saved ? saved : NULL;
        pack_rows(first, NR, p->first, p->ld_first, p->ld_first > 0 ? rows : 1, columns);
        if (e->kind == EPILOGUE_SGD)
            pack_rows(c, NR, p->c, p->ldc, rows, columns);
        if (p->sums)
            pack_rows(sums, NR, p->sums, p->ld_sums, rows, columns);
        if (p->saved)
            pack_rows(saved, NR, p->saved, p->ld_saved, rows, columns);
        tiles(rows, e, &copy, 1);
        unpack_rows(p->c, p->ldc, c, NR, rows, columns);
        next_rows(p, rows);
    }
}

/* What the tiles of a panel have not done: transcendental activations, and the optimizer's step on its gradient. */
static void finish_panel(const gemm_block *b, const gemm_epilogue *e, size_t n, size_t columns) {
    float *c = packed_at(b->c, 0, n);
    if (e->kind == EPILOGUE_OPTIMIZER && b->padded)
        apply_optimizer(e->update, ROLE_WEIGHTS, packed_at(b->w, 0, n), b->w.row_stride, row_major(c, b->c.row_stride),
                        b->rows, columns);
    else if (e->kind == EPILOGUE_ACTIVATION && !is_rectifier(e->activation))
        activate_in_place(c, b->c.row_stride, b->derivatives.data ? packed_at(b->derivatives, 0, n) : NULL,
                          b->derivatives.row_stride, b->rows, columns, e->activation);
}

static void gemm_block_run(const gemm_block *b, const gemm_epilogue *e, prefetches *f) {
    for (size_t n = 0; n < b->columns; n += NR) {
        const size_t width = least(b->columns - n, NR), columns = b->padded ? whole_columns(width) : width;
        const bool ragged = !b->padded && width % VEC_LANES != 0;
        const row_cut cut = cut_rows(b->rows, columns);
        if (b->b_transposed.data)
            pack_transposed_panel(packed_at(b->b, 0, n), packed_part(b->b_transposed, n, 0), b->depth, width);
        if (b->prefetch_b)
            prefetch_panel_of_b(&f->b, b, n);
        tile_operands p;
        set_operands(&p, b, ragged ? b->b_ragged : b->b, n);
        p.prefetches = f->a.panel_count + f->b.panel_count + f->epilogue.panel_count > 0 ? f : NULL;
        if (ragged) {
            ragged_tiles(cut, columns, e, &p);
        } else {
            tiles_fn *const tiles = tiles_for(columns);
            if (cut.taller > 0)
                tiles(cut.height + 1, e, &p, cut.taller);
            tiles(cut.height, e, &p, cut.tiles - cut.taller);
        }
        finish_panel(b, e, n, columns);
    }
    if (e->kind == EPILOGUE_OPTIMIZER && !b->padded) /* row-major rows lie far apart: each is updated as a whole */
        apply_optimizer(e->update, ROLE_WEIGHTS, b->w.data, b->w.row_stride, b->c, b->rows, b->columns);
}

/* ---- All blocks: the loops over NC columns, KC steps and MC rows ------------------------------------------------ */

/* Scratch holds a block of B, a block of A, and sums, without gaps. */
typedef struct gemm_scratch {
    float *b, *a, *sums;
} gemm_scratch;

static gemm_scratch cut_scratch(const gemm_operands *g, const gemm_plan *plan, float *scratch) {
    const size_t depth = least(g->depth, plan->kc), rows = least(g->rows, plan->mc);
    const size_t columns = round_up(least(g->columns, NC), NR);
    gemm_scratch w = {.b = scratch};
    w.a = w.b + depth * columns;
    w.sums = plan->pack_a != PACK_NONE ? w.a + round_up(depth, NR) * round_up(rows, NR) : w.a;
    return w;
}

/* Sets the block's B, whose first element is (k0, n0), and packs it if the plan says so. */
static void pack_rhs(gemm_block *b, const gemm_operands *g, const gemm_plan *plan, size_t k0, size_t n0, float *to) {
    const bp_packed packed = {to, NR, b->depth * NR};
    const float *from = g->b.data + k0 * g->b.row_stride + n0;
    b->b_ragged = packed;
    if (plan->pack_b == PACK_NONE)
        set_part(&b->b, &g->b, k0, n0);
    else
        b->b = packed;
    b->b_transposed.data = NULL;
    b->prefetch_b = plan->pack_b != PACK_ROWS && g->depth * g->columns >= PREFETCH_MIN;
    if (plan->pack_b == PACK_ROWS) {
        pack_matrix(packed, from, g->b.row_stride, b->depth, b->columns);
    } else if (plan->pack_b == PACK_TRANSPOSED) {
        b->b_transposed = packed_part(g->b, n0, k0);
    } else if (!g->padded && b->columns % VEC_LANES != 0) { /* the last panel, whose last vector is not whole */
        const size_t last = b->columns / NR * NR;
        pack_matrix(packed_part(packed, 0, last), from + last, g->b.row_stride, b->depth, b->columns - last);
    }
}

/* Sets the block's A, whose first element is (m, k), and packs it if `pack` says so. */
static void pack_lhs(gemm_block *b, const lhs_cursor *a, size_t m, size_t k, pack_kind pack, float *to) {
    set_lhs(&b->a, a, m, k);
    if (pack == PACK_NONE)
        return;
    const bool rows = pack == PACK_ROWS;
    const size_t length = rows ? b->rows : b->depth;
    const bp_packed packed = {to, NR, length * NR};
    pack_matrix(packed, b->a.at, rows ? a->row_stride : a->k_stride, length, rows ? b->depth : b->rows);
    b->a = rows ? rows_of(packed) : columns_of(packed);
}

/* The block of A at row `next`, for the same columns. */
static void prefetch_block_of_a(prefetch_stream *f, const gemm_block *b, const gemm_operands *g, const gemm_plan *plan,
                                size_t k0, size_t next, size_t end) {
    f->panel_count = 0;
    if (plan->pack_a != PACK_NONE || next >= end)
        return;
    const size_t rows = least(end - next, plan->mc), iterations = panel_iterations(b) * panel_count(b->columns);
    lhs_cursor a;
    set_lhs(&a, &g->a, next, k0);
    float *at = (float *)a.at;
    if (a.row_stride == 1) /* columns of X */
        set_stream(f, (bp_packed){at, a.k_stride, a.border_skip + NR}, b->depth, rows, iterations);
    else
        set_stream(f, (bp_packed){at, a.row_stride, a.k_panel}, rows, b->depth, iterations);
}

/* What epilogues read or write: C, or the saved values, if it takes half of the cache or more. */
static void prefetch_of_epilogue(prefetch_stream *f, const gemm_block *b, const gemm_operands *g,
                                 const gemm_epilogue *e) {
    f->panel_count = 0;
    if (g->rows * g->columns < PREFETCH_MIN / 2 || b->rows <= EPILOGUE_LEAD)
        return;
    set_stream(f, e->kind == EPILOGUE_DERIVATIVE ? b->saved : b->w, b->rows, b->columns, 1);
    f->next_row = EPILOGUE_LEAD;
    f->per_iteration = cut_rows(b->rows, NR).height / panel_count(b->depth) + 1;
}

/* Where the results of the block at (m, n0) go, and which earlier results it continues. */
static void set_destination(gemm_block *b, const gemm_operands *g, const gemm_plan *plan, const gemm_epilogue *e,
                            size_t m, size_t k0, size_t n0, const bp_packed *scratch) {
    const bool begins = k0 == 0, last = k0 + b->depth == g->depth;
    const bp_packed *earlier = plan->sums_in_scratch ? scratch : &g->c;
    const size_t r = plan->sums_in_scratch ? 0 : m, c = plan->sums_in_scratch ? 0 : n0;
    set_part(&b->w, &g->c, m, n0);
    if (last && e->kind != EPILOGUE_OPTIMIZER)
        set_part(&b->c, &g->c, m, n0);
    else
        set_part(&b->c, earlier, r, c);
    if (begins || plan->chains) {
        b->first.data = (float *)(g->bias ? g->bias + n0 : gemm_zeros);
        b->first.row_stride = 0;
        b->first.panel_stride = g->bias ? NR : 0;
    } else {
        set_part(&b->first, earlier, r, c);
    }
    if (plan->chains && !begins)
        set_part(&b->sums, earlier, r, c);
    else
        set_part(&b->sums, &g->sums, m, n0);
    set_part(&b->saved, &e->saved, m, n0);
    set_part(&b->derivatives, &e->derivatives, m, n0);
}

static void gemm(const gemm_operands *g, const gemm_plan *plan, const gemm_epilogue *epilogue, void *scratch) {
    const gemm_epilogue store = {EPILOGUE_STORE};
    const gemm_scratch w = cut_scratch(g, plan, scratch);
    const bool resumes = plan->sums_in_scratch && g->depth > plan->kc;
    /* Rows that share a packed block of B: all, unless their sums must fit into scratch. */
    const size_t stretch = resumes ? SUM_ROWS / plan->mc * plan->mc : g->rows;
    gemm_block b;
    prefetches f;
    b.padded = g->padded;
    for (size_t n0 = 0; n0 < g->columns; n0 += NC) {
        b.columns = least(g->columns - n0, NC);
        for (size_t begin = 0; begin < g->rows; begin += stretch) {
            const size_t end = least(begin + stretch, g->rows);
            for (size_t k0 = 0; k0 < g->depth; k0 += plan->kc) {
                b.depth = least(g->depth - k0, plan->kc);
                const gemm_epilogue *e = k0 + b.depth == g->depth ? epilogue : &store;
                pack_rhs(&b, g, plan, k0, n0, w.b);
                for (size_t m = begin; m < end; m += plan->mc) {
                    b.rows = least(end - m, plan->mc);
                    const bp_packed sums = {w.sums + (resumes ? (m - begin) * NR : 0), NR,
                                            resumes     ? (end - begin) * NR
                                            : g->padded ? 0
                                                        : b.rows * NR};
                    set_destination(&b, g, plan, e, m, k0, n0, &sums);
                    pack_lhs(&b, &g->a, m, k0, plan->pack_a, w.a);
                    prefetch_block_of_a(&f.a, &b, g, plan, k0, m + b.rows, end);
                    f.b.panel_count = 0;
                    prefetch_of_epilogue(&f.epilogue, &b, g, e);
                    gemm_block_run(&b, e, &f);
                    if (plan->pack_b == PACK_TRANSPOSED) { /* packed by now */
                        b.b_transposed.data = NULL;
                        b.prefetch_b = false;
                    }
                }
            }
        }
    }
}

#endif
