/* A network before its first step: weights by initializers, everything else by its default. */
#ifndef BP_NETWORK_INITIALIZE_H
#define BP_NETWORK_INITIALIZE_H

#include <backprop/initializer.h>

#include "network/network.h"

/** Initializes all layers; initializers null: the default ones. */
void bp_initialize_layers(bp_network *network, const bp_initializer *initializers, uint64_t seed);

#endif
