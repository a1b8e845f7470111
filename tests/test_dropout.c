/* dropout and dropout_derivative: every table against the oracle, bit for bit; the oracle against the documented mask;
 * the mask's statistics; bad inputs. */
#include <math.h>
#include <string.h>

#include "harness/harness.h"
#include "refusals.h"

#include <backprop/dropout.h>
#include <backprop/random.h>

#include "cases/cases.h"
#include "enum_counts.h"

static void all_sizes_of(test_table *table) {
    test_sweep_planes(table, case_dropout);
    test_sweep_planes(table, case_dropout_derivative);
}

static void all_sizes(void **state) {
    (void)state;
    test_each_table(all_sizes_of);
}

enum { ROWS = 12, COLUMNS = 37 };

static const float probabilities[] = {0.0f, 0.5f, 0.1f, 0.9f, 0x1p-17f, 0x1p-24f, 1.0f - 0x1p-24f};
enum { PROBABILITIES = sizeof probabilities / sizeof *probabilities };

/* What dropout.h says, by the public generator; and what a probability of 0 must do. */
static void the_documented_mask(void **state) {
    (void)state;
    float a[ROWS][COLUMNS], d[ROWS][COLUMNS], slope[ROWS][COLUMNS];
    const bp_activation tanh_kind = {BP_ACTIVATION_TANH, 0.0f};
    test_random random = test_random_for(test_seed(), "the documented mask");
    for (size_t n = 0; n < ROWS; n++) {
        for (size_t j = 0; j < COLUMNS; j++) {
            a[n][j] = 0.5f * test_random_symmetric(&random);
        }
    }
    for (size_t p = 0; p < PROBABILITIES; p++) {
        const bp_dropout_mask mask = {probabilities[p], UINT64_C(0x123456789abcdef0), UINT64_C(0xfedcba9876543210), 7,
                                      101};
        const double rounded = fmin(floor((double)mask.probability * 0x1p16 + 0.5), 0x1p16 - 1);
        const float scale = 1.0f / (float)(1 - rounded * 0x1p-16);
        assert_int_equal(bp_dropout(d[0], COLUMNS, a[0], COLUMNS, ROWS, COLUMNS, &mask), BP_OK);
        assert_int_equal(bp_dropout_derivative(slope[0], COLUMNS, a[0], COLUMNS, ROWS, COLUMNS, tanh_kind, &mask),
                         BP_OK);
        for (uint64_t n = 0; n < ROWS; n++) {
            for (uint64_t j = 0; j < COLUMNS; j++) {
                const uint64_t row = n + 7, column = j + 101;
                const uint64_t index =
                    (row / 4) * (UINT64_C(1) << 34) + (column / 2) * 4 + 2 * (row / 2 % 2) + 1 - column % 2;
                const uint32_t word = bp_random_u32(mask.seed, mask.stream, index);
                const bool stays = (row % 2 == 0 ? word % 65536 : word / 65536) >= rounded;
                const float value = a[n][j];
                assert_int_equal(test_raw_bits(d[n][j]), test_raw_bits(stays ? value * scale : 0.0f));
                assert_int_equal(test_raw_bits(slope[n][j]),
                                 test_raw_bits(stays ? fmaf(-value, value, 1.0f) * scale : 0.0f));
            }
        }
    }
}

/* A plane of ones, dropped: 1 where an element stays. */
enum { SIDE = 512 };
typedef float plane[SIDE][SIDE];

static void drop_ones(plane stays, bp_dropout_mask mask) {
    float *all = stays[0];
    for (size_t k = 0; k < (size_t)SIDE * SIDE; k++) {
        all[k] = 1.0f;
    }
    assert_int_equal(bp_dropout(all, SIDE, all, SIDE, SIDE, SIDE, &mask), BP_OK);
    for (size_t k = 0; k < (size_t)SIDE * SIDE; k++) {
        all[k] = all[k] != 0.0f ? 1.0f : 0.0f;
    }
}

static double mean_of(plane stays) {
    const float *all = stays[0];
    double sum = 0;
    for (size_t k = 0; k < (size_t)SIDE * SIDE; k++) {
        sum += (double)all[k];
    }
    return sum / SIDE / SIDE;
}

/* Correlation of each element with the one `rows` further down and `columns` to the right in another plane. */
static double correlation(plane a, plane b, size_t rows, size_t columns, double keep) {
    double sum = 0;
    for (size_t n = 0; n < SIDE; n++) {
        for (size_t j = 0; j < SIDE; j++) {
            sum += ((double)a[n][j] - keep) * ((double)b[(n + rows) % SIDE][(j + columns) % SIDE] - keep);
        }
    }
    return sum / SIDE / SIDE / (keep * (1 - keep));
}

/* As many stay as should, and none of them knows of its neighbors, in its own mask or the next. Bounds of five
 * standard deviations. */
static void mask_statistics(void **state) {
    (void)state;
    static plane here, next_stream, next_seed;
    static const float some[] = {0.5f, 0.2f, 0.9f};
    for (size_t p = 0; p < sizeof some / sizeof *some; p++) {
        const double keep = 1 - (double)some[p];
        drop_ones(here, (bp_dropout_mask){some[p], 1, 5, 0, 0});
        drop_ones(next_stream, (bp_dropout_mask){some[p], 1, 6, 0, 0});
        drop_ones(next_seed, (bp_dropout_mask){some[p], 2, 5, 0, 0});
        assert_true(fabs(mean_of(here) - keep) < 5 * sqrt(keep * (1 - keep)) / SIDE);
        for (size_t rows = 0; rows < 5; rows++) {
            for (size_t columns = rows == 0; columns < 3; columns++) {
                assert_true(fabs(correlation(here, here, rows, columns, keep)) < 5.0 / SIDE);
            }
        }
        assert_true(fabs(correlation(here, next_stream, 0, 0, keep)) < 5.0 / SIDE);
        assert_true(fabs(correlation(here, next_seed, 0, 0, keep)) < 5.0 / SIDE);
    }
}

