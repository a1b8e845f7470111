/* A table in memory: all fields' texts one after the other, each with a NUL after it. */
#ifndef BP_STORAGE_CSV_H
#define BP_STORAGE_CSV_H

#include <backprop/csv.h>

typedef struct csv_record {
    size_t at;   /* of its first field in the text */
    size_t line; /* of the file, from 1, on which it begins */
} csv_record;

struct bp_csv {
    char *text;
    size_t header; /* of the first name in the text */
    bool named;
    csv_record *records;
    size_t rows, room, columns, skipped;
    bp_csv_missing missing;
    const char *missing_text; /* null once the file is read: fields that are equal to it have become empty */
};

/** Fills in the table from its text, which is `size` bytes and a NUL. */
bp_status bp_csv_parse(bp_csv *csv, size_t size, bool header, char delimiter, bp_file_error *error);

/** Whether a field has nothing but blanks. */
bool bp_csv_blank(const char *field);

/** BP_ERROR_FORMAT, or another status, at a place of the file; both count from 1, 0: none. */
bp_status bp_csv_fail(bp_file_error *error, bp_status status, size_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
