/*
 * What one step of an optimizer does to every parameter, its numbers for this step computed:
 * include/backprop/optimizer.h defines it. Scalar code, the same for all levels.
 */
#ifndef BP_RULE_H
#define BP_RULE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/optimizer.h>

/* What a parameter is: weight decay may leave out those that are no weights. */
typedef enum rule_role { RULE_WEIGHTS, RULE_OTHERS } rule_role;

typedef struct bp_rule {
    bp_optimizer_kind kind;
    /* Element k of each of these arrays belongs to the same parameter. */
    bp_parameters arrays;
    /* What comes before the kind's own operations. */
    bool adjusts; /* any of the others */
    bool scales, clips, penalizes, decays;
    bool weights_alone; /* are penalized or decay */
    float factor, clip, penalty, keep;
    /* The kind's numbers; rate and correction are those of the step. */
    float rate, correction, epsilon;
    float momentum, beta1, rest1, beta2, rest2; /* rest: 1 - beta */
    float shrink, grow, step_min, step_max;
    float average, rest;
} bp_rule;

/* The usual numbers in the place of zeros. */
static inline bp_optimizer optimizer_filled(bp_optimizer o) {
    const bool adam = o.kind == BP_ADAM || o.kind == BP_ADAMW;
    const float beta2 = adam ? 0.999f : 0.99f, epsilon = o.kind == BP_ADAGRAD ? 1e-10f : 1e-8f;
    o.momentum = o.momentum == 0.0f ? 0.9f : o.momentum;
    o.beta1 = o.beta1 == 0.0f ? 0.9f : o.beta1;
    o.beta2 = o.beta2 == 0.0f ? beta2 : o.beta2;
    o.epsilon = o.epsilon == 0.0f ? epsilon : o.epsilon;
    o.shrink = o.shrink == 0.0f ? 0.5f : o.shrink;
    o.grow = o.grow == 0.0f ? 1.2f : o.grow;
    o.step_min = o.step_min == 0.0f ? 1e-6f : o.step_min;
    o.step_max = o.step_max == 0.0f ? 50.0f : o.step_max;
    o.decoupled = o.decoupled || o.kind == BP_ADAMW || o.kind == BP_LION;
    return o;
}

/* b to the t. */
static inline double power_of(double b, uint64_t t) {
    double power = 1.0;
    for (; t > 0; t /= 2, b = b * b)
        if (t % 2 == 1)
            power = power * b;
    return power;
}

/* Step `step` of an optimizer on such arrays. */
static inline bp_rule rule_of(const bp_optimizer *optimizer, uint64_t step, float rate, const bp_parameters *arrays) {
    const bp_optimizer o = optimizer_filled(*optimizer);
    bp_rule r = {
        .kind = o.kind,
        .arrays = *arrays,
        .clips = o.clip > 0.0f,
        .penalizes = o.weight_decay > 0.0f && !o.decoupled,
        .decays = o.weight_decay > 0.0f && o.decoupled,
        .weights_alone = o.decay_of == BP_DECAY_WEIGHTS,
        .clip = o.clip,
        .penalty = o.weight_decay,
        .keep = (float)(1.0 - (double)rate * (double)o.weight_decay),
        .rate = rate,
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
        .average = o.average,
        .rest = 1.0f - o.average,
    };
    r.adjusts = r.clips || r.penalizes || r.decays;
    if (o.kind == BP_ADAM || o.kind == BP_ADAMW) {
        r.rate = (float)((double)rate / (1.0 - power_of(o.beta1, step)));
        r.correction = (float)(1.0 / sqrt(1.0 - power_of(o.beta2, step)));
    }
    return r;
}

/* The rule for a parameter of some role. */
static inline bp_rule rule_for(const bp_rule *rule, rule_role role) {
    bp_rule r = *rule;
    const bool spared = role == RULE_OTHERS && r.weights_alone;
    r.penalizes = r.penalizes && !spared;
    r.decays = r.decays && !spared;
    return r;
}

/* Whether a step is fma(-rate, g, w) and nothing else, which has ways of its own. */
static inline bool is_plain_sgd(const bp_optimizer *o) {
    return o->kind == BP_SGD && o->weight_decay == 0.0f && o->clip == 0.0f && o->clip_norm == 0.0f &&
           o->average == 0.0f;
}

#endif
