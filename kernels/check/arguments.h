/* Argument checks of public calls. Statuses alone: refuse.h has the words. */
#ifndef BP_CHECK_ARGUMENTS_H
#define BP_CHECK_ARGUMENTS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/activation.h>
#include <backprop/dense.h>
#include <backprop/initializer.h>
#include <backprop/loss.h>
#include <backprop/status.h>

#include "enum_counts.h"

/* A row-major array as the caller gave it. A vector is one row. */
typedef struct matrix {
    const void *data;
    size_t rows, columns, ld;
    bool wide; /* doubles, whose columns and ld are counted in units of 4 bytes */
} matrix;

static inline matrix matrix_of(const void *data, size_t rows, size_t columns, size_t ld) {
    return (matrix){data, rows, columns, ld, false};
}

static inline matrix vector_of(const void *data, size_t count) {
    return (matrix){data, 1, count, count, false};
}

/* A leading dimension as the kernels take it: 0 stands for packed rows. */
static inline size_t ld_or_packed(size_t ld, size_t columns) {
    return ld ? ld : columns;
}

static inline matrix matrix_given(const void *data, size_t rows, size_t columns, size_t ld) {
    return matrix_of(data, rows, columns, ld_or_packed(ld, columns));
}

/* The same matrix, of doubles if `wide`. A size that is too large for them stays too large. */
static inline matrix widened(matrix m, bool wide) {
    if (wide) {
        m.columns = m.columns > SIZE_MAX / 2 ? SIZE_MAX : 2 * m.columns;
        m.ld = m.ld > SIZE_MAX / 2 ? SIZE_MAX : 2 * m.ld;
    }
    m.wide = wide;
    return m;
}

/* Bytes from the first element to the end of the last, for a matrix that check_matrix has accepted. */
static inline size_t matrix_extent(matrix m) {
    return ((m.rows - 1) * m.ld + m.columns) * sizeof(float);
}

/* Elements have 4 bytes: floats or labels. The caller handles a null matrix. */
static inline bp_status check_matrix(matrix m) {
    if (m.rows == 0 || m.columns == 0 || m.ld < m.columns)
        return BP_ERROR_SIZE;
    /* The extent must fit into ptrdiff_t. Most matrices need no division, whose cost shows in tiny steps. */
    const size_t limit = PTRDIFF_MAX / sizeof(float), surely = (size_t)1 << (4 * sizeof(size_t) - 2);
    if ((m.rows >= surely || m.ld >= surely) &&
        (m.columns > limit || m.ld > limit || (m.rows - 1) > (limit - m.columns) / m.ld))
        return BP_ERROR_OVERFLOW;
    if ((uintptr_t)m.data % sizeof(float) != 0)
        return BP_ERROR_ALIGNMENT;
    return m.data && (uintptr_t)m.data > UINTPTR_MAX - matrix_extent(m) ? BP_ERROR_OVERFLOW : BP_OK;
}

static inline bool ranges_overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
    const uintptr_t a0 = (uintptr_t)a, b0 = (uintptr_t)b;
    return a0 < b0 + b_bytes && b0 < a0 + a_bytes;
}

/*
 * Whether two checked arrays share an element. Column ranges of one larger array interleave without sharing any: with
 * equal strides the columns decide.
 */
static inline bool matrices_overlap(matrix a, matrix b) {
    if (!a.data || !b.data || !ranges_overlap(a.data, matrix_extent(a), b.data, matrix_extent(b)))
        return false;
    if (a.ld != b.ld)
        return true;
    const bool a_first = (uintptr_t)a.data <= (uintptr_t)b.data;
    const matrix low = a_first ? a : b, high = a_first ? b : a;
    const size_t distance = ((uintptr_t)high.data - (uintptr_t)low.data) / sizeof(float);
    const size_t column = distance % low.ld;
    /* `high` starts `column` elements into a row of `low`; it may wrap into the next row. */
    return column < low.columns || column + high.columns > low.ld;
}

/* The one overlap that in-place calls allow: exactly the same elements. */
static inline bool same_matrix(matrix a, matrix b) {
    return a.data == b.data && a.ld == b.ld;
}

static inline bp_status check_activation(bp_activation activation) {
    if ((unsigned)activation.kind >= ACTIVATION_COUNT)
        return BP_ERROR_VALUE;
    switch (activation.kind) {
    case BP_ACTIVATION_LEAKY_RELU:
    case BP_ACTIVATION_ELU:
        return activation.parameter >= 0.0f && isfinite(activation.parameter) ? BP_OK : BP_ERROR_VALUE;
    case BP_ACTIVATION_SINE:
        return isfinite(activation.parameter) ? BP_OK : BP_ERROR_VALUE;
    default:
        return BP_OK;
    }
}

static inline bp_status check_loss_kind(bp_loss_kind loss, float parameter) {
    if ((unsigned)loss >= LOSS_COUNT)
        return BP_ERROR_VALUE;
    if (loss == BP_LOSS_HUBER && !(parameter > 0.0f && isfinite(parameter)))
        return BP_ERROR_VALUE;
    if (loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY && !(parameter >= 0.0f && parameter <= 1.0f))
        return BP_ERROR_VALUE;
    return BP_OK;
}

static inline bp_status check_initializer(bp_initializer initializer) {
    if ((unsigned)initializer.kind >= INITIALIZER_COUNT || !(initializer.gain >= 0.0f && isfinite(initializer.gain)))
        return BP_ERROR_VALUE;
    return BP_OK;
}

/* Whether a loss compares with class labels, else with targets. */
static inline bool loss_takes_labels(bp_loss_kind loss) {
    return loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || loss == BP_LOSS_MULTICLASS_HINGE;
}

/* Whether a loss takes outputs as logits, so that an activation on them is a mistake. */
static inline bool loss_needs_logits(bp_loss_kind loss) {
    return loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS ||
           loss == BP_LOSS_KULLBACK_LEIBLER || loss == BP_LOSS_BINARY_CROSS_ENTROPY;
}

static inline bp_status check_labels(const uint32_t *labels, size_t count, size_t classes) {
    for (size_t n = 0; n < count; n++)
        if (labels[n] >= classes)
            return BP_ERROR_LABEL;
    return BP_OK;
}

static inline bp_status check_scratch(const void *scratch) {
    if (!scratch)
        return BP_ERROR_NULL;
    return (uintptr_t)scratch % BP_ALIGNMENT == 0 ? BP_OK : BP_ERROR_ALIGNMENT;
}

/* Checks all arrays of a call: each one, then every output against every other array. */
static inline bp_status check_matrices(const matrix *outputs, size_t output_count, const matrix *inputs,
                                       size_t input_count) {
    for (size_t k = 0; k < output_count + input_count; k++) {
        const bp_status status = check_matrix(k < output_count ? outputs[k] : inputs[k - output_count]);
        if (status != BP_OK)
            return status;
    }
    for (size_t k = 0; k < output_count; k++) {
        for (size_t l = k + 1; l < output_count; l++)
            if (matrices_overlap(outputs[k], outputs[l]))
                return BP_ERROR_OVERLAP;
        for (size_t l = 0; l < input_count; l++)
            if (matrices_overlap(outputs[k], inputs[l]))
                return BP_ERROR_OVERLAP;
    }
    return BP_OK;
}

#endif
