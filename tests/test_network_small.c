/*
 * Small networks, whose whole step is one call (see kernels/vector/small.h), on every backend against the scalar
 * kernels chained by hand: all widths up to a panel and one beyond, batches around every border, all activations, all
 * losses. What a step reads of the caller's lies against a guard page.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <backprop/dense.h>

#include "enum_counts.h"
#include "harness/array.h"
#include "harness/bits.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { STEPS_MAX = 16, ARRAY_BYTES = 1 << 20, SEED = 21, SET_AT = 4, INITIALIZE_AT = 7 };
static const float learning_rate = 0.0078125f;

/* ---- A training ----------------------------------------------------------------------------------------------- */

/* One step for each of these batches, with the second layer's weights set before one step, all weights another. */
static struct {
    net shape;
    size_t rows[STEPS_MAX];
    size_t steps, max_batch_size, threads;
    float loss[STEPS_MAX];
    uint64_t hash[STEPS_MAX];
    float *outputs[STEPS_MAX]; /* after each step, of its rows */
    held_layer set;
} training;

static samples batch_of(size_t step) {
    return samples_create(&training.shape, training.rows[step], step % 3, test_seed() + step);
}

static model initial_model(uint64_t seed) {
    const bp_network_config config = net_config(&training.shape, 1);
    bp_network *network = net_create(&config, seed);
    const model m = model_copy(&training.shape, network);
    bp_network_destroy(network);
    return m;
}

static size_t outputs_of(const net *shape) {
    return shape->sizes[shape->layers];
}

static void train_model(void) {
    const net *shape = &training.shape;
    model m = initial_model(SEED), other = initial_model(SEED + 1);
    const size_t in = shape->sizes[1], out = shape->sizes[2];
    training.set = (held_layer){.in = in, .out = out, .weights = allocate(in * out, sizeof(float))};
    memcpy(training.set.weights, other.weights[1], in * out * sizeof(float));
    for (size_t k = 0; k < training.steps; k++) {
        if (k == SET_AT)
            memcpy(m.weights[1], training.set.weights, in * out * sizeof(float));
        if (k == INITIALIZE_AT) {
            model_destroy(&m);
            m = initial_model(SEED + 2);
        }
        samples s = batch_of(k);
        training.loss[k] = model_step(&m, &s.batch, learning_rate);
        assert_true(isfinite(training.loss[k]));
        training.hash[k] = model_hash(&m);
        training.outputs[k] = allocate(training.rows[k] * outputs_of(shape), sizeof(float));
        model_forward(&m, &s.batch, training.outputs[k]);
        samples_destroy(&s);
    }
    model_destroy(&other);
    model_destroy(&m);
}

static void forget_training(void) {
    for (size_t k = 0; k < training.steps; k++)
        free(training.outputs[k]);
    free(training.set.weights);
}

/* ---- The same on a backend -------------------------------------------------------------------------------------- */

/* Rows of a batch against a guard page, read-only. */
static const float *guard(test_array *array, const float *from, size_t stride, size_t rows, size_t columns,
                          test_side side) {
    if (!array->memory)
        test_array_create(array, ARRAY_BYTES);
    else
        test_array_protect(array, false);
    const size_t ld = stride ? stride : columns;
    test_array_place(array, rows, columns, ld, 0, side);
    for (size_t n = 0; n < rows; n++)
        memcpy(array->data + n * ld, from + n * ld, columns * sizeof(float));
    test_array_protect(array, true);
    return array->data;
}

static bp_batch guarded(const samples *s, test_side side) {
    static test_array inputs, targets;
    const net *shape = &training.shape;
    bp_batch b = s->batch;
    b.inputs = guard(&inputs, b.inputs, b.input_stride, b.rows, shape->sizes[0], side);
    if (b.targets)
        b.targets = guard(&targets, b.targets, b.target_stride, b.rows, outputs_of(shape), side);
    else
        b.labels = (const uint32_t *)guard(&targets, (const float *)b.labels, 0, 1, b.rows, side);
    return b;
}

/* Deltas lie behind their layer's outputs, and a forward pass leaves them alone. Canaries stand in their first row. */
static void mark_deltas(const bp_network *network) {
    for (size_t l = 0; l < network->plan.layers; l++)
        for (size_t j = 0; j < network->layers[l].out; j++)
            network->workspace.layers[l].deltas.data[j] = test_float(TEST_CANARY);
}

