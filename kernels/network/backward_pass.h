/* The backward pass of a slice: deltas, and the gradient with what becomes of it. */
#ifndef BP_NETWORK_BACKWARD_PASS_H
#define BP_NETWORK_BACKWARD_PASS_H

#include "network/step.h"

/** Some rows back through layers end - 1 .. first: the deltas of the layer before each, before the first dL/dx. */
void bp_deltas_rows(const step *s, size_t first, size_t end, row_range p);

/** All rows, a worker's part of the columns of the deltas before layer l; then that part's gradient. */
void bp_backward_columns(const step *s, size_t l, size_t worker, size_t workers);

/** The gradient of a worker's part of layers end - 1 .. first. */
void bp_update_layers(const step *s, size_t first, size_t end, size_t worker, size_t workers);

/** All rows, on one worker, back through all layers: deltas, then the gradient, which read the same weights. */
void bp_backward_layers(const step *s);

/** A row block, back through all layers: deltas, and the gradient into sums of its own. */
void bp_block_gradient(const step *s, size_t block, row_range p);

/** The sum of the slice's row blocks' gradients, for a worker's part of all parameters. */
void bp_add_blocks(const step *s, size_t worker, size_t workers);

#endif
