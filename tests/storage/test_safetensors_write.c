/* Writing safetensors: the exact bytes, round trips, bad arguments. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enum_counts.h"
#include "faults.h"
#include "files.h"
#include "harness/bits.h"

static const float w[] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f};
static const uint8_t bytes[] = {7, 8, 9};
static const int64_t step = -2;
static const size_t two_three[] = {2, 3}, three[] = {3}, three_two[] = {3, 2}, by_column[] = {1, 3};
static const bp_metadata metadata[] = {{"format", "pt"}, {"a\"\\\n\x01", "\xe2\x82\xac"}};

/* Of all sizes of elements, the largest last, one of them transposed. */
static const bp_tensor tensors[] = {
    {.name = "bytes", .dtype = BP_DTYPE_U8, .dimensions = 1, .shape = three, .data = bytes},
    {.name = "0.weight", .dtype = BP_DTYPE_F32, .dimensions = 2, .shape = two_three, .data = w},
    {.name = "turned", .dtype = BP_DTYPE_F32, .dimensions = 2, .shape = three_two, .data = w, .strides = by_column},
    {.name = "step", .dtype = BP_DTYPE_I64, .data = &step},
};
enum { TENSORS = sizeof tensors / sizeof *tensors };

static void the_exact_bytes(void **state) {
    (void)state;
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\",\"a\\\"\\\\\\u000a\\u0001\":\"\xe2\x82\xac\"},"
                                 "\"step\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                                 "\"0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"
                                 "\"turned\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[32,56]},"
                                 "\"bytes\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[56,59]}}";
    const size_t length = sizeof header - 1;
    assert_int_equal(length % 8, 0);
    unsigned char expected[512] = {(unsigned char)(length % 256), (unsigned char)(length / 256)};
    memcpy(expected + 8, header, length);
    unsigned char *data = expected + 8 + length;
    memset(data, 0xff, 8);
    data[0] = 0xfe;
    static const float turned[] = {1, 4, 2, 5, 3, 6};
    for (size_t k = 0; k < 12; k++)
        for (size_t byte = 0; byte < 4; byte++)
            data[8 + 4 * k + byte] = (unsigned char)(test_raw_bits(k < 6 ? w[k] : turned[k - 6]) >> (8 * byte));
    memcpy(data + 56, bytes, 3);

    const char *path = files_path("exact");
    EXPECT_SUCCESS(bp_safetensors_write(path, tensors, TENSORS, metadata, 2, &error));
    assert_true(files_equal(path, expected, 8 + length + 59));
    EXPECT_SUCCESS(bp_safetensors_write(path, NULL, 0, NULL, 0, &error));
    assert_true(files_equal(path, "\x08\0\0\0\0\0\0\0{}      ", 16));
}

static void round_trip(void **state) {
    (void)state;
    const char *path = files_path("round");
    bp_safetensors *file;
    EXPECT_SUCCESS(bp_safetensors_write(path, tensors, TENSORS, metadata, 2, &error));
    EXPECT_SUCCESS(bp_safetensors_open(path, &file, &error));
    assert_int_equal(bp_safetensors_count(file), TENSORS);
    assert_string_equal(bp_safetensors_metadata(file, metadata[1].key), metadata[1].text);
    float values[6];
    int64_t number;
    uint8_t small[3];
    EXPECT_SUCCESS(bp_safetensors_read(file, bp_safetensors_find(file, "turned"), values, by_column, &error));
    assert_memory_equal(values, w, sizeof w);
    EXPECT_SUCCESS(bp_safetensors_read(file, bp_safetensors_find(file, "0.weight"), values, NULL, &error));
    assert_memory_equal(values, w, sizeof w);
    EXPECT_SUCCESS(bp_safetensors_read_bytes(file, bp_safetensors_find(file, "step"), &number, sizeof number, &error));
    assert_int_equal(number, step);
    EXPECT_SUCCESS(bp_safetensors_read_bytes(file, bp_safetensors_find(file, "bytes"), small, sizeof small, &error));
    assert_memory_equal(small, bytes, sizeof bytes);
    bp_safetensors_close(file);
}

