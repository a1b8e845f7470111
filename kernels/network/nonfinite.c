/* Finds the first number that is not finite: runs the training step again, matrix by matrix. */
#include <math.h>
#include <string.h>

#include <backprop/layer_norm.h>

#include "enum_counts.h"
#include "failure.h"
#include "float_environment.h"
#include "network/arena.h"
#include "network/batch_check.h"
#include "network/forward.h"
#include "network/nonfinite.h"
#include "network/refusals.h"

const char *bp_quantity_name(bp_quantity quantity) {
    static const char *const names[QUANTITY_COUNT] = {
        [BP_QUANTITY_NONE] = "nothing",
        [BP_QUANTITY_WEIGHTS] = "weights",
        [BP_QUANTITY_BIASES] = "biases",
        [BP_QUANTITY_GAMMA] = "gamma",
        [BP_QUANTITY_BETA] = "beta",
        [BP_QUANTITY_INPUTS] = "inputs",
        [BP_QUANTITY_TARGETS] = "targets",
        [BP_QUANTITY_ROW_WEIGHTS] = "row weights",
        [BP_QUANTITY_PRE_ACTIVATION] = "pre-activation",
        [BP_QUANTITY_NORMALIZED] = "normalized",
        [BP_QUANTITY_ACTIVATION] = "activation",
        [BP_QUANTITY_DROPOUT] = "dropout",
        [BP_QUANTITY_LOSS] = "loss",
        [BP_QUANTITY_DELTA] = "delta",
        [BP_QUANTITY_GRADIENT] = "gradient",
        [BP_QUANTITY_BIAS_GRADIENT] = "bias gradient",
        [BP_QUANTITY_GAMMA_GRADIENT] = "gamma gradient",
        [BP_QUANTITY_BETA_GRADIENT] = "beta gradient",
        [BP_QUANTITY_UPDATE] = "update",
        [BP_QUANTITY_GRADIENT_NORM] = "gradient norm",
    };
    return (unsigned)quantity < QUANTITY_COUNT ? names[quantity] : NULL;
}

/* Whether a matrix has a number that is not finite; stores its position. */
static bool find_in(bp_nonfinite *found, bp_quantity quantity, size_t layer, const float *values, size_t stride,
                    size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            if (!isfinite(values[n * stride + j])) {
                *found = (bp_nonfinite){quantity, layer, n, j, values[n * stride + j]};
                return true;
            }
    return false;
}

/* ---- Parameters ----------------------------------------------------------------------------------------------- */

/* x - x is zero if x is finite. The independent sums let the compiler vectorize the loop. */
static bool all_finite(const float *values, size_t count) {
    enum { SUMS = 32 };
    float zeros[SUMS] = {0};
    size_t k = 0;
    for (; k + SUMS <= count; k += SUMS)
        for (size_t l = 0; l < SUMS; l++)
            zeros[l] += values[k + l] - values[k + l];
    for (; k < count; k++)
        zeros[0] += values[k] - values[k];
    float sum = 0.0f;
    for (size_t l = 0; l < SUMS; l++)
        sum += zeros[l];
    return sum == 0.0f;
}

static bool find_in_parameters(const bp_network *network, bp_nonfinite *found) {
    const size_t panel = network->backend->panel_width;
    for (size_t l = 0; l < network->plan.layers; l++) {
        const dense_layer *k = &network->layers[l];
        for (size_t i = 0; i < k->in; i++)
            for (size_t j = 0, columns; j < k->out; j += columns) {
                columns = k->out - j > panel ? panel : k->out - j;
                const float *row = bp_packed_part(k->weights, panel, i, j).data;
                if (find_in(found, BP_QUANTITY_WEIGHTS, l, row, 0, 1, columns)) {
                    found->row = i;
                    found->column += j;
                    return true;
                }
            }
        if (find_in(found, BP_QUANTITY_BIASES, l, k->biases, 0, 1, k->out))
            return true;
        if (k->normalized && (find_in(found, BP_QUANTITY_GAMMA, l, k->gamma, 0, 1, k->out) ||
                              find_in(found, BP_QUANTITY_BETA, l, k->beta, 0, 1, k->out)))
            return true;
    }
    return false;
}

bp_nonfinite bp_parameters_find_nonfinite(const bp_network *network) {
    bp_nonfinite found = {.quantity = BP_QUANTITY_NONE};
    /* Padding is included here, which is nearly always finite; the search itself leaves it out. */
    if (!all_finite(network->parameters.values, network->parameters.count))
        find_in_parameters(network, &found);
    return found;
}

/* ---- A step, matrix by matrix --------------------------------------------------------------------------------- */

/* The values of a layer, [rows x out], row-major. */
typedef struct layer_values {
    float *outputs;
    float *derivatives; /* dL/dz = dL/da * this: f'(z), times dropout's factor */
    float *deltas;      /* dL/dz */
    float *normalized;  /* of a layer with normalization, as in layer_norm.h */
    float *norm_deltas; /* dL/dy */
    float *rstd;        /* [rows] */
} layer_values;

