/*
 * Networks with layer normalization and dropout: on every backend, for every way in which workers share a slice,
 * against the scalar kernels chained by hand; gradients against finite differences; training resumed; bad inputs.
 */
#include <math.h>
#include <stdio.h>

#include "regularized_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { BATCH_MAX = 2100, STEPS_MAX = 4 };
static const float learning_rate = 0.0625f;

/* ---- Networks against the model ---------------------------------------------------------------------------------- */

/* Gains and shifts that are not 1 and 0. */
static void draw_normalization(bp_network *network, const regular_net *r) {
    float values[2][512];
    for (size_t l = 0; l < r->shape.layers; l++) {
        for (size_t j = 0; j < r->shape.sizes[l + 1]; j++) {
            values[0][j] = 1.0f + 0.5f * bp_random_symmetric(3, l, j);
            values[1][j] = 0.5f * bp_random_symmetric(4, l, j);
        }
        if (r->normalize[l]) {
            assert_int_equal(norm_write(network, OF_PARAMETERS, l, values[0], values[1]), BP_OK);
        }
    }
}

typedef struct training {
    regular_net net;
    size_t rows[STEPS_MAX];
    size_t slice_rows; /* to which slices are cut down; 0: as they are */
    bool wide;         /* worth several workers at its largest batch */
    bool by_columns;   /* several workers share some layer by columns */
} training;

