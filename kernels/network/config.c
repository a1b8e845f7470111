/* Checks a network's configuration and lays its memory out. */
#include <limits.h>
#include <math.h>
#include <stdalign.h>
#include <stdint.h>

#include <backprop/dense.h>

#include "api/check.h"
#include "network/network.h"
#include "tables.h"

/* Floating-point operations below which another thread costs more than it saves: some 30 us of one core's work. */
#define FLOPS_PER_LANE 2e6

#define FLOATS_PER_LINE (BP_ALIGNMENT / sizeof(float))
#define FLOATS_PER_PAGE (4096 / sizeof(float))

size_t bp_row_stride(size_t columns) {
    const size_t lines = (columns + FLOATS_PER_LINE - 1) / FLOATS_PER_LINE;
    const size_t stride = lines * FLOATS_PER_LINE;
    /* Rows a whole number of pages apart would compete for the same few sets of the cache. */
    return stride % FLOATS_PER_PAGE == 0 ? stride + FLOATS_PER_LINE : stride;
}

double bp_step_flops(const size_t *sizes, size_t layers, size_t rows) {
    double products = 0;
    for (size_t l = 0; l < layers; l++)
        products += (double)sizes[l] * (double)sizes[l + 1];
    return 2.0 * (double)rows * (3.0 * products - (double)sizes[0] * (double)sizes[1]);
}

size_t bp_useful_lanes(double flops, size_t lanes) {
    const double useful = flops / FLOPS_PER_LANE;
    if (useful < 2.0)
        return 1;
    return useful < (double)lanes ? (size_t)useful : lanes;
}

/* Running total of bytes that remembers whether it ever left the address range. */
typedef struct tally {
    size_t bytes;
    bool overflow;
} tally;

static void tally_bytes(tally *t, size_t bytes) {
    const size_t limit = PTRDIFF_MAX - BP_ALIGNMENT;
    if (bytes > limit || t->bytes > limit - bytes) {
        t->overflow = true;
        return;
    }
    t->bytes += (bytes + BP_ALIGNMENT - 1) / BP_ALIGNMENT * BP_ALIGNMENT;
}

static void tally_floats(tally *t, size_t rows, size_t columns) {
    if (columns != 0 && rows > PTRDIFF_MAX / sizeof(float) / columns)
        t->overflow = true;
    else
        tally_bytes(t, rows * columns * sizeof(float));
}

static bp_status check_config(const bp_network_config *config) {
    if (!config->sizes || !config->activations)
        return BP_ERROR_NULL;
    if (config->layers == 0 || config->batch_max == 0)
        return BP_ERROR_SIZE;
    if (config->layers >= PTRDIFF_MAX / sizeof(layer))
        return BP_ERROR_OVERFLOW;
    for (size_t l = 0; l <= config->layers; l++) {
        if (config->sizes[l] == 0)
            return BP_ERROR_SIZE;
        if (config->sizes[l] > PTRDIFF_MAX / sizeof(float) / 2)
            return BP_ERROR_OVERFLOW;
    }
    for (size_t l = 0; l < config->layers; l++) {
        const bp_status status = check_activation(config->activations[l]);
        if (status != BP_OK)
            return status;
    }
    if ((unsigned)config->loss >= BP_LOSS_COUNT)
        return BP_ERROR_VALUE;
    if (config->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY && config->activations[config->layers - 1].kind != BP_IDENTITY)
        return BP_ERROR_VALUE;
    if ((config->allocator.allocate == NULL) != (config->allocator.release == NULL))
        return BP_ERROR_VALUE;
    if (config->pool.run && config->pool.threads == 0)
        return BP_ERROR_VALUE;
    return BP_OK;
}

static bp_status count_lanes(const bp_network_config *config, size_t *lanes) {
    size_t threads = config->threads;
    if (threads == 0 && config->pool.run)
        threads = config->pool.threads;
    if (threads == 0) {
        const bp_status status = bp_default_threads(&threads);
        if (status != BP_OK)
            return status;
    }
    if (config->pool.run && threads > config->pool.threads)
        threads = config->pool.threads;
    *lanes = bp_useful_lanes(bp_step_flops(config->sizes, config->layers, config->batch_max), threads);
    return BP_OK;
}

/* What the largest of a network's products may need, in whole lines of the cache. */
static size_t lane_scratch_bytes(const bp_network_config *config) {
    size_t most = 0;
    for (size_t l = 0; l < config->layers; l++) {
        const size_t batch = config->batch_max, in = config->sizes[l], out = config->sizes[l + 1];
        const size_t forward = product_scratch_bytes(batch, out, in);
        const size_t delta = product_scratch_bytes(batch, in, out);
        const size_t gradient = product_scratch_bytes(in, out, batch);
        most = forward > most ? forward : most;
        most = delta > most ? delta : most;
        most = gradient > most ? gradient : most;
    }
    return (most + BP_ALIGNMENT - 1) / BP_ALIGNMENT * BP_ALIGNMENT;
}

bp_status bp_network_layout(const bp_network_config *config, network_layout *layout) {
    bp_status status = check_config(config);
    if (status != BP_OK || (status = count_lanes(config, &layout->lanes)) != BP_OK)
        return status;

    tally t = {0};
    tally_bytes(&t, sizeof(bp_network));
    layout->layers_at = t.bytes;
    tally_bytes(&t, config->layers * sizeof(layer));
    layout->weights_at = t.bytes;
    for (size_t l = 0; l < config->layers; l++) {
        tally_floats(&t, config->sizes[l], bp_row_stride(config->sizes[l + 1]));
        tally_floats(&t, 1, config->sizes[l + 1]);
    }
    layout->work_at = t.bytes;
    for (size_t l = 0; l < config->layers; l++) {
        tally_floats(&t, config->batch_max, bp_row_stride(config->sizes[l + 1]));
        tally_floats(&t, config->batch_max, bp_row_stride(config->sizes[l + 1]));
    }
    tally_floats(&t, 1, config->batch_max);
    layout->scratch_at = t.bytes;
    layout->scratch_bytes = lane_scratch_bytes(config);
    tally_floats(&t, layout->lanes, layout->scratch_bytes / sizeof(float));
    /* Room to align the block itself, whatever the allocator gives. */
    tally_bytes(&t, BP_ALIGNMENT);
    layout->bytes = t.bytes;
    return t.overflow ? BP_ERROR_OVERFLOW : BP_OK;
}

bp_status bp_network_memory(const bp_network_config *config, size_t *bytes) {
    if (!config || !bytes)
        return BP_ERROR_NULL;
    network_layout layout;
    const bp_status status = bp_network_layout(config, &layout);
    if (status == BP_OK)
        *bytes = layout.bytes;
    return status;
}
