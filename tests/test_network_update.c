/*
 * Updates in parts, on every backend: gradients accumulated over micro-batches, frozen layers, the moving average, and
 * a training that goes on from its state in another network.
 */
#include <stdio.h>

#include <backprop/dense.h>

#include "defaults.h"
#include "enum_counts.h"
#include "network/parameters.h"
#include "optimizer_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { SEED = 8 };
static const float learning_rate = 0.015625f;

static const net small = {2, {2, 8, 1}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE};
static const net wide = {3,
                         {17, 65, 31, 35},
                         {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_LEAKY_RELU, 0.3f}, {BP_ACTIVATION_TANH, 0}},
                         BP_LOSS_MSE};
static const net *const nets[] = {&small, &wide};

static const bp_optimizer optimizers[] = {
    {.kind = BP_OPTIMIZER_SGD},
    {.kind = BP_OPTIMIZER_ADAMW, .weight_decay = 0.125f},
    {.kind = BP_OPTIMIZER_MOMENTUM, .clip_norm = 0.07f, .ema_decay = 0.5f},
};

static const net *shape;
static const bp_optimizer *optimizer;
static size_t workers;

/* On one worker and on several, for every net and optimizer. */
static void each_setting(void (*check)(test_table *table)) {
    for (size_t n = 0; n < COUNT(nets); n++)
        for (size_t k = 0; k < COUNT(optimizers); k++) {
            if (test_quick() && n + k == 1)
                continue;
            for (workers = 1; workers <= (nets[n] == &small || test_quick() ? 1 : 3); workers += 2) {
                shape = nets[n];
                optimizer = &optimizers[k];
                test_each_table(check);
            }
        }
}

static pool_log pool_calls;

static bp_network_config config_of(size_t max_batch_size) {
    bp_network_config config = net_config(shape, max_batch_size);
    config.optimizer = stored_optimizer(*optimizer);
    config.threads = workers;
    config.pool = stored_pool(pool_reverse(&pool_calls, workers));
    return config;
}

/* Rows first .. first + rows - 1 of samples without padding. */
static bp_batch part_of(const samples *s, size_t first, size_t rows) {
    return (bp_batch){.rows = rows,
                      .inputs = s->batch.inputs + first * shape->sizes[0],
                      .targets = s->batch.targets + first * shape->sizes[shape->layers]};
}

/* ---- Accumulation --------------------------------------------------------------------------------------------- */

