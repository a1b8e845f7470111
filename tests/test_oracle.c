/*
 * The oracles themselves, against numbers that come from elsewhere: a worked example computed by hand, textbook
 * formulas in double precision within a-priori rounding bounds, the adjoint identities in exact integers, and inputs
 * for which any other order of operations gives other bits. Derivatives have test_derivatives.c.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "enum_counts.h"
#include "harness/harness.h"

#include <backprop/dense.h>
#include <backprop/loss.h>

/* Unit roundoff of binary32. */
static const double unit = 0x1p-24;

static const bp_activation identity = {BP_ACTIVATION_IDENTITY, 0.0f};

static const bp_kernels *kernels;
static void *scratch; /* the oracles leave it alone */

static void assert_bits(float got, float expected, const char *what) {
    if (test_bits(got) != test_bits(expected)) {
        fail_msg("%s: %a instead of %a", what, (double)got, (double)expected);
    }
}

#define ASSERT_BITS(got, expected) assert_bits((got), (expected), #got)

static void assert_within(double got, double expected, double bound, const char *what) {
    if (!(fabs(got - expected) <= bound)) {
        fail_msg("%s: %.12g instead of %.12g, off by %g where %g is allowed", what, got, expected, fabs(got - expected),
                 bound);
    }
}

/* ---- The worked example of two inputs, two hidden neurons, two outputs -------------------------------------- */

/* All numbers below are sums of a few powers of two, computed by hand; every operation on them is exact. */
static void worked_example(void **state) {
    (void)state;
    const float x[2] = {1.0f, 2.0f}, y[2] = {0.0625f, 2.0f}, learning_rate = 0.5f;
    float w1[2][2] = {{0.5f, -0.25f}, {0.25f, 1.0f}}, b1[2] = {0.125f, -0.5f}; /* w11 w12, w21 w22 */
    float w2[2][2] = {{0.5f, 0.25f}, {-1.0f, 2.0f}}, b2[2] = {0.25f, -0.75f};  /* w31 w32, w41 w42 */
    float h[2], o[2], delta_o[2], delta_h[2], loss;

    kernels->dense_forward(h, 2, x, 2, w1[0], 2, b1, 1, 2, 2, identity, scratch);
    ASSERT_BITS(h[0], 1.125f);
    ASSERT_BITS(h[1], 1.25f);
    kernels->dense_forward(o, 2, h, 2, w2[0], 2, b2, 1, 2, 2, identity, scratch);
    ASSERT_BITS(o[0], -0.4375f);
    ASSERT_BITS(o[1], 2.03125f);

    kernels->loss_mse(delta_o, 2, &loss, o, 2, y, 2, 1, 2, identity, 1.0f);
    ASSERT_BITS(loss, 0.12548828125f);
    ASSERT_BITS(delta_o[0], -0.5f);
    ASSERT_BITS(delta_o[1], 0.03125f);
    kernels->dense_delta(delta_h, 2, delta_o, 2, w2[0], 2, h, 2, 1, 2, 2, identity, scratch);
    ASSERT_BITS(delta_h[0], -0.2421875f);
    ASSERT_BITS(delta_h[1], 0.5625f);

    kernels->dense_gradient_sgd(w2[0], 2, b2, h, 2, delta_o, 2, 1, 2, 2, learning_rate, scratch);
    ASSERT_BITS(w2[0][0], 0.78125f);
    ASSERT_BITS(w2[0][1], 0.232421875f);
    ASSERT_BITS(w2[1][0], -0.6875f);
    ASSERT_BITS(w2[1][1], 1.98046875f);
    ASSERT_BITS(b2[0], 0.5f);
    ASSERT_BITS(b2[1], -0.765625f);
    kernels->dense_gradient_sgd(w1[0], 2, b1, x, 2, delta_h, 2, 1, 2, 2, learning_rate, scratch);
    ASSERT_BITS(w1[0][0], 0.62109375f);
    ASSERT_BITS(w1[0][1], -0.53125f);
    ASSERT_BITS(w1[1][0], 0.4921875f);
    ASSERT_BITS(w1[1][1], 0.4375f);
    ASSERT_BITS(b1[0], 0.24609375f);
    ASSERT_BITS(b1[1], -0.78125f);
}

