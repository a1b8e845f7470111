/* CSV: RFC 4180's examples and what goes beyond them, numbers, classes, places of errors. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "defaults.h"
#include "faults.h"
#include "files.h"
#include "harness/bits.h"
#include "harness/mode.h"

static bp_csv *open_text(const char *text, const bp_csv_options *options) {
    bp_csv *csv = NULL;
    EXPECT_SUCCESS(bp_csv_open_memory(text, strlen(text), options, &csv, &error));
    return csv;
}

/* ---- Structure ------------------------------------------------------------------------------------------------ */

/* Texts, and their records with '|' after each field and '/' after each record. */
static const struct {
    const char *text, *records;
} tables[] = {
    {"aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n", "aaa|bbb|ccc|/zzz|yyy|xxx|/"},
    {"aaa,bbb,ccc\r\nzzz,yyy,xxx", "aaa|bbb|ccc|/zzz|yyy|xxx|/"},
    {"aaa,bbb,ccc\nzzz,yyy,xxx\n", "aaa|bbb|ccc|/zzz|yyy|xxx|/"},
    {"\"aaa\",\"bbb\",\"ccc\"\r\nzzz,yyy,xxx", "aaa|bbb|ccc|/zzz|yyy|xxx|/"},
    {"\"aaa\",\"b\r\nbb\",\"ccc\"\r\nzzz,yyy,xxx", "aaa|b\r\nbb|ccc|/zzz|yyy|xxx|/"},
    {"\"aaa\",\"b\"\"bb\",\"ccc\"", "aaa|b\"bb|ccc|/"},
    {"\"\"\"\",\"\"\"\"\"\"", "\"|\"\"|/"},
    {"\",\",\"\n\"\n", ",|\n|/"},
    {"a,,c", "a||c|/"},
    {",", "|/"}, /* a delimiter that ends the last field of every record */
    {"a,", "a|/"},
    {",a", "|a|/"},
    {"a", "a|/"},
    {"\"\"", "|/"},
    {"\"\"\n\"\"\r\n", "|/|/"},
    {" a , b\t", "a|b|/"}, /* blanks around a field */
    {"\" a \" , \"b\" ", " a |b|/"},
    {"  ,\"\"", "||/"}, /* blanks alone are nothing */
    {"\n\n\r\na,b\n\n\r\nc,d\n\n", "a|b|/c|d|/"},
    {"\xef\xbb\xbf"
     "a,b",
     "a|b|/"},
    {"\xef\xbb\xbf\"a\",b", "a|b|/"},
    {"\xc3\xa9,\xff", "\xc3\xa9|\xff|/"},
    {"a;b\tc", "a;b\tc|/"},
};

static void expect_records(const bp_csv *csv, const char *expected) {
    char records[256] = "";
    for (size_t n = 0; n < bp_csv_rows(csv); n++) {
        for (size_t j = 0; j < bp_csv_columns(csv); j++)
            strcat(strcat(records, bp_csv_field(csv, n, j)), "|");
        strcat(records, "/");
    }
    assert_string_equal(records, expected);
}

static void structure(void **state) {
    (void)state;
    const char *path = files_path("table.csv");
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++) {
        bp_csv *csv = open_text(tables[k].text, NULL);
        expect_records(csv, tables[k].records);
        assert_null(bp_csv_name(csv, 0));
        bp_csv_close(csv);
        files_write(path, tables[k].text, strlen(tables[k].text));
        EXPECT_SUCCESS(bp_csv_open(path, NULL, &csv, &error));
        expect_records(csv, tables[k].records);
        bp_csv_close(csv);
    }
}

static void delimiters(void **state) {
    (void)state;
    static const char signs[] = ";\t| :";
    for (size_t k = 0; k < strlen(signs); k++) {
        char text[] = "a?\"?\"?c\n1?2?3";
        for (char *at = text; (at = strchr(at, '?'));)
            *at = signs[k];
        const char expected[] = {'a', '|', signs[k] == ' ' || signs[k] == '\t' ? '|' : signs[k], '\0'};
        bp_csv *csv = open_text(text, &(bp_csv_options)CSV_OPTIONS(.delimiter = signs[k]));
        assert_int_equal(bp_csv_columns(csv), 3);
        assert_string_equal(bp_csv_field(csv, 0, 0), "a");
        assert_string_equal(bp_csv_field(csv, 0, 1), expected[2] == '|' && signs[k] != '|' ? "" : expected + 2);
        assert_string_equal(bp_csv_field(csv, 1, 2), "3");
        bp_csv_close(csv);
    }
}

