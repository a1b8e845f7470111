/*
 * Words for a step that was refused. Its checks say no more than a status; once one has failed, the functions here look
 * at the arguments again, in the same order, for the message. Each returns the status.
 */
#ifndef BP_NETWORK_REFUSALS_H
#define BP_NETWORK_REFUSALS_H

#include "network/step.h"

/** After bp_check_inputs, and after bp_check_batch. */
bp_status bp_refuse_inputs(const bp_network *network, const bp_batch *batch, bp_status status) __attribute__((cold));
bp_status bp_refuse_batch(const bp_network *network, const bp_batch *batch, bp_status status) __attribute__((cold));

/** After the checks of what bp_network_forward and bp_network_backward write. */
bp_status bp_refuse_outputs(const step *s, bp_status status) __attribute__((cold));
bp_status bp_refuse_backward(const step *s, bp_status status) __attribute__((cold));

bp_status bp_refuse_learning_rate(float learning_rate, const char *name) __attribute__((cold));
bp_status bp_refuse_steps(const bp_network *network) __attribute__((cold));
bp_status bp_refuse_swapped(void) __attribute__((cold));

#endif
