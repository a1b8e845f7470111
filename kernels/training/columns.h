/* The columns of a matrix of floats or doubles, whose rows an index may select. */
#ifndef BP_TRAINING_COLUMNS_H
#define BP_TRAINING_COLUMNS_H

#include <stdbool.h>

#include "check/refuse.h"

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

/* The most results of a call. */
#define COLUMN_RESULTS 2

/** Checks that columns and results are valid arrays that do not overlap. Sets the message, which uses `names`. */
bp_status bp_columns_check_arrays(const bp_columns *c, const matrix *results, size_t result_count,
                                  const char *const *names);

/** BP_ERROR_VALUE, with row and column in the message, for a number that is not finite; NaN may be allowed. */
bp_status bp_columns_check_numbers(const bp_columns *c, size_t j, bool allow_nan);
#endif
