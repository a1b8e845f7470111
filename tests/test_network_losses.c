/*
 * Networks with every loss, rows weighted or not, mean or sum: the bits of the scalar kernels chained by hand on every
 * backend, on one worker and on several in each way in which they share a slice, and in the one call of small networks.
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

#include <backprop/backward.h>

#include "defaults.h"
#include "enum_counts.h"
#include "harness/bits.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { STEPS_MAX = 4, BATCH_MAX = 1100, SEED = 31 };

/* A sum's gradient is as large as the batch. */
static float rate_of(const net *shape) {
    return shape->options.reduction == BP_REDUCTION_SUM ? 0x1p-11f : 0.125f;
}

/* Widths, and a batch for each step: general ones, one panel of outputs and several, one output, one call, whole
 * blocks for each worker, by columns. */
static const struct {
    size_t layers, sizes[NET_LAYERS_MAX + 1], rows[STEPS_MAX];
} shapes[] = {
    {2, {17, 33, 7}, {5, 300, 1, 257}},     {3, {6, 40, 65, 70}, {3, 130, 1, 64}},
    {3, {20, 130, 70, 1}, {260, 2, 1, 33}}, {2, {3, 8, 4}, {4, 9, 1, 130}},
    {2, {2, 5, 1}, {13, 1, 2, 64}},         {2, {3, 40, 70}, {600, 1100, 515, 1}},
    {2, {250, 256, 300}, {20, 19, 7, 20}},
};

static const struct {
    size_t workers;
    bp_thread_pool (*pool)(pool_log *log, size_t threads); /* null: the library's own */
} pools[] = {{1, NULL}, {3, pool_reverse}, {2, NULL}};

/* What is trained, and what the kernels chained by hand make of it. */
static struct {
    net shape;
    const size_t *rows;
    float loss[STEPS_MAX];
    uint64_t hash[STEPS_MAX];
} training;

static samples batch_of(size_t step) {
    return samples_create(&training.shape, training.rows[step], step % 3, test_seed() + step);
}

static void train_model(void) {
    const bp_network_config config = net_config(&training.shape, 1);
    bp_network *network = net_create(&config, SEED);
    model m = model_copy(&training.shape, network);
    bp_network_destroy(network);
    for (size_t k = 0; k < STEPS_MAX; k++) {
        samples s = batch_of(k);
        training.loss[k] = model_step(&m, &s.batch, rate_of(&training.shape));
        assert_true(isfinite(training.loss[k]));
        training.hash[k] = model_hash(&m);
        samples_destroy(&s);
    }
    model_destroy(&m);
}

static void train_on(test_table *table) {
    for (size_t p = 0; p < COUNT(pools) && !(test_quick() && p > 1); p++) {
        pool_log log = {0};
        bp_network_config config = net_config(&training.shape, BATCH_MAX);
        config.threads = pools[p].workers;
        if (pools[p].pool)
            config.pool = stored_pool(pools[p].pool(&log, pools[p].workers));
        bp_network *network = net_create_on(table, &config, SEED);
        for (size_t k = 0; k < STEPS_MAX; k++) {
            samples s = batch_of(k);
            float before = NAN, loss = NAN;
            const float learning_rate = rate_of(&training.shape);
            assert_int_equal(bp_network_loss(network, &s.batch, &before), BP_OK);
            assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, k == 1 ? NULL : &loss), BP_OK);
            if (k == 1)
                loss = before;
            if (test_bits(before) != test_bits(training.loss[k]) || test_bits(loss) != test_bits(training.loss[k]) ||
                bp_network_hash(network) != training.hash[k])
                fail_msg("%s%s from %zu to %zu on %s, %zu lanes, batch %zu of %zu rows: loss %a and %a, expected %a",
                         bp_loss_name(training.shape.loss), training.shape.weighted ? ", weighted," : "",
                         training.shape.sizes[0], training.shape.sizes[training.shape.layers], table->name,
                         pools[p].workers, k, training.rows[k], (double)before, (double)loss, (double)training.loss[k]);
            samples_destroy(&s);
        }
        bp_network_destroy(network);
        table->cases++;
    }
}

static bp_loss_kind loss_of_test;

