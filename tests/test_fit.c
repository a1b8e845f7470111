/* Fitting: the same bits as single steps, epochs resumed anywhere, validation, early stopping, callbacks. */
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
#include "harness/mode.h"
#include "harness/session.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { ROWS = 53, SEED = 11 };

static float falling(size_t step) {
    return 0.1f / (1.0f + (float)step / 16);
}

static float falling_schedule(void *context, size_t step) {
    ++*(size_t *)context;
    return falling(step);
}

static const bp_schedule cosine = SCHEDULE(BP_SCHEDULE_COSINE, .learning_rate = 0.1f, .warmup = 3, .steps = 30);

static float by_cosine(size_t step) {
    float learning_rate;
    assert_int_equal(bp_schedule_learning_rate(&cosine, step, &learning_rate), BP_OK);
    return learning_rate;
}

static float constant(size_t step) {
    (void)step;
    return 0.05f;
}

/* Ways to give the rates, and the same ones. */
enum { CONSTANT, FUNCTION, SCHEDULE, WAYS };
static float (*const rates_of[WAYS])(size_t step) = {constant, falling, by_cosine};

/* ---- The same bits -------------------------------------------------------------------------------------------- */

static void compare_with_steps(const net *shape, size_t batch, bool in_order, bool indexed, int way) {
    const bp_network_config config = net_config(shape, 16);
    bp_network *fitted = net_create(&config, 1), *stepped = net_create(&config, 1);
    samples s = samples_create(shape, ROWS, 3, 5);
    uint32_t index[ROWS + 20];
    for (size_t n = 0; n < COUNT(index); n++)
        index[n] = (uint32_t)(n * 7 % ROWS);
    bp_dataset set = dataset_of(shape, &s);
    if (indexed) {
        set.rows = COUNT(index);
        set.index = index;
    }
    size_t rates = 0;
    bp_fit_options options =
        FIT_OPTIONS(.epochs = 3, .batch_size = batch, .seed = SEED, .shuffle = !in_order, .learning_rate = 0.05f);
    if (way == FUNCTION) {
        options.learning_rate_of_step = falling_schedule;
        options.learning_rate_context = &rates;
    }
    if (way == SCHEDULE)
        options.schedule = &cosine;
    bp_fit_result result;
    assert_int_equal(bp_network_fit(fitted, &set, &options, &result), BP_OK);
    const size_t rows = batch ? batch : 16;
    const double loss = train_by_steps(stepped, &set, rows, SEED, 0, 3, in_order, rates_of[way],
                                       shape->options.reduction == BP_REDUCTION_SUM);
    assert_int_equal(bp_network_hash(fitted), bp_network_hash(stepped));
    assert_int_equal(result.outcome, BP_FIT_OUTCOME_COMPLETE);
    assert_int_equal(result.epochs, 3);
    assert_int_equal(result.steps, 3 * ((set.rows + rows - 1) / rows));
    assert_int_equal(rates, way == FUNCTION ? result.steps : 0);
    assert_true(result.loss == loss);
    assert_true(isnan(result.validation_loss));
    bp_network_destroy(fitted);
    bp_network_destroy(stepped);
    samples_destroy(&s);
}

static void fits_are_their_steps(void **state) {
    (void)state;
    static const size_t batches[] = {0, 1, 5, 16};
    bp_isa before;
    assert_int_equal(bp_cpu_active(&before), BP_OK);
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (!bp_cpu_supports((bp_isa)isa))
            continue;
        assert_int_equal(bp_cpu_set((bp_isa)isa), BP_OK);
        for (size_t b = 0; b < COUNT(batches); b++)
            for (int way = 0; way < 4 * WAYS; way++)
                compare_with_steps(&fit_weighted, batches[b], way & 1, way & 2, way / 4);
        for (size_t k = 0; k < FIT_NETS * COUNT(batches); k++)
            for (int way = 0; way < 4 * WAYS; way++)
                compare_with_steps(&fit_nets[k % FIT_NETS], batches[k / FIT_NETS], way & 1, way & 2, way / 4);
    }
    assert_int_equal(bp_cpu_set(before), BP_OK);
}