/* The same with a leaky ReLU of slope 1/2 in the hidden layer, whose second neuron is below zero. */
static void worked_example_with_leaky_relu(void **state) {
    (void)state;
    const bp_activation leaky = {BP_ACTIVATION_LEAKY_RELU, 0.5f};
    const float x[2] = {1.0f, 2.0f}, y[2] = {1.6875f, -1.25f};
    const float w1[2][2] = {{0.5f, -0.25f}, {0.25f, 1.0f}}, b1[2] = {0.125f, -2.5f};
    const float w2[2][2] = {{0.5f, 0.25f}, {-1.0f, 2.0f}}, b2[2] = {0.25f, -0.75f};
    float h[2], o[2], delta_o[2], delta_h[2], gradient[2][2], gradient_bias[2], loss;

    kernels->dense_forward(h, 2, x, 2, w1[0], 2, b1, 1, 2, 2, leaky, scratch);
    ASSERT_BITS(h[0], 1.125f);
    ASSERT_BITS(h[1], -0.375f); /* z is -0.75 */
    kernels->dense_forward(o, 2, h, 2, w2[0], 2, b2, 1, 2, 2, identity, scratch);
    ASSERT_BITS(o[0], 1.1875f);
    ASSERT_BITS(o[1], -1.21875f);
    kernels->loss_mse(delta_o, 2, &loss, o, 2, y, 2, 1, 2, identity, 1.0f);
    ASSERT_BITS(delta_o[0], -0.5f);
    ASSERT_BITS(delta_o[1], 0.03125f);
    kernels->dense_delta(delta_h, 2, delta_o, 2, w2[0], 2, h, 2, 1, 2, 2, leaky, scratch);
    ASSERT_BITS(delta_h[0], -0.2421875f);
    ASSERT_BITS(delta_h[1], 0.28125f); /* half of 0.5625 */
    kernels->dense_gradient(gradient[0], 2, gradient_bias, x, 2, delta_h, 2, 1, 2, 2, scratch);
    ASSERT_BITS(gradient[0][0], -0.2421875f);
    ASSERT_BITS(gradient[0][1], 0.28125f);
    ASSERT_BITS(gradient[1][0], -0.484375f);
    ASSERT_BITS(gradient[1][1], 0.5625f);
    ASSERT_BITS(gradient_bias[1], 0.28125f);
}

/* ---- The products in double precision, and in exact integers ------------------------------------------------ */

enum { BATCH = 2 * BP_ROW_BLOCK + 37, IN = 43, OUT = 29 };

static float x[BATCH][IN], w[IN][OUT], bias[OUT], delta[BATCH][OUT];
static float forward[BATCH][OUT], previous[BATCH][IN], gradient[IN][OUT], gradient_bias[OUT];

static void fill(float *values, size_t count, float (*draw)(test_random *), const char *key) {
    test_random random = test_random_for(test_seed(), key);
    for (size_t k = 0; k < count; k++) {
        values[k] = draw(&random);
    }
}

static float small_integer(test_random *random) {
    return (float)test_random_below(random, 17) - 8.0f;
}

static void run_products(float (*draw)(test_random *)) {
    fill(x[0], (size_t)BATCH * IN, draw, "x");
    fill(w[0], (size_t)IN * OUT, draw, "w");
    fill(bias, OUT, draw, "bias");
    fill(delta[0], (size_t)BATCH * OUT, draw, "delta");
    kernels->dense_forward(forward[0], OUT, x[0], IN, w[0], OUT, bias, BATCH, IN, OUT, identity, scratch);
    kernels->dense_delta(previous[0], IN, delta[0], OUT, w[0], OUT, NULL, 0, BATCH, IN, OUT, identity, scratch);
    kernels->dense_gradient(gradient[0], OUT, gradient_bias, x[0], IN, delta[0], OUT, BATCH, IN, OUT, scratch);
}

/* A sum of products in double precision, with what bounds its error in single precision. */
typedef struct exact {
    double sum, magnitude, squares;
} exact;

static void add_product(exact *e, double a, double b) {
    e->sum += a * b;
    e->magnitude += fabs(a * b);
    e->squares += a * b * a * b;
}

/* `roundings` in a row err by at most roundings * unit * sum of |a b|. The bound has to mean something: it must be far
 * below the size that such a sum has. */
