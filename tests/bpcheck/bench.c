/*
 * Times of the kernels next to those of the scalar code, in the same cases: one size, numbers of usual sizes, whatever
 * else the cases draw, on arrays that the oracle would get, so that nothing is called in pieces.
 */
#include <float.h>
#include <string.h>
#include <time.h>

#include "enum_counts.h"
#include "harness/trial.h"
#include "results.h"

enum { ROWS = 48, COLUMNS = 144, DEPTH = 96, DRAWS = 17, CALLS_MIN = 3 };

static const double seconds_min = 5e-4;

/* Of the case that just ran; 0: it was no case to be timed. */
static double fastest;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static test_outcome time_trial(test_trial *trial, test_call *call, void *arguments) {
    fastest = 0.0;
    if (trial->fill != TEST_FILL_UNIFORM)
        return TEST_PASSED;
    fastest = DBL_MAX;
    double all = 0.0;
    for (size_t calls = 0; calls < CALLS_MIN || all < seconds_min * 1e9; calls++) {
        test_prepare_oracle(trial);
        const double start = now();
        call(trial->table->kernels, false, trial->scratch.data, arguments);
        const double elapsed = now() - start;
        all += elapsed;
        if (elapsed < fastest)
            fastest = elapsed;
    }
    return TEST_PASSED;
}

/* One case on each backend of the list; false if it is none to be timed. What a case draws depends on no table. */
static bool time_case(const kernel *k, size_t draw, uint64_t seed, const results *r, double *nanoseconds) {
    test_open(&(test_settings){.seed = seed});
    for (size_t timed = 0, t = 0; timed < r->timed; t++) {
        test_table *table = test_table_at(t);
        if (strcmp(table->name, r->timed_names[timed]) != 0)
            continue;
        k->run(table, TEST_START, (test_shape){ROWS, COLUMNS, DEPTH}, draw);
        if (fastest == 0.0)
            return false;
        nanoseconds[timed++] += fastest;
    }
    return true;
}

void time_kernels(const options *o, results *r) {
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        const char *name = bp_isa_name((bp_isa)isa);
        if (bp_cpu_supports((bp_isa)isa) && (isa == BP_ISA_SCALAR || o->table == NULL || strcmp(o->table, name) == 0))
            r->timed_names[r->timed++] = name;
    }
    test_run_by(time_trial);
    for (size_t k = 0; k < KERNELS; k++) {
        if (!is_wanted(o, &kernels[k]) || !kernels[k].in_table)
            continue;
        uint64_t seed = 1;
        for (size_t draw = 0; draw < DRAWS; draw++)
            while (!time_case(&kernels[k], draw, seed++, r, r->nanoseconds[k])) {
            }
    }
    test_run_by(NULL);
}
