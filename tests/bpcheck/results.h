/* What bpcheck found. */
#ifndef BPCHECK_RESULTS_H
#define BPCHECK_RESULTS_H

#include "enum_counts.h"
#include "golden/golden.h"
#include "harness/run.h"
#include "kernels.h"
#include "options.h"

enum { TABLES_MAX = 2 * ISA_COUNT + 1, FAILURES_MAX = 10 };

/** How a failed case can be run again. */
typedef struct failure {
    uint64_t seed;
    char table[16], key[128];
} failure;

typedef struct golden_run {
    const char *isa;
    size_t steps;
    uint64_t hashes[GOLDEN_NETWORKS];
    size_t wrong;
} golden_run;

typedef struct results {
    size_t tables;
    const char *table_names[TABLES_MAX];
    size_t rounds;
    double seconds;
    size_t cases[KERNELS][TABLES_MAX], failed[KERNELS][TABLES_MAX];
    failure failures[FAILURES_MAX]; /* the first ones */
    size_t failure_count;           /* of these */
    golden_run golden[ISA_COUNT];
    size_t golden_runs;
    /* Of each backend on which kernels were timed, scalar first: nanoseconds, summed over the same calls. */
    const char *timed_names[ISA_COUNT];
    size_t timed;
    double nanoseconds[KERNELS][ISA_COUNT];
} results;

size_t results_cases(const results *r);
size_t results_failed(const results *r);

/** Whether a kernel takes part. */
bool is_wanted(const options *o, const kernel *k);

/** Lists the tables. Ends the program if there is not the one that the options name. */
void check_open(const options *o, results *r);

/** Runs the rounds. Ends the program if there is not the case that the options name. */
void check_kernels(const options *o, results *r);

/** Trains the golden networks on every instruction set that takes part. */
void check_golden(const options *o, results *r);

/** Times the kernels on the same instruction sets. */
void time_kernels(const options *o, results *r);

void print_text(const options *o, const results *r);
void print_json(const options *o, const results *r);

#endif
