/*
 * The output layer's deltas and the rows' losses, by the network's loss or the caller's. Outputs wider than a panel are
 * unpacked a few rows at a time.
 */
#include <string.h>

#include "api/check.h"
#include "network/step.h"

/* The activation whose derivative the loss includes: none if the output layer saves derivatives. */
static bp_activation loss_activation(const bp_dense_layer *k) {
    return k->derivative.kind == DERIVATIVE_SAVED ? (bp_activation){.kind = BP_ACTIVATION_IDENTITY} : k->activation;
}

void bp_loss_evaluate(const bp_network *network, const bp_batch *batch, float scale, float *delta, size_t ldd,
                      float *row_loss, const float *a, size_t lda, size_t row, size_t rows) {
    const bp_dense_layer *k = &network->layer[network->layers - 1];
    const bp_kernels *kernels = &network->backend->kernels;
    const float *weights = batch->weights ? batch->weights + row : NULL;
    if (loss_takes_labels(network->loss)) {
        kernels->loss_labels(delta, ldd, row_loss, a, lda, batch->labels + row, weights, rows, k->out, network->loss,
                             network->loss_parameter, scale);
    } else {
        const float *targets = batch->targets + row * batch->target_stride;
        if (network->loss == BP_LOSS_MSE && !weights) {
            kernels->loss_mse(delta, ldd, row_loss, a, lda, targets, batch->target_stride, rows, k->out,
                              loss_activation(k), scale);
            return;
        }
        kernels->loss_targets(delta, ldd, row_loss, a, lda, targets, batch->target_stride, weights, rows, k->out,
                              network->loss, network->loss_parameter, scale);
    }
    if (delta)
        kernels->activation_delta(delta, ldd, a, lda, rows, k->out, loss_activation(k));
}

/* Row-major outputs and deltas; `row` counts from the start of the batch. */
static void loss_of(const step *s, float *delta, size_t ldd, const float *a, size_t lda, size_t row, size_t rows) {
    const bp_network *network = s->network;
    const bp_dense_layer *k = &network->layer[network->layers - 1];
    const bp_backward_options *options = s->options;
    if (!bp_step_has_callers_loss(s)) {
        bp_loss_evaluate(network, &s->batch, s->scale, delta, ldd, s->row_loss ? s->row_loss + row : NULL, a, lda, row,
                         rows);
        return;
    }
    if (options->loss_callback) {
        for (size_t n = 0; n < rows; n++) /* losses of some outputs write no other deltas */
            memset(delta + n * ldd, 0, k->out * sizeof(float));
        options->loss_callback(options->loss_context, row, rows, a, lda, delta, ldd);
    } else {
        for (size_t n = 0; n < rows; n++)
            memcpy(delta + n * ldd, options->delta + (row + n) * options->delta_stride, k->out * sizeof(float));
    }
    network->backend->kernels.activation_delta(delta, ldd, a, lda, rows, k->out, loss_activation(k));
}

static void loss_of_range(const step *s, row_range p) {
    const bp_network *network = s->network;
    const bp_backend *backend = network->backend;
    const bp_dense_layer *k = &network->layer[network->layers - 1];
    const size_t panel = backend->panel_width;
    const bp_packed a = packed_part(k->outputs, panel, p.stored, 0), delta = packed_part(k->deltas, panel, p.stored, 0);
    if (k->out <= panel) { /* one panel is row-major */
        loss_of(s, s->train ? delta.data : NULL, delta.row_stride, a.data, a.row_stride, p.from, p.rows);
        return;
    }
    float *row = p.scratch, *row_delta = row + LOSS_CHUNK_ROWS * k->out;
    for (size_t n = 0; n < p.rows; n += LOSS_CHUNK_ROWS) {
        const size_t count = p.rows - n < LOSS_CHUNK_ROWS ? p.rows - n : LOSS_CHUNK_ROWS;
        backend->unpack(row, k->out, packed_part(a, panel, n, 0), count, k->out);
        loss_of(s, s->train ? row_delta : NULL, k->out, row, k->out, p.from + n, count);
        if (s->train)
            backend->pack(packed_part(delta, panel, n, 0), row_delta, k->out, count, k->out);
    }
}

void bp_step_loss(const step *s, row_range p) {
    const bp_backend *backend = s->network->backend;
    const bp_dense_layer *k = &s->network->layer[s->network->layers - 1];
    if (!s->train && !s->row_loss)
        return;
    loss_of_range(s, p);
    if (s->train && k->derivative.kind == DERIVATIVE_SAVED)
        backend->multiply(packed_part(k->deltas, backend->panel_width, p.stored, 0),
                          packed_part(k->saved, backend->panel_width, p.stored, 0), p.rows, k->out);
}
