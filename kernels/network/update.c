/*
 * Updates beyond plain SGD: the optimizer's coefficients, updates by stored gradients, state, averages, frozen layers.
 */
#include <backprop/update.h>

#include <math.h>
#include <string.h>

#include "api/check.h"
#include "api/optimizer.h"
#include "failure.h"
#include "float_environment.h"
#include "network/parameters.h"
#include "network/range.h"
#include "network/step.h"
#include "sized.h"

/* ---- Updates by stored gradients ------------------------------------------------------------------------------ */

/* The time of one parameter's update, which memory dominates, in floating-point operations. */
#define PASS_FLOPS 20.0

/* A pass over all parameters, split among workers. */
typedef struct pass {
    bp_network *network;
    size_t workers;
} pass;

/* Parameters of layer l, one array after the other. */
static size_t layer_parameters(const bp_network *network, size_t l) {
    const bp_dense_layer *k = &network->layer[l];
    const float *end =
        l + 1 < network->layers ? k[1].weights.data : network->layer[0].weights.data + network->parameters;
    return (size_t)(end - k->weights.data);
}

parameter_run bp_parameter_run(const bp_network *network, size_t at) {
    const float *first = network->layer[0].weights.data;
    size_t l = 0;
    while (l + 1 < network->layers && at >= (size_t)(network->layer[l + 1].weights.data - first))
        l++;
    const bp_dense_layer *k = &network->layer[l];
    const size_t biases = (size_t)(k->biases - first);
    if (at < biases)
        return (parameter_run){ROLE_WEIGHTS, biases};
    return (parameter_run){ROLE_OTHERS, (size_t)(k->weights.data - first) + layer_parameters(network, l)};
}

/* gamma and beta of a normalized layer follow its weights and biases. */
static void square_normalization(float *squares, const bp_layer_norm *norm, range mine) {
    for (size_t j = mine.begin; norm->gamma && j < mine.end; j++) {
        squares[j] = fmaf(norm->gamma_gradient[j], norm->gamma_gradient[j], squares[j]);
        squares[j] = fmaf(norm->beta_gradient[j], norm->beta_gradient[j], squares[j]);
    }
}

static void square_phase(void *argument, size_t worker) {
    const pass *p = argument;
    const bp_network *network = p->network;
    float *squares = network->squares;
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        const range mine = columns_of(network, k->out, worker, p->workers);
        if (!k->frozen && mine.begin < mine.end) {
            network->backend->squares(squares + mine.begin,
                                      packed_part(k->gradient, network->backend->panel_width, 0, mine.begin),
                                      k->bias_gradient + mine.begin, k->in, mine.end - mine.begin);
            square_normalization(squares, &k->norm, mine);
        }
        squares += bp_row_floats(network->backend->panel_width, k->out);
    }
}

static float norm_of(const bp_network *network) {
    const float *squares = network->squares;
    float square = 0.0f;
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        if (!k->frozen)
            square = square + network->backend->kernels.sum(squares, k->out);
        squares += bp_row_floats(network->backend->panel_width, k->out);
    }
    return sqrtf(square);
}

static void apply_phase(void *argument, size_t worker) {
    const pass *p = argument;
    const bp_network *network = p->network;
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        const range mine = range_of(layer_parameters(network, l), BP_ALIGNMENT / sizeof(float), worker, p->workers);
        const size_t first = (size_t)(k->weights.data - network->layer[0].weights.data);
        for (size_t begin = mine.begin, end; !k->frozen && begin < mine.end; begin = end) {
            const parameter_run run = bp_parameter_run(network, first + begin);
            end = run.end - first < mine.end ? run.end - first : mine.end;
            network->backend->apply(&network->coefficients, run.role, k->weights.data + begin, k->gradient.data + begin,
                                    end - begin);
        }
    }
}

/* The optimizer's step by the stored gradients. The coefficients are set, except for the norm. */
static void update_by_gradient(bp_network *network) {
    pass p = {network, bp_useful_workers(PASS_FLOPS * (double)network->parameters, network->workers)};
    const float most = network->optimizer.clip_norm;
    if (most > 0.0f) {
        bp_network_run(network, square_phase, &p, p.workers);
        network->norm = norm_of(network);
        network->coefficients.scales = network->norm > most;
        network->coefficients.adjusts = network->coefficients.adjusts || network->coefficients.scales;
        network->coefficients.factor = most / network->norm;
    }
    bp_network_run(network, apply_phase, &p, p.workers);
    network->weights_t_current = false;
}

