/* Properties and constants of the activations, for oracles and vector kernels; include/backprop/activation.h defines
 * them. */
#ifndef BP_ACTIVATION_KINDS_H
#define BP_ACTIVATION_KINDS_H

#include <stdbool.h>

#include <backprop/activation.h>

#include "enum_counts.h"

/*
 * Where the backward pass takes f' from. All kinds but the last are those that an epilogue computes from the saved
 * outputs a = f(z); more kinds there would make every tile larger.
 */
typedef enum derivative_kind {
    DERIVATIVE_ONE, /* f' = 1: nothing is saved */
    DERIVATIVE_RELU,
    DERIVATIVE_LEAKY_RELU,
    DERIVATIVE_SIGMOID,
    DERIVATIVE_TANH,
    DERIVATIVE_SAVED /* the saved value is f' */
} derivative_kind;

typedef struct bp_derivative {
    derivative_kind kind;
    float slope; /* leaky ReLU */
} bp_derivative;

/* Of a layer without dropout; with it the layer saves f'. */
static inline bp_derivative derivative_of(bp_activation activation) {
    switch (activation.kind) {
    case BP_ACTIVATION_IDENTITY:
        return (bp_derivative){DERIVATIVE_ONE, 0.0f};
    case BP_ACTIVATION_RELU:
        return (bp_derivative){DERIVATIVE_RELU, 0.0f};
    case BP_ACTIVATION_LEAKY_RELU:
        return (bp_derivative){DERIVATIVE_LEAKY_RELU, activation.parameter};
    case BP_ACTIVATION_SIGMOID:
        return (bp_derivative){DERIVATIVE_SIGMOID, 0.0f};
    case BP_ACTIVATION_TANH:
        return (bp_derivative){DERIVATIVE_TANH, 0.0f};
    default:
        return (bp_derivative){DERIVATIVE_SAVED, 0.0f};
    }
}

/* Whether the derivative is a function of z, not of a = f(z). */
static inline bool activation_saves_input(bp_activation_kind kind) {
    switch (kind) {
    case BP_ACTIVATION_SOFTPLUS:
    case BP_ACTIVATION_HARD_SWISH:
    case BP_ACTIVATION_SILU:
    case BP_ACTIVATION_GELU:
    case BP_ACTIVATION_GELU_TANH:
    case BP_ACTIVATION_MISH:
    case BP_ACTIVATION_SINE:
        return true;
    default:
        return false;
    }
}

/* The parameter of ELU and sine, where zero means one. */
static inline float parameter_or_one(bp_activation activation) {
    return activation.parameter == 0.0f ? 1.0f : activation.parameter;
}

/* SELU: lambda, and lambda times alpha. */
#define SELU_LAMBDA 0x1.0cfabep+0f
#define SELU_LAMBDA_ALPHA 0x1.c212ccp+0f

/* Beyond these limits f is exactly 0 or z. z is clamped there, so that infinities give no NaN. */
#define ACTIVATION_LIMIT 128.0f
#define MISH_LIMIT 20.0f

/* GELU: -sqrt(1/2) and its rounding error, -1 / sqrt(pi), 1 / sqrt(2 pi). */
#define GELU_SCALE -0x1.6a09e6p-1f
#define GELU_REST -0x1.9fcef4p-27f
#define GELU_CORRECTION -0x1.20dd76p-1f
#define GELU_DENSITY 0x1.988454p-2f

/* GELU by tanh, written as a sigmoid: 2 sqrt(2/pi), that times 0.044715, and that times 3. */
#define GELU_TANH_LINEAR 0x1.988454p+0f
#define GELU_TANH_CUBIC 0x1.2444f2p-4f
#define GELU_TANH_SLOPE 0x1.b6676cp-3f

#endif
