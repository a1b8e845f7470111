/*
 * Networks with every activation, in hidden and output layers, on every backend: steps in one call, in slices, of
 * single rows, and shared by workers in every way, against the scalar kernels chained by hand. What a network keeps for
 * the derivatives of an activation may differ from what a caller of the kernels keeps; the bits may not.
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
#include "harness/bits.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { STEPS = 4, SEED = 5 };

typedef enum way { ONE_CALL, ONE_LANE, BY_BLOCKS, BY_ROWS, BY_COLUMNS } way;

/* Widths that take a way through the network, on so many workers, with the rows of each step's batch. */
static const struct {
    const char *name;
    way way;
    size_t workers, layers, sizes[NET_LAYERS_MAX + 1];
    size_t rows[STEPS];
} forms[] = {
    {"one call", ONE_CALL, 1, 3, {3, 7, 4, 3}, {1, 4, 9, 64}},
    {"slices", ONE_LANE, 1, 3, {17, 33, 70, 35}, {3, 257, 12, 600}},
    {"rows alone", ONE_LANE, 1, 3, {5, 130, 67, 41}, {1, 1, 1, 1}},
    {"blocks", BY_BLOCKS, 3, 3, {17, 65, 31, 35}, {1600, 1024, 770, 512}},
    {"rows", BY_ROWS, 3, 3, {17, 65, 31, 35}, {1281, 203, 600, 64}},
    {"columns", BY_COLUMNS, 2, 2, {250, 256, 300}, {20, 19, 7, 20}},
};

/* Small ones, so that nothing overflows through layers without limits. */
static const float learning_rate = 0.03125f;

static net shape;
static const size_t *rows;
static size_t form;
static float expected_loss[STEPS];
static uint64_t expected_hash[STEPS];
static float *expected_outputs; /* of the first batch, after all steps */

static size_t rows_max(void) {
    size_t most = 0;
    for (size_t k = 0; k < STEPS; k++)
        most = rows[k] > most ? rows[k] : most;
    return most;
}

static samples batch_of(size_t step) {
    return samples_create(&shape, rows[step], step % 3, test_seed() + step);
}

static void train_by_hand(void) {
    const bp_network_config config = net_config(&shape, 1);
    bp_network *network = net_create(&config, SEED);
    model m = model_copy(&shape, network);
    bp_network_destroy(network);
    for (size_t k = 0; k < STEPS; k++) {
        samples s = batch_of(k);
        expected_loss[k] = model_step(&m, &s.batch, learning_rate);
        expected_hash[k] = model_hash(&m);
        assert_true(isfinite(expected_loss[k]));
        samples_destroy(&s);
    }
    samples s = batch_of(0);
    expected_outputs = allocate(rows[0] * shape.sizes[shape.layers], sizeof(float));
    model_forward(&m, &s.batch, expected_outputs);
    samples_destroy(&s);
    model_destroy(&m);
}

/* Whether the network goes the way that this form is here for. */
static bool goes_its_way(const bp_network *network) {
    size_t by_columns = 0;
    for (size_t l = 0; l < network->plan.layers; l++)
        by_columns += bp_schedule_by_columns(network, l, rows[0], network->workspace.workers);
    switch (forms[form].way) {
    case ONE_CALL:
        return network->workspace.small_rows > 0 || !network->backend->small_step;
    case ONE_LANE:
        return network->workspace.workers == 1 &&
               (network->workspace.small_rows == 0 || network->backend->panel_width >= 70);
    case BY_COLUMNS:
        return by_columns > 0;
    default:
        return by_columns == 0 && (network->plan.worker_blocks > 0) == (forms[form].way == BY_BLOCKS);
    }
}

