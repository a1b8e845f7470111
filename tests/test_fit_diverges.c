/*
 * Fits that meet a number which is not finite: they fail, with words, at once or in a later epoch; what is left of the
 * network; and nothing of the memory. Rates that fall on a plateau, momentum by a schedule, the weighted mean.
 */
#include <math.h>
#include <string.h>

#include "defaults.h"
#include "enum_counts.h"
#include "fit_support.h"
#include "harness/session.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { ROWS = 24, BATCH = 8, STEPS = ROWS / BATCH, SEED = 11 };

/* ---- Numbers that are not finite ------------------------------------------------------------------------------ */

/* A data set that goes bad when an epoch begins, and the network as each epoch left it. */
typedef struct spoiled {
    bp_network *network;
    float *value; /* to be made NaN */
    size_t last;  /* after which epoch */
    uint64_t hash[8];
    size_t calls;
} spoiled;

static bool spoil(void *context, const bp_fit_progress *now) {
    spoiled *s = context;
    s->hash[now->epoch] = bp_network_hash(s->network);
    s->calls++;
    if (now->epoch == s->last)
        *s->value = NAN;
    return false;
}

static void expect_words(const char *a, const char *b) {
    if (!strstr(bp_error_message(), a) || !strstr(bp_error_message(), b))
        fail_msg("'%s' lacks '%s' or '%s'", bp_error_message(), a, b);
}

/* Bad in the third epoch, in the rows of training or in those of validation. */
static void later_epochs_go_bad(void **state) {
    (void)state;
    const net *shape = &fit_nets[0];
    for (int policy = BP_NONFINITE_POLICY_STOP; policy <= BP_NONFINITE_POLICY_LOCATE; policy++)
        for (size_t keep = 0; keep < 2; keep++)
            for (size_t held_bad = 0; held_bad < 2; held_bad++) {
                bp_network_config config = net_config(shape, 16);
                budget b = {.left = 100};
                config.allocator = stored_allocator((bp_allocator){budget_allocate, budget_release, &b});
                config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAM});
                bp_network *network = net_create(&config, 1);
                samples s = samples_create(shape, ROWS, 0, 5), held = samples_create(shape, 19, 0, 6);
                const bp_dataset set = dataset_of(shape, &s), validation = dataset_of(shape, &held);
                spoiled context = {
                    .network = network, .value = held_bad ? &held.inputs[7] : &s.inputs[ROWS * 5 - 1], .last = 1};
                const bp_fit_options options =
                    FIT_OPTIONS(.epochs = 6, .batch_size = BATCH, .learning_rate = 1e-3f, .shuffle = false,
                                .validation = &validation, .restore_best = keep,
                                .nonfinite = (bp_nonfinite_policy)policy, .on_epoch = spoil, .context = &context);
                bp_fit_result result;
                assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_ERROR_NONFINITE);
                assert_int_equal(result.outcome, BP_FIT_OUTCOME_NONFINITE);
                assert_int_equal(result.bad_epoch, 2);
                assert_int_equal(result.bad_step, held_bad ? STEPS : STEPS - 1);
                assert_int_equal(result.epochs, held_bad ? 3 : 2);
                assert_int_equal(result.best_epoch, 1);
                assert_int_equal(context.calls, 2);
                expect_words(held_bad ? "the validation loss is NaN in epoch 2" : "the loss is NaN in epoch 2",
                             "at the learning rate 0.001");
                const bool located = policy == BP_NONFINITE_POLICY_LOCATE && !held_bad;
                assert_int_equal(result.nonfinite.quantity, located ? BP_QUANTITY_INPUTS : BP_QUANTITY_NONE);
                assert_int_equal(result.bad_row, located ? ROWS - 1 : SIZE_MAX);
                if (keep) {
                    assert_int_equal(bp_network_hash(network), context.hash[1]);
                    assert_int_equal(bp_network_steps(network), 2 * STEPS);
                } else if (located) {
                    assert_int_equal(bp_network_steps(network), 3 * STEPS - 1);
                }
                assert_int_equal(b.live, 1);
                bp_network_destroy(network);
                assert_int_equal(b.live, 0);
                samples_destroy(&s);
                samples_destroy(&held);
            }
}

