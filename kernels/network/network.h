/*
 * A network's memory is one block:
 *
 *   bp_network | layers | those of a small network | parameters | arrays of optimizer state, each like the parameters |
 * gradient accumulators | transposed weights of a small network | one slice's rows | squares of gradients | scratch of
 * each worker
 *
 * A batch is processed in slices: some rows go through all layers, forward, backward and into the gradients, while they
 * are in the cache. Workers share a slice, each with its own scratch; slice.c has the partition.
 */
#ifndef BP_NETWORK_NETWORK_H
#define BP_NETWORK_NETWORK_H

#include <backprop/network.h>

#include "backend.h"
#include "enum_counts.h"
#include "network/pool.h"

/* Layer normalization between a layer's product and its activation. Pointers are null if the layer has none. */
typedef struct bp_layer_norm {
    float *gamma, *beta;                   /* [out] */
    float *gamma_gradient, *beta_gradient; /* [out], the sums over earlier slices */
    bp_packed normalized;                  /* [rows of a slice x out] */
    float *rstd;                           /* [rows of a slice] */
    bp_packed deltas; /* [rows of a slice x out], dL/dy of the norm's outputs y; the layer's deltas are dL/dz */
} bp_layer_norm;

/* A network's layer. */
typedef struct bp_dense_layer {
    size_t in, out;
    bp_packed weights;    /* [in x out] */
    float *biases;        /* [out] */
    bp_packed gradient;   /* [in x out], the sum over earlier slices */
    float *bias_gradient; /* [out] */
    bp_packed outputs;    /* [rows of a slice x out] */
    bp_packed deltas;     /* [rows of a slice x out] */
    bp_activation activation;
    /*
     * The backward pass gets f' from `saved`, which is `outputs`, or holds f' itself if derivative.kind is
     * DERIVATIVE_SAVED: with dropout, and where derivative_of says so.
     */
    bp_packed saved;
    bp_derivative derivative;
    float dropout; /* probability */
    bp_layer_norm norm;
    bool frozen;      /* steps do not change its parameters */
    float *weights_t; /* W^T [out x in] in one panel; null in the first layer and unless the network is small */
} bp_dense_layer;

struct bp_network {
    const bp_backend *backend;
    size_t layers;
    bp_dense_layer *layer;
    bp_small_layer *small_layer; /* the same for small_step; null if the network is not small */
    bp_loss_kind loss;
    bp_loss_kind small_loss; /* the same if small_step knows it, else LOSS_COUNT */
    float loss_parameter;    /* its threshold or smoothing */
    bp_reduction reduction;  /* over the rows of a batch */
    bool gradients;          /* there are buffers to store a gradient */
    bool gradient_stored;    /* they hold one */
    size_t max_batch_size;
    size_t slice_rows; /* a whole number of row blocks, unless one slice holds the largest batch */
    size_t small_rows; /* batches of up to this many rows run in one call; 0 if the network is not small */
    void (*small_step)(const bp_small_step *step); /* that call */
    bool weights_t_current;                        /* small network: every weights_t equals its weights */
    size_t workers;                                /* of a step, at most */
    size_t worker_blocks;         /* row blocks of each worker in a slice, see slice.c; 0: never whole blocks */
    size_t parameters;            /* elements of all parameters, padded; also of each gradient accumulator */
    bp_optimizer optimizer;       /* filled in */
    bool sgd_only;                /* plain SGD, no layer frozen, no gradients stored: steps set the rate alone */
    bp_coefficients coefficients; /* of the current step; `arrays` points to all parameters and their state */
    size_t states;                /* arrays of state, the average included, each of `parameters` elements */
    bool accumulated;             /* the stored gradient is a sum over micro-batches */
    size_t accumulated_rows;      /* of these micro-batches */
    bool ema_swapped;             /* the average and the parameters are swapped */
    size_t frozen;                /* layers */
    size_t lowest;                /* first layer that is not frozen; `layers` if all are */
    size_t small_rows_plan;       /* small_rows while no layer is frozen */
    bool by_gradient;             /* steps store the gradient first: to clip its norm, or for gamma and beta */
    float *squares;               /* [all layers' outputs, padded]; only if the norm is clipped */
    float norm;                   /* of the last gradient */
    double row_flops;             /* floating-point operations of one row's forward pass */
    bool regularized;             /* a layer has normalization or dropout */
    uint64_t seed;                /* of dropout's masks */
    uint64_t steps;               /* trained so far */
    bp_packed inputs;             /* [slice_rows x layer[0].in] */
    float *row_loss;              /* [max_batch_size] */
    char *scratch;                /* [workers x scratch_bytes] */
    size_t scratch_bytes;
    bp_thread_pool pool;
    bp_pool *private_pool; /* null with the host's pool, or if one worker is enough */
    bp_allocator allocator;
    size_t bytes;
};

