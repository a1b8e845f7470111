#include "failure.h"

#include <fenv.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* As long as bp_file_error.text. */
static _Thread_local char message[240];

const char *bp_error_message(void) {
    return message;
}

/* Makes a text fit to be shown: control characters and what is no UTF-8 become '?'. A character that was cut short by a
 * precision, as of "%.60s", is one '?', and goes where the text itself was cut. */
static void clean(char *text, bool cut) {
    unsigned char *to = (unsigned char *)text;
    const unsigned char *at = to;
    while (*at) {
        const size_t length = bp_utf8_length(at);
        const bool good = length > 0 && *at >= 0x20 && *at != 0x7f;
        size_t bytes = length ? length : 1;
        while (length == 0 && at[0] >= 0xc2 && (at[bytes] & 0xc0) == 0x80 && bytes < 3)
            bytes++;
        if (good)
            memmove(to, at, bytes);
        else if (length == 0 && at[bytes] == '\0' && cut)
            break;
        else
            *to = '?';
        to += good ? bytes : 1;
        at += bytes;
    }
    *to = '\0';
}

void bp_format(char *text, size_t size, const char *format, va_list arguments) {
    const int length = vsnprintf(text, size, format, arguments);
    clean(text, length < 0 || (size_t)length >= size);
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
    fenv_t host; /* printf uses the host's rounding mode */
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