/* The last step's update is bad, and no loss is computed after it. */
static void no_fit_ends_with_bad_parameters(void **state) {
    (void)state;
    const net linear = {.layers = 1, .sizes = {1, 1}, .loss = BP_LOSS_MSE};
    const bp_network_config config = net_config(&linear, 4);
    float x[] = {1, 2}, y[] = {1000, 1000};
    const bp_dataset set = {.rows = 2, .inputs = x, .input_columns = 1, .targets = y, .target_columns = 1};
    bp_fit_options options = FIT_OPTIONS(.epochs = 1, .learning_rate = 3e38f, .restore_best = true);
    bp_network *network = net_create(&config, 1);
    bp_fit_result result;
    assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_ERROR_NONFINITE);
    assert_int_equal(result.nonfinite.quantity, BP_QUANTITY_UPDATE);
    assert_int_equal(result.best_epoch, SIZE_MAX);
    expect_words("a parameter after the update is ", "epoch 0, step 0 of 1");
    assert_int_equal(bp_network_fit(network, &set, &options, NULL), BP_ERROR_NONFINITE);
    options.nonfinite = BP_NONFINITE_POLICY_CONTINUE;
    assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_OK);
    assert_int_equal(result.outcome, BP_FIT_OUTCOME_COMPLETE);
    bp_network_destroy(network);
}

/* A gradient all of whose numbers are finite, and whose square is not. */
static void norms_overflow(void **state) {
    (void)state;
    const net linear = {.layers = 1, .sizes = {1, 1}, .loss = BP_LOSS_MAE};
    bp_network_config config = net_config(&linear, 4);
    config.optimizer = stored_optimizer((bp_optimizer){.clip_norm = 1});
    float x[] = {1, 1e30f}, y[] = {1e30f, 3e38f};
    const bp_dataset set = {.rows = 2, .inputs = x, .input_columns = 1, .targets = y, .target_columns = 1};
    for (int policy = 0; policy < NONFINITE_POLICY_COUNT; policy++) {
        bp_network *network = net_create(&config, 1);
        const uint64_t hash = bp_network_hash(network);
        bp_fit_result result;
        const bp_fit_options options = FIT_OPTIONS(.epochs = 1, .batch_size = 1, .learning_rate = 0.5f,
                                                   .shuffle = false, .nonfinite = (bp_nonfinite_policy)policy);
        const bool goes_on = policy == BP_NONFINITE_POLICY_CONTINUE;
        assert_int_equal(bp_network_fit(network, &set, &options, &result), goes_on ? BP_OK : BP_ERROR_NONFINITE);
        if (!goes_on) {
            assert_int_equal(result.bad_step, 1);
            expect_words("the norm of the gradient is inf", "step 1 of 2");
        }
        if (policy == BP_NONFINITE_POLICY_LOCATE) {
            assert_int_equal(result.nonfinite.quantity, BP_QUANTITY_GRADIENT_NORM);
            assert_true(isinf(result.nonfinite.value));
            assert_true(bp_network_hash(network) != hash && bp_network_steps(network) == 1);
            assert_true(isfinite(bp_network_gradient_norm(network)));
        }
        bp_network_destroy(network);
    }
}

/* ---- Refusals -------------------------------------------------------------------------------------------------- */

static bool swap_in(void *context, const bp_fit_progress *now) {
    (void)now;
    assert_int_equal(bp_network_swap_ema(context), BP_OK);
    return false;
}

static void averages_stay_out(void **state) {
    (void)state;
    const net *shape = &fit_nets[0];
    bp_network_config config = net_config(shape, 16);
    config.optimizer = stored_optimizer((bp_optimizer){.ema_decay = 0.5f});
    bp_network *network = net_create(&config, 1);
    samples s = samples_create(shape, ROWS, 0, 5);
    const bp_dataset set = dataset_of(shape, &s);
    bp_fit_options options = FIT_OPTIONS(.epochs = 2, .learning_rate = 0.1f);
    bp_fit_result result = {.steps = 77};
    assert_int_equal(bp_network_swap_ema(network), BP_OK);
    assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_ERROR_VALUE);
    expect_words("the EMA weights are swapped in", "");
    assert_int_equal(result.steps, 77);
    assert_int_equal(bp_network_swap_ema(network), BP_OK);
    /* Left in by a callback: the fit ends, and the best epoch comes back with the average in its place. */
    options.on_epoch = swap_in;
    options.context = network;
    options.restore_best = true;
    assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_ERROR_VALUE);
    assert_int_equal(result.epochs, 1);
    assert_false(bp_network_ema_swapped(network));
    assert_int_equal(bp_network_train_step(network, &s.batch, 0.1f, NULL), BP_ERROR_BATCH); /* 24 rows of 16 */
    bp_network_destroy(network);
    samples_destroy(&s);
}

