/* numpy's files: the exact bytes that are written, all that can be read, all that is refused. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "files.h"
#include "harness/bits.h"

typedef struct content {
    unsigned char bytes[2048];
    size_t size;
} content;

/* A file with this dictionary, as it is, and these elements. */
static content content_with(unsigned version, const char *dictionary, const void *data, size_t size) {
    const size_t length = strlen(dictionary), length_bytes = version == 1 ? 2 : 4;
    content c = {.bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', (unsigned char)version, 0, (unsigned char)(length % 256),
                           (unsigned char)(length / 256)}};
    memcpy(c.bytes + 8 + length_bytes, dictionary, length);
    memcpy(c.bytes + 8 + length_bytes + length, data, size);
    c.size = 8 + length_bytes + length + size;
    return c;
}

static bp_array read_content(const content *c) {
    bp_array array;
    EXPECT_SUCCESS(bp_npy_read_memory(c->bytes, c->size, &array, &error));
    return array;
}

static void expect_values(bp_array *array, const float *values, size_t count) {
    assert_int_equal(array->count, count);
    for (size_t k = 0; k < count; k++)
        if (test_bits(array->values[k]) != test_bits(values[k]))
            fail_msg("[%zu]: %a instead of %a", k, array->values[k], values[k]);
    bp_array_destroy(array);
    assert_null(array->values);
    assert_int_equal(array->count, 0);
}

/* ---- Reading -------------------------------------------------------------------------------------------------- */

static const struct {
    const char *descr;
    unsigned char bytes[16];
    size_t size;
    float values[2];
} types[] = {
    {"|b1", {0, 1}, 2, {0, 1}},
    {"?", {2, 0}, 2, {1, 0}},
    {"|u1", {0, 255}, 2, {0, 255}},
    {"|i1", {1, 255}, 2, {1, -1}},
    {"<u2", {1, 2, 255, 255}, 4, {513, 65535}},
    {">u2", {1, 2, 255, 255}, 4, {258, 65535}},
    {"<i2", {1, 0, 255, 255}, 4, {1, -1}},
    {"<u4", {1, 0, 0, 0, 0, 0, 0, 128}, 8, {1, 0x1p31f}},
    {">i4", {0, 0, 1, 0, 255, 255, 255, 255}, 8, {256, -1}},
    {"<u8", {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128}, 16, {1, 0x1p63f}},
    {"<i8", {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128}, 16, {1, -0x1p63f}},
    {"<f2", {0, 60, 0, 252}, 4, {1, -INFINITY}},
    {"<f4", {0, 0, 192, 127, 1, 0, 0, 128}, 8, {NAN, -0x1p-149f}},
    {">f4", {63, 128, 0, 0, 128, 0, 0, 0}, 8, {1, -0.0f}},
    {"<f8", {0, 0, 0, 0, 0, 0, 240, 63, 0, 0, 0, 0, 0, 0, 240, 255}, 16, {1, -INFINITY}},
    {">f8", {192, 0, 0, 0, 0, 0, 0, 0, 63, 185, 153, 153, 153, 153, 153, 154}, 16, {-2, 0.1f}},
};

static void every_type(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        for (unsigned version = 1; version <= 3; version++) {
            char dictionary[128] = "{'descr': '";
            strcat(strcat(dictionary, types[k].descr), "', 'fortran_order': False, 'shape': (2,), }    \n");
            const content c = content_with(version, dictionary, types[k].bytes, types[k].size);
            bp_array array = read_content(&c);
            assert_int_equal(array.dimensions, 1);
            assert_int_equal(array.shape[0], 2);
            expect_values(&array, types[k].values, 2);
        }
}

/* Whatever order members, quotes and blanks come in. */
static void every_dictionary(void **state) {
    (void)state;
    static const char *const dictionaries[] = {
        "{'descr':'<f4','fortran_order':False,'shape':(2,)}",
        "{\"shape\": (2,), \"fortran_order\": False, \"descr\": \"<f4\"}\n",
        " { 'shape' : ( 2 , ) , 'descr' : '<f4' , 'fortran_order' : True , } \t\n",
        "{'shape': (2L,), 'fortran_order': False, 'descr': '<f4'}",
    };
    const unsigned char data[] = {0, 0, 128, 63, 0, 0, 0, 64};
    for (size_t k = 0; k < sizeof dictionaries / sizeof *dictionaries; k++) {
        const content c = content_with(1, dictionaries[k], data, sizeof data);
        bp_array array = read_content(&c);
        expect_values(&array, (const float[]){1, 2}, 2);
    }
}

