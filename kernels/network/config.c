/* Lays out the memory of a network, given its checked configuration. */
#include <limits.h>
#include <math.h>
#include <stdalign.h>
#include <stdint.h>

#include <backprop/dense.h>

#include "activation_kinds.h"
#include "coefficients.h"
#include "dispatch/dispatch.h"
#include "failure.h"
#include "float_environment.h"
#include "network/network.h"

/* A worker with fewer floating-point operations costs more than it saves: some 4 us of one core's time. */
#define FLOPS_PER_WORKER 3e5

/* Row blocks of each worker in a slice. With one, barriers took 3 % of a step of 32-64x4-16 on two threads. */
#define WORKER_BLOCKS 2

/* With more rows, the columns of a slice exceed the second-level cache in the gradient. */
#define SLICE_ROWS_MAX 1024.0

#define FLOATS_PER_LINE (BP_ALIGNMENT / sizeof(float))

/* The row stride of a packed matrix. */
static size_t row_stride(size_t panel, size_t columns) {
    return panel == WHOLE_ROWS ? (columns + FLOATS_PER_LINE - 1) / FLOATS_PER_LINE * FLOATS_PER_LINE : panel;
}

packed_shape bp_packed_shape(size_t panel, size_t rows, size_t columns) {
    const size_t stride = row_stride(panel, columns);
    return (packed_shape){stride, rows * stride, (columns + panel - 1) / panel};
}

size_t bp_row_floats(size_t panel, size_t columns) {
    const packed_shape shape = bp_packed_shape(panel, 1, columns);
    return shape.panel_count * shape.row_stride;
}

double bp_step_flops(const size_t *sizes, size_t layers, size_t rows) {
    double products = 0;
    for (size_t l = 0; l < layers; l++)
        products += (double)sizes[l] * (double)sizes[l + 1];
    return 2.0 * (double)rows * (3.0 * products - (double)sizes[0] * (double)sizes[1]);
}

size_t bp_useful_workers(double flops, size_t workers) {
    if (workers == 1)
        return 1;
    const double useful = flops / FLOPS_PER_WORKER;
    if (useful < 2.0)
        return 1;
    return useful < (double)workers ? (size_t)useful : workers;
}

/* A running total of bytes that remembers an overflow. */
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

bp_activation bp_config_activation(const bp_network_config *config, size_t l) {
    if (config->activations)
        return config->activations[l];
    return (bp_activation){.kind = l + 1 < config->layers ? BP_ACTIVATION_RELU : BP_ACTIVATION_IDENTITY};
}

float bp_config_dropout(const bp_network_config *config, size_t l) {
    return config->dropout ? config->dropout[l] : 0.0f;
}

bool bp_config_normalizes(const bp_network_config *config, size_t l) {
    return config->normalize && config->normalize[l];
}

bool bp_config_saves_derivatives(const bp_network_config *config, size_t l) {
    return bp_config_dropout(config, l) > 0.0f ||
           derivative_of(bp_config_activation(config, l)).kind == DERIVATIVE_SAVED;
}

/* Arrays of a slice's rows for layer l: outputs, deltas, and those of dropout and layer normalization. */
static size_t row_arrays(const bp_network_config *config, size_t l) {
    return 2 + (bp_config_saves_derivatives(config, l) ? 1 : 0) + (bp_config_normalizes(config, l) ? 2 : 0);
}

bool bp_config_regularizes(const bp_network_config *config) {
    for (size_t l = 0; l < config->layers; l++)
        if (bp_config_normalizes(config, l) || bp_config_dropout(config, l) > 0.0f)
            return true;
    return false;
}

static bp_status count_workers(const bp_network_config *config, size_t *workers) {
    size_t threads = config->threads;
    if (threads == 0 && config->pool)
        threads = config->pool->threads;
    if (threads == 0) {
        const bp_status status = bp_default_threads(&threads);
        if (status != BP_OK)
            return status;
    }
    if (config->pool && threads > config->pool->threads)
        threads = config->pool->threads;
    *workers = bp_useful_workers(bp_step_flops(config->sizes, config->layers, config->max_batch_size), threads);
    return BP_OK;
}