static void check_accumulation(test_table *table) {
    enum { ROWS = 1100 };
    static const size_t cuts[][4] = {{256, 512, 332, 0}, {768, 256, 76, 0}, {1100, 0, 0, 0}, {1024, 1, 75, 0}};
    samples s = samples_create(shape, ROWS, 0, test_seed());
    bp_network_config config = config_of(ROWS);
    bp_network *whole = net_create_on(table, &config, SEED);
    config.gradients = true;
    bp_network *parts = net_create_on(table, &config, SEED);
    trained t = trained_create(shape, *optimizer, SEED);
    for (size_t k = 0; k < COUNT(cuts); k++) {
        float loss = NAN, sum = 0;
        size_t first = 0;
        bool aligned = true;
        for (size_t c = 0; cuts[k][c] > 0; first += cuts[k][c++]) {
            const bp_batch batch = part_of(&s, first, cuts[k][c]);
            const float expected = trained_gradient(&t, &batch, ROWS, c > 0);
            assert_int_equal(bp_network_accumulate(parts, &batch, ROWS, &loss), BP_OK);
            assert_same_bits(&loss, &expected, 1);
            sum += loss;
            aligned = aligned && first % BP_ROW_BLOCK == 0;
        }
        trained_update(&t, learning_rate);
        assert_int_equal(bp_network_update(parts, learning_rate), BP_OK);
        if (state_hash(parts) != trained_hash(&t))
            fail_msg("shape %zu layers, optimizer %s clip %g decay %g avg %g, lanes %zu, table %s, cut %zu",
                     shape->layers, bp_optimizer_name(optimizer->kind), optimizer->clip_norm, optimizer->weight_decay,
                     optimizer->ema_decay, workers, table->name, k);
        if (!aligned)
            break;
        assert_int_equal(bp_network_train_step(whole, &s.batch, learning_rate, &loss), BP_OK);
        assert_true(fabsf(sum - loss) < 1e-5f * loss);
        assert_true(state_hash(parts) == state_hash(whole));
    }
    assert_true(bp_network_steps(parts) == COUNT(cuts));

    /* What was accumulated is forgotten: on demand, and by a step. */
    const bp_batch some = part_of(&s, 0, 7), others = part_of(&s, 7, 9);
    assert_int_equal(bp_network_accumulate(parts, &some, 9, NULL), BP_OK);
    assert_int_equal(bp_network_discard(parts), BP_OK);
    assert_int_equal(bp_network_update(parts, learning_rate), BP_ERROR_VALUE);
    assert_int_equal(bp_network_accumulate(parts, &some, 9, NULL), BP_OK);
    assert_int_equal(bp_network_train_step(parts, &some, learning_rate, NULL), BP_OK);
    trained_step(&t, &some, learning_rate);
    assert_int_equal(bp_network_update(parts, learning_rate), BP_ERROR_VALUE);
    assert_int_equal(bp_network_accumulate(parts, &others, 9, NULL), BP_OK);
    assert_int_equal(bp_network_update(parts, learning_rate), BP_OK);
    trained_step(&t, &others, learning_rate);
    assert_true(state_hash(parts) == trained_hash(&t));

    trained_destroy(&t);
    bp_network_destroy(whole);
    bp_network_destroy(parts);
    samples_destroy(&s);
    table->cases++;
}

static void micro_batches_are_the_batch(void **state) {
    (void)state;
    each_setting(check_accumulation);
}

/* ---- Frozen layers -------------------------------------------------------------------------------------------- */

static void check_freezing(test_table *table) {
    static const bool plans[][NET_LAYERS_MAX] = {{true}, {false, true}, {true, true, true}, {false}, {true, true}};
    static const size_t rows[] = {3, 700, 1, 600, 1};
    const bp_network_config config = config_of(700);
    bp_network *network = net_create_on(table, &config, SEED);
    trained t = trained_create(shape, *optimizer, SEED);
    for (size_t k = 0; k < COUNT(plans); k++) {
        samples s = samples_create(shape, rows[k], k % 3, test_seed() + k);
        for (size_t l = 0; l < shape->layers; l++) {
            t.frozen[l] = plans[k][l];
            assert_int_equal(bp_network_freeze(network, l, plans[k][l]), BP_OK);
        }
        const float expected = trained_step(&t, &s.batch, learning_rate);
        float loss = NAN;
        assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, &loss), BP_OK);
        assert_same_bits(&loss, &expected, 1);
        if (state_hash(network) != trained_hash(&t))
            fail_msg("%s on %s, %zu lanes, plan %zu: other parameters than expected",
                     bp_optimizer_name(optimizer->kind), table->name, workers, k);
        samples_destroy(&s);
    }
    trained_destroy(&t);
    bp_network_destroy(network);
    table->cases++;
}

static void frozen_layers_stay(void **state) {
    (void)state;
    each_setting(check_freezing);
}

/* ---- The average ---------------------------------------------------------------------------------------------- */

