/*
 * The losses' oracles against textbook formulas in double precision: values within rounding bounds, deltas against
 * central differences, and what huge, infinite and missing numbers give.
 */
#include <float.h>
#include <math.h>

#include "harness/harness.h"

#include <backprop/loss.h>

#include "enum_counts.h"
#include "loss_formulas.h"

/* Unit roundoff of binary32. */
static const double unit = 0x1p-24;

static const bp_kernels *kernels;

enum { BATCH = 11, OUT = 37 };

typedef struct rows {
    bp_loss_kind loss;
    float parameter, scale;
    float a[BATCH][OUT], y[BATCH][OUT], weights[BATCH];
    uint32_t labels[BATCH];
    float delta[BATCH][OUT], row_loss[BATCH];
} rows;

static void run(rows *r, size_t batch, size_t out, const float *weights) {
    if (formula_takes_labels(r->loss)) {
        kernels->loss_labels(r->delta[0], OUT, r->row_loss, r->a[0], OUT, r->labels, weights, batch, out, r->loss,
                             r->parameter, r->scale);
    } else {
        kernels->loss_targets(r->delta[0], OUT, r->row_loss, r->a[0], OUT, r->y[0], OUT, weights, batch, out, r->loss,
                              r->parameter, r->scale);
    }
}

/* Targets as the loss means them: any numbers, probabilities, signs, or distributions, one of which has zeros. */
static void draw_targets(rows *r, size_t n, test_random *random) {
    float sum = 0;
    for (size_t j = 0; j < OUT; j++) {
        float y = 3.0f * test_random_symmetric(random);
        if (r->loss == BP_LOSS_HINGE) {
            y = y > 0 ? 1.0f : -1.0f;
        } else if (r->loss == BP_LOSS_BINARY_CROSS_ENTROPY) {
            y = j % 3 == 0 ? 0.0f : j % 3 == 1 ? 1.0f : fabsf(y) / 3.0f;
        } else if (formula_is_softmax(r->loss)) {
            y = n == 0 && j % 2 == 0 ? 0.0f : fabsf(y) + 0.01f;
        }
        r->y[n][j] = y;
        sum += y;
    }
    for (size_t j = 0; formula_is_softmax(r->loss) && j < OUT; j++) {
        r->y[n][j] /= sum;
    }
}

static void draw(rows *r, float range, test_random *random) {
    for (size_t n = 0; n < BATCH; n++) {
        for (size_t j = 0; j < OUT; j++) {
            r->a[n][j] = range * test_random_symmetric(random);
        }
        draw_targets(r, n, random);
        r->weights[n] = 2.0f * test_random_symmetric(random);
        r->labels[n] = (uint32_t)test_random_below(random, OUT);
    }
}

/* ---- Textbook formulas ---------------------------------------------------------------------------------------- */

static formula_row row_of(const rows *r, size_t n) {
    return (formula_row){r->loss, (double)r->parameter, OUT, r->y[n], r->labels[n]};
}

static double textbook(const rows *r, size_t n, const double *a) {
    const formula_row row = row_of(r, n);
    return formula_loss(&row, a);
}

/*
 * What the roundings of a row are relative to. Sums of parts without signs are relative to themselves. In softmax an
 * exponent is off by its argument's rounding; its sum's logarithm, terms and entropy are added with signs.
 */
static double magnitude(const rows *r, size_t n, const double *a) {
    if (!formula_is_softmax(r->loss)) {
        return textbook(r, n, a);
    }
    const formula_row row = row_of(r, n);
    const double log_sum = formula_log_sum(a, OUT);
    double least = a[0], sum = 0;
    for (size_t j = 1; j < OUT; j++) {
        least = fmin(least, a[j]);
    }
    for (size_t j = 0; j < OUT; j++) {
        const double y = formula_target(&row, j);
        sum += y * (2 + log_sum - least);
        sum += r->loss == BP_LOSS_KULLBACK_LEIBLER && y > 0 ? fabs(y * log(y)) : 0;
    }
    return sum;
}

/* At most 3 values are added in an accumulator and 4 in the tree; no part has more than 8 roundings of its own. */
static const double roundings = 16;

static const float parameters[LOSS_COUNT] = {
    [BP_LOSS_SOFTMAX_CROSS_ENTROPY] = 0.1f,
    [BP_LOSS_HUBER] = 0.75f,
};

static void copy(double *to, const float *from) {
    for (size_t j = 0; j < OUT; j++) {
        to[j] = (double)from[j];
    }
}

