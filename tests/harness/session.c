#include "session.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct {
    const char *path;
    bool one_case;
    size_t failures_seen;
} program;

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

static uint64_t read_seed(void) {
    const char *text = environment("BACKPROP_TEST_SEED");
    if (text == NULL) {
        return 20240229;
    }
    char *end;
    const uint64_t seed = strtoull(text, &end, 0);
    if (*end != '\0' || *text == '-') {
        fprintf(stderr, "BACKPROP_TEST_SEED: '%s' is not a number\n", text);
        exit(2);
    }
    return seed;
}

static void say_again(FILE *out, const char *table, const char *key) {
    fprintf(out, "BACKPROP_TEST_SEED=0x%" PRIx64 " BACKPROP_TEST_ISA=%s BACKPROP_TEST_CASE=%s %s", test_seed(), table,
            key, program.path);
}

static void print_tables(FILE *out) {
    for (size_t k = 0; test_table_at(k) != NULL; k++) {
        fprintf(out, " %s", test_table_at(k)->name);
    }
    fputc('\n', out);
    fflush(out);
}

void test_start(const char *path) {
    const char *quick = environment("BACKPROP_TEST_QUICK");
    const test_settings settings = {
        .seed = read_seed(),
        .quick = quick != NULL && strcmp(quick, "0") != 0,
        .table = environment("BACKPROP_TEST_ISA"),
        .case_key = environment("BACKPROP_TEST_CASE"),
        .say_again = say_again,
    };
    program.path = path;
    program.one_case = settings.case_key != NULL;
    if (!test_open(&settings)) {
        fprintf(stderr, "BACKPROP_TEST_ISA: no table '%s' here; there are:", settings.table);
        print_tables(stderr);
        exit(2);
    }
    printf("seed 0x%" PRIx64 "%s, tables", settings.seed, settings.quick ? ", quick" : "");
    print_tables(stdout);
}

int test_finish(int cmocka_failures) {
    size_t all = 0, empty = 0;
    printf("cases:");
    for (size_t k = 0; test_table_at(k) != NULL; k++) {
        const test_table *table = test_table_at(k);
        printf(" %s %zu", table->name, table->cases);
        all += table->cases;
        empty += table->cases == 0;
    }
    printf("; %zu failed\n", test_failures());
    fflush(stdout);
    if (program.one_case && all == 0) {
        fprintf(stderr, "BACKPROP_TEST_CASE: there is no such case\n");
        return 1;
    }
    if (!program.one_case && (empty > 0 || all == 0)) {
        fprintf(stderr, "FAILED: no case was executed on %zu of the tables\n", empty);
        return 1;
    }
    return cmocka_failures != 0 || test_failures() != 0;
}

void test_each_table(void (*visit)(test_table *table)) {
    for (size_t k = 0; test_table_at(k) != NULL; k++) {
        visit(test_table_at(k));
    }
    test_expect_no_failures();
}

const char *test_program(void) {
    return program.path;
}

void test_expect_no_failures(void) {
    const size_t fresh = test_failures() - program.failures_seen;
    program.failures_seen = test_failures();
    if (fresh != 0) {
        fail_msg("%zu cases failed", fresh);
    }
}
