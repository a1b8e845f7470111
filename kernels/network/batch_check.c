/* Checks of a batch's labels and row weights. */
#include "network/batch_check.h"

/* Row weights have valid values. */
static bp_status check_weights(const bp_network *network, const float *weights, size_t rows) {
    const matrix given = vector_of(weights, rows);
    const bp_status status = check_matrix(given);
    if (status != BP_OK)
        return status;
    return bp_meets_block(network, given) ? BP_ERROR_OVERLAP : BP_OK;
}

/* The divisor of the mean is not zero. */
static bp_status check_mean(const bp_network *network, const bp_batch *batch) {
    if (network->plan.reduction != BP_REDUCTION_WEIGHTED_MEAN || !batch->weights)
        return BP_OK;
    const float count = (float)bp_loss_count(network, batch, batch->rows);
    return isfinite(count) && isfinite(1.0f / count) ? BP_OK : BP_ERROR_VALUE;
}

bp_status bp_check_labels_and_weights(const bp_network *network, const bp_batch *batch) {
    bp_status status = BP_OK;
    if (batch->weights && (status = check_weights(network, batch->weights, batch->rows)) != BP_OK)
        return status;
    if (loss_takes_labels(network->plan.loss) &&
        (status = check_labels(batch->labels, batch->rows, bp_last_layer(network)->out)) != BP_OK)
        return status;
    return check_mean(network, batch);
}
