/*
 * The harness tested: kernels broken on purpose must be caught, each in the way it is broken, and a right one must
 * pass. The subjects are copies of the scalar table with one function replaced.
 */
#include "harness/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/activation.h>

enum { ROWS = 3, COLUMNS = 5 };

/* The report of the last case. */
static char report[8192];

/* What a case must have drawn to be the wanted one. */
typedef struct wanted {
    bool padding;
    bool touching; /* the arrays touch their guard pages; else none does */
    bool finite;
} wanted;

typedef struct copy {
    test_operand *a, *z;
} copy;

static void call_activate(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)under_test;
    (void)scratch;
    const copy *c = arguments;
    kernels->activate(c->a->data, c->a->ld, c->z->data, c->z->ld, ROWS, COLUMNS, (bp_activation){0});
}

static bool suits(const test_trial *trial, const copy *c, wanted w) {
    const bool padding = c->a->ld >= COLUMNS + 3 && c->z->ld >= COLUMNS + 3;
    const bool touching = c->a->array.offset == 0 && c->z->array.offset == 0;
    const bool apart = c->a->array.offset != 0 && c->z->array.offset != 0;
    return padding == w.padding && (w.touching ? touching : apart) && (!w.finite || trial->fill == TEST_FILL_UNIFORM);
}

/* The outcome of a case with activate = `kernel`, its report in `report`. Draws differ from key to key, so keys are
 * tried until one brings what is wanted. */
static test_outcome outcome_of(bp_activate_fn *kernel, test_side side, wanted w) {
    bp_kernels kernels = *test_oracle();
    kernels.activate = kernel;
    test_table table = {"broken", &kernels, NULL, 0};
    for (size_t number = 0; number < 100000; number++) {
        test_trial *trial = test_begin(&table, "activate", side, "%zu", number);
        assert_non_null(trial);
        copy c;
        c.z = test_input(trial, "z", ROWS, COLUMNS);
        c.a = test_output(trial, "a", ROWS, COLUMNS);
        if (!suits(trial, &c, w)) {
            continue;
        }
        memset(report, 0, sizeof report);
        FILE *stream = fmemopen(report, sizeof report - 1, "w");
        assert_non_null(stream);
        test_report_to(stream);
        const test_outcome outcome = test_run(trial, call_activate, &c);
        test_report_to(NULL);
        fclose(stream);
        assert_int_equal(table.cases, 1);
        assert_int_equal(test_forgive_failures(), outcome == TEST_PASSED ? 0 : 1);
        return outcome;
    }
    fail_msg("no case with the wanted draws");
    return TEST_PASSED;
}

static void assert_reported(const char *text) {
    if (strstr(report, text) == NULL) {
        fail_msg("the report lacks '%s':\n%s", text, report);
    }
}

static const wanted any = {.finite = true}, padded = {.padding = true, .finite = true},
                    flush = {.touching = true, .finite = true};

/* The right kernel, on which the broken ones build. `volatile` keeps their strange accesses in the program. */
static void right(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                  bp_activation activation) {
    (void)activation;
    for (size_t n = 0; n < rows; n++) {
        for (size_t j = 0; j < columns; j++) {
            a[n * lda + j] = z[n * ldz + j];
        }
    }
}

static void poke(volatile float *where, float value) {
    *where = value;
}

static float peek(const volatile float *where) {
    return *where;
}

static float *writable(const float *input) {
    return (float *)(uintptr_t)input;
}

#define BROKEN(name)                                                                                                   \
    static void name(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,                    \
                     bp_activation activation)

BROKEN(one_past_a_row) {
    right(a, lda, z, ldz, rows, columns, activation);
    poke(a + lda + columns, 1.0f);
}

BROKEN(one_before_a_row) {
    right(a, lda, z, ldz, rows, columns, activation);
    poke(a + lda - 1, 1.0f);
}

BROKEN(one_past_the_end) {
    right(a, lda, z, ldz, rows, columns, activation);
    poke(a + (rows - 1) * lda + columns, 1.0f);
}

BROKEN(one_before_the_start) {
    right(a, lda, z, ldz, rows, columns, activation);
    poke(a - 1, 1.0f);
}

BROKEN(reads_past_the_end) {
    right(a, lda, z, ldz, rows, columns, activation);
    (void)peek(z + (rows - 1) * ldz + columns);
}

