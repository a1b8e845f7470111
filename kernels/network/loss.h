/* The network's loss: rows' losses, the output layer's deltas, and what they are divided by. */
#ifndef BP_NETWORK_LOSS_H
#define BP_NETWORK_LOSS_H

#include "network/network.h"

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

/** The activation whose derivative the loss includes: none if the output layer saves derivatives. */
bp_activation bp_loss_activation(const dense_layer *k);

/**
 * The network's loss of rows row .. row + rows - 1 of a batch, whose row-major outputs are a: the rows' losses and the
 * output layer's deltas, each if not null. If the output layer saves derivatives, the caller multiplies the deltas by
 * them.
 */
void bp_loss_evaluate(const bp_network *network, const bp_batch *batch, float scale, float *delta, size_t ldd,
                      float *row_loss, const float *a, size_t lda, size_t row, size_t rows);

#endif
