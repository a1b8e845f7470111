/* A network with layer normalization and dropout, composed by hand of the scalar table's kernels. */
#ifndef BACKPROP_TESTS_REGULARIZED_SUPPORT_H
#define BACKPROP_TESTS_REGULARIZED_SUPPORT_H

#include "network_support.h"

/* The seed of all masks. */
static const uint64_t mask_seed = UINT64_C(0x0123456789abcdef);

/* A net, and what its layers have beside their products. */
typedef struct regular_net {
    net shape;
    float dropout[NET_LAYERS_MAX];
    bool normalize[NET_LAYERS_MAX];
} regular_net;

static inline bp_network_config config_of(const regular_net *r, size_t max_batch_size) {
    bp_network_config config = net_config(&r->shape, max_batch_size);
    config.dropout = r->dropout;
    config.normalize = r->normalize;
    config.seed = mask_seed;
    return config;
}

/* ---- The same by hand ------------------------------------------------------------------------------------------ */

typedef struct regular_model {
    const regular_net *of;
    model dense;
    float *gamma[NET_LAYERS_MAX], *beta[NET_LAYERS_MAX]; /* null where not normalized */
    uint64_t steps;
} regular_model;

static inline regular_model copy_of(const regular_net *r, const bp_network *network) {
    regular_model m = {.of = r, .dense = model_copy(&r->shape, network), .steps = bp_network_steps(network)};
    for (size_t l = 0; l < r->shape.layers; l++) {
        if (!r->normalize[l]) {
            continue;
        }
        m.gamma[l] = allocate(r->shape.sizes[l + 1], sizeof(float));
        m.beta[l] = allocate(r->shape.sizes[l + 1], sizeof(float));
        assert_int_equal(norm_read(network, OF_PARAMETERS, l, m.gamma[l], m.beta[l]), BP_OK);
    }
    return m;
}

static inline void free_model(regular_model *m) {
    model_destroy(&m->dense);
    for (size_t l = 0; l < NET_LAYERS_MAX; l++) {
        free(m->gamma[l]);
        free(m->beta[l]);
    }
}

/* What a pass leaves of a layer: all [rows x out] but the last, [rows]. */
typedef struct trace {
    float *outputs, *derivatives, *normalized, *rstd;
} trace;

static inline void free_traces(trace *t, size_t layers) {
    for (size_t l = 0; l < layers; l++) {
        free(t[l].outputs);
        free(t[l].derivatives);
        free(t[l].normalized);
        free(t[l].rstd);
    }
}

static inline void forward_layer(const regular_model *m, size_t l, const float *x, size_t ldx, size_t rows, bool train,
                                 trace *t, void *scratch) {
    const regular_net *r = m->of;
    const bp_kernels *kernels = scalar();
    const size_t in = r->shape.sizes[l], out = r->shape.sizes[l + 1];
    const bp_activation identity = {.kind = BP_ACTIVATION_IDENTITY}, f = r->shape.activations[l];
    float *a = t->outputs = allocate(rows * out, sizeof(float));
    t->derivatives = allocate(rows * out, sizeof(float));
    kernels->dense_forward(a, out, x, ldx, m->dense.weights[l], out, m->dense.biases[l], rows, in, out, identity,
                           scratch);
    if (r->normalize[l]) {
        t->normalized = allocate(rows * out, sizeof(float));
        t->rstd = allocate(rows, sizeof(float));
        kernels->layer_norm_forward(a, out, t->normalized, out, t->rstd, a, out, m->gamma[l], m->beta[l], rows, out,
                                    1e-5f);
    }
    float *z = allocate(rows * out, sizeof(float)), *saved = bp_activation_saves_input(f.kind) ? z : a;
    memcpy(z, a, rows * out * sizeof(float));
    kernels->activate(a, out, a, out, rows, out, f);
    if (train && r->dropout[l] > 0.0f) {
        const bp_dropout_mask mask = {r->dropout[l], mask_seed, (uint64_t)(l + 1) << 48 | m->steps, 0, 0};
        kernels->dropout_derivative(t->derivatives, out, saved, out, rows, out, f, &mask);
        kernels->dropout(a, out, a, out, rows, out, &mask);
    } else {
        kernels->activation_derivative(t->derivatives, out, saved, out, rows, out, f);
    }
    free(z);
}

static inline void forward_traces(const regular_model *m, const bp_batch *batch, bool train, trace *t, void *scratch) {
    const float *x = batch->inputs;
    size_t ldx = batch->input_stride ? batch->input_stride : m->of->shape.sizes[0];
    for (size_t l = 0; l < m->of->shape.layers; l++) {
        forward_layer(m, l, x, ldx, batch->rows, train, &t[l], scratch);
        x = t[l].outputs;
        ldx = m->of->shape.sizes[l + 1];
    }
}

