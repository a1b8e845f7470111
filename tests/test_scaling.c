/* Normalized columns: floats and doubles, with numbers missing, in any mode of the host, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <backprop/backprop.h>

#include "enum_counts.h"
#include "harness/bits.h"
#include "harness/mode.h"
#include "harness/random.h"
#include "harness/session.h"
#include "refusals.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Scaling -------------------------------------------------------------------------------------------------- */

static void scaling_is_the_written_sequence(void **state) {
    (void)state;
    enum { ROWS = 41, COLUMNS = 5, STRIDE = 7 };
    float x[ROWS * STRIDE], shift[COLUMNS], scale[COLUMNS];
    uint32_t index[ROWS];
    test_random random = test_random_for(test_seed(), "scaling");
    for (size_t k = 0; k < ROWS * STRIDE; k++)
        x[k] = k % STRIDE < COLUMNS ? 3 + 1000 * test_random_symmetric(&random) : NAN;
    for (size_t n = 0; n < ROWS; n++) {
        index[n] = (uint32_t)test_random_below(&random, ROWS);
        x[n * STRIDE + 2] = 0.1f; /* a column of equal values */
    }
    for (size_t indexed = 0; indexed < 2; indexed++)
        for (int kind = 0; kind < SCALING_COUNT; kind++) {
            assert_int_equal(
                bp_scaling_fit(shift, scale, x, STRIDE, indexed ? index : NULL, ROWS, COLUMNS, (bp_scaling_kind)kind),
                BP_OK);
            for (size_t j = 0; j < COLUMNS; j++) {
                double sum = 0, squares = 0, least = INFINITY, largest = -INFINITY;
                for (size_t n = 0; n < ROWS; n++) {
                    const double v = (double)x[(indexed ? index[n] : n) * STRIDE + j];
                    sum += v;
                    least = fmin(least, v);
                    largest = fmax(largest, v);
                }
                const double mean = sum / ROWS;
                for (size_t n = 0; n < ROWS; n++) {
                    const double d = (double)x[(indexed ? index[n] : n) * STRIDE + j] - mean;
                    squares += d * d;
                }
                const bool standard = kind == BP_SCALING_STANDARD;
                const float expected = standard ? (float)sqrt(squares / ROWS) : (float)(largest - least);
                assert_true(shift[j] == (standard ? (float)mean : (float)least));
                assert_true(scale[j] == (expected == 0 ? 1 : expected));
                assert_true(j != 2 || kind == BP_SCALING_STANDARD || scale[j] == 1);
            }
        }
}

static void scaling_goes_there_and_back(void **state) {
    (void)state;
    enum { ROWS = 30, COLUMNS = 4 };
    float x[ROWS * COLUMNS], y[ROWS * (COLUMNS + 2)], back[ROWS * COLUMNS], shift[COLUMNS], scale[COLUMNS];
    test_random random = test_random_for(test_seed(), "there and back");
    for (size_t k = 0; k < ROWS * COLUMNS; k++)
        x[k] = (float)(1 + k % COLUMNS) * test_random_symmetric(&random) + 2;
    for (int kind = 0; kind < SCALING_COUNT; kind++) {
        assert_int_equal(bp_scaling_fit(shift, scale, x, 0, NULL, ROWS, COLUMNS, (bp_scaling_kind)kind), BP_OK);
        assert_int_equal(bp_scaling_apply(y, COLUMNS + 2, x, 0, shift, scale, ROWS, COLUMNS), BP_OK);
        assert_int_equal(bp_scaling_invert(back, 0, y, COLUMNS + 2, shift, scale, ROWS, COLUMNS), BP_OK);
        for (size_t j = 0; j < COLUMNS; j++) {
            double sum = 0, squares = 0, least = INFINITY, largest = -INFINITY;
            for (size_t n = 0; n < ROWS; n++) {
                const float v = y[n * (COLUMNS + 2) + j], original = x[n * COLUMNS + j];
                assert_int_equal(test_bits(v), test_bits((original - shift[j]) / scale[j]));
                assert_int_equal(test_bits(back[n * COLUMNS + j]), test_bits(fmaf(v, scale[j], shift[j])));
                assert_true(fabsf(back[n * COLUMNS + j] - original) <= 4e-7f * (fabsf(original) + scale[j]));
                sum += (double)v;
                squares += (double)v * (double)v;
                least = fmin(least, (double)v);
                largest = fmax(largest, (double)v);
            }
            if (kind == BP_SCALING_STANDARD)
                assert_true(fabs(sum / ROWS) < 1e-6 && fabs(squares / ROWS - 1) < 1e-6);
            else
                assert_true(least == 0 && fabs(largest - 1) < 1e-6);
        }
    }
    /* In place. */
    memcpy(back, x, sizeof x);
    assert_int_equal(bp_scaling_apply(back, 0, back, 0, shift, scale, ROWS, COLUMNS), BP_OK);
    for (size_t k = 0; k < ROWS * COLUMNS; k++)
        assert_int_equal(test_bits(back[k]), test_bits(y[k / COLUMNS * (COLUMNS + 2) + k % COLUMNS]));
}

