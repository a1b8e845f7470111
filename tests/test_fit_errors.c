/* What a fit does about numbers that are not finite, without memory, and about bad arguments. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "defaults.h"
#include "enum_counts.h"
#include "fit_support.h"
#include "harness/session.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { SEED = 11 };

/* ---- Numbers that are not finite ------------------------------------------------------------------------------- */

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
            assert_int_equal(bp_random_permutation(order, SAMPLES, SEED, (UINT64_C(1) << 32) + 2), BP_OK);
            size_t step = 0;
            while (index[order[step]] != bad)
                step++;
            step /= BATCH;
            for (int policy = 0; policy < NONFINITE_POLICY_COUNT; policy++) {
                bp_network *network = net_create(&config, 1), *expected = net_create(&config, 1);
                const bp_fit_options options =
                    FIT_OPTIONS(.epochs = 4, .initial_epoch = 2, .batch_size = BATCH, .learning_rate = 0.5f,
                                .seed = SEED, .restore_best = true, .nonfinite = (bp_nonfinite_policy)policy);
                bp_fit_result result;
                assert_int_equal(bp_network_fit(network, &set, &options, &result),
                                 policy == BP_NONFINITE_POLICY_CONTINUE ? BP_OK : BP_ERROR_NONFINITE);
                assert_int_equal(result.outcome, policy == BP_NONFINITE_POLICY_CONTINUE ? BP_FIT_OUTCOME_COMPLETE
                                                                                        : BP_FIT_OUTCOME_NONFINITE);
                if (policy != BP_NONFINITE_POLICY_CONTINUE) {
                    assert_int_equal(result.bad_epoch, 2);
                    assert_int_equal(result.bad_step, step);
                    assert_int_equal(result.steps, step + 1);
                    assert_int_equal(result.epochs, 0);
                }
                assert_int_equal(result.bad_row, policy == BP_NONFINITE_POLICY_LOCATE ? bad : SIZE_MAX);
                if (policy == BP_NONFINITE_POLICY_LOCATE) {
                    assert_int_equal(result.nonfinite.quantity, BP_QUANTITY_INPUTS);
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
    bp_fit_options options = FIT_OPTIONS(.epochs = 2, .learning_rate = 3e38f, .nonfinite = BP_NONFINITE_POLICY_LOCATE);
    bp_network *network = net_create(&config, 1);
    bp_fit_result result;
    const uint64_t hash = bp_network_hash(network);
    assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_ERROR_NONFINITE);
    assert_int_equal(result.outcome, BP_FIT_OUTCOME_NONFINITE);
    assert_int_equal(result.bad_step, 0);
    assert_int_equal(result.nonfinite.quantity, BP_QUANTITY_UPDATE);
    assert_int_equal(result.nonfinite.layer, 0);
    assert_int_equal(result.nonfinite.row, 0);
    assert_int_equal(result.bad_row, SIZE_MAX);
    assert_int_equal(bp_network_hash(network), hash);

    x[0] = 3e38f;
    const float zeros[] = {0, 0};
    assert_int_equal(layer_write(network, OF_PARAMETERS, 0, zeros, 0, NULL), BP_OK);
    options.learning_rate = 1e-30f;
    assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_ERROR_NONFINITE);
    assert_int_equal(result.outcome, BP_FIT_OUTCOME_NONFINITE);
    assert_int_equal(result.nonfinite.quantity, BP_QUANTITY_GRADIENT);
    assert_int_equal(result.nonfinite.row, 0);
    bp_network_destroy(network);
}