static const training trainings[] = {
    {{{2, {3, 5, 2}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE}, {0.5f, 0}, {false, false}},
     {1, 2, 7, 600},
     0,
     false,
     0},
    {{{2, {3, 5, 2}, {{BP_ACTIVATION_IDENTITY, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE}, {0, 0}, {true, false}},
     {1, 5, 300, 1},
     0,
     false,
     0},
    {{{3,
       {17, 33, 21, 7},
       {{BP_ACTIVATION_GELU, 0}, {BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_IDENTITY, 0}},
       BP_LOSS_SOFTMAX_CROSS_ENTROPY},
      {0.2f, 0.5f, 0},
      {true, true, false}},
     {1100, 33, 1, 513},
     256,
     false,
     0},
    {{{3,
       {9, 40, 70, 3},
       {{BP_ACTIVATION_LEAKY_RELU, 0.1f}, {BP_ACTIVATION_IDENTITY, 0}, {BP_ACTIVATION_SOFTPLUS, 0}},
       BP_LOSS_MSE},
      {0, 0.3f, 0},
      {true, false, false}},
     {257, 64, 3, 1025},
     512,
     false,
     0},
    /* Blocks for each worker; rows; columns, and rows where columns would be but for the normalization. */
    {{{3, {17, 65, 31, 35}, {{BP_ACTIVATION_MISH, 0}, {BP_ACTIVATION_ELU, 0.3f}, {BP_ACTIVATION_TANH, 0}}, BP_LOSS_MSE},
      {0.5f, 0.25f, 0},
      {true, true, false}},
     {2048, BATCH_MAX, 1281, 203},
     0,
     true,
     0},
    {{{3,
       {17, 65, 31, 35},
       {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_SILU, 0}, {BP_ACTIVATION_SIGMOID, 0}},
       BP_LOSS_MSE},
      {0.5f, 0.25f, 0},
      {false, true, false}},
     {BATCH_MAX, 1281, 203, 1},
     512,
     true,
     0},
    {{{3,
       {250, 256, 260, 300},
       {{BP_ACTIVATION_SINE, 2}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
       BP_LOSS_MSE},
      {0.1f, 0.5f, 0},
      {false, false, false}},
     {5, 19, 20, 1},
     0,
     true,
     3},
    {{{3,
       {250, 256, 384, 384},
       {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
       BP_LOSS_MSE},
      {0.1f, 0.5f, 0},
      {true, false, false}},
     {5, 19, 20, 1},
     0,
     true,
     1},
};

typedef struct outcome {
    float loss[STEPS_MAX], before[STEPS_MAX]; /* of the step; of the network that is not training */
    uint64_t hash[STEPS_MAX];
    float *outputs; /* of the first batch, after all steps */
} outcome;

static samples batch_of(const training *t, size_t step) {
    return samples_create(&t->net.shape, t->rows[step], step % 3, test_seed() + step);
}

static size_t steps_of(const training *t) {
    return test_quick() && t->wide ? 1 : STEPS_MAX;
}

static outcome train_by_hand(const training *t) {
    const bp_network_config config = config_of(&t->net, 1);
    bp_network *network = net_create(&config, 11);
    draw_normalization(network, &t->net);
    regular_model m = copy_of(&t->net, network);
    bp_network_destroy(network);
    outcome o = {.outputs = NULL};
    for (size_t k = 0; k < steps_of(t); k++) {
        samples s = batch_of(t, k);
        free(evaluate(&m, &s.batch, &o.before[k]));
        o.loss[k] = step_by_hand(&m, &s.batch, learning_rate);
        o.hash[k] = hash_of(&m);
        assert_true(isfinite(o.loss[k]));
        samples_destroy(&s);
    }
    samples s = batch_of(t, 0);
    float unused;
    o.outputs = evaluate(&m, &s.batch, &unused);
    samples_destroy(&s);
    free_model(&m);
    return o;
}

static void check_network(bp_network *network, const training *t, const outcome *expected, const char *name) {
    for (size_t k = 0; k < steps_of(t); k++) {
        samples s = batch_of(t, k);
        float before = NAN, loss = NAN;
        assert_int_equal(bp_network_loss(network, &s.batch, &before), BP_OK);
        assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, &loss), BP_OK);
        if (test_bits(before) != test_bits(expected->before[k]) || test_bits(loss) != test_bits(expected->loss[k])) {
            fail_msg("%s, batch %zu of %zu rows: the loss is %a, the step's %a, expected %a and %a", name, k,
                     t->rows[k], (double)before, (double)loss, (double)expected->before[k], (double)expected->loss[k]);
        }
        if (bp_network_hash(network) != expected->hash[k]) {
            fail_msg("%s, batch %zu of %zu rows: other parameters than expected", name, k, t->rows[k]);
        }
        samples_destroy(&s);
    }
    const size_t count = t->rows[0] * t->net.shape.sizes[t->net.shape.layers];
    float *outputs = allocate(count, sizeof(float));
    samples s = batch_of(t, 0);
    assert_int_equal(bp_network_forward(network, &s.batch, outputs, 0), BP_OK);
    assert_same_bits(outputs, expected->outputs, count);
    samples_destroy(&s);
    free(outputs);
}

static const struct {
    const char *name;
    size_t threads;
    bp_thread_pool (*pool)(pool_log *log, size_t threads); /* null: the library's own */
} pools[] = {
    {"one thread", 1, NULL},
    {"two in order", 2, pool_serial},
    {"three in reverse", 3, pool_reverse},
    {"four threads", 4, pool_threaded},
};

static const training *current;
static outcome expected;

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Without a slice's size of its own a net is shared by blocks, or has layers by columns. */
static void check_sharing(const bp_network *network) {
    size_t by_columns = 0;
    for (size_t l = 0; l < network->plan.layers; l++) {
        by_columns += bp_schedule_by_columns(network, l, current->rows[0], network->workspace.workers);
    }
    if (network->workspace.workers > 1) {
        assert_true((by_columns > 0) == current->by_columns);
        assert_true(current->slice_rows > 0 || current->by_columns || network->plan.worker_blocks > 0);
    }
}

static void check_on(test_table *table) {
    for (size_t k = 0; k < COUNT(pools) && (k == 0 || current->wide); k++) {
        char name[128];
        snprintf(name, sizeof name, "training %zu on %s, %s", (size_t)(current - trainings), table->name,
                 pools[k].name);
        pool_log log = {0};
        bp_network_config config = config_of(&current->net, BATCH_MAX);
        config.threads = pools[k].threads;
        if (pools[k].pool) {
            config.pool = stored_pool(pools[k].pool(&log, pools[k].threads));
        }
        bp_network *network = net_create_on(table, &config, 11);
        assert_int_equal(bp_network_threads(network), pools[k].threads);
        check_sharing(network);
        draw_normalization(network, &current->net);
        if (current->slice_rows > 0) {
            network->workspace.slice_rows = smaller(network->workspace.slice_rows, current->slice_rows);
            network->plan.worker_blocks = 0;
        }
        check_network(network, current, &expected, name);
        assert_true(!pools[k].pool || log.runs > 0);
        bp_network_destroy(network);
        table->cases++;
    }
}

static void every_level_and_every_sharing(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(trainings); k++) {
        current = &trainings[k];
        expected = train_by_hand(current);
        test_each_table(check_on);
        free(expected.outputs);
    }
}

