/* The products of a dense layer for the network, on the scalar backend, where one panel holds the whole matrix. */
#ifndef BP_REFERENCE_PACKED_H
#define BP_REFERENCE_PACKED_H

#include <string.h>

#include "backend.h"
#include "reference/dense.h"
#include "reference/dropout.h"
#include "reference/layer_norm.h"

static void packed_pack(bp_packed to, const float *from, size_t ld, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++)
        memcpy(to.data + n * to.row_stride, from + n * ld, columns * sizeof(float));
}

static void packed_unpack(float *to, size_t ld, bp_packed from, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++)
        memcpy(to + n * ld, from.data + n * from.row_stride, columns * sizeof(float));
}

/* a = f(a); if `derivatives` is not null, f' goes there. */
static void packed_activate(bp_packed a, bp_packed derivatives, size_t rows, size_t columns, bp_activation activation) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++) {
            float *at = a.data + n * a.row_stride + j;
            const float z = *at;
            *at = activation_value(z, activation);
            if (derivatives.data)
                derivatives.data[n * derivatives.row_stride + j] =
                    activation_slope(activation_saves_input(activation.kind) ? z : *at, activation);
        }
}

static void packed_forward(const bp_packed *a, const bp_packed *derivatives, const bp_packed *x, const bp_packed *w,
                           const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                           void *scratch) {
    const bp_activation identity = {.kind = BP_ACTIVATION_IDENTITY};
    dense_forward(a->data, a->row_stride, x->data, x->row_stride, w->data, w->row_stride, bias, batch, in, out,
                  identity, scratch);
    packed_activate(*a, *derivatives, batch, out, activation);
}

static void packed_delta(const bp_packed *previous, const bp_packed *delta, const bp_packed *w,
                         const bp_packed *previous_saved, size_t batch, size_t in, size_t out, bp_derivative derivative,
                         void *scratch) {
    (void)scratch;
    for (size_t n = 0; n < batch; n++)
        for (size_t i = 0; i < in; i++) {
            float s = delta_value(delta->data + n * delta->row_stride, w->data + i * w->row_stride, out);
            if (derivative.kind != DERIVATIVE_ONE)
                s = s * derivative_value(previous_saved->data[n * previous_saved->row_stride + i], derivative);
            previous->data[n * previous->row_stride + i] = s;
        }
}

static void packed_multiply(bp_packed delta, bp_packed derivatives, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++) {
            float *d = delta.data + n * delta.row_stride + j;
            *d = *d * derivatives.data[n * derivatives.row_stride + j];
        }
}

/* Where sum `at` is, if a gradient is added to it or stored in it; else null. */
static float *sum_at(const gradient_use *use, float *sums, size_t at) {
    return use->continues || !use->update ? sums + at : NULL;
}

/* One parameter and its gradient. */
static void use_gradient(const gradient_use *use, parameter_role role, float *parameter, float *sum, float g) {
    const bp_coefficients *update = use->update;
    if (!update)
        *sum = g;
    else if (update->plain)
        *parameter = fmaf(-update->learning_rate, g, *parameter);
    else
        optimizer_row(update, role, (size_t)(parameter - update->arrays.values), g);
}

static void packed_gradient(const gradient_use *use, const bp_packed *w, const bp_packed *sums, const bp_packed *x,
                            const bp_packed *delta, size_t batch, size_t in, size_t out, void *scratch) {
    (void)scratch;
    for (size_t i = 0; i < in; i++)
        for (size_t j = 0; j < out; j++) {
            float *sum = sum_at(use, sums->data, i * sums->row_stride + j);
            const float g = weight_gradient(use->continues ? sum : NULL, x->data + i, x->row_stride, delta->data + j,
                                            delta->row_stride, batch);
            use_gradient(use, ROLE_WEIGHTS, w->data + i * w->row_stride + j, sum, g);
        }
}

static void packed_backward(const gradient_use *use, const bp_backward *b, void *scratch) {
    packed_delta(b->previous, b->delta, b->w, b->saved, b->batch, b->in, b->out, b->derivative, scratch);
    packed_gradient(use, b->w, b->sums, b->x, b->delta, b->batch, b->in, b->out, scratch);
}

