/* The three products of a dense layer; include/backprop/dense.h defines them. */
#ifndef BP_VECTOR_DENSE_H
#define BP_VECTOR_DENSE_H

#include <backprop/dense.h>

#include "vector/delta.h"
#include "vector/few.h"
#include "vector/gemm.h"

/* Rows of A that lie whole pages apart share the same sets of the cache: they are packed if enough columns use them. */
static pack_kind pack_far_rows(size_t ld, size_t columns) {
    return ld % FLOATS_PER_PAGE == 0 && columns >= PACK_COLUMNS_MIN ? PACK_ROWS : PACK_NONE;
}

/* Whether a row-major B is packed: its rows lie far apart, and enough rows of A use the copy. */
static pack_kind pack_shared(size_t ld, size_t rows) {
    return ld > PACK_STRIDE_MIN && rows >= PACK_ROWS_MIN ? PACK_ROWS : PACK_NONE;
}

static gemm_operands forward_operands(bp_packed a, bp_packed x, bp_packed w, const float *bias, size_t batch, size_t in,
                                      size_t out) {
    return (gemm_operands){.rows = batch, .columns = out, .depth = in, .a = rows_of(x), .b = w, .c = a, .bias = bias};
}

static void dense_forward(float *a, size_t lda, const float *x, size_t ldx, const float *w, size_t ldw,
                          const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                          void *scratch) {
    /* The tiles compute the columns beyond the last whole panel. */
    const size_t done = few_go_forward(batch) ? out / NR * NR : 0;
    if (done > 0) {
        few_forward(batch, row_major(a, lda), row_major(x, ldx), row_major(w, ldw), bias, in, done, activation);
        if (!is_rectifier(activation))
            activate_in_place(a, lda, NULL, 0, batch, done, activation);
    }
    if (done == out)
        return;
    const gemm_operands g = forward_operands(row_major(a + done, lda), row_major(x, ldx), row_major(w + done, ldw),
                                             bias_at(bias, done), batch, in, out - done);
    const gemm_epilogue e = {.kind = EPILOGUE_ACTIVATION, .activation = activation};
    gemm_plan plan = chain_plan(&g);
    plan.pack_a = pack_far_rows(ldx, out);
    plan.pack_b = pack_shared(ldw, batch);
    gemm(&g, &plan, &e, scratch);
}

/* Whether a sweep takes so many rows of delta: scratch has room for them, packed. */
static bool few_go_backward(size_t batch, size_t out) {
    return batch == 1 || (batch <= FEW_ROWS && out <= BP_SCRATCH_BYTES / sizeof(float) / FEW_ROWS / NR * NR);
}

/* A few rows of a row-major matrix, packed. */
static bp_packed few_rows_of(const float *from, size_t ld, size_t rows, size_t columns, float *scratch) {
    if (rows == 1)
        return row_major(from, ld);
    const bp_packed packed = {scratch, NR, rows * NR};
    pack_matrix(packed, from, ld, rows, columns);
    return packed;
}

static void dense_delta(float *previous, size_t ldp, const float *delta, size_t ldd, const float *w, size_t ldw,
                        const float *saved, size_t lds, size_t batch, size_t in, size_t out, bp_activation activation,
                        void *scratch) {
    const bp_derivative derivative = derivative_of(activation);
    if (derivative.kind == DERIVATIVE_SAVED) { /* compute it first, into the result's array */
        activation_derivative(previous, ldp, saved, lds, batch, in, activation);
        saved = previous;
        lds = ldp;
    }
    /* The tiles compute the columns beyond the last whole vector. */
    const size_t done = few_go_backward(batch, out) ? in / VEC_LANES * VEC_LANES : 0;
    if (done > 0) {
        const few_operands o = {
            .rows = batch,
            .in = done,
            .out = out,
            .previous = row_major(previous, ldp),
            .delta = few_rows_of(delta, ldd, batch, out, scratch),
            .w = row_major(w, ldw),
            .saved = row_major(saved, lds),
            .derivative = derivative,
        };
        few_backward(&o);
    }
    if (done == in)
        return;
    const delta_operands d = {
        .batch = batch,
        .in = in - done,
        .out = out,
        .previous = row_major(previous + done, ldp),
        .delta = row_major(delta, ldd),
        .w = row_major(w + done * ldw, ldw),
        .saved = row_major(saved ? saved + done : NULL, lds),
        .derivative = derivative,
    };
    if (delta_transposes(batch, d.in, out))
        delta_by_rows(&d, pack_far_rows(ldw, batch), scratch);
    else
        delta_by_columns(&d, pack_far_rows(ldd, d.in), scratch);
}

