/* The numbers of a table: as floats, as doubles, or as floats after an offset and a factor. */
#include <backprop/csv.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "float_environment.h"
#include "platform/plain.h"
#include "storage/csv_parse.h"
#include "storage/decimal.h"
#include "storage/error.h"

/* The columns to read, and the array that receives them. */
typedef struct reading {
    const bp_csv *csv;
    size_t first, count, stride; /* columns, elements between rows */
    void *values;
    bool wide;             /* doubles */
    bp_shift_scale change; /* of floats; count 0: none */
} reading;

/* Reads field j of the wanted columns into values[k]. Null, or what is wrong with the field. */
typedef const char *read_fn(const reading *r, const char *field, size_t j, size_t k);

static const char *read_float(const reading *r, const char *field, size_t j, size_t k) {
    (void)j;
    float value = NAN;
    const char *problem = *field ? bp_decimal_float(field, &value) : NULL;
    if (!problem)
        ((float *)r->values)[k] = value;
    return problem;
}

static const char *read_double(const reading *r, const char *field, size_t j, size_t k) {
    (void)j;
    double value = NAN;
    const char *problem = *field ? bp_decimal_double(field, &value) : NULL;
    if (!problem)
        ((double *)r->values)[k] = value;
    return problem;
}

static const char *read_changed(const reading *r, const char *field, size_t j, size_t k) {
    double value = NAN;
    const char *problem = *field ? bp_decimal_double(field, &value) : NULL;
    if (problem)
        return problem;
    const size_t c = r->change.count == 1 ? 0 : j;
    const double offset = r->change.offset ? r->change.offset[c] : 0.0;
    const double factor = r->change.factor ? r->change.factor[c] : 1.0;
    const float changed = (float)((value - offset) * factor);
    if (isinf(changed) && !isinf(value))
        return "beyond the range of binary32 after offset and factor";
    ((float *)r->values)[k] = changed;
    return NULL;
}

/* The fields of a few columns lie far apart: prefetches those of later rows, first their offsets, then their text. */
static void prefetch_ahead(const reading *r, size_t n) {
    enum { OFFSETS = 64, TEXTS = 32 };
    const bp_csv *csv = r->csv;
    if (n + OFFSETS < csv->rows)
        __builtin_prefetch(csv->fields + (n + OFFSETS + csv->named) * csv->stride + r->first);
    if (n + TEXTS < csv->rows)
        __builtin_prefetch(bp_csv_at(csv, n + TEXTS, r->first));
}

/* What a field that many tables mean as missing needs. */
static const char *missing_hint(const bp_csv *csv, const char *field) {
    static const char *const texts[] = {"NA", "N/A", "na", "n/a", "NULL", "null", "None", "none", "?", "-", "."};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        if (strcmp(field, texts[k]) == 0)
            return csv->missing == BP_CSV_MISSING_ERROR ? "; bp_csv_options.missing and missing_text accept it"
                                                        : "; bp_csv_options.missing_text accepts it";
    return bp_csv_hint(field);
}

static bp_status read_rows(const reading *r, bp_file_error *error) {
    const bp_csv *csv = r->csv;
    read_fn *const read = r->wide ? read_double : r->change.count > 0 ? read_changed : read_float;
    for (size_t n = 0; n < csv->rows; n++) {
        prefetch_ahead(r, n);
        for (size_t j = 0; j < r->count; j++) {
            const char *field = bp_csv_at(csv, n, r->first + j), *problem = "a number is missing";
            if (*field || csv->missing == BP_CSV_MISSING_NAN)
                problem = read(r, field, j, n * r->stride + j);
            if (problem)
                return bp_csv_fail(error, BP_ERROR_FORMAT, bp_csv_line(csv, n), r->first + j + 1, "%s: '%.60s'%s",
                                   problem, field, missing_hint(csv, field));
        }
    }
    return BP_OK;
}

/* ---- Arguments ------------------------------------------------------------------------------------------------ */

