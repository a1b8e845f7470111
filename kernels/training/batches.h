/* A data set's rows, cut into batches; private to this folder. */
#ifndef BP_TRAINING_BATCHES_H
#define BP_TRAINING_BATCHES_H

#include <backprop/data.h>
#include <backprop/network.h>

#include "check/refuse.h"
#include "network/arena.h"

struct bp_batches {
    bp_dataset set; /* strides filled in */
    size_t batch;
    size_t done;           /* rows of this pass */
    const uint32_t *order; /* row numbers in the order of this pass; null: the arrays' order */
    uint32_t *own;         /* room for an order, or null */
    float *inputs;         /* room for a batch, or null */
    float *targets;
    uint32_t *labels;
    float *weights;
    bool started; /* a batch has been taken */
    size_t last;  /* the row at which it began */
    bp_allocator allocator;
};

/** Checks a data set and fills in its strides. Sets the message, which uses `name`. */
bp_status bp_dataset_check(const bp_dataset *dataset, const char *name, bp_dataset *checked);

/** Arrays that a data set may have, and their names. */
#define BP_DATASET_ARRAYS 5
extern const matrix_names bp_dataset_names[BP_DATASET_ARRAYS];

/**
 * A checked data set's arrays, null for those that it lacks. With an index the number of rows is unknown: they count as
 * having one.
 */
void bp_dataset_arrays(const bp_dataset *checked, matrix arrays[BP_DATASET_ARRAYS]);

/**
 * The walk over the arrays that batches of b->set and b->batch need, with or without `shuffles`; without a base it
 * counts bytes.
 */
void bp_batches_lay_out(arena *a, bp_batches *b, bool shuffles);

/** The bytes of the walk, in memory of any alignment. BP_ERROR_OVERFLOW. */
bp_status bp_batches_room(bp_batches *b, bool shuffles, size_t *bytes);

#endif