static void a_header(void **state) {
    (void)state;
    bp_csv *csv = open_text("x,\"y, z\",x,last\n1,2,3,4\n", &(bp_csv_options)CSV_OPTIONS(.header = true));
    size_t column = 9;
    assert_int_equal(bp_csv_rows(csv), 1);
    assert_string_equal(bp_csv_name(csv, 0), "x");
    assert_string_equal(bp_csv_name(csv, 1), "y, z");
    assert_null(bp_csv_name(csv, 4));
    assert_int_equal(bp_csv_find(csv, "last", &column), BP_OK);
    assert_int_equal(column, 3);
    assert_int_equal(bp_csv_find(csv, "y, z", &column), BP_OK);
    assert_int_equal(column, 1);
    assert_int_equal(bp_csv_find(csv, "x", &column), BP_OK);
    assert_int_equal(column, 0);
    assert_int_equal(bp_csv_find(csv, "z", &column), BP_ERROR_MISMATCH);
    assert_int_equal(column, 0);
    assert_null(bp_csv_field(csv, 1, 0));
    assert_null(bp_csv_field(csv, 0, 4));
    bp_csv_close(csv);
    csv = open_text("x,y", &(bp_csv_options)CSV_OPTIONS(.header = true));
    assert_int_equal(bp_csv_rows(csv), 0);
    assert_int_equal(bp_csv_columns(csv), 2);
    bp_csv_close(csv);
    csv = open_text("x,y", NULL);
    assert_int_equal(bp_csv_find(csv, "x", &column), BP_ERROR_MISMATCH);
    bp_csv_close(csv);
}

static const struct {
    const char *text;
    size_t size; /* 0: up to the NUL */
    size_t line, column;
    const char *part;
} bad_tables[] = {
    {"", 0, 1, 0, "line 1: the file has no record"},
    {"\n\r\n\n", 0, 4, 0, "line 4: the file has no record"},
    {"\xef\xbb\xbf", 0, 1, 0, "no record"},
    {"a,b\nc", 0, 2, 0, "line 2: fewer fields than the first record's 2"},
    {"a,b\n\nc,d,e\n", 0, 3, 0, "line 3: more fields than the first record's 2"},
    {"a,b\n\"1\n2\",3\n4,5,6,7", 0, 4, 0, "line 4: more fields"},
    {"a\nb,\n", 0, 2, 0, "line 2: more fields"},
    {"a,b\n1,2\"\n", 0, 2, 2, "line 2, column 2: a quote inside a field that is not quoted"},
    {"a, b\"", 0, 1, 2, "a quote inside"},
    {"a,\"b\"c", 0, 1, 2, "something after the quote"},
    {"a,\"b\" c", 0, 1, 2, "something after the quote"},
    {"a,\"b\n\"\"c\n\n", 0, 1, 2, "line 1, column 2: a quoted field has no end"},
    {"\"", 0, 1, 1, "no end"},
    {"a\n\"\"\"", 0, 2, 1, "no end"},
    {"a\rb\n", 0, 1, 1, "a carriage return without a line feed"},
    {"a\r", 0, 1, 1, "a carriage return"},
    {"\"a\"\r", 0, 1, 1, "a carriage return"},
    {"\r\r\n", 0, 1, 1, "a carriage return"},
    {"a\0b", 3, 1, 1, "a NUL"},
    {"a,\"b\0c\"", 7, 1, 2, "a NUL"},
    {"a,b\n1,2\n\0", 9, 3, 1, "a NUL"},
};

static void bad_tables_are_refused(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof bad_tables / sizeof *bad_tables; k++) {
        const size_t size = bad_tables[k].size ? bad_tables[k].size : strlen(bad_tables[k].text);
        bp_csv *csv = (bp_csv *)state;
        bp_file_error place;
        EXPECT_FAILURE(BP_ERROR_FORMAT, bad_tables[k].part,
                       bp_csv_open_memory(bad_tables[k].text, size, NULL, &csv, &error));
        assert_null(csv);
        bp_csv_open_memory(bad_tables[k].text, size, NULL, &csv, &place);
        assert_int_equal(place.line, bad_tables[k].line);
        assert_int_equal(place.column, bad_tables[k].column);
    }
}

