/* The golden hashes on every backend and for 1 to 8 threads; and that the networks learn, so that hashes mean
 * something.
 */
#include <math.h>

#include "harness/harness.h"

#include "golden/golden.h"
#include "network/create.h"

enum { THREADS_MAX = 8 };

/* Of the table under test; null: the backend in use. */
static const bp_backend *backend;

static bp_status create(const bp_network_config *config, bp_network **network) {
    return backend ? bp_network_create_on(backend, config, network) : bp_network_create(config, network);
}

static void check_hash(test_table *table, const golden_network *network, size_t threads, size_t steps) {
    golden_result r;
    backend = table->backend;
    assert_int_equal(golden_train(network, create, threads, steps, &r), BP_OK);
    table->cases++;
    const uint64_t expected = golden_hash(network, steps);
    if (r.hash != expected && bp_cpu_covered())
        fail_msg("%s on %s, %zu threads, %zu steps: %016llx instead of %016llx", network->name, table->name, threads,
                 steps, (unsigned long long)r.hash, (unsigned long long)expected);
    if (!(r.last < r.first) || !isfinite(r.first))
        fail_msg("%s does not learn: loss from %g to %g", network->name, (double)r.first, (double)r.last);
}

/* Whole trainings where they take no time. */
static void check_table(test_table *table) {
    const bool slow = test_quick() || table->kernels->isa == BP_ISA_SCALAR;
    for (size_t k = 0; k < GOLDEN_NETWORKS; k++) {
        check_hash(table, &golden_networks[k], 1, slow ? GOLDEN_EARLY : GOLDEN_STEPS);
        for (size_t threads = 2; threads <= THREADS_MAX; threads += slow ? 3 : 1)
            check_hash(table, &golden_networks[k], threads, GOLDEN_EARLY);
    }
}

static void all_hashes(void **state) {
    (void)state;
    test_each_table(check_table);
}

static size_t threads_of(const golden_network *network) {
    bp_network *n = NULL;
    bp_network_config config = bp_network_config_defaults();
    config.layers = network->layers;
    config.sizes = network->sizes;
    config.activations = network->activations;
    config.loss = network->loss;
    config.max_batch_size = network->rows;
    config.threads = THREADS_MAX;
    assert_int_equal(bp_network_create(&config, &n), BP_OK);
    const size_t threads = bp_network_threads(n);
    bp_network_destroy(n);
    return threads;
}

/* Else the numbers of threads above would all be one. */
static void one_network_is_worth_all_threads(void **state) {
    (void)state;
    assert_int_equal(threads_of(&golden_networks[GOLDEN_NETWORKS - 1]), THREADS_MAX);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_hashes),
        cmocka_unit_test(one_network_is_worth_all_threads),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
