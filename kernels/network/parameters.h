/* All parameters of a network: copies of them with their state, and the first that is not finite. */
#ifndef BP_NETWORK_PARAMETERS_H
#define BP_NETWORK_PARAMETERS_H

#include <backprop/inspect.h>

#include "network/network.h"

/** Bytes of a copy. */
size_t bp_parameters_bytes(const bp_network *network);

/** Copies them, in the network's own order. */
void bp_parameters_copy(void *to, const bp_network *network);

/** Restores a copy: everything that bp_network_train_step has changed since. */
void bp_parameters_restore(bp_network *network, const void *from);

/** Weights, then biases, layer by layer; BP_QUANTITY_NONE if all are finite. */
bp_nonfinite bp_parameters_find_nonfinite(const bp_network *network);

#endif
