/*
 * Activation functions and their derivatives, element by element.
 *
 * The backward pass needs one array that the forward pass saves: the outputs a = f(z), or z, as the table shows. The
 * table gives each kind as a sequence of binary32 operations, in their order:
 *
 *   kind          a = f(z)                                          f'(z)
 *
 *   saves a:
 *   identity      z                                                 1
 *   relu          z <= 0 ? +0 : z                                   a <= 0 ? 0 : 1
 *   leaky-relu    z <= 0 ? p * z : z                                a <= 0 ? p : 1
 *   sigmoid       1 / (1 + exp(-z))                                 fma(-a, a, a)
 *   tanh          tanh(z)                                           fma(-a, a, 1)
 *   relu6         z <= 0 ? +0 : min(6, z)                           a <= 0 or 6 <= a ? 0 : 1
 *   elu           z <= 0 ? p * E : z                                a <= 0 ? a + p : 1
 *   selu          z <= 0 ? lambda_alpha * E : lambda * z            a <= 0 ? a + lambda_alpha : lambda
 *   softsign      w / (1 + |w|), w = min(FLT_MAX, max(-FLT_MAX, z)) r * r, r = 1 - |a|
 *   hard-sigmoid  min(6, max(0, z + 3)) / 6                         a <= 0 or 1 <= a ? 0 : 1/6
 *
 *   saves z:
 *   softplus      max(0, z) + log1p(exp(-|z|))                      S(z)
 *   hard-swish    max(-3, z) * (min(6, max(0, z + 3)) / 6)          z <= -3 ? 0 : 3 <= z ? 1 : fma(z, 1/3, 1/2)
 *   silu          m * S(c)                                          fma(c, D(c), S(c))
 *   gelu          m * P                                             fma(g_density * c, e, P)
 *   gelu-tanh     m * S(u)                                          fma(v, D(u), S(u))
 *   mish          m * T                                             fma(k, ((4 * y) * (1 + y)) * (q * q), T)
 *   sine          sin(p * z)                                        p * cos(p * z)
 *
 *   p is the parameter
 *   max(l, z) = l > z ? l : z,  min(l, z) = l < z ? l : z;  m = max(-128, z), c = min(128, m)
 *   E = (2 * t) / (1 - t), t = tanh(0.5 * z): exp(z) - 1
 *   S(x) = x <= 0 ? t * q : q,  D(x) = (t * q) * q,  t = exp(-|x|), q = 1 / (1 + t): the sigmoid and its derivative
 *   P = fma(g_fix * fma(g_rest, c, fma(g_scale, c, -x)), e, 0.5 * erfc(x)),  x = g_scale * c, e = exp(-0.5 * (c * c)):
 *       the normal distribution; g_scale = -sqrt(1/2), g_rest = -sqrt(1/2) - g_scale, g_fix = -1 / sqrt(pi),
 *       g_density = 1 / sqrt(2 pi)
 *   u = c * fma(g_cubic, c * c, g_linear),  v = c * fma(g_slope, c * c, g_linear):  g_linear = 2 sqrt(2 / pi),
 *       g_cubic = 0.044715 g_linear, g_slope = 3 g_cubic
 *   T = n * q, n = y * (y + 2), q = 1 / (n + 2),  y = exp(k), k = min(20, m): tanh(softplus(z))
 *   lambda = 1.05070098735548..., lambda_alpha = 1.75809934084737...; all constants are rounded to nearest
 *
 * All are SLEEF's deterministic functions: exp and log1p of 1.0 ULP, erfc (erfcf) of 1.5 ULP, tanh, sin and cos of 3.5
 * ULP (measured: 2.8, 2.2). Division is IEEE's.
 *
 * The next table has the largest errors, in ULP of the exact result, or of `at least` if the result is smaller.
 * (Results are smaller near zeros of f or f', where f' is a difference, and where exp leaves its range.)
 * They were measured over half of all floats from 2^-14 to 2^8 and a sample of the others, with parameters of 1
 * (leaky-relu: 0.01):
 *
 *   kind          f     at least  f'    at least        kind          f     at least  f'    at least
 *   identity      0               0                     hard-sigmoid  1.4             0.4
 *   relu          0               0                     softplus      1.7             2.9
 *   leaky-relu    0.5             0                     hard-swish    2.0             0.7   1
 *   sigmoid       2.7   2^-105    0.75  1               silu          3.8   2^-120    2.6   1/4
 *   tanh          2.9             1.5   1               gelu          2.6   2^-120    1.8   1/4
 *   relu6         0               0                     gelu-tanh     2.6   1/4       2.9   1/4
 *   elu           4.2             1     1               mish          5.1   2^-120    4.0   1/4
 *   selu          5.2             2.3   1               sine          2.6             2.6
 *   softsign      1.5             1     1
 *
 * A sine of another frequency also has the rounding error of p * z in its argument.
 *
 * Limits at infinity are reached; only sin has none. Every kind maps a NaN to a NaN, whose payload and sign are not
 * promised. If a is NaN and the derivative is computed from it, the ReLUs, ELUs and hard-sigmoid give the derivative of
 * z > 0.
 *
 * Sources:
 *
 *   leaky-relu  A. L. Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013
 *   relu6       A. Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010
 *   elu         D.-A. Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2016
 *   selu        G. Klambauer et al., "Self-normalizing neural networks", 2017
 *   gelu        D. Hendrycks, K. Gimpel, "Gaussian error linear units", 2016
 *   silu        S. Elfwing et al., "Sigmoid-weighted linear units", 2018
 *   mish        D. Misra, "Mish: a self regularized non-monotonic activation function", 2020
 *   hard-swish  A. Howard et al., "Searching for MobileNetV3", 2019
 *   sine        V. Sitzmann et al., "Implicit neural representations with periodic activation functions", 2020
 */