static void refusals_have_words(void **state) {
    (void)state;
    const net *shape = &fit_nets[1];
    const bp_network_config config = net_config(shape, 16);
    bp_network *network = net_create(&config, 1);
    samples s = samples_create(shape, ROWS, 0, 5);
    const bp_dataset set = dataset_of(shape, &s);
    const bp_schedule schedule = SCHEDULE(BP_SCHEDULE_CONSTANT, .learning_rate = 0.1f);
    bp_plateau plateau = PLATEAU(.learning_rate = 0.1f, .factor = 2, .patience = 0, .threshold = 0, .relative = false);
#define REFUSED(words, ...)                                                                                            \
    do {                                                                                                               \
        const bp_fit_options options = FIT_OPTIONS(.learning_rate = 0.1f, __VA_ARGS__);                                \
        assert_int_not_equal(bp_network_fit(network, &set, &options, NULL), BP_OK);                                    \
        expect_words(words, "");                                                                                       \
    } while (0)
    REFUSED("options.epochs is 0, and must be at least 1", .epochs = 0);
    REFUSED("options.batch_size is 17, and must be at most the network's max_batch_size, 16", .epochs = 1,
            .batch_size = 17);
    REFUSED("more than one of schedule, learning_rate_of_step and plateau", .epochs = 1, .schedule = &schedule,
            .plateau = &plateau);
    REFUSED("options.plateau.factor is 2, and must be above 0 and below 1", .epochs = 1, .plateau = &plateau);
    REFUSED("options.nonfinite is 3", .epochs = 1, .nonfinite = NONFINITE_POLICY_COUNT);
    plateau = (bp_plateau)PLATEAU(.struct_size = 1);
    REFUSED("options.plateau.struct_size is 1: make it with bp_plateau_defaults()", .plateau = &plateau);
    bp_early_stopping stopping = EARLY_STOPPING(.patience = 0);
    REFUSED("options.stopping.patience is 0, and must be at least 1", .stopping = &stopping);
    stopping = (bp_early_stopping)EARLY_STOPPING(.min_delta = -1);
    REFUSED("options.stopping.min_delta is -1, and must be finite, 0 or more", .stopping = &stopping);
    REFUSED("options.struct_size is 0: make it with bp_fit_options_defaults()", .struct_size = 0);
    s.labels[3] = 9;
    REFUSED("dataset.labels[3] is 9, and must be less than 3", .epochs = 1);
#undef REFUSED
    const bp_fit_options options = FIT_OPTIONS(.epochs = 1, .learning_rate = NAN);
    s.labels[3] = 0;
    assert_int_equal(bp_network_fit(network, &set, &options, NULL), BP_ERROR_VALUE);
    expect_words("options.learning_rate is NaN, and must be finite", "");
    bp_network_destroy(network);
    samples_destroy(&s);
}

/* ---- Plateaus --------------------------------------------------------------------------------------------------- */

