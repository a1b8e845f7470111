/*
 * The network by hand once more, now with an optimizer: the scalar table's gradients of all layers, their norm, then
 * steps on one array after the other. And an optimizer of each kind to train with.
 */
#ifndef BACKPROP_TESTS_OPTIMIZER_SUPPORT_H
#define BACKPROP_TESTS_OPTIMIZER_SUPPORT_H

#include <backprop/update.h>

#include "network_support.h"

enum { MODEL_ARRAYS = 2 * NET_LAYERS_MAX, MODEL_STATES = BP_OPTIMIZER_STATES + 1 };

/** A model, what its optimizer remembers, and the gradient at hand: arrays of weights and biases, layer after layer. */
typedef struct trained {
    model m;
    bp_optimizer optimizer;
    uint64_t steps;
    size_t states; /* the average is the last */
    bool frozen[NET_LAYERS_MAX];
    float norm;
    size_t count[MODEL_ARRAYS];
    float *gradient[MODEL_ARRAYS];
    float *state[MODEL_STATES][MODEL_ARRAYS];
} trained;

static inline float *trained_array(const trained *t, size_t array) {
    return array % 2 ? t->m.biases[array / 2] : t->m.weights[array / 2];
}

/** A model with the parameters of a new network. */
static inline trained trained_create(const net *shape, bp_optimizer optimizer, uint64_t seed) {
    const bp_network_config config = net_config(shape, 1);
    bp_network *network = net_create(&config, seed);
    trained t = {.m = model_copy(shape, network), .optimizer = usual(optimizer)};
    bp_network_destroy(network);
    t.states = bp_optimizer_states(optimizer.kind) + (optimizer.ema_decay > 0.0f);
    for (size_t a = 0; a < 2 * shape->layers; a++) {
        t.count[a] = (a % 2 ? 1 : shape->sizes[a / 2]) * shape->sizes[a / 2 + 1];
        t.gradient[a] = allocate(t.count[a], sizeof(float));
        for (size_t k = 0; k < t.states; k++)
            t.state[k][a] = allocate(t.count[a], sizeof(float));
        if (optimizer.ema_decay > 0.0f)
            memcpy(t.state[t.states - 1][a], trained_array(&t, a), t.count[a] * sizeof(float));
    }
    return t;
}

static inline void trained_destroy(trained *t) {
    for (size_t a = 0; a < 2 * t->m.shape->layers; a++) {
        free(t->gradient[a]);
        for (size_t k = 0; k < t->states; k++)
            free(t->state[k][a]);
    }
    model_destroy(&t->m);
}

/** The gradient of a part of a batch of so many rows, on top of those before if `adds`; returns its part of the loss.
 */
static inline float trained_gradient(trained *t, const bp_batch *batch, size_t batch_rows, bool adds) {
    const net *shape = t->m.shape;
    const bp_kernels *kernels = scalar();
    const size_t rows = batch->rows, last = shape->layers - 1, outputs = shape->sizes[shape->layers];
    const float scale = 1.0f / (float)batch_rows;
    void *scratch = scratch_create();
    float *a[NET_LAYERS_MAX], *z[NET_LAYERS_MAX];
    forward_all(&t->m, batch, a, z, scratch);
    float *row_loss = allocate(rows, sizeof(float)), *delta = allocate(rows * outputs, sizeof(float));
    if (shape->loss == BP_LOSS_MSE)
        kernels->loss_mse(delta, outputs, row_loss, a[last], outputs, batch->targets,
                          batch->target_stride ? batch->target_stride : outputs, rows, outputs,
                          (bp_activation){.kind = BP_ACTIVATION_IDENTITY}, scale);
    else
        kernels->loss_softmax_cross_entropy(delta, outputs, row_loss, a[last], outputs, batch->labels, rows, outputs,
                                            scale);
    kernels->activation_delta(delta, outputs, z[last] ? z[last] : a[last], outputs, rows, outputs,
                              shape->activations[last]);
    const float loss = kernels->sum(row_loss, rows) * scale;
    for (size_t l = last + 1; l-- > 0;) {
        const size_t in = shape->sizes[l], out = shape->sizes[l + 1];
        const float *x = l ? a[l - 1] : batch->inputs;
        float *previous = l ? allocate(rows * in, sizeof(float)) : NULL;
        const size_t ldx = l || !batch->input_stride ? in : batch->input_stride;
        float *part[2] = {allocate(in * out, sizeof(float)), allocate(out, sizeof(float))};
        for (size_t n = 0; n < rows; n += BP_ROW_BLOCK) { /* block by block, as over the whole batch */
            const size_t block = rows - n < BP_ROW_BLOCK ? rows - n : BP_ROW_BLOCK;
            kernels->dense_gradient(part[0], out, part[1], x + n * ldx, ldx, delta + n * out, out, block, in, out,
                                    scratch);
            for (size_t k = 0; k < 2; k++) {
                float *sum = t->gradient[2 * l + k];
                for (size_t e = 0; e < t->count[2 * l + k]; e++)
                    sum[e] = adds || n > 0 ? sum[e] + part[k][e] : part[k][e];
            }
        }
        free(part[0]);
        free(part[1]);
        if (l)
            kernels->dense_delta(previous, in, delta, out, t->m.weights[l], out, z[l - 1] ? z[l - 1] : a[l - 1], in,
                                 rows, in, out, shape->activations[l - 1], scratch);
        free(delta);
        delta = previous;
    }
    for (size_t l = 0; l <= last; l++) {
        free(a[l]);
        free(z[l]);
    }
    free(row_loss);
    free(scratch);
    return loss;
}

