/*
 * The backward pass with options: the network's loss or a custom one, the gradient of the inputs, gradients without an
 * update.
 *
 * A custom loss, for example in reinforcement learning, has two forms:
 *
 * - With the outputs of the whole batch: call bp_network_forward, compute deltas from the outputs, then pass them to
 *   bp_network_backward.
 * - In one pass: give bp_network_backward a callback. It is called with the outputs of some rows and writes their
 *   deltas.
 */
#ifndef BACKPROP_BACKWARD_H
#define BACKPROP_BACKWARD_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Use of the gradient of the parameters. */
typedef enum bp_gradient_mode {
    BP_GRADIENT_MODE_UPDATE = 0, /* it updates the parameters, as in bp_network_train_step */
    BP_GRADIENT_MODE_STORE,      /* it is stored and can be read (tensor.h); the parameters do not change. The network
                                    needs config.gradients */
    BP_GRADIENT_MODE_SKIP,       /* it is not computed; for the gradient of the inputs alone */
} bp_gradient_mode;

/**
 * A custom loss L. For rows first .. first + rows - 1 of the batch, the callback writes delta[n][j] = dL/da[n][j],
 * where a[n][j] are the outputs and n counts from 0 at row `first`. All deltas are 0 before the call, so zeros need not
 * be written. L is the loss of the whole batch: for a mean, the callback includes the factor 1 / rows of the batch.
 * Strides are in elements.
 *
 * The callback runs on the thread that called bp_network_backward. It gets all rows of the batch in ascending pieces.
 * It runs in the library's floating-point mode (round to nearest, exact denormals), and must not change the mode. It
 * may use other networks, but not this one.
 */
typedef void bp_loss_callback(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride,
                              float *delta, size_t delta_stride);

/**
 * Options of a backward pass, made by bp_backward_options_defaults. The defaults are a training step with the network's
 * loss. Deltas of the outputs come from one source:
 *
 * | delta    | loss_callback | source of the deltas                                            |
 * |----------|---------------|-----------------------------------------------------------------|
 * | null     | null          | the network's loss                                              |
 * | set      | null          | delta: dL/da of the outputs a, as bp_network_forward gives them |
 * | null     | set           | the callback                                                    |
 */
typedef struct bp_backward_options {
    size_t struct_size;        /* sizeof(bp_backward_options), set by bp_backward_options_defaults */
    bp_gradient_mode gradient; /* default BP_GRADIENT_MODE_UPDATE */
    float learning_rate;       /* of an update; default 0.001 */

    const float *delta;              /* [rows x sizes[layers]], or null */
    size_t delta_stride;             /* elements from one row to the next; 0: packed */
    bp_loss_callback *loss_callback; /* or null */
    void *loss_context;              /* passed to loss_callback */

    float *input_gradient;        /* output: dL/dx [rows x sizes[0]], or null */
    size_t input_gradient_stride; /* elements from one row to the next; 0: packed */
    float *loss;                  /* output: the network's loss, as in bp_network_train_step, or null */
} bp_backward_options;

/** Sets the defaults in the first struct_size bytes of a struct. Does nothing for null. */
BP_API void bp_backward_options_init(bp_backward_options *options, size_t struct_size);

/** Options with the defaults above. Fields without a default are null or 0. */
static inline bp_backward_options bp_backward_options_defaults(void) {
    bp_backward_options bp_made;
    bp_backward_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/**
 * Runs a forward pass of a batch, then the backward pass with `options`. The forward pass always runs, whatever ran
 * before. Only the network's loss uses the batch's targets, labels and weights. Results are:
 *
 *   deltas     output layer: the given dL/da times f'(z), or those of the network's loss (loss.h); other layers: as in
 *              bp_network_train_step
 *   inputs     dL/dx[n][i] = s, where s = +0; for j ascending: s = fma(delta[n][j], w[i][j], s); delta and w are those
 *              of the first layer, w before the update
 *   gradients  the sums of bp_dense_gradient over the whole batch
 *
 * The call is a training step: dropout is on. (The outputs of bp_network_forward are without dropout.) It counts in
 * bp_network_steps, except with BP_GRADIENT_MODE_SKIP; the step after a skipped one has the same dropout masks.
 *
 * A stored gradient can be read and changed (tensor.h). bp_network_update then applies it.
 *
 * Results have the same bits as those of the single kernels called in sequence. With BP_GRADIENT_MODE_UPDATE and
 * without an input gradient, the call takes the time of bp_network_train_step, apart from the loss.
 *
 * | error            | cause                                                                                   |
 * |------------------|-----------------------------------------------------------------------------------------|
 * | BP_ERROR_NULL    | network, batch, options or inputs; the targets or labels that the network's loss needs  |
 * | BP_ERROR_NULL    | with BP_GRADIENT_MODE_SKIP: input_gradient                                              |
 * | BP_ERROR_VALUE   | a struct_size that bp_backward_options_defaults did not set; an enumerator              |
 * | BP_ERROR_VALUE   | with BP_GRADIENT_MODE_UPDATE: a learning rate that is not finite                        |
 * | BP_ERROR_VALUE   | with BP_GRADIENT_MODE_STORE: a network without config.gradients                         |
 * | BP_ERROR_VALUE   | both delta and loss_callback; loss together with either of them                         |
 * | BP_ERROR_OVERLAP | input_gradient overlaps another array; an array overlaps the network's memory           |
 * | others           | as in bp_network_train_step                                                             |
 *
 * On error nothing is changed.
 */
BP_API bp_status bp_network_backward(bp_network *network, const bp_batch *batch, const bp_backward_options *options);

BP_END_DECLS

#endif
