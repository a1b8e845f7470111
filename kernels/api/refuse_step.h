/* The words for optimizer steps that a check of optimizer.h refused. */
#ifndef BP_API_REFUSE_STEP_H
#define BP_API_REFUSE_STEP_H

#include "api/optimizer.h"
#include "api/refuse.h"

/**
 * list_parameters with names: `arrays` are those of the values, both states and the average. BP_ERROR_NULL, with a
 * message, for an array that the optimizer needs.
 */
bp_status bp_name_parameters(const bp_optimizer *optimizer, const bp_parameters *p, matrix shape,
                             matrix_names shape_names, const char *const arrays[PARAMETER_ARRAYS], matrix *matrices,
                             matrix_names *names, size_t *count) __attribute__((cold));

#endif
