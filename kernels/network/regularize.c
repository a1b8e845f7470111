/* Layer normalization and dropout in a step: after a layer's product, and before its deltas. */
#include "network/regularize.h"

#include <inttypes.h>

#include "failure.h"

/* Streams of masks differ from those of initial weights (one a layer) and of shuffles (one an epoch). */
bp_dropout_mask bp_step_mask(const bp_network *network, size_t l) {
    return (bp_dropout_mask){
        .probability = network->layer[l].dropout,
        .seed = network->seed,
        .stream = ((uint64_t)l + 1) << BP_STEP_BITS | network->steps,
    };
}

void bp_complete_outputs(const step *s, size_t l, row_range p, size_t column, size_t columns) {
    const bp_network *network = s->network;
    const bp_backend *backend = network->backend;
    const bp_dense_layer *k = &network->layer[l];
    const bp_packed a = packed_part(k->outputs, backend->panel_width, p.stored, column);
    if (k->norm.gamma) {
        const bp_packed normalized = packed_part(k->norm.normalized, backend->panel_width, p.stored, 0);
        backend->normalize(a, s->train ? normalized : (bp_packed){0}, s->train ? k->norm.rstd + p.stored : NULL,
                           k->norm.gamma, k->norm.beta, p.rows, k->out);
        if (k->activation.kind != BP_ACTIVATION_IDENTITY)
            backend->activate(a, bp_derivatives_at(s, k, p.stored, 0), p.rows, k->out, k->activation);
    }
    if (k->dropout > 0.0f && s->train) {
        bp_dropout_mask mask = bp_step_mask(network, l);
        mask.row = s->first_row + p.from;
        mask.column = column;
        backend->dropout(a, packed_part(k->saved, backend->panel_width, p.stored, column), p.rows, columns,
                         k->activation, &mask);
    }
}

void bp_complete_deltas(const step *s, size_t l, row_range p) {
    const bp_network *network = s->network;
    const size_t panel = network->backend->panel_width;
    const bp_dense_layer *k = &network->layer[l];
    if (k->norm.gamma)
        network->backend->normalize_delta(packed_part(k->deltas, panel, p.stored, 0),
                                          packed_part(k->norm.deltas, panel, p.stored, 0),
                                          packed_part(k->norm.normalized, panel, p.stored, 0), k->norm.rstd + p.stored,
                                          k->norm.gamma, p.rows, k->out);
}

/* ---- Seed and steps ------------------------------------------------------------------------------------------- */

uint64_t bp_network_seed(const bp_network *network) {
    return network ? network->seed : 0;
}

uint64_t bp_network_steps(const bp_network *network) {
    return network ? network->steps : 0;
}

bp_status bp_network_set_steps(bp_network *network, uint64_t seed, uint64_t steps) {
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    if (steps >> BP_STEP_BITS != 0)
        return bp_fail(BP_ERROR_VALUE, "steps is %" PRIu64 ", and must be below 2^%d", steps, BP_STEP_BITS);
    network->seed = seed;
    bp_update_set_steps(network, steps);
    return BP_OK;
}
