#include <backprop/dropout.h>

#include "check/refuse.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

/* A mask's numbers are indexed with 64 bits, see dropout.h. */
#define MASK_ROWS (UINT64_C(1) << 32)
#define MASK_COLUMNS (UINT64_C(1) << 32)

static bool is_inside(size_t first, size_t count, uint64_t all) {
    return count <= all && first <= all - count;
}

static bool is_probability(float probability) {
    return probability >= 0.0f && probability < 1.0f;
}

static bool check_mask(const bp_dropout_mask *mask, size_t rows, size_t columns) {
    return is_probability(mask->probability) && is_inside(mask->row, rows, MASK_ROWS) &&
           is_inside(mask->column, columns, MASK_COLUMNS);
}

__attribute__((cold)) static bp_status fail_mask(const bp_dropout_mask *mask, size_t rows, size_t columns) {
    if (!is_probability(mask->probability))
        return bp_fail_number("mask->probability", (double)mask->probability, "at least 0 and below 1");
    const bool row = !is_inside(mask->row, rows, MASK_ROWS);
    return bp_fail(BP_ERROR_VALUE, "mask->%s is %zu, and must be at most 2^32 less the %zu %s of the call",
                   row ? "row" : "column", row ? mask->row : mask->column, row ? rows : columns,
                   row ? "rows" : "columns");
}

static bp_status check_dropout(matrix output, matrix input, const bp_dropout_mask *mask, const matrix_names names[2]) {
    if (!output.data || !input.data || !mask)
        return FAIL_NULL({names[0].data, output.data}, {names[1].data, input.data}, {"mask", mask});
    const size_t inputs = same_matrix(output, input) ? 0 : 1;
    const bp_status status = check_named_arrays(&output, 1, &input, inputs, names);
    if (status != BP_OK)
        return status;
    return check_mask(mask, output.rows, output.columns) ? BP_OK : fail_mask(mask, output.rows, output.columns);
}

static const matrix_names dropout_names[] = {{"d", "ldd", "rows", "columns"}, {"a", "lda", "rows", "columns"}};

bp_status bp_dropout(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                     const bp_dropout_mask *mask) {
    CONTRACT_MODE(host);
    const bp_kernels *kernels;
    const matrix to = matrix_given(d, rows, columns, ldd), from = matrix_given(a, rows, columns, lda);
    bp_status status = check_dropout(to, from, mask, dropout_names);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dropout(d, to.ld, a, from.ld, rows, columns, mask);
    return BP_OK;
}

static const matrix_names derivative_names[] = {{"d", "ldd", "rows", "columns"}, {"saved", "lds", "rows", "columns"}};

bp_status bp_dropout_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                                bp_activation activation, const bp_dropout_mask *mask) {
    CONTRACT_MODE(host);
    const bp_kernels *kernels;
    const matrix to = matrix_given(d, rows, columns, ldd), from = matrix_given(saved, rows, columns, lds);
    bp_status status = check_dropout(to, from, mask, derivative_names);
    if (status != BP_OK)
        return status;
    if (check_activation(activation) != BP_OK)
        return bp_fail_activation(activation);
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dropout_derivative(d, to.ld, saved, from.ld, rows, columns, activation, mask);
    return BP_OK;
}