static void assert_product(float got, const exact *e, size_t roundings, const char *what) {
    const double bound = (double)roundings * unit * 1.01 * e->magnitude;
    assert_true(bound < 0.01 * sqrt(e->squares));
    assert_within((double)got, e->sum, bound, what);
}

static void products_within_rounding_bounds(void **state) {
    (void)state;
    run_products(test_random_symmetric);
    for (size_t n = 0; n < BATCH; n++) {
        for (size_t j = 0; j < OUT; j++) {
            exact e = {0};
            add_product(&e, (double)bias[j], 1.0);
            for (size_t i = 0; i < IN; i++) {
                add_product(&e, (double)x[n][i], (double)w[i][j]);
            }
            assert_product(forward[n][j], &e, IN, "forward");
        }
        for (size_t i = 0; i < IN; i++) {
            exact e = {0};
            for (size_t j = 0; j < OUT; j++) {
                add_product(&e, (double)delta[n][j], (double)w[i][j]);
            }
            assert_product(previous[n][i], &e, OUT, "delta");
        }
    }
    for (size_t j = 0; j < OUT; j++) {
        exact b = {0};
        for (size_t n = 0; n < BATCH; n++) {
            add_product(&b, (double)delta[n][j], 1.0);
        }
        assert_product(gradient_bias[j], &b, BATCH, "gradient of a bias");
        for (size_t i = 0; i < IN; i++) {
            exact e = {0};
            for (size_t n = 0; n < BATCH; n++) {
                add_product(&e, (double)x[n][i], (double)delta[n][j]);
            }
            assert_product(gradient[i][j], &e, BATCH, "gradient");
        }
    }
}

static long long inner(const float *a, const float *b, size_t count) {
    long long sum = 0;
    for (size_t k = 0; k < count; k++) {
        sum += (long long)a[k] * (long long)b[k];
    }
    return sum;
}

/* <delta, X W> = <delta W^T, X> = <X^T delta, W>: three kernels, one number. Integers make it exact. */
static void adjoint_identities(void **state) {
    (void)state;
    run_products(small_integer);
    kernels->dense_forward(forward[0], OUT, x[0], IN, w[0], OUT, NULL, BATCH, IN, OUT, identity, scratch);
    const long long number = inner(delta[0], forward[0], (size_t)BATCH * OUT);
    assert_true(number != 0);
    assert_true(inner(previous[0], x[0], (size_t)BATCH * IN) == number);
    assert_true(inner(gradient[0], w[0], (size_t)IN * OUT) == number);
    float ones[BATCH];
    for (size_t n = 0; n < BATCH; n++) {
        ones[n] = 1.0f;
    }
    for (size_t j = 0; j < OUT; j++) {
        float column[BATCH];
        for (size_t n = 0; n < BATCH; n++) {
            column[n] = delta[n][j];
        }
        assert_true(inner(column, ones, BATCH) == (long long)gradient_bias[j]);
    }
}

/* ---- Activations, losses and sums in double precision ------------------------------------------------------- */

static void activations_within_rounding_bounds(void **state) {
    (void)state;
    for (int k = -8000; k <= 8000; k++) {
        const float z = (float)k * 0.01f;
        const double zd = (double)z, leak = (double)0.3f;
        float a;
        kernels->activate(&a, 1, &z, 1, 1, 1, identity);
        ASSERT_BITS(a, z);
        kernels->activate(&a, 1, &z, 1, 1, 1, (bp_activation){BP_ACTIVATION_RELU, 0.0f});
        ASSERT_BITS(a, k > 0 ? z : 0.0f);
        kernels->activate(&a, 1, &z, 1, 1, 1, (bp_activation){BP_ACTIVATION_LEAKY_RELU, 0.3f});
        assert_within((double)a, k > 0 ? zd : leak * zd, unit * fabs(zd), "leaky relu");
        /* exp within 1 ULP, a sum, a quotient; 1 ULP is 2 units. */
        kernels->activate(&a, 1, &z, 1, 1, 1, (bp_activation){BP_ACTIVATION_SIGMOID, 0.0f});
        assert_within((double)a, 1 / (1 + exp(-zd)), 4.1 * unit / (1 + exp(-zd)), "sigmoid");
        kernels->activate(&a, 1, &z, 1, 1, 1, (bp_activation){BP_ACTIVATION_TANH, 0.0f});
        assert_within((double)a, tanh(zd), 7.1 * unit * fabs(tanh(zd)), "tanh");
    }
}

