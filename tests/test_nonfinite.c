/* Numbers that are not finite: planted in every place of a step and found there, and what a fit does about them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fit_support.h"
#include "harness/session.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* More rows than a row block, and layers wider than a panel of any level. */
enum { IN = 3, WIDE = 70, OUT = 2, ROWS = 300, SEED = 11 };

/* All zero until something is planted. */
typedef struct field {
    bp_network *network;
    held_layer layer[3];
    float x[ROWS][IN], y[ROWS][OUT];
} field;

static const net shape = {.layers = 3,
                          .sizes = {IN, WIDE, WIDE, OUT},
                          .activations = {{BP_IDENTITY, 0}, {BP_LEAKY_RELU, 2}, {BP_IDENTITY, 0}},
                          .loss = BP_LOSS_MSE};

static field *field_create(const test_table *table) {
    field *f = allocate(1, sizeof *f);
    bp_network_config config = net_config(&shape, ROWS);
    config.threads = 1; /* a pool for each of hundreds of networks would take most of the time */
    f->network = net_create_on(table, &config, 1);
    for (size_t l = 0; l < 3; l++) {
        f->layer[l] = layer_get(f->network, l);
        memset(f->layer[l].weights, 0, f->layer[l].in * f->layer[l].out * sizeof(float));
    }
    return f;
}

static void field_destroy(field *f) {
    for (size_t l = 0; l < 3; l++)
        layer_free(&f->layer[l]);
    bp_network_destroy(f->network);
    free(f);
}

static float *weight(field *f, size_t l, size_t i, size_t j) {
    return &f->layer[l].weights[i * f->layer[l].out + j];
}

/* The search must find just this, and change nothing. */
static void expect(field *f, bp_place place, size_t layer, size_t row, size_t column, int line) {
    for (size_t l = 0; l < 3; l++)
        layer_set(f->network, l, &f->layer[l]);
    const uint64_t hash = bp_network_hash(f->network);
    const bp_batch batch = {.rows = ROWS, .inputs = f->x[0], .targets = f->y[0]};
    bp_nonfinite found = {.place = BP_PLACE_COUNT};
    assert_int_equal(bp_network_find_nonfinite(f->network, &batch, &found), BP_OK);
    if (found.place != place || found.layer != layer || found.row != row || found.column != column ||
        (place != BP_PLACE_NONE && isfinite(found.value)))
        fail_msg("line %d: %s of layer %zu at [%zu][%zu], %g", line, bp_place_name(found.place), found.layer, found.row,
                 found.column, (double)found.value);
    assert_int_equal(bp_network_hash(f->network), hash);
    field_destroy(f);
}

#define EXPECT(place, layer, row, column) expect(f, place, layer, row, column, __LINE__)

