/*
 * Optimizers by their papers, in double precision: what trajectories are compared with.
 */
#ifndef BACKPROP_TESTS_TEXTBOOK_OPTIMIZER_H
#define BACKPROP_TESTS_TEXTBOOK_OPTIMIZER_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include <backprop/optimizer.h>

typedef struct textbook_parameter {
    double w, s, t, ema;
} textbook_parameter;

static inline double sign_in_double(double x) {
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

/* One step of one parameter; `step` counts from 1. The binary32 numbers of 0.9 and the like are those of the library.
 */
static inline void textbook_step(const bp_optimizer *o, unsigned step, double learning_rate, textbook_parameter *p,
                                 double g) {
    const double momentum = (double)o->momentum, beta1 = (double)o->beta1, beta2 = (double)o->beta2;
    const double epsilon = (double)o->epsilon;
    if (o->clip > 0.0f)
        g = fmax(-(double)o->clip, fmin((double)o->clip, g));
    if (o->decoupled)
        p->w -= learning_rate * (double)o->weight_decay * p->w;
    else
        g += (double)o->weight_decay * p->w;
    switch (o->kind) {
    case BP_OPTIMIZER_MOMENTUM:
        p->s = momentum * p->s + g;
        p->w -= learning_rate * p->s;
        break;
    case BP_OPTIMIZER_NESTEROV:
        p->s = momentum * p->s + g;
        p->w -= learning_rate * (g + momentum * p->s);
        break;
    case BP_OPTIMIZER_ADAGRAD:
        p->s += g * g;
        p->w -= learning_rate * g / (sqrt(p->s) + epsilon);
        break;
    case BP_OPTIMIZER_RMSPROP:
        p->s = beta2 * p->s + (1 - beta2) * g * g;
        p->w -= learning_rate * g / (sqrt(p->s) + epsilon);
        break;
    case BP_OPTIMIZER_ADAM:
    case BP_OPTIMIZER_ADAMW: {
        p->s = beta1 * p->s + (1 - beta1) * g;
        p->t = beta2 * p->t + (1 - beta2) * g * g;
        const double m = p->s / (1 - pow(beta1, step)), v = p->t / (1 - pow(beta2, step));
        p->w -= learning_rate * m / (sqrt(v) + epsilon);
        break;
    }
    case BP_OPTIMIZER_LION:
        p->w -= learning_rate * sign_in_double(beta1 * p->s + (1 - beta1) * g);
        p->s = beta2 * p->s + (1 - beta2) * g;
        break;
    case BP_OPTIMIZER_RPROP: {
        if (step == 1)
            p->t = learning_rate;
        if (p->s * g > 0) {
            p->t = fmin(p->t * (double)o->grow, (double)o->step_max);
        } else if (p->s * g < 0) {
            p->t = fmax(p->t * (double)o->shrink, (double)o->step_min);
            g = 0;
        }
        p->w -= sign_in_double(g) * p->t;
        p->s = g;
        break;
    }
    default:
        p->w -= learning_rate * g;
        break;
    }
    p->ema = (double)o->ema_decay * p->ema + (1 - (double)o->ema_decay) * p->w;
}

#endif
