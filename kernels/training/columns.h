/* The columns of a matrix of floats or doubles whose rows may be chosen by an index. */
#ifndef BP_TRAINING_COLUMNS_H
#define BP_TRAINING_COLUMNS_H

#include <stdbool.h>

#include "api/check.h"

typedef struct bp_columns {
    const void *x;
    bool wide; /* doubles */
    size_t stride, count;
    const uint32_t *index; /* or null */
    size_t rows;
} bp_columns;

static inline double bp_column_value(const bp_columns *c, size_t n, size_t j) {
    const size_t at = (c->index ? c->index[n] : n) * c->stride + j;
    return c->wide ? ((const double *)c->x)[at] : (double)((const float *)c->x)[at];
}

/** A matrix as the checks take it, in units of 4 bytes. A size that is too large for doubles stays too large. */
matrix bp_matrix_of(const void *data, size_t rows, size_t columns, size_t ld, bool wide);
matrix bp_row_of(const void *data, size_t count, bool wide);

/** Whether columns and what is to be written about them are good arrays that share nothing. Sets the message. */
bp_status bp_columns_check_arrays(const bp_columns *c, const matrix *results, size_t result_count);

/** BP_ERROR_VALUE, with row and column in the message, for a number that is not finite; NaN may be allowed. */
bp_status bp_columns_check_numbers(const bp_columns *c, size_t j, bool allow_nan);

/** Lets a status that says enough be its own message. */
bp_status bp_refuse(bp_status status);

#endif