static void mse_within_rounding_bounds(void **state) {
    (void)state;
    run_products(test_random_symmetric);
    const float scale = 1.0f / BATCH;
    static float d[BATCH][OUT], row_loss[BATCH];
    /* `forward` are the outputs of a tanh layer as far as the kernel knows, `delta` the targets. */
    kernels->loss_mse(d[0], OUT, row_loss, forward[0], OUT, delta[0], OUT, BATCH, OUT,
                      (bp_activation){BP_ACTIVATION_TANH, 0.0f}, scale);
    for (size_t n = 0; n < BATCH; n++) {
        exact loss = {0};
        for (size_t j = 0; j < OUT; j++) {
            const double a = (double)forward[n][j], error = a - (double)delta[n][j];
            const double expected = error * (double)scale * (1 - a * a);
            assert_within((double)d[n][j], expected, 4.1 * unit * fabs(expected), "delta of mse");
            add_product(&loss, 0.5 * error, error);
        }
        /* Two roundings of the error, one of the square, of two values in each accumulator, and four of the tree. */
        assert_within((double)row_loss[n], loss.sum, 10.1 * unit * loss.sum, "mse");
    }
}

static void softmax_within_rounding_bounds(void **state) {
    (void)state;
    run_products(test_random_symmetric);
    static float d[BATCH][OUT], p[BATCH][OUT], row_loss[BATCH];
    uint32_t labels[BATCH];
    for (uint32_t n = 0; n < BATCH; n++) {
        labels[n] = n % OUT;
    }
    const float scale = 0.125f;
    kernels->softmax(p[0], OUT, forward[0], OUT, BATCH, OUT);
    kernels->loss_softmax_cross_entropy(d[0], OUT, row_loss, forward[0], OUT, labels, BATCH, OUT, scale);
    for (size_t n = 0; n < BATCH; n++) {
        double m = -INFINITY, spread = 0, s = 0;
        for (size_t j = 0; j < OUT; j++) {
            m = fmax(m, (double)forward[n][j]);
        }
        for (size_t j = 0; j < OUT; j++) {
            s += exp((double)forward[n][j] - m);
            spread = fmax(spread, m - (double)forward[n][j]);
        }
        /* Of an exponential: its argument's rounding and 1 ULP; of their sum: 2 + 4 additions more. */
        const double error_exp = (spread + 2) * unit, error_sum = error_exp + 6 * unit;
        for (size_t j = 0; j < OUT; j++) {
            const double expected = exp((double)forward[n][j] - m) / s;
            const double bound = 1.01 * expected * (error_exp + error_sum + unit);
            assert_within((double)p[n][j], expected, bound, "softmax");
            const double minus = expected - (j == labels[n] ? 1 : 0);
            assert_within((double)d[n][j], minus * 0.125, (bound + unit * fabs(minus)) * 0.126, "delta of softmax");
        }
        const double expected = log(s) - ((double)forward[n][labels[n]] - m);
        const double bound = error_sum + unit * (2 * log(s) + spread + fabs(expected));
        assert_within((double)row_loss[n], expected, 1.01 * bound, "cross-entropy");
    }
}

/* ---- Inputs for which another order of operations gives other bits ------------------------------------------- */

static const float large = 0x1p24f; /* large + 1 is large, large + 2 is not */

/* Gradient and bias gradient of one weight with x = 1 and delta zero but for three rows. */
static void assert_gradient(const size_t rows[3], const float values[3], float expected) {
    enum { ROWS = 3 * BP_ROW_BLOCK };
    static float ones[ROWS], column[ROWS];
    for (size_t n = 0; n < ROWS; n++) {
        ones[n] = 1.0f;
        column[n] = 0.0f;
    }
    for (size_t k = 0; k < 3; k++) {
        column[rows[k]] = values[k];
    }
    float g, g_bias, w_new = 0.0f, b_new = 0.0f;
    kernels->dense_gradient(&g, 1, &g_bias, ones, 1, column, 1, ROWS, 1, 1, scratch);
    ASSERT_BITS(g, expected);
    ASSERT_BITS(g_bias, expected);
    kernels->dense_gradient_sgd(&w_new, 1, &b_new, ones, 1, column, 1, ROWS, 1, 1, -1.0f, scratch);
    ASSERT_BITS(w_new, expected);
    ASSERT_BITS(b_new, expected);
}

