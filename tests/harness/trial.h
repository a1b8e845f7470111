/*
 * One case of a kernel test: the same call once on the oracle's table and once on the table under test, each with its
 * own outputs, then every output compared bit for bit and every array searched for damage.
 *
 *   test_trial *trial = test_begin(table, "dense_forward", side, "%zux%zux%zu", batch, in, out);
 *   if (trial == NULL) return;                      (BACKPROP_TEST_CASE asks for another one)
 *   forward f = {.x = test_input(trial, "x", batch, in), ..., .a = test_output(trial, "a", batch, out)};
 *   test_run(trial, call_forward, &f);
 *
 * Fill, strides and offsets are drawn from the case's own random numbers, which depend on seed and key alone.
 */
#ifndef BACKPROP_TESTS_TRIAL_H
#define BACKPROP_TESTS_TRIAL_H

#include <stdbool.h>
#include <stddef.h>

#include <backprop/dense.h>

#include "array.h"
#include "fill.h"
#include "random.h"
#include "run.h"

typedef enum test_role {
    TEST_INPUT,   /* read-only during the calls */
    TEST_OUTPUT,  /* not written yet */
    TEST_UPDATED, /* read and written */
    TEST_IN_PLACE /* an output that lies, for the table under test, in an input's place */
} test_role;

typedef struct test_operand {
    float *data; /* the array of the running call */
    size_t ld;
    /* The rest belongs to the harness. */
    const char *name;
    test_role role;
    struct test_operand *source; /* TEST_IN_PLACE: that input */
    test_array array;            /* of the table under test; an input's only one */
    test_array expected;         /* of the oracle */
} test_operand;

enum { TEST_OPERANDS_MAX = 11 };

typedef struct test_trial {
    test_table *table;
    const char *kernel;
    char key[128];
    char note[192];
    test_random random;
    test_side side;
    test_fill_kind fill;
    test_array scratch; /* test_scratch_bytes(), flush against a guard page */
    size_t operand_count;
    test_operand operands[TEST_OPERANDS_MAX];
} test_trial;

/** What came out of a trial, worst first. */
typedef enum test_outcome {
    TEST_FAULT,     /* a signal: touched a guard page or a read-only input, or an instruction that is none */
    TEST_DAMAGE,    /* wrote outside the rows of an array */
    TEST_DIFFERENT, /* other bits than the oracle, or an element not written */
    TEST_PASSED
} test_outcome;

/** Starts a case; its key is kernel/sizes/side. Null if it is not selected. There is one trial at a time. */
test_trial *test_begin(test_table *table, const char *kernel, test_side side, const char *sizes, ...)
    __attribute__((format(printf, 4, 5)));

/** Whether rows of later trials' arrays begin whole pages apart; else it is drawn, and hardly ever so. */
void test_whole_pages(bool apart);

/** Adds to the case's description, in the report of a failure. */
void test_note(test_trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

test_operand *test_input(test_trial *trial, const char *name, size_t rows, size_t columns);
test_operand *test_output(test_trial *trial, const char *name, size_t rows, size_t columns);
test_operand *test_updated(test_trial *trial, const char *name, size_t rows, size_t columns);

/** The same with the shape and the stride of another operand. */
test_operand *test_updated_like(test_trial *trial, const char *name, const test_operand *other);

/** An output of the shape of `source`. The table under test gets it in the same memory, with what `source` holds. */
test_operand *test_output_in_place(test_trial *trial, const char *name, test_operand *source);

/** Class labels, uint32_t, one row. */
test_operand *test_labels(test_trial *trial, const char *name, size_t count, size_t classes);

static inline const uint32_t *test_labels_data(const test_operand *labels) {
    return (const uint32_t *)(const void *)labels->data;
}

/** Null for a null operand: for arrays that a call may leave out. */
static inline float *test_data(const test_operand *operand) {
    return operand != NULL ? operand->data : NULL;
}

static inline size_t test_ld(const test_operand *operand) {
    return operand != NULL ? operand->ld : 0;
}

/** The most scratch that any dense function needs. */
static inline size_t test_scratch_bytes(void) {
    return bp_dense_scratch_bytes(4096, 4096, 4096);
}

/** Of a call's scratch, the last bp_dense_scratch_bytes(batch, in, out) bytes: a guard page lies behind. */
static inline void *test_scratch_for(void *scratch, size_t batch, size_t in, size_t out) {
    return (char *)scratch + (test_scratch_bytes() - bp_dense_scratch_bytes(batch, in, out));
}

/** One call of the kernel. `under_test`: on the table under test, which may also be called in pieces. */
typedef void test_call(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments);

/** Runs, compares, counts and, where the case fails, reports. */
test_outcome test_run(test_trial *trial, test_call *call, void *arguments);

/** What test_run does instead of all that, if it is set: for programs that time cases. Null: nothing else. */
typedef test_outcome test_runner(test_trial *trial, test_call *call, void *arguments);
void test_run_by(test_runner *runner);

/** Points all operands at the arrays of the oracle's call and fills those that it updates, as often as it is called. */
void test_prepare_oracle(test_trial *trial);

/** Where reports go: stderr unless set. */
void test_report_to(FILE *stream);

#endif
