/*
 * Metrics: predicted classes against labels, and outputs against targets.
 *
 * Sums run in binary64 in the order given, so results have the same bits everywhere. Strides are in elements between
 * rows; 0 means packed rows.
 *
 * Errors of all functions: BP_ERROR_NULL; BP_ERROR_SIZE for a size of 0 and a stride below its columns;
 * BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP; BP_ERROR_LABEL for a class that is not below `classes`. On
 * error nothing is written.
 */
#ifndef BACKPROP_METRICS_H
#define BACKPROP_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * predicted[n] = the class with the largest of outputs[n][0 .. classes-1]; of equal outputs, the first. A NaN is
 * smaller than every number.
 */
BP_API bp_status bp_classify(uint32_t *predicted, const float *outputs, size_t stride, size_t rows, size_t classes);

/**
 * Two classes from one output: predicted[n] = outputs[n * stride] > threshold ? 1 : 0. Use a threshold of 0.5 for a
 * sigmoid, and 0 for a logit. A stride of 0 means 1.
 *
 * Errors: BP_ERROR_VALUE if the threshold is NaN; those above.
 */
BP_API bp_status bp_classify_binary(uint32_t *predicted, const float *outputs, size_t stride, size_t rows,
                                    float threshold);

/** *accuracy = number of rows with predicted[n] == labels[n], divided by `rows`. */
BP_API bp_status bp_accuracy(double *accuracy, const uint32_t *predicted, const uint32_t *labels, size_t rows);

/**
 * *accuracy = number of rows whose label is among the k classes with the largest outputs, divided by `rows`.
 *
 * Outputs have the order of bp_classify, so k = 1 gives the same result as bp_classify and bp_accuracy.
 *
 * Errors: BP_ERROR_VALUE if k is 0 or above `classes`; those above.
 */
BP_API bp_status bp_accuracy_top(double *accuracy, const float *outputs, size_t stride, const uint32_t *labels,
                                 size_t rows, size_t classes, size_t k);

/* ---- Confusion ------------------------------------------------------------------------------------------------ */

/**
 * Counts rows: counts[labels[n] * classes + predicted[n]] += 1. `counts` is [classes x classes], packed.
 *
 * The function adds to the counts, so a data set may be counted in batches. Zero the counts before the first batch.
 */
BP_API bp_status bp_confusion_add(uint64_t *counts, const uint32_t *predicted, const uint32_t *labels, size_t rows,
                                  size_t classes);

/** One class of a confusion matrix. 0 / 0 counts as 0. */
typedef struct bp_class_report {
    uint64_t rows;      /* rows with this label: the sum of the matrix's row */
    uint64_t predicted; /* rows predicted as this class: the sum of the matrix's column */
    uint64_t right;     /* rows with this label that are predicted as this class */
    double precision;   /* right / predicted */
    double recall;      /* right / rows */
    double f1;          /* 2 * right / (rows + predicted) */
} bp_class_report;

/** Report of class `index` from the counts of bp_confusion_add. */
BP_API bp_status bp_confusion_report(bp_class_report *report, const uint64_t *counts, size_t classes, size_t index);

/* ---- Regression ----------------------------------------------------------------------------------------------- */

/**
 * Errors e = a[n][j] - y[n][j] of outputs against targets. Everything is binary64. Sums run column by column:
 * j ascending, and n ascending for each j:
 *
 *   count = rows * columns;  squares = the sum of e * e;  mse = squares / count;  rmse = sqrt(mse)
 *   mae = (the sum of |e|) / count;  max_error = the largest |e|
 *   mean_j = (the sum over n of y[n][j]) / rows;  spread = the sum of (y[n][j] - mean_j)^2
 *   r2 = 1 - squares / spread; if spread is 0: 1 if squares is 0, otherwise 0
 *
 * A NaN makes all of them NaN.
 */
typedef struct bp_regression_report {
    double mse, rmse, mae, max_error, r2;
} bp_regression_report;

/** The errors of `a` against `y`, both [rows x columns]. */
BP_API bp_status bp_regression_metrics(bp_regression_report *report, const float *a, size_t a_stride, const float *y,
                                       size_t y_stride, size_t rows, size_t columns);

BP_END_DECLS

#endif
