/* Layer normalisation and dropout in a step: what comes after a layer's product and before its deltas. */
#include "network/regularize.h"

/* Masks take streams that initial weights, one a layer, and shuffles, one an epoch, do not. */
bp_dropout_mask bp_step_mask(const bp_network *network, size_t l) {
    return (bp_dropout_mask){
        .probability = network->layer[l].dropout,
        .seed = network->seed,
        .stream = ((uint64_t)l + 1) << BP_STEP_BITS | network->steps,
    };
}

void bp_complete_outputs(const step *s, size_t l, part p, size_t column, size_t columns) {
    const bp_network *network = s->network;
    const bp_level *level = network->level;
    const bp_dense_layer *k = &network->layer[l];
    const bp_panels a = panels_part(k->outputs, level->panel, p.at, column);
    if (k->norm.gain) {
        const bp_panels normalized = panels_part(k->norm.normalized, level->panel, p.at, 0);
        level->normalize(a, s->train ? normalized : (bp_panels){0}, s->train ? k->norm.inverse + p.at : NULL,
                         k->norm.gain, k->norm.shift, p.rows, k->out);
        if (k->activation.kind != BP_IDENTITY)
            level->activate(a, bp_slopes(s, k, p.at, 0), p.rows, k->out, k->activation);
    }
    if (k->dropout > 0.0f && s->train) {
        bp_dropout_mask mask = bp_step_mask(network, l);
        mask.row = s->first_row + p.from;
        mask.column = column;
        bp_activation activation = k->activation;
        if (activation_keeps_slopes(activation.kind))
            activation.kind = KEPT_SLOPES;
        level->dropout(a, panels_part(k->kept, level->panel, p.at, column), p.rows, columns, activation, &mask);
    }
}

void bp_complete_deltas(const step *s, size_t l, part p) {
    const bp_network *network = s->network;
    const size_t panel = network->level->panel;
    const bp_dense_layer *k = &network->layer[l];
    if (k->norm.gain)
        network->level->normalize_delta(
            panels_part(k->deltas, panel, p.at, 0), panels_part(k->norm.deltas, panel, p.at, 0),
            panels_part(k->norm.normalized, panel, p.at, 0), k->norm.inverse + p.at, k->norm.gain, p.rows, k->out);
}

/* ---- The generator's state ------------------------------------------------------------------------------------- */

uint64_t bp_network_seed(const bp_network *network) {
    return network ? network->seed : 0;
}

uint64_t bp_network_steps(const bp_network *network) {
    return network ? network->steps : 0;
}

bp_status bp_network_set_steps(bp_network *network, uint64_t seed, uint64_t steps) {
    if (!network)
        return BP_ERROR_NULL;
    if (steps >> BP_STEP_BITS != 0)
        return BP_ERROR_VALUE;
    network->seed = seed;
    bp_update_set_steps(network, steps);
    return BP_OK;
}
