/*
 * The matrix product (GEMM) behind all dense kernels: C(m, n) <- chain over k of A(m, k) * B(k, n), see tile.h.
 *
 * Packed matrices are read in place. Row-major ones are packed in blocks: KC x NC of B; of A only where its columns are
 * read or its rows would fall on few sets of the cache. Then all tiles of the block run. A chain that is longer than a
 * block continues from the sums in memory, which changes no bit.
 */
#ifndef BP_PRODUCT_H
#define BP_PRODUCT_H

#include <backprop/dense.h>

#include "backend.h"
#include "vector/optimizer.h"
#include "vector/tile.h"

typedef enum pack_kind { PACK_NONE, PACK_ROWS, PACK_COLUMNS } pack_kind;

/* A(m, k) = data[m * row_stride + m / NR * skip + k / NR * panel_stride + k % NR * k]. */
typedef struct lhs {
    const float *data;
    size_t row_stride, skip, panel_stride, k;
} lhs;

typedef struct product {
    size_t rows, columns, depth;
    lhs a;
    pack_kind pack_a; /* a row-major matrix: by rows, or by columns, see columns_of */
    bp_packed b;      /* B, or with PACK_COLUMNS its transpose */
    pack_kind pack_b;
    bool padded; /* the rows of all matrices are padded to whole vectors */
    bp_packed c;
    bool transposed; /* c is the transpose of the product; a single block of the depth */
    size_t mc, kc;
    size_t chain; /* depth of one chain; a deeper product adds up several. 0: one chain over the whole depth */
    bool partial_in_scratch; /* partial sums must not overwrite c */
    const bp_packed *sums;   /* the sum of earlier chains, or null */
    const float *bias;
    bp_packed previous;
    tile_epilogue epilogue; /* of the last block */
    bp_activation activation;
    bp_packed derivatives; /* receives the activation's derivatives; data null: none. Padded matrices only */
    float learning_rate;
    const bp_coefficients *coefficients; /* EPILOGUE_OPTIMIZER */
} product;

/* The deepest block. In a gradient a block is one of the contract's row blocks. */
#define DEPTH_MAX (KC > BP_ROW_BLOCK ? KC : BP_ROW_BLOCK)

/* MC as a multiple of the panel width, for a block of A's columns. */
#define COLUMN_BLOCK (MC < NR ? NR : MC / NR * NR)

/* Rows whose partial sums fit into scratch: so many rows share a packed block of B. */
#define SUM_ROWS (4 * COLUMN_BLOCK)

_Static_assert(NC % NR == 0, "a block of B is a multiple of the panel width");
_Static_assert(KC % NR == 0, "a block of A begins at a panel");

#define SCRATCH_FLOATS (NC * (DEPTH_MAX + SUM_ROWS) + (MC + NR) * DEPTH_MAX + 2 * SCRATCH_SLACK)
_Static_assert(SCRATCH_FLOATS <= BP_SCRATCH_BYTES / sizeof(float), "packed blocks fit into scratch");
_Static_assert(NR <= SCRATCH_SLACK, "a panel of a small product fits into scratch");
_Static_assert(NR >= UNPACKED_COLUMNS, "small products pack no block of A");

static inline size_t panel_count(size_t columns) {
    return (columns + NR - 1) / NR;
}

/* The largest multiple of the panel width up to `rows`, at least one panel. */
static inline size_t whole_panel_rows(size_t rows) {
    return rows < NR ? NR : rows / NR * NR;
}

/* The address of element (r, c); c begins a panel. */
static inline float *packed_at(bp_packed m, size_t r, size_t c) {
    return m.data + c / NR * m.panel_stride + r * m.row_stride;
}

static inline lhs rows_of(bp_packed x) {
    return (lhs){x.data, x.row_stride, 0, x.panel_stride, 1};
}

/* A = x transposed. */
static inline lhs columns_of(bp_packed x) {
    return (lhs){x.data, 1, x.panel_stride - NR, NR * x.row_stride, x.row_stride};
}

