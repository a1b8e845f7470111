/*
 * What is chosen when a network is made, and never changes (bp_network_evaluate sums the losses for a moment): the
 * number of workers, the rows of a slice, which arrays. plan.c has the reasons and the constants.
 */
#ifndef BP_NETWORK_PLAN_H
#define BP_NETWORK_PLAN_H

#include "backend.h"

typedef struct network_plan {
    size_t layers;
    size_t max_batch_size;
    bp_loss_kind loss;
    float loss_parameter;     /* its threshold or smoothing */
    bp_reduction reduction;   /* over the rows of a batch */
    bool keeps_gradients;     /* the caller may store and accumulate gradients */
    bool updates_by_gradient; /* steps store the gradient first: to clip its norm, or for gamma and beta */
    bool clips_norm;
    bool regularized;      /* a layer has normalization or dropout */
    double row_flops;      /* floating-point operations of one row's forward pass */
    double row_step_flops; /* and of its training step */
    size_t workers;        /* of a step, at most */
    size_t slice_rows;     /* a whole number of row blocks, unless one slice holds the largest batch */
    size_t worker_blocks;  /* row blocks of each worker in a slice; 0: never whole blocks */
    size_t small_rows;     /* batches of up to this many rows run in one call; 0: the network is not small */
    void (*small_step)(const bp_small_step *step); /* that call */
    bp_loss_kind small_loss;                       /* the network's if that call knows it, else LOSS_COUNT */
    size_t states;                                 /* arrays of optimizer state, the average included */
    size_t gradient_buffers; /* one for the sum over slices, and one for each row block of a slice */
    size_t scratch_bytes;    /* of each worker */
} network_plan;

/** Plans a network by its checked configuration. Reads BACKPROP_THREADS if config.threads is 0. */
bp_status bp_plan_network(const bp_network_config *config, const bp_backend *backend, network_plan *plan);

/** Floating-point operations of the products of one step. */
double bp_step_flops(const size_t *sizes, size_t layers, size_t rows);

/*
 * A worker with fewer floating-point operations costs more than it saves: some 2 to 4 us of one core's time between two
 * barriers, and in a training step, where weights and values also cross between cores, 10 to 20 us of the step.
 */
#define FLOPS_PER_WORKER 3e5
#define STEP_FLOPS_PER_WORKER 2e6

static inline size_t bp_workers_for(double flops, double flops_per_worker, size_t workers) {
    const double useful = flops / flops_per_worker;
    if (workers == 1 || useful < 2.0)
        return 1;
    return useful < (double)workers ? (size_t)useful : workers;
}

/** The number of workers that pays for so many floating-point operations between two barriers, at most `workers`. */
static inline size_t bp_useful_workers(double flops, size_t workers) {
    return bp_workers_for(flops, FLOPS_PER_WORKER, workers);
}

/** The number of workers that pays for a step of so many rows. */
static inline size_t bp_step_workers(const network_plan *plan, size_t rows, bool train, size_t workers) {
    if (train)
        return bp_workers_for(plan->row_step_flops * (double)rows, STEP_FLOPS_PER_WORKER, workers);
    return bp_useful_workers(plan->row_flops * (double)rows, workers);
}

#endif
