/* Runs a checked step: slice by slice, phase by phase. */
#ifndef BP_NETWORK_STEP_RUN_H
#define BP_NETWORK_STEP_RUN_H

#include "network/step.h"

/**
 * Runs a checked step as a part of a batch of so many rows; computes its part of the loss if `loss` is not null. While
 * a slice is in the cache, it goes through all layers forward, the loss, all deltas backward, and the gradients. The
 * last slice updates the weights.
 */
void bp_step_run(step *s, size_t batch_rows, float *loss);

#endif