/* ---- Numbers -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    float value;
} numbers[] = {
    {"0", 0.0f},
    {"-0", -0.0f},
    {"1", 1.0f},
    {"+1.5", 1.5f},
    {"-12.25", -12.25f},
    {".5", 0.5f},
    {"5.", 5.0f},
    {"1e3", 1000.0f},
    {"1E+3", 1000.0f},
    {"25e-1", 2.5f},
    {" \t7 \t", 7.0f},
    {"0007", 7.0f},
    {"0.1", 0.1f},
    {"16777217", 16777216.0f},                     /* a tie, to even */
    {"16777217.0000000000000000001", 16777218.0f}, /* just above it: not by way of a double */
    {"1.000000059604644775390625", 1.0f},
    {"1.000000059604644775390626", 0x1.000002p0f},
    {"3.4028235e38", 0x1.fffffep127f},
    {"3.4028235677973366e38", 0x1.fffffep127f}, /* the last that is rounded down */
    {"1e-45", 0x1p-149f},
    {"7e-46", 0.0f},
    {"7.0064923216240854e-46", 0x1p-149f}, /* just above half of the smallest */
    {"-1e-400", -0.0f},
    {"inf", INFINITY},
    {"-Infinity", -INFINITY},
    {"+INF", INFINITY},
    {"NaN", NAN},
    {"-nan", NAN},
};

static const char *const no_numbers[] = {
    "a",         "1a",  "1 2",   "1,5",  "0x10",  "1e",   "1e+",     "e5",     ".",   "+",
    "-",         "+-1", "--1",   "1.5.", "1_000", "1e5.", "infinit", "nan(1)", "in",  "infinity2",
    "\302\2401", "1f",  "1e1e1", "$1",   "1%",    "(1)",  "\n1",     "1\n",    "1\v", "\xef\xbc\x91",
};

static const char *const too_large[] = {"1e39", "-3.4028236e38", "3.4028235677973367e38", "1e400",
                                        "1e99999999999999999999"};

/* A table of one column with this text. */
static bp_csv *open_field(const char *text, bp_csv_missing missing) {
    char quoted[128] = "\"";
    strcat(strcat(quoted, text), "\"\n");
    return open_text(quoted, &(bp_csv_options)CSV_OPTIONS(.missing = missing));
}

static void check_numbers(void) {
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        float value = 99;
        bp_csv *csv = open_field(numbers[k].text, BP_CSV_MISSING_ERROR);
        EXPECT_SUCCESS(bp_csv_numbers(csv, 0, 1, &value, 0, &error));
        if (test_bits(value) != test_bits(numbers[k].value))
            fail_msg("'%s': %a instead of %a", numbers[k].text, value, numbers[k].value);
        bp_csv_close(csv);
    }
    for (size_t k = 0; k < sizeof no_numbers / sizeof *no_numbers; k++) {
        float value = 99;
        bp_csv *csv = open_field(no_numbers[k], BP_CSV_MISSING_NAN);
        EXPECT_FAILURE(BP_ERROR_FORMAT, "line 1, column 1: not a number", bp_csv_numbers(csv, 0, 1, &value, 0, &error));
        assert_true(value == 99);
        bp_csv_close(csv);
    }
    for (size_t k = 0; k < sizeof too_large / sizeof *too_large; k++) {
        float value = 99;
        bp_csv *csv = open_field(too_large[k], BP_CSV_MISSING_NAN);
        EXPECT_FAILURE(BP_ERROR_FORMAT, "beyond the range of binary32", bp_csv_numbers(csv, 0, 1, &value, 0, &error));
        assert_true(value == 99);
        bp_csv_close(csv);
    }
}

static void numbers_are_rounded_once(void **state) {
    (void)state;
    check_numbers();
}