static void gradient_adds_row_blocks(void **state) {
    (void)state;
    enum { B = BP_ROW_BLOCK };
    const float big_first[3] = {large, 1.0f, 1.0f}, big_last[3] = {1.0f, 1.0f, large};
    /* One chain within a block. */
    assert_gradient((const size_t[]){0, 1, B - 1}, big_first, large);
    assert_gradient((const size_t[]){0, 1, B - 1}, big_last, large + 2.0f);
    /* The ones meet in a block of their own before they meet the large one. */
    assert_gradient((const size_t[]){0, B, B + 1}, big_first, large + 2.0f);
    assert_gradient((const size_t[]){B - 1, B, 2 * B - 1}, big_first, large + 2.0f);
    assert_gradient((const size_t[]){0, B - 1, B}, big_last, large + 2.0f);
    /* In different blocks they do not. */
    assert_gradient((const size_t[]){0, 2 * B - 1, 2 * B}, big_first, large);
    assert_gradient((const size_t[]){B - 1, B, 2 * B}, big_first, large);
    assert_gradient((const size_t[]){0, B, 2 * B}, big_last, large + 2.0f);
}

static void chains_ascend(void **state) {
    (void)state;
    const float ones[3] = {1.0f, 1.0f, 1.0f}, big_first[3] = {large, 1.0f, 1.0f}, big_last[3] = {1.0f, 1.0f, large};
    float result;
    kernels->dense_forward(&result, 1, ones, 3, big_first, 1, NULL, 1, 3, 1, identity, scratch);
    ASSERT_BITS(result, large);
    kernels->dense_forward(&result, 1, ones, 3, big_last, 1, NULL, 1, 3, 1, identity, scratch);
    ASSERT_BITS(result, large + 2.0f);
    kernels->dense_forward(&result, 1, ones, 3, ones, 1, &large, 1, 3, 1, identity, scratch); /* the bias comes first */
    ASSERT_BITS(result, large);
    kernels->dense_delta(&result, 1, ones, 3, big_first, 3, NULL, 0, 1, 1, 3, identity, scratch);
    ASSERT_BITS(result, large);
    kernels->dense_delta(&result, 1, ones, 3, big_last, 3, NULL, 0, 1, 1, 3, identity, scratch);
    ASSERT_BITS(result, large + 2.0f);
}

static void products_are_fused(void **state) {
    (void)state;
    /* factor^2 = 1 + 2^-11 + 2^-24: rounded before the addition it would lose its last bit. */
    const float factor = 1.0f + 0x1p-12f, rest = -(1.0f + 0x1p-11f), two_rows[2] = {rest, factor};
    const float one_and_factor[2] = {1.0f, factor};
    float result;
    kernels->dense_forward(&result, 1, &factor, 1, &factor, 1, &rest, 1, 1, 1, identity, scratch);
    ASSERT_BITS(result, 0x1p-24f);
    kernels->dense_delta(&result, 1, two_rows, 2, one_and_factor, 2, NULL, 0, 1, 1, 2, identity, scratch);
    ASSERT_BITS(result, 0x1p-24f);
    kernels->dense_gradient(&result, 1, NULL, two_rows, 1, one_and_factor, 1, 2, 1, 1, scratch);
    ASSERT_BITS(result, 0x1p-24f);
    result = rest;
    kernels->dense_gradient_sgd(&result, 1, NULL, &factor, 1, &factor, 1, 1, 1, 1, -1.0f, scratch);
    ASSERT_BITS(result, 0.0f); /* the gradient itself is rounded: 1 + 2^-11 */
    const float one = 1.0f;
    result = rest;
    kernels->dense_gradient_sgd(&result, 1, NULL, &factor, 1, &one, 1, 1, 1, 1, -factor, scratch);
    ASSERT_BITS(result, 0x1p-24f);
    result = rest;
    kernels->sgd(&result, &factor, 1, -factor);
    ASSERT_BITS(result, 0x1p-24f);
    /* a - a^2 with a = 1 - 2^-24. */
    const float a = 1.0f - 0x1p-24f;
    kernels->activation_derivative(&result, 1, &a, 1, 1, 1, (bp_activation){BP_ACTIVATION_SIGMOID, 0.0f});
    ASSERT_BITS(result, 0x1p-24f * a);
    kernels->activation_derivative(&result, 1, &factor, 1, 1, 1, (bp_activation){BP_ACTIVATION_TANH, 0.0f});
    ASSERT_BITS(result, -(0x1p-11f + 0x1p-24f));
}

