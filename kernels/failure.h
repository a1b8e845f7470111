/* What bp_error_message says: the words for a call that fails. Every folder may use it. */
#ifndef BP_FAILURE_H
#define BP_FAILURE_H

#include <stddef.h>

#include <backprop/status.h>

/** Keeps a message for this thread and returns `status`. Without a lock or an allocation. */
bp_status bp_fail(bp_status status, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/** The same for a text that is made already. */
void bp_fail_text(const char *text);

/** Lets a status that says enough, such as BP_ERROR_MEMORY, be its own message. BP_OK sets none. */
bp_status bp_refuse(bp_status status);

/** A name that is none of `names`: "no `what` is named '...'; valid names: ...". */
bp_status bp_fail_name(bp_status status, const char *what, const char *name, const char *const *names, size_t count)
    __attribute__((cold));

/** A number in words, for such a message: "-1", "0.5", "NaN"; with a point in any locale. Returns `text`. */
const char *bp_number_text(char text[static 32], double number);

#endif
