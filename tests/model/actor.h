/* A network or its model, so that the same words drive both and write down what they hold. */
#ifndef BACKPROP_TESTS_ACTOR_H
#define BACKPROP_TESTS_ACTOR_H

#include "model.h"
#include "transcript.h"

/** One of the two is null. */
typedef struct actor {
    model *m;
    bp_network *n;
} actor;

bp_status actor_train(actor a, const bp_batch *batch, float learning_rate, float *loss);
bp_status actor_backward(actor a, const bp_batch *batch, const bp_backward_options *options);
bp_status actor_accumulate(actor a, const bp_batch *batch, size_t total_rows, float *loss);
bp_status actor_update(actor a, float learning_rate);
bp_status actor_swap(actor a);
void actor_freeze(actor a, size_t layer, bool frozen);

/** One array of a layer, or of its state. */
void actor_set_array(actor a, size_t layer, model_array array, const float *values);
void actor_set_state(actor a, size_t state, size_t layer, model_array array, const float *values);

/** Writes down parameters, state, gradients, norm, counters; `shape` says what there is. */
void actor_record(transcript *t, actor a, const model *shape);

#endif
