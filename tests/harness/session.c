#include "session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <backprop/cpu.h>

#include "public.h"

enum { REPORTS_MAX = 10 };

#ifdef BP_TEST_SMALL_AVX2
extern const bp_level bp_level_avx2_small;
#endif
#ifdef BP_TEST_SMALL_AVX512
extern const bp_level bp_level_avx512_small;
#endif
#ifdef BP_TEST_SMALL_NEON
extern const bp_level bp_level_neon_small;
#endif

static const bp_level *const small_levels[BP_ISA_COUNT] = {
    [BP_ISA_SCALAR] = NULL,
#ifdef BP_TEST_SMALL_AVX2
    [BP_ISA_AVX2] = &bp_level_avx2_small,
#endif
#ifdef BP_TEST_SMALL_AVX512
    [BP_ISA_AVX512] = &bp_level_avx512_small,
#endif
#ifdef BP_TEST_SMALL_NEON
    [BP_ISA_NEON] = &bp_level_neon_small,
#endif
};
static const char *const small_names[BP_ISA_COUNT] = {
    [BP_ISA_AVX2] = "avx2_small", [BP_ISA_AVX512] = "avx512_small", [BP_ISA_NEON] = "neon_small"};

static struct {
    const char *program;
    uint64_t seed;
    bool quick;
    const char *case_key;
    const bp_kernels *oracle;
    test_table tables[2 * BP_ISA_COUNT + 1];
    size_t table_count;
    size_t failures, failures_seen;
} session;

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

static void read_seed(void) {
    const char *text = environment("BACKPROP_TEST_SEED");
    session.seed = 20240229;
    if (text != NULL) {
        char *end;
        session.seed = strtoull(text, &end, 0);
        if (*end != '\0' || *text == '-') {
            fprintf(stderr, "BACKPROP_TEST_SEED: '%s' is not a number\n", text);
            exit(2);
        }
    }
}

static void add_level(const char *name, const bp_level *level) {
    session.tables[session.table_count++] = (test_table){name, &level->kernels, level, 0};
}

static void list_tables(void) {
    session.table_count = 0;
    for (int isa = 0; isa < BP_ISA_COUNT; isa++) {
        const bp_kernels *kernels = NULL;
        if (!bp_cpu_supports((bp_isa)isa)) {
            continue;
        }
        if (bp_kernels_for((bp_isa)isa, &kernels) != BP_OK || kernels->isa != (bp_isa)isa) {
            fprintf(stderr, "bp_kernels_for has no table of %s, which this CPU supports\n", bp_isa_name((bp_isa)isa));
            exit(2);
        }
        /* A table of the library's is the first member of its level. */
        add_level(bp_isa_name((bp_isa)isa), (const bp_level *)(const void *)kernels);
        if (small_levels[isa] != NULL) {
            add_level(small_names[isa], small_levels[isa]);
        }
    }
    session.tables[session.table_count++] = (test_table){"public", &test_public_kernels, NULL, 0};
    session.oracle = session.tables[0].kernels;
}

static void keep_tables(const char *name) {
    size_t kept = 0;
    for (size_t k = 0; k < session.table_count; k++) {
        const test_table table = session.tables[k];
        const char *isa = bp_isa_name(table.kernels->isa);
        if (strcmp(table.name, name) == 0 || (isa != NULL && strcmp(isa, name) == 0)) {
            session.tables[kept++] = table;
        }
    }
    if (kept == 0) {
        fprintf(stderr, "BACKPROP_TEST_ISA: no table '%s' here; there are:", name);
        for (size_t k = 0; k < session.table_count; k++) {
            fprintf(stderr, " %s", session.tables[k].name);
        }
        fputc('\n', stderr);
        exit(2);
    }
    session.table_count = kept;
}

void test_start(const char *program) {
    session.program = program;
    read_seed();
    const char *quick = environment("BACKPROP_TEST_QUICK");
    session.quick = quick != NULL && strcmp(quick, "0") != 0;
    session.case_key = environment("BACKPROP_TEST_CASE");
    list_tables();
    const char *table = environment("BACKPROP_TEST_ISA");
    if (table != NULL) {
        keep_tables(table);
    }
    printf("seed 0x%llx%s, tables", (unsigned long long)session.seed, session.quick ? ", quick" : "");
    for (size_t k = 0; k < session.table_count; k++) {
        printf(" %s", session.tables[k].name);
    }
    putchar('\n');
    fflush(stdout);
}

void test_keep_levels(void) {
    size_t kept = 0;
    for (size_t k = 0; k < session.table_count; k++) {
        if (session.tables[k].level != NULL) {
            session.tables[kept++] = session.tables[k];
        }
    }
    session.table_count = kept;
}

int test_finish(int cmocka_failures) {
    size_t all = 0, empty = 0;
    printf("cases:");
    for (size_t k = 0; k < session.table_count; k++) {
        printf(" %s %zu", session.tables[k].name, session.tables[k].cases);
        all += session.tables[k].cases;
        empty += session.tables[k].cases == 0;
    }
    printf("; %zu failed\n", session.failures);
    fflush(stdout);
    if (session.case_key != NULL && all == 0) {
        fprintf(stderr, "BACKPROP_TEST_CASE: there is no case '%s'\n", session.case_key);
        return 1;
    }
    if (session.case_key == NULL && (empty > 0 || all == 0)) {
        fprintf(stderr, "FAILED: no case was executed on %zu of the tables\n", empty);
        return 1;
    }
    return cmocka_failures != 0 || session.failures != 0;
}

void test_each_table(void (*visit)(test_table *table)) {
    for (size_t k = 0; k < session.table_count; k++) {
        visit(&session.tables[k]);
    }
    test_expect_no_failures();
}

const bp_kernels *test_oracle(void) {
    return session.oracle;
}

bool test_quick(void) {
    return session.quick;
}

uint64_t test_seed(void) {
    return session.seed;
}

const char *test_program(void) {
    return session.program;
}

bool test_selected(const char *key) {
    return session.case_key == NULL || strcmp(session.case_key, key) == 0;
}

bool test_count_failure(void) {
    session.failures++;
    if (session.failures == REPORTS_MAX + 1) {
        fprintf(stderr, "further reports are left out\n");
    }
    return session.failures <= REPORTS_MAX;
}

size_t test_forgive_failures(void) {
    const size_t failures = session.failures;
    session.failures = 0;
    return failures;
}

void test_expect_no_failures(void) {
    const size_t fresh = session.failures - session.failures_seen;
    session.failures_seen = session.failures;
    if (fresh != 0) {
        fail_msg("%zu cases failed", fresh);
    }
}
