/* What oracles and vector kernels both need to know of the activations; include/backprop/activation.h defines them. */
#ifndef BP_ACTIVATION_KINDS_H
#define BP_ACTIVATION_KINDS_H

#include <backprop/activation.h>

/*
 * A kind for the backward pass alone: what was kept is the derivative itself, as of layers whose outputs are dropped.
 */
#define KEPT_SLOPES BP_ACTIVATION_COUNT

#endif
