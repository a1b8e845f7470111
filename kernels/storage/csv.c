#include <backprop/csv.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "sized.h"
#include "storage/csv_parse.h"
#include "storage/error.h"
#include "storage/kind.h"
#include "storage/source.h"
#include "storage/text.h"

/* ---- Opening -------------------------------------------------------------------------------------------------- */

static const bp_csv_options defaults = {.struct_size = sizeof(bp_csv_options), .delimiter = ','};

void bp_csv_options_init(bp_csv_options *options, size_t struct_size) {
    sized_write(options, struct_size, &defaults, sizeof defaults);
}

/* `given` may be null. */
static bp_status read_options(bp_csv_options *options, const bp_csv_options *given, bp_file_error *error) {
    *options = defaults;
    const bp_status status = sized_read(options, sizeof *options, SIZED_END(bp_csv_options, comment), given, "options",
                                        "bp_csv_options_defaults()");
    return status == BP_OK ? BP_OK : bp_file_fail(error, status, "%s", bp_error_message());
}

static bool is_sign(char sign) {
    return !strchr("\"\r\n", sign) && (unsigned char)sign <= 0x7f;
}

static bp_status check_options(const bp_csv_options *o, bp_file_error *error) {
    if (o->delimiter && !is_sign(o->delimiter))
        return bp_file_fail(error, BP_ERROR_VALUE,
                            "options.delimiter is outside its range: a quote, an end of a line or "
                            "a byte beyond ASCII");
    if (o->comment && (!is_sign(o->comment) || strchr(" \t", o->comment) || o->comment == o->delimiter))
        return bp_file_fail(error, BP_ERROR_VALUE,
                            "options.comment is outside its range: a quote, a blank, the "
                            "delimiter, an end of a line or a byte beyond ASCII");
    if ((unsigned)o->missing > BP_CSV_MISSING_SKIP)
        return bp_file_fail(error, BP_ERROR_VALUE, "options.missing is %d, outside the range of bp_csv_missing",
                            (int)o->missing);
    return BP_OK;
}

static bp_status open_source(const bp_source *source, const bp_csv_options *given, bp_csv **csv, bp_file_error *error) {
    bp_csv_options options;
    bp_status status = read_options(&options, given, error);
    if (status == BP_OK)
        status = check_options(&options, error);
    if (status != BP_OK)
        return status;
    if (source->size > PTRDIFF_MAX)
        return bp_file_fail(error, BP_ERROR_OVERFLOW, "the file is larger than the address range");
    bp_csv *made = calloc(1, sizeof *made);
    if (!made)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    made->missing = options.missing;
    unsigned char *text;
    status = bp_source_copy(source, 0, (size_t)source->size, &text, error);
    if (status == BP_OK) {
        made->text = (char *)text;
        status = bp_csv_parse(made, (size_t)source->size, &options, error);
        status = bp_kind_refine(source, BP_KIND_CSV, status, error);
    }
    if (status == BP_OK)
        *csv = made;
    else
        bp_csv_close(made);
    return status;
}

static bp_status open_location(bp_location from, const bp_csv_options *options, bp_csv **csv, bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!csv)
        return bp_file_fail(error, BP_ERROR_NULL, "csv is null");
    *csv = NULL;
    bp_source source;
    bp_status status = bp_source_open(&source, from, error);
    if (status == BP_OK) {
        status = open_source(&source, options, csv, error);
        bp_source_close(&source);
    }
    return status;
}

bp_status bp_csv_open(const char *path, const bp_csv_options *options, bp_csv **csv, bp_file_error *error) {
    return open_location(bp_at_path(path), options, csv, error);
}

bp_status bp_csv_open_memory(const void *bytes, size_t size, const bp_csv_options *options, bp_csv **csv,
                             bp_file_error *error) {
    return open_location(bp_in_memory(bytes, size), options, csv, error);
}

