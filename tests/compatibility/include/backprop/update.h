/*
 * Updates of a network's weights beyond a plain step: gradients accumulated over micro-batches, the state of the
 * optimizer, the moving average of the weights, frozen layers. optimizer.h defines what an update does.
 *
 * Denormal numbers are exact, as in IEEE 754, and slow on some processors (docs/tuning.md). They collect in the
 * optimizer state of weights that have no gradient any more, for example those of an input that is always 0: the state
 * shrinks by a factor in each step, and with rounding to nearest it stalls near 500 * 2^-149 for a factor of 0.999 and
 * never reaches 0. Weights under weight decay do the same, more slowly. If that matters, remove such inputs, or set
 * numbers below 2^-100 to 0 every thousand steps (bp_network_tensor_read and _write). Such a sweep is then a part of
 * the training, with the same bits everywhere, as long as its steps do not depend on the machine.
 *
 * A network's state is its parameters, the optimizer's state with the moving average, the numbers of steps and seed,
 * the gradients that are kept or accumulated, whether the average is swapped in, and which layers are frozen. What sets
 * a part of it does so whatever the network went through before; a call that fails leaves all of it as it was:
 *
 *                                 parameters  state    average      steps     seed    gradients  average   frozen
 *   bp_network_initialize(_with)  drawn       0        parameters   0         -       forgotten  put back  -
 *   bp_network_tensor_write of
 *     a parameter                 given       -        given, too   -         -       forgotten  put back  -
 *     a state                     -           given    -            -         -       forgotten  put back  -
 *     an EMA                      -           -        given        -         -       forgotten  put back  -
 *     a gradient                  -           -        -            -         -       given      -         -
 *   bp_network_load               given       -        given, too   -         -       forgotten  put back  -
 *   bp_network_set_steps          -           -        -            given     given   forgotten  put back  -
 *   bp_checkpoint_load            the file's  file's   the file's   file's    file's  forgotten  put back  -
 *   bp_network_copy_parameters    its         -        parameters   -         -       forgotten  put back  -
 *   bp_network_copy_state         its         its      its          its       its     forgotten  put back  -
 *   bp_network_soft_update        blended     -        parameters   -         -       forgotten  put back  -
 *   bp_network_clone, the clone   its         its      its          its       its     its        its       its
 *   bp_network_clone_parameters   its         0        parameters   0         its     none       none      none
 *   bp_network_fit, restore_best     all that its steps have changed: as after the best epoch       as then   -
 *   bp_network_swap_ema       exchanged   -        exchanged    -         -       -          swapped   -
 *   bp_network_freeze             -           -        -            -         -       -          -         given
 *
 * "-" is left as it is; "its": as the source has it (copy.h says what a source whose average is swapped in gives); "put
 * back": an average that is swapped in is exchanged with the parameters first. So after bp_checkpoint_load a network is
 * what the file says, and what is frozen there is up to the caller, like the optimizer.
 * bp_network_gradient_norm is 0 after those that set the steps.
 */
#ifndef BACKPROP_UPDATE_H
#define BACKPROP_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * Forward and backward pass of a micro-batch. Its gradient is added to the gradients of the micro-batches since the
 * last update, for bp_network_update. The weights do not change. The network needs config.gradients.
 *
 * `total_rows` is the number of rows of the whole batch: deltas have the factor 1 / total_rows. *loss, if not null, is
 * the micro-batch's part of the batch's loss: bp_sum of its rows' losses times 1 / total_rows.
 *
 * The updated weights have the same bits as those of one bp_network_train_step on the whole batch if every micro-batch
 * except the last has a multiple of BP_ROW_BLOCK rows. Otherwise each micro-batch starts new row blocks.
 *
 * Errors: those of bp_network_train_step; BP_ERROR_VALUE for a network without config.gradients, while the EMA is
 * swapped in, and for row weights with a weighted mean; BP_ERROR_SIZE if total_rows is 0. On error nothing is changed.
 */
BP_API bp_status bp_network_accumulate(bp_network *network, const bp_batch *batch, size_t total_rows, float *loss);

/**
 * A step of the optimizer by the gradient that is accumulated or that bp_network_backward has stored, which is then
 * used up. In between it may be changed: bp_network_tensor_write.
 *
 * What bp_network_backward stores counts as a step there, and not once more here. So bp_network_backward with
 * BP_GRADIENT_MODE_STORE and this function are one bp_network_train_step, with the same bits.
 *
 * BP_ERROR_NULL; BP_ERROR_VALUE: there is no gradient, a rate that is not finite, the average swapped in, 2^48 - 1
 * steps taken. On error nothing is changed.
 */
BP_API bp_status bp_network_update(bp_network *network, float learning_rate);

/** Discards the stored or accumulated gradient. Errors: BP_ERROR_NULL. */
BP_API bp_status bp_network_discard(bp_network *network);

/** Norm of the last step's gradient, before clipping; 0 before the first step and without clip_norm. */
BP_API float bp_network_gradient_norm(const bp_network *network);

/**
 * The optimizer of a network, for a struct of struct_size bytes: bp_network_get_optimizer(network, &optimizer, sizeof
 * optimizer). Its struct_size is set. BP_ERROR_NULL, BP_ERROR_VALUE (struct_size is less than any version's).
 */
BP_API bp_status bp_network_get_optimizer(const bp_network *network, bp_optimizer *optimizer, size_t struct_size);

/**
 * Sets the momentum of later steps, for a momentum schedule (bp_schedule_momentum): `momentum` of momentum and
 * Nesterov, beta1 of Adam and AdamW. Nothing else changes.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for other optimizers, and for a momentum outside its range.
 */
BP_API bp_status bp_network_set_momentum(bp_network *network, float momentum);

/**
 * Exchanges all parameters with their exponential moving averages (EMA). Forward passes, losses and hashes are then
 * those of the EMA. A second call swaps them back. While the EMA is swapped in, updates are refused. Gradients that
 * were stored or accumulated before stay valid for an update after the second call.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for an optimizer with ema_decay 0.
 */
BP_API bp_status bp_network_swap_ema(bp_network *network);

/** Whether the EMA is swapped in; false for null. */
BP_API bool bp_network_ema_swapped(const bp_network *network);

/**
 * Freezes or unfreezes a layer. Steps do not change a frozen layer's parameters, optimizer state and EMA.
 *
 *   - The gradients of other layers do not change. clip_norm uses the norm of these alone.
 *   - Stored and accumulated gradients of a frozen layer are +0.
 *   - Deltas of the layers before the first layer that is not frozen are not computed.
 *   - While a layer is frozen, small networks train on the general path, which is slower.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for the index.
 */
BP_API bp_status bp_network_freeze(bp_network *network, size_t index, bool frozen);

BP_END_DECLS

#endif