/* Cut at any epoch, with early stopping's state carried over, a fit ends as it does in one piece. */
static void fits_go_on_at_any_epoch(void **state) {
    (void)state;
    enum { EPOCHS = 6 };
    for (size_t k = 0; k < FIT_NETS; k++) {
        const net *shape = &fit_nets[k];
        const bp_network_config config = net_config(shape, 16);
        samples s = samples_create(shape, ROWS, 0, 5), held = samples_create(shape, 19, 0, 6);
        const bp_dataset set = dataset_of(shape, &s), validation = dataset_of(shape, &held);
        uint64_t expected = 0;
        bp_early_stopping end = EARLY_STOPPING();
        bp_fit_result whole;
        for (size_t cut = 0; cut < EPOCHS; cut++) {
            bp_network *network = net_create(&config, 1);
            bp_early_stopping stopping = EARLY_STOPPING(.patience = 100);
            size_t rates = 0;
            bp_fit_options options =
                FIT_OPTIONS(.epochs = cut, .batch_size = 8, .seed = SEED, .learning_rate_of_step = falling_schedule,
                            .learning_rate_context = &rates, .validation = &validation, .stopping = &stopping);
            bp_fit_result result;
            if (cut > 0)
                assert_int_equal(bp_network_fit(network, &set, &options, NULL), BP_OK);
            options.initial_epoch = cut;
            options.epochs = EPOCHS;
            assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_OK);
            assert_int_equal(result.epochs, EPOCHS - cut);
            if (cut == 0) {
                expected = bp_network_hash(network);
                end = stopping;
                whole = result;
            }
            assert_int_equal(bp_network_hash(network), expected);
            assert_memory_equal(&stopping, &end, sizeof end);
            assert_true(result.loss == whole.loss && result.validation_loss == whole.validation_loss);
            bp_network_destroy(network);
        }
        samples_destroy(&s);
        samples_destroy(&held);
    }
}

/* ---- Whole data sets ------------------------------------------------------------------------------------------ */

static void passes_over_data_sets(void **state) {
    (void)state;
    for (size_t k = 0; k <= FIT_NETS; k++)
        for (size_t indexed = 0; indexed < 2; indexed++) {
            const net *shape = k < FIT_NETS ? &fit_nets[k] : &fit_weighted;
            const size_t out = shape->sizes[shape->layers];
            const bp_network_config config = net_config(shape, 16);
            bp_network *network = net_create(&config, 1);
            samples s = samples_create(shape, ROWS, 2, 5);
            uint32_t index[ROWS - 3];
            for (size_t n = 0; n < COUNT(index); n++)
                index[n] = (uint32_t)(ROWS - 1 - n);
            bp_dataset set = dataset_of(shape, &s);
            if (indexed) {
                set.rows = COUNT(index);
                set.index = index;
            }
            float *outputs = allocate(ROWS * (out + 1), sizeof *outputs), row[8];
            const uint64_t hash = bp_network_hash(network);
            assert_int_equal(bp_network_predict(network, &set, outputs, out + 1), BP_OK);
            double loss, sum = 0;
            for (size_t n = 0; n < set.rows; n++) {
                const size_t at = indexed ? index[n] : n;
                const bp_batch one = {.rows = 1, .inputs = set.inputs + at * set.input_stride};
                assert_int_equal(bp_network_forward(network, &one, row, 0), BP_OK);
                assert_same_bits(outputs + n * (out + 1), row, out);
                assert_true(outputs[n * (out + 1) + out] == 0);
            }
            bp_batches *batches;
            bp_batch batch;
            assert_int_equal(bp_batches_create(&set, 16, NULL, &batches), BP_OK);
            while (bp_batches_next(batches, &batch)) {
                float mean;
                assert_int_equal(bp_network_loss(network, &batch, &mean), BP_OK);
                sum += (double)mean * (k < FIT_NETS ? (double)batch.rows : 1.0);
            }
            assert_int_equal(bp_network_evaluate(network, &set, &loss), BP_OK);
            assert_true(loss == sum / (double)set.rows);
            assert_int_equal(bp_network_hash(network), hash);
            bp_batches_destroy(batches);
            bp_network_destroy(network);
            samples_destroy(&s);
            free(outputs);
        }
}

/* The mean loss over a data set in batches of some size, none of them weighted. */
static double loss_in_batches(bp_network *network, const bp_dataset *set, size_t rows) {
    bp_batches *batches;
    bp_batch batch;
    double sum = 0;
    assert_int_equal(bp_batches_create(set, rows, NULL, &batches), BP_OK);
    while (bp_batches_next(batches, &batch)) {
        float mean;
        assert_int_equal(bp_network_loss(network, &batch, &mean), BP_OK);
        sum += (double)mean * (double)batch.rows;
    }
    bp_batches_destroy(batches);
    return sum / (double)set->rows;
}

