/* Activation functions and derivatives on vectors; include/backprop/activation.h defines them. */
#ifndef BP_VECTOR_ACTIVATION_H
#define BP_VECTOR_ACTIVATION_H

#include <float.h>
#include <stdbool.h>
#include <stddef.h>

#include "activation_kinds.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* For code that is long, or seldom runs: one copy, outside of its callers. */
#define KEEP_APART static __attribute__((noinline, unused))

/* Loops over vectors in registers must be unrolled, or the vectors go through memory. */
#if defined(__clang__)
#define UNROLL_FOR _Pragma("clang loop unroll(full)") for
#else
#define UNROLL_FOR _Pragma("GCC unroll 16") for
#endif

/* Whether vec_rectify computes the activation: the kinds that an epilogue can do. */
static inline bool is_rectifier(bp_activation activation) {
    return activation.kind == BP_ACTIVATION_IDENTITY || activation.kind == BP_ACTIVATION_RELU ||
           activation.kind == BP_ACTIVATION_LEAKY_RELU;
}

static inline vec vec_rectify(vec z, bp_activation activation) {
    const vec zero = vec_set1(0.0f);
    if (activation.kind == BP_ACTIVATION_RELU)
        return vec_select(vec_less_equal(z, zero), zero, z);
    if (activation.kind == BP_ACTIVATION_LEAKY_RELU)
        return vec_select(vec_less_equal(z, zero), vec_mul(vec_set1(activation.parameter), z), z);
    return z;
}

/* ---- Kinds whose derivative is a function of z ------------------------------------------------------------------ */

/* f(z) and f'(z). The compiler drops the one that the caller does not use. */
typedef struct value_and_derivative {
    vec value, slope;
} value_and_derivative;

static inline value_and_derivative vec_logistic(vec z) {
    const vec zero = vec_set1(0.0f), one = vec_set1(1.0f);
    const vec t = vec_exp(vec_negate(vec_abs(z))), q = vec_div(one, vec_add(one, t)), p = vec_mul(t, q);
    return (value_and_derivative){vec_select(vec_less_equal(z, zero), p, q), vec_mul(p, q)};
}

static inline value_and_derivative vec_softplus(vec z) {
    const vec rest = vec_log1p(vec_exp(vec_negate(vec_abs(z))));
    return (value_and_derivative){vec_add(vec_max(vec_set1(0.0f), z), rest), vec_logistic(z).value};
}

static inline vec vec_hard_sigmoid(vec z) {
    const vec six = vec_set1(6.0f);
    return vec_div(vec_min(six, vec_max(vec_set1(0.0f), vec_add(z, vec_set1(3.0f)))), six);
}

static inline value_and_derivative vec_hard_swish(vec z) {
    const vec three = vec_set1(3.0f), low = vec_set1(-3.0f);
    const vec between = vec_fma(z, vec_set1(1.0f / 3.0f), vec_set1(0.5f));
    const vec upper = vec_select(vec_less_equal(three, z), vec_set1(1.0f), between);
    return (value_and_derivative){vec_mul(vec_max(low, z), vec_hard_sigmoid(z)),
                                  vec_select(vec_less_equal(z, low), vec_set1(0.0f), upper)};
}

static inline value_and_derivative vec_silu(vec z) {
    const vec m = vec_max(vec_set1(-ACTIVATION_LIMIT), z), c = vec_min(vec_set1(ACTIVATION_LIMIT), m);
    const value_and_derivative s = vec_logistic(c);
    return (value_and_derivative){vec_mul(m, s.value), vec_fma(c, s.slope, s.value)};
}

static inline value_and_derivative vec_gelu(vec z) {
    const vec m = vec_max(vec_set1(-ACTIVATION_LIMIT), z), c = vec_min(vec_set1(ACTIVATION_LIMIT), m);
    const vec scale = vec_set1(GELU_SCALE), half = vec_set1(0.5f);
    const vec x = vec_mul(scale, c), rest = vec_fma(vec_set1(GELU_REST), c, vec_fma(scale, c, vec_negate(x)));
    const vec e = vec_exp(vec_mul(vec_set1(-0.5f), vec_mul(c, c)));
    const vec p = vec_fma(vec_mul(vec_set1(GELU_CORRECTION), rest), e, vec_mul(half, vec_erfc(x)));
    return (value_and_derivative){vec_mul(m, p), vec_fma(vec_mul(vec_set1(GELU_DENSITY), c), e, p)};
}

