/* Numbers of tables: decimals against the C library's, doubles, offset and factor, columns of wide tables. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "defaults.h"
#include "files.h"
#include "harness/bits.h"
#include "harness/mode.h"
#include "harness/random.h"
#include "harness/session.h"

static bp_csv *open_text(const char *text, const bp_csv_options *options) {
    bp_csv *csv = NULL;
    EXPECT_SUCCESS(bp_csv_open_memory(text, strlen(text), options, &csv, &error));
    return csv;
}

static uint64_t double_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* ---- Rounding -------------------------------------------------------------------------------------------------- */

/* One decimal a line. */
static char text[1 << 19];
static float floats[1 << 14];
static double doubles[1 << 14];
static uint32_t float_expected[1 << 14];
static uint64_t double_expected[1 << 14];

/* Decimals of every length, and those at and next to the middle between two floats or two doubles. */
static void write_decimal(char *to, size_t room, size_t k, test_random *random) {
    const uint64_t bits = test_random_next(random);
    const float f = test_float((uint32_t)bits & 0x7fffffff);
    const double d = isfinite(f) ? (double)f : 1.0, step = (double)nextafterf((float)d, INFINITY) - d;
    const double middle = isfinite(step) && d < 1e38 ? d + step / 2 : 1.5;
    switch (k % 8) {
    case 0: /* few digits */
        snprintf(to, room, "%.*g", 1 + (int)(bits >> 60), d < 1e38 ? d : 3.0);
        return;
    case 1:
        snprintf(to, room, "%u.%u", (unsigned)(bits & 0xffff), (unsigned)(bits >> 16 & 0xffffff));
        return;
    case 2: /* 19 digits, as numpy.savetxt has them */
        snprintf(to, room, "%.18e", (double)(bits >> 1) * 0x1p-60);
        return;
    case 3: /* integers up to 2^64, with powers around those that are exact */
        snprintf(to, room, "%llue%d", (unsigned long long)bits, (int)(bits >> 8 & 31) - 40);
        return;
    case 4:
        snprintf(to, room, "%.60g", middle);
        return;
    case 5: /* near a middle, in 17 digits */
        snprintf(to, room, "%.17g", middle);
        return;
    case 6: /* whole middles: 25 bits, the last one set */
        snprintf(to, room, "%llu.%se0", (unsigned long long)((bits & 0x7fffff) | 0x800000) * 2 + 1,
                 bits >> 62 ? "000000000" : "0000000001");
        return;
    default:
        snprintf(to, room, "000000000000000000000000.%012u%llue%d", 0U, (unsigned long long)(bits & 0xffffffffff),
                 (int)(bits >> 40 & 31));
        return;
    }
}

static bp_csv *decimals;
static size_t count;

static void check_decimals(void) {
    memset(floats, 0x11, sizeof floats);
    memset(doubles, 0x11, sizeof doubles);
    EXPECT_SUCCESS(bp_csv_numbers(decimals, 0, 1, floats, 0, &error));
    EXPECT_SUCCESS(bp_csv_doubles(decimals, 0, 1, doubles, 0, &error));
    for (size_t k = 0; k < count; k++) {
        if (test_raw_bits(floats[k]) != float_expected[k])
            fail_msg("'%s': 0x%08x instead of 0x%08x", bp_csv_field(decimals, k, 0), test_raw_bits(floats[k]),
                     float_expected[k]);
        if (double_bits(doubles[k]) != double_expected[k])
            fail_msg("'%s': another double", bp_csv_field(decimals, k, 0));
    }
}

static void decimals_are_rounded_once(void **state) {
    (void)state;
    test_random random = test_random_for(test_seed(), "decimals");
    for (size_t round = 0; round < 8; round++) {
        char *at = text;
        for (count = 0; count < 4000; count++) {
            if (count % 3 == 1)
                *at++ = '-';
            write_decimal(at, 100, count, &random);
            float_expected[count] = test_raw_bits(strtof(at - (count % 3 == 1), NULL));
            double_expected[count] = double_bits(strtod(at - (count % 3 == 1), NULL));
            at += strlen(at);
            *at++ = '\n';
        }
        *at = '\0';
        decimals = open_text(text, NULL);
        check_decimals();
        test_in_host_modes(check_decimals);
        bp_csv_close(decimals);
    }
}

