/* Layer normalization and dropout in a step. */
#ifndef BP_NETWORK_REGULARIZE_H
#define BP_NETWORK_REGULARIZE_H

#include "network/step.h"

/** The activation in the epilogue of a layer's product. */
static inline bp_activation bp_product_activation(const bp_dense_layer *k) {
    return k->norm.gamma ? (bp_activation){.kind = BP_ACTIVATION_IDENTITY} : k->activation;
}

/**
 * The matrix for the derivatives of a layer's activation, from row `row` and column `column` of the slice on; data is
 * null if the layer saves none or the step does not train.
 */
static inline bp_packed bp_derivatives_at(const step *s, const bp_dense_layer *k, size_t row, size_t column) {
    const bool saved = s->train && derivative_of(k->activation).kind == DERIVATIVE_SAVED;
    return saved ? packed_part(k->saved, s->network->backend->panel_width, row, column) : (bp_packed){0};
}

/** The matrix that first receives layer k's deltas: dL/dy if it has layer normalization, else dL/dz. */
static inline bp_packed bp_first_deltas(const bp_dense_layer *k) {
    return k->norm.gamma ? k->norm.deltas : k->deltas;
}

/** The mask of layer l in the step: probability, seed, stream. */
bp_dropout_mask bp_step_mask(const bp_network *network, size_t l);

/**
 * Completes rows of layer l's outputs after their product, `columns` columns from `column` on: layer normalization
 * (which needs all columns), then the activation, then dropout.
 */
void bp_complete_outputs(const step *s, size_t l, row_range p, size_t column, size_t columns);

/** Layer l's deltas dL/dz from dL/dy, if it has layer normalization. */
void bp_complete_deltas(const step *s, size_t l, row_range p);

#endif
