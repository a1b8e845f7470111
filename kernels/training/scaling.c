/* Columns brought to one scale, and back. */
#include <math.h>

#include <backprop/data.h>

#include "api/check.h"
#include "float_environment.h"

/* A matrix whose rows may be chosen by an index. */
typedef struct columns {
    const float *x;
    size_t stride;
    const uint32_t *index;
    size_t rows;
} columns;

static double value_at(const columns *c, size_t n, size_t j) {
    return (double)c->x[(c->index ? c->index[n] : n) * c->stride + j];
}

/* What bp_scaling_fit finds for a column. */
typedef struct scaling {
    float shift, scale;
} scaling;

static scaling fit_standard(const columns *c, size_t j) {
    double sum = 0.0, squares = 0.0;
    for (size_t n = 0; n < c->rows; n++)
        sum += value_at(c, n, j);
    const double mean = sum / (double)c->rows;
    for (size_t n = 0; n < c->rows; n++) {
        const double d = value_at(c, n, j) - mean;
        squares += d * d;
    }
    return (scaling){(float)mean, (float)sqrt(squares / (double)c->rows)};
}

static scaling fit_minmax(const columns *c, size_t j) {
    double least = value_at(c, 0, j), largest = least;
    for (size_t n = 1; n < c->rows; n++) {
        const double v = value_at(c, n, j);
        least = v < least ? v : least;
        largest = v > largest ? v : largest;
    }
    return (scaling){(float)least, (float)(largest - least)};
}

static scaling fit_column(bp_scaling_kind kind, const columns *c, size_t j) {
    scaling s = kind == BP_SCALING_STANDARD ? fit_standard(c, j) : fit_minmax(c, j);
    if (s.scale == 0.0f)
        s.scale = 1.0f;
    return s;
}

static bool all_finite(const columns *c, size_t j) {
    for (size_t n = 0; n < c->rows; n++)
        if (!isfinite(value_at(c, n, j)))
            return false;
    return true;
}

bp_status bp_scaling_fit(bp_scaling_kind kind, const float *x, size_t stride, const uint32_t *index, size_t rows,
                         size_t columns_count, float *shift, float *scale) {
    CONTRACT_MODE(host);
    if (!x || !shift || !scale)
        return BP_ERROR_NULL;
    if ((unsigned)kind >= BP_SCALING_COUNT)
        return BP_ERROR_VALUE;
    const columns c = {x, stride ? stride : columns_count, index, rows};
    const matrix results[] = {vector_of(shift, columns_count), vector_of(scale, columns_count)};
    const matrix given[] = {matrix_of(x, index && rows ? 1 : rows, columns_count, c.stride), vector_of(index, rows)};
    const bp_status status = check_matrices(results, 2, given, 2);
    if (status != BP_OK)
        return status;

    bool good = true;
    for (size_t j = 0; good && j < columns_count; j++)
        good = all_finite(&c, j) && isfinite(fit_column(kind, &c, j).scale);
    for (size_t j = 0; good && j < columns_count; j++) {
        const scaling s = fit_column(kind, &c, j);
        shift[j] = s.shift;
        scale[j] = s.scale;
    }
    return good ? BP_OK : BP_ERROR_VALUE;
}

static bp_status check_scaling(matrix to, matrix from, const float *shift, const float *scale) {
    if (!to.data || !from.data || !shift || !scale)
        return BP_ERROR_NULL;
    const matrix given[] = {vector_of(shift, to.columns), vector_of(scale, to.columns), from};
    return check_matrices(&to, 1, given, same_matrix(to, from) ? 2 : 3);
}

bp_status bp_scaling_apply(float *y, size_t y_stride, const float *x, size_t x_stride, size_t rows,
                           size_t columns_count, const float *shift, const float *scale) {
    CONTRACT_MODE(host);
    y_stride = y_stride ? y_stride : columns_count;
    x_stride = x_stride ? x_stride : columns_count;
    const bp_status status = check_scaling(matrix_of(y, rows, columns_count, y_stride),
                                           matrix_of(x, rows, columns_count, x_stride), shift, scale);
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
    const bp_status status = check_scaling(matrix_of(x, rows, columns_count, x_stride),
                                           matrix_of(y, rows, columns_count, y_stride), shift, scale);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns_count; j++)
            x[n * x_stride + j] = fmaf(y[n * y_stride + j], scale[j], shift[j]);
    return BP_OK;
}
