/* The kernels: dense.h, activation.h, loss.h, layer_norm.h, dropout.h, optimizer.h, initializer.h, random.h. */
#include "messages.h"

void kernels_are_refused(void) {
    static _Alignas(64) unsigned char scratch[64];
    float a[4] = {0}, b[4] = {0}, c[4] = {0}, d[4] = {0};
    uint32_t labels[2] = {0, 7}, order[4];
    const bp_activation relu = {BP_ACTIVATION_RELU, 0};
    const bp_optimizer sgd = bp_optimizer_defaults(BP_OPTIMIZER_SGD);
    const bp_parameters w = {.values = a};
    const bp_dropout_mask mask = {.probability = 0.5f};
    const bp_initializer gain = {BP_INITIALIZER_ORTHOGONAL, -1};
    REFUSED("x", bp_dense_forward, a, 2, NULL, 2, c, 2, NULL, 1, 2, 2, relu, scratch);
    REFUSED("ldx", bp_dense_forward, a, 2, b, 1, c, 2, NULL, 1, 2, 2, relu, scratch);
    REFUSED("previous", bp_dense_delta, NULL, 2, b, 2, c, 2, NULL, 2, 1, 2, 2, relu, scratch);
    REFUSED("x", bp_dense_gradient, a, 2, NULL, NULL, 2, b, 2, 1, 2, 2, scratch);
    REFUSED("delta", bp_dense_gradient_sgd, a, 2, NULL, b, 2, NULL, 2, 1, 2, 2, 0.1f, scratch);
    REFUSED("x", bp_dense_gradient_update, &w, 2, NULL, NULL, 2, b, 2, 1, 2, 2, &sgd, 1, 0.1f, scratch);
    REFUSED("z", bp_activate, a, 2, NULL, 2, 1, 2, relu);
    REFUSED("saved", bp_activation_derivative, a, 2, NULL, 2, 1, 2, relu);
    REFUSED("delta", bp_activation_delta, NULL, 2, a, 2, 1, 2, relu);
    REFUSED("values", bp_sum, a, NULL, 2);
    REFUSED("y", bp_loss_mse, a, 2, NULL, b, 2, NULL, 2, 1, 2, relu, 1);
    REFUSED("labels[1]", bp_loss_softmax_cross_entropy, a, 2, NULL, b, 2, labels, 2, 2, 1);
    REFUSED("a", bp_loss_targets, c, 2, NULL, NULL, 2, b, 2, NULL, 1, 2, BP_LOSS_MSE, 0, 1);
    REFUSED("labels[1]", bp_loss_labels, a, 2, NULL, b, 2, labels, NULL, 2, 2, BP_LOSS_MULTICLASS_HINGE, 0, 1);
    REFUSED("z", bp_softmax, a, 2, NULL, 2, 1, 2);
    REFUSED("epsilon", bp_layer_norm_forward, a, 2, NULL, 2, NULL, b, 2, c, d, 1, 2, 0);
    REFUSED("delta", bp_layer_norm_backward, a, 2, NULL, 2, b, 2, c, d, 1, 2);
    REFUSED("normalized", bp_layer_norm_gradient, a, b, c, 2, NULL, 2, 1, 2);
    REFUSED("d", bp_dropout, NULL, 2, a, 2, 1, 2, &mask);
    REFUSED("saved", bp_dropout_derivative, a, 2, NULL, 2, 1, 2, relu, &mask);
    REFUSED("step", bp_optimizer_step, &w, b, 2, &sgd, 0, 0.1f);
    REFUSED("gradient", bp_sgd, a, NULL, 2, 0.1f);
    REFUSED("initializer.gain", bp_initialize, a, 2, 2, 2, gain, 1, 0);
    REFUSED("count", bp_random_permutation, order, 0, 1, 0);
}