/* ---- Missing numbers ------------------------------------------------------------------------------------------- */

/* What is left out leaves the sums that the others have alone; a column of nothing stays as it is. */
static void missing_numbers_are_left_out(void **state) {
    (void)state;
    enum { ROWS = 9, LEFT = 6 };
    static const size_t kept[LEFT] = {1, 2, 4, 5, 7, 8};
    float x[ROWS * 2], left[LEFT], shift[2], scale[2], expected_shift, expected_scale;
    double wide[ROWS * 2], wide_left[LEFT], wide_shift[2], wide_scale[2], expected_wide_shift, expected_wide_scale;
    test_random random = test_random_for(test_seed(), "missing");
    for (size_t k = 0; k < 2 * ROWS; k++)
        x[k] = NAN;
    for (size_t k = 0; k < LEFT; k++)
        wide_left[k] = (double)(left[k] = x[2 * kept[k]] = 5 + 100 * test_random_symmetric(&random));
    for (size_t k = 0; k < 2 * ROWS; k++)
        wide[k] = (double)x[k];
    for (int kind = 0; kind < SCALING_COUNT; kind++) {
        const bp_scaling_kind by = (bp_scaling_kind)kind;
        assert_int_equal(bp_scaling_fit(&expected_shift, &expected_scale, left, 0, NULL, LEFT, 1, by), BP_OK);
        assert_int_equal(bp_scaling_fit_nan(shift, scale, x, 0, NULL, ROWS, 2, by, BP_SCALING_NAN_IGNORE), BP_OK);
        assert_true(shift[0] == expected_shift && scale[0] == expected_scale);
        assert_true(shift[1] == 0 && scale[1] == 1);
        assert_int_equal(bp_scaling_fit_double(&expected_wide_shift, &expected_wide_scale, wide_left, 0, NULL, LEFT, 1,
                                               by, BP_SCALING_NAN_ERROR),
                         BP_OK);
        assert_int_equal(
            bp_scaling_fit_double(wide_shift, wide_scale, wide, 0, NULL, ROWS, 2, by, BP_SCALING_NAN_IGNORE), BP_OK);
        assert_true(wide_shift[0] == expected_wide_shift && wide_scale[0] == expected_wide_scale);
        assert_true(wide_shift[1] == 0 && wide_scale[1] == 1);
    }
}

static void says_what_is_wrong(bp_status status, const char *argument, int line) {
    const char *wrong = wrong_message(status, argument);
    if (wrong)
        fail_msg("line %d: '%s' does not say what is wrong with %s", line, wrong, argument);
}