/** Bits of the step counter; the other bits of a mask's stream are the layer. */
#define BP_STEP_BITS 48

/** Whether the step counter is exhausted. */
static inline bool bp_steps_are_over(const bp_network *network) {
    return (network->steps + 1) >> BP_STEP_BITS != 0;
}

/** bp_network_create on a given backend. */
bp_status bp_network_create_on(const bp_backend *backend, const bp_network_config *given, bp_network **network);

/** Sizes and offsets of everything in a network's block, computed from a checked configuration. */
typedef struct network_layout {
    size_t panel_width; /* of the backend */
    /* Bytes from the start of the block. */
    size_t layers_at, small_layers_at, weights_at, gradient_at, weights_t_at, rows_at, row_loss_at, squares_at,
        scratch_at;
    size_t bytes;
    size_t workers;
    size_t slice_rows;
    size_t small_rows;
    size_t worker_blocks;
    size_t parameters;       /* elements, padded */
    size_t states;           /* arrays of `parameters` elements */
    size_t gradient_buffers; /* one for the sum over slices, and one for each row block of a slice */
    size_t scratch_bytes;
    bool by_gradient; /* see bp_network */
} network_layout;

/** A configuration that is checked, in this version's structs: loss_options and optimizer are not null. */
typedef struct checked_config {
    bp_network_config config; /* whose pointers lead to the others */
    bp_loss_options loss_options;
    bp_optimizer optimizer;
} checked_config;

/** Checks what a caller gave; with a message if it is wrong. */
bp_status bp_config_check(const bp_network_config *given, checked_config *checked);

/**
 * Layer l by its configuration: its activation, the probability of dropout, whether it is normalized, whether it saves
 * derivatives; and whether any layer has dropout or is normalized.
 */
bp_activation bp_config_activation(const bp_network_config *config, size_t l);
float bp_config_dropout(const bp_network_config *config, size_t l);
bool bp_config_normalizes(const bp_network_config *config, size_t l);
bool bp_config_saves_derivatives(const bp_network_config *config, size_t l);
bool bp_config_regularizes(const bp_network_config *config);

/** Checks a configuration and computes the layout. Reads BACKPROP_THREADS if config.threads is 0. */
bp_status bp_network_layout(const bp_network_config *config, const bp_backend *backend, network_layout *layout);

/** The parameter of a configuration's loss, as loss.h means it. */
float bp_loss_parameter(const bp_network_config *config);

/** The divisor of a mean: the sum of the row weights in a weighted mean, else the number of rows. */
static inline double bp_loss_count(const bp_network *network, const bp_batch *batch, size_t rows) {
    const bool weighted = network->reduction == BP_REDUCTION_WEIGHTED_MEAN && batch->weights;
    return weighted ? (double)network->backend->kernels.sum(batch->weights, batch->rows) : (double)rows;
}

/** The factor of the sum of the rows' losses, and of their deltas. */
static inline float bp_loss_scale(const bp_network *network, const bp_batch *batch, size_t rows) {
    return network->reduction == BP_REDUCTION_SUM ? 1.0f : 1.0f / (float)bp_loss_count(network, batch, rows);
}

