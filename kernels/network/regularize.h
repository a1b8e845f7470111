/* What a step does with a layer beside its products: layer normalization and dropout. */
#ifndef BP_NETWORK_REGULARIZE_H
#define BP_NETWORK_REGULARIZE_H

#include "network/step.h"

/** The activation that a layer's product ends with. */
static inline bp_activation bp_product_activation(const bp_dense_layer *k) {
    return k->norm.gamma ? (bp_activation){.kind = BP_ACTIVATION_IDENTITY} : k->activation;
}

/**
 * Where the derivatives of its activation go in this step, from row `row` and column `column` of a slice on; null if
 * the layer does not keep them, or the step does not train.
 */
static inline bp_packed bp_derivatives_at(const step *s, const bp_dense_layer *k, size_t row, size_t column) {
    const bool saved = s->train && activation_saves_derivative(k->activation.kind);
    return saved ? packed_part(k->saved, s->network->backend->panel_width, row, column) : (bp_packed){0};
}

/** Where the deltas of layer `k` come first: those of what its normalization gives, if it has one. */
static inline bp_packed bp_first_deltas(const bp_dense_layer *k) {
    return k->norm.gamma ? k->norm.deltas : k->deltas;
}

/** The mask of layer l in the step: probability, seed, stream. */
bp_dropout_mask bp_step_mask(const bp_network *network, size_t l);

/**
 * Completes rows of layer l's outputs, `columns` of them from `column` on, whose product is known: normalizes them (all
 * columns), activates what was normalized, and drops.
 */
void bp_complete_outputs(const step *s, size_t l, row_range p, size_t column, size_t columns);

/** Deltas of layer l from those of what its normalization gave. */
void bp_complete_deltas(const step *s, size_t l, row_range p);

#endif