/* In the order of the search. Each field would also have others, further on, where the first one leads. */
static void places_on(test_table *table) {
    field *f = field_create(table);
    EXPECT(BP_PLACE_NONE, 0, 0, 0);

    static const float values[] = {NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < COUNT(values); k++) {
        for (size_t l = 0; l < 3; l++) {
            f = field_create(table);
            *weight(f, l, 2, f->layer[l].out - 1) = values[k];
            f->layer[l].biases[0] = values[k];
            f->x[0][0] = values[k];
            EXPECT(BP_PLACE_WEIGHTS, l, 2, l == 2 ? OUT - 1 : WIDE - 1);
            f = field_create(table);
            f->layer[l].biases[1] = values[k];
            if (l < 2)
                *weight(f, l + 1, 0, 0) = values[k];
            EXPECT(BP_PLACE_BIASES, l, 0, 1);
        }
        f = field_create(table);
        f->x[290][1] = values[k];
        f->y[0][0] = values[k];
        EXPECT(BP_PLACE_INPUTS, 0, 290, 1);
        f = field_create(table);
        f->y[ROWS - 1][OUT - 1] = values[k];
        f->y[ROWS - 1][0] = 1;
        EXPECT(BP_PLACE_TARGETS, 0, ROWS - 1, OUT - 1);
    }

    /* A large weight meets the one row that is not zero. */
    f = field_create(table);
    f->x[270][2] = 2;
    *weight(f, 0, 2, 65) = 3e38f;
    EXPECT(BP_PLACE_PRE_ACTIVATION, 0, 270, 65);
    f = field_create(table);
    f->x[7][0] = 2;
    *weight(f, 0, 0, 66) = 1;
    *weight(f, 1, 66, 33) = -3e38f;
    EXPECT(BP_PLACE_PRE_ACTIVATION, 1, 7, 33);
    /* The leaky ReLU doubles what is below zero. */
    f = field_create(table);
    f->x[299][0] = 1;
    *weight(f, 0, 0, 66) = 1;
    *weight(f, 1, 66, 33) = -3e38f;
    EXPECT(BP_PLACE_ACTIVATION, 1, 299, 33);

    /* Outputs and targets whose squared difference overflows; and losses whose sum does. */
    f = field_create(table);
    f->y[280][1] = 1e20f;
    EXPECT(BP_PLACE_LOSS, 0, 280, 0);
    f = field_create(table);
    f->y[1][0] = f->y[2][1] = f->y[299][0] = 1.8e19f;
    EXPECT(BP_PLACE_LOSS, 0, ROWS, 0);

    /* Deltas overflow on their way down through weights that were multiplied by zeros on the way up. */
    f = field_create(table);
    f->y[260][1] = -4 * ROWS;
    *weight(f, 2, 68, 1) = 3e38f;
    EXPECT(BP_PLACE_DELTA, 1, 260, 68);
    f = field_create(table);
    f->y[260][1] = -4 * ROWS;
    *weight(f, 2, 68, 1) = 6e37f;
    f->layer[1].biases[68] = 1e-45f; /* else the slope doubles it */
    *weight(f, 1, 3, 68) = 2;
    EXPECT(BP_PLACE_DELTA, 0, 260, 3);

    /* Gradients: a large input, and many deltas of one sign, one row in each of two blocks. */
    f = field_create(table);
    f->y[260][1] = -4 * ROWS;
    *weight(f, 2, 68, 1) = *weight(f, 1, 3, 68) = 1;
    f->x[260][2] = 3e38f;
    EXPECT(BP_PLACE_GRADIENT, 0, 2, 3);
    f = field_create(table);
    f->y[3][1] = f->y[260][1] = -4 * ROWS;
    *weight(f, 2, 68, 1) = 5e37f;
    f->layer[1].biases[68] = 1e-45f;
    EXPECT(BP_PLACE_BIAS_GRADIENT, 1, 0, 68);
}

static void every_place_is_found(void **state) {
    (void)state;
    test_each_table(places_on);
}

/* Logits that are finite and a loss that is not; labels instead of targets. */
static void classes_are_searched_too(void **state) {
    (void)state;
    const net labelled = {.layers = 1, .sizes = {2, 3}, .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY};
    const bp_network_config config = net_config(&labelled, 8);
    bp_network *network = net_create(&config, 1);
    float x[] = {1, 1, 1, 2, 0, 1}, w[] = {3e38f, -3e38f, 0, 0, 0, 0};
    const uint32_t labels[] = {2, 1, 0};
    bp_batch batch = {.rows = 3, .inputs = x, .labels = labels};
    bp_nonfinite found;
    assert_int_equal(bp_network_find_nonfinite(network, &batch, &found), BP_OK);
    assert_int_equal(found.place, BP_PLACE_NONE);
    assert_int_equal(bp_network_set_parameters(network, 0, w, 0, NULL), BP_OK);
    assert_int_equal(bp_network_find_nonfinite(network, &batch, &found), BP_OK);
    assert_int_equal(found.place, BP_PLACE_LOSS);
    assert_int_equal(found.row, 1); /* row 0 has the difference 3e38, row 1 twice that */
    bp_network_destroy(network);
}

