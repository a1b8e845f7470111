/*
 * Losses, each with the delta of the output layer.
 *
 * Sums and maxima over a row have the same order on every instruction set. They use BP_SUM_ACCUMULATORS accumulators:
 *
 *   p[l] = +0 for l < BP_SUM_ACCUMULATORS;  for j ascending: p[j % BP_SUM_ACCUMULATORS] += v[j];
 *   for (h = BP_SUM_ACCUMULATORS / 2; h > 0; h /= 2) for l < h: p[l] = p[l] + p[l + h];  sum = p[0]
 *
 * The maximum is computed likewise, with p[l] = -infinity at first and max(p, v) = v > p ? v : p.
 *
 * The loss of a batch is bp_sum(row_loss, batch) * scale. For the mean, scale is 1 / batch.
 *
 * Leading dimensions (0: packed) and errors are as in dense.h. Arrays must not overlap, except that `delta` may be the
 * predictions' array itself, with the same pointer and leading dimension. Either `delta` or `row_loss`, but not both,
 * may be null; that result is not computed then.
 */
#ifndef BACKPROP_LOSS_H
#define BACKPROP_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/activation.h>
#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Number of accumulators of a sum or maximum: a constant of the contract. */
#define BP_SUM_ACCUMULATORS 16

/** Losses. bp_loss_targets and bp_loss_labels define them. */
typedef enum bp_loss_kind {
    BP_LOSS_MSE = 0,                       /* one half of the squared error */
    BP_LOSS_SOFTMAX_CROSS_ENTROPY,         /* with class labels, smoothed or not */
    BP_LOSS_MAE,                           /* absolute error */
    BP_LOSS_HUBER,                         /* squared error near the target, absolute error beyond a threshold */
    BP_LOSS_BINARY_CROSS_ENTROPY,          /* of sigmoid(a); each output is a separate logit */
    BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS, /* of softmax(a) with a target distribution */
    BP_LOSS_KULLBACK_LEIBLER,              /* divergence of softmax(a) from a target distribution */
    BP_LOSS_HINGE,                         /* binary: each output has a target of -1 or 1 */
    BP_LOSS_MULTICLASS_HINGE,              /* with class labels */
} bp_loss_kind;

/** "mse", "softmax-cross-entropy", "mae", "huber", "binary-cross-entropy", "softmax-cross-entropy-targets",
 *  "kullback-leibler", "hinge", "multiclass-hinge"; null for any other value. */
BP_API const char *bp_loss_name(bp_loss_kind loss);

/** The inverse of bp_loss_name. Errors: BP_ERROR_NULL; BP_ERROR_VALUE for an unknown name. On error *loss is unchanged.
 */
BP_API bp_status bp_loss_from_name(const char *name, bp_loss_kind *loss);

/** *sum = the sum of `count` values, in the order above. */
BP_API bp_status bp_sum(float *sum, const float *values, size_t count);

/**
 * Squared error of outputs a against targets y, both [batch x out].
 *
 *   row_loss[n] = 0.5 * sum over j of (a[n][j] - y[n][j])^2, each square rounded, summed in the order above
 *   delta[n][j] = ((a[n][j] - y[n][j]) * scale) * f'(a[n][j])
 *
 * `activation` is the output layer's. For the identity, the last factor is omitted. f' is computed from a. An
 * activation that needs z (bp_activation_saves_input) is BP_ERROR_VALUE: pass the identity, then call
 * bp_activation_delta.
 */
BP_API bp_status bp_loss_mse(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                             size_t ldy, size_t batch, size_t out, bp_activation activation, float scale);

/**
 * Cross-entropy of softmax(z), with one class label for each row. z is [batch x classes], the output of an identity
 * layer.
 *
 *   m = max over j of z[n][j];  e_j = exp(z[n][j] - m);  s = sum over j of e_j;  p_j = e_j / s
 *   row_loss[n] = log(s) - (z[n][label] - m)
 *   delta[n][j] = (p_j - (j == label ? 1 : 0)) * scale
 *
 * exp and log are SLEEF's deterministic functions of 1.0 ULP. The results are finite for all finite z whose differences
 * do not overflow.
 *
 * Errors: BP_ERROR_LABEL if a label is not below `classes`; those of dense.h.
 */
BP_API bp_status bp_loss_softmax_cross_entropy(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                               const uint32_t *labels, size_t batch, size_t classes, float scale);