static inline value_and_derivative vec_gelu_tanh(vec z) {
    const vec m = vec_max(vec_set1(-ACTIVATION_LIMIT), z), c = vec_min(vec_set1(ACTIVATION_LIMIT), m);
    const vec square = vec_mul(c, c), linear = vec_set1(GELU_TANH_LINEAR);
    const value_and_derivative s = vec_logistic(vec_mul(c, vec_fma(vec_set1(GELU_TANH_CUBIC), square, linear)));
    const vec slope = vec_mul(c, vec_fma(vec_set1(GELU_TANH_SLOPE), square, linear));
    return (value_and_derivative){vec_mul(m, s.value), vec_fma(slope, s.slope, s.value)};
}

static inline value_and_derivative vec_mish(vec z) {
    const vec m = vec_max(vec_set1(-ACTIVATION_LIMIT), z), c = vec_min(vec_set1(MISH_LIMIT), m);
    const vec one = vec_set1(1.0f), two = vec_set1(2.0f);
    const vec e = vec_exp(c), n = vec_mul(e, vec_add(e, two)), q = vec_div(one, vec_add(n, two)), t = vec_mul(n, q);
    const vec slope = vec_mul(vec_mul(vec_mul(vec_set1(4.0f), e), vec_add(one, e)), vec_mul(q, q));
    return (value_and_derivative){vec_mul(m, t), vec_fma(c, slope, t)};
}

static inline value_and_derivative vec_sine(vec z, float frequency) {
    const vec w = vec_set1(frequency), x = vec_mul(w, z);
    return (value_and_derivative){vec_sin_u35(x), vec_mul(w, vec_cos_u35(x))};
}

static inline value_and_derivative value_and_derivative_at(vec z, bp_activation activation) {
    switch (activation.kind) {
    case BP_ACTIVATION_SOFTPLUS:
        return vec_softplus(z);
    case BP_ACTIVATION_HARD_SWISH:
        return vec_hard_swish(z);
    case BP_ACTIVATION_SILU:
        return vec_silu(z);
    case BP_ACTIVATION_GELU:
        return vec_gelu(z);
    case BP_ACTIVATION_GELU_TANH:
        return vec_gelu_tanh(z);
    case BP_ACTIVATION_MISH:
        return vec_mish(z);
    default:
        return vec_sine(z, parameter_or_one(activation));
    }
}

/* ---- Values, and derivatives from f(z) -------------------------------------------------------------------------- */

/* exp(z) - 1 where z <= 0. */
static inline vec vec_exp_minus_one(vec z) {
    const vec t = vec_tanh(vec_mul(vec_set1(0.5f), z));
    return vec_div(vec_mul(vec_set1(2.0f), t), vec_sub(vec_set1(1.0f), t));
}

/* low * (exp(z) - 1) where z <= 0, else `above`. */
static inline vec vec_elu(vec z, float low, vec above) {
    return vec_select(vec_less_equal(z, vec_set1(0.0f)), vec_mul(vec_set1(low), vec_exp_minus_one(z)), above);
}

static inline vec vec_softsign(vec z) {
    const vec c = vec_min(vec_set1(FLT_MAX), vec_max(vec_set1(-FLT_MAX), z));
    return vec_div(c, vec_add(vec_set1(1.0f), vec_abs(c)));
}

