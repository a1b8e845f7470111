/*
 * Two networks of one fuzzed description: one on the scalar kernels and one thread, the other on any instruction set,
 * with any number of threads. Whatever is done to both must leave both with the same bits.
 */
#ifndef BACKPROP_TESTS_FUZZ_SUBJECTS_H
#define BACKPROP_TESTS_FUZZ_SUBJECTS_H

#include "bytes.h"
#include "fuzz.h"

enum { SUBJECT_LAYERS_MAX = 4 };

typedef struct subject {
    bp_network *network;
    size_t allocations; /* not yet released */
    void *memory;       /* that it was made in */
    size_t refuse;      /* the allocation that fails, counted down; 0: none */
} subject;

/** A description with what it points to. */
typedef struct description {
    bp_network_config config; /* whose pointers lead to the others */
    bp_loss_options loss_options;
    bp_optimizer optimizer;
    bp_allocator allocator;
    bool odd; /* the library may refuse it */
    size_t sizes[SUBJECT_LAYERS_MAX + 1];
    bp_activation activations[SUBJECT_LAYERS_MAX];
    float dropout[SUBJECT_LAYERS_MAX];
    bool normalize[SUBJECT_LAYERS_MAX];
} description;

/** A description that is good; with `odd` one thing of it may be anything. */
void take_description(bytes *in, description *d, bool odd);

/** Makes both, or neither: false, if the library refuses the description, or it takes too much memory. */
bool subjects_create(subject pair[2], const description *d, bytes *in);

void subjects_destroy(subject pair[2]);

/** Hash of all that a network has: parameters, state, averages, kept gradients, steps, seed. */
uint64_t subject_state(const bp_network *network);

#endif
