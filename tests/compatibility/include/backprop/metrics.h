/*
 * How good outputs are: classes and values against what they should be.
 *
 * Sums run in binary64, one after the other in the order given, so results have the same bits everywhere. Strides are
 * elements between rows, 0 stands for packed rows. Errors of all: BP_ERROR_NULL, BP_ERROR_SIZE (a zero, a stride below
 * its row), BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP, and BP_ERROR_LABEL for a class that is not below
 * `classes`; on error nothing is written.
 */
#ifndef BACKPROP_METRICS_H
#define BACKPROP_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * predicted[n] = the class of the largest of outputs[n][0 .. classes-1], of equal ones the first. A NaN is smaller than
 * every number.
 */
BP_API bp_status bp_classify(uint32_t *predicted, const float *outputs, size_t stride, size_t rows, size_t classes);

/** predicted[n] = outputs[n * stride] > threshold ? 1 : 0: two classes from one output, 0.5 for a sigmoid, 0 for a
 *  logit. BP_ERROR_VALUE for a threshold that is NaN. */
BP_API bp_status bp_classify_binary(uint32_t *predicted, const float *outputs, size_t stride, size_t rows,
                                    float threshold);

/** *accuracy = rows with predicted[n] == labels[n], divided by `rows`. */
BP_API bp_status bp_accuracy(const uint32_t *predicted, const uint32_t *labels, size_t rows, double *accuracy);

/**
 * *accuracy = rows whose label is one of the k classes with the largest outputs, divided by `rows`. Outputs are ordered
 * as by bp_classify, so k = 1 gives the same as bp_classify and bp_accuracy. BP_ERROR_VALUE for k = 0 or above
 * `classes`.
 */
BP_API bp_status bp_accuracy_top(const float *outputs, size_t stride, const uint32_t *labels, size_t rows,
                                 size_t classes, size_t k, double *accuracy);

/* ---- Confusion ------------------------------------------------------------------------------------------------ */

/** Counts rows: counts [classes x classes], packed, counts[labels[n] * classes + predicted[n]] += 1. It adds, so that a
 *  data set may come in batches: the caller zeroes the counts before the first. */
BP_API bp_status bp_confusion_add(uint64_t *counts, size_t classes, const uint32_t *predicted, const uint32_t *labels,
                                  size_t rows);

/** One class of a confusion matrix. A quotient of 0 and 0 is 0. */
typedef struct bp_class_report {
    uint64_t rows;      /* with this label: the sum of its row */
    uint64_t predicted; /* to be this class: the sum of its column */
    uint64_t right;     /* both */
    double precision;   /* right / predicted */
    double recall;      /* right / rows */
    double f1;          /* 2 * right / (rows + predicted) */
} bp_class_report;

/** Reads a class off the counts of bp_confusion_add. */
BP_API bp_status bp_confusion_report(const uint64_t *counts, size_t classes, size_t index, bp_class_report *report);

/* ---- Regression ----------------------------------------------------------------------------------------------- */

/**
 * Errors e = a[n][j] - y[n][j] of outputs against targets, all in binary64, j ascending and for each n ascending:
 *
 *   count = rows * columns;  squares = the sum of e * e;  mse = squares / count;  rmse = sqrt(mse)
 *   mae = (the sum of |e|) / count;  max_error = the largest |e|
 *   mean_j = (the sum over n of y[n][j]) / rows;  spread = the sum of (y[n][j] - mean_j)^2
 *   r2 = 1 - squares / spread; where spread is 0: 1 if squares is 0, else 0
 *
 * A NaN makes all of them NaN.
 */
typedef struct bp_regression_report {
    double mse, rmse, mae, max_error, r2;
} bp_regression_report;

BP_API bp_status bp_regression_metrics(const float *a, size_t a_stride, const float *y, size_t y_stride, size_t rows,
                                       size_t columns, bp_regression_report *report);

BP_END_DECLS

#endif