static inline float loss_of(const regular_model *m, const bp_batch *batch, const trace *t, float *delta) {
    const net *shape = &m->of->shape;
    const size_t last = shape->layers - 1, out = shape->sizes[last + 1], rows = batch->rows;
    const float scale = 1.0f / (float)rows;
    float *row_loss = allocate(rows, sizeof(float));
    if (shape->loss == BP_LOSS_MSE) {
        scalar()->loss_mse(delta, out, row_loss, t[last].outputs, out, batch->targets,
                           batch->target_stride ? batch->target_stride : out, rows, out,
                           (bp_activation){.kind = BP_ACTIVATION_IDENTITY}, scale);
        for (size_t k = 0; delta && k < rows * out && shape->activations[last].kind != BP_ACTIVATION_IDENTITY; k++) {
            delta[k] = delta[k] * t[last].derivatives[k];
        }
    } else {
        scalar()->loss_softmax_cross_entropy(delta, out, row_loss, t[last].outputs, out, batch->labels, rows, out,
                                             scale);
    }
    const float loss = scalar()->sum(row_loss, rows) * scale;
    free(row_loss);
    return loss;
}

/* Deltas of layer l's z from `below`, which holds s, the products with the weights above. */
static inline void delta_of_layer(regular_model *m, size_t l, float *previous, size_t rows, const trace *t,
                                  float learning_rate) {
    const size_t out = m->of->shape.sizes[l + 1];
    const bool plain = m->of->shape.activations[l].kind == BP_ACTIVATION_IDENTITY && m->of->dropout[l] == 0.0f;
    for (size_t k = 0; k < rows * out && !plain; k++) {
        previous[k] = previous[k] * t->derivatives[k];
    }
    if (!m->of->normalize[l]) {
        return;
    }
    float *gradient = allocate(2 * out, sizeof(float)), *gamma = allocate(out, sizeof(float));
    memcpy(gamma, m->gamma[l], out * sizeof(float));
    scalar()->layer_norm_gradient(gradient, gradient + out, previous, out, t->normalized, out, rows, out);
    scalar()->sgd(m->gamma[l], gradient, out, learning_rate);
    scalar()->sgd(m->beta[l], gradient + out, out, learning_rate);
    scalar()->layer_norm_backward(previous, out, previous, out, t->normalized, out, t->rstd, gamma, rows, out);
    free(gradient);
    free(gamma);
}

static inline float step_by_hand(regular_model *m, const bp_batch *batch, float learning_rate) {
    const net *shape = &m->of->shape;
    const size_t layers = shape->layers, rows = batch->rows;
    const bp_activation identity = {.kind = BP_ACTIVATION_IDENTITY};
    void *scratch = scratch_create();
    trace t[NET_LAYERS_MAX] = {{0}};
    forward_traces(m, batch, true, t, scratch);
    float *delta = allocate(rows * shape->sizes[layers], sizeof(float));
    const float loss = loss_of(m, batch, t, delta);
    for (size_t l = layers; l-- > 0;) {
        const size_t in = shape->sizes[l], out = shape->sizes[l + 1];
        const float *x = l ? t[l - 1].outputs : batch->inputs;
        const size_t ldx = l || !batch->input_stride ? in : batch->input_stride;
        float *previous = allocate(rows * in, sizeof(float));
        if (l) {
            scalar()->dense_delta(previous, in, delta, out, m->dense.weights[l], out, NULL, 0, rows, in, out, identity,
                                  scratch);
            delta_of_layer(m, l - 1, previous, rows, &t[l - 1], learning_rate);
        }
        scalar()->dense_gradient_sgd(m->dense.weights[l], out, m->dense.biases[l], x, ldx, delta, out, rows, in, out,
                                     learning_rate, scratch);
        free(delta);
        delta = previous;
    }
    free(delta);
    free_traces(t, layers);
    free(scratch);
    m->steps++;
    return loss;
}

static inline uint64_t hash_of(const regular_model *m) {
    const size_t *sizes = m->of->shape.sizes;
    uint64_t hash = TEST_HASH_START;
    for (size_t l = 0; l < m->of->shape.layers; l++) {
        hash = hash_floats(hash, m->dense.weights[l], sizes[l] * sizes[l + 1]);
        hash = hash_floats(hash, m->dense.biases[l], sizes[l + 1]);
        hash = hash_floats(hash, m->gamma[l], m->gamma[l] ? sizes[l + 1] : 0);
        hash = hash_floats(hash, m->beta[l], m->beta[l] ? sizes[l + 1] : 0);
    }
    return hash;
}

/* Loss and outputs without dropout; the caller frees the outputs. */
static inline float *evaluate(const regular_model *m, const bp_batch *batch, float *loss) {
    const size_t layers = m->of->shape.layers;
    void *scratch = scratch_create();
    trace t[NET_LAYERS_MAX] = {{0}};
    forward_traces(m, batch, false, t, scratch);
    *loss = loss_of(m, batch, t, NULL);
    float *outputs = t[layers - 1].outputs;
    t[layers - 1].outputs = NULL;
    free_traces(t, layers);
    free(scratch);
    return outputs;
}

#endif
