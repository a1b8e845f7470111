/* What the tests of copies share: networks of every kind in every state, and all their arrays. */
#ifndef BACKPROP_TESTS_COPY_SUPPORT_H
#define BACKPROP_TESTS_COPY_SUPPORT_H

#include <backprop/backward.h>

#include "defaults.h"
#include "network_support.h"

enum { ROWS = 12, MASKS = 5, FLOATS_MAX = 4 * 31 * 1024 };

/* What a network went through; any of them at the same time. */
enum { TRAINED = 1, FROZEN = 2, ACCUMULATED = 4, STORED = 8, SWAPPED = 16, PRIORS = 32, PLAIN_PRIORS = 4 };

/* Two small ones, one with all that a layer can have, and one of several column blocks that two workers share. */
enum { PLAIN, SMALL, REGULARIZED, WIDE, KINDS };

static const net shapes[KINDS] = {
    {.layers = 2,
     .sizes = {4, 6, 3},
     .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE},
    {.layers = 2,
     .sizes = {4, 6, 3},
     .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE,
     .gradients = true},
    {.layers = 2,
     .sizes = {5, 70, 3},
     .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE,
     .gradients = true},
    {.layers = 3,
     .sizes = {70, 101, 100, 3},
     .activations = {{BP_ACTIVATION_SILU, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE,
     .gradients = true},
};

static inline bp_network_config config_with(size_t kind, bp_optimizer_kind optimizer, float ema_decay) {
    static const float dropout[] = {0.25f, 0};
    static const bool normalize[] = {true, false};
    bp_network_config config = net_config(&shapes[kind], ROWS);
    const float clip_norm = kind == REGULARIZED ? 0.5f : 0.0f;
    config.optimizer =
        stored_optimizer((bp_optimizer){.kind = optimizer, .clip_norm = clip_norm, .ema_decay = ema_decay});
    config.seed = MASKS;
    config.threads = kind == WIDE ? 2 : 1;
    if (kind == REGULARIZED) {
        config.dropout = dropout;
        config.normalize = normalize;
    }
    return config;
}

static inline bp_network_config config_of(size_t kind) {
    return kind == PLAIN ? config_with(kind, BP_OPTIMIZER_SGD, 0) : config_with(kind, BP_OPTIMIZER_ADAM, 0.75f);
}

static inline unsigned priors(size_t kind) {
    return kind == PLAIN ? PLAIN_PRIORS : PRIORS;
}

static inline void train(bp_network *network, const samples *s, size_t rows) {
    bp_batch batch = s->batch;
    batch.rows = rows;
    assert_int_equal(bp_network_train_step(network, &batch, 0.01f, NULL), BP_OK);
}

static inline bp_network *prior_of(const test_table *table, size_t kind, unsigned prior, uint64_t seed,
                                   const samples *s) {
    const bp_backward_options store = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE);
    const bp_network_config config = config_of(kind);
    bp_network *network = net_create_on(table, &config, seed);
    if (prior & FROZEN)
        assert_int_equal(bp_network_freeze(network, 0, true), BP_OK);
    for (size_t step = 0; prior & TRAINED && step < 3; step++)
        train(network, s, 1 + step);
    if (prior & STORED)
        assert_int_equal(bp_network_backward(network, &s->batch, &store), BP_OK);
    if (prior & ACCUMULATED)
        assert_int_equal(bp_network_accumulate(network, &s->batch, 2 * ROWS, NULL), BP_OK);
    if (prior & SWAPPED)
        assert_int_equal(bp_network_swap_ema(network), BP_OK);
    return network;
}

/** Floats of one array: all parameters in their order, without what pads them. */
static inline size_t array_floats(const bp_network *network) {
    size_t count = 0;
    for (size_t l = 0; l < network->plan.layers; l++)
        count += bp_layer_parameters(&network->layers[l]);
    return count;
}

/** Copies array `set` out, 0: the parameters, then the state, the average last; or `in`. */
static inline void move_array(const bp_network *network, size_t set, float *values, bool in) {
    const size_t offset = set * network->parameters.count;
    for (size_t l = 0; l < network->plan.layers; l++) {
        const dense_layer *k = &network->layers[l];
        const bp_packed w = {k->weights.data + offset, k->weights.row_stride, k->weights.panel_stride};
        float *const others[] = {k->biases, k->gamma, k->beta};
        if (in)
            network->backend->pack(w, values, k->out, k->in, k->out);
        else
            network->backend->unpack(values, k->out, w, k->in, k->out);
        values += k->in * k->out;
        for (size_t o = 0; o < (k->normalized ? 3 : 1); o++, values += k->out)
            if (in)
                memcpy(others[o] + offset, values, k->out * sizeof *values);
            else
                memcpy(values, others[o] + offset, k->out * sizeof *values);
    }
}

/** All arrays, one after the other; the number of floats. */
static inline size_t get_all(const bp_network *network, float *values) {
    const size_t count = array_floats(network);
    assert_true((1 + network->plan.states) * count <= FLOATS_MAX);
    for (size_t set = 0; set <= network->plan.states; set++)
        move_array(network, set, values + set * count, false);
    return (1 + network->plan.states) * count;
}

static inline void expect_equal(const bp_network *a, const bp_network *b, const char *what, size_t kind,
                                unsigned prior) {
    static float left[FLOATS_MAX], right[FLOATS_MAX];
    const size_t count = get_all(a, left);
    assert_int_equal(get_all(b, right), count);
    if (memcmp(left, right, count * sizeof *left) != 0 || bp_network_hash(a) != bp_network_hash(b) ||
        bp_network_steps(a) != bp_network_steps(b) || bp_network_seed(a) != bp_network_seed(b) ||
        bp_network_ema_swapped(a) != bp_network_ema_swapped(b) ||
        test_bits(bp_network_gradient_norm(a)) != test_bits(bp_network_gradient_norm(b)))
        fail_msg("%s, net %zu, prior state %u", what, kind, prior);
}

/** Steps of every kind, compared after each. */
static inline void expect_equal_steps(bp_network *a, bp_network *b, const samples *s, const char *what, size_t kind,
                                      unsigned prior) {
    bp_network *const both[] = {a, b};
    static const size_t rows[] = {1, ROWS, 3};
    expect_equal(a, b, what, kind, prior);
    for (size_t step = 0; step < sizeof rows / sizeof *rows; step++) {
        for (size_t k = 0; k < 2; k++)
            train(both[k], s, rows[step]);
        expect_equal(a, b, what, kind, prior);
    }
    for (size_t k = 0; k < 2 && kind != PLAIN; k++) {
        assert_int_equal(bp_network_accumulate(both[k], &s->batch, ROWS, NULL), BP_OK);
        assert_int_equal(bp_network_update(both[k], 0.01f), BP_OK);
    }
    expect_equal(a, b, what, kind, prior);
}

/** Ends the test unless the call is refused with this message. */
static inline void expect_refusal(bp_status got, bp_status status, const char *message) {
    assert_int_equal(got, status);
    assert_string_equal(bp_error_message(), message);
}

#endif
