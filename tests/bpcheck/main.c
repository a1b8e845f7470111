/*
 * bpcheck: the library's SIMD code against its scalar code, on the machine at hand. Its cases are those of the tests
 * (../cases); its networks are those whose hashes the README prints (../golden).
 */
#include <inttypes.h>
#include <stdio.h>

#include <backprop/version.h>

#include "program.h"
#include "results.h"

static size_t wrong_hashes(const results *r) {
    size_t wrong = 0;
    for (size_t g = 0; g < r->golden_runs && bp_cpu_covered(); g++)
        wrong += r->golden[g].wrong;
    return wrong;
}

int main(int argc, char **argv) {
    static results r;
    program_start("bpcheck");
    const options o = options_parse(argc, argv);
    bp_cpu_set(bp_cpu_best()); /* for the public functions, whatever the environment says */
    check_open(&o, &r);
    if (!o.json && !o.case_key) {
        printf("bpcheck %s, seed 0x%" PRIx64 "\n", bp_version(), o.seed);
        fflush(stdout);
    }
    check_kernels(&o, &r);
    if (!o.kernel && !o.case_key)
        check_golden(&o, &r);
    if (o.bench)
        time_kernels(&o, &r);
    if (o.json)
        print_json(&o, &r);
    else
        print_text(&o, &r);
    return results_failed(&r) != 0 || wrong_hashes(&r) != 0;
}
