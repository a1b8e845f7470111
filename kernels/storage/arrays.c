#include "storage/arrays.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds a pair of module `module`; null list: counts alone. */
static void add_pair(bp_pairs *pairs, size_t *floats, bp_pair pair, size_t module) {
    const size_t first = pair.kind == BP_PAIR_LINEAR ? pair.in * pair.out : pair.out;
    if (pairs->list) {
        pair.first = pairs->memory + *floats;
        pair.second = pair.first + first;
        pair.first_shape[0] = pair.first_strides[1] = pair.out;
        pair.first_shape[1] = pair.in;
        pair.first_strides[0] = 1; /* the file has the transpose of the network's [in x out] */
        snprintf(pair.first_name, sizeof pair.first_name, "%zu.weight", module);
        snprintf(pair.second_name, sizeof pair.second_name, "%zu.bias", module);
        pairs->list[pairs->count] = pair;
    }
    pairs->count++;
    *floats += first + pair.out;
}

/* Numbers the modules as nn.Sequential does. Returns the number of floats; a network's fit into memory. */
static size_t list_pairs(bp_pairs *pairs, const bp_network *network) {
    size_t floats = 0, module = 0;
    bp_layer layer;
    pairs->count = 0;
    for (size_t l = 0; bp_network_layer(network, l, &layer) == BP_OK; l++) {
        const bp_pair pair = {.layer = l, .in = layer.in, .out = layer.out};
        bp_pair linear = pair;
        linear.kind = BP_PAIR_LINEAR;
        add_pair(pairs, &floats, linear, module++);
        if (layer.normalized) {
            bp_pair normalization = pair;
            normalization.kind = BP_PAIR_NORMALIZATION;
            add_pair(pairs, &floats, normalization, module++);
        }
        module += layer.activation.kind != BP_IDENTITY;
        module += layer.dropout > 0.0f;
    }
    return floats;
}

bp_status bp_pairs_create(bp_pairs *pairs, const bp_network *network) {
    *pairs = (bp_pairs){.list = NULL};
    const size_t floats = list_pairs(pairs, network);
    pairs->list = calloc(pairs->count, sizeof *pairs->list);
    pairs->memory = malloc(floats * sizeof *pairs->memory);
    if (!pairs->list || !pairs->memory) {
        bp_pairs_destroy(pairs);
        return BP_ERROR_MEMORY;
    }
    list_pairs(pairs, network);
    return BP_OK;
}

void bp_pairs_destroy(bp_pairs *pairs) {
    free(pairs->list);
    free(pairs->memory);
    *pairs = (bp_pairs){.list = NULL};
}

static bp_status get_pair(const bp_pair *pair, const bp_network *network) {
    if (pair->kind == BP_PAIR_NORMALIZATION)
        return bp_network_get_normalization(network, pair->layer, pair->first, pair->second);
    return bp_network_get_parameters(network, pair->layer, pair->first, 0, pair->second);
}

static bp_status set_pair(const bp_pair *pair, bp_network *network) {
    if (pair->kind == BP_PAIR_NORMALIZATION)
        return bp_network_set_normalization(network, pair->layer, pair->first, pair->second);
    return bp_network_set_parameters(network, pair->layer, pair->first, 0, pair->second);
}

bp_status bp_pairs_get(const bp_pairs *pairs, const bp_network *network) {
    bp_status status = BP_OK;
    for (size_t k = 0; k < pairs->count && status == BP_OK; k++)
        status = get_pair(&pairs->list[k], network);
    return status;
}

bp_status bp_pairs_set(const bp_pairs *pairs, bp_network *network) {
    bp_status status = BP_OK;
    for (size_t k = 0; k < pairs->count && status == BP_OK; k++)
        status = set_pair(&pairs->list[k], network);
    return status;
}

bp_tensor bp_pair_first(const bp_pair *pair) {
    const bool matrix = pair->kind == BP_PAIR_LINEAR;
    return (bp_tensor){.name = pair->first_name,
                       .dtype = BP_DTYPE_F32,
                       .dimensions = matrix ? 2 : 1,
                       .shape = pair->first_shape,
                       .data = pair->first,
                       .strides = matrix ? pair->first_strides : NULL};
}

bp_tensor bp_pair_second(const bp_pair *pair) {
    return (bp_tensor){.name = pair->second_name,
                       .dtype = BP_DTYPE_F32,
                       .dimensions = 1,
                       .shape = pair->first_shape,
                       .data = pair->second};
}
