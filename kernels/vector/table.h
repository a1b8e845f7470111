/* The table of one vector instruction set; BP_TABLE names it and BP_TABLE_ISA says which set it is. */
#ifndef BP_VECTOR_TABLE_H
#define BP_VECTOR_TABLE_H

#include "tables.h"
#include "vector/dense.h"
#include "vector/loss.h"

const bp_kernels BP_TABLE = {
    .isa = BP_TABLE_ISA,
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
};

#endif
