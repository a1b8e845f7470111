/* Updates by a stored gradient: its norm, if that is clipped, then the optimizer on all parameters. */
#include "network/optimize.h"

#include <math.h>
#include <string.h>

#include "network/range.h"
#include "network/workers.h"

/* The time of one parameter's update, which memory dominates, in floating-point operations. */
#define PASS_FLOPS 20.0

/* A pass over all parameters, split among workers. */
typedef struct pass {
    const bp_network *network;
    size_t workers;
} pass;

/* Sums of squares of one layer's columns lie one after the other, each layer's on lines of its own. */
static size_t squares_of_layer(const bp_network *network, const dense_layer *k) {
    return packed_row_floats(network->backend->panel_width, k->out);
}

/* gamma and beta of a normalized layer follow its weights and biases. */
static void square_normalization(float *squares, const float *gamma, const float *beta, range mine) {
    for (size_t j = mine.begin; j < mine.end; j++) {
        squares[j] = fmaf(gamma[j], gamma[j], squares[j]);
        squares[j] = fmaf(beta[j], beta[j], squares[j]);
    }
}

static void square_phase(void *argument, size_t worker) {
    const pass *p = argument;
    const bp_network *network = p->network;
    float *squares = network->gradient.squares;
    for (const dense_layer *k = network->layers; k < network->layers + network->plan.layers; k++) {
        const range mine = columns_of(network->backend, k->out, worker, p->workers);
        if (!k->frozen && mine.begin < mine.end) {
            network->backend->squares(squares + mine.begin,
                                      bp_packed_part(bp_gradient_of_matrix(network, k->weights),
                                                     network->backend->panel_width, 0, mine.begin),
                                      bp_gradient_of(network, k->biases + mine.begin), k->in, mine.end - mine.begin);
            if (k->normalized)
                square_normalization(squares, bp_gradient_of(network, k->gamma), bp_gradient_of(network, k->beta),
                                     mine);
        }
        squares += squares_of_layer(network, k);
    }
}

static float norm_of(const bp_network *network) {
    const float *squares = network->gradient.squares;
    float square = 0.0f;
    for (const dense_layer *k = network->layers; k < network->layers + network->plan.layers; k++) {
        if (!k->frozen)
            square = square + network->backend->kernels.sum(squares, k->out);
        squares += squares_of_layer(network, k);
    }
    return sqrtf(square);
}

static void apply_phase(void *argument, size_t worker) {
    const pass *p = argument;
    const bp_network *network = p->network;
    for (size_t l = 0; l < network->plan.layers; l++) {
        const dense_layer *k = &network->layers[l];
        const range mine = floats_of(bp_padded_parameters(network, l), worker, p->workers);
        const size_t first = (size_t)(k->weights.data - network->parameters.values);
        for (size_t begin = mine.begin, end; !k->frozen && begin < mine.end; begin = end) {
            const parameter_run run = bp_parameter_run(network, first + begin);
            end = run.end - first < mine.end ? run.end - first : mine.end;
            float *part = k->weights.data + begin;
            network->backend->apply(&network->optimizer.update, run.role, part, bp_gradient_of(network, part),
                                    end - begin);
        }
    }
}

void bp_optimizer_prepare(bp_network *network, uint64_t number, float learning_rate) {
    network_optimizer *o = &network->optimizer;
    o->update = coefficients_of(&o->settings, number, learning_rate, &o->arrays);
}

void bp_optimizer_apply(bp_network *network) {
    pass p = {network, bp_useful_workers(PASS_FLOPS * (double)network->parameters.count, network->plan.workers)};
    bp_coefficients *update = &network->optimizer.update;
    if (network->plan.clips_norm) {
        const float most = network->optimizer.settings.clip_norm;
        bp_workers_run(&network->pool, square_phase, &p, p.workers);
        network->gradient.norm = norm_of(network);
        update->scales = network->gradient.norm > most;
        update->adjusts = update->adjusts || update->scales;
        update->factor = most / network->gradient.norm;
    }
    bp_workers_run(&network->pool, apply_phase, &p, p.workers);
    bp_parameters_changed(&network->workspace);
}

void bp_gradient_clear_frozen(bp_network *network) {
    for (size_t l = 0; l < network->plan.layers; l++)
        if (network->layers[l].frozen)
            memset(bp_gradient_of(network, network->layers[l].weights.data), 0,
                   bp_padded_parameters(network, l) * sizeof(float));
}

float *bp_optimizer_momentum(bp_network *network) {
    bp_optimizer *settings = &network->optimizer.settings;
    switch (settings->kind) {
    case BP_OPTIMIZER_MOMENTUM:
    case BP_OPTIMIZER_NESTEROV:
        return &settings->momentum;
    case BP_OPTIMIZER_ADAM:
    case BP_OPTIMIZER_ADAMW:
        return &settings->beta1;
    default:
        return NULL;
    }
}
