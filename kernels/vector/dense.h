/* The three products of a dense layer; include/backprop/dense.h defines them. */
#ifndef BP_VECTOR_DENSE_H
#define BP_VECTOR_DENSE_H

#include <backprop/dense.h>

#include "vector/product.h"
#include "vector/row.h"

/* A matrix is packed if its rows lie further apart than this many elements and enough results share the copy. */
#define PACK_STRIDE_MIN 128
#define PACK_ROWS_MIN (2 * MR)
#define PACK_COLUMNS_MIN 256
#define FLOATS_PER_PAGE 1024

/* Rows of A that lie whole pages apart share the same sets of the cache: they are packed if enough columns use them. */
static pack_kind pack_left_rows(size_t ld, size_t columns) {
    return ld % FLOATS_PER_PAGE == 0 && columns >= PACK_COLUMNS_MIN ? PACK_ROWS : PACK_NONE;
}

static product forward_product(bp_packed a, bp_packed x, bp_packed w, const float *bias, size_t batch, size_t in,
                               size_t out, bp_activation activation) {
    return (product){
        .rows = batch,
        .columns = out,
        .depth = in,
        .a = rows_of(x),
        .b = w,
        .c = a,
        .mc = MC,
        .kc = KC,
        .bias = bias,
        .epilogue = EPILOGUE_ACTIVATION,
        .activation = activation,
    };
}

static void dense_forward(float *a, size_t lda, const float *x, size_t ldx, const float *w, size_t ldw,
                          const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                          void *scratch) {
    if (batch == 1 && out >= NR) {
        /* The tiles compute the columns beyond the last whole panel. */
        const size_t whole = out / NR * NR;
        row_forward(row_major(a, lda), (bp_packed){0}, row_major(x, ldx), row_major(w, ldw), bias, in, whole,
                    activation);
        if (whole < out)
            dense_forward(a + whole, lda, x, ldx, w + whole, ldw, bias_at(bias, whole), 1, in, out - whole, activation,
                          scratch);
        return;
    }
    product p =
        forward_product(row_major(a, lda), row_major(x, ldx), row_major(w, ldw), bias, batch, in, out, activation);
    if (batch >= PACK_ROWS_MIN && ldw > PACK_STRIDE_MIN)
        p.pack_b = PACK_ROWS;
    p.pack_a = pack_left_rows(ldx, out);
    run_product(&p, scratch);
}

/* Rows of W in a block of the transposed product: few, since the first block is not prefetched. */
#define TRANSPOSED_ROWS whole_panel_rows(48)

/* Transposing an element takes as long as multiplying it by this many rows. */
#define TRANSPOSE_ROWS 6

/*
 * The delta product transposes either W, or delta and the result. Whether the second is faster, as for few rows. Idle
 * lanes of the last vector of rows count.
 */
static bool transpose_rows(size_t batch, size_t in, size_t out) {
    const size_t panel_rows = round_up(batch, NR);
    if (out > NC * DEPTH_MAX / panel_rows)
        return false;
    const double weights = (double)in * (double)out, rows = (double)panel_rows * ((double)in + (double)out);
    const size_t idle = whole_columns(batch) - batch;
    return rows <= weights && (double)idle * weights + TRANSPOSE_ROWS * rows < TRANSPOSE_ROWS * weights;
}

static product delta_product(bp_packed previous, bp_packed delta, bp_packed w, bp_packed previous_saved, size_t batch,
                             size_t in, size_t out, bp_derivative derivative) {
    product p = {
        .c = previous,
        .depth = out,
        .pack_b = PACK_COLUMNS,
        .previous = previous_saved,
        .derivative = derivative,
    };
    if (transpose_rows(batch, in, out)) {
        p.transposed = true;
        p.rows = in;
        p.columns = batch;
        p.a = rows_of(w);
        p.b = delta;
        p.kc = out;
        p.mc = TRANSPOSED_ROWS;
        p.epilogue = EPILOGUE_STORE;
    } else {
        p.rows = batch;
        p.columns = in;
        p.a = rows_of(delta);
        p.b = w;
        p.kc = KC;
        p.mc = MC;
        p.partial_in_scratch = previous.data == previous_saved.data;
        p.epilogue = derivative.kind == DERIVATIVE_ONE ? EPILOGUE_STORE : EPILOGUE_DERIVATIVE;
    }
    return p;
}