/**
 * Loss of outputs a against targets y, both [batch x out], with a weight for each row.
 *
 *   r = scale, or weights[n] * scale if weights are given
 *   row_loss[n] = L, or weights[n] * L
 *   delta[n][j] = g_j * r, the derivative by a[n][j]
 *
 * L and g_j are functions of the row's a_j and y_j, with e_j = a_j - y_j. Sums run over j in the order above:
 *
 *   mse                   L = 0.5 * sum of e_j * e_j
 *                         g_j = e_j
 *   mae                   L = sum of |e_j|
 *                         g_j = e_j > 0 ? 1 : e_j < 0 ? -1 : e_j
 *   huber                 L = sum of g_j * fma(-0.5, g_j, e_j)
 *                         g_j = e_j >= t ? t : e_j <= -t ? -t : e_j
 *   binary-cross-entropy  L = sum of fma(-a_j, y_j, a_j > 0 ? a_j : 0) + log1p(q_j),  q_j = exp(-|a_j|)
 *                         g_j = a_j <= 0 ? u_j - y_j : (1 - y_j) - u_j,  u_j = q_j / (1 + q_j)
 *   hinge                 L = sum of (h_j <= 0 ? 0 : h_j),  h_j = fma(-y_j, a_j, 1)
 *                         g_j = h_j <= 0 ? 0 : -y_j
 *
 * The losses of softmax(a), with m, s and p_j of bp_loss_softmax_cross_entropy and Y = sum of y_j:
 *
 *   softmax-cross-entropy-targets  L = fma(Y, log(s), -sum of t_j),  t_j = y_j == 0 ? 0 : y_j * (a_j - m)
 *                                  g_j = fma(p_j, Y, -y_j)
 *   kullback-leibler               the same with t_j = y_j == 0 ? 0 : y_j * ((a_j - m) - log(y_j))
 *
 * `parameter` is huber's threshold t, finite and above 0; other losses ignore it. Targets y:
 *
 * | loss                                            | targets y                    |
 * |-------------------------------------------------|------------------------------|
 * | mse, mae, huber                                 | any                          |
 * | binary-cross-entropy                            | 0 to 1; each a is a logit    |
 * | hinge                                           | -1 or 1                      |
 * | softmax-cross-entropy-targets, kullback-leibler | any; meant for distributions |
 *
 * For any y, softmax-cross-entropy-targets is -sum of y_j log p_j. kullback-leibler adds the sum of y_j log y_j, where
 * 0 log 0 is 0.
 *
 * exp, log and log1p are SLEEF's deterministic functions of 1.0 ULP. Cross-entropies and divergences are finite for all
 * finite a whose differences, and whose products with y, are finite. Values that are not finite:
 *
 * | loss                        | input                    | row's loss               | delta                    |
 * |-----------------------------|--------------------------|--------------------------|--------------------------|
 * | all                         | NaN in y_j               | NaN                      | result of the operations |
 * | all except those of softmax | NaN in a_j               | NaN                      | NaN at j; hinge: -y_j    |
 * | binary-cross-entropy        | a_j = +infinity          | NaN                      | 1 - y_j                  |
 * | binary-cross-entropy        | a_j = -infinity, y_j > 0 | +infinity                | -y_j                     |
 * | binary-cross-entropy        | a_j = -infinity, y_j = 0 | NaN                      | -y_j                     |
 * | both of softmax             | NaN or +infinity in a_j  | NaN                      | NaN in the whole row     |
 * | both of softmax             | a_j = -infinity          | infinite if y_j is not 0 | as for p_j = 0           |
 *
 * weights: [batch], any numbers, or null for none.
 *
 * Sources: P. J. Huber, "Robust estimation of a location parameter", 1964; C. Cortes, V. Vapnik, "Support-vector
 * networks", 1995 (hinge); S. Kullback, R. A. Leibler, "On information and sufficiency", 1951.
 *
 * Errors: BP_ERROR_VALUE for a loss that takes labels, and for `parameter`; those of dense.h.
 */
BP_API bp_status bp_loss_targets(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                                 size_t ldy, const float *weights, size_t batch, size_t out, bp_loss_kind loss,
                                 float parameter, float scale);

/**
 * Loss of z [batch x classes], with one class label for each row.
 *
 * Weights, r, row_loss and delta are as in bp_loss_targets. m, s and p_j are those of bp_loss_softmax_cross_entropy.
 * `label` is the row's:
 *
 *   softmax-cross-entropy  L = log(s) - fma(u, T, h * (z_label - m)),  T = sum of z_j - m
 *                          g_j = p_j - (j == label ? h + u : u)
 *   multiclass-hinge       L = sum of v_j,  v_j = (j == label or h_j <= 0) ? 0 : h_j,  h_j = (z_j - z_label) + 1
 *                          g_j = h_j <= 0 ? 0 : 1 for j != label,  g_label = -sum of these
 *
 * For softmax-cross-entropy, `parameter` is the label smoothing, from 0 to 1: u = parameter / classes,
 * h = 1 - parameter. If u = 0, L is log(s) - (z_label - m), and all results are those of bp_loss_softmax_cross_entropy.
 * multiclass-hinge sums over the classes and ignores `parameter`. A logit of -infinity is allowed only without
 * smoothing, and only for classes other than the label's.
 *
 * Sources: C. Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016 (smoothing); J. Weston,
 * C. Watkins, "Support vector machines for multi-class pattern recognition", 1999 (hinge).
 *
 * Errors: BP_ERROR_LABEL if a label is not below `classes`; BP_ERROR_VALUE for a loss that takes targets, and for
 * `parameter`; those of dense.h.
 */
BP_API bp_status bp_loss_labels(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                const uint32_t *labels, const float *weights, size_t batch, size_t classes,
                                bp_loss_kind loss, float parameter, float scale);

/** Probabilities of each row: p[n][j] = p_j of bp_loss_softmax_cross_entropy. `p` may be `z` itself if ldp == ldz. */
BP_API bp_status bp_softmax(float *p, size_t ldp, const float *z, size_t ldz, size_t rows, size_t classes);

BP_END_DECLS

#endif
