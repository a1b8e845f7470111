/*
 * Tables in CSV files, as in Y. Shafranovich, "Common format and MIME type for comma-separated values (CSV) files",
 * RFC 4180, 2005.
 *
 * LF or CRLF separates records; it is optional after the last one. A field in double quotes may contain delimiters,
 * line breaks, and quotes, each written twice. Every record has as many fields as the first. Beyond the RFC:
 *
 * - A byte order mark at the start is skipped.
 * - Lines that contain only blanks are skipped. (A record of one empty field must be written with quotes.) Blanks are
 *   spaces and tabs, except for the one that is the delimiter.
 * - Blanks around a field are skipped; blanks inside quotes are part of the field. So " ?" is "?", the missing text of
 *   many tables.
 * - If every record, the header included, has a delimiter at its end, that delimiter does not begin another field. If
 *   any record has something after its last delimiter, even "", that is a column.
 * - Options allow runs of blanks as delimiters, and comments, as numpy.savetxt writes them: see bp_csv_options.
 *
 * Example:
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

/** Treatment of missing fields: fields that are empty, blank, or equal to bp_csv_options.missing_text. */
typedef enum bp_csv_missing {
    BP_CSV_MISSING_ERROR = 0, /* reading a missing number or label is BP_ERROR_FORMAT */
    BP_CSV_MISSING_NAN,       /* a missing number is read as NaN; reading a missing label is BP_ERROR_FORMAT */
    BP_CSV_MISSING_SKIP       /* rows with a missing field, in any column, are left out */
} bp_csv_missing;

/** Options of bp_csv_open, made by bp_csv_options_defaults. */
typedef struct bp_csv_options {
    size_t struct_size;       /* sizeof(bp_csv_options), set by bp_csv_options_defaults */
    bool header;              /* the first record names the columns; default false */
    char delimiter;           /* default ','. Not a quote, a line break or a byte beyond ASCII. 0: runs of blanks
                                 separate fields, and blanks at the start and end of a line are skipped, as with
                                 numpy.loadtxt's delimiter=None */
    bp_csv_missing missing;   /* default BP_CSV_MISSING_ERROR */
    const char *missing_text; /* for example "NA"; default null: none. Blanks around it are ignored. Only bp_csv_open
                                 uses it */
    char comment;             /* default 0: no comments. Otherwise this character, outside quotes, begins a comment that
                                 extends to the end of the line, like '#' in NumPy. Not a quote, a blank, the delimiter,
                                 a line break or a byte beyond ASCII */
} bp_csv_options;

/** Sets the defaults in the first struct_size bytes of a struct. Does nothing for null. */
BP_API void bp_csv_options_init(bp_csv_options *options, size_t struct_size);

