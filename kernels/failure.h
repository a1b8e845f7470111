/* Makes the text of bp_error_message. Every folder may use it. */
#ifndef BP_FAILURE_H
#define BP_FAILURE_H

#include <stdarg.h>
#include <stddef.h>

#include <backprop/status.h>

/** Stores this thread's message and returns `status`. No lock, no allocation. */
bp_status bp_fail(bp_status status, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/**
 * vsnprintf for people: control characters and what is no UTF-8, which a caller's or a file's text may bring, become
 * '?', and a text that is too long is not cut inside a character.
 */
void bp_format(char *text, size_t size, const char *format, va_list arguments);

/** Stores a finished text as this thread's message. */
void bp_fail_text(const char *text);

/** Returns `status`; the message is the text of bp_status_string. For BP_ERROR_MEMORY and its like. BP_OK sets none. */
bp_status bp_refuse(bp_status status);

/** A number in words, for a message: "-1", "0.5", "NaN"; with a point in any locale. Returns `text`. */
const char *bp_number_text(char text[static 32], double number);

#endif