static void check_average(test_table *table) {
    samples s = samples_create(shape, 6, 0, test_seed());
    bp_network_config config = config_of(6);
    config.optimizer = stored_optimizer((bp_optimizer){.ema_decay = 0.75f});
    config.gradients = true;
    bp_network *network = net_create_on(table, &config, SEED);
    trained t = trained_create(shape, *config.optimizer, SEED);
    for (size_t k = 0; k < 5; k++) {
        trained_step(&t, &s.batch, learning_rate);
        assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, NULL), BP_OK);
    }
    const uint64_t before = state_hash(network), parameters = bp_network_hash(network);
    assert_true(before == trained_hash(&t));
    size_t ema;
    assert_int_equal(bp_network_tensor_find(network, "ema.0.weight", &ema), BP_OK);
    assert_int_equal(ema, layer_tensor(network, OF_STATE + layer_states(network) - 1, 0, BP_TENSOR_PART_WEIGHT));

    /* Swapped in, it is what the network computes with, and it is not trained, not by what was accumulated before. */
    assert_int_equal(bp_network_accumulate(network, &s.batch, 6, NULL), BP_OK);
    assert_int_equal(bp_network_swap_ema(network), BP_OK);
    model average = {.shape = shape};
    for (size_t l = 0; l < shape->layers; l++) {
        average.weights[l] = t.state[t.states - 1][2 * l];
        average.biases[l] = t.state[t.states - 1][2 * l + 1];
    }
    float *outputs = allocate(6 * shape->sizes[shape->layers], sizeof(float)), loss = 4711;
    float *expected = allocate(6 * shape->sizes[shape->layers], sizeof(float));
    model_forward(&average, &s.batch, expected);
    assert_int_equal(bp_network_forward(network, &s.batch, outputs, 0), BP_OK);
    assert_same_bits(outputs, expected, 6 * shape->sizes[shape->layers]);
    const uint64_t ema_swapped = bp_network_hash(network);
    assert_true(ema_swapped == model_hash(&average) && ema_swapped != parameters);
    assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, &loss), BP_ERROR_VALUE);
    assert_int_equal(bp_network_accumulate(network, &s.batch, 6, &loss), BP_ERROR_VALUE);
    assert_int_equal(bp_network_update(network, learning_rate), BP_ERROR_VALUE);
    assert_true(loss == 4711 && bp_network_hash(network) == ema_swapped);

    assert_int_equal(bp_network_swap_ema(network), BP_OK);
    assert_true(state_hash(network) == before);
    trained_step(&t, &s.batch, learning_rate);
    assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, NULL), BP_OK);
    assert_true(state_hash(network) == trained_hash(&t));

    /* Parameters that are set are their own average. */
    const held_layer held = {shape->sizes[0], shape->sizes[1], t.m.weights[0], t.m.biases[0]};
    held_layer copied = {held.in, held.out, allocate(held.in * held.out, sizeof(float)),
                         allocate(held.out, sizeof(float))};
    layer_set(network, 0, &held);
    assert_int_equal(layer_read(network, OF_STATE + layer_states(network) - 1, 0, copied.weights, 0, copied.biases),
                     BP_OK);
    assert_same_bits(copied.weights, held.weights, held.in * held.out);
    assert_same_bits(copied.biases, held.biases, held.out);
    layer_free(&copied);

    /* A new beginning: no state, no steps, no gradient, the average as the parameters are. */
    assert_int_equal(bp_network_accumulate(network, &s.batch, 6, NULL), BP_OK);
    assert_int_equal(bp_network_initialize(network, SEED), BP_OK);
    assert_int_equal(bp_network_update(network, learning_rate), BP_ERROR_VALUE);
    assert_int_equal(layer_read(network, OF_GRADIENT, 0, NULL, 0, outputs), BP_ERROR_VALUE);
    assert_true(bp_network_gradient_norm(network) == 0);
    trained fresh = trained_create(shape, *config.optimizer, SEED);
    assert_true(state_hash(network) == trained_hash(&fresh) && bp_network_steps(network) == 0);
    trained_destroy(&fresh);

    free(outputs);
    free(expected);
    trained_destroy(&t);
    bp_network_destroy(network);
    samples_destroy(&s);
    table->cases++;
}

static void the_average_follows(void **state) {
    (void)state;
    each_setting(check_average);
}

