/*
 * One case of each kernel: draws operands, strides and all else from the case's key, calls the kernel on the oracle's
 * table and on the one under test, compares. Tests sweep over sizes with these; bpcheck draws sizes.
 */
#ifndef BACKPROP_TESTS_CASES_H
#define BACKPROP_TESTS_CASES_H

#include "enum_counts.h"
#include "harness/sweep.h"

/* ---- Products: see test_product for the order of sizes ---------------------------------------------------------- */

/** Sizes: batch, out, in. */
test_product case_dense_forward;
/** Sizes: batch, in, out. */
test_product case_dense_delta;
/** Sizes: in, out, batch. */
test_product case_dense_gradient, case_dense_gradient_sgd;
/** Sizes: in, out, batch. The optimizers take turns. */
test_product case_dense_gradient_update;

/* ---- Planes [rows x columns]; repetitions have data of their own ------------------------------------------------ */

typedef enum case_activation_role { CASE_ACTIVATE, CASE_DERIVATIVE, CASE_DELTA } case_activation_role;

/** activate, activation_derivative or activation_delta. */
void case_activation(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition,
                     case_activation_role role, bp_activation_kind kind);

test_plane case_loss_mse, case_loss_softmax_cross_entropy, case_softmax;

/** The losses that compare with targets, and those that compare with labels: together all there are. */
enum { CASE_TARGET_LOSSES = 7, CASE_LABEL_LOSSES = LOSS_COUNT - CASE_TARGET_LOSSES };
extern const bp_loss_kind case_target_losses[CASE_TARGET_LOSSES], case_label_losses[CASE_LABEL_LOSSES];

/** One of the losses with targets, one of those with labels. */
void case_loss_targets(test_table *table, test_side side, size_t batch, size_t out, size_t repetition,
                       bp_loss_kind loss);
void case_loss_labels(test_table *table, test_side side, size_t batch, size_t classes, size_t repetition,
                      bp_loss_kind loss);

test_plane case_dropout, case_dropout_derivative;
test_plane case_layer_norm_forward, case_layer_norm_backward, case_layer_norm_gradient;

/* ---- Vectors ---------------------------------------------------------------------------------------------------- */

void case_sum(test_table *table, test_side side, size_t count, size_t repetition);
void case_sgd(test_table *table, test_side side, size_t count, size_t repetition);
void case_optimizer_step(test_table *table, test_side side, size_t count, size_t repetition, bp_optimizer_kind kind);

/** The rates of a schedule for `count` steps. */
void case_schedule_rate(test_table *table, test_side side, size_t count, size_t repetition, bp_schedule_kind kind);

/* ---- Networks --------------------------------------------------------------------------------------------------- */

/** Some training steps of a random network, with a batch of `rows` rows, in up to four workers. */
void case_network(test_table *table, test_side side, size_t rows, size_t repetition);

#endif
