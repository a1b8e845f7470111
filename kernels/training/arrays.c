#include "training/arrays.h"

static size_t doubled(size_t size) {
    return size > SIZE_MAX / 2 ? SIZE_MAX : 2 * size;
}

matrix bp_matrix_of(const void *data, size_t rows, size_t columns, size_t ld, bool wide) {
    return wide ? (matrix){data, rows, doubled(columns), doubled(ld), true} : matrix_of(data, rows, columns, ld);
}

matrix bp_row_of(const void *data, size_t count, bool wide) {
    return bp_matrix_of(data, 1, count, count, wide);
}

bp_status bp_arrays_check(const matrix *outputs, size_t output_count, const matrix *inputs, size_t input_count,
                          const char *const *names) {
    matrix_names all[ARRAYS_MAX];
    const size_t count = output_count + input_count;
    for (size_t k = 0; k < count && k < ARRAYS_MAX; k++)
        all[k] = (matrix_names){.data = names[k]};
    return bp_check_named(outputs, output_count, inputs, input_count, all);
}
