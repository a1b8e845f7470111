/*
 * The coefficients of one step of an optimizer, which are the same for every parameter; include/backprop/optimizer.h
 * defines them. Scalar code, the same for all backends.
 */
#ifndef BP_COEFFICIENTS_H
#define BP_COEFFICIENTS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <backprop/optimizer.h>

/* Weight decay may apply to weights only. */
typedef enum parameter_role { ROLE_WEIGHTS, ROLE_OTHERS } parameter_role;

typedef struct bp_coefficients {
    bool plain; /* fma(-learning_rate, g, w) and nothing else: kernels fuse it */
    bp_optimizer_kind kind;
    /* Element k of each of these arrays belongs to the same parameter. */
    bp_parameters arrays;
    /* Adjustments of the gradient and the parameter before the kind's own operations. */
    bool adjusts; /* any of the following */
    bool scales, clips, penalizes, decays;
    bool weights_alone; /* weight decay applies to weights only */
    float factor, clip, penalty, keep;
    /* The kind's numbers; learning_rate and correction are those of the step. */
    float learning_rate, correction, epsilon;
    float momentum, beta1, rest1, beta2, rest2; /* rest: 1 - beta */
    float shrink, grow, step_min, step_max;
    float ema_decay, ema_rest;
} bp_coefficients;

static inline bool is_adam(bp_optimizer_kind kind) {
    return kind == BP_OPTIMIZER_ADAM || kind == BP_OPTIMIZER_ADAMW;
}

/* The number of arrays of state of a kind. */
static inline size_t optimizer_states(bp_optimizer_kind kind) {
    switch (kind) {
    case BP_OPTIMIZER_SGD:
        return 0;
    case BP_OPTIMIZER_MOMENTUM:
    case BP_OPTIMIZER_NESTEROV:
    case BP_OPTIMIZER_ADAGRAD:
    case BP_OPTIMIZER_RMSPROP:
    case BP_OPTIMIZER_LION:
        return 1;
    case BP_OPTIMIZER_ADAM:
    case BP_OPTIMIZER_ADAMW:
    case BP_OPTIMIZER_RPROP:
        return 2;
    }
    return 0;
}

/* The usual numbers of a kind. */
static inline bp_optimizer usual_optimizer(bp_optimizer_kind kind) {
    bp_optimizer o = {.struct_size = sizeof o, .kind = kind};
    o.decoupled = kind == BP_OPTIMIZER_ADAMW || kind == BP_OPTIMIZER_LION;
    switch (kind) {
    case BP_OPTIMIZER_SGD:
        break;
    case BP_OPTIMIZER_MOMENTUM:
    case BP_OPTIMIZER_NESTEROV:
        o.momentum = 0.9f;
        break;
    case BP_OPTIMIZER_ADAGRAD:
        o.epsilon = 1e-10f;
        break;
    case BP_OPTIMIZER_RMSPROP:
        o.beta2 = 0.99f;
        o.epsilon = 1e-8f;
        break;
    case BP_OPTIMIZER_ADAM:
    case BP_OPTIMIZER_ADAMW:
        o.beta1 = 0.9f;
        o.beta2 = 0.999f;
        o.epsilon = 1e-8f;
        break;
    case BP_OPTIMIZER_LION:
        o.beta1 = 0.9f;
        o.beta2 = 0.99f;
        break;
    case BP_OPTIMIZER_RPROP:
        o.shrink = 0.5f;
        o.grow = 1.2f;
        o.step_min = 1e-6f;
        o.step_max = 50.0f;
        break;
    }
    return o;
}

/* A caller's optimizer, checked before, in this version's struct. */
static inline bp_optimizer this_optimizer(const bp_optimizer *given) {
    if (given->struct_size >= sizeof *given)
        return *given;
    bp_optimizer o = usual_optimizer(given->kind);
    memcpy(&o, given, given->struct_size);
    return o;
}

/* b^t */
static inline double power_of(double b, uint64_t t) {
    double power = 1.0;
    for (; t > 0; t /= 2, b = b * b)
        if (t % 2 == 1)
            power = power * b;
    return power;
}

/* Whether a step is only fma(-learning_rate, g, w). */
static inline bool is_plain_sgd(const bp_optimizer *o) {
    return o->kind == BP_OPTIMIZER_SGD && o->weight_decay == 0.0f && o->clip == 0.0f && o->clip_norm == 0.0f &&
           o->ema_decay == 0.0f;
}

/* The coefficients of step `step` on these arrays. */
static inline bp_coefficients coefficients_of(const bp_optimizer *optimizer, uint64_t step, float learning_rate,
                                              const bp_parameters *arrays) {
    const bp_optimizer o = this_optimizer(optimizer);
    bp_coefficients r = {
        .plain = is_plain_sgd(&o) && !arrays->ema,
        .kind = o.kind,
        .arrays = *arrays,
        .clips = o.clip > 0.0f,
        .penalizes = o.weight_decay > 0.0f && !o.decoupled,
        .decays = o.weight_decay > 0.0f && o.decoupled,
        .weights_alone = o.decay_scope == BP_DECAY_SCOPE_WEIGHTS,
        .clip = o.clip,
        .penalty = o.weight_decay,
        .keep = (float)(1.0 - (double)learning_rate * (double)o.weight_decay),
        .learning_rate = learning_rate,
        .epsilon = o.epsilon,
        .momentum = o.momentum,
        .beta1 = o.beta1,
        .rest1 = 1.0f - o.beta1,
        .beta2 = o.beta2,
        .rest2 = 1.0f - o.beta2,
        .shrink = o.shrink,
        .grow = o.grow,
        .step_min = o.step_min,
        .step_max = o.step_max,
        .ema_decay = o.ema_decay,
        .ema_rest = 1.0f - o.ema_decay,
    };
    r.adjusts = r.clips || r.penalizes || r.decays;
    if (is_adam(o.kind)) {
        r.learning_rate = (float)((double)learning_rate / (1.0 - power_of(o.beta1, step)));
        r.correction = (float)(1.0 / sqrt(1.0 - power_of(o.beta2, step)));
    }
    return r;
}

/* The coefficients for parameters of a role. */
static inline bp_coefficients coefficients_for(const bp_coefficients *coefficients, parameter_role role) {
    bp_coefficients r = *coefficients;
    const bool spared = role == ROLE_OTHERS && r.weights_alone;
    r.penalizes = r.penalizes && !spared;
    r.decays = r.decays && !spared;
    return r;
}

/* Plain SGD on any parameters. */
static inline bp_coefficients plain_sgd(float learning_rate) {
    return (bp_coefficients){.plain = true, .kind = BP_OPTIMIZER_SGD, .learning_rate = learning_rate};
}

#endif
