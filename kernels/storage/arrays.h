/* A network as a list of arrays with the names and shapes that they have in files. */
#ifndef BP_STORAGE_ARRAYS_H
#define BP_STORAGE_ARRAYS_H

#include <stdbool.h>

#include <backprop/network.h>
#include <backprop/safetensors.h>

typedef enum bp_pair_kind { BP_PAIR_LINEAR, BP_PAIR_NORMALIZATION } bp_pair_kind;

/** What one call on the network copies: weights and biases of a layer, or gain and shift, or an array of the
 *  optimizer's state for them. */
typedef struct bp_pair {
    bp_pair_kind kind;
    size_t set; /* 0: the parameters; 1 + k: array k of their state */
    size_t layer, in, out;
    float *first, *second;
    const char *first_name, *second_name;
    const bp_tensor *first_tensor, *second_tensor; /* of a file that is read: see matching.h */
    size_t first_shape[2], first_strides[2];
} bp_pair;

typedef struct bp_pairs {
    bp_pair *list;
    size_t count;
    float *memory; /* of all arrays */
    char *names;
} bp_pairs;

/** Before the names of what only a checkpoint has. */
#define BP_STATE_PREFIX "training."

/** Lists the arrays of a network, with memory for them: its parameters, and where the whole state is asked for, all
 * that the optimizer keeps of them. BP_ERROR_MEMORY, with nothing allocated. */
bp_status bp_pairs_create(bp_pairs *pairs, const bp_network *network, bool whole);

/** A module's name, not ended by a NUL. */
typedef struct bp_module {
    const char *name;
    size_t length;
} bp_module;

/** Gives the arrays of parameters the names that these modules' tensors have, one module a pair. BP_ERROR_MEMORY. */
bp_status bp_pairs_rename(bp_pairs *pairs, const bp_module *modules);

void bp_pairs_destroy(bp_pairs *pairs);

/** Copies all arrays out of the network, or into it, in their order: a moving average after its parameters. */
bp_status bp_pairs_get(const bp_pairs *pairs, const bp_network *network);
bp_status bp_pairs_set(const bp_pairs *pairs, bp_network *network);

/** Describes the arrays of a pair as tensors, with their data and strides. */
bp_tensor bp_pair_first(const bp_pair *pair);
bp_tensor bp_pair_second(const bp_pair *pair);

#endif