void bp_csv_close(bp_csv *csv) {
    if (!csv)
        return;
    free(csv->text);
    free(csv->records);
    free(csv->fields);
    free(csv);
}

/* ---- Texts ---------------------------------------------------------------------------------------------------- */

size_t bp_csv_rows(const bp_csv *csv) {
    return csv ? csv->rows : 0;
}

size_t bp_csv_columns(const bp_csv *csv) {
    return csv ? csv->columns : 0;
}

size_t bp_csv_skipped(const bp_csv *csv) {
    return csv ? csv->skipped : 0;
}

const char *bp_csv_name(const bp_csv *csv, size_t column) {
    return csv && csv->named && column < csv->columns ? csv->text + csv->records[0].at + csv->fields[column] : NULL;
}

/* Names of columns, as many as there is room for. */
static void list_columns(char *list, size_t size, const bp_csv *csv) {
    size_t filled = 0, k = 0;
    *list = '\0';
    for (; k < csv->columns && filled + strlen(bp_csv_name(csv, k)) + sizeof ", ..." < size; k++)
        filled += (size_t)snprintf(list + filled, size - filled, "%s%s", k ? ", " : "", bp_csv_name(csv, k));
    if (k < csv->columns)
        snprintf(list + filled, size - filled, "%s...", k ? ", " : "");
}

bp_status bp_csv_find(const bp_csv *csv, const char *name, size_t *column) {
    if (!csv || !name || !column)
        return bp_fail(BP_ERROR_NULL, "%s is null", !csv ? "csv" : !name ? "name" : "column");
    for (size_t k = 0; csv->named && k < csv->columns; k++)
        if (strcmp(bp_csv_name(csv, k), name) == 0) {
            *column = k;
            return BP_OK;
        }
    if (!csv->named)
        return bp_fail(BP_ERROR_MISMATCH, "name is '%.60s', and the table has no header: set options.header", name);
    char list[120];
    list_columns(list, sizeof list, csv);
    return bp_fail(BP_ERROR_MISMATCH, "name is '%.60s', and none of the %zu columns has this name: %s", name,
                   csv->columns, list);
}

const char *bp_csv_field(const bp_csv *csv, size_t row, size_t column) {
    return row < bp_csv_rows(csv) && column < csv->columns ? bp_csv_at(csv, row, column) : NULL;
}

/* ---- Classes -------------------------------------------------------------------------------------------------- */

static bp_status column_refuse(const bp_csv *csv, size_t column, bp_file_error *error) {
    return bp_file_fail(error, BP_ERROR_VALUE, "column is %zu, and must be below %zu, the table's columns", column,
                        csv->columns);
}

static bp_status missing_label(const bp_csv *csv, size_t row, size_t column, bp_file_error *error) {
    return bp_csv_fail(error, BP_ERROR_FORMAT, bp_csv_line(csv, row), column + 1, "a label is missing");
}

bp_status bp_csv_classes(const bp_csv *csv, size_t column, const char **names, size_t room, size_t *count,
                         bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!csv || !names || !count)
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", !csv ? "csv" : !names ? "names" : "count");
    if (column >= csv->columns)
        return column_refuse(csv, column, error);
    const char **texts = calloc(csv->rows + 1, sizeof *texts);
    if (!texts)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    bp_status status = BP_OK;
    for (size_t n = 0; n < csv->rows && status == BP_OK; n++) {
        texts[n] = bp_csv_field(csv, n, column);
        if (*texts[n] == '\0')
            status = missing_label(csv, n, column, error);
    }
    if (status == BP_OK) {
        size_t distinct = 0;
        bp_texts_sort(texts, csv->rows);
        for (size_t n = 0; n < csv->rows; n++)
            if (n == 0 || strcmp(texts[n], texts[distinct - 1]) != 0)
                texts[distinct++] = texts[n];
        if (distinct > room) {
            status = bp_file_fail(error, BP_ERROR_SIZE, "column %zu has %zu classes, and there is room for %zu",
                                  column + 1, distinct, room);
        } else {
            memcpy(names, texts, distinct * sizeof *texts);
            *count = distinct;
        }
    }
    free(texts);
    return status;
}