static void check_deltas(const bp_network *network, const char *name) {
    for (size_t l = 0; l < network->plan.layers; l++)
        for (size_t j = 0; j < network->layers[l].out; j++)
            if (test_raw_bits(network->workspace.layers[l].deltas.data[j]) != TEST_CANARY)
                fail_msg("%s: the forward pass wrote to layer %zu's deltas", name, l);
}

static void check_outputs(bp_network *network, const bp_batch *batch, const float *expected, const char *name) {
    const size_t out = outputs_of(&training.shape), stride = out + 3, count = batch->rows * stride;
    float *outputs = allocate(count, sizeof(float));
    for (size_t k = 0; k < count; k++)
        outputs[k] = test_float(TEST_CANARY);
    mark_deltas(network);
    assert_int_equal(bp_network_forward(network, batch, outputs, stride), BP_OK);
    check_deltas(network, name);
    for (size_t k = 0; k < count; k++) {
        const size_t n = k / stride, j = k % stride;
        if (j < out ? test_bits(outputs[k]) != test_bits(expected[n * out + j])
                    : test_raw_bits(outputs[k]) != TEST_CANARY)
            fail_msg("%s: output [%zu][%zu] is %a", name, n, j, (double)outputs[k]);
    }
    free(outputs);
}

static void check_step(bp_network *network, size_t k, const char *name) {
    samples s = batch_of(k);
    const bp_batch batch = guarded(&s, k % 2 ? TEST_START : TEST_END);
    float before = training.loss[k], loss = training.loss[k];
    if (k % 3 != 1)
        assert_int_equal(bp_network_loss(network, &batch, &before), BP_OK);
    assert_int_equal(bp_network_train_step(network, &batch, learning_rate, k % 3 == 2 ? NULL : &loss), BP_OK);
    if (test_bits(before) != test_bits(training.loss[k]) || test_bits(loss) != test_bits(training.loss[k]))
        fail_msg("%s: the loss is %a, the step's %a, expected %a", name, (double)before, (double)loss,
                 (double)training.loss[k]);
    if (bp_network_hash(network) != training.hash[k])
        fail_msg("%s: other parameters than expected", name);
    check_outputs(network, &batch, training.outputs[k], name);
    samples_destroy(&s);
}

static void check_training_on(test_table *table) {
    const net *shape = &training.shape;
    bp_network_config config = net_config(shape, training.max_batch_size);
    pool_log log = {0};
    config.threads = training.threads;
    config.pool = stored_pool(pool_serial(&log, training.threads));
    bp_network *network = net_create_on(table, &config, SEED);
    bool small = table->backend && table->backend->small_step;
    for (size_t l = 0; l < shape->layers; l++)
        small = small && shape->sizes[l + 1] <= table->backend->panel_width;
    assert_true(!table->backend || small == (network->plan.small_rows > 0));
    for (size_t k = 0; k < training.steps; k++) {
        char name[160];
        snprintf(name, sizeof name, "%zu-%zu-%zu-%zu, activations %d %d %d on %s, batch %zu of %zu rows",
                 shape->sizes[0], shape->sizes[1], shape->sizes[2], shape->sizes[3], (int)shape->activations[0].kind,
                 (int)shape->activations[1].kind, (int)shape->activations[2].kind, table->name, k, training.rows[k]);
        if (k == SET_AT)
            assert_int_equal(layer_write(network, OF_PARAMETERS, 1, training.set.weights, 0, NULL), BP_OK);
        if (k == INITIALIZE_AT)
            assert_int_equal(bp_network_initialize(network, SEED + 2), BP_OK);
        check_step(network, k, name);
    }
    bp_network_destroy(network);
    table->cases++;
}

static void check_training(const size_t *rows, size_t steps) {
    training.steps = steps;
    training.max_batch_size = 1;
    for (size_t k = 0; k < steps; k++) {
        training.rows[k] = rows[k];
        training.max_batch_size = rows[k] > training.max_batch_size ? rows[k] : training.max_batch_size;
    }
    train_model();
    test_each_table(check_training_on);
    forget_training();
}

