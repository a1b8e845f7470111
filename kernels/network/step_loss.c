/*
 * The loss in a step. It takes row-major arrays: several rows of outputs wider than a panel are unpacked, a few
 * rows at a time.
 */
#include "network/step_loss.h"

#include <string.h>

#include "network/loss.h"

/* Row-major outputs and deltas; `row` counts from the start of the batch. */
static void loss_of(const step *s, float *delta, size_t ldd, const float *a, size_t lda, size_t row, size_t rows) {
    const bp_network *network = s->network;
    const dense_layer *k = bp_last_layer(network);
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
    network->backend->kernels.activation_delta(delta, ldd, a, lda, rows, k->out, bp_loss_activation(k));
}

static void loss_of_range(const step *s, row_range p) {
    const bp_network *network = s->network;
    const bp_backend *backend = network->backend;
    const dense_layer *k = bp_last_layer(network);
    const layer_rows *values = &s->workspace->layers[network->plan.layers - 1];
    const bp_packed a = bp_part(s, &values->outputs, p.stored, 0), delta = bp_part(s, &values->deltas, p.stored, 0);
    const bool one_row = a.panel_stride == backend->panel_width, one_panel = k->out <= backend->panel_width;
    if (one_row || one_panel) {
        const size_t stride = one_panel ? a.row_stride : k->out;
        loss_of(s, s->train ? delta.data : NULL, stride, a.data, stride, p.from, p.rows);
        return;
    }
    float *row = p.scratch, *row_delta = row + LOSS_CHUNK_ROWS * k->out;
    for (size_t n = 0; n < p.rows; n += LOSS_CHUNK_ROWS) {
        const size_t count = p.rows - n < LOSS_CHUNK_ROWS ? p.rows - n : LOSS_CHUNK_ROWS;
        backend->unpack(row, k->out, bp_part(s, &a, n, 0), count, k->out);
        loss_of(s, s->train ? row_delta : NULL, k->out, row, k->out, p.from + n, count);
        if (s->train)
            backend->pack(bp_part(s, &delta, n, 0), row_delta, k->out, count, k->out);
    }
}

void bp_step_loss(const step *s, row_range p) {
    const dense_layer *k = bp_last_layer(s->network);
    const layer_rows *values = &s->workspace->layers[s->network->plan.layers - 1];
    if (!s->train && !s->row_loss)
        return;
    loss_of_range(s, p);
    if (s->train && k->derivative.kind == DERIVATIVE_SAVED)
        s->network->backend->multiply(bp_part(s, &values->deltas, p.stored, 0), bp_part(s, &values->saved, p.stored, 0),
                                      p.rows, k->out);
}
