/*
 * A network's own view of itself. Its memory is one block:
 *
 *   bp_network | layers | weights, biases, gains, shifts | the optimizer's state, an array like these each |
 *   sums of gradients | transposed weights of a small network | one slice's rows | squares of gradients |
 *   scratch of each worker
 *
 * A batch is worked on in slices: some rows go through all layers forward, back, and into the gradients while they are
 * in the cache. A worker is one share of a slice's work; workers run at the same time, each with its own scratch.
 * slice.c says how they share a slice.
 */
#ifndef BP_NETWORK_NETWORK_H
#define BP_NETWORK_NETWORK_H

#include <backprop/network.h>

#include "backend.h"
#include "enum_counts.h"
#include "network/pool.h"

struct bp_network {
    const bp_backend *backend;
    size_t layers;
    bp_dense_layer *layer;
    bp_loss_kind loss;
    bp_loss_kind small_loss; /* the same if small_step knows it, else LOSS_COUNT */
    float loss_parameter;    /* its threshold or smoothing */
    bp_reduction reduction;  /* over the rows of a batch */
    bool gradients;          /* there is room to keep a gradient in `sums` */
    bool gradient_stored;    /* and there is one */
    size_t max_batch_size;
    size_t slice_rows; /* a whole number of row blocks, unless one slice holds the largest batch */
    size_t small_rows; /* batches of up to so many rows run in one call; 0 if the network is not small */
    void (*small_step)(const bp_small_step *step); /* that call */
    bool weights_t_current;                        /* of a small network: the transposed weights are up to date */
    size_t workers;                                /* the most that a step can use */
    size_t worker_blocks;   /* row blocks that each worker takes whole in a slice, see slice.c; 0: it never does */
    size_t parameters;      /* elements of all weights and biases, padded: of each sum of gradients too */
    bp_optimizer optimizer; /* filled in */
    bool sgd_only;          /* it is plain SGD, with no layer frozen and no gradients kept: steps need no rule */
    bp_coefficients coefficients; /* of the step under way, and the places of all parameters and their state */
    size_t states;                /* arrays of state, the average included, each as large as the parameters */
    bool accumulated;             /* the gradient in `sums` is one of micro-batches, to which others are added */
    size_t accumulated_rows;      /* of these micro-batches */
    bool ema_swapped;             /* the average is in the parameters' place */
    size_t frozen;                /* layers */
    size_t lowest;                /* layer that is not frozen; the number of layers if all are */
    size_t small_rows_plan;       /* small_rows while no layer is frozen */
    bool by_gradient;             /* steps update by gradients in `sums`: to clip their norm, or gains and shifts */
    float *squares;               /* [all layers' outputs, padded], of a network that clips the norm */
    float norm;                   /* of the last gradient */
    double row_flops;             /* floating-point operations of one row's forward pass */
    bool regularized;             /* some layer has normalization or dropout */
    uint64_t seed;                /* of dropout's masks */
    uint64_t steps;               /* trained so far */
    bp_packed inputs;             /* [slice_rows x layer[0].in] */
    float *row_loss;              /* [max_batch_size] */
    char *scratch;                /* [workers x scratch_bytes] */
    size_t scratch_bytes;
    bp_thread_pool pool;
    bp_pool *private_pool; /* null if the host lends one or one worker is enough */
    bp_allocator allocator;
    size_t bytes;
};

/** Steps are counted in so many bits: the rest of a mask's stream is the layer. */
#define BP_STEP_BITS 48

/** Whether the network has counted all the steps that it can. */
static inline bool bp_steps_are_over(const bp_network *network) {
    return (network->steps + 1) >> BP_STEP_BITS != 0;
}

/** bp_network_create on a given backend. */
bp_status bp_network_create_on(const bp_backend *backend, const bp_network_config *config, bp_network **network);

/** Sizes and places of everything in a network's block, computed from a checked configuration. */
typedef struct network_layout {
    size_t panel_width; /* of the backend */
    /* Bytes from the start of the block. */
    size_t layers_at, weights_at, gradient_at, weights_t_at, rows_at, row_loss_at, squares_at, scratch_at;
    size_t bytes;
    size_t workers;
    size_t slice_rows;
    size_t small_rows;
    size_t worker_blocks;
    size_t parameters;       /* elements, padded */
    size_t states;           /* arrays of as many */
    size_t gradient_buffers; /* of gradients: that of the slices so far, and one for each row block of a slice */
    size_t scratch_bytes;
    bool by_gradient; /* see bp_network */
} network_layout;

/** What a configuration says of layer l: its dropout's probability, whether it is normalized, whether it keeps
 * derivatives; and whether any layer has dropout or is normalized.
 */
float bp_config_dropout(const bp_network_config *config, size_t l);
bool bp_config_normalizes(const bp_network_config *config, size_t l);
bool bp_config_saves_derivatives(const bp_network_config *config, size_t l);
bool bp_config_regularizes(const bp_network_config *config);

