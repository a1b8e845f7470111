/* Oracles of the activation functions: include/backprop/activation.h in C. */
#ifndef BP_REFERENCE_ACTIVATION_H
#define BP_REFERENCE_ACTIVATION_H

#include <float.h>
#include <stddef.h>

#include "activation_kinds.h"
#include "reference/math.h"

/* f(z) and f'(z) of the kinds whose derivative is a function of z. */
typedef struct value_slope {
    float value, slope;
} value_slope;

/* z clamped to a limit; NaN gives NaN. */
static inline float not_below(float limit, float z) {
    return limit > z ? limit : z;
}

static inline float not_above(float limit, float z) {
    return limit < z ? limit : z;
}

/* exp(z) - 1 for z <= 0. */
static inline float exp_minus_one(float z) {
    const float t = math_tanh(0.5f * z);
    return 2.0f * t / (1.0f - t);
}

/* The sigmoid. Value and derivative are accurate near 0 too. */
static inline value_slope logistic(float z) {
    const float t = math_exp(-fabsf(z)), q = 1.0f / (1.0f + t), p = t * q;
    return (value_slope){z <= 0.0f ? p : q, p * q};
}

static inline value_slope softplus(float z) {
    return (value_slope){not_below(0.0f, z) + math_log1p(math_exp(-fabsf(z))), logistic(z).value};
}

static inline value_slope hard_swish(float z) {
    const float part = not_above(6.0f, not_below(0.0f, z + 3.0f)) / 6.0f;
    const float between = fmaf(z, 1.0f / 3.0f, 0.5f);
    return (value_slope){not_below(-3.0f, z) * part, z <= -3.0f ? 0.0f : 3.0f <= z ? 1.0f : between};
}

static inline value_slope silu(float z) {
    const float m = not_below(-ACTIVATION_LIMIT, z), c = not_above(ACTIVATION_LIMIT, m);
    const value_slope s = logistic(c);
    return (value_slope){m * s.value, fmaf(c, s.slope, s.value)};
}

/* The normal distribution by its upper tail, which avoids cancellation, corrected for the argument's rounding. */
static inline value_slope gelu(float z) {
    const float m = not_below(-ACTIVATION_LIMIT, z), c = not_above(ACTIVATION_LIMIT, m);
    const float x = GELU_SCALE * c, rest = fmaf(GELU_REST, c, fmaf(GELU_SCALE, c, -x));
    const float e = math_exp(-0.5f * (c * c));
    const float p = fmaf(GELU_CORRECTION * rest, e, 0.5f * math_erfc(x));
    return (value_slope){m * p, fmaf(GELU_DENSITY * c, e, p)};
}

static inline value_slope gelu_tanh(float z) {
    const float m = not_below(-ACTIVATION_LIMIT, z), c = not_above(ACTIVATION_LIMIT, m), square = c * c;
    const value_slope s = logistic(c * fmaf(GELU_TANH_CUBIC, square, GELU_TANH_LINEAR));
    const float slope = c * fmaf(GELU_TANH_SLOPE, square, GELU_TANH_LINEAR);
    return (value_slope){m * s.value, fmaf(slope, s.slope, s.value)};
}

/* With e = exp(z), tanh(softplus(z)) = n / (n + 2) for n = e (e + 2). */
static inline value_slope mish(float z) {
    const float m = not_below(-ACTIVATION_LIMIT, z), c = not_above(MISH_LIMIT, m);
    const float e = math_exp(c), n = e * (e + 2.0f), q = 1.0f / (n + 2.0f), t = n * q;
    const float slope = 4.0f * e * (1.0f + e) * (q * q);
    return (value_slope){m * t, fmaf(c, slope, t)};
}

static inline value_slope sine(float z, float frequency) {
    const float x = frequency * z;
    return (value_slope){math_sin_u35(x), frequency * math_cos_u35(x)};
}