static void every_shape(void **state) {
    (void)state;
    unsigned char data[24];
    for (size_t k = 0; k < sizeof data; k++)
        data[k] = (unsigned char)k;
    content c = content_with(1, "{'descr':'|u1','fortran_order':False,'shape':()}", data + 5, 1);
    bp_array array = read_content(&c);
    assert_int_equal(array.dimensions, 0);
    expect_values(&array, (const float[]){5}, 1);

    c = content_with(1, "{'descr':'|u1','fortran_order':False,'shape':(3,0,2)}", data, 0);
    array = read_content(&c);
    assert_int_equal(array.dimensions, 3);
    assert_non_null(array.values);
    expect_values(&array, NULL, 0);

    c = content_with(1, "{'descr':'|u1','fortran_order':False,'shape':(1,2,1,3,1,4,1,1)}", data, 24);
    array = read_content(&c);
    assert_int_equal(array.dimensions, 8);
    assert_true(array.values[23] == 23.0f);
    bp_array_destroy(&array);

    c = content_with(1, "{'descr':'|u1','fortran_order':True,'shape':(2,3,4)}", data, 24);
    array = read_content(&c);
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 3; j++)
            for (size_t k = 0; k < 4; k++)
                assert_true(array.values[12 * i + 4 * j + k] == (float)(i + 2 * j + 6 * k));
    bp_array_destroy(&array);
}

#define F4(shape) "{'descr':'<f4','fortran_order':False,'shape':" shape "}"

static const struct {
    const char *dictionary;
    size_t data;
    bp_status status;
    const char *part;
} bad_dictionaries[] = {
    {"", 4, BP_ERROR_FORMAT, "no '{'"},
    {"{}", 4, BP_ERROR_MISMATCH, "no dictionary"},
    {"{'descr':'<f4'}", 4, BP_ERROR_FORMAT, "no ','"},
    {"{'descr':'<f4','fortran_order':False}", 4, BP_ERROR_FORMAT, "no ','"},
    {"{'descr':'<f4','descr':'<f4'", 4, BP_ERROR_FORMAT, "does not consist of"},
    {"{'dtype':'<f4'", 4, BP_ERROR_FORMAT, "does not consist of"},
    {"{'descr' '<f4'", 4, BP_ERROR_FORMAT, "no ':'"},
    {F4("()") "x", 4, BP_ERROR_FORMAT, "goes on after its end"},
    {"{'descr':'<f4','fortran_order':False,'shape':(),'x':1}", 4, BP_ERROR_FORMAT, "no '}'"},
    {"{'descr':'<f4','fortran_order':false,'shape':()}", 4, BP_ERROR_FORMAT, "neither True nor False"},
    {"{'descr':'<f4','fortran_order':0,'shape':()}", 4, BP_ERROR_FORMAT, "neither True nor False"},
    {"{'descr':'<f4", 4, BP_ERROR_FORMAT, "too long"},
    {"{'descr':'\\x3cf4'", 4, BP_ERROR_FORMAT, "too long"},
    {"{'this name is longer than any name that is known':", 4, BP_ERROR_FORMAT, "too long"},
    {"{'descr':'<c8','fortran_order':False,'shape':()}", 8, BP_ERROR_MISMATCH, "'<c8' cannot be read as numbers"},
    {"{'descr':'|O','fortran_order':False,'shape':()}", 8, BP_ERROR_MISMATCH, "'|O' cannot"},
    {"{'descr':'<U5','fortran_order':False,'shape':()}", 20, BP_ERROR_MISMATCH, "'<U5' cannot"},
    {"{'descr':'<f16','fortran_order':False,'shape':()}", 16, BP_ERROR_MISMATCH, "'<f16' cannot"},
    {"{'descr':'','fortran_order':False,'shape':()}", 16, BP_ERROR_MISMATCH, "'' cannot"},
    {"{'descr':[('a','<f4')],'fortran_order':False,'shape':()}", 4, BP_ERROR_MISMATCH, "records"},
    {F4("4"), 16, BP_ERROR_FORMAT, "no '('"},
    {F4("(4)"), 16, BP_ERROR_FORMAT, "a number instead of a tuple"},
    {F4("(-4,)"), 16, BP_ERROR_FORMAT, "something else than lengths"},
    {F4("(2.0,)"), 8, BP_ERROR_FORMAT, "a number instead of a tuple"},
    {F4("(,)"), 4, BP_ERROR_FORMAT, "something else than lengths"},
    {F4("(1,2"), 8, BP_ERROR_FORMAT, "no ')'"},
    {F4("(1,1,1,1,1,1,1,1,1)"), 4, BP_ERROR_MISMATCH, "more than 8 dimensions"},
    {F4("(18446744073709551616,)"), 4, BP_ERROR_FORMAT, "too large"},
    {F4("(18446744073709551615,)"), 4, BP_ERROR_FORMAT, "too large"},
    {F4("(4294967296,4294967296)"), 4, BP_ERROR_FORMAT, "too large"},
    {F4("(0,4294967296,4294967296)"), 0, BP_ERROR_FORMAT, "too large"},
    {F4("(100000000,)"), 4, BP_ERROR_FORMAT, "truncated"},
    {F4("(2,)"), 7, BP_ERROR_FORMAT, "truncated"},
    {F4("(2,)"), 9, BP_ERROR_FORMAT, "more bytes than its header says"},
};

