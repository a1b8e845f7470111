/*
 * Checks of a batch. They are part of every step and say no more than a status; refusals.c has the words. The smallest
 * steps take less time than their calls, so what all of them run is in line: the compiler's own choice changes with
 * every branch for a refused call.
 */
#ifndef BP_NETWORK_BATCH_CHECK_H
#define BP_NETWORK_BATCH_CHECK_H

#include <math.h>

#include "check/arguments.h"
#include "network/loss.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/** Whether an array meets the network's memory. */
static ALWAYS_INLINE bool bp_meets_block(const bp_network *network, matrix m) {
    return ranges_overlap(network, bp_block_bytes(network), m.data, matrix_extent(m));
}

/** Checks rows and inputs; fills in the default stride. */
static ALWAYS_INLINE bp_status bp_check_inputs(const bp_network *network, bp_batch *batch) {
    const size_t in = network->layers[0].in;
    if (!batch->inputs)
        return BP_ERROR_NULL;
    if (batch->rows > network->plan.max_batch_size)
        return BP_ERROR_BATCH;
    if (batch->input_stride == 0)
        batch->input_stride = in;
    const matrix inputs = matrix_of(batch->inputs, batch->rows, in, batch->input_stride);
    const bp_status status = check_matrix(inputs);
    if (status != BP_OK)
        return status;
    return bp_meets_block(network, inputs) ? BP_ERROR_OVERLAP : BP_OK;
}

/** Checks the values of labels, and row weights. */
bp_status bp_check_labels_and_weights(const bp_network *network, const bp_batch *batch);

/** Checks targets or labels, and row weights; fills in the default stride. */
static ALWAYS_INLINE bp_status bp_check_targets(const bp_network *network, bp_batch *batch) {
    const size_t out = bp_last_layer(network)->out;
    const bool labeled = loss_takes_labels(network->plan.loss);
    if (labeled ? !batch->labels : !batch->targets)
        return BP_ERROR_NULL;
    if (batch->target_stride == 0)
        batch->target_stride = out;
    const matrix targets = labeled ? vector_of(batch->labels, batch->rows)
                                   : matrix_of(batch->targets, batch->rows, out, batch->target_stride);
    const bp_status status = check_matrix(targets);
    if (status != BP_OK)
        return status;
    if (bp_meets_block(network, targets))
        return BP_ERROR_OVERLAP;
    return labeled || batch->weights ? bp_check_labels_and_weights(network, batch) : BP_OK;
}

/** Checks a batch as bp_network_train_step does; fills in its strides. */
static ALWAYS_INLINE bp_status bp_check_batch(const bp_network *network, bp_batch *batch) {
    const bp_status status = bp_check_inputs(network, batch);
    return status == BP_OK ? bp_check_targets(network, batch) : status;
}

#endif
