/*
 * A network is one block:
 *
 *   stored for later    bp_network | layers | parameters | optimizer state, each array like the parameters | gradients
 *   the workspace        packed inputs | rows of each layer | W^T of a small network | losses | scratch of each worker
 */
#include "network/create.h"

#include <stdint.h>
#include <string.h>

#include "allocator.h"
#include "dispatch/dispatch.h"
#include "failure.h"
#include "float_environment.h"
#include "network/arena.h"
#include "network/config.h"
#include "network/initialize.h"
#include "network/parameters.h"
#include "network/step_schedule.h"

/* ---- Memory --------------------------------------------------------------------------------------------------- */

/* The block starts at the next aligned address. The address of its memory is stored before it. */
static char *take_block(const bp_allocator *allocator, size_t bytes) {
    char *memory = allocator->allocate(allocator->context, bytes);
    if (!memory)
        return NULL;
    char *block = memory + BP_ALIGNMENT - (uintptr_t)memory % BP_ALIGNMENT;
    memcpy(block - sizeof memory, &memory, sizeof memory);
    return block;
}

static void release_block(bp_network *network) {
    const bp_allocator allocator = network->allocator;
    char *memory;
    memcpy(&memory, (char *)network - sizeof memory, sizeof memory);
    allocator.release(allocator.context, memory);
}

/* ---- The walk ------------------------------------------------------------------------------------------------- */

/* Layer l as its configuration has it; without one, as the network has it. */
static dense_layer layer_at(const bp_network *network, const bp_network_config *config, size_t l) {
    if (!config)
        return network->layers[l];
    dense_layer k = {
        .in = config->sizes[l],
        .out = config->sizes[l + 1],
        .activation = bp_config_activation(config, l),
        .dropout = bp_config_dropout(config, l),
        .normalized = bp_config_normalizes(config, l),
    };
    k.saves_derivative = derivative_of(k.activation).kind == DERIVATIVE_SAVED;
    k.derivative = k.dropout > 0.0f ? (bp_derivative){.kind = DERIVATIVE_SAVED} : derivative_of(k.activation);
    return k;
}

static float *lay_out_line(arena *a, const bp_network *network, size_t columns) {
    return arena_packed(a, network->backend, 1, columns).data;
}

static void lay_out_parameters(arena *a, bp_network *network, const bp_network_config *config) {
    const size_t before = a->used;
    network->parameters.values = arena_bytes(a, 0);
    for (size_t l = 0; l < network->plan.layers; l++) {
        dense_layer k = layer_at(network, config, l);
        k.weights = arena_packed(a, network->backend, k.in, k.out);
        k.biases = lay_out_line(a, network, k.out);
        if (k.normalized) {
            k.gamma = lay_out_line(a, network, k.out);
            k.beta = lay_out_line(a, network, k.out);
        }
        if (a->base)
            network->layers[l] = k;
    }
    network->parameters.count = (a->used - before) / sizeof(float);
}

/* The arrays of optimizer state follow the parameters; the average is the last. */
static void lay_out_state(arena *a, bp_network *network) {
    bp_parameters *arrays = &network->optimizer.arrays;
    const size_t count = network->parameters.count, states = bp_optimizer_states(network->optimizer.settings.kind);
    arrays->values = network->parameters.values;
    for (size_t k = 0; k < states; k++)
        arrays->state[k] = arena_floats(a, 1, count);
    if (states < network->plan.states)
        arrays->ema = arena_floats(a, 1, count);
    network->optimizer.update.arrays = *arrays;
}

static void lay_out_gradient(arena *a, bp_network *network, const bp_network_config *config) {
    const network_plan *plan = &network->plan;
    network_gradient *gradient = &network->gradient;
    if (plan->gradient_buffers > 0)
        gradient->sums = arena_floats(a, plan->gradient_buffers, network->parameters.count);
    if (plan->clips_norm)
        gradient->squares = arena_bytes(a, 0);
    for (size_t l = 0; l < plan->layers && plan->clips_norm; l++)
        lay_out_line(a, network, layer_at(network, config, l).out);
}

static void lay_out_layer_rows(arena *a, bp_network *network, const dense_layer *k, layer_rows *rows) {
    const bp_backend *backend = network->backend;
    const size_t count = network->plan.slice_rows;
    rows->outputs = arena_packed(a, backend, count, k->out);
    rows->deltas = arena_packed(a, backend, count, k->out);
    rows->saved = rows->outputs;
    if (k->derivative.kind == DERIVATIVE_SAVED)
        rows->saved = arena_packed(a, backend, count, k->out);
    if (k->normalized) {
        rows->normalized = arena_packed(a, backend, count, k->out);
        rows->norm_deltas = arena_packed(a, backend, count, k->out);
        rows->rstd = arena_floats(a, 1, count);
    }
}

/* What the one call of a small network reads of a layer. */
static void lay_out_small_layer(arena *a, bp_network *network, const dense_layer *k, const layer_rows *rows, size_t l) {
    bp_packed weights_t = {0};
    if (l > 0)
        weights_t = arena_packed(a, network->backend, k->out, k->in);
    if (a->base)
        network->workspace.small[l] = (bp_small_layer){
            .in = k->in,
            .out = k->out,
            .weights = k->weights.data,
            .weights_t = weights_t.data,
            .biases = k->biases,
            .outputs = rows->outputs.data,
            .deltas = rows->deltas.data,
            .saved = rows->saved.data,
            .activation = k->activation,
            .derivative = k->derivative,
        };
}

