/* CSV files, with every kind of options: fields, classes and numbers; what is read can be written, and comes back. */
#include <math.h>
#include <string.h>

#include "../defaults.h"
#include "files.h"

static const bp_csv_options all_options[] = {
    CSV_OPTIONS(),
    CSV_OPTIONS(.header = true, .missing = BP_CSV_MISSING_NAN, .missing_text = "NA"),
    CSV_OPTIONS(.header = true, .delimiter = ';', .missing = BP_CSV_MISSING_SKIP, .missing_text = ""),
    CSV_OPTIONS(.delimiter = '\t', .missing = BP_CSV_MISSING_SKIP, .missing_text = "?"),
    CSV_OPTIONS(.delimiter = ' ', .missing = BP_CSV_MISSING_NAN),
    CSV_OPTIONS(.delimiter = 0, .comment = '#', .missing = BP_CSV_MISSING_NAN),
    CSV_OPTIONS(.comment = '#', .missing = BP_CSV_MISSING_SKIP, .missing_text = " ? "),
};

/* A number by the C library, in the C locale; the library takes fewer spellings than it. */
static void require_number(const char *field, float value) {
    char *end;
    const float expected = strtof(field, &end);
    if (end == field)
        REQUIRE(isnan(value)); /* a missing one */
    else
        REQUIRE(isnan(value) ? isnan(expected) : expected == value && signbit(expected) == signbit(value));
}

static void numbers(const bp_csv *csv) {
    const size_t rows = bp_csv_rows(csv), columns = bp_csv_columns(csv);
    for (size_t first = 0; first < columns; first++) {
        const size_t count = columns - first < 2 ? 1 : 2, stride = count + 1;
        float *values = malloc((rows * stride + 1) * sizeof *values);
        for (size_t k = 0; k < rows * stride; k++)
            values[k] = 0.125f;
        bp_file_error error;
        const bp_status status = bp_csv_numbers(csv, first, count, values, stride, &error);
        require_told(status, &error);
        REQUIRE(status == BP_OK || (status == BP_ERROR_FORMAT && error.line > 0 && error.column > 0));
        for (size_t k = 0; k < rows * stride; k++)
            if (status == BP_OK && k % stride < count)
                require_number(bp_csv_field(csv, k / stride, first + k % stride), values[k]);
            else
                REQUIRE(values[k] == 0.125f);
        free(values);
    }
}

/* As doubles, and changed in binary64: what is a float without a change is one then too, and the same. */
static void wide_numbers(const bp_csv *csv, size_t column) {
    const size_t rows = bp_csv_rows(csv);
    const double zero = 0, one = 1;
    double *wide = calloc(rows + 1, sizeof *wide);
    float *values = calloc(rows + 1, sizeof *values), *changed = calloc(rows + 1, sizeof *changed);
    bp_file_error error;
    bp_status status = bp_csv_doubles(csv, column, 1, wide, 0, &error);
    require_told(status, &error);
    for (size_t n = 0; n < rows && status == BP_OK; n++) {
        char *end;
        const double expected = strtod(bp_csv_field(csv, n, column), &end);
        REQUIRE(end == bp_csv_field(csv, n, column) ? isnan(wide[n])
                : isnan(wide[n])                    ? isnan(expected)
                                                    : wide[n] == expected);
    }
    status = bp_csv_numbers_shifted(csv, column, 1, &(bp_shift_scale){&zero, &one, 1}, changed, 0, &error);
    require_told(status, &error);
    for (size_t n = 0; n < rows && status == BP_OK; n++)
        REQUIRE(isnan(wide[n]) ? isnan(changed[n]) : changed[n] == (float)wide[n]);
    if (bp_csv_numbers_shifted(csv, column, 1, NULL, values, 0, NULL) == BP_OK)
        for (size_t n = 0; n < rows; n++)
            require_number(bp_csv_field(csv, n, column), values[n]);
    free(wide);
    free(values);
    free(changed);
}

static void classes(const bp_csv *csv, size_t column) {
    const size_t rows = bp_csv_rows(csv);
    const char **names = malloc((rows + 1) * sizeof *names);
    uint32_t *labels = malloc((rows + 1) * sizeof *labels);
    size_t count = 12345;
    bp_file_error error;
    bp_status status = bp_csv_classes(csv, column, names, rows, &count, &error);
    require_told(status, &error);
    if (status == BP_OK) {
        REQUIRE(count <= rows && (count > 0 || rows == 0));
        for (size_t k = 1; k < count; k++)
            REQUIRE(strcmp(names[k - 1], names[k]) < 0);
    } else {
        REQUIRE(status == BP_ERROR_FORMAT && count == 12345);
    }
    if (status == BP_OK && count > 0) {
        require_done(bp_csv_labels(csv, column, names, count, labels, &error), &error);
        for (size_t n = 0; n < rows; n++)
            REQUIRE(labels[n] < count && strcmp(names[labels[n]], bp_csv_field(csv, n, column)) == 0);
        if (count > 1) {
            memset(labels, 0xab, rows * sizeof *labels);
            status = bp_csv_labels(csv, column, names, count - 1, labels, &error);
            REQUIRE(status == BP_ERROR_LABEL && error.line > 0);
            for (size_t n = 0; n < rows; n++)
                REQUIRE(labels[n] == 0xabababab);
        }
    }
    free(names);
    free(labels);
}