/* In a host that rounds otherwise, and writes numbers otherwise. */
static void numbers_in_any_host(void **state) {
    (void)state;
    for (const test_host_mode *host = test_host_modes; host->name; host++) {
        test_set_mode(host->mode);
        check_numbers();
        const uint64_t left = test_mode();
        test_set_mode(test_host_modes[0].mode);
        assert_true(left == host->mode);
    }
    faults_none();
    check_numbers();
    assert_true(faults_calls("strtof") > 0); /* for the hard ones */
    assert_int_equal(faults_in_hosts_locale(), 0);
    /* And with a decimal comma, where such a locale is installed. */
    static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "tr_TR.UTF-8"};
    for (size_t k = 0; k < 4; k++)
        if (setlocale(LC_ALL, locales[k])) {
            check_numbers();
            assert_string_equal(localeconv()->decimal_point, ",");
        }
    setlocale(LC_ALL, "C");
    assert_true(uselocale((locale_t)0) == LC_GLOBAL_LOCALE); /* as it was, and not the plain one */
}

static void parts_of_a_table(void **state) {
    (void)state;
    bp_csv *csv = open_text("1,2,x,4\n5,6,y,8\n", NULL);
    float values[8];
    for (size_t k = 0; k < 8; k++)
        values[k] = -1;
    EXPECT_SUCCESS(bp_csv_numbers(csv, 0, 2, values, 3, &error));
    assert_memory_equal(values, ((const float[]){1, 2, -1, 5, 6, -1, -1, -1}), sizeof values);
    EXPECT_SUCCESS(bp_csv_numbers(csv, 3, 1, values, 0, &error));
    assert_memory_equal(values, ((const float[]){4, 8}), 2 * sizeof *values);
    memcpy(values, ((const float[]){-2, -2, -2, -2, -2, -2, -2, -2}), sizeof values);
    EXPECT_FAILURE(BP_ERROR_FORMAT, "line 1, column 3: not a number: 'x'",
                   bp_csv_numbers(csv, 0, 4, values, 0, &error));
    assert_true(values[0] == -2);
    bp_csv_close(csv);
    /* The line is the record's, in a file with empty lines and fields of several lines. */
    csv = open_text("h,i\n\n\"a\nb\",1\n\nc,2\nd,three\n", &(bp_csv_options)CSV_OPTIONS(.header = true));
    bp_file_error place;
    assert_int_equal(bp_csv_numbers(csv, 1, 1, values, 0, &place), BP_ERROR_FORMAT);
    assert_int_equal(place.line, 7);
    assert_int_equal(place.column, 2);
    assert_true(values[0] == -2);
    bp_csv_close(csv);
}

static void missing_fields(void **state) {
    (void)state;
    const char *text = "1,2\n,4\n5, \nNA,8\n9,10\n";
    float values[10];
    bp_csv *csv = open_text(text, &(bp_csv_options)CSV_OPTIONS(.missing_text = "NA"));
    EXPECT_FAILURE(BP_ERROR_FORMAT, "line 2, column 1: a number is missing",
                   bp_csv_numbers(csv, 0, 2, values, 0, &error));
    EXPECT_FAILURE(BP_ERROR_FORMAT, "line 3, column 2: a number is missing",
                   bp_csv_numbers(csv, 1, 1, values, 0, &error));
    bp_csv_close(csv);

    csv = open_text(text, &(bp_csv_options)CSV_OPTIONS(.missing = BP_CSV_MISSING_NAN, .missing_text = "NA"));
    EXPECT_SUCCESS(bp_csv_numbers(csv, 0, 2, values, 0, &error));
    const float expected[] = {1, 2, NAN, 4, 5, NAN, NAN, 8, 9, 10};
    for (size_t k = 0; k < 10; k++)
        assert_int_equal(test_bits(values[k]), test_bits(expected[k]));
    const char *names[5];
    size_t count = 7;
    EXPECT_FAILURE(BP_ERROR_FORMAT, "line 2, column 1: a label is missing",
                   bp_csv_classes(csv, 0, names, 5, &count, &error));
    assert_int_equal(count, 7);
    bp_csv_close(csv);

    csv = open_text(text, &(bp_csv_options)CSV_OPTIONS(.missing = BP_CSV_MISSING_SKIP, .missing_text = "NA"));
    assert_int_equal(bp_csv_rows(csv), 2);
    assert_int_equal(bp_csv_skipped(csv), 3);
    EXPECT_SUCCESS(bp_csv_numbers(csv, 0, 2, values, 0, &error));
    assert_memory_equal(values, ((const float[]){1, 2, 9, 10}), 4 * sizeof *values);
    bp_csv_close(csv);

    csv = open_text("x,NA\n1,2\n", &(bp_csv_options)CSV_OPTIONS(.header = true, .missing = BP_CSV_MISSING_SKIP));
    assert_string_equal(bp_csv_name(csv, 1), "NA");
    assert_int_equal(bp_csv_rows(csv), 1);
    bp_csv_close(csv);
}