static float sum_of(size_t first, size_t second, size_t third) {
    float values[4 * BP_SUM_ACCUMULATORS] = {0};
    values[first] = large;
    values[second] = values[third] = 1.0f;
    return kernels->sum(values, 4 * BP_SUM_ACCUMULATORS);
}

static void sums_run_in_lanes(void **state) {
    (void)state;
    enum { L = BP_SUM_ACCUMULATORS };
    ASSERT_BITS(sum_of(0, L, 2 * L), large);            /* one accumulator */
    ASSERT_BITS(sum_of(0, 1, L + 1), large + 2.0f);     /* the ones share accumulator 1 */
    ASSERT_BITS(sum_of(0, 1, L / 2 + 1), large + 2.0f); /* accumulators half apart meet first */
    ASSERT_BITS(sum_of(0, L / 2, L / 4), large);        /* each meets accumulator 0 alone */
    ASSERT_BITS(sum_of(0, L / 4, 3 * L / 4), large + 2.0f);
    ASSERT_BITS(sum_of(0, 1, L / 2), large);
}

/* ---- Special values ------------------------------------------------------------------------------------------ */

static float activated(float z, bp_activation_kind kind) {
    float a;
    kernels->activate(&a, 1, &z, 1, 1, 1, (bp_activation){kind, 0.25f});
    return a;
}

static float slope_at(float a, bp_activation_kind kind) {
    float d;
    kernels->activation_derivative(&d, 1, &a, 1, 1, 1, (bp_activation){kind, 0.25f});
    return d;
}

