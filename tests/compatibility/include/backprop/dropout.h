/*
 * Inverted dropout (N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014).
 *
 * Training drops each output of a layer with a given probability and scales up the others, so that the mean stays what
 * it was. Inference does nothing.
 *
 * A mask is a matrix. Element (n, j) stays if its 16-bit number u is not below the threshold t (quotients are rounded
 * down):
 *
 *   word = bp_random_u32(seed, stream, (n / 4) * 2^34 + (j / 2) * 4 + 2 * (n / 2 mod 2) + 1 - j mod 2)
 *   u = n mod 2 == 0 ? word mod 2^16 : word / 2^16
 *   t = min(2^16 - 1, floor(probability * 2^16 + 1/2))
 *   scale = 1 / (1 - t * 2^-16), rounded to binary32
 *
 * So the probability is rounded to a multiple of 2^-16, and the scale belongs to the rounded one. There is no state:
 * any element can be had at any time, with the same bits on every machine and however the work is cut. (The four words
 * of Philox at the counter {j / 2, n / 4, lo(stream), hi(stream)} serve four rows and two columns, in the order in
 * which vectors need them.)
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
    size_t row, column;    /* of the mask: where the arrays of a call begin; they must fit into 2^32 x 2^32 */
} bp_dropout_mask;

/**
 * d[n][j] = (mask->row + n, mask->column + j) stays ? a[n][j] * scale : +0, for n < rows, j < columns.
 *
 * ldd, lda: distance between rows in elements, at least `columns`; 0: packed. `d` may be `a` itself with ldd == lda;
 * any other overlap is BP_ERROR_OVERLAP. A NaN that stays is NaN, one that is dropped is +0.
 *
 * Other errors: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_VALUE (the probability,
 * or arrays that reach beyond row or column 2^32 of the mask), and those of bp_cpu_active. On error nothing is written.
 */
BP_API bp_status bp_dropout(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                            const bp_dropout_mask *mask);

/**
 * Derivative of an activation and the dropout after it:
 * d[n][j] = (mask->row + n, mask->column + j) stays ? f'(z[n][j]) * scale : +0.
 *
 * f' is computed from `saved` as by bp_activation_derivative; `saved` is from before the dropout. The delta of such a
 * layer is s * d[n][j] instead of the s * f'(z) of bp_dense_delta. Leading dimensions, overlaps and errors are as for
 * bp_dropout, and BP_ERROR_VALUE for a bad activation.
 */
BP_API bp_status bp_dropout_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows,
                                       size_t columns, bp_activation activation, const bp_dropout_mask *mask);

BP_END_DECLS

#endif