static float source[64], result[64];
static const bp_dropout_mask half = {0.5f, 1, 2, 0, 0};

/* The call must give `expected` and, if that is an error, write nothing. */
static void expect(bp_status expected, const char *argument, bp_status status, int line) {
    if (status != expected) {
        fail_msg("line %d: '%s' instead of '%s'", line, bp_status_string(status), bp_status_string(expected));
    }
    const char *wrong = wrong_message(status, argument);
    if (wrong != NULL)
        fail_msg("line %d: '%s' does not say what is wrong with %s", line, wrong, argument);
    mark_message();
    for (size_t k = 0; expected != BP_OK && k < 64; k++) {
        assert_true(source[k] == (float)k && result[k] == -1.0f);
    }
    for (size_t k = 0; k < 64; k++) {
        source[k] = (float)k;
        result[k] = -1.0f;
    }
}

static bp_status relu_derivative(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                                 const bp_dropout_mask *mask) {
    return bp_dropout_derivative(d, ldd, a, lda, rows, columns, (bp_activation){BP_ACTIVATION_RELU, 0.0f}, mask);
}

/* Both functions; the input has a name of its own in each. */
#define EXPECT(expected, argument, ...)                                                                                \
    do {                                                                                                               \
        const bool input = strcmp(argument, "@") == 0, ld = strcmp(argument, "ld@") == 0;                              \
        expect((expected), input ? "a" : ld ? "lda" : argument, bp_dropout(__VA_ARGS__), __LINE__);                    \
        expect((expected), input ? "saved" : ld ? "lds" : argument, relu_derivative(__VA_ARGS__), __LINE__);           \
    } while (0)

static const bp_dropout_mask *masked(float probability, size_t row, size_t column) {
    static bp_dropout_mask mask;
    mask = (bp_dropout_mask){probability, 1, 2, row, column};
    return &mask;
}

static void bad_inputs(void **state) {
    (void)state;
    float *odd = (float *)(void *)((char *)result + 1);
    mark_message();
    expect(BP_OK, "", BP_OK, __LINE__);
    EXPECT(BP_OK, "", result, 5, source, 6, 3, 5, &half);
    EXPECT(BP_OK, "", source, 6, source, 6, 3, 5, &half);
    EXPECT(BP_OK, "", result, 0, source, 0, 3, 5, &half); /* packed */
    EXPECT(BP_ERROR_NULL, "mask", result, 5, source, 6, 3, 5, NULL);
    EXPECT(BP_ERROR_NULL, "d", NULL, 5, source, 6, 3, 5, &half);
    EXPECT(BP_ERROR_NULL, "@", result, 5, NULL, 6, 3, 5, &half);
    EXPECT(BP_ERROR_SIZE, "rows", result, 5, source, 6, 0, 5, &half);
    EXPECT(BP_ERROR_SIZE, "columns", result, 5, source, 6, 3, 0, &half);
    EXPECT(BP_ERROR_SIZE, "ldd", result, 4, source, 6, 3, 5, &half);
    EXPECT(BP_ERROR_SIZE, "ld@", result, 5, source, 4, 3, 5, &half);
    EXPECT(BP_ERROR_OVERFLOW, "ldd", result, SIZE_MAX / 2, source, 6, 3, 5, &half);
    EXPECT(BP_ERROR_ALIGNMENT, "d", odd, 5, source, 6, 3, 5, &half);
    EXPECT(BP_ERROR_OVERLAP, "d", source, 5, source, 6, 3, 5, &half);
    EXPECT(BP_ERROR_OVERLAP, "d", source + 1, 6, source, 6, 3, 5, &half);
    EXPECT(BP_ERROR_VALUE, "mask", result, 5, source, 6, 3, 5, masked(1.0f, 0, 0));
    EXPECT(BP_ERROR_VALUE, "mask", result, 5, source, 6, 3, 5, masked(-0.1f, 0, 0));
    EXPECT(BP_ERROR_VALUE, "mask", result, 5, source, 6, 3, 5, masked(NAN, 0, 0));
    EXPECT(BP_ERROR_VALUE, "mask", result, 5, source, 6, 3, 5, masked(0.5f, (size_t)(UINT64_C(1) << 32) - 2, 0));
    EXPECT(BP_ERROR_VALUE, "mask", result, 5, source, 6, 3, 5, masked(0.5f, 0, (size_t)(UINT64_C(1) << 32) - 4));
    EXPECT(BP_ERROR_VALUE, "mask", result, 5, source, 6, 3, 5, masked(0.5f, SIZE_MAX, 0));
    EXPECT(BP_ERROR_VALUE, "mask", result, 5, source, 6, 3, 5, masked(0.5f, 0, SIZE_MAX));
    EXPECT(BP_OK, "", result, 5, source, 6, 3, 5,
           masked(0.5f, (size_t)(UINT64_C(1) << 32) - 3, (size_t)(UINT64_C(1) << 32) - 5));
    const bp_activation bad[] = {{ACTIVATION_COUNT, 0.0f}, {BP_ACTIVATION_LEAKY_RELU, NAN}};
    for (size_t k = 0; k < 2; k++) {
        expect(BP_ERROR_VALUE, "activation", bp_dropout_derivative(result, 5, source, 6, 3, 5, bad[k], &half),
               __LINE__);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sizes),
        cmocka_unit_test(the_documented_mask),
        cmocka_unit_test(mask_statistics),
        cmocka_unit_test(bad_inputs),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
