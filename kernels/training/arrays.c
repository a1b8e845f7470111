#include "training/arrays.h"

#include <inttypes.h>

#include "failure.h"

static size_t doubled(size_t size) {
    return size > SIZE_MAX / 2 ? SIZE_MAX : 2 * size;
}

matrix bp_matrix_of(const void *data, size_t rows, size_t columns, size_t ld, bool wide) {
    return wide ? (matrix){data, rows, doubled(columns), doubled(ld), true} : matrix_of(data, rows, columns, ld);
}

matrix bp_row_of(const void *data, size_t count, bool wide) {
    return bp_matrix_of(data, 1, count, count, wide);
}

static bp_status check_array(matrix m, const char *name) {
    const size_t unit = m.wide ? 2 : 1, columns = m.columns / unit, ld = m.ld / unit, bytes = unit * sizeof(float);
    const bp_status status = check_matrix(m);
    if (status == BP_ERROR_SIZE && (m.rows == 0 || m.columns == 0))
        return bp_fail(status, "%s has %zu rows and %zu columns, and must have at least 1 of each", name, m.rows,
                       columns);
    if (status == BP_ERROR_SIZE)
        return bp_fail(status, "the stride of %s is %zu, and must be 0 or at least its columns, %zu", name, ld,
                       columns);
    if (status == BP_ERROR_OVERFLOW)
        return bp_fail(status, "%s, of %zu rows and %zu columns with a stride of %zu, exceeds the address range", name,
                       m.rows, columns, ld);
    if (status == BP_ERROR_ALIGNMENT || (uintptr_t)m.data % bytes != 0)
        return bp_fail(BP_ERROR_ALIGNMENT, "%s lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes", name,
                       (uintptr_t)m.data, bytes);
    return status;
}

bp_status bp_arrays_check(const matrix *outputs, size_t output_count, const matrix *inputs, size_t input_count,
                          const char *const *names) {
    const size_t count = output_count + input_count;
    for (size_t k = 0; k < count; k++) {
        const bp_status status = check_array(k < output_count ? outputs[k] : inputs[k - output_count], names[k]);
        if (status != BP_OK)
            return status;
    }
    for (size_t k = 0; k < output_count; k++)
        for (size_t l = k + 1; l < count; l++)
            if (matrices_overlap(outputs[k], l < output_count ? outputs[l] : inputs[l - output_count]))
                return bp_fail(BP_ERROR_OVERLAP, "%s overlaps %s", names[k], names[l]);
    return BP_OK;
}