BROKEN(reads_before_the_start) {
    right(a, lda, z, ldz, rows, columns, activation);
    (void)peek(z - 1);
}

BROKEN(skips_the_last) {
    for (size_t n = 0; n < rows; n++) {
        right(a + n * lda, lda, z + n * ldz, ldz, 1, n + 1 < rows ? columns : columns - 1, activation);
    }
}

BROKEN(one_ulp_off) {
    right(a, lda, z, ldz, rows, columns, activation);
    a[lda + 2] = nextafterf(a[lda + 2], INFINITY);
}

BROKEN(one_wrong_lane) {
    right(a, lda, z, ldz, rows, columns, activation);
    a[2 * lda + 3] = -2.0f * a[2 * lda + 3];
}

BROKEN(nan_in_place_of_a_number) {
    right(a, lda, z, ldz, rows, columns, activation);
    a[4] = NAN;
}

BROKEN(touches_its_input) {
    right(a, lda, z, ldz, rows, columns, activation);
    poke(writable(z + 1), peek(z + 1)); /* the same value: a race all the same */
}

BROKEN(touches_the_input_padding) {
    right(a, lda, z, ldz, rows, columns, activation);
    poke(writable(z + columns), 0.0f);
}

BROKEN(follows_a_wild_pointer) {
    right(a, lda, z, ldz, rows, columns, activation);
    static volatile uintptr_t nowhere = 64; /* volatile: no compiler may see through it */
    poke((float *)nowhere, 1.0f);
}

BROKEN(runs_no_instruction) {
    right(a, lda, z, ldz, rows, columns, activation);
    __builtin_trap();
}

/* Other payloads and signs of NaN are no difference. */
BROKEN(other_nans) {
    right(a, lda, z, ldz, rows, columns, activation);
    for (size_t n = 0; n < rows; n++) {
        for (size_t j = 0; j < columns; j++) {
            if (isnan(z[n * ldz + j])) {
                a[n * lda + j] = test_float(UINT32_C(0xffc12345));
            }
        }
    }
}

static void a_right_kernel_passes(void **state) {
    (void)state;
    const wanted all[] = {any, padded, flush, {false, false, false}, {true, true, false}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        assert_int_equal(outcome_of(right, TEST_END, all[k]), TEST_PASSED);
        assert_int_equal(outcome_of(right, TEST_START, all[k]), TEST_PASSED);
        assert_int_equal(outcome_of(other_nans, TEST_START, all[k]), TEST_PASSED);
        assert_string_equal(report, "");
    }
}

static void writes_beside_a_row_are_caught(void **state) {
    (void)state;
    assert_int_equal(outcome_of(one_past_a_row, TEST_END, padded), TEST_DAMAGE);
    assert_reported("1 to the right of row 1 of a");
    assert_int_equal(outcome_of(one_before_a_row, TEST_END, padded), TEST_DAMAGE);
    assert_reported("1 to the left of row 1 of a");
}

static void writes_beyond_an_array_are_caught(void **state) {
    (void)state;
    assert_int_equal(outcome_of(one_past_the_end, TEST_END, flush), TEST_FAULT);
    assert_reported("SIGSEGV");
    assert_reported("past the memory of a");
    assert_int_equal(outcome_of(one_past_the_end, TEST_START, flush), TEST_DAMAGE);
    assert_reported("1 past the end of a");
    assert_int_equal(outcome_of(one_before_the_start, TEST_START, flush), TEST_FAULT);
    assert_reported("before the memory of a");
    assert_int_equal(outcome_of(one_before_the_start, TEST_END, flush), TEST_DAMAGE);
    assert_reported("1 before the start of a");
    /* With some elements between data and guard page it is the canary that dies. */
    assert_int_equal(outcome_of(one_past_the_end, TEST_END, any), TEST_DAMAGE);
    assert_int_equal(outcome_of(one_before_the_start, TEST_START, any), TEST_DAMAGE);
}

static void reads_beyond_an_array_are_caught(void **state) {
    (void)state;
    assert_int_equal(outcome_of(reads_past_the_end, TEST_END, flush), TEST_FAULT);
    assert_reported("past the memory of z");
    assert_int_equal(outcome_of(reads_before_the_start, TEST_START, flush), TEST_FAULT);
    assert_reported("before the memory of z");
}