/* ---- From one network into another ---------------------------------------------------------------------------- */

static void copy_layer(const bp_network *from, bp_network *to, size_t l) {
    held_layer held = layer_get(from, l);
    layer_set(to, l, &held);
    for (size_t k = 0; k < layer_states(from); k++) {
        assert_int_equal(layer_read(from, OF_STATE + k, l, held.weights, 0, held.biases), BP_OK);
        assert_int_equal(layer_write(to, OF_STATE + k, l, held.weights, 0, held.biases), BP_OK);
    }
    layer_free(&held);
}

static void check_resuming(test_table *table) {
    samples s = samples_create(shape, 6, 0, test_seed());
    const bp_network_config config = config_of(6);
    bp_network *first = net_create_on(table, &config, SEED), *second = net_create_on(table, &config, SEED + 1);
    for (size_t k = 0; k < 6; k++)
        assert_int_equal(bp_network_train_step(first, &s.batch, learning_rate, NULL), BP_OK);
    for (size_t l = 0; l < shape->layers; l++)
        copy_layer(first, second, l);
    assert_int_equal(bp_network_set_steps(second, 0, bp_network_steps(first)), BP_OK);
    float *saved = allocate(bp_parameters_bytes(first), 1);
    bp_parameters_copy(saved, first);
    for (size_t k = 0; k < 3; k++) {
        assert_int_equal(bp_network_train_step(first, &s.batch, learning_rate, NULL), BP_OK);
        assert_int_equal(bp_network_train_step(second, &s.batch, learning_rate, NULL), BP_OK);
    }
    const uint64_t expected = state_hash(first);
    assert_true(state_hash(second) == expected);
    assert_true(bp_network_steps(second) == 9);

    bp_parameters_restore(first, saved);
    assert_true(bp_network_steps(first) == 6);
    for (size_t k = 0; k < 3; k++)
        assert_int_equal(bp_network_train_step(first, &s.batch, learning_rate, NULL), BP_OK);
    assert_true(state_hash(first) == expected);
    free(saved);
    bp_network_destroy(first);
    bp_network_destroy(second);
    samples_destroy(&s);
    table->cases++;
}

static void a_training_goes_on_elsewhere(void **state) {
    (void)state;
    each_setting(check_resuming);
}

/* ---- What is refused ------------------------------------------------------------------------------------------ */

