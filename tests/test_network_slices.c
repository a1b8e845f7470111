/*
 * Networks on every backend, its small variant included, against the scalar kernels chained by hand: batches that take
 * several slices on one worker and on many, and batches of a single row through layers of every width.
 *
 * What is expected is computed once for each net, then compared with all backends and pools.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <backprop/dense.h>

#include "harness/bits.h"
#include "harness/session.h"
#include "harness/sweep.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- What the kernels chained by hand compute ----------------------------------------------------------------- */

enum { STEPS_MAX = 6, BATCH_MAX = 2100, SEED = 11 };
static const float learning_rate = 0.25f;

/* A training: one step for each of these batches, then a forward pass of the first one's rows. */
typedef struct training {
    net shape;
    size_t rows[STEPS_MAX];
    size_t steps;
    size_t workers; /* a step of BATCH_MAX rows is worth so many */
} training;

typedef struct outcome {
    float loss[STEPS_MAX];
    uint64_t hash[STEPS_MAX]; /* of the parameters after each step */
    float *outputs;           /* packed */
} outcome;

static samples batch_of(const training *t, size_t step) {
    return samples_create(&t->shape, t->rows[step], step % 3, test_seed() + step);
}

static outcome train_model(const training *t) {
    const bp_network_config config = net_config(&t->shape, 1);
    bp_network *network = net_create(&config, SEED);
    model m = model_copy(&t->shape, network);
    bp_network_destroy(network);
    outcome expected = {.outputs = allocate(t->rows[0] * t->shape.sizes[t->shape.layers], sizeof(float))};
    for (size_t k = 0; k < t->steps; k++) {
        samples s = batch_of(t, k);
        expected.loss[k] = model_step(&m, &s.batch, learning_rate);
        expected.hash[k] = model_hash(&m);
        assert_true(isfinite(expected.loss[k]));
        samples_destroy(&s);
    }
    samples s = batch_of(t, 0);
    model_forward(&m, &s.batch, expected.outputs);
    samples_destroy(&s);
    model_destroy(&m);
    return expected;
}

/* ---- What a network computes ---------------------------------------------------------------------------------- */

/* Outputs of the first batch, with canaries between the rows. */
static void check_outputs(bp_network *network, const training *t, const float *expected, const char *name) {
    const size_t rows = t->rows[0], out = t->shape.sizes[t->shape.layers], stride = out + 3;
    float *outputs = allocate(rows * stride, sizeof(float));
    for (size_t k = 0; k < rows * stride; k++)
        outputs[k] = test_float(TEST_CANARY);
    samples s = batch_of(t, 0);
    assert_int_equal(bp_network_forward(network, &s.batch, outputs, stride), BP_OK);
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < stride; j++) {
            const uint32_t got = test_raw_bits(outputs[n * stride + j]);
            if (j < out ? test_bits(outputs[n * stride + j]) != test_bits(expected[n * out + j]) : got != TEST_CANARY)
                fail_msg("%s: output [%zu][%zu] is 0x%08x", name, n, j, (unsigned)got);
        }
    samples_destroy(&s);
    free(outputs);
}

static void check_network(bp_network *network, const training *t, const outcome *expected, const char *name) {
    for (size_t k = 0; k < t->steps; k++) {
        samples s = batch_of(t, k);
        float before = NAN, loss = NAN;
        assert_int_equal(bp_network_loss(network, &s.batch, &before), BP_OK);
        assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, &loss), BP_OK);
        if (test_bits(before) != test_bits(expected->loss[k]) || test_bits(loss) != test_bits(expected->loss[k]))
            fail_msg("%s, batch %zu of %zu rows: the loss is %a, the step's %a, expected %a", name, k, t->rows[k],
                     (double)before, (double)loss, (double)expected->loss[k]);
        if (bp_network_hash(network) != expected->hash[k])
            fail_msg("%s, batch %zu of %zu rows: other parameters than expected", name, k, t->rows[k]);
        samples_destroy(&s);
    }
    check_outputs(network, t, expected->outputs, name);
}

/* ---- Slices --------------------------------------------------------------------------------------------------- */

/* The first batch takes several slices on any number of workers here; others end with a slice of one row, fill slices
 * exactly, or are smaller than one. */
#define ALL_ROWS {1100, 257, 1, 513, 768, 1025}, 6

