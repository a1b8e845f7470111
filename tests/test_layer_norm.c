/* Layer normalization: every table against the oracle, bit for bit; the oracle against double precision and finite
 * differences; bad inputs. */
#include <math.h>
#include <string.h>

#include "harness/harness.h"
#include "refusals.h"

#include <backprop/layer_norm.h>

#include "cases/cases.h"

/* The planes of the sweep have few rows; gradients have blocks of them. */
static void gradient_blocks(test_table *table) {
    static const size_t rows[] = {255, 256, 257, 512, 700};
    static const size_t columns[] = {1, 16, 37, 130};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        for (size_t l = 0; l < sizeof columns / sizeof *columns; l++) {
            case_layer_norm_gradient(table, TEST_END, rows[k], columns[l], 0);
        }
    }
}

static void all_sizes_of(test_table *table) {
    test_sweep_planes(table, case_layer_norm_forward);
    test_sweep_planes(table, case_layer_norm_backward);
    test_sweep_planes(table, case_layer_norm_gradient);
    gradient_blocks(table);
}

static void all_sizes(void **state) {
    (void)state;
    test_each_table(all_sizes_of);
}

/* ---- The mathematics ------------------------------------------------------------------------------------------- */

enum { ROWS = 6, COLUMNS = 45 };

typedef struct model {
    float z[ROWS][COLUMNS], gamma[COLUMNS], beta[COLUMNS], delta[ROWS][COLUMNS];
} model;

static const float epsilon = 1e-3f;

static void draw(float *values, size_t count, float size, test_random *random) {
    for (size_t k = 0; k < count; k++) {
        values[k] = size * test_random_symmetric(random);
    }
}

static model draw_model(void) {
    model m;
    test_random random = test_random_for(test_seed(), "layer norm");
    draw(m.z[0], ROWS * COLUMNS, 3.0f, &random);
    draw(m.gamma, COLUMNS, 2.0f, &random);
    draw(m.beta, COLUMNS, 1.0f, &random);
    draw(m.delta[0], ROWS * COLUMNS, 1.0f, &random);
    return m;
}

/* y of one row in double precision, by the textbook's formula. */
static void double_row(const double *z, const double *gamma, const double *beta, double *y) {
    double mean = 0, variance = 0;
    for (size_t j = 0; j < COLUMNS; j++) {
        mean += z[j] / COLUMNS;
    }
    for (size_t j = 0; j < COLUMNS; j++) {
        variance += (z[j] - mean) * (z[j] - mean) / COLUMNS;
    }
    for (size_t j = 0; j < COLUMNS; j++) {
        y[j] = gamma[j] * (z[j] - mean) / sqrt(variance + (double)epsilon) + beta[j];
    }
}

/* sum of delta * y over a row: a function whose gradient is what the backward pass computes. */
static double projection(const model *m, size_t n, const double *z, const double *gamma, const double *beta) {
    double y[COLUMNS], sum = 0;
    double_row(z, gamma, beta, y);
    for (size_t j = 0; j < COLUMNS; j++) {
        sum += (double)m->delta[n][j] * y[j];
    }
    return sum;
}

static void widen(double *to, const float *from) {
    for (size_t j = 0; j < COLUMNS; j++) {
        to[j] = (double)from[j];
    }
}

static double difference(const model *m, size_t n, double *variable, const double *z, const double *gamma,
                         const double *beta) {
    static const double step = 1e-6;
    const double at = *variable;
    *variable = at + step;
    const double above = projection(m, n, z, gamma, beta);
    *variable = at - step;
    const double previous = projection(m, n, z, gamma, beta);
    *variable = at;
    return (above - previous) / (2 * step);
}

/* Relative to values of size 1 to 3 and sums of 45 terms, single precision errs by some 1e-6. */
static const double tolerance = 5e-6;

static void assert_close(double got, double expected, const char *what) {
    if (!(fabs(got - expected) <= tolerance * (1 + fabs(expected)))) {
        fail_msg("%s: %.9g instead of %.9g", what, got, expected);
    }
}