static void tally_packed(tally *t, size_t panel, size_t rows, size_t columns) {
    if (columns > PTRDIFF_MAX / sizeof(float))
        t->overflow = true;
    else
        tally_floats(t, rows, bp_row_floats(panel, columns));
}

/* Elements of all weights, and of the values and deltas of one row. */
typedef struct extent {
    double weights, row;
} extent;

static extent network_extent(const bp_network_config *config) {
    extent e = {0, (double)config->sizes[0]};
    for (size_t l = 0; l < config->layers; l++) {
        e.weights += (double)config->sizes[l] * (double)config->sizes[l + 1];
        e.row += (double)row_arrays(config, l) * (double)config->sizes[l + 1];
    }
    return e;
}

/*
 * Whole row blocks of each worker in a slice, or 0. The blocks' gradients cross between cores, but no values of rows:
 * this pays if the weights are at most half as large as those values.
 */
static size_t choose_worker_blocks(const bp_network_config *config, size_t workers) {
    const extent e = network_extent(config);
    const bool enough = config->max_batch_size / BP_ROW_BLOCK >= workers;
    return workers > 1 && enough && 2.0 * e.weights <= e.row * BP_ROW_BLOCK ? WORKER_BLOCKS : 0;
}

/*
 * Rows of a slice. With more slices the gradient accumulators pass through the cache more often; with larger ones the
 * rows' values do. A slice's values are twice as large as the weights, and there are enough rows for each worker. Whole
 * row blocks of a worker reuse the same memory.
 */
static size_t choose_slice(const bp_network_config *config, size_t workers, size_t worker_blocks) {
    const size_t batch_blocks = config->max_batch_size / BP_ROW_BLOCK;
    const extent e = network_extent(config);
    size_t blocks = (size_t)fmax(ceil(fmin(SLICE_ROWS_MAX, 2.0 * e.weights / e.row) / BP_ROW_BLOCK), 1.0);
    if (workers > 1 && blocks <= workers)
        blocks = workers > batch_blocks || worker_blocks > 0 ? workers : WORKER_BLOCKS * workers;
    return blocks > batch_blocks ? config->max_batch_size : blocks * BP_ROW_BLOCK;
}

/*
 * The largest batch that runs in one call on one worker. 0 unless the backend has such a call, and each layer's outputs
 * fit one panel, without dropout or layer normalization. The first layer may have any number of inputs.
 */
static size_t choose_small_rows(const bp_network_config *config, const bp_backend *backend, size_t workers) {
    double row_flops = 0;
    if (!backend->small_step || bp_config_regularizes(config))
        return 0;
    for (size_t l = 0; l < config->layers; l++) {
        if (config->sizes[l + 1] > backend->panel_width)
            return 0;
        row_flops += 2.0 * (double)config->sizes[l] * (double)config->sizes[l + 1];
    }
    size_t rows = BP_ROW_BLOCK;
    while (rows > 0 && bp_useful_workers(2.0 * row_flops * (double)rows, workers) > 1)
        rows--;
    return rows;
}

/* A worker's scratch: for packed blocks, or for some rows of outputs and their deltas. */
static size_t worker_scratch_bytes(const bp_network_config *config, size_t slice_rows) {
    tally loss = {0};
    tally_floats(&loss, 2 * LOSS_CHUNK_ROWS, config->sizes[config->layers]);
    size_t most = loss.overflow ? PTRDIFF_MAX : loss.bytes;
    for (size_t l = 0; l < config->layers; l++) {
        const size_t delta = product_scratch_bytes(slice_rows, config->sizes[l], config->sizes[l + 1]);
        most = delta > most ? delta : most;
    }
    return most;
}

static bool normalizes_any(const bp_network_config *config) {
    for (size_t l = 0; l < config->layers; l++)
        if (bp_config_normalizes(config, l))
            return true;
    return false;
}

