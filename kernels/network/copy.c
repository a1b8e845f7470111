/* Copies of networks, whole and in parts: include/backprop/copy.h. */
#include <backprop/copy.h>

#include <stdint.h>
#include <string.h>

#include "check/refuse.h"
#include "float_environment.h"
#include "network/create.h"
#include "network/parameters.h"
#include "network/range.h"
#include "network/workers.h"

/* ---- Clones --------------------------------------------------------------------------------------------------- */

bp_status bp_network_clone(const bp_network *source, bp_network **clone) {
    if (!clone)
        return bp_fail(BP_ERROR_NULL, "clone is null");
    *clone = NULL;
    if (!source)
        return bp_fail(BP_ERROR_NULL, "source is null");
    return bp_network_copy_block(source, clone);
}

bp_status bp_network_clone_parameters(const bp_network *source, bp_network **clone) {
    CONTRACT_MODE(host);
    const bp_status status = bp_network_clone(source, clone);
    if (status != BP_OK)
        return status;
    bp_network *made = *clone;
    for (size_t l = 0; l < made->plan.layers; l++)
        made->layers[l].frozen = false;
    bp_parameters_count_frozen(made);
    bp_state_reset(made);
    return BP_OK;
}

/* ---- What must match ------------------------------------------------------------------------------------------- */

static const char *normalized_text(const dense_layer *k) {
    return k->normalized ? "has layer normalization" : "has none";
}

static bp_status check_layer(size_t l, const dense_layer *target, const dense_layer *source) {
    if (target->in != source->in || target->out != source->out)
        return bp_fail(BP_ERROR_MISMATCH, "layer %zu of source is %zu x %zu, and must be as in target, %zu x %zu", l,
                       source->in, source->out, target->in, target->out);
    if (target->normalized != source->normalized)
        return bp_fail(BP_ERROR_MISMATCH, "layer %zu of source %s, of target %s: both or neither must have it", l,
                       normalized_text(source), normalized_text(target));
    return BP_OK;
}

