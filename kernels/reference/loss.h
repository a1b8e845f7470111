/* Oracles of sums and losses: include/backprop/loss.h in C. */
#ifndef BP_REFERENCE_LOSS_H
#define BP_REFERENCE_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/loss.h>

#include "reference/activation.h"

/* The tree that adds up the BP_SUM_ACCUMULATORS accumulators of a sum. */
static float accumulators_sum(float p[BP_SUM_ACCUMULATORS]) {
    for (size_t h = BP_SUM_ACCUMULATORS / 2; h > 0; h /= 2)
        for (size_t l = 0; l < h; l++)
            p[l] = p[l] + p[l + h];
    return p[0];
}

static float sum(const float *values, size_t count) {
    float p[BP_SUM_ACCUMULATORS] = {0};
    for (size_t k = 0; k < count; k++)
        p[k % BP_SUM_ACCUMULATORS] = p[k % BP_SUM_ACCUMULATORS] + values[k];
    return accumulators_sum(p);
}

static float row_maximum(const float *z, size_t count) {
    float p[BP_SUM_ACCUMULATORS];
    for (size_t l = 0; l < BP_SUM_ACCUMULATORS; l++)
        p[l] = -INFINITY;
    for (size_t j = 0; j < count; j++)
        p[j % BP_SUM_ACCUMULATORS] = z[j] > p[j % BP_SUM_ACCUMULATORS] ? z[j] : p[j % BP_SUM_ACCUMULATORS];
    for (size_t h = BP_SUM_ACCUMULATORS / 2; h > 0; h /= 2)
        for (size_t l = 0; l < h; l++)
            p[l] = p[l + h] > p[l] ? p[l + h] : p[l];
    return p[0];
}

/* Sum of exp(z_j - m) over a row. */
static float row_exp_sum(const float *z, float m, size_t count) {
    float p[BP_SUM_ACCUMULATORS] = {0};
    for (size_t j = 0; j < count; j++)
        p[j % BP_SUM_ACCUMULATORS] = p[j % BP_SUM_ACCUMULATORS] + math_exp(z[j] - m);
    return accumulators_sum(p);
}

static void loss_mse(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y, size_t ldy,
                     size_t batch, size_t out, bp_activation activation, float scale) {
    for (size_t n = 0; n < batch; n++) {
        float p[BP_SUM_ACCUMULATORS] = {0};
        for (size_t j = 0; j < out; j++) {
            const float output = a[n * lda + j];
            const float error = output - y[n * ldy + j];
            p[j % BP_SUM_ACCUMULATORS] = p[j % BP_SUM_ACCUMULATORS] + error * error;
            if (delta) {
                float d = error * scale;
                if (activation.kind != BP_ACTIVATION_IDENTITY)
                    d = d * activation_slope(output, activation);
                delta[n * ldd + j] = d;
            }
        }
        if (row_loss)
            row_loss[n] = 0.5f * accumulators_sum(p);
    }
}

static void loss_softmax_cross_entropy(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                       const uint32_t *labels, size_t batch, size_t classes, float scale) {
    for (size_t n = 0; n < batch; n++) {
        const float *row = z + n * ldz;
        const float m = row_maximum(row, classes);
        const float s = row_exp_sum(row, m, classes);
        if (row_loss)
            row_loss[n] = math_log(s) - (row[labels[n]] - m);
        for (size_t j = 0; delta && j < classes; j++)
            delta[n * ldd + j] = (math_exp(row[j] - m) / s - (j == labels[n] ? 1.0f : 0.0f)) * scale;
    }
}

static void softmax(float *p, size_t ldp, const float *z, size_t ldz, size_t rows, size_t classes) {
    for (size_t n = 0; n < rows; n++) {
        const float *row = z + n * ldz;
        const float m = row_maximum(row, classes);
        const float s = row_exp_sum(row, m, classes);
        for (size_t j = 0; j < classes; j++)
            p[n * ldp + j] = math_exp(row[j] - m) / s;
    }
}

/* ---- Losses by their kind, with weights ------------------------------------------------------------------------ */

/* The factor of a row's deltas, and its weighted loss. */
static float row_scale(const float *weights, size_t n, float scale) {
    return weights ? weights[n] * scale : scale;
}

static float row_weighted(const float *weights, size_t n, float loss) {
    return weights ? weights[n] * loss : loss;
}

/* Losses that are a sum over the outputs: one term, and its derivative. */
typedef struct loss_part {
    float value, slope;
} loss_part;

static loss_part huber_part(float error, float threshold) {
    const float c = error >= threshold ? threshold : error <= -threshold ? -threshold : error;
    return (loss_part){c * fmaf(-0.5f, c, error), c};
}

static loss_part binary_cross_entropy_part(float a, float y) {
    const float q = math_exp(-fabsf(a)), u = q / (1.0f + q);
    return (loss_part){fmaf(-a, y, a > 0.0f ? a : 0.0f) + math_log1p(q), a <= 0.0f ? u - y : (1.0f - y) - u};
}

static loss_part hinge_part(float a, float y) {
    const float h = fmaf(-y, a, 1.0f);
    return (loss_part){h <= 0.0f ? 0.0f : h, h <= 0.0f ? 0.0f : -y};
}