static void row_major_delta(float *previous, size_t ldp, const float *delta, size_t ldd, const float *w, size_t ldw,
                            const float *saved, size_t lds, size_t batch, size_t in, size_t out,
                            bp_derivative derivative, void *scratch) {
    if (batch == 1 && in >= VEC_LANES) {
        const size_t whole = in / VEC_LANES * VEC_LANES;
        row_delta(row_major(previous, ldp), row_major(delta, ldd), row_major(w, ldw), row_major(saved, lds), whole, out,
                  derivative);
        if (whole < in)
            row_major_delta(previous + whole, ldp, delta, ldd, w + whole * ldw, ldw, saved ? saved + whole : NULL, lds,
                            1, in - whole, out, derivative, scratch);
        return;
    }
    product p = delta_product(row_major(previous, ldp), row_major(delta, ldd), row_major(w, ldw), row_major(saved, lds),
                              batch, in, out, derivative);
    p.pack_a = p.transposed ? pack_left_rows(ldw, batch) : pack_left_rows(ldd, in);
    run_product(&p, scratch);
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
    row_major_delta(previous, ldp, delta, ldd, w, ldw, saved, lds, batch, in, out, derivative, scratch);
}

/* X^T delta: the sum of the products of row blocks. */
static product gradient_product(bp_packed result, bp_packed x, bp_packed delta, size_t batch, size_t in, size_t out) {
    return (product){
        .rows = in,
        .columns = out,
        .depth = batch,
        .a = columns_of(x),
        .b = delta,
        .c = result,
        .mc = COLUMN_BLOCK,
        .kc = BP_ROW_BLOCK,
        .chain = BP_ROW_BLOCK,
    };
}

/* The epilogue of a gradient's tiles. */
static inline tile_epilogue gradient_epilogue(const bp_coefficients *update) {
    return !update ? EPILOGUE_STORE : update->plain ? EPILOGUE_SGD : EPILOGUE_OPTIMIZER;
}

/* Stores the gradient in w, or updates w by it. */
static void row_major_gradient(const bp_coefficients *update, float *w, size_t ldw, const float *x, size_t ldx,
                               const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch) {
    if (batch == 1 && update && update->plain) {
        outer_product_update(w, ldw, x, delta, in, out, update->learning_rate);
        return;
    }
    product p = gradient_product(row_major(w, ldw), row_major(x, ldx), row_major(delta, ldd), batch, in, out);
    p.pack_a = ldx > PACK_STRIDE_MIN && out > NR ? PACK_COLUMNS : PACK_NONE;
    if (in >= PACK_ROWS_MIN && ldd > PACK_STRIDE_MIN)
        p.pack_b = PACK_ROWS;
    p.partial_in_scratch = update != NULL;
    p.epilogue = gradient_epilogue(update);
    p.update = update;
    run_product(&p, scratch);
}

/* Vectors of columns that are summed together: enough to hide the latency of an addition. */
#define SUM_CHAINS (64 / VEC_LANES)

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

/* Columns of gradients that stay in the first-level cache until the optimizer uses them. */
#define OPTIMIZER_COLUMNS (16 * NR)
_Static_assert(OPTIMIZER_COLUMNS % (SUM_CHAINS * VEC_LANES) == 0, "columns are whole groups of chains");

/* Up to OPTIMIZER_COLUMNS columns: stores their gradients in `to`, or updates what is there. `update`: null or plain.
 */
static ALWAYS_INLINE void bias_columns(const bp_coefficients *update, float *to, const float *sums, bp_packed delta,
                                       size_t batch, size_t out) {
    size_t vecs;
    if (batch == 1 && !sums) { /* without the loops' cost, which shows in a step of one row */
        const vec zero = vec_set1(0.0f);
        size_t j = 0;
        for (; j + VEC_LANES <= out; j += VEC_LANES)
            store_gradient(update, to + j, VEC_LANES, vec_add(zero, vec_load(packed_at(delta, 0, j) + j % NR)));
        if (j < out)
            store_gradient(update, to + j, out - j,
                           vec_add(zero, vec_load_first(packed_at(delta, 0, j) + j % NR, out - j)));
        return;
    }
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