static void plateaus_by_hand(void **state) {
    (void)state;
    static const struct {
        bp_plateau at_first;
        double values[10];
        const char *marks; /* for each value: - or r, reduced */
        float learning_rate;
    } cases[] = {
        {PLATEAU(.learning_rate = 1, .factor = 0.5f, .patience = 1, .threshold = 0, .relative = false),
         {5, 5, 5, 5, 5, 5},
         "--r-r-",
         0.25f},
        {PLATEAU(.learning_rate = 1, .factor = 0.5f, .patience = 0, .threshold = 0, .relative = false),
         {5, 4, 4, 3, 3},
         "--r-r",
         0.25f},
        {PLATEAU(.learning_rate = 1, .factor = 0.5f, .cooldown = 2, .patience = 0, .threshold = 0, .relative = false),
         {5, 5, 5, 5, 5, 5},
         "-r--r-",
         0.25f},
        {PLATEAU(.learning_rate = 1, .factor = 0.5f, .threshold = 1, .patience = 0, .relative = false),
         {5, 4.5, 4, 3.5, 2.5},
         "-rr-r",
         0.125f},
        {PLATEAU(.learning_rate = 1, .factor = 0.5f, .threshold = 0.5, .relative = true, .patience = 0),
         {8, 5, 3.9, 2, 1.9},
         "-r-r-",
         0.25f},
        {PLATEAU(.learning_rate = 1, .factor = 0.5f, .learning_rate_min = 0.75f, .patience = 0, .threshold = 0,
                 .relative = false),
         {1, 1, 1},
         "-rr",
         0.75f},
        {PLATEAU(.learning_rate = 0.5f, .factor = 0.5f, .learning_rate_min = 0.75f, .patience = 0, .threshold = 0,
                 .relative = false),
         {1, 1},
         "-r",
         0.5f},
        {PLATEAU(.learning_rate = 1, .factor = 0.5f, .patience = 0, .threshold = 0, .relative = false),
         {(double)NAN, 3, 4},
         "r-r",
         0.25f},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        bp_plateau p = cases[k].at_first;
        for (size_t v = 0; cases[k].marks[v]; v++) {
            bool reduced;
            assert_int_equal(bp_plateau_next(&p, cases[k].values[v], &reduced), BP_OK);
            if (reduced != (cases[k].marks[v] == 'r'))
                fail_msg("case %zu, value %zu", k, v);
            assert_int_equal(p.seen, v + 1);
        }
        assert_true(p.learning_rate == cases[k].learning_rate);
    }
    const bp_plateau good =
        PLATEAU(.learning_rate = 1, .factor = 0.5f, .patience = 0, .threshold = 0, .relative = false);
    bp_plateau bad[] = {good, good, good, good, good, good, good};
    bad[0].learning_rate = NAN;
    bad[1].learning_rate = -1;
    bad[2].factor = 0;
    bad[3].factor = 1;
    bad[4].learning_rate_min = INFINITY;
    bad[5].threshold = (double)NAN;
    bad[6].threshold = 1;
    bad[6].relative = true;
    for (size_t k = 0; k < COUNT(bad); k++) {
        const bp_plateau before = bad[k];
        assert_int_equal(bp_plateau_next(&bad[k], 1, NULL), BP_ERROR_VALUE);
        assert_memory_equal(&bad[k], &before, sizeof before);
    }
    assert_int_equal(bp_plateau_next(NULL, 1, NULL), BP_ERROR_NULL);
}

/* What a fit must have done: its rates and validation losses, epoch by epoch. */
typedef struct rates {
    float learning_rate[12];
    double loss[12];
} rates;

static bool note_rate(void *context, const bp_fit_progress *now) {
    rates *r = context;
    r->learning_rate[now->epoch] = now->learning_rate;
    r->loss[now->epoch] = now->validation_loss;
    return false;
}

/* In one piece and cut after any epoch. */
static void fits_lower_the_rate(void **state) {
    (void)state;
    enum { EPOCHS = 12 };
    const net *shape = &fit_nets[0];
    const bp_network_config config = net_config(shape, 16);
    samples s = samples_create(shape, ROWS, 0, 5), held = samples_create(shape, 19, 0, 6);
    const bp_dataset set = dataset_of(shape, &s), validation = dataset_of(shape, &held);
    uint64_t whole = 0;
    for (size_t cut = 0; cut < EPOCHS; cut += 5) {
        bp_network *network = net_create(&config, 1);
        bp_plateau plateau =
                       PLATEAU(.learning_rate = 0.5f, .factor = 0.5f, .patience = 1, .threshold = 0, .relative = false),
                   expected = plateau;
        rates r;
        bp_fit_options options = FIT_OPTIONS(.epochs = cut, .batch_size = BATCH, .plateau = &plateau,
                                             .validation = &validation, .on_epoch = note_rate, .context = &r);
        if (cut > 0)
            assert_int_equal(bp_network_fit(network, &set, &options, NULL), BP_OK);
        options.initial_epoch = cut;
        options.epochs = EPOCHS;
        assert_int_equal(bp_network_fit(network, &set, &options, NULL), BP_OK);
        for (size_t epoch = 0; epoch < EPOCHS; epoch++) {
            assert_true(r.learning_rate[epoch] == expected.learning_rate);
            assert_int_equal(bp_plateau_next(&expected, r.loss[epoch], NULL), BP_OK);
        }
        assert_true(plateau.learning_rate < 0.5f && plateau.learning_rate == expected.learning_rate &&
                    plateau.seen == EPOCHS);
        whole = cut == 0 ? bp_network_hash(network) : whole;
        assert_int_equal(bp_network_hash(network), whole);
        bp_network_destroy(network);
    }
    samples_destroy(&s);
    samples_destroy(&held);
}

