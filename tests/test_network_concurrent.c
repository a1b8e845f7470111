/*
 * Many networks trained in many threads at the same time, made and destroyed meanwhile, while other threads read and
 * change the instruction set: each has the bits of one that was alone.
 */
#include "enum_counts.h"
#include "network_support.h"

enum { TRAINERS = 6, READERS = 2, ROWS = 24, KINDS = 3 };

static const net nets[KINDS] = {
    {.layers = 2,
     .sizes = {2, 6, 2},
     .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE},
    {.layers = 3,
     .sizes = {20, 40, 30, 5},
     .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_GELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY},
    {.layers = 2, /* worth two threads */
     .sizes = {90, 100, 10},
     .activations = {{BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY},
};

static samples data[KINDS];
static uint64_t expected[KINDS];
static atomic_bool ended;

static size_t rounds(void) {
    return test_quick() ? 3 : 40;
}

/* The hash of a network that is made, trained and destroyed; 0 if a call fails. */
static uint64_t train(size_t kind, size_t threads) {
    bp_network_config config = net_config(&nets[kind], ROWS);
    config.seed = kind;
    config.threads = threads;
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_MOMENTUM});
    bp_network *network;
    if (bp_network_create(&config, &network) != BP_OK)
        return 0;
    bp_status status = BP_OK;
    for (size_t step = 0; step < 4 && status == BP_OK; step++)
        status = bp_network_train_step(network, &data[kind].batch, 0.01f, NULL);
    const uint64_t hash = status == BP_OK ? bp_network_hash(network) : 0;
    bp_network_destroy(network);
    return hash;
}

static void *trainer(void *argument) {
    const size_t self = (size_t)(uintptr_t)argument;
    size_t wrong = 0;
    for (size_t round = 0; round < rounds(); round++) {
        const size_t kind = (self + round) % KINDS;
        wrong += train(kind, 1 + (self + round) % 2) != expected[kind];
    }
    return (void *)(uintptr_t)wrong;
}

/* Reads the choice, and changes it to what this machine can run. */
static void *reader(void *argument) {
    (void)argument;
    size_t wrong = 0;
    for (unsigned turn = 0; !atomic_load(&ended); turn++) {
        bp_isa isa = ISA_COUNT;
        const bp_kernels *kernels = NULL;
        wrong += bp_cpu_active(&isa) != BP_OK || !bp_cpu_supports(isa) || !bp_isa_name(isa);
        wrong += bp_kernels_for(isa, &kernels) != BP_OK || kernels->isa != isa;
        const bp_isa next = (bp_isa)(turn % ISA_COUNT);
        wrong += bp_cpu_set(next) != (bp_cpu_supports(next) ? BP_OK : BP_ERROR_ISA_UNSUPPORTED);
    }
    return (void *)(uintptr_t)wrong;
}

static void all_at_once(void **state) {
    (void)state;
    pthread_t trainers[TRAINERS], readers[READERS];
    for (size_t kind = 0; kind < KINDS; kind++) {
        data[kind] = samples_create(&nets[kind], ROWS, 0, kind);
        expected[kind] = train(kind, 1);
        assert_true(expected[kind] != 0);
    }
    for (size_t t = 0; t < READERS; t++)
        assert_int_equal(pthread_create(&readers[t], NULL, reader, NULL), 0);
    for (size_t t = 0; t < TRAINERS; t++)
        assert_int_equal(pthread_create(&trainers[t], NULL, trainer, (void *)(uintptr_t)t), 0);
    void *wrong;
    for (size_t t = 0; t < TRAINERS; t++) {
        assert_int_equal(pthread_join(trainers[t], &wrong), 0);
        if (wrong)
            fail_msg("%zu networks of thread %zu have other bits", (size_t)(uintptr_t)wrong, t);
    }
    atomic_store(&ended, true);
    for (size_t t = 0; t < READERS; t++) {
        assert_int_equal(pthread_join(readers[t], &wrong), 0);
        assert_null(wrong);
    }
    for (size_t kind = 0; kind < KINDS; kind++)
        samples_destroy(&data[kind]);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
