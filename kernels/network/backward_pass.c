/* A layer backward: the deltas before it, and the gradient of its parameters. */
#include "network/backward_pass.h"

#include <backprop/dense.h>

#include "network/parameters.h"

/* The slice's gradient is added to earlier ones unless it is the first, and the last slice updates. */
static gradient_use use_of(const step *s) {
    const bool last = s->begin + s->rows == s->batch.rows;
    return (gradient_use){
        .continues = s->begin > 0 || s->continues,
        .update = last && s->gradient == BP_GRADIENT_MODE_UPDATE ? s->update : NULL,
    };
}

/* ---- Deltas --------------------------------------------------------------------------------------------------- */

/* Whether the deltas before layer l are needed: not if all layers before it are frozen. */
static bool delta_is_wanted(const step *s, size_t l) {
    return l > s->network->lowest || bp_step_input_gradient(s);
}

/* dL/dx, in the matrix of packed inputs, which is free: the schedule reads the inputs in place. */
static void input_gradient_rows(const step *s, row_range p) {
    const dense_layer *k = &s->network->layers[0];
    const bp_packed result = bp_rows_from(s->workspace->inputs, p.stored);
    s->network->backend->delta(result, bp_rows_from(s->workspace->layers[0].deltas, p.stored), k->weights,
                               (bp_packed){0}, p.rows, k->in, k->out, (bp_derivative){.kind = DERIVATIVE_ONE},
                               p.scratch);
    const size_t stride = s->options->input_gradient_stride;
    s->network->backend->unpack(s->options->input_gradient + p.from * stride, stride, result, p.rows, k->in);
}

/* dL/dz of a normalized layer, from dL/dy. */
static void normalize_deltas(const step *s, size_t l, row_range p) {
    const dense_layer *k = &s->network->layers[l];
    const layer_rows *values = &s->workspace->layers[l];
    s->network->backend->normalize_delta(
        bp_rows_from(values->deltas, p.stored), bp_rows_from(values->norm_deltas, p.stored),
        bp_rows_from(values->normalized, p.stored), values->rstd + p.stored, k->gamma, p.rows, k->out);
}

static void delta_rows(const step *s, size_t l, row_range p) {
    if (!delta_is_wanted(s, l))
        return;
    if (l == 0) {
        input_gradient_rows(s, p);
        return;
    }
    const dense_layer *k = &s->network->layers[l], *previous = k - 1;
    const layer_rows *values = &s->workspace->layers[l], *before = values - 1;
    s->network->backend->delta(bp_rows_from(previous->normalized ? before->norm_deltas : before->deltas, p.stored),
                               bp_rows_from(values->deltas, p.stored), k->weights,
                               bp_rows_from(before->saved, p.stored), p.rows, k->in, k->out, previous->derivative,
                               p.scratch);
    if (previous->normalized)
        normalize_deltas(s, l - 1, p);
}

void bp_deltas_rows(const step *s, size_t first, size_t end, row_range p) {
    for (size_t l = end; l-- > first;)
        delta_rows(s, l, p);
}

/* ---- Gradients ------------------------------------------------------------------------------------------------ */

/* The gradient of rows `in` and columns `out` of layer l's weights, and of the biases, with the first rows. */
static void update_part(const step *s, size_t l, range in, range out, size_t worker) {
    const bp_backend *backend = s->network->backend;
    const dense_layer *k = &s->network->layers[l];
    if (in.begin == in.end || out.begin == out.end)
        return;
    const gradient_use use = use_of(s);
    const row_range all = bp_all_rows(s, 0);
    const bp_packed w = bp_part(s, k->weights, in.begin, out.begin);
    const bp_packed delta = bp_part(s, s->workspace->layers[l].deltas, 0, out.begin);
    float *biases = k->biases + out.begin;
    if (in.begin == 0)
        backend->bias_gradient(&use, biases, bp_gradient_of(s->network, biases), delta, s->rows, out.end - out.begin);
    backend->gradient(&use, w, bp_gradient_of_matrix(s->network, w),
                      bp_part(s, bp_layer_inputs(s, l, all), 0, in.begin), delta, s->rows, in.end - in.begin,
                      out.end - out.begin, bp_worker_scratch(s, worker));
}

/* The same for a part of the gammas and betas. */
static void update_normalization(const step *s, size_t l, range out) {
    const dense_layer *k = &s->network->layers[l];
    const layer_rows *values = &s->workspace->layers[l];
    if (out.begin == out.end)
        return;
    const gradient_use use = use_of(s);
    float *gamma = k->gamma + out.begin, *beta = k->beta + out.begin;
    s->network->backend->norm_gradient(&use, gamma, beta, bp_gradient_of(s->network, gamma),
                                       bp_gradient_of(s->network, beta), bp_part(s, values->norm_deltas, 0, out.begin),
                                       bp_part(s, values->normalized, 0, out.begin), s->rows, out.end - out.begin);
}