/** Options with the defaults above. */
static inline bp_csv_options bp_csv_options_defaults(void) {
    bp_csv_options bp_made;
    bp_csv_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/** A table that was read. */
typedef struct bp_csv bp_csv;

/**
 * Reads a table. Null `options` are the defaults. The texts of fields are converted later, by the functions below.
 *
 * The table takes the size of the file, 16 bytes for each row, and 4 bytes for each field: its offset, which makes
 * columns as fast to find as rows. Because arrays grow by doubling, it takes at most twice that.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for an option or its struct_size; BP_ERROR_FILE; BP_ERROR_MEMORY;
 * BP_ERROR_OVERFLOW for a record of more than 4 GiB; and BP_ERROR_FORMAT, with line and column, for:
 *
 * - a quote inside an unquoted field, or without its counterpart
 * - a carriage return outside quotes without a line feed
 * - a NUL, UTF-16
 * - a record with more or fewer fields than the first
 * - a file without a record
 *
 * On error *csv is set to null.
 */
BP_API bp_status bp_csv_open(const char *path, const bp_csv_options *options, bp_csv **csv, bp_file_error *error);

/** The same for a file in memory of `size` bytes. The bytes are copied. */
BP_API bp_status bp_csv_open_memory(const void *bytes, size_t size, const bp_csv_options *options, bp_csv **csv,
                                    bp_file_error *error);

/** Frees a table and all texts that it returned. Null is allowed. */
BP_API void bp_csv_close(bp_csv *csv);

/** Number of records, without the header and skipped records; 0 for null. */
BP_API size_t bp_csv_rows(const bp_csv *csv);

/** Number of fields of a record; 0 for null. */
BP_API size_t bp_csv_columns(const bp_csv *csv);

/** Number of records that were left out because a field was missing; 0 for null. */
BP_API size_t bp_csv_skipped(const bp_csv *csv);

/** Name of a column; null if there is no header or no such column. */
BP_API const char *bp_csv_name(const bp_csv *csv, size_t column);

/** *column = the first column with this name, counted from 0. Errors: BP_ERROR_NULL; BP_ERROR_MISMATCH if there is
 *  none. */
BP_API bp_status bp_csv_find(const bp_csv *csv, const char *name, size_t *column);

/** Text of a field, without its quotes; null if there is no such row or column. */
BP_API const char *bp_csv_field(const bp_csv *csv, size_t row, size_t column);

/**
 * values[n * stride + j] = the number in row n and column `first` + j, for all rows and j < count; stride 0: packed.
 *
 * A number is decimal, such as -12, .5 or 1.25e-3, or it is inf, infinity or nan in upper or lower case. Blanks may
 * surround it. It is rounded to the nearest binary32, ties to even; the locale does not matter. bp_csv_missing
 * determines the treatment of missing fields.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for columns that the table does not have; BP_ERROR_SIZE if count is 0 or the
 * stride is less than count; BP_ERROR_OVERFLOW; BP_ERROR_ALIGNMENT; BP_ERROR_MEMORY; BP_ERROR_FORMAT, with line and
 * column, for a field that is not a number, and for a number beyond binary32's range.
 */
BP_API bp_status bp_csv_numbers(const bp_csv *csv, size_t first, size_t count, float *values, size_t stride,
                                bp_file_error *error);

/**
 * The same, but each number x becomes (x - offset) * factor in binary64 before it is rounded to binary32. This
 * preserves the differences of large numbers, such as times near 1700000060. x itself is rounded to the nearest
 * binary64 first, ties to even. If change->count is `count`, offset[j] and factor[j] belong to column `first` + j. If
 * `change` is null, numbers stay unchanged.
 *
 * Errors: those of bp_csv_numbers; BP_ERROR_SIZE if change->count is not 0, 1 or `count`; BP_ERROR_VALUE for an offset
 * or a factor that is not finite; BP_ERROR_ALIGNMENT for their arrays; BP_ERROR_FORMAT for a result beyond binary32's
 * range.
 */
BP_API bp_status bp_csv_numbers_shifted(const bp_csv *csv, size_t first, size_t count, const bp_shift_scale *change,
                                        float *values, size_t stride, bp_file_error *error);

/** As bp_csv_numbers, with values rounded to the nearest binary64, ties to even; for example for bp_scaling_fit_double
 *  (data.h). */
BP_API bp_status bp_csv_doubles(const bp_csv *csv, size_t first, size_t count, double *values, size_t stride,
                                bp_file_error *error);

/**
 * Lists the distinct texts of a column in byte order: names[k] for k < *count, at most `room`. The names belong to the
 * table.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for the column; BP_ERROR_MEMORY; BP_ERROR_FORMAT for a missing field;
 * BP_ERROR_SIZE if there are more than `room` names.
 */
BP_API bp_status bp_csv_classes(const bp_csv *csv, size_t column, const char **names, size_t room, size_t *count,
                                bp_file_error *error);

/**
 * labels[n] = the index k of the name that equals the text in row n of the column. The names must be distinct. They may
 * be in any order, and may come from another table.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for the column, and for two equal names; BP_ERROR_SIZE if count is 0 or more
 * than 2^32; BP_ERROR_ALIGNMENT; BP_ERROR_MEMORY; BP_ERROR_LABEL, with line and column, for a text that is not among
 * the names.
 */
BP_API bp_status bp_csv_labels(const bp_csv *csv, size_t column, const char *const *names, size_t count,
                               uint32_t *labels, bp_file_error *error);

BP_END_DECLS

#endif