typedef struct search {
    bp_network *network;
    bp_batch batch; /* strides filled in */
    layer_values *layers;
    float *row_loss;  /* [rows] */
    float *weights;   /* one layer's, or their gradient */
    float *gradients; /* of that layer's biases */
    void *scratch;
    bp_nonfinite found;
} search;

/* The walk over the arrays of a search. */
static void lay_out(arena *a, search *s) {
    const bp_network *network = s->network;
    const size_t rows = s->batch.rows;
    size_t weights = 0, widest = 0;
    s->layers = arena_array(a, network->plan.layers, 1, sizeof *s->layers);
    for (size_t l = 0; l < network->plan.layers; l++) {
        const size_t in = network->layers[l].in, out = network->layers[l].out;
        const layer_values values = {arena_floats(a, rows, out), arena_floats(a, rows, out), arena_floats(a, rows, out),
                                     arena_floats(a, rows, out), arena_floats(a, rows, out), arena_floats(a, rows, 1)};
        if (a->base)
            s->layers[l] = values;
        weights = in * out > weights ? in * out : weights;
        widest = out > widest ? out : widest;
    }
    s->row_loss = arena_floats(a, rows, 1);
    s->weights = arena_floats(a, weights, 1);
    s->gradients = arena_floats(a, widest, 1);
    s->scratch = arena_bytes(a, BP_SCRATCH_BYTES);
}

static void unpack_weights(const search *s, size_t l) {
    const dense_layer *k = &s->network->layers[l];
    s->network->backend->unpack(s->weights, k->out, k->weights, k->in, k->out);
}

/* The inputs of layer l. */
static const float *layer_inputs(const search *s, size_t l, size_t *stride) {
    *stride = l > 0 ? s->network->layers[l].in : s->batch.input_stride;
    return l > 0 ? s->layers[l - 1].outputs : s->batch.inputs;
}

/* From z, which is in the outputs' array, to the outputs. */
static bool find_outputs(search *s, size_t l) {
    const bp_network *network = s->network;
    const bp_kernels *kernels = &network->backend->kernels;
    const dense_layer *k = &network->layers[l];
    const size_t rows = s->batch.rows, out = k->out;
    float *a = s->layers[l].outputs, *derivatives = s->layers[l].derivatives;
    if (find_in(&s->found, BP_QUANTITY_PRE_ACTIVATION, l, a, out, rows, out))
        return true;
    if (k->normalized) {
        kernels->layer_norm_forward(a, out, s->layers[l].normalized, out, s->layers[l].rstd, a, out, k->gamma, k->beta,
                                    rows, out, BP_LAYER_NORM_EPSILON);
        if (find_in(&s->found, BP_QUANTITY_NORMALIZED, l, a, out, rows, out))
            return true;
    }
    const bool from_z = activation_saves_input(k->activation.kind);
    if (from_z)
        kernels->activation_derivative(derivatives, out, a, out, rows, out, k->activation);
    kernels->activate(a, out, a, out, rows, out, k->activation);
    if (find_in(&s->found, BP_QUANTITY_ACTIVATION, l, a, out, rows, out))
        return true;
    if (!from_z)
        kernels->activation_derivative(derivatives, out, a, out, rows, out, k->activation);
    if (k->dropout == 0.0f)
        return false;
    const bp_dropout_mask mask = bp_step_mask(network, l);
    kernels->dropout(derivatives, out, derivatives, out, rows, out, &mask);
    kernels->dropout(a, out, a, out, rows, out, &mask);
    return find_in(&s->found, BP_QUANTITY_DROPOUT, l, a, out, rows, out);
}

static bool find_forward(search *s) {
    const bp_network *network = s->network;
    const bp_activation identity = {.kind = BP_ACTIVATION_IDENTITY};
    for (size_t l = 0; l < network->plan.layers; l++) {
        const dense_layer *k = &network->layers[l];
        size_t stride;
        const float *x = layer_inputs(s, l, &stride);
        unpack_weights(s, l);
        network->backend->kernels.dense_forward(s->layers[l].outputs, k->out, x, stride, s->weights, k->out, k->biases,
                                                s->batch.rows, k->in, k->out, identity, s->scratch);
        if (find_outputs(s, l))
            return true;
    }
    return false;
}

static void times(float *deltas, const float *derivatives, size_t count) {
    for (size_t n = 0; n < count; n++)
        deltas[n] = deltas[n] * derivatives[n];
}

static bool find_loss(search *s) {
    const bp_network *network = s->network;
    const size_t last = network->plan.layers - 1, rows = s->batch.rows, out = network->layers[last].out;
    const float *a = s->layers[last].outputs, scale = bp_loss_scale(network, &s->batch, rows);
    float *delta = s->layers[last].deltas;
    bp_loss_evaluate(network, &s->batch, scale, delta, out, s->row_loss, a, out, 0, rows);
    if (network->layers[last].derivative.kind == DERIVATIVE_SAVED)
        times(delta, s->layers[last].derivatives, rows * out);
    if (find_in(&s->found, BP_QUANTITY_LOSS, 0, s->row_loss, 1, rows, 1))
        return true;
    const float loss = network->backend->kernels.sum(s->row_loss, rows) * scale;
    if (isfinite(loss))
        return false;
    s->found = (bp_nonfinite){.quantity = BP_QUANTITY_LOSS, .row = rows, .value = loss};
    return true;
}