/* ---- Momentum by a schedule -------------------------------------------------------------------------------------- */

static void fits_follow_a_momentum(void **state) {
    (void)state;
    const net *shape = &fit_nets[0];
    const bp_schedule cycle = SCHEDULE(BP_SCHEDULE_ONE_CYCLE, .learning_rate = 0.1f, .steps = 3 * STEPS, .warmup = 4,
                                       .start = 0.01f, .momentum_max = 0.95f, .momentum_min = 0.5f);
    static const bp_optimizer_kind kinds[] = {BP_OPTIMIZER_MOMENTUM, BP_OPTIMIZER_NESTEROV, BP_OPTIMIZER_ADAM,
                                              BP_OPTIMIZER_ADAMW};
    samples s = samples_create(shape, ROWS, 0, 5);
    const bp_dataset set = dataset_of(shape, &s);
    for (size_t k = 0; k < COUNT(kinds); k++) {
        bp_network_config config = net_config(shape, BATCH);
        config.optimizer = stored_optimizer((bp_optimizer){.kind = kinds[k], .momentum = 0.75f, .beta1 = 0.75f});
        bp_network *fitted = net_create(&config, 1), *stepped = net_create(&config, 1);
        const bp_fit_options options = FIT_OPTIONS(.epochs = 3, .schedule = &cycle, .shuffle = false);
        assert_int_equal(bp_network_fit(fitted, &set, &options, NULL), BP_OK);
        for (uint64_t step = 0; step < 3 * STEPS; step++) {
            float learning_rate, momentum;
            bp_batch batch = {.rows = BATCH,
                              .inputs = set.inputs + step % STEPS * BATCH * 5,
                              .targets = set.targets + step % STEPS * BATCH * 3};
            assert_int_equal(bp_schedule_learning_rate(&cycle, step, &learning_rate), BP_OK);
            assert_int_equal(bp_schedule_momentum(&cycle, step, &momentum), BP_OK);
            assert_int_equal(bp_network_set_momentum(stepped, momentum), BP_OK);
            assert_int_equal(bp_network_train_step(stepped, &batch, learning_rate, NULL), BP_OK);
        }
        assert_int_equal(bp_network_hash(fitted), bp_network_hash(stepped));
        bp_optimizer o;
        assert_int_equal(bp_network_get_optimizer(fitted, &o, sizeof o), BP_OK); /* as before the fit */
        assert_true(o.momentum + o.beta1 == 0.75f);                              /* a kind has one of them */
        assert_int_equal(bp_network_set_momentum(fitted, -0.5f), BP_ERROR_VALUE);
        assert_int_equal(bp_network_set_momentum(fitted, 1), BP_ERROR_VALUE);
        assert_int_equal(bp_network_set_momentum(fitted, NAN), BP_ERROR_VALUE);
        bp_network_destroy(fitted);
        bp_network_destroy(stepped);
    }
    const bp_network_config config = net_config(shape, BATCH);
    bp_network *plain = net_create(&config, 1);
    assert_int_equal(bp_network_set_momentum(plain, 0.5f), BP_ERROR_VALUE);
    assert_int_equal(bp_network_set_momentum(NULL, 0.5f), BP_ERROR_NULL);
    bp_network_destroy(plain);
    samples_destroy(&s);
}

/* ---- The weighted mean ------------------------------------------------------------------------------------------- */

