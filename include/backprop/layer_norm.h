/*
 * Layer normalization (J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization", 2016). Each row is shifted and
 * scaled to mean 0 and variance 1. Then each column is scaled by gamma and shifted by beta, which are learned.
 *
 * Matrices are [rows x columns], row-major. Leading dimensions are at least `columns`, or 0 for packed rows. gamma and
 * beta are [columns]; rstd is [rows]. Sums over a row have the order of loss.h. Sums over rows have the order of
 * bp_dense_gradient. All operations are binary32; `fma` rounds once; N is `columns`.
 *
 * A NaN or infinity in a row of z makes the whole row NaN.
 *
 * An output must not overlap another array, except where stated.
 *
 * Errors of all functions: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_OVERLAP, BP_ERROR_ALIGNMENT,
 * BP_ERROR_VALUE, and those of bp_cpu_active. On error nothing is written.
 */
#ifndef BACKPROP_LAYER_NORM_H
#define BACKPROP_LAYER_NORM_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Epsilon of a network's layers. */
#define BP_LAYER_NORM_EPSILON 1e-5f

/**
 * Forward pass.
 *
 *   mean = (sum over j of z[n][j]) / N
 *   variance = (sum over j of (z[n][j] - mean)^2, each square rounded) / N
 *   rstd[n] = 1 / sqrt(variance + epsilon)
 *   normalized[n][j] = (z[n][j] - mean) * rstd[n]
 *   y[n][j] = fma(gamma[j], normalized[n][j], beta[j])
 *
 * The backward pass needs `normalized` and `rstd`; each may be null. Either `y` or `normalized`, but not both, may be
 * `z` itself with the same leading dimension. `epsilon` is finite and above 0; 1e-5 is usual.
 */
BP_API bp_status bp_layer_norm_forward(float *y, size_t ldy, float *normalized, size_t ldn, float *rstd, const float *z,
                                       size_t ldz, const float *gamma, const float *beta, size_t rows, size_t columns,
                                       float epsilon);

/**
 * Backward pass: from delta = dL/dy to previous = dL/dz.
 *
 *   g_j = delta[n][j] * gamma[j]
 *   m = (sum over j of g_j) / N,  c = (sum over j of g_j * normalized[n][j], each product rounded) / N
 *   previous[n][j] = fma(-normalized[n][j], c, g_j - m) * rstd[n]
 *
 * `previous` may be `delta` itself if ldp == ldd.
 */
BP_API bp_status bp_layer_norm_backward(float *previous, size_t ldp, const float *delta, size_t ldd,
                                        const float *normalized, size_t ldn, const float *rstd, const float *gamma,
                                        size_t rows, size_t columns);

/**
 * Gradients of gamma and beta. Rows are summed in blocks of BP_ROW_BLOCK, and the blocks' sums are added in ascending
 * order:
 *
 *   gradient_gamma:  g = +0;  for n ascending: g = fma(delta[n][j], normalized[n][j], g)
 *   gradient_beta:   c = +0;  for n ascending: c = c + delta[n][j]
 *
 * Either result, but not both, may be null; it is not computed then.
 */
BP_API bp_status bp_layer_norm_gradient(float *gradient_gamma, float *gradient_beta, const float *delta, size_t ldd,
                                        const float *normalized, size_t ldn, size_t rows, size_t columns);

BP_END_DECLS

#endif