void bp_update_clear_frozen(bp_network *network) {
    for (size_t l = 0; l < network->layers; l++)
        if (network->layer[l].frozen)
            memset(network->layer[l].gradient.data, 0, layer_parameters(network, l) * sizeof(float));
}

/* ---- What every change of the state does ---------------------------------------------------------------------- */

static void forget_gradients(bp_network *network) {
    network->accumulated = network->gradient_stored = false;
    network->accumulated_rows = 0;
}

static void exchange_ema(bp_network *network) {
    float *average = network->coefficients.arrays.ema, *values = network->coefficients.arrays.values;
    for (size_t k = 0; k < network->parameters; k++) {
        const float saved = values[k];
        values[k] = average[k];
        average[k] = saved;
    }
    network->ema_swapped = !network->ema_swapped;
    network->weights_t_current = false;
}

void bp_update_state_changes(bp_network *network) {
    if (network->ema_swapped)
        exchange_ema(network);
    forget_gradients(network);
    network->weights_t_current = false;
}

void bp_update_set_steps(bp_network *network, uint64_t steps) {
    bp_update_state_changes(network);
    network->steps = steps;
    network->norm = 0.0f;
}

/* ---- Steps ---------------------------------------------------------------------------------------------------- */

/* Of step `number`, counted from 1. */
static void set_coefficients(bp_network *network, uint64_t number, float learning_rate) {
    network->coefficients = coefficients_of(&network->optimizer, number, learning_rate, &network->coefficients.arrays);
}

bp_status bp_update_step(step *s, float learning_rate, float *loss) {
    bp_network *network = s->network;
    if (network->ema_swapped)
        return bp_swapped_refuse();
    forget_gradients(network);
    set_coefficients(network, network->steps + 1, learning_rate);
    s->store = network->by_gradient;
    bp_step_run(s, s->batch.rows, loss);
    if (s->store)
        update_by_gradient(network);
    network->steps++;
    return BP_OK;
}

bp_status bp_network_accumulate(bp_network *network, const bp_batch *batch, size_t total_rows, float *loss) {
    CONTRACT_MODE(host);
    if (!network || !batch)
        return bp_fail(BP_ERROR_NULL, "%s is null", network ? "batch" : "network");
    if (!network->gradients)
        return bp_fail(BP_ERROR_VALUE,
                       "the network has no room for gradients: create it with config.gradients set to accumulate");
    if (network->ema_swapped)
        return bp_swapped_refuse();
    if (total_rows == 0)
        return bp_fail(BP_ERROR_SIZE, "total_rows is 0, and must be at least 1");
    if (network->reduction == BP_REDUCTION_WEIGHTED_MEAN && batch->weights)
        return bp_fail(BP_ERROR_VALUE, "batch.weights is set, and the network's loss is a weighted mean, whose sum of "
                                       "weights over all micro-batches is not known: use BP_REDUCTION_SUM, with "
                                       "weights divided by their sum");
    step s = {.network = network, .batch = *batch, .train = true, .store = true};
    s.continues = network->accumulated;
    s.first_row = network->accumulated ? network->accumulated_rows : 0;
    const bp_status status = bp_step_check(network, &s.batch);
    if (status != BP_OK)
        return bp_batch_refuse(network, &s.batch, status);
    if (!s.continues)
        bp_update_clear_frozen(network);
    bp_step_run(&s, total_rows, loss);
    network->accumulated = network->gradient_stored = true;
    network->accumulated_rows = s.first_row + s.batch.rows;
    return BP_OK;
}

bp_status bp_network_update(bp_network *network, float learning_rate) {
    CONTRACT_MODE(host);
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    if (!network->gradient_stored)
        return bp_fail(BP_ERROR_VALUE, "the network has no gradient: call bp_network_accumulate, or "
                                       "bp_network_backward with BP_GRADIENT_MODE_STORE, first");
    if (network->ema_swapped)
        return bp_swapped_refuse();
    if (!isfinite(learning_rate))
        return bp_learning_rate_refuse(learning_rate, "learning_rate");
    const bool counted = !network->accumulated; /* bp_network_backward has counted this step */
    if (!counted && bp_steps_are_over(network))
        return bp_steps_refuse(network);
    forget_gradients(network);
    network->steps += !counted;
    set_coefficients(network, network->steps, learning_rate);
    update_by_gradient(network);
    return BP_OK;
}