static void refusals_say_where(void **state) {
    (void)state;
    float x[6] = {1, 2, 3, 4, 5, NAN}, shift[2] = {5}, scale[2] = {6};
    const uint32_t index[2] = {2, 0};
    assert_int_equal(bp_scaling_fit(shift, scale, x, 0, NULL, 3, 2, BP_SCALING_MINMAX), BP_ERROR_VALUE);
    assert_non_null(strstr(bp_error_message(), "row 2, column 1 (from 0) is NaN"));
    assert_int_equal(bp_scaling_fit(shift, scale, x, 0, index, 2, 2, BP_SCALING_MINMAX), BP_ERROR_VALUE);
    assert_non_null(strstr(bp_error_message(), "row 2, column 1 (from 0) is NaN"));
    x[2] = -INFINITY;
    assert_int_equal(bp_scaling_fit_nan(shift, scale, x, 0, NULL, 3, 2, BP_SCALING_STANDARD, BP_SCALING_NAN_IGNORE),
                     BP_ERROR_VALUE);
    assert_non_null(strstr(bp_error_message(), "row 1, column 0 (from 0) is minus infinite"));
    assert_int_equal(bp_scaling_fit_nan(shift, scale, x, 0, NULL, 3, 2, BP_SCALING_STANDARD, (bp_scaling_nan)2),
                     BP_ERROR_VALUE);
    assert_non_null(strstr(bp_error_message(), "nan is 2"));
    assert_int_equal(bp_scaling_fit(shift, scale, x, 0, NULL, 3, 2, (bp_scaling_kind)9), BP_ERROR_VALUE);
    assert_non_null(strstr(bp_error_message(), "kind is 9"));
    assert_int_equal(bp_scaling_fit(shift, scale, x, 1, NULL, 3, 2, BP_SCALING_MINMAX), BP_ERROR_SIZE);
    assert_non_null(
        strstr(bp_error_message(), "stride is 1, and must be at least the columns of x, 2, or 0 for packed rows"));
    x[0] = 3e38f;
    x[2] = -3e38f;
    x[5] = 0;
    assert_int_equal(bp_scaling_fit(shift, scale, x, 0, NULL, 3, 2, BP_SCALING_MINMAX), BP_ERROR_VALUE);
    assert_non_null(strstr(bp_error_message(), "x in column 0 (from 0) has numbers so far apart"));
    assert_true(shift[0] == 5 && scale[0] == 6);
}

/* ---- Doubles --------------------------------------------------------------------------------------------------- */

static void doubles_are_the_written_sequence(void **state) {
    (void)state;
    enum { ROWS = 41, COLUMNS = 3, STRIDE = 4 };
    double x[ROWS * STRIDE], shift[COLUMNS], scale[COLUMNS], back[ROWS * COLUMNS];
    float y[ROWS * COLUMNS];
    test_random random = test_random_for(test_seed(), "doubles");
    for (size_t k = 0; k < ROWS * STRIDE; k++)
        x[k] = 1.7e9 + 100 * (double)test_random_symmetric(&random);
    for (size_t n = 0; n < ROWS; n++)
        x[n * STRIDE + 2] = 1700000060.1; /* a column of equal values */
    for (int kind = 0; kind < SCALING_COUNT; kind++) {
        assert_int_equal(bp_scaling_fit_double(shift, scale, x, STRIDE, NULL, ROWS, COLUMNS, (bp_scaling_kind)kind,
                                               BP_SCALING_NAN_ERROR),
                         BP_OK);
        for (size_t j = 0; j < COLUMNS; j++) {
            double sum = 0, squares = 0, least = INFINITY, largest = -INFINITY;
            for (size_t n = 0; n < ROWS; n++) {
                sum += x[n * STRIDE + j] - x[j];
                least = fmin(least, x[n * STRIDE + j]);
                largest = fmax(largest, x[n * STRIDE + j]);
            }
            const double mean = x[j] + sum / ROWS;
            for (size_t n = 0; n < ROWS; n++)
                squares += (x[n * STRIDE + j] - mean) * (x[n * STRIDE + j] - mean);
            const bool standard = kind == BP_SCALING_STANDARD;
            assert_true(shift[j] == (standard ? mean : least));
            assert_true(scale[j] == (j == 2 ? 1 : standard ? sqrt(squares / ROWS) : largest - least));
        }
        assert_int_equal(bp_scaling_apply_double(y, 0, x, STRIDE, shift, scale, ROWS, COLUMNS), BP_OK);
        assert_int_equal(bp_scaling_invert_double(back, 0, y, 0, shift, scale, ROWS, COLUMNS), BP_OK);
        for (size_t k = 0; k < ROWS * COLUMNS; k++) {
            const double v = x[k / COLUMNS * STRIDE + k % COLUMNS];
            const size_t j = k % COLUMNS;
            assert_int_equal(test_bits(y[k]), test_bits((float)((v - shift[j]) / scale[j])));
            assert_true(back[k] == fma((double)y[k], scale[j], shift[j]));
            assert_true(fabs(back[k] - v) < 1e-4);
        }
    }
}