/* Of a fit in batches of 8 and its validation; and predictions, to the last bit. */
static void the_largest_batch_tells_on_nothing(void **state) {
    (void)state;
    enum { HELD = 300 };
    static const size_t largest[] = {8, 16, 32, 64, 128, 300};
    for (size_t k = 0; k < FIT_NETS; k++) {
        const net *shape = &fit_nets[k];
        samples s = samples_create(shape, ROWS, 0, 5), held = samples_create(shape, HELD, 0, 6);
        const bp_dataset set = dataset_of(shape, &s), validation = dataset_of(shape, &held);
        bp_fit_result first = {0};
        float first_outputs[HELD * 3] = {0}, outputs[HELD * 3];
        uint64_t hash = 0;
        for (size_t b = 0; b < COUNT(largest); b++) {
            const bp_network_config config = net_config(shape, largest[b]);
            bp_network *network = net_create(&config, 1);
            const bp_fit_options options =
                FIT_OPTIONS(.epochs = 2, .batch_size = 8, .learning_rate = 0.05f, .validation = &validation);
            bp_fit_result result;
            assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_OK);
            assert_int_equal(bp_network_predict(network, &validation, outputs, 0), BP_OK);
            assert_true(result.validation_loss == loss_in_batches(network, &validation, 8));
            if (b == 0) {
                first = result;
                hash = bp_network_hash(network);
                memcpy(first_outputs, outputs, sizeof outputs);
            }
            assert_true(result.validation_loss == first.validation_loss && result.best_loss == first.best_loss);
            assert_true(result.loss == first.loss);
            assert_int_equal(bp_network_hash(network), hash);
            assert_same_bits(outputs, first_outputs, HELD * 3);
            bp_network_destroy(network);
        }
        samples_destroy(&s);
        samples_destroy(&held);
    }
}

/* ---- Callbacks ------------------------------------------------------------------------------------------------ */

typedef struct watch {
    bp_network *network;
    const bp_dataset *validation;
    size_t steps, epochs; /* calls so far */
    size_t stop_at_step, stop_at_epoch;
    double sum;
    double best;
} watch;

static bool watch_step(void *context, const bp_fit_progress *now) {
    watch *w = context;
    w->steps++;
    if (now->step == 1)
        w->sum = 0;
    w->sum += (double)now->step_loss * (double)(now->step < 7 ? 8 : ROWS - 48);
    assert_int_equal(now->epochs, 5);
    assert_int_equal(now->steps, 7);
    assert_int_equal(now->epoch * 7 + now->step, w->steps);
    assert_int_equal(now->rows, now->step < 7 ? 8 * now->step : ROWS);
    assert_true(now->learning_rate == falling(w->steps - 1));
    assert_true(now->loss == w->sum / (double)now->rows);
    assert_true(isnan(now->validation_loss));
    assert_false(now->improved);
    return w->steps == w->stop_at_step;
}

static bool watch_epoch(void *context, const bp_fit_progress *now) {
    watch *w = context;
    w->epochs++;
    assert_int_equal(now->epoch + 1, w->epochs);
    assert_int_equal(w->steps, 7 * w->epochs);
    assert_int_equal(now->rows, ROWS);
    assert_true(now->loss == w->sum / ROWS);
    double value = now->loss;
    if (w->validation) { /* a callback may use the network */
        value = loss_in_batches(w->network, w->validation, 8);
        assert_true(value == now->validation_loss);
    } else {
        assert_true(isnan(now->validation_loss));
    }
    assert_int_equal(now->improved, value < w->best);
    w->best = fmin(value, w->best);
    return w->epochs == w->stop_at_epoch;
}

