#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
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

/* The rate falls linearly and would be zero after the last step. */
static float rate_of_step(void *context, size_t step) {
    const trainer *t = context;
    return t->options->rate * (1.0f - (float)step / (float)t->steps);
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
    check(bp_accuracy(t->predicted, t->test.labels, t->test.rows, &accuracy));
    return accuracy;
}

static bool after_epoch(void *context, const bp_fit_progress *now) {
    trainer *t = context;
    const double seconds = seconds_now() - t->started;
    t->seconds += seconds;
    if (!t->options->quiet) {
        const double accuracy = test_accuracy(t);
        progress_end(&t->bar);
        printf("epoch %zu/%zu: train loss %.4f, test accuracy %.2f %%, %.0f samples/s%s\n", now->epoch + 1, now->epochs,
               now->loss, 100.0 * accuracy, (double)t->samples / seconds,
               isfinite(now->loss) ? "" : " (the loss is not finite: a lower --rate may help)");
        fflush(stdout);
    }
    begin_epoch(t, now->epoch + 1);
    return false;
}

void train(bp_network *network, const options *o, const data_set *data, size_t classes, size_t batch) {
    const bp_dataset samples = view(data, &data->train);
    trainer t = {.network = network,
                 .options = o,
                 .test = view(data, &data->test),
                 .classes = classes,
                 .steps = (data->train.count + batch - 1) / batch * o->epochs,
                 .samples = data->train.count};
    t.outputs = allocate(t.test.rows * t.classes, sizeof *t.outputs);
    t.predicted = allocate(t.test.rows, sizeof *t.predicted);
    const bp_fit_options fit = {.epochs = o->epochs,
                                .batch = batch,
                                .rate_of_step = rate_of_step,
                                .rate_context = &t,
                                .seed = o->seed,
                                .on_step = after_step,
                                .on_epoch = after_epoch,
                                .context = &t};
    begin_epoch(&t, 0);
    check(bp_network_fit(network, &samples, &fit, NULL));
    progress_end(&t.bar);
    if (!o->quiet)
        printf("throughput: %.2f GFLOP/s over %.2f s of training\n", t.flops / t.seconds * 1e-9, t.seconds);
    free(t.outputs);
    free(t.predicted);
}