static void weighted_means(void **state) {
    (void)state;
    net mean = fit_weighted, sum = fit_weighted;
    mean.options.reduction = BP_REDUCTION_WEIGHTED_MEAN;
    const bp_network_config config = net_config(&mean, ROWS), other_config = net_config(&sum, ROWS);
    bp_network *network = net_create(&config, 1), *other = net_create(&other_config, 1);
    samples s = samples_create(&mean, ROWS, 0, 5);
    for (size_t n = 0; n < ROWS; n++)
        s.weights[n] = n < BATCH ? 0.0f : fabsf(s.weights[n]);
    float total, loss, of_sum, divided[ROWS];
    assert_int_equal(bp_sum(&total, s.weights, ROWS), BP_OK);
    for (size_t n = 0; n < ROWS; n++)
        divided[n] = s.weights[n] * (1.0f / total);
    bp_batch with_divided = s.batch;
    with_divided.weights = divided;
    /* The sum of the rows' losses times 1 / sum of weights; deltas as of the sum with weights so divided. */
    assert_int_equal(bp_network_loss(network, &s.batch, &loss), BP_OK);
    assert_int_equal(bp_network_loss(other, &s.batch, &of_sum), BP_OK);
    assert_true(loss == of_sum * (1.0f / total));
    assert_int_equal(bp_network_train_step(network, &s.batch, 0.5f, NULL), BP_OK);
    assert_int_equal(bp_network_train_step(other, &with_divided, 0.5f, NULL), BP_OK);
    assert_int_equal(bp_network_hash(network), bp_network_hash(other));

    /* Over a data set, in batches, the first of which weighs nothing. */
    bp_dataset set = dataset_of(&mean, &s);
    double of_set, sums = 0, totals = 0;
    const bp_network_config small = net_config(&mean, BATCH), small_sum = net_config(&sum, BATCH);
    bp_network *walked = net_create(&small, 1), *summed = net_create(&small_sum, 1);
    for (size_t n = 0; n < ROWS; n += BATCH) {
        const bp_batch batch = {
            .rows = BATCH, .inputs = s.inputs + n * 5, .targets = s.targets + n * 3, .weights = s.weights + n};
        assert_int_equal(bp_network_loss(summed, &batch, &of_sum), BP_OK);
        assert_int_equal(bp_sum(&total, s.weights + n, BATCH), BP_OK);
        sums += (double)of_sum;
        totals += (double)total;
        assert_int_equal(bp_network_loss(walked, &batch, &loss), n == 0 ? BP_ERROR_VALUE : BP_OK);
    }
    assert_int_equal(bp_network_evaluate(walked, &set, &of_set), BP_OK);
    assert_true(of_set == sums / totals);
    set.rows = BATCH;
    of_set = 77;
    assert_int_equal(bp_network_evaluate(walked, &set, &of_set), BP_ERROR_VALUE);
    assert_true(of_set == 77);

    /* A fit's loss is the mean of its epoch. */
    set = dataset_of(&mean, &s);
    for (size_t n = 0; n < BATCH; n++)
        s.weights[n] = 0.25f;
    bp_fit_result result;
    const bp_fit_options options = FIT_OPTIONS(.epochs = 1, .batch_size = BATCH, .learning_rate = 0, .shuffle = false);
    assert_int_equal(bp_network_fit(walked, &set, &options, &result), BP_OK);
    assert_int_equal(bp_network_evaluate(walked, &set, &of_set), BP_OK);
    assert_true(fabs(result.loss - of_set) <= 1e-6 * of_set);

    /* Sums that have no reciprocal. */
    const uint64_t hash = bp_network_hash(network);
    static const float bad[] = {0, NAN, INFINITY, 1e-40f};
    for (size_t k = 0; k < COUNT(bad); k++) {
        memset(divided, 0, sizeof divided);
        divided[2] = bad[k];
        assert_int_equal(bp_network_train_step(network, &with_divided, 0.5f, NULL), BP_ERROR_VALUE);
        expect_words("batch.weights add up to", "");
    }
    assert_int_equal(bp_network_hash(network), hash);
    bp_network_destroy(network);
    bp_network_destroy(other);
    bp_network_destroy(walked);
    bp_network_destroy(summed);
    samples_destroy(&s);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_epochs_go_bad), cmocka_unit_test(no_fit_ends_with_bad_parameters),
        cmocka_unit_test(norms_overflow),      cmocka_unit_test(averages_stay_out),
        cmocka_unit_test(refusals_have_words), cmocka_unit_test(plateaus_by_hand),
        cmocka_unit_test(fits_lower_the_rate), cmocka_unit_test(fits_follow_a_momentum),
        cmocka_unit_test(weighted_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
