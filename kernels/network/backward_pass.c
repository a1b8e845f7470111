/* A layer backward: the deltas before it, and the gradient of its parameters. */
#include "network/backward_pass.h"

#include <backprop/dense.h>

#include "network/parameters.h"

/* ---- Deltas --------------------------------------------------------------------------------------------------- */

/* Whether the deltas before layer l are needed: not if all layers before it are frozen. */
static bool delta_is_wanted(const step *s, size_t l) {
    return l > s->network->lowest || bp_step_input_gradient(s);
}

/* dL/dx, in the matrix of packed inputs, which is free: the schedule reads the inputs in place. */
static void input_gradient_rows(const step *s, row_range p) {
    const dense_layer *k = &s->network->layers[0];
    const bp_packed result = bp_part(s, &s->workspace->inputs, p.stored, 0), none = {0};
    bp_packed part;
    s->network->backend->delta(&result, bp_part_in(s, &s->workspace->layers[0].deltas, p.stored, 0, &part), &k->weights,
                               &none, p.rows, k->in, k->out, (bp_derivative){.kind = DERIVATIVE_ONE}, p.scratch);
    const size_t stride = s->options->input_gradient_stride;
    s->network->backend->unpack(s->options->input_gradient + p.from * stride, stride, result, p.rows, k->in);
}

/* dL/dz of a normalized layer, from dL/dy. */
static void normalize_deltas(const step *s, size_t l, row_range p) {
    const dense_layer *k = &s->network->layers[l];
    const layer_rows *values = &s->workspace->layers[l];
    s->network->backend->normalize_delta(
        bp_part(s, &values->deltas, p.stored, 0), bp_part(s, &values->norm_deltas, p.stored, 0),
        bp_part(s, &values->normalized, p.stored, 0), values->rstd + p.stored, k->gamma, p.rows, k->out);
}

/* Some rows and columns `in` of the deltas before layer l > 0. All columns, if the layer before is normalized. */
static void delta_part(const step *s, size_t l, row_range p, range in) {
    const dense_layer *k = &s->network->layers[l], *previous = k - 1;
    const layer_rows *values = &s->workspace->layers[l], *before = values - 1;
    bp_packed result, delta, w, saved;
    s->network->backend->delta(
        bp_part_in(s, previous->normalized ? &before->norm_deltas : &before->deltas, p.stored, in.begin, &result),
        bp_part_in(s, &values->deltas, p.stored, 0, &delta), bp_part_in(s, &k->weights, in.begin, 0, &w),
        bp_part_in(s, &before->saved, p.stored, in.begin, &saved), p.rows, in.end - in.begin, k->out,
        previous->derivative, p.scratch);
    if (previous->normalized)
        normalize_deltas(s, l - 1, p);
}

static void delta_rows(const step *s, size_t l, row_range p) {
    if (!delta_is_wanted(s, l))
        return;
    if (l == 0)
        input_gradient_rows(s, p);
    else
        delta_part(s, l, p, (range){0, s->network->layers[l].in});
}

void bp_deltas_rows(const step *s, size_t first, size_t end, row_range p) {
    for (size_t l = end; l-- > first;)
        delta_rows(s, l, p);
}

/* ---- Gradients ------------------------------------------------------------------------------------------------ */

/* The gradient of rows `in` and columns `out` of layer l's weights, and of the biases, with the first rows. */
static void update_part(const step *s, size_t l, range in, range out, size_t worker) {
    const bp_network *network = s->network;
    const dense_layer *k = &network->layers[l];
    if (in.begin == in.end || out.begin == out.end)
        return;
    bp_packed w_part, x_part, delta_part;
    const bp_packed *w = bp_part_in(s, &k->weights, in.begin, out.begin, &w_part);
    const bp_packed *delta = bp_part_in(s, &s->workspace->layers[l].deltas, 0, out.begin, &delta_part);
    const bp_packed sums = bp_gradient_of_matrix(network, *w);
    float *biases = k->biases + out.begin;
    if (in.begin == 0)
        network->backend->bias_gradient(&s->use, biases, bp_gradient_of(network, biases), delta, s->rows,
                                        out.end - out.begin);
    network->backend->gradient(&s->use, w, &sums, bp_layer_inputs(s, l, bp_all_rows(s, worker), in.begin, &x_part),
                               delta, s->rows, in.end - in.begin, out.end - out.begin, bp_worker_scratch(s, worker));
}

