/* Scales columns, and inverts it. */
#include <math.h>

#include <backprop/data.h>

#include "enum_counts.h"
#include "failure.h"
#include "float_environment.h"
#include "training/columns.h"

/* The statistics of a column. */
typedef struct scaling {
    double shift, scale;
} scaling;

/* The first number of a column that is not NaN; rows if there is none. */
static size_t first_number(const bp_columns *c, size_t j) {
    size_t n = 0;
    while (n < c->rows && isnan(bp_column_value(c, n, j)))
        n++;
    return n;
}

/* Doubles are summed as differences from the first: large numbers with small differences stay exact. */
static scaling fit_standard(const bp_columns *c, size_t j) {
    const double origin = c->wide ? bp_column_value(c, first_number(c, j), j) : 0.0;
    double sum = 0.0, squares = 0.0;
    size_t count = 0;
    for (size_t n = 0; n < c->rows; n++) {
        const double v = bp_column_value(c, n, j);
        if (isnan(v))
            continue;
        sum += v - origin;
        count++;
    }
    const double mean = origin + sum / (double)count;
    for (size_t n = 0; n < c->rows; n++) {
        const double d = bp_column_value(c, n, j) - mean;
        if (!isnan(d))
            squares += d * d;
    }
    return (scaling){mean, sqrt(squares / (double)count)};
}

static scaling fit_minmax(const bp_columns *c, size_t j) {
    const size_t first = first_number(c, j);
    double least = bp_column_value(c, first, j), largest = least;
    for (size_t n = first + 1; n < c->rows; n++) {
        const double v = bp_column_value(c, n, j);
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
                       "x in column %zu (from 0) has numbers so far apart that their scale is not finite", j);
    return BP_OK;
}

static bp_status fit(bp_scaling_kind kind, bp_scaling_nan nan, const bp_columns *c, void *shift, void *scale) {
    CONTRACT_MODE(host);
    if (!c->x || !shift || !scale)
        return FAIL_NULL({"shift", shift}, {"scale", scale}, {"x", c->x});
    if ((unsigned)kind >= SCALING_COUNT)
        return bp_fail_enumerator("kind", (int)kind, "bp_scaling_kind");
    if ((unsigned)nan > BP_SCALING_NAN_IGNORE)
        return bp_fail_enumerator("nan", (int)nan, "bp_scaling_nan");
    const matrix results[] = {widened(vector_of(shift, c->count), c->wide),
                              widened(vector_of(scale, c->count), c->wide)};
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

bp_status bp_scaling_fit(float *shift, float *scale, const float *x, size_t stride, const uint32_t *index, size_t rows,
                         size_t columns, bp_scaling_kind kind) {
    return bp_scaling_fit_nan(shift, scale, x, stride, index, rows, columns, kind, BP_SCALING_NAN_ERROR);
}

bp_status bp_scaling_fit_nan(float *shift, float *scale, const float *x, size_t stride, const uint32_t *index,
                             size_t rows, size_t columns, bp_scaling_kind kind, bp_scaling_nan nan) {
    const bp_columns c = {x, false, ld_or_packed(stride, columns), columns, index, rows};
    return fit(kind, nan, &c, shift, scale);
}

bp_status bp_scaling_fit_double(double *shift, double *scale, const double *x, size_t stride, const uint32_t *index,
                                size_t rows, size_t columns, bp_scaling_kind kind, bp_scaling_nan nan) {
    const bp_columns c = {x, true, ld_or_packed(stride, columns), columns, index, rows};
    return fit(kind, nan, &c, shift, scale);
}

/* `names` are those of the result, shift, scale, and what it is made from. */
static bp_status check_scaling(matrix to, matrix from, matrix shift, matrix scale, const matrix_names names[4]) {
    const matrix given[] = {shift, scale, from};
    if (!to.data || !from.data || !shift.data || !scale.data)
        return FAIL_NULL({names[0].data, to.data}, {names[3].data, from.data}, {"shift", shift.data},
                         {"scale", scale.data});
    return bp_check_named(&to, 1, given, same_matrix(to, from) ? 2 : 3, names);
}

static const matrix_names apply_names[] = {{"y", "y_stride", "rows", "columns"},
                                           {"shift", .columns = "columns"},
                                           {"scale", .columns = "columns"},
                                           {"x", "x_stride", "rows", "columns"}};

bp_status bp_scaling_apply(float *y, size_t y_stride, const float *x, size_t x_stride, const float *shift,
                           const float *scale, size_t rows, size_t columns) {
    CONTRACT_MODE(host);
    const matrix to = matrix_given(y, rows, columns, y_stride), from = matrix_given(x, rows, columns, x_stride);
    const bp_status status = check_scaling(to, from, vector_of(shift, columns), vector_of(scale, columns), apply_names);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            y[n * to.ld + j] = (x[n * from.ld + j] - shift[j]) / scale[j];
    return BP_OK;
}

static const matrix_names invert_names[] = {{"x", "x_stride", "rows", "columns"},
                                            {"shift", .columns = "columns"},
                                            {"scale", .columns = "columns"},
                                            {"y", "y_stride", "rows", "columns"}};

bp_status bp_scaling_invert(float *x, size_t x_stride, const float *y, size_t y_stride, const float *shift,
                            const float *scale, size_t rows, size_t columns) {
    CONTRACT_MODE(host);
    const matrix to = matrix_given(x, rows, columns, x_stride), from = matrix_given(y, rows, columns, y_stride);
    const bp_status status =
        check_scaling(to, from, vector_of(shift, columns), vector_of(scale, columns), invert_names);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            x[n * to.ld + j] = fmaf(y[n * from.ld + j], scale[j], shift[j]);
    return BP_OK;
}

bp_status bp_scaling_apply_double(float *y, size_t y_stride, const double *x, size_t x_stride, const double *shift,
                                  const double *scale, size_t rows, size_t columns) {
    CONTRACT_MODE(host);
    const matrix to = matrix_given(y, rows, columns, y_stride), from = matrix_given(x, rows, columns, x_stride);
    const bp_status status = check_scaling(to, widened(from, true), widened(vector_of(shift, columns), true),
                                           widened(vector_of(scale, columns), true), apply_names);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            y[n * to.ld + j] = (float)((x[n * from.ld + j] - shift[j]) / scale[j]);
    return BP_OK;
}

bp_status bp_scaling_invert_double(double *x, size_t x_stride, const float *y, size_t y_stride, const double *shift,
                                   const double *scale, size_t rows, size_t columns) {
    CONTRACT_MODE(host);
    const matrix to = matrix_given(x, rows, columns, x_stride), from = matrix_given(y, rows, columns, y_stride);
    const bp_status status = check_scaling(widened(to, true), from, widened(vector_of(shift, columns), true),
                                           widened(vector_of(scale, columns), true), invert_names);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            x[n * to.ld + j] = fma((double)y[n * from.ld + j], scale[j], shift[j]);
    return BP_OK;
}
