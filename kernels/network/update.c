/*
 * What steps do to the parameters beyond plain SGD: the optimizer's rule, updates by gradients that are kept, state,
 * averages, frozen layers.
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

/* ---- Updates by kept gradients -------------------------------------------------------------------------------- */

/* Operations that a parameter takes, by the time that it takes from and to memory. */
#define PASS_FLOPS 20.0

/* A pass over all parameters, shared by workers. */
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

/* Gains and shifts of a normalized layer come after its weights and biases. */
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

/* The optimizer's step by the gradients in the sums, its rule being set but for the norm. */
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

static void set_coefficients(bp_network *network, float learning_rate) {
    network->coefficients =
        coefficients_of(&network->optimizer, network->steps + 1, learning_rate, &network->coefficients.arrays);
}

bp_status bp_update_step(step *s, float *loss) {
    bp_network *network = s->network;
    if (network->ema_swapped)
        return BP_ERROR_VALUE;
    forget_gradients(network);
    set_coefficients(network, s->learning_rate);
    s->coefficients = is_plain_sgd(&network->optimizer) ? NULL : &network->coefficients;
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
        return BP_ERROR_NULL;
    if (!network->gradients || network->ema_swapped)
        return BP_ERROR_VALUE;
    if (total_rows == 0)
        return BP_ERROR_SIZE;
    if (network->reduction == BP_REDUCTION_WEIGHTED_MEAN && batch->weights)
        return bp_fail(BP_ERROR_VALUE,
                       "a micro-batch of a weighted mean has weights, whose sum over the whole batch is "
                       "not known: take the sum of rows, with weights divided by theirs");
    step s = {.network = network, .batch = *batch, .train = true, .store = true};
    s.continues = network->accumulated;
    s.first_row = network->accumulated ? network->accumulated_rows : 0;
    const bp_status status = bp_step_check(network, &s.batch);
    if (status != BP_OK)
        return status;
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
        return BP_ERROR_NULL;
    if (!network->accumulated || network->ema_swapped || !isfinite(learning_rate) || bp_steps_are_over(network))
        return BP_ERROR_VALUE;
    forget_gradients(network);
    set_coefficients(network, learning_rate);
    update_by_gradient(network);
    network->steps++;
    return BP_OK;
}

bp_status bp_network_discard(bp_network *network) {
    if (!network)
        return BP_ERROR_NULL;
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
    bp_update_set_steps(network, 0); /* an average that is swapped in is the same as the parameters by now */
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
        return BP_ERROR_NULL;
    float *quantity = bp_update_momentum(network);
    if (!quantity)
        return bp_fail(BP_ERROR_VALUE,
                       "the optimizer %s has no momentum to set: momentum, nesterov, adam and adamw have",
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

size_t bp_network_states(const bp_network *network) {
    return network ? network->states : 0;
}

const char *bp_network_state_name(const bp_network *network, size_t state) {
    if (!network || state >= network->states)
        return NULL;
    const char *name = bp_optimizer_state_name(network->optimizer.kind, state);
    return name ? name : "ema";
}

/* Array `state` of a layer's weights and biases, given its parameters. */
static float *state_of(const bp_network *network, float *parameters, size_t state) {
    return parameters + (1 + state) * network->parameters;
}

bp_status bp_network_get_state(const bp_network *network, size_t state, size_t index, float *weights,
                               size_t weight_stride, float *biases) {
    const bp_status status = bp_parameters_check(network, index, weights, &weight_stride, biases);
    if (status != BP_OK)
        return status;
    if (state >= network->states)
        return BP_ERROR_VALUE;
    const bp_dense_layer *k = &network->layer[index];
    const bp_packed from = {state_of(network, k->weights.data, state), k->weights.row_stride, k->weights.panel_stride};
    if (weights)
        network->backend->unpack(weights, weight_stride, from, k->in, k->out);
    if (biases)
        memcpy(biases, state_of(network, k->biases, state), k->out * sizeof(float));
    return BP_OK;
}

bp_status bp_network_set_state(bp_network *network, size_t state, size_t index, const float *weights,
                               size_t weight_stride, const float *biases) {
    const bp_status status = bp_parameters_check(network, index, weights, &weight_stride, biases);
    if (status != BP_OK)
        return status;
    if (state >= network->states)
        return BP_ERROR_VALUE;
    bp_update_state_changes(network);
    const bp_dense_layer *k = &network->layer[index];
    const bp_packed to = {state_of(network, k->weights.data, state), k->weights.row_stride, k->weights.panel_stride};
    if (weights)
        network->backend->pack(to, weights, weight_stride, k->in, k->out);
    if (biases)
        memcpy(state_of(network, k->biases, state), biases, k->out * sizeof(float));
    return BP_OK;
}

bp_status bp_network_get_normalization_state(const bp_network *network, size_t state, size_t index, float *gamma,
                                             float *beta) {
    const bp_status status = bp_normalization_check(network, index, gamma, beta);
    if (status != BP_OK)
        return status;
    if (state >= network->states)
        return BP_ERROR_VALUE;
    const bp_dense_layer *k = &network->layer[index];
    if (gamma)
        memcpy(gamma, state_of(network, k->norm.gamma, state), k->out * sizeof(float));
    if (beta)
        memcpy(beta, state_of(network, k->norm.beta, state), k->out * sizeof(float));
    return BP_OK;
}

bp_status bp_network_set_normalization_state(bp_network *network, size_t state, size_t index, const float *gamma,
                                             const float *beta) {
    const bp_status status = bp_normalization_check(network, index, gamma, beta);
    if (status != BP_OK)
        return status;
    if (state >= network->states)
        return BP_ERROR_VALUE;
    bp_update_state_changes(network);
    const bp_dense_layer *k = &network->layer[index];
    if (gamma)
        memcpy(state_of(network, k->norm.gamma, state), gamma, k->out * sizeof(float));
    if (beta)
        memcpy(state_of(network, k->norm.beta, state), beta, k->out * sizeof(float));
    return BP_OK;
}

/* ---- Average and frozen layers -------------------------------------------------------------------------------- */

bp_status bp_network_swap_ema(bp_network *network) {
    if (!network)
        return BP_ERROR_NULL;
    if (!network->coefficients.arrays.ema)
        return BP_ERROR_VALUE;
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
        return BP_ERROR_NULL;
    if (index >= network->layers)
        return BP_ERROR_VALUE;
    network->layer[index].frozen = frozen;
    bp_update_plan(network);
    return BP_OK;
}