static void places_have_names(void **state) {
    (void)state;
    for (int a = 0; a < BP_PLACE_COUNT; a++) {
        assert_non_null(bp_place_name((bp_place)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(bp_place_name((bp_place)a), bp_place_name((bp_place)b));
    }
    assert_string_equal(bp_place_name(BP_PLACE_GRADIENT), "gradient");
    assert_string_equal(bp_place_name(BP_PLACE_UPDATE), "update");
    assert_null(bp_place_name(BP_PLACE_COUNT));
    assert_null(bp_place_name((bp_place)-1));
}

/* ---- Refused -------------------------------------------------------------------------------------------------- */

/* An allocator that stops giving. */
typedef struct budget {
    size_t left, live;
} budget;

static void *budget_allocate(void *context, size_t bytes) {
    budget *b = context;
    if (b->left == 0)
        return NULL;
    b->left--;
    b->live++;
    return malloc(bytes);
}

static void budget_release(void *context, void *memory) {
    ((budget *)context)->live--;
    free(memory);
}

static void bad_searches(void **state) {
    (void)state;
    budget b = {.left = 1};
    bp_network_config config = net_config(&shape, 8);
    config.allocator = (bp_allocator){budget_allocate, budget_release, &b};
    bp_network *network = net_create(&config, 1);
    float x[8 * IN] = {0}, y[8 * OUT] = {0};
    const bp_batch good = {.rows = 8, .inputs = x, .targets = y};
    bp_nonfinite found = {.row = 77};
    static const struct {
        size_t rows;
        ptrdiff_t x, y; /* bytes to move by, or -1 for null */
        size_t stride;
        bp_status expected;
    } cases[] = {
        {9, 0, 0, 0, BP_ERROR_BATCH},     {0, 0, 0, 0, BP_ERROR_SIZE},
        {8, -1, 0, 0, BP_ERROR_NULL},     {8, 0, -1, 0, BP_ERROR_NULL},
        {8, 0, 0, IN - 1, BP_ERROR_SIZE}, {4, 1, 0, 0, BP_ERROR_ALIGNMENT},
        {4, 0, 2, 0, BP_ERROR_ALIGNMENT}, {8, 0, 0, SIZE_MAX, BP_ERROR_OVERFLOW},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        bp_batch batch = {.rows = cases[k].rows, .input_stride = cases[k].stride};
        if (cases[k].x >= 0)
            batch.inputs = (float *)(void *)((char *)x + cases[k].x);
        if (cases[k].y >= 0)
            batch.targets = (float *)(void *)((char *)y + cases[k].y);
        if (bp_network_find_nonfinite(network, &batch, &found) != cases[k].expected)
            fail_msg("case %zu", k);
    }
    assert_int_equal(bp_network_find_nonfinite(NULL, &good, &found), BP_ERROR_NULL);
    assert_int_equal(bp_network_find_nonfinite(network, NULL, &found), BP_ERROR_NULL);
    assert_int_equal(bp_network_find_nonfinite(network, &good, NULL), BP_ERROR_NULL);
    assert_int_equal(bp_network_find_nonfinite(network, &good, &found), BP_ERROR_MEMORY);
    assert_int_equal(found.row, 77);
    b.left = 1;
    assert_int_equal(bp_network_find_nonfinite(network, &good, &found), BP_OK);
    assert_int_equal(b.live, 1);
    bp_network_destroy(network);
    assert_int_equal(b.live, 0);
}

/* ---- In a fit ------------------------------------------------------------------------------------------------- */

static float half(size_t step) {
    (void)step;
    return 0.5f;
}

/* A row with a NaN comes up in some step of the first epoch: found by its number, and the weights are those before. */
static void fits_find_the_row(void **state) {
    (void)state;
    enum { SAMPLES = 53, BATCH = 8 };
    for (size_t k = 0; k < FIT_NETS; k++)
        for (size_t bad = 0; bad < SAMPLES; bad += 13) {
            const net *small = &fit_nets[k];
            const bp_network_config config = net_config(small, 16);
            samples s = samples_create(small, SAMPLES, 0, 5);
            uint32_t index[SAMPLES], order[SAMPLES];
            for (size_t n = 0; n < SAMPLES; n++)
                index[n] = (uint32_t)(SAMPLES - 1 - n);
            bp_dataset set = dataset_of(small, &s);
            set.index = index;
            s.inputs[bad * small->sizes[0] + 4] = NAN;
            assert_int_equal(bp_random_permutation(SEED, (UINT64_C(1) << 32) + 2, order, SAMPLES), BP_OK);
            size_t step = 0;
            while (index[order[step]] != bad)
                step++;
            step /= BATCH;
            for (int policy = 0; policy < BP_NONFINITE_COUNT; policy++) {
                bp_network *network = net_create(&config, 1), *expected = net_create(&config, 1);
                const bp_fit_options options = {.epochs = 4,
                                                .first_epoch = 2,
                                                .batch = BATCH,
                                                .rate = 0.5f,
                                                .seed = SEED,
                                                .keep_best = true,
                                                .nonfinite = (bp_nonfinite_policy)policy};
                bp_fit_result result;
                assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_OK);
                assert_int_equal(result.end, policy == BP_NONFINITE_GO_ON ? BP_FIT_COMPLETE : BP_FIT_NONFINITE);
                if (policy != BP_NONFINITE_GO_ON) {
                    assert_int_equal(result.bad_epoch, 2);
                    assert_int_equal(result.bad_step, step);
                    assert_int_equal(result.steps, step + 1);
                    assert_int_equal(result.epochs, 0);
                }
                assert_int_equal(result.bad_row, policy == BP_NONFINITE_LOCATE ? bad : SIZE_MAX);
                if (policy == BP_NONFINITE_LOCATE) {
                    assert_int_equal(result.nonfinite.place, BP_PLACE_INPUTS);
                    assert_int_equal(result.nonfinite.column, 4);
                    set.rows = SAMPLES;
                    bp_batches *batches;
                    bp_batch batch;
                    assert_int_equal(bp_batches_create(&set, BATCH, NULL, &batches), BP_OK);
                    assert_int_equal(bp_batches_shuffle(batches, SEED, 2), BP_OK);
                    for (size_t n = 0; n < step && bp_batches_next(batches, &batch); n++)
                        assert_int_equal(bp_network_train_step(expected, &batch, half(n), NULL), BP_OK);
                    assert_int_equal(bp_network_hash(network), bp_network_hash(expected));
                    bp_batches_destroy(batches);
                }
                bp_network_destroy(network);
                bp_network_destroy(expected);
            }
            samples_destroy(&s);
        }
}

/* A loss that is finite, and an update that is not: the rate is too high, or the gradient has overflowed. */
static void fits_find_what_came_after_the_loss(void **state) {
    (void)state;
    const net linear = {.layers = 1, .sizes = {2, 1}, .loss = BP_LOSS_MSE};
    const bp_network_config config = net_config(&linear, 4);
    float x[] = {1, 2, 3, 4}, y[] = {1000, 1000};
    const bp_dataset set = {.rows = 2, .inputs = x, .input_columns = 2, .targets = y, .target_columns = 1};
    bp_fit_options options = {.epochs = 2, .rate = 3e38f, .nonfinite = BP_NONFINITE_LOCATE};
    bp_network *network = net_create(&config, 1);
    bp_fit_result result;
    const uint64_t hash = bp_network_hash(network);
    assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_OK);
    assert_int_equal(result.end, BP_FIT_NONFINITE);
    assert_int_equal(result.bad_step, 0);
    assert_int_equal(result.nonfinite.place, BP_PLACE_UPDATE);
    assert_int_equal(result.nonfinite.layer, 0);
    assert_int_equal(result.nonfinite.row, 0);
    assert_int_equal(result.bad_row, SIZE_MAX);
    assert_int_equal(bp_network_hash(network), hash);

    x[0] = 3e38f;
    const float zeros[] = {0, 0};
    assert_int_equal(bp_network_set_parameters(network, 0, zeros, 0, NULL), BP_OK);
    options.rate = 1e-30f;
    assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_OK);
    assert_int_equal(result.end, BP_FIT_NONFINITE);
    assert_int_equal(result.nonfinite.place, BP_PLACE_GRADIENT);
    assert_int_equal(result.nonfinite.row, 0);
    bp_network_destroy(network);
}

