/* Properties and constants of the activations, for oracles and vector kernels; include/backprop/activation.h defines
 * them. */
#ifndef BP_ACTIVATION_KINDS_H
#define BP_ACTIVATION_KINDS_H

#include <stdbool.h>

#include <backprop/activation.h>

#include "enum_counts.h"

/*
 * A kind for the backward pass only: the saved value is the derivative itself. Layers with dropout have it, and
 * activations of which activation_saves_derivative is true.
 */
#define SAVED_DERIVATIVES ACTIVATION_COUNT

/*
 * Whether a network computes the derivative together with the value and saves it. For the other kinds an epilogue
 * computes it from a = f(z); more kinds there would make every tile larger.
 */
static inline bool activation_saves_derivative(bp_activation_kind kind) {
    switch (kind) {
    case BP_ACTIVATION_IDENTITY:
    case BP_ACTIVATION_RELU:
    case BP_ACTIVATION_LEAKY_RELU:
    case BP_ACTIVATION_SIGMOID:
    case BP_ACTIVATION_TANH:
        return false;
    default:
        return true;
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
