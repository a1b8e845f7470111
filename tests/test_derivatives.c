/*
 * Every derivative of the library against central differences of double-precision formulas: the activations, the deltas
 * of the losses, and the gradient of a two-layer network made from all kernels in turn.
 */
#include <math.h>

#include "activation_formulas.h"
#include "enum_counts.h"
#include "harness/harness.h"

#include <backprop/dense.h>
#include <backprop/loss.h>

/* Step of the differences. Their own error is about step^2 and 2^-53 / step, both below 1e-9; and a ReLU's kink is
 * hardly ever met within it. */
static const double step = 1e-6;

/* What single precision and the differences may err together; the derivatives here are of size 1. */
static const double tolerance = 2e-6;

static const bp_kernels *kernels;
static void *scratch; /* the oracles leave it alone */

static void assert_close(double got, double expected, const char *what) {
    if (!(fabs(got - expected) <= tolerance * (1 + fabs(expected)))) {
        fail_msg("%s: %.9g instead of %.9g", what, got, expected);
    }
}

static bp_activation kind_of(int kind) {
    return (bp_activation){(bp_activation_kind)kind, 0.1f};
}

static void activations(void **state) {
    (void)state;
    for (int kind = 0; kind < ACTIVATION_COUNT; kind++) {
        const bp_activation f = kind_of(kind);
        double largest = 0;
        for (int k = -400; k < 400; k++) {
            const float z = ((float)k + 0.5f) * 0.02f; /* beside 0, where the ReLUs have no derivative */
            float a, d;
            kernels->activate(&a, 1, &z, 1, 1, 1, f);
            kernels->activation_derivative(&d, 1, bp_activation_saves_input(f.kind) ? &z : &a, 1, 1, 1, f);
            const double expected =
                (activation_formula((double)z + step, f) - activation_formula((double)z - step, f)) / (2 * step);
            assert_close((double)d, expected, bp_activation_name(f.kind));
            largest = fmax(largest, expected);
        }
        assert_true(largest > 0.09); /* there was something to see */
    }
}

enum { BATCH = 7, IN = 5, HIDDEN = 6, OUT = 4 };

static void draw(float *values, size_t count, test_random *random) {
    for (size_t k = 0; k < count; k++) {
        values[k] = test_random_symmetric(random);
    }
}

/* What a layer keeps for the backward pass. */
static const float *kept_of(const float *z, const float *a, bp_activation f) {
    return bp_activation_saves_input(f.kind) ? z : a;
}

/* Loss of one row: half the squared error of activated z, or the cross-entropy of its softmax. */
static double row_loss_mse(const double *z, const float *y, bp_activation f) {
    double sum = 0;
    for (size_t j = 0; j < OUT; j++) {
        const double error = activation_formula(z[j], f) - (double)y[j];
        sum += 0.5 * error * error;
    }
    return sum;
}

static double row_loss_cross_entropy(const double *z, uint32_t label) {
    double sum = 0;
    for (size_t j = 0; j < OUT; j++) {
        sum += exp(z[j]);
    }
    return log(sum) - z[label];
}

/* Its deltas by z: in one call, or in two where the derivative is computed from z. */
static void mse_of(float *delta, float *loss, const float *z, const float *a, const float *y, bp_activation f,
                   float scale) {
    if (!bp_activation_saves_input(f.kind)) {
        kernels->loss_mse(delta, OUT, loss, a, OUT, y, OUT, BATCH, OUT, f, scale);
        return;
    }
    kernels->loss_mse(delta, OUT, loss, a, OUT, y, OUT, BATCH, OUT, (bp_activation){BP_ACTIVATION_IDENTITY, 0.0f},
                      scale);
    kernels->activation_delta(delta, OUT, z, OUT, BATCH, OUT, f);
}

static void delta_of_mse(void **state) {
    (void)state;
    test_random random = test_random_for(test_seed(), "delta of mse");
    for (int kind = 0; kind < ACTIVATION_COUNT; kind++) {
        const bp_activation f = kind_of(kind);
        float z[BATCH][OUT], a[BATCH][OUT], y[BATCH][OUT], delta[BATCH][OUT], loss[BATCH];
        draw(z[0], BATCH * OUT, &random);
        draw(y[0], BATCH * OUT, &random);
        kernels->activate(a[0], OUT, z[0], OUT, BATCH, OUT, f);
        mse_of(delta[0], loss, z[0], a[0], y[0], f, 0.5f);
        for (size_t n = 0; n < BATCH; n++) {
            double zd[OUT];
            for (size_t j = 0; j < OUT; j++) {
                zd[j] = (double)z[n][j];
            }
            assert_close((double)loss[n], row_loss_mse(zd, y[n], f), "mse");
            for (size_t j = 0; j < OUT; j++) {
                const double at = zd[j];
                zd[j] = at + step;
                const double above = row_loss_mse(zd, y[n], f);
                zd[j] = at - step;
                const double previous = row_loss_mse(zd, y[n], f);
                zd[j] = at;
                assert_close((double)delta[n][j], 0.5 * (above - previous) / (2 * step), "delta of mse");
            }
        }
    }
}