/** The sum of the rows' losses, given the loss of their batch. */
static inline double bp_loss_total(const bp_network *network, const bp_batch *batch, float loss) {
    return network->reduction == BP_REDUCTION_SUM ? (double)loss
                                                  : (double)loss * bp_loss_count(network, batch, batch->rows);
}

/** Rows that are unpacked for the loss at a time. */
#define LOSS_CHUNK_ROWS 8

/** The strides of a packed matrix, and its panel count. */
typedef struct packed_shape {
    size_t row_stride, panel_stride, panel_count;
} packed_shape;

packed_shape bp_packed_shape(size_t panel, size_t rows, size_t columns);

/** Elements of a single row, padded. */
size_t bp_row_floats(size_t panel, size_t columns);

/** The part of a matrix that begins at row r and column c. */
static inline bp_packed packed_part(bp_packed m, size_t panel, size_t r, size_t c) {
    m.data += c / panel * m.panel_stride + r * m.row_stride + c % panel;
    return m;
}

/** The number of weights, biases, gamma and beta. */
static inline size_t bp_layer_parameters(const bp_dense_layer *k) {
    return (k->in + (k->norm.gamma ? 3 : 1)) * k->out;
}

/** Contiguous parameters of one role. */
typedef struct parameter_run {
    parameter_role role;
    size_t end; /* offset from the network's first parameter */
} parameter_run;

/** The run that contains element `at`: a layer's weights, or its other parameters. */
parameter_run bp_parameter_run(const bp_network *network, size_t at);

/** Layers as small_step takes them. */
void bp_small_layers(bp_small_layer *small, const bp_dense_layer *layer, size_t layers);

/** Floating-point operations of the products of one step. */
double bp_step_flops(const size_t *sizes, size_t layers, size_t rows);

/** The number of workers that pays for so many floating-point operations between two barriers, at most `workers`. */
size_t bp_useful_workers(double flops, size_t workers);

/** Whether `workers` workers share layer l by columns rather than rows, for a slice of so many rows; see slice.c. */
bool bp_by_columns(const bp_network *network, size_t l, size_t rows, size_t workers);

/** Sets state and average to their values before the first step. */
void bp_update_reset(bp_network *network);

/** Sets the gradients of frozen layers to +0: no step computes them, and an earlier step may have left some. */
void bp_update_clear_frozen(bp_network *network);

/**
 * Every call that sets a part of the state calls this first: it swaps the average back, and discards the gradients and
 * transposed weights, which belonged to the old state.
 */
void bp_update_state_changes(bp_network *network);

/** The same, and sets the step counter. */
void bp_update_set_steps(bp_network *network, uint64_t steps);

/** The optimizer's momentum, which later steps use; null if it has none. */
float *bp_update_momentum(bp_network *network);

/** Recomputes what depends on the optimizer and on the frozen layers. */
void bp_update_plan(bp_network *network);

/** Threads if config.threads is 0: BACKPROP_THREADS, or all CPUs of this process. */
bp_status bp_default_threads(size_t *threads);

/** A network's block, aligned and not cleared; null if there is no memory. */
char *bp_block_take(const bp_allocator *allocator, size_t bytes);

/** Releases a network's block. */
void bp_block_release(bp_network *network);

/** Creates the network's private pool, for its number of workers. */
bp_status bp_network_make_pool(bp_network *network);

/** Sets the network's pool: the host's, or, if workers > 1, a new one. */
bp_status bp_network_start_threads(bp_network *network, const bp_network_config *config);
void bp_network_stop_threads(bp_network *network);

/**
 * Runs task(argument, worker) for each worker < workers, in parallel if the pool can; returns when all have returned.
 * The caller and the tasks are in the contract's floating-point mode.
 */
void bp_network_run(bp_network *network, void (*task)(void *argument, size_t worker), void *argument, size_t workers);

#endif
