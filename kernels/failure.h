/* Makes the text of bp_error_message. Every folder may use it. */
#ifndef BP_FAILURE_H
#define BP_FAILURE_H

#include <stddef.h>

#include <backprop/status.h>

/** Stores this thread's message and returns `status`. No lock, no allocation. */
bp_status bp_fail(bp_status status, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/** Stores a finished text as this thread's message. */
void bp_fail_text(const char *text);

/** Returns `status`; the message is the text of bp_status_string. For BP_ERROR_MEMORY and its like. BP_OK sets none. */
bp_status bp_refuse(bp_status status);

/** A number in words, for such a message: "-1", "0.5", "NaN"; with a point in any locale. Returns `text`. */
const char *bp_number_text(char text[static 32], double number);

#endif
