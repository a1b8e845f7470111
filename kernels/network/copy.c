/* Copies of networks, whole and in parts: include/backprop/copy.h. */
#include <backprop/copy.h>

#include <stdint.h>
#include <string.h>

#include "failure.h"
#include "float_environment.h"
#include "network/range.h"

/* ---- Clones --------------------------------------------------------------------------------------------------- */

/* A pointer into a network's block, moved to another block; null stays null. */
static void move_pointer(void *pointer, ptrdiff_t distance) {
    char *at;
    memcpy(&at, pointer, sizeof at);
    if (at)
        at = (char *)((uintptr_t)at + (uintptr_t)distance);
    memcpy(pointer, &at, sizeof at);
}

/* All pointers of a layer. */
static void move_layer(bp_dense_layer *k, ptrdiff_t distance) {
    void *const pointers[] = {
        &k->weights.data,         &k->biases,      &k->gradient.data,       &k->bias_gradient,
        &k->outputs.data,         &k->deltas.data, &k->saved.data,          &k->weights_t,
        &k->norm.gamma,           &k->norm.beta,   &k->norm.gamma_gradient, &k->norm.beta_gradient,
        &k->norm.normalized.data, &k->norm.rstd,   &k->norm.deltas.data,
    };
    for (size_t p = 0; p < sizeof pointers / sizeof *pointers; p++)
        move_pointer(pointers[p], distance);
}

/* All pointers of a network into its own block. */
static void move_network(bp_network *network, ptrdiff_t distance) {
    bp_parameters *arrays = &network->coefficients.arrays;
    void *const pointers[] = {
        &network->layer,    &network->small_layer, &network->squares, &network->inputs.data,
        &network->row_loss, &network->scratch,     &arrays->values,   &arrays->ema,
    };
    for (size_t p = 0; p < sizeof pointers / sizeof *pointers; p++)
        move_pointer(pointers[p], distance);
    for (size_t k = 0; k < sizeof arrays->state / sizeof *arrays->state; k++)
        move_pointer(&arrays->state[k], distance);
    for (size_t l = 0; l < network->layers; l++)
        move_layer(&network->layer[l], distance);
    if (network->small_layer)
        bp_small_layers(network->small_layer, network->layer, network->layers);
}

/* What lies before the rows of a slice is copied; rows and scratch have no meaning between calls. */
static bp_network *copy_block(const bp_network *source) {
    char *block = bp_block_take(&source->allocator, source->bytes);
    if (!block)
        return NULL;
    const size_t copied = (size_t)((const char *)source->inputs.data - (const char *)source);
    memcpy(block, source, copied);
    memset(block + copied, 0, source->bytes - BP_ALIGNMENT - copied);
    bp_network *made = (bp_network *)block;
    move_network(made, (ptrdiff_t)((uintptr_t)block - (uintptr_t)source));
    return made;
}

static bp_status clone_network(const bp_network *source, bp_network **clone) {
    if (!clone)
        return bp_fail(BP_ERROR_NULL, "clone is null");
    *clone = NULL;
    if (!source)
        return bp_fail(BP_ERROR_NULL, "source is null");
    bp_network *made = copy_block(source);
    if (!made)
        return bp_refuse(BP_ERROR_MEMORY);
    if (source->private_pool && bp_network_make_pool(made) != BP_OK) {
        bp_block_release(made);
        return bp_fail(BP_ERROR_THREADS, "the threads of the clone's own pool, %zu, cannot be started",
                       source->workers);
    }
    *clone = made;
    return BP_OK;
}

bp_status bp_network_clone(const bp_network *source, bp_network **clone) {
    return clone_network(source, clone);
}

bp_status bp_network_clone_parameters(const bp_network *source, bp_network **clone) {
    CONTRACT_MODE(host);
    const bp_status status = clone_network(source, clone);
    if (status != BP_OK)
        return status;
    bp_network *made = *clone;
    for (size_t l = 0; l < made->layers; l++)
        made->layer[l].frozen = false;
    bp_update_plan(made);
    bp_update_reset(made); /* an average that was swapped in stays as the parameters */
    return BP_OK;
}

/* ---- What must match ------------------------------------------------------------------------------------------- */

static const char *normalized_text(const bp_dense_layer *k) {
    return k->norm.gamma ? "has layer normalization" : "has none";
}

static bp_status check_layer(size_t l, const bp_dense_layer *target, const bp_dense_layer *source) {
    if (target->in != source->in || target->out != source->out)
        return bp_fail(BP_ERROR_MISMATCH, "layer %zu of source is %zu x %zu, and must be as in target, %zu x %zu", l,
                       source->in, source->out, target->in, target->out);
    if (!target->norm.gamma != !source->norm.gamma)
        return bp_fail(BP_ERROR_MISMATCH, "layer %zu of source %s, of target %s: both or neither must have it", l,
                       normalized_text(source), normalized_text(target));
    return BP_OK;
}

static bp_status check_match(const bp_network *target, const bp_network *source) {
    if (!target || !source)
        return bp_fail(BP_ERROR_NULL, "%s is null", !target ? "target" : "source");
    if (target == source)
        return bp_fail(BP_ERROR_OVERLAP, "source is the same network as target");
    if (target->layers != source->layers)
        return bp_fail(BP_ERROR_MISMATCH, "source has %zu layers, and must have as many as target, %zu", source->layers,
                       target->layers);
    for (size_t l = 0; l < target->layers; l++) {
        const bp_status status = check_layer(l, &target->layer[l], &source->layer[l]);
        if (status != BP_OK)
            return status;
    }
    return BP_OK;
}