/* Deltas of layer l from those of the next layer. */
static void delta_of_layer(const search *s, size_t l) {
    const bp_network *network = s->network;
    const bp_kernels *kernels = &network->backend->kernels;
    const dense_layer *next = &network->layers[l + 1], *k = &network->layers[l];
    const bp_activation identity = {.kind = BP_ACTIVATION_IDENTITY};
    const size_t rows = s->batch.rows, count = rows * k->out;
    float *delta = k->normalized ? s->layers[l].norm_deltas : s->layers[l].deltas;
    const float *derivatives = s->layers[l].derivatives;
    unpack_weights(s, l + 1);
    kernels->dense_delta(delta, k->out, s->layers[l + 1].deltas, next->out, s->weights, next->out, s->layers[l].outputs,
                         k->out, rows, next->in, next->out, identity, s->scratch);
    times(delta, derivatives, count);
    if (k->normalized)
        kernels->layer_norm_backward(s->layers[l].deltas, k->out, delta, k->out, s->layers[l].normalized, k->out,
                                     s->layers[l].rstd, k->gamma, rows, k->out);
}

static bool find_deltas(search *s) {
    const bp_network *network = s->network;
    for (size_t l = network->plan.layers; l-- > 0;) {
        const size_t out = network->layers[l].out;
        if (l + 1 < network->plan.layers)
            delta_of_layer(s, l);
        if (find_in(&s->found, BP_QUANTITY_DELTA, l, s->layers[l].deltas, out, s->batch.rows, out))
            return true;
    }
    return false;
}

static bool find_gradients(search *s) {
    const bp_network *network = s->network;
    const bp_kernels *kernels = &network->backend->kernels;
    for (size_t l = network->plan.layers; l-- > 0;) {
        const dense_layer *k = &network->layers[l];
        const size_t rows = s->batch.rows, out = k->out;
        size_t stride;
        const float *x = layer_inputs(s, l, &stride);
        kernels->dense_gradient(s->weights, out, s->gradients, x, stride, s->layers[l].deltas, out, rows, k->in, out,
                                s->scratch);
        if (find_in(&s->found, BP_QUANTITY_GRADIENT, l, s->weights, out, k->in, out) ||
            find_in(&s->found, BP_QUANTITY_BIAS_GRADIENT, l, s->gradients, 0, 1, out))
            return true;
        if (!k->normalized)
            continue;
        kernels->layer_norm_gradient(s->weights, s->gradients, s->layers[l].norm_deltas, out, s->layers[l].normalized,
                                     out, rows, out);
        if (find_in(&s->found, BP_QUANTITY_GAMMA_GRADIENT, l, s->weights, 0, 1, out) ||
            find_in(&s->found, BP_QUANTITY_BETA_GRADIENT, l, s->gradients, 0, 1, out))
            return true;
    }
    return false;
}

/* The inputs of the search: parameters and batch. */
static bool find_given(search *s) {
    const bp_network *network = s->network;
    const bp_batch *b = &s->batch;
    const size_t out = bp_last_layer(network)->out;
    s->found = bp_parameters_find_nonfinite(network);
    return s->found.quantity != BP_QUANTITY_NONE ||
           find_in(&s->found, BP_QUANTITY_INPUTS, 0, b->inputs, b->input_stride, b->rows, network->layers[0].in) ||
           (!loss_takes_labels(network->plan.loss) &&
            find_in(&s->found, BP_QUANTITY_TARGETS, 0, b->targets, b->target_stride, b->rows, out)) ||
           (b->weights && find_in(&s->found, BP_QUANTITY_ROW_WEIGHTS, 0, b->weights, 1, b->rows, 1));
}

bp_status bp_network_find_nonfinite(bp_network *network, const bp_batch *batch, bp_nonfinite *found) {
    CONTRACT_MODE(host);
    if (!network || !batch || !found)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !batch ? "batch" : "found");
    search s = {.network = network, .batch = *batch};
    const bp_status status = bp_check_batch(network, &s.batch);
    if (status != BP_OK)
        return bp_refuse_batch(network, &s.batch, status);
    arena counted = {0};
    lay_out(&counted, &s);
    const bp_allocator allocator = network->allocator;
    char *memory = counted.overflow ? NULL : allocator.allocate(allocator.context, counted.used + BP_ALIGNMENT);
    if (!memory)
        return bp_fail(BP_ERROR_MEMORY,
                       "an allocation failed: to look through a batch of %zu rows takes memory for "
                       "all its layers, so fewer rows may do",
                       s.batch.rows);
    arena a = arena_in(memory);
    lay_out(&a, &s);
    if (!find_given(&s) && !find_forward(&s) && !find_loss(&s) && !find_deltas(&s))
        find_gradients(&s);
    allocator.release(allocator.context, memory);
    *found = s.found;
    return BP_OK;
}