/* ---- Bad fits ------------------------------------------------------------------------------------------------- */

enum { SAMPLES = 12 };

typedef struct fit_case {
    bp_dataset set, validation;
    bp_fit_options options;
    bp_early_stopping stopping;
} fit_case;

static float no_rate(void *context, size_t step) {
    return step == *(size_t *)context ? INFINITY : 0.1f;
}

static void bad_fits(void **state) {
    (void)state;
    for (size_t k = 0; k < FIT_NETS; k++) {
        const net *small = &fit_nets[k];
        const bp_network_config config = net_config(small, 4);
        bp_network *network = net_create(&config, 1);
        samples s = samples_create(small, SAMPLES, 0, 5);
        const uint64_t hash = bp_network_hash(network);
        const bool labelled = small->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY;
        const bp_schedule constant = {.rate = 0.1f}, negative = {.rate = -0.1f};
        uint32_t wrong[SAMPLES] = {0}, last[SAMPLES] = {0};
        wrong[SAMPLES - 1] = 3;
        last[0] = SAMPLES - 1;
        bp_fit_result result = {.steps = 77};
        double loss = 77;
#define FIT(status, change)                                                                                            \
    do {                                                                                                               \
        fit_case c = {.set = dataset_of(small, &s), .validation = dataset_of(small, &s), .stopping = {.patience = 3}}; \
        c.options = (bp_fit_options){.epochs = 2, .rate = 0.1f, .validation = &c.validation, .stopping = &c.stopping}; \
        change;                                                                                                        \
        const bp_early_stopping stopping = c.stopping;                                                                 \
        if (bp_network_fit(network, &c.set, &c.options, &result) != (status))                                          \
            fail_msg("net %zu, line %d", k, __LINE__);                                                                 \
        assert_int_equal(bp_network_hash(network), hash);                                                              \
        assert_int_equal(result.steps, 77);                                                                            \
        assert_memory_equal(&c.stopping, &stopping, sizeof stopping);                                                  \
    } while (0)
#define BOTH(status, field)                                                                                            \
    do {                                                                                                               \
        FIT(status, c.set.field);                                                                                      \
        FIT(status, c.validation.field);                                                                               \
        bp_dataset set = dataset_of(small, &s);                                                                        \
        set.field;                                                                                                     \
        if (bp_network_evaluate(network, &set, &loss) != (status))                                                     \
            fail_msg("evaluate, net %zu, line %d", k, __LINE__);                                                       \
        assert_true(loss == 77);                                                                                       \
    } while (0)
        BOTH(BP_ERROR_NULL, inputs = NULL);
        BOTH(BP_ERROR_SIZE, rows = 0);
        BOTH(BP_ERROR_SIZE, input_columns = 4);
        BOTH(BP_ERROR_SIZE, input_stride = 4);
        BOTH(BP_ERROR_ALIGNMENT, inputs = (const float *)(const void *)((const char *)s.inputs + 1));
        BOTH(BP_ERROR_OVERLAP, inputs = (const float *)(const void *)network);
        BOTH(BP_ERROR_OVERFLOW, input_stride = SIZE_MAX / 2);
        if (labelled) {
            BOTH(BP_ERROR_NULL, labels = NULL);
            BOTH(BP_ERROR_LABEL, labels = wrong);
            FIT(BP_ERROR_LABEL, (c.set.labels = wrong, c.set.index = last));
        } else {
            BOTH(BP_ERROR_NULL, targets = NULL);
            BOTH(BP_ERROR_SIZE, target_columns = 2);
        }
        FIT(BP_ERROR_VALUE, c.options.epochs = 0);
        FIT(BP_ERROR_VALUE, c.options.first_epoch = 2);
        FIT(BP_ERROR_VALUE, c.options.epochs = ((size_t)1 << 32) + 1);
        FIT(BP_ERROR_BATCH, c.options.batch = 5);
        FIT(BP_ERROR_VALUE, c.options.rate = NAN);
        FIT(BP_ERROR_VALUE, c.options.rate = INFINITY);
        FIT(BP_ERROR_VALUE, c.options.schedule = &negative);
        FIT(BP_ERROR_VALUE, (c.options.schedule = &constant, c.options.rate_of_step = no_rate));
        FIT(BP_ERROR_VALUE, c.options.nonfinite = BP_NONFINITE_COUNT);
        FIT(BP_ERROR_VALUE, c.stopping.patience = 0);
        FIT(BP_ERROR_VALUE, c.stopping.improvement = -1);
#undef BOTH
#undef FIT
        const bp_dataset set = dataset_of(small, &s);
        const bp_fit_options options = {.epochs = 2, .rate = 0.1f};
        assert_int_equal(bp_network_fit(NULL, &set, &options, &result), BP_ERROR_NULL);
        assert_int_equal(bp_network_fit(network, NULL, &options, &result), BP_ERROR_NULL);
        assert_int_equal(bp_network_fit(network, &set, NULL, &result), BP_ERROR_NULL);
        assert_int_equal(bp_network_evaluate(NULL, &set, &loss), BP_ERROR_NULL);
        assert_int_equal(bp_network_evaluate(network, NULL, &loss), BP_ERROR_NULL);
        assert_int_equal(bp_network_evaluate(network, &set, NULL), BP_ERROR_NULL);
        assert_int_equal(bp_network_hash(network), hash);
        bp_network_destroy(network);
        samples_destroy(&s);
    }
}