static void large_doubles(void **state) {
    (void)state;
    bp_csv *csv = open_text("1e39,1.7976931348623157e308,5e-324,inf\n1,-2, 3 ,nan\n", NULL);
    double values[10] = {[4] = 77, [9] = 77};
    EXPECT_SUCCESS(bp_csv_doubles(csv, 0, 4, values, 5, &error));
    assert_true(values[0] == 1e39 && values[1] == DBL_MAX && values[2] == 0x1p-1074 && values[3] == INFINITY);
    assert_true(values[4] == 77 && values[5] == 1 && values[6] == -2 && isnan(values[8]) && values[9] == 77);
    EXPECT_FAILURE(BP_ERROR_VALUE, "first is 4 and count 1", bp_csv_doubles(csv, 4, 1, values, 0, &error));
    EXPECT_FAILURE(BP_ERROR_SIZE, "stride is 1, and must be at least count, 2",
                   bp_csv_doubles(csv, 0, 2, values, 1, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_doubles(csv, 0, 2, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_OVERFLOW, "address range", bp_csv_doubles(csv, 0, 2, values, SIZE_MAX / 24, &error));
    EXPECT_FAILURE(BP_ERROR_ALIGNMENT, "aligned",
                   bp_csv_doubles(csv, 0, 2, (double *)(void *)((char *)values + 1), 0, &error));
    bp_csv_close(csv);
    csv = open_text("1\n1.7976931348623159e308\n", NULL);
    EXPECT_FAILURE(BP_ERROR_FORMAT, "line 2, column 1: beyond the range of binary64",
                   bp_csv_doubles(csv, 0, 1, values, 0, &error));
    assert_true(values[0] == 1e39);
    bp_csv_close(csv);
}

/* ---- Offset and factor ----------------------------------------------------------------------------------------- */

static void check_times(void) {
    bp_csv *csv = open_text("1700000060,1e40,x\n1700000061.5,-3e40,\n,2e40,\n",
                            &(bp_csv_options)CSV_OPTIONS(.missing = BP_CSV_MISSING_NAN));
    static const double offset[] = {1700000000.0, 1e40}, factor[] = {0.5, 1e-40}, one = 1700000000.0;
    float values[6] = {0};
    EXPECT_SUCCESS(bp_csv_numbers_shifted(csv, 0, 2, &(bp_shift_scale){offset, factor, 2}, values, 0, &error));
    static const float expected[] = {30, 0, 30.75f, -4, 0, 1};
    for (size_t k = 0; k < 6; k++)
        assert_int_equal(test_bits(values[k]), k == 4 ? 0x7fc00000 : test_raw_bits(expected[k]));
    EXPECT_SUCCESS(bp_csv_numbers_shifted(csv, 0, 1, &(bp_shift_scale){&one, NULL, 1}, values, 2, &error));
    assert_int_equal(test_raw_bits(values[0]), test_raw_bits(60.0f));
    assert_int_equal(test_raw_bits(values[2]), test_raw_bits(61.5f));
    EXPECT_SUCCESS(bp_csv_numbers_shifted(csv, 0, 1, NULL, values, 0, &error));
    assert_int_equal(test_raw_bits(values[0]), test_raw_bits(1700000000.0f)); /* the nearest float */
    bp_csv_close(csv);
    /* A result that is a denormal float, by way of one that is no float. */
    static const double tiny = 1e-40;
    csv = open_text("1\n", NULL);
    EXPECT_SUCCESS(bp_csv_numbers_shifted(csv, 0, 1, &(bp_shift_scale){NULL, &tiny, 1}, values, 0, &error));
    assert_int_equal(test_raw_bits(values[0]), 0x000116c2);
    bp_csv_close(csv);
}

static void times_keep_their_differences(void **state) {
    (void)state;
    check_times();
    test_in_host_modes(check_times);
}

static void bad_changes(void **state) {
    (void)state;
    bp_csv *csv = open_text("1,2,1e40\n", NULL);
    float values[3] = {7};
    double bad[] = {1, NAN, INFINITY}, good[] = {0, 0, 0};
    EXPECT_FAILURE(BP_ERROR_SIZE, "change.count is 2, and must be 1 or as many as the columns, 3",
                   bp_csv_numbers_shifted(csv, 0, 3, &(bp_shift_scale){good, NULL, 2}, values, 0, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "offset[1] is NaN, and must be finite",
                   bp_csv_numbers_shifted(csv, 0, 3, &(bp_shift_scale){bad, NULL, 3}, values, 0, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "factor[0] is infinite",
                   bp_csv_numbers_shifted(csv, 0, 2, &(bp_shift_scale){good, bad + 2, 1}, values, 0, &error));
    EXPECT_FAILURE(BP_ERROR_ALIGNMENT, "aligned",
                   bp_csv_numbers_shifted(csv, 0, 2, &(bp_shift_scale){(double *)(void *)((char *)good + 1), NULL, 1},
                                          values, 0, &error));
    EXPECT_FAILURE(BP_ERROR_FORMAT, "line 1, column 3: beyond the range of binary32 after offset and factor: '1e40'",
                   bp_csv_numbers_shifted(csv, 0, 3, &(bp_shift_scale){good, NULL, 3}, values, 0, &error));
    assert_true(values[0] == 7);
    bp_csv_close(csv);
}

/* ---- Wide tables ------------------------------------------------------------------------------------------------ */

static double seconds(void) {
    return (double)clock() / CLOCKS_PER_SEC;
}

/* A way to a column that passes all before it takes 500 times as long as one that knows where it is. */
static void columns_are_as_fast_as_rows(void **state) {
    (void)state;
    enum { ROWS = 200, COLUMNS = 4000 };
    char *wide = malloc(2 * ROWS * COLUMNS + 1), *at = wide;
    float *all = calloc(ROWS * COLUMNS, sizeof *all), *single = calloc(ROWS * COLUMNS, sizeof *single);
    for (size_t k = 0; k < ROWS * COLUMNS; k++) {
        *at++ = (char)('0' + k * 7 % 10);
        *at++ = (k + 1) % COLUMNS ? ',' : '\n';
    }
    *at = '\0';
    bp_csv *csv = open_text(wide, NULL);
    const double start = seconds();
    EXPECT_SUCCESS(bp_csv_numbers(csv, 0, COLUMNS, all, 0, &error));
    const double one_call = seconds() - start;
    for (size_t k = 0; k < COLUMNS; k++) {
        const size_t j = k * 37 % COLUMNS;
        EXPECT_SUCCESS(bp_csv_numbers(csv, j, 1, single + j, COLUMNS, &error));
    }
    const double calls = seconds() - start - one_call;
    assert_memory_equal(all, single, ROWS * COLUMNS * sizeof *all);
    assert_true(calls < 40 * one_call + 0.5);
    bp_csv_close(csv);
    free(wide);
    free(all);
    free(single);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_rounded_once),    cmocka_unit_test(large_doubles),
        cmocka_unit_test(times_keep_their_differences), cmocka_unit_test(bad_changes),
        cmocka_unit_test(columns_are_as_fast_as_rows),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
