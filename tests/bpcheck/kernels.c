#include "kernels.h"

#include <assert.h>

#include "cases/cases.h"
#include "enum_counts.h"

/* ---- Cases of one form ------------------------------------------------------------------------------------------ */

static void dense_forward(test_table *table, test_side side, test_shape s, size_t number) {
    (void)number;
    case_dense_forward(table, side, s.rows, s.columns, s.depth);
}

static void dense_delta(test_table *table, test_side side, test_shape s, size_t number) {
    (void)number;
    case_dense_delta(table, side, s.rows, s.columns, s.depth);
}

static void dense_gradient(test_table *table, test_side side, test_shape s, size_t number) {
    (void)number;
    case_dense_gradient(table, side, s.rows, s.columns, s.depth);
}

static void dense_gradient_sgd(test_table *table, test_side side, test_shape s, size_t number) {
    (void)number;
    case_dense_gradient_sgd(table, side, s.rows, s.columns, s.depth);
}

static void dense_gradient_update(test_table *table, test_side side, test_shape s, size_t number) {
    (void)number;
    case_dense_gradient_update(table, side, s.rows, s.columns, s.depth);
}

static void activation(test_table *table, test_side side, test_shape s, size_t number, case_activation_role role) {
    case_activation(table, side, s.rows, s.columns, number, role, (bp_activation_kind)(number % ACTIVATION_COUNT));
}

static void activate(test_table *table, test_side side, test_shape s, size_t number) {
    activation(table, side, s, number, CASE_ACTIVATE);
}

static void activation_derivative(test_table *table, test_side side, test_shape s, size_t number) {
    activation(table, side, s, number, CASE_DERIVATIVE);
}

static void activation_delta(test_table *table, test_side side, test_shape s, size_t number) {
    activation(table, side, s, number, CASE_DELTA);
}

static void loss_mse(test_table *table, test_side side, test_shape s, size_t number) {
    case_loss_mse(table, side, s.rows, s.columns, number);
}

static void loss_softmax_cross_entropy(test_table *table, test_side side, test_shape s, size_t number) {
    case_loss_softmax_cross_entropy(table, side, s.rows, s.columns, number);
}

static void loss_targets(test_table *table, test_side side, test_shape s, size_t number) {
    case_loss_targets(table, side, s.rows, s.columns, number, case_target_losses[number % CASE_TARGET_LOSSES]);
}

static void loss_labels(test_table *table, test_side side, test_shape s, size_t number) {
    case_loss_labels(table, side, s.rows, s.columns, number, case_label_losses[number % CASE_LABEL_LOSSES]);
}

static void softmax(test_table *table, test_side side, test_shape s, size_t number) {
    case_softmax(table, side, s.rows, s.columns, number);
}

static void dropout(test_table *table, test_side side, test_shape s, size_t number) {
    case_dropout(table, side, s.rows, s.columns, number);
}

static void dropout_derivative(test_table *table, test_side side, test_shape s, size_t number) {
    case_dropout_derivative(table, side, s.rows, s.columns, number);
}

static void layer_norm_forward(test_table *table, test_side side, test_shape s, size_t number) {
    case_layer_norm_forward(table, side, s.rows, s.columns, number);
}

static void layer_norm_backward(test_table *table, test_side side, test_shape s, size_t number) {
    case_layer_norm_backward(table, side, s.rows, s.columns, number);
}

static void layer_norm_gradient(test_table *table, test_side side, test_shape s, size_t number) {
    case_layer_norm_gradient(table, side, s.rows, s.columns, number);
}

static void sum(test_table *table, test_side side, test_shape s, size_t number) {
    case_sum(table, side, s.rows * s.columns, number);
}

static void sgd(test_table *table, test_side side, test_shape s, size_t number) {
    case_sgd(table, side, s.rows * s.columns, number);
}

static void optimizer_step(test_table *table, test_side side, test_shape s, size_t number) {
    const bp_optimizer_kind kind = (bp_optimizer_kind)(number % OPTIMIZER_COUNT);
    case_optimizer_step(table, side, s.rows * s.columns, number, kind);
}

static void schedule_learning_rate(test_table *table, test_side side, test_shape s, size_t number) {
    case_schedule_rate(table, side, s.columns, number, (bp_schedule_kind)(number % SCHEDULE_COUNT));
}

static void network(test_table *table, test_side side, test_shape s, size_t number) {
    case_network(table, side, s.columns, number);
}

const kernel kernels[KERNELS] = {
    {"dense_forward", dense_forward, true, true},
    {"dense_delta", dense_delta, true, true},
    {"dense_gradient", dense_gradient, true, true},
    {"dense_gradient_sgd", dense_gradient_sgd, true, true},
    {"dense_gradient_update", dense_gradient_update, true, true},
    {"activate", activate, false, true},
    {"activation_derivative", activation_derivative, false, true},
    {"activation_delta", activation_delta, false, true},
    {"loss_mse", loss_mse, false, true},
    {"loss_softmax_cross_entropy", loss_softmax_cross_entropy, false, true},
    {"loss_targets", loss_targets, false, true},
    {"loss_labels", loss_labels, false, true},
    {"softmax", softmax, false, true},
    {"dropout", dropout, false, true},
    {"dropout_derivative", dropout_derivative, false, true},
    {"layer_norm_forward", layer_norm_forward, false, true},
    {"layer_norm_backward", layer_norm_backward, false, true},
    {"layer_norm_gradient", layer_norm_gradient, false, true},
    {"sum", sum, false, true},
    {"sgd", sgd, false, true},
    {"optimizer_step", optimizer_step, false, true},
    {"schedule_learning_rate", schedule_learning_rate, false, true},
    {"network", network, false, false},
};

static_assert(sizeof(bp_kernels) - offsetof(bp_kernels, dense_forward) == (KERNELS - 1) * sizeof(bp_sum_fn *),
              "every entry of the table is checked");

/* ---- Shapes ----------------------------------------------------------------------------------------------------- */

/* As many multiplications, or elements, as the scalar code does in a moment. */
enum { PRODUCT_MOST = 1 << 18, PLANE_MOST = 1 << 13 };

/* From 1 to `most`: half of all below the middle of the bits. */
static size_t draw_size(test_random *random, size_t most) {
    size_t bits = 0;
    while (most >> bits > 1)
        bits++;
    return 1 + test_random_below(random, most >> test_random_below(random, bits + 1));
}

static size_t up_to_two_tiles(test_random *random, size_t tile) {
    return 1 + test_random_below(random, 2 * (tile < 4 ? 4 : tile) + 1);
}

test_shape draw_shape(const kernel *k, const bp_kernels *table, test_random *random) {
    test_shape s = {draw_size(random, 64), draw_size(random, 1024), 1};
    if (!k->is_product) {
        while (s.rows * s.columns > PLANE_MOST)
            s.rows = draw_size(random, s.rows);
        return s;
    }
    if (test_random_below(random, 2) == 0)
        return (test_shape){up_to_two_tiles(random, table->tile_rows), up_to_two_tiles(random, table->tile_columns),
                            draw_size(random, 40)};
    s = (test_shape){draw_size(random, 600), draw_size(random, 600), draw_size(random, 1500)};
    while (s.rows * s.columns * s.depth > PRODUCT_MOST) {
        /* One of them again, so that some cases are long in any one direction. */
        size_t *const sizes[] = {&s.rows, &s.columns, &s.depth};
        size_t *again = sizes[test_random_below(random, 3)];
        *again = draw_size(random, *again);
    }
    return s;
}
