/* The golden hashes on every instruction set. */
#include <stdio.h>
#include <string.h>

#include "enum_counts.h"
#include "results.h"

static void train_all(bp_isa isa, size_t steps, results *r) {
    golden_run *run = &r->golden[r->golden_runs++];
    *run = (golden_run){.isa = bp_isa_name(isa), .steps = steps};
    bp_status status = bp_cpu_set(isa);
    for (size_t k = 0; k < GOLDEN_NETWORKS; k++) {
        golden_result trained = {0};
        if (status == BP_OK)
            status = golden_train(&golden_networks[k], bp_network_create, 0, steps, &trained);
        run->hashes[k] = trained.hash;
        run->wrong += trained.hash != golden_hash(&golden_networks[k], steps);
    }
    if (status != BP_OK)
        fprintf(stderr, "FAILED golden hashes on %s: %s\n", run->isa, bp_status_string(status));
}

static bool takes_part(const options *o, bp_isa isa) {
    return bp_cpu_supports(isa) && (o->table == NULL || strcmp(o->table, bp_isa_name(isa)) == 0);
}

void check_golden(const options *o, results *r) {
    for (int isa = ISA_COUNT; isa-- > 0;)
        if (takes_part(o, (bp_isa)isa)) {
            /* The scalar code takes long, and after the others it only has to agree with them for a while. */
            const bool is_short = isa == BP_ISA_SCALAR && r->golden_runs > 0;
            train_all((bp_isa)isa, is_short ? GOLDEN_EARLY : GOLDEN_STEPS, r);
        }
}
