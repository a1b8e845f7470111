/*
 * Activation functions and their derivatives, element by element.
 *
 * The backward pass keeps a = f(z) only, so each derivative is given as a function of a.
 *
 *   kind        a = f(z)                            f'(z) as a function of a
 *   identity    z                                   1
 *   relu        z <= 0 ? +0 : z                     a <= 0 ? 0 : 1
 *   leaky relu  z <= 0 ? slope * z : z              a <= 0 ? slope : 1
 *   sigmoid     1 / (1 + exp(-z))                   fma(-a, a, a)
 *   tanh        tanh(z)                             fma(-a, a, 1)
 *
 * exp is SLEEF's deterministic expf of 1.0 ULP, tanh its tanhf of 3.5 ULP (measured: 2.8). Division is IEEE's.
 * A NaN gives a NaN in each of them (its payload and sign are not promised), and a derivative of 1 in the ReLUs.
 */
#ifndef BACKPROP_ACTIVATION_H
#define BACKPROP_ACTIVATION_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

typedef enum bp_activation_kind {
    BP_IDENTITY = 0,
    BP_RELU,
    BP_LEAKY_RELU,
    BP_SIGMOID,
    BP_TANH,
    BP_ACTIVATION_COUNT
} bp_activation_kind;

/** An activation with its parameter. A zeroed one is the identity. */
typedef struct bp_activation {
    bp_activation_kind kind;
    float parameter; /* leaky ReLU: the slope for z <= 0, finite and not negative; ignored by the others */
} bp_activation;

/** "identity", "relu", "leaky-relu", "sigmoid", "tanh"; null for any other value. */
BP_API const char *bp_activation_name(bp_activation_kind kind);

/** The inverse of bp_activation_name. BP_ERROR_NULL, or BP_ERROR_VALUE with *kind unchanged. */
BP_API bp_status bp_activation_from_name(const char *name, bp_activation_kind *kind);

/**
 * a[n][j] = f(z[n][j]) for n < rows, j < columns.
 *
 * lda, ldz: distance between rows in elements, at least `columns`. `a` may be `z` itself with lda == ldz; any other
 * overlap is BP_ERROR_OVERLAP.
 */
BP_API bp_status bp_activate(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                             bp_activation activation);

/**
 * d[n][j] = f'(z[n][j]), computed from a[n][j] = f(z[n][j]), for n < rows, j < columns.
 * Strides and aliasing as for bp_activate.
 */
BP_API bp_status bp_activation_derivative(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                                          bp_activation activation);

BP_END_DECLS

#endif
