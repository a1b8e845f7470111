/* Oracles of layer normalisation: include/backprop/layer_norm.h in C. */
#ifndef BP_REFERENCE_LAYER_NORM_H
#define BP_REFERENCE_LAYER_NORM_H

#include <math.h>
#include <stddef.h>

#include <backprop/layer_norm.h>

#include "reference/dense.h"
#include "reference/loss.h"

static float variance_of(const float *z, float mean, size_t count) {
    float p[BP_SUM_LANES] = {0};
    for (size_t j = 0; j < count; j++) {
        const float distance = z[j] - mean;
        p[j % BP_SUM_LANES] = p[j % BP_SUM_LANES] + distance * distance;
    }
    return lanes_sum(p) / (float)count;
}

static void layer_norm_forward(float *y, size_t ldy, float *normalized, size_t ldn, float *inverse, const float *z,
                               size_t ldz, const float *gain, const float *shift, size_t rows, size_t columns,
                               float epsilon) {
    for (size_t n = 0; n < rows; n++) {
        const float *row = z + n * ldz;
        const float mean = sum(row, columns) / (float)columns;
        const float factor = 1.0f / sqrtf(variance_of(row, mean, columns) + epsilon);
        for (size_t j = 0; j < columns; j++) {
            const float value = (row[j] - mean) * factor;
            if (normalized)
                normalized[n * ldn + j] = value;
            y[n * ldy + j] = fmaf(gain[j], value, shift[j]);
        }
        if (inverse)
            inverse[n] = factor;
    }
}

static void layer_norm_backward(float *below, size_t ldb, const float *delta, size_t ldd, const float *normalized,
                                size_t ldn, const float *inverse, const float *gain, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++) {
        const float *d = delta + n * ldd, *x = normalized + n * ldn;
        float p[BP_SUM_LANES] = {0}, q[BP_SUM_LANES] = {0};
        for (size_t j = 0; j < columns; j++) {
            const float g = d[j] * gain[j];
            p[j % BP_SUM_LANES] = p[j % BP_SUM_LANES] + g;
            q[j % BP_SUM_LANES] = q[j % BP_SUM_LANES] + g * x[j];
        }
        const float m = lanes_sum(p) / (float)columns, c = lanes_sum(q) / (float)columns;
        for (size_t j = 0; j < columns; j++)
            below[n * ldb + j] = fmaf(-x[j], c, d[j] * gain[j] - m) * inverse[n];
    }
}

static void layer_norm_gradient(float *gradient_gain, float *gradient_shift, const float *delta, size_t ldd,
                                const float *normalized, size_t ldn, size_t rows, size_t columns) {
    for (size_t j = 0; j < columns; j++) {
        if (gradient_gain)
            gradient_gain[j] = weight_gradient(NULL, delta + j, ldd, normalized + j, ldn, rows);
        if (gradient_shift)
            gradient_shift[j] = bias_gradient(NULL, delta + j, ldd, rows);
    }
}

#endif
