/* The arrays of a call, checked by their names: what is wrong with which. */
#ifndef BP_TRAINING_ARRAYS_H
#define BP_TRAINING_ARRAYS_H

#include "check/refuse.h"

/** A matrix of floats or doubles. A size that is too large for doubles stays too large. */
matrix bp_matrix_of(const void *data, size_t rows, size_t columns, size_t ld, bool wide);
matrix bp_row_of(const void *data, size_t count, bool wide);

/* The most arrays of a call. */
#define ARRAYS_MAX 8

/** check_matrices, and the alignment of doubles. Sets the message; `names` are those of outputs, then inputs. */
bp_status bp_arrays_check(const matrix *outputs, size_t output_count, const matrix *inputs, size_t input_count,
                          const char *const *names);

#endif
