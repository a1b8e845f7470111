/* The calls of test_sizes.c on kernels: each with sizes from n, on slots that are as large as its good sizes. */
#ifndef TEST_KERNEL_SIZES_H
#define TEST_KERNEL_SIZES_H

#include "bad_inputs.h"

static void *scratch;
static const bp_activation tanh_ = {BP_ACTIVATION_TANH, 0};

static bp_status forward(const size_t *n) {
    return bp_dense_forward(slot(0), n[4], slot(1), n[5], slot(2), n[6], slot(3), n[1], n[2], n[3], tanh_, scratch);
}

static bp_status delta(const size_t *n) {
    return bp_dense_delta(slot(0), n[5], slot(1), n[4], slot(2), n[6], slot(3), n[7], n[1], n[2], n[3], tanh_, scratch);
}

static bp_status gradient(const size_t *n) {
    return bp_dense_gradient(slot(0), n[6], slot(3), slot(1), n[5], slot(2), n[4], n[1], n[2], n[3], scratch);
}

static bp_status gradient_sgd(const size_t *n) {
    return bp_dense_gradient_sgd(slot(0), n[6], slot(3), slot(1), n[5], slot(2), n[4], n[1], n[2], n[3], 0.5f, scratch);
}

static bp_status gradient_update(const size_t *n) {
    const bp_optimizer momentum = bp_optimizer_defaults(BP_OPTIMIZER_MOMENTUM);
    const bp_parameters w = {slot(0), {slot(3)}, NULL}, bias = {slot(4), {slot(5)}, NULL};
    return bp_dense_gradient_update(&w, n[6], &bias, slot(1), n[5], slot(2), n[4], n[1], n[2], n[3], &momentum, 1, 0.5f,
                                    scratch);
}

static bp_status activate(const size_t *n) {
    return bp_activate(slot(0), n[3], slot(1), n[4], n[1], n[2], tanh_);
}

static bp_status derivative(const size_t *n) {
    return bp_activation_derivative(slot(0), n[3], slot(1), n[4], n[1], n[2], tanh_);
}

static bp_status activation_delta(const size_t *n) {
    return bp_activation_delta(slot(0), n[3], slot(1), n[4], n[1], n[2], tanh_);
}

static bp_status dropout(const size_t *n) {
    return bp_dropout(slot(0), n[3], slot(1), n[4], n[1], n[2], &(bp_dropout_mask){.probability = 0.5f});
}

static bp_status dropout_derivative(const size_t *n) {
    const bp_dropout_mask mask = {.probability = 0.5f};
    return bp_dropout_derivative(slot(0), n[3], slot(1), n[4], n[1], n[2], tanh_, &mask);
}

static bp_status softmax(const size_t *n) {
    return bp_softmax(slot(0), n[3], slot(1), n[4], n[1], n[2]);
}

static bp_status mse(const size_t *n) {
    return bp_loss_mse(slot(0), n[3], slot(3), slot(1), n[4], slot(2), n[5], n[1], n[2], tanh_, 1);
}

static bp_status cross_entropy(const size_t *n) {
    return bp_loss_softmax_cross_entropy(slot(0), n[3], slot(3), slot(1), n[4], labels(), n[1], n[2], 1);
}

static bp_status loss_targets(const size_t *n) {
    return bp_loss_targets(slot(0), n[3], slot(3), slot(1), n[4], slot(2), n[5], slot(4), n[1], n[2], BP_LOSS_MSE, 0,
                           1);
}

static bp_status loss_labels(const size_t *n) {
    return bp_loss_labels(slot(0), n[3], slot(3), slot(1), n[4], labels(), slot(4), n[1], n[2],
                          BP_LOSS_SOFTMAX_CROSS_ENTROPY, 0, 1);
}

static bp_status norm_forward(const size_t *n) {
    return bp_layer_norm_forward(slot(0), n[3], slot(1), n[4], slot(2), slot(3), n[5], slot(4), slot(5), n[1], n[2],
                                 1e-5f);
}

static bp_status norm_backward(const size_t *n) {
    return bp_layer_norm_backward(slot(0), n[3], slot(1), n[4], slot(2), n[5], slot(3), slot(4), n[1], n[2]);
}

static bp_status norm_gradient(const size_t *n) {
    return bp_layer_norm_gradient(slot(0), slot(1), slot(2), n[3], slot(3), n[4], n[1], n[2]);
}

static bp_status sum(const size_t *n) {
    return bp_sum(slot(1), slot(0), n[1]);
}

static bp_status sgd(const size_t *n) {
    return bp_sgd(slot(0), slot(1), n[1], 0.5f);
}

static bp_status optimizer_step(const size_t *n) {
    const bp_optimizer adam = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
    const bp_parameters parameters = {slot(0), {slot(1), slot(2)}, NULL};
    return bp_optimizer_step(&parameters, slot(3), n[1], &adam, 1, 0.5f);
}

static bp_status initialize(const size_t *n) {
    return bp_initialize(slot(0), n[3], n[1], n[2], (bp_initializer){BP_INITIALIZER_ORTHOGONAL, 0}, 1, 2);
}

static bp_status permutation(const size_t *n) {
    return bp_random_permutation(labels(), n[1], 1, 2);
}

#endif
