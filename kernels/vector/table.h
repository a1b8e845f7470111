/* The backend of one vector instruction set; BP_BACKEND names it and BP_BACKEND_ISA says which set it is. */
#ifndef BP_VECTOR_TABLE_H
#define BP_VECTOR_TABLE_H

#include "backend.h"
#include "vector/dropout.h"
#include "vector/layer_norm.h"
#include "vector/loss.h"
#include "vector/packed.h"
#include "vector/schedule.h"
#include "vector/small.h"

/* A backend may run the smallest networks on narrower vectors than its own, by a function that it names. */
#ifdef NARROW_SMALL_STEP
void NARROW_SMALL_STEP(const bp_small_step *step);
#else
#define NARROW_SMALL_STEP NULL
#endif

const bp_backend BP_BACKEND = {
    .kernels =
        {
            .isa = BP_BACKEND_ISA,
            .tile_rows = MR,
            .tile_columns = NR,
            .dense_forward = dense_forward,
            .dense_delta = dense_delta,
            .dense_gradient = dense_gradient,
            .dense_gradient_sgd = dense_gradient_sgd,
            .activate = activate,
            .activation_derivative = activation_derivative,
            .loss_mse = loss_mse,
            .loss_softmax_cross_entropy = loss_softmax_cross_entropy,
            .softmax = softmax,
            .sum = sum,
            .sgd = sgd,
            .dropout = dropout,
            .dropout_derivative = dropout_derivative,
            .layer_norm_forward = layer_norm_forward,
            .layer_norm_backward = layer_norm_backward,
            .layer_norm_gradient = layer_norm_gradient,
            .loss_targets = loss_targets,
            .loss_labels = loss_labels,
            .optimizer_step = optimizer_step,
            .dense_gradient_update = dense_gradient_update,
            .schedule_learning_rate = schedule_learning_rate,
            .activation_delta = activation_delta,
        },
    .panel_width = NR,
    .column_unit = NR % FLOATS_PER_LINE == 0 ? FLOATS_PER_LINE : NR,
    .in_place = IN_PLACE,
    .pack = pack_matrix,
    .unpack = packed_unpack,
    .forward = packed_forward,
    .delta = packed_delta,
    .multiply = packed_multiply,
    .gradient = packed_gradient,
    .backward = packed_backward,
    .bias_gradient = packed_bias_gradient,
    .add_blocks = add_blocks,
    .apply = apply,
    .squares = squares,
    .interpolate = interpolate,
    .small_step = small_step,
    .narrow = NARROW_SMALL,
    .narrow_small_step = NARROW_SMALL_STEP,
    .activate = packed_activate,
    .dropout = packed_dropout,
    .normalize = packed_normalize,
    .normalize_delta = packed_normalize_delta,
    .norm_gradient = packed_norm_gradient,
};

#endif
