#include "public.h"

#include <stdio.h>
#include <stdlib.h>

#include <backprop/backprop.h>

#include "enum_counts.h"
#include "mode.h"

static const test_host_mode *host = test_host_modes;
static uint64_t mine;

/* Each call finds its host in the next mode. */
static void host_mode(void) {
    host = host[1].name ? host + 1 : test_host_modes;
    mine = test_mode();
    test_set_mode(host->mode);
}

/* What a public function returned, back in this program's mode. */
static void returned(bp_status status) {
    const uint64_t left = test_mode();
    test_set_mode(mine);
    if (left != host->mode) {
        fprintf(stderr, "FAILED: a public function left another floating-point mode than its host's (%s)\n",
                host->name);
        exit(1);
    }
    if (status != BP_OK) {
        fprintf(stderr, "refused: %s\n", bp_status_string(status));
    }
}

static void dense_forward(float *a, size_t lda, const float *x, size_t ldx, const float *w, size_t ldw,
                          const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                          void *scratch) {
    host_mode();
    returned(bp_dense_forward(a, lda, x, ldx, w, ldw, bias, batch, in, out, activation, scratch));
}

static void dense_delta(float *previous, size_t ldb, const float *delta, size_t ldd, const float *w, size_t ldw,
                        const float *previous_saved, size_t lda, size_t batch, size_t in, size_t out,
                        bp_activation activation, void *scratch) {
    host_mode();
    returned(
        bp_dense_delta(previous, ldb, delta, ldd, w, ldw, previous_saved, lda, batch, in, out, activation, scratch));
}

static void dense_gradient(float *gradient, size_t ldg, float *gradient_bias, const float *x, size_t ldx,
                           const float *delta, size_t ldd, size_t batch, size_t in, size_t out, void *scratch) {
    host_mode();
    returned(bp_dense_gradient(gradient, ldg, gradient_bias, x, ldx, delta, ldd, batch, in, out, scratch));
}

static void dense_gradient_sgd(float *w, size_t ldw, float *bias, const float *x, size_t ldx, const float *delta,
                               size_t ldd, size_t batch, size_t in, size_t out, float learning_rate, void *scratch) {
    host_mode();
    returned(bp_dense_gradient_sgd(w, ldw, bias, x, ldx, delta, ldd, batch, in, out, learning_rate, scratch));
}

static void activate(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                     bp_activation activation) {
    host_mode();
    returned(bp_activate(a, lda, z, ldz, rows, columns, activation));
}

static void activation_derivative(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                                  bp_activation activation) {
    host_mode();
    returned(bp_activation_derivative(d, ldd, a, lda, rows, columns, activation));
}

static void activation_delta(float *delta, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                             bp_activation activation) {
    host_mode();
    returned(bp_activation_delta(delta, ldd, saved, lds, rows, columns, activation));
}

static void loss_mse(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y, size_t ldy,
                     size_t batch, size_t out, bp_activation activation, float scale) {
    host_mode();
    returned(bp_loss_mse(delta, ldd, row_loss, a, lda, y, ldy, batch, out, activation, scale));
}

static void loss_softmax_cross_entropy(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                       const uint32_t *labels, size_t batch, size_t classes, float scale) {
    host_mode();
    returned(bp_loss_softmax_cross_entropy(delta, ldd, row_loss, z, ldz, labels, batch, classes, scale));
}

static void softmax(float *p, size_t ldp, const float *z, size_t ldz, size_t rows, size_t classes) {
    host_mode();
    returned(bp_softmax(p, ldp, z, ldz, rows, classes));
}

static float sum(const float *values, size_t count) {
    float result = 0.0f;
    host_mode();
    returned(bp_sum(&result, values, count));
    return result;
}

static void sgd(float *parameters, const float *gradient, size_t count, float learning_rate) {
    host_mode();
    returned(bp_sgd(parameters, gradient, count, learning_rate));
}

static void dropout(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                    const bp_dropout_mask *mask) {
    host_mode();
    returned(bp_dropout(d, ldd, a, lda, rows, columns, mask));
}