/* Limits at infinity, borders, and a zero parameter that stands for one. */
static void limits_and_borders(void **state) {
    (void)state;
    static const bp_activation_kind gated[] = {BP_ACTIVATION_HARD_SWISH, BP_ACTIVATION_SILU, BP_ACTIVATION_GELU,
                                               BP_ACTIVATION_GELU_TANH, BP_ACTIVATION_MISH};
    for (size_t k = 0; k < sizeof gated / sizeof *gated; k++) {
        ASSERT_BITS(activated(-INFINITY, gated[k]), -0.0f);
        ASSERT_BITS(activated(-FLT_MAX, gated[k]), -0.0f);
        ASSERT_BITS(activated(FLT_MAX, gated[k]), FLT_MAX);
        ASSERT_BITS(activated(INFINITY, gated[k]), INFINITY);
        ASSERT_BITS(activated(-0.0f, gated[k]), -0.0f);
        ASSERT_BITS(slope_at(-INFINITY, gated[k]), 0.0f);
        ASSERT_BITS(slope_at(INFINITY, gated[k]), 1.0f);
        ASSERT_BITS(slope_at(0.0f, gated[k]),
                    gated[k] == BP_ACTIVATION_MISH ? 0x1.333334p-1f : 0.5f); /* 0.6: tanh(log(2)) */
        assert_true(isnan(slope_at(NAN, gated[k])));
    }
    ASSERT_BITS(activated(INFINITY, BP_ACTIVATION_RELU6), 6.0f);
    ASSERT_BITS(activated(-0.0f, BP_ACTIVATION_RELU6), 0.0f);
    ASSERT_BITS(slope_at(0.0f, BP_ACTIVATION_RELU6), 0.0f);
    ASSERT_BITS(slope_at(FLT_TRUE_MIN, BP_ACTIVATION_RELU6), 1.0f);
    ASSERT_BITS(slope_at(6.0f, BP_ACTIVATION_RELU6), 0.0f);
    ASSERT_BITS(slope_at(NAN, BP_ACTIVATION_RELU6), 1.0f);
    ASSERT_BITS(activated(-INFINITY, BP_ACTIVATION_ELU), -0.25f);
    ASSERT_BITS(activated(INFINITY, BP_ACTIVATION_ELU), INFINITY);
    ASSERT_BITS(slope_at(-0.25f, BP_ACTIVATION_ELU), 0.0f);
    ASSERT_BITS(slope_at(-0.0f, BP_ACTIVATION_ELU), 0.25f);
    ASSERT_BITS(slope_at(NAN, BP_ACTIVATION_ELU), 1.0f);
    ASSERT_BITS(activated(-INFINITY, BP_ACTIVATION_SELU), -0x1.c212ccp+0f);
    ASSERT_BITS(activated(1.0f, BP_ACTIVATION_SELU), 0x1.0cfabep+0f);
    ASSERT_BITS(slope_at(-0x1.c212ccp+0f, BP_ACTIVATION_SELU), 0.0f);
    ASSERT_BITS(slope_at(NAN, BP_ACTIVATION_SELU), 0x1.0cfabep+0f);
    ASSERT_BITS(activated(-INFINITY, BP_ACTIVATION_SOFTSIGN), -1.0f);
    ASSERT_BITS(activated(INFINITY, BP_ACTIVATION_SOFTSIGN), 1.0f);
    ASSERT_BITS(activated(-0.0f, BP_ACTIVATION_SOFTSIGN), -0.0f);
    ASSERT_BITS(slope_at(-0.5f, BP_ACTIVATION_SOFTSIGN), 0.25f);
    ASSERT_BITS(activated(-3.0f, BP_ACTIVATION_HARD_SIGMOID), 0.0f);
    ASSERT_BITS(activated(-INFINITY, BP_ACTIVATION_HARD_SIGMOID), 0.0f);
    ASSERT_BITS(activated(0.0f, BP_ACTIVATION_HARD_SIGMOID), 0.5f);
    ASSERT_BITS(activated(3.0f, BP_ACTIVATION_HARD_SIGMOID), 1.0f);
    ASSERT_BITS(activated(INFINITY, BP_ACTIVATION_HARD_SIGMOID), 1.0f);
    ASSERT_BITS(slope_at(0.0f, BP_ACTIVATION_HARD_SIGMOID), 0.0f);
    ASSERT_BITS(slope_at(1.0f, BP_ACTIVATION_HARD_SIGMOID), 0.0f);
    ASSERT_BITS(slope_at(0.5f, BP_ACTIVATION_HARD_SIGMOID), 1.0f / 6.0f);
    ASSERT_BITS(slope_at(-3.0f, BP_ACTIVATION_HARD_SWISH), 0.0f);
    ASSERT_BITS(slope_at(3.0f, BP_ACTIVATION_HARD_SWISH), 1.0f);
    ASSERT_BITS(activated(-INFINITY, BP_ACTIVATION_SOFTPLUS), 0.0f);
    ASSERT_BITS(activated(INFINITY, BP_ACTIVATION_SOFTPLUS), INFINITY);
    ASSERT_BITS(activated(1000.0f, BP_ACTIVATION_SOFTPLUS), 1000.0f);
    ASSERT_BITS(slope_at(-INFINITY, BP_ACTIVATION_SOFTPLUS), 0.0f);
    ASSERT_BITS(slope_at(INFINITY, BP_ACTIVATION_SOFTPLUS), 1.0f);
    ASSERT_BITS(activated(-0.0f, BP_ACTIVATION_SINE), -0.0f);
    ASSERT_BITS(slope_at(0.0f, BP_ACTIVATION_SINE), 0.25f);
    assert_true(isnan(activated(INFINITY, BP_ACTIVATION_SINE)));

    const bp_activation kinds[] = {
        {BP_ACTIVATION_ELU, 0.0f}, {BP_ACTIVATION_ELU, 1.0f}, {BP_ACTIVATION_SINE, 0.0f}, {BP_ACTIVATION_SINE, 1.0f}};
    const float z[2] = {-1.0f, -1.0f};
    for (size_t k = 0; k < 4; k += 2) {
        float a[2], d[2];
        for (size_t p = 0; p < 2; p++) {
            kernels->activate(&a[p], 1, &z[p], 1, 1, 1, kinds[k + p]);
            kernels->activation_derivative(&d[p], 1, &z[p], 1, 1, 1, kinds[k + p]);
        }
        ASSERT_BITS(a[0], a[1]);
        ASSERT_BITS(d[0], d[1]);
        assert_true(a[0] < -0.5f && d[0] != 1.0f);
    }
}