static void bad_dictionaries_are_refused(void **state) {
    (void)state;
    static const unsigned char zeros[64];
    for (size_t k = 0; k < sizeof bad_dictionaries / sizeof *bad_dictionaries; k++) {
        const content c = content_with(1, bad_dictionaries[k].dictionary, zeros, bad_dictionaries[k].data);
        bp_array array, before;
        memset(&array, 0x5a, sizeof array);
        before = array;
        faults_none();
        EXPECT_FAILURE(bad_dictionaries[k].status, bad_dictionaries[k].part,
                       bp_npy_read_memory(c.bytes, c.size, &array, &error));
        assert_memory_equal(&array, &before, sizeof array);
        assert_true(faults_largest_allocation() < 1000);
    }
}

static void bad_starts_are_refused(void **state) {
    (void)state;
    const content good = content_with(1, F4("(1,)"), "\0\0\0\0", 4);
    bp_array array;
    static const struct {
        size_t at;
        unsigned char byte;
        const char *part;
    } changes[] = {
        {0, 0x92, "not a .npy file"}, {5, 'y', "not a .npy file"}, {6, 0, "version 0.0"}, {6, 4, "version 4.0"},
        {7, 1, "version 1.1"},        {9, 255, "truncated"},       {20, 0, "NUL"}};
    for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
        content c = good;
        c.bytes[changes[k].at] = changes[k].byte;
        EXPECT_FAILURE(BP_ERROR_FORMAT, changes[k].part, bp_npy_read_memory(c.bytes, c.size, &array, &error));
    }
    content c = content_with(2, F4("(1,)"), "\0\0\0\0", 4);
    c.bytes[11] = 255;
    EXPECT_FAILURE(BP_ERROR_FORMAT, "longer than 65535 bytes", bp_npy_read_memory(c.bytes, c.size, &array, &error));
    for (size_t size = 0; size < good.size; size++) {
        unsigned char *bytes = malloc(size + 1);
        memcpy(bytes, good.bytes, size);
        EXPECT_FAILURE(BP_ERROR_FORMAT, "truncated", bp_npy_read_memory(bytes, size, &array, &error));
        free(bytes);
    }
}

/* ---- Writing -------------------------------------------------------------------------------------------------- */

static void the_exact_bytes(void **state) {
    (void)state;
    static const char head[] = "\x93NUMPY\x01\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    static const char head_1[] = "\x93NUMPY\x01\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
    static const char head_0[] = "\x93NUMPY\x01\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (), }";
    const float values[] = {1.0f, -2.0f, 0.5f, INFINITY, -0.0f, 0x1p-149f};
    static const unsigned char data[] = {0, 0, 128, 63,  0, 0, 0, 192, 0, 0, 0, 63,
                                         0, 0, 128, 127, 0, 0, 0, 128, 1, 0, 0, 0};
    char expected[128 + 24];
    const char *path = files_path("written");
    const size_t shape[] = {2, 3}, one[] = {1};

    memset(expected, ' ', sizeof expected);
    memcpy(expected, head, sizeof head - 1);
    expected[127] = '\n';
    memcpy(expected + 128, data, 24);
    EXPECT_SUCCESS(bp_npy_write(path, values, 2, shape, &error));
    assert_true(files_equal(path, expected, 128 + 24));

    memset(expected, ' ', 127);
    memcpy(expected, head_1, sizeof head_1 - 1);
    EXPECT_SUCCESS(bp_npy_write(path, values, 1, one, &error));
    assert_true(files_equal(path, expected, 128 + 4));

    memset(expected, ' ', 127);
    memcpy(expected, head_0, sizeof head_0 - 1);
    EXPECT_SUCCESS(bp_npy_write(path, values, 0, NULL, &error));
    assert_true(files_equal(path, expected, 128 + 4));
}

