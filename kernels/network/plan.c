/* Plans a network: the choices that its configuration and the backend leave open. */
#include "network/plan.h"

#include <math.h>

#include <backprop/dense.h>

#include "coefficients.h"
#include "failure.h"
#include "network/config.h"
#include "network/workers.h"
#include "network/workspace.h"

/* Row blocks of each worker in a slice. With one, barriers took 3 % of a step of 32-64x4-16 on two threads. */
#define WORKER_BLOCKS 2

/* With more rows, the columns of a slice exceed the second-level cache in the gradient. */
#define SLICE_ROWS_MAX 1024.0

double bp_step_flops(const size_t *sizes, size_t layers, size_t rows) {
    double products = 0;
    for (size_t l = 0; l < layers; l++)
        products += (double)sizes[l] * (double)sizes[l + 1];
    return 2.0 * (double)rows * (3.0 * products - (double)sizes[0] * (double)sizes[1]);
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

/* Elements of all weights, and of the values and deltas of one row. */
typedef struct extent {
    double weights, row;
} extent;

static extent network_extent(const bp_network_config *config) {
    extent e = {0, (double)config->sizes[0]};
    for (size_t l = 0; l < config->layers; l++) {
        const bool saves = bp_config_dropout(config, l) > 0.0f ||
                           derivative_of(bp_config_activation(config, l)).kind == DERIVATIVE_SAVED;
        const double arrays = 2.0 + (saves ? 1.0 : 0.0) + (bp_config_normalizes(config, l) ? 2.0 : 0.0);
        e.weights += (double)config->sizes[l] * (double)config->sizes[l + 1];
        e.row += arrays * (double)config->sizes[l + 1];
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
 * The largest batch that runs in one call on one worker. 0 unless each layer's outputs fit one panel, without dropout,
 * layer normalization or a clipped norm. The first layer may have any number of inputs.
 */
static size_t choose_small_rows(const bp_network_config *config, const bp_backend *backend, const network_plan *plan) {
    if (plan->regularized || plan->clips_norm || !backend->small_step)
        return 0;
    for (size_t l = 0; l < config->layers; l++)
        if (config->sizes[l + 1] > backend->panel_width)
            return 0;
    size_t rows = BP_ROW_BLOCK;
    while (rows > 0 && bp_step_workers(plan, rows, true, plan->workers) > 1)
        rows--;
    return rows;
}

/* The call for a small network's width, and the loss that it knows. */
static void choose_small_step(const bp_network_config *config, const bp_backend *backend, network_plan *plan) {
    size_t widest = 0;
    for (size_t l = 1; l <= config->layers; l++)
        widest = config->sizes[l] > widest ? config->sizes[l] : widest;
    const bool known = plan->loss == BP_LOSS_MSE || plan->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    plan->small_step = widest <= backend->narrow ? backend->narrow_small_step : backend->small_step;
    plan->small_loss = known && plan->loss_parameter == 0.0f ? plan->loss : LOSS_COUNT;
}

/* A worker's scratch: for packed blocks, or for some rows of outputs and their deltas. */
static size_t worker_scratch_bytes(const bp_network_config *config, size_t slice_rows) {
    const size_t outputs = config->sizes[config->layers],
                 most_outputs = PTRDIFF_MAX / sizeof(float) / 4 / LOSS_CHUNK_ROWS;
    size_t most = 2 * LOSS_CHUNK_ROWS * sizeof(float) * (outputs < most_outputs ? outputs : most_outputs);
    for (size_t l = 0; l < config->layers; l++) {
        const size_t product = product_scratch_bytes(slice_rows, config->sizes[l], config->sizes[l + 1]);
        most = product > most ? product : most;
    }
    return (most + BP_ALIGNMENT - 1) / BP_ALIGNMENT * BP_ALIGNMENT;
}

bp_status bp_plan_network(const bp_network_config *config, const bp_backend *backend, network_plan *plan) {
    const bp_optimizer *optimizer = config->optimizer;
    bool normalizes = false;
    *plan = (network_plan){
        .layers = config->layers,
        .max_batch_size = config->max_batch_size,
        .loss = config->loss,
        .loss_parameter = bp_config_loss_parameter(config),
        .reduction = config->loss_options->reduction,
        .keeps_gradients = config->gradients,
        .clips_norm = optimizer->clip_norm > 0.0f,
        .states = bp_optimizer_states(optimizer->kind) + (optimizer->ema_decay > 0.0f),
    };
    for (size_t l = 0; l < config->layers; l++) {
        plan->row_flops += 2.0 * (double)config->sizes[l] * (double)config->sizes[l + 1];
        normalizes = normalizes || bp_config_normalizes(config, l);
        plan->regularized = plan->regularized || normalizes || bp_config_dropout(config, l) > 0.0f;
    }
    plan->row_step_flops = bp_step_flops(config->sizes, config->layers, 1);
    const bp_status status = count_workers(config, &plan->workers);
    if (status != BP_OK)
        return status;
    plan->updates_by_gradient = plan->clips_norm || (normalizes && !is_plain_sgd(optimizer));
    plan->worker_blocks = choose_worker_blocks(config, plan->workers);
    plan->slice_rows = choose_slice(config, plan->workers, plan->worker_blocks);
    plan->small_rows = choose_small_rows(config, backend, plan);
    plan->gradient_buffers = plan->workers * plan->worker_blocks;
    if (plan->slice_rows < config->max_batch_size || plan->gradient_buffers > 0 || config->gradients ||
        plan->updates_by_gradient)
        plan->gradient_buffers++;
    choose_small_step(config, backend, plan);
    plan->scratch_bytes = worker_scratch_bytes(config, plan->slice_rows);
    return BP_OK;
}
