/*
 * A network as the public headers describe it, and nothing else: row-major arrays, the whole batch at once, the oracles
 * of bp_kernels_for(BP_ISA_SCALAR) one after the other. No panels, slices, threads or shortcuts, and no code of
 * kernels/network. Each function stands for the function bp_network_<name> and returns its status.
 */
#ifndef BACKPROP_TESTS_MODEL_H
#define BACKPROP_TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/backprop.h>

enum { MODEL_LAYERS_MAX = 4, MODEL_STATES_MAX = BP_OPTIMIZER_STATES + 1 };

/** The arrays of a layer, as bp_tensor_part has them. */
typedef enum model_array { MODEL_WEIGHTS, MODEL_BIASES, MODEL_GAINS, MODEL_SHIFTS, MODEL_ARRAYS } model_array;

typedef struct model_layer {
    size_t in, out;
    bp_activation activation;
    float dropout;
    bool normalized, frozen;
    size_t count[MODEL_ARRAYS]; /* elements; 0 where the layer has no such array */
    float *values[MODEL_ARRAYS], *gradient[MODEL_ARRAYS], *state[MODEL_STATES_MAX][MODEL_ARRAYS];
} model_layer;

/** What the gradients are. */
typedef enum model_gradient { MODEL_NONE, MODEL_KEPT, MODEL_ACCUMULATED } model_gradient;

typedef struct model {
    size_t layers, max_batch_size;
    model_layer layer[MODEL_LAYERS_MAX];
    bp_loss_kind loss;
    bp_loss_options options;
    bp_optimizer optimizer;
    size_t states; /* arrays of state, the average included, which is the last */
    bool gradients;
    uint64_t seed, steps;
    model_gradient held;
    size_t held_rows; /* of the micro-batches so far */
    bool ema_swapped; /* the average is swapped in */
    float norm;
} model;

model model_create(const bp_network_config *config);
void model_destroy(model *m);

/** As after creation, with the initial weights of a seed. */
void model_initialize(model *m, uint64_t seed);

/** As after bp_checkpoint_load of what the model, its average put back, would save. */
void model_reload(model *m);

bp_status model_forward(const model *m, const bp_batch *batch, float *outputs);
bp_status model_loss(const model *m, const bp_batch *batch, float *loss);
bp_status model_train_step(model *m, const bp_batch *batch, float learning_rate, float *loss);
bp_status model_backward(model *m, const bp_batch *batch, const bp_backward_options *options);
bp_status model_accumulate(model *m, const bp_batch *batch, size_t total_rows, float *loss);
bp_status model_update(model *m, float learning_rate);
bp_status model_discard(model *m);
bp_status model_swap_average(model *m);

/** bp_network_tensor_write of a parameter. */
void model_set(model *m, size_t layer, model_array array, const float *values);

/** The same of a state or an average. */
void model_set_state(model *m, size_t state, size_t layer, model_array array, const float *values);

void model_set_steps(model *m, uint64_t seed, uint64_t steps);

#endif