/* X^T delta: the sum of the products of row blocks, each of which is a chain. */
static gemm_operands gradient_operands(bp_packed c, bp_packed x, bp_packed delta, size_t batch, size_t in, size_t out) {
    return (gemm_operands){.rows = in, .columns = out, .depth = batch, .a = columns_of(x), .b = delta, .c = c};
}

static gemm_plan gradient_plan(void) {
    return (gemm_plan){.mc = COLUMN_BLOCK, .kc = BP_ROW_BLOCK, .chains = true};
}

/* Stores the gradient, or updates by it. */
static gemm_epilogue gradient_epilogue(const bp_coefficients *update) {
    const epilogue_kind kind = !update ? EPILOGUE_STORE : update->plain ? EPILOGUE_SGD : EPILOGUE_OPTIMIZER;
    return (gemm_epilogue){.kind = kind, .update = update};
}

/* Stores the gradient in w, or updates w by it. */
static void row_major_gradient(const bp_coefficients *update, float *w, size_t ldw, const float *x, size_t ldx,
                               const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch) {
    if (few_go_backward(batch, out) && update && update->plain) {
        const few_operands o = {
            .rows = batch,
            .in = in,
            .out = out,
            .delta = few_rows_of(delta, ldd, batch, out, scratch),
            .w = row_major(w, ldw),
            .update = update,
            .x = row_major(x, ldx),
        };
        few_backward(&o);
        return;
    }
    const gemm_operands g =
        gradient_operands(row_major(w, ldw), row_major(x, ldx), row_major(delta, ldd), batch, in, out);
    const gemm_epilogue e = gradient_epilogue(update);
    gemm_plan plan = gradient_plan();
    plan.sums_in_scratch = update != NULL;
    plan.pack_a = ldx > PACK_STRIDE_MIN && out > NR ? PACK_TRANSPOSED : PACK_NONE;
    plan.pack_b = pack_shared(ldd, in);
    gemm(&g, &plan, &e, scratch);
}

/*
 * Sums of delta's columns, row block by row block, for `vecs` vectors of columns from column j on. The last vector has
 * `lanes` columns. If not `first`, they are added to `sum`.
 */
static ALWAYS_INLINE void column_sums(vec sum[SUM_CHAINS], bool first, const size_t vecs, bp_packed delta, size_t j,
                                      size_t batch, size_t lanes) {
    const float *d[SUM_CHAINS];
    UNROLL_FOR (size_t v = 0; v < vecs; v++, j += VEC_LANES)
        d[v] = packed_at(delta, 0, j) + j % NR;
    for (size_t begin = 0; begin < batch; begin += BP_ROW_BLOCK) {
        const size_t end = least(begin + BP_ROW_BLOCK, batch);
        vec c[SUM_CHAINS];
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            c[v] = vec_set1(0.0f);
        for (size_t row = begin; row < end; row++) {
            UNROLL_FOR (size_t v = 0; v + 1 < vecs; v++)
                c[v] = vec_add(c[v], vec_load(d[v] + row * delta.row_stride));
            c[vecs - 1] = vec_add(c[vecs - 1], load_some(d[vecs - 1] + row * delta.row_stride, lanes));
        }
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            sum[v] = first && begin == 0 ? c[v] : vec_add(sum[v], c[v]);
    }
}

_Static_assert(OPTIMIZER_COLUMNS % (SUM_CHAINS * VEC_LANES) == 0, "columns are whole groups of chains");

