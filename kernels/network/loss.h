/* The loss of a slice, the network's or the caller's: rows' losses and the output layer's deltas. */
#ifndef BP_NETWORK_LOSS_H
#define BP_NETWORK_LOSS_H

#include "network/step.h"

/** The divisor of a mean: the sum of the row weights in a weighted mean, else the number of rows. */
static inline double bp_loss_count(const bp_network *network, const bp_batch *batch, size_t rows) {
    const bool weighted = network->plan.reduction == BP_REDUCTION_WEIGHTED_MEAN && batch->weights;
    return weighted ? (double)network->backend->kernels.sum(batch->weights, batch->rows) : (double)rows;
}

/** The factor of the sum of the rows' losses, and of their deltas. */
static inline float bp_loss_scale(const bp_network *network, const bp_batch *batch, size_t rows) {
    return network->plan.reduction == BP_REDUCTION_SUM ? 1.0f : 1.0f / (float)bp_loss_count(network, batch, rows);
}

/** The sum of the rows' losses, given the loss of their batch. */
static inline double bp_loss_total(const bp_network *network, const bp_batch *batch, float loss) {
    return network->plan.reduction == BP_REDUCTION_SUM ? (double)loss
                                                       : (double)loss * bp_loss_count(network, batch, batch->rows);
}

/**
 * The network's loss of rows row .. row + rows - 1 of a batch, whose row-major outputs are a: the rows' losses and the
 * output layer's deltas, each if not null. If the output layer saves derivatives, the caller multiplies the deltas by
 * them.
 */
void bp_loss_evaluate(const bp_network *network, const bp_batch *batch, float scale, float *delta, size_t ldd,
                      float *row_loss, const float *a, size_t lda, size_t row, size_t rows);

/** The loss of rows after their forward pass, and the output layer's deltas if the step trains. */
void bp_step_loss(const step *s, row_range p);

#endif
