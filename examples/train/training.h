/* The training itself, and what it says while it runs. */
#ifndef TRAIN_TRAINING_H
#define TRAIN_TRAINING_H

#include <stddef.h>

#include <backprop/backprop.h>

#include "data.h"
#include "options.h"

/**
 * Trains on all training samples as often as the options say, `batch` samples in a step. Unless it is to be quiet, a
 * line after each epoch says how the test samples are told apart, and the last line how fast it was.
 */
void train(bp_network *network, const options *o, const data_set *data, size_t classes, size_t batch);

#endif
