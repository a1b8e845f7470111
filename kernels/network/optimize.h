/*
 * The optimizer in a step: the numbers of its update before, and, where slices only store the gradient, the update by
 * it after.
 */
#ifndef BP_NETWORK_OPTIMIZE_H
#define BP_NETWORK_OPTIMIZE_H

#include "network/parameters.h"

/** Computes the update of step `number`, counted from 1. */
void bp_optimizer_prepare(bp_network *network, uint64_t number, float learning_rate);

/** The same; plain SGD, whose steps may take less time than that call, has no other number. */
static inline void bp_optimizer_begin(bp_network *network, uint64_t number, float learning_rate) {
    if (network->optimizer.update.plain)
        network->optimizer.update.learning_rate = learning_rate;
    else
        bp_optimizer_prepare(network, number, learning_rate);
}

/** The optimizer's step by the gradient in the sums, after bp_optimizer_begin. */
void bp_optimizer_apply(bp_network *network);

/** Sets the gradients of frozen layers to +0: no step computes them, and an earlier step may have left some. */
void bp_gradient_clear_frozen(bp_network *network);

/** The optimizer's momentum, which later steps use; null if it has none. */
float *bp_optimizer_momentum(bp_network *network);

#endif
