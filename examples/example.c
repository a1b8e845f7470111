#include "example.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check(bp_status status) {
    if (status != BP_OK)
        fail("%s", bp_status_string(status));
}

static _Noreturn void print_help(const char *about, const example_option *options, size_t count) {
    printf("Usage: %s [OPTION VALUE]...\n%s\n\n", program_name(), about);
    for (size_t k = 0; k < count; k++)
        printf("  %-12s %s. Default: %s\n", options[k].name, options[k].help,
               options[k].value ? options[k].value : "none");
    printf("  --help       print this\n");
    exit(0);
}

void example_options(int argc, char **argv, const char *about, example_option *options, size_t count) {
    program_start(argv[0]);
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0)
            print_help(about, options, count);
        size_t k = 0;
        while (k < count && strcmp(argv[i], options[k].name) != 0)
            k++;
        if (k == count)
            fail("%s: unknown option (see --help)", argv[i]);
        if (!argv[i + 1]) /* argv[argc] is null */
            fail("%s: its value is missing", argv[i]);
        options[k].value = argv[i + 1];
    }
}

uint64_t example_number(const example_option *option, uint64_t least, uint64_t most) {
    uint64_t sum = 0;
    bool good = *option->value != '\0';
    for (const char *c = option->value; good && *c; c++) {
        const uint64_t digit = (uint64_t)(*c - '0');
        good = *c >= '0' && *c <= '9' && digit <= most && sum <= (most - digit) / 10;
        sum = sum * 10 + digit;
    }
    if (!good || sum < least)
        fail("%s %s: not a whole number from %" PRIu64 " to %" PRIu64, option->name, option->value, least, most);
    return sum;
}

void example_finish(const bp_network *network) {
    if (!bp_cpu_covered())
        printf("note: this CPU has no fused multiply-add; its weights differ from those of others\n");
    printf("weights: %016" PRIx64 "\n", bp_network_hash(network));
}
