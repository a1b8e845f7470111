/* Oracles of sums, losses and the optimizer step: include/backprop/loss.h and optimizer.h in C. */
#ifndef BP_REFERENCE_LOSS_H
#define BP_REFERENCE_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/loss.h>

#include "reference/activation.h"

/* The tree that ends a sum of BP_SUM_LANES running values. */
static float lanes_sum(float p[BP_SUM_LANES]) {
    for (size_t h = BP_SUM_LANES / 2; h > 0; h /= 2)
        for (size_t l = 0; l < h; l++)
            p[l] = p[l] + p[l + h];
    return p[0];
}

static float sum(const float *values, size_t count) {
    float p[BP_SUM_LANES] = {0};
    for (size_t k = 0; k < count; k++)
        p[k % BP_SUM_LANES] = p[k % BP_SUM_LANES] + values[k];
    return lanes_sum(p);
}

static float row_maximum(const float *z, size_t count) {
    float p[BP_SUM_LANES];
    for (size_t l = 0; l < BP_SUM_LANES; l++)
        p[l] = -INFINITY;
    for (size_t j = 0; j < count; j++)
        p[j % BP_SUM_LANES] = z[j] > p[j % BP_SUM_LANES] ? z[j] : p[j % BP_SUM_LANES];
    for (size_t h = BP_SUM_LANES / 2; h > 0; h /= 2)
        for (size_t l = 0; l < h; l++)
            p[l] = p[l + h] > p[l] ? p[l + h] : p[l];
    return p[0];
}

/* Sum of exp(z_j - m) over a row. */
static float row_exp_sum(const float *z, float m, size_t count) {
    float p[BP_SUM_LANES] = {0};
    for (size_t j = 0; j < count; j++)
        p[j % BP_SUM_LANES] = p[j % BP_SUM_LANES] + math_exp(z[j] - m);
    return lanes_sum(p);
}

static void loss_mse(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y, size_t ldy,
                     size_t batch, size_t out, bp_activation activation, float scale) {
    for (size_t n = 0; n < batch; n++) {
        float p[BP_SUM_LANES] = {0};
        for (size_t j = 0; j < out; j++) {
            const float output = a[n * lda + j];
            const float error = output - y[n * ldy + j];
            p[j % BP_SUM_LANES] = p[j % BP_SUM_LANES] + error * error;
            if (delta) {
                float d = error * scale;
                if (activation.kind != BP_IDENTITY)
                    d = d * activation_slope(output, activation);
                delta[n * ldd + j] = d;
            }
        }
        if (row_loss)
            row_loss[n] = 0.5f * lanes_sum(p);
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

static void sgd(float *parameters, const float *gradient, size_t count, float rate) {
    for (size_t k = 0; k < count; k++)
        parameters[k] = fmaf(-rate, gradient[k], parameters[k]);
}

#endif