/* Cuts `rows` into tiles of nearly equal height: a tile of one row would cost as much as one of several. */
typedef struct row_cut {
    size_t tiles, height, taller; /* the first `taller` tiles have height + 1 rows */
} row_cut;

static inline row_cut cut_rows(size_t rows, size_t columns) {
    const size_t height = tile_height(columns), tiles = (rows + height - 1) / height;
    return (row_cut){tiles, rows / tiles, rows % tiles};
}

/* A block of the product: a range of rows, of columns and of the depth. */
typedef struct block {
    size_t k0, depth, m0, rows, n0, columns;
    lhs a;           /* data: element (m0, k0) */
    float *packed_b; /* the packed block, if B is packed */
    bool pack_now;   /* each panel of B's transpose is packed at its first use */
    float *c;        /* receives this block's results */
    size_t c_row, c_panel;
    const float *partial; /* partial sums of earlier blocks */
    size_t partial_row, partial_panel;
} block;

/* The address of A(m, k). In a packed matrix m and k begin a panel. */
static const float *lhs_at(const product *p, size_t m, size_t k) {
    return p->a.data + m * p->a.row_stride + m / NR * p->a.skip + k / NR * p->a.panel_stride + k % NR * p->a.k;
}

/* Packs a block of a row-major matrix, each panel `depth` rows long. */
static void pack_row_block(float *packed, const float *from, size_t ld, size_t depth, size_t columns) {
    for (size_t k = 0; k < depth; k += PACK_STEP)
        for (size_t n = 0; n < columns; n += NR)
            pack_rows(packed + n * depth + k * NR, NR, from + k * ld + n, ld, least(depth - k, PACK_STEP),
                      least(columns - n, NR));
}

/* Packs the panel of B that begins at column n. B = p->b transposed. */
static void pack_transposed_panel(float *panel, const product *p, const block *b, size_t n) {
    const size_t width = least(b->columns - n, NR);
    for (size_t k = 0; k < b->depth; k += NR)
        pack_columns(panel + k * NR, NR, packed_at(p->b, b->n0 + n, b->k0 + k), p->b.row_stride,
                     least(b->depth - k, NR), width);
}

/* A tile whose results are sums of several chains. */
static void run_chains(size_t rows, size_t columns, size_t chain, const tile_spec *spec, tile_operands *operands) {
    float sums[TILE_ROWS_MAX * NR];
    tile_spec s = *spec;
    s.epilogue = EPILOGUE_STORE;
    tile_operands at = *operands;
    at.ldc = NR;
    at.depth = chain;
    for (size_t left = operands->depth; left > chain; left -= chain) {
        tile_operands p = at;
        p.c = sums;
        tiles_any(rows, columns, &s, &p, 1);
        at.a += chain * at.a_k;
        at.b += chain * at.b_k;
        at.partial = sums;
        at.ld_partial = NR;
        at.depth = least(left - chain, chain);
        s.add_partial = true;
    }
    const size_t offset = (size_t)(at.a - operands->a);
    at.ldc = operands->ldc;
    s.epilogue = spec->epilogue;
    tiles_any(rows, columns, &s, &at, 1);
    operands->a = at.a - offset;
    operands->a_row_in_panel = at.a_row_in_panel;
    operands->c = at.c;
    operands->partial += rows * operands->ld_partial;
    operands->previous = at.previous;
}

static void run_tiles(size_t rows, size_t columns, size_t chain, const tile_spec *spec, tile_operands *operands,
                      size_t count) {
    if (chain == 0 || operands->depth <= chain)
        tiles_any(rows, columns, spec, operands, count);
    else
        for (; count > 0; count--)
            run_chains(rows, columns, chain, spec, operands);
}