/* Whether the step computes the gradient of layer l. */
static bool gradient_is_wanted(const step *s, size_t l) {
    return !s->network->layers[l].frozen && s->gradient != BP_GRADIENT_MODE_SKIP;
}

/* A worker's part of layer l: some rows or some columns, whichever are more. */
static void update_layer(const step *s, size_t l, size_t worker, size_t workers) {
    const bp_backend *backend = s->network->backend;
    const dense_layer *k = &s->network->layers[l];
    range in = {0, k->in}, out = {0, k->out};
    if (!gradient_is_wanted(s, l))
        return;
    if (k->in >= k->out)
        in = columns_of(backend, k->in, worker, workers);
    else
        out = columns_of(backend, k->out, worker, workers);
    update_part(s, l, in, out, worker);
    if (k->normalized)
        update_normalization(s, l, columns_of(backend, k->out, worker, workers));
}

void bp_update_layers(const step *s, size_t first, size_t end, size_t worker, size_t workers) {
    for (size_t l = end; l-- > first;)
        update_layer(s, l, worker, workers);
}

void bp_backward_layers(const step *s) {
    const row_range all = bp_all_rows(s, 0);
    for (size_t l = s->network->plan.layers; l-- > 0;) {
        delta_rows(s, l, all);
        update_layer(s, l, 0, 1);
    }
}

/* The previous layer's deltas and the update read the same rows of the weights. The first layer has only the update. */
void bp_backward_columns(const step *s, size_t l, size_t worker, size_t workers) {
    const bp_backend *backend = s->network->backend;
    const dense_layer *k = &s->network->layers[l];
    range in = {0, k->in}, out = {0, k->out};
    if (l == 0)
        out = columns_of(backend, k->out, worker, workers);
    else
        in = columns_of(backend, k->in, worker, workers);
    if (l > 0 && in.begin < in.end && delta_is_wanted(s, l)) {
        const layer_rows *values = &s->workspace->layers[l], *before = values - 1;
        backend->delta(bp_part(s, before->deltas, 0, in.begin), values->deltas, bp_part(s, k->weights, in.begin, 0),
                       bp_part(s, before->saved, 0, in.begin), s->rows, in.end - in.begin, k->out, k[-1].derivative,
                       bp_worker_scratch(s, worker));
    }
    if (gradient_is_wanted(s, l))
        update_part(s, l, in, out, worker);
}

/* ---- Row blocks ----------------------------------------------------------------------------------------------- */

void bp_block_gradient(const step *s, size_t block, row_range p) {
    const bp_network *network = s->network;
    const gradient_use use = {0};
    const size_t offset = (1 + block) * network->parameters.count;
    for (size_t l = network->plan.layers; l-- > 0;) {
        const dense_layer *k = &network->layers[l];
        const layer_rows *values = &s->workspace->layers[l];
        bp_packed sums = bp_gradient_of_matrix(network, k->weights);
        sums.data += offset;
        delta_rows(s, l, p);
        if (s->gradient == BP_GRADIENT_MODE_SKIP)
            continue;
        const bp_packed delta = bp_rows_from(values->deltas, p.stored);
        network->backend->bias_gradient(&use, k->biases, bp_gradient_of(network, k->biases) + offset, delta, p.rows,
                                        k->out);
        network->backend->gradient(&use, k->weights, sums, bp_layer_inputs(s, l, p), delta, p.rows, k->in, k->out,
                                   p.scratch);
        if (k->normalized)
            network->backend->norm_gradient(&use, k->gamma, k->beta, bp_gradient_of(network, k->gamma) + offset,
                                            bp_gradient_of(network, k->beta) + offset,
                                            bp_rows_from(values->norm_deltas, p.stored),
                                            bp_rows_from(values->normalized, p.stored), p.rows, k->out);
    }
}

void bp_add_blocks(const step *s, size_t worker, size_t workers) {
    const bp_network *network = s->network;
    const gradient_use use = use_of(s);
    const size_t count = network->parameters.count;
    const range mine = floats_of(count, worker, workers);
    for (size_t begin = mine.begin, end; begin < mine.end; begin = end) {
        const parameter_run run = bp_parameter_run(network, begin);
        end = run.end < mine.end ? run.end : mine.end;
        float *sums = network->gradient.sums + begin;
        network->backend->add_blocks(&use, run.role, network->parameters.values + begin, sums, sums + count, count,
                                     s->rows / BP_ROW_BLOCK, end - begin);
    }
}
