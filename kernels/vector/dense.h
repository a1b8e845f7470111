/* The three products of a dense layer as tiled products; include/backprop/dense.h defines them. */
#ifndef BP_VECTOR_DENSE_H
#define BP_VECTOR_DENSE_H

#include <backprop/dense.h>

#include "vector/product.h"

/* Below this many rows, copying a panel of W costs more than reading it in place. */
#define PACK_ROWS_MIN (2 * TILE_ROWS)
/* Rows of X further apart than this many elements are packed for the gradient. */
#define PACK_STRIDE_MIN 128

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
        .pack_b = batch >= PACK_ROWS_MIN && ldw > TILE_COLUMNS ? PACK_ROWS : PACK_NONE,
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
                        const float *a_below, size_t lda, size_t batch, size_t in, size_t out,
                        bp_activation activation, void *scratch) {
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
        .pack_a = ldx > PACK_STRIDE_MIN && out > TILE_COLUMNS ? PACK_ROWS : PACK_NONE,
        .b = delta,
        .ldb = ldd,
        .pack_b = in >= PACK_ROWS_MIN && ldd > TILE_COLUMNS ? PACK_ROWS : PACK_NONE,
        .c = result,
        .ldc = ld,
        .block_depth = BP_ROW_BLOCK,
        .sum_blocks = true,
    };
}

/* Sums of one vector of delta's columns over all rows: the bias gradient. `n` lanes are read. */
static inline vec column_sums(const float *delta, size_t ldd, size_t batch, size_t n) {
    vec sum = vec_set1(0.0f);
    for (size_t block = 0; block < batch; block += BP_ROW_BLOCK) {
        const size_t end = least(block + BP_ROW_BLOCK, batch);
        vec c = vec_set1(0.0f);
        for (size_t row = block; row < end; row++)
            c = vec_add(c, n == VEC_LANES ? vec_load(delta + row * ldd) : vec_load_first(delta + row * ldd, n));
        sum = block == 0 ? c : vec_add(sum, c);
    }
    return sum;
}

static void dense_gradient(float *gradient, size_t ldg, float *gradient_bias, const float *x, size_t ldx,
                           const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch) {
    for (size_t j = 0; gradient_bias && j < out; j += VEC_LANES) {
        const size_t n = least(out - j, VEC_LANES);
        vec_store_first(gradient_bias + j, n, column_sums(delta + j, ldd, batch, n));
    }
    if (!gradient)
        return;
    const product p = gradient_product(gradient, ldg, x, ldx, delta, ldd, batch, in, out);
    run_product(&p, scratch);
}

static void dense_gradient_sgd(float *w, size_t ldw, float *bias, const float *x, size_t ldx, const float *delta,
                               size_t ldd, size_t batch, size_t in, size_t out, float rate, void *scratch) {
    for (size_t j = 0; bias && j < out; j += VEC_LANES) {
        const size_t n = least(out - j, VEC_LANES);
        const vec sum = column_sums(delta + j, ldd, batch, n);
        vec_store_first(bias + j, n, vec_fnma(vec_set1(rate), sum, vec_load_first(bias + j, n)));
    }
    if (!w)
        return;
    product p = gradient_product(w, ldw, x, ldx, delta, ldd, batch, in, out);
    p.own_partial = true;
    p.finish = FINISH_SGD;
    p.rate = rate;
    run_product(&p, scratch);
}

#endif
