/* A table in memory: the file's bytes, with a NUL at the end of each field, and where each begins.
 */
#ifndef BP_STORAGE_CSV_PARSE_H
#define BP_STORAGE_CSV_PARSE_H

#include <backprop/csv.h>

typedef struct csv_record {
    size_t at;   /* offset of its first field in the text */
    size_t line; /* of the file, from 1, where it begins */
} csv_record;

struct bp_csv {
    char *text;
    csv_record *records; /* the header, if there is one, is the first */
    uint32_t *fields;    /* [records x stride]: where each begins, from the record's own beginning */
    size_t rows, room, field_room;
    size_t columns, stride, skipped;
    bool named;
    bp_csv_missing missing;
};

/** A field of the table's rows, which the caller has checked. */
static inline const char *bp_csv_at(const bp_csv *csv, size_t row, size_t column) {
    const size_t n = row + csv->named;
    return csv->text + csv->records[n].at + csv->fields[n * csv->stride + column];
}

/** The line on which a row begins. */
static inline size_t bp_csv_line(const bp_csv *csv, size_t row) {
    return csv->records[row + csv->named].line;
}

/** A hint for the message about a text that looks like a comment; else an empty text. */
const char *bp_csv_hint(const char *text);

/** Sets the message for a line and a column, which count from 1 (0: none), and returns `status`. */
bp_status bp_csv_fail(bp_file_error *error, bp_status status, size_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/** Fills in the table from its text, which is `size` bytes and a NUL. A missing field becomes empty. */
bp_status bp_csv_parse(bp_csv *csv, size_t size, const bp_csv_options *options, bp_file_error *error);

#endif
