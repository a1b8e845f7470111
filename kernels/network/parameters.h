/*
 * The parameters of a network as one array, with the optimizer's state: copies, resets, and what every change of them
 * from outside a step does.
 */
#ifndef BP_NETWORK_PARAMETERS_H
#define BP_NETWORK_PARAMETERS_H

#include <backprop/inspect.h>

#include "network/network.h"

/** Contiguous parameters of one role. */
typedef struct parameter_run {
    parameter_role role;
    size_t end; /* offset from the network's first parameter */
} parameter_run;

/** The run that contains element `at`: a layer's weights, or its other parameters. */
parameter_run bp_parameter_run(const bp_network *network, size_t at);

/** Parameters of layer l, with the padding, one array after the other. */
size_t bp_padded_parameters(const bp_network *network, size_t l);

/** Forgets the gradient: its sums mean nothing any more. */
static inline void bp_gradient_forget(bp_network *network) {
    network->gradient.content = GRADIENT_NONE;
}

/** Swaps the parameters and their average. */
void bp_parameters_exchange_ema(bp_network *network);

/**
 * Every call that sets a part of the state calls this first: it swaps the average back, forgets the gradient, and says
 * that the parameters change.
 */
void bp_state_changes(bp_network *network);

/** The same, and sets the step counter. */
void bp_state_set_steps(bp_network *network, uint64_t steps);

/** Sets state and average to their values before the first step, and the step counter to 0. */
void bp_state_reset(bp_network *network);

/** New parameters are their own average. */
void bp_parameters_restart_ema(bp_network *network);

/** Counts frozen layers again. */
void bp_parameters_count_frozen(bp_network *network);

/** Bytes of a copy. */
size_t bp_parameters_bytes(const bp_network *network);

/** Copies them, in the network's own order, and their state. */
void bp_parameters_copy(void *to, const bp_network *network);

/** Restores a copy: everything that bp_network_train_step has changed since. */
void bp_parameters_restore(bp_network *network, const void *from);

#endif