static void double_precision(void **state) {
    (void)state;
    const model m = draw_model();
    const bp_kernels *kernels = test_oracle();
    float y[ROWS][COLUMNS], normalized[ROWS][COLUMNS], rstd[ROWS], previous[ROWS][COLUMNS];
    float gradient_gamma[COLUMNS], gradient_beta[COLUMNS];
    double expected_gain[COLUMNS] = {0}, expected_shift[COLUMNS] = {0};
    kernels->layer_norm_forward(y[0], COLUMNS, normalized[0], COLUMNS, rstd, m.z[0], COLUMNS, m.gamma, m.beta, ROWS,
                                COLUMNS, epsilon);
    kernels->layer_norm_backward(previous[0], COLUMNS, m.delta[0], COLUMNS, normalized[0], COLUMNS, rstd, m.gamma, ROWS,
                                 COLUMNS);
    kernels->layer_norm_gradient(gradient_gamma, gradient_beta, m.delta[0], COLUMNS, normalized[0], COLUMNS, ROWS,
                                 COLUMNS);
    double z[COLUMNS], gamma[COLUMNS], beta[COLUMNS], expected[COLUMNS];
    widen(gamma, m.gamma);
    widen(beta, m.beta);
    for (size_t n = 0; n < ROWS; n++) {
        widen(z, m.z[n]);
        double_row(z, gamma, beta, expected);
        for (size_t j = 0; j < COLUMNS; j++) {
            assert_close((double)y[n][j], expected[j], "y");
            assert_close((double)previous[n][j], difference(&m, n, &z[j], z, gamma, beta), "previous");
            expected_gain[j] += difference(&m, n, &gamma[j], z, gamma, beta);
            expected_shift[j] += difference(&m, n, &beta[j], z, gamma, beta);
        }
    }
    for (size_t j = 0; j < COLUMNS; j++) {
        assert_close((double)gradient_gamma[j], expected_gain[j], "gradient of a gain");
        assert_close((double)gradient_beta[j], expected_shift[j], "gradient of a shift");
    }
}

/* A row whose mean is far larger than its spread: the two passes of the variance lose nothing. */
static void large_means(void **state) {
    (void)state;
    float z[COLUMNS], y[COLUMNS], gamma[COLUMNS], beta[COLUMNS] = {0};
    for (size_t j = 0; j < COLUMNS; j++) {
        gamma[j] = 1.0f;
        z[j] = 4096.0f + (j % 2 == 0 ? 1.0f : -1.0f) * (j == COLUMNS - 1 ? 0.0f : 1.0f);
    }
    test_oracle()->layer_norm_forward(y, COLUMNS, NULL, 0, NULL, z, COLUMNS, gamma, beta, 1, COLUMNS, epsilon);
    for (size_t j = 0; j < COLUMNS - 1; j++) {
        assert_true(fabsf(fabsf(y[j]) - 1.0f) < 0.02f);
    }
}

/* ---- Bad inputs ------------------------------------------------------------------------------------------------ */

enum { SLOT = 32, SLOTS = 7, N = 3, M = 5 };

static float arena[SLOTS][SLOT], before[SLOTS][SLOT];

static void expect(bp_status expected, const char *argument, bp_status status, int line) {
    if (status != expected) {
        fail_msg("line %d: '%s' instead of '%s'", line, bp_status_string(status), bp_status_string(expected));
    }
    const char *wrong = wrong_message(status, argument);
    if (wrong != NULL)
        fail_msg("line %d: '%s' does not say what is wrong with %s", line, wrong, argument);
    if (expected != BP_OK && memcmp(arena, before, sizeof arena) != 0) {
        fail_msg("line %d: wrote in spite of its error", line);
    }
    memcpy(before, arena, sizeof arena);
    mark_message();
}

static float *misaligned(size_t slot) {
    return (float *)(void *)((char *)arena[slot] + 1);
}