static void wrong_results_are_caught(void **state) {
    (void)state;
    assert_int_equal(outcome_of(skips_the_last, TEST_END, any), TEST_DIFFERENT);
    assert_reported("a: [2][4] was not written");
    assert_int_equal(outcome_of(skips_the_last, TEST_END, (wanted){false, false, false}), TEST_DIFFERENT);
    assert_int_equal(outcome_of(one_ulp_off, TEST_END, any), TEST_DIFFERENT);
    assert_reported("1 of 15 elements differ; worst [1][2]");
    assert_reported(", 1 ULP apart");
    assert_int_equal(outcome_of(one_wrong_lane, TEST_START, padded), TEST_DIFFERENT);
    assert_reported("worst [2][3]");
    assert_int_equal(outcome_of(nan_in_place_of_a_number, TEST_START, any), TEST_DIFFERENT);
    assert_reported("worst [0][4]");
    assert_reported("one a NaN");
}

static void writes_to_inputs_are_caught(void **state) {
    (void)state;
    assert_int_equal(outcome_of(touches_its_input, TEST_END, any), TEST_FAULT);
    assert_reported("in the memory of z, which is read-only");
    assert_int_equal(outcome_of(touches_the_input_padding, TEST_START, padded), TEST_FAULT);
}

static void faults_are_caught_and_the_run_goes_on(void **state) {
    (void)state;
    assert_int_equal(outcome_of(follows_a_wild_pointer, TEST_END, any), TEST_FAULT);
    assert_reported("SIGSEGV");
    assert_reported("near no operand");
    assert_int_equal(outcome_of(runs_no_instruction, TEST_END, any), TEST_FAULT);
    assert_int_equal(outcome_of(right, TEST_END, any), TEST_PASSED);
}

static void a_report_says_how_to_repeat_it(void **state) {
    (void)state;
    assert_int_equal(outcome_of(one_wrong_lane, TEST_END, any), TEST_DIFFERENT);
    assert_reported("FAILED activate/");
    assert_reported("fill uniform");
    assert_reported("a [3 x 5] ld ");
    assert_reported("again: BACKPROP_TEST_SEED=0x");
    assert_reported("BACKPROP_TEST_ISA=broken BACKPROP_TEST_CASE=activate/");
    assert_reported(test_program());
}

/* The same key brings the same data, whatever ran before. */
static void a_case_repeats_alone(void **state) {
    (void)state;
    test_table table = {"table", test_oracle(), NULL, 0};
    float values[2][16];
    size_t ld[2];
    for (size_t k = 0; k < 2; k++) {
        if (k == 1) {
            test_input(test_begin(&table, "activate", TEST_END, "other"), "z", 7, 7);
        }
        test_trial *trial = test_begin(&table, "activate", TEST_END, "repeat");
        const test_operand *z = test_input(trial, "z", 1, 16);
        memcpy(values[k], z->array.data, sizeof values[k]);
        ld[k] = z->ld;
    }
    assert_memory_equal(values[0], values[1], sizeof values[0]);
    assert_int_equal(ld[0], ld[1]);
}

/* This program counts no case on the session's own tables, so that the verdict has to be a failure. */
static void no_case_is_a_failure(void **state) {
    (void)state;
    print_message("(the failure below is the one that this test asks for)\n");
    assert_int_not_equal(test_finish(0), 0);
}

int main(int argc, char **argv) {
    (void)argc;
    /* Its cases are broken ones; a filter for real ones would leave nothing to test. */
    unsetenv("BACKPROP_TEST_CASE");
    unsetenv("BACKPROP_TEST_ISA");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_kernel_passes),
        cmocka_unit_test(writes_beside_a_row_are_caught),
        cmocka_unit_test(writes_beyond_an_array_are_caught),
        cmocka_unit_test(reads_beyond_an_array_are_caught),
        cmocka_unit_test(wrong_results_are_caught),
        cmocka_unit_test(writes_to_inputs_are_caught),
        cmocka_unit_test(faults_are_caught_and_the_run_goes_on),
        cmocka_unit_test(a_report_says_how_to_repeat_it),
        cmocka_unit_test(a_case_repeats_alone),
        cmocka_unit_test(no_case_is_a_failure),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