static void special_values(void **state) {
    (void)state;
    for (int kind = 0; kind < ACTIVATION_COUNT; kind++) {
        assert_true(isnan(activated(NAN, (bp_activation_kind)kind)));
    }
    ASSERT_BITS(activated(-0.0f, BP_ACTIVATION_IDENTITY), -0.0f);
    ASSERT_BITS(activated(-0.0f, BP_ACTIVATION_RELU), 0.0f);
    ASSERT_BITS(activated(-INFINITY, BP_ACTIVATION_RELU), 0.0f);
    ASSERT_BITS(activated(INFINITY, BP_ACTIVATION_RELU), INFINITY);
    ASSERT_BITS(activated(-0.0f, BP_ACTIVATION_LEAKY_RELU), -0.0f);
    ASSERT_BITS(activated(-INFINITY, BP_ACTIVATION_LEAKY_RELU), -INFINITY);
    ASSERT_BITS(activated(-4 * FLT_TRUE_MIN, BP_ACTIVATION_LEAKY_RELU), -FLT_TRUE_MIN);
    ASSERT_BITS(activated(0.0f, BP_ACTIVATION_SIGMOID), 0.5f);
    ASSERT_BITS(activated(INFINITY, BP_ACTIVATION_SIGMOID), 1.0f);
    ASSERT_BITS(activated(-INFINITY, BP_ACTIVATION_SIGMOID), 0.0f);
    ASSERT_BITS(activated(INFINITY, BP_ACTIVATION_TANH), 1.0f);
    ASSERT_BITS(activated(-INFINITY, BP_ACTIVATION_TANH), -1.0f);
    ASSERT_BITS(activated(-0.0f, BP_ACTIVATION_TANH), -0.0f);
    ASSERT_BITS(slope_at(0.0f, BP_ACTIVATION_RELU), 0.0f);
    ASSERT_BITS(slope_at(FLT_TRUE_MIN, BP_ACTIVATION_RELU), 1.0f);
    ASSERT_BITS(slope_at(NAN, BP_ACTIVATION_RELU), 1.0f);
    ASSERT_BITS(slope_at(-0.0f, BP_ACTIVATION_LEAKY_RELU), 0.25f);
    ASSERT_BITS(slope_at(NAN, BP_ACTIVATION_LEAKY_RELU), 1.0f);
    ASSERT_BITS(slope_at(0.5f, BP_ACTIVATION_SIGMOID), 0.25f);
    ASSERT_BITS(slope_at(0.0f, BP_ACTIVATION_TANH), 1.0f);

    /* Without a bias chains start at +0; with one, at the bias. */
    const float minus_zero = -0.0f, one = 1.0f;
    float result;
    kernels->dense_forward(&result, 1, &minus_zero, 1, &one, 1, NULL, 1, 1, 1, identity, scratch);
    ASSERT_BITS(result, 0.0f);
    kernels->dense_forward(&result, 1, &minus_zero, 1, &one, 1, &minus_zero, 1, 1, 1, identity, scratch);
    ASSERT_BITS(result, -0.0f);

    /* Far apart logits: no overflow on the way. */
    const float z[3] = {1e38f, -1e38f, 0.0f};
    const uint32_t worst = 1;
    float d[3], loss;
    kernels->loss_softmax_cross_entropy(d, 3, &loss, z, 3, &worst, 1, 3, 1.0f);
    ASSERT_BITS(loss, 2e38f);
    ASSERT_BITS(d[0], 1.0f);
    ASSERT_BITS(d[1], -1.0f);
    ASSERT_BITS(d[2], 0.0f);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_example),
        cmocka_unit_test(worked_example_with_leaky_relu),
        cmocka_unit_test(products_within_rounding_bounds),
        cmocka_unit_test(adjoint_identities),
        cmocka_unit_test(activations_within_rounding_bounds),
        cmocka_unit_test(mse_within_rounding_bounds),
        cmocka_unit_test(softmax_within_rounding_bounds),
        cmocka_unit_test(gradient_adds_row_blocks),
        cmocka_unit_test(chains_ascend),
        cmocka_unit_test(products_are_fused),
        cmocka_unit_test(sums_run_in_lanes),
        cmocka_unit_test(special_values),
        cmocka_unit_test(limits_and_borders),
    };
    test_start(argv[0]);
    kernels = test_oracle();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
