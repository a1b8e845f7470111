/* What a step does with a layer beside its products: layer normalisation and dropout. */
#ifndef BP_NETWORK_REGULARIZE_H
#define BP_NETWORK_REGULARIZE_H

#include "network/step.h"

/** The activation that a layer's product ends with. */
static inline bp_activation bp_product_activation(const bp_dense_layer *k) {
    return k->norm.gain ? (bp_activation){.kind = BP_IDENTITY} : k->activation;
}

/**
 * Where the derivatives of its activation go in this step, from row `row` and column `column` of a slice on; null if
 * the layer does not keep them, or the step does not train.
 */
static inline bp_panels bp_slopes(const step *s, const bp_dense_layer *k, size_t row, size_t column) {
    const bool kept = s->train && activation_keeps_slopes(k->activation.kind);
    return kept ? panels_part(k->kept, s->network->level->panel, row, column) : (bp_panels){0};
}

/** Where the deltas of layer `k` come first: those of what its normalisation gives, if it has one. */
static inline bp_panels bp_first_deltas(const bp_dense_layer *k) {
    return k->norm.gain ? k->norm.deltas : k->deltas;
}

/** The mask of layer l in the step: probability, seed, stream. */
bp_dropout_mask bp_step_mask(const bp_network *network, size_t l);

/**
 * Completes rows of layer l's outputs, `columns` of them from `column` on, whose product is known: normalises them (all
 * columns), activates what was normalised, and drops.
 */
void bp_complete_outputs(const step *s, size_t l, part p, size_t column, size_t columns);

/** Deltas of layer l from those of what its normalisation gave. */
void bp_complete_deltas(const step *s, size_t l, part p);

#endif
