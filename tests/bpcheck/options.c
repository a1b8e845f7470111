#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <backprop/cpu.h>
#include <backprop/version.h>

#include "kernels.h"
#include "program.h"

/* The names in lines under what precedes them. */
static void print_names(const char *(*name)(size_t index)) {
    enum { INDENT = 17, WIDTH = 110 };
    size_t column = WIDTH;
    for (size_t k = 0; name(k) != NULL; k++) {
        if (column + 1 + strlen(name(k)) > WIDTH)
            column = (size_t)printf("\n%*s", INDENT, "") - 1;
        column += (size_t)printf(" %s", name(k));
    }
    putchar('\n');
}

static const char *isa_name(size_t isa) {
    return bp_isa_name((bp_isa)isa);
}

static const char *kernel_name(size_t index) {
    return index < KERNELS ? kernels[index].name : NULL;
}

static void print_usage(void) {
    puts("Usage: bpcheck [OPTION]...\n"
         "Holds the library's SIMD code against its scalar code on this machine, bit for bit: every kernel, on every\n"
         "instruction set of this CPU, with random shapes, strides, offsets and contents, between pages that may not "
         "be\n"
         "touched; then trains networks whose weights are known to the bit.\n");
    fputs("  --isa NAME      one instruction set alone:", stdout);
    print_names(isa_name);
    fputs("  --kernel NAME   one kernel alone, without the trainings:", stdout);
    print_names(kernel_name);
    puts("  --seed N        of all that is random, decimal or 0x hexadecimal. Default: of the clock\n"
         "  --repeat N      rounds, each with the next seed. Default: 1\n"
         "  --minutes X     rounds until so much time has passed\n"
         "  --case KEY      one case alone, as a report of a failure names it with its --seed\n"
         "  --bench         also measures the speed of each kernel against scalar code\n"
         "  --json          prints one JSON object\n"
         "  --version       prints the library's version\n"
         "  --help          prints this\n"
         "\n"
         "Status: 0 if all bits are equal, 1 if a case failed, 2 if the command line is wrong or standard\n"
         "output does not take the report. Rounds end with the first one in which a case failed.");
}

static uint64_t parse_number(const char *option, const char *text, uint64_t least) {
    char *end = NULL;
    errno = 0;
    const uint64_t value = *text >= '0' && *text <= '9' ? strtoull(text, &end, 0) : 0; /* no blanks, no signs */
    if (!end || *end || errno || value < least)
        fail("%s %s: not a whole number from %" PRIu64 " to %" PRIu64, option, text, least, UINT64_MAX);
    return value;
}

static double parse_minutes(const char *text) {
    char *end = NULL;
    const bool starts_well = (*text >= '0' && *text <= '9') || *text == '.'; /* no blanks, signs, "inf" or "nan" */
    const double value = starts_well ? strtod(text, &end) : 0.0;
    if (!end || *end || !isfinite(value) || value <= 0.0)
        fail("--minutes %s: not a finite number above zero", text);
    return value;
}

/* ---- Options with a value --------------------------------------------------------------------------------------- */

static void take_isa(options *o, const char *value) {
    o->table = value;
}

static void take_kernel(options *o, const char *value) {
    for (size_t k = 0; k < KERNELS; k++)
        if (strcmp(value, kernels[k].name) == 0) {
            o->kernel = value;
            return;
        }
    fail("--kernel %s: unknown; --help lists the kernels", value);
}

static void take_seed(options *o, const char *value) {
    o->seed = parse_number("--seed", value, 0);
    o->seeded = true;
}

static void take_repeat(options *o, const char *value) {
    o->repeat = parse_number("--repeat", value, 1);
}

static void take_minutes(options *o, const char *value) {
    o->minutes = parse_minutes(value);
}

static void take_case(options *o, const char *value) {
    o->case_key = value;
}

static const struct {
    const char *option;
    void (*take)(options *o, const char *value);
} valued[] = {
    {"--isa", take_isa},       {"--kernel", take_kernel},   {"--seed", take_seed},
    {"--repeat", take_repeat}, {"--minutes", take_minutes}, {"--case", take_case},
};

static void take_value(options *o, const char *option, const char *value) {
    for (size_t k = 0; k < sizeof valued / sizeof *valued; k++)
        if (strcmp(option, valued[k].option) == 0) {
            if (!value)
                fail("%s: its value is missing", option);
            valued[k].take(o, value);
            return;
        }
    fail("%s: unknown option; --help lists all", option);
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

static bool take_flag(options *o, const char *option) {
    if (strcmp(option, "--help") == 0) {
        print_usage();
        exit(0);
    }
    if (strcmp(option, "--version") == 0) {
        printf("bpcheck %s\n", bp_version());
        exit(0);
    }
    const bool bench = strcmp(option, "--bench") == 0, json = strcmp(option, "--json") == 0;
    o->bench |= bench;
    o->json |= json;
    return bench || json;
}

/* Any seed will do as long as it is another one each time. */
static uint64_t clock_seed(void) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return ((uint64_t)now.tv_sec * 1000000007 + (uint64_t)now.tv_nsec) & UINT32_MAX;
}

options options_parse(int argc, char **argv) {
    options o = {0};
    for (int k = 1; k < argc; k++)
        if (!take_flag(&o, argv[k])) {
            take_value(&o, argv[k], argv[k + 1]); /* null behind the last one */
            k++;
        }
    if (o.repeat != 0 && o.minutes != 0.0)
        fail("--repeat and --minutes: only one of them");
    if (o.case_key && !o.seeded)
        fail("--case needs the --seed that was reported with it");
    if (o.case_key && (o.bench || o.kernel || o.repeat != 0 || o.minutes != 0.0))
        fail("--case goes with --seed, --isa and --json alone");
    if (!o.seeded)
        o.seed = clock_seed();
    if (o.repeat == 0)
        o.repeat = 1;
    return o;
}
