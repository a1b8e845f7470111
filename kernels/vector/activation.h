/* Activation functions and derivatives on vectors; include/backprop/activation.h defines them. */
#ifndef BP_VECTOR_ACTIVATION_H
#define BP_VECTOR_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "activation_kinds.h"

/* Whether vec_rectify gives the activation's value: the kinds that need no transcendental function. */
static inline bool is_rectifier(bp_activation activation) {
    return activation.kind == BP_IDENTITY || activation.kind == BP_RELU || activation.kind == BP_LEAKY_RELU;
}

static inline vec vec_rectify(vec z, bp_activation activation) {
    const vec zero = vec_set1(0.0f);
    if (activation.kind == BP_RELU)
        return vec_select(vec_less_equal(z, zero), zero, z);
    if (activation.kind == BP_LEAKY_RELU)
        return vec_select(vec_less_equal(z, zero), vec_mul(vec_set1(activation.parameter), z), z);
    return z;
}

static inline vec vec_activate(vec z, bp_activation activation) {
    const vec one = vec_set1(1.0f);
    switch (activation.kind) {
    case BP_SIGMOID:
        return vec_div(one, vec_add(one, vec_exp(vec_negate(z))));
    case BP_TANH:
        return vec_tanh(z);
    default:
        return vec_rectify(z, activation);
    }
}

/* f'(z) from a = f(z). */
static inline vec vec_derivative(vec a, bp_activation activation) {
    const vec zero = vec_set1(0.0f), one = vec_set1(1.0f);
    switch (activation.kind) {
    case BP_RELU:
        return vec_select(vec_less_equal(a, zero), zero, one);
    case BP_LEAKY_RELU:
        return vec_select(vec_less_equal(a, zero), vec_set1(activation.parameter), one);
    case BP_SIGMOID:
        return vec_fnma(a, a, a);
    case BP_TANH:
        return vec_fnma(a, a, one);
    case KEPT_SLOPES:
        return a;
    default:
        return one;
    }
}

static inline void activate(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
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

static inline void activation_derivative(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                                         bp_activation activation) {
    for (size_t n = 0; n < rows; n++) {
        size_t j = 0;
        for (; j + VEC_LANES <= columns; j += VEC_LANES)
            vec_store(d + n * ldd + j, vec_derivative(vec_load(a + n * lda + j), activation));
        if (j < columns) {
            const vec last = vec_load_first(a + n * lda + j, columns - j);
            vec_store_first(d + n * ldd + j, columns - j, vec_derivative(last, activation));
        }
    }
}

#endif
