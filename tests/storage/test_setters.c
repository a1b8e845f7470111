/*
 * Every call that sets a part of a network's state, from every state that it can be in: afterwards it takes the steps
 * of a fresh network that was given the same. A call that fails changes nothing.
 */
#include <math.h>
#include <string.h>

#include "defaults.h"
#include "files.h"
#include "network_support.h"

enum { ROWS = 12, DRAW = 3, LOADED = 77, MASKS = 5 };

/* What a network went through; any of them at the same time. */
enum { TRAINED = 1, FROZEN = 2, ACCUMULATED = 4, KEPT = 8, SWAPPED = 16, PRIORS = 32, PLAIN_PRIORS = 4 };

/* ---- Networks ------------------------------------------------------------------------------------------------- */

/* Two that run in one call, the first with its weights held twice, and one with all that a layer can have. */
enum { PLAIN, SMALL, LARGE, NETS };
static const net shapes[NETS] = {
    {.layers = 2,
     .sizes = {4, 6, 3},
     .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE},
    {.layers = 2,
     .sizes = {4, 6, 3},
     .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE,
     .gradients = true},
    {.layers = 2,
     .sizes = {5, 70, 3},
     .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE,
     .gradients = true},
};

static bp_network *create(size_t n, uint64_t seed) {
    static const float dropout[] = {0.25f, 0};
    static const bool normalize[] = {true, false};
    bp_network_config config = net_config(&shapes[n], ROWS);
    if (n != PLAIN)
        config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAM, .ema_decay = 0.75f});
    config.seed = MASKS;
    if (n == LARGE) {
        config.optimizer =
            stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAM, .ema_decay = 0.75f, .clip_norm = 0.5f});
        config.dropout = dropout;
        config.normalize = normalize;
    }
    return net_create(&config, seed);
}

/* All arrays of a network, the parameters first, as OF_PARAMETERS and OF_STATE count; the number of floats. */
static size_t get_all(const bp_network *network, float *to) {
    bp_layer layer;
    float *at = to;
    for (size_t set = 0; set <= layer_states(network); set++)
        for (size_t l = 0; bp_network_layer(network, l, &layer) == BP_OK; l++) {
            float *bias = at + layer.in * layer.out, *gamma = bias + layer.out, *beta = gamma + layer.out;
            assert_int_equal(layer_read(network, set, l, at, 0, bias), BP_OK);
            at = gamma;
            if (!layer.normalized)
                continue;
            assert_int_equal(norm_read(network, set, l, gamma, beta), BP_OK);
            at = beta + layer.out;
        }
    return (size_t)(at - to);
}

/* The first `sets` of them: the parameters, or these and some of the state. */
static void set_all(bp_network *network, const float *at, size_t sets) {
    bp_layer layer;
    for (size_t set = 0; set < sets; set++)
        for (size_t l = 0; bp_network_layer(network, l, &layer) == BP_OK; l++) {
            const float *bias = at + layer.in * layer.out, *gamma = bias + layer.out, *beta = gamma + layer.out;
            assert_int_equal(layer_write(network, set, l, at, 0, bias), BP_OK);
            at = gamma;
            if (!layer.normalized)
                continue;
            assert_int_equal(norm_write(network, set, l, gamma, beta), BP_OK);
            at = beta + layer.out;
        }
}

enum { FLOATS_MAX = 4 * (5 * 70 + 3 * 70 + 70 * 3 + 3) };
static float mine[FLOATS_MAX], others[FLOATS_MAX];

static void train(bp_network *network, const samples *s, size_t rows) {
    bp_batch batch = s->batch;
    batch.rows = rows;
    assert_int_equal(bp_network_train_step(network, &batch, 0.01f, NULL), BP_OK);
}

static bp_network *create_prior(size_t n, unsigned prior, const samples *s) {
    const bp_backward_options keep = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE);
    bp_network *network = create(n, DRAW);
    if (prior & FROZEN)
        assert_int_equal(bp_network_freeze(network, 0, true), BP_OK);
    for (size_t step = 0; prior & TRAINED && step < 3; step++)
        train(network, s, 1 + step);
    if (prior & KEPT)
        assert_int_equal(bp_network_backward(network, &s->batch, &keep), BP_OK);
    if (prior & ACCUMULATED)
        assert_int_equal(bp_network_accumulate(network, &s->batch, 2 * ROWS, NULL), BP_OK);
    if (prior & SWAPPED)
        assert_int_equal(bp_network_swap_ema(network), BP_OK);
    return network;
}