static void lay_out_rows(arena *a, bp_network *network, const bp_network_config *config) {
    const network_plan *plan = &network->plan;
    bp_workspace *w = &network->workspace;
    w->slice_rows = plan->slice_rows;
    w->small_rows = plan->small_rows;
    w->workers = plan->workers;
    w->inputs = arena_packed(a, network->backend, plan->slice_rows, layer_at(network, config, 0).in);
    for (size_t l = 0; l < plan->layers; l++) {
        const dense_layer k = a->base ? network->layers[l] : layer_at(network, config, l);
        layer_rows rows = {0};
        lay_out_layer_rows(a, network, &k, &rows);
        if (plan->small_rows > 0)
            lay_out_small_layer(a, network, &k, &rows, l);
        if (a->base)
            w->layers[l] = rows;
    }
    w->row_loss = arena_floats(a, 1, plan->max_batch_size);
    w->scratch_bytes = plan->scratch_bytes;
    w->scratch = arena_array(a, plan->workers, plan->scratch_bytes, 1);
}

/*
 * The walk over all arrays of a network whose backend, plan and optimizer are set. Without a base it counts bytes, and
 * `network` is no block; without a configuration the network's layers are as they are.
 */
static void lay_out(arena *a, bp_network *network, const bp_network_config *config) {
    const size_t layers = network->plan.layers;
    bp_workspace *w = &network->workspace;
    arena_bytes(a, sizeof *network);
    network->layers = arena_array(a, layers, 1, sizeof *network->layers);
    w->layers = arena_array(a, layers, 1, sizeof *w->layers);
    if (network->plan.small_rows > 0)
        w->small = arena_array(a, layers, 1, sizeof *w->small);
    w->phases = arena_array(a, MOST_PHASES(layers), 1, sizeof *w->phases);
    lay_out_parameters(a, network, config);
    lay_out_state(a, network);
    lay_out_gradient(a, network, config);
    network->persistent_bytes = a->used;
    lay_out_rows(a, network, config);
    network->bytes = a->used + BP_ALIGNMENT; /* the block itself is aligned within the allocation */
}

/* ---- Creation ------------------------------------------------------------------------------------------------- */

/* Plans a network, without a block yet, and counts its bytes. */
static bp_status plan_block(const bp_backend *backend, const bp_network_config *config, bp_network *planned) {
    *planned = (bp_network){.backend = backend, .seed = config->seed};
    planned->optimizer.settings = *config->optimizer;
    const bp_status status = bp_plan_network(config, backend, &planned->plan);
    if (status != BP_OK)
        return status;
    arena a = {0};
    lay_out(&a, planned, config);
    if (a.overflow)
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
    bp_network planned;
    bp_status status = bp_dispatch_backend(&backend);
    if (status == BP_OK)
        status = bp_config_check(config, &checked);
    if (status == BP_OK)
        status = plan_block(backend, &checked.config, &planned);
    if (status == BP_OK)
        *bytes = planned.bytes;
    return status;
}

/* A pool of its own, for its number of workers. */
static bp_status make_pool(bp_network *network) {
    network->private_pool = bp_pool_create(network->plan.workers);
    if (!network->private_pool)
        return bp_fail(BP_ERROR_THREADS, "a thread pool of %zu threads could not be made", network->plan.workers);
    network->pool = (bp_thread_pool){bp_pool_run, network->private_pool, network->plan.workers};
    return BP_OK;
}

/* The host's pool, or a new one if there is work for it. */
static bp_status start_threads(bp_network *network, const bp_network_config *config) {
    if (config->pool)
        network->pool = *config->pool;
    return config->pool || network->plan.workers == 1 ? BP_OK : make_pool(network);
}

bp_status bp_network_create_on(const bp_backend *backend, const bp_network_config *given, bp_network **network) {
    checked_config checked;
    bp_network planned;
    const bp_network_config *config = &checked.config;
    bp_status status = bp_config_check(given, &checked);
    if (status != BP_OK || (status = plan_block(backend, config, &planned)) != BP_OK)
        return status;
    planned.allocator = config->allocator ? *config->allocator : bp_default_allocator;
    char *block = take_block(&planned.allocator, planned.bytes);
    if (!block)
        return bp_fail(BP_ERROR_MEMORY, "the network needs %zu bytes, which %s did not give", planned.bytes,
                       config->allocator ? "config.allocator" : "malloc");
    /* Touches every page: the first step is as fast as later ones. */
    memset(block, 0, bp_block_bytes(&planned));
    bp_network *made = (bp_network *)block;
    *made = planned;
    lay_out(&(arena){.base = block}, made, config);
    made->optimizer.update = coefficients_of(&made->optimizer.settings, 1, 0.0f, &made->optimizer.arrays);
    bp_parameters_count_frozen(made);
    bp_initialize_layers(made, NULL, config->seed);

    status = start_threads(made, config);
    if (status != BP_OK) {
        release_block(made);
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

bp_status bp_network_copy_block(const bp_network *source, bp_network **copy) {
    char *block = take_block(&source->allocator, source->bytes);
    if (!block)
        return bp_refuse(BP_ERROR_MEMORY);
    memcpy(block, source, source->persistent_bytes);
    memset(block + source->persistent_bytes, 0, bp_block_bytes(source) - source->persistent_bytes);
    bp_network *made = (bp_network *)block;
    lay_out(&(arena){.base = block}, made, NULL);
    bp_parameters_changed(&made->workspace);
    if (source->private_pool && make_pool(made) != BP_OK) {
        release_block(made);
        return bp_fail(BP_ERROR_THREADS, "the threads of the clone's own pool, %zu, cannot be started",
                       source->plan.workers);
    }
    *copy = made;
    return BP_OK;
}

void bp_network_destroy(bp_network *network) {
    if (!network)
        return;
    bp_pool_destroy(network->private_pool);
    release_block(network);
}
