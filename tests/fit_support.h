/* What the tests of fitting share: a data set for a net, and the same training by single steps. */
#ifndef BACKPROP_TESTS_FIT_SUPPORT_H
#define BACKPROP_TESTS_FIT_SUPPORT_H

#include "network_support.h"

static const net fit_nets[] = {
    {.layers = 2,
     .sizes = {5, 9, 3},
     .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE},
    {.layers = 2,
     .sizes = {5, 40, 3},
     .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY},
};
enum { FIT_NETS = sizeof fit_nets / sizeof *fit_nets };

/** Weighted rows, whose losses are added up. */
static const net fit_weighted = {.layers = 2,
                                 .sizes = {5, 9, 3},
                                 .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                                 .loss = BP_LOSS_HUBER,
                                 .options = {.huber_threshold = 0.5f, .reduction = BP_REDUCTION_SUM},
                                 .weighted = true};

/** A view of samples. */
static inline bp_dataset dataset_of(const net *shape, const samples *s) {
    return (bp_dataset){.rows = s->batch.rows,
                        .inputs = s->batch.inputs,
                        .input_columns = shape->sizes[0],
                        .input_stride = s->batch.input_stride,
                        .targets = s->batch.targets,
                        .target_columns = shape->sizes[shape->layers],
                        .target_stride = s->batch.target_stride,
                        .labels = s->batch.labels,
                        .weights = s->batch.weights};
}

/** Epochs first .. end - 1 by bp_network_train_step; the last epoch's mean loss, given whether batches' are sums. */
static inline double train_by_steps(bp_network *network, const bp_dataset *set, size_t batch_rows, uint64_t seed,
                                    size_t first, size_t end, bool in_order, float (*learning_rate)(size_t step),
                                    bool sums) {
    bp_batches *batches;
    bp_batch batch;
    double sum = 0;
    assert_int_equal(bp_batches_create(set, batch_rows, NULL, &batches), BP_OK);
    const size_t steps = bp_batches_count(batches);
    for (size_t epoch = first; epoch < end; epoch++) {
        sum = 0;
        assert_int_equal(in_order ? bp_batches_restart(batches) : bp_batches_shuffle(batches, seed, epoch), BP_OK);
        for (size_t step = 0; bp_batches_next(batches, &batch); step++) {
            float loss;
            assert_int_equal(bp_network_train_step(network, &batch, learning_rate(epoch * steps + step), &loss), BP_OK);
            sum += (double)loss * (sums ? 1.0 : (double)batch.rows);
        }
    }
    bp_batches_destroy(batches);
    return sum / (double)set->rows;
}

/** An allocator that stops giving: budget_allocate and budget_release with a budget as their context. */
typedef struct budget {
    size_t left, live;
} budget;

static inline void *budget_allocate(void *context, size_t bytes) {
    budget *b = context;
    if (b->left == 0)
        return NULL;
    b->left--;
    b->live++;
    return malloc(bytes);
}

static inline void budget_release(void *context, void *memory) {
    ((budget *)context)->live--;
    free(memory);
}

#endif
