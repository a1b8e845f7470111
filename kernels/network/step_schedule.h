/*
 * The schedule of a slice: which operations run in which order, on which number of workers, and where workers wait for
 * each other. It is a pure function of the network, the limits of a workspace, and a few facts about the step;
 * step_run.c runs it, summary.c prints it.
 */
#ifndef BP_NETWORK_STEP_SCHEDULE_H
#define BP_NETWORK_STEP_SCHEDULE_H

#include "network/network.h"

/* What a worker does, with its rows, its columns, or its part of the parameters. */
typedef enum operation_kind {
    /* With some rows. A worker without rows leaves them out. */
    PACK_INPUTS,
    FORWARD_ROWS,  /* through all these layers */
    WRITE_OUTPUTS, /* to the caller */
    LOSS,          /* and the last layer's deltas */
    DELTAS_ROWS,   /* back through all these layers: the deltas of the layer before each */
    /* With all rows. */
    FORWARD_COLUMNS,  /* some columns of one layer's outputs */
    BACKWARD_COLUMNS, /* some columns of the deltas before one layer, and the gradient of that part */
    UPDATE,           /* the gradient of a part of each layer; it is stored, or updates the parameters */
    BACKWARD,         /* layer by layer: the deltas before it, then its gradient */
    SMALL_STEP,       /* everything, for a small network, in one call */
    /* With a row block. */
    BLOCK_GRADIENT, /* layer by layer: the deltas before it, and the gradient, stored apart */
    /* With a part of all parameters. */
    ADD_BLOCKS, /* the sum of the blocks' gradients; it is stored, or updates the parameters */
} operation_kind;

typedef struct step_operation {
    operation_kind kind;
    size_t first, end; /* layers */
} step_operation;

/* What workers do between two barriers: its operations, one after the other. */
typedef struct step_phase {
    size_t workers;
    bool each_block; /* each worker takes whole row blocks, one after the other; else one part of the rows */
    size_t count;
    step_operation operations[4];
} step_phase;

/* What a schedule depends on, beside the network. */
typedef struct step_request {
    size_t rows; /* that are left of the batch */
    size_t input_stride;
    bool outputs;        /* they are written for the caller */
    bool train;          /* backward, too */
    bool skips_gradient; /* only deltas are wanted */
    bool input_gradient; /* dL/dx is wanted */
    bool in_order;       /* one thread computes the loss, row by row */
    bool one_call;       /* SMALL_STEP may do it: never set by run_step, which has asked bp_schedule_is_small before */
} step_request;

typedef struct step_schedule {
    size_t rows;          /* of the slice */
    bool inputs_in_place; /* the caller's inputs are read where they are, not packed */
    size_t count;
    step_phase *phases; /* [MOST_PHASES(layers)] */
} step_schedule;

/** The most phases that a slice of a network of so many layers may take. */
#define MOST_PHASES(layers) (2 * (layers) + 4)

/** Whether SMALL_STEP does a batch of so many rows, if its step allows it. */
static inline bool bp_schedule_is_small(const bp_network *network, const bp_workspace *w, size_t rows, bool train) {
    return rows <= w->small_rows && !(train && network->frozen > 0);
}

/** Plans the next slice into s->phases, within the limits of a workspace. */
void bp_schedule_slice(step_schedule *s, const bp_network *network, const bp_workspace *w, const step_request *request);

/** Whether `workers` workers share layer l by columns rather than by rows, for a slice of so many rows. */
bool bp_schedule_by_columns(const bp_network *network, size_t l, size_t rows, size_t workers);

#endif
