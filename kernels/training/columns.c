#include "training/columns.h"

#include "failure.h"

static size_t doubled(size_t size) {
    return size > SIZE_MAX / 2 ? SIZE_MAX : 2 * size;
}

matrix bp_matrix_of(const void *data, size_t rows, size_t columns, size_t ld, bool wide) {
    return wide ? matrix_of(data, rows, doubled(columns), doubled(ld)) : matrix_of(data, rows, columns, ld);
}

matrix bp_row_of(const void *data, size_t count, bool wide) {
    return vector_of(data, wide ? doubled(count) : count);
}

bp_status bp_refuse(bp_status status) {
    return status == BP_OK ? BP_OK : bp_fail(status, "%s", bp_status_string(status));
}

static bool is_aligned(const void *data, bool wide) {
    return (uintptr_t)data % (wide ? _Alignof(double) : _Alignof(float)) == 0;
}

bp_status bp_columns_check_arrays(const bp_columns *c, const matrix *results, size_t result_count) {
    const matrix given[] = {bp_matrix_of(c->x, c->index && c->rows ? 1 : c->rows, c->count, c->stride, c->wide),
                            vector_of(c->index, c->rows)};
    if (c->rows == 0 || c->count == 0)
        return bp_fail(BP_ERROR_SIZE, "%s is 0", c->rows == 0 ? "rows" : "columns");
    if (c->stride < c->count)
        return bp_fail(BP_ERROR_SIZE, "stride is %zu, and must be 0 or at least columns, %zu", c->stride, c->count);
    bool aligned = is_aligned(c->x, c->wide);
    for (size_t k = 0; k < result_count; k++)
        aligned &= is_aligned(results[k].data, c->wide);
    const bp_status status = check_matrices(results, result_count, given, 2);
    return bp_refuse(status == BP_OK && !aligned ? BP_ERROR_ALIGNMENT : status);
}

bp_status bp_columns_check_numbers(const bp_columns *c, size_t j, bool allow_nan) {
    for (size_t n = 0; n < c->rows; n++) {
        const double value = bp_column_value(c, n, j);
        const size_t row = c->index ? c->index[n] : n;
        if (isnan(value) && !allow_nan)
            return bp_fail(BP_ERROR_VALUE,
                           "x at row %zu, column %zu (from 0) is NaN: numbers must be finite; BP_SCALING_NAN_IGNORE "
                           "leaves NaN out",
                           row, j);
        if (isinf(value))
            return bp_fail(BP_ERROR_VALUE, "x at row %zu, column %zu (from 0) is %sinfinite: numbers must be finite",
                           row, j, value < 0 ? "minus " : "");
    }
    return BP_OK;
}
