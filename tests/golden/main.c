/*
 * Trains the golden networks and prints a line "name hash" for each. BACKPROP_ISA and BACKPROP_THREADS choose the
 * instruction set and the number of threads, as of any program with the library.
 */
#include "golden.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc > 2 || (argc == 2 && strcmp(argv[1], "--early") != 0)) {
        fputs("Usage: golden [--early]\nThe hashes after 1000 steps, or after 50. Status 1 if one is wrong.\n", stderr);
        return 2;
    }
    const size_t steps = argc == 2 ? GOLDEN_EARLY : GOLDEN_STEPS;
    int wrong = 0;
    for (size_t k = 0; k < GOLDEN_NETWORKS; k++) {
        const golden_network *network = &golden_networks[k];
        golden_result result;
        const bp_status status = golden_train(network, bp_network_create, 0, steps, &result);
        if (status != BP_OK) {
            fprintf(stderr, "golden: %s: %s\n", network->name, bp_status_string(status));
            return 1;
        }
        printf("%-10s  %016" PRIx64 "\n", network->name, result.hash);
        if (result.hash != golden_hash(network, steps)) {
            fprintf(stderr, "golden: %s: the hash has to be %016" PRIx64 "\n", network->name,
                    golden_hash(network, steps));
            wrong = 1;
        }
    }
    return wrong;
}
