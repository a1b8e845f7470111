/*
 * A workspace: what a step writes beside the parameters, and what means nothing between calls. A network has one;
 * bp_network_infer makes one in the caller's memory.
 */
#ifndef BP_NETWORK_WORKSPACE_H
#define BP_NETWORK_WORKSPACE_H

#include "network/layer.h"

/* Rows that are unpacked for the loss at a time. */
#define LOSS_CHUNK_ROWS 8

struct step_phase;

typedef struct bp_workspace {
    size_t slice_rows; /* that its matrices hold */
    size_t small_rows; /* batches of up to this many rows run in one call; 0: the network is not small */
    size_t workers;    /* that it has scratch for */
    layer_rows *layers;
    bp_small_layer *small;     /* the layers of a small network for that call */
    bool weights_t_current;    /* every W^T in `small` equals its W: see bp_parameters_changed */
    bp_packed inputs;          /* [slice_rows x inputs]: packed inputs, or dL/dx; see step_schedule.h */
    float *row_loss;           /* [max_batch_size] */
    struct step_phase *phases; /* of the slice */
    char *scratch;             /* [workers x scratch_bytes] */
    size_t scratch_bytes;
} bp_workspace;

/** Whatever changes parameters calls this: what was derived from them, W^T of a small network, is stale. */
static inline void bp_parameters_changed(bp_workspace *w) {
    w->weights_t_current = false;
}

#endif
