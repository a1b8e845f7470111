/* Failures with a message, for bp_file_error. Inside this folder the error is never null. */
#ifndef BP_STORAGE_ERROR_H
#define BP_STORAGE_ERROR_H

#include <stdint.h>

#include <backprop/file.h>

#include "platform/file.h"

/** The caller's error, emptied; or `own` if the caller gave none. */
bp_file_error *bp_file_error_begin(bp_file_error *error, bp_file_error *own);

/** The same with one of the calling block's own. */
#define BEGIN_ERROR(error) bp_file_error_begin(error, &(bp_file_error){.line = 0})

/** Fills in the message and returns `status`. Control characters from a file's text become '?'. */
bp_status bp_file_fail(bp_file_error *error, bp_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** BP_ERROR_FORMAT at a byte of the file. */
bp_status bp_file_malformed(bp_file_error *error, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Returns a call's status; unless that is BP_OK, the message is "cannot <what>: <the system's text>" or the like. */
bp_status bp_file_outcome(bp_file_error *error, bp_outcome outcome);

/** Returns `status`; the message is the text of bp_status_string. */
bp_status bp_file_refuse(bp_file_error *error, bp_status status);

#endif
