/* FANN, by its own training of one epoch, a batch being the data set. It has neither ReLU nor softmax, and
 * one thread.
 */
#include <fann.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

typedef struct trainer {
    struct fann *net;
    struct fann_train_data data; /* rows of the batch in turn */
} trainer;

static const char *version(void) {
    return "2.2"; /* neither header nor library tells it */
}

static const char *refusal(const peer_net *net, size_t threads) {
    const double flop_max = 1e8;
    double flop = 0;
    for (size_t l = 0; l < net->layers; l++)
        flop += 6.0 * (double)net->batch * (double)net->sizes[l] * (double)net->sizes[l + 1];
    if (threads > 1)
        return "it has one thread";
    if (net->optimizer.kind != BP_OPTIMIZER_SGD)
        return "it has no Adam";
    if (net->loss != BP_LOSS_MSE)
        return "it has no softmax";
    if (net->hidden.kind == BP_ACTIVATION_RELU || net->hidden.kind == BP_ACTIVATION_LEAKY_RELU)
        return "it has no ReLU";
    if (net->hidden.kind == BP_ACTIVATION_SIGMOID)
        return "it clips the sigmoid's derivative, and so trains otherwise";
    return flop > flop_max ? "it would take too long" : NULL;
}

/* Calls `copy` for the weights of each layer: FANN has those of a neuron together, its bias last. */
static void each_weight(trainer *t, const peer_layer *layers, void (*copy)(float *packed, float *own)) {
    float *own = t->net->weights;
    const size_t count = fann_get_num_layers(t->net);
    unsigned *sizes = malloc(count * sizeof *sizes);
    if (!sizes)
        abort();
    fann_get_layer_array(t->net, sizes);
    for (size_t l = 0; l + 1 < count; l++)
        for (size_t j = 0; j < sizes[l + 1]; j++) {
            for (size_t i = 0; i < sizes[l]; i++)
                copy(&layers[l].weights[i * sizes[l + 1] + j], own++);
            copy(&layers[l].biases[j], own++);
        }
    free(sizes);
}

static void into_fann(float *packed, float *own) {
    *own = *packed;
}

static void out_of_fann(float *packed, float *own) {
    *packed = *own;
}

static void destroy(void *handle) {
    trainer *t = handle;
    if (t->net)
        fann_destroy(t->net);
    free(t->data.input);
    free(t->data.output);
    free(t);
}

static void set_activation(struct fann *net, bp_activation_kind kind) {
    /* Its symmetric sigmoid is 2 / (1 + exp(-2 steepness z)) - 1: the tanh. */
    fann_set_activation_function_hidden(net, kind == BP_ACTIVATION_TANH ? FANN_SIGMOID_SYMMETRIC : FANN_LINEAR);
    fann_set_activation_steepness_hidden(net, 1);
    fann_set_activation_function_output(net, FANN_LINEAR);
    fann_set_activation_steepness_output(net, 1);
}

static void *create(const peer_net *net, const peer_layer *initial, size_t threads) {
    (void)threads;
    trainer *t = calloc(1, sizeof *t);
    unsigned *sizes = calloc(net->layers + 1, sizeof *sizes);
    if (!t || !sizes) {
        free(t);
        free(sizes);
        return NULL;
    }
    for (size_t l = 0; l <= net->layers; l++)
        sizes[l] = (unsigned)net->sizes[l];
    t->net = fann_create_standard_array((unsigned)net->layers + 1, sizes);
    t->data.num_data = (unsigned)net->batch;
    t->data.num_input = sizes[0];
    t->data.num_output = sizes[net->layers];
    t->data.input = calloc(net->batch, sizeof *t->data.input);
    t->data.output = calloc(net->batch, sizeof *t->data.output);
    free(sizes);
    if (!t->net || !t->data.input || !t->data.output) {
        destroy(t);
        return NULL;
    }
    fann_set_training_algorithm(t->net, FANN_TRAIN_BATCH);
    fann_set_train_error_function(t->net, FANN_ERRORFUNC_LINEAR);
    set_activation(t->net, net->hidden.kind);
    each_weight(t, initial, into_fann);
    return t;
}

static void step(void *handle, const peer_batch *batch, float rate) {
    trainer *t = handle;
    for (size_t n = 0; n < t->data.num_data; n++) { /* only read, but its interface has no const */
        t->data.input[n] = (float *)(uintptr_t)(batch->inputs + n * t->data.num_input);
        t->data.output[n] = (float *)(uintptr_t)(batch->targets + n * t->data.num_output);
    }
    fann_set_learning_rate(t->net, rate);
    fann_train_epoch(t->net, &t->data);
}

static void parameters(void *handle, const peer_layer *layers) {
    each_weight(handle, layers, out_of_fann);
}

static const peer fann = {"fann", PEER_AS_USED, version, refusal, create, step, parameters, destroy};

const peer *const peer_list[] = {&fann, NULL};
