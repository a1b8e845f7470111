/* The current step: step.c makes it, slice.c runs it slice by slice. */
#ifndef BP_NETWORK_STEP_H
#define BP_NETWORK_STEP_H

#include <backprop/backward.h>

#include "network/network.h"

typedef struct step {
    bp_network *network;
    bp_batch batch; /* strides filled in */
    float *outputs; /* receives the last layer's outputs, or null */
    size_t output_stride;
    float *row_loss;                    /* null if not wanted */
    float scale;                        /* of the loss */
    bool train;                         /* with the backward pass */
    const bp_backward_options *options; /* strides filled in; null: a training step of the network's own loss */
    bool store;                         /* gradients are stored; slices update nothing */
    bool continues;                     /* they are added to the gradients of earlier steps */
    size_t first_row;                   /* of this part of the batch, for dropout's masks */
    size_t begin, rows;                 /* the slice */
    bool in_place;                      /* the caller's inputs are read in place, not packed */
} step;

/** Rows of one worker: `from` is the first in the batch, `stored` its row in the network's matrices. */
typedef struct row_range {
    size_t from, stored, rows;
    void *scratch;
} row_range;

/** What the step does with the gradient. */
static inline bp_gradient_mode bp_step_gradient(const step *s) {
    return s->options ? s->options->gradient : BP_GRADIENT_MODE_UPDATE;
}

/** Receives the gradient of the inputs, or null. */
static inline float *bp_step_input_gradient(const step *s) {
    return s->options ? s->options->input_gradient : NULL;
}

/** Whether the caller gives the loss, as deltas or as a callback: then the batch's targets are not used. */
static inline bool bp_step_has_callers_loss(const step *s) {
    return s->options && (s->options->loss_callback || s->options->delta);
}

/** Whether a callback gives the deltas. It is called in the order of rows, on the caller's thread. */
static inline bool bp_step_calls_back(const step *s) {
    return s->options && s->options->loss_callback;
}

/** Checks rows and inputs of a batch; fills in the default stride. */
bp_status bp_step_check_inputs(const bp_network *network, bp_batch *batch);

/** Checks a batch as bp_network_train_step does; fills in its strides. */
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
bp_status bp_update_step(step *s, float learning_rate, float *loss);

/** Whether the slice's gradient is the first of the sum, and whether the slice updates the weights. */
static inline bool bp_step_begins(const step *s) {
    return s->begin == 0 && !s->continues;
}

static inline bool bp_step_updates(const step *s) {
    return s->begin + s->rows == s->batch.rows && !s->store && bp_step_gradient(s) == BP_GRADIENT_MODE_UPDATE;
}

/** The loss of rows after their forward pass, and the output layer's deltas if the step trains: loss.c. */
void bp_step_loss(const step *s, row_range p);

/**
 * The network's loss of rows row .. row + rows - 1 of a batch, whose row-major outputs are a: the rows' losses and the
 * output layer's deltas, each if not null. If the output layer saves derivatives, the caller multiplies the deltas by
 * them.
 */
void bp_loss_evaluate(const bp_network *network, const bp_batch *batch, float scale, float *delta, size_t ldd,
                      float *row_loss, const float *a, size_t lda, size_t row, size_t rows);

/** Runs a checked step as a part of a batch of so many rows, and computes its part of the loss if `loss` is not null.
 */
void bp_step_run(step *s, size_t batch_rows, float *loss);

/** The partition of the next rows of a batch. */
typedef struct slice_plan {
    size_t rows;
    size_t workers;        /* of loss_phase, or of blocks_phase */
    size_t update_workers; /* of the other phases */
    bool blocks;           /* each worker takes whole row blocks */
} slice_plan;

/** The next slice of a batch with so many rows left; `in_order`: one thread computes the loss. */
slice_plan bp_step_plan(const bp_network *network, size_t left, bool train, bool in_order);

/** Runs the next slice, which begins at row s->begin; sets s->rows. */
void bp_step_slice(step *s);

#endif