/* Tiles of a gradient, and the optimizer's step on the parameters, which are operands->c. */
static void update_tiles(size_t rows, size_t columns, size_t chain, const tile_spec *spec,
                         const bp_coefficients *coefficients, tile_operands *operands, size_t count) {
    float gradient[OPTIMIZER_ROWS * NR];
    tile_spec s = *spec;
    s.epilogue = EPILOGUE_STORE;
    float *w = operands->c;
    const size_t ldw = operands->ldc;
    for (size_t tiles; count > 0; count -= tiles) {
        tiles = least(count, OPTIMIZER_ROWS / rows);
        operands->c = gradient;
        operands->ldc = NR;
        run_tiles(rows, columns, chain, &s, operands, tiles);
        apply_optimizer(coefficients, ROLE_WEIGHTS, w, ldw, row_major(gradient, NR), tiles * rows, columns);
        w += tiles * rows * ldw;
    }
    operands->c = w;
    operands->ldc = ldw;
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

/* The next block of A for the same columns of C. */
static prefetch_stream next_of_a(const product *p, const block *b, size_t end, size_t iterations) {
    const size_t m0 = b->m0 + b->rows;
    if (p->pack_a != PACK_NONE || m0 >= end)
        return (prefetch_stream){0};
    const size_t rows = least(end - m0, p->mc);
    float *at = (float *)p->a.data;
    if (p->a.row_stride == 1) /* columns of X */
        return prefetch_part((bp_packed){at, p->a.k, p->a.skip + NR}, b->k0, m0, b->depth, rows, iterations);
    return prefetch_part((bp_packed){at, p->a.row_stride, p->a.panel_stride}, m0, b->k0, rows, b->depth, iterations);
}

/* The next panel of B, if it is read in place or will be packed. */
static prefetch_stream next_of_b(const product *p, const block *b, size_t n, size_t iterations) {
    const size_t next = n + NR;
    if (next >= b->columns || p->depth * p->columns < PREFETCH_MIN)
        return (prefetch_stream){0};
    const size_t width = least(b->columns - next, NR);
    if (p->pack_b == PACK_NONE)
        return prefetch_part(p->b, b->k0, b->n0 + next, b->depth, width, iterations);
    return b->pack_now ? prefetch_part(p->b, b->n0 + next, b->k0, width, b->depth, iterations) : (prefetch_stream){0};
}

/* What epilogues read or write: C, or the previous layer's saved values, if it takes half of the cache or more. */
static prefetch_stream next_of_epilogue(const product *p, const tile_spec *spec, const block *b, row_cut cut) {
    if (p->rows * p->columns < PREFETCH_MIN / 2 || b->rows <= EPILOGUE_LEAD)
        return (prefetch_stream){0};
    prefetch_stream f =
        prefetch_part(spec->epilogue == EPILOGUE_DERIVATIVE ? p->previous : p->c, b->m0, b->n0, b->rows, b->columns, 1);
    f.next_row = EPILOGUE_LEAD;
    f.per_iteration = cut.height / panel_count(b->depth) + 1;
    return f;
}

/* Columns of a panel to compute: whole vectors where matrices are padded. */
static inline size_t panel_columns(const product *p, size_t columns) {
    return p->padded || p->transposed ? whole_columns(columns) : columns;
}

static void run_block(const product *p, const tile_spec *spec, const block *b, size_t end) {
    const bool all_packed = p->pack_b != PACK_NONE;
    const row_cut whole = cut_rows(b->rows, NR);
    const size_t panel_iterations = whole.tiles * panel_count(b->depth),
                 iterations = panel_iterations * panel_count(b->columns);
    prefetches f = {.a = next_of_a(p, b, end, iterations)};
    if (!p->transposed) {
        f.epilogue = next_of_epilogue(p, spec, b, whole);
    } else { /* see transpose_results */
        f.b = prefetch_part(p->c, b->n0, b->m0, b->columns, b->rows, iterations);
        if (p->previous.data)
            f.epilogue = prefetch_part(p->previous, b->n0, b->m0, b->columns, b->rows, iterations);
    }
    for (size_t n = 0; n < b->columns; n += NR) {
        const size_t columns = panel_columns(p, least(b->columns - n, NR));
        const row_cut cut = cut_rows(b->rows, columns);
        if (b->pack_now)
            pack_transposed_panel(b->packed_b + n * b->depth, p, b, n);
        const bool packed = all_packed || (!p->padded && columns % VEC_LANES != 0);
        tile_operands operands = {
            .a = b->a.data,
            .a_row = b->a.row_stride,
            .a_k = b->a.k,
            .a_panel = b->a.panel_stride,
            .a_skip = b->a.skip,
            .b = packed ? b->packed_b + n * b->depth : packed_at(p->b, b->k0, b->n0 + n),
            .b_k = packed ? NR : p->b.row_stride,
            .depth = b->depth,
            .c = b->c + n / NR * b->c_panel,
            .ldc = b->c_row,
            .partial = b->partial + n / NR * b->partial_panel,
            .ld_partial = b->partial_row,
            .bias = p->bias ? p->bias + b->n0 + n : NULL,
            .previous =
                p->epilogue == EPILOGUE_DERIVATIVE ? packed_at(p->previous, b->m0, b->n0 + n) : b->c, /* or not read */
            .ld_previous = p->previous.row_stride,
        };
        if (!p->transposed)
            f.b = next_of_b(p, b, n, panel_iterations);
        operands.prefetches = f.a.panel_count + f.b.panel_count + f.epilogue.panel_count > 0 ? &f : NULL;
        if (spec->epilogue == EPILOGUE_OPTIMIZER) {
            update_tiles(cut.height + 1, columns, p->chain, spec, p->coefficients, &operands, cut.taller);
            update_tiles(cut.height, columns, p->chain, spec, p->coefficients, &operands, cut.tiles - cut.taller);
            continue;
        }
        if (cut.taller > 0)
            run_tiles(cut.height + 1, columns, p->chain, spec, &operands, cut.taller);
        run_tiles(cut.height, columns, p->chain, spec, &operands, cut.tiles - cut.taller);
    }
}

/* Prologue and epilogue of the tiles of the block at depth k0. */
static tile_spec spec_at(const product *p, size_t k0, size_t depth) {
    const bool first = k0 == 0, last = k0 + depth == p->depth;
    const tile_prologue fresh = p->bias ? PROLOGUE_BIAS : PROLOGUE_ZERO;
    return (tile_spec){
        .prologue = first || p->chain ? fresh : PROLOGUE_PARTIAL,
        .add_partial = p->chain && (!first || p->sums),
        .epilogue = last ? p->epilogue : EPILOGUE_STORE,
        .activation = p->activation,
        .learning_rate = p->learning_rate,
    };
}

/* Scratch holds a block of B, a block of A, and partial sums, without gaps. */
typedef struct workspace {
    float *b, *a, *sums;
} workspace;

static workspace cut_scratch(const product *p, float *scratch) {
    const size_t depth = least(p->depth, p->kc), rows = least(p->rows, p->mc);
    const size_t columns = round_up(least(p->columns, NC), NR);
    workspace w = {.b = scratch};
    w.a = w.b + depth * columns;
    w.sums = p->pack_a != PACK_NONE ? w.a + round_up(depth, NR) * round_up(rows, NR) : w.a;
    return w;
}

/* Stores `count` rows of the transpose, `lanes` wide, times the derivatives of the previous layer. */
static ALWAYS_INLINE void store_transposed(const vec *v, size_t count, size_t lanes, bp_packed c, bp_packed previous,
                                           bp_activation activation) {
    for (size_t l = 0; l < count; l++) {
        vec result = v[l];
        if (activation.kind != BP_ACTIVATION_IDENTITY)
            result =
                vec_mul(result, vec_derivative(load_some(previous.data + l * previous.row_stride, lanes), activation));
        store_some(c.data + l * c.row_stride, lanes, result);
    }
}

/* Stores the results of a block, which lie in scratch, into the transpose. */
static void transpose_results(const product *p, const block *b) {
    for (size_t m = 0; m < b->rows; m += VEC_LANES) {
        const size_t at = m % NR, to = b->m0 + m - at, rows = least(b->rows - m, VEC_LANES);
        for (size_t n = 0; n < b->columns; n += VEC_LANES) {
            const float *from = b->c + n / NR * b->c_panel + m * b->c_row + n % NR;
            vec v[VEC_LANES];
            if (rows == VEC_LANES)
                UNROLL_FOR (size_t l = 0; l < VEC_LANES; l++)
                    v[l] = vec_load(from + l * b->c_row);
            else
                for (size_t l = 0; l < VEC_LANES; l++)
                    v[l] = l < rows ? vec_load(from + l * b->c_row) : vec_set1(0.0f);
            vec_transpose(v);
            bp_packed c = p->c, previous = p->previous;
            c.data = packed_at(c, b->n0 + n, to) + at;
            if (previous.data)
                previous.data = packed_at(previous, b->n0 + n, to) + at;
            const size_t count = least(b->columns - n, VEC_LANES);
            if (rows < VEC_LANES && !p->padded)
                store_transposed(v, count, rows, c, previous, p->activation);
            else if (p->activation.kind == BP_ACTIVATION_RELU)
                store_transposed(v, count, VEC_LANES, c, previous, (bp_activation){BP_ACTIVATION_RELU, 0.0f});
            else
                store_transposed(v, count, VEC_LANES, c, previous, p->activation);
        }
    }
}

/* The rows of a block, mc at a time. */
static void run_rows(const product *p, const tile_spec *spec, block b, size_t end, const workspace *w, bool own) {
    const bool last = b.k0 + b.depth == p->depth;
    /* Rows of row-major parameters lie far apart: each is updated as a whole, after its gradients are complete. */
    const bool by_rows = p->epilogue == EPILOGUE_OPTIMIZER && !p->padded, update = by_rows && last;
    const size_t sum_row = by_rows ? round_up(b.columns, NR) : NR;
    const size_t sum_panel = by_rows ? NR : (end - b.m0) * NR;
    tile_spec s = *spec;
    s.epilogue = update ? EPILOGUE_STORE : spec->epilogue;
    for (const size_t begin = b.m0; b.m0 < end; b.m0 += p->mc) {
        float *sums = own ? w->sums + (b.m0 - begin) * sum_row : w->sums;
        b.rows = least(end - b.m0, p->mc);
        if (p->transposed) {
            b.c = w->sums;
            b.c_row = NR;
            b.c_panel = b.rows * NR;
        } else {
            const bool saved = (own && !last) || update;
            b.c = saved ? sums : packed_at(p->c, b.m0, b.n0);
            b.c_row = saved ? sum_row : p->c.row_stride;
            b.c_panel = saved ? sum_panel : p->c.panel_stride;
        }
        b.partial = own ? sums : b.c;
        b.partial_row = own ? sum_row : b.c_row;
        b.partial_panel = own ? sum_panel : b.c_panel;
        if (b.k0 == 0 && p->sums) {
            b.partial = packed_at(*p->sums, b.m0, b.n0);
            b.partial_row = p->sums->row_stride;
            b.partial_panel = p->sums->panel_stride;
        }
        if (p->pack_a == PACK_COLUMNS) {
            pack_row_block(w->a, p->a.data + b.m0 + b.k0 * p->a.k, p->a.k, b.depth, b.rows);
            b.a = columns_of((bp_packed){w->a, NR, b.depth * NR});
        } else if (p->pack_a == PACK_ROWS) {
            pack_row_block(w->a, p->a.data + b.m0 * p->a.row_stride + b.k0, p->a.row_stride, b.rows, b.depth);
            b.a = rows_of((bp_packed){w->a, NR, b.rows * NR});
        } else {
            b.a = p->a;
            b.a.data = lhs_at(p, b.m0, b.k0);
        }
        run_block(p, &s, &b, end);
        if (update)
            apply_optimizer(p->coefficients, ROLE_WEIGHTS, packed_at(p->c, b.m0, b.n0), p->c.row_stride,
                            (bp_packed){b.c, b.c_row, b.c_panel}, b.rows, b.columns);
        b.pack_now = false;
        if (p->transposed)
            transpose_results(p, &b);
        if (last && p->epilogue == EPILOGUE_ACTIVATION && !is_rectifier(p->activation))
            for (size_t n = 0; n < b.columns; n += NR, b.c += b.c_panel)
                activate_in_place(b.c, b.c_row, p->derivatives.data ? packed_at(p->derivatives, b.m0, b.n0 + n) : NULL,
                                  p->derivatives.row_stride, b.rows, panel_columns(p, least(b.columns - n, NR)),
                                  p->activation);
    }
}

/* A product of one tile and one chain, as in tiny networks, where blocking would cost more than the product. */
static void run_one_tile(const product *p, float *scratch) {
    const size_t columns = panel_columns(p, p->columns);
    const tile_spec spec = spec_at(p, 0, p->depth);
    tile_operands operands = {
        .a = p->a.data,
        .a_row = p->a.row_stride,
        .a_k = p->a.k,
        .a_panel = p->a.panel_stride,
        .a_skip = p->a.skip,
        .b = p->b.data,
        .b_k = p->b.row_stride,
        .depth = p->depth,
        .c = p->c.data,
        .ldc = p->c.row_stride,
        .partial = p->sums ? p->sums->data : p->c.data,
        .ld_partial = p->sums ? p->sums->row_stride : p->c.row_stride,
        .bias = p->bias,
        .previous = p->previous.data ? p->previous.data : p->c.data,
        .ld_previous = p->previous.row_stride,
    };
    if (p->pack_b == PACK_COLUMNS) {
        pack_columns(scratch, NR, p->b.data, p->b.row_stride, p->depth, p->columns);
        operands.b = scratch;
        operands.b_k = NR;
    }
    if (spec.epilogue == EPILOGUE_OPTIMIZER)
        update_tiles(p->rows, columns, 0, &spec, p->coefficients, &operands, 1);
    else
        tiles_any(p->rows, columns, &spec, &operands, 1);
    if (p->epilogue == EPILOGUE_ACTIVATION && !is_rectifier(p->activation))
        activate_in_place(p->c.data, p->c.row_stride, p->derivatives.data, p->derivatives.row_stride, p->rows, columns,
                          p->activation);
}

static void run_product(const product *p, void *scratch) {
    if (p->padded && p->columns <= NR && p->rows <= tile_height(p->columns) && p->depth <= NR) {
        run_one_tile(p, scratch);
        return;
    }
    const workspace w = cut_scratch(p, scratch);
    const bool own = p->partial_in_scratch && p->depth > p->kc;
    /* Rows that share a packed block of B: all, unless their partial sums must fit into scratch. */
    const size_t stretch = own ? SUM_ROWS / p->mc * p->mc : p->rows;
    for (size_t n0 = 0; n0 < p->columns; n0 += NC)
        for (size_t m0 = 0; m0 < p->rows; m0 += stretch)
            for (size_t k0 = 0; k0 < p->depth; k0 += p->kc) {
                block b = {.k0 = k0, .m0 = m0, .n0 = n0, .packed_b = w.b};
                b.depth = least(p->depth - k0, p->kc);
                b.columns = least(p->columns - n0, NC);
                b.pack_now = p->pack_b == PACK_COLUMNS;
                const size_t ragged = p->padded ? 0 : b.columns % VEC_LANES, whole = b.columns / NR;
                const float *from = p->b.data + k0 * p->b.row_stride + n0;
                if (p->pack_b == PACK_ROWS)
                    pack_row_block(w.b, from, p->b.row_stride, b.depth, b.columns);
                else if (p->pack_b == PACK_NONE && ragged) /* the last panel, whose last vector is not whole */
                    pack_row_block(w.b + whole * NR * b.depth, from + whole * NR, p->b.row_stride, b.depth,
                                   b.columns % NR);
                const tile_spec spec = spec_at(p, k0, b.depth);
                run_rows(p, &spec, b, least(m0 + stretch, p->rows), &w, own);
            }
}

#endif