static void round_trips(void **state) {
    (void)state;
    const char *path = files_path("round");
    float values[6 * 1024];
    for (size_t k = 0; k < sizeof values / sizeof *values; k++)
        values[k] = (float)k / 7.0f;
    static const size_t shapes[][8] = {
        {6144}, {1, 6144}, {6, 1024}, {3, 2, 32, 32}, {5, 7, 1, 11}, {1, 1, 1, 1, 1, 1, 1, 1}, {4, 0}, {1023}, {1025}};
    static const size_t dimensions[] = {1, 2, 2, 4, 4, 8, 2, 1, 1};
    for (size_t k = 0; k < sizeof dimensions / sizeof *dimensions; k++) {
        bp_array array;
        EXPECT_SUCCESS(bp_npy_write(path, values, dimensions[k], shapes[k], &error));
        EXPECT_SUCCESS(bp_npy_read(path, &array, &error));
        assert_int_equal(array.dimensions, dimensions[k]);
        assert_memory_equal(array.shape, shapes[k], dimensions[k] * sizeof(size_t));
        expect_values(&array, values, array.count);
    }
    /* The longest header. */
    const size_t largest = PTRDIFF_MAX / 8 + 1, longest[] = {largest, 0, 1, 1, 1, 1, 1, 1};
    bp_array array;
    EXPECT_FAILURE(BP_ERROR_OVERFLOW, "shape has more elements than the address range",
                   bp_npy_write(path, values, 8, longest, &error));
    const size_t long_shape[] = {largest - 1, 0, 1, 1, 1, 1, 1, 1};
    EXPECT_SUCCESS(bp_npy_write(path, values, 8, long_shape, &error));
    EXPECT_SUCCESS(bp_npy_read(path, &array, &error));
    expect_values(&array, values, 0);
}

/* ---- Offsets, factors, doubles -------------------------------------------------------------------------------- */

static content content_of_doubles(const char *dictionary, const double *values, size_t count) {
    unsigned char data[1024];
    for (size_t k = 0; k < 8 * count; k++) {
        uint64_t bits;
        memcpy(&bits, &values[k / 8], 8);
        data[k] = (unsigned char)(bits >> (8 * (k % 8)));
    }
    return content_with(1, dictionary, data, 8 * count);
}

#define F8(order, shape) "{'descr':'<f8','fortran_order':" order ",'shape':" shape "}"