static void expect_equal(const bp_network *a, const bp_network *b, const char *what, size_t n, unsigned prior) {
    const size_t count = get_all(a, mine);
    assert_int_equal(get_all(b, others), count);
    if (memcmp(mine, others, count * sizeof *mine) != 0 || bp_network_hash(a) != bp_network_hash(b) ||
        bp_network_steps(a) != bp_network_steps(b) || bp_network_seed(a) != bp_network_seed(b) ||
        bp_network_ema_swapped(a) != bp_network_ema_swapped(b))
        fail_msg("%s, net %zu, prior state %u", what, n, prior);
}

/* Steps of every kind, compared after each. */
static void expect_equal_steps(bp_network *a, bp_network *b, const samples *s, const char *what, size_t n,
                               unsigned prior) {
    bp_network *const both[] = {a, b};
    static const size_t rows[] = {1, ROWS, 3};
    expect_equal(a, b, what, n, prior);
    for (size_t step = 0; step < sizeof rows / sizeof *rows; step++) {
        for (size_t k = 0; k < 2; k++)
            train(both[k], s, rows[step]);
        expect_equal(a, b, what, n, prior);
        assert_true(bp_network_gradient_norm(a) == bp_network_gradient_norm(b));
    }
    for (size_t k = 0; k < 2 && n != PLAIN; k++) {
        assert_int_equal(bp_network_accumulate(both[k], &s->batch, ROWS, NULL), BP_OK);
        assert_int_equal(bp_network_update(both[k], 0.01f), BP_OK);
    }
    expect_equal(a, b, what, n, prior);
}

static unsigned priors(size_t n) {
    return n == PLAIN ? PLAIN_PRIORS : PRIORS;
}

static void expect_no_gradient(bp_network *network, const char *what, size_t n, unsigned prior) {
    static float weights[5 * 70], biases[70];
    if (bp_network_update(network, 0.01f) != BP_ERROR_VALUE ||
        layer_read(network, OF_GRADIENT, 1, weights, 0, biases) != BP_ERROR_VALUE || bp_network_ema_swapped(network))
        fail_msg("%s, net %zu, prior state %u: a gradient or an average is left", what, n, prior);
}

/* ---- Setters -------------------------------------------------------------------------------------------------- */

static float given[FLOATS_MAX]; /* what setters set, and a checkpoint holds */

static void initialize(bp_network *network) {
    assert_int_equal(bp_network_initialize(network, 9), BP_OK);
}

static void initialize_with(bp_network *network) {
    const bp_initializer options[] = {{BP_INITIALIZER_HE_NORMAL, 1}, {BP_INITIALIZER_XAVIER_UNIFORM, 0.5f}};
    assert_int_equal(bp_network_initialize_with(network, options, 9), BP_OK);
}

static void load_checkpoint(bp_network *network) {
    EXPECT_SUCCESS(bp_checkpoint_load(network, files_path("checkpoint"), &error));
}

static void load_parameters(bp_network *network) {
    EXPECT_SUCCESS(bp_network_load(network, files_path("checkpoint"), &error));
}

static void set_parameters(bp_network *network) {
    set_all(network, given, 1);
}

static void set_biases(bp_network *network) {
    assert_int_equal(layer_write(network, OF_PARAMETERS, 1, NULL, 0, given), BP_OK);
}

static void set_shift(bp_network *network) {
    bp_layer layer;
    assert_int_equal(bp_network_layer(network, 0, &layer), BP_OK);
    assert_int_equal(norm_write(network, OF_PARAMETERS, 0, NULL, given), layer.normalized ? BP_OK : BP_ERROR_VALUE);
    if (!layer.normalized)
        set_biases(network);
}

static void set_squares(bp_network *network) {
    const float ones[3] = {1, 1, 1};
    assert_int_equal(layer_write(network, OF_STATE + 1, 1, NULL, 0, ones),
                     layer_states(network) ? BP_OK : BP_ERROR_VALUE);
}

static void set_average(bp_network *network) {
    assert_int_equal(layer_write(network, OF_STATE + 2, 1, given, 0, given + 3 * 70),
                     layer_states(network) ? BP_OK : BP_ERROR_VALUE);
}

static void set_everything(bp_network *network) {
    set_all(network, given, 1 + layer_states(network));
    assert_int_equal(bp_network_set_steps(network, LOADED, 4), BP_OK);
}

static void set_steps(bp_network *network) {
    assert_int_equal(bp_network_set_steps(network, LOADED, 6), BP_OK);
}

