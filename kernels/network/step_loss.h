/* The loss of a slice, the network's or the caller's. */
#ifndef BP_NETWORK_STEP_LOSS_H
#define BP_NETWORK_STEP_LOSS_H

#include "network/step.h"

/** The loss of rows after their forward pass, and the output layer's deltas if the step trains. */
void bp_step_loss(const step *s, row_range p);

#endif
