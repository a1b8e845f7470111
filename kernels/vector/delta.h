/*
 * The delta of the previous layer: delta W^T, times f'. The tile reads its right operand row by row, so one of two
 * matrices has to be transposed: W, or delta. With delta transposed the product gives the transpose of the result, in
 * scratch, and a transposed store follows. That is faster for few rows.
 *
 * May know: the product, packing, and derivatives that an epilogue can do.
 */
#ifndef BP_DELTA_H
#define BP_DELTA_H

#include "vector/gemm.h"

/* The operands of a delta product; matrices may be row-major or packed. */
typedef struct delta_operands {
    size_t batch, in, out;
    bp_packed previous, delta, w;
    bp_packed saved; /* the previous layer's, for `derivative` */
    bp_derivative derivative;
    bool padded; /* the rows of all matrices are padded to whole vectors */
} delta_operands;

/* Rows of W in a block of the transposed product. */
#define TRANSPOSED_BLOCK whole_panel_rows(TRANSPOSED_ROWS)

/* Whether transposing delta and the result is faster than transposing W. Idle lanes of the last vector of rows count.
 */
static bool delta_transposes(size_t batch, size_t in, size_t out) {
    const size_t panel_rows = round_up(batch, NR);
    if (out > NC * DEPTH_MAX / panel_rows)
        return false;
    const double weights = (double)in * (double)out, rows = (double)panel_rows * ((double)in + (double)out);
    const size_t idle = whole_columns(batch) - batch;
    return rows <= weights && (double)idle * weights + TRANSPOSE_ROWS * rows < TRANSPOSE_ROWS * weights;
}

/* Stores `count` rows of the transpose, `lanes` wide, times the derivatives of the previous layer. */
static ALWAYS_INLINE void store_transposed(const vec *v, size_t count, size_t lanes, bp_packed c, bp_packed saved,
                                           bp_derivative derivative) {
    for (size_t l = 0; l < count; l++) {
        vec result = v[l];
        if (derivative.kind != DERIVATIVE_ONE)
            result = vec_mul(result, vec_derivative(load_some(saved.data + l * saved.row_stride, lanes), derivative));
        store_some(c.data + l * c.row_stride, lanes, result);
    }
}

/* Stores `results`, a block of the transpose from column i on, times f'. */
static void store_block(const delta_operands *d, bp_packed results, size_t i, size_t rows) {
    for (size_t m = 0; m < rows; m += VEC_LANES) {
        const size_t at = m % NR, to = i + m - at, lanes = least(rows - m, VEC_LANES);
        for (size_t n = 0; n < d->batch; n += VEC_LANES) {
            const float *from = packed_at(results, m, n - n % NR) + n % NR;
            vec v[VEC_LANES];
            if (lanes == VEC_LANES)
                UNROLL_FOR (size_t l = 0; l < VEC_LANES; l++)
                    v[l] = vec_load(from + l * NR);
            else
                for (size_t l = 0; l < VEC_LANES; l++)
                    v[l] = l < lanes ? vec_load(from + l * NR) : vec_set1(0.0f);
            vec_transpose(v);
            bp_packed c = packed_part(d->previous, n, to), saved = d->saved;
            c.data += at;
            if (saved.data)
                saved.data = packed_at(saved, n, to) + at;
            const size_t count = least(d->batch - n, VEC_LANES);
            if (lanes < VEC_LANES && !d->padded)
                store_transposed(v, count, lanes, c, saved, d->derivative);
            else if (d->derivative.kind == DERIVATIVE_RELU)
                store_transposed(v, count, VEC_LANES, c, saved, (bp_derivative){DERIVATIVE_RELU, 0.0f});
            else
                store_transposed(v, count, VEC_LANES, c, saved, d->derivative);
        }
    }
}

/* W delta^T, some rows of W at a time. */
static void delta_by_rows(const delta_operands *d, pack_kind pack_w, float *scratch) {
    const gemm_epilogue store = {EPILOGUE_STORE};
    const size_t columns = round_up(d->batch, NR);
    const bp_packed delta_t = {scratch, NR, d->out * NR};
    float *const results = scratch + columns * d->out, *const packed_w = results + TRANSPOSED_BLOCK * columns;
    const lhs_cursor w = rows_of(d->w);
    for (size_t n = 0; n < d->batch; n += NR)
        pack_transposed_panel(packed_at(delta_t, 0, n), packed_part(d->delta, n, 0), d->out, least(d->batch - n, NR));
    gemm_block b = {
        .columns = d->batch,
        .depth = d->out,
        .b = delta_t,
        .first = {(float *)gemm_zeros, 0, 0},
        .padded = true,
    };
    for (size_t i = 0; i < d->in; i += TRANSPOSED_BLOCK) {
        b.rows = least(d->in - i, TRANSPOSED_BLOCK);
        b.c = (bp_packed){results, NR, b.rows * NR};
        const size_t next = i + b.rows, iterations = panel_iterations(&b) * panel_count(d->batch);
        prefetches f = {.a.panel_count = 0};
        set_stream(&f.b, packed_part(d->previous, 0, i), d->batch, b.rows, iterations);
        if (d->saved.data)
            set_stream(&f.epilogue, packed_part(d->saved, 0, i), d->batch, b.rows, iterations);
        pack_lhs(&b, &w, i, 0, pack_w, packed_w);
        if (pack_w == PACK_NONE && next < d->in)
            set_stream(&f.a, packed_part(d->w, next, 0), least(d->in - next, TRANSPOSED_BLOCK), d->out, iterations);
        gemm_block_run(&b, &store, &f);
        store_block(d, b.c, i, b.rows);
    }
}

/* delta W^T; W is packed transposed. */
static void delta_by_columns(const delta_operands *d, pack_kind pack_delta, float *scratch) {
    const gemm_operands g = {
        .rows = d->batch,
        .columns = d->in,
        .depth = d->out,
        .a = rows_of(d->delta),
        .b = d->w,
        .c = d->previous,
        .padded = d->padded,
    };
    const bool identity = d->derivative.kind == DERIVATIVE_ONE;
    const gemm_epilogue e = {
        .kind = identity ? EPILOGUE_STORE : EPILOGUE_DERIVATIVE,
        .derivative = d->derivative,
        .saved = identity ? (bp_packed){0} : d->saved,
    };
    gemm_plan plan = chain_plan(&g);
    plan.pack_a = pack_delta;
    plan.pack_b = PACK_TRANSPOSED;
    plan.sums_in_scratch = d->previous.data == d->saved.data;
    gemm(&g, &plan, &e, scratch);
}

#endif
