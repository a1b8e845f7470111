/*
 * Tables in CSV files, as in Y. Shafranovich, "Common format and MIME type for comma-separated values (CSV) files",
 * RFC 4180, 2005.
 *
 * Records end with LF or CRLF, the last one perhaps with nothing. A field in double quotes may hold delimiters, ends of
 * lines, and quotes, each written twice. Every record has as many fields as the first. Besides the RFC:
 *
 * - A byte order mark at the start is skipped, and so are lines that hold blanks alone (a single empty field must be
 *   quoted). Blanks are spaces and tabs, but for the one that is the delimiter.
 * - Blanks around a field are skipped; blanks inside of quotes stay. So " ?" is "?", the missing text of many tables.
 * - A delimiter at the end of every record, the header's too, ends the last field and begins none. Where at least one
 *   record has something behind its last delimiter, be it "", that is a column.
 * - Runs of blanks may divide fields, and comments may be left out, as numpy.savetxt writes both: see bp_csv_options.
 *
 *   bp_csv_options options = bp_csv_options_defaults();
 *   options.header = true;
 *   bp_csv *csv;
 *   bp_status status = bp_csv_open("iris.csv", &options, &csv, &error);
 *   if (status == BP_OK)
 *       status = bp_csv_numbers(csv, 0, 4, inputs, 0, &error);
 */
#ifndef BACKPROP_CSV_H
#define BACKPROP_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** What to do about missing fields: those that are empty or blank, or equal to bp_csv_options.missing_text. */
typedef enum bp_csv_missing {
    BP_CSV_MISSING_ERROR = 0, /* a missing number or label is BP_ERROR_FORMAT, when it is asked for */
    BP_CSV_MISSING_NAN,       /* a missing number is a NaN; a missing label still is an error */
    BP_CSV_MISSING_SKIP       /* rows with a missing field are left out, whichever it is */
} bp_csv_missing;

/** Options of reading. Made by bp_csv_options_defaults(). */
typedef struct bp_csv_options {
    size_t struct_size;       /* set by bp_csv_options_defaults */
    bool header;              /* the first record names the columns; default false */
    char delimiter;           /* default ','. Not a quote, an end of a line, or beyond ASCII. 0: runs of blanks divide
                                 fields, as numpy.loadtxt's delimiter=None; leading and trailing ones don't */
    bp_csv_missing missing;   /* default BP_CSV_MISSING_ERROR */
    const char *missing_text; /* "NA", say; default null: none. Blanks around it do not count. Used during bp_csv_open
                                 alone */
    char comment; /* default 0: none. From this sign, outside of quotes, to the end of its line all is left out: '#' as
                     numpy does. Not a quote, a blank, the delimiter, an end of a line, or beyond ASCII */
} bp_csv_options;

/** Fills in the defaults of bp_csv_options_defaults() for a struct of `struct_size` bytes. Null: nothing is done. */
BP_API void bp_csv_options_init(bp_csv_options *options, size_t struct_size);