static void packed_bias_gradient(const gradient_use *use, float *biases, float *sums, const bp_packed *delta,
                                 size_t batch, size_t out) {
    for (size_t j = 0; j < out; j++) {
        float *sum = sum_at(use, sums, j);
        const float g = bias_gradient(use->continues ? sum : NULL, delta->data + j, delta->row_stride, batch);
        use_gradient(use, ROLE_OTHERS, biases + j, sum, g);
    }
}

static void add_blocks(const gradient_use *use, parameter_role role, float *parameters, float *sums,
                       const float *blocks, size_t stride, size_t count, size_t parameters_count) {
    for (size_t k = 0; k < parameters_count; k++) {
        float *sum = sum_at(use, sums, k);
        float g = use->continues ? *sum + blocks[k] : blocks[k];
        for (size_t b = 1; b < count; b++)
            g = g + blocks[b * stride + k];
        use_gradient(use, role, parameters + k, sum, g);
    }
}

static void packed_dropout(bp_packed a, bp_packed derivatives, size_t rows, size_t columns, bp_activation activation,
                           const bp_dropout_mask *mask) {
    if (derivative_of(activation).kind == DERIVATIVE_SAVED)
        dropout(derivatives.data, derivatives.row_stride, derivatives.data, derivatives.row_stride, rows, columns,
                mask);
    else
        dropout_derivative(derivatives.data, derivatives.row_stride, a.data, a.row_stride, rows, columns, activation,
                           mask);
    dropout(a.data, a.row_stride, a.data, a.row_stride, rows, columns, mask);
}

static void packed_normalize(bp_packed a, bp_packed normalized, float *rstd, const float *gamma, const float *beta,
                             size_t rows, size_t columns) {
    layer_norm_forward(a.data, a.row_stride, normalized.data, normalized.row_stride, rstd, a.data, a.row_stride, gamma,
                       beta, rows, columns, BP_LAYER_NORM_EPSILON);
}

static void packed_normalize_delta(bp_packed previous, bp_packed delta, bp_packed normalized, const float *rstd,
                                   const float *gamma, size_t rows, size_t columns) {
    layer_norm_backward(previous.data, previous.row_stride, delta.data, delta.row_stride, normalized.data,
                        normalized.row_stride, rstd, gamma, rows, columns);
}

static void packed_norm_gradient(const gradient_use *use, float *gamma, float *beta, float *gamma_sums,
                                 float *beta_sums, bp_packed delta, bp_packed normalized, size_t rows, size_t columns) {
    for (size_t j = 0; j < columns; j++) {
        float *sum = sum_at(use, gamma_sums, j);
        const float g = weight_gradient(use->continues ? sum : NULL, delta.data + j, delta.row_stride,
                                        normalized.data + j, normalized.row_stride, rows);
        use_gradient(use, ROLE_OTHERS, gamma + j, sum, g);
    }
    packed_bias_gradient(use, beta, beta_sums, &delta, rows, columns);
}

static void apply(const bp_coefficients *coefficients, parameter_role role, float *parameters, const float *gradient,
                  size_t count) {
    for (size_t k = 0; k < count; k++)
        optimizer_row(coefficients, role, (size_t)(parameters + k - coefficients->arrays.values), gradient[k]);
}

static void interpolate(float *to, const float *from, float weight, float rest, size_t count) {
    for (size_t k = 0; k < count; k++)
        to[k] = fmaf(weight, from[k], rest * to[k]);
}

static void squares(float *sums, bp_packed gradient, const float *bias_gradient, size_t in, size_t out) {
    for (size_t j = 0; j < out; j++) {
        float c = 0.0f;
        for (size_t i = 0; i < in; i++)
            c = fmaf(gradient.data[i * gradient.row_stride + j], gradient.data[i * gradient.row_stride + j], c);
        sums[j] = fmaf(bias_gradient[j], bias_gradient[j], c);
    }
}

#endif
