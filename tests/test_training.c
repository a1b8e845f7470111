/*
 * Training ends with the same bits on every instruction set, for every number of threads, every thread pool and every
 * placement of the data: those stored here, on every machine and from every compiler.
 *
 * A hash covers all weights and the last loss. If the contract is changed on purpose, the failures' messages give the
 * new values.
 */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "enum_counts.h"
#include "harness/bits.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Steps of a run, and those of them that an emulator does. */
enum { STEPS = 5, STEPS_QUICK = 2, ROWS_MAX = 300 };

typedef struct run {
    const char *name;
    net shape;
    float learning_rate;
    size_t rows[STEPS];   /* of each step's batch */
    bool parallel;        /* the largest step of any length is worth two threads */
    uint64_t quick, full; /* hashes after STEPS_QUICK and STEPS steps */
} run;

static const run runs[] = {
    {.name = "images, softmax",
     .shape =
         {2, {784, 128, 10}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_SOFTMAX_CROSS_ENTROPY},
     .learning_rate = 0.1f,
     .rows = {3, 1, 64, 257, 130},
     .quick = UINT64_C(0x215e168a46365bbc),
     .full = UINT64_C(0xc3bc7b1984c59bd6)},
    {.name = "images, squared error",
     .shape = {2, {784, 128, 10}, {{BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_SIGMOID, 0}}, BP_LOSS_MSE},
     .learning_rate = 0.5f,
     .rows = {2, 3, 257, 64, 1},
     .quick = UINT64_C(0x3bb8c6815e370b80),
     .full = UINT64_C(0xaa7870ede7262ec7)},
    {.name = "table, softmax",
     .shape = {3,
               {13, 65, 33, 7},
               {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_IDENTITY, 0}},
               BP_LOSS_SOFTMAX_CROSS_ENTROPY},
     .learning_rate = 0.25f,
     .rows = {5, 70, 300, 1, 257},
     .quick = UINT64_C(0x07537dd01a196347),
     .full = UINT64_C(0xc592cd227ee070df)},
    {.name = "table, squared error",
     .shape =
         {4,
          {13, 33, 65, 17, 3},
          {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_LEAKY_RELU, 0.1f}, {BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_TANH, 0}},
          BP_LOSS_MSE},
     .learning_rate = 0.25f,
     .rows = {1, 63, 256, 299, 31},
     .quick = UINT64_C(0x1035d1f4cb163f6a),
     .full = UINT64_C(0x7e2811774ff861ee)},
    {.name = "square, softmax",
     .shape = {3,
               {256, 256, 256, 16},
               {{BP_ACTIVATION_LEAKY_RELU, 0.01f}, {BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
               BP_LOSS_SOFTMAX_CROSS_ENTROPY},
     .learning_rate = 0.1f,
     .rows = {24, 1, 130, 257, 64},
     .parallel = true,
     .quick = UINT64_C(0x2fad5915d03ce6ac),
     .full = UINT64_C(0xb89b02489832eb0d)},
    {.name = "square, squared error",
     .shape = {3,
               {256, 256, 256, 16},
               {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
               BP_LOSS_MSE},
     .learning_rate = 0.05f,
     .rows = {2, 1, 64, 259, 100},
     .quick = UINT64_C(0xc583ca2b9d07c825),
     .full = UINT64_C(0x12b76eff7e8e144c)},
    {.name = "ragged, softmax",
     .shape = {2,
               {31, 129, 3},
               {{BP_ACTIVATION_LEAKY_RELU, 0.3f}, {BP_ACTIVATION_IDENTITY, 0}},
               BP_LOSS_SOFTMAX_CROSS_ENTROPY},
     .learning_rate = 0.2f,
     .rows = {7, 65, 255, 258, 2},
     .quick = UINT64_C(0x439b917a4757ed8b),
     .full = UINT64_C(0x845a428c81e368b9)},
    {.name = "ragged, squared error",
     .shape = {1, {301, 1}, {{BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE},
     .learning_rate = 0.002f,
     .rows = {9, 111, 300, 1, 257},
     .quick = UINT64_C(0x7e23480c8a08df51),
     .full = UINT64_C(0x023b84840c2b882e)},
};

/* A way to do the same. */
typedef struct variant {
    const char *name;
    size_t threads;
    bp_thread_pool (*pool)(pool_log *log, size_t threads); /* null: the library's own */
    size_t shift;                                          /* of inputs and targets, see samples_create */
    bool brief;                                            /* also where time is short */
} variant;

static const variant variants[] = {
    {"one thread", 1, NULL, 0, true},
    {"two threads", 2, NULL, 0, false},
    {"three threads", 3, NULL, 0, false},
    {"four threads", 4, NULL, 0, false},
    {"a host's pool, in order", 3, pool_serial, 0, false},
    {"a host's pool, in reverse, data 4 bytes off", 2, pool_reverse, 1, true},
    {"a host's pool of threads, data 8 bytes off", 4, pool_threaded, 2, false},
    {"three threads, data 12 bytes off", 3, NULL, 3, false},
};

/* On a backend's table, or on the instruction set in use. */
static uint64_t train(const run *r, const variant *v, const test_table *table, bp_isa isa) {
    const size_t steps = test_quick() ? STEPS_QUICK : STEPS;
    pool_log log = {0};
    bp_network_config config = net_config(&r->shape, ROWS_MAX);
    config.threads = v->threads;
    if (v->pool)
        config.pool = stored_pool(v->pool(&log, v->threads));
    bp_network *network = table ? net_create_on(table, &config, 2024) : net_create(&config, 2024);
    assert_int_equal(bp_network_isa(network), isa);
    float loss = NAN;
    for (size_t k = 0; k < steps; k++) {
        samples s = samples_create(&r->shape, r->rows[k], v->shift, k);
        assert_int_equal(bp_network_train_step(network, &s.batch, r->learning_rate, &loss), BP_OK);
        assert_true(isfinite(loss));
        samples_destroy(&s);
    }
    if (r->parallel) {
        assert_int_equal(bp_network_threads(network), v->threads);
        assert_true(!v->pool || log.tasks > log.runs);
    }
    const uint64_t hash = test_hash(bp_network_hash(network), test_bits(loss));
    bp_network_destroy(network);
    return hash;
}

static void training_gives_the_stored_bits(void **state) {
    (void)state;
    size_t compared = 0, wrong = 0;
    for (size_t k = 0; k < COUNT(runs); k++) {
        uint64_t expected = test_quick() ? runs[k].quick : runs[k].full;
        bool known = bp_cpu_covered(); /* else other bits, but still the same ones for all */
        for (int isa = 0; isa < ISA_COUNT; isa++) {
            if (!bp_cpu_supports((bp_isa)isa))
                continue;
            assert_int_equal(bp_cpu_set((bp_isa)isa), BP_OK);
            for (size_t v = 0; v < COUNT(variants); v++) {
                if (!variants[v].brief && (test_quick() || isa == BP_ISA_SCALAR))
                    continue;
                const uint64_t hash = train(&runs[k], &variants[v], NULL, (bp_isa)isa);
                if (!known) {
                    expected = hash;
                    known = true;
                }
                if (hash != expected) {
                    print_error("%s, %s, %s: %016" PRIx64 ", expected %016" PRIx64 "\n", runs[k].name,
                                bp_isa_name((bp_isa)isa), variants[v].name, hash, expected);
                    wrong++;
                }
                compared++;
            }
        }
    }
    assert_true(compared >= 2 * COUNT(runs));
    if (wrong)
        fail_msg("%zu of %zu trainings differ", wrong, compared);
}

/* The backends with tiny blocks are those whose name is no instruction set's. */
static void train_on_small_blocks(test_table *table) {
    bp_isa isa;
    if (!table->backend || bp_isa_from_name(table->name, &isa) == BP_OK)
        return;
    for (size_t k = 0; k < COUNT(runs); k++)
        for (size_t v = 0; v < COUNT(variants); v++) {
            if (!variants[v].brief)
                continue;
            const uint64_t hash = train(&runs[k], &variants[v], table, table->kernels->isa);
            const uint64_t expected = test_quick() ? runs[k].quick : runs[k].full;
            if (hash != expected)
                fail_msg("%s, %s, %s: %016" PRIx64 ", expected %016" PRIx64, runs[k].name, table->name,
                         variants[v].name, hash, expected);
        }
}

static void small_blocks_give_the_stored_bits(void **state) {
    (void)state;
    test_each_table(train_on_small_blocks);
}

/* A network keeps its instruction set when another one is chosen. */
static void a_network_keeps_its_instruction_set(void **state) {
    (void)state;
    const run *r = &runs[2];
    bp_isa before;
    assert_int_equal(bp_cpu_active(&before), BP_OK);
    const bp_network_config config = net_config(&r->shape, ROWS_MAX);
    assert_int_equal(bp_cpu_set(bp_cpu_best()), BP_OK);
    bp_network *network = net_create(&config, 1);
    assert_int_equal(bp_cpu_set(BP_ISA_SCALAR), BP_OK);
    assert_int_equal(bp_network_isa(network), bp_cpu_best());
    bp_network_destroy(network);
    network = net_create(&config, 1);
    assert_int_equal(bp_cpu_set(bp_cpu_best()), BP_OK);
    assert_int_equal(bp_network_isa(network), BP_ISA_SCALAR);
    bp_network_destroy(network);
    assert_int_equal(bp_cpu_set(before), BP_OK);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_gives_the_stored_bits),
        cmocka_unit_test(small_blocks_give_the_stored_bits),
        cmocka_unit_test(a_network_keeps_its_instruction_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