/* What dropout scaled beyond all floats is found by the masks of that step, not of the next one. */
static void fits_find_what_was_not_dropped(void **state) {
    (void)state;
    enum { WIDE = 16, ROWS = 4 };
    const net deep = {.layers = 2,
                      .sizes = {1, WIDE, 1},
                      .activations = {{BP_ACTIVATION_IDENTITY, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                      .loss = BP_LOSS_MSE};
    const float dropout[] = {0.75f, 0.0f};
    bp_network_config config = net_config(&deep, ROWS);
    config.dropout = dropout;
    config.seed = 5;
    float x[ROWS], y[ROWS] = {0}, large[WIDE], zeros[WIDE] = {0}, ones[WIDE];
    for (size_t j = 0; j < WIDE; j++) {
        large[j] = 3e38f;
        ones[j] = 1.0f;
    }
    for (size_t n = 0; n < ROWS; n++)
        x[n] = 1.0f;
    const bp_dataset set = {.rows = ROWS, .inputs = x, .input_columns = 1, .targets = y, .target_columns = 1};
    const bp_fit_options options =
        FIT_OPTIONS(.epochs = 1, .learning_rate = 0.1f, .nonfinite = BP_NONFINITE_POLICY_LOCATE);
    size_t first[2] = {0};
    for (uint64_t step = 0; step < 2; step++) {
        float mask[WIDE];
        assert_int_equal(bp_dropout(mask, WIDE, ones, WIDE, 1, WIDE,
                                    &(bp_dropout_mask){dropout[0], config.seed, (UINT64_C(1) << 48) + step, 0, 0}),
                         BP_OK);
        while (mask[first[step]] == 0.0f && first[step] + 1 < WIDE)
            first[step]++;
    }
    assert_int_not_equal(first[0], first[1]);
    bp_network *network = net_create(&config, 1);
    bp_fit_result result;
    assert_int_equal(layer_write(network, OF_PARAMETERS, 0, large, 0, zeros), BP_OK);
    assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_ERROR_NONFINITE);
    assert_int_equal(result.outcome, BP_FIT_OUTCOME_NONFINITE);
    assert_int_equal(result.nonfinite.quantity, BP_QUANTITY_DROPOUT);
    assert_int_equal(result.nonfinite.row, 0);
    assert_int_equal(result.nonfinite.column, first[0]);
    assert_int_equal(bp_network_steps(network), 0);
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
        const bool labeled = small->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY;
        const bp_schedule constant = SCHEDULE(BP_SCHEDULE_CONSTANT, .learning_rate = 0.1f),
                          negative = SCHEDULE(BP_SCHEDULE_CONSTANT, .learning_rate = -0.1f);
        const bp_schedule cycle =
            SCHEDULE(BP_SCHEDULE_ONE_CYCLE, .learning_rate = 0.1f, .steps = 9, .momentum_max = 0.9f,
                     .momentum_min = 0.8f); /* of an optimizer that has none */
        uint32_t wrong[SAMPLES] = {0}, last[SAMPLES] = {0};
        wrong[SAMPLES - 1] = 3;
        last[0] = SAMPLES - 1;
        bp_fit_result result = {.steps = 77};
        double loss = 77;
#define FIT(status, change)                                                                                            \
    do {                                                                                                               \
        fit_case c = {.set = dataset_of(small, &s),                                                                    \
                      .validation = dataset_of(small, &s),                                                             \
                      .stopping = EARLY_STOPPING(.patience = 3)};                                                      \
        c.options = (bp_fit_options)FIT_OPTIONS(.epochs = 2, .learning_rate = 0.1f, .validation = &c.validation,       \
                                                .stopping = &c.stopping);                                              \
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
        if (labeled) {
            BOTH(BP_ERROR_NULL, labels = NULL);
            BOTH(BP_ERROR_LABEL, labels = wrong);
            FIT(BP_ERROR_LABEL, (c.set.labels = wrong, c.set.index = last));
        } else {
            BOTH(BP_ERROR_NULL, targets = NULL);
            BOTH(BP_ERROR_SIZE, target_columns = 2);
            BOTH(BP_ERROR_SIZE, target_columns = 4);
        }
        FIT(BP_ERROR_VALUE, c.options.struct_size = 0);
        FIT(BP_ERROR_VALUE, c.options.epochs = 0);
        FIT(BP_ERROR_VALUE, c.options.initial_epoch = 2);
#if SIZE_MAX > UINT32_MAX
        FIT(BP_ERROR_VALUE, c.options.epochs = ((size_t)1 << 32) + 1);
#endif
        FIT(BP_ERROR_BATCH, c.options.batch_size = 5);
        FIT(BP_ERROR_VALUE, c.options.learning_rate = NAN);
        FIT(BP_ERROR_VALUE, c.options.learning_rate = INFINITY);
        FIT(BP_ERROR_VALUE, c.options.schedule = &negative);
        FIT(BP_ERROR_VALUE, (c.options.schedule = &constant, c.options.learning_rate_of_step = no_rate));
        FIT(BP_ERROR_VALUE, c.options.schedule = &cycle);
        bp_plateau plateau = PLATEAU(.learning_rate = 0.1f, .factor = 0.5f),
                   bad_plateau = PLATEAU(.learning_rate = 0.1f, .factor = 1);
        FIT(BP_ERROR_VALUE, c.options.plateau = &bad_plateau);
        FIT(BP_ERROR_VALUE, (c.options.schedule = &constant, c.options.plateau = &plateau));
        assert_int_equal(plateau.seen, 0);
        FIT(BP_ERROR_VALUE, c.options.nonfinite = NONFINITE_POLICY_COUNT);
        FIT(BP_ERROR_VALUE, c.stopping.struct_size = 0);
        FIT(BP_ERROR_VALUE, c.stopping.patience = 0);
        FIT(BP_ERROR_VALUE, c.stopping.min_delta = -1);
#undef BOTH
#undef FIT
        const bp_dataset set = dataset_of(small, &s);
        const bp_fit_options options = FIT_OPTIONS(.epochs = 2, .learning_rate = 0.1f);
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
        const bp_fit_options options =
            FIT_OPTIONS(.epochs = 2, .learning_rate_of_step = no_rate, .learning_rate_context = &bad);
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
    config.allocator = stored_allocator((bp_allocator){budget_allocate, budget_release, &b});
    bp_network *network = net_create(&config, 1);
    const uint64_t hash = bp_network_hash(network);
    const bp_fit_options options = FIT_OPTIONS(.epochs = 2, .learning_rate = 0.1f, .validation = &held,
                                               .restore_best = true, .nonfinite = BP_NONFINITE_POLICY_LOCATE);
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

/* One block of memory behind some room for outputs. */
static _Alignas(BP_ALIGNMENT) unsigned char behind[1 << 17];
enum { ROOM = 1 << 10 };

static void *behind_allocate(void *context, size_t bytes) {
    const bool first = !*(bool *)context;
    assert_true(bytes <= sizeof behind - ROOM);
    *(bool *)context = true;
    return first ? behind + ROOM : malloc(bytes);
}

static void behind_release(void *context, void *memory) {
    (void)context;
    if (memory != behind + ROOM)
        free(memory);
}

/* Arrays that meet the network in a later batch alone, or through an index. */
static void predictions_apart_from_the_network(void **state) {
    (void)state;
    const net *small = &fit_nets[0];
    bp_network_config config = net_config(small, 4);
    bool taken = false;
    config.allocator = stored_allocator((bp_allocator){behind_allocate, behind_release, &taken});
    bp_network *network = net_create(&config, 1);
    samples s = samples_create(small, SAMPLES, 0, 5);
    bp_dataset set = dataset_of(small, &s);
    float *outputs = (float *)(void *)network - 4 * 3, kept[12];
    memcpy(kept, outputs, sizeof kept);
    assert_int_equal(bp_network_predict(network, &set, outputs, 0), BP_ERROR_OVERLAP);
    assert_memory_equal(kept, outputs, sizeof kept);
    float apart[SAMPLES * 3] = {77};
    const uint32_t index[SAMPLES] = {0};
    set.index = index;
    set.inputs = (float *)(void *)network;
    assert_int_equal(bp_network_predict(network, &set, apart, 0), BP_ERROR_OVERLAP);
    assert_true(apart[0] == 77);
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
    bp_dataset set = good; /* what is compared with outputs is not looked at */
    set.labels = (const uint32_t *)(const void *)((const char *)s.inputs + 1);
    set.targets = set.weights = (const float *)(const void *)set.labels;
    assert_int_equal(bp_network_predict(network, &set, outputs, 0), BP_OK);
    assert_int_equal(bp_network_predict(NULL, &good, outputs, 0), BP_ERROR_NULL);
    assert_int_equal(bp_network_predict(network, NULL, outputs, 0), BP_ERROR_NULL);
    bp_network_destroy(network);
    samples_destroy(&s);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits_find_the_row),
        cmocka_unit_test(fits_find_what_came_after_the_loss),
        cmocka_unit_test(fits_find_what_was_not_dropped),
        cmocka_unit_test(bad_fits),
        cmocka_unit_test(bad_rates_end_the_fit),
        cmocka_unit_test(fits_without_memory),
        cmocka_unit_test(bad_predictions),
        cmocka_unit_test(predictions_apart_from_the_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
