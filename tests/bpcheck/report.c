/* What was found, for people and for programs. */
#include <inttypes.h>
#include <stdio.h>

#include <backprop/version.h>

#include "results.h"

size_t results_cases(const results *r) {
    size_t all = 0;
    for (size_t k = 0; k < KERNELS; k++)
        for (size_t t = 0; t < r->tables; t++)
            all += r->cases[k][t];
    return all;
}

size_t results_failed(const results *r) {
    size_t all = 0;
    for (size_t k = 0; k < KERNELS; k++)
        for (size_t t = 0; t < r->tables; t++)
            all += r->failed[k][t];
    return all;
}

/* ---- Text ------------------------------------------------------------------------------------------------------- */

static void print_cases(const options *o, const results *r) {
    printf("%-27s", "cases");
    for (size_t t = 0; t < r->tables; t++)
        printf(" %12s", r->table_names[t]);
    putchar('\n');
    for (size_t k = 0; k < KERNELS; k++) {
        if (!is_wanted(o, &kernels[k]))
            continue;
        printf("%-27s", kernels[k].name);
        for (size_t t = 0; t < r->tables; t++) {
            char failed[32] = "";
            if (r->failed[k][t] != 0)
                snprintf(failed, sizeof failed, "%zu FAILED/", r->failed[k][t]);
            char text[64];
            snprintf(text, sizeof text, "%s%zu", failed, r->cases[k][t]);
            printf(" %12s", text);
        }
        putchar('\n');
    }
    printf("%zu cases in %zu %s, %.1f s: %zu failed\n", results_cases(r), r->rounds,
           r->rounds == 1 ? "round" : "rounds", r->seconds, results_failed(r));
}

static void print_golden(const results *r) {
    const golden_run *first = &r->golden[0];
    puts("\ngolden hashes: the weights of six networks after 1000 steps");
    for (size_t k = 0; k < GOLDEN_NETWORKS; k++)
        printf("%-10s  %016" PRIx64 "\n", golden_networks[k].name, first->hashes[k]);
    if (!bp_cpu_covered()) {
        puts("this CPU has no fused multiply-add: the promise of equal bits does not cover it");
        return;
    }
    for (size_t g = 0; g < r->golden_runs; g++)
        printf("%s%s on %s%s", g == 0 ? "" : ", ", r->golden[g].wrong == 0 ? "right" : "WRONG", r->golden[g].isa,
               r->golden[g].steps == GOLDEN_STEPS ? "" : " (50 steps)");
    putchar('\n');
}

static void print_times(const options *o, const results *r) {
    printf("\n%-27s", "microseconds");
    for (size_t t = 0; t < r->timed; t++)
        printf(" %9s%9s", r->timed_names[t], "");
    putchar('\n');
    for (size_t k = 0; k < KERNELS; k++) {
        if (!is_wanted(o, &kernels[k]) || !kernels[k].in_table)
            continue;
        printf("%-27s", kernels[k].name);
        for (size_t t = 0; t < r->timed; t++)
            printf(" %9.1f %6.1f x", r->nanoseconds[k][t] * 1e-3, r->nanoseconds[k][0] / r->nanoseconds[k][t]);
        putchar('\n');
    }
}

void print_text(const options *o, const results *r) {
    print_cases(o, r);
    if (r->golden_runs != 0)
        print_golden(r);
    if (r->timed != 0)
        print_times(o, r);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

/* All names are of letters, digits and signs that JSON takes as they are. */

static const char *comma(size_t index) {
    return index == 0 ? "" : ",";
}

static void print_json_cases(const options *o, const results *r) {
    size_t printed = 0;
    fputs("  \"cases\": {", stdout);
    for (size_t k = 0; k < KERNELS; k++) {
        if (!is_wanted(o, &kernels[k]))
            continue;
        printf("%s\n    \"%s\": {", comma(printed++), kernels[k].name);
        for (size_t t = 0; t < r->tables; t++)
            printf("%s \"%s\": {\"run\": %zu, \"failed\": %zu}", comma(t), r->table_names[t], r->cases[k][t],
                   r->failed[k][t]);
        fputs(" }", stdout);
    }
    fputs("\n  },\n  \"failures\": [", stdout);
    for (size_t k = 0; k < r->failure_count; k++)
        printf("%s\n    {\"seed\": \"0x%" PRIx64 "\", \"isa\": \"%s\", \"case\": \"%s\"}", comma(k),
               r->failures[k].seed, r->failures[k].table, r->failures[k].key);
    fputs("\n  ]", stdout);
}

static void print_json_golden(const results *r) {
    fputs(",\n  \"golden\": [", stdout);
    for (size_t g = 0; g < r->golden_runs; g++) {
        printf("%s\n    {\"isa\": \"%s\", \"steps\": %zu, \"wrong\": %zu, \"hashes\": {", comma(g), r->golden[g].isa,
               r->golden[g].steps, r->golden[g].wrong);
        for (size_t k = 0; k < GOLDEN_NETWORKS; k++)
            printf("%s \"%s\": \"%016" PRIx64 "\"", comma(k), golden_networks[k].name, r->golden[g].hashes[k]);
        fputs(" }}", stdout);
    }
    fputs("\n  ]", stdout);
}

static void print_json_times(const options *o, const results *r) {
    size_t printed = 0;
    fputs(",\n  \"nanoseconds\": {", stdout);
    for (size_t k = 0; k < KERNELS; k++) {
        if (!is_wanted(o, &kernels[k]) || !kernels[k].in_table)
            continue;
        printf("%s\n    \"%s\": {", comma(printed++), kernels[k].name);
        for (size_t t = 0; t < r->timed; t++)
            printf("%s \"%s\": %.0f", comma(t), r->timed_names[t], r->nanoseconds[k][t]);
        fputs(" }", stdout);
    }
    fputs("\n  }", stdout);
}

void print_json(const options *o, const results *r) {
    printf("{\n  \"version\": \"%s\",\n  \"seed\": \"0x%" PRIx64 "\",\n  \"rounds\": %zu,\n  \"seconds\": %.3f,\n"
           "  \"covered\": %s,\n",
           bp_version(), o->seed, r->rounds, r->seconds, bp_cpu_covered() ? "true" : "false");
    print_json_cases(o, r);
    if (r->golden_runs != 0)
        print_json_golden(r);
    if (r->timed != 0)
        print_json_times(o, r);
    fputs("\n}\n", stdout);
}
