#include "storage/csv_parse.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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

/*
 * Fields stay in the text: a NUL overwrites the character after a field, once that has been read. Only quotes within
 * quotes move characters.
 */
typedef struct parser {
    bp_csv *csv;
    size_t size, at; /* of the text; the next byte */
    size_t line, fields;
    char delimiter, comment; /* delimiter '\0': runs of blanks */
    const char *missing_text;
    size_t missing_size;
    bool blank[256];    /* characters that are skipped around fields */
    bool stops[256];    /* characters that terminate a field without quotes */
    bool all_end_empty; /* every record so far ended with a delimiter and nothing after it */
    bp_file_error *error;
} parser;

#define NUL_FOUND "a NUL: the file is no text, or one in UTF-16"

typedef enum field_end { END_OF_FIELD, END_OF_RECORD } field_end;

/* The next byte; a NUL at the end of the text. */
static unsigned char next(const parser *p) {
    return (unsigned char)p->csv->text[p->at];
}

static void skip_blanks(parser *p) {
    while (p->blank[next(p)])
        p->at++;
}

static void skip_comment(parser *p) {
    if (p->comment && next(p) == (unsigned char)p->comment)
        while (p->at < p->size && next(p) != '\n')
            p->at++;
}

/* Reads the end of a line; false if there is none here. */
static bool skip_line_end(parser *p) {
    const char *text = p->csv->text + p->at;
    if (*text != '\n' && !(*text == '\r' && text[1] == '\n'))
        return false;
    p->at += *text == '\n' ? 1 : 2;
    p->line++;
    return true;
}

static bp_status refuse(const parser *p, size_t column, const char *what) {
    return bp_csv_fail(p->error, BP_ERROR_FORMAT, p->line, column, "%s", what);
}

/* Reads a delimiter or the end of a record. `apart`: blanks came before. */
static bp_status read_field_end(parser *p, size_t column, bool quoted, bool apart, field_end *end) {
    const unsigned char sign = next(p);
    *end = END_OF_FIELD;
    if (p->delimiter && sign == (unsigned char)p->delimiter) {
        p->at++;
        return BP_OK;
    }
    *end = END_OF_RECORD;
    skip_comment(p);
    if (p->at == p->size || skip_line_end(p))
        return BP_OK;
    if (sign == '\r')
        return refuse(p, column, "a carriage return without a line feed");
    if (sign == '\0')
        return refuse(p, column, NUL_FOUND);
    *end = END_OF_FIELD;
    if (!p->delimiter && apart)
        return BP_OK;
    return refuse(p, column,
                  quoted ? "something after the quote that closes a field"
                         : "a quote inside a field that is not quoted");
}

/* Reads from after the opening quote to after the closing one; *size is that of the text between them. */
static bp_status read_quoted(parser *p, size_t column, size_t *size) {
    char *text = p->csv->text;
    const size_t line = p->line, begin = p->at;
    size_t to = begin;
    while (p->at < p->size) {
        const char sign = text[p->at++];
        if (sign == '"' && text[p->at] != '"') {
            *size = to - begin;
            return BP_OK;
        }
        if (sign == '\0')
            return refuse(p, column, NUL_FOUND);
        p->at += sign == '"';
        p->line += sign == '\n';
        text[to++] = sign;
    }
    return bp_csv_fail(p->error, BP_ERROR_FORMAT, line, column, "a quoted field has no end");
}

/* Reads a field without quotes; returns its size without trailing blanks. */
static size_t read_plain(parser *p) {
    const char *text = p->csv->text;
    size_t at = p->at, end;
    while (!p->stops[(unsigned char)text[at]])
        at++;
    for (end = at; end > p->at && p->blank[(unsigned char)text[end - 1]];)
        end--;
    const size_t size = end - p->at;
    p->at = at;
    return size;
}

static bool is_missing(const parser *p, const char *field, size_t size) {
    if (p->missing_text && size == p->missing_size && memcmp(field, p->missing_text, size) == 0)
        return true;
    while (size > 0 && (*field == ' ' || *field == '\t')) {
        field++;
        size--;
    }
    return size == 0;
}

/* Reads one field and the delimiter after it; a missing one becomes empty. */
static bp_status read_field(parser *p, size_t column, size_t *begin, bool *empty, field_end *end) {
    skip_blanks(p);
    const bool quoted = next(p) == '"';
    p->at += quoted;
    *begin = p->at;
    size_t size = 0;
    bp_status status = BP_OK;
    if (quoted)
        status = read_quoted(p, column, &size);
    else
        size = read_plain(p);
    if (status != BP_OK)
        return status;
    *empty = !quoted && size == 0;
    const size_t after = p->at;
    skip_blanks(p);
    /* Read the delimiter first: the NUL may overwrite it. */
    status = read_field_end(p, column, quoted, p->at > after, end);
    char *field = p->csv->text + *begin;
    field[is_missing(p, field, size) ? 0 : size] = '\0';
    return status;
}

/* The array, perhaps moved, with room for one more than `count` elements; null: no memory, and the array is unchanged.
 */
static void *with_room(void *array, size_t count, size_t *room, size_t size) {
    if (count < *room)
        return array;
    const size_t more = *room ? 2 * *room : 64;
    void *moved = more <= PTRDIFF_MAX / size ? realloc(array, more * size) : NULL;
    if (moved)
        *room = more;
    return moved;
}

