#include "training.h"

#include <stdio.h>
#include <stdlib.h>

#include "../program.h"
#include "progress.h"

static void check(bp_status status) {
    if (status != BP_OK)
        fail("%s", bp_status_string(status));
}

/* What the callbacks share. */
typedef struct trainer {
    bp_network *network;
    const options *options;
    bp_dataset test;
    float *outputs;      /* [test.rows x classes] */
    uint32_t *predicted; /* [test.rows] */
    size_t classes;
    size_t steps; /* of all epochs */
    size_t samples;
    progress bar;
    double started; /* when the epoch began */
    double seconds, flops;
    size_t flops_rows; /* of this epoch that `flops` counts */
} trainer;

static bp_dataset view(const data_set *data, const sample_set *set) {
    return (bp_dataset){
        .rows = set->count, .inputs = set->inputs, .input_columns = data->inputs, .labels = set->labels};
}

/* Without --schedule the rate falls linearly and would be zero after the last step. */
static float falling_rate(void *context, size_t step) {
    const trainer *t = context;
    return options_rate(t->options) * (1.0f - (float)step / (float)t->steps);
}

/* The numbers that --schedule leaves open. */
static bp_schedule schedule_of(const options *o, size_t steps) {
    const float learning_rate = options_rate(o);
    bp_schedule s = bp_schedule_defaults(o->schedule);
    s.learning_rate = learning_rate;
    s.warmup = o->warmup;
    s.steps = steps;
    if (o->schedule == BP_SCHEDULE_STEP) /* to a tenth after each third */
        s.steps = (steps + 2) / 3;
    if (o->schedule == BP_SCHEDULE_EXPONENTIAL) /* to a fiftieth or so */
        s.factor = steps > 4 ? 1 - 4 / (float)steps : 0.1f;
    if (o->schedule == BP_SCHEDULE_WARM_RESTARTS) { /* three periods, of one, two and four parts */
        s.steps = (steps + 6) / 7;
        s.period_factor = 2;
    }
    if (o->schedule == BP_SCHEDULE_ONE_CYCLE) {
        s.start = learning_rate / 25;
        s.end = learning_rate / 1e4f;
        s.warmup = o->warmup > 0 ? o->warmup : steps * 3 / 10;
    }
    return s;
}

static void begin_epoch(trainer *t, size_t epoch) {
    const bool shown = !t->options->quiet && output_is_terminal();
    t->bar = progress_begin(shown, epoch + 1, t->options->epochs, t->samples);
    t->started = seconds_now();
    t->flops_rows = 0;
}

static bool after_step(void *context, const bp_fit_progress *now) {
    trainer *t = context;
    t->flops += bp_network_step_flops(t->network, now->rows - t->flops_rows);
    t->flops_rows = now->rows;
    progress_update(&t->bar, now->rows, now->loss);
    return false;
}

/* Fraction of the test samples whose largest output is that of their label. */
static double test_accuracy(trainer *t) {
    double accuracy;
    check(bp_network_predict(t->network, &t->test, t->outputs, 0));
    check(bp_classify(t->predicted, t->outputs, 0, t->test.rows, t->classes));
    check(bp_accuracy(&accuracy, t->predicted, t->test.labels, t->test.rows));
    return accuracy;
}

static bool after_epoch(void *context, const bp_fit_progress *now) {
    trainer *t = context;
    const double seconds = seconds_now() - t->started;
    t->seconds += seconds;
    if (!t->options->quiet) {
        const double accuracy = test_accuracy(t);
        progress_end(&t->bar);
        printf("epoch %zu/%zu: train loss %.4f, test accuracy %.2f %%, %.0f samples/s\n", now->epoch + 1, now->epochs,
               now->loss, 100.0 * accuracy, (double)t->samples / seconds);
        fflush(stdout);
    }
    if (t->options->save) {
        bp_file_error error;
        if (bp_checkpoint_save(t->network, t->options->save, NULL, 0, &error) != BP_OK)
            fail("--save %s: %s", t->options->save, error.text);
    }
    begin_epoch(t, now->epoch + 1);
    return now->epoch + 1 == t->options->stop_after;
}

