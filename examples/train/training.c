#include "training.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"

/* Streams of random numbers below this one belong to the layers' initial weights; see bp_network_initialize. */
static const uint64_t shuffle_stream = (uint64_t)1 << 32;

static void check(bp_status status) {
    if (status != BP_OK)
        fail("%s", bp_status_string(status));
}

trainer trainer_new(bp_network *network, const data_set *data, size_t classes, size_t batch, size_t epochs, float rate,
                    uint64_t seed) {
    trainer t = {.network = network,
                 .data = data,
                 .classes = classes,
                 .batch = batch,
                 .epochs = epochs,
                 .rate = rate,
                 .seed = seed};
    t.order = allocate(data->train.count, sizeof *t.order);
    t.inputs = allocate(batch * data->inputs, sizeof *t.inputs);
    t.labels = allocate(batch, sizeof *t.labels);
    t.outputs = allocate(batch * classes, sizeof *t.outputs);
    return t;
}

void trainer_free(trainer *t) {
    free(t->order);
    free(t->inputs);
    free(t->labels);
    free(t->outputs);
}

/* Copies the samples order[0 .. rows-1] into one block. */
static bp_batch gather(trainer *t, const uint32_t *order, size_t rows) {
    const sample_set *set = &t->data->train;
    const size_t width = t->data->inputs;
    for (size_t n = 0; n < rows; n++) {
        memcpy(t->inputs + n * width, set->inputs + order[n] * width, width * sizeof *t->inputs);
        t->labels[n] = set->labels[order[n]];
    }
    const bp_batch batch = {.rows = rows, .inputs = t->inputs, .labels = t->labels};
    return batch;
}

epoch_result train_epoch(trainer *t, size_t epoch, progress *bar) {
    const size_t count = t->data->train.count;
    const size_t steps = (count + t->batch - 1) / t->batch;
    const float steps_in_all = (float)steps * (float)t->epochs;
    epoch_result result = {0};
    double loss_sum = 0.0;

    const double start = seconds_now();
    check(bp_random_permutation(t->seed, shuffle_stream + epoch, t->order, count));
    for (size_t step = 0, done = 0; step < steps; step++) {
        const size_t rows = count - done < t->batch ? count - done : t->batch;
        const bp_batch batch = gather(t, t->order + done, rows);
        const float remaining = 1.0f - (float)(epoch * steps + step) / steps_in_all;
        float loss;
        check(bp_network_train_step(t->network, &batch, t->rate * remaining, &loss));
        done += rows;
        loss_sum += (double)loss * (double)rows;
        result.flops += bp_network_step_flops(t->network, rows);
        progress_update(bar, done, loss_sum / (double)done);
    }
    result.seconds = seconds_now() - start;
    result.loss = loss_sum / (double)count;
    return result;
}

static size_t largest(const float *values, size_t count) {
    size_t best = 0;
    for (size_t k = 1; k < count; k++)
        if (values[k] > values[best])
            best = k;
    return best;
}

double test_accuracy(trainer *t) {
    const sample_set *set = &t->data->test;
    size_t right = 0;
    for (size_t done = 0, rows; done < set->count; done += rows) {
        rows = set->count - done < t->batch ? set->count - done : t->batch;
        const bp_batch batch = {.rows = rows, .inputs = set->inputs + done * t->data->inputs};
        check(bp_network_forward(t->network, &batch, t->outputs, 0));
        for (size_t n = 0; n < rows; n++)
            right += largest(t->outputs + n * t->classes, t->classes) == set->labels[done + n];
    }
    return (double)right / (double)set->count;
}