#define FORWARD(expected, argument, ...) expect((expected), argument, bp_layer_norm_forward(__VA_ARGS__), __LINE__)
#define BACKWARD(expected, argument, ...) expect((expected), argument, bp_layer_norm_backward(__VA_ARGS__), __LINE__)
#define GRADIENT(expected, argument, ...) expect((expected), argument, bp_layer_norm_gradient(__VA_ARGS__), __LINE__)

static void bad_forward(void **state) {
    (void)state;
    float *y = arena[0], *x = arena[1], *inv = arena[2], *z = arena[3], *g = arena[4], *s = arena[5];
    mark_message();
    expect(BP_OK, "", BP_OK, __LINE__);
    FORWARD(BP_OK, "", y, M, x, M, inv, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_OK, "", y, M, NULL, 0, NULL, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_OK, "", y, 0, x, 0, inv, z, 0, g, s, N, M, 1e-5f); /* packed */
    FORWARD(BP_OK, "", z, M, x, M, inv, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_OK, "", y, M, z, M, inv, z, M, g, g, N, M, 1e-5f);
    FORWARD(BP_ERROR_NULL, "y", NULL, M, x, M, inv, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_NULL, "z", y, M, x, M, inv, NULL, M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_NULL, "gamma", y, M, x, M, inv, z, M, NULL, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_NULL, "beta", y, M, x, M, inv, z, M, g, NULL, N, M, 1e-5f);
    FORWARD(BP_ERROR_SIZE, "rows", y, M, x, M, inv, z, M, g, s, 0, M, 1e-5f);
    FORWARD(BP_ERROR_SIZE, "columns", y, M, x, M, inv, z, M, g, s, N, 0, 1e-5f);
    FORWARD(BP_ERROR_SIZE, "ldy", y, M - 1, x, M, inv, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_SIZE, "ldn", y, M, x, M - 1, inv, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_SIZE, "ldz", y, M, x, M, inv, z, M - 1, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_OVERFLOW, "ldy", y, SIZE_MAX / 2, x, M, inv, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_ALIGNMENT, "normalized", y, M, misaligned(1), M, inv, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_ALIGNMENT, "gamma", y, M, x, M, inv, z, M, misaligned(4), s, N, M, 1e-5f);
    FORWARD(BP_ERROR_ALIGNMENT, "z", y, M, y, M, inv, misaligned(3), M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_OVERLAP, "y", z, M, z, M, inv, z, M, g, s, N, M, 1e-5f); /* both in the place of z */
    FORWARD(BP_ERROR_OVERLAP, "y", z + 1, M, x, M, inv, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_OVERLAP, "normalized", y, M, z + 1, M, inv, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_OVERLAP, "rstd", y, M, x, M, z, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_OVERLAP, "y", z, M, x, M, z, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_OVERLAP, "normalized", y, M, y, M, inv, z, M, g, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_OVERLAP, "gamma", y, M, x, M, inv, z, M, y, s, N, M, 1e-5f);
    FORWARD(BP_ERROR_OVERLAP, "y", z, M, x, M, inv, z, M, g, z, N, M, 1e-5f);
    FORWARD(BP_ERROR_VALUE, "epsilon", y, M, x, M, inv, z, M, g, s, N, M, 0.0f);
    FORWARD(BP_ERROR_VALUE, "epsilon", y, M, x, M, inv, z, M, g, s, N, M, -1.0f);
    FORWARD(BP_ERROR_VALUE, "epsilon", y, M, x, M, inv, z, M, g, s, N, M, NAN);
    FORWARD(BP_ERROR_VALUE, "epsilon", y, M, x, M, inv, z, M, g, s, N, M, INFINITY);
}