static bp_activation activation_of(size_t index) {
    return (bp_activation){(bp_activation_kind)(index % ACTIVATION_COUNT), 0.25f};
}

/* ---- Tests ---------------------------------------------------------------------------------------------------- */

static size_t widest;

static void find_widest(test_table *table) {
    const size_t panel = table->kernels->tile_columns;
    widest = panel > widest ? panel : widest;
}

/* Batches around the groups of rows that are computed together, larger ones in between, which leave no transposes. */
static const size_t rows_few[] = {1, 2, 3, 4, 4, 5, 1, 4, 6, 7, 8, 3, 9, 13, 2};
static const size_t rows_many[] = {BP_ROW_BLOCK, 1, BP_ROW_BLOCK + 1, 3, BP_ROW_BLOCK - 1, BP_ROW_BLOCK + 1, 40, 1, 64};

/* The two that the call itself knows in turn with the others, which it hands on; some with weights or smoothed. */
static void draw_loss(size_t w, size_t k) {
    net *shape = &training.shape;
    shape->loss = (w + k) % 3 ? BP_LOSS_MSE : BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    if ((w + k) % 5 == 0)
        shape->loss = (bp_loss_kind)((w / 5 + k) % LOSS_COUNT);
    shape->weighted = (w + k) % 7 == 0;
    shape->options.label_smoothing = (w + k) % 4 == 0 && shape->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY ? 0.2f : 0.0f;
}

/* Hidden layers and outputs of each width, activations and losses taking turns. */
static void widths_and_activations(void **state) {
    (void)state;
    test_each_table(find_widest);
    const size_t end = widest + 1;
    for (size_t w = 1; w <= end; w += test_quick() ? 9 : 1)
        for (size_t k = 0; k < ACTIVATION_COUNT; k++) {
            if (k > 0 && (k + w) % 4 != 0) /* each width meets every fourth, each kind many widths */
                continue;
            const size_t other = 1 + (w * 7 + k * 5) % end;
            training.shape = (net){.layers = 3, .sizes = {k == 0 ? 3 * w : 1 + w % 6, w, other, 1 + (w + k * 8) % end}};
            training.threads = 1;
            bp_activation *f = training.shape.activations;
            f[0] = activation_of(k);
            f[1] = activation_of(k + w);
            f[2] = activation_of(k + 2 * w + 1);
            draw_loss(w, k);
            if (net_needs_logits(&training.shape))
                f[2] = activation_of(BP_ACTIVATION_IDENTITY);
            if (k == 0)
                check_training(rows_many, COUNT(rows_many));
            else
                check_training(rows_few, COUNT(rows_few));
        }
}

/* Two thin layers need no transposes of the first; the loss is on any activation. */
static void two_layers(void **state) {
    (void)state;
    for (size_t hidden = 0; hidden < ACTIVATION_COUNT; hidden++)
        for (size_t out = hidden % 4; out < ACTIVATION_COUNT; out += 4) {
            training.shape = (net){.layers = 2, .sizes = {2, 8, 1 + hidden % 5}, .loss = BP_LOSS_MSE};
            training.shape.activations[0] = activation_of(hidden);
            training.shape.activations[1] = activation_of(out);
            training.threads = 1;
            check_training(rows_few, COUNT(rows_few));
        }
}

/* A long first layer: from some rows on a step is worth a second worker, and no longer one call. */
static void between_one_lane_and_two(void **state) {
    (void)state;
    training.shape = (net){.layers = 2, .sizes = {900, 9, 3}, .loss = BP_LOSS_MSE};
    training.shape.activations[0] = activation_of(BP_ACTIVATION_TANH);
    training.threads = 2;
    size_t border = 0;
    const double row_flops = bp_step_flops(training.shape.sizes, 2, 1);
    while (bp_workers_for(row_flops * (double)(border + 1), STEP_FLOPS_PER_WORKER, training.threads) == 1)
        border++;
    assert_true(border > 4 && border < BP_ROW_BLOCK);
    const size_t rows[] = {border, border + 1, 2, border + 1, 4, border - 1, 1, border, border + 1};
    check_training(rows, COUNT(rows));
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_and_activations),
        cmocka_unit_test(two_layers),
        cmocka_unit_test(between_one_lane_and_two),
    };
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
