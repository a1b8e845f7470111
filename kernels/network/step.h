/* A step under way, from the public functions (step.c) to the lanes that work it, slice by slice (slice.c). */
#ifndef BP_NETWORK_STEP_H
#define BP_NETWORK_STEP_H

#include "network/network.h"

typedef struct step {
    bp_network *network;
    bp_batch batch; /* strides filled in */
    float *outputs; /* where the last layer's outputs are wanted, or null */
    size_t output_stride;
    float *row_loss; /* null if not wanted */
    float scale;     /* 1 / rows */
    float rate;
    bool train;
    size_t begin, rows; /* the slice */
    bool in_place;      /* its inputs are read where the caller has them, not packed */
} step;

/** Rows that one lane works: `from` is the first in the batch, `at` where it is kept in the network's matrices. */
typedef struct part {
    size_t from, at, rows;
    void *scratch;
} part;

/** Loss of rows whose outputs are known, and the output layer's deltas if the step trains. */
void bp_step_loss(const step *s, part p);

/** Takes the next rows of the batch as the slice s->begin, s->rows, and does all that the step does with them. */
void bp_step_slice(step *s);

#endif
