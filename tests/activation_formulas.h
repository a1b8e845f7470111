/* The activations and their derivatives as textbooks write them, in double precision, for all tests that need them. */
#ifndef BACKPROP_TESTS_ACTIVATION_FORMULAS_H
#define BACKPROP_TESTS_ACTIVATION_FORMULAS_H

#include <math.h>

#include <backprop/activation.h>

static const double formula_pi = 3.14159265358979323846;
static const double formula_lambda = 1.0507009873554804934193349852946;
static const double formula_alpha = 1.6732632423543772848170429916717;

static inline double formula_one(bp_activation f) {
    return f.parameter == 0 ? 1 : (double)f.parameter;
}

/* f(z) for two-sided limits f -> 0 and f -> z, without infinity times zero. */
static inline double formula_gated(double z, double gate) {
    return gate == 0 ? -0.0 : z * gate;
}

static inline double formula_sigmoid(double z) {
    return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

static inline double formula_normal(double z) {
    return 0.5 * erfc(-z * sqrt(0.5));
}

static inline double formula_density(double z) {
    return exp(-0.5 * z * z) / sqrt(2 * formula_pi);
}

static inline double formula_gelu_argument(double z) {
    return 2 * sqrt(2 / formula_pi) * (z + 0.044715 * z * z * z);
}

/* tanh(softplus(z)), which is (y^2 + 2 y) / (y^2 + 2 y + 2) with y = exp(z). */
static inline double formula_mish_gate(double z) {
    const double y = exp(fmin(z, 100));
    return (y * y + 2 * y) / (y * y + 2 * y + 2);
}

static inline double activation_formula(double z, bp_activation f) {
    switch (f.kind) {
    case BP_ACTIVATION_RELU:
        return z <= 0 ? 0 : z;
    case BP_ACTIVATION_LEAKY_RELU:
        return z <= 0 ? (double)f.parameter * z : z;
    case BP_ACTIVATION_SIGMOID:
        return formula_sigmoid(z);
    case BP_ACTIVATION_TANH:
        return tanh(z);
    case BP_ACTIVATION_RELU6:
        return z <= 0 ? 0 : z >= 6 ? 6 : z;
    case BP_ACTIVATION_ELU:
        return z <= 0 ? formula_one(f) * expm1(z) : z;
    case BP_ACTIVATION_SELU:
        return formula_lambda * (z <= 0 ? formula_alpha * expm1(z) : z);
    case BP_ACTIVATION_SOFTSIGN:
        return isinf(z) ? copysign(1, z) : z / (1 + fabs(z));
    case BP_ACTIVATION_HARD_SIGMOID:
        return z <= -3 ? 0 : z >= 3 ? 1 : (z + 3) / 6;
    case BP_ACTIVATION_SOFTPLUS:
        return fmax(z, 0) + log1p(exp(-fabs(z)));
    case BP_ACTIVATION_HARD_SWISH:
        return z <= -3 ? -0.0 : z >= 3 ? z : z * (z + 3) / 6;
    case BP_ACTIVATION_SILU:
        return formula_gated(z, formula_sigmoid(z));
    case BP_ACTIVATION_GELU:
        return formula_gated(z, formula_normal(z));
    case BP_ACTIVATION_GELU_TANH:
        return formula_gated(z, formula_sigmoid(formula_gelu_argument(z)));
    case BP_ACTIVATION_MISH:
        return formula_gated(z, formula_mish_gate(z));
    case BP_ACTIVATION_SINE:
        return sin(formula_one(f) * z);
    default:
        return z;
    }
}

/* For large |z| the second term of the products is below any float, but could be infinity times zero. */
static inline double formula_sum(double gate, double z, double slope) {
    return slope == 0 ? gate : gate + z * slope;
}

static inline double formula_sigmoid_slope(double z) {
    const double t = exp(-fabs(z));
    return t / (1 + t) / (1 + t);
}

static inline double formula_gelu_tanh_slope(double z) {
    const double u = formula_gelu_argument(z);
    if (fabs(z) > 100)
        return formula_sigmoid(u);
    return formula_sum(formula_sigmoid(u), z * 2 * sqrt(2 / formula_pi) * (1 + 3 * 0.044715 * z * z),
                       formula_sigmoid_slope(u));
}

/* The gate's derivative, (1 - tanh^2) sigmoid, is 4 y (y + 1) / (y^2 + 2 y + 2)^2. */
static inline double formula_mish_slope(double z) {
    const double limited = fmin(z, 100), y = exp(limited), n = y * y + 2 * y + 2;
    return formula_sum(formula_mish_gate(z), limited, 4 * y * (y + 1) / n / n);
}

static inline double activation_formula_slope(double z, bp_activation f) {
    switch (f.kind) {
    case BP_ACTIVATION_RELU:
        return z <= 0 ? 0 : 1;
    case BP_ACTIVATION_LEAKY_RELU:
        return z <= 0 ? (double)f.parameter : 1;
    case BP_ACTIVATION_SIGMOID:
        return formula_sigmoid_slope(z);
    case BP_ACTIVATION_TANH:
        return 4 * formula_sigmoid_slope(2 * z);
    case BP_ACTIVATION_RELU6:
        return z <= 0 || z >= 6 ? 0 : 1;
    case BP_ACTIVATION_ELU:
        return z <= 0 ? formula_one(f) * exp(z) : 1;
    case BP_ACTIVATION_SELU:
        return formula_lambda * (z <= 0 ? formula_alpha * exp(z) : 1);
    case BP_ACTIVATION_SOFTSIGN:
        return 1 / (1 + fabs(z)) / (1 + fabs(z));
    case BP_ACTIVATION_HARD_SIGMOID:
        return z <= -3 || z >= 3 ? 0 : 1.0 / 6;
    case BP_ACTIVATION_SOFTPLUS:
        return formula_sigmoid(z);
    case BP_ACTIVATION_HARD_SWISH:
        return z <= -3 ? 0 : z >= 3 ? 1 : z / 3 + 0.5;
    case BP_ACTIVATION_SILU:
        return formula_sum(formula_sigmoid(z), z, formula_sigmoid_slope(z));
    case BP_ACTIVATION_GELU:
        return formula_sum(formula_normal(z), z, formula_density(z));
    case BP_ACTIVATION_GELU_TANH:
        return formula_gelu_tanh_slope(z);
    case BP_ACTIVATION_MISH:
        return formula_mish_slope(z);
    case BP_ACTIVATION_SINE:
        return formula_one(f) * cos(formula_one(f) * z);
    default:
        return 1;
    }
}

#endif
