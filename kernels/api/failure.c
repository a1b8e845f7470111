#include "failure.h"

#include <fenv.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* As long as bp_file_error.text. */
static _Thread_local char message[240];

const char *bp_error_message(void) {
    return message;
}

void bp_format(char *text, size_t size, const char *format, va_list arguments) {
    const int length = vsnprintf(text, size, format, arguments);
    if (length < 0 || (size_t)length < size)
        return;
    /* The end of a text that was cut: a first byte of UTF-8 goes where not all that it announces came along. */
    size_t at = size - 1, after = 0;
    while (at > 0 && after < 3 && ((unsigned char)text[at - 1] & 0xc0) == 0x80) {
        at--;
        after++;
    }
    const unsigned char first = at > 0 ? (unsigned char)text[at - 1] : 0;
    const size_t wanted = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    if (after < wanted)
        text[at - 1] = '\0';
}

bp_status bp_fail(bp_status status, const char *format, ...) {
    char text[sizeof message]; /* the last message may be one of the arguments */
    va_list arguments;
    va_start(arguments, format);
    bp_format(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(message, text, sizeof message);
    return status;
}

bp_status bp_refuse(bp_status status) {
    return status == BP_OK ? BP_OK : bp_fail(status, "%s", bp_status_string(status));
}

void bp_fail_text(const char *text) {
    bp_fail(BP_OK, "%s", text);
}

const char *bp_number_text(char text[static 32], double number) {
    fenv_t host; /* printf rounds as the host has it */
    fegetenv(&host);
    fesetenv(FE_DFL_ENV);
    snprintf(text, 32, isnan(number) ? "NaN" : "%.9g", number);
    fesetenv(&host);
    /* A locale's decimal point may be any text, of several bytes. */
    char *to = text;
    for (const char *from = text; *from; from++)
        if (strchr("+-0123456789aefinN", *from))
            *to++ = *from;
        else if (to > text && to[-1] != '.')
            *to++ = '.';
    *to = '\0';
    return text;
}