/* A rate that is not finite ends the fit before its step; what was done is told. */
static void bad_rates_end_the_fit(void **state) {
    (void)state;
    const net *small = &fit_nets[0];
    const bp_network_config config = net_config(small, 4);
    samples s = samples_create(small, SAMPLES, 0, 5);
    const bp_dataset set = dataset_of(small, &s);
    for (size_t bad = 0; bad < 7; bad++) {
        bp_network *network = net_create(&config, 1);
        const bp_fit_options options = {.epochs = 2, .rate_of_step = no_rate, .rate_context = &bad};
        bp_fit_result result;
        assert_int_equal(bp_network_fit(network, &set, &options, &result), bad < 6 ? BP_ERROR_VALUE : BP_OK);
        assert_int_equal(result.steps, bad);
        assert_int_equal(result.epochs, bad / 3);
        bp_network_destroy(network);
    }
    samples_destroy(&s);
}

static void fits_without_memory(void **state) {
    (void)state;
    const net *small = &fit_nets[0];
    samples s = samples_create(small, SAMPLES, 0, 5);
    uint32_t index[SAMPLES] = {0};
    bp_dataset set = dataset_of(small, &s);
    const bp_dataset held = set;
    set.index = index;
    bp_network_config config = net_config(small, 4);
    budget b = {.left = 1};
    config.allocator = (bp_allocator){budget_allocate, budget_release, &b};
    bp_network *network = net_create(&config, 1);
    const uint64_t hash = bp_network_hash(network);
    const bp_fit_options options = {
        .epochs = 2, .rate = 0.1f, .validation = &held, .keep_best = true, .nonfinite = BP_NONFINITE_LOCATE};
    for (size_t given = 0; given <= 3; given++) { /* batches, the best weights, those before the step */
        bp_fit_result result = {.steps = 77};
        b.left = given;
        const bp_status status = bp_network_fit(network, &set, &options, &result);
        assert_int_equal(status, given < 3 ? BP_ERROR_MEMORY : BP_OK);
        assert_int_equal(b.live, 1);
        assert_int_equal(b.left, 0);
        if (given < 3) {
            assert_int_equal(bp_network_hash(network), hash);
            assert_int_equal(result.steps, 77);
        }
    }
    float outputs[SAMPLES * 3] = {77};
    double loss = 77;
    assert_int_equal(bp_network_predict(network, &set, outputs, 0), BP_ERROR_MEMORY);
    assert_int_equal(bp_network_evaluate(network, &set, &loss), BP_ERROR_MEMORY);
    assert_true(outputs[0] == 77 && loss == 77);
    assert_int_equal(bp_network_predict(network, &held, outputs, 0), BP_OK); /* needs none */
    assert_int_equal(bp_network_evaluate(network, &held, &loss), BP_OK);
    assert_true(outputs[0] != 77 && loss != 77);
    bp_network_destroy(network);
    samples_destroy(&s);
}