static const training sliced[] = {
    {{2, {3, 5, 2}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE}, ALL_ROWS, 1},
    {{2, {17, 33, 7}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_SIGMOID, 0}}, BP_LOSS_MSE}, ALL_ROWS, 1},
    {{2, {17, 33, 7}, {{BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_SOFTMAX_CROSS_ENTROPY},
     ALL_ROWS,
     1},
    {{1, {9, 35}, {{BP_ACTIVATION_LEAKY_RELU, 0.1f}}, BP_LOSS_MSE}, ALL_ROWS, 1},
    {{1, {70, 3}, {{BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_SOFTMAX_CROSS_ENTROPY}, ALL_ROWS, 1},
    {{3,
      {17, 65, 31, 35},
      {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_LEAKY_RELU, 0.3f}, {BP_ACTIVATION_TANH, 0}},
      BP_LOSS_MSE},
     {BATCH_MAX, 1025},
     2,
     4},
    {{2, {40, 97, 70}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_SOFTMAX_CROSS_ENTROPY},
     {BATCH_MAX, 1537, 513},
     3,
     4},
};

static const struct {
    const char *name;
    size_t threads;
    bp_thread_pool (*pool)(pool_log *log, size_t threads); /* null: the library's own */
} pools[] = {
    {"one thread", 1, NULL},
    {"two in order", 2, pool_serial},
    {"three in reverse", 3, pool_reverse},
    {"four threads", 4, pool_threaded},
    {"two of the library's", 2, NULL},
};

static const training *current;
static outcome expected;

static void check_slices_on(test_table *table) {
    for (size_t k = 0; k < COUNT(pools); k++) {
        if ((current->workers == 1 || test_quick()) && k > 0)
            break;
        char name[128];
        snprintf(name, sizeof name, "%zu layers from %zu to %zu on %s, %s", current->shape.layers,
                 current->shape.sizes[0], current->shape.sizes[current->shape.layers], table->name, pools[k].name);
        pool_log log = {0};
        bp_network_config config = net_config(&current->shape, BATCH_MAX);
        config.threads = pools[k].threads;
        if (pools[k].pool)
            config.pool = stored_pool(pools[k].pool(&log, pools[k].threads));
        bp_network *network = net_create_on(table, &config, SEED);
        const size_t slices = (BATCH_MAX + network->workspace.slice_rows - 1) / network->workspace.slice_rows;
        if (slices < 2 || bp_network_threads(network) != pools[k].threads)
            fail_msg("%s: %zu slices on %zu workers: this net tests nothing", name, slices, network->workspace.workers);
        check_network(network, current, &expected, name);
        assert_true(!pools[k].pool || log.runs > 0);
        bp_network_destroy(network);
        table->cases++;
    }
}

static void slices_change_no_bit(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(sliced); k++) {
        training t = sliced[k];
        if (test_quick() && t.workers > 1)
            continue;
        t.steps = test_quick() ? 3 : t.steps;
        current = &t;
        expected = train_model(&t);
        test_each_table(check_slices_on);
        free(expected.outputs);
    }
}

/* ---- How workers share a slice ---------------------------------------------------------------------------------- */

typedef enum way { BY_BLOCKS, BY_ROWS, BY_COLUMNS } way;

/* Nets and batches that are shared in a way of network/step_schedule.c; the last net has single layers by columns or
 * rows. */
static const struct {
    training training;
    way way;
    size_t slice_rows; /* to which slices are cut down; 0: as they are */
} shared[] = {
    /* Blocks for each worker and none left, some left, an odd rest, too few for many workers. */
    {{{3,
       {17, 65, 31, 35},
       {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_LEAKY_RELU, 0.3f}, {BP_ACTIVATION_TANH, 0}},
       BP_LOSS_MSE},
      {2048, BATCH_MAX, 1281, 512},
      4,
      0},
     BY_BLOCKS,
     0},
    {{{2, {3, 40, 70}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_SOFTMAX_CROSS_ENTROPY},
      {600, BATCH_MAX},
      2,
      0},
     BY_BLOCKS,
     0},
    {{{3,
       {17, 65, 31, 35},
       {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_SIGMOID, 0}},
       BP_LOSS_MSE},
      {BATCH_MAX, 1281, 203},
      3,
      0},
     BY_ROWS,
     512},
    /* All layers by columns, the last one too; then by rows before, between and after such. */
    {{{2, {250, 256, 300}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_RELU, 0}}, BP_LOSS_MSE}, {5, 19, 20, 16}, 4, 0},
     BY_COLUMNS,
     0},
    {{{4,
       {250, 256, 10, 256, 250},
       {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
       BP_LOSS_SOFTMAX_CROSS_ENTROPY},
      {5, 20, 16},
      3,
      0},
     BY_COLUMNS,
     0},
    {{{3,
       {20, 384, 380, 9},
       {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_IDENTITY, 0}},
       BP_LOSS_SOFTMAX_CROSS_ENTROPY},
      {5, 20, 16},
      3,
      0},
     BY_COLUMNS,
     0},
    /* Inputs 256 elements apart are packed, others are not. */
    {{{2, {256, 250, 7}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE}, {5, 20, 19}, 3, 0},
     BY_COLUMNS,
     0},
    {{{2, {768, 768, 1}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE}, {300}, 1, 0},
     BY_COLUMNS,
     256},
};

static const struct {
    size_t workers;
    bp_thread_pool (*pool)(pool_log *log, size_t threads); /* null: the library's own */
} lane_pools[] = {{1, NULL}, {2, NULL}, {2, pool_reverse}, {3, pool_serial}, {5, pool_reverse}, {8, pool_threaded}};

