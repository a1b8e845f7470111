/*
 * Missing numbers, which are NaN, replaced by one number for each column.
 *
 * Find that number on the training rows alone, so that nothing of the others leaks into the training; then put it in
 * wherever a number is missing:
 *
 *   bp_impute_fit(fill, x, 0, training.index, training.rows, columns, BP_IMPUTE_MEDIAN, 0.0f);
 *   bp_impute_apply(x, 0, x, 0, fill, rows, columns);
 *
 * Strategies have the names of SimpleImputer in F. Pedregosa et al., "Scikit-learn: Machine Learning in Python", JMLR
 * 12, 2011.
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
    BP_IMPUTE_MOST_FREQUENT, /* of equally frequent numbers the smallest */
    BP_IMPUTE_CONSTANT,
} bp_impute_strategy;

/**
 * Finds fill[j] for each column of x [rows x columns]. With an `index` (else null), only the rows
 * index[0] .. index[rows - 1] count. `count` of a column's numbers are not NaN; all but the last rounding is binary64,
 * n ascending:
 *
 *   mean           s = +0; s = s + x[n][j];  fill = (float)(s / count)
 *   median         the middle one in ascending order; of an even count, (float)((a + b) / 2) of the middle two
 *   most frequent  the number that occurs most often; -0 and +0 are one number, +0
 *   constant       fill = constant, whatever the column holds; the other strategies ignore `constant`
 *
 * A column of NaN alone gets 0, or the constant. stride: elements between rows; 0: packed. Median and most frequent
 * take `rows` floats by malloc while they run.
 *
 * BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP, BP_ERROR_MEMORY;
 * BP_ERROR_VALUE for `strategy`, a constant that is not finite, and an infinite number. On error nothing is written.
 */
BP_API bp_status bp_impute_fit(float *fill, const float *x, size_t stride, const uint32_t *index, size_t rows,
                               size_t columns, bp_impute_strategy strategy, float constant);

/**
 * y[n][j] = fill[j] where x[n][j] is NaN, else x[n][j].
 *
 * `y` may be `x` itself with the same stride. Strides: elements between rows; 0: packed. BP_ERROR_NULL, BP_ERROR_SIZE,
 * BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP. On error nothing is written.
 */
BP_API bp_status bp_impute_apply(float *y, size_t y_stride, const float *x, size_t x_stride, const float *fill,
                                 size_t rows, size_t columns);

BP_END_DECLS

#endif