static void train_shapes(void **state) {
    (void)state;
    static const bp_activation outputs[] = {
        {BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}, {BP_ACTIVATION_LEAKY_RELU, 0.1f}};
    for (size_t k = 0; k < COUNT(shapes); k++)
        for (size_t variant = 0; variant < 4; variant++) {
            if (test_quick() && (k + variant + (size_t)loss_of_test) % 8 != 0)
                continue;
            net *shape = &training.shape;
            *shape = (net){.layers = shapes[k].layers, .loss = loss_of_test, .weighted = variant % 2 == 1};
            for (size_t l = 0; l <= shape->layers; l++)
                shape->sizes[l] = shapes[k].sizes[l];
            for (size_t l = 0; l < shape->layers; l++)
                shape->activations[l] = (bp_activation){l % 2 ? BP_ACTIVATION_RELU : BP_ACTIVATION_TANH, 0};
            shape->activations[shape->layers - 1] = outputs[net_needs_logits(shape) ? 1 : (k + variant) % 3];
            shape->options.reduction = variant / 2 ? BP_REDUCTION_SUM : BP_REDUCTION_MEAN;
            shape->options.huber_threshold = variant == 2 ? 0.25f : 0.0f;
            shape->options.label_smoothing =
                variant == 1 && loss_of_test == BP_LOSS_SOFTMAX_CROSS_ENTROPY ? 0.1f : 0.0f;
            training.rows = shapes[k].rows;
            train_model();
            test_each_table(train_on);
        }
}

/* A data set's loss is a mean over its rows, whatever that of a batch is. */
static void evaluation_is_a_mean(void **state) {
    (void)state;
    double losses[2];
    for (int sum = 0; sum < 2; sum++) {
        const net shape = {.layers = 1,
                           .sizes = {3, 2},
                           .loss = BP_LOSS_HINGE,
                           .options = {.reduction = sum ? BP_REDUCTION_SUM : BP_REDUCTION_MEAN}};
        const bp_network_config config = net_config(&shape, 8);
        bp_network *network = net_create(&config, SEED);
        samples s = samples_create(&shape, 21, 0, test_seed());
        const bp_dataset set = {
            .rows = 21, .inputs = s.batch.inputs, .input_columns = 3, .targets = s.batch.targets, .target_columns = 2};
        assert_int_equal(bp_network_evaluate(network, &set, &losses[sum]), BP_OK);
        bp_network_destroy(network);
        samples_destroy(&s);
    }
    assert_true(losses[0] > 0.1 && fabs(losses[1] / losses[0] - 1) < 1e-6);
}

/* ---- Strides of a callback ------------------------------------------------------------------------------------ */

enum { WIDE = 100 };

/* A loss by public kernels, which refuse strides below the columns. */
static void loss_by_kernels(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride,
                            float *delta, size_t delta_stride) {
    size_t *calls = context;
    (void)first;
    assert_true(output_stride >= WIDE && delta_stride >= WIDE);
    assert_int_equal(bp_softmax(delta, delta_stride, outputs, output_stride, rows, WIDE), BP_OK);
    ++*calls;
}

/* Outputs of several panels, of networks for one row and for more. */
static void callbacks_get_strides_of_whole_rows(void **state) {
    (void)state;
    const net wide = {1, {5, WIDE}, {{BP_ACTIVATION_TANH, 0}}, BP_LOSS_MSE};
    uint64_t hashes[2];
    for (size_t most = 1; most <= 2; most++) {
        const bp_network_config config = net_config(&wide, most);
        bp_network *network = net_create(&config, 3);
        samples s = samples_create(&wide, 1, 0, test_seed());
        size_t calls = 0;
        const bp_backward_options options =
            BACKWARD_OPTIONS(.learning_rate = 0.5f, .loss_callback = loss_by_kernels, .loss_context = &calls);
        assert_int_equal(bp_network_backward(network, &s.batch, &options), BP_OK);
        assert_int_equal(calls, 1);
        hashes[most - 1] = bp_network_hash(network);
        bp_network_destroy(network);
        samples_destroy(&s);
    }
    assert_true(hashes[0] == hashes[1]);
}

/* One test for each loss, so that a failure names it. */
static int choose_loss(void **state) {
    loss_of_test = *(const bp_loss_kind *)*state;
    return 0;
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    static bp_loss_kind losses[LOSS_COUNT];
    struct CMUnitTest tests[LOSS_COUNT + 2];
    for (int k = 0; k < LOSS_COUNT; k++) {
        losses[k] = (bp_loss_kind)k;
        tests[k] = (struct CMUnitTest){bp_loss_name((bp_loss_kind)k), train_shapes, choose_loss, NULL, &losses[k]};
    }
    tests[LOSS_COUNT] = (struct CMUnitTest)cmocka_unit_test(evaluation_is_a_mean);
    tests[LOSS_COUNT + 1] = (struct CMUnitTest)cmocka_unit_test(callbacks_get_strides_of_whole_rows);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