/** The sum of the squares of a layer's gradient, as network.h describes it. `gain` and `shift` may be null. */
static inline float layer_square(size_t in, size_t out, const float *weights, const float *biases, const float *gamma,
                                 const float *beta) {
    float *squares = allocate(out, sizeof(float));
    for (size_t j = 0; j < out; j++) {
        for (size_t i = 0; i < in; i++)
            squares[j] = fmaf(weights[i * out + j], weights[i * out + j], squares[j]);
        squares[j] = fmaf(biases[j], biases[j], squares[j]);
        if (gamma) {
            squares[j] = fmaf(gamma[j], gamma[j], squares[j]);
            squares[j] = fmaf(beta[j], beta[j], squares[j]);
        }
    }
    const float sum = scalar()->sum(squares, out);
    free(squares);
    return sum;
}

static inline float trained_norm(const trained *t) {
    const net *shape = t->m.shape;
    float square = 0.0f;
    for (size_t l = 0; l < shape->layers; l++)
        if (!t->frozen[l])
            square = square + layer_square(shape->sizes[l], shape->sizes[l + 1], t->gradient[2 * l],
                                           t->gradient[2 * l + 1], NULL, NULL);
    return sqrtf(square);
}

/** The optimizer's step by the gradient at hand. */
static inline void trained_update(trained *t, float learning_rate) {
    bp_optimizer plain = t->optimizer;
    plain.clip_norm = 0.0f;
    t->steps++;
    if (t->optimizer.clip_norm > 0.0f)
        t->norm = trained_norm(t);
    for (size_t a = 0; a < 2 * t->m.shape->layers; a++) {
        bp_parameters p = {.values = trained_array(t, a)};
        for (size_t k = 0; k < bp_optimizer_states(plain.kind); k++)
            p.state[k] = t->state[k][a];
        if (plain.ema_decay > 0.0f)
            p.ema = t->state[t->states - 1][a];
        for (size_t k = 0; t->norm > t->optimizer.clip_norm && k < t->count[a]; k++)
            t->gradient[a][k] = t->gradient[a][k] * (t->optimizer.clip_norm / t->norm);
        if (!t->frozen[a / 2])
            scalar()->optimizer_step(&p, t->gradient[a], t->count[a], &plain, t->steps, learning_rate);
    }
}

static inline float trained_step(trained *t, const bp_batch *batch, float learning_rate) {
    const float loss = trained_gradient(t, batch, batch->rows, false);
    trained_update(t, learning_rate);
    return loss;
}

/** The hash of parameters and state. */
static inline uint64_t trained_hash(const trained *t) {
    uint64_t hash = model_hash(&t->m);
    for (size_t k = 0; k < t->states; k++)
        for (size_t a = 0; a < 2 * t->m.shape->layers; a++)
            hash = hash_floats(hash, t->state[k][a], t->count[a]);
    return hash;
}

/** The same of a network. */
static inline uint64_t state_hash(const bp_network *network) {
    uint64_t hash = bp_network_hash(network);
    for (size_t k = 0; k < layer_states(network); k++)
        for (size_t l = 0; l < network->plan.layers; l++) {
            const size_t in = network->layers[l].in, out = network->layers[l].out;
            float *weights = allocate(in * out, sizeof(float)), *biases = allocate(out, sizeof(float));
            assert_int_equal(layer_read(network, OF_STATE + k, l, weights, 0, biases), BP_OK);
            hash = hash_floats(hash_floats(hash, weights, in * out), biases, out);
            if (network->layers[l].normalized) {
                assert_int_equal(norm_read(network, OF_STATE + k, l, weights, biases), BP_OK);
                hash = hash_floats(hash_floats(hash, weights, out), biases, out);
            }
            free(weights);
            free(biases);
        }
    return hash;
}

/** Optimizers with something of everything, each with a rate for nets as these. */
static const struct {
    bp_optimizer optimizer;
    float learning_rate;
} optimizer_cases[] = {
    {{.kind = BP_OPTIMIZER_SGD, .weight_decay = 0.01f}, 0.25f},
    {{.kind = BP_OPTIMIZER_MOMENTUM, .clip = 0.03125f}, 0.125f},
    {{.kind = BP_OPTIMIZER_NESTEROV, .weight_decay = 0.01f, .decoupled = true}, 0.125f},
    {{.kind = BP_OPTIMIZER_ADAGRAD, .ema_decay = 0.75f}, 0.125f},
    {{.kind = BP_OPTIMIZER_RMSPROP}, 0.015625f},
    {{.kind = BP_OPTIMIZER_ADAM, .clip_norm = 0.25f}, 0.015625f},
    {{.kind = BP_OPTIMIZER_ADAMW, .weight_decay = 0.125f}, 0.015625f},
    {{.kind = BP_OPTIMIZER_LION, .weight_decay = 0.125f}, 0.0078125f},
    {{.kind = BP_OPTIMIZER_RPROP}, 0.0078125f},
    {{.kind = BP_OPTIMIZER_SGD, .clip_norm = 0.125f, .ema_decay = 0.5f}, 0.25f},
    /* Complete: their zeros are zeros. */
    {{sizeof(bp_optimizer), BP_OPTIMIZER_ADAM, .beta1 = 0, .beta2 = 0, .epsilon = 0.125f}, 0.015625f},
    {{sizeof(bp_optimizer), BP_OPTIMIZER_NESTEROV, .momentum = 0, .weight_decay = 0.01f}, 0.125f},
};
enum { OPTIMIZER_CASES = sizeof optimizer_cases / sizeof *optimizer_cases };

#endif