static bp_status add_field(parser *p, size_t offset) {
    bp_csv *csv = p->csv;
    if (offset > UINT32_MAX)
        return bp_csv_fail(p->error, BP_ERROR_OVERFLOW, p->line, 0, "a record is longer than 4 GiB");
    uint32_t *fields = with_room(csv->fields, p->fields, &csv->field_room, sizeof *fields);
    if (!fields)
        return bp_file_refuse(p->error, BP_ERROR_MEMORY);
    csv->fields = fields;
    fields[p->fields++] = (uint32_t)offset;
    return BP_OK;
}

static bp_status add_record(bp_csv *csv, csv_record record, bp_file_error *error) {
    csv_record *records = with_room(csv->records, csv->rows, &csv->room, sizeof record);
    if (!records)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    csv->records = records;
    records[csv->rows++] = record;
    return BP_OK;
}

static const char *comment_hint(const bp_csv *csv, const csv_record *record) {
    const char *first = bp_csv_hint(csv->text + csv->records[0].at);
    return *first ? first : bp_csv_hint(csv->text + record->at);
}

/* Reads the fields of a record. */
static bp_status read_record(parser *p, const csv_record *record) {
    size_t columns = 0;
    bool empty = false;
    field_end end = END_OF_FIELD;
    bp_csv *csv = p->csv;
    while (end == END_OF_FIELD && (csv->stride == 0 || columns <= csv->stride)) {
        size_t begin;
        bp_status status = read_field(p, ++columns, &begin, &empty, &end);
        if (status == BP_OK)
            status = add_field(p, begin - record->at);
        if (status != BP_OK)
            return status;
    }
    if (csv->stride > 0 && columns != csv->stride)
        return bp_csv_fail(p->error, BP_ERROR_FORMAT, record->line, 0, "%s fields than the first record's %zu%s",
                           columns > csv->stride ? "more" : "fewer", csv->stride, comment_hint(csv, record));
    csv->stride = columns;
    p->all_end_empty &= empty;
    return BP_OK;
}

static bp_status read_records(parser *p) {
    for (;;) {
        const csv_record record = {p->at, p->line};
        skip_blanks(p);
        skip_comment(p);
        if (p->at == p->size)
            return BP_OK;
        if (skip_line_end(p)) /* an empty line is no record */
            continue;
        p->at = record.at;
        bp_status status = read_record(p, &record);
        if (status == BP_OK)
            status = add_record(p->csv, record, p->error);
        if (status != BP_OK)
            return status;
    }
}

/* Removes the rows in which a field is missing. */
static void skip_incomplete(bp_csv *csv) {
    size_t rows = 0;
    for (size_t n = 0; n < csv->rows; n++) {
        size_t j = 0;
        while (j < csv->columns && *bp_csv_at(csv, n, j))
            j++;
        if (j < csv->columns)
            continue;
        const size_t from = n + csv->named, to = rows++ + csv->named;
        csv->records[to] = csv->records[from];
        memmove(csv->fields + to * csv->stride, csv->fields + from * csv->stride, csv->stride * sizeof *csv->fields);
    }
    csv->skipped = csv->rows - rows;
    csv->rows = rows;
}

/* Whether every other of the first bytes is a NUL, as in English text with two bytes per character. */
static bool looks_wide(const char *text, size_t size) {
    size_t nuls[2] = {0, 0};
    const size_t pairs = size / 2 < 32 ? size / 2 : 32;
    for (size_t k = 0; k < 2 * pairs; k++)
        nuls[k % 2] += text[k] == '\0';
    return pairs > 1 && nuls[0] + nuls[1] == pairs && (nuls[0] == 0 || nuls[1] == 0);
}

static bp_status check_encoding(const char *text, size_t size, bp_file_error *error) {
    const bool marked = size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
    if (marked || looks_wide(text, size))
        return bp_csv_fail(error, BP_ERROR_FORMAT, 1, 0, "the file is UTF-16, and must be UTF-8 or ASCII");
    return BP_OK;
}

static void set_signs(parser *p, const bp_csv_options *options) {
    p->delimiter = options->delimiter;
    p->comment = options->comment;
    p->blank[' '] = p->delimiter != ' ';
    p->blank['\t'] = p->delimiter != '\t';
    p->stops['\n'] = p->stops['\r'] = p->stops['"'] = p->stops['\0'] = true;
    p->stops[(unsigned char)p->delimiter] = p->stops[(unsigned char)p->comment] = true;
    p->stops[' '] |= !p->delimiter;
    p->stops['\t'] |= !p->delimiter;
}

static void set_missing_text(parser *p, const char *text) {
    if (!text)
        return;
    text += strspn(text, " \t");
    p->missing_text = text;
    p->missing_size = strlen(text);
    while (p->missing_size > 0 && strchr(" \t", text[p->missing_size - 1]))
        p->missing_size--;
}

bp_status bp_csv_parse(bp_csv *csv, size_t size, const bp_csv_options *options, bp_file_error *error) {
    parser p = {.csv = csv, .size = size, .line = 1, .all_end_empty = true, .error = error};
    set_signs(&p, options);
    set_missing_text(&p, options->missing_text);
    bp_status status = check_encoding(csv->text, size, error);
    if (status != BP_OK)
        return status;
    if (size >= 3 && memcmp(csv->text, "\xef\xbb\xbf", 3) == 0)
        p.at = 3;
    if ((status = read_records(&p)) != BP_OK)
        return status;
    if (csv->rows == 0)
        return bp_csv_fail(error, BP_ERROR_FORMAT, p.line, 0, "the file has no record");
    csv->columns = csv->stride - p.all_end_empty;
    csv->named = options->header;
    csv->rows -= csv->named;
    if (options->missing == BP_CSV_MISSING_SKIP)
        skip_incomplete(csv);
    return BP_OK;
}
