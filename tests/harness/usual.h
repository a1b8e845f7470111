/*
 * Option structs for the tests' tables, which say no more than what matters: a struct without a struct_size gets it,
 * and its zeros are the defaults. One that has its struct_size is taken as it is, zeros and all.
 *
 * The stored_... functions return a copy that lives as long as the program, for the pointers of a configuration.
 */
#ifndef BACKPROP_TESTS_USUAL_H
#define BACKPROP_TESTS_USUAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/network.h>

/* By its bits: a host with DAZ takes denormals for zeros. */
static inline bool usual_is_zero(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits == 0;
}

/* A number that the kind does not have, and whose usual value is therefore 0, is left out. */
static inline float usual_number(float given, float usual) {
    return usual_is_zero(given) || usual_is_zero(usual) ? usual : given;
}

static inline bp_optimizer usual(bp_optimizer o) {
    if (o.struct_size != 0)
        return o;
    const bp_optimizer d = bp_optimizer_defaults(o.kind);
    o.struct_size = d.struct_size;
    o.momentum = usual_number(o.momentum, d.momentum);
    o.beta1 = usual_number(o.beta1, d.beta1);
    o.beta2 = usual_number(o.beta2, d.beta2);
    o.epsilon = usual_number(o.epsilon, d.epsilon);
    o.shrink = usual_number(o.shrink, d.shrink);
    o.grow = usual_number(o.grow, d.grow);
    o.step_min = usual_number(o.step_min, d.step_min);
    o.step_max = usual_number(o.step_max, d.step_max);
    o.decoupled = o.decoupled || d.decoupled;
    return o;
}

static inline bp_loss_options usual_loss(bp_loss_options o) {
    if (o.struct_size != 0)
        return o;
    o.struct_size = sizeof o;
    o.huber_threshold = usual_is_zero(o.huber_threshold) ? 1.0f : o.huber_threshold;
    return o;
}

static inline bp_network_config usual_config(bp_network_config config) {
    if (config.struct_size != 0)
        return config;
    config.struct_size = sizeof config;
    config.max_batch_size = config.max_batch_size == 0 ? 256 : config.max_batch_size;
    return config;
}

/* Equal values share a copy. */
static inline const void *stored_copy(const void *value, size_t size) {
    typedef struct copy {
        struct copy *next;
        size_t size;
        max_align_t value[];
    } copy;
    static _Atomic(copy *) first;
    copy *seen = atomic_load(&first);
    for (copy *c = seen; c; c = c->next)
        if (c->size == size && memcmp(c->value, value, size) == 0)
            return c->value;
    copy *made = malloc(sizeof *made + size);
    if (!made)
        abort();
    made->size = size;
    memcpy(made->value, value, size);
    do
        made->next = seen;
    while (!atomic_compare_exchange_weak(&first, &seen, made));
    return made->value;
}

static inline const bp_optimizer *stored_optimizer(bp_optimizer optimizer) {
    optimizer = usual(optimizer);
    return stored_copy(&optimizer, sizeof optimizer);
}

static inline const bp_loss_options *stored_loss(bp_loss_options options) {
    options = usual_loss(options);
    return stored_copy(&options, sizeof options);
}

static inline const bp_thread_pool *stored_pool(bp_thread_pool pool) {
    return stored_copy(&pool, sizeof pool);
}

static inline const bp_allocator *stored_allocator(bp_allocator allocator) {
    return stored_copy(&allocator, sizeof allocator);
}

#endif
