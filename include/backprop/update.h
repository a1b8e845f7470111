/*
 * Updates of a network beyond a training step: gradients accumulated over micro-batches, the optimizer's settings, the
 * exponential moving average (EMA) of the weights, frozen layers. optimizer.h defines the update of each optimizer.
 *
 * Denormal numbers are exact, as in IEEE 754, and slow on some processors (docs/tuning.md). They collect in the
 * optimizer state of weights that no longer have a gradient, for example those of an input that is always 0. The state
 * shrinks by a factor in each step. With rounding to nearest it stalls near 500 * 2^-149 for a factor of 0.999, and
 * never reaches 0. Weights under weight decay do the same, more slowly. If that matters, remove such inputs, or set
 * numbers below 2^-100 to 0 every thousand steps (bp_network_tensor_read and bp_network_tensor_write). Such a sweep is
 * part of the training. It has the same bits everywhere if the steps at which it runs do not depend on the machine.
 *
 * The table shows the state of a network, and what each call sets, whatever the state was before. A call that fails
 * changes nothing. "Write" is bp_network_tensor_write, which sets one tensor only. The rows of bp_network_clone and
 * bp_network_clone_parameters describe the clone.
 *
 * | call                         | weights | state  | EMA     | steps  | seed   | gradients | swap    | frozen |
 * |------------------------------|---------|--------|---------|--------|--------|-----------|---------|--------|
 * | bp_network_initialize(_with) | drawn   | 0      | weights | 0      | -      | none      | off     | -      |
 * | write of a parameter         | given   | -      | given   | -      | -      | none      | off     | -      |
 * | write of a state             | -       | given  | -       | -      | -      | none      | off     | -      |
 * | write of an EMA              | -       | -      | given   | -      | -      | none      | off     | -      |
 * | write of a gradient          | -       | -      | -       | -      | -      | given     | -       | -      |
 * | bp_network_load              | given   | -      | weights | -      | -      | none      | off     | -      |
 * | bp_network_set_steps         | -       | -      | -       | given  | given  | none      | off     | -      |
 * | bp_checkpoint_load           | file    | file   | file    | file   | file   | none      | off     | -      |
 * | bp_network_copy_parameters   | source  | -      | weights | -      | -      | none      | off     | -      |
 * | bp_network_copy_state        | source  | source | source  | source | source | none      | off     | -      |
 * | bp_network_soft_update       | blended | -      | weights | -      | -      | none      | off     | -      |
 * | bp_network_clone             | source  | source | source  | source | source | source    | source  | source |
 * | bp_network_clone_parameters  | source  | 0      | weights | 0      | source | none      | no      | none   |
 * | bp_network_fit, restore_best | best    | best   | best    | best   | -      | none      | best    | -      |
 * | bp_network_swap_ema          | swapped | -      | swapped | -      | -      | -         | toggled | -      |
 * | bp_network_freeze            | -       | -      | -       | -      | -      | -         | -       | given  |
 *
 * | column    | part of the state                               |
 * |-----------|-------------------------------------------------|
 * | weights   | all parameters: weights, biases, gamma and beta |
 * | state     | the optimizer's state, without the EMA          |
 * | steps     | the number of steps (bp_network_steps)          |
 * | seed      | bp_network_seed                                 |
 * | gradients | the stored or accumulated gradients             |
 * | swap      | whether the EMA is swapped in                   |
 * | frozen    | which layers are frozen                         |
 *
 * | value     | meaning                                                                          |
 * |-----------|----------------------------------------------------------------------------------|
 * | -         | unchanged                                                                        |
 * | weights   | equal to the new parameters                                                      |
 * | none      | discarded                                                                        |
 * | off       | an EMA that is swapped in is swapped back first                                  |
 * | source    | as in the source; copy.h defines what a source with a swapped-in EMA gives       |
 * | file      | as in the file                                                                   |
 * | best      | as after the best epoch                                                          |
 *
 * After bp_checkpoint_load the network's state is the file's, except for the frozen layers. These and the optimizer's
 * settings are up to the caller. A call that sets the steps also sets bp_network_gradient_norm to 0; but
 * bp_network_clone copies the norm, and bp_network_fit restores that of the best epoch.
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
 * One step of the optimizer with the stored or accumulated gradient, which is then discarded. You may change the
 * gradient before this call (bp_network_tensor_write).
 *
 * For a gradient that bp_network_backward stored, that call has counted the step, and this one does not. So
 * bp_network_backward with BP_GRADIENT_MODE_STORE, followed by this function, is one bp_network_train_step, with the
 * same bits.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE if there is no gradient, for a learning rate that is not finite, while the EMA
 * is swapped in, and after 2^48 - 1 steps. On error nothing is changed.
 */
BP_API bp_status bp_network_update(bp_network *network, float learning_rate);

/** Discards the stored or accumulated gradient. Errors: BP_ERROR_NULL. */
BP_API bp_status bp_network_discard(bp_network *network);

/** Norm of the last step's gradient, before clipping; 0 before the first step and without clip_norm. */
BP_API float bp_network_gradient_norm(const bp_network *network);

/**
 * Copies the network's optimizer settings to a struct of struct_size bytes, and sets its struct_size:
 *
 *   bp_network_get_optimizer(network, &optimizer, sizeof optimizer);
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for a struct_size below that of every version of bp_optimizer.
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
 * - The gradients of other layers do not change. clip_norm uses the norm of these alone.
 * - The gradient of a layer that is frozen while it is stored or accumulated is +0. Freeze and unfreeze layers before
 * the first micro-batch: a layer that changes between two of them has the gradient of some of them only.
 * - Deltas of the layers before the first layer that is not frozen are not computed.
 * - While a layer is frozen, small networks train on the general path, which is slower.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for the index.
 */
BP_API bp_status bp_network_freeze(bp_network *network, size_t index, bool frozen);

BP_END_DECLS

#endif
