/*
 * Copies of networks, whole and in parts.
 *
 * | function                    | parameters | optimizer state | EMA        | steps  | seed   | frozen layers |
 * |-----------------------------|------------|-----------------|------------|--------|--------|---------------|
 * | bp_network_clone            | copied     | copied          | copied     | copied | copied | copied        |
 * | bp_network_clone_parameters | copied     | 0               | parameters | 0      | copied | none          |
 * | bp_network_copy_parameters  | copied     | -               | parameters | -      | -      | -             |
 * | bp_network_copy_state       | copied     | copied          | copied     | copied | copied | -             |
 * | bp_network_soft_update      | blended    | -               | parameters | -      | -      | -             |
 *
 * "-" means unchanged; "parameters" means that the EMA is set to the new parameters. The table in update.h shows the
 * effect on the target's gradients and on an EMA that is swapped in.
 *
 * A source whose EMA is swapped in gives:
 *
 * | function              | what is copied                                                  |
 * |-----------------------|-----------------------------------------------------------------|
 * | bp_network_clone      | everything as it is: the clone has its EMA swapped in, too      |
 * | bp_network_copy_state | the parameters and the EMA, each as after they are swapped back |
 * | the others            | what the source's forward passes use: the EMA, as parameters    |
 *
 * A source is only read. Several threads may copy from one network at the same time, and evaluate it
 * (bp_network_infer). Source and target may use different instruction sets.
 */
#ifndef BACKPROP_COPY_H
#define BACKPROP_COPY_H

#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * Makes a complete copy of a network. Its next steps are the same as the source's, with the same bits. Stored and
 * accumulated gradients are copied, too. The clone has the source's instruction set, number of threads and allocator.
 * It shares a pool that was supplied to the source; if the source has a private pool, the clone makes its own.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_MEMORY, BP_ERROR_THREADS. On error *clone is set to null and nothing is left
 * allocated.
 */
BP_API bp_status bp_network_clone(const bp_network *source, bp_network **clone);

/**
 * Makes a network with the source's configuration and parameters, as before its first step, such as the target network
 * of a DQN. It has no steps, no gradients and no frozen layers. The optimizer's state is 0, and the EMA equals the
 * parameters. The rest is as in bp_network_clone.
 *
 * Errors: those of bp_network_clone.
 */
BP_API bp_status bp_network_clone_parameters(const bp_network *source, bp_network **clone);

/**
 * Copies the source's parameters to the target: weights, biases, gamma and beta of all layers, including frozen layers.
 * Number of layers, sizes and normalization must be the same. Losses, activations, optimizers and dropout may differ.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_OVERLAP if target and source are the same network; BP_ERROR_MISMATCH, with a message
 * that names the layer and what differs. On error nothing is changed.
 */
BP_API bp_status bp_network_copy_parameters(bp_network *target, const bp_network *source);

/**
 * Copies the source's parameters, optimizer state, EMA, number of steps and seed to the target, like bp_checkpoint_save
 * and bp_checkpoint_load but without a file. The kind of optimizer must be the same, too, and either both networks or
 * neither must have an EMA. The numbers of the target's optimizer do not change.
 *
 * Errors: those of bp_network_copy_parameters.
 */
BP_API bp_status bp_network_copy_state(bp_network *target, const bp_network *source);

/**
 * Moves the target's parameters toward the source's. For each parameter t of the target and s of the source:
 *
 *   t = fma(tau, s, rest * t),  rest = 1 - tau
 *
 * 1 - tau and the product are rounded to binary32. With a small tau, the target is a moving average of the source. Uses
 * are the target networks of DDPG, TD3 and SAC (T. Lillicrap et al., "Continuous control with deep reinforcement
 * learning", 2015) and teacher networks.
 *
 * The operations are those of the formula for every tau. So an infinite or NaN t or s gives NaN or infinity even if its
 * factor is 0; to copy, use bp_network_copy_parameters. The networks must match as for bp_network_copy_parameters.
 *
 * Errors: BP_ERROR_VALUE if tau is not from 0 to 1; those of bp_network_copy_parameters.
 */
BP_API bp_status bp_network_soft_update(bp_network *target, const bp_network *source, float tau);

BP_END_DECLS

#endif
