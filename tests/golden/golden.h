/*
 * Golden hashes: six networks, trained on data from the specified generator, whose weights are known to the bit.
 *
 * Between them the networks have thirteen activations, six losses, six optimizers, dropout, layer normalization,
 * weighted rows, clipped gradients and decayed weights; their batches have another number of rows at each step, up to
 * 311. Only public functions of the library take part, so whatever library this is linked with has to reproduce the
 * hashes.
 */
#ifndef BACKPROP_TESTS_GOLDEN_H
#define BACKPROP_TESTS_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/backprop.h>

/** Steps of the whole training, and of a short one for machines that take their time. */
enum { GOLDEN_NETWORKS = 6, GOLDEN_STEPS = 1000, GOLDEN_EARLY = 50, GOLDEN_LAYERS_MAX = 4 };

typedef struct golden_network {
    const char *name;
    size_t layers, sizes[GOLDEN_LAYERS_MAX + 1];
    bp_activation activations[GOLDEN_LAYERS_MAX];
    float dropout[GOLDEN_LAYERS_MAX];
    bool normalize[GOLDEN_LAYERS_MAX];
    bp_loss_kind loss;
    bp_loss_options options;
    bp_optimizer optimizer;
    float learning_rate;
    size_t rows;          /* of the largest batch */
    bool weighted;        /* its rows */
    uint64_t early, hash; /* of the weights after GOLDEN_EARLY and after GOLDEN_STEPS steps */
} golden_network;

extern const golden_network golden_networks[GOLDEN_NETWORKS];

typedef struct golden_result {
    uint64_t hash;
    float first, last; /* losses of all samples, before the first step and after the last */
} golden_result;

/** bp_network_create, or a test's own way to make a network. */
typedef bp_status golden_create(const bp_network_config *config, bp_network **network);

/** Trains one of them. Threads: as of bp_network_config. */
bp_status golden_train(const golden_network *network, golden_create *create, size_t threads, size_t steps,
                       golden_result *result);

/** The hash that is known: steps is GOLDEN_EARLY or GOLDEN_STEPS. */
static inline uint64_t golden_hash(const golden_network *network, size_t steps) {
    return steps == GOLDEN_EARLY ? network->early : network->hash;
}

#endif