/* Binary64 until the end, with the column's own numbers, in either order of the file. */
static void shifted(void **state) {
    (void)state;
    const double times[] = {1700000000.25, 10.5, 1700000060.5, 20.5, 1700000120.75, 1e300};
    const double turned[] = {1700000000.25, 1700000060.5, 1700000120.75, 10.5, 20.5, 1e300};
    const double offset[] = {1700000000.0, 0.5}, factor[] = {4, 0.125};
    const content files[] = {content_of_doubles(F8("False", "(3,2)"), times, 6),
                             content_of_doubles(F8("True", "(3,2)"), turned, 6)};
    const struct {
        bp_shift_scale change;
        float values[6];
    } cases[] = {
        {{offset, factor, 2}, {1, 1.25f, 242, 2.5f, 483, INFINITY}},
        {{offset, NULL, 2}, {0.25f, 10, 60.5f, 20, 120.75f, INFINITY}},
        {{offset, NULL, 1}, {0.25f, -1699999989.5f, 60.5f, -1699999979.5f, 120.75f, INFINITY}},
        {{NULL, factor + 1, 1}, {212500000.03125f, 1.3125f, 212500007.5625f, 2.5625f, 212500015.09375f, INFINITY}},
        {{NULL, NULL, 2}, {1700000000, 10.5f, 0x1.954fc4p+30f, 20.5f, 1700000120.75f, INFINITY}},
        {{offset, factor, 0}, {1700000000, 10.5f, 0x1.954fc4p+30f, 20.5f, 1700000120.75f, INFINITY}}};
    bp_array array;
    for (size_t f = 0; f < 2; f++) {
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            EXPECT_SUCCESS(bp_npy_read_memory_shifted(files[f].bytes, files[f].size, &cases[k].change, &array, &error));
            assert_true(array.shape[0] == 3 && array.shape[1] == 2);
            expect_values(&array, cases[k].values, 6);
        }
        bp_doubles doubles;
        EXPECT_SUCCESS(bp_npy_doubles_memory(files[f].bytes, files[f].size, &doubles, &error));
        assert_true(doubles.count == 6 && doubles.dimensions == 2 && doubles.shape[0] == 3 && doubles.shape[1] == 2);
        assert_memory_equal(doubles.values, times, sizeof times);
        bp_doubles_destroy(&doubles);
        assert_null(doubles.values);
        const char *path = files_path("times");
        files_write(path, files[f].bytes, files[f].size);
        EXPECT_SUCCESS(bp_npy_read_shifted(path, &cases[0].change, &array, &error));
        expect_values(&array, cases[0].values, 6);
        EXPECT_SUCCESS(bp_npy_doubles(path, &doubles, &error));
        assert_memory_equal(doubles.values, times, sizeof times);
        bp_doubles_destroy(&doubles);
    }
    /* 2^53 + 1 is rounded to 2^53 once; -1 is no large number. */
    const unsigned char integers[] = {1, 0, 0, 0, 0, 0, 32, 0, 255, 255, 255, 255, 255, 255, 255, 255};
    const content c = content_with(1, "{'descr':'<i8','fortran_order':False,'shape':(2,)}", integers, 16);
    const double large = 0x1p53;
    EXPECT_SUCCESS(bp_npy_read_memory_shifted(c.bytes, c.size, &(bp_shift_scale){&large, NULL, 1}, &array, &error));
    expect_values(&array, (const float[]){0, -0x1p53f}, 2);
    /* Each type, as it is. */
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        char dictionary[128] = "{'descr': '";
        strcat(strcat(dictionary, types[k].descr), "', 'fortran_order': False, 'shape': (2,), }");
        const content t = content_with(1, dictionary, types[k].bytes, types[k].size);
        bp_doubles doubles;
        EXPECT_SUCCESS(bp_npy_doubles_memory(t.bytes, t.size, &doubles, &error));
        for (size_t n = 0; n < 2; n++)
            assert_true((float)doubles.values[n] == types[k].values[n] || isnan(types[k].values[n]));
        bp_doubles_destroy(&doubles);
    }
}

