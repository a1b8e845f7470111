#include <backprop/dropout.h>

#include "api/check.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

/* A mask's numbers are indexed with 64 bits, see dropout.h. */
#define MASK_ROWS (UINT64_C(1) << 32)
#define MASK_COLUMNS (UINT64_C(1) << 32)

static bp_status check_mask(bp_dropout_mask mask, size_t rows, size_t columns) {
    const bool probable = mask.probability >= 0.0f && mask.probability < 1.0f;
    const bool inside = rows <= MASK_ROWS && mask.row <= MASK_ROWS - rows && columns <= MASK_COLUMNS &&
                        mask.column <= MASK_COLUMNS - columns;
    return probable && inside ? BP_OK : BP_ERROR_VALUE;
}

static bp_status check_dropout(const float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                               bp_dropout_mask mask) {
    if (!d || !a)
        return BP_ERROR_NULL;
    const matrix output = matrix_of(d, rows, columns, ldd), input = matrix_of(a, rows, columns, lda);
    const bp_status status = check_matrices(&output, 1, &input, same_matrix(output, input) ? 0 : 1);
    return status == BP_OK ? check_mask(mask, rows, columns) : status;
}

bp_status bp_dropout(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                     bp_dropout_mask mask) {
    CONTRACT_MODE(host);
    const bp_kernels *kernels;
    bp_status status = check_dropout(d, ldd, a, lda, rows, columns, mask);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dropout(d, ldd, a, lda, rows, columns, mask);
    return BP_OK;
}

bp_status bp_dropout_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                                bp_activation activation, bp_dropout_mask mask) {
    CONTRACT_MODE(host);
    const bp_kernels *kernels;
    bp_status status = check_dropout(d, ldd, saved, lds, rows, columns, mask);
    if (status != BP_OK || (status = check_activation(activation)) != BP_OK ||
        (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->dropout_derivative(d, ldd, saved, lds, rows, columns, activation, mask);
    return BP_OK;
}
