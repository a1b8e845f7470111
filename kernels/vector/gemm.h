/*
 * The matrix product (GEMM) behind all dense kernels: C(m, n) <- chain over k of A(m, k) * B(k, n).
 *
 * A caller says what is multiplied (gemm_operands), in which blocks (gemm_plan), and what becomes of the results
 * (gemm_epilogue, in tile.h). The five loops, outermost first:
 *
 *   gemm        NC columns of C and B
 *               KC steps of the depth: a block of B, packed if the plan says so
 *               MC rows of C and A: a block of A, packed if the plan says so
 *   gemm_block  NR columns of the block: a panel of B
 *   tile        MR rows of the block, whose sums stay in registers
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

/* A from element (m, k) on, which begin a panel if it is packed. */
static inline lhs_cursor lhs_part(lhs_cursor a, size_t m, size_t k) {
    a.at += m * a.row_stride + m / NR * a.border_skip + k / NR * a.k_panel + k % NR * a.k_stride;
    return a;
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

/* A prefetch stream over a part of a matrix, spread over `iterations`. */
static prefetch_stream prefetch_part(bp_packed m, size_t r, size_t c, size_t rows, size_t columns, size_t iterations) {
    const size_t count = panel_count(columns);
    return (prefetch_stream){
        .data = packed_at(m, r, c),
        .row_stride = m.row_stride,
        .panel_stride = m.panel_stride,
        .rows = rows,
        .panel_count = count,
        .per_iteration = (rows * count + iterations - 1) / iterations,
    };
}

/* The panel of B after the one at column n. */
static prefetch_stream next_panel_of_b(const gemm_block *b, size_t n) {
    const size_t next = n + NR;
    if (next >= b->columns)
        return (prefetch_stream){0};
    const size_t width = least(b->columns - next, NR), iterations = panel_iterations(b);
    return b->b_transposed.data ? prefetch_part(b->b_transposed, next, 0, width, b->depth, iterations)
                                : prefetch_part(b->b, 0, next, b->depth, width, iterations);
}

/* The operands of the tiles of the block's panel at column n. */
static tile_operands operands_at(const gemm_block *b, bp_packed rhs, size_t n) {
    return (tile_operands){
        .a = b->a,
        .b = packed_at(rhs, 0, n),
        .b_k = rhs.row_stride,
        .depth = b->depth,
        .c = packed_at(b->c, 0, n),
        .ldc = b->c.row_stride,
        .first = packed_at(b->first, 0, n),
        .ld_first = b->first.row_stride,
        .sums = b->sums.data ? packed_at(b->sums, 0, n) : NULL,
        .ld_sums = b->sums.row_stride,
        .saved = b->saved.data ? packed_at(b->saved, 0, n) : NULL,
        .ld_saved = b->saved.row_stride,
    };
}

/*
 * Tiles whose last vector is not whole. They work on padded copies, so nothing beyond the columns is read or written.
 * B is packed and padded.
 */
static void ragged_tiles(row_cut cut, size_t columns, const gemm_epilogue *e, tile_operands *p) {
    float c[TILE_ROWS_MAX * NR], first[TILE_ROWS_MAX * NR], sums[TILE_ROWS_MAX * NR], saved[TILE_ROWS_MAX * NR];
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
        tiles(rows, columns, e, &copy, 1);
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

static void gemm_block_run(const gemm_block *b, const gemm_epilogue *e, prefetches f) {
    for (size_t n = 0; n < b->columns; n += NR) {
        const size_t width = least(b->columns - n, NR), columns = b->padded ? whole_columns(width) : width;
        const bool ragged = !b->padded && width % VEC_LANES != 0;
        const row_cut cut = cut_rows(b->rows, columns);
        if (b->b_transposed.data)
            pack_transposed_panel(packed_at(b->b, 0, n), packed_part(b->b_transposed, n, 0), b->depth, width);
        if (b->prefetch_b)
            f.b = next_panel_of_b(b, n);
        tile_operands p = operands_at(b, ragged ? b->b_ragged : b->b, n);
        p.prefetches = f.a.panel_count + f.b.panel_count + f.epilogue.panel_count > 0 ? &f : NULL;
        if (ragged) {
            ragged_tiles(cut, columns, e, &p);
        } else {
            if (cut.taller > 0)
                tiles(cut.height + 1, columns, e, &p, cut.taller);
            tiles(cut.height, columns, e, &p, cut.tiles - cut.taller);
        }
        finish_panel(b, e, n, columns);
    }
    if (e->kind == EPILOGUE_OPTIMIZER && !b->padded) /* row-major rows lie far apart: each is updated as a whole */
        apply_optimizer(e->update, ROLE_WEIGHTS, b->w.data, b->w.row_stride, b->c, b->rows, b->columns);
}

/* ---- All blocks: the loops over NC columns, KC steps and MC rows ------------------------------------------------ */

/* Scratch holds a block of B, a block of A, and sums, without gaps. */
typedef struct workspace {
    float *b, *a, *sums;
} workspace;

static workspace cut_scratch(const gemm_operands *g, const gemm_plan *plan, float *scratch) {
    const size_t depth = least(g->depth, plan->kc), rows = least(g->rows, plan->mc);
    const size_t columns = round_up(least(g->columns, NC), NR);
    workspace w = {.b = scratch};
    w.a = w.b + depth * columns;
    w.sums = plan->pack_a != PACK_NONE ? w.a + round_up(depth, NR) * round_up(rows, NR) : w.a;
    return w;
}

/* Sets the block's B, whose first element is (k0, n0), and packs it if the plan says so. */
static void pack_rhs(gemm_block *b, const gemm_operands *g, const gemm_plan *plan, size_t k0, size_t n0, float *to) {
    const bp_packed packed = {to, NR, b->depth * NR};
    const float *from = g->b.data + k0 * g->b.row_stride + n0;
    b->b_ragged = packed;
    b->b = plan->pack_b == PACK_NONE ? packed_part(g->b, k0, n0) : packed;
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

/* The block's A, packed if `pack` says so. */
static lhs_cursor pack_lhs(const gemm_block *b, lhs_cursor a, pack_kind pack, float *to) {
    if (pack == PACK_NONE)
        return a;
    const bool rows = pack == PACK_ROWS;
    const size_t length = rows ? b->rows : b->depth;
    const bp_packed packed = {to, NR, length * NR};
    pack_matrix(packed, a.at, rows ? a.row_stride : a.k_stride, length, rows ? b->depth : b->rows);
    return rows ? rows_of(packed) : columns_of(packed);
}

/* The block of A at row `next`, for the same columns. */
static prefetch_stream next_block_of_a(const gemm_block *b, const gemm_operands *g, const gemm_plan *plan, size_t k0,
                                       size_t next, size_t end) {
    if (plan->pack_a != PACK_NONE || next >= end)
        return (prefetch_stream){0};
    const size_t rows = least(end - next, plan->mc), iterations = panel_iterations(b) * panel_count(b->columns);
    const lhs_cursor a = lhs_part(g->a, next, k0);
    float *at = (float *)a.at;
    if (a.row_stride == 1) /* columns of X */
        return prefetch_part((bp_packed){at, a.k_stride, a.border_skip + NR}, 0, 0, b->depth, rows, iterations);
    return prefetch_part((bp_packed){at, a.row_stride, a.k_panel}, 0, 0, rows, b->depth, iterations);
}

/* What epilogues read or write: C, or the saved values, if it takes half of the cache or more. */
static prefetch_stream next_of_epilogue(const gemm_block *b, const gemm_operands *g, const gemm_epilogue *e) {
    if (g->rows * g->columns < PREFETCH_MIN / 2 || b->rows <= EPILOGUE_LEAD)
        return (prefetch_stream){0};
    prefetch_stream f = prefetch_part(e->kind == EPILOGUE_DERIVATIVE ? b->saved : b->w, 0, 0, b->rows, b->columns, 1);
    f.next_row = EPILOGUE_LEAD;
    f.per_iteration = cut_rows(b->rows, NR).height / panel_count(b->depth) + 1;
    return f;
}

/* Where the results of the block at (m, n0) go, and which earlier results it continues. */
static void set_destination(gemm_block *b, const gemm_operands *g, const gemm_plan *plan, const gemm_epilogue *e,
                            size_t m, size_t k0, size_t n0, const bp_packed *sums) {
    const bool begins = k0 == 0, last = k0 + b->depth == g->depth;
    const bp_packed fresh = {(float *)(g->bias ? g->bias + n0 : gemm_zeros), 0, g->bias ? NR : 0};
    const bp_packed c = packed_part(g->c, m, n0), earlier = plan->sums_in_scratch ? *sums : c;
    b->c = last && e->kind != EPILOGUE_OPTIMIZER ? c : earlier;
    b->first = begins || plan->chains ? fresh : earlier;
    if (plan->chains && !begins)
        b->sums = earlier;
    else
        b->sums = packed_part(g->sums, m, n0);
    b->w = c;
    b->saved = packed_part(e->saved, m, n0);
    b->derivatives = packed_part(e->derivatives, m, n0);
}

static void gemm(const gemm_operands *g, const gemm_plan *plan, const gemm_epilogue *epilogue, void *scratch) {
    const gemm_epilogue store = {EPILOGUE_STORE};
    const workspace w = cut_scratch(g, plan, scratch);
    const bool resumes = plan->sums_in_scratch && g->depth > plan->kc;
    /* Rows that share a packed block of B: all, unless their sums must fit into scratch. */
    const size_t stretch = resumes ? SUM_ROWS / plan->mc * plan->mc : g->rows;
    gemm_block b = {.padded = g->padded};
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
                    const bp_packed sums = resumes ? (bp_packed){w.sums + (m - begin) * NR, NR, (end - begin) * NR}
                                                   : (bp_packed){w.sums, NR, g->padded ? 0 : b.rows * NR};
                    set_destination(&b, g, plan, e, m, k0, n0, &sums);
                    b.a = pack_lhs(&b, lhs_part(g->a, m, k0), plan->pack_a, w.a);
                    gemm_block_run(&b, e,
                                   (prefetches){.a = next_block_of_a(&b, g, plan, k0, m + b.rows, end),
                                                .epilogue = next_of_epilogue(&b, g, e)});
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