static void bad_inputs_are_refused(void **state) {
    (void)state;
    samples s = samples_create(&small, 4, 0, test_seed());
    bp_network_config config = net_config(&small, 4);
    bp_network *plain = net_create(&config, SEED);
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAM});
    config.gradients = true;
    bp_network *adam = net_create(&config, SEED);
    const uint64_t before = state_hash(adam);
    float loss = 4711, weights[16], biases[8];

    assert_int_equal(bp_network_accumulate(NULL, &s.batch, 4, &loss), BP_ERROR_NULL);
    assert_int_equal(bp_network_accumulate(adam, NULL, 4, &loss), BP_ERROR_NULL);
    assert_int_equal(bp_network_accumulate(plain, &s.batch, 4, &loss), BP_ERROR_VALUE);
    assert_int_equal(bp_network_accumulate(adam, &s.batch, 0, &loss), BP_ERROR_SIZE);
    bp_batch bad = s.batch;
    bad.rows = 5;
    assert_int_equal(bp_network_accumulate(adam, &bad, 5, &loss), BP_ERROR_BATCH);
    bad = s.batch, bad.targets = NULL;
    assert_int_equal(bp_network_accumulate(adam, &bad, 4, &loss), BP_ERROR_NULL);
    bad = s.batch, bad.inputs = (const float *)adam;
    assert_int_equal(bp_network_accumulate(adam, &bad, 4, &loss), BP_ERROR_OVERLAP);
    assert_int_equal(bp_network_update(adam, learning_rate), BP_ERROR_VALUE); /* nothing came of these */
    assert_int_equal(bp_network_update(NULL, learning_rate), BP_ERROR_NULL);
    assert_int_equal(bp_network_update(plain, learning_rate), BP_ERROR_VALUE);
    assert_int_equal(bp_network_discard(NULL), BP_ERROR_NULL);
    assert_int_equal(bp_network_discard(plain), BP_OK);
    assert_true(loss == 4711 && state_hash(adam) == before);
    assert_int_equal(bp_network_accumulate(adam, &s.batch, 4, &loss), BP_OK);
    assert_int_equal(bp_network_update(adam, NAN), BP_ERROR_VALUE);
    assert_int_equal(bp_network_update(adam, INFINITY), BP_ERROR_VALUE);
    assert_true(state_hash(adam) == before);
    assert_int_equal(bp_network_update(adam, learning_rate), BP_OK);

    assert_int_equal(layer_states(NULL), 0);
    assert_int_equal(layer_states(plain), 0);
    assert_int_equal(layer_states(adam), 2);
    assert_int_equal(layer_read(NULL, OF_STATE, 0, weights, 0, biases), BP_ERROR_NULL);
    assert_int_equal(layer_read(adam, OF_STATE + 2, 0, weights, 0, biases), BP_ERROR_VALUE);
    assert_int_equal(layer_read(plain, OF_STATE, 0, weights, 0, biases), BP_ERROR_VALUE);
    assert_int_equal(layer_read(adam, OF_STATE, 2, weights, 0, biases), BP_ERROR_VALUE);
    assert_int_equal(layer_read(adam, OF_STATE, 0, weights, 7, biases), BP_ERROR_SIZE);
    assert_int_equal(layer_write(NULL, OF_STATE, 0, weights, 0, biases), BP_ERROR_NULL);
    assert_int_equal(layer_write(adam, OF_STATE + 2, 0, weights, 0, biases), BP_ERROR_VALUE);
    assert_int_equal(layer_write(adam, OF_STATE, 0, (float *)adam, 0, biases), BP_ERROR_OVERLAP);
    assert_int_equal(layer_write(adam, OF_STATE, 0, (float *)(void *)((char *)weights + 1), 0, NULL),
                     BP_ERROR_ALIGNMENT);

    bp_optimizer filled;
    assert_int_equal(bp_network_get_optimizer(NULL, &filled, sizeof filled), BP_ERROR_NULL);
    assert_int_equal(bp_network_get_optimizer(adam, NULL, sizeof filled), BP_ERROR_NULL);
    assert_int_equal(bp_network_get_optimizer(adam, &filled, sizeof filled), BP_OK);
    assert_true(filled.kind == BP_OPTIMIZER_ADAM && filled.beta1 == 0.9f && filled.beta2 == 0.999f &&
                filled.epsilon == 1e-8f);
    assert_true(bp_network_steps(NULL) == 0);
    assert_int_equal(bp_network_set_steps(NULL, 0, 0), BP_ERROR_NULL);
    assert_int_equal(bp_network_set_steps(adam, 0, UINT64_C(1) << 48), BP_ERROR_VALUE);
    assert_true(bp_network_steps(adam) == 1);
    assert_int_equal(bp_network_swap_ema(NULL), BP_ERROR_NULL);
    assert_int_equal(bp_network_swap_ema(adam), BP_ERROR_VALUE);
    assert_int_equal(bp_network_freeze(NULL, 0, true), BP_ERROR_NULL);
    assert_int_equal(bp_network_freeze(adam, 2, true), BP_ERROR_VALUE);
    assert_true(bp_network_gradient_norm(NULL) == 0 && bp_network_gradient_norm(adam) == 0);

    bp_network *none = adam;
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAM, .beta1 = 1});
    assert_int_equal(bp_network_create(&config, &none), BP_ERROR_VALUE);
    assert_null(none);
    config.optimizer = stored_optimizer((bp_optimizer){.kind = OPTIMIZER_COUNT});
    assert_int_equal(bp_network_create(&config, &none), BP_ERROR_VALUE);
    config.optimizer = stored_optimizer((bp_optimizer){.clip_norm = -1});
    assert_int_equal(bp_network_create(&config, &none), BP_ERROR_VALUE);
    bp_network_destroy(plain);
    bp_network_destroy(adam);
    samples_destroy(&s);
}

