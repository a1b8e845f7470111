/* Oracles of the optimizers: include/backprop/optimizer.h in C, one parameter at a time. */
#ifndef BP_REFERENCE_OPTIMIZER_H
#define BP_REFERENCE_OPTIMIZER_H

#include <math.h>
#include <stddef.h>

#include <backprop/optimizer.h>

#include "coefficients.h"

static inline float sign_of(float x) {
    return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
}

/* The new w from its gradient g and its state s, t. */
static float optimizer_value(const bp_coefficients *r, float w, float g, float *s, float *t) {
    switch (r->kind) {
    case BP_OPTIMIZER_MOMENTUM:
        *s = fmaf(r->momentum, *s, g);
        return fmaf(-r->learning_rate, *s, w);
    case BP_OPTIMIZER_NESTEROV:
        *s = fmaf(r->momentum, *s, g);
        return fmaf(-r->learning_rate, fmaf(r->momentum, *s, g), w);
    case BP_OPTIMIZER_ADAGRAD:
        *s = fmaf(g, g, *s);
        return fmaf(-r->learning_rate, g / (sqrtf(*s) + r->epsilon), w);
    case BP_OPTIMIZER_RMSPROP:
        *s = fmaf(r->beta2, *s, r->rest2 * (g * g));
        return fmaf(-r->learning_rate, g / (sqrtf(*s) + r->epsilon), w);
    case BP_OPTIMIZER_ADAM:
    case BP_OPTIMIZER_ADAMW:
        *s = fmaf(r->beta1, *s, r->rest1 * g);
        *t = fmaf(r->beta2, *t, r->rest2 * (g * g));
        return fmaf(-r->learning_rate, *s / fmaf(sqrtf(*t), r->correction, r->epsilon), w);
    case BP_OPTIMIZER_LION: {
        const float c = fmaf(r->beta1, *s, r->rest1 * g);
        *s = fmaf(r->beta2, *s, r->rest2 * g);
        return fmaf(-r->learning_rate, sign_of(c), w);
    }
    case BP_OPTIMIZER_RPROP: {
        const float q = sign_of(g) * sign_of(*s);
        float d = *t <= 0.0f ? r->learning_rate : *t;
        if (q > 0.0f) {
            const float grown = d * r->grow;
            d = r->step_max < grown ? r->step_max : grown;
        } else if (q < 0.0f) {
            const float shrunk = d * r->shrink;
            d = shrunk < r->step_min ? r->step_min : shrunk;
            g = 0.0f;
        }
        *s = g;
        *t = d;
        return fmaf(-d, sign_of(g), w);
    }
    case BP_OPTIMIZER_SGD:
        break;
    }
    return fmaf(-r->learning_rate, g, w);
}

/* One parameter: element k of coefficients->arrays. */
static void optimizer_row(const bp_coefficients *r, parameter_role role, size_t k, float g) {
    float w = r->arrays.values[k], none = 0.0f;
    if (r->scales)
        g = g * r->factor;
    if (r->clips)
        g = g < -r->clip ? -r->clip : r->clip < g ? r->clip : g;
    const bool spared = r->weights_alone && role == ROLE_OTHERS;
    if (r->penalizes && !spared)
        g = fmaf(r->penalty, w, g);
    if (r->decays && !spared)
        w = w * r->keep;
    w = optimizer_value(r, w, g, r->arrays.state[0] ? &r->arrays.state[0][k] : &none,
                        r->arrays.state[1] ? &r->arrays.state[1][k] : &none);
    r->arrays.values[k] = w;
    if (r->arrays.ema)
        r->arrays.ema[k] = fmaf(r->ema_decay, r->arrays.ema[k], r->ema_rest * w);
}

static void optimizer_step(const bp_parameters *parameters, const float *gradient, size_t count,
                           const bp_optimizer *optimizer, uint64_t step, float learning_rate) {
    const bp_coefficients coefficients = coefficients_of(optimizer, step, learning_rate, parameters);
    for (size_t k = 0; k < count; k++)
        optimizer_row(&coefficients, ROLE_WEIGHTS, k, gradient[k]);
}

static void sgd(float *parameters, const float *gradient, size_t count, float learning_rate) {
    for (size_t k = 0; k < count; k++)
        parameters[k] = fmaf(-learning_rate, gradient[k], parameters[k]);
}

#endif
