/*
 * Updates of a network's weights beyond a plain step: gradients accumulated over micro-batches, the state of the
 * optimizer, the moving average of the weights, frozen layers. optimizer.h defines what an update does.
 *
 * Denormal numbers are kept, as IEEE 754 has them, and cost time on some processors (kernels/README.md). What collects
 * them is an optimizer's state of weights that have no gradient any more, of an input that is always 0, say: it shrinks
 * by a factor each step, and rounding to nearest stops it not at 0, but at up to 500 * 2^-149 for a factor of 0.999;
 * weights under weight decay go the same way, more slowly. Where that matters, leave such inputs out, or set to 0 what
 * is below 2^-100, say, by the functions below and bp_network_set_parameters, every thousand steps: such a sweep is
 * then a part of the training, with the same bits everywhere, as long as its steps do not depend on the machine.
 *
 * A network's state is its parameters, the optimizer's state with the moving average, the numbers of steps and seed,
 * the gradients that are kept or accumulated, whether the average is swapped in, and which layers are frozen. What sets
 * a part of it does so whatever the network went through before; a call that fails leaves all of it as it was:
 *
 *                                 parameters  state    average      steps     seed    gradients  average   frozen
 *   bp_network_initialize(_with)  drawn       0        parameters   0         -       forgotten  put back  -
 *   bp_network_set_parameters,
 *   bp_network_set_normalization,
 *   bp_network_load               given       -        given, too   -         -       forgotten  put back  -
 *   bp_network_set_state,
 *   ..._set_normalization_state   -           given    given        -         -       forgotten  put back  -
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
 * Forward and back through a micro-batch; adds its gradient to those of the micro-batches since the last update, for
 * bp_network_update. The weights stay as they are. Of networks made with `gradients`.
 *
 * `total_rows`: rows of the whole batch, whose mean the loss is: deltas carry the factor 1 / total_rows. *loss (if not
 * null) is the micro-batch's share of the batch's loss, bp_sum of its rows' losses times 1 / total_rows.
 *
 * If each micro-batch but the last has a whole number of row blocks (BP_ROW_BLOCK), the updated weights have the same
 * bits as by a step of bp_network_train_step on the whole batch. Otherwise the blocks begin anew with each.
 *
 * BP_ERROR_VALUE: a network made without `gradients`, the average swapped in, weights of rows in a weighted mean;
 * BP_ERROR_SIZE: total_rows of 0; else as bp_network_train_step. On error nothing is changed.
 */
BP_API bp_status bp_network_accumulate(bp_network *network, const bp_batch *batch, size_t total_rows, float *loss);

/**
 * A step of the optimizer by the accumulated gradients, which are then used up.
 * BP_ERROR_NULL; BP_ERROR_VALUE: nothing was accumulated, a rate that is not finite, the average swapped in.
 */
BP_API bp_status bp_network_update(bp_network *network, float learning_rate);

/** Forgets accumulated gradients. BP_ERROR_NULL. */
BP_API bp_status bp_network_discard(bp_network *network);

/** Norm of the gradient in the last step of a network that clips it (see clip_norm); 0 before it, and for others. */
BP_API float bp_network_gradient_norm(const bp_network *network);

/** The optimizer of a network, with all its numbers filled in. BP_ERROR_NULL. */
BP_API bp_status bp_network_get_optimizer(const bp_network *network, bp_optimizer *optimizer);

/**
 * Sets the momentum of the steps to come: `momentum` of momentum and Nesterov, beta1 of Adam and AdamW, for a schedule
 * of it (bp_schedule_momentum). Nothing else changes. BP_ERROR_NULL, BP_ERROR_VALUE (another optimizer; not above 0 and
 * below 1).
 */
BP_API bp_status bp_network_set_momentum(bp_network *network, float momentum);

/** Arrays of state that a network keeps for each parameter, the moving average included; 0 for null. */
BP_API size_t bp_network_states(const bp_network *network);

/** What array `state` holds: as bp_optimizer_state_name, or "average", which is the last; null if there is none. */
BP_API const char *bp_network_state_name(const bp_network *network, size_t state);

/**
 * Copies array `state` of layer `index` out of a network (get) or into it (set), as bp_network_get_parameters does;
 * BP_ERROR_VALUE also where there is no such array. (bp_network_set_parameters sets the average to the parameters: a
 * checkpoint's average is set after them.)
 */
BP_API bp_status bp_network_get_state(const bp_network *network, size_t state, size_t index, float *weights,
                                      size_t weight_stride, float *biases);
BP_API bp_status bp_network_set_state(bp_network *network, size_t state, size_t index, const float *weights,
                                      size_t weight_stride, const float *biases);

/** The same for gains and shifts of a normalized layer, as bp_network_get_normalization. */
BP_API bp_status bp_network_get_normalization_state(const bp_network *network, size_t state, size_t index, float *gamma,
                                                    float *beta);
BP_API bp_status bp_network_set_normalization_state(bp_network *network, size_t state, size_t index, const float *gamma,
                                                    const float *beta);

/**
 * Exchanges all parameters with their moving averages, so that forward passes, losses and hashes are those of the
 * average; a second call puts them back. While the average is in, updates are refused;
 * gradients that were accumulated before stay, for an update after the second call.
 * BP_ERROR_NULL, BP_ERROR_VALUE (no average is kept).
 */
BP_API bp_status bp_network_swap_ema(bp_network *network);

/** Whether the average is swapped in; false for null. */
BP_API bool bp_network_ema_swapped(const bp_network *network);

/**
 * Freezes a layer or lets it go: steps leave a frozen layer's parameters, state and average alone. The gradients of
 * other layers are as ever; a global norm is that of these alone. Where gradients are kept, a frozen layer's are +0;
 * micro-batches add nothing to them. Deltas below the lowest layer that is not frozen are not computed. While any layer
 * is frozen, small networks train in the general way, which takes longer.
 * BP_ERROR_NULL, BP_ERROR_VALUE (no such layer).
 */
BP_API bp_status bp_network_freeze(bp_network *network, size_t index, bool frozen);

BP_END_DECLS

#endif