/* ---- Gradients --------------------------------------------------------------------------------------------------- */

static const regular_net small = {
    {3, {4, 6, 5, 3}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE},
    {0, 0.4f, 0},
    {true, true, false}};

/* Loss of the training step that comes next: with its masks, and without a change. */
static double next_loss(bp_network *network, const bp_batch *batch) {
    const uint64_t steps = bp_network_steps(network);
    float loss;
    assert_int_equal(bp_network_train_step(network, batch, 0.0f, &loss), BP_OK);
    assert_int_equal(bp_network_set_steps(network, mask_seed, steps), BP_OK);
    return (double)loss;
}

enum { PARAMETERS_MAX = 64 };

/* All parameters of a layer in one array: weights, biases, gains, shifts. */
static size_t get_all(const bp_network *network, size_t l, float *values) {
    const size_t in = small.shape.sizes[l], out = small.shape.sizes[l + 1];
    float *biases = values + in * out, *gamma = biases + out;
    assert_int_equal(layer_read(network, OF_PARAMETERS, l, values, 0, biases), BP_OK);
    if (!small.normalize[l]) {
        return (in + 1) * out;
    }
    assert_int_equal(norm_read(network, OF_PARAMETERS, l, gamma, gamma + out), BP_OK);
    return (in + 3) * out;
}

static void set_all(bp_network *network, size_t l, const float *values) {
    const size_t in = small.shape.sizes[l], out = small.shape.sizes[l + 1];
    const float *biases = values + in * out, *gamma = biases + out;
    assert_int_equal(layer_write(network, OF_PARAMETERS, l, values, 0, biases), BP_OK);
    if (small.normalize[l]) {
        assert_int_equal(norm_write(network, OF_PARAMETERS, l, gamma, gamma + out), BP_OK);
    }
}

/* What a step moves a parameter by, against the differences of its loss: these are of single precision, and so coarse.
 */
static void finite_differences(void **state) {
    (void)state;
    const float step = 0x1p-10f;
    const bp_network_config config = config_of(&small, 8);
    bp_network *network = net_create(&config, 5);
    draw_normalization(network, &small);
    samples s = samples_create(&small.shape, 8, 0, 6);
    size_t moved = 0;
    for (size_t l = 0; l < small.shape.layers; l++) {
        float at[PARAMETERS_MAX], other[PARAMETERS_MAX], after[PARAMETERS_MAX];
        const size_t count = get_all(network, l, at);
        float all[NET_LAYERS_MAX][PARAMETERS_MAX];
        for (size_t k = 0; k < small.shape.layers; k++) {
            get_all(network, k, all[k]);
        }
        const uint64_t steps = bp_network_steps(network);
        assert_int_equal(bp_network_train_step(network, &s.batch, 1.0f, NULL), BP_OK);
        get_all(network, l, after);
        for (size_t k = 0; k < small.shape.layers; k++) {
            set_all(network, k, all[k]);
        }
        assert_int_equal(bp_network_set_steps(network, mask_seed, steps), BP_OK);
        for (size_t k = 0; k < count; k++) {
            memcpy(other, at, sizeof at);
            other[k] = at[k] + step;
            set_all(network, l, other);
            const double above = next_loss(network, &s.batch);
            other[k] = at[k] - step;
            set_all(network, l, other);
            const double previous = next_loss(network, &s.batch);
            set_all(network, l, at);
            const double gradient = (double)(at[k] - after[k]), difference = (above - previous) / (2 * (double)step);
            if (fabs(gradient - difference) > 4e-4 + 5e-3 * fabs(gradient)) {
                fail_msg("layer %zu, parameter %zu: %g by %g", l, k, gradient, difference);
            }
            moved += fabs(gradient) > 1e-3;
        }
    }
    assert_true(moved > 60);
    samples_destroy(&s);
    bp_network_destroy(network);
}

/* ---- The generator's state --------------------------------------------------------------------------------------- */