static inline vec vec_activate(vec z, bp_activation activation) {
    const vec zero = vec_set1(0.0f), one = vec_set1(1.0f);
    switch (activation.kind) {
    case BP_ACTIVATION_IDENTITY:
    case BP_ACTIVATION_RELU:
    case BP_ACTIVATION_LEAKY_RELU:
        return vec_rectify(z, activation);
    case BP_ACTIVATION_SIGMOID:
        return vec_div(one, vec_add(one, vec_exp(vec_negate(z))));
    case BP_ACTIVATION_TANH:
        return vec_tanh(z);
    case BP_ACTIVATION_RELU6:
        return vec_select(vec_less_equal(z, zero), zero, vec_min(vec_set1(6.0f), z));
    case BP_ACTIVATION_ELU:
        return vec_elu(z, parameter_or_one(activation), z);
    case BP_ACTIVATION_SELU:
        return vec_elu(z, SELU_LAMBDA_ALPHA, vec_mul(vec_set1(SELU_LAMBDA), z));
    case BP_ACTIVATION_SOFTSIGN:
        return vec_softsign(z);
    case BP_ACTIVATION_HARD_SIGMOID:
        return vec_hard_sigmoid(z);
    default:
        return value_and_derivative_at(z, activation).value;
    }
}

/* `inside` where 0 < a < limit, else 0. */
static inline vec vec_between(vec a, float limit, float inside) {
    const vec zero = vec_set1(0.0f);
    const vec lower = vec_select(vec_less_equal(vec_set1(limit), a), zero, vec_set1(inside));
    return vec_select(vec_less_equal(a, zero), zero, lower);
}

/* f' from what the forward pass saved. */
static inline vec vec_derivative(vec saved, bp_derivative derivative) {
    const vec zero = vec_set1(0.0f), one = vec_set1(1.0f);
    switch (derivative.kind) {
    case DERIVATIVE_ONE:
        return one;
    case DERIVATIVE_RELU:
        return vec_select(vec_less_equal(saved, zero), zero, one);
    case DERIVATIVE_LEAKY_RELU:
        return vec_select(vec_less_equal(saved, zero), vec_set1(derivative.slope), one);
    case DERIVATIVE_SIGMOID:
        return vec_fnma(saved, saved, saved);
    case DERIVATIVE_TANH:
        return vec_fnma(saved, saved, one);
    case DERIVATIVE_SAVED:
        break;
    }
    return saved;
}

/* f'(z) from the saved value: f(z), or z. */
static inline vec vec_slope(vec saved, bp_activation activation) {
    const vec zero = vec_set1(0.0f), one = vec_set1(1.0f);
    switch (activation.kind) {
    case BP_ACTIVATION_RELU6:
        return vec_between(saved, 6.0f, 1.0f);
    case BP_ACTIVATION_ELU: {
        const vec lower = vec_add(saved, vec_set1(parameter_or_one(activation)));
        return vec_select(vec_less_equal(saved, zero), lower, one);
    }
    case BP_ACTIVATION_SELU: {
        const vec lower = vec_add(saved, vec_set1(SELU_LAMBDA_ALPHA));
        return vec_select(vec_less_equal(saved, zero), lower, vec_set1(SELU_LAMBDA));
    }
    case BP_ACTIVATION_SOFTSIGN: {
        const vec r = vec_sub(one, vec_abs(saved));
        return vec_mul(r, r);
    }
    case BP_ACTIVATION_HARD_SIGMOID:
        return vec_between(saved, 1.0f, 1.0f / 6.0f);
    default:
        return activation_saves_input(activation.kind) ? value_and_derivative_at(saved, activation).slope
                                                       : vec_derivative(saved, derivative_of(activation));
    }
}

/* ---- Arrays ----------------------------------------------------------------------------------------------------- */

/* A constant kind keeps the code of the others out of the loop. */
static ALWAYS_INLINE void activate_rows(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                                        bp_activation activation) {
    for (size_t n = 0; n < rows; n++) {
        size_t j = 0;
        for (; j + VEC_LANES <= columns; j += VEC_LANES)
            vec_store(a + n * lda + j, vec_activate(vec_load(z + n * ldz + j), activation));
        if (j < columns) {
            const vec last = vec_load_first(z + n * ldz + j, columns - j);
            vec_store_first(a + n * lda + j, columns - j, vec_activate(last, activation));
        }
    }
}

