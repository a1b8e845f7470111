/*
 * The scalar backend: the oracles, plain loops that define the bits of every other backend. It is also the fallback. On
 * x86-64 this file is compiled twice, for CPUs with and without FMA; BP_BACKEND names the backend.
 */
#include "backend.h"
#include "reference/activation.h"
#include "reference/dense.h"
#include "reference/dropout.h"
#include "reference/layer_norm.h"
#include "reference/loss.h"
#include "reference/packed.h"
#include "reference/schedule.h"

const bp_backend BP_BACKEND = {
    .kernels =
        {
            .isa = BP_ISA_SCALAR,
            .tile_rows = 1,
            .tile_columns = 1,
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
    .panel_width = WHOLE_ROWS,
    .column_unit = 1,
    .in_place = true,
    .pack = packed_pack,
    .unpack = packed_unpack,
    .forward = packed_forward,
    .delta = packed_delta,
    .multiply = packed_multiply,
    .gradient = packed_gradient,
    .backward = packed_backward,
    .bias_gradient = packed_bias_gradient,
    .add_blocks = add_blocks,
    .activate = packed_activate,
    .dropout = packed_dropout,
    .normalize = packed_normalize,
    .normalize_delta = packed_normalize_delta,
    .norm_gradient = packed_norm_gradient,
    .apply = apply,
    .squares = squares,
    .interpolate = interpolate,
};