#ifndef BACKPROP_ACTIVATION_H
#define BACKPROP_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

typedef enum bp_activation_kind {
    BP_ACTIVATION_IDENTITY = 0,
    BP_ACTIVATION_RELU,
    BP_ACTIVATION_LEAKY_RELU,
    BP_ACTIVATION_SIGMOID,
    BP_ACTIVATION_TANH,
    BP_ACTIVATION_RELU6,
    BP_ACTIVATION_ELU,
    BP_ACTIVATION_SELU,
    BP_ACTIVATION_SOFTSIGN,
    BP_ACTIVATION_HARD_SIGMOID,
    BP_ACTIVATION_SOFTPLUS,
    BP_ACTIVATION_HARD_SWISH,
    BP_ACTIVATION_SILU, /* swish with beta = 1 */
    BP_ACTIVATION_GELU,
    BP_ACTIVATION_GELU_TANH, /* the approximation of GELU by tanh */
    BP_ACTIVATION_MISH,
    BP_ACTIVATION_SINE,
} bp_activation_kind;

/** An activation with its parameter. A zeroed struct is the identity. */
typedef struct bp_activation {
    bp_activation_kind kind;
    /**
     * The other kinds ignore it.
     *
     * | kind       | meaning           | range                | 0 means |
     * |------------|-------------------|----------------------|---------|
     * | leaky-relu | slope for z <= 0  | finite, not negative | 0       |
     * | elu        | alpha             | finite, not negative | 1       |
     * | sine       | angular frequency | finite               | 1       |
     */
    float parameter;
} bp_activation;

/** Name of a kind, as in the table above: "identity", "relu", ..., "sine". Null for any other value. */
BP_API const char *bp_activation_name(bp_activation_kind kind);

/** The inverse of bp_activation_name. Errors: BP_ERROR_NULL; BP_ERROR_VALUE for an unknown name. On error *kind is
 *  unchanged. */
BP_API bp_status bp_activation_from_name(const char *name, bp_activation_kind *kind);

/** Whether the backward pass needs z instead of a = f(z). False for a value outside the enumeration. */
BP_API bool bp_activation_saves_input(bp_activation_kind kind);

/**
 * a[n][j] = f(z[n][j]) for n < rows, j < columns.
 *
 * lda, ldz: distance between rows in elements, at least `columns`; 0: packed. `a` may be `z` itself if lda == ldz.
 *
 * Errors of the three functions: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT; BP_ERROR_OVERLAP
 * for any other overlap; BP_ERROR_VALUE for the activation's kind and parameter; and those of bp_cpu_active. On error
 * nothing is written.
 */
BP_API bp_status bp_activate(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                             bp_activation activation);

/**
 * d[n][j] = f'(z[n][j]) for n < rows, j < columns.
 *
 * f' is computed from saved[n][j]: a = f(z), or z where bp_activation_saves_input is true. Leading dimensions and
 * overlaps are as for bp_activate.
 */
BP_API bp_status bp_activation_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows,
                                          size_t columns, bp_activation activation);

/**
 * delta[n][j] = delta[n][j] * f'(z[n][j]) for n < rows, j < columns, in place: from dL/da to dL/dz.
 *
 * f' is that of bp_activation_derivative. For the identity the call does nothing, and `saved` may be null. The arrays
 * must not overlap.
 */
BP_API bp_status bp_activation_delta(float *delta, size_t ldd, const float *saved, size_t lds, size_t rows,
                                     size_t columns, bp_activation activation);

BP_END_DECLS

#endif
