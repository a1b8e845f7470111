/* The search for the first number that is not finite. */
#ifndef BP_NETWORK_NONFINITE_H
#define BP_NETWORK_NONFINITE_H

#include <backprop/inspect.h>

#include "network/network.h"

/** The first parameter that is not finite, layer by layer, weights first; BP_QUANTITY_NONE if all are finite. */
bp_nonfinite bp_parameters_find_nonfinite(const bp_network *network);

#endif
