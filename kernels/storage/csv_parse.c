#include "storage/csv.h"

#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

/*
 * The text is parsed where it lies: a field never grows, and the NUL after it takes the place of what ended it.
 */
typedef struct parser {
    bp_csv *csv;
    size_t size, from, to; /* of the text: all, read, written */
    size_t line;
    char delimiter;
    bp_file_error *error;
} parser;

typedef enum field_end { END_OF_FIELD, END_OF_RECORD, END_OF_FILE } field_end;

/* Reads what must follow a field. */
static bp_status read_field_end(parser *p, size_t column, field_end *end) {
    const char *text = p->csv->text;
    if (p->from == p->size) {
        *end = END_OF_FILE;
        return BP_OK;
    }
    const char sign = text[p->from++];
    *end = sign == p->delimiter ? END_OF_FIELD : END_OF_RECORD;
    if (sign == p->delimiter)
        return BP_OK;
    if (sign == '\r' && text[p->from] == '\n') /* at the end of the text, that is a NUL */
        p->from++;
    else if (sign == '\r')
        return bp_csv_fail(p->error, BP_ERROR_FORMAT, p->line, column, "a carriage return without a line feed");
    else if (sign == '\0')
        return bp_csv_fail(p->error, BP_ERROR_FORMAT, p->line, column, "a NUL");
    else if (sign == '"')
        return bp_csv_fail(p->error, BP_ERROR_FORMAT, p->line, column, "a quote inside a field that is not quoted");
    else if (sign != '\n')
        return bp_csv_fail(p->error, BP_ERROR_FORMAT, p->line, column, "something after the quote that ends a field");
    p->line++;
    return BP_OK;
}

static void read_plain(parser *p) {
    char *text = p->csv->text;
    while (p->from < p->size) {
        const char sign = text[p->from];
        if (sign == p->delimiter || sign == '\n' || sign == '\r' || sign == '"' || sign == '\0')
            return;
        text[p->to++] = sign;
        p->from++;
    }
}

/* After the first quote, to behind the last. */
static bp_status read_quoted(parser *p, size_t column) {
    char *text = p->csv->text;
    const size_t line = p->line;
    while (p->from < p->size) {
        const char sign = text[p->from++];
        if (sign == '"' && text[p->from] != '"')
            return BP_OK;
        if (sign == '\0')
            return bp_csv_fail(p->error, BP_ERROR_FORMAT, p->line, column, "a NUL");
        p->from += sign == '"';
        p->line += sign == '\n';
        text[p->to++] = sign;
    }
    return bp_csv_fail(p->error, BP_ERROR_FORMAT, line, column, "a quoted field has no end");
}

/* Reads one field to behind its end; a missing one becomes empty. */
static bp_status read_field(parser *p, size_t column, bool *missing, field_end *end) {
    const size_t begin = p->to;
    const bool quoted = p->from < p->size && p->csv->text[p->from] == '"';
    bp_status status = BP_OK;
    if (quoted) {
        p->from++;
        status = read_quoted(p, column);
    } else {
        read_plain(p);
    }
    /* What ends the field is read before the NUL is written: it may take that place. */
    if (status == BP_OK)
        status = read_field_end(p, column, end);
    char *field = p->csv->text + begin;
    p->csv->text[p->to++] = '\0';
    *missing = bp_csv_blank(field) || (p->csv->missing_text && strcmp(field, p->csv->missing_text) == 0);
    if (*missing && *field) {
        *field = '\0';
        p->to = begin + 1;
    }
    return status;
}

/* A line without anything is no record. */
static bool skip_empty_line(parser *p) {
    const char *at = p->csv->text + p->from;
    if (p->from == p->size || (*at != '\n' && !(*at == '\r' && at[1] == '\n')))
        return false;
    p->from += *at == '\n' ? 1 : 2;
    p->line++;
    return true;
}

static bp_status read_record(parser *p, csv_record *record, size_t *columns, bool *incomplete) {
    *record = (csv_record){p->to, p->line};
    *columns = 0;
    *incomplete = false;
    field_end end = END_OF_FIELD;
    while (end == END_OF_FIELD) {
        bool missing;
        const bp_status status = read_field(p, ++*columns, &missing, &end);
        if (status != BP_OK)
            return status;
        *incomplete |= missing;
        if (p->csv->columns > 0 && *columns > p->csv->columns)
            break;
    }
    if (p->csv->columns > 0 && *columns != p->csv->columns)
        return bp_csv_fail(p->error, BP_ERROR_FORMAT, record->line, 0, "%s fields than the first record's %zu",
                           *columns > p->csv->columns ? "more" : "fewer", p->csv->columns);
    return BP_OK;
}

static bp_status keep_record(bp_csv *csv, csv_record record, bp_file_error *error) {
    if (csv->rows == csv->room) {
        const size_t room = csv->room ? 2 * csv->room : 64;
        csv_record *moved = room <= PTRDIFF_MAX / sizeof record ? realloc(csv->records, room * sizeof record) : NULL;
        if (!moved)
            return bp_file_refuse(error, BP_ERROR_MEMORY);
        csv->records = moved;
        csv->room = room;
    }
    csv->records[csv->rows++] = record;
    return BP_OK;
}

bp_status bp_csv_parse(bp_csv *csv, size_t size, bool header, char delimiter, bp_file_error *error) {
    parser p = {.csv = csv, .size = size, .line = 1, .delimiter = delimiter, .error = error};
    if (size >= 3 && memcmp(csv->text, "\xef\xbb\xbf", 3) == 0)
        p.from = 3;
    while (p.from < p.size) {
        if (skip_empty_line(&p))
            continue;
        csv_record record;
        bool incomplete;
        size_t columns;
        bp_status status = read_record(&p, &record, &columns, &incomplete);
        if (status != BP_OK)
            return status;
        const bool first = csv->columns == 0;
        csv->columns = columns;
        if (first && header) {
            csv->header = record.at;
            csv->named = true;
        } else if (incomplete && csv->missing == BP_CSV_MISSING_SKIP) {
            p.to = record.at;
            csv->skipped++;
        } else if ((status = keep_record(csv, record, error)) != BP_OK) {
            return status;
        }
    }
    if (csv->columns == 0)
        return bp_csv_fail(error, BP_ERROR_FORMAT, p.line, 0, "the file has no record");
    return BP_OK;
}