typedef struct class_name {
    const char *name;
    uint32_t label;
} class_name;

static int compare_classes(const void *a, const void *b) {
    const class_name *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static bp_status make_classes(class_name *classes, const char *const *names, size_t count, bp_file_error *error) {
    for (size_t k = 0; k < count; k++) {
        if (!names[k])
            return bp_file_fail(error, BP_ERROR_NULL, "names[%zu] is null", k);
        classes[k] = (class_name){names[k], (uint32_t)k};
    }
    qsort(classes, count, sizeof *classes, compare_classes);
    for (size_t k = 1; k < count; k++)
        if (strcmp(classes[k - 1].name, classes[k].name) == 0)
            return bp_file_fail(error, BP_ERROR_VALUE, "names[%lu] and names[%lu] are both '%.60s'",
                                (unsigned long)classes[k - 1].label, (unsigned long)classes[k].label, classes[k].name);
    return BP_OK;
}

/* Says which classes there are, as many as there is room for. */
static bp_status unknown_label(const bp_csv *csv, size_t row, size_t column, const char *const *names, size_t count,
                               bp_file_error *error) {
    char list[sizeof error->text / 2];
    size_t filled = 0, k = 0;
    for (; k < count; k++) {
        const size_t length = strlen(names[k]) + sizeof "'', " - 1;
        if (filled + length + sizeof " and 18446744073709551615 more" > sizeof list)
            break;
        filled += (size_t)snprintf(list + filled, sizeof list - filled, "%s'%s'", k ? ", " : "", names[k]);
    }
    if (k < count)
        snprintf(list + filled, sizeof list - filled, "%s%zu%s", k ? " and " : "", count - k, k ? " more" : " of them");
    return bp_csv_fail(error, BP_ERROR_LABEL, bp_csv_line(csv, row), column + 1,
                       "none of the classes: '%.60s'; names has %s", bp_csv_field(csv, row, column), list);
}

static bp_status read_labels(const bp_csv *csv, size_t column, const char *const *names, const class_name *classes,
                             size_t count, uint32_t *labels, bp_file_error *error) {
    for (size_t n = 0; n < csv->rows; n++) {
        const class_name wanted = {bp_csv_field(csv, n, column), 0};
        const class_name *found = bsearch(&wanted, classes, count, sizeof *classes, compare_classes);
        if (!found && *wanted.name == '\0')
            return missing_label(csv, n, column, error);
        if (!found)
            return unknown_label(csv, n, column, names, count, error);
        if (labels)
            labels[n] = found->label;
    }
    return BP_OK;
}

bp_status bp_csv_labels(const bp_csv *csv, size_t column, const char *const *names, size_t count, uint32_t *labels,
                        bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!csv || !names || !labels)
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", !csv ? "csv" : !names ? "names" : "labels");
    if (column >= csv->columns)
        return column_refuse(csv, column, error);
    if (count == 0 || (uint64_t)count > UINT64_C(1) << 32)
        return bp_file_fail(error, BP_ERROR_SIZE, "count is %zu, and must be from 1 to 2^32", count);
    if ((uintptr_t)labels % sizeof *labels != 0)
        return bp_file_fail(error, BP_ERROR_ALIGNMENT,
                            "labels lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes", (uintptr_t)labels,
                            sizeof *labels);
    class_name *classes = calloc(count, sizeof *classes);
    if (!classes)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    bp_status status = make_classes(classes, names, count, error);
    if (status == BP_OK && (status = read_labels(csv, column, names, classes, count, NULL, error)) == BP_OK)
        status = read_labels(csv, column, names, classes, count, labels, error);
    free(classes);
    return status;
}