static void callbacks_watch_and_stop(void **state) {
    (void)state;
    const net *shape = &fit_nets[0];
    const bp_network_config config = net_config(shape, 16);
    samples s = samples_create(shape, ROWS, 0, 5), held = samples_create(shape, 19, 0, 6);
    const bp_dataset set = dataset_of(shape, &s), validation = dataset_of(shape, &held);
    static const struct {
        size_t step, epoch, steps, epochs; /* where to stop, and what has then been done */
    } stops[] = {{0, 0, 35, 5}, {1, 0, 1, 0},  {7, 0, 7, 0},  {10, 0, 10, 1},
                 {0, 1, 7, 1},  {0, 5, 35, 5}, {20, 4, 20, 2}};
    for (size_t k = 0; k < 2 * COUNT(stops); k++) {
        bp_network *network = net_create(&config, 1);
        watch w = {.network = network,
                   .validation = k % 2 ? &validation : NULL,
                   .stop_at_step = stops[k / 2].step,
                   .stop_at_epoch = stops[k / 2].epoch,
                   .best = (double)INFINITY};
        size_t rates = 0;
        const bp_fit_options options =
            FIT_OPTIONS(.epochs = 5, .batch_size = 8, .learning_rate_of_step = falling_schedule,
                        .learning_rate_context = &rates, .validation = w.validation, .on_step = watch_step,
                        .on_epoch = watch_epoch, .context = &w);
        bp_fit_result result;
        assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_OK);
        assert_int_equal(result.outcome,
                         stops[k / 2].step || stops[k / 2].epoch ? BP_FIT_OUTCOME_STOPPED : BP_FIT_OUTCOME_COMPLETE);
        assert_int_equal(result.steps, stops[k / 2].steps);
        assert_int_equal(result.epochs, stops[k / 2].epochs);
        assert_int_equal(rates, result.steps);
        assert_int_equal(w.steps, result.steps);
        assert_true(result.best_loss == w.best);
        bp_network_destroy(network);
    }
    samples_destroy(&s);
    samples_destroy(&held);
}

/* A host's mode changes no result, and its callbacks see it. */
typedef struct seen {
    uint64_t mode; /* the host's */
    size_t calls, strayed;
    double losses[2 * 4 + 2]; /* of every step and epoch */
} seen;

static void see(seen *s) {
    s->strayed += test_mode() != s->mode;
}

static bool sees_mode(void *context, const bp_fit_progress *now) {
    seen *s = context;
    see(s);
    s->losses[s->calls++] = now->loss;
    return false;
}

static float rate_in_mode(void *context, size_t step) {
    (void)step;
    see(context);
    return 0.1f;
}

static void the_hosts_mode_is_left_alone(void **state) {
    (void)state;
    const net *shape = &fit_nets[1];
    const bp_network_config config = net_config(shape, 16);
    samples s = samples_create(shape, ROWS, 0, 5);
    const bp_dataset set = dataset_of(shape, &s);
    bp_network *here = net_create(&config, 1), *there = net_create(&config, 1);
    const uint64_t plain = test_host_modes[0].mode;
    seen expected_seen = {.mode = plain};
    bp_fit_options options = FIT_OPTIONS(.epochs = 2, .learning_rate = 0.1f, .validation = &set, .seed = SEED);
    options.on_step = options.on_epoch = sees_mode;
    options.context = &expected_seen;
    bp_fit_result expected, result;
    assert_int_equal(bp_network_fit(here, &set, &options, &expected), BP_OK);
    options.learning_rate_of_step = rate_in_mode;
    for (const test_host_mode *host = test_host_modes; host->name; host++) {
        seen now = {.mode = host->mode};
        options.context = options.learning_rate_context = &now;
        assert_int_equal(bp_network_initialize(there, 1), BP_OK);
        test_set_mode(host->mode);
        const bp_status status = bp_network_fit(there, &set, &options, &result);
        const uint64_t left = test_mode();
        test_set_mode(plain);
        assert_int_equal(status, BP_OK);
        assert_true(left == host->mode);
        assert_int_equal(result.outcome, BP_FIT_OUTCOME_COMPLETE);
        assert_int_equal(now.calls, expected_seen.calls);
        assert_int_equal(now.strayed, 0);
        assert_memory_equal(now.losses, expected_seen.losses, sizeof now.losses);
        assert_int_equal(bp_network_hash(here), bp_network_hash(there));
        assert_true(result.loss == expected.loss && result.validation_loss == expected.validation_loss);
    }
    bp_network_destroy(here);
    bp_network_destroy(there);
    samples_destroy(&s);
}

/* ---- Early stopping ------------------------------------------------------------------------------------------- */