static void delta_of_cross_entropy(void **state) {
    (void)state;
    test_random random = test_random_for(test_seed(), "delta of cross-entropy");
    float z[BATCH][OUT], delta[BATCH][OUT], loss[BATCH];
    uint32_t labels[BATCH];
    draw(z[0], BATCH * OUT, &random);
    for (uint32_t n = 0; n < BATCH; n++) {
        labels[n] = n % OUT;
    }
    kernels->loss_softmax_cross_entropy(delta[0], OUT, loss, z[0], OUT, labels, BATCH, OUT, 0.5f);
    for (size_t n = 0; n < BATCH; n++) {
        double zd[OUT];
        for (size_t j = 0; j < OUT; j++) {
            zd[j] = (double)z[n][j];
        }
        assert_close((double)loss[n], row_loss_cross_entropy(zd, labels[n]), "cross-entropy");
        for (size_t j = 0; j < OUT; j++) {
            const double at = zd[j];
            zd[j] = at + step;
            const double above = row_loss_cross_entropy(zd, labels[n]);
            zd[j] = at - step;
            const double previous = row_loss_cross_entropy(zd, labels[n]);
            zd[j] = at;
            assert_close((double)delta[n][j], 0.5 * (above - previous) / (2 * step), "delta of cross-entropy");
        }
    }
}

/* A network of two layers, its parameters in one array. */
enum { W1 = 0, B1 = W1 + IN * HIDDEN, W2 = B1 + HIDDEN, B2 = W2 + HIDDEN * OUT, PARAMETERS = B2 + OUT };

static void layer(double *z, const double *x, const double *w, const double *b, size_t in, size_t out) {
    for (size_t j = 0; j < out; j++) {
        z[j] = b[j];
        for (size_t i = 0; i < in; i++) {
            z[j] += x[i] * w[i * out + j];
        }
    }
}

/* Mean loss of the network in double precision, straight from the formulas. */
static double network_loss(const double *p, float x[BATCH][IN], float y[BATCH][OUT], bp_activation f) {
    double sum = 0;
    for (size_t n = 0; n < BATCH; n++) {
        double input[IN], h[HIDDEN], z[OUT];
        for (size_t i = 0; i < IN; i++) {
            input[i] = (double)x[n][i];
        }
        layer(h, input, p + W1, p + B1, IN, HIDDEN);
        for (size_t j = 0; j < HIDDEN; j++) {
            h[j] = activation_formula(h[j], f);
        }
        layer(z, h, p + W2, p + B2, HIDDEN, OUT);
        sum += row_loss_mse(z, y[n], f);
    }
    return sum / BATCH;
}

static void gradient_of_a_network(void **state) {
    (void)state;
    test_random random = test_random_for(test_seed(), "network");
    for (int kind = 0; kind < ACTIVATION_COUNT; kind++) {
        const bp_activation f = kind_of(kind), identity = {BP_ACTIVATION_IDENTITY, 0.0f};
        float p[PARAMETERS], x[BATCH][IN], y[BATCH][OUT], g[PARAMETERS];
        float zh[BATCH][HIDDEN], zo[BATCH][OUT], h[BATCH][HIDDEN], o[BATCH][OUT], delta_o[BATCH][OUT],
            delta_h[BATCH][HIDDEN];
        draw(p, PARAMETERS, &random);
        draw(x[0], BATCH * IN, &random);
        draw(y[0], BATCH * OUT, &random);

        kernels->dense_forward(zh[0], HIDDEN, x[0], IN, p + W1, HIDDEN, p + B1, BATCH, IN, HIDDEN, identity, scratch);
        kernels->activate(h[0], HIDDEN, zh[0], HIDDEN, BATCH, HIDDEN, f);
        kernels->dense_forward(zo[0], OUT, h[0], HIDDEN, p + W2, OUT, p + B2, BATCH, HIDDEN, OUT, identity, scratch);
        kernels->activate(o[0], OUT, zo[0], OUT, BATCH, OUT, f);
        mse_of(delta_o[0], NULL, zo[0], o[0], y[0], f, 1.0f / BATCH);
        kernels->dense_delta(delta_h[0], HIDDEN, delta_o[0], OUT, p + W2, OUT, kept_of(zh[0], h[0], f), HIDDEN, BATCH,
                             HIDDEN, OUT, f, scratch);
        kernels->dense_gradient(g + W2, OUT, g + B2, h[0], HIDDEN, delta_o[0], OUT, BATCH, HIDDEN, OUT, scratch);
        kernels->dense_gradient(g + W1, HIDDEN, g + B1, x[0], IN, delta_h[0], HIDDEN, BATCH, IN, HIDDEN, scratch);

        double pd[PARAMETERS], size = 0;
        for (size_t k = 0; k < PARAMETERS; k++) {
            pd[k] = (double)p[k];
        }
        for (size_t k = 0; k < PARAMETERS; k++) {
            const double at = pd[k];
            pd[k] = at + step;
            const double above = network_loss(pd, x, y, f);
            pd[k] = at - step;
            const double previous = network_loss(pd, x, y, f);
            pd[k] = at;
            const double expected = (above - previous) / (2 * step);
            assert_close((double)g[k], expected, bp_activation_name(f.kind));
            size += fabs(expected);
        }
        assert_true(size / PARAMETERS > 1e-3);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations),
        cmocka_unit_test(delta_of_mse),
        cmocka_unit_test(delta_of_cross_entropy),
        cmocka_unit_test(gradient_of_a_network),
    };
    test_start(argv[0]);
    kernels = test_oracle();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