/* ---- Normalized layers and dropout ---------------------------------------------------------------------------- */

static const bp_optimizer regularized_optimizers[] = {
    {.kind = BP_OPTIMIZER_ADAM},
    {.kind = BP_OPTIMIZER_ADAMW, .weight_decay = 0.125f, .ema_decay = 0.75f},
    {.kind = BP_OPTIMIZER_MOMENTUM, .clip_norm = 0.0625f},
    {.kind = BP_OPTIMIZER_SGD, .clip_norm = 0.0625f},
};
enum { REGULARIZED_ROWS = 1100, REGULARIZED_OUT = 65 };

/* What a training leaves of a network whose first layer is normalized and dropped. */
typedef struct regularized {
    uint64_t hash;
    float norm, loss, gamma[2][REGULARIZED_OUT], beta[2][REGULARIZED_OUT]; /* state 0, and of the last state */
} regularized;

static regularized train_regularized(test_table *table, size_t threads, bool in_parts) {
    static const float dropout[] = {0.25f, 0.125f, 0};
    static const bool normalize[] = {true, false, false};
    samples s = samples_create(shape, REGULARIZED_ROWS, 0, test_seed());
    workers = threads;
    bp_network_config config = config_of(REGULARIZED_ROWS);
    config.dropout = dropout;
    config.normalize = normalize;
    config.seed = 9;
    config.gradients = in_parts;
    bp_network *network = net_create_on(table, &config, SEED);
    regularized r = {.loss = 0};
    for (size_t step = 0; step < 3; step++) {
        if (!in_parts) {
            assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, &r.loss), BP_OK);
            continue;
        }
        static const size_t cuts[] = {0, 256, 768, REGULARIZED_ROWS};
        for (size_t c = 0; c + 1 < COUNT(cuts); c++) {
            const bp_batch batch = part_of(&s, cuts[c], cuts[c + 1] - cuts[c]);
            assert_int_equal(bp_network_accumulate(network, &batch, REGULARIZED_ROWS, NULL), BP_OK);
        }
        assert_int_equal(bp_network_update(network, learning_rate), BP_OK);
    }
    r.hash = bp_network_hash(network);
    r.norm = bp_network_gradient_norm(network);
    const size_t states = layer_states(network);
    for (size_t k = 0; k < 2 && states > 0; k++)
        assert_int_equal(norm_read(network, OF_STATE + (k ? states - 1 : 0), 0, r.gamma[k], r.beta[k]), BP_OK);
    assert_int_equal(norm_read(network, OF_STATE + states, 0, r.gamma[0], NULL), BP_ERROR_VALUE);
    assert_int_equal(norm_write(network, OF_STATE, 1, r.gamma[0], NULL), BP_ERROR_VALUE);
    assert_int_equal(norm_write(NULL, OF_STATE, 0, r.gamma[0], NULL), BP_ERROR_NULL);
    bp_network_destroy(network);
    samples_destroy(&s);
    return r;
}

static regularized of_scalar;
static bool have_scalar;

static void check_regularized(test_table *table) {
    if (!have_scalar)
        of_scalar = train_regularized(table, 1, false);
    have_scalar = true;
    for (size_t threads = test_quick() ? 3 : 1; threads <= 3; threads += 2) {
        regularized whole = train_regularized(table, threads, false), parts = train_regularized(table, threads, true);
        parts.loss = whole.loss;
        assert_same_bits(&whole.norm, &of_scalar.norm, 1);
        assert_same_bits(&whole.loss, &of_scalar.loss, 1);
        assert_same_bits(whole.gamma[0], of_scalar.gamma[0], 4 * REGULARIZED_OUT);
        assert_same_bits(parts.gamma[0], of_scalar.gamma[0], 4 * REGULARIZED_OUT);
        assert_true(whole.hash == of_scalar.hash && parts.hash == of_scalar.hash);
        table->cases++;
    }
}