static void bad_backward(void **state) {
    (void)state;
    float *b = arena[0], *d = arena[1], *x = arena[2], *inv = arena[3], *g = arena[4];
    mark_message();
    expect(BP_OK, "", BP_OK, __LINE__);
    BACKWARD(BP_OK, "", b, M, d, M, x, M, inv, g, N, M);
    BACKWARD(BP_OK, "", b, 0, d, 0, x, 0, inv, g, N, M); /* packed */
    BACKWARD(BP_OK, "", d, M, d, M, x, M, inv, g, N, M);
    BACKWARD(BP_ERROR_NULL, "previous", NULL, M, d, M, x, M, inv, g, N, M);
    BACKWARD(BP_ERROR_NULL, "delta", b, M, NULL, M, x, M, inv, g, N, M);
    BACKWARD(BP_ERROR_NULL, "normalized", b, M, d, M, NULL, M, inv, g, N, M);
    BACKWARD(BP_ERROR_NULL, "rstd", b, M, d, M, x, M, NULL, g, N, M);
    BACKWARD(BP_ERROR_NULL, "gamma", b, M, d, M, x, M, inv, NULL, N, M);
    BACKWARD(BP_ERROR_SIZE, "rows", b, M, d, M, x, M, inv, g, 0, M);
    BACKWARD(BP_ERROR_SIZE, "ldd", b, M, d, M - 1, x, M, inv, g, N, M);
    BACKWARD(BP_ERROR_OVERFLOW, "ldn", b, M, d, M, x, SIZE_MAX / 2, inv, g, N, M);
    BACKWARD(BP_ERROR_ALIGNMENT, "rstd", b, M, d, M, x, M, misaligned(3), g, N, M);
    BACKWARD(BP_ERROR_OVERLAP, "previous", d, M + 1, d, M, x, M, inv, g, N, M);
    BACKWARD(BP_ERROR_OVERLAP, "previous", x, M, d, M, x, M, inv, g, N, M);
    BACKWARD(BP_ERROR_OVERLAP, "previous", d, M, d, M, d, M, inv, g, N, M);
    BACKWARD(BP_ERROR_OVERLAP, "rstd", b, M, d, M, x, M, b, g, N, M);
    BACKWARD(BP_ERROR_OVERLAP, "gamma", b, M, d, M, x, M, inv, b + 1, N, M);
}

static void bad_gradient(void **state) {
    (void)state;
    float *gg = arena[0], *gs = arena[1], *d = arena[2], *x = arena[3];
    mark_message();
    expect(BP_OK, "", BP_OK, __LINE__);
    GRADIENT(BP_OK, "", gg, gs, d, M, x, M, N, M);
    GRADIENT(BP_OK, "", gg, gs, d, 0, x, 0, N, M); /* packed */
    GRADIENT(BP_OK, "", gg, NULL, d, M, d, M, N, M);
    GRADIENT(BP_OK, "", NULL, gs, d, M, x, M, N, M);
    GRADIENT(BP_ERROR_NULL, "gradient_gamma", NULL, NULL, d, M, x, M, N, M);
    GRADIENT(BP_ERROR_NULL, "delta", gg, gs, NULL, M, x, M, N, M);
    GRADIENT(BP_ERROR_NULL, "normalized", gg, gs, d, M, NULL, M, N, M);
    GRADIENT(BP_ERROR_SIZE, "columns", gg, gs, d, M, x, M, N, 0);
    GRADIENT(BP_ERROR_SIZE, "ldd", gg, gs, d, M - 1, x, M, N, M);
    GRADIENT(BP_ERROR_OVERFLOW, "ldd", gg, gs, d, SIZE_MAX / 2, x, M, N, M);
    GRADIENT(BP_ERROR_ALIGNMENT, "gradient_gamma", misaligned(0), gs, d, M, x, M, N, M);
    GRADIENT(BP_ERROR_OVERLAP, "gradient_beta", gg, gg, d, M, x, M, N, M);
    GRADIENT(BP_ERROR_OVERLAP, "gradient_gamma", d, gs, d, M, x, M, N, M);
    GRADIENT(BP_ERROR_OVERLAP, "gradient_beta", gg, x + M, d, M, x, M, N, M);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sizes),   cmocka_unit_test(double_precision), cmocka_unit_test(large_means),
        cmocka_unit_test(bad_forward), cmocka_unit_test(bad_backward),     cmocka_unit_test(bad_gradient),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
