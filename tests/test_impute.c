/* Missing numbers: what takes their place by every strategy, on some rows alone, in any mode of the host; refusals. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <backprop/backprop.h>

#include "enum_counts.h"
#include "harness/bits.h"
#include "harness/mode.h"

enum { ROWS = 7, COLUMNS = 4 };

/* The last column is empty; the last row is no row to train on. */
static const float table[ROWS * COLUMNS] = {
    3,      -0.0f, 7,   NAN, /**/ NAN,  2,   1e-40f, NAN, /**/ 1, 2,   NAN,    NAN, /**/ 3, 0.0f,
    3e-40f, NAN,   NAN, -5,  -INFINITY, NAN, /**/ 1, NAN, 7,      NAN, /**/ 8, NAN, 100,    NAN,
};
static const uint32_t training[] = {0, 1, 2, 3, 5};

static const struct {
    bp_impute_strategy strategy;
    uint32_t fill[COLUMNS];
} cases[] = {
    {BP_IMPUTE_MEAN, {0x40000000, 0x3f800000, 0x40600000, 0}},              /* 2, 1, 3.5 */
    {BP_IMPUTE_MEDIAN, {0x40000000, 0x3f800000, 0x40600000, 0}},            /* 2, 1, 3.5 */
    {BP_IMPUTE_MOST_FREQUENT, {0x3f800000, 0, 0x40e00000, 0}},              /* 1, 0, 7 */
    {BP_IMPUTE_CONSTANT, {0x000116c2, 0x000116c2, 0x000116c2, 0x000116c2}}, /* 1e-40 */
};

static void check_strategies(void) {
    static const float constant = 1e-40f;
    for (size_t k = 0; k < IMPUTE_COUNT; k++) {
        float fill[COLUMNS], filled[ROWS * COLUMNS];
        assert_int_equal(bp_impute_fit(fill, table, 0, training, 5, COLUMNS, cases[k].strategy, constant), BP_OK);
        for (size_t j = 0; j < COLUMNS; j++)
            if (test_raw_bits(fill[j]) != cases[k].fill[j])
                fail_msg("strategy %zu, column %zu: 0x%08x", k, j, test_raw_bits(fill[j]));
        assert_int_equal(bp_impute_apply(filled, 0, table, 0, fill, ROWS, COLUMNS), BP_OK);
        for (size_t n = 0; n < ROWS * COLUMNS; n++)
            assert_int_equal(test_raw_bits(filled[n]), test_is_nan_bits(test_raw_bits(table[n]))
                                                           ? cases[k].fill[n % COLUMNS]
                                                           : test_raw_bits(table[n]));
    }
    /* Denormals keep apart: three of them, the median of an even count, a tie. */
    static const float tiny[] = {3e-40f, 1e-40f, NAN, 2e-40f, 3e-40f, 1e-40f};
    float fill;
    assert_int_equal(bp_impute_fit(&fill, tiny, 0, NULL, 4, 1, BP_IMPUTE_MEDIAN, 0), BP_OK);
    assert_int_equal(test_raw_bits(fill), test_raw_bits(tiny[3]));
    assert_int_equal(bp_impute_fit(&fill, tiny, 0, NULL, 6, 1, BP_IMPUTE_MOST_FREQUENT, 0), BP_OK);
    assert_int_equal(test_raw_bits(fill), test_raw_bits(tiny[1]));
    assert_int_equal(bp_impute_fit(&fill, tiny, 0, NULL, 3, 1, BP_IMPUTE_MEAN, 0), BP_OK);
    assert_int_equal(test_raw_bits(fill), 0x00022d84); /* 2e-40 */
}

static void strategies(void **state) {
    (void)state;
    check_strategies();
}

static void in_any_host(void **state) {
    (void)state;
    test_in_host_modes(check_strategies);
}