static void resumed_training(void **state) {
    (void)state;
    const bp_network_config config = config_of(&small, 16);
    samples s = samples_create(&small.shape, 16, 0, 6);
    bp_network *whole = net_create(&config, 5), *first = net_create(&config, 5);
    for (size_t k = 0; k < 6; k++) {
        assert_int_equal(bp_network_train_step(whole, &s.batch, learning_rate, NULL), BP_OK);
    }
    for (size_t k = 0; k < 3; k++) {
        assert_int_equal(bp_network_train_step(first, &s.batch, learning_rate, NULL), BP_OK);
    }
    bp_network_config other = config;
    other.seed = 999;
    bp_network *second = net_create(&other, 77);
    float values[PARAMETERS_MAX];
    for (size_t l = 0; l < small.shape.layers; l++) {
        get_all(first, l, values);
        set_all(second, l, values);
    }
    assert_true(bp_network_hash(first) == bp_network_hash(second));
    assert_int_equal(bp_network_set_steps(second, bp_network_seed(first), bp_network_steps(first)), BP_OK);
    for (size_t k = 0; k < 3; k++) {
        assert_int_equal(bp_network_train_step(second, &s.batch, learning_rate, NULL), BP_OK);
    }
    assert_true(bp_network_hash(whole) == bp_network_hash(second));
    assert_int_equal(bp_network_steps(second), 6);
    samples_destroy(&s);
    bp_network_destroy(whole);
    bp_network_destroy(first);
    bp_network_destroy(second);
}

/* Only what trains draws a mask, and each step another one. */
static void steps_and_masks(void **state) {
    (void)state;
    const bp_network_config config = config_of(&small, 16);
    bp_network *network = net_create(&config, 5);
    samples s = samples_create(&small.shape, 16, 0, 6);
    float outputs[16 * 3], loss, again;
    const double first = next_loss(network, &s.batch);
    assert_true(next_loss(network, &s.batch) == first);
    assert_int_equal(bp_network_loss(network, &s.batch, &loss), BP_OK);
    assert_int_equal(bp_network_forward(network, &s.batch, outputs, 0), BP_OK);
    assert_int_equal(bp_network_train_step(network, &s.batch, NAN, NULL), BP_ERROR_VALUE);
    assert_int_equal(bp_network_steps(network), 0);
    assert_int_equal(bp_network_set_steps(network, mask_seed, 1), BP_OK);
    assert_int_equal(bp_network_steps(network), 1);
    assert_true(next_loss(network, &s.batch) != first);
    assert_int_equal(bp_network_set_steps(network, mask_seed + 1, 0), BP_OK);
    assert_int_equal(bp_network_seed(network), mask_seed + 1);
    assert_true(bp_network_train_step(network, &s.batch, 0.0f, &again) == BP_OK && (double)again != first);
    assert_int_equal(bp_network_loss(network, &s.batch, &again), BP_OK);
    assert_int_equal(test_bits(again), test_bits(loss));
    assert_int_equal(bp_network_set_steps(network, 0, (UINT64_C(1) << 48) - 1), BP_OK);
    assert_int_equal(bp_network_set_steps(network, 1, UINT64_C(1) << 48), BP_ERROR_VALUE);
    assert_true(bp_network_seed(network) == 0 && bp_network_steps(network) == (UINT64_C(1) << 48) - 1);
    assert_int_equal(bp_network_set_steps(NULL, 1, 1), BP_ERROR_NULL);
    assert_true(bp_network_steps(NULL) == 0 && bp_network_seed(NULL) == 0);
    samples_destroy(&s);
    bp_network_destroy(network);
}

/* ---- Configurations ---------------------------------------------------------------------------------------------- */

static void nothing_to_regularize(void **state) {
    (void)state;
    regular_net none = small;
    none.dropout[1] = 0.0f;
    none.normalize[0] = none.normalize[1] = false;
    const bp_network_config config = config_of(&none, 16), plain = net_config(&none.shape, 16);
    bp_network *a = net_create(&config, 5), *b = net_create(&plain, 5);
    samples s = samples_create(&none.shape, 16, 0, 6);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->plan.small_rows, b->plan.small_rows);
    assert_int_equal(bp_network_parameters(a), bp_network_parameters(b));
    assert_int_equal(bp_network_train_step(a, &s.batch, learning_rate, NULL), BP_OK);
    assert_int_equal(bp_network_train_step(b, &s.batch, learning_rate, NULL), BP_OK);
    assert_true(bp_network_hash(a) == bp_network_hash(b));
    samples_destroy(&s);
    bp_network_destroy(a);
    bp_network_destroy(b);
}