/* The same for a part of the gammas and betas. */
static void update_normalization(const step *s, size_t l, range out) {
    const dense_layer *k = &s->network->layers[l];
    const layer_rows *values = &s->workspace->layers[l];
    if (out.begin == out.end)
        return;
    float *gamma = k->gamma + out.begin, *beta = k->beta + out.begin;
    s->network->backend->norm_gradient(&s->use, gamma, beta, bp_gradient_of(s->network, gamma),
                                       bp_gradient_of(s->network, beta), bp_part(s, &values->norm_deltas, 0, out.begin),
                                       bp_part(s, &values->normalized, 0, out.begin), s->rows, out.end - out.begin);
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

/* The deltas before layer l > 0 and the gradient, both for columns `in` of the deltas: the same rows of the weights. */
static void backward_part(const step *s, size_t l, range in, size_t worker) {
    const bp_network *network = s->network;
    const dense_layer *k = &network->layers[l], *previous = k - 1;
    const layer_rows *values = &s->workspace->layers[l], *before = values - 1;
    bp_packed w_part, result, saved, x;
    const bp_packed *w = bp_part_in(s, &k->weights, in.begin, 0, &w_part);
    const bp_packed sums = bp_gradient_of_matrix(network, *w);
    const row_range all = bp_all_rows(s, worker);
    if (in.begin == 0)
        network->backend->bias_gradient(&s->use, k->biases, bp_gradient_of(network, k->biases), &values->deltas,
                                        s->rows, k->out);
    const bp_backward b = {
        .batch = s->rows,
        .in = in.end - in.begin,
        .out = k->out,
        .previous = bp_part_in(s, previous->normalized ? &before->norm_deltas : &before->deltas, 0, in.begin, &result),
        .delta = &values->deltas,
        .w = w,
        .saved = bp_part_in(s, &before->saved, 0, in.begin, &saved),
        .derivative = previous->derivative,
        .sums = &sums,
        .x = bp_layer_inputs(s, l, all, in.begin, &x),
    };
    network->backend->backward(&s->use, &b, all.scratch);
    if (previous->normalized)
        normalize_deltas(s, l - 1, all);
}

void bp_backward_layers(const step *s) {
    const row_range all = bp_all_rows(s, 0);
    for (size_t l = s->network->plan.layers; l-- > 0;) {
        const dense_layer *k = &s->network->layers[l];
        if (l > 0 && delta_is_wanted(s, l) && gradient_is_wanted(s, l)) {
            backward_part(s, l, (range){0, k->in}, 0);
            if (k->normalized)
                update_normalization(s, l, (range){0, k->out});
        } else {
            delta_rows(s, l, all);
            update_layer(s, l, 0, 1);
        }
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
    const bool delta = l > 0 && in.begin < in.end && delta_is_wanted(s, l), gradient = gradient_is_wanted(s, l);
    if (delta && gradient)
        backward_part(s, l, in, worker);
    else if (delta)
        delta_part(s, l, bp_all_rows(s, worker), in);
    else if (gradient)
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
        bp_packed x, delta_part;
        const bp_packed *delta = bp_part_in(s, &values->deltas, p.stored, 0, &delta_part);
        network->backend->bias_gradient(&use, k->biases, bp_gradient_of(network, k->biases) + offset, delta, p.rows,
                                        k->out);
        network->backend->gradient(&use, &k->weights, &sums, bp_layer_inputs(s, l, p, 0, &x), delta, p.rows, k->in,
                                   k->out, p.scratch);
        if (k->normalized)
            network->backend->norm_gradient(&use, k->gamma, k->beta, bp_gradient_of(network, k->gamma) + offset,
                                            bp_gradient_of(network, k->beta) + offset,
                                            bp_part(s, &values->norm_deltas, p.stored, 0),
                                            bp_part(s, &values->normalized, p.stored, 0), p.rows, k->out);
    }
}

void bp_add_blocks(const step *s, size_t worker, size_t workers) {
    const bp_network *network = s->network;
    const size_t count = network->parameters.count;
    const range mine = floats_of(count, worker, workers);
    for (size_t begin = mine.begin, end; begin < mine.end; begin = end) {
        const parameter_run run = bp_parameter_run(network, begin);
        end = run.end < mine.end ? run.end : mine.end;
        float *sums = network->gradient.sums + begin;
        network->backend->add_blocks(&s->use, run.role, network->parameters.values + begin, sums, sums + count, count,
                                     s->rows / BP_ROW_BLOCK, end - begin);
    }
}
