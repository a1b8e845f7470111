/*
 * The backward pass in all its forms: deltas of the network's own loss or of the caller's, the gradient of the inputs,
 * gradients without an update.
 *
 * Losses of the caller's, as reinforcement learning has them, in one of two ways. With outputs of the whole batch
 * first: bp_network_forward, then deltas from them, then bp_network_backward with these. Or in one pass, by a function
 * that is called with outputs of some rows and gives their deltas.
 */
#ifndef BACKPROP_BACKWARD_H
#define BACKPROP_BACKWARD_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** What becomes of the gradient of the weights and biases. */
typedef enum bp_gradient_mode {
    BP_GRADIENT_MODE_UPDATE = 0, /* it updates them, as in bp_network_train_step */
    BP_GRADIENT_MODE_STORE, /* they stay, and it is there to be read (tensor.h). For networks made with `gradients` */
    BP_GRADIENT_MODE_SKIP,  /* it is not computed: for the gradient of the inputs alone */
} bp_gradient_mode;

/**
 * A loss of the caller's: for rows first .. first + rows - 1 of the batch, delta[n][j] = dL/da[n][j] of the outputs
 * a[n][j], n counted from 0, every element. L is the loss of the batch: a mean's factor 1 / rows is the caller's to
 * include. Strides are in elements.
 *
 * It is called on the thread of the caller of bp_network_backward, for all rows of the batch in ascending pieces, in
 * the floating-point mode of the library (round to nearest, denormals kept), which it must leave as it is. It may use
 * other networks, but not this one.
 */
typedef void bp_loss_callback(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride,
                              float *delta, size_t delta_stride);

/** Options of a backward pass. The defaults are a training step of the network's own loss. Made by
 *  bp_backward_options_defaults(). */
typedef struct bp_backward_options {
    size_t struct_size;        /* set by bp_backward_options_defaults */
    bp_gradient_mode gradient; /* default BP_GRADIENT_MODE_UPDATE */
    float learning_rate;       /* of an update; default 0.001 */

    /* Where deltas come from: the network's own loss if both are null. */
    const float *delta;  /* dL/da [rows x sizes[layers]] of the outputs a as bp_network_forward gives them */
    size_t delta_stride; /* elements between rows; 0: packed */
    bp_loss_callback *loss_callback; /* or a function that gives them */
    void *loss_context;              /* its own */

    float *input_gradient;        /* where dL/dx [rows x sizes[0]] is wanted, or null */
    size_t input_gradient_stride; /* elements between rows; 0: packed */
    float *loss;                  /* of the network's own loss, as in bp_network_train_step; or null */
} bp_backward_options;

/** Fills in the defaults of bp_backward_options_defaults() for a struct of `struct_size` bytes. Null: nothing is
 *  done. */
BP_API void bp_backward_options_init(bp_backward_options *options, size_t struct_size);

/** Options with the defaults above; what has no default is null or 0. */
static inline bp_backward_options bp_backward_options_defaults(void) {
    bp_backward_options bp_made;
    bp_backward_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/**
 * Runs a batch forward, and backward with all that `options` ask for. The forward pass is run anew, whatever was run
 * before; targets, labels and weights of the batch are used by the network's own loss alone.
 *
 *   deltas     of the output layer: given dL/da times f'(z), or those of the loss (loss.h); of the others as ever
 *   inputs     dL/dx[n][i] = s, s = +0, for j ascending: s = fma(delta[n][j], w[i][j], s), of the first layer, with the
 *              weights before the update
 *   gradients  the sums of bp_dense_gradient over the whole batch
 *
 * It is a training step, which drops outputs where layers have dropout, and counts as one in bp_network_steps
 * unless the gradient is skipped: the next step then drops the same. (The outputs of bp_network_forward are those
 * without dropout.)
 *
 * A stored gradient can be read and changed (tensor.h); bp_network_update then takes the step by it.
 *
 * Same bits as the kernels chained by hand. A batch that leads to BP_GRADIENT_MODE_UPDATE without an input gradient
 * takes as long as bp_network_train_step but for its loss.
 *
 * BP_ERROR_NULL (network, batch, options; with BP_GRADIENT_MODE_SKIP also input_gradient; else as
 * bp_network_train_step), BP_ERROR_VALUE (a struct_size that bp_backward_options_defaults did not set; an enumerator; a
 * learning rate of an update that is not finite; both delta and loss_callback; a loss wanted though deltas are the
 * caller's; BP_GRADIENT_MODE_STORE without `gradients`), BP_ERROR_OVERLAP (input_gradient with another array; an array
 * with the network's own memory), and the others of bp_network_train_step. On error nothing is changed.
 */
BP_API bp_status bp_network_backward(bp_network *network, const bp_batch *batch, const bp_backward_options *options);

BP_END_DECLS

#endif
