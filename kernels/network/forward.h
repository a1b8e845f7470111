/* The forward pass of a slice. */
#ifndef BP_NETWORK_FORWARD_H
#define BP_NETWORK_FORWARD_H

#include "network/step.h"

/** Copies some rows of the caller's inputs into the packed ones. */
void bp_pack_inputs(const step *s, row_range p);

/** Some rows through layers first .. end - 1; of each layer's outputs part `worker` of `workers` of the columns. */
void bp_forward_layers(const step *s, size_t first, size_t end, row_range p, size_t worker, size_t workers);

/** Copies some rows of the last layer's outputs to the caller. */
void bp_write_outputs(const step *s, row_range p);

/** The mask of layer l's dropout in the network's next step: probability, seed, stream. */
bp_dropout_mask bp_step_mask(const bp_network *network, size_t l);

#endif
