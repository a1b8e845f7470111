/*
 * Inverted dropout (N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014):
 * while it trains, a layer's outputs are dropped with a given probability, and those that stay are scaled up, so that
 * nothing changes on average and nothing is to be done when it does not train.
 *
 * A mask is a plane of rows and columns without end. Element (n, j) stays if its number is not below the threshold:
 *
 *   bp_random_u32(seed, stream, (n / 2) * 2^34 + (j / 2) * 4 + 2 * (n mod 2) + 1 - j mod 2) >= floor(probability *
 * 2^32)
 *
 * that is, the word 2 (n mod 2) + 1 - j mod 2 of Philox4x32-10 at the counter {j / 2, n / 2, lo(stream), hi(stream)}:
 * no state, any element at any time, the same on every machine and however the work is cut. (Two rows and two columns
 * share a counter, in the order in which vectors find their words where they need them.)
 */
#ifndef BACKPROP_DROPOUT_H
#define BACKPROP_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/activation.h>
#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Which elements are dropped. */
typedef struct bp_dropout_mask {
    float probability;     /* of an element to be dropped, from 0 to below 1 */
    uint64_t seed, stream; /* a step of training takes a stream that no other takes */
    size_t row, column;    /* where in the mask the arrays of a call begin; they end at row 2^31, column 2^32 at most */
} bp_dropout_mask;

/**
 * d[n][j] = (mask.row + n, mask.column + j) stays ? a[n][j] * scale : +0, for n < rows, j < columns, with
 * scale = 1 / (1 - probability) in binary32.
 *
 * ldd, lda: distance between rows in elements, at least `columns`. `d` may be `a` itself with ldd == lda; any other
 * overlap is BP_ERROR_OVERLAP. Other errors: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT,
 * BP_ERROR_VALUE (the probability, a place beyond the mask's end), and those of bp_cpu_active. On error nothing is
 * written. A NaN that stays is NaN, one that is dropped +0.
 */
BP_API bp_status bp_dropout(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                            bp_dropout_mask mask);

/**
 * The derivative of an activation and the dropout after it, from what the activation keeps, before it was dropped:
 * d[n][j] = (mask.row + n, mask.column + j) stays ? f'(z[n][j]) * scale : +0, f' as in bp_activation_derivative. The
 * delta of such a layer is s * d[n][j], in the place of the s * f'(z) of bp_dense_delta.
 * Strides, aliasing and errors as for bp_dropout, and BP_ERROR_VALUE for a bad activation.
 */
BP_API bp_status bp_dropout_derivative(float *d, size_t ldd, const float *kept, size_t ldk, size_t rows, size_t columns,
                                       bp_activation activation, bp_dropout_mask mask);

BP_END_DECLS

#endif
