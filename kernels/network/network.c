/* Creation, initial weights, and what may be asked of a network. */
#include "network/network.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/dense.h>
#include <backprop/random.h>

#include "dispatch/dispatch.h"
#include "float_environment.h"

/* Bytes of outputs and deltas of a slice that should stay in the second-level cache beside the weights' panels. */
#define SLICE_BYTES (256 * 1024)
/* Fewer rows would pay too much for packing the weights again for each slice. */
#define SLICE_ROWS_MIN 128

static void *default_allocate(void *context, size_t bytes) {
    (void)context;
    return malloc(bytes);
}

static void default_release(void *context, void *memory) {
    (void)context;
    free(memory);
}

/* Cuts the next array off the block. */
static float *take_floats(char **next, size_t rows, size_t columns) {
    float *array = (float *)*next;
    const size_t bytes = rows * columns * sizeof(float);
    *next += (bytes + BP_ALIGNMENT - 1) / BP_ALIGNMENT * BP_ALIGNMENT;
    return array;
}

static void place_arrays(bp_network *network, const network_layout *layout, const bp_network_config *config) {
    char *block = (char *)network;
    network->layer = (layer *)(block + layout->layers_at);
    char *next = block + layout->weights_at;
    size_t row_bytes = 0;
    for (size_t l = 0; l < network->layers; l++) {
        layer *k = &network->layer[l];
        k->in = config->sizes[l];
        k->out = config->sizes[l + 1];
        k->stride = bp_row_stride(k->out);
        k->activation = config->activations[l];
        k->weights = take_floats(&next, k->in, k->stride);
        k->biases = take_floats(&next, 1, k->out);
        row_bytes += 2 * k->stride * sizeof(float);
    }
    next = block + layout->work_at;
    for (size_t l = 0; l < network->layers; l++) {
        layer *k = &network->layer[l];
        k->outputs = take_floats(&next, network->batch_max, k->stride);
        k->deltas = take_floats(&next, network->batch_max, k->stride);
    }
    network->row_loss = take_floats(&next, 1, network->batch_max);
    network->scratch = block + layout->scratch_at;
    network->scratch_bytes = layout->scratch_bytes;
    network->slice_rows = SLICE_BYTES / row_bytes;
    if (network->slice_rows < SLICE_ROWS_MIN)
        network->slice_rows = SLICE_ROWS_MIN;
}

bp_status bp_network_create(const bp_network_config *config, bp_network **network) {
    if (!network)
        return BP_ERROR_NULL;
    *network = NULL;
    if (!config)
        return BP_ERROR_NULL;
    const bp_kernels *kernels;
    network_layout layout;
    bp_status status = bp_network_layout(config, &layout);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;

    bp_allocator allocator = config->allocator;
    if (!allocator.allocate)
        allocator = (bp_allocator){default_allocate, default_release, NULL};
    char *memory = allocator.allocate(allocator.context, layout.bytes);
    if (!memory)
        return BP_ERROR_MEMORY;
    /* Touches every page, so that the first step is as fast as the thousandth. */
    memset(memory, 0, layout.bytes);

    /* The block starts at the next aligned address; what lies before it says where the memory began. */
    char *block = memory + BP_ALIGNMENT - (uintptr_t)memory % BP_ALIGNMENT;
    memcpy(block - sizeof memory, &memory, sizeof memory);
    bp_network *made = (bp_network *)block;
    made->kernels = kernels;
    made->layers = config->layers;
    made->loss = config->loss;
    made->batch_max = config->batch_max;
    made->lanes = layout.lanes;
    made->allocator = allocator;
    made->bytes = layout.bytes;
    place_arrays(made, &layout, config);

    status = bp_network_start_threads(made, config);
    if (status != BP_OK) {
        allocator.release(allocator.context, memory);
        return status;
    }
    *network = made;
    return BP_OK;
}

void bp_network_destroy(bp_network *network) {
    if (!network)
        return;
    bp_network_stop_threads(network);
    const bp_allocator allocator = network->allocator;
    char *memory;
    memcpy(&memory, (char *)network - sizeof memory, sizeof memory);
    allocator.release(allocator.context, memory);
}

/* The largest initial weight of a layer. */
static float initial_limit(const layer *k) {
    const bool rectified = k->activation.kind == BP_RELU || k->activation.kind == BP_LEAKY_RELU;
    return sqrtf(6.0f / (float)(rectified ? k->in : k->in + k->out));
}

bp_status bp_network_initialize(bp_network *network, uint64_t seed) {
    if (!network)
        return BP_ERROR_NULL;
    const uint64_t host = float_environment_enter();
    for (size_t l = 0; l < network->layers; l++) {
        const layer *k = &network->layer[l];
        const float limit = initial_limit(k);
        for (size_t i = 0; i < k->in; i++)
            for (size_t j = 0; j < k->out; j++)
                k->weights[i * k->stride + j] = limit * bp_random_symmetric(seed, l, (uint64_t)i * k->out + j);
        memset(k->biases, 0, k->out * sizeof(float));
    }
    float_environment_leave(host);
    return BP_OK;
}

bp_status bp_network_layer(bp_network *network, size_t index, bp_layer *view) {
    if (!network || !view)
        return BP_ERROR_NULL;
    if (index >= network->layers)
        return BP_ERROR_VALUE;
    const layer *k = &network->layer[index];
    *view = (bp_layer){k->in, k->out, k->weights, k->stride, k->biases, k->activation};
    return BP_OK;
}

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)
#define CANONICAL_NAN 0x7fc00000u

static uint64_t hash_floats(uint64_t hash, const float *values, size_t count) {
    for (size_t k = 0; k < count; k++) {
        uint32_t bits;
        memcpy(&bits, &values[k], sizeof bits);
        if (isnan(values[k]))
            bits = CANONICAL_NAN;
        for (int byte = 0; byte < 4; byte++)
            hash = (hash ^ ((bits >> (8 * byte)) & 0xffu)) * FNV_PRIME;
    }
    return hash;
}

uint64_t bp_network_hash(const bp_network *network) {
    if (!network)
        return 0;
    uint64_t hash = FNV_OFFSET;
    for (size_t l = 0; l < network->layers; l++) {
        const layer *k = &network->layer[l];
        for (size_t i = 0; i < k->in; i++)
            hash = hash_floats(hash, k->weights + i * k->stride, k->out);
        hash = hash_floats(hash, k->biases, k->out);
    }
    return hash;
}

bp_isa bp_network_isa(const bp_network *network) {
    return network ? network->kernels->isa : BP_ISA_SCALAR;
}

size_t bp_network_threads(const bp_network *network) {
    return network ? network->lanes : 0;
}

size_t bp_network_parameters(const bp_network *network) {
    size_t count = 0;
    for (size_t l = 0; network && l < network->layers; l++)
        count += (network->layer[l].in + 1) * network->layer[l].out;
    return count;
}

double bp_network_step_flops(const bp_network *network, size_t rows) {
    double products = 0;
    for (size_t l = 0; network && l < network->layers; l++) {
        const layer *k = &network->layer[l];
        products += (l == 0 ? 2.0 : 3.0) * (double)k->in * (double)k->out;
    }
    return 2.0 * (double)rows * products;
}
