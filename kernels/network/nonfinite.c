/* Finds the first number that is not finite: runs the training step again, matrix by matrix. */
#include <math.h>
#include <string.h>

#include <backprop/layer_norm.h>

#include "api/check.h"
#include "enum_counts.h"
#include "failure.h"
#include "float_environment.h"
#include "network/parameters.h"
#include "network/regularize.h"

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

/* Stored after the parameters and the optimizer's state, which are contiguous. */
typedef struct beside {
    uint64_t steps;
    float norm;
    bool ema_swapped;
} beside;

static size_t copied_bytes(const bp_network *network) {
    return (1 + network->states) * network->parameters * sizeof(float);
}

size_t bp_parameters_bytes(const bp_network *network) {
    return copied_bytes(network) + sizeof(beside);
}

void bp_parameters_copy(void *to, const bp_network *network) {
    const beside now = {network->steps, network->norm, network->ema_swapped};
    memcpy(to, network->layer[0].weights.data, copied_bytes(network));
    memcpy((char *)to + copied_bytes(network), &now, sizeof now);
}

void bp_parameters_restore(bp_network *network, const void *from) {
    beside then;
    memcpy(&then, (const char *)from + copied_bytes(network), sizeof then);
    bp_update_set_steps(network, then.steps);
    memcpy(network->layer[0].weights.data, from, copied_bytes(network));
    network->norm = then.norm;
    network->ema_swapped = then.ema_swapped;
}

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
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        for (size_t i = 0; i < k->in; i++)
            for (size_t j = 0, columns; j < k->out; j += columns) {
                columns = k->out - j > panel ? panel : k->out - j;
                const float *row = packed_part(k->weights, panel, i, j).data;
                if (find_in(found, BP_QUANTITY_WEIGHTS, l, row, 0, 1, columns)) {
                    found->row = i;
                    found->column += j;
                    return true;
                }
            }
        if (find_in(found, BP_QUANTITY_BIASES, l, k->biases, 0, 1, k->out))
            return true;
        if (k->norm.gamma && (find_in(found, BP_QUANTITY_GAMMA, l, k->norm.gamma, 0, 1, k->out) ||
                              find_in(found, BP_QUANTITY_BETA, l, k->norm.beta, 0, 1, k->out)))
            return true;
    }
    return false;
}

bp_nonfinite bp_parameters_find_nonfinite(const bp_network *network) {
    bp_nonfinite found = {.quantity = BP_QUANTITY_NONE};
    /* Padding is included here, which is nearly always finite; the search itself leaves it out. */
    if (!all_finite(network->layer[0].weights.data, network->parameters))
        find_in_parameters(network, &found);
    return found;
}

/* ---- A step, matrix by matrix --------------------------------------------------------------------------------- */

/* A search: its arrays are cut from one allocation. */
typedef struct search {
    bp_network *network;
    bp_batch batch; /* strides filled in */
    /* [rows x all layers' outputs], one layer after the other, each row-major. */
    float *outputs;
    float *derivatives; /* dL/dz = dL/da * this: f'(z), times dropout's factor */
    float *deltas;      /* dL/dz */
    float *normalized;  /* of layers with normalization, as in layer_norm.h */
    float *norm_deltas; /* dL/dy */
    float *rstd;        /* [layers x rows, padded] */
    float *row_loss;    /* [rows] */
    float *weights;     /* one layer's, or their gradient */
    float *gradients;   /* of that layer's biases */
    void *scratch;
    bp_nonfinite found;
} search;

/* Floats in whole cache lines, so that each array begins with one. */
static size_t padded(size_t floats) {
    const size_t line = BP_ALIGNMENT / sizeof(float);
    return (floats + line - 1) / line * line;
}

/* Arrays of [rows x all layers' outputs]. */
#define SEARCH_ARRAYS 5

/* Bytes of all arrays; 0 if they do not fit in the address range. */
static size_t search_bytes(const bp_network *network, size_t rows) {
    const size_t scratch = BP_SCRATCH_BYTES / sizeof(float);
    double floats = (double)padded(rows) * (double)(1 + network->layers);
    double weights = 0.0;
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        floats += SEARCH_ARRAYS * ((double)rows * (double)k->out + BP_ALIGNMENT) + (double)k->out;
        weights = fmax(weights, (double)k->in * (double)k->out);
    }
    floats += (double)scratch + weights + 4.0 * BP_ALIGNMENT;
    return floats < (double)(PTRDIFF_MAX / sizeof(float) / 2) ? (size_t)floats * sizeof(float) : 0;
}