static const struct {
    const char *name;
    void (*set)(bp_network *network);
    bool whole; /* nothing of the state before is left but the seed of masks */
} setters[] = {
    {"initialize", initialize, true},
    {"initialize_with", initialize_with, true},
    {"load a checkpoint", load_checkpoint, true},
    {"set everything", set_everything, true},
    {"load parameters", load_parameters, false},
    {"set parameters", set_parameters, false},
    {"set biases", set_biases, false},
    {"set a shift", set_shift, false},
    {"set squares", set_squares, false},
    {"set the average", set_average, false},
    {"set steps", set_steps, false},
};
enum { SETTERS = sizeof setters / sizeof *setters };

/* Numbers to set, and a file of them. */
static void prepare(size_t n, const samples *s) {
    bp_network *network = create(n, LOADED);
    assert_int_equal(bp_network_set_steps(network, LOADED, 1), BP_OK);
    for (size_t step = 0; step < 3; step++)
        train(network, s, ROWS);
    get_all(network, given);
    EXPECT_SUCCESS(bp_checkpoint_save(network, files_path("checkpoint"), NULL, 0, &error));
    bp_network_destroy(network);
}

/* A fresh network with the state of one that went through `prior`, gradients left out and the average in its place. */
static bp_network *create_copy(size_t n, unsigned prior, const samples *s) {
    bp_network *twin = create_prior(n, prior & ~(unsigned)SWAPPED, s), *copy = create(n, LOADED);
    if (prior & FROZEN)
        assert_int_equal(bp_network_freeze(copy, 0, true), BP_OK);
    get_all(twin, others);
    set_all(copy, others, 1 + layer_states(copy));
    assert_int_equal(bp_network_set_steps(copy, bp_network_seed(twin), bp_network_steps(twin)), BP_OK);
    bp_network_destroy(twin);
    return copy;
}

static void setters_from_every_state(void **state) {
    (void)state;
    for (size_t n = 0; n < NETS; n++) {
        samples s = samples_create(&shapes[n], ROWS, 0, 5);
        prepare(n, &s);
        for (unsigned prior = 0; prior < priors(n); prior++)
            for (size_t k = 0; k < SETTERS; k++) {
                bp_network *network = create_prior(n, prior, &s);
                bp_network *fresh = setters[k].whole ? create(n, LOADED) : create_copy(n, prior, &s);
                if (prior & FROZEN)
                    assert_int_equal(bp_network_freeze(fresh, 0, true), BP_OK);
                setters[k].set(network);
                setters[k].set(fresh);
                expect_no_gradient(network, setters[k].name, n, prior);
                if (setters[k].whole)
                    assert_true(bp_network_gradient_norm(network) == 0);
                expect_equal_steps(network, fresh, &s, setters[k].name, n, prior);
                bp_network_destroy(network);
                bp_network_destroy(fresh);
            }
        samples_destroy(&s);
    }
}

/* ---- Calls that fail ------------------------------------------------------------------------------------------ */

static void refused_calls_change_nothing(void **state) {
    (void)state;
    for (size_t n = 0; n < NETS; n++) {
        samples s = samples_create(&shapes[n], ROWS, 0, 5);
        prepare(n, &s);
        bp_network *other = create(n == LARGE ? SMALL : LARGE, LOADED);
        EXPECT_SUCCESS(bp_checkpoint_save(other, files_path("other"), NULL, 0, &error));
        bp_network_destroy(other);
        const bp_initializer bad[] = {{BP_INITIALIZER_HE_NORMAL, 1}, {BP_INITIALIZER_HE_NORMAL, NAN}};
        for (unsigned prior = 0; prior < priors(n); prior++) {
            bp_network *network = create_prior(n, prior, &s), *twin = create_prior(n, prior, &s);
            EXPECT_FAILURE(BP_ERROR_MISMATCH, "in the network",
                           bp_checkpoint_load(network, files_path("other"), &error));
            EXPECT_FAILURE(BP_ERROR_MISMATCH, "in the network", bp_network_load(network, files_path("other"), &error));
            EXPECT_FAILURE(BP_ERROR_FILE, "", bp_checkpoint_load(network, files_path("none"), &error));
            assert_int_equal(bp_network_initialize_with(network, bad, 1), BP_ERROR_VALUE);
            assert_int_equal(layer_write(network, OF_PARAMETERS, 2, given, 0, NULL), BP_ERROR_VALUE);
            assert_int_equal(norm_write(network, OF_PARAMETERS, 1, given, NULL), BP_ERROR_VALUE);
            assert_int_equal(layer_write(network, OF_STATE + 3, 0, given, 0, NULL), BP_ERROR_VALUE);
            assert_int_equal(bp_network_set_steps(network, 1, UINT64_C(1) << 48), BP_ERROR_VALUE);
            assert_int_equal(bp_network_freeze(network, 2, true), BP_ERROR_VALUE);
            assert_int_equal(bp_network_freeze(network, 0, prior & FROZEN), BP_OK); /* as it is */
            expect_equal(network, twin, "refused calls", n, prior);
            bp_network *const both[] = {network, twin};
            for (size_t k = 0; k < 2; k++) {
                if (prior & SWAPPED)
                    assert_int_equal(bp_network_swap_ema(both[k]), BP_OK);
                assert_int_equal(bp_network_update(both[k], 0.01f),
                                 prior & (ACCUMULATED | KEPT) ? BP_OK : BP_ERROR_VALUE);
            }
            expect_equal_steps(network, twin, &s, "refused calls", n, prior);
            bp_network_destroy(network);
            bp_network_destroy(twin);
        }
        samples_destroy(&s);
    }
}

