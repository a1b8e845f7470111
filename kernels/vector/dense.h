/* The three products of a dense layer as tiled products; include/backprop/dense.h defines them. */
#ifndef BP_VECTOR_DENSE_H
#define BP_VECTOR_DENSE_H

#include <backprop/dense.h>

#include "vector/product.h"

/* Matrices are packed if their rows lie further apart than this many elements, and enough results share the copy. */
#define PACK_STRIDE_MIN 128
#define PACK_ROWS_MIN (2 * TILE_ROWS)

static void dense_forward(float *a, size_t lda, const float *x, size_t ldx, const float *w, size_t ldw,
                          const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                          void *scratch) {
    const product p = {
        .rows = batch,
        .columns = out,
        .depth = in,
        .a = x,
        .a_row = ldx,
        .a_k = 1,
        .b = w,
        .ldb = ldw,
        .pack_b = batch >= PACK_ROWS_MIN && ldw > PACK_STRIDE_MIN ? PACK_ROWS : PACK_NONE,
        .c = a,
        .ldc = lda,
        .block_depth = BLOCK_DEPTH,
        .bias = bias,
        .finish = FINISH_ACTIVATION,
        .activation = activation,
    };
    run_product(&p, scratch);
}

static void dense_delta(float *below, size_t ldb, const float *delta, size_t ldd, const float *w, size_t ldw,
                        const float *a_below, size_t lda, size_t batch, size_t in, size_t out, bp_activation activation,
                        void *scratch) {
    const product p = {
        .rows = batch,
        .columns = in,
        .depth = out,
        .a = delta,
        .a_row = ldd,
        .a_k = 1,
        .b = w,
        .ldb = ldw,
        .pack_b = PACK_COLUMNS,
        .c = below,
        .ldc = ldb,
        .block_depth = BLOCK_DEPTH,
        .own_partial = below == a_below,
        .below = a_below,
        .ld_below = lda,
        .finish = activation.kind == BP_IDENTITY ? FINISH_STORE : FINISH_DERIVATIVE,
        .activation = activation,
    };
    run_product(&p, scratch);
}

/* X^T delta in blocks of rows, added up. */
static product gradient_product(float *result, size_t ld, const float *x, size_t ldx, const float *delta, size_t ldd,
                                size_t batch, size_t in, size_t out) {
    return (product){
        .rows = in,
        .columns = out,
        .depth = batch,
        .a = x,
        .a_row = 1,
        .a_k = ldx,
        .pack_a = ldx > PACK_STRIDE_MIN && out > TILE_COLUMNS,
        .b = delta,
        .ldb = ldd,
        .pack_b = in >= PACK_ROWS_MIN && ldd > PACK_STRIDE_MIN ? PACK_ROWS : PACK_NONE,
        .c = result,
        .ldc = ld,
        .block_depth = BP_ROW_BLOCK,
        .sum_blocks = true,
    };
}

/* Vectors of columns that are summed at the same time, enough to hide the latency of an addition. */
#define SUM_CHAINS 4

/*
 * Sums of delta's columns over all rows, the bias gradient: `vecs` vectors of columns, of which the last has `lanes`
 * columns.
 */
static ALWAYS_INLINE void column_sums(vec sum[SUM_CHAINS], const size_t vecs, const float *delta, size_t ldd,
                                      size_t batch, size_t lanes) {
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        sum[v] = vec_set1(0.0f);
    for (size_t first = 0; first < batch; first += BP_ROW_BLOCK) {
        const size_t end = least(first + BP_ROW_BLOCK, batch);
        vec c[SUM_CHAINS];
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            c[v] = vec_set1(0.0f);
        for (size_t row = first; row < end; row++) {
            const float *d = delta + row * ldd;
            UNROLL_FOR (size_t v = 0; v + 1 < vecs; v++)
                c[v] = vec_add(c[v], vec_load(d + v * VEC_LANES));
            const float *last = d + (vecs - 1) * VEC_LANES;
            c[vecs - 1] = vec_add(c[vecs - 1], lanes == VEC_LANES ? vec_load(last) : vec_load_first(last, lanes));
        }
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            sum[v] = first == 0 ? c[v] : vec_add(sum[v], c[v]);
    }
}

/* bias[j] = the sum of column j, or where a rate is given, bias[j] less rate times that sum. */
static void bias_gradient(float *bias, const float *delta, size_t ldd, size_t batch, size_t out, const float *rate) {
    size_t vecs;
    for (size_t j = 0; j < out; j += vecs * VEC_LANES) {
        const size_t left = out - j;
        vec sum[SUM_CHAINS];
        vecs = left >= SUM_CHAINS * VEC_LANES ? SUM_CHAINS : 1;
        if (vecs == SUM_CHAINS)
            column_sums(sum, SUM_CHAINS, delta + j, ldd, batch, VEC_LANES);
        else
            column_sums(sum, 1, delta + j, ldd, batch, least(left, VEC_LANES));
        for (size_t v = 0; v < vecs; v++) {
            float *b = bias + j + v * VEC_LANES;
            const size_t lanes = least(left - v * VEC_LANES, VEC_LANES);
            if (rate)
                sum[v] = vec_fnma(vec_set1(*rate), sum[v], vec_load_first(b, lanes));
            vec_store_first(b, lanes, sum[v]);
        }
    }
}

static void dense_gradient(float *gradient, size_t ldg, float *gradient_bias, const float *x, size_t ldx,
                           const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch) {
    if (gradient_bias)
        bias_gradient(gradient_bias, delta, ldd, batch, out, NULL);
    if (!gradient)
        return;
    const product p = gradient_product(gradient, ldg, x, ldx, delta, ldd, batch, in, out);
    run_product(&p, scratch);
}

/*
 * The update of a batch of one row: no chain is longer than one fma, so tiles would only start and end. W streams
 * through once, row after row.
 */
static void single_row_update(float *w, size_t ldw, const float *x, const float *delta, size_t in, size_t out,
                              float rate) {
    const vec zero = vec_set1(0.0f), r = vec_set1(rate);
    for (size_t i = 0; i < in; i++) {
        const vec xi = vec_set1(x[i]);
        float *row = w + i * ldw;
        size_t j = 0;
        for (; j + VEC_LANES <= out; j += VEC_LANES)
            vec_store(row + j, vec_fnma(r, vec_fma(xi, vec_load(delta + j), zero), vec_load(row + j)));
        if (j < out) {
            const vec g = vec_fma(xi, vec_load_first(delta + j, out - j), zero);
            vec_store_first(row + j, out - j, vec_fnma(r, g, vec_load_first(row + j, out - j)));
        }
    }
}

static void dense_gradient_sgd(float *w, size_t ldw, float *bias, const float *x, size_t ldx, const float *delta,
                               size_t ldd, size_t batch, size_t in, size_t out, float rate, void *scratch) {
    if (bias)
        bias_gradient(bias, delta, ldd, batch, out, &rate);
    if (!w)
        return;
    if (batch == 1) {
        single_row_update(w, ldw, x, delta, in, out, rate);
        return;
    }
    product p = gradient_product(w, ldw, x, ldx, delta, ldd, batch, in, out);
    p.own_partial = true;
    p.finish = FINISH_SGD;
    p.rate = rate;
    run_product(&p, scratch);
}

#endif
