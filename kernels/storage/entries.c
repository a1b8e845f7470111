#include "storage/entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/tensor.h>
#include <backprop/update.h>

/* For a name: a prefix, and what the network calls the tensor. */
enum { NAME_ROOM = sizeof BP_STATE_PREFIX + sizeof(((bp_tensor_info *)NULL)->name) };

static size_t elements(const bp_tensor_info *info) {
    return info->shape[0] * info->shape[1];
}

/* The next tensor from `index` on that the file has. */
static bool find_next(const bp_network *network, bool whole, size_t *index, bp_tensor_info *info) {
    const size_t count = bp_network_tensor_count(network);
    for (; *index < count && bp_network_tensor_info(network, *index, info) == BP_OK; ++*index) {
        const bool state = info->role == BP_TENSOR_ROLE_STATE || info->role == BP_TENSOR_ROLE_EMA;
        if (info->role == BP_TENSOR_ROLE_PARAMETER || (whole && state))
            return true;
    }
    return false;
}

static void fill_in(bp_entry *entry, size_t index, const bp_tensor_info *info, float *values, char *name) {
    const char *prefix = info->role == BP_TENSOR_ROLE_PARAMETER ? "" : BP_STATE_PREFIX;
    snprintf(name, NAME_ROOM, "%s%s", prefix, info->name);
    const bool matrix = info->dimensions == 2;
    *entry = (bp_entry){.index = index,
                        .tensor = {.name = name, .dtype = BP_DTYPE_F32, .dimensions = info->dimensions, .data = values},
                        .shape = {info->shape[matrix], info->shape[!matrix]},
                        .values = values};
    entry->tensor.shape = entry->shape;
}

bp_status bp_entries_create(bp_entries *entries, const bp_network *network, bool whole) {
    *entries = (bp_entries){.list = NULL};
    bp_tensor_info info;
    size_t count = 0, floats = 0; /* a network's fit into memory */
    for (size_t index = 0; find_next(network, whole, &index, &info); index++) {
        count++;
        floats += elements(&info);
    }
    entries->list = calloc(count, sizeof *entries->list);
    entries->memory = malloc(floats * sizeof *entries->memory);
    entries->names = malloc(count * NAME_ROOM);
    if (!entries->list || !entries->memory || !entries->names) {
        bp_entries_destroy(entries);
        return BP_ERROR_MEMORY;
    }
    float *next = entries->memory;
    for (size_t index = 0; find_next(network, whole, &index, &info); index++) {
        fill_in(&entries->list[entries->count], index, &info, next, entries->names + entries->count * NAME_ROOM);
        next += elements(&info);
        entries->count++;
    }
    return BP_OK;
}

/* "fc1.weight", or "weight" alone of a module without a name. Returns where the next name begins. */
static char *write_name(char *to, bp_module module, const char *member) {
    memcpy(to, module.name, module.length);
    return to + module.length + 1 + (size_t)sprintf(to + module.length, "%s%s", module.length ? "." : "", member);
}

bp_status bp_entries_rename(bp_entries *entries, const bp_module *modules) {
    size_t bytes = 0;
    for (size_t k = 0; k < entries->count; k++)
        bytes += modules[k / 2].length + sizeof ".weight";
    char *names = malloc(bytes), *next = names;
    if (!names)
        return BP_ERROR_MEMORY;
    for (size_t k = 0; k < entries->count; k++) {
        entries->list[k].tensor.name = next;
        next = write_name(next, modules[k / 2], k % 2 ? "bias" : "weight");
    }
    free(entries->names);
    entries->names = names;
    return BP_OK;
}

void bp_entries_destroy(bp_entries *entries) {
    free(entries->list);
    free(entries->memory);
    free(entries->names);
    *entries = (bp_entries){.list = NULL};
}

/* The file has the transpose of a network's [in x out]. */
static const size_t *strides_of(const bp_entry *entry, size_t strides[2]) {
    strides[0] = 1;
    strides[1] = entry->shape[1];
    return entry->tensor.dimensions == 2 ? strides : NULL;
}

/* Copies the tensors out of the network that come `offset` after the entries' own in its list. */
static bp_status read_all(const bp_entries *entries, const bp_network *network, size_t offset) {
    bp_status status = BP_OK;
    size_t strides[2];
    for (const bp_entry *e = entries->list; e < entries->list + entries->count && status == BP_OK; e++)
        status = bp_network_tensor_read(network, e->index + offset, e->values, strides_of(e, strides));
    return status;
}

bp_status bp_entries_get(const bp_entries *entries, const bp_network *network) {
    return read_all(entries, network, 0);
}

/* The EMA's tensors are the last of the list, one for each parameter. */
bp_status bp_entries_get_parameters(const bp_entries *entries, const bp_network *network) {
    const size_t average = bp_network_tensor_count(network) - entries->count;
    return read_all(entries, network, bp_network_ema_swapped(network) ? average : 0);
}

bp_status bp_entries_set(const bp_entries *entries, bp_network *network) {
    bp_status status = BP_OK;
    size_t strides[2];
    for (const bp_entry *e = entries->list; e < entries->list + entries->count && status == BP_OK; e++)
        status = bp_network_tensor_write(network, e->index, e->values, strides_of(e, strides));
    return status;
}
