/*
 * A network's own view of itself. Its memory is one block:
 *
 *   bp_network | layer[layers] | weights, biases | activations, deltas, row losses | scratch of each lane
 *
 * A lane is one share of a step's work; lanes run at the same time, each with its own scratch.
 */
#ifndef BP_NETWORK_NETWORK_H
#define BP_NETWORK_NETWORK_H

#include <backprop/kernels.h>
#include <backprop/network.h>

struct pthreadpool;

typedef struct layer {
    size_t in, out;
    size_t stride;  /* between rows of weights, outputs and deltas alike */
    float *weights; /* [in x stride] */
    float *biases;  /* [out] */
    float *outputs; /* [batch_max x stride] */
    float *deltas;  /* [batch_max x stride] */
    bp_activation activation;
} layer;

struct bp_network {
    const bp_kernels *kernels;
    size_t layers;
    layer *layer;
    bp_loss loss;
    size_t batch_max;
    size_t lanes;      /* the most that a step can use */
    size_t slice_rows; /* rows that pass through all layers together while they stay in the cache */
    float *row_loss;   /* [batch_max] */
    char *scratch;     /* [lanes x scratch_bytes] */
    size_t scratch_bytes;
    bp_thread_pool pool;
    struct pthreadpool *own_pool; /* null if the host lends one or one lane is enough */
    bp_allocator allocator;
    size_t bytes;
};

/** Sizes and places of everything in a network's block, computed from a checked configuration. */
typedef struct network_layout {
    size_t layers_at, weights_at, work_at, scratch_at; /* bytes from the start of the block */
    size_t bytes;
    size_t lanes;
    size_t scratch_bytes;
} network_layout;

/** Checks a configuration and lays its network out. Reads BACKPROP_THREADS if the configuration leaves threads open. */
bp_status bp_network_layout(const bp_network_config *config, network_layout *layout);

/** Elements between rows of an array that is `columns` wide. */
size_t bp_row_stride(size_t columns);

/** Products' floating-point operations in one step, given the widths. */
double bp_step_flops(const size_t *sizes, size_t layers, size_t rows);

/** How many lanes pay for so many floating-point operations between two joins, at most `lanes`. */
size_t bp_useful_lanes(double flops, size_t lanes);

/** Threads to use where the configuration leaves it open: BACKPROP_THREADS, or all CPUs of this process. */
bp_status bp_default_threads(size_t *threads);

/** The network's pool: the host's, or one of its own if lanes > 1. */
bp_status bp_network_start_threads(bp_network *network, const bp_network_config *config);
void bp_network_stop_threads(bp_network *network);

/** Runs task(argument, lane) for each lane < lanes, at the same time where the pool can; returns when all have ended.
 */
void bp_network_run(bp_network *network, void (*task)(void *argument, size_t lane), void *argument, size_t lanes);

#endif