static void values_within_rounding_bounds(void **state) {
    (void)state;
    static const float ranges[] = {1.0f, 8.0f, 30.0f};
    static rows r;
    for (int loss = 0; loss < LOSS_COUNT; loss++) {
        test_random random = test_random_for(test_seed(), bp_loss_name((bp_loss_kind)loss));
        for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
            r.loss = (bp_loss_kind)loss;
            r.parameter = parameters[loss];
            r.scale = 1.0f;
            draw(&r, ranges[k], &random);
            run(&r, BATCH, OUT, NULL);
            for (size_t n = 0; n < BATCH; n++) {
                double a[OUT];
                copy(a, r.a[n]);
                const double expected = textbook(&r, n, a), bound = roundings * unit * magnitude(&r, n, a);
                assert_true(bound < 1e-4 * (1 + fabs(expected)));
                if (!(fabs((double)r.row_loss[n] - expected) <= bound)) {
                    fail_msg("%s: %.9g instead of %.9g, bound %g", bp_loss_name(r.loss), (double)r.row_loss[n],
                             expected, bound);
                }
            }
        }
    }
}

/* ---- Derivatives ---------------------------------------------------------------------------------------------- */

/* As in test_derivatives.c: both errors of the differences are below 1e-8 here, and kinks are hardly ever met. */
static const double step = 1e-6;

static void deltas_are_derivatives(void **state) {
    (void)state;
    static rows r;
    for (int loss = 0; loss < LOSS_COUNT; loss++) {
        test_random random = test_random_for(test_seed(), bp_loss_name((bp_loss_kind)loss));
        double largest = 0;
        for (int weighted = 0; weighted < 2; weighted++) {
            r.loss = (bp_loss_kind)loss;
            r.parameter = parameters[loss];
            r.scale = 0.5f;
            draw(&r, 3.0f, &random);
            run(&r, BATCH, OUT, weighted ? r.weights : NULL);
            for (size_t n = 0; n < BATCH; n++) {
                const double factor = 0.5 * (weighted ? (double)r.weights[n] : 1);
                double a[OUT];
                copy(a, r.a[n]);
                for (size_t j = 0; j < OUT; j++) {
                    const double at = a[j];
                    a[j] = at + step;
                    const double above = textbook(&r, n, a);
                    a[j] = at - step;
                    const double previous = textbook(&r, n, a);
                    a[j] = at;
                    const double expected = factor * (above - previous) / (2 * step);
                    if (!(fabs((double)r.delta[n][j] - expected) <= 2e-6 * (1 + fabs(expected)))) {
                        fail_msg("%s: delta [%zu][%zu] is %.9g instead of %.9g", bp_loss_name(r.loss), n, j,
                                 (double)r.delta[n][j], expected);
                    }
                    largest = fmax(largest, fabs(expected));
                }
            }
        }
        assert_true(largest > 0.05); /* there was something to see */
    }
}

/* A weight multiplies a row's loss, and the scale of its deltas, with one rounding each. */
static void weights_multiply(void **state) {
    (void)state;
    static rows plain, weighted;
    for (int loss = 0; loss < LOSS_COUNT; loss++) {
        test_random random = test_random_for(test_seed(), bp_loss_name((bp_loss_kind)loss));
        plain.loss = (bp_loss_kind)loss;
        plain.parameter = parameters[loss];
        draw(&plain, 3.0f, &random);
        weighted = plain;
        weighted.scale = 0.3f;
        run(&weighted, BATCH, OUT, weighted.weights);
        for (size_t n = 0; n < BATCH; n++) {
            plain.scale = plain.weights[n] * 0.3f;
            run(&plain, BATCH, OUT, NULL);
            for (size_t j = 0; j < OUT; j++) {
                assert_int_equal(test_bits(weighted.delta[n][j]), test_bits(plain.delta[n][j]));
            }
            assert_int_equal(test_bits(weighted.row_loss[n]), test_bits(plain.weights[n] * plain.row_loss[n]));
        }
    }
}

/* ---- Huge, infinite and missing numbers ----------------------------------------------------------------------- */

static void assert_bits(float got, float expected, const char *what) {
    if (test_bits(got) != test_bits(expected)) {
        fail_msg("%s: %a instead of %a", what, (double)got, (double)expected);
    }
}

#define ASSERT_BITS(got, expected) assert_bits((got), (expected), #got)