/* More than the writer's buffer, in parts and at once, of every number of dimensions. */
static void large_tensors(void **state) {
    (void)state;
    enum { COUNT = 5 * 7 * 11 * 13 * 17 };
    float *values = malloc(COUNT * sizeof *values), *back = malloc(COUNT * sizeof *back);
    for (size_t k = 0; k < COUNT; k++)
        values[k] = (float)k;
    const size_t shape[] = {5, 7, 1, 11, 1, 13, 17, 1};
    /* The same elements with the dimensions in another order in memory. */
    const size_t strides[] = {1, 5, 99, 35, 0, 385, 5005, 3};
    const bp_tensor large[] = {
        {.name = "packed", .dtype = BP_DTYPE_F32, .dimensions = 8, .shape = shape, .data = values},
        {.name = "spread", .dtype = BP_DTYPE_F32, .dimensions = 8, .shape = shape, .data = values, .strides = strides}};
    const char *path = files_path("large");
    bp_safetensors *file;
    EXPECT_SUCCESS(bp_safetensors_write(path, large, 2, NULL, 0, &error));
    EXPECT_SUCCESS(bp_safetensors_open(path, &file, &error));
    EXPECT_SUCCESS(bp_safetensors_read(file, bp_safetensors_find(file, "packed"), back, NULL, &error));
    assert_memory_equal(back, values, COUNT * sizeof *values);
    EXPECT_SUCCESS(bp_safetensors_read(file, bp_safetensors_find(file, "spread"), back, NULL, &error));
    size_t k = 0;
    for (size_t a = 0; a < 5; a++)
        for (size_t b = 0; b < 7; b++)
            for (size_t c = 0; c < 11; c++)
                for (size_t d = 0; d < 13; d++)
                    for (size_t e = 0; e < 17; e++)
                        assert_true(back[k++] == (float)(a + 5 * b + 35 * c + 385 * d + 5005 * e));
    EXPECT_SUCCESS(bp_safetensors_read(file, bp_safetensors_find(file, "spread"), back, strides, &error));
    assert_memory_equal(back, values, COUNT * sizeof *values);
    bp_safetensors_close(file);
    free(values);
    free(back);
}

/* ---- Bad arguments -------------------------------------------------------------------------------------------- */