/* The norm by hand, from the gradient that a twin keeps: gains and shifts count. */
static void check_normalized_norm(test_table *table) {
    static const bool normalize[] = {true, false, false};
    samples s = samples_create(shape, REGULARIZED_ROWS, 0, test_seed());
    bp_network_config config = config_of(REGULARIZED_ROWS);
    config.normalize = normalize;
    config.gradients = true;
    bp_network *network = net_create_on(table, &config, SEED), *twin = net_create_on(table, &config, SEED);
    assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, NULL), BP_OK);
    const bp_backward_options keep = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE);
    assert_int_equal(bp_network_backward(twin, &s.batch, &keep), BP_OK);
    float square = 0;
    for (size_t l = 0; l < shape->layers; l++) {
        const size_t in = shape->sizes[l], out = shape->sizes[l + 1];
        float *weights = allocate((in + 3) * out, sizeof(float)), *biases = weights + in * out;
        float *gamma = normalize[l] ? biases + out : NULL, *beta = normalize[l] ? biases + 2 * out : NULL;
        assert_int_equal(layer_read(twin, OF_GRADIENT, l, weights, 0, biases), BP_OK);
        if (normalize[l])
            assert_int_equal(norm_read(twin, OF_GRADIENT, l, gamma, beta), BP_OK);
        square = square + layer_square(in, out, weights, biases, gamma, beta);
        free(weights);
    }
    const float norm = bp_network_gradient_norm(network), expected = sqrtf(square);
    assert_same_bits(&norm, &expected, 1);
    bp_network_destroy(network);
    bp_network_destroy(twin);
    samples_destroy(&s);
    table->cases++;
}

static void norms_of_normalized_layers(void **state) {
    (void)state;
    shape = &wide;
    optimizer = &regularized_optimizers[2];
    workers = 1;
    test_each_table(check_normalized_norm);
}

/* The same bits everywhere, in one step and by micro-batches, whose rows are dropped as those of the whole batch. */
static void regularized_networks_are_updated(void **state) {
    (void)state;
    shape = &wide;
    for (size_t k = 0; k < COUNT(regularized_optimizers); k++) {
        optimizer = &regularized_optimizers[k];
        have_scalar = false;
        test_each_table(check_regularized);
        if (optimizer->kind != BP_OPTIMIZER_SGD) { /* gains have a state of their own, and it moves */
            float moved = 0;
            for (size_t j = 0; j < REGULARIZED_OUT; j++)
                moved += fabsf(of_scalar.gamma[0][j]) + fabsf(of_scalar.beta[0][j]);
            assert_true(moved > 0);
        }
    }
}

/* The sum of squares of a layer's kept gradient. */
static double square_of_layer(const bp_network *network, size_t index) {
    bp_layer described;
    assert_int_equal(bp_network_layer(network, index, &described), BP_OK);
    const size_t count = described.in * described.out, out = described.out;
    float *g = allocate(count + 3 * out, sizeof *g);
    assert_int_equal(layer_read(network, OF_GRADIENT, index, g, 0, g + count), BP_OK);
    if (described.normalized)
        assert_int_equal(norm_read(network, OF_GRADIENT, index, g + count + out, g + count + 2 * out), BP_OK);
    double sum = 0;
    for (size_t k = 0; k < count + 3 * out; k++)
        sum += (double)g[k] * (double)g[k];
    free(g);
    return sum;
}

