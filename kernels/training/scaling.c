/* Columns brought to one scale, and back. */
#include <math.h>

#include <backprop/data.h>

#include "enum_counts.h"
#include "failure.h"
#include "float_environment.h"
#include "training/columns.h"

static double value_at(const bp_columns *c, size_t n, size_t j) {
    return bp_column_value(c, n, j);
}

/* What a fit finds for a column. */
typedef struct scaling {
    double shift, scale;
} scaling;

/* The first number of a column that is not NaN; rows if there is none. */
static size_t first_number(const bp_columns *c, size_t j) {
    size_t n = 0;
    while (n < c->rows && isnan(value_at(c, n, j)))
        n++;
    return n;
}

/* Doubles are summed up as differences from the first, so that large numbers that differ little lose nothing. */
static scaling fit_standard(const bp_columns *c, size_t j) {
    const double origin = c->wide ? value_at(c, first_number(c, j), j) : 0.0;
    double sum = 0.0, squares = 0.0;
    size_t count = 0;
    for (size_t n = 0; n < c->rows; n++) {
        const double v = value_at(c, n, j);
        if (isnan(v))
            continue;
        sum += v - origin;
        count++;
    }
    const double mean = origin + sum / (double)count;
    for (size_t n = 0; n < c->rows; n++) {
        const double d = value_at(c, n, j) - mean;
        if (!isnan(d))
            squares += d * d;
    }
    return (scaling){mean, sqrt(squares / (double)count)};
}

static scaling fit_minmax(const bp_columns *c, size_t j) {
    const size_t first = first_number(c, j);
    double least = value_at(c, first, j), largest = least;
    for (size_t n = first + 1; n < c->rows; n++) {
        const double v = value_at(c, n, j);
        least = v < least ? v : least;
        largest = v > largest ? v : largest;
    }
    return (scaling){least, largest - least};
}

/* Rounded to binary32 for a matrix of floats. */
static scaling fit_column(bp_scaling_kind kind, const bp_columns *c, size_t j) {
    if (first_number(c, j) == c->rows)
        return (scaling){0.0, 1.0};
    scaling s = kind == BP_SCALING_STANDARD ? fit_standard(c, j) : fit_minmax(c, j);
    if (!c->wide)
        s = (scaling){(double)(float)s.shift, (double)(float)s.scale};
    if (s.scale == 0.0)
        s.scale = 1.0;
    return s;
}

static bp_status check_column(bp_scaling_kind kind, bp_scaling_nan nan, const bp_columns *c, size_t j) {
    const bp_status status = bp_columns_check_numbers(c, j, nan == BP_SCALING_NAN_IGNORE);
    if (status != BP_OK)
        return status;
    const scaling s = fit_column(kind, c, j);
    if (!isfinite(s.shift) || !isfinite(s.scale))
        return bp_fail(BP_ERROR_VALUE,
                       "column %zu (from 0): the numbers lie so far apart that their scale is not finite", j);
    return BP_OK;
}

static bp_status fit(bp_scaling_kind kind, bp_scaling_nan nan, const bp_columns *c, void *shift, void *scale) {
    CONTRACT_MODE(host);
    if (!c->x || !shift || !scale)
        return bp_fail(BP_ERROR_NULL, "%s is null", !c->x ? "x" : !shift ? "shift" : "scale");
    if ((unsigned)kind >= SCALING_COUNT)
        return bp_fail(BP_ERROR_VALUE, "kind is %d, and must be one of bp_scaling_kind", (int)kind);
    if ((unsigned)nan > BP_SCALING_NAN_IGNORE)
        return bp_fail(BP_ERROR_VALUE, "nan is %d, and must be one of bp_scaling_nan", (int)nan);
    const matrix results[] = {bp_row_of(shift, c->count, c->wide), bp_row_of(scale, c->count, c->wide)};
    bp_status status = bp_columns_check_arrays(c, results, 2, (const char *const[]){"shift", "scale"});
    for (size_t j = 0; j < c->count && status == BP_OK; j++)
        status = check_column(kind, nan, c, j);
    for (size_t j = 0; j < c->count && status == BP_OK; j++) {
        const scaling s = fit_column(kind, c, j);
        if (c->wide) {
            ((double *)shift)[j] = s.shift;
            ((double *)scale)[j] = s.scale;
        } else {
            ((float *)shift)[j] = (float)s.shift;
            ((float *)scale)[j] = (float)s.scale;
        }
    }
    return status;
}

