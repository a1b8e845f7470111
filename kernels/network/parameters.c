/* Changes of the parameters as a whole, from outside a step. */
#include "network/parameters.h"

#include <string.h>

size_t bp_padded_parameters(const bp_network *network, size_t l) {
    const dense_layer *k = &network->layers[l];
    const float *end =
        l + 1 < network->plan.layers ? k[1].weights.data : network->parameters.values + network->parameters.count;
    return (size_t)(end - k->weights.data);
}

parameter_run bp_parameter_run(const bp_network *network, size_t at) {
    const float *first = network->parameters.values;
    size_t l = 0;
    while (l + 1 < network->plan.layers && at >= (size_t)(network->layers[l + 1].weights.data - first))
        l++;
    const dense_layer *k = &network->layers[l];
    const size_t biases = (size_t)(k->biases - first);
    if (at < biases)
        return (parameter_run){ROLE_WEIGHTS, biases};
    return (parameter_run){ROLE_OTHERS, (size_t)(k->weights.data - first) + bp_padded_parameters(network, l)};
}

void bp_parameters_exchange_ema(bp_network *network) {
    float *average = network->optimizer.arrays.ema, *values = network->parameters.values;
    for (size_t k = 0; k < network->parameters.count; k++) {
        const float saved = values[k];
        values[k] = average[k];
        average[k] = saved;
    }
    network->optimizer.ema_swapped = !network->optimizer.ema_swapped;
    bp_parameters_changed(&network->workspace);
}

void bp_state_changes(bp_network *network) {
    if (network->optimizer.ema_swapped)
        bp_parameters_exchange_ema(network);
    bp_gradient_forget(network);
    bp_parameters_changed(&network->workspace);
}

void bp_state_set_steps(bp_network *network, uint64_t steps) {
    bp_state_changes(network);
    network->optimizer.steps = steps;
    network->gradient.norm = 0.0f;
}

void bp_parameters_restart_ema(bp_network *network) {
    if (network->optimizer.arrays.ema)
        memcpy(network->optimizer.arrays.ema, network->parameters.values, network->parameters.count * sizeof(float));
}

/* An average that was swapped in stays as the parameters, and then equals them. */
void bp_state_reset(bp_network *network) {
    const size_t states = network->plan.states * network->parameters.count;
    memset(network->parameters.values + network->parameters.count, 0, states * sizeof(float));
    bp_parameters_restart_ema(network);
    bp_state_set_steps(network, 0);
}

void bp_parameters_count_frozen(bp_network *network) {
    const size_t layers = network->plan.layers;
    network->frozen = 0;
    for (size_t l = 0; l < layers; l++)
        network->frozen += network->layers[l].frozen;
    network->lowest = 0;
    while (network->lowest < layers && network->layers[network->lowest].frozen)
        network->lowest++;
}

/* ---- Copies --------------------------------------------------------------------------------------------------- */

/* Stored after the parameters and the optimizer's state, which are contiguous. */
typedef struct beside {
    uint64_t steps;
    float norm;
    bool ema_swapped;
} beside;

static size_t copied_bytes(const bp_network *network) {
    return (1 + network->plan.states) * network->parameters.count * sizeof(float);
}

size_t bp_parameters_bytes(const bp_network *network) {
    return copied_bytes(network) + sizeof(beside);
}

void bp_parameters_copy(void *to, const bp_network *network) {
    const beside now = {network->optimizer.steps, network->gradient.norm, network->optimizer.ema_swapped};
    memcpy(to, network->parameters.values, copied_bytes(network));
    memcpy((char *)to + copied_bytes(network), &now, sizeof now);
}

void bp_parameters_restore(bp_network *network, const void *from) {
    beside then;
    memcpy(&then, (const char *)from + copied_bytes(network), sizeof then);
    bp_state_set_steps(network, then.steps);
    memcpy(network->parameters.values, from, copied_bytes(network));
    network->optimizer.ema_swapped = then.ema_swapped;
    network->gradient.norm = then.norm;
}
