/*
 * Copies of networks, whole and in parts.
 *
 *                                 parameters  optimizer state  average     steps  seed  frozen layers
 *   bp_network_clone              copied      copied           copied      yes    yes   as the source
 *   bp_network_clone_parameters   copied      0                parameters  0      yes   none
 *   bp_network_copy_parameters    copied      -                parameters  -      -     -
 *   bp_network_copy_state         copied      copied           copied      yes    yes   -
 *   bp_network_soft_update        blended     -                parameters  -      -     -
 *
 * "-" is left as it is. The table in update.h says what becomes of the target's gradients, and of an average that is
 * swapped in.
 *
 * What is copied out of a source whose average is swapped in:
 *
 *   bp_network_clone         all as it is: the average is swapped in in the clone, too
 *   bp_network_copy_state    the parameters and the average, each as after they are swapped back
 *   the others               what forward passes of the source use: the average, as parameters
 *
 * A source is only read: several threads may copy from one network at the same time, and evaluate it
 * (bp_network_infer). Source and target may run on different instruction sets.
 */
#ifndef BACKPROP_COPY_H
#define BACKPROP_COPY_H

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * Makes a network that is in all respects as the source: it takes the same next steps, with the same bits. Gradients
 * that are stored or accumulated are copied, too. The clone has the source's instruction set, number of threads and
 * allocator. A pool that was given to the source is shared with it; a pool of the source's own is made anew.
 *
 * BP_ERROR_NULL, BP_ERROR_MEMORY, BP_ERROR_THREADS. On error *clone is set to null and nothing is left allocated.
 */
BP_API bp_status bp_network_clone(const bp_network *source, bp_network **clone);

/**
 * Makes a network of the source's configuration with the source's parameters, as before its first step: no steps, no
 * gradients, no frozen layers, the optimizer's state 0, the average equal to the parameters. The rest, and errors, as
 * bp_network_clone. (The target network of a DQN begins so.)
 */
BP_API bp_status bp_network_clone_parameters(const bp_network *source, bp_network **clone);

/**
 * Copies the source's parameters into the target: weights, biases, gammas and betas of all layers, frozen ones too.
 * Number of layers, their sizes and normalization must be the same. Losses, activations, optimizers and dropout may
 * differ.
 *
 * BP_ERROR_NULL, BP_ERROR_OVERLAP (target and source are one network), BP_ERROR_MISMATCH (the message names the layer
 * and what differs): then nothing is changed.
 */
BP_API bp_status bp_network_copy_parameters(bp_network *target, const bp_network *source);

/**
 * Copies the source's parameters, the optimizer's state, the average, the number of steps and the seed into the
 * target: what bp_checkpoint_save and bp_checkpoint_load do by a file. The kind of optimizer must be the same, too, and
 * both or neither must keep an average. The optimizer's numbers stay the target's. Errors as
 * bp_network_copy_parameters.
 */
BP_API bp_status bp_network_copy_state(bp_network *target, const bp_network *source);

/**
 * Moves the target's parameters toward the source's, for each parameter t of the target and s of the source:
 *
 *   t = fma(tau, s, rest * t),  rest = 1 - tau, rounded to binary32, as the product is
 *
 * (T. Lillicrap et al., "Continuous control with deep reinforcement learning", 2015: target networks of DDPG, TD3 and
 * SAC. With a small tau the target is a moving average of the source, as of a teacher network.) Operations are those
 * of the formula for every tau, so that an infinite or NaN t or s gives NaN or infinity even where its factor is 0; to
 * copy, use bp_network_copy_parameters. Networks must match as there.
 *
 * BP_ERROR_VALUE: tau is not from 0 to 1. Other errors as bp_network_copy_parameters.
 */
BP_API bp_status bp_network_soft_update(bp_network *target, const bp_network *source, float tau);

BP_END_DECLS

#endif