bp_status bp_network_discard(bp_network *network) {
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    forget_gradients(network);
    return BP_OK;
}

float bp_network_gradient_norm(const bp_network *network) {
    return network ? network->norm : 0.0f;
}

/* ---- State ---------------------------------------------------------------------------------------------------- */

static size_t state_bytes(const bp_network *network) {
    return network->states * network->parameters * sizeof(float);
}

void bp_update_reset(bp_network *network) {
    const size_t bytes = network->parameters * sizeof(float);
    memset(network->layer[0].weights.data + network->parameters, 0, state_bytes(network));
    if (network->coefficients.arrays.ema)
        memcpy(network->coefficients.arrays.ema, network->coefficients.arrays.values, bytes);
    bp_update_set_steps(network, 0); /* a swapped average now equals the parameters */
}

bp_status bp_network_get_optimizer(const bp_network *network, bp_optimizer *optimizer, size_t struct_size) {
    if (!network || !optimizer)
        return bp_fail(BP_ERROR_NULL, "%s is null", network ? "optimizer" : "network");
    if (struct_size < SIZED_END(bp_optimizer, ema_decay))
        return bp_fail(BP_ERROR_VALUE, "struct_size is %zu, and must be sizeof(bp_optimizer)", struct_size);
    sized_write(optimizer, struct_size, &network->optimizer, sizeof network->optimizer);
    return BP_OK;
}

float *bp_update_momentum(bp_network *network) {
    switch (network->optimizer.kind) {
    case BP_OPTIMIZER_MOMENTUM:
    case BP_OPTIMIZER_NESTEROV:
        return &network->optimizer.momentum;
    case BP_OPTIMIZER_ADAM:
    case BP_OPTIMIZER_ADAMW:
        return &network->optimizer.beta1;
    default:
        return NULL;
    }
}

bp_status bp_network_set_momentum(bp_network *network, float momentum) {
    CONTRACT_MODE(host);
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    float *quantity = bp_update_momentum(network);
    if (!quantity)
        return bp_fail(BP_ERROR_VALUE,
                       "the network's optimizer, %s, has no momentum to set: momentum, nesterov, adam and adamw have",
                       bp_optimizer_name(network->optimizer.kind));
    const bool good = momentum >= 0.0f && momentum < 1.0f;
    char number[32];
    if (good)
        *quantity = momentum;
    else
        bp_fail(BP_ERROR_VALUE, "momentum is %s, and must be from 0 to below 1",
                bp_number_text(number, (double)momentum));
    return good ? BP_OK : BP_ERROR_VALUE;
}

/* ---- Average and frozen layers -------------------------------------------------------------------------------- */

bp_status bp_network_swap_ema(bp_network *network) {
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    if (!network->coefficients.arrays.ema)
        return bp_fail(BP_ERROR_VALUE, "the network has no EMA weights: create it with an ema_decay above 0");
    exchange_ema(network);
    return BP_OK;
}

bool bp_network_ema_swapped(const bp_network *network) {
    return network && network->ema_swapped;
}

void bp_update_plan(bp_network *network) {
    network->frozen = 0;
    for (size_t l = 0; l < network->layers; l++)
        network->frozen += network->layer[l].frozen;
    network->lowest = 0;
    while (network->lowest < network->layers && network->layer[network->lowest].frozen)
        network->lowest++;
    network->sgd_only = is_plain_sgd(&network->optimizer) && network->frozen == 0 && !network->gradients;
    network->small_rows = network->frozen > 0 ? 0 : network->small_rows_plan;
}

bp_status bp_network_freeze(bp_network *network, size_t index, bool frozen) {
    CONTRACT_MODE(host);
    if (!network)
        return bp_fail(BP_ERROR_NULL, "network is null");
    if (index >= network->layers)
        return bp_fail(BP_ERROR_VALUE, "index is %zu, and must be below %zu, the network's layers", index,
                       network->layers);
    network->layer[index].frozen = frozen;
    bp_update_plan(network);
    return BP_OK;
}