static void one_output(rows *r, bp_loss_kind loss, float a, float y) {
    *r = (rows){.loss = loss, .parameter = 0.5f, .scale = 1.0f};
    r->a[0][0] = a;
    r->y[0][0] = y;
    run(r, 1, 1, NULL);
}

static void binary_cross_entropy_of_huge_logits(void **state) {
    (void)state;
    static const float large[] = {89.0f, 104.0f, 1e4f, 1e30f, FLT_MAX};
    static rows r;
    for (size_t k = 0; k < sizeof large / sizeof *large; k++) {
        const float z = large[k];
        one_output(&r, BP_LOSS_BINARY_CROSS_ENTROPY, z, 0.0f);
        ASSERT_BITS(r.row_loss[0], z);
        ASSERT_BITS(r.delta[0][0], 1.0f);
        one_output(&r, BP_LOSS_BINARY_CROSS_ENTROPY, -z, 1.0f);
        ASSERT_BITS(r.row_loss[0], z);
        ASSERT_BITS(r.delta[0][0], -1.0f);
        one_output(&r, BP_LOSS_BINARY_CROSS_ENTROPY, -z, 0.0f);
        assert_true(r.row_loss[0] >= 0.0f && r.row_loss[0] < 1e-37f);
        assert_true(r.delta[0][0] >= 0.0f && r.delta[0][0] < 1e-37f);
    }
    /* Right and sure: the little that is left keeps its relative accuracy, on both sides. */
    one_output(&r, BP_LOSS_BINARY_CROSS_ENTROPY, 30.0f, 1.0f);
    assert_true(fabs((double)r.row_loss[0] / exp(-30.0) - 1) < 1e-6);
    assert_true(fabs((double)r.delta[0][0] / -exp(-30.0) - 1) < 1e-6);
    one_output(&r, BP_LOSS_BINARY_CROSS_ENTROPY, -30.0f, 0.0f);
    assert_true(fabs((double)r.row_loss[0] / exp(-30.0) - 1) < 1e-6);
    assert_true(fabs((double)r.delta[0][0] / exp(-30.0) - 1) < 1e-6);
    one_output(&r, BP_LOSS_BINARY_CROSS_ENTROPY, -INFINITY, 1.0f);
    ASSERT_BITS(r.row_loss[0], INFINITY);
    ASSERT_BITS(r.delta[0][0], -1.0f);
    one_output(&r, BP_LOSS_BINARY_CROSS_ENTROPY, INFINITY, 0.25f);
    assert_true(isnan(r.row_loss[0]));
    ASSERT_BITS(r.delta[0][0], 0.75f);
}

static void softmax_of_huge_logits(void **state) {
    (void)state;
    static const bp_loss_kind losses[] = {BP_LOSS_SOFTMAX_CROSS_ENTROPY, BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS,
                                          BP_LOSS_KULLBACK_LEIBLER};
    static rows r;
    for (size_t k = 0; k < sizeof losses / sizeof *losses; k++) {
        r = (rows){.loss = losses[k], .scale = 1.0f, .a = {{1e38f, -1e38f, 0.0f}}, .y = {{0, 1, 0}}, .labels = {1}};
        run(&r, 1, 3, NULL);
        ASSERT_BITS(r.row_loss[0], 2e38f);
        ASSERT_BITS(r.delta[0][0], 1.0f);
        ASSERT_BITS(r.delta[0][1], -1.0f);
        ASSERT_BITS(r.delta[0][2], 0.0f);
        /* A class that is ruled out, as callers mask actions. */
        r = (rows){.loss = losses[k], .scale = 1.0f, .a = {{2, -INFINITY, 2}}, .y = {{1, 0, 0}}, .labels = {0}};
        run(&r, 1, 3, NULL);
        assert_true(fabs((double)r.row_loss[0] - log(2.0)) < 1e-7);
        ASSERT_BITS(r.delta[0][0], -0.5f);
        ASSERT_BITS(r.delta[0][1], 0.0f);
        ASSERT_BITS(r.delta[0][2], 0.5f);
        r.y[0][0] = 0;
        r.y[0][1] = 1;
        r.labels[0] = 1;
        run(&r, 1, 3, NULL);
        ASSERT_BITS(r.row_loss[0], INFINITY);
        r.a[0][2] = INFINITY;
        run(&r, 1, 3, NULL);
        assert_true(isnan(r.row_loss[0]) && isnan(r.delta[0][2]));
    }
    /* A smoothed label leaves mass on every class. */
    r = (rows){.loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY, .scale = 1, .parameter = 0.75f, .a = {{1e37f, -1e37f, 0}}};
    run(&r, 1, 3, NULL);
    assert_true(fabs((double)r.row_loss[0] / 0.75e37 - 1) < 1e-6);
    ASSERT_BITS(r.delta[0][0], 0.5f);
    ASSERT_BITS(r.delta[0][1], -0.25f);
}