static bp_status check_match(const bp_network *target, const bp_network *source) {
    if (!target || !source)
        return bp_fail(BP_ERROR_NULL, "%s is null", !target ? "target" : "source");
    if (target == source)
        return bp_fail(BP_ERROR_OVERLAP, "source is the same network as target");
    if (target->plan.layers != source->plan.layers)
        return bp_fail(BP_ERROR_MISMATCH, "source has %zu layers, and must have as many as target, %zu",
                       source->plan.layers, target->plan.layers);
    for (size_t l = 0; l < target->plan.layers; l++) {
        const bp_status status = check_layer(l, &target->layers[l], &source->layers[l]);
        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}

static bp_status check_state(const bp_network *target, const bp_network *source) {
    const bp_status status = check_match(target, source);
    if (status != BP_OK)
        return status;
    if (target->optimizer.settings.kind != source->optimizer.settings.kind)
        return bp_fail(BP_ERROR_MISMATCH, "source's optimizer is %s, and must be as target's, %s",
                       bp_optimizer_name(source->optimizer.settings.kind),
                       bp_optimizer_name(target->optimizer.settings.kind));
    if (target->plan.states != source->plan.states)
        return bp_fail(BP_ERROR_MISMATCH, "%s keeps a moving average, and %s does not: both or neither must",
                       source->optimizer.arrays.ema ? "source" : "target",
                       source->optimizer.arrays.ema ? "target" : "source");
    return BP_OK;
}

/* ---- Parts ----------------------------------------------------------------------------------------------------- */

/* A pass over one array of the target's, [parameters], and its like in the source. */
typedef struct pass {
    bp_network *target;
    const bp_network *source;
    float *to;
    const float *from;
    bool blends; /* else copies */
    float tau, rest;
    size_t workers;
} pass;

/* Operations that an element takes, by the time that it takes from and to memory. */
#define ELEMENT_FLOPS 8.0

static void pass_run(const pass *p, float *to, const float *from, size_t count) {
    if (p->blends)
        p->target->backend->interpolate(to, from, p->tau, p->rest, count);
    else
        memcpy(to, from, count * sizeof *to);
}

static void pass_phase(void *argument, size_t worker) {
    const pass *p = argument;
    const range mine = floats_of(p->target->parameters.count, worker, p->workers);
    if (mine.begin < mine.end)
        pass_run(p, p->to + mine.begin, p->from + mine.begin, mine.end - mine.begin);
}

/* Where element (i, j) of a layer's weights is, counted from the network's first parameter. */
static size_t weight_offset(const bp_network *network, size_t l, size_t i, size_t j) {
    const bp_packed at = bp_packed_part(network->layers[l].weights, network->backend->panel_width, i, j);
    return (size_t)(at.data - network->parameters.values);
}

static size_t offset_of(const bp_network *network, const float *parameter) {
    return (size_t)(parameter - network->parameters.values);
}

/* Columns from j on that lie in one line. */
static size_t columns_in_line(const bp_network *network, size_t j, size_t columns) {
    const size_t left = network->backend->panel_width - j % network->backend->panel_width;
    return left < columns ? left : columns;
}

/* Networks of different backends keep weights in different orders. */
static void pass_layer(const pass *p, size_t l) {
    const bp_network *target = p->target, *source = p->source;
    const dense_layer *k = &target->layers[l], *other = &source->layers[l];
    for (size_t i = 0; i < k->in; i++)
        for (size_t j = 0, columns; j < k->out; j += columns) {
            columns = columns_in_line(source, j, columns_in_line(target, j, k->out - j));
            pass_run(p, p->to + weight_offset(target, l, i, j), p->from + weight_offset(source, l, i, j), columns);
        }
    pass_run(p, p->to + offset_of(target, k->biases), p->from + offset_of(source, other->biases), k->out);
    if (!k->normalized)
        return;
    pass_run(p, p->to + offset_of(target, k->gamma), p->from + offset_of(source, other->gamma), k->out);
    pass_run(p, p->to + offset_of(target, k->beta), p->from + offset_of(source, other->beta), k->out);
}

static void run_pass(pass p) {
    if (p.target->backend->panel_width == p.source->backend->panel_width) {
        p.workers = bp_useful_workers(ELEMENT_FLOPS * (double)p.target->parameters.count, p.target->plan.workers);
        bp_workers_run(&p.target->pool, pass_phase, &p, p.workers);
        return;
    }
    for (size_t l = 0; l < p.target->plan.layers; l++)
        pass_layer(&p, l);
}

static void copy_array(bp_network *target, float *to, const bp_network *source, const float *from) {
    run_pass((pass){.target = target, .source = source, .to = to, .from = from});
}

bp_status bp_network_copy_parameters(bp_network *target, const bp_network *source) {
    CONTRACT_MODE(host);
    const bp_status status = check_match(target, source);
    if (status != BP_OK)
        return status;
    bp_state_changes(target);
    copy_array(target, target->optimizer.arrays.values, source, source->optimizer.arrays.values);
    bp_parameters_restart_ema(target);
    return BP_OK;
}

bp_status bp_network_copy_state(bp_network *target, const bp_network *source) {
    CONTRACT_MODE(host);
    const bp_status status = check_state(target, source);
    if (status != BP_OK)
        return status;
    bp_parameters *to = &target->optimizer.arrays;
    const bp_parameters *from = &source->optimizer.arrays;
    bp_state_set_steps(target, source->optimizer.steps);
    target->seed = source->seed;
    copy_array(target, to->values, source, source->optimizer.ema_swapped ? from->ema : from->values);
    for (size_t k = 0; k < sizeof to->state / sizeof *to->state; k++)
        if (to->state[k])
            copy_array(target, to->state[k], source, from->state[k]);
    if (to->ema)
        copy_array(target, to->ema, source, source->optimizer.ema_swapped ? from->values : from->ema);
    return BP_OK;
}

bp_status bp_network_soft_update(bp_network *target, const bp_network *source, float tau) {
    CONTRACT_MODE(host);
    const bp_status status = check_match(target, source);
    if (status != BP_OK)
        return status;
    if (!(tau >= 0.0f && tau <= 1.0f))
        return bp_fail_number("tau", (double)tau, "from 0 to 1");
    bp_state_changes(target);
    run_pass((pass){.target = target,
                    .source = source,
                    .to = target->optimizer.arrays.values,
                    .from = source->optimizer.arrays.values,
                    .blends = true,
                    .tau = tau,
                    .rest = 1.0f - tau});
    bp_parameters_restart_ema(target);
    return BP_OK;
}
