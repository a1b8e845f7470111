#include "storage/arrays.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/update.h>

/* For a name that is made here. */
enum { NAME_ROOM = 96 };

/* Adds a pair of module `module`; null list: counts alone. `prefix` stands before its names. */
static void add_pair(bp_pairs *pairs, size_t *floats, bp_pair pair, const char *prefix, size_t module) {
    const size_t first = pair.kind == BP_PAIR_LINEAR ? pair.in * pair.out : pair.out;
    if (pairs->list) {
        pair.first = pairs->memory + *floats;
        pair.second = pair.first + first;
        pair.first_shape[0] = pair.first_strides[1] = pair.out;
        pair.first_shape[1] = pair.in;
        pair.first_strides[0] = 1; /* the file has the transpose of the network's [in x out] */
        char *name = pairs->names + 2 * pairs->count * NAME_ROOM;
        snprintf(name, NAME_ROOM, "%s%zu.weight", prefix, module);
        snprintf(name + NAME_ROOM, NAME_ROOM, "%s%zu.bias", prefix, module);
        pair.first_name = name;
        pair.second_name = name + NAME_ROOM;
        pairs->list[pairs->count] = pair;
    }
    pairs->count++;
    *floats += first + pair.out;
}

/* Adds all pairs of one set. Numbers the modules as nn.Sequential does. */
static void add_set(bp_pairs *pairs, size_t *floats, const bp_network *network, size_t set) {
    char prefix[NAME_ROOM / 2] = "";
    if (set > 0)
        snprintf(prefix, sizeof prefix, BP_STATE_PREFIX "%s.", bp_network_state_name(network, set - 1));
    size_t module = 0;
    bp_layer layer;
    for (size_t l = 0; bp_network_layer(network, l, &layer) == BP_OK; l++) {
        bp_pair pair = {.kind = BP_PAIR_LINEAR, .set = set, .layer = l, .in = layer.in, .out = layer.out};
        add_pair(pairs, floats, pair, prefix, module++);
        pair.kind = BP_PAIR_NORMALIZATION;
        if (layer.normalized)
            add_pair(pairs, floats, pair, prefix, module++);
        module += layer.activation.kind != BP_ACTIVATION_IDENTITY;
        module += layer.dropout > 0.0f;
    }
}

/* Returns the number of floats; a network's fit into memory. */
static size_t list_pairs(bp_pairs *pairs, const bp_network *network, bool whole) {
    const size_t sets = whole ? 1 + bp_network_states(network) : 1;
    size_t floats = 0;
    pairs->count = 0;
    for (size_t set = 0; set < sets; set++)
        add_set(pairs, &floats, network, set);
    return floats;
}

bp_status bp_pairs_create(bp_pairs *pairs, const bp_network *network, bool whole) {
    *pairs = (bp_pairs){.list = NULL};
    const size_t floats = list_pairs(pairs, network, whole);
    pairs->list = calloc(pairs->count, sizeof *pairs->list);
    pairs->memory = malloc(floats * sizeof *pairs->memory);
    pairs->names = malloc(2 * pairs->count * NAME_ROOM);
    if (!pairs->list || !pairs->memory || !pairs->names) {
        bp_pairs_destroy(pairs);
        return BP_ERROR_MEMORY;
    }
    list_pairs(pairs, network, whole);
    return BP_OK;
}

/* "fc1.weight", or "weight" alone of a module without a name. Returns where the next name begins. */
static char *write_name(char *to, bp_module module, const char *member) {
    memcpy(to, module.name, module.length);
    return to + module.length + 1 + (size_t)sprintf(to + module.length, "%s%s", module.length ? "." : "", member);
}

bp_status bp_pairs_rename(bp_pairs *pairs, const bp_module *modules) {
    size_t bytes = 0;
    for (size_t k = 0; k < pairs->count; k++)
        bytes += 2 * (modules[k].length + sizeof ".weight");
    char *names = malloc(bytes), *next = names;
    if (!names)
        return BP_ERROR_MEMORY;
    for (size_t k = 0; k < pairs->count; k++) {
        pairs->list[k].first_name = next;
        next = write_name(next, modules[k], "weight");
        pairs->list[k].second_name = next;
        next = write_name(next, modules[k], "bias");
    }
    free(pairs->names);
    pairs->names = names;
    return BP_OK;
}

void bp_pairs_destroy(bp_pairs *pairs) {
    free(pairs->list);
    free(pairs->memory);
    free(pairs->names);
    *pairs = (bp_pairs){.list = NULL};
}

static bp_status get_pair(const bp_pair *p, const bp_network *network) {
    if (p->kind == BP_PAIR_NORMALIZATION)
        return p->set > 0 ? bp_network_get_normalization_state(network, p->set - 1, p->layer, p->first, p->second)
                          : bp_network_get_normalization(network, p->layer, p->first, p->second);
    if (p->set > 0)
        return bp_network_get_state(network, p->set - 1, p->layer, p->first, 0, p->second);
    return bp_network_get_parameters(network, p->layer, p->first, 0, p->second);
}

static bp_status set_pair(const bp_pair *p, bp_network *network) {
    if (p->kind == BP_PAIR_NORMALIZATION)
        return p->set > 0 ? bp_network_set_normalization_state(network, p->set - 1, p->layer, p->first, p->second)
                          : bp_network_set_normalization(network, p->layer, p->first, p->second);
    if (p->set > 0)
        return bp_network_set_state(network, p->set - 1, p->layer, p->first, 0, p->second);
    return bp_network_set_parameters(network, p->layer, p->first, 0, p->second);
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
