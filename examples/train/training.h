/* One epoch of training, and the accuracy on samples. */
#ifndef TRAIN_TRAINING_H
#define TRAIN_TRAINING_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/backprop.h>

#include "data.h"
#include "progress.h"

/** What all epochs share. */
typedef struct trainer {
    bp_network *network;
    const data_set *data;
    size_t classes;
    size_t batch; /* samples in a step; the last step of an epoch may have fewer */
    size_t epochs;
    float rate;       /* of the first step; it falls linearly and would be zero after the last */
    uint64_t seed;    /* of the shuffles */
    uint32_t *order;  /* [data->train.count] */
    float *inputs;    /* [batch x data->inputs] */
    uint32_t *labels; /* [batch] */
    float *outputs;   /* [batch x classes] */
} trainer;

trainer trainer_new(bp_network *network, const data_set *data, size_t classes, size_t batch, size_t epochs, float rate,
                    uint64_t seed);
void trainer_free(trainer *t);

typedef struct epoch_result {
    double loss; /* mean over the samples, each with the weights at its step */
    double seconds;
    double flops;
} epoch_result;

/** Trains on all samples once, in the order of this epoch (counted from 0). */
epoch_result train_epoch(trainer *t, size_t epoch, progress *bar);

/** Fraction of the test samples whose largest output is that of their label. */
double test_accuracy(trainer *t);

#endif
