/* Runs a checked step: slice by slice, phase by phase. */
#ifndef BP_NETWORK_STEP_RUN_H
#define BP_NETWORK_STEP_RUN_H

#include "network/optimize.h"
#include "network/step.h"

/** Before a training step that updates: what becomes of its gradient. */
static inline void bp_training_begin(bp_network *network, step *s, float learning_rate) {
    bp_gradient_forget(network);
    bp_optimizer_begin(network, network->optimizer.steps + 1, learning_rate);
    s->update = &network->optimizer.update;
    s->gradient = network->plan.updates_by_gradient ? BP_GRADIENT_MODE_STORE : BP_GRADIENT_MODE_UPDATE;
}

/** After it. */
static inline void bp_training_end(bp_network *network) {
    if (network->plan.updates_by_gradient)
        bp_optimizer_apply(network);
    network->optimizer.steps++;
}

/**
 * Runs a checked step as a part of a batch of so many rows; computes its part of the loss if `loss` is not null. While
 * a slice is in the cache, it goes through all layers forward, the loss, all deltas backward, and the gradients. The
 * last slice updates the weights.
 */
void bp_step_run(step *s, size_t batch_rows, float *loss);

#endif
