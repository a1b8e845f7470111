/*
 * Networks with every optimizer, on every backend and its small variant, against the scalar kernels chained by hand,
 * state included: small networks and single rows, batches of several slices, every way in which workers share a slice.
 */
#include <stdio.h>

#include <backprop/dense.h>

#include "optimizer_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { STEPS_MAX = 5, SEED = 5 };

/* One step for each of these batches. */
typedef struct training {
    net shape;
    size_t rows[STEPS_MAX];
    size_t steps, max_batch_size;
    size_t workers; /* on one worker only, or on each of lane_pools with so many workers or fewer */
    size_t slice_rows;
} training;

static const training trainings[] = {
    /* Small: one call, of a few rows and of many, then in the general way. */
    {{2, {2, 8, 1}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE}, {1, 4, 2, 5, 4}, 5, 8, 1, 0},
    {{3,
      {40, 7, 12, 5},
      {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
      BP_LOSS_SOFTMAX_CROSS_ENTROPY},
     {4, 64, 1, 257, 3},
     5,
     300,
     1,
     0},
    {{2, {3, 16, 9}, {{BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_TANH, 0}}, BP_LOSS_MSE},
     {3, 17, 1, 256},
     4,
     256,
     1,
     0},
    /* One row, through widths around panels; and few rows. */
    {{3,
      {37, 70, 33, 31},
      {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_LEAKY_RELU, 0.25f}, {BP_ACTIVATION_TANH, 0}},
      BP_LOSS_MSE},
     {1, 1, 7, 1},
     4,
     7,
     1,
     0},
    {{2, {65, 35, 64}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_SOFTMAX_CROSS_ENTROPY},
     {1, 19, 1},
     3,
     20,
     1,
     0},
    /* Slices, on one worker and shared: whole blocks, rows, columns. */
    {{2, {17, 33, 7}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_SIGMOID, 0}}, BP_LOSS_MSE},
     {1100, 257, 513, 1},
     4,
     2100,
     1,
     0},
    {{3,
      {17, 65, 31, 35},
      {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_LEAKY_RELU, 0.3f}, {BP_ACTIVATION_TANH, 0}},
      BP_LOSS_MSE},
     {2100, 1281, 1536}, /* the last one leaves nothing beside whole blocks */
     3,
     2100,
     4,
     0},
    {{3, {17, 65, 31, 35}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_SIGMOID, 0}}, BP_LOSS_MSE},
     {1281, 203},
     2,
     2100,
     3,
     256},
    {{2, {250, 256, 300}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_RELU, 0}}, BP_LOSS_MSE}, {20, 19}, 2, 20, 3, 0},
};

static const struct {
    size_t workers;
    bp_thread_pool (*pool)(pool_log *log, size_t threads); /* null: the library's own */
} lane_pools[] = {{1, NULL}, {2, NULL}, {3, pool_reverse}, {4, pool_threaded}};

static const training *current;
static size_t which;
static struct {
    float loss[STEPS_MAX], norm[STEPS_MAX];
    uint64_t hash[STEPS_MAX];
} expected;

static samples batch_of(size_t step) {
    return samples_create(&current->shape, current->rows[step], step % 3, test_seed() + step);
}

static void train_model(void) {
    trained t = trained_create(&current->shape, optimizer_cases[which].optimizer, SEED);
    for (size_t k = 0; k < current->steps; k++) {
        samples s = batch_of(k);
        expected.loss[k] = trained_step(&t, &s.batch, optimizer_cases[which].learning_rate);
        expected.hash[k] = trained_hash(&t);
        expected.norm[k] = t.norm;
        assert_true(isfinite(expected.loss[k]));
        samples_destroy(&s);
    }
    trained_destroy(&t);
}

static void check_on(test_table *table) {
    const bp_optimizer *o = &optimizer_cases[which].optimizer;
    for (size_t p = 0; p < COUNT(lane_pools) && lane_pools[p].workers <= current->workers; p++) {
        char name[160];
        snprintf(name, sizeof name, "net %td, optimizer %zu (%s) on %s, %zu lanes", current - trainings, which,
                 bp_optimizer_name(o->kind), table->name, lane_pools[p].workers);
        pool_log log = {0};
        bp_network_config config = net_config(&current->shape, current->max_batch_size);
        config.optimizer = stored_optimizer(*o);
        config.threads = lane_pools[p].workers;
        if (lane_pools[p].pool)
            config.pool = stored_pool(lane_pools[p].pool(&log, lane_pools[p].workers));
        bp_network *network = net_create_on(table, &config, SEED);
        assert_int_equal(bp_network_threads(network), lane_pools[p].workers);
        if (current->slice_rows > 0) {
            network->plan.worker_blocks = 0;
            assert_true(network->workspace.slice_rows >= current->slice_rows);
            network->workspace.slice_rows = current->slice_rows;
        }
        for (size_t k = 0; k < current->steps; k++) {
            samples s = batch_of(k);
            float loss = NAN;
            assert_int_equal(bp_network_train_step(network, &s.batch, optimizer_cases[which].learning_rate, &loss),
                             BP_OK);
            if (test_bits(loss) != test_bits(expected.loss[k]))
                fail_msg("%s, batch %zu of %zu rows: the loss is %a, expected %a", name, k, s.batch.rows, (double)loss,
                         (double)expected.loss[k]);
            if (test_bits(bp_network_gradient_norm(network)) != test_bits(expected.norm[k]))
                fail_msg("%s, batch %zu: the norm is %a, expected %a", name, k,
                         (double)bp_network_gradient_norm(network), (double)expected.norm[k]);
            if (state_hash(network) != expected.hash[k])
                fail_msg("%s, batch %zu of %zu rows: other parameters or state than expected", name, k, s.batch.rows);
            samples_destroy(&s);
        }
        assert_true(bp_network_steps(network) == current->steps);
        bp_network_destroy(network);
        table->cases++;
    }
}

static void optimizers_have_the_scalar_bits(void **state) {
    (void)state;
    for (size_t n = 0; n < COUNT(trainings); n++)
        for (which = 0; which < OPTIMIZER_CASES; which++) {
            training t = trainings[n];
            if (test_quick() && (t.workers > 1 || t.max_batch_size > 1000) && which != n)
                continue;
            current = &trainings[n];
            train_model();
            test_each_table(check_on);
        }
}

/* A norm that is never reached changes nothing, but for the way that gradients take. */
static void check_loose_clip(test_table *table) {
    const net *shape = &trainings[3].shape;
    uint64_t hash[2];
    for (size_t k = 0; k < 2; k++) {
        bp_network_config config = net_config(shape, 40);
        config.threads = 1;
        config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_MOMENTUM, .clip_norm = k ? 1e6f : 0});
        bp_network *network = net_create_on(table, &config, SEED);
        samples s = samples_create(shape, 40, 0, test_seed());
        for (size_t step = 0; step < 3; step++)
            assert_int_equal(bp_network_train_step(network, &s.batch, 0.125f, NULL), BP_OK);
        hash[k] = state_hash(network);
        samples_destroy(&s);
        bp_network_destroy(network);
    }
    assert_true(hash[0] == hash[1]);
    table->cases++;
}

static void a_loose_norm_changes_nothing(void **state) {
    (void)state;
    test_each_table(check_loose_clip);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optimizers_have_the_scalar_bits),
        cmocka_unit_test(a_loose_norm_changes_nothing),
    };
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