static void check_on(test_table *table) {
    char name[160];
    snprintf(name, sizeof name, "%s, %s and %s, on %s", forms[form].name, bp_activation_name(shape.activations[0].kind),
             bp_activation_name(shape.activations[shape.layers - 1].kind), table->name);
    pool_log log = {0};
    bp_network_config config = net_config(&shape, rows_max());
    config.threads = forms[form].workers;
    if (config.threads > 1)
        config.pool = stored_pool(pool_reverse(&log, config.threads));
    bp_network *network = net_create_on(table, &config, SEED);
    if (forms[form].way == BY_ROWS)
        network->plan.worker_blocks = 0;
    if (!goes_its_way(network))
        fail_msg("%s: this net tests nothing", name);
    for (size_t k = 0; k < STEPS; k++) {
        samples s = batch_of(k);
        float before = NAN, loss = NAN;
        assert_int_equal(bp_network_loss(network, &s.batch, &before), BP_OK);
        assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, &loss), BP_OK);
        if (test_bits(before) != test_bits(expected_loss[k]) || test_bits(loss) != test_bits(expected_loss[k]))
            fail_msg("%s, step %zu: the loss is %a, the step's %a, expected %a", name, k, (double)before, (double)loss,
                     (double)expected_loss[k]);
        if (bp_network_hash(network) != expected_hash[k])
            fail_msg("%s, step %zu: other parameters than expected", name, k);
        samples_destroy(&s);
    }
    const size_t count = rows[0] * shape.sizes[shape.layers];
    float *outputs = allocate(count, sizeof(float));
    samples s = batch_of(0);
    assert_int_equal(bp_network_forward(network, &s.batch, outputs, 0), BP_OK);
    assert_same_bits(outputs, expected_outputs, count);
    samples_destroy(&s);
    free(outputs);
    bp_network_destroy(network);
    table->cases++;
}

static bp_activation activation_of(size_t index) {
    return (bp_activation){(bp_activation_kind)(index % ACTIVATION_COUNT), 0.5f};
}

/* Each kind in each form, in the first hidden layer and, with squared error, in the output layer. */
static void every_activation_every_way(void **state) {
    (void)state;
    for (form = 0; form < COUNT(forms); form++)
        for (size_t kind = 0; kind < ACTIVATION_COUNT; kind++) {
            if (test_quick() && (forms[form].way == BY_BLOCKS || (kind + form) % 6 != 0))
                continue;
            const size_t last = forms[form].layers - 1;
            shape = (net){.layers = forms[form].layers, .loss = BP_LOSS_MSE};
            memcpy(shape.sizes, forms[form].sizes, sizeof shape.sizes);
            for (size_t l = 0; l < last; l++)
                shape.activations[l] = activation_of(kind + 4 * l);
            shape.activations[last] = activation_of(kind + form + 1);
            rows = forms[form].rows;
            train_by_hand();
            test_each_table(check_on);
            free(expected_outputs);
        }
}

/* ---- Stored bits ---------------------------------------------------------------------------------------------- */

/* Hashes of weights and last loss, the same on every machine; failures give new values if a formula is changed. */
static const struct {
    bp_activation hidden, output;
    uint64_t hash;
} stored[] = {
    {{BP_ACTIVATION_RELU6, 0}, {BP_ACTIVATION_HARD_SIGMOID, 0}, UINT64_C(0x6e92e205abe9557e)},
    {{BP_ACTIVATION_ELU, 0}, {BP_ACTIVATION_SOFTSIGN, 0}, UINT64_C(0xd2c33f9347a5aab7)},
    {{BP_ACTIVATION_SELU, 0}, {BP_ACTIVATION_SOFTPLUS, 0}, UINT64_C(0x8312249a40e4573c)},
    {{BP_ACTIVATION_HARD_SWISH, 0}, {BP_ACTIVATION_SILU, 0}, UINT64_C(0x1f9198f2561d5a48)},
    {{BP_ACTIVATION_GELU, 0}, {BP_ACTIVATION_MISH, 0}, UINT64_C(0x3dc8d046d9a40c52)},
    {{BP_ACTIVATION_GELU_TANH, 0}, {BP_ACTIVATION_SINE, 30}, UINT64_C(0x46ebe503ed9d3dcc)},
};

static void check_stored_on(test_table *table) {
    if (!bp_cpu_covered())
        return;
    for (size_t k = 0; k < COUNT(stored); k++) {
        shape = (net){.layers = 2, .sizes = {13, 40, 6}, .activations = {stored[k].hidden, stored[k].output}};
        static const size_t batches[STEPS] = {5, 70, 1, 300};
        rows = batches;
        bp_network_config config = net_config(&shape, rows_max());
        config.threads = 1;
        bp_network *network = net_create_on(table, &config, 2024);
        float loss = NAN;
        for (size_t step = 0; step < STEPS; step++) {
            samples s = samples_create(&shape, rows[step], 0, step);
            assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, &loss), BP_OK);
            samples_destroy(&s);
        }
        const uint64_t hash = test_hash(bp_network_hash(network), test_bits(loss));
        if (hash != stored[k].hash) {
            print_error("%s and %s on %s: 0x%016llx, expected 0x%016llx\n", bp_activation_name(stored[k].hidden.kind),
                        bp_activation_name(stored[k].output.kind), table->name, (unsigned long long)hash,
                        (unsigned long long)stored[k].hash);
            test_count_failure();
        }
        bp_network_destroy(network);
    }
}

