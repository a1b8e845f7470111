#include "run.h"

#include <stdlib.h>
#include <string.h>

#include <backprop/cpu.h>

#include "enum_counts.h"
#include "public.h"

enum { REPORTS_MAX = 10 };

#ifdef BP_TEST_SMALL_AVX2
extern const bp_backend bp_backend_avx2_small;
#endif
#ifdef BP_TEST_SMALL_AVX512
extern const bp_backend bp_backend_avx512_small;
#endif
#ifdef BP_TEST_SMALL_NEON
extern const bp_backend bp_backend_neon_small;
#endif

static const bp_backend *const small_levels[ISA_COUNT] = {
    [BP_ISA_SCALAR] = NULL,
#ifdef BP_TEST_SMALL_AVX2
    [BP_ISA_AVX2] = &bp_backend_avx2_small,
#endif
#ifdef BP_TEST_SMALL_AVX512
    [BP_ISA_AVX512] = &bp_backend_avx512_small,
#endif
#ifdef BP_TEST_SMALL_NEON
    [BP_ISA_NEON] = &bp_backend_neon_small,
#endif
};
static const char *const small_names[ISA_COUNT] = {
    [BP_ISA_AVX2] = "avx2_small", [BP_ISA_AVX512] = "avx512_small", [BP_ISA_NEON] = "neon_small"};

static struct {
    test_settings settings;
    const bp_kernels *oracle;
    test_table tables[2 * ISA_COUNT + 1];
    size_t table_count;
    size_t failures;
} run;

static void add_level(const char *name, const bp_backend *backend) {
    run.tables[run.table_count++] = (test_table){name, &backend->kernels, backend, 0};
}

static void list_tables(void) {
    run.table_count = 0;
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        const bp_kernels *kernels = NULL;
        if (!bp_cpu_supports((bp_isa)isa)) {
            continue;
        }
        if (bp_kernels_for((bp_isa)isa, &kernels) != BP_OK || kernels->isa != (bp_isa)isa) {
            fprintf(stderr, "bp_kernels_for has no table of %s, which this CPU supports\n", bp_isa_name((bp_isa)isa));
            exit(2);
        }
        /* A table of the library's is the first member of its backend. */
        add_level(bp_isa_name((bp_isa)isa), (const bp_backend *)(const void *)kernels);
        if (small_levels[isa] != NULL) {
            add_level(small_names[isa], small_levels[isa]);
        }
    }
    run.tables[run.table_count++] = (test_table){"public", &test_public_kernels, NULL, 0};
    run.oracle = run.tables[0].kernels;
}

static bool keep_tables(const char *name) {
    size_t kept = 0;
    for (size_t k = 0; k < run.table_count; k++) {
        const test_table table = run.tables[k];
        const char *isa = bp_isa_name(table.kernels->isa);
        if (strcmp(table.name, name) == 0 || (isa != NULL && strcmp(isa, name) == 0)) {
            run.tables[kept++] = table;
        }
    }
    if (kept == 0) {
        return false;
    }
    run.table_count = kept;
    return true;
}

bool test_open(const test_settings *settings) {
    run.settings = *settings;
    run.failures = 0;
    list_tables();
    return settings->table == NULL || keep_tables(settings->table);
}

test_table *test_table_at(size_t index) {
    return index < run.table_count ? &run.tables[index] : NULL;
}

void test_keep_levels(void) {
    size_t kept = 0;
    for (size_t k = 0; k < run.table_count; k++) {
        if (run.tables[k].backend != NULL) {
            run.tables[kept++] = run.tables[k];
        }
    }
    run.table_count = kept;
}

const bp_kernels *test_oracle(void) {
    return run.oracle;
}

bool test_quick(void) {
    return run.settings.quick;
}

uint64_t test_seed(void) {
    return run.settings.seed;
}

bool test_selected(const char *key) {
    return run.settings.case_key == NULL || strcmp(run.settings.case_key, key) == 0;
}

bool test_count_failure(void) {
    run.failures++;
    if (run.failures == REPORTS_MAX + 1) {
        fprintf(stderr, "further reports are left out\n");
    }
    return run.failures <= REPORTS_MAX;
}

size_t test_failures(void) {
    return run.failures;
}

size_t test_forgive_failures(void) {
    const size_t failures = run.failures;
    run.failures = 0;
    return failures;
}

void test_say_again(FILE *out, const char *table, const char *key) {
    run.settings.say_again(out, table, key);
}