static float *take(char **next, size_t floats) {
    float *array = (float *)(void *)*next;
    *next += padded(floats) * sizeof(float);
    return array;
}

static void lay_out_search(search *s, char *memory) {
    const bp_network *network = s->network;
    const size_t rows = s->batch.rows;
    size_t values = 0, weights = 0, widest = 0;
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        values += padded(rows * k->out);
        weights = k->in * k->out > weights ? k->in * k->out : weights;
        widest = k->out > widest ? k->out : widest;
    }
    char *next = memory + (BP_ALIGNMENT - (uintptr_t)memory % BP_ALIGNMENT) % BP_ALIGNMENT;
    s->scratch = take(&next, BP_SCRATCH_BYTES / sizeof(float));
    float **const arrays[SEARCH_ARRAYS] = {&s->outputs, &s->derivatives, &s->deltas, &s->normalized, &s->norm_deltas};
    for (size_t k = 0; k < SEARCH_ARRAYS; k++)
        *arrays[k] = take(&next, values);
    s->rstd = take(&next, network->layers * padded(rows));
    s->row_loss = take(&next, rows);
    s->weights = take(&next, weights);
    s->gradients = take(&next, widest);
}

/* Layer l's part of outputs, deltas, ... */
static float *layer_part(const search *s, float *all, size_t l) {
    for (size_t previous = 0; previous < l; previous++)
        all += padded(s->batch.rows * s->network->layer[previous].out);
    return all;
}

static void unpack_weights(const search *s, size_t l) {
    const bp_dense_layer *k = &s->network->layer[l];
    s->network->backend->unpack(s->weights, k->out, k->weights, k->in, k->out);
}

/* The inputs of layer l. */
static const float *layer_inputs(const search *s, size_t l, size_t *stride) {
    *stride = l > 0 ? s->network->layer[l].in : s->batch.input_stride;
    return l > 0 ? layer_part(s, s->outputs, l - 1) : s->batch.inputs;
}

/* From z, which is in the outputs' array, to the outputs. */
static bool find_outputs(search *s, size_t l) {
    const bp_network *network = s->network;
    const bp_kernels *kernels = &network->backend->kernels;
    const bp_dense_layer *k = &network->layer[l];
    const size_t rows = s->batch.rows, out = k->out;
    float *a = layer_part(s, s->outputs, l), *derivatives = layer_part(s, s->derivatives, l);
    if (find_in(&s->found, BP_QUANTITY_PRE_ACTIVATION, l, a, out, rows, out))
        return true;
    if (k->norm.gamma) {
        kernels->layer_norm_forward(a, out, layer_part(s, s->normalized, l), out, s->rstd + l * padded(rows), a, out,
                                    k->norm.gamma, k->norm.beta, rows, out, BP_LAYER_NORM_EPSILON);
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
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        size_t stride;
        const float *x = layer_inputs(s, l, &stride);
        unpack_weights(s, l);
        network->backend->kernels.dense_forward(layer_part(s, s->outputs, l), k->out, x, stride, s->weights, k->out,
                                                k->biases, s->batch.rows, k->in, k->out, identity, s->scratch);
        if (find_outputs(s, l))
            return true;
    }
    return false;
}

static void times_derivatives(float *delta, const float *derivatives, size_t count) {
    for (size_t n = 0; n < count; n++)
        delta[n] = delta[n] * derivatives[n];
}