static void bad_arguments(void **state) {
    (void)state;
    const char *path = files_path("exact");
    files_write(path, "old", 3);
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_safetensors_write(NULL, tensors, TENSORS, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "tensors is null and count 1", bp_safetensors_write(path, NULL, 1, NULL, 0, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_safetensors_write(path, tensors, TENSORS, NULL, 1, &error));

    const size_t huge[] = {SIZE_MAX, 2}, far[] = {SIZE_MAX / 4, 1}, nine[9] = {0};
    const bp_tensor good = tensors[1];
    bp_tensor bad[] = {good, good, good, good, good, good, good, good, good, good};
    bad[0].name = NULL;
    bad[1].shape = NULL;
    bad[2].data = NULL;
    bad[3].dtype = DTYPE_COUNT;
    bad[4].name = "\xff";
    bad[5].name = "__metadata__";
    bad[6].dimensions = 9;
    bad[6].shape = nine;
    bad[7].shape = huge;
    bad[8].strides = far;
    bad[9].dtype = (bp_dtype)-1;
    static const bp_status expected[] = {BP_ERROR_NULL,     BP_ERROR_NULL,  BP_ERROR_NULL, BP_ERROR_VALUE,
                                         BP_ERROR_VALUE,    BP_ERROR_VALUE, BP_ERROR_SIZE, BP_ERROR_OVERFLOW,
                                         BP_ERROR_OVERFLOW, BP_ERROR_VALUE};
    static const char *const parts[] = {"tensors[1].name is null",
                                        "tensors[1] ('0.weight') has a null shape",
                                        "tensors[1] ('0.weight') has a null data",
                                        "tensors[1].dtype ('0.weight') is 13: it must be from 0 to 12",
                                        "tensors[1].name, '?', is not UTF-8",
                                        "tensors[1].name is '__metadata__', which the format reserves for the metadata",
                                        "tensors[1].dimensions ('0.weight') is 9: at most 8 are allowed",
                                        "tensors[1].shape ('0.weight') or its strides exceed the address range",
                                        "tensors[1].shape ('0.weight') or its strides exceed the address range",
                                        "tensors[1].dtype ('0.weight') is -1: it must be from 0 to 12"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const bp_tensor both[] = {tensors[0], bad[k]};
        EXPECT_FAILURE(expected[k], parts[k], bp_safetensors_write(path, both, 2, NULL, 0, &error));
    }
    const bp_tensor twins[] = {good, tensors[0], good};
    EXPECT_FAILURE(BP_ERROR_VALUE, "two tensors '0.weight'", bp_safetensors_write(path, twins, 3, NULL, 0, &error));

    const bp_metadata same[] = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
    EXPECT_FAILURE(BP_ERROR_VALUE, "two keys 'a'", bp_safetensors_write(path, NULL, 0, same, 3, &error));
    const bp_metadata no_key = {NULL, ""}, no_text = {"", NULL}, no_utf8 = {"a", "\xc3"};
    EXPECT_FAILURE(BP_ERROR_NULL, "metadata[0].key is null", bp_safetensors_write(path, NULL, 0, &no_key, 1, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "metadata[0].text is null", bp_safetensors_write(path, NULL, 0, &no_text, 1, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "metadata[0].text is not UTF-8",
                   bp_safetensors_write(path, NULL, 0, &no_utf8, 1, &error));

    /* Each fits, but not both together; nobody looks at the data. */
    const size_t half[] = {(size_t)PTRDIFF_MAX / 16}, *const stay = (const size_t[]){0};
    const bp_tensor halves[] = {
        {.name = "a", .dtype = BP_DTYPE_F64, .dimensions = 1, .shape = half, .data = w, .strides = stay},
        {.name = "b", .dtype = BP_DTYPE_F64, .dimensions = 1, .shape = half, .data = w, .strides = stay}};
    EXPECT_FAILURE(BP_ERROR_OVERFLOW, "address range", bp_safetensors_write(path, halves, 2, NULL, 0, &error));
    assert_true(files_equal(path, "old", 3));
}

/* A header beyond what the format allows. */
static void a_header_too_large(void **state) {
    (void)state;
    const size_t length = 17000000;
    char *text = malloc(length + 1);
    memset(text, '\n', length); /* six bytes each */
    text[length] = '\0';
    const bp_metadata pair = {"a", text};
    EXPECT_FAILURE(BP_ERROR_OVERFLOW, "address range",
                   bp_safetensors_write(files_path("x"), NULL, 0, &pair, 1, &error));
    free(text);
}

static void no_memory(void **state) {
    (void)state;
    const char *path = files_path("exact");
    static const char *const calls[] = {"malloc", "calloc", "realloc"};
    size_t failures = 0;
    for (size_t k = 0; k < 3; k++)
        for (size_t nth = 0;; nth++) {
            files_write(path, "old", 3);
            faults_at(calls[k], nth, ENOMEM);
            const bp_status status = bp_safetensors_write(path, tensors, TENSORS, metadata, 2, NULL);
            faults_none();
            if (status == BP_OK)
                break;
            assert_int_equal(status, BP_ERROR_MEMORY);
            assert_true(files_equal(path, "old", 3));
            failures++;
            assert_true(failures < 100);
        }
    assert_true(failures >= 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_bytes), cmocka_unit_test(round_trip), cmocka_unit_test(large_tensors),
        cmocka_unit_test(bad_arguments),   cmocka_unit_test(no_memory),  cmocka_unit_test(a_header_too_large),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