static void bad_configurations(void **state) {
    (void)state;
    static const float probabilities[] = {1.0f, -0.1f, NAN, INFINITY};
    bp_network *network;
    size_t bytes = 7;
    for (size_t k = 0; k < COUNT(probabilities) + 2; k++) {
        regular_net bad = small;
        bad.dropout[k < COUNT(probabilities) ? 0 : 2] = k < COUNT(probabilities) ? probabilities[k] : 0.5f;
        if (k == COUNT(probabilities)) {
            bad.dropout[2] = 0.0f;
            bad.normalize[2] = true;
        }
        const bp_network_config config = config_of(&bad, 8);
        assert_int_equal(bp_network_create(&config, &network), BP_ERROR_VALUE);
        assert_null(network);
        assert_int_equal(bp_network_memory(&config, &bytes), BP_ERROR_VALUE);
        assert_int_equal(bytes, 7);
    }
}

static void gains_and_shifts(void **state) {
    (void)state;
    const bp_network_config config = config_of(&small, 8);
    bp_network *network = NULL;
    float gamma[8], beta[8];
    assert_int_equal(bp_network_create(&config, &network), BP_OK);
    assert_int_equal(bp_network_parameters(network), (4 + 3) * 6 + (6 + 3) * 5 + (5 + 1) * 3);
    bp_layer layer;
    assert_int_equal(bp_network_layer(network, 1, &layer), BP_OK);
    assert_true(layer.normalized && layer.dropout == 0.4f);
    for (size_t round = 0; round < 2; round++) { /* as created, and as initialized */
        assert_int_equal(norm_read(network, OF_PARAMETERS, 0, gamma, beta), BP_OK);
        for (size_t j = 0; j < 6; j++) {
            assert_true(gamma[j] == 1.0f && test_raw_bits(beta[j]) == 0);
        }
        draw_normalization(network, &small);
        assert_int_equal(bp_network_initialize(network, 1), BP_OK);
    }
    const uint64_t hash = bp_network_hash(network);
    gamma[0] = 2.0f;
    assert_int_equal(norm_write(network, OF_PARAMETERS, 2, gamma, beta), BP_ERROR_VALUE);
    assert_int_equal(norm_write(network, OF_PARAMETERS, 3, gamma, beta), BP_ERROR_VALUE);
    assert_int_equal(norm_write(NULL, OF_PARAMETERS, 0, gamma, beta), BP_ERROR_NULL);
    assert_int_equal(norm_write(network, OF_PARAMETERS, 0, (float *)(void *)network, beta), BP_ERROR_OVERLAP);
    assert_int_equal(norm_write(network, OF_PARAMETERS, 0, NULL, (float *)(void *)network), BP_ERROR_OVERLAP);
    assert_int_equal(norm_write(network, OF_PARAMETERS, 0, (float *)(void *)((char *)gamma + 1), beta),
                     BP_ERROR_ALIGNMENT);
    assert_true(bp_network_hash(network) == hash);
    assert_int_equal(norm_read(network, OF_PARAMETERS, 2, gamma, beta), BP_ERROR_VALUE);
    assert_int_equal(norm_read(NULL, OF_PARAMETERS, 0, gamma, beta), BP_ERROR_NULL);
    assert_true(gamma[0] == 2.0f);
    assert_int_equal(norm_write(network, OF_PARAMETERS, 0, gamma, NULL), BP_OK);
    assert_int_equal(norm_read(network, OF_PARAMETERS, 0, beta, NULL), BP_OK);
    assert_true(beta[0] == 2.0f && bp_network_hash(network) != hash);
    bp_network_destroy(network);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_and_every_sharing),
        cmocka_unit_test(finite_differences),
        cmocka_unit_test(resumed_training),
        cmocka_unit_test(steps_and_masks),
        cmocka_unit_test(nothing_to_regularize),
        cmocka_unit_test(bad_configurations),
        cmocka_unit_test(gains_and_shifts),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
