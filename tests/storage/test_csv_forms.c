/* CSV as people have it: comments, runs of blanks, delimiters at the ends of records, blanks around fields, UTF-16. */
#include <string.h>

#include "defaults.h"
#include "files.h"

/* Texts with their options, and their records with '|' after each field and '/' after each record. */
static const struct {
    const char *text;
    bp_csv_options options;
    const char *records;
} tables[] = {
    /* Comments: lines, ends of lines, numpy's header and footer. */
    {"# made by hand\n1,2\n3,4\n", CSV_OPTIONS(.comment = '#'), "1|2|/3|4|/"},
    {"  # one\n#two\r\n1,2\n# three", CSV_OPTIONS(.comment = '#'), "1|2|/"},
    {"1,2 # note, with \"quotes\"\n3,4#\n", CSV_OPTIONS(.comment = '#'), "1|2|/3|4|/"},
    {"a,\"#b\"\n", CSV_OPTIONS(.comment = '#'), "a|#b|/"},
    {"\"a\"#b\n\"c\" # d", CSV_OPTIONS(.comment = '#'), "a|/c|/"},
    {"% x\n1,#2\n", CSV_OPTIONS(.comment = '%'), "1|#2|/"},
    {"#1,2\n", CSV_OPTIONS(), "#1|2|/"},
    {"# x\ra\n1\n", CSV_OPTIONS(.comment = '#'), "1|/"},
    {"# a b\n1.5e+00 2.0e+00\n3.0e+00 4.0e+00\n# end\n", CSV_OPTIONS(.delimiter = 0, .comment = '#'),
     "1.5e+00|2.0e+00|/3.0e+00|4.0e+00|/"},
    {"1,#\n2,# x\n", CSV_OPTIONS(.comment = '#'), "1|/2|/"},
    /* Runs of blanks. */
    {"1 2\t3\n", CSV_OPTIONS(.delimiter = 0), "1|2|3|/"},
    {"  1   2 \t 3  \r\n\t4 5\t\t6\n   \n", CSV_OPTIONS(.delimiter = 0), "1|2|3|/4|5|6|/"},
    {"\"a b\"  \"\" c,d\n", CSV_OPTIONS(.delimiter = 0), "a b||c,d|/"},
    {"1  2", CSV_OPTIONS(.delimiter = ' '), "1||2|/"},
    /* A delimiter at the end of all records. */
    {"1,2,\n3,4,\n", CSV_OPTIONS(), "1|2|/3|4|/"},
    {"1,2, \n3,4,\t", CSV_OPTIONS(), "1|2|/3|4|/"},
    {"1,2,\n3,4,5\n", CSV_OPTIONS(), "1|2||/3|4|5|/"},
    {"1,2,\n3,4,\"\"\n", CSV_OPTIONS(), "1|2||/3|4||/"},
    {"1,2,NA\n3,4,NA\n", CSV_OPTIONS(.missing_text = "NA"), "1|2||/3|4||/"},
    {"1,,\n,4,\n", CSV_OPTIONS(), "1||/|4|/"},
    {"1;2;\n;4;\n5;6;\n", CSV_OPTIONS(.delimiter = ';', .missing = BP_CSV_MISSING_SKIP), "1|2|/5|6|/"},
    {"1,2,\n3,4,5\n", CSV_OPTIONS(.missing = BP_CSV_MISSING_SKIP), "3|4|5|/"},
    {"1\t2\t\n3\t\t\n", CSV_OPTIONS(.delimiter = '\t'), "1|2|/3||/"},
    {"x,y,\n1,2,\n", CSV_OPTIONS(.header = true), "1|2|/"},
    {"x,y,z\n1,2,\n", CSV_OPTIONS(.header = true), "1|2||/"},
    /* Blanks around fields, inside of quotes, and around the missing text. */
    {"39, State-gov, >50K\n50, ?, <=50K\n", CSV_OPTIONS(.missing_text = "?"), "39|State-gov|>50K|/50||<=50K|/"},
    {"1, ? \n", CSV_OPTIONS(.missing_text = " ?"), "1||/"},
    {"1,\" ?\"\n", CSV_OPTIONS(.missing_text = "?"), "1| ?|/"},
    {"a b , \" c \" ,d\n", CSV_OPTIONS(), "a b| c |d|/"},
    {" 1\t;\t2 \n", CSV_OPTIONS(.delimiter = ';'), "1|2|/"},
    {" 1 \t 2 \n", CSV_OPTIONS(.delimiter = '\t'), "1|2|/"},
    {"1\n \t\n2\n", CSV_OPTIONS(), "1|/2|/"}, /* a line of blanks is none */
};

static bp_csv *open_text(const char *text, const bp_csv_options *options) {
    bp_csv *csv = NULL;
    EXPECT_SUCCESS(bp_csv_open_memory(text, strlen(text), options, &csv, &error));
    return csv;
}

static void forms(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++) {
        bp_csv *csv = open_text(tables[k].text, &tables[k].options);
        char records[256] = "";
        for (size_t n = 0; n < bp_csv_rows(csv); n++) {
            for (size_t j = 0; j < bp_csv_columns(csv); j++)
                strcat(strcat(records, bp_csv_field(csv, n, j)), "|");
            strcat(records, "/");
        }
        assert_string_equal(records, tables[k].records);
        assert_null(bp_csv_field(csv, 0, bp_csv_columns(csv)));
        bp_csv_close(csv);
    }
}

