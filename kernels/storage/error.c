#include "storage/error.h"

#include <stdarg.h>
#include <string.h>

#include "failure.h"

bp_file_error *bp_file_error_begin(bp_file_error *error, bp_file_error *own) {
    if (!error)
        error = own;
    memset(error, 0, sizeof *error);
    return error;
}

static void set_text(bp_file_error *error, const char *format, va_list arguments) {
    bp_format(error->text, sizeof error->text, format, arguments);
    bp_fail_text(error->text);
}

bp_status bp_file_fail(bp_file_error *error, bp_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set_text(error, format, arguments);
    va_end(arguments);
    return status;
}

bp_status bp_file_malformed(bp_file_error *error, uint64_t offset, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set_text(error, format, arguments);
    va_end(arguments);
    error->offset = offset;
    return BP_ERROR_FORMAT;
}

bp_status bp_file_outcome(bp_file_error *error, bp_outcome outcome) {
    char text[128];
    if (outcome.status == BP_OK)
        return BP_OK;
    if (outcome.status != BP_ERROR_FILE)
        return bp_file_refuse(error, outcome.status);
    if (outcome.system == 0)
        return bp_file_fail(error, BP_ERROR_FILE, "%s", outcome.what);
    error->system = outcome.system;
    bp_system_text(outcome.system, text, sizeof text);
    return bp_file_fail(error, BP_ERROR_FILE, "cannot %s: %s", outcome.what, text);
}

bp_status bp_file_refuse(bp_file_error *error, bp_status status) {
    return bp_file_fail(error, status, "%s", bp_status_string(status));
}
