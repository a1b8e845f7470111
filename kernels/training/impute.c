/* Replaces missing numbers. */
#include <stdlib.h>

#include <backprop/impute.h>

#include "enum_counts.h"
#include "failure.h"
#include "float_environment.h"
#include "training/columns.h"

static float mean_of(const bp_columns *c, size_t j) {
    double sum = 0.0;
    size_t count = 0;
    for (size_t n = 0; n < c->rows; n++) {
        const double v = bp_column_value(c, n, j);
        if (!isnan(v)) {
            sum += v;
            count++;
        }
    }
    return count ? (float)(sum / (double)count) : 0.0f;
}

static int compare_floats(const void *a, const void *b) {
    const float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

/* Sorts the numbers of a column, zeros without sign; returns their count. */
static size_t sort_numbers(const bp_columns *c, size_t j, float *sorted) {
    size_t count = 0;
    for (size_t n = 0; n < c->rows; n++) {
        const double v = bp_column_value(c, n, j);
        if (!isnan(v))
            sorted[count++] = (float)v + 0.0f;
    }
    qsort(sorted, count, sizeof *sorted, compare_floats);
    return count;
}

static float median_of(const float *sorted, size_t count) {
    if (count == 0)
        return 0.0f;
    return (float)(((double)sorted[(count - 1) / 2] + (double)sorted[count / 2]) / 2.0);
}

static float most_frequent_of(const float *sorted, size_t count) {
    float found = 0.0f;
    size_t most = 0, same = 0;
    for (size_t n = 0; n < count; n++) {
        same = n > 0 && sorted[n] == sorted[n - 1] ? same + 1 : 1;
        if (same > most) {
            most = same;
            found = sorted[n];
        }
    }
    return found;
}

static bp_status check_fit(bp_impute_strategy strategy, const bp_columns *c, float constant, const float *fill) {
    if (!c->x || !fill)
        return FAIL_NULL({"fill", fill}, {"x", c->x});
    if ((unsigned)strategy >= IMPUTE_COUNT)
        return bp_fail_enumerator("strategy", (int)strategy, "bp_impute_strategy");
    if (strategy == BP_IMPUTE_CONSTANT && !isfinite(constant))
        return bp_fail_number("constant", (double)constant, "finite");
    const matrix result = vector_of(fill, c->count);
    bp_status status = bp_columns_check_arrays(c, &result, 1, (const char *const[]){"fill"});
    for (size_t j = 0; status == BP_OK && strategy != BP_IMPUTE_CONSTANT && j < c->count; j++)
        status = bp_columns_check_numbers(c, j, true);
    return status;
}

static bp_status fit(bp_impute_strategy strategy, const bp_columns *c, float constant, float *fill) {
    const bp_status status = check_fit(strategy, c, constant, fill);
    if (status != BP_OK)
        return status;
    const bool sorts = strategy == BP_IMPUTE_MEDIAN || strategy == BP_IMPUTE_MOST_FREQUENT;
    float *sorted = sorts && c->rows <= PTRDIFF_MAX / sizeof *sorted ? malloc(c->rows * sizeof *sorted) : NULL;
    if (sorts && !sorted)
        return bp_refuse(BP_ERROR_MEMORY);
    for (size_t j = 0; j < c->count; j++) {
        const size_t count = sorts ? sort_numbers(c, j, sorted) : 0;
        if (strategy == BP_IMPUTE_CONSTANT)
            fill[j] = constant;
        else if (strategy == BP_IMPUTE_MEAN)
            fill[j] = mean_of(c, j);
        else
            fill[j] = strategy == BP_IMPUTE_MEDIAN ? median_of(sorted, count) : most_frequent_of(sorted, count);
    }
    free(sorted);
    return BP_OK;
}

bp_status bp_impute_fit(float *fill, const float *x, size_t stride, const uint32_t *index, size_t rows, size_t columns,
                        bp_impute_strategy strategy, float constant) {
    CONTRACT_MODE(host);
    const bp_columns c = {x, false, ld_or_packed(stride, columns), columns, index, rows};
    return fit(strategy, &c, constant, fill);
}

static const matrix_names apply_names[] = {
    {"y", "y_stride", "rows", "columns"}, {"fill", .columns = "columns"}, {"x", "x_stride", "rows", "columns"}};

bp_status bp_impute_apply(float *y, size_t y_stride, const float *x, size_t x_stride, const float *fill, size_t rows,
                          size_t columns) {
    CONTRACT_MODE(host);
    if (!y || !x || !fill)
        return FAIL_NULL({"y", y}, {"x", x}, {"fill", fill});
    const matrix to = matrix_given(y, rows, columns, y_stride), from = matrix_given(x, rows, columns, x_stride);
    const matrix given[] = {vector_of(fill, columns), from};
    const bp_status status = bp_check_named(&to, 1, given, same_matrix(to, from) ? 1 : 2, apply_names);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++) {
            const float v = x[n * from.ld + j];
            y[n * to.ld + j] = isnan(v) ? fill[j] : v;
        }
    return BP_OK;
}
