/* Oracles of layer normalization: include/backprop/layer_norm.h in C. */
#ifndef BP_REFERENCE_LAYER_NORM_H
#define BP_REFERENCE_LAYER_NORM_H

#include <math.h>
#include <stddef.h>

#include <backprop/layer_norm.h>

#include "reference/dense.h"
#include "reference/loss.h"

static float variance_of(const float *z, float mean, size_t count) {
    float p[BP_SUM_ACCUMULATORS] = {0};
    for (size_t j = 0; j < count; j++) {
        const float distance = z[j] - mean;
        p[j % BP_SUM_ACCUMULATORS] = p[j % BP_SUM_ACCUMULATORS] + distance * distance;
    }
    return accumulators_sum(p) / (float)count;
}

static void layer_norm_forward(float *y, size_t ldy, float *normalized, size_t ldn, float *rstd, const float *z,
                               size_t ldz, const float *gamma, const float *beta, size_t rows, size_t columns,
                               float epsilon) {
    for (size_t n = 0; n < rows; n++) {
        const float *row = z + n * ldz;
        const float mean = sum(row, columns) / (float)columns;
        const float factor = 1.0f / sqrtf(variance_of(row, mean, columns) + epsilon);
        for (size_t j = 0; j < columns; j++) {
            const float value = (row[j] - mean) * factor;
            if (normalized)
                normalized[n * ldn + j] = value;
            y[n * ldy + j] = fmaf(gamma[j], value, beta[j]);
        }
        if (rstd)
            rstd[n] = factor;
    }
}

static void layer_norm_backward(float *previous, size_t ldp, const float *delta, size_t ldd, const float *normalized,
                                size_t ldn, const float *rstd, const float *gamma, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++) {
        const float *d = delta + n * ldd, *x = normalized + n * ldn;
        float p[BP_SUM_ACCUMULATORS] = {0}, q[BP_SUM_ACCUMULATORS] = {0};
        for (size_t j = 0; j < columns; j++) {
            const float g = d[j] * gamma[j];
            p[j % BP_SUM_ACCUMULATORS] = p[j % BP_SUM_ACCUMULATORS] + g;
            q[j % BP_SUM_ACCUMULATORS] = q[j % BP_SUM_ACCUMULATORS] + g * x[j];
        }
        const float m = accumulators_sum(p) / (float)columns, c = accumulators_sum(q) / (float)columns;
        for (size_t j = 0; j < columns; j++)
            previous[n * ldp + j] = fmaf(-x[j], c, d[j] * gamma[j] - m) * rstd[n];
    }
}

static void layer_norm_gradient(float *gradient_gamma, float *gradient_beta, const float *delta, size_t ldd,
                                const float *normalized, size_t ldn, size_t rows, size_t columns) {
    for (size_t j = 0; j < columns; j++) {
        if (gradient_gamma)
            gradient_gamma[j] = weight_gradient(NULL, delta + j, ldd, normalized + j, ldn, rows);
        if (gradient_beta)
            gradient_beta[j] = bias_gradient(NULL, delta + j, ldd, rows);
    }
}

#endif
