/*
 * A network: its plan, layers, parameters, optimizer, gradient, and the workspace in which its steps run. All of it is
 * one block of memory, which create.c lays out.
 */
#ifndef BP_NETWORK_NETWORK_H
#define BP_NETWORK_NETWORK_H

#include <backprop/network.h>

#include "network/layer.h"
#include "network/plan.h"
#include "network/workspace.h"
#include "platform/pool.h"

/* Weights, biases, gammas and betas of all layers, padded, in one array. State and gradients lie the same way. */
typedef struct network_parameters {
    float *values;
    size_t count; /* elements, with the padding */
} network_parameters;

typedef struct network_optimizer {
    bp_optimizer settings;
    bp_parameters arrays;   /* the parameters with their state and average */
    bp_coefficients update; /* of the current step */
    uint64_t steps;         /* trained so far */
    bool ema_swapped;       /* the average and the parameters are swapped */
} network_optimizer;

/* What the gradient's sums hold between calls. */
typedef enum gradient_content {
    GRADIENT_NONE,       /* nothing that a caller may use */
    GRADIENT_STORED,     /* the gradient of one batch, whose step is counted */
    GRADIENT_ACCUMULATED /* the sum over micro-batches, whose step is not counted yet */
} gradient_content;

typedef struct network_gradient {
    float *sums; /* [gradient_buffers x parameters]; null if no step needs them */
    gradient_content content;
    size_t rows;    /* of the micro-batches so far */
    float *squares; /* [all layers' outputs, padded]; only if the norm is clipped */
    float norm;     /* of the last gradient */
} network_gradient;

struct bp_network {
    const bp_backend *backend;
    network_plan plan;
    dense_layer *layers; /* [plan.layers] */
    size_t frozen;       /* layers */
    size_t lowest;       /* the first layer that is not frozen; plan.layers if all are */
    network_parameters parameters;
    network_optimizer optimizer;
    network_gradient gradient;
    bp_workspace workspace;
    uint64_t seed; /* of dropout's masks */
    bp_thread_pool pool;
    bp_pool *private_pool; /* null with the host's pool, or if one worker is enough */
    bp_allocator allocator;
    size_t persistent_bytes; /* of the block, from its start: what calls leave for later ones */
    size_t bytes;            /* of the block, with what aligns it */
};

/** Bits of the step counter; the other bits of a mask's stream are the layer. */
#define BP_STEP_BITS 48

/** Whether the step counter is exhausted. */
static inline bool bp_steps_are_over(const bp_network *network) {
    return (network->optimizer.steps + 1) >> BP_STEP_BITS != 0;
}

/** The network's last layer. */
static inline const dense_layer *bp_last_layer(const bp_network *network) {
    return &network->layers[network->plan.layers - 1];
}

/** Bytes of the network's block that a caller's arrays must not meet. */
static inline size_t bp_block_bytes(const bp_network *network) {
    return network->bytes - BP_ALIGNMENT;
}

/** The gradient of a parameter, or of a matrix of them, in the sums. */
static inline float *bp_gradient_of(const bp_network *network, const float *parameter) {
    return network->gradient.sums ? network->gradient.sums + (parameter - network->parameters.values) : NULL;
}

static inline bp_packed bp_gradient_of_matrix(const bp_network *network, bp_packed parameters) {
    parameters.data = bp_gradient_of(network, parameters.data);
    return parameters;
}

#endif
