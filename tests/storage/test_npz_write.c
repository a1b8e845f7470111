/* numpy's archives: what is written, bad calls, and every call and allocation that can fail. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enum_counts.h"
#include "faults.h"
#include "files.h"

/* ---- Writing -------------------------------------------------------------------------------------------------- */

static void what_is_written(void **state) {
    (void)state;
    const float values[] = {1, 2, 3, 4, 5, 6};
    const uint32_t labels[] = {7, 4000000000};
    const size_t shape[] = {2, 3}, strides[] = {1, 2}, one[] = {2}, none[] = {0};
    const bp_tensor arrays[] = {{"x", BP_DTYPE_F32, 2, shape, values, strides},
                                {"labels", BP_DTYPE_U32, 1, one, labels, NULL},
                                {"none", BP_DTYPE_F64, 1, none, NULL, NULL},
                                {"\xc3\xa9", BP_DTYPE_F32, 0, NULL, values, NULL}};
    for (int compress = 0; compress < 2; compress++) {
        const char *path = files_path("written");
        bp_npz *file;
        bp_array array;
        bp_doubles doubles;
        bp_npz_array about;
        EXPECT_SUCCESS(bp_npz_write(path, arrays, 4, compress, &error));
        EXPECT_SUCCESS(bp_npz_open(path, &file, &error));
        EXPECT_SUCCESS(bp_npz_read(file, "x", &array, &error));
        assert_true(array.dimensions == 2 && array.shape[0] == 2 && array.shape[1] == 3);
        assert_memory_equal(array.values, ((const float[]){1, 3, 5, 2, 4, 6}), sizeof values);
        bp_array_destroy(&array);
        EXPECT_SUCCESS(bp_npz_doubles(file, "labels", &doubles, &error));
        assert_true(doubles.count == 2 && doubles.values[1] == 4e9);
        bp_doubles_destroy(&doubles);
        EXPECT_SUCCESS(bp_npz_describe(file, "none", &about, &error));
        assert_true(about.dtype == BP_DTYPE_F64 && about.count == 0 && about.shape[0] == 0);
        EXPECT_SUCCESS(bp_npz_read(file, "\xc3\xa9", &array, &error));
        bp_array_destroy(&array);
        bp_npz_close(file);
    }
    /* The exact bytes of a stored number. */
    static const unsigned char start[] = {'P', 'K', 3, 4, 20,  0, 0, 0, 0, 0, 0, 0, 0x21, 0,   0x54, 0x3e, 0xa1, 0x1e,
                                          132, 0,   0, 0, 132, 0, 0, 0, 5, 0, 0, 0, 'x',  '.', 'n',  'p',  'y'};
    const bp_tensor number = {"x", BP_DTYPE_F32, 0, NULL, values, NULL};
    const char *path = files_path("written");
    EXPECT_SUCCESS(bp_npz_write(path, &number, 1, false, &error));
    FILE *stream = fopen(path, "rb");
    unsigned char bytes[400];
    assert_int_equal(fread(bytes, 1, sizeof bytes, stream), 35 + 132 + 51 + 22);
    fclose(stream);
    memcpy(bytes + 14, start + 14, 4); /* the checksum, which reading has checked */
    assert_memory_equal(bytes, start, sizeof start);
}

/* More than 16 bits count, more than the writer's buffer holds, a size that deflate does not make smaller. */
static void many_arrays(void **state) {
    (void)state;
    enum { COUNT = 65540 };
    bp_tensor *arrays = calloc(COUNT, sizeof *arrays);
    char(*texts)[8] = calloc(COUNT, sizeof *texts);
    static float large[31000]; /* arrays begin at one of the first thousand */
    const size_t shape[] = {30000};
    for (size_t k = 0; k < 31000; k++)
        large[k] = (float)((k * 2654435761u) % 16777213) * 1.7f;
    for (size_t k = 0; k < COUNT; k++) {
        snprintf(texts[k], sizeof texts[k], "%zu", k);
        arrays[k] = (bp_tensor){texts[k], BP_DTYPE_F32, k % 20000 == 9, shape, large + k % 1000, NULL};
    }
    const char *path = files_path("many");
    bp_npz *file;
    EXPECT_SUCCESS(bp_npz_write(path, arrays, COUNT, false, &error));
    EXPECT_SUCCESS(bp_npz_open(path, &file, &error));
    assert_int_equal(bp_npz_count(file), COUNT);
    for (size_t k = 9; k < COUNT; k += 1000) {
        bp_array array;
        EXPECT_SUCCESS(bp_npz_read(file, texts[k], &array, &error));
        assert_true(array.count == (k % 20000 == 9 ? 30000 : 1) && array.values[0] == large[k % 1000]);
        bp_array_destroy(&array);
    }
    bp_npz_close(file);
    free(arrays);
    free(texts);
}

