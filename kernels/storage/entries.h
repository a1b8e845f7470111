/* A network's tensors as a file has them: with its names, transposed weights, and memory for their values. */
#ifndef BP_STORAGE_ENTRIES_H
#define BP_STORAGE_ENTRIES_H

#include <stdbool.h>

#include <backprop/network.h>
#include <backprop/safetensors.h>

typedef struct bp_entry {
    size_t index;     /* in the network's list */
    bp_tensor tensor; /* name, shape and values in the file: a Linear's weight is [out x in] */
    size_t shape[2];
    float *values;          /* packed; tensor.data */
    const bp_tensor *found; /* in a file that is read: see matching.h */
} bp_entry;

/** Entries 2 m and 2 m + 1 are weight and bias of module m: of a Linear, whose weight is a matrix, or a LayerNorm. */
typedef struct bp_entries {
    bp_entry *list;
    size_t count;
    float *memory; /* of all values */
    char *names;
} bp_entries;

/** Before the names of what only a checkpoint has. */
#define BP_STATE_PREFIX "training."

/** Lists a network's parameters, and of a whole checkpoint the optimizer's state and the average of each.
 *  BP_ERROR_MEMORY, with nothing allocated. */
bp_status bp_entries_create(bp_entries *entries, const bp_network *network, bool whole);

/** A module's name, not ended by a NUL. */
typedef struct bp_module {
    const char *name;
    size_t length;
} bp_module;

/** Gives the parameters the names that the tensors of these modules have, entries->count / 2. BP_ERROR_MEMORY. */
bp_status bp_entries_rename(bp_entries *entries, const bp_module *modules);

void bp_entries_destroy(bp_entries *entries);

/** Copies all values out of the network, or into it, in their order: a moving average after its parameters. */
bp_status bp_entries_get(const bp_entries *entries, const bp_network *network);
bp_status bp_entries_set(const bp_entries *entries, bp_network *network);

/** Copies the parameters out of the network, also while the EMA is swapped in. `entries` are the parameters alone. */
bp_status bp_entries_get_parameters(const bp_entries *entries, const bp_network *network);

#endif
