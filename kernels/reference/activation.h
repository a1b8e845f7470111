/* Oracles of the activation functions: include/backprop/activation.h in C. */
#ifndef BP_REFERENCE_ACTIVATION_H
#define BP_REFERENCE_ACTIVATION_H

#include <stddef.h>

#include "activation_kinds.h"
#include "reference/math.h"

static inline float activation_value(float z, bp_activation activation) {
    switch (activation.kind) {
    case BP_RELU:
        return z <= 0.0f ? 0.0f : z;
    case BP_LEAKY_RELU:
        return z <= 0.0f ? activation.parameter * z : z;
    case BP_SIGMOID:
        return 1.0f / (1.0f + math_exp(-z));
    case BP_TANH:
        return math_tanh(z);
    default:
        return z;
    }
}

static inline float activation_slope(float a, bp_activation activation) {
    switch (activation.kind) {
    case BP_RELU:
        return a <= 0.0f ? 0.0f : 1.0f;
    case BP_LEAKY_RELU:
        return a <= 0.0f ? activation.parameter : 1.0f;
    case BP_SIGMOID:
        return fmaf(-a, a, a);
    case BP_TANH:
        return fmaf(-a, a, 1.0f);
    case KEPT_SLOPES:
        return a;
    default:
        return 1.0f;
    }
}

static void activate(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                     bp_activation activation) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            a[n * lda + j] = activation_value(z[n * ldz + j], activation);
}

static void activation_derivative(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                                  bp_activation activation) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            d[n * ldd + j] = activation_slope(a[n * lda + j], activation);
}

#endif
