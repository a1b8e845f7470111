/* The losses of include/backprop/loss.h by the textbook, in double precision. */
#ifndef BACKPROP_TESTS_LOSS_FORMULAS_H
#define BACKPROP_TESTS_LOSS_FORMULAS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/loss.h>

static inline bool formula_takes_labels(bp_loss_kind loss) {
    return loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || loss == BP_LOSS_MULTICLASS_HINGE;
}

static inline bool formula_is_softmax(bp_loss_kind loss) {
    return loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS ||
           loss == BP_LOSS_KULLBACK_LEIBLER;
}

/** One row, as the loss is told of it. */
typedef struct formula_row {
    bp_loss_kind loss;
    double parameter;
    size_t out;
    const float *targets; /* or */
    uint32_t label;
} formula_row;

/** What output j should be; a label stands for a distribution, smoothed. */
static inline double formula_target(const formula_row *r, size_t j) {
    if (!formula_takes_labels(r->loss))
        return (double)r->targets[j];
    return (j == r->label ? 1 - r->parameter : 0) + r->parameter / (double)r->out;
}

/** log of the sum of exp(a_j). */
static inline double formula_log_sum(const double *a, size_t out) {
    double largest = a[0], sum = 0;
    for (size_t j = 1; j < out; j++)
        largest = fmax(largest, a[j]);
    for (size_t j = 0; j < out; j++)
        sum += exp(a[j] - largest);
    return largest + log(sum);
}

static inline double formula_part(const formula_row *r, size_t j, const double *a, double log_sum) {
    const double y = formula_target(r, j), error = a[j] - y, t = r->parameter;
    switch (r->loss) {
    case BP_LOSS_MAE:
        return fabs(error);
    case BP_LOSS_HUBER:
        return fabs(error) <= t ? 0.5 * error * error : t * (fabs(error) - 0.5 * t);
    case BP_LOSS_BINARY_CROSS_ENTROPY:
        return -y * log(1 / (1 + exp(-a[j]))) - (1 - y) * log(1 / (1 + exp(a[j])));
    case BP_LOSS_HINGE:
        return fmax(0, 1 - y * a[j]);
    case BP_LOSS_SOFTMAX_CROSS_ENTROPY:
    case BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS:
        return -y * (a[j] - log_sum);
    case BP_LOSS_KULLBACK_LEIBLER:
        return y == 0 ? 0 : y * (log(y) - (a[j] - log_sum));
    case BP_LOSS_MULTICLASS_HINGE:
        return j == r->label ? 0 : fmax(0, 1 - (a[r->label] - a[j]));
    default:
        return 0.5 * error * error;
    }
}

/** The loss of a row whose outputs are a. */
static inline double formula_loss(const formula_row *r, const double *a) {
    const double log_sum = formula_log_sum(a, r->out);
    double sum = 0;
    for (size_t j = 0; j < r->out; j++)
        sum += formula_part(r, j, a, log_sum);
    return sum;
}

#endif
