/* The rounds of cases. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "program.h"
#include "results.h"

/* Of each kernel on each table in a round: all of it takes some seconds. */
enum { ROUND_CASES = 100 };

/* Where failures of the round under way are noted. */
static results *noting;

static void say_again(FILE *out, const char *table, const char *key) {
    fprintf(out, "bpcheck --seed 0x%" PRIx64 " --isa %s --case %s", test_seed(), table, key);
    if (noting->failure_count < FAILURES_MAX) {
        failure *f = &noting->failures[noting->failure_count++];
        f->seed = test_seed();
        snprintf(f->table, sizeof f->table, "%s", table);
        snprintf(f->key, sizeof f->key, "%s", key);
    }
}

bool is_wanted(const options *o, const kernel *k) {
    const size_t length = strlen(k->name);
    if (o->case_key != NULL)
        return strncmp(o->case_key, k->name, length) == 0 && o->case_key[length] == '/';
    return o->kernel == NULL || strcmp(o->kernel, k->name) == 0;
}

static void open_round(const options *o, uint64_t seed) {
    const test_settings settings = {.seed = seed, .table = o->table, .case_key = o->case_key, .say_again = say_again};
    if (!test_open(&settings)) {
        bp_isa isa;
        fail("--isa %s: %s", o->table,
             bp_isa_from_name(o->table, &isa) == BP_OK ? "this machine cannot run that instruction set"
                                                       : "unknown instruction set; --help lists all");
    }
}

/* Shapes depend on the seed, the kernel and the table's tile, so that any case is found again. */
static void check_kernel(const kernel *k, test_table *table) {
    test_random random = test_random_for(test_seed(), k->name);
    for (size_t number = 0; number < ROUND_CASES; number++) {
        const test_shape shape = draw_shape(k, table->kernels, &random);
        k->run(table, test_random_below(&random, 2) ? TEST_END : TEST_START, shape, number);
    }
}

static void check_round(const options *o, results *r) {
    for (size_t k = 0; k < KERNELS; k++) {
        for (size_t t = 0; is_wanted(o, &kernels[k]) && t < r->tables; t++) {
            test_table *table = test_table_at(t);
            const size_t cases = table->cases, failures = test_failures();
            check_kernel(&kernels[k], table);
            r->cases[k][t] += table->cases - cases;
            r->failed[k][t] += test_failures() - failures;
        }
    }
    r->rounds++;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool goes_on(const options *o, const results *r) {
    if (results_failed(r) != 0)
        return false;
    return o->minutes != 0.0 ? r->seconds < 60.0 * o->minutes : r->rounds < o->repeat;
}

void check_open(const options *o, results *r) {
    open_round(o, o->seed);
    for (; test_table_at(r->tables) != NULL; r->tables++)
        r->table_names[r->tables] = test_table_at(r->tables)->name;
}

void check_kernels(const options *o, results *r) {
    const double start = now();
    noting = r;
    do {
        open_round(o, o->seed + r->rounds);
        check_round(o, r);
        r->seconds = now() - start;
    } while (goes_on(o, r));
    if (results_cases(r) == 0)
        fail("--case %s: there is no such case of that --seed", o->case_key);
}