/** Options with the defaults above. */
static inline bp_csv_options bp_csv_options_defaults(void) {
    bp_csv_options bp_made;
    bp_csv_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/** A table that has been read. */
typedef struct bp_csv bp_csv;

/**
 * Reads a table; its texts are looked at later. It takes the size of the file, 16 bytes a row, and 4 bytes a field for
 * where it begins, so that columns are found as fast as rows; at most twice that, as it grows. `options` may be null:
 * all defaults.
 *
 * BP_ERROR_NULL, BP_ERROR_VALUE (an option, struct_size), BP_ERROR_FILE, BP_ERROR_MEMORY; BP_ERROR_FORMAT, with line
 * and column, for a quote inside an unquoted field or without its counterpart, a carriage return outside of quotes
 * without a line feed, a NUL, UTF-16, a record with more or fewer fields than the first, or a file without a record;
 * BP_ERROR_OVERFLOW for a record of more than 4 GiB. On error *csv is set to
 * null.
 */
BP_API bp_status bp_csv_open(const char *path, const bp_csv_options *options, bp_csv **csv, bp_file_error *error);

/** The same for a file in memory, `size` bytes; they are copied. */
BP_API bp_status bp_csv_open_memory(const void *bytes, size_t size, const bp_csv_options *options, bp_csv **csv,
                                    bp_file_error *error);

/** Frees a table; its texts are gone. Null is allowed. */
BP_API void bp_csv_close(bp_csv *csv);

/** Records but for the header and those left out; 0 for null. */
BP_API size_t bp_csv_rows(const bp_csv *csv);

/** Fields of a record; 0 for null. */
BP_API size_t bp_csv_columns(const bp_csv *csv);

/** Records left out because of a missing field; 0 for null. */
BP_API size_t bp_csv_skipped(const bp_csv *csv);

/** A column's name; null if there is no header or no such column. */
BP_API const char *bp_csv_name(const bp_csv *csv, size_t column);

/** The first column of that name, from 0. BP_ERROR_NULL; BP_ERROR_MISMATCH if there is none. */
BP_API bp_status bp_csv_find(const bp_csv *csv, const char *name, size_t *column);

/** A field without its quotes; null if there is no such row or column. */
BP_API const char *bp_csv_field(const bp_csv *csv, size_t row, size_t column);

/**
 * values[n * stride + j] = the number in row n, column `first` + j, for all rows and j < count; stride 0: packed.
 *
 * A number is decimal, as in -12, .5, 1.25e-3, or inf, infinity or nan in any case, with blanks around it; it is
 * rounded to the nearest binary32, ties to even, in any locale. Missing fields: see bp_csv_missing.
 *
 * BP_ERROR_NULL, BP_ERROR_VALUE (columns), BP_ERROR_SIZE (count is 0, or a stride smaller than it), BP_ERROR_OVERFLOW,
 * BP_ERROR_ALIGNMENT, BP_ERROR_MEMORY; BP_ERROR_FORMAT, with line and column, for anything else in a field, or a number
 * beyond binary32's range.
 */
BP_API bp_status bp_csv_numbers(const bp_csv *csv, size_t first, size_t count, float *values, size_t stride,
                                bp_file_error *error);

/**
 * The same, but each number x becomes (x - offset) * factor in binary64 before it is rounded to binary32: times like
 * 1700000060 keep their differences so. offset[j] and factor[j] belong to column `first` + j if change->count is
 * `count`; a null `change` changes nothing. x is rounded to the nearest binary64 first, ties to even.
 *
 * Errors as there; besides, BP_ERROR_SIZE (change->count is not 0, 1 or `count`), BP_ERROR_VALUE (an offset or a factor
 * that is not finite), BP_ERROR_ALIGNMENT of theirs, and BP_ERROR_FORMAT for a result beyond binary32's range.
 */
BP_API bp_status bp_csv_numbers_shifted(const bp_csv *csv, size_t first, size_t count, const bp_shift_scale *change,
                                        float *values, size_t stride, bp_file_error *error);

/** bp_csv_numbers with values rounded to the nearest binary64, ties to even; see bp_scaling_fit_double of data.h. */
BP_API bp_status bp_csv_doubles(const bp_csv *csv, size_t first, size_t count, double *values, size_t stride,
                                bp_file_error *error);

/**
 * The distinct texts of a column, in the order of their bytes: names[k] for k < *count, of at most `room`. They belong
 * to the table. BP_ERROR_NULL, BP_ERROR_VALUE (column), BP_ERROR_MEMORY, BP_ERROR_FORMAT (a missing field),
 * BP_ERROR_SIZE (more than `room`).
 */
BP_API bp_status bp_csv_classes(const bp_csv *csv, size_t column, const char **names, size_t room, size_t *count,
                                bp_file_error *error);

/**
 * labels[n] = the k for which names[k] is the text in row n, column `column`; names are distinct, in any order, those
 * of another table perhaps. BP_ERROR_NULL, BP_ERROR_VALUE (column, or two equal names), BP_ERROR_SIZE (count is 0 or
 * exceeds 2^32), BP_ERROR_ALIGNMENT, BP_ERROR_MEMORY; BP_ERROR_LABEL, with line and column, for a text that is none of
 * them.
 */
BP_API bp_status bp_csv_labels(const bp_csv *csv, size_t column, const char *const *names, size_t count,
                               uint32_t *labels, bp_file_error *error);

BP_END_DECLS

#endif
