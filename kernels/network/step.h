/* A step under way, from the public functions (step.c) to the workers that work it, slice by slice (slice.c). */
#ifndef BP_NETWORK_STEP_H
#define BP_NETWORK_STEP_H

#include <backprop/backward.h>

#include "network/network.h"

typedef struct step {
    bp_network *network;
    bp_batch batch; /* strides filled in */
    float *outputs; /* where the last layer's outputs are wanted, or null */
    size_t output_stride;
    float *row_loss; /* null if not wanted */
    float scale;     /* of the loss */
    float learning_rate;
    bool train;                          /* goes backward */
    const bp_backward_options *options;  /* strides filled in; null: a training step of the network's own loss */
    const bp_coefficients *coefficients; /* of the update; null: plain SGD by rate */
    bool store;                          /* gradients stay in the sums, and update nothing here */
    bool continues;                      /* they are added to those of earlier steps */
    size_t first_row;                    /* of the batch of which this is a part, as dropout's masks count */
    size_t begin, rows;                  /* the slice */
    bool in_place;                       /* its inputs are read where the caller has them, not packed */
} step;

/** Rows that one worker works: `from` is the first in the batch, `stored` where it lies in the network's matrices. */
typedef struct row_range {
    size_t from, stored, rows;
    void *scratch;
} row_range;

/** What becomes of the weights' gradient. */
static inline bp_gradient_mode bp_step_gradient(const step *s) {
    return s->options ? s->options->gradient : BP_GRADIENT_MODE_UPDATE;
}

/** Where the gradient of the inputs is wanted, or null. */
static inline float *bp_step_input_gradient(const step *s) {
    return s->options ? s->options->input_gradient : NULL;
}

/** Whether the loss is the caller's, given as deltas or a function: then of the batch the inputs count alone. */
static inline bool bp_step_has_callers_loss(const step *s) {
    return s->options && (s->options->loss_callback || s->options->delta);
}

/** Whether deltas come from a function of the caller's, which is called in order, on its own thread. */
static inline bool bp_step_calls_back(const step *s) {
    return s->options && s->options->loss_callback;
}

/** Checks rows and inputs of a batch; fills in the default stride. */
bp_status bp_step_check_inputs(const bp_network *network, bp_batch *batch);

/** Checks a batch that is to be trained on, as bp_network_train_step does; fills in its strides. */
bp_status bp_step_check(const bp_network *network, bp_batch *batch);

/**
 * The words of bp_error_message for a step that was refused, from another look at its arguments: explain.c. Each
 * returns `status`, which its check gave: bp_step_check_inputs, bp_step_check, then those of what a call writes.
 */
bp_status bp_inputs_refuse(const bp_network *network, const bp_batch *batch, bp_status status) __attribute__((cold));
bp_status bp_batch_refuse(const bp_network *network, const bp_batch *batch, bp_status status) __attribute__((cold));
bp_status bp_outputs_refuse(const step *s, bp_status status) __attribute__((cold));
bp_status bp_backward_refuse(const step *s, bp_status status) __attribute__((cold));
bp_status bp_learning_rate_refuse(float learning_rate, const char *name) __attribute__((cold));
bp_status bp_steps_refuse(const bp_network *network) __attribute__((cold));
bp_status bp_swapped_refuse(void) __attribute__((cold));

/** A checked training step of a network that is not `sgd_only`: update.c. */
bp_status bp_update_step(step *s, float *loss);

/** Whether the slice's gradients are the first of their sums, and whether they update the weights. */
static inline bool bp_step_begins(const step *s) {
    return s->begin == 0 && !s->continues;
}

static inline bool bp_step_updates(const step *s) {
    return s->begin + s->rows == s->batch.rows && !s->store && bp_step_gradient(s) == BP_GRADIENT_MODE_UPDATE;
}

/** Loss of rows whose outputs are known, and the output layer's deltas if the step trains: loss.c. */
void bp_step_loss(const step *s, row_range p);

/**
 * The network's own loss of rows row .. row + rows - 1 of a batch, whose row-major outputs are a: their losses and the
 * output layer's deltas, each if it is not null. Deltas of an output layer that keeps derivatives are still to be
 * multiplied by them.
 */
void bp_loss_evaluate(const bp_network *network, const bp_batch *batch, float scale, float *delta, size_t ldd,
                      float *row_loss, const float *a, size_t lda, size_t row, size_t rows);

/** Runs a checked step as a part of a batch of so many rows, and computes its part of the loss if it is wanted. */
void bp_step_run(step *s, size_t batch_rows, float *loss);

/** Whether a training step of so many rows is one row's, on one worker. */
static inline bool bp_step_is_row(const bp_network *network, size_t rows) {
    return rows == 1 && !network->regularized && network->frozen == 0 &&
           bp_useful_workers(network->row_flops, network->workers) == 1;
}

/** How the next rows of a batch are worked. */
typedef struct slice_plan {
    size_t rows;
    size_t workers;        /* at the loss, or all of them where they take blocks */
    size_t update_workers; /* elsewhere */
    bool blocks;           /* each worker takes whole row blocks */
} slice_plan;

/** The next slice of a batch of which so many rows are left; `in_order`: their loss is computed by one thread. */
slice_plan bp_step_plan(const bp_network *network, size_t left, bool train, bool in_order);

/** Takes the next rows of the batch as the slice s->begin, s->rows, and does all that the step does with them. */
void bp_step_slice(step *s);

#endif
