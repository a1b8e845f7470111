/* Creation, initial weights, and queries. */
#include "network/parameters.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/update.h>

#include "activation_kinds.h"
#include "api/check.h"
#include "dispatch/dispatch.h"
#include "enum_counts.h"
#include "failure.h"
#include "float_environment.h"
#include "initializer.h"

static void *default_allocate(void *context, size_t bytes) {
    (void)context;
    return malloc(bytes);
}

static void default_release(void *context, void *memory) {
    (void)context;
    free(memory);
}

/* Takes the next array of the block. */
static float *take_floats(char **next, size_t rows, size_t columns) {
    float *array = (float *)*next;
    const size_t bytes = rows * columns * sizeof(float);
    *next += (bytes + BP_ALIGNMENT - 1) / BP_ALIGNMENT * BP_ALIGNMENT;
    return array;
}

static bp_packed take_packed(char **next, size_t panel, size_t rows, size_t columns) {
    const packed_shape shape = bp_packed_shape(panel, rows, columns);
    return (bp_packed){take_floats(next, rows * shape.panel_count, shape.row_stride), shape.row_stride,
                       shape.panel_stride};
}

void bp_small_layers(bp_small_layer *small, const bp_dense_layer *layer, size_t layers) {
    for (const bp_dense_layer *k = layer; k < layer + layers; k++, small++)
        *small = (bp_small_layer){.in = k->in,
                                  .out = k->out,
                                  .weights = k->weights.data,
                                  .weights_t = k->weights_t,
                                  .biases = k->biases,
                                  .outputs = k->outputs.data,
                                  .deltas = k->deltas.data,
                                  .saved = k->saved.data,
                                  .activation = k->activation,
                                  .derivative = k->derivative};
}

static void lay_out_arrays(bp_network *network, const network_layout *layout, const bp_network_config *config) {
    char *block = (char *)network;
    const size_t panel = layout->panel_width;
    network->layer = (bp_dense_layer *)(block + layout->layers_at);
    char *weights = block + layout->weights_at, *sums = block + layout->gradient_at, *rows = block + layout->rows_at;
    char *weights_t = block + layout->weights_t_at;
    size_t widest = 0;
    network->inputs = take_packed(&rows, panel, layout->slice_rows, config->sizes[0]);
    for (size_t l = 0; l < network->layers; l++) {
        bp_dense_layer *k = &network->layer[l];
        k->in = config->sizes[l];
        k->out = config->sizes[l + 1];
        k->activation = bp_config_activation(config, l);
        k->weights = take_packed(&weights, panel, k->in, k->out);
        k->biases = take_packed(&weights, panel, 1, k->out).data;
        k->dropout = bp_config_dropout(config, l);
        const bool normalized = bp_config_normalizes(config, l);
        if (normalized) {
            k->norm.gamma = take_packed(&weights, panel, 1, k->out).data;
            k->norm.beta = take_packed(&weights, panel, 1, k->out).data;
        }
        if (layout->small_rows > 0 && l > 0)
            k->weights_t = take_packed(&weights_t, panel, k->out, k->in).data;
        if (layout->gradient_buffers > 0) {
            k->gradient = take_packed(&sums, panel, k->in, k->out);
            k->bias_gradient = take_packed(&sums, panel, 1, k->out).data;
            if (normalized) {
                k->norm.gamma_gradient = take_packed(&sums, panel, 1, k->out).data;
                k->norm.beta_gradient = take_packed(&sums, panel, 1, k->out).data;
            }
        }
        k->outputs = take_packed(&rows, panel, layout->slice_rows, k->out);
        k->deltas = take_packed(&rows, panel, layout->slice_rows, k->out);
        k->saved = k->outputs;
        k->derivative = derivative_of(k->activation);
        if (bp_config_saves_derivatives(config, l)) {
            k->saved = take_packed(&rows, panel, layout->slice_rows, k->out);
            k->derivative.kind = DERIVATIVE_SAVED;
        }
        if (normalized) {
            k->norm.normalized = take_packed(&rows, panel, layout->slice_rows, k->out);
            k->norm.deltas = take_packed(&rows, panel, layout->slice_rows, k->out);
            k->norm.rstd = take_floats(&rows, 1, layout->slice_rows);
        }
        widest = k->out > widest ? k->out : widest;
    }
    if (layout->small_rows > 0) {
        network->small_layer = (bp_small_layer *)(block + layout->small_layers_at);
        bp_small_layers(network->small_layer, network->layer, network->layers);
    }
    network->row_loss = (float *)(block + layout->row_loss_at);
    network->scratch = block + layout->scratch_at;
    network->scratch_bytes = layout->scratch_bytes;
    network->slice_rows = layout->slice_rows;
    network->small_rows_plan = layout->small_rows;
    network->small_step =
        widest <= network->backend->narrow ? network->backend->narrow_small_step : network->backend->small_step;
    network->worker_blocks = layout->worker_blocks;
    network->parameters = layout->parameters;
    if (config->optimizer->clip_norm > 0.0f)
        network->squares = (float *)(block + layout->squares_at);
}

