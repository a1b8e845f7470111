/*
 * What a library must do to take part in bench_step: keep a network and train it, one step a call.
 *
 * A module is a shared library, peer_<library>.so, that exports `peer_list`. It is loaded in a process of its own for
 * each measurement, so it may keep global state. README.md tells how to add one.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/activation.h>
#include <backprop/network.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The network to train. All arrays are row-major and packed; the output layer is the identity. */
typedef struct peer_net {
    size_t layers;
    const size_t *sizes; /* layers + 1 widths */
    bp_activation hidden;
    bp_loss_kind loss;
    size_t batch;           /* rows of every step */
    bp_optimizer optimizer; /* plain SGD or Adam, with its numbers; nothing else acts on the gradient */
} peer_net;

/** The parameters of one layer: weights [in x out], w_ij from input i to neuron j, and biases [out]. */
typedef struct peer_layer {
    float *weights, *biases;
} peer_layer;

/** One mini-batch: inputs [batch x sizes[0]], with targets [batch x sizes[layers]] or labels [batch] for the loss. */
typedef struct peer_batch {
    const float *inputs, *targets;
    const uint32_t *labels;
} peer_batch;

typedef enum peer_group {
    PEER_BY_HAND, /* a step written for this comparison, on a library's products or operators */
    PEER_AS_USED, /* a library's own training: what a user would otherwise run */
} peer_group;

typedef struct peer {
    const char *name;
    peer_group group;

    /** Version of the library, for the report. */
    const char *(*version)(void);

    /** Null, or why this net is not for this peer: what it lacks, or that it would take too long to be of interest. */
    const char *(*refusal)(const peer_net *net, size_t threads);

    /** A network with copies of `initial`, on at most `threads` threads; null on failure. `net` outlives it. */
    void *(*create)(const peer_net *net, const peer_layer *initial, size_t threads);

    /** Forward pass, deltas, and the optimizer's step by the gradient of the mean loss over the batch. */
    void (*step)(void *trainer, const peer_batch *batch, float rate);

    /** Copies the parameters into the arrays of `layers`. */
    void (*parameters)(void *trainer, const peer_layer *layers);

    void (*destroy)(void *trainer);
} peer;

/** The module's peers (a library may have several good ways to do a step), ended by null. */
__attribute__((visibility("default"))) extern const peer *const peer_list[];

#ifdef __cplusplus
}
#endif

#endif
