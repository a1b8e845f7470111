#include "training/columns.h"

bp_status bp_columns_check_arrays(const bp_columns *c, const matrix *results, size_t result_count,
                                  const char *const *names) {
    const matrix given[] = {widened(matrix_of(c->x, c->index && c->rows ? 1 : c->rows, c->count, c->stride), c->wide),
                            vector_of(c->index, c->rows)};
    matrix_names all[COLUMN_RESULTS + 2];
    for (size_t k = 0; k < result_count; k++)
        all[k] = (matrix_names){names[k], .columns = "columns"};
    all[result_count] = (matrix_names){"x", "stride", "rows", "columns"};
    all[result_count + 1] = (matrix_names){"index", .columns = "rows"};
    const bp_status status = bp_check_named(NULL, 0, given, 2, all + result_count);
    return status == BP_OK ? bp_check_named(results, result_count, given, 2, all) : status;
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