static void bad_doubles(void **state) {
    (void)state;
    double x[6] = {0, 1, 2, 3, 4, 5}, shift[4] = {5}, scale[4] = {6};
    float y[12] = {7};
    double *odd = (double *)(void *)((char *)x + 4);
#define FIT(status, argument, ...)                                                                                     \
    do {                                                                                                               \
        mark_message();                                                                                                \
        assert_int_equal(bp_scaling_fit_double(__VA_ARGS__, BP_SCALING_STANDARD, BP_SCALING_NAN_ERROR), status);       \
        says_what_is_wrong(status, argument, __LINE__);                                                                \
        assert_true(shift[0] == 5 && scale[0] == 6);                                                                   \
    } while (0)
    FIT(BP_ERROR_NULL, "x", shift, scale, NULL, 0, NULL, 3, 2);
    FIT(BP_ERROR_NULL, "scale", shift, NULL, x, 0, NULL, 3, 2);
    FIT(BP_ERROR_SIZE, "stride", shift, scale, x, 1, NULL, 3, 2);
    FIT(BP_ERROR_SIZE, "rows", shift, scale, x, 0, NULL, 0, 2);
    FIT(BP_ERROR_OVERFLOW, "stride", shift, scale, x, SIZE_MAX / 2, NULL, 3, 2);
    FIT(BP_ERROR_OVERFLOW, "columns", shift, scale, x, 0, NULL, 3, SIZE_MAX / 2 + 2);
    FIT(BP_ERROR_OVERLAP, "scale", shift, shift + 1, x, 0, NULL, 3, 2);
    FIT(BP_ERROR_OVERLAP, "shift", x + 5, scale, x, 0, NULL, 3, 2);
    if (_Alignof(double) == 8)
        FIT(BP_ERROR_ALIGNMENT, "x", shift, scale, odd, 0, NULL, 2, 2);
#undef FIT
#define APPLY(status, argument, ...)                                                                                   \
    do {                                                                                                               \
        mark_message();                                                                                                \
        assert_int_equal(bp_scaling_apply_double(__VA_ARGS__), status);                                                \
        says_what_is_wrong(status, argument, __LINE__);                                                                \
        assert_true(y[0] == 7);                                                                                        \
    } while (0)
    APPLY(BP_ERROR_NULL, "y", NULL, 0, x, 0, shift, scale, 3, 2);
    APPLY(BP_ERROR_NULL, "x", y, 0, NULL, 0, shift, scale, 3, 2);
    APPLY(BP_ERROR_SIZE, "y_stride", y, 1, x, 0, shift, scale, 3, 2);
    APPLY(BP_ERROR_SIZE, "x_stride", y, 0, x, 1, shift, scale, 3, 2);
    APPLY(BP_ERROR_OVERFLOW, "x_stride", y, 0, x, SIZE_MAX / 2 + 2, shift, scale, 3, 2);
    APPLY(BP_ERROR_OVERLAP, "x", y, 0, (double *)(void *)(y + 2), 0, shift, scale, 3, 2);
    if (_Alignof(double) == 8)
        APPLY(BP_ERROR_ALIGNMENT, "x", y, 0, odd, 0, shift, scale, 2, 2);
#undef APPLY
    assert_int_equal(bp_scaling_invert_double(x, 0, y, 0, shift, scale, 3, 0), BP_ERROR_SIZE);
    assert_int_equal(bp_scaling_invert_double(x, 0, NULL, 0, shift, scale, 3, 2), BP_ERROR_NULL);
}

/* ---- Modes of the host ----------------------------------------------------------------------------------------- */

static void check_scaling(void) {
    const float x[] = {1e-40f, 3e-40f, NAN, 0x1p-149f};
    float shift, scale, y[4];
    assert_int_equal(bp_scaling_fit_nan(&shift, &scale, x, 0, NULL, 4, 1, BP_SCALING_MINMAX, BP_SCALING_NAN_IGNORE),
                     BP_OK);
    assert_int_equal(test_raw_bits(shift), 1);
    assert_int_equal(test_raw_bits(scale), 0x00034446);
    assert_int_equal(bp_scaling_fit_nan(&shift, &scale, x, 0, NULL, 4, 1, BP_SCALING_STANDARD, BP_SCALING_NAN_IGNORE),
                     BP_OK);
    assert_int_equal(test_raw_bits(shift), 0x000173ae);
    const double wide[] = {1700000060.1, 1700000061.3, 1700000060.2};
    static const double offset = 1700000060.1, unit = 3;
    assert_int_equal(bp_scaling_apply_double(y, 0, wide, 0, &offset, &unit, 3, 1), BP_OK);
    static const uint32_t expected[] = {0, 0x3ecccccd, 0x3d088895};
    for (size_t k = 0; k < 3; k++)
        assert_int_equal(test_raw_bits(y[k]), expected[k]);
    bp_array labels = {.values = y, .count = 1};
    uint32_t label;
    y[0] = 1e-40f;
    assert_int_equal(bp_array_labels(&labels, &label), BP_ERROR_LABEL);
}

