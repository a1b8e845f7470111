/*
 * Inverted dropout (N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014).
 *
 * Training drops each output of a layer with a given probability and scales up the others, so that the mean does not
 * change. Inference does nothing.
 *
 * A mask is a matrix. Element (n, j) stays if its 16-bit number u is not below the threshold t (quotients are rounded
 * down):
 *
 *   word = bp_random_u32(seed, stream, (n / 4) * 2^34 + (j / 2) * 4 + 2 * (n / 2 mod 2) + 1 - j mod 2)
 *   u = n mod 2 == 0 ? word mod 2^16 : word / 2^16
 *   t = min(2^16 - 1, floor(probability * 2^16 + 1/2))
 *   scale = 1 / (1 - t * 2^-16), rounded to binary32
 *
 * So the probability is rounded to a multiple of 2^-16, and the scale is that of the rounded probability. A mask has no
 * state: each element can be computed alone, with the same bits on every machine and for every partition of the work.
 * (The four words of Philox at the counter {j / 2, n / 4, lo(stream), hi(stream)} serve four rows and two columns, in
 * the order in which vectors need them.)
 */
#ifndef BACKPROP_DROPOUT_H
#define BACKPROP_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/activation.h>
#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Description of a mask: which elements are dropped. */
typedef struct bp_dropout_mask {
    float probability;     /* probability that an element is dropped, from 0 to below 1 */
    uint64_t seed, stream; /* each training step takes its own stream */
    size_t row, column;    /* mask element of the arrays' first element; the arrays must fit into 2^32 x 2^32 */
} bp_dropout_mask;

/**
 * d[n][j] = (mask->row + n, mask->column + j) stays ? a[n][j] * scale : +0, for n < rows, j < columns.
 *
 * ldd, lda: distance between rows in elements, at least `columns`; 0: packed. `d` may be `a` itself if ldd == lda. A
 * NaN that stays is NaN; a dropped NaN becomes +0.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT; BP_ERROR_OVERLAP for any other overlap;
 * BP_ERROR_VALUE for the probability, and for arrays that reach beyond row or column 2^32 of the mask; and those of
 * bp_cpu_active. On error nothing is written.
 */
BP_API bp_status bp_dropout(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                            const bp_dropout_mask *mask);

/**
 * Derivative of an activation with dropout after it:
 * d[n][j] = (mask->row + n, mask->column + j) stays ? f'(z[n][j]) * scale : +0.
 *
 * f' is computed from `saved` as in bp_activation_derivative; `saved` holds values from before the dropout. The delta
 * of such a layer is s * d[n][j], instead of the s * f'(z) of bp_dense_delta. Leading dimensions and overlaps are as
 * for bp_dropout.
 *
 * Errors: those of bp_dropout; BP_ERROR_VALUE for the activation. On error nothing is written.
 */
BP_API bp_status bp_dropout_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows,
                                       size_t columns, bp_activation activation, const bp_dropout_mask *mask);

BP_END_DECLS

#endif