bp_status bp_network_layout(const bp_network_config *config, const bp_backend *backend, network_layout *layout) {
    const size_t panel = backend->panel_width;
    const bp_status status = count_workers(config, &layout->workers);
    if (status != BP_OK)
        return status;
    const bool clips_norm = config->optimizer->clip_norm > 0.0f;
    layout->by_gradient = clips_norm || (!is_plain_sgd(config->optimizer) && normalizes_any(config));
    layout->panel_width = panel;
    layout->worker_blocks = choose_worker_blocks(config, layout->workers);
    layout->slice_rows = choose_slice(config, layout->workers, layout->worker_blocks);
    layout->gradient_buffers = layout->workers * layout->worker_blocks;
    if (layout->slice_rows < config->max_batch_size || layout->gradient_buffers > 0 || config->gradients ||
        layout->by_gradient)
        layout->gradient_buffers++;
    layout->states = bp_optimizer_states(config->optimizer->kind) + (config->optimizer->ema_decay > 0.0f);
    layout->small_rows = clips_norm ? 0 : choose_small_rows(config, backend, layout->workers);

    const size_t *sizes = config->sizes, layers = config->layers;
    tally t = {0};
    tally_bytes(&t, sizeof(bp_network));
    layout->layers_at = t.bytes;
    tally_bytes(&t, layers * sizeof(bp_dense_layer));
    layout->small_layers_at = t.bytes;
    if (layout->small_rows > 0)
        tally_bytes(&t, layers * sizeof(bp_small_layer));
    layout->weights_at = t.bytes;
    for (size_t l = 0; l < layers; l++) {
        tally_packed(&t, panel, sizes[l], sizes[l + 1]);
        for (size_t row = 0; row < (bp_config_normalizes(config, l) ? 3 : 1); row++)
            tally_packed(&t, panel, 1, sizes[l + 1]);
    }
    layout->parameters = (t.bytes - layout->weights_at) / sizeof(float);
    tally_floats(&t, layout->states, layout->parameters);
    layout->gradient_at = t.bytes;
    tally_floats(&t, layout->gradient_buffers, layout->parameters);
    layout->weights_t_at = t.bytes;
    for (size_t l = 1; l < layers && layout->small_rows > 0; l++)
        tally_packed(&t, panel, sizes[l + 1], sizes[l]);
    layout->rows_at = t.bytes;
    tally_packed(&t, panel, layout->slice_rows, sizes[0]);
    for (size_t l = 0; l < layers; l++) {
        for (size_t k = 0; k < row_arrays(config, l); k++)
            tally_packed(&t, panel, layout->slice_rows, sizes[l + 1]);
        if (bp_config_normalizes(config, l))
            tally_floats(&t, 1, layout->slice_rows);
    }
    layout->row_loss_at = t.bytes;
    tally_floats(&t, 1, config->max_batch_size);
    layout->squares_at = t.bytes;
    for (size_t l = 0; l < layers && clips_norm; l++)
        tally_packed(&t, panel, 1, sizes[l + 1]);
    layout->scratch_at = t.bytes;
    layout->scratch_bytes = worker_scratch_bytes(config, layout->slice_rows);
    tally_floats(&t, layout->workers, layout->scratch_bytes / sizeof(float));
    /* The block itself is aligned within the allocation. */
    tally_bytes(&t, BP_ALIGNMENT);
    layout->bytes = t.bytes;
    if (t.overflow)
        return bp_fail(BP_ERROR_OVERFLOW,
                       "config.sizes and config.max_batch_size, %zu, make a network that exceeds the address range",
                       config->max_batch_size);
    return BP_OK;
}

bp_status bp_network_memory(const bp_network_config *config, size_t *bytes) {
    CONTRACT_MODE(host);
    if (!config || !bytes)
        return bp_fail(BP_ERROR_NULL, "%s is null", config ? "bytes" : "config");
    const bp_backend *backend;
    checked_config checked;
    network_layout layout;
    bp_status status = bp_dispatch_backend(&backend);
    if (status == BP_OK)
        status = bp_config_check(config, &checked);
    if (status == BP_OK)
        status = bp_network_layout(&checked.config, backend, &layout);
    if (status == BP_OK)
        *bytes = layout.bytes;
    return status;
}