static void a_nan_shows(void **state) {
    (void)state;
    static rows r;
    for (int loss = 0; loss < LOSS_COUNT; loss++) {
        for (int in_target = formula_takes_labels((bp_loss_kind)loss) ? 1 : 0; in_target < 2; in_target++) {
            r = (rows){.loss = (bp_loss_kind)loss, .parameter = 0.5f, .scale = 1.0f};
            r.y[0][1] = in_target && !formula_takes_labels(r.loss) ? NAN : 1.0f;
            r.a[0][1] = in_target && !formula_takes_labels(r.loss) ? 1.0f : NAN;
            run(&r, 2, 3, NULL);
            assert_true(isnan(r.row_loss[0]));
            assert_false(isnan(r.row_loss[1])); /* the row beside */
            const bool hidden = r.loss == BP_LOSS_MULTICLASS_HINGE || (r.loss == BP_LOSS_HINGE && !in_target);
            assert_true(isnan(r.delta[0][1]) == !hidden);
        }
    }
}

static void corners(void **state) {
    (void)state;
    static rows r;
    one_output(&r, BP_LOSS_MAE, 2.0f, 2.0f);
    ASSERT_BITS(r.row_loss[0], 0.0f);
    ASSERT_BITS(r.delta[0][0], 0.0f);
    one_output(&r, BP_LOSS_MAE, -INFINITY, 2.0f);
    ASSERT_BITS(r.row_loss[0], INFINITY);
    ASSERT_BITS(r.delta[0][0], -1.0f);
    one_output(&r, BP_LOSS_HUBER, 1.5f, 1.0f); /* on the threshold */
    ASSERT_BITS(r.row_loss[0], 0.125f);
    ASSERT_BITS(r.delta[0][0], 0.5f);
    one_output(&r, BP_LOSS_HUBER, -9.0f, 1.0f);
    ASSERT_BITS(r.row_loss[0], 0.5f * (10.0f - 0.25f));
    ASSERT_BITS(r.delta[0][0], -0.5f);
    one_output(&r, BP_LOSS_HUBER, INFINITY, 1.0f);
    ASSERT_BITS(r.row_loss[0], INFINITY);
    ASSERT_BITS(r.delta[0][0], 0.5f);
    one_output(&r, BP_LOSS_HINGE, 1.0f, 1.0f); /* on the margin */
    ASSERT_BITS(r.row_loss[0], 0.0f);
    ASSERT_BITS(r.delta[0][0], 0.0f);
    one_output(&r, BP_LOSS_HINGE, 0.75f, -1.0f);
    ASSERT_BITS(r.row_loss[0], 1.75f);
    ASSERT_BITS(r.delta[0][0], 1.0f);
    r = (rows){.loss = BP_LOSS_MULTICLASS_HINGE, .scale = 1, .a = {{1, 3, 2.5f, 2, 1.5f}}, .labels = {1}};
    run(&r, 1, 5, NULL);
    ASSERT_BITS(r.row_loss[0], 0.5f); /* the class at 2 is on the margin */
    const float expected[] = {0, -1, 1, 0, 0};
    for (size_t j = 0; j < 5; j++) {
        ASSERT_BITS(r.delta[0][j], expected[j]);
    }
    /* Equal distributions do not diverge. */
    r = (rows){.loss = BP_LOSS_KULLBACK_LEIBLER, .scale = 1, .a = {{3, 3}}, .y = {{0.5f, 0.5f}}};
    run(&r, 1, 2, NULL);
    assert_true(fabs((double)r.row_loss[0]) < 1e-7);
    ASSERT_BITS(r.delta[0][0], 0.0f);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_within_rounding_bounds),
        cmocka_unit_test(deltas_are_derivatives),
        cmocka_unit_test(weights_multiply),
        cmocka_unit_test(binary_cross_entropy_of_huge_logits),
        cmocka_unit_test(softmax_of_huge_logits),
        cmocka_unit_test(a_nan_shows),
        cmocka_unit_test(corners),
    };
    test_start(argv[0]);
    kernels = test_oracle();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
