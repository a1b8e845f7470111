#include "storage/csv_table.h"

#include <stdarg.h>

#include "failure.h"
#include "storage/error.h"

bp_status bp_csv_fail(bp_file_error *error, bp_status status, size_t line, size_t column, const char *format, ...) {
    char text[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    bp_format(text, sizeof text, format, arguments);
    va_end(arguments);
    error->line = line;
    error->column = column;
    if (column > 0)
        return bp_file_fail(error, status, "line %zu, column %zu: %s", line, column, text);
    return bp_file_fail(error, status, "line %zu: %s", line, text);
}

const char *bp_csv_hint(const char *text) {
    return *text == '#' ? "; bp_csv_options.comment leaves comments out" : "";
}