static void bad_changes(void **state) {
    (void)state;
    const double numbers[] = {1, 2, NAN, INFINITY};
    const double *misaligned = (const double *)(const void *)((const char *)numbers + 4);
    const content c = content_of_doubles(F8("False", "(2,3)"), (const double[]){1, 2, 3, 4, 5, 6}, 6);
    const content one = content_of_doubles(F8("False", "()"), numbers, 1);
    bp_array array, before;
    memset(&array, 0x5a, sizeof array);
    before = array;
    static const struct {
        size_t count, from;
        bp_status status;
        const char *part;
    } bad[] = {{2, 0, BP_ERROR_SIZE, "change.count is 2, and must be 1 or as many as the columns, 3"},
               {4, 0, BP_ERROR_SIZE, "change.count is 4"},
               {6, 0, BP_ERROR_SIZE, "change.count is 6"},
               {3, 0, BP_ERROR_VALUE, "[2] is NaN, and must be finite"},
               {1, 3, BP_ERROR_VALUE, "[0] is "}};
    for (size_t k = 0; k < 2 * (sizeof bad / sizeof *bad); k++) {
        const double *of = numbers + bad[k / 2].from;
        const bp_shift_scale change = {k % 2 ? of : NULL, k % 2 ? NULL : of, bad[k / 2].count};
        EXPECT_FAILURE(bad[k / 2].status, bad[k / 2].part,
                       bp_npy_read_memory_shifted(c.bytes, c.size, &change, &array, &error));
    }
    EXPECT_FAILURE(
        BP_ERROR_SIZE, "change.count is 2, and must be 1 or as many as the columns, 1",
        bp_npy_read_memory_shifted(one.bytes, one.size, &(bp_shift_scale){numbers, NULL, 2}, &array, &error));
    EXPECT_FAILURE(BP_ERROR_ALIGNMENT, "align",
                   bp_npy_read_memory_shifted(c.bytes, c.size, &(bp_shift_scale){misaligned, NULL, 1}, &array, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npy_read_memory_shifted(c.bytes, c.size, NULL, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npy_read_shifted(NULL, NULL, &array, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npy_doubles("x", NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npy_doubles_memory(NULL, 1, &(bp_doubles){0}, &error));
    assert_memory_equal(&array, &before, sizeof array);
}

/* ---- Bad calls and failures ----------------------------------------------------------------------------------- */

static void bad_calls(void **state) {
    (void)state;
    float values[8] = {0};
    float *misaligned = (float *)(void *)((char *)values + 1);
    bp_array array;
    const size_t shape[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, huge[] = {SIZE_MAX, SIZE_MAX};
    const char *path = files_path("bad");
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npy_read(NULL, &array, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npy_read(path, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npy_read_memory(NULL, 1, &array, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npy_read_memory(values, 1, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npy_write(NULL, values, 1, shape, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npy_write(path, NULL, 1, shape, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_npy_write(path, values, 1, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_SIZE, "dimensions is 9, and must be at most 8",
                   bp_npy_write(path, values, 9, shape, &error));
    EXPECT_FAILURE(BP_ERROR_OVERFLOW, "shape has more elements than the address range",
                   bp_npy_write(path, values, 2, huge, &error));
    EXPECT_FAILURE(BP_ERROR_ALIGNMENT, "values lies at 0x", bp_npy_write(path, misaligned, 1, shape, &error));
    EXPECT_FAILURE(BP_ERROR_FILE, "cannot open: No such file", bp_npy_read(path, &array, &error));
    bp_array_destroy(NULL);

    const content c = content_with(1, F4("(1,)"), "\0\0\0\0", 4);
    files_write(path, c.bytes, c.size);
    for (size_t nth = 0; nth < 4; nth++) {
        faults_at("pread", nth, EIO);
        EXPECT_FAILURE(BP_ERROR_FILE, "cannot read: Input/output", bp_npy_read(path, &array, &error));
    }
    for (size_t nth = 0; nth < 2; nth++) {
        faults_at("malloc", nth, ENOMEM);
        EXPECT_FAILURE(BP_ERROR_MEMORY, "allocation", bp_npy_read(path, &array, &error));
    }
    faults_at("malloc", 0, ENOMEM);
    EXPECT_FAILURE(BP_ERROR_MEMORY, "allocation", bp_npy_write(path, values, 1, shape, &error));
    faults_none();
    assert_true(files_equal(path, c.bytes, c.size));
}

/* ---- Labels --------------------------------------------------------------------------------------------------- */

static void labels(void **state) {
    (void)state;
    float values[] = {0, 3, 0x1p24f, -0.0f};
    uint32_t to[4] = {9, 9, 9, 9};
    bp_array array = {.values = values, .count = 4};
    assert_int_equal(bp_array_labels(&array, to), BP_OK);
    assert_memory_equal(to, ((const uint32_t[]){0, 3, 1 << 24, 0}), sizeof to);
    static const float bad[] = {-1.0f, 0.5f, 0x1.000002p24f, INFINITY, -INFINITY, NAN, 0x1p-149f, 0x1p32f};
    memset(to, 0x77, sizeof to);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        values[3] = bad[k];
        assert_int_equal(bp_array_labels(&array, to), BP_ERROR_LABEL);
        assert_int_equal(to[0], 0x77777777);
    }
    values[3] = -1;
    assert_int_equal(bp_array_labels(&array, to), BP_ERROR_LABEL);
    assert_string_equal(bp_error_message(),
                        "array.values[3] is -1: a class label is a whole number from 0 to 16777216");
    assert_int_equal(bp_array_labels(NULL, to), BP_ERROR_NULL);
    assert_int_equal(bp_array_labels(&array, NULL), BP_ERROR_NULL);
    assert_int_equal(bp_array_labels(&(bp_array){.count = 0}, to), BP_ERROR_NULL);
    assert_int_equal(bp_array_labels(&array, (uint32_t *)(void *)((char *)to + 2)), BP_ERROR_ALIGNMENT);
    assert_int_equal(bp_array_labels(&array, (uint32_t *)(void *)(values + 3)), BP_ERROR_OVERLAP);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),
        cmocka_unit_test(every_dictionary),
        cmocka_unit_test(every_shape),
        cmocka_unit_test(bad_dictionaries_are_refused),
        cmocka_unit_test(bad_starts_are_refused),
        cmocka_unit_test(the_exact_bytes),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(shifted),
        cmocka_unit_test(bad_changes),
        cmocka_unit_test(bad_calls),
        cmocka_unit_test(labels),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
