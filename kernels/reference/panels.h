/* The products of a dense layer for the network, on the scalar level: one panel is as wide as its matrix. */
#ifndef BP_REFERENCE_PANELS_H
#define BP_REFERENCE_PANELS_H

#include <string.h>

#include "reference/dense.h"
#include "reference/dropout.h"
#include "reference/layer_norm.h"
#include "tables.h"

static void panels_pack(bp_panels to, const float *from, size_t ld, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++)
        memcpy(to.at + n * to.row, from + n * ld, columns * sizeof(float));
}

static void panels_unpack(float *to, size_t ld, bp_panels from, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++)
        memcpy(to + n * ld, from.at + n * from.row, columns * sizeof(float));
}

/* a = f(a), and f' where it is wanted. */
static void panels_activate(bp_panels a, bp_panels slopes, size_t rows, size_t columns, bp_activation activation) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++) {
            float *at = a.at + n * a.row + j;
            const float z = *at;
            *at = activation_value(z, activation);
            if (slopes.at)
                slopes.at[n * slopes.row + j] =
                    activation_slope(activation_keeps_input(activation.kind) ? z : *at, activation);
        }
}

static void panels_forward(bp_panels a, bp_panels slopes, bp_panels x, bp_panels w, const float *bias, size_t batch,
                           size_t in, size_t out, bp_activation activation, void *scratch) {
    const bp_activation identity = {.kind = BP_IDENTITY};
    dense_forward(a.at, a.row, x.at, x.row, w.at, w.row, bias, batch, in, out, identity, scratch);
    panels_activate(a, slopes, batch, out, activation);
}

static void panels_delta(bp_panels below, bp_panels delta, bp_panels w, bp_panels a_below, size_t batch, size_t in,
                         size_t out, bp_activation activation, void *scratch) {
    dense_delta(below.at, below.row, delta.at, delta.row, w.at, w.row, a_below.at, a_below.row, batch, in, out,
                activation, scratch);
}

/* One parameter, by its gradient. */
static void update_by(const bp_update *u, rule_role role, float *w, float g) {
    if (u->rule)
        rule_step(u->rule, role, (size_t)(w - u->rule->arrays.values), g);
    else
        *w = fmaf(-u->rate, g, *w);
}

static void panels_update(const bp_update *u, bp_panels x, bp_panels delta, size_t batch, size_t in, size_t out,
                          void *scratch) {
    (void)scratch;
    for (size_t i = 0; i < in; i++)
        for (size_t j = 0; j < out; j++) {
            const size_t sum = i * u->sums.row + j; /* of sums that one slice alone does without */
            const float g =
                weight_gradient(u->first ? NULL : &u->sums.at[sum], x.at + i, x.row, delta.at + j, delta.row, batch);
            if (u->last)
                update_by(u, RULE_WEIGHTS, u->weights.at + i * u->weights.row + j, g);
            else
                u->sums.at[sum] = g;
        }
    for (size_t j = 0; u->with_biases && j < out; j++) {
        const float g = bias_gradient(u->first ? NULL : &u->bias_sums[j], delta.at + j, delta.row, batch);
        if (u->last)
            update_by(u, RULE_OTHERS, &u->biases[j], g);
        else
            u->bias_sums[j] = g;
    }
}

static void add_blocks(const bp_update *u, const float *blocks, size_t stride, size_t count, size_t parameters) {
    for (size_t k = 0; k < parameters; k++) {
        float g = u->first ? blocks[k] : u->sums.at[k] + blocks[k];
        for (size_t b = 1; b < count; b++)
            g = g + blocks[b * stride + k];
        if (u->last)
            update_by(u, u->role, &u->weights.at[k], g);
        else
            u->sums.at[k] = g;
    }
}

static void forward_row(const bp_dense_layer *layers, size_t count, bp_panels x) {
    for (size_t l = 0; l < count; l++) {
        const bp_dense_layer *k = &layers[l];
        panels_forward(k->outputs, kept_slopes(k), x, k->weights, k->biases, 1, k->in, k->out, k->activation, NULL);
        x = k->outputs;
    }
}

static void backward_row(const bp_dense_layer *layers, size_t count, bp_panels x, float rate, const bp_rule *rule) {
    for (size_t l = count; l-- > 0;) {
        const bp_dense_layer *k = &layers[l];
        if (l > 0)
            panels_delta(k[-1].deltas, k->deltas, k->weights, k[-1].kept, 1, k->in, k->out, k[-1].kept_as, NULL);
        const bp_update u = {.weights = k->weights,
                             .biases = k->biases,
                             .rate = rate,
                             .rule = rule,
                             .first = true,
                             .last = true,
                             .with_biases = true};
        panels_update(&u, l > 0 ? k[-1].outputs : x, k->deltas, 1, k->in, k->out, NULL);
    }
}

static void panels_dropout(bp_panels a, bp_panels slopes, size_t rows, size_t columns, bp_activation activation,
                           const bp_dropout_mask *mask) {
    const bp_panels kept = activation.kind == KEPT_SLOPES ? slopes : a;
    dropout_derivative(slopes.at, slopes.row, kept.at, kept.row, rows, columns, activation, *mask);
    dropout(a.at, a.row, a.at, a.row, rows, columns, *mask);
}

static void panels_normalize(bp_panels a, bp_panels normalized, float *inverse, const float *gain, const float *shift,
                             size_t rows, size_t columns) {
    layer_norm_forward(a.at, a.row, normalized.at, normalized.row, inverse, a.at, a.row, gain, shift, rows, columns,
                       BP_LAYER_NORM_EPSILON);
}

static void panels_normalize_delta(bp_panels below, bp_panels delta, bp_panels normalized, const float *inverse,
                                   const float *gain, size_t rows, size_t columns) {
    layer_norm_backward(below.at, below.row, delta.at, delta.row, normalized.at, normalized.row, inverse, gain, rows,
                        columns);
}

static void panels_normalize_update(const bp_update *u, bp_panels delta, bp_panels normalized, size_t rows,
                                    size_t columns) {
    for (size_t j = 0; j < columns; j++) {
        const float g = weight_gradient(u->first ? NULL : &u->sums.at[j], delta.at + j, delta.row, normalized.at + j,
                                        normalized.row, rows);
        const float c = bias_gradient(u->first ? NULL : &u->bias_sums[j], delta.at + j, delta.row, rows);
        if (u->last) {
            u->weights.at[j] = fmaf(-u->rate, g, u->weights.at[j]);
            u->biases[j] = fmaf(-u->rate, c, u->biases[j]);
        } else {
            u->sums.at[j] = g;
            u->bias_sums[j] = c;
        }
    }
}

static void apply(const bp_rule *rule, rule_role role, float *parameters, const float *gradient, size_t count) {
    for (size_t k = 0; k < count; k++)
        rule_step(rule, role, (size_t)(parameters + k - rule->arrays.values), gradient[k]);
}

static void squares(float *sums, bp_panels gradient, const float *bias_gradient, size_t in, size_t out) {
    for (size_t j = 0; j < out; j++) {
        float c = 0.0f;
        for (size_t i = 0; i < in; i++)
            c = fmaf(gradient.at[i * gradient.row + j], gradient.at[i * gradient.row + j], c);
        sums[j] = fmaf(bias_gradient[j], bias_gradient[j], c);
    }
}

#endif