static bp_status check_state(const bp_network *target, const bp_network *source) {
    const bp_status status = check_match(target, source);
    if (status != BP_OK)
        return status;
    if (target->optimizer.kind != source->optimizer.kind)
        return bp_fail(BP_ERROR_MISMATCH, "source's optimizer is %s, and must be as target's, %s",
                       bp_optimizer_name(source->optimizer.kind), bp_optimizer_name(target->optimizer.kind));
    if (target->states != source->states)
        return bp_fail(BP_ERROR_MISMATCH, "%s keeps a moving average, and %s does not: both or neither must",
                       source->coefficients.arrays.ema ? "source" : "target",
                       source->coefficients.arrays.ema ? "target" : "source");
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
    const range mine = range_of(p->target->parameters, BP_ALIGNMENT / sizeof(float), worker, p->workers);
    if (mine.begin < mine.end)
        pass_run(p, p->to + mine.begin, p->from + mine.begin, mine.end - mine.begin);
}

/* Where element (i, j) of a layer's weights is, counted from the network's first parameter. */
static size_t weight_offset(const bp_network *network, size_t l, size_t i, size_t j) {
    const float *at = packed_part(network->layer[l].weights, network->backend->panel_width, i, j).data;
    return (size_t)(at - network->layer[0].weights.data);
}

static size_t offset_of(const bp_network *network, const float *parameter) {
    return (size_t)(parameter - network->layer[0].weights.data);
}

/* Columns from j on that lie in one line. */
static size_t columns_in_line(const bp_network *network, size_t j, size_t columns) {
    const size_t panel = network->backend->panel_width, left = panel - j % panel;
    return left < columns ? left : columns;
}

/* Networks of different backends keep weights in different orders. */
static void pass_layer(const pass *p, size_t l) {
    const bp_network *target = p->target, *source = p->source;
    const bp_dense_layer *k = &target->layer[l], *other = &source->layer[l];
    for (size_t i = 0; i < k->in; i++)
        for (size_t j = 0, columns; j < k->out; j += columns) {
            columns = columns_in_line(source, j, columns_in_line(target, j, k->out - j));
            pass_run(p, p->to + weight_offset(target, l, i, j), p->from + weight_offset(source, l, i, j), columns);
        }
    pass_run(p, p->to + offset_of(target, k->biases), p->from + offset_of(source, other->biases), k->out);
    if (!k->norm.gamma)
        return;
    pass_run(p, p->to + offset_of(target, k->norm.gamma), p->from + offset_of(source, other->norm.gamma), k->out);
    pass_run(p, p->to + offset_of(target, k->norm.beta), p->from + offset_of(source, other->norm.beta), k->out);
}

static void run_pass(pass p) {
    if (p.target->backend->panel_width == p.source->backend->panel_width) {
        p.workers = bp_useful_workers(ELEMENT_FLOPS * (double)p.target->parameters, p.target->workers);
        bp_network_run(p.target, pass_phase, &p, p.workers);
        return;
    }
    for (size_t l = 0; l < p.target->layers; l++)
        pass_layer(&p, l);
}

static void copy_array(bp_network *target, float *to, const bp_network *source, const float *from) {
    run_pass((pass){.target = target, .source = source, .to = to, .from = from});
}

/* New parameters are their own average. */
static void restart_average(bp_network *target) {
    const bp_parameters *arrays = &target->coefficients.arrays;
    if (arrays->ema)
        memcpy(arrays->ema, arrays->values, target->parameters * sizeof(float));
}

bp_status bp_network_copy_parameters(bp_network *target, const bp_network *source) {
    CONTRACT_MODE(host);
    const bp_status status = check_match(target, source);
    if (status != BP_OK)
        return status;
    bp_update_state_changes(target);
    copy_array(target, target->coefficients.arrays.values, source, source->coefficients.arrays.values);
    restart_average(target);
    return BP_OK;
}

bp_status bp_network_copy_state(bp_network *target, const bp_network *source) {
    CONTRACT_MODE(host);
    const bp_status status = check_state(target, source);
    if (status != BP_OK)
        return status;
    bp_parameters *to = &target->coefficients.arrays;
    const bp_parameters *from = &source->coefficients.arrays;
    bp_update_set_steps(target, source->steps);
    target->seed = source->seed;
    copy_array(target, to->values, source, source->ema_swapped ? from->ema : from->values);
    for (size_t k = 0; k < sizeof to->state / sizeof *to->state; k++)
        if (to->state[k])
            copy_array(target, to->state[k], source, from->state[k]);
    if (to->ema)
        copy_array(target, to->ema, source, source->ema_swapped ? from->values : from->ema);
    return BP_OK;
}

bp_status bp_network_soft_update(bp_network *target, const bp_network *source, float tau) {
    CONTRACT_MODE(host);
    const bp_status status = check_match(target, source);
    if (status != BP_OK)
        return status;
    if (!(tau >= 0.0f && tau <= 1.0f)) {
        char number[32];
        return bp_fail(BP_ERROR_VALUE, "tau is %s, and must be from 0 to 1", bp_number_text(number, (double)tau));
    }
    bp_update_state_changes(target);
    run_pass((pass){.target = target,
                    .source = source,
                    .to = target->coefficients.arrays.values,
                    .from = source->coefficients.arrays.values,
                    .blends = true,
                    .tau = tau,
                    .rest = 1.0f - tau});
    restart_average(target);
    return BP_OK;
}