static void early_stopping_by_hand(void **state) {
    (void)state;
    static const double inf = (double)INFINITY, nan = (double)NAN;
    static const struct {
        size_t patience;
        double min_delta;
        double values[8];
        const char *marks; /* for each value: + improved, - not, x not and stop */
        size_t best_at;
    } cases[] = {
        {2, 0, {5, 4, 4, 3, 3, 3}, "++-+-x", 3},
        {1, 0, {5, 4, 4}, "++x", 1},
        {2, 0.5, {5, 4.6, 4.5, 4.4, 4.0}, "+-x+-", 3},
        {3, 1, {-1, -2, -2.5, -3.5}, "+-+-", 2},
        {2, 0, {nan, nan, 3}, "-x+", 2},
        {2, 0, {inf, inf, 3, nan, nan}, "-x+-x", 2},
        {2, 0, {7, -inf, -inf, 0}, "++-x", 1},
        {3, 0, {1, 2, nan, 3, 0.5}, "+--x+", 4},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        bp_early_stopping stopping = EARLY_STOPPING(.patience = cases[k].patience, .min_delta = cases[k].min_delta);
        for (size_t v = 0; cases[k].marks[v]; v++) {
            bool improved, stop;
            assert_int_equal(bp_early_stopping_next(&stopping, cases[k].values[v], &improved, &stop), BP_OK);
            const char mark = improved ? '+' : stop ? 'x' : '-';
            if (mark != cases[k].marks[v])
                fail_msg("case %zu, value %zu: %c", k, v, mark);
            assert_false(improved && stop);
            assert_int_equal(stopping.seen, v + 1);
        }
        assert_int_equal(stopping.best_at, cases[k].best_at);
        assert_true(stopping.best == cases[k].values[cases[k].best_at]);
    }
    bp_early_stopping again =
        EARLY_STOPPING(.patience = 2, .best = -7, .best_at = 7); /* nothing seen: what was best is gone */
    assert_int_equal(bp_early_stopping_next(&again, nan, NULL, NULL), BP_OK);
    assert_true(again.best == inf && again.best_at == 0);
    bp_early_stopping bad[] = {EARLY_STOPPING(.patience = 0), EARLY_STOPPING(.patience = 1, .min_delta = -0.1),
                               EARLY_STOPPING(.patience = 1), EARLY_STOPPING(.patience = 1)};
    bad[2].min_delta = nan;
    bad[3].min_delta = inf;
    for (size_t k = 0; k < COUNT(bad); k++) {
        const bp_early_stopping before = bad[k];
        assert_int_equal(bp_early_stopping_next(&bad[k], 1, NULL, NULL), BP_ERROR_VALUE);
        assert_memory_equal(&bad[k], &before, sizeof before);
    }
    assert_int_equal(bp_early_stopping_next(NULL, 1, NULL, NULL), BP_ERROR_NULL);
}

/* Weights after each epoch, to compare the best with. */
typedef struct history {
    bp_network *network;
    uint64_t hash[40];
    double loss[40];
} history;

static bool remember(void *context, const bp_fit_progress *now) {
    history *h = context;
    h->hash[now->epoch] = bp_network_hash(h->network);
    h->loss[now->epoch] = now->validation_loss;
    return false;
}

/* Trained on noise, a network gets worse on other noise before long. */
static void fits_stop_early_with_the_best_weights(void **state) {
    (void)state;
    for (size_t k = 0; k < FIT_NETS; k++) {
        const net *shape = &fit_nets[k];
        const bp_network_config config = net_config(shape, 16);
        samples s = samples_create(shape, ROWS, 0, 5), held = samples_create(shape, 19, 0, 6);
        const bp_dataset set = dataset_of(shape, &s), validation = dataset_of(shape, &held);
        for (size_t keep = 0; keep < 2; keep++) {
            bp_network *network = net_create(&config, 1);
            history h = {.network = network};
            bp_early_stopping stopping = EARLY_STOPPING(.patience = 4);
            const bp_fit_options options =
                FIT_OPTIONS(.epochs = 40, .batch_size = 4, .learning_rate = 0.5f, .validation = &validation,
                            .stopping = &stopping, .restore_best = keep, .on_epoch = remember, .context = &h);
            bp_fit_result result;
            assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_OK);
            assert_int_equal(result.outcome, BP_FIT_OUTCOME_EARLY);
            assert_true(result.epochs > 4 && result.epochs < 40);
            size_t best = 0;
            for (size_t epoch = 1; epoch < result.epochs; epoch++)
                if (h.loss[epoch] < h.loss[best])
                    best = epoch;
            assert_int_equal(best + 1 + 4, result.epochs);
            assert_int_equal(result.best_epoch, best);
            assert_true(result.best_loss == h.loss[best]);
            assert_true(result.validation_loss == h.loss[result.epochs - 1]);
            assert_int_equal(bp_network_hash(network), h.hash[keep ? best : result.epochs - 1]);
            assert_int_equal(stopping.best_at, best);
            bp_network_destroy(network);
        }
        samples_destroy(&s);
        samples_destroy(&held);
    }
}

