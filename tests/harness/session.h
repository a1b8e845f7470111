/*
 * A test program of cmocka: its settings from the environment, its verdict.
 *
 *   BACKPROP_TEST_SEED=number   seed of all random data, decimal or 0x hexadecimal
 *   BACKPROP_TEST_QUICK=1       smaller sweeps, for emulators
 *   BACKPROP_TEST_ISA=name      compare this table alone; a plain name like avx2 brings its small variant along
 *   BACKPROP_TEST_CASE=key      run this case alone; failure reports name it
 */
#ifndef BACKPROP_TESTS_SESSION_H
#define BACKPROP_TESTS_SESSION_H

#include "run.h"

/** Reads the environment and prints the settings; call it first in main. A wrong setting ends the program. */
void test_start(const char *program);

/**
 * Prints the counts and gives main's exit status: 0 if cmocka counted no failure, no case failed, and at least one case
 * was executed on every table.
 */
int test_finish(int cmocka_failures);

/** Calls `visit` with every table, then test_expect_no_failures. */
void test_each_table(void (*visit)(test_table *table));

/** The path that this program was started with. */
const char *test_program(void);

/** Fails the running cmocka test if a case failed since the last call. */
void test_expect_no_failures(void);

#endif