/* ---- Classes -------------------------------------------------------------------------------------------------- */

static void classes(void **state) {
    (void)state;
    bp_csv *csv = open_text("b,1\na,2\nb,3\n\xc3\xa9,4\nB,5\n", NULL);
    const char *names[5] = {NULL};
    uint32_t labels[5];
    size_t count = 0;
    EXPECT_SUCCESS(bp_csv_classes(csv, 0, names, 4, &count, &error));
    assert_int_equal(count, 4);
    assert_string_equal(names[0], "B");
    assert_string_equal(names[1], "a");
    assert_string_equal(names[2], "b");
    assert_string_equal(names[3], "\xc3\xa9");
    assert_null(names[4]);
    EXPECT_SUCCESS(bp_csv_labels(csv, 0, names, count, labels, &error));
    assert_memory_equal(labels, ((const uint32_t[]){2, 1, 2, 3, 0}), sizeof labels);
    EXPECT_FAILURE(BP_ERROR_SIZE, "column 1 has 4 classes, and there is room for 3",
                   bp_csv_classes(csv, 0, names, 3, &count, &error));

    const char *const own[] = {"b", "\xc3\xa9", "unused", "a", "B"};
    EXPECT_SUCCESS(bp_csv_labels(csv, 0, own, 5, labels, &error));
    assert_memory_equal(labels, ((const uint32_t[]){0, 3, 0, 1, 4}), sizeof labels);
    memset(labels, 0x11, sizeof labels);
    EXPECT_FAILURE(BP_ERROR_LABEL,
                   "line 5, column 1: none of the classes: 'B'; names has 'b', '\xc3\xa9', 'unused', 'a'",
                   bp_csv_labels(csv, 0, own, 4, labels, &error));
    assert_int_equal(labels[0], 0x11111111);
    bp_csv_close(csv);
    csv = open_text("a\n\"\"\n", NULL);
    EXPECT_FAILURE(BP_ERROR_FORMAT, "line 2, column 1: a label is missing",
                   bp_csv_labels(csv, 0, own + 3, 1, labels, &error));
    bp_csv_close(csv);
}

/* ---- Bad calls and failures ----------------------------------------------------------------------------------- */