/* ---- Bad calls and failures ----------------------------------------------------------------------------------- */

static void bad_calls(void **state) {
    (void)state;
    const char *path = files_path("bad");
    const size_t shape[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, huge[] = {SIZE_MAX, SIZE_MAX};
    const float value = 1;
    bp_npz *file;
    bp_array array;
    bp_doubles doubles;
    bp_npz_array about;
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_open(NULL, &file, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_open(path, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_open_memory(NULL, 1, &file, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_open_memory(path, 1, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_FILE, "cannot open: No such file", bp_npz_open(path, &file, &error));
    assert_int_equal(bp_npz_count(NULL), 0);
    assert_null(bp_npz_name(NULL, 0));
    bp_npz_close(NULL);
    bp_doubles_destroy(NULL);

    static const struct {
        bp_tensor array;
        bp_status status;
        const char *part;
    } bad[] = {{{NULL, BP_DTYPE_F32, 0, NULL, NULL, NULL}, BP_ERROR_NULL, "arrays[1].name is null"},
               {{"b", BP_DTYPE_F32, 1, NULL, NULL, NULL}, BP_ERROR_NULL, "arrays[1].shape is null"},
               {{"b", BP_DTYPE_F32, 0, NULL, NULL, NULL}, BP_ERROR_NULL, "arrays[1].data is null"},
               {{"\xff", BP_DTYPE_F32, 0, NULL, "1234", NULL}, BP_ERROR_VALUE, "arrays[1].name is not UTF-8"},
               {{"b", BP_DTYPE_BF16, 0, NULL, "1234", NULL},
                BP_ERROR_VALUE,
                "arrays[1].dtype is 10, and numpy has no such elements"},
               {{"b", DTYPE_COUNT, 0, NULL, "1234", NULL}, BP_ERROR_VALUE, "numpy has no such elements"},
               {{"a", BP_DTYPE_F32, 0, NULL, "1234", NULL}, BP_ERROR_VALUE, "two arrays 'a'"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const bp_tensor arrays[] = {{"a", BP_DTYPE_F32, 0, NULL, &value, NULL}, bad[k].array};
        EXPECT_FAILURE(bad[k].status, bad[k].part, bp_npz_write(path, arrays, 2, false, &error));
    }
    const bp_tensor deep = {"a", BP_DTYPE_F32, 9, shape, &value, NULL},
                    wide = {"a", BP_DTYPE_F32, 2, huge, &value, NULL};
    EXPECT_FAILURE(BP_ERROR_SIZE, "arrays[0].dimensions is 9", bp_npz_write(path, &deep, 1, false, &error));
    EXPECT_FAILURE(BP_ERROR_OVERFLOW, "arrays[0].shape", bp_npz_write(path, &wide, 1, false, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_write(NULL, &deep, 1, false, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_write(path, NULL, 1, false, &error));
    char *name = malloc(65533);
    memset(name, 'n', 65532);
    name[65532] = '\0';
    bp_tensor long_name = {name, BP_DTYPE_F32, 0, NULL, &value, NULL};
    EXPECT_FAILURE(BP_ERROR_VALUE, "more than 65531 bytes", bp_npz_write(path, &long_name, 1, false, &error));
    name[65531] = '\0';
    EXPECT_SUCCESS(bp_npz_write(path, &long_name, 1, false, &error));
    EXPECT_SUCCESS(bp_npz_open(path, &file, &error));
    EXPECT_SUCCESS(bp_npz_describe(file, name, &about, &error));
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "there is no array named 'x'; there are: others",
                   bp_npz_read(file, "x", &array, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_describe(NULL, "a", &about, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_describe(file, NULL, &about, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_describe(file, "a", NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_read(NULL, "a", &array, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_read(file, NULL, &array, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_read(file, "a", NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_read_shifted(file, "a", NULL, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npz_doubles(file, "a", NULL, &error));
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "no array named 'a'", bp_npz_doubles(file, "a", &doubles, &error));
    const double infinite = INFINITY;
    EXPECT_FAILURE(BP_ERROR_VALUE, "factor[0] is ",
                   bp_npz_read_shifted(file, name, &(bp_shift_scale){NULL, &infinite, 1}, &array, &error));
    bp_npz_close(file);
    free(name);
}

/* A message lists as many names as it has room for, each whole, and says whether there are others. */
static void names_are_listed_whole(void **state) {
    (void)state;
    static const float value = 1;
    char path[512], name[161], list[256];
    bp_file_error told;
    strcpy(path, files_path("listed"));
    for (size_t length = 130; length < sizeof name; length++) {
        memset(name, 'n', length);
        name[length] = '\0';
        const bp_tensor arrays[] = {{name, BP_DTYPE_F32, 0, NULL, &value, NULL},
                                    {"bb", BP_DTYPE_F32, 0, NULL, &value, NULL},
                                    {"c", BP_DTYPE_F32, 0, NULL, &value, NULL}};
        bp_npz *file;
        bp_array array;
        EXPECT_SUCCESS(bp_npz_write(path, arrays, 3, false, &error));
        EXPECT_SUCCESS(bp_npz_open(path, &file, &error));
        assert_int_equal(bp_npz_read(file, "x", &array, &told), BP_ERROR_MISMATCH);
        const char *end = strstr(told.text, "there are: ");
        assert_non_null(end);
        end += strlen("there are: ");
        bool whole = strcmp(end, "others") == 0;
        for (size_t shown = 1; shown <= 3 && !whole; shown++) {
            static const char *const ends[] = {"'%s', others", "'%s', 'bb', others", "'%s', 'bb', 'c'"};
            snprintf(list, sizeof list, ends[shown - 1], name);
            whole = strcmp(end, list) == 0;
        }
        if (!whole)
            fail_msg("%s", told.text);
        bp_npz_close(file);
    }
}

/* Every call and every allocation of opening, reading and writing fails in turn; reads come in small parts. */
static void everything_fails(void **state) {
    (void)state;
    static float values[40000];
    const size_t shape[] = {40000};
    const bp_tensor tensor = {"a", BP_DTYPE_F32, 1, shape, values, NULL};
    char path[512];
    strcpy(path, files_path("failing"));
    for (size_t k = 0; k < 40000; k++)
        values[k] = (float)(k * k % 10007) / 7.0f;
    faults_none();
    EXPECT_SUCCESS(bp_npz_write(path, &tensor, 1, true, &error));
    static const char *const calls[] = {"open",   "fstat",   "pread",         "malloc",
                                        "calloc", "realloc", "inflateInit2_", "inflate"};
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++)
        for (size_t nth = 0;; nth++) {
            const size_t live = faults_live();
            bp_npz *file;
            bp_array array;
            bp_file_error error;
            faults_at(calls[k], nth, EIO);
            bp_status status = bp_npz_open(path, &file, &error);
            if (status == BP_OK)
                status = bp_npz_read(file, "a", &array, &error);
            const bool failed = faults_failed() != NULL;
            assert_int_equal(status, !failed ? BP_OK : k < 3 ? BP_ERROR_FILE : BP_ERROR_MEMORY);
            if (status == BP_OK)
                bp_array_destroy(&array);
            bp_npz_close(file);
            assert_int_equal(faults_live(), live);
            if (!failed) {
                assert_true(nth > 0 || k == 5);
                break;
            }
        }
    faults_none();
    static const char *const writes[] = {"open",   "write",  "lseek",  "fsync",   "close",
                                         "rename", "malloc", "calloc", "realloc", "deflateInit2_"};
    for (size_t k = 0; k < sizeof writes / sizeof *writes; k++)
        for (size_t nth = 0;; nth++) {
            const size_t live = faults_live();
            faults_at(writes[k], nth, EIO);
            const bp_status status = bp_npz_write(path, &tensor, 1, true, NULL);
            const bool failed = faults_failed() != NULL;
            faults_none();
            assert_int_equal(faults_live(), live);
            if (!failed) {
                assert_int_equal(status, BP_OK);
                assert_true(nth > 0);
                break;
            }
            if (status == BP_OK && strcmp(writes[k], "close") == 0)
                continue; /* of the folder */
            assert_int_equal(status, k < 6 ? BP_ERROR_FILE : BP_ERROR_MEMORY);
            bp_npz *file;
            bp_array array;
            EXPECT_SUCCESS(bp_npz_open(path, &file, &error));
            EXPECT_SUCCESS(bp_npz_read(file, "a", &array, &error));
            assert_memory_equal(array.values, values, sizeof values);
            bp_array_destroy(&array);
            bp_npz_close(file);
        }
    bp_npz *file;
    bp_array array;
    faults_short(777);
    EXPECT_SUCCESS(bp_npz_write(path, &tensor, 1, true, &error));
    EXPECT_SUCCESS(bp_npz_open(path, &file, &error));
    EXPECT_SUCCESS(bp_npz_read(file, "a", &array, &error));
    assert_memory_equal(array.values, values, sizeof values);
    bp_array_destroy(&array);
    bp_npz_close(file);
    faults_none();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written),        cmocka_unit_test(many_arrays),      cmocka_unit_test(bad_calls),
        cmocka_unit_test(names_are_listed_whole), cmocka_unit_test(everything_fails),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
