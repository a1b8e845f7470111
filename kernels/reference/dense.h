/* Oracles of a dense layer's products: include/backprop/dense.h in C, one result at a time. */
#ifndef BP_REFERENCE_DENSE_H
#define BP_REFERENCE_DENSE_H

#include <stddef.h>

#include <backprop/dense.h>

#include "reference/activation.h"
#include "reference/optimizer.h"

static void dense_forward(float *a, size_t lda, const float *x, size_t ldx, const float *w, size_t ldw,
                          const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                          void *scratch) {
    (void)scratch;
    for (size_t n = 0; n < batch; n++)
        for (size_t j = 0; j < out; j++) {
            float z = bias ? bias[j] : 0.0f;
            for (size_t i = 0; i < in; i++)
                z = fmaf(x[n * ldx + i], w[i * ldw + j], z);
            a[n * lda + j] = activation_value(z, activation);
        }
}

/* One result, before it is multiplied by the derivative: the chain over a row of delta and a row of W. */
static float delta_value(const float *delta, const float *w, size_t out) {
    float s = 0.0f;
    for (size_t j = 0; j < out; j++)
        s = fmaf(delta[j], w[j], s);
    return s;
}

static void dense_delta(float *previous, size_t ldp, const float *delta, size_t ldd, const float *w, size_t ldw,
                        const float *saved, size_t lds, size_t batch, size_t in, size_t out, bp_activation activation,
                        void *scratch) {
    (void)scratch;
    for (size_t n = 0; n < batch; n++)
        for (size_t i = 0; i < in; i++) {
            float s = delta_value(delta + n * ldd, w + i * ldw, out);
            if (activation.kind != BP_ACTIVATION_IDENTITY)
                s = s * activation_slope(saved[n * lds + i], activation);
            previous[n * ldp + i] = s;
        }
}

/* The gradient of one weight: a chain over each row block, the blocks added in order, to earlier sums if any. */
static float weight_gradient(const float *before, const float *x, size_t ldx, const float *delta, size_t ldd,
                             size_t batch) {
    float sum = before ? *before : 0.0f;
    for (size_t block = 0; block < batch; block += BP_ROW_BLOCK) {
        float g = 0.0f;
        for (size_t n = block; n < batch && n < block + BP_ROW_BLOCK; n++)
            g = fmaf(x[n * ldx], delta[n * ldd], g);
        sum = block == 0 && !before ? g : sum + g;
    }
    return sum;
}

static float bias_gradient(const float *before, const float *delta, size_t ldd, size_t batch) {
    float sum = before ? *before : 0.0f;
    for (size_t block = 0; block < batch; block += BP_ROW_BLOCK) {
        float c = 0.0f;
        for (size_t n = block; n < batch && n < block + BP_ROW_BLOCK; n++)
            c = c + delta[n * ldd];
        sum = block == 0 && !before ? c : sum + c;
    }
    return sum;
}

static void dense_gradient(float *gradient, size_t ldg, float *bias_sum, const float *x, size_t ldx, const float *delta,
                           size_t ldd, size_t batch, size_t in, size_t out, void *scratch) {
    (void)scratch;
    for (size_t i = 0; gradient && i < in; i++)
        for (size_t j = 0; j < out; j++)
            gradient[i * ldg + j] = weight_gradient(NULL, x + i, ldx, delta + j, ldd, batch);
    for (size_t j = 0; bias_sum && j < out; j++)
        bias_sum[j] = bias_gradient(NULL, delta + j, ldd, batch);
}

static void dense_gradient_sgd(float *w, size_t ldw, float *bias, const float *x, size_t ldx, const float *delta,
                               size_t ldd, size_t batch, size_t in, size_t out, float learning_rate, void *scratch) {
    (void)scratch;
    for (size_t i = 0; w && i < in; i++)
        for (size_t j = 0; j < out; j++)
            w[i * ldw + j] =
                fmaf(-learning_rate, weight_gradient(NULL, x + i, ldx, delta + j, ldd, batch), w[i * ldw + j]);
    for (size_t j = 0; bias && j < out; j++)
        bias[j] = fmaf(-learning_rate, bias_gradient(NULL, delta + j, ldd, batch), bias[j]);
}

static void dense_gradient_update(const bp_parameters *w, size_t ldw, const bp_parameters *bias, const float *x,
                                  size_t ldx, const float *delta, size_t ldd, size_t batch, size_t in, size_t out,
                                  const bp_optimizer *optimizer, uint64_t step, float learning_rate, void *scratch) {
    (void)scratch;
    if (w) {
        const bp_coefficients coefficients = coefficients_of(optimizer, step, learning_rate, w);
        for (size_t i = 0; i < in; i++)
            for (size_t j = 0; j < out; j++)
                optimizer_row(&coefficients, ROLE_WEIGHTS, i * ldw + j,
                              weight_gradient(NULL, x + i, ldx, delta + j, ldd, batch));
    }
    if (bias) {
        const bp_coefficients coefficients = coefficients_of(optimizer, step, learning_rate, bias);
        for (size_t j = 0; j < out; j++)
            optimizer_row(&coefficients, ROLE_OTHERS, j, bias_gradient(NULL, delta + j, ldd, batch));
    }
}

#endif