static bool is_shared(const bp_network *network, way expected_way) {
    size_t by_columns = 0;
    for (size_t l = 0; l < network->plan.layers; l++)
        by_columns += bp_schedule_by_columns(network, l, current->rows[0], network->workspace.workers);
    if (expected_way == BY_COLUMNS)
        return by_columns > 0;
    return by_columns == 0 && (network->plan.worker_blocks > 0) == (expected_way == BY_BLOCKS);
}

static size_t sharing;

static void check_sharing_on(test_table *table) {
    const bool few = test_quick() || current->rows[0] == 300; /* a large net */
    for (size_t k = 0; k < (few ? 3 : COUNT(lane_pools)); k++) {
        const size_t workers = lane_pools[k].workers;
        char name[128];
        snprintf(name, sizeof name, "net %zu on %s, %zu workers", sharing, table->name, workers);
        pool_log log = {0};
        bp_network_config config = net_config(&current->shape, BATCH_MAX);
        config.threads = workers;
        if (lane_pools[k].pool)
            config.pool = stored_pool(lane_pools[k].pool(&log, workers));
        bp_network *network = net_create_on(table, &config, SEED);
        if (shared[sharing].way == BY_ROWS)
            network->plan.worker_blocks = 0;
        if (shared[sharing].slice_rows > 0 && network->workspace.slice_rows > shared[sharing].slice_rows)
            network->workspace.slice_rows = shared[sharing].slice_rows;
        assert_int_equal(bp_network_threads(network), workers);
        if (workers > 1 && !is_shared(network, shared[sharing].way))
            fail_msg("%s: this net tests nothing", name);
        check_network(network, current, &expected, name);
        bp_network_destroy(network);
        table->cases++;
    }
}

static void sharing_changes_no_bit(void **state) {
    (void)state;
    for (sharing = 0; sharing < COUNT(shared); sharing++) {
        training t = shared[sharing].training;
        if (test_quick() && (t.rows[0] > 600 || shared[sharing].slice_rows > 0))
            continue;
        t.steps = test_quick() ? 1 : t.steps;
        current = &t;
        expected = train_model(&t);
        test_each_table(check_sharing_on);
        free(expected.outputs);
    }
}

/* ---- Single rows ---------------------------------------------------------------------------------------------- */

static size_t widest;

static void find_widest(test_table *table) {
    const size_t panel = table->kernels->tile_columns;
    widest = panel > widest ? panel : widest;
}

static void check_single_row_on(test_table *table) {
    const size_t *sizes = current->shape.sizes;
    char name[128];
    snprintf(name, sizeof name, "%zu-%zu-%zu-%zu on %s", sizes[0], sizes[1], sizes[2], sizes[3], table->name);
    bp_network_config config = net_config(&current->shape, 1);
    config.threads = 1;
    bp_network *network = net_create_on(table, &config, SEED);
    check_network(network, current, &expected, name);
    bp_network_destroy(network);
    table->cases++;
}

static void check_single_row(size_t a, size_t b) {
    const bp_activation activations[] = {{BP_ACTIVATION_TANH, 0},
                                         {BP_ACTIVATION_RELU, 0},
                                         {BP_ACTIVATION_LEAKY_RELU, 0.2f},
                                         {BP_ACTIVATION_SIGMOID, 0},
                                         {BP_ACTIVATION_IDENTITY, 0}};
    training t = {.shape = {.layers = 3, .sizes = {a, b, a, b}}, .rows = {1, 1}, .steps = 2, .workers = 1};
    t.shape.activations[0] = activations[(a + b) % 5];
    t.shape.activations[1] = activations[(a + 2 * b) % 5];
    t.shape.activations[2] = activations[4];
    t.shape.loss = (a + b) % 2 ? BP_LOSS_MSE : BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    current = &t;
    expected = train_model(&t);
    test_each_table(check_single_row_on);
    free(expected.outputs);
}

/* Both layer pairs a-b and b-a go forward, back and into an update; 9 panels are more than run together. */
static void single_rows_of_every_width(void **state) {
    (void)state;
    test_each_table(find_widest);
    const size_t step = test_quick() ? 7 : 1, end = 2 * widest + 1;
    for (size_t a = 1; a <= end; a += step)
        for (size_t b = 1; b <= end; b += step)
            if (test_columns_matter(a) && test_columns_matter(b))
                check_single_row(a, b);
    const size_t wide[] = {4 * widest - 1, 4 * widest, 4 * widest + 1, 9 * widest + 3};
    for (size_t k = 0; k < COUNT(wide); k++) {
        check_single_row(wide[k], k + 1);
        check_single_row(k + 1, wide[k]);
        if (!test_quick())
            check_single_row(wide[k], wide[COUNT(wide) - 1 - k]);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_change_no_bit),
        cmocka_unit_test(sharing_changes_no_bit),
        cmocka_unit_test(single_rows_of_every_width),
    };
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