/** Checks a configuration and lays its network out. Reads BACKPROP_THREADS if the configuration leaves threads open. */
bp_status bp_network_layout(const bp_network_config *config, size_t panel, network_layout *layout);

/** The parameter of a configuration's loss, as loss.h means it. */
float bp_loss_parameter(const bp_network_config *config);

/** What the rows count in a mean: their weights' sum in a weighted one, else their number, as one of so many rows. */
static inline double bp_loss_count(const bp_network *network, const bp_batch *batch, size_t rows) {
    const bool weighted = network->reduction == BP_REDUCTION_WEIGHTED_MEAN && batch->weights;
    return weighted ? (double)network->backend->kernels.sum(batch->weights, batch->rows) : (double)rows;
}

/** By what the sum of the rows' losses is multiplied, and what their deltas carry. */
static inline float bp_loss_scale(const bp_network *network, const bp_batch *batch, size_t rows) {
    return network->reduction == BP_REDUCTION_SUM ? 1.0f : 1.0f / (float)bp_loss_count(network, batch, rows);
}

/** The sum of the rows' losses, given the loss of their batch. */
static inline double bp_loss_total(const bp_network *network, const bp_batch *batch, float loss) {
    return network->reduction == BP_REDUCTION_SUM ? (double)loss
                                                  : (double)loss * bp_loss_count(network, batch, batch->rows);
}

/** Rows whose outputs are gathered for the loss at a time. */
#define LOSS_CHUNK_ROWS 8

/** Elements of a matrix in panels, and the places of its rows and panels. */
typedef struct packed_shape {
    size_t row_stride, panel_stride, panel_count;
} packed_shape;

packed_shape bp_packed_shape(size_t panel, size_t rows, size_t columns);

/** Elements of a single row, padded. */
size_t bp_row_floats(size_t panel, size_t columns);

/** The part of a matrix that begins at row r and column c; c begins a panel of `panel` columns, if that is not 0. */
static inline bp_packed packed_part(bp_packed m, size_t panel, size_t r, size_t c) {
    m.data += panel ? c / panel * m.panel_stride : c;
    m.data += r * m.row_stride;
    return m;
}

/** Weights, biases, gains and shifts. */
static inline size_t bp_layer_parameters(const bp_dense_layer *k) {
    return (k->in + (k->norm.gamma ? 3 : 1)) * k->out;
}

/** Parameters of one role that lie in one line. */
typedef struct parameter_run {
    parameter_role role;
    size_t end; /* counted from the first parameter of the network */
} parameter_run;

/** The run in which element `at` lies: a layer's weights, or what follows them. */
parameter_run bp_parameter_run(const bp_network *network, size_t at);

/** Products' floating-point operations in one step, given the widths. */
double bp_step_flops(const size_t *sizes, size_t layers, size_t rows);

/** How many workers pay for so many floating-point operations between two barriers, at most `workers`. */
size_t bp_useful_workers(double flops, size_t workers);

/** Whether `workers` workers share layer l by columns rather than rows, for a slice of so many rows; see slice.c. */
bool bp_by_columns(const bp_network *network, size_t l, size_t rows, size_t workers);

/** State and average as they are before the first step. */
void bp_update_reset(bp_network *network);

/** The gradients of frozen layers, which no step computes, become +0: an earlier step may have left others there. */
void bp_update_clear_frozen(bp_network *network);

/**
 * What every call does that sets a part of the state, before it does so: an average that is swapped in goes back to its
 * place, gradients are forgotten, for they were those of another state, and so is what follows from the weights.
 */
void bp_update_state_changes(bp_network *network);

/** The same, and the network has taken so many steps. */
void bp_update_set_steps(bp_network *network, uint64_t steps);

/** Its optimizer's momentum, for steps to come; null if it has none. */
float *bp_update_momentum(bp_network *network);

/** What follows from the optimizer and from which layers are frozen. */
void bp_update_plan(bp_network *network);

/** Threads to use where the configuration leaves it open: BACKPROP_THREADS, or all CPUs of this process. */
bp_status bp_default_threads(size_t *threads);

/** A network's block, aligned and not cleared; null if there is no memory. */
char *bp_block_take(const bp_allocator *allocator, size_t bytes);

/** Gives the block back that a network lies in. */
void bp_block_release(bp_network *network);

/** Makes the network's own pool, for its number of workers. */
bp_status bp_network_make_pool(bp_network *network);

/** The network's pool: the host's, or one of its own if workers > 1. */
bp_status bp_network_start_threads(bp_network *network, const bp_network_config *config);
void bp_network_stop_threads(bp_network *network);

/**
 * Runs task(argument, worker) for each worker < workers, at the same time where the pool can; returns when all have
 * ended. The caller is in the contract's floating-point environment; so are the tasks.
 */
void bp_network_run(bp_network *network, void (*task)(void *argument, size_t worker), void *argument, size_t workers);

#endif