static void strides_and_places(void **state) {
    (void)state;
    float x[] = {1, NAN, 99, 3, 4, 99}, fill[2], y[4];
    assert_int_equal(bp_impute_fit(fill, x, 3, NULL, 2, 2, BP_IMPUTE_MEAN, 0), BP_OK);
    assert_true(fill[0] == 2 && fill[1] == 4);
    assert_int_equal(bp_impute_apply(y, 0, x, 3, fill, 2, 2), BP_OK);
    assert_memory_equal(y, ((const float[]){1, 4, 3, 4}), sizeof y);
    assert_int_equal(bp_impute_apply(x, 3, x, 3, fill, 2, 2), BP_OK);
    assert_memory_equal(x, ((const float[]){1, 4, 99, 3, 4, 99}), sizeof x);
}

static void refusals(void **state) {
    (void)state;
    float x[6] = {1, 2, 3, INFINITY, 5, 6}, fill[6] = {9};
#define FIT(status, part, ...)                                                                                         \
    do {                                                                                                               \
        assert_int_equal(bp_impute_fit(__VA_ARGS__), status);                                                          \
        assert_true(fill[0] == 9);                                                                                     \
        if (!strstr(bp_error_message(), part))                                                                         \
            fail_msg("'%s' is not in '%s'", part, bp_error_message());                                                 \
    } while (0)
    FIT(BP_ERROR_NULL, "x is null", fill, NULL, 0, NULL, 3, 2, BP_IMPUTE_MEAN, 0);
    FIT(BP_ERROR_NULL, "fill is null", NULL, x, 0, NULL, 3, 2, BP_IMPUTE_MEAN, 0);
    FIT(BP_ERROR_VALUE, "strategy is 4", fill, x, 0, NULL, 1, 2, IMPUTE_COUNT, 0);
    FIT(BP_ERROR_VALUE, "constant is NaN, and must be finite", fill, x, 0, NULL, 1, 2, BP_IMPUTE_CONSTANT, NAN);
    FIT(BP_ERROR_VALUE, "row 1, column 1 (from 0) is infinite", fill, x, 0, NULL, 3, 2, BP_IMPUTE_MEAN, 0);
    FIT(BP_ERROR_SIZE, "rows is 0, and must be at least 1", fill, x, 0, NULL, 0, 2, BP_IMPUTE_MEAN, 0);
    FIT(BP_ERROR_SIZE, "columns is 0, and must be at least 1", fill, x, 0, NULL, 1, 0, BP_IMPUTE_MEAN, 0);
    FIT(BP_ERROR_SIZE, "stride is 1, and must be at least the columns of x, 2, or 0", fill, x, 1, NULL, 1, 2,
        BP_IMPUTE_MEAN, 0);
    FIT(BP_ERROR_OVERFLOW, "address range", fill, x, SIZE_MAX, NULL, 3, 2, BP_IMPUTE_MEAN, 0);
    FIT(BP_ERROR_ALIGNMENT, "aligned", fill, (float *)(void *)((char *)x + 1), 0, NULL, 1, 2, BP_IMPUTE_MEAN, 0);
    FIT(BP_ERROR_OVERLAP, "overlap", x + 1, x, 0, NULL, 1, 2, BP_IMPUTE_MEAN, 0);
#undef FIT
    const float values[2] = {1, 2};
    assert_int_equal(bp_impute_fit(fill, x, 0, NULL, 3, 2, BP_IMPUTE_CONSTANT, 4), BP_OK);
    assert_true(fill[0] == 4 && fill[1] == 4);
    assert_int_equal(bp_impute_apply(NULL, 0, x, 0, values, 3, 2), BP_ERROR_NULL);
    assert_int_equal(bp_impute_apply(fill, 0, NULL, 0, values, 3, 2), BP_ERROR_NULL);
    assert_int_equal(bp_impute_apply(fill, 0, x, 0, NULL, 3, 2), BP_ERROR_NULL);
    assert_int_equal(bp_impute_apply(fill, 0, x, 1, values, 3, 2), BP_ERROR_SIZE);
    assert_int_equal(bp_impute_apply(fill, 0, fill + 1, 0, values, 2, 2), BP_ERROR_OVERLAP);
    assert_int_equal(bp_impute_apply(x, 0, x, 0, x + 1, 3, 2), BP_ERROR_OVERLAP);
    assert_true(fill[0] == 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strategies),
        cmocka_unit_test(in_any_host),
        cmocka_unit_test(strides_and_places),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