/* Brings the columns of both sets to the scale of the first. */
static void normalize(const data_set *data) {
    float *shift = allocate(data->inputs, sizeof *shift), *scale = allocate(data->inputs, sizeof *scale);
    const sample_set *sets[] = {&data->train, &data->test};
    check(bp_scaling_fit(shift, scale, data->train.inputs, 0, NULL, data->train.count, data->inputs,
                         BP_SCALING_STANDARD));
    for (size_t k = 0; k < 2; k++)
        check(bp_scaling_apply(sets[k]->inputs, 0, sets[k]->inputs, 0, shift, scale, sets[k]->count, data->inputs));
    free(shift);
    free(scale);
}

/* The epoch that comes after those of a checkpoint; 0 if there is none. */
static size_t load(const trainer *t) {
    const char *path = t->options->load;
    bp_file_error error;
    if (!path)
        return 0;
    if (bp_checkpoint_load(t->network, path, &error) != BP_OK)
        fail("--load %s: %s", path, error.text);
    const size_t steps = t->steps / t->options->epochs, done = (size_t)bp_network_steps(t->network);
    if (done % steps != 0)
        fail("--load %s: was not written after whole epochs of %zu steps", path, steps);
    if (done >= t->steps)
        fail("--load %s: has %zu of %zu epochs behind it", path, done / steps, t->options->epochs);
    return done / steps;
}

void train(bp_network *network, const options *o, const data_set *data, size_t classes, size_t batch) {
    if (o->normalize)
        normalize(data);
    const bp_dataset samples = view(data, &data->train);
    trainer t = {.network = network,
                 .options = o,
                 .test = view(data, &data->test),
                 .classes = classes,
                 .steps = (data->train.count + batch - 1) / batch * o->epochs,
                 .samples = data->train.count};
    t.outputs = allocate(t.test.rows * t.classes, sizeof *t.outputs);
    t.predicted = allocate(t.test.rows, sizeof *t.predicted);
    const uint64_t milestones[] = {t.steps / 2, t.steps - t.steps / 4}; /* to a tenth after a half, and once more */
    bp_schedule schedule = schedule_of(o, t.steps);
    if (o->schedule == BP_SCHEDULE_MULTI_STEP) {
        schedule.milestones = milestones;
        schedule.milestone_count = 2;
    }
    const bool scheduled = o->schedule != NO_SCHEDULE;
    bp_fit_options fit = bp_fit_options_defaults();
    fit.epochs = o->epochs;
    fit.initial_epoch = load(&t);
    fit.batch_size = batch;
    fit.schedule = scheduled ? &schedule : NULL;
    fit.learning_rate_of_step = scheduled ? NULL : falling_rate;
    fit.learning_rate_context = &t;
    fit.seed = o->seed;
    fit.on_step = after_step;
    fit.on_epoch = after_epoch;
    fit.context = &t;
    float learning_rate;
    if (scheduled && bp_schedule_learning_rate(&schedule, 0, &learning_rate) != BP_OK)
        fail("--warmup %llu: too many for %zu steps in all", (unsigned long long)o->warmup, t.steps);
    begin_epoch(&t, fit.initial_epoch);
    const bp_status status = bp_network_fit(network, &samples, &fit, NULL);
    progress_end(&t.bar);
    if (status != BP_OK)
        fail("%s%s", bp_error_message(), status == BP_ERROR_NONFINITE ? "; a lower --learning-rate may help" : "");
    if (!o->quiet)
        printf("throughput: %.2f GFLOP/s over %.2f s of training\n", t.flops / t.seconds * 1e-9, t.seconds);
    free(t.outputs);
    free(t.predicted);
}