static void put(char **at, const char *field, char delimiter) {
    *(*at)++ = '"';
    for (; *field != '\0'; field++) {
        if (*field == '"')
            *(*at)++ = '"';
        *(*at)++ = *field;
    }
    *(*at)++ = '"';
    *(*at)++ = delimiter;
}

/* The table with all fields in quotes is the same table. */
static void round_trip(const bp_csv *csv, const bp_csv_options *options, size_t size) {
    const size_t rows = bp_csv_rows(csv), columns = bp_csv_columns(csv);
    char *text = malloc(2 * size + 3 * (rows + 1) * columns + 1), *at = text;
    const char delimiter = options->delimiter ? options->delimiter : ' ';
    for (size_t j = 0; options->header && j < columns; j++)
        put(&at, bp_csv_name(csv, j), j + 1 < columns ? delimiter : '\n');
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            put(&at, bp_csv_field(csv, n, j), j + 1 < columns ? delimiter : '\n');
    bp_csv *again = NULL;
    bp_file_error error;
    const bp_status status = bp_csv_open_memory(text, (size_t)(at - text), options, &again, &error);
    if (rows == 0 && !options->header) {
        REQUIRE(status == BP_ERROR_FORMAT); /* no record is left */
    } else {
        require_done(status, &error);
        REQUIRE(bp_csv_rows(again) == rows && bp_csv_columns(again) == columns && bp_csv_skipped(again) == 0);
        for (size_t n = 0; n < rows; n++)
            for (size_t j = 0; j < columns; j++)
                REQUIRE(strcmp(bp_csv_field(csv, n, j), bp_csv_field(again, n, j)) == 0);
    }
    bp_csv_close(again);
    free(text);
}

static void outside(const bp_csv *csv, const bp_csv_options *options) {
    const size_t rows = bp_csv_rows(csv), columns = bp_csv_columns(csv);
    float value = 0.125f;
    REQUIRE(!bp_csv_field(csv, rows, 0) && !bp_csv_field(csv, 0, columns) && !bp_csv_field(csv, SIZE_MAX, SIZE_MAX));
    REQUIRE(!bp_csv_name(csv, columns) && (options->header || !bp_csv_name(csv, 0)));
    REQUIRE(bp_csv_numbers(csv, columns, 1, &value, 0, NULL) == BP_ERROR_VALUE);
    REQUIRE(bp_csv_numbers(csv, 1, SIZE_MAX, &value, 0, NULL) == BP_ERROR_VALUE);
    REQUIRE(value == 0.125f);
}

static void read_with(const uint8_t *data, size_t size, const bp_csv_options *options) {
    bp_csv *csv = (bp_csv *)&csv, *other = (bp_csv *)&csv;
    bp_file_error error, other_error;
    const bp_status status = bp_csv_open_memory(data, size, options, &csv, &error);
    require_told(status, &error);
    require_same_error(status, &error, bp_csv_open(file_of(data, size), options, &other, &other_error), &other_error);
    if (status != BP_OK) {
        REQUIRE(status == BP_ERROR_FORMAT && !csv && !other);
        return;
    }
    const size_t rows = bp_csv_rows(csv), columns = bp_csv_columns(csv);
    size_t texts = 0;
    REQUIRE(columns > 0 && bp_csv_rows(other) == rows && bp_csv_columns(other) == columns);
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++) {
            REQUIRE(strcmp(bp_csv_field(csv, n, j), bp_csv_field(other, n, j)) == 0);
            texts += strlen(bp_csv_field(csv, n, j)) + 1;
        }
    REQUIRE(texts <= size + 1);
    bp_csv_close(other);
    for (size_t j = 0; options->header && j < columns; j++) {
        size_t column;
        REQUIRE(bp_csv_find(csv, bp_csv_name(csv, j), &column) == BP_OK && column <= j);
    }
    outside(csv, options);
    numbers(csv);
    wide_numbers(csv, columns - 1);
    classes(csv, columns - 1);
    round_trip(csv, options, size);
    bp_csv_close(csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (size_t k = 0; k < sizeof all_options / sizeof *all_options; k++)
        read_with(data, size, &all_options[k]);
    return 0;
}