static loss_part part_of(bp_loss_kind loss, float a, float y, float parameter) {
    const float error = a - y;
    switch (loss) {
    case BP_LOSS_MAE:
        return (loss_part){fabsf(error), error > 0.0f ? 1.0f : error < 0.0f ? -1.0f : error};
    case BP_LOSS_HUBER:
        return huber_part(error, parameter);
    case BP_LOSS_BINARY_CROSS_ENTROPY:
        return binary_cross_entropy_part(a, y);
    case BP_LOSS_HINGE:
        return hinge_part(a, y);
    default:
        return (loss_part){error * error, error};
    }
}

/* One row: returns its unweighted loss; d may be null or a. */
static float parts_row(float *d, const float *a, const float *y, size_t out, bp_loss_kind loss, float parameter,
                       float r) {
    float p[BP_SUM_ACCUMULATORS] = {0};
    for (size_t j = 0; j < out; j++) {
        const loss_part part = part_of(loss, a[j], y[j], parameter);
        p[j % BP_SUM_ACCUMULATORS] = p[j % BP_SUM_ACCUMULATORS] + part.value;
        if (d)
            d[j] = part.slope * r;
    }
    return loss == BP_LOSS_MSE ? 0.5f * accumulators_sum(p) : accumulators_sum(p);
}

/* The same for softmax(z) against a distribution y. */
static float distribution_row(float *d, const float *z, const float *y, size_t classes, bp_loss_kind loss, float r) {
    const float m = row_maximum(z, classes), s = row_exp_sum(z, m, classes), total = sum(y, classes);
    float p[BP_SUM_ACCUMULATORS] = {0};
    for (size_t j = 0; j < classes; j++) {
        const float logit = z[j] - m;
        const float less = loss == BP_LOSS_KULLBACK_LEIBLER ? logit - math_log(y[j]) : logit;
        p[j % BP_SUM_ACCUMULATORS] = p[j % BP_SUM_ACCUMULATORS] + (y[j] == 0.0f ? 0.0f : y[j] * less);
        if (d)
            d[j] = fmaf(math_exp(logit) / s, total, -y[j]) * r;
    }
    return fmaf(total, math_log(s), -accumulators_sum(p));
}

static void loss_targets(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                         size_t ldy, const float *weights, size_t batch, size_t out, bp_loss_kind loss, float parameter,
                         float scale) {
    const bool distributions = loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS || loss == BP_LOSS_KULLBACK_LEIBLER;
    for (size_t n = 0; n < batch; n++) {
        float *d = delta ? delta + n * ldd : NULL;
        const float r = row_scale(weights, n, scale);
        const float value = distributions ? distribution_row(d, a + n * lda, y + n * ldy, out, loss, r)
                                          : parts_row(d, a + n * lda, y + n * ldy, out, loss, parameter, r);
        if (row_loss)
            row_loss[n] = row_weighted(weights, n, value);
    }
}

static float cross_entropy_row(float *d, const float *z, size_t label, size_t classes, float smoothing, float r) {
    const float m = row_maximum(z, classes), s = row_exp_sum(z, m, classes), label_z = z[label] - m;
    const float u = smoothing / (float)classes, h = 1.0f - smoothing;
    float p[BP_SUM_ACCUMULATORS] = {0};
    for (size_t j = 0; j < classes; j++) {
        const float logit = z[j] - m;
        p[j % BP_SUM_ACCUMULATORS] = p[j % BP_SUM_ACCUMULATORS] + logit;
        if (d)
            d[j] = (math_exp(logit) / s - (j == label ? h + u : u)) * r;
    }
    return math_log(s) - (u == 0.0f ? label_z : fmaf(u, accumulators_sum(p), h * label_z));
}

static float multiclass_hinge_row(float *d, const float *z, size_t label, size_t classes, float r) {
    const float label_z = z[label];
    float p[BP_SUM_ACCUMULATORS] = {0}, count[BP_SUM_ACCUMULATORS] = {0};
    for (size_t j = 0; j < classes; j++) {
        const float h = (z[j] - label_z) + 1.0f;
        const bool counts = j != label && !(h <= 0.0f);
        p[j % BP_SUM_ACCUMULATORS] = p[j % BP_SUM_ACCUMULATORS] + (counts ? h : 0.0f);
        count[j % BP_SUM_ACCUMULATORS] = count[j % BP_SUM_ACCUMULATORS] + (counts ? 1.0f : 0.0f);
        if (d)
            d[j] = (counts ? 1.0f : 0.0f) * r;
    }
    if (d)
        d[label] = -accumulators_sum(count) * r;
    return accumulators_sum(p);
}

static void loss_labels(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz, const uint32_t *labels,
                        const float *weights, size_t batch, size_t classes, bp_loss_kind loss, float parameter,
                        float scale) {
    for (size_t n = 0; n < batch; n++) {
        float *d = delta ? delta + n * ldd : NULL;
        const float r = row_scale(weights, n, scale);
        const float value = loss == BP_LOSS_MULTICLASS_HINGE
                                ? multiclass_hinge_row(d, z + n * ldz, labels[n], classes, r)
                                : cross_entropy_row(d, z + n * ldz, labels[n], classes, parameter, r);
        if (row_loss)
            row_loss[n] = row_weighted(weights, n, value);
    }
}

#endif
