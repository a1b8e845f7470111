/* The public calls around updates: accumulation, momentum, averages, frozen layers. */
#include <backprop/update.h>

#include <inttypes.h>
#include <math.h>

#include "check/refuse.h"
#include "float_environment.h"
#include "network/batch_check.h"
#include "network/optimize.h"
#include "network/refusals.h"
#include "network/step_run.h"
#include "sized.h"

/* ---- Accumulation --------------------------------------------------------------------------------------------- */

bp_status bp_network_accumulate(bp_network *network, const bp_batch *batch, size_t total_rows, float *loss) {
    CONTRACT_MODE(host);
    if (!network || !batch)
        return bp_fail(BP_ERROR_NULL, "%s is null", network ? "batch" : "network");
    if (!network->plan.keeps_gradients)
        return bp_fail(BP_ERROR_VALUE,
                       "the network has no room for gradients: create it with config.gradients set to accumulate");
    if (network->optimizer.ema_swapped)
        return bp_refuse_swapped();
    if (total_rows == 0)
        return bp_fail(BP_ERROR_SIZE, "total_rows is 0, and must be at least 1");
    if (network->plan.reduction == BP_REDUCTION_WEIGHTED_MEAN && batch->weights)
        return bp_fail(BP_ERROR_VALUE, "batch.weights is set, and the network's loss is a weighted mean, whose sum of "
                                       "weights over all micro-batches is not known: use BP_REDUCTION_SUM, with "
                                       "weights divided by their sum");
    step s = {.network = network,
              .workspace = &network->workspace,
              .batch = *batch,
              .train = true,
              .gradient = BP_GRADIENT_MODE_STORE,
              .continues = network->gradient.content == GRADIENT_ACCUMULATED};
    s.first_row = s.continues ? network->gradient.rows : 0;
    const bp_status status = bp_check_batch(network, &s.batch);
    if (status != BP_OK)
        return bp_refuse_batch(network, &s.batch, status);
    if (!s.continues)
        bp_gradient_clear_frozen(network);
    bp_step_run(&s, total_rows, loss);
    network->gradient.content = GRADIENT_ACCUMULATED;
    network->gradient.rows = s.first_row + s.batch.rows;
    return BP_OK;
}

bp_status bp_network_update(bp_network *network, float learning_rate) {
    CONTRACT_MODE(host);
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    if (network->gradient.content == GRADIENT_NONE)
        return bp_fail(BP_ERROR_VALUE, "the network has no gradient: call bp_network_accumulate, or "
                                       "bp_network_backward with BP_GRADIENT_MODE_STORE, first");
    if (network->optimizer.ema_swapped)
        return bp_refuse_swapped();
    if (!isfinite(learning_rate))
        return bp_refuse_learning_rate(learning_rate, "learning_rate");
    const bool counted = network->gradient.content == GRADIENT_STORED; /* by bp_network_backward */
    if (!counted && bp_steps_are_over(network))
        return bp_refuse_steps(network);
    bp_gradient_forget(network);
    network->optimizer.steps += !counted;
    bp_optimizer_begin(network, network->optimizer.steps, learning_rate);
    bp_optimizer_apply(network);
    return BP_OK;
}

bp_status bp_network_discard(bp_network *network) {
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    bp_gradient_forget(network);
    return BP_OK;
}

float bp_network_gradient_norm(const bp_network *network) {
    return network ? network->gradient.norm : 0.0f;
}

/* ---- Settings -------------------------------------------------------------------------------------------------- */

bp_status bp_network_get_optimizer(const bp_network *network, bp_optimizer *optimizer, size_t struct_size) {
    if (!network || !optimizer)
        return bp_fail(BP_ERROR_NULL, "%s is null", network ? "optimizer" : "network");
    if (struct_size < SIZED_END(bp_optimizer, ema_decay))
        return bp_fail(BP_ERROR_VALUE, "struct_size is %zu, and must be sizeof(bp_optimizer)", struct_size);
    sized_write(optimizer, struct_size, &network->optimizer.settings, sizeof network->optimizer.settings);
    return BP_OK;
}

bp_status bp_network_set_momentum(bp_network *network, float momentum) {
    CONTRACT_MODE(host);
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    float *quantity = bp_optimizer_momentum(network);
    if (!quantity)
        return bp_fail(BP_ERROR_VALUE,
                       "the network's optimizer, %s, has no momentum to set: momentum, nesterov, adam and adamw have",
                       bp_optimizer_name(network->optimizer.settings.kind));
    if (!(momentum >= 0.0f && momentum < 1.0f))
        return bp_fail_number("momentum", (double)momentum, "from 0 to below 1");
    *quantity = momentum;
    return BP_OK;
}

/* ---- Average and frozen layers -------------------------------------------------------------------------------- */

bp_status bp_network_swap_ema(bp_network *network) {
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    if (!network->optimizer.arrays.ema)
        return bp_fail(BP_ERROR_VALUE, "the network has no EMA weights: create it with an ema_decay above 0");
    bp_parameters_exchange_ema(network);
    return BP_OK;
}

bool bp_network_ema_swapped(const bp_network *network) {
    return network && network->optimizer.ema_swapped;
}

bp_status bp_network_freeze(bp_network *network, size_t index, bool frozen) {
    CONTRACT_MODE(host);
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    if (index >= network->plan.layers)
        return bp_fail(BP_ERROR_VALUE, "index is %zu, and must be below %zu, the network's layers", index,
                       network->plan.layers);
    network->layers[index].frozen = frozen;
    bp_parameters_count_frozen(network);
    return BP_OK;
}

/* ---- Seed and steps ------------------------------------------------------------------------------------------- */

bp_status bp_network_set_steps(bp_network *network, uint64_t seed, uint64_t steps) {
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    if (steps >> BP_STEP_BITS != 0)
        return bp_fail(BP_ERROR_VALUE, "steps is %" PRIu64 ", and must be below 2^%d", steps, BP_STEP_BITS);
    network->seed = seed;
    bp_state_set_steps(network, steps);
    return BP_OK;
}