static void dropout_derivative(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                               bp_activation activation, const bp_dropout_mask *mask) {
    host_mode();
    returned(bp_dropout_derivative(d, ldd, a, lda, rows, columns, activation, mask));
}

static void layer_norm_forward(float *y, size_t ldy, float *normalized, size_t ldn, float *rstd, const float *z,
                               size_t ldz, const float *gamma, const float *beta, size_t rows, size_t columns,
                               float epsilon) {
    host_mode();
    returned(bp_layer_norm_forward(y, ldy, normalized, ldn, rstd, z, ldz, gamma, beta, rows, columns, epsilon));
}

static void layer_norm_backward(float *previous, size_t ldb, const float *delta, size_t ldd, const float *normalized,
                                size_t ldn, const float *rstd, const float *gamma, size_t rows, size_t columns) {
    host_mode();
    returned(bp_layer_norm_backward(previous, ldb, delta, ldd, normalized, ldn, rstd, gamma, rows, columns));
}

static void layer_norm_gradient(float *gradient_gamma, float *gradient_beta, const float *delta, size_t ldd,
                                const float *normalized, size_t ldn, size_t rows, size_t columns) {
    host_mode();
    returned(bp_layer_norm_gradient(gradient_gamma, gradient_beta, delta, ldd, normalized, ldn, rows, columns));
}

static void loss_targets(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                         size_t ldy, const float *weights, size_t batch, size_t out, bp_loss_kind loss, float parameter,
                         float scale) {
    host_mode();
    returned(bp_loss_targets(delta, ldd, row_loss, a, lda, y, ldy, weights, batch, out, loss, parameter, scale));
}

static void loss_labels(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz, const uint32_t *labels,
                        const float *weights, size_t batch, size_t classes, bp_loss_kind loss, float parameter,
                        float scale) {
    host_mode();
    returned(bp_loss_labels(delta, ldd, row_loss, z, ldz, labels, weights, batch, classes, loss, parameter, scale));
}

static void optimizer_step(const bp_parameters *parameters, const float *gradient, size_t count,
                           const bp_optimizer *optimizer, uint64_t step, float learning_rate) {
    host_mode();
    returned(bp_optimizer_step(parameters, gradient, count, optimizer, step, learning_rate));
}

static void dense_gradient_update(const bp_parameters *w, size_t ldw, const bp_parameters *bias, const float *x,
                                  size_t ldx, const float *delta, size_t ldd, size_t batch, size_t in, size_t out,
                                  const bp_optimizer *optimizer, uint64_t step, float learning_rate, void *scratch) {
    host_mode();
    returned(bp_dense_gradient_update(w, ldw, bias, x, ldx, delta, ldd, batch, in, out, optimizer, step, learning_rate,
                                      scratch));
}

static float schedule_learning_rate(const bp_schedule *schedule, uint64_t step) {
    float learning_rate = 0.0f;
    host_mode();
    returned(bp_schedule_learning_rate(schedule, step, &learning_rate));
    return learning_rate;
}

const bp_kernels test_public_kernels = {
    .isa = ISA_COUNT, /* none of its own */
    .tile_rows = 4,
    .tile_columns = 16,
    .dense_forward = dense_forward,
    .dense_delta = dense_delta,
    .dense_gradient = dense_gradient,
    .dense_gradient_sgd = dense_gradient_sgd,
    .activate = activate,
    .activation_derivative = activation_derivative,
    .loss_mse = loss_mse,
    .loss_softmax_cross_entropy = loss_softmax_cross_entropy,
    .softmax = softmax,
    .sum = sum,
    .sgd = sgd,
    .dropout = dropout,
    .dropout_derivative = dropout_derivative,
    .layer_norm_forward = layer_norm_forward,
    .layer_norm_backward = layer_norm_backward,
    .layer_norm_gradient = layer_norm_gradient,
    .loss_targets = loss_targets,
    .loss_labels = loss_labels,
    .optimizer_step = optimizer_step,
    .dense_gradient_update = dense_gradient_update,
    .schedule_learning_rate = schedule_learning_rate,
    .activation_delta = activation_delta,
};