static void bad_calls(void **state) {
    (void)state;
    bp_csv *csv = NULL;
    static const char refused[] = "\"\r\n\x80";
    for (size_t k = 0; k < 4; k++)
        EXPECT_FAILURE(BP_ERROR_VALUE, "range",
                       bp_csv_open_memory("a", 1, &(bp_csv_options)CSV_OPTIONS(.delimiter = refused[k]), &csv, &error));
    EXPECT_FAILURE(
        BP_ERROR_VALUE, "range",
        bp_csv_open_memory("a", 1, &(bp_csv_options)CSV_OPTIONS(.missing = (bp_csv_missing)3), &csv, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_open(NULL, NULL, &csv, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_open("a", NULL, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_open_memory(NULL, 1, NULL, &csv, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_open_memory("a", 1, NULL, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_FILE, "cannot open: No such file", bp_csv_open(files_path("x"), NULL, &csv, &error));
    assert_null(csv);

    csv = open_text("1,2\n3,4\n", NULL);
    float values[4];
    uint32_t labels[2];
    const char *names[] = {"1", "3"}, *twice[] = {"1", "1"}, *none[] = {"1", NULL};
    size_t count;
    float *odd = (float *)(void *)((char *)values + 1);
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_numbers(NULL, 0, 1, values, 0, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_numbers(csv, 0, 1, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "range", bp_csv_numbers(csv, 2, 1, values, 0, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "range", bp_csv_numbers(csv, 1, 2, values, 0, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "range", bp_csv_numbers(csv, 1, SIZE_MAX, values, 0, &error));
    EXPECT_FAILURE(BP_ERROR_SIZE, "count is 0", bp_csv_numbers(csv, 0, 0, values, 0, &error));
    EXPECT_FAILURE(BP_ERROR_SIZE, "stride is 1, and must be at least count, 2",
                   bp_csv_numbers(csv, 0, 2, values, 1, &error));
    EXPECT_FAILURE(BP_ERROR_OVERFLOW, "address range", bp_csv_numbers(csv, 0, 2, values, SIZE_MAX / 8, &error));
    EXPECT_FAILURE(BP_ERROR_ALIGNMENT, "values lies at 0x", bp_csv_numbers(csv, 0, 2, odd, 0, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_classes(NULL, 0, names, 2, &count, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_classes(csv, 0, NULL, 2, &count, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_classes(csv, 0, names, 2, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "column is 2, and must be below 2",
                   bp_csv_classes(csv, 2, names, 2, &count, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_labels(NULL, 0, names, 2, labels, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_labels(csv, 0, NULL, 2, labels, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_csv_labels(csv, 0, names, 2, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "names[1] is null", bp_csv_labels(csv, 0, none, 2, labels, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "column is 2, and must be below 2", bp_csv_labels(csv, 2, names, 2, labels, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "names[0] and names[1] are both '1'",
                   bp_csv_labels(csv, 0, twice, 2, labels, &error));
    EXPECT_FAILURE(BP_ERROR_SIZE, "count is ", bp_csv_labels(csv, 0, names, 0, labels, &error));
#if SIZE_MAX > UINT32_MAX
    EXPECT_FAILURE(BP_ERROR_SIZE, "count is ", bp_csv_labels(csv, 0, names, ((size_t)1 << 32) + 1, labels, &error));
#endif
    EXPECT_FAILURE(BP_ERROR_ALIGNMENT, "labels lies at 0x",
                   bp_csv_labels(csv, 0, names, 2, (uint32_t *)(void *)odd, &error));
    assert_int_equal(bp_csv_find(NULL, "a", &count), BP_ERROR_NULL);
    assert_int_equal(bp_csv_find(csv, NULL, &count), BP_ERROR_NULL);
    assert_int_equal(bp_csv_find(csv, "a", NULL), BP_ERROR_NULL);
    assert_int_equal(bp_csv_rows(NULL) + bp_csv_columns(NULL) + bp_csv_skipped(NULL), 0);
    assert_null(bp_csv_name(NULL, 0));
    assert_null(bp_csv_field(NULL, 0, 0));
    bp_csv_close(NULL);

    faults_at("malloc", 0, ENOMEM);
    EXPECT_FAILURE(BP_ERROR_MEMORY, "allocation", bp_csv_numbers(csv, 0, 2, values, 0, &error));
    faults_at("newlocale", 0, ENOMEM);
    EXPECT_FAILURE(BP_ERROR_MEMORY, "allocation", bp_csv_numbers(csv, 0, 2, values, 0, &error));
    faults_at("calloc", 0, ENOMEM);
    EXPECT_FAILURE(BP_ERROR_MEMORY, "allocation", bp_csv_classes(csv, 0, names, 2, &count, &error));
    faults_at("calloc", 0, ENOMEM);
    EXPECT_FAILURE(BP_ERROR_MEMORY, "allocation", bp_csv_labels(csv, 0, names, 2, labels, &error));
    bp_csv_close(csv);
    static const char *const calls[] = {"malloc", "calloc", "realloc"};
    for (size_t k = 0; k < 3; k++) {
        faults_at(calls[k], 0, ENOMEM);
        EXPECT_FAILURE(BP_ERROR_MEMORY, "allocation", bp_csv_open_memory("a\n", 2, NULL, &csv, &error));
        assert_null(csv);
    }
    faults_none();
    EXPECT_FAILURE(BP_ERROR_OVERFLOW, "address range",
                   bp_csv_open_memory("a\n", (size_t)PTRDIFF_MAX + 1, NULL, &csv, &error));
    const char *path = files_path("table.csv");
    files_write(path, "1,2\n", 4);
    faults_at("pread", 0, EIO);
    EXPECT_FAILURE(BP_ERROR_FILE, "cannot read: Input/output", bp_csv_open(path, NULL, &csv, &error));
    faults_none();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structure),
        cmocka_unit_test(delimiters),
        cmocka_unit_test(a_header),
        cmocka_unit_test(bad_tables_are_refused),
        cmocka_unit_test(numbers_are_rounded_once),
        cmocka_unit_test(numbers_in_any_host),
        cmocka_unit_test(parts_of_a_table),
        cmocka_unit_test(missing_fields),
        cmocka_unit_test(classes),
        cmocka_unit_test(bad_calls),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