static void checkpoints_are_not_of_averages(void **state) {
    (void)state;
    samples s = samples_create(&shapes[SMALL], ROWS, 0, 5);
    bp_network *network = create_prior(SMALL, TRAINED | SWAPPED, &s);
    EXPECT_FAILURE(BP_ERROR_VALUE, "the EMA weights are swapped in",
                   bp_checkpoint_save(network, files_path("ema"), NULL, 0, &error));
    EXPECT_SUCCESS(bp_network_save(network, files_path("ema"), NULL, 0, &error));
    bp_network_destroy(network);
    samples_destroy(&s);
}

/* ---- Gradients, averages and frozen layers -------------------------------------------------------------------- */

/* A look at the average between two micro-batches changes nothing. */
static void swaps_keep_gradients(void **state) {
    (void)state;
    for (size_t n = SMALL; n < NETS; n++) {
        samples s = samples_create(&shapes[n], ROWS, 0, 5);
        bp_network *network = create_prior(n, TRAINED | ACCUMULATED, &s);
        bp_network *twin = create_prior(n, TRAINED | ACCUMULATED, &s);
        float loss;
        assert_int_equal(bp_network_swap_ema(network), BP_OK);
        assert_int_equal(bp_network_loss(network, &s.batch, &loss), BP_OK);
        assert_int_equal(bp_network_swap_ema(network), BP_OK);
        assert_int_equal(bp_network_update(network, 0.01f), BP_OK);
        assert_int_equal(bp_network_update(twin, 0.01f), BP_OK);
        expect_equal_steps(network, twin, &s, "swapped twice", n, 0);
        bp_network_destroy(network);
        bp_network_destroy(twin);
        samples_destroy(&s);
    }
}

/* The gradient of a layer that was frozen while it was computed is +0; to freeze one leaves those of others. */
static void frozen_layers_have_zeros(void **state) {
    (void)state;
    static float weights[5 * 70], biases[70];
    for (size_t n = SMALL; n < NETS; n++) {
        samples s = samples_create(&shapes[n], ROWS, 0, 5);
        bp_network *frozen = create_prior(n, TRAINED | ACCUMULATED | FROZEN, &s);
        bp_network *late = create_prior(n, TRAINED | ACCUMULATED, &s);
        set_everything(frozen);
        set_everything(late);
        assert_int_equal(bp_network_accumulate(frozen, &s.batch, ROWS, NULL), BP_OK);
        assert_int_equal(bp_network_accumulate(late, &s.batch, ROWS, NULL), BP_OK);
        assert_int_equal(bp_network_freeze(late, 0, true), BP_OK);
        const net *config = &shapes[n];
        memset(weights, 0xff, sizeof weights);
        assert_int_equal(layer_read(frozen, OF_GRADIENT, 0, weights, 0, biases), BP_OK);
        for (size_t k = 0; k < config->sizes[0] * config->sizes[1]; k++)
            assert_true(weights[k] == 0.0f && !signbit(weights[k]));
        assert_int_equal(bp_network_update(frozen, 0.01f), BP_OK);
        assert_int_equal(bp_network_update(late, 0.01f), BP_OK);
        expect_equal(frozen, late, "frozen late", n, 0);
        assert_int_equal(bp_network_accumulate(frozen, &s.batch, ROWS, NULL), BP_OK);
        assert_int_equal(bp_network_freeze(frozen, 0, false), BP_OK);
        assert_int_equal(bp_network_freeze(late, 0, false), BP_OK);
        assert_int_equal(bp_network_discard(frozen), BP_OK);
        expect_equal_steps(frozen, late, &s, "thawed", n, 0);
        bp_network_destroy(frozen);
        bp_network_destroy(late);
        samples_destroy(&s);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setters_from_every_state),        cmocka_unit_test(refused_calls_change_nothing),
        cmocka_unit_test(checkpoints_are_not_of_averages), cmocka_unit_test(swaps_keep_gradients),
        cmocka_unit_test(frozen_layers_have_zeros),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