static bp_status check_position(const reading *r, bp_file_error *error) {
    const size_t size = r->wide ? sizeof(double) : sizeof(float);
    const size_t alignment = r->wide ? _Alignof(double) : _Alignof(float);
    if (!r->csv || !r->values)
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", r->csv ? "values" : "csv");
    if (r->first >= r->csv->columns || r->count > r->csv->columns - r->first)
        return bp_file_fail(error, BP_ERROR_VALUE,
                            "first is %zu and count %zu, outside the range of columns: the table has %zu", r->first,
                            r->count, r->csv->columns);
    if (r->count == 0)
        return bp_file_fail(error, BP_ERROR_SIZE, "count is 0, and must be at least 1");
    if (r->stride < r->count)
        return bp_file_fail(error, BP_ERROR_SIZE,
                            "stride is %zu, and must be at least count, %zu, or 0 for packed rows", r->stride,
                            r->count);
    if (r->csv->rows > 0 && r->stride > PTRDIFF_MAX / size / r->csv->rows)
        return bp_file_fail(error, BP_ERROR_OVERFLOW, "stride is %zu: %zu rows exceed the address range", r->stride,
                            r->csv->rows);
    if ((uintptr_t)r->values % alignment != 0)
        return bp_file_fail(error, BP_ERROR_ALIGNMENT,
                            "values lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes", (uintptr_t)r->values,
                            alignment);
    return BP_OK;
}

static bp_status check_numbers(const double *numbers, size_t count, const char *name, bp_file_error *error) {
    if ((uintptr_t)numbers % _Alignof(double) != 0)
        return bp_file_fail(error, BP_ERROR_ALIGNMENT,
                            "change.%s lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes", name,
                            (uintptr_t)numbers, _Alignof(double));
    for (size_t k = 0; numbers && k < count; k++)
        if (!isfinite(numbers[k]))
            return bp_file_fail(error, BP_ERROR_VALUE, "change.%s[%zu] is %s, and must be finite", name, k,
                                isnan(numbers[k]) ? "NaN" : "infinite");
    return BP_OK;
}

static bp_status check_change(const reading *r, bp_file_error *error) {
    const bp_shift_scale *c = &r->change;
    if (c->count > 1 && c->count != r->count)
        return bp_file_fail(error, BP_ERROR_SIZE, "change.count is %zu, and must be 1 or as many as the columns, %zu",
                            c->count, r->count);
    const bp_status status = check_numbers(c->offset, c->count, "offset", error);
    return status == BP_OK ? check_numbers(c->factor, c->count, "factor", error) : status;
}

static bp_status read_numbers(reading r, bp_file_error *error) {
    CONTRACT_MODE(host);
    error = BEGIN_ERROR(error);
    r.stride = r.stride ? r.stride : r.count;
    bp_status status = check_position(&r, error);
    if (status == BP_OK)
        status = check_change(&r, error);
    if (status != BP_OK)
        return status;

    /* The output is written only after all fields have been read as numbers, into an array of their own. */
    const size_t size = r.wide ? sizeof(double) : sizeof(float), row = r.count * size;
    reading own_position = r;
    own_position.stride = r.count;
    own_position.values = malloc(r.csv->rows * row + 1);
    bp_plain plain;
    status = own_position.values ? bp_plain_enter(&plain) : BP_ERROR_MEMORY;
    if (status == BP_OK) {
        status = read_rows(&own_position, error);
        bp_plain_leave(&plain);
    } else {
        bp_file_refuse(error, status);
    }
    for (size_t n = 0; n < r.csv->rows && status == BP_OK; n++)
        memcpy((char *)r.values + n * r.stride * size, (const char *)own_position.values + n * row, row);
    free(own_position.values);
    return status;
}

bp_status bp_csv_numbers(const bp_csv *csv, size_t first, size_t count, float *values, size_t stride,
                         bp_file_error *error) {
    return read_numbers((reading){.csv = csv, .first = first, .count = count, .stride = stride, .values = values},
                        error);
}

bp_status bp_csv_numbers_shifted(const bp_csv *csv, size_t first, size_t count, const bp_shift_scale *change,
                                 float *values, size_t stride, bp_file_error *error) {
    const bp_shift_scale none = {NULL, NULL, 0};
    return read_numbers((reading){.csv = csv,
                                  .first = first,
                                  .count = count,
                                  .stride = stride,
                                  .values = values,
                                  .change = change ? *change : none},
                        error);
}

bp_status bp_csv_doubles(const bp_csv *csv, size_t first, size_t count, double *values, size_t stride,
                         bp_file_error *error) {
    return read_numbers(
        (reading){.csv = csv, .first = first, .count = count, .stride = stride, .values = values, .wide = true}, error);
}
