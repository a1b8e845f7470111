/* The current step: one batch on one network. step_run.c runs it, slice by slice. */
#ifndef BP_NETWORK_STEP_H
#define BP_NETWORK_STEP_H

#include <backprop/backward.h>

#include "network/network.h"
#include "network/range.h"

typedef struct step {
    const bp_network *network;
    bp_workspace *workspace;
    bp_batch batch; /* strides filled in */
    bool train;     /* with the backward pass */

    /* A forward step. */
    float *outputs; /* receives the last layer's outputs, or null */
    size_t output_stride;

    /* A step with a loss. */
    float *row_loss; /* null if not wanted */
    float scale;     /* of the loss */

    /* A training step. */
    const bp_backward_options *options; /* strides filled in; null: the network's own loss, nothing else wanted */
    bp_gradient_mode gradient;          /* what becomes of it */
    bool continues;                     /* it is added to that of earlier steps */
    const bp_coefficients *update;      /* of the parameters, if the gradient's mode is UPDATE */
    size_t first_row;                   /* of this part of the batch, for dropout's masks */

    /* The slice of the batch that goes through the layers now. */
    size_t begin, rows;
    bool inputs_in_place; /* the caller's inputs are read where they are, not packed */
    gradient_use use;     /* of the slice's gradient */
} step;

/** Rows of one worker: `from` is the first in the batch, `stored` its row in the workspace's matrices. */
typedef struct row_range {
    size_t from, stored, rows;
    void *scratch;
} row_range;

static inline void *bp_worker_scratch(const step *s, size_t worker) {
    return s->workspace->scratch + worker * s->workspace->scratch_bytes;
}

/** The rows of the slice that `worker` takes. */
static inline row_range bp_rows_of_worker(const step *s, size_t worker, size_t workers) {
    const range mine = range_of(s->rows, 1, worker, workers);
    return (row_range){s->begin + mine.begin, mine.begin, mine.end - mine.begin, bp_worker_scratch(s, worker)};
}

/** All rows of the slice, for `worker`. */
static inline row_range bp_all_rows(const step *s, size_t worker) {
    return (row_range){s->begin, 0, s->rows, bp_worker_scratch(s, worker)};
}

/** The part of a matrix from row r and column c on. */
static inline bp_packed bp_part(const step *s, const bp_packed *m, size_t r, size_t c) {
    return bp_packed_part(*m, s->network->backend->panel_width, r, c);
}

/** The same, as kernels take it: the matrix itself if it is all of it, else in `*part`. */
static inline const bp_packed *bp_part_in(const step *s, const bp_packed *m, size_t r, size_t c, bp_packed *part) {
    if (r == 0 && c == 0)
        return m;
    *part = bp_part(s, m, r, c);
    return part;
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

/** The inputs of layer l, for some rows, from column c on; perhaps in `*part`. */
static inline const bp_packed *bp_layer_inputs(const step *s, size_t l, row_range p, size_t c, bp_packed *part) {
    if (l > 0)
        return bp_part_in(s, &s->workspace->layers[l - 1].outputs, p.stored, c, part);
    if (!s->inputs_in_place)
        return bp_part_in(s, &s->workspace->inputs, p.stored, c, part);
    const size_t stride = s->batch.input_stride;
    *part = (bp_packed){(float *)s->batch.inputs + p.from * stride + c, stride, s->network->backend->panel_width};
    return part;
}

#endif
