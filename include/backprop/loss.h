/*
 * Losses, each with the delta of the output layer.
 *
 * Sums and maxima over a row run in one order on every instruction set, that of BP_SUM_LANES running values:
 *
 *   p[l] = +0 for l < BP_SUM_LANES;  for j ascending: p[j % BP_SUM_LANES] += v[j];
 *   for (h = BP_SUM_LANES / 2; h > 0; h /= 2) for l < h: p[l] = p[l] + p[l + h];  sum = p[0]
 *
 * and the maximum likewise with p[l] = -infinity and max(p, v) = v > p ? v : p.
 *
 * The loss of a batch is bp_sum(row_loss, batch) * scale, `scale` being 1 / batch for the mean.
 * Leading dimensions and errors are as in dense.h; the arrays may not overlap, except that `delta` may be the
 * predictions' array itself (same pointer, same leading dimension). `delta` and `row_loss` may each be null if that
 * result is not wanted, not both.
 */
#ifndef BACKPROP_LOSS_H
#define BACKPROP_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/activation.h>
#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Running values of a sum or maximum: a constant of the contract. */
#define BP_SUM_LANES 16

/** *sum = the sum of `count` values in the order above. */
BP_API bp_status bp_sum(const float *values, size_t count, float *sum);

/**
 * Squared error of outputs a against targets y, both [batch x out].
 *
 *   row_loss[n] = 0.5 * sum over j of (a[n][j] - y[n][j])^2, each square rounded, summed in the order above
 *   delta[n][j] = ((a[n][j] - y[n][j]) * scale) * f'(a[n][j])
 *
 * `activation` is that of the output layer; for the identity the last factor is left out.
 */
BP_API bp_status bp_loss_mse(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                             size_t ldy, size_t batch, size_t out, bp_activation activation, float scale);

/**
 * Cross-entropy of softmax(z) with one class label a row; z is [batch x classes], the output of an identity layer.
 *
 *   m = max over j of z[n][j];  e_j = exp(z[n][j] - m);  s = sum over j of e_j;  p_j = e_j / s
 *   row_loss[n] = log(s) - (z[n][label] - m)
 *   delta[n][j] = (p_j - (j == label ? 1 : 0)) * scale
 *
 * exp and log are SLEEF's deterministic functions of 1.0 ULP. Finite for all finite z whose differences do not
 * overflow.
 * BP_ERROR_LABEL if a label is not below `classes`.
 */
BP_API bp_status bp_loss_softmax_cross_entropy(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                               const uint32_t *labels, size_t batch, size_t classes, float scale);

/** p[n][j] = p_j of bp_loss_softmax_cross_entropy: the probabilities of each row. `p` may be `z` itself. */
BP_API bp_status bp_softmax(float *p, size_t ldp, const float *z, size_t ldz, size_t rows, size_t classes);

BP_END_DECLS

#endif
