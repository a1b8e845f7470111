/*
 * Optimizers by their papers, in double precision: what trajectories are compared with. The numbers of an optimizer are
 * those of its bp_optimizer, usual ones for zeros.
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

static inline double or_usual(float given, double usual) {
    return given == 0.0f ? usual : (double)given;
}

static inline double sign_in_double(double x) {
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

/* One step of one parameter; `step` counts from 1. The binary32 numbers of 0.9 and the like are those of the library.
 */
static inline void textbook_step(const bp_optimizer *o, unsigned step, double learning_rate, textbook_parameter *p,
                                 double g) {
    const bool adam = o->kind == BP_OPTIMIZER_ADAM || o->kind == BP_OPTIMIZER_ADAMW;
    const bool decoupled = o->decoupled || o->kind == BP_OPTIMIZER_ADAMW || o->kind == BP_OPTIMIZER_LION;
    const double momentum = or_usual(o->momentum, 0.9f), beta1 = or_usual(o->beta1, 0.9f);
    const double beta2 = or_usual(o->beta2, adam ? 0.999f : 0.99f);
    const double epsilon = or_usual(o->epsilon, o->kind == BP_OPTIMIZER_ADAGRAD ? 1e-10f : 1e-8f);
    if (o->clip > 0.0f)
        g = fmax(-(double)o->clip, fmin((double)o->clip, g));
    if (decoupled)
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
            p->t = fmin(p->t * or_usual(o->grow, 1.2f), or_usual(o->step_max, 50));
        } else if (p->s * g < 0) {
            p->t = fmax(p->t * or_usual(o->shrink, 0.5), or_usual(o->step_min, 1e-6f));
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