static void bad_predictions(void **state) {
    (void)state;
    const net *small = &fit_nets[0];
    const bp_network_config config = net_config(small, 4);
    bp_network *network = net_create(&config, 1);
    samples s = samples_create(small, SAMPLES, 0, 5);
    const bp_dataset good = dataset_of(small, &s);
    float outputs[SAMPLES * 3] = {77};
#define PREDICT(status, change, to, stride)                                                                            \
    do {                                                                                                               \
        bp_dataset set = good;                                                                                         \
        set.change;                                                                                                    \
        if (bp_network_predict(network, &set, to, stride) != (status))                                                 \
            fail_msg("line %d", __LINE__);                                                                             \
        assert_true(outputs[0] == 77);                                                                                 \
    } while (0)
    PREDICT(BP_ERROR_NULL, inputs = NULL, outputs, 0);
    PREDICT(BP_ERROR_SIZE, rows = 0, outputs, 0);
    PREDICT(BP_ERROR_SIZE, input_columns = 6, outputs, 0);
    PREDICT(BP_ERROR_SIZE, input_stride = 1, outputs, 0);
    PREDICT(BP_ERROR_NULL, rows = SAMPLES, NULL, 0);
    PREDICT(BP_ERROR_SIZE, rows = SAMPLES, outputs, 2);
    PREDICT(BP_ERROR_OVERFLOW, rows = SAMPLES, outputs, SIZE_MAX / 2);
    PREDICT(BP_ERROR_ALIGNMENT, rows = 2, (float *)(void *)((char *)outputs + 1), 0);
    PREDICT(BP_ERROR_OVERLAP, rows = SAMPLES, s.inputs, 0);
    PREDICT(BP_ERROR_OVERLAP, rows = SAMPLES, (float *)(void *)network, 0);
    PREDICT(BP_ERROR_OVERLAP, inputs = (float *)(void *)network, outputs, 0);
#undef PREDICT
    assert_int_equal(bp_network_predict(NULL, &good, outputs, 0), BP_ERROR_NULL);
    assert_int_equal(bp_network_predict(network, NULL, outputs, 0), BP_ERROR_NULL);
    bp_network_destroy(network);
    samples_destroy(&s);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_is_found),
        cmocka_unit_test(classes_are_searched_too),
        cmocka_unit_test(places_have_names),
        cmocka_unit_test(bad_searches),
        cmocka_unit_test(fits_find_the_row),
        cmocka_unit_test(fits_find_what_came_after_the_loss),
        cmocka_unit_test(bad_fits),
        cmocka_unit_test(bad_rates_end_the_fit),
        cmocka_unit_test(fits_without_memory),
        cmocka_unit_test(bad_predictions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
