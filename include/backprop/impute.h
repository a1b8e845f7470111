/*
 * Imputation: missing numbers, which are NaN, are replaced by one number for each column.
 *
 * Compute these numbers from the training rows only, so that no information from other rows leaks into the training.
 * Then fill in all rows:
 *
 *   bp_impute_fit(fill, x, 0, training.index, training.rows, columns, BP_IMPUTE_MEDIAN, 0.0f);
 *   bp_impute_apply(x, 0, x, 0, fill, rows, columns);
 *
 * The strategies have the names of scikit-learn's SimpleImputer (F. Pedregosa et al., "Scikit-learn: Machine Learning
 * in Python", JMLR 12, 2011).
 */
#ifndef BACKPROP_IMPUTE_H
#define BACKPROP_IMPUTE_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

typedef enum bp_impute_strategy {
    BP_IMPUTE_MEAN = 0,
    BP_IMPUTE_MEDIAN,
    BP_IMPUTE_MOST_FREQUENT, /* of equally frequent numbers, the smallest */
    BP_IMPUTE_CONSTANT,
} bp_impute_strategy;

/**
 * Computes fill[j] for each column of x [rows x columns]. If `index` is not null, only rows index[0] .. index[rows - 1]
 * count. `count` is the number of a column's numbers that are not NaN. Everything but the last rounding is binary64, n
 * ascending:
 *
 *   mean           s = +0; s = s + x[n][j];  fill = (float)(s / count)
 *   median         the middle number in ascending order; for an even count, (float)((a + b) / 2) of the middle two
 *   most frequent  the number that occurs most often; -0 and +0 are one number, +0
 *   constant       fill = constant, whatever the column contains; the other strategies ignore `constant`
 *
 * A column with only NaN gets 0, or the constant. stride: elements from one row to the next; 0: packed. Median and most
 * frequent allocate `rows` floats with malloc during the call.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP, BP_ERROR_MEMORY;
 * BP_ERROR_VALUE for the strategy, a constant that is not finite, and an infinite number in x. On error nothing is
 * written.
 */
BP_API bp_status bp_impute_fit(float *fill, const float *x, size_t stride, const uint32_t *index, size_t rows,
                               size_t columns, bp_impute_strategy strategy, float constant);

/**
 * y[n][j] = fill[j] if x[n][j] is NaN, otherwise x[n][j].
 *
 * `y` may be `x` itself with the same stride. Strides: elements from one row to the next; 0: packed.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP. On error nothing is
 * written.
 */
BP_API bp_status bp_impute_apply(float *y, size_t y_stride, const float *x, size_t x_stride, const float *fill,
                                 size_t rows, size_t columns);

BP_END_DECLS

#endif