static void scaling_in_any_host(void **state) {
    (void)state;
    check_scaling();
    test_in_host_modes(check_scaling);
}

/* ---- Refused --------------------------------------------------------------------------------------------------- */

static float *byte_off(float *pointer) {
    return (float *)(void *)((char *)pointer + 1);
}

/* bp_scaling_invert calls x what bp_scaling_apply calls y. */
static const char *back(const char *argument) {
    static char name[32];
    snprintf(name, sizeof name, "%s", argument);
    if (strcmp(name, "x") == 0 || strcmp(name, "y") == 0 || strstr(name, "_stride"))
        name[0] = name[0] == 'x' ? 'y' : 'x';
    return name;
}

static void bad_scaling(void **state) {
    (void)state;
    enum { ROWS = 4, COLUMNS = 3 };
    float x[ROWS * COLUMNS], shift[COLUMNS] = {5}, scale[COLUMNS] = {6}, y[ROWS * COLUMNS] = {7};
    uint32_t index[ROWS] = {0, 1, 2, 3};
    for (size_t k = 0; k < ROWS * COLUMNS; k++)
        x[k] = (float)k;
#define FIT(status, argument, kind, from, stride, rows, columns, to, by)                                               \
    do {                                                                                                               \
        mark_message();                                                                                                \
        if (bp_scaling_fit(to, by, from, stride, NULL, rows, columns, kind) != (status))                               \
            fail_msg("line %d", __LINE__);                                                                             \
        says_what_is_wrong(status, argument, __LINE__);                                                                \
        assert_true(shift[0] == 5 && scale[0] == 6);                                                                   \
    } while (0)
    FIT(BP_ERROR_NULL, "x", BP_SCALING_STANDARD, NULL, 0, ROWS, COLUMNS, shift, scale);
    FIT(BP_ERROR_NULL, "shift", BP_SCALING_STANDARD, x, 0, ROWS, COLUMNS, NULL, scale);
    FIT(BP_ERROR_NULL, "scale", BP_SCALING_STANDARD, x, 0, ROWS, COLUMNS, shift, NULL);
    FIT(BP_ERROR_VALUE, "kind", SCALING_COUNT, x, 0, ROWS, COLUMNS, shift, scale);
    FIT(BP_ERROR_VALUE, "kind", (bp_scaling_kind)-1, x, 0, ROWS, COLUMNS, shift, scale);
    FIT(BP_ERROR_SIZE, "rows", BP_SCALING_STANDARD, x, 0, 0, COLUMNS, shift, scale);
    FIT(BP_ERROR_SIZE, "columns", BP_SCALING_STANDARD, x, 0, ROWS, 0, shift, scale);
    FIT(BP_ERROR_SIZE, "stride", BP_SCALING_STANDARD, x, 2, ROWS, COLUMNS, shift, scale);
    FIT(BP_ERROR_OVERFLOW, "stride", BP_SCALING_STANDARD, x, SIZE_MAX, ROWS, COLUMNS, shift, scale);
    FIT(BP_ERROR_ALIGNMENT, "x", BP_SCALING_STANDARD, byte_off(x), 0, 1, COLUMNS, shift, scale);
    FIT(BP_ERROR_ALIGNMENT, "shift", BP_SCALING_STANDARD, x, 0, ROWS, COLUMNS, byte_off(shift), scale);
    FIT(BP_ERROR_OVERLAP, "scale", BP_SCALING_STANDARD, x, 0, ROWS, COLUMNS, shift, shift);
    FIT(BP_ERROR_OVERLAP, "shift", BP_SCALING_STANDARD, x, 0, ROWS, COLUMNS, x + 2, scale);
    static const float worst[] = {NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < COUNT(worst); k++) { /* in the last column: the others must not be written either */
        x[ROWS * COLUMNS - 1] = worst[k];
        FIT(BP_ERROR_VALUE, "x", BP_SCALING_STANDARD, x, 0, ROWS, COLUMNS, shift, scale);
        FIT(BP_ERROR_VALUE, "x", BP_SCALING_MINMAX, x, 0, ROWS, COLUMNS, shift, scale);
    }
    x[ROWS * COLUMNS - 1] = 3e38f;
    x[COLUMNS - 1] = -3e38f;
    FIT(BP_ERROR_VALUE, "x", BP_SCALING_MINMAX, x, 0, ROWS, COLUMNS, shift, scale);
#undef FIT
    assert_int_equal(
        bp_scaling_fit(shift, scale, x, 0, (uint32_t *)(void *)((char *)index + 1), 3, COLUMNS, BP_SCALING_STANDARD),
        BP_ERROR_ALIGNMENT);
    assert_int_equal(bp_scaling_fit(shift, scale, x, 0, NULL, ROWS, COLUMNS, BP_SCALING_STANDARD), BP_OK);

    bp_status (*const functions[])(float *, size_t, const float *, size_t, const float *, const float *, size_t,
                                   size_t) = {bp_scaling_apply, bp_scaling_invert};
    for (size_t k = 0; k < COUNT(functions); k++) {
#define APPLY(status, argument, ...)                                                                                   \
    do {                                                                                                               \
        mark_message();                                                                                                \
        if (functions[k](__VA_ARGS__) != (status))                                                                     \
            fail_msg("function %zu, line %d", k, __LINE__);                                                            \
        says_what_is_wrong(status, k == 1 ? back(argument) : argument, __LINE__);                                      \
        assert_true(y[0] == 7);                                                                                        \
    } while (0)
        APPLY(BP_ERROR_NULL, "y", NULL, 0, x, 0, shift, scale, ROWS, COLUMNS);
        APPLY(BP_ERROR_NULL, "x", y, 0, NULL, 0, shift, scale, ROWS, COLUMNS);
        APPLY(BP_ERROR_NULL, "shift", y, 0, x, 0, NULL, scale, ROWS, COLUMNS);
        APPLY(BP_ERROR_NULL, "scale", y, 0, x, 0, shift, NULL, ROWS, COLUMNS);
        APPLY(BP_ERROR_SIZE, "rows", y, 0, x, 0, shift, scale, 0, COLUMNS);
        APPLY(BP_ERROR_SIZE, "columns", y, 0, x, 0, shift, scale, ROWS, 0);
        APPLY(BP_ERROR_SIZE, "y_stride", y, 2, x, 0, shift, scale, ROWS, COLUMNS);
        APPLY(BP_ERROR_SIZE, "x_stride", y, 0, x, 2, shift, scale, ROWS, COLUMNS);
        APPLY(BP_ERROR_OVERFLOW, "x_stride", y, 0, x, SIZE_MAX / 2, shift, scale, ROWS, COLUMNS);
        APPLY(BP_ERROR_ALIGNMENT, "y", byte_off(y), 0, x, 0, shift, scale, 1, COLUMNS);
        APPLY(BP_ERROR_OVERLAP, "x", y, 0, y + 1, 0, shift, scale, 2, COLUMNS);
        APPLY(BP_ERROR_OVERLAP, "y_stride", y, 4, y, 3, shift, scale, 2, COLUMNS);
        APPLY(BP_ERROR_OVERLAP, "shift", y, 0, x, 0, y + 1, scale, ROWS, COLUMNS);
        APPLY(BP_ERROR_OVERLAP, "scale", y, 0, x, 0, shift, y, ROWS, COLUMNS);
#undef APPLY
    }
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scaling_is_the_written_sequence),
        cmocka_unit_test(scaling_goes_there_and_back),
        cmocka_unit_test(missing_numbers_are_left_out),
        cmocka_unit_test(refusals_say_where),
        cmocka_unit_test(doubles_are_the_written_sequence),
        cmocka_unit_test(bad_doubles),
        cmocka_unit_test(scaling_in_any_host),
        cmocka_unit_test(bad_scaling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