static void training_gives_the_stored_bits(void **state) {
    (void)state;
    test_each_table(check_stored_on);
    test_expect_no_failures();
}

/* ---- Initial weights, and bad numbers -------------------------------------------------------------------------- */

static bp_initializer default_of(bp_activation f) {
    static const bp_activation_kind he[] = {BP_ACTIVATION_RELU, BP_ACTIVATION_LEAKY_RELU, BP_ACTIVATION_RELU6,
                                            BP_ACTIVATION_ELU,  BP_ACTIVATION_HARD_SWISH, BP_ACTIVATION_SILU,
                                            BP_ACTIVATION_GELU, BP_ACTIVATION_GELU_TANH,  BP_ACTIVATION_MISH};
    for (size_t k = 0; k < COUNT(he); k++)
        if (f.kind == he[k])
            return (bp_initializer){.kind = BP_INITIALIZER_HE_UNIFORM};
    if (f.kind == BP_ACTIVATION_SELU)
        return (bp_initializer){.kind = BP_INITIALIZER_LECUN_UNIFORM};
    if (f.kind == BP_ACTIVATION_SINE)
        return (bp_initializer){BP_INITIALIZER_HE_UNIFORM, f.parameter == 0 ? 1.0f : 1.0f / fabsf(f.parameter)};
    return (bp_initializer){.kind = BP_INITIALIZER_XAVIER_UNIFORM};
}

static void initial_weights_suit_the_activation(void **state) {
    (void)state;
    const float parameters[] = {0.0f, 30.0f};
    for (size_t kind = 0; kind < ACTIVATION_COUNT; kind++)
        for (size_t p = 0; p < COUNT(parameters); p++) {
            shape = (net){.layers = 2, .sizes = {7, 12, 3}};
            for (size_t l = 0; l < 2; l++)
                shape.activations[l] = (bp_activation){(bp_activation_kind)kind, parameters[p]};
            const bp_network_config config = net_config(&shape, 1);
            const bp_initializer initializers[] = {default_of(shape.activations[0]), default_of(shape.activations[1])};
            bp_network *network = net_create(&config, SEED);
            const uint64_t hash = bp_network_hash(network);
            assert_int_equal(bp_network_initialize_with(network, initializers, SEED), BP_OK);
            assert_true(bp_network_hash(network) == hash);
            bp_network_destroy(network);
        }
}

/* At z = -22 GELU's derivative is 0, but not at a = 0: only from z is the delta of this row finite. */
static void bad_numbers_are_searched_with_the_right_derivatives(void **state) {
    (void)state;
    shape = (net){.layers = 2,
                  .sizes = {1, 1, 1},
                  .activations = {{BP_ACTIVATION_IDENTITY, 0}, {BP_ACTIVATION_GELU, 0}},
                  .loss = BP_LOSS_MAE};
    const bp_network_config config = net_config(&shape, 1);
    bp_network *network = net_create(&config, SEED);
    const float one = 1.0f, eight = 8.0f, zero = 0.0f, half = 0.5f, large = 3e38f;
    float bias = -30.0f;
    assert_int_equal(layer_write(network, OF_PARAMETERS, 0, &one, 0, &zero), BP_OK);
    assert_int_equal(layer_write(network, OF_PARAMETERS, 1, &eight, 0, &bias), BP_OK);
    const bp_batch batch = {.rows = 1, .inputs = &one, .targets = &half, .weights = &large};
    bp_nonfinite found;
    assert_int_equal(bp_network_find_nonfinite(network, &batch, &found), BP_OK);
    assert_int_equal(found.quantity, BP_QUANTITY_NONE);
    bias = -8.0f; /* z = 0: now the derivative is 1/2 */
    assert_int_equal(layer_write(network, OF_PARAMETERS, 1, NULL, 0, &bias), BP_OK);
    assert_int_equal(bp_network_find_nonfinite(network, &batch, &found), BP_OK);
    assert_int_equal(found.quantity, BP_QUANTITY_DELTA);
    assert_int_equal(found.layer, 0);
    bp_network_destroy(network);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_activation_every_way),
        cmocka_unit_test(training_gives_the_stored_bits),
        cmocka_unit_test(initial_weights_suit_the_activation),
        cmocka_unit_test(bad_numbers_are_searched_with_the_right_derivatives),
    };
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