/* The arrays of optimizer state follow the parameters; the average is the last. */
static void lay_out_state(bp_network *network, const network_layout *layout, const bp_network_config *config) {
    bp_parameters arrays = {.values = network->layer[0].weights.data};
    const size_t states = bp_optimizer_states(config->optimizer->kind);
    network->optimizer = *config->optimizer;
    network->by_gradient = layout->by_gradient;
    network->states = layout->states;
    for (size_t k = 0; k < states; k++)
        arrays.state[k] = arrays.values + (1 + k) * network->parameters;
    if (states < layout->states)
        arrays.ema = arrays.values + (1 + states) * network->parameters;
    network->coefficients = coefficients_of(&network->optimizer, 1, 0.0f, &arrays);
    bp_update_plan(network);
}

/* gamma = 1, beta = +0. */
static void reset_normalization(bp_network *network) {
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        for (size_t j = 0; k->norm.gamma && j < k->out; j++) {
            k->norm.gamma[j] = 1.0f;
            k->norm.beta[j] = 0.0f;
        }
    }
}

/* The block starts at the next aligned address. The address of its memory is stored before it. */
char *bp_block_take(const bp_allocator *allocator, size_t bytes) {
    char *memory = allocator->allocate(allocator->context, bytes);
    if (!memory)
        return NULL;
    char *block = memory + BP_ALIGNMENT - (uintptr_t)memory % BP_ALIGNMENT;
    memcpy(block - sizeof memory, &memory, sizeof memory);
    return block;
}

void bp_block_release(bp_network *network) {
    const bp_allocator allocator = network->allocator;
    char *memory;
    memcpy(&memory, (char *)network - sizeof memory, sizeof memory);
    allocator.release(allocator.context, memory);
}

static bp_initializer default_initializer(const bp_dense_layer *k) {
    switch (k->activation.kind) {
    case BP_ACTIVATION_RELU:
    case BP_ACTIVATION_LEAKY_RELU:
    case BP_ACTIVATION_RELU6:
    case BP_ACTIVATION_ELU:
    case BP_ACTIVATION_HARD_SWISH:
    case BP_ACTIVATION_SILU:
    case BP_ACTIVATION_GELU:
    case BP_ACTIVATION_GELU_TANH:
    case BP_ACTIVATION_MISH:
        return (bp_initializer){BP_INITIALIZER_HE_UNIFORM, 1.0f};
    case BP_ACTIVATION_SELU:
        return (bp_initializer){BP_INITIALIZER_LECUN_UNIFORM, 1.0f};
    case BP_ACTIVATION_SINE:
        return (bp_initializer){BP_INITIALIZER_HE_UNIFORM, 1.0f / fabsf(parameter_or_one(k->activation))};
    default:
        return (bp_initializer){BP_INITIALIZER_XAVIER_UNIFORM, 1.0f};
    }
}

/* initializers null: the default ones. */
static void initialize(bp_network *network, const bp_initializer *initializers, uint64_t seed) {
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        const bp_initializer initializer = initializers ? initializers[l] : default_initializer(k);
        bp_initialize_packed(k->weights, network->backend->panel_width, k->in, k->out, initializer, seed, l);
        memset(k->biases, 0, k->out * sizeof(float));
    }
    reset_normalization(network);
    bp_update_reset(network);
}

bp_status bp_network_create_on(const bp_backend *backend, const bp_network_config *given, bp_network **network) {
    checked_config checked;
    const bp_network_config *config = &checked.config;
    network_layout layout;
    bp_status status = bp_config_check(given, &checked);
    if (status != BP_OK || (status = bp_network_layout(config, backend, &layout)) != BP_OK)
        return status;

    bp_allocator allocator = {default_allocate, default_release, NULL};
    if (config->allocator)
        allocator = *config->allocator;
    char *block = bp_block_take(&allocator, layout.bytes);
    if (!block)
        return bp_fail(BP_ERROR_MEMORY, "the network needs %zu bytes, which %s did not give", layout.bytes,
                       config->allocator ? "config.allocator" : "malloc");
    /* Touches every page: the first step is as fast as later ones. */
    memset(block, 0, layout.bytes - BP_ALIGNMENT);
    bp_network *made = (bp_network *)block;
    made->backend = backend;
    made->layers = config->layers;
    for (size_t l = 0; l < config->layers; l++)
        made->row_flops += 2.0 * (double)config->sizes[l] * (double)config->sizes[l + 1];
    made->loss = config->loss;
    made->loss_parameter = bp_loss_parameter(config);
    const bool known = config->loss == BP_LOSS_MSE || config->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    made->small_loss = known && made->loss_parameter == 0.0f ? config->loss : LOSS_COUNT;
    made->reduction = config->loss_options->reduction;
    made->gradients = config->gradients;
    made->regularized = bp_config_regularizes(config);
    made->seed = config->seed;
    made->max_batch_size = config->max_batch_size;
    made->workers = layout.workers;
    made->allocator = allocator;
    made->bytes = layout.bytes;
    lay_out_arrays(made, &layout, config);
    lay_out_state(made, &layout, config);
    initialize(made, NULL, config->seed);

    status = bp_network_start_threads(made, config);
    if (status != BP_OK) {
        bp_block_release(made);
        return status;
    }
    *network = made;
    return BP_OK;
}