static void names_and_classes(void **state) {
    (void)state;
    bp_csv *csv = open_text("# k\nage , \"job \", pay,\n39, clerk ,>50K,\n50,clerk, >50K,\n",
                            &(bp_csv_options)CSV_OPTIONS(.header = true, .comment = '#'));
    size_t column = 0, count = 0;
    const char *names[2];
    assert_string_equal(bp_csv_name(csv, 0), "age");
    assert_string_equal(bp_csv_name(csv, 1), "job ");
    assert_int_equal(bp_csv_find(csv, "pay", &column), BP_OK);
    assert_int_equal(column, 2);
    assert_null(bp_csv_name(csv, 3));
    for (column = 1; column < 3; column++) {
        EXPECT_SUCCESS(bp_csv_classes(csv, column, names, 2, &count, &error));
        assert_int_equal(count, 1);
    }
    assert_string_equal(names[0], ">50K");
    bp_csv_close(csv);
}

static const struct {
    const char *text;
    size_t size; /* 0: up to the NUL */
    bp_csv_options options;
    size_t line, column;
    const char *part;
} bad_tables[] = {
    {"\xff\xfe"
     "1\0,\0",
     6, CSV_OPTIONS(), 1, 0, "line 1: the file is UTF-16"},
    {"\xfe\xff\0001\0,", 6, CSV_OPTIONS(), 1, 0, "UTF-16"},
    {"1\0,\0002\0\n\0", 8, CSV_OPTIONS(), 1, 0, "UTF-16"},
    {"\0001\0,\0002\0\n", 8, CSV_OPTIONS(), 1, 0, "UTF-16"},
    {"1,2\n3,\0"
     "4\n",
     9, CSV_OPTIONS(), 2, 2, "a NUL: the file is no text, or one in UTF-16"},
    {"# by hand\n1,2\n", 0, CSV_OPTIONS(), 2, 0, "more fields than the first record's 1; bp_csv_options.comment"},
    {"1,2\n# end\n", 0, CSV_OPTIONS(), 2, 0, "fewer fields than the first record's 2; bp_csv_options.comment"},
    {"# 1\n", 0, CSV_OPTIONS(.comment = '#'), 2, 0, "the file has no record"},
    {"1 2\n3\n", 0, CSV_OPTIONS(.delimiter = 0), 2, 0, "fewer fields"},
    {"\"1\"2\n", 0, CSV_OPTIONS(.delimiter = 0), 1, 1, "something after the quote"},
    {"1\"2\n", 0, CSV_OPTIONS(.delimiter = 0), 1, 1, "a quote inside"},
    {"1 2\r3\n", 0, CSV_OPTIONS(.delimiter = 0), 1, 2, "a carriage return"},
    {"1,2,\n3,4\n", 0, CSV_OPTIONS(), 2, 0, "fewer fields"},
};

static void bad_forms(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof bad_tables / sizeof *bad_tables; k++) {
        const size_t size = bad_tables[k].size ? bad_tables[k].size : strlen(bad_tables[k].text);
        bp_csv *csv = NULL;
        bp_file_error place;
        EXPECT_FAILURE(BP_ERROR_FORMAT, bad_tables[k].part,
                       bp_csv_open_memory(bad_tables[k].text, size, &bad_tables[k].options, &csv, &error));
        bp_csv_open_memory(bad_tables[k].text, size, &bad_tables[k].options, &csv, &place);
        assert_int_equal(place.line, bad_tables[k].line);
        assert_int_equal(place.column, bad_tables[k].column);
    }
    bp_csv *csv = open_text("# a\n", NULL);
    float value = 5;
    EXPECT_FAILURE(BP_ERROR_FORMAT, "not a number: '# a'; bp_csv_options.comment leaves comments out",
                   bp_csv_numbers(csv, 0, 1, &value, 0, &error));
    bp_csv_close(csv);
}

static void bad_options(void **state) {
    (void)state;
    bp_csv *csv = NULL;
    static const char refused[] = "\"\r\n\x80 \t,";
    for (size_t k = 0; k < strlen(refused); k++)
        EXPECT_FAILURE(BP_ERROR_VALUE, "options.comment",
                       bp_csv_open_memory("a", 1, &(bp_csv_options)CSV_OPTIONS(.comment = refused[k]), &csv, &error));
    EXPECT_FAILURE(
        BP_ERROR_VALUE, "options.comment",
        bp_csv_open_memory("a", 1, &(bp_csv_options)CSV_OPTIONS(.delimiter = ';', .comment = ';'), &csv, &error));
    EXPECT_FAILURE(
        BP_ERROR_VALUE, "options.missing is 7",
        bp_csv_open_memory("a", 1, &(bp_csv_options)CSV_OPTIONS(.missing = (bp_csv_missing)7), &csv, &error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(names_and_classes),
        cmocka_unit_test(bad_forms),
        cmocka_unit_test(bad_options),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
