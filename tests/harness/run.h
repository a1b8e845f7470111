/* One run of kernel cases: its settings, the tables that it compares, its counts. No test framework takes part. */
#ifndef BACKPROP_TESTS_RUN_H
#define BACKPROP_TESTS_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <backprop/kernels.h>

#include "backend.h"

/** A kernel table under test. Small tables are the same kernels with tiny cache blocks, so that small arrays cross all
 *  block borders; they are named like avx2_small. The table "public" calls the public functions, see public.h. */
typedef struct test_table {
    const char *name;
    const bp_kernels *kernels;
    const bp_backend *backend; /* that the kernels belong to; null for "public" */
    size_t cases;              /* executed so far */
} test_table;

typedef struct test_settings {
    uint64_t seed;        /* of all random data */
    bool quick;           /* smaller sweeps */
    const char *table;    /* compare this one alone, an ISA's name brings its small variant along; null: all */
    const char *case_key; /* run this case alone; null: all */
    /** Says on `out` in one line how a case can be run again. */
    void (*say_again)(FILE *out, const char *table, const char *key);
} test_settings;

/** Begins, or begins anew with all counts at zero. False if there is no such table; then no other is left out. */
bool test_open(const test_settings *settings);

/** Leaves out "public", which is no backend: for tests of what only backends have. Call it after test_open. */
void test_keep_levels(void);

/** The tables of this run, each instruction set that this CPU can run, its small variant, and "public"; null behind the
 *  last one. */
test_table *test_table_at(size_t index);

/** The table that all others are compared with. */
const bp_kernels *test_oracle(void);

bool test_quick(void);
uint64_t test_seed(void);

/** Whether the settings allow this case. */
bool test_selected(const char *key);

/** Counts one failed case. True while its report should still be printed: the first few are. */
bool test_count_failure(void);

size_t test_failures(void);

/** Takes the failures so far back and gives their number: for the harness's own test, whose cases have to fail. */
size_t test_forgive_failures(void);

/** Says on `out` how the case can be run again, as the settings have it. */
void test_say_again(FILE *out, const char *table, const char *key);

#endif
