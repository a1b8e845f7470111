/* The three products of a dense layer; include/backprop/dense.h defines them. */
#ifndef BP_VECTOR_DENSE_H
#define BP_VECTOR_DENSE_H

#include <backprop/dense.h>

#include "vector/product.h"
#include "vector/row.h"

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
                             size_t in, size_t out, bp_activation activation) {
    product p = {
        .c = previous,
        .depth = out,
        .pack_b = PACK_COLUMNS,
        .previous = previous_saved,
        .activation = activation,
    };
    if (transpose_rows(batch, in, out)) {
        p.transposed = true;
        p.rows = in;
        p.columns = batch;
        p.a = rows_of(w);
        p.b = delta;
        p.kc = out;
        p.mc = whole_panel_rows(TRANSPOSED_ROWS);
        p.epilogue = EPILOGUE_STORE;
    } else {
        p.rows = batch;
        p.columns = in;
        p.a = rows_of(delta);
        p.b = w;
        p.kc = KC;
        p.mc = MC;
        p.partial_in_scratch = previous.data == previous_saved.data;
        p.epilogue = activation.kind == BP_ACTIVATION_IDENTITY ? EPILOGUE_STORE : EPILOGUE_DERIVATIVE;
    }
    return p;
}

static void dense_delta(float *previous, size_t ldp, const float *delta, size_t ldd, const float *w, size_t ldw,
                        const float *saved, size_t lds, size_t batch, size_t in, size_t out, bp_activation activation,
                        void *scratch) {
    if (!is_tile_derivative(activation)) { /* compute it first, into the result's array */
        activation_derivative(previous, ldp, saved, lds, batch, in, activation);
        saved = previous;
        lds = ldp;
        activation.kind = SAVED_DERIVATIVES;
    }
    if (batch == 1 && in >= VEC_LANES) {
        const size_t whole = in / VEC_LANES * VEC_LANES;
        row_delta(row_major(previous, ldp), row_major(delta, ldd), row_major(w, ldw), row_major(saved, lds), whole, out,
                  activation);
        if (whole < in)
            dense_delta(previous + whole, ldp, delta, ldd, w + whole * ldw, ldw, saved ? saved + whole : NULL, lds, 1,
                        in - whole, out, activation, scratch);
        return;
    }
    product p = delta_product(row_major(previous, ldp), row_major(delta, ldd), row_major(w, ldw), row_major(saved, lds),
                              batch, in, out, activation);
    p.pack_a = p.transposed ? pack_left_rows(ldw, batch) : pack_left_rows(ldd, in);
    run_product(&p, scratch);
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

static product row_major_gradient(float *result, size_t ld, const float *x, size_t ldx, const float *delta, size_t ldd,
                                  size_t batch, size_t in, size_t out) {
    product p = gradient_product(row_major(result, ld), row_major(x, ldx), row_major(delta, ldd), batch, in, out);
    p.pack_a = ldx > PACK_STRIDE_MIN && out > NR ? PACK_COLUMNS : PACK_NONE;
    if (in >= PACK_ROWS_MIN && ldd > PACK_STRIDE_MIN)
        p.pack_b = PACK_ROWS;
    return p;
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

/*
 * s = the sum of delta's column j, plus sums[j] if sums (of earlier row blocks) is not null. Then to[j] = s, or, if
 * learning_rate is not null, to[j] -= learning_rate * s.
 */
static void bias_gradient(float *to, const float *sums, bp_packed delta, size_t batch, size_t out,
                          const float *learning_rate) {
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
        for (size_t v = 0; v < vecs; v++) {
            float *b = to + j + v * VEC_LANES;
            const size_t lanes = least(left - v * VEC_LANES, VEC_LANES);
            if (learning_rate)
                sum[v] = vec_fnma(vec_set1(*learning_rate), sum[v], load_some(b, lanes));
            store_some(b, lanes, sum[v]);
        }
    }
}

static void dense_gradient(float *gradient, size_t ldg, float *gradient_bias, const float *x, size_t ldx,
                           const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch) {
    if (gradient_bias)
        bias_gradient(gradient_bias, NULL, row_major(delta, ldd), batch, out, NULL);
    if (!gradient)
        return;
    const product p = row_major_gradient(gradient, ldg, x, ldx, delta, ldd, batch, in, out);
    run_product(&p, scratch);
}

static void dense_gradient_sgd(float *w, size_t ldw, float *bias, const float *x, size_t ldx, const float *delta,
                               size_t ldd, size_t batch, size_t in, size_t out, float learning_rate, void *scratch) {
    if (bias)
        bias_gradient(bias, NULL, row_major(delta, ldd), batch, out, &learning_rate);
    if (!w)
        return;
    if (batch == 1) {
        outer_product_update(w, ldw, x, delta, in, out, learning_rate);
        return;
    }
    product p = row_major_gradient(w, ldw, x, ldx, delta, ldd, batch, in, out);
    p.partial_in_scratch = true;
    p.epilogue = EPILOGUE_SGD;
    p.learning_rate = learning_rate;
    run_product(&p, scratch);
}

/* An optimizer's step on biases. Their gradient: the sums of delta's columns, plus `sums` if not null. */
static void bias_optimizer(const bp_coefficients *coefficients, float *biases, const float *sums, bp_packed delta,
                           size_t batch, size_t out) {
    float gradient[OPTIMIZER_COLUMNS];
    for (size_t j = 0; j < out; j += OPTIMIZER_COLUMNS) {
        const size_t columns = least(out - j, OPTIMIZER_COLUMNS);
        const bp_packed part = {packed_at(delta, 0, j), delta.row_stride, delta.panel_stride};
        bias_gradient(gradient, sums ? sums + j : NULL, part, batch, columns, NULL);
        apply_optimizer(coefficients, ROLE_OTHERS, biases + j, 0, row_major(gradient, 0), 1, columns);
    }
}

static void dense_gradient_update(const bp_parameters *w, size_t ldw, const bp_parameters *bias, const float *x,
                                  size_t ldx, const float *delta, size_t ldd, size_t batch, size_t in, size_t out,
                                  const bp_optimizer *optimizer, uint64_t step, float learning_rate, void *scratch) {
    if (is_plain_sgd(optimizer)) {
        dense_gradient_sgd(w ? w->values : NULL, ldw, bias ? bias->values : NULL, x, ldx, delta, ldd, batch, in, out,
                           learning_rate, scratch);
        return;
    }
    if (bias) {
        const bp_coefficients coefficients = coefficients_of(optimizer, step, learning_rate, bias);
        bias_optimizer(&coefficients, bias->values, NULL, row_major(delta, ldd), batch, out);
    }
    if (!w)
        return;
    const bp_coefficients coefficients = coefficients_of(optimizer, step, learning_rate, w);
    product p = row_major_gradient(w->values, ldw, x, ldx, delta, ldd, batch, in, out);
    p.partial_in_scratch = true;
    p.epilogue = EPILOGUE_OPTIMIZER;
    p.coefficients = &coefficients;
    run_product(&p, scratch);
}

#endif