/* A network that is small keeps its weights twice: both have to come back with the best ones. */
static void training_goes_on_from_the_best_weights(void **state) {
    (void)state;
    const net *shape = &fit_nets[0];
    const bp_network_config config = net_config(shape, 4);
    samples s = samples_create(shape, 12, 0, 5), held = samples_create(shape, 9, 0, 6);
    const bp_dataset set = dataset_of(shape, &s), validation = dataset_of(shape, &held);
    bp_network *network = net_create(&config, 1), *other = net_create(&config, 2);
    const bp_fit_options options = FIT_OPTIONS(.epochs = 30, .batch_size = 2, .learning_rate = 0.5f,
                                               .validation = &validation, .restore_best = true);
    bp_fit_result result;
    assert_int_equal(bp_network_fit(network, &set, &options, &result), BP_OK);
    assert_true(result.best_epoch < 29);
    for (size_t l = 0; l < shape->layers; l++) {
        held_layer layer = layer_get(network, l);
        layer_set(other, l, &layer);
        layer_free(&layer);
    }
    s.batch.rows = 3;
    for (size_t step = 0; step < 3; step++) {
        assert_int_equal(bp_network_train_step(network, &s.batch, 0.1f, NULL), BP_OK);
        assert_int_equal(bp_network_train_step(other, &s.batch, 0.1f, NULL), BP_OK);
        assert_int_equal(bp_network_hash(network), bp_network_hash(other));
    }
    bp_network_destroy(network);
    bp_network_destroy(other);
    samples_destroy(&s);
    samples_destroy(&held);
}

/* With an optimizer's state and dropout's masks: all goes on as after a fit that ended with the best epoch. */
static void the_best_epoch_comes_back_whole(void **state) {
    (void)state;
    const net *shape = &fit_nets[1];
    const float dropout[] = {0.25f, 0};
    bp_network_config config = net_config(shape, 16);
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAM});
    config.dropout = dropout;
    samples s = samples_create(shape, ROWS, 0, 5), held = samples_create(shape, 19, 0, 9);
    const bp_dataset set = dataset_of(shape, &s), validation = dataset_of(shape, &held);
    bp_network *kept = net_create(&config, 1), *stopped = net_create(&config, 1);
    bp_fit_options options = FIT_OPTIONS(.epochs = 30, .learning_rate = 0.003f, .seed = SEED, .validation = &validation,
                                         .restore_best = true);
    bp_fit_result result;
    assert_int_equal(bp_network_fit(kept, &set, &options, &result), BP_OK);
    assert_true(result.best_epoch > 0 && result.best_epoch < 29);
    options.epochs = result.best_epoch + 1;
    assert_int_equal(bp_network_fit(stopped, &set, &options, NULL), BP_OK);
    s.batch.rows = 16;
    for (size_t step = 0; step < 3; step++) {
        assert_int_equal(bp_network_steps(kept), bp_network_steps(stopped));
        assert_int_equal(bp_network_hash(kept), bp_network_hash(stopped));
        assert_int_equal(bp_network_train_step(kept, &s.batch, 0.003f, NULL), BP_OK);
        assert_int_equal(bp_network_train_step(stopped, &s.batch, 0.003f, NULL), BP_OK);
    }
    bp_network_destroy(kept);
    bp_network_destroy(stopped);
    samples_destroy(&s);
    samples_destroy(&held);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits_are_their_steps),
        cmocka_unit_test(fits_go_on_at_any_epoch),
        cmocka_unit_test(passes_over_data_sets),
        cmocka_unit_test(the_largest_batch_tells_on_nothing),
        cmocka_unit_test(callbacks_watch_and_stop),
        cmocka_unit_test(the_hosts_mode_is_left_alone),
        cmocka_unit_test(early_stopping_by_hand),
        cmocka_unit_test(fits_stop_early_with_the_best_weights),
        cmocka_unit_test(training_goes_on_from_the_best_weights),
        cmocka_unit_test(the_best_epoch_comes_back_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