/* Up to OPTIMIZER_COLUMNS columns: stores their gradients in `to`, or updates what is there. `update`: null or plain.
 */
static ALWAYS_INLINE void bias_columns(const bp_coefficients *update, float *to, const float *sums, bp_packed delta,
                                       size_t batch, size_t out) {
    size_t vecs;
    for (size_t j = 0; j < out; j += vecs * VEC_LANES) {
        const size_t left = out - j;
        vec sum[SUM_CHAINS];
        vecs = left >= SUM_CHAINS * VEC_LANES ? SUM_CHAINS : 1;
        for (size_t v = 0; v < vecs; v++)
            sum[v] =
                sums ? load_some(sums + j + v * VEC_LANES, least(left - v * VEC_LANES, VEC_LANES)) : vec_set1(0.0f);
        if (vecs == SUM_CHAINS)
            column_sums(sum, !sums, SUM_CHAINS, delta, j, batch, VEC_LANES);
        else
            column_sums(sum, !sums, 1, delta, j, batch, least(left, VEC_LANES));
        for (size_t v = 0; v < vecs; v++)
            store_gradient(update, to + j + v * VEC_LANES, least(left - v * VEC_LANES, VEC_LANES), sum[v]);
    }
}

/* The sums of delta's columns, added to those of earlier slices if the gradient continues. */
static void bias_gradient(const gradient_use *use, float *biases, float *sums, bp_packed delta, size_t batch,
                          size_t out) {
    const bp_coefficients *update = use->update, *plain = update && update->plain ? update : NULL;
    float gradient[OPTIMIZER_COLUMNS];
    for (size_t j = 0; j < out; j += OPTIMIZER_COLUMNS) {
        const size_t columns = least(out - j, OPTIMIZER_COLUMNS);
        const bp_packed part = {packed_at(delta, 0, j), delta.row_stride, delta.panel_stride};
        float *to = plain ? biases + j : update ? gradient : sums + j;
        bias_columns(plain, to, use->continues ? sums + j : NULL, part, batch, columns);
        if (update && !plain)
            apply_optimizer(update, ROLE_OTHERS, biases + j, 0, row_major(gradient, 0), 1, columns);
    }
}

static void dense_gradient(float *gradient, size_t ldg, float *gradient_bias, const float *x, size_t ldx,
                           const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch) {
    if (gradient_bias)
        bias_gradient(&(gradient_use){0}, NULL, gradient_bias, row_major(delta, ldd), batch, out);
    if (gradient)
        row_major_gradient(NULL, gradient, ldg, x, ldx, delta, ldd, batch, in, out, scratch);
}

static void dense_gradient_sgd(float *w, size_t ldw, float *bias, const float *x, size_t ldx, const float *delta,
                               size_t ldd, size_t batch, size_t in, size_t out, float learning_rate, void *scratch) {
    const bp_coefficients sgd = plain_sgd(learning_rate);
    if (bias)
        bias_gradient(&(gradient_use){.update = &sgd}, bias, NULL, row_major(delta, ldd), batch, out);
    if (w)
        row_major_gradient(&sgd, w, ldw, x, ldx, delta, ldd, batch, in, out, scratch);
}

static void dense_gradient_update(const bp_parameters *w, size_t ldw, const bp_parameters *bias, const float *x,
                                  size_t ldx, const float *delta, size_t ldd, size_t batch, size_t in, size_t out,
                                  const bp_optimizer *optimizer, uint64_t step, float learning_rate, void *scratch) {
    if (bias) {
        const bp_coefficients update = coefficients_of(optimizer, step, learning_rate, bias);
        bias_gradient(&(gradient_use){.update = &update}, bias->values, NULL, row_major(delta, ldd), batch, out);
    }
    if (w) {
        const bp_coefficients update = coefficients_of(optimizer, step, learning_rate, w);
        row_major_gradient(&update, w->values, ldw, x, ldx, delta, ldd, batch, in, out, scratch);
    }
}

#endif