/* Gains and shifts count in the norm; frozen, they neither count nor move. */
static void check_gains(test_table *table) {
    static const bool normalize[] = {true, false, false};
    samples s = samples_create(shape, REGULARIZED_ROWS, 0, test_seed());
    for (size_t k = 0; k < 2; k++) {
        static const bp_optimizer both[] = {{.kind = BP_OPTIMIZER_SGD, .clip_norm = 1000}, {.kind = BP_OPTIMIZER_SGD}};
        optimizer = &both[k];
        bp_network_config config = config_of(REGULARIZED_ROWS);
        config.normalize = normalize;
        config.gradients = true;
        bp_network *network = net_create_on(table, &config, SEED);
        float before[2 * REGULARIZED_OUT], after[2 * REGULARIZED_OUT];
        for (size_t frozen = 0; frozen < 2; frozen++) {
            assert_int_equal(bp_network_freeze(network, 0, frozen), BP_OK);
            assert_int_equal(norm_read(network, OF_PARAMETERS, 0, before, before + REGULARIZED_OUT), BP_OK);
            assert_int_equal(bp_network_accumulate(network, &s.batch, REGULARIZED_ROWS, NULL), BP_OK);
            double square = 0;
            for (size_t l = frozen; l < shape->layers; l++)
                square += square_of_layer(network, l);
            assert_int_equal(bp_network_update(network, learning_rate), BP_OK);
            const double norm = (double)bp_network_gradient_norm(network);
            assert_true(k == 0 ? fabs(norm - sqrt(square)) < 1e-5 * sqrt(square) : norm == 0);
            assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, NULL), BP_OK);
            assert_int_equal(norm_read(network, OF_PARAMETERS, 0, after, after + REGULARIZED_OUT), BP_OK);
            for (size_t j = 0; j < 2 * REGULARIZED_OUT; j++)
                assert_true((test_bits(before[j]) == test_bits(after[j])) == (frozen == 1));
        }
        bp_network_destroy(network);
        table->cases++;
    }
    samples_destroy(&s);
}

static void gains_are_clipped_and_frozen(void **state) {
    (void)state;
    shape = &wide;
    for (workers = 1; workers <= 3; workers += 2)
        test_each_table(check_gains);
}

/* Gains that are set from outside are their own average, as weights are. */
static void set_gains_are_their_average(void **state) {
    (void)state;
    static const bool normalize[] = {true, false, false};
    const bp_optimizer averaging = {.kind = BP_OPTIMIZER_SGD, .ema_decay = 0.75f};
    shape = &wide;
    optimizer = &averaging;
    workers = 1;
    bp_network_config config = config_of(1);
    config.normalize = normalize;
    bp_network *network = net_create(&config, SEED);
    float set[2][REGULARIZED_OUT], got[2][REGULARIZED_OUT];
    for (size_t j = 0; j < REGULARIZED_OUT; j++) {
        set[0][j] = 1.0f + (float)j;
        set[1][j] = -(float)j;
    }
    assert_int_equal(norm_write(network, OF_PARAMETERS, 0, set[0], NULL), BP_OK);
    assert_int_equal(norm_write(network, OF_PARAMETERS, 0, NULL, set[1]), BP_OK);
    assert_int_equal(norm_read(network, OF_STATE + layer_states(network) - 1, 0, got[0], got[1]), BP_OK);
    assert_same_bits(got[0], set[0], 2 * REGULARIZED_OUT);
    bp_network_destroy(network);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(micro_batches_are_the_batch), cmocka_unit_test(frozen_layers_stay),
        cmocka_unit_test(the_average_follows),         cmocka_unit_test(a_training_goes_on_elsewhere),
        cmocka_unit_test(bad_inputs_are_refused),      cmocka_unit_test(regularized_networks_are_updated),
        cmocka_unit_test(set_gains_are_their_average), cmocka_unit_test(gains_are_clipped_and_frozen),
        cmocka_unit_test(norms_of_normalized_layers),
    };
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