bp_status bp_scaling_fit(bp_scaling_kind kind, const float *x, size_t stride, const uint32_t *index, size_t rows,
                         size_t columns, float *shift, float *scale) {
    return bp_scaling_fit_nan(kind, BP_SCALING_NAN_ERROR, x, stride, index, rows, columns, shift, scale);
}

bp_status bp_scaling_fit_nan(bp_scaling_kind kind, bp_scaling_nan nan, const float *x, size_t stride,
                             const uint32_t *index, size_t rows, size_t columns, float *shift, float *scale) {
    const bp_columns c = {x, false, stride ? stride : columns, columns, index, rows};
    return fit(kind, nan, &c, shift, scale);
}

bp_status bp_scaling_fit_double(bp_scaling_kind kind, bp_scaling_nan nan, const double *x, size_t stride,
                                const uint32_t *index, size_t rows, size_t columns, double *shift, double *scale) {
    const bp_columns c = {x, true, stride ? stride : columns, columns, index, rows};
    return fit(kind, nan, &c, shift, scale);
}

/* `names` are those of the result, then of what it is made from. */
static bp_status check_scaling(matrix to, matrix from, matrix shift, matrix scale, const char *const names[2]) {
    const matrix given[] = {shift, scale, from};
    const char *const all[] = {names[0], "shift", "scale", names[1]};
    if (!to.data)
        return bp_fail(BP_ERROR_NULL, "%s is null", names[0]);
    for (size_t k = 0; k < 3; k++)
        if (!given[k].data)
            return bp_fail(BP_ERROR_NULL, "%s is null", all[k + 1]);
    return bp_arrays_check(&to, 1, given, same_matrix(to, from) ? 2 : 3, all);
}

static const char *const forth[] = {"y", "x"}, *const back[] = {"x", "y"};

bp_status bp_scaling_apply(float *y, size_t y_stride, const float *x, size_t x_stride, size_t rows,
                           size_t columns_count, const float *shift, const float *scale) {
    CONTRACT_MODE(host);
    y_stride = y_stride ? y_stride : columns_count;
    x_stride = x_stride ? x_stride : columns_count;
    const bp_status status =
        check_scaling(matrix_of(y, rows, columns_count, y_stride), matrix_of(x, rows, columns_count, x_stride),
                      vector_of(shift, columns_count), vector_of(scale, columns_count), forth);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns_count; j++)
            y[n * y_stride + j] = (x[n * x_stride + j] - shift[j]) / scale[j];
    return BP_OK;
}

bp_status bp_scaling_invert(float *x, size_t x_stride, const float *y, size_t y_stride, size_t rows,
                            size_t columns_count, const float *shift, const float *scale) {
    CONTRACT_MODE(host);
    x_stride = x_stride ? x_stride : columns_count;
    y_stride = y_stride ? y_stride : columns_count;
    const bp_status status =
        check_scaling(matrix_of(x, rows, columns_count, x_stride), matrix_of(y, rows, columns_count, y_stride),
                      vector_of(shift, columns_count), vector_of(scale, columns_count), back);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns_count; j++)
            x[n * x_stride + j] = fmaf(y[n * y_stride + j], scale[j], shift[j]);
    return BP_OK;
}

bp_status bp_scaling_apply_double(float *y, size_t y_stride, const double *x, size_t x_stride, size_t rows,
                                  size_t columns, const double *shift, const double *scale) {
    CONTRACT_MODE(host);
    y_stride = y_stride ? y_stride : columns;
    x_stride = x_stride ? x_stride : columns;
    const bp_status status =
        check_scaling(matrix_of(y, rows, columns, y_stride), bp_matrix_of(x, rows, columns, x_stride, true),
                      bp_row_of(shift, columns, true), bp_row_of(scale, columns, true), forth);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            y[n * y_stride + j] = (float)((x[n * x_stride + j] - shift[j]) / scale[j]);
    return BP_OK;
}

bp_status bp_scaling_invert_double(double *x, size_t x_stride, const float *y, size_t y_stride, size_t rows,
                                   size_t columns, const double *shift, const double *scale) {
    CONTRACT_MODE(host);
    x_stride = x_stride ? x_stride : columns;
    y_stride = y_stride ? y_stride : columns;
    const bp_status status =
        check_scaling(bp_matrix_of(x, rows, columns, x_stride, true), matrix_of(y, rows, columns, y_stride),
                      bp_row_of(shift, columns, true), bp_row_of(scale, columns, true), back);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            x[n * x_stride + j] = fma((double)y[n * y_stride + j], scale[j], shift[j]);
    return BP_OK;
}
