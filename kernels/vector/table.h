/* The level of one vector instruction set; BP_LEVEL names it and BP_LEVEL_ISA says which set it is. */
#ifndef BP_VECTOR_TABLE_H
#define BP_VECTOR_TABLE_H

#include "schedule.h"
#include "tables.h"
#include "vector/dropout.h"
#include "vector/layer_norm.h"
#include "vector/loss.h"
#include "vector/loss_kinds.h"
#include "vector/panels.h"
#include "vector/small.h"

/* A level may run the smallest networks on narrower vectors than its own, by the function that it names. */
#ifdef NARROW_SMALL_STEP
void NARROW_SMALL_STEP(const bp_small_step *step);
#else
#define NARROW_SMALL_STEP NULL
#define NARROW_SMALL 0
#endif

static float cosine_of(float x) {
    float lane[VEC_LANES];
    vec_store(lane, vec_cos(vec_set1(x)));
    return lane[0];
}

static float schedule_rate(const bp_schedule *schedule, uint64_t step) {
    return rate_of_step(schedule, step, cosine_of);
}

const bp_level BP_LEVEL = {
    .kernels =
        {
            .isa = BP_LEVEL_ISA,
            .tile_rows = TILE_ROWS,
            .tile_columns = TILE_COLUMNS,
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
            .schedule_rate = schedule_rate,
            .activation_delta = activation_delta,
        },
    .panel = TILE_COLUMNS,
    .in_place = IN_PLACE,
    .pack = panels_pack,
    .unpack = panels_unpack,
    .forward = panels_forward,
    .delta = panels_delta,
    .update = panels_update,
    .add_blocks = add_blocks,
    .forward_row = row_forward_all,
    .backward_row = row_backward_all,
    .apply = apply,
    .squares = squares,
    .small_step = small_step,
    .narrow = NARROW_SMALL,
    .narrow_small_step = NARROW_SMALL_STEP,
    .activate = panels_activate,
    .dropout = panels_dropout,
    .normalize = panels_normalize,
    .normalize_delta = panels_normalize_delta,
    .normalize_update = panels_normalize_update,
};

#endif
