/*
 * One run of a test program: its settings from the environment, the tables that it compares, its counts.
 *
 *   BACKPROP_TEST_SEED=number   seed of all random data, decimal or 0x hexadecimal
 *   BACKPROP_TEST_QUICK=1       smaller sweeps, for emulators
 *   BACKPROP_TEST_ISA=name      compare this table alone; a plain name like avx2 brings its small variant along
 *   BACKPROP_TEST_CASE=key      run this case alone; failure reports name it
 */
#ifndef BACKPROP_TESTS_SESSION_H
#define BACKPROP_TESTS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <backprop/kernels.h>

#include "tables.h"

/** A kernel table under test. Small tables are the same kernels with tiny cache blocks, so that small arrays cross all
 *  block borders; they are named like avx2_small. The table "public" calls the public functions, see public.h. */
typedef struct test_table {
    const char *name;
    const bp_kernels *kernels;
    const bp_level *level; /* that the kernels belong to; null for "public" */
    size_t cases;          /* executed so far */
} test_table;

/** Reads the environment and prints the settings; call it first in main. A wrong setting ends the program. */
void test_start(const char *program);

/** Leaves out "public", which is no level: for tests of what only levels have. Call it after test_start. */
void test_keep_levels(void);

/**
 * Prints the counts and gives main's exit status: 0 if cmocka counted no failure, no case failed, and at least one case
 * was executed on every table.
 */
int test_finish(int cmocka_failures);

/** Calls `visit` with every table: each instruction set that this CPU can run, its small variant, and "public". */
void test_each_table(void (*visit)(test_table *table));

/** The table that all others are compared with. */
const bp_kernels *test_oracle(void);

bool test_quick(void);
uint64_t test_seed(void);

/** The path that this program was started with. */
const char *test_program(void);

/** Whether BACKPROP_TEST_CASE allows this case. */
bool test_selected(const char *key);

/** Counts one failed case. True while its report should still be printed: the first few are. */
bool test_count_failure(void);

/** Takes the failures so far back and gives their number: for the harness's own test, whose cases have to fail. */
size_t test_forgive_failures(void);

/** Fails the running cmocka test if a case failed since the last call. */
void test_expect_no_failures(void);

#endif