KEEP_APART void activate(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                         bp_activation activation) {
    switch (activation.kind) {
    case BP_ACTIVATION_RELU:
        activate_rows(a, lda, z, ldz, rows, columns, (bp_activation){BP_ACTIVATION_RELU, 0.0f});
        break;
    case BP_ACTIVATION_LEAKY_RELU:
        activate_rows(a, lda, z, ldz, rows, columns, (bp_activation){BP_ACTIVATION_LEAKY_RELU, activation.parameter});
        break;
    case BP_ACTIVATION_SIGMOID:
        activate_rows(a, lda, z, ldz, rows, columns, (bp_activation){BP_ACTIVATION_SIGMOID, 0.0f});
        break;
    case BP_ACTIVATION_TANH:
        activate_rows(a, lda, z, ldz, rows, columns, (bp_activation){BP_ACTIVATION_TANH, 0.0f});
        break;
    default:
        activate_rows(a, lda, z, ldz, rows, columns, activation);
        break;
    }
}

/* f(z) and f'(z). */
static inline value_and_derivative vec_activate_with_slope(vec z, bp_activation activation) {
    if (activation_saves_input(activation.kind))
        return value_and_derivative_at(z, activation);
    const vec a = vec_activate(z, activation);
    return (value_and_derivative){a, vec_slope(a, activation)};
}

/* a = f(a); if `derivatives` is not null, f' goes there, and columns are whole vectors. */
KEEP_APART void activate_in_place(float *a, size_t lda, float *derivatives, size_t lds, size_t rows, size_t columns,
                                  bp_activation activation) {
    if (!derivatives) {
        activate(a, lda, a, lda, rows, columns, activation);
        return;
    }
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j += VEC_LANES) {
            const value_and_derivative f = vec_activate_with_slope(vec_load(a + n * lda + j), activation);
            vec_store(a + n * lda + j, f.value);
            vec_store(derivatives + n * lds + j, f.slope);
        }
}

/* d = f', or with `times` d = d * f'. */
static ALWAYS_INLINE void derivative_rows(float *d, size_t ldd, const float *saved, size_t lds, size_t rows,
                                          size_t columns, bp_activation activation, const bool times) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j += VEC_LANES) {
            float *at = d + n * ldd + j;
            const float *from = saved + n * lds + j;
            const size_t lanes = columns - j;
            if (lanes >= VEC_LANES) {
                const vec slope = vec_slope(vec_load(from), activation);
                vec_store(at, times ? vec_mul(vec_load(at), slope) : slope);
            } else {
                const vec slope = vec_slope(vec_load_first(from, lanes), activation);
                vec_store_first(at, lanes, times ? vec_mul(vec_load_first(at, lanes), slope) : slope);
            }
        }
}

static ALWAYS_INLINE void derivatives_of_kind(float *d, size_t ldd, const float *saved, size_t lds, size_t rows,
                                              size_t columns, bp_activation activation, const bool times) {
    switch (activation.kind) {
    case BP_ACTIVATION_RELU:
        derivative_rows(d, ldd, saved, lds, rows, columns, (bp_activation){BP_ACTIVATION_RELU, 0.0f}, times);
        break;
    case BP_ACTIVATION_LEAKY_RELU:
        derivative_rows(d, ldd, saved, lds, rows, columns,
                        (bp_activation){BP_ACTIVATION_LEAKY_RELU, activation.parameter}, times);
        break;
    case BP_ACTIVATION_SIGMOID:
        derivative_rows(d, ldd, saved, lds, rows, columns, (bp_activation){BP_ACTIVATION_SIGMOID, 0.0f}, times);
        break;
    case BP_ACTIVATION_TANH:
        derivative_rows(d, ldd, saved, lds, rows, columns, (bp_activation){BP_ACTIVATION_TANH, 0.0f}, times);
        break;
    default:
        derivative_rows(d, ldd, saved, lds, rows, columns, activation, times);
        break;
    }
}

KEEP_APART void activation_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                                      bp_activation activation) {
    derivatives_of_kind(d, ldd, saved, lds, rows, columns, activation, false);
}

KEEP_APART void activation_delta(float *delta, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                                 bp_activation activation) {
    if (activation.kind != BP_ACTIVATION_IDENTITY)
        derivatives_of_kind(delta, ldd, saved, lds, rows, columns, activation, true);
}

#endif
