/*
 * The words for calls that a check refused. The checks themselves (arguments.h) say no more than a status, so that a
 * successful call pays nothing for messages; only a failing call comes here. Each function sets bp_error_message() and
 * returns the status.
 */
#ifndef BP_CHECK_REFUSE_H
#define BP_CHECK_REFUSE_H

#include "check/arguments.h"
#include "failure.h"

/* A pointer argument by its name. */
typedef struct named_pointer {
    const char *name;
    const void *data;
} named_pointer;

/* An array's names in its header: the array, its leading dimension, its sizes. Null where there is none. */
typedef struct matrix_names {
    const char *data, *ld, *rows, *columns;
} matrix_names;

/** BP_ERROR_NULL for the first of the pointers that is null. */
bp_status bp_fail_null(const named_pointer *pointers, size_t count) __attribute__((cold));
#define FAIL_NULL(...)                                                                                                 \
    bp_fail_null((const named_pointer[]){__VA_ARGS__},                                                                 \
                 sizeof((const named_pointer[]){__VA_ARGS__}) / sizeof(named_pointer))

/**
 * check_matrices with a message; also for doubles, whose alignment it checks. Null arrays are left to the caller.
 * `names` are those of outputs, then inputs.
 */
bp_status bp_check_named(const matrix *outputs, size_t output_count, const matrix *inputs, size_t input_count,
                         const matrix_names *names) __attribute__((cold));

/** What check_matrices refused with `status`. */
bp_status bp_fail_matrices(bp_status status, const matrix *outputs, size_t output_count, const matrix *inputs,
                           size_t input_count, const matrix_names *names) __attribute__((cold));

/** check_matrices with a message. */
static inline bp_status check_named_arrays(const matrix *outputs, size_t output_count, const matrix *inputs,
                                           size_t input_count, const matrix_names *names) {
    const bp_status status = check_matrices(outputs, output_count, inputs, input_count);
    return status == BP_OK ? BP_OK : bp_fail_matrices(status, outputs, output_count, inputs, input_count, names);
}

/** BP_ERROR_VALUE for a number: "`name` is ..., and must be `allowed`". */
bp_status bp_fail_number(const char *name, double number, const char *allowed) __attribute__((cold));

/** BP_ERROR_VALUE for a value outside its enum. */
bp_status bp_fail_enumerator(const char *name, int value, const char *type) __attribute__((cold));

/** What check_activation refused. */
bp_status bp_fail_activation(bp_activation activation) __attribute__((cold));

/** What check_loss_kind refused. */
bp_status bp_fail_loss_kind(bp_loss_kind loss, float parameter) __attribute__((cold));

/** What check_labels refused: the first bad one. */
bp_status bp_fail_labels(const uint32_t *labels, size_t count, size_t classes, const char *name) __attribute__((cold));

/** A scratch that check_scratch refused. */
bp_status bp_fail_scratch(const void *scratch) __attribute__((cold));

#endif
