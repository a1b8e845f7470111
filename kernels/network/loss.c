/* The network's loss on row-major outputs. */
#include "network/loss.h"

#include "check/arguments.h"

bp_activation bp_loss_activation(const dense_layer *k) {
    return k->derivative.kind == DERIVATIVE_SAVED ? (bp_activation){.kind = BP_ACTIVATION_IDENTITY} : k->activation;
}

void bp_loss_evaluate(const bp_network *network, const bp_batch *batch, float scale, float *delta, size_t ldd,
                      float *row_loss, const float *a, size_t lda, size_t row, size_t rows) {
    const dense_layer *k = bp_last_layer(network);
    const bp_kernels *kernels = &network->backend->kernels;
    const float *weights = batch->weights ? batch->weights + row : NULL;
    if (loss_takes_labels(network->plan.loss)) {
        kernels->loss_labels(delta, ldd, row_loss, a, lda, batch->labels + row, weights, rows, k->out,
                             network->plan.loss, network->plan.loss_parameter, scale);
    } else {
        const float *targets = batch->targets + row * batch->target_stride;
        if (network->plan.loss == BP_LOSS_MSE && !weights) {
            kernels->loss_mse(delta, ldd, row_loss, a, lda, targets, batch->target_stride, rows, k->out,
                              bp_loss_activation(k), scale);
            return;
        }
        kernels->loss_targets(delta, ldd, row_loss, a, lda, targets, batch->target_stride, weights, rows, k->out,
                              network->plan.loss, network->plan.loss_parameter, scale);
    }
    if (delta)
        kernels->activation_delta(delta, ldd, a, lda, rows, k->out, bp_loss_activation(k));
}
