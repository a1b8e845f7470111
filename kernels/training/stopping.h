/* Early stopping and plateaus: their states as a fit checks them before it begins. */
#ifndef BP_TRAINING_STOPPING_H
#define BP_TRAINING_STOPPING_H

#include <backprop/fit.h>

/** Whether a state's struct_size and its numbers can be used. `name`: the argument's, for the message. */
bp_status bp_early_stopping_check(const bp_early_stopping *state, const char *name);
bp_status bp_plateau_check(const bp_plateau *state, const char *name);

#endif