static bool find_loss(search *s) {
    const bp_network *network = s->network;
    const size_t last = network->layers - 1, rows = s->batch.rows, out = network->layer[last].out;
    const float *a = layer_part(s, s->outputs, last), scale = bp_loss_scale(network, &s->batch, rows);
    float *delta = layer_part(s, s->deltas, last);
    bp_loss_evaluate(network, &s->batch, scale, delta, out, s->row_loss, a, out, 0, rows);
    if (network->layer[last].derivative.kind == DERIVATIVE_SAVED)
        times_derivatives(delta, layer_part(s, s->derivatives, last), rows * out);
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
    const bp_dense_layer *next = &network->layer[l + 1], *k = &network->layer[l];
    const bp_activation identity = {.kind = BP_ACTIVATION_IDENTITY};
    const size_t rows = s->batch.rows;
    float *delta = layer_part(s, k->norm.gamma ? s->norm_deltas : s->deltas, l);
    unpack_weights(s, l + 1);
    kernels->dense_delta(delta, k->out, layer_part(s, s->deltas, l + 1), next->out, s->weights, next->out,
                         layer_part(s, s->outputs, l), k->out, rows, next->in, next->out, identity, s->scratch);
    times_derivatives(delta, layer_part(s, s->derivatives, l), rows * k->out);
    if (k->norm.gamma)
        kernels->layer_norm_backward(layer_part(s, s->deltas, l), k->out, delta, k->out,
                                     layer_part(s, s->normalized, l), k->out, s->rstd + l * padded(rows), k->norm.gamma,
                                     rows, k->out);
}

static bool find_deltas(search *s) {
    const bp_network *network = s->network;
    for (size_t l = network->layers; l-- > 0;) {
        const size_t out = network->layer[l].out;
        if (l + 1 < network->layers)
            delta_of_layer(s, l);
        if (find_in(&s->found, BP_QUANTITY_DELTA, l, layer_part(s, s->deltas, l), out, s->batch.rows, out))
            return true;
    }
    return false;
}

static bool find_gradients(search *s) {
    const bp_network *network = s->network;
    const bp_kernels *kernels = &network->backend->kernels;
    for (size_t l = network->layers; l-- > 0;) {
        const bp_dense_layer *k = &network->layer[l];
        const size_t rows = s->batch.rows, out = k->out;
        size_t stride;
        const float *x = layer_inputs(s, l, &stride);
        kernels->dense_gradient(s->weights, out, s->gradients, x, stride, layer_part(s, s->deltas, l), out, rows, k->in,
                                out, s->scratch);
        if (find_in(&s->found, BP_QUANTITY_GRADIENT, l, s->weights, out, k->in, out) ||
            find_in(&s->found, BP_QUANTITY_BIAS_GRADIENT, l, s->gradients, 0, 1, out))
            return true;
        if (!k->norm.gamma)
            continue;
        kernels->layer_norm_gradient(s->weights, s->gradients, layer_part(s, s->norm_deltas, l), out,
                                     layer_part(s, s->normalized, l), out, rows, out);
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
    const size_t out = network->layer[network->layers - 1].out;
    s->found = bp_parameters_find_nonfinite(network);
    return s->found.quantity != BP_QUANTITY_NONE ||
           find_in(&s->found, BP_QUANTITY_INPUTS, 0, b->inputs, b->input_stride, b->rows, network->layer[0].in) ||
           (!loss_takes_labels(network->loss) &&
            find_in(&s->found, BP_QUANTITY_TARGETS, 0, b->targets, b->target_stride, b->rows, out)) ||
           (b->weights && find_in(&s->found, BP_QUANTITY_ROW_WEIGHTS, 0, b->weights, 1, b->rows, 1));
}

bp_status bp_network_find_nonfinite(bp_network *network, const bp_batch *batch, bp_nonfinite *found) {
    CONTRACT_MODE(host);
    if (!network || !batch || !found)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !batch ? "batch" : "found");
    search s = {.network = network, .batch = *batch};
    const bp_status status = bp_step_check(network, &s.batch);
    if (status != BP_OK)
        return bp_batch_refuse(network, &s.batch, status);
    const size_t bytes = search_bytes(network, s.batch.rows);
    const bp_allocator allocator = network->allocator;
    char *memory = bytes ? allocator.allocate(allocator.context, bytes) : NULL;
    if (!memory)
        return bp_fail(BP_ERROR_MEMORY,
                       "an allocation failed: to look through a batch of %zu rows takes memory for "
                       "all its layers, so fewer rows may do",
                       s.batch.rows);
    lay_out_search(&s, memory);
    if (!find_given(&s) && !find_forward(&s) && !find_loss(&s) && !find_deltas(&s))
        find_gradients(&s);
    allocator.release(allocator.context, memory);
    *found = s.found;
    return BP_OK;
}