bp_status bp_network_create(const bp_network_config *config, bp_network **network) {
    CONTRACT_MODE(host);
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    *network = NULL;
    if (!config)
        return bp_fail(BP_ERROR_NULL, "config is null");
    const bp_backend *backend;
    const bp_status status = bp_dispatch_backend(&backend);
    return status == BP_OK ? bp_network_create_on(backend, config, network) : status;
}

void bp_network_destroy(bp_network *network) {
    if (!network)
        return;
    bp_network_stop_threads(network);
    bp_block_release(network);
}

/* w_ij: from input i to neuron j. */
static float *weight_at(const bp_network *network, const bp_dense_layer *k, size_t i, size_t j) {
    return packed_part(k->weights, network->backend->panel_width, i, j).data;
}

bp_status bp_network_initialize(bp_network *network, uint64_t seed) {
    CONTRACT_MODE(host);
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    initialize(network, NULL, seed);
    return BP_OK;
}

bp_status bp_network_initialize_with(bp_network *network, const bp_initializer *initializers, uint64_t seed) {
    CONTRACT_MODE(host);
    if (!network || !initializers)
        return bp_fail(BP_ERROR_NULL, "%s is null", network ? "initializers" : "network");
    for (size_t l = 0; l < network->layers; l++) {
        const bp_status status = bp_check_initializer(initializers[l]);
        char number[32];
        if (status != BP_OK)
            return (unsigned)initializers[l].kind >= INITIALIZER_COUNT
                       ? bp_fail(status, "initializers[%zu].kind is %d, and must be one of bp_initializer_kind", l,
                                 (int)initializers[l].kind)
                       : bp_fail(status, "initializers[%zu].gain is %s, and must be finite, 0 or more", l,
                                 bp_number_text(number, (double)initializers[l].gain));
    }
    initialize(network, initializers, seed);
    return BP_OK;
}

bp_status bp_network_layer(const bp_network *network, size_t index, bp_layer *description) {
    if (!network || !description)
        return bp_fail(BP_ERROR_NULL, "%s is null", network ? "layer" : "network");
    if (index >= network->layers)
        return bp_fail(BP_ERROR_VALUE, "index is %zu, and must be below %zu, the network's layers", index,
                       network->layers);
    const bp_dense_layer *k = &network->layer[index];
    *description = (bp_layer){k->in, k->out, k->activation, k->dropout, k->norm.gamma != NULL};
    return BP_OK;
}

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)
#define CANONICAL_NAN 0x7fc00000u

static uint64_t hash_float(uint64_t hash, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value))
        bits = CANONICAL_NAN;
    for (int byte = 0; byte < 4; byte++)
        hash = (hash ^ ((bits >> (8 * byte)) & 0xffu)) * FNV_PRIME;
    return hash;
}

uint64_t bp_network_hash(const bp_network *network) {
    if (!network)
        return 0;
    uint64_t hash = FNV_OFFSET;
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        for (size_t i = 0; i < k->in; i++)
            for (size_t j = 0; j < k->out; j++)
                hash = hash_float(hash, *weight_at(network, k, i, j));
        for (size_t j = 0; j < k->out; j++)
            hash = hash_float(hash, k->biases[j]);
        for (size_t j = 0; k->norm.gamma && j < k->out; j++)
            hash = hash_float(hash, k->norm.gamma[j]);
        for (size_t j = 0; k->norm.gamma && j < k->out; j++)
            hash = hash_float(hash, k->norm.beta[j]);
    }
    return hash;
}

bp_isa bp_network_isa(const bp_network *network) {
    return network ? network->backend->kernels.isa : BP_ISA_SCALAR;
}

size_t bp_network_threads(const bp_network *network) {
    return network ? network->workers : 0;
}

bp_loss_kind bp_network_loss_kind(const bp_network *network) {
    return network ? network->loss : BP_LOSS_MSE;
}

size_t bp_network_parameters(const bp_network *network) {
    size_t count = 0;
    for (size_t l = 0; network && l < network->layers; l++)
        count += bp_layer_parameters(&network->layer[l]);
    return count;
}

double bp_network_step_flops(const bp_network *network, size_t rows) {
    CONTRACT_MODE(host);
    double products = 0;
    for (size_t l = 0; network && l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        products += (l == 0 ? 2.0 : 3.0) * (double)k->in * (double)k->out;
    }
    const volatile double flops = 2.0 * (double)rows * products;
    return flops;
}