static inline value_slope value_and_derivative_of(float z, bp_activation activation) {
    switch (activation.kind) {
    case BP_ACTIVATION_SOFTPLUS:
        return softplus(z);
    case BP_ACTIVATION_HARD_SWISH:
        return hard_swish(z);
    case BP_ACTIVATION_SILU:
        return silu(z);
    case BP_ACTIVATION_GELU:
        return gelu(z);
    case BP_ACTIVATION_GELU_TANH:
        return gelu_tanh(z);
    case BP_ACTIVATION_MISH:
        return mish(z);
    default:
        return sine(z, parameter_or_one(activation));
    }
}

static inline float activation_value(float z, bp_activation activation) {
    switch (activation.kind) {
    case BP_ACTIVATION_IDENTITY:
        return z;
    case BP_ACTIVATION_RELU:
        return z <= 0.0f ? 0.0f : z;
    case BP_ACTIVATION_LEAKY_RELU:
        return z <= 0.0f ? activation.parameter * z : z;
    case BP_ACTIVATION_SIGMOID:
        return 1.0f / (1.0f + math_exp(-z));
    case BP_ACTIVATION_TANH:
        return math_tanh(z);
    case BP_ACTIVATION_RELU6:
        return z <= 0.0f ? 0.0f : not_above(6.0f, z);
    case BP_ACTIVATION_ELU:
        return z <= 0.0f ? parameter_or_one(activation) * exp_minus_one(z) : z;
    case BP_ACTIVATION_SELU:
        return z <= 0.0f ? SELU_LAMBDA_ALPHA * exp_minus_one(z) : SELU_LAMBDA * z;
    case BP_ACTIVATION_SOFTSIGN: {
        const float c = not_above(FLT_MAX, not_below(-FLT_MAX, z));
        return c / (1.0f + fabsf(c));
    }
    case BP_ACTIVATION_HARD_SIGMOID:
        return not_above(6.0f, not_below(0.0f, z + 3.0f)) / 6.0f;
    default:
        return value_and_derivative_of(z, activation).value;
    }
}

/* f' from what the forward pass of a network saved. */
static inline float derivative_value(float saved, bp_derivative derivative) {
    switch (derivative.kind) {
    case DERIVATIVE_ONE:
        return 1.0f;
    case DERIVATIVE_RELU:
        return saved <= 0.0f ? 0.0f : 1.0f;
    case DERIVATIVE_LEAKY_RELU:
        return saved <= 0.0f ? derivative.slope : 1.0f;
    case DERIVATIVE_SIGMOID:
        return fmaf(-saved, saved, saved);
    case DERIVATIVE_TANH:
        return fmaf(-saved, saved, 1.0f);
    case DERIVATIVE_SAVED:
        break;
    }
    return saved;
}

/* f'(z) from the saved value: f(z), or z. */
static inline float activation_slope(float saved, bp_activation activation) {
    switch (activation.kind) {
    case BP_ACTIVATION_RELU6:
        return saved <= 0.0f || 6.0f <= saved ? 0.0f : 1.0f;
    case BP_ACTIVATION_ELU:
        return saved <= 0.0f ? saved + parameter_or_one(activation) : 1.0f;
    case BP_ACTIVATION_SELU:
        return saved <= 0.0f ? saved + SELU_LAMBDA_ALPHA : SELU_LAMBDA;
    case BP_ACTIVATION_SOFTSIGN: {
        const float r = 1.0f - fabsf(saved);
        return r * r;
    }
    case BP_ACTIVATION_HARD_SIGMOID:
        return saved <= 0.0f || 1.0f <= saved ? 0.0f : 1.0f / 6.0f;
    default:
        return activation_saves_input(activation.kind) ? value_and_derivative_of(saved, activation).slope
                                                       : derivative_value(saved, derivative_of(activation));
    }
}

static void activate(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                     bp_activation activation) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            a[n * lda + j] = activation_value(z[n * ldz + j], activation);
}

static void activation_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                                  bp_activation activation) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            d[n * ldd + j] = activation_slope(saved[n * lds + j], activation);
}

static void activation_delta(float *delta, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                             bp_activation activation) {
    if (activation.kind == BP_ACTIVATION_IDENTITY)
        return;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            delta[n * ldd + j] = delta[n * ldd + j] * activation_slope(saved[n * lds + j], activation);
}

#endif
