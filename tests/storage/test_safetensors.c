/* Reading safetensors: what a good file gives, and what bad ones are refused for. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enum_counts.h"
#include "faults.h"
#include "files.h"
#include "harness/bits.h"
#include "tensors.h"

static void a_good_file(void **state) {
    (void)state;
    const content c = matrix_content();
    bp_safetensors *file = open_content(&c);
    check_matrix(file);
    bp_safetensors_close(file);

    const char *path = files_path("matrix");
    files_write(path, c.bytes, c.size);
    EXPECT_SUCCESS(bp_safetensors_open(path, &file, &error));
    check_matrix(file);
    bp_safetensors_close(file);
}

static void an_empty_file_of_tensors(void **state) {
    (void)state;
    static const char *const headers[] = {"{}", "{ }  ", "{\"__metadata__\":{}}"};
    for (size_t k = 0; k < 3; k++) {
        const content c = content_with(headers[k], 0);
        bp_safetensors *file = open_content(&c);
        size_t count = 1;
        assert_int_equal(bp_safetensors_count(file), 0);
        assert_null(bp_safetensors_find(file, ""));
        assert_null(bp_safetensors_metadata(file, ""));
        assert_null(bp_safetensors_all_metadata(file, &count));
        assert_int_equal(count, 0);
        bp_safetensors_close(file);
    }
}

/* Data may come in another order than the header's. */
static void any_order(void **state) {
    (void)state;
    const content c = content_with("{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[5,8]},"
                                   "\"b\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[0,5]}}",
                                   8);
    bp_safetensors *file = open_content(&c);
    assert_string_equal(bp_safetensors_tensor(file, 0)->name, "b");
    assert_string_equal(bp_safetensors_tensor(file, 1)->name, "a");
    bp_safetensors_close(file);
}

/* What other readers take: null metadata, members of a description that the format does not have. */
static void what_others_take(void **state) {
    (void)state;
    char deep[1024];
    size_t end = (size_t)sprintf(deep, "{\"t\":{\"x\":");
    memset(deep + end, '[', 128);
    memset(deep + end + 128, ']', 128);
    strcpy(deep + end + 256, ",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}");
    const char *const headers[] = {
        "{\"__metadata__\":null,\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
        "{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"__metadata__\" : null }",
        "{\"t\":{\"dtype\":\"U8\",\"strides\":[1],\"shape\":[1],\"x\":null,\"data_offsets\":[0,1],\"x\":\"\"}}",
        "{\"t\":{\"x\" : { \"a\" : [ ] , \"b\":{},\"c\":[1,-0.5e+7,0,{\"d\":[true,false,null,\"\\u00e9]\"]},10E-1]} ,"
        "\"dtype\":\"U8\",\"y\":[[],[[]],{}],\"shape\":[1],\"data_offsets\":[0,1],\"z\":true}}",
        deep};
    for (size_t k = 0; k < sizeof headers / sizeof *headers; k++) {
        const content c = content_with(headers[k], 1);
        bp_safetensors *file = open_content(&c);
        size_t count;
        float value = 7;
        assert_null(bp_safetensors_all_metadata(file, &count));
        assert_int_equal(bp_safetensors_count(file), 1);
        assert_int_equal(bp_safetensors_tensor(file, 0)->shape[0], 1);
        EXPECT_SUCCESS(bp_safetensors_read(file, bp_safetensors_find(file, "t"), &value, NULL, &error));
        assert_true(value == 0.0f);
        bp_safetensors_close(file);
    }
    /* One backend more. */
    memset(deep + end, '[', 129);
    memset(deep + end + 129, ']', 129);
    bp_safetensors *file;
    const content c = content_with(deep, 0);
    EXPECT_FAILURE(BP_ERROR_FORMAT, "nests too deeply", bp_safetensors_open_memory(c.bytes, c.size, &file, &error));
}

/* Tensors of types that bp_dtype has not are listed, and the others can be read. */
static void unknown_types(void **state) {
    (void)state;
    static const char *const dtypes[] = {"F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "F6_E2M3", "C64", "f32", "F33", ""};
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++) {
        char header[256];
        snprintf(header, sizeof header,
                 "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[3,11]},"
                 "\"b\":{\"dtype\":\"%s\",\"shape\":[3,2],\"data_offsets\":[0,3]}}",
                 dtypes[k]);
        const content c = content_with(header, 11);
        bp_safetensors *file = open_content(&c);
        const bp_tensor *a = bp_safetensors_find(file, "a"), *b = bp_safetensors_tensor(file, 0);
        assert_string_equal(b->name, "b");
        assert_int_equal(b->dtype, BP_DTYPE_UNKNOWN);
        assert_string_equal(b->dtype_name, dtypes[k]);
        assert_int_equal(b->dimensions, 2);
        assert_true(b->shape[0] == 3 && b->shape[1] == 2);
        assert_string_equal(a->dtype_name, "F32");
        float values[2] = {7, 7};
        unsigned char bytes[3];
        char part[64];
        EXPECT_SUCCESS(bp_safetensors_read(file, a, values, NULL, &error));
        assert_true(values[0] == 0.0f && values[1] == 0.0f);
        snprintf(part, sizeof part, "tensor 'b' has the dtype '%s', which cannot be read", dtypes[k]);
        EXPECT_FAILURE(BP_ERROR_MISMATCH, part, bp_safetensors_read(file, b, values, NULL, &error));
        EXPECT_FAILURE(BP_ERROR_MISMATCH, part, bp_safetensors_read_bytes(file, b, bytes, 3, &error));
        EXPECT_FAILURE(BP_ERROR_VALUE, "tensors[0].dtype ('b') is -1",
                       bp_safetensors_write(files_path("never"), b, 1, NULL, 0, &error));
        assert_true(values[0] == 0.0f && values[1] == 0.0f);
        bp_safetensors_close(file);
    }
    assert_int_equal(bp_dtype_bytes(BP_DTYPE_UNKNOWN), 0);
}

/* A tensor of more dimensions than there is room for: the first ones are taken as one. */
static void many_dimensions(void **state) {
    (void)state;
    const content c =
        content_with("{\"t\":{\"dtype\":\"U8\",\"shape\":[2,3,1,1,2,1,1,1,1,4],\"data_offsets\":[0,48]}}", 48);
    bp_safetensors *file = open_content(&c);
    const bp_tensor *t = bp_safetensors_tensor(file, 0);
    static const size_t shape[] = {6, 1, 2, 1, 1, 1, 1, 4};
    assert_int_equal(t->dimensions, BP_DIMENSIONS_MAX);
    assert_memory_equal(t->shape, shape, sizeof shape);
    float values[48];
    EXPECT_SUCCESS(bp_safetensors_read(file, t, values, NULL, &error));
    assert_true(values[47] == 0.0f);
    bp_safetensors_close(file);
    const content empty =
        content_with("{\"t\":{\"dtype\":\"U8\",\"shape\":[2,0,1,1,2,1,1,1,1,4],\"data_offsets\":[0,0]}}", 0);
    file = open_content(&empty);
    assert_int_equal(bp_safetensors_tensor(file, 0)->shape[0], 0);
    bp_safetensors_close(file);
}

/* ---- Types ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *dtype;
    uint64_t bits;
    float value;
} conversions[] = {
    {"BOOL", 0, 0.0f},
    {"BOOL", 1, 1.0f},
    {"BOOL", 0xff, 1.0f},
    {"U8", 0xff, 255.0f},
    {"I8", 0xff, -1.0f},
    {"I8", 0x80, -128.0f},
    {"U16", 0xffff, 65535.0f},
    {"I16", 0x8000, -32768.0f},
    {"U32", 0x1000001, 0x1p24f},
    {"U32", 0x1000003, 0x1000004p0f},
    {"U32", 0xffffffff, 0x1p32f},
    {"I32", 0xffffffff, -1.0f},
    {"I32", 0x80000000, -0x1p31f},
    {"U64", UINT64_MAX, 0x1p64f},
    {"U64", 0x8000008000000000, 0x1p63f},               /* a tie, to even */
    {"U64", 0x8000008000000001, 0x8000010000000000p0f}, /* just above */
    {"I64", UINT64_MAX, -1.0f},
    {"I64", 0x1000001000000001, 0x1000002p36f}, /* above a tie, which binary64 would make of it */
    {"I64", 0x8000000000000000, -0x1p63f},
    {"F16", 0x3c00, 1.0f},
    {"F16", 0xc000, -2.0f},
    {"F16", 0x7bff, 65504.0f},
    {"F16", 0x0001, 0x1p-24f},
    {"F16", 0x83ff, -0x3ffp-24f},
    {"F16", 0x0400, 0x1p-14f},
    {"F16", 0x8000, -0.0f},
    {"F16", 0x7c00, INFINITY},
    {"F16", 0xfc00, -INFINITY},
    {"F16", 0x7e01, NAN},
    {"BF16", 0x3f80, 1.0f},
    {"BF16", 0x8000, -0.0f},
    {"BF16", 0x0001, 0x1p-133f},
    {"BF16", 0xff80, -INFINITY},
    {"BF16", 0x7fc1, NAN},
    {"F32", 0x00000001, 0x1p-149f},
    {"F32", 0x7fa00001, NAN},
    {"F64", 0x3ff0000000000000, 1.0f},
    {"F64", 0x3ff0000010000000, 1.0f},          /* a tie, to even */
    {"F64", 0x3ff0000010000001, 0x1.000002p0f}, /* just above */
    {"F64", 0x7fe0000000000000, INFINITY},      /* 2^1023 */
    {"F64", 0xb690000000000001, -0x1p-149f},    /* just above half of the smallest */
    {"F64", 0x3690000000000000, 0.0f},          /* that half */
    {"F64", 0xfff0000000000000, -INFINITY},
};

static size_t bytes_of(const char *dtype) {
    static const char *const names[] = {"BOOL", "U8",  "I8",  "U16",  "I16", "U32", "I32",
                                        "U64",  "I64", "F16", "BF16", "F32", "F64"};
    for (int k = 0; k < DTYPE_COUNT; k++)
        if (strcmp(names[k], dtype) == 0)
            return bp_dtype_bytes((bp_dtype)k);
    return 0;
}

static void every_type(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof conversions / sizeof *conversions; k++) {
        char header[128];
        unsigned char data[8];
        const size_t size = bytes_of(conversions[k].dtype);
        assert_true(size > 0);
        for (size_t byte = 0; byte < 8; byte++)
            data[byte] = (unsigned char)(conversions[k].bits >> (8 * byte));
        snprintf(header, sizeof header, "{\"x\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%zu]}}",
                 conversions[k].dtype, size);
        const content c = content_of(header, strlen(header), data, size);
        bp_safetensors *file = open_content(&c);
        float value = 7;
        EXPECT_SUCCESS(bp_safetensors_read(file, bp_safetensors_tensor(file, 0), &value, NULL, &error));
        if (test_bits(value) != test_bits(conversions[k].value))
            fail_msg("%s %llx: %a instead of %a", conversions[k].dtype, (unsigned long long)conversions[k].bits, value,
                     conversions[k].value);
        if (strcmp(conversions[k].dtype, "F32") == 0)
            assert_int_equal(test_raw_bits(value), conversions[k].bits);
        bp_safetensors_close(file);
    }
    assert_int_equal(bp_dtype_bytes(DTYPE_COUNT), 0);
    assert_int_equal(bp_dtype_bytes((bp_dtype)-1), 0);
}

/* ---- Bad files ------------------------------------------------------------------------------------------------ */

#define TENSOR(rest) "{\"t\":" rest "}"
#define MEMBERS(dtype, shape, offsets) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const struct {
    const char *header;
    size_t data;
    const char *part; /* of the message */
} bad_headers[] = {
    {"", 0, "does not begin with '{'"},
    {" {}", 0, "does not begin with '{'"},
    {"[]", 0, "does not begin with '{'"},
    {"{", 0, "no '\"'"},
    {"{}}", 0, "goes on after its end"},
    {"{}{}", 0, "goes on after its end"},
    {"{,}", 0, "no '\"'"},
    {"{\"t\"}", 0, "no ':'"},
    {"{\"t\":1}", 0, "no '{'"},
    {"{\"t\":null}", 0, "no '{'"},
    {"{\"t", 0, "no end"},
    {"{\"t\\", 0, "unknown escape"},
    {"{\"t\\x\":", 0, "unknown escape"},
    {"{\"t\\u12g4\":", 0, "four hexadecimal digits"},
    {"{\"\\u0000\":", 0, "NUL"},
    {"{\"\\ud800\":", 0, "surrogate"},
    {"{\"\\ud800\\u0041\":", 0, "surrogate"},
    {"{\"\\udc00\":", 0, "surrogate"},
    {"{\"\\ud800\\n\":", 0, "surrogate"},
    {"{\"\t\":", 0, "control character"},
    {"{\"\xff\":", 0, "UTF-8"},
    {"{\"\xc0\x80\":", 0, "UTF-8"},
    {"{\"\xe0\x80\x80\":", 0, "UTF-8"},
    {"{\"\xed\xa0\x80\":", 0, "UTF-8"},
    {"{\"\xf4\x90\x80\x80\":", 0, "UTF-8"},
    {"{\"\xe2\x82", 0, "UTF-8"},
    {TENSOR("{}"), 0, "has no member 'dtype'"},
    {TENSOR("{\"dtype\":\"F32\",\"shape\":[]}"), 0, "has no member 'data_offsets'"},
    {TENSOR("{\"dtype\":\"F32\",\"x\":[],\"data_offsets\":[0,4]}"), 4, "has no member 'shape'"},
    {TENSOR("{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],}"), 4, "no '\"'"},
    {TENSOR("{\"dtype\":\"F32\",\"shape\":[],\"shape\":[]"), 0, "a second member 'shape'"},
    {TENSOR("{\"dtype\":\"F32\",\"strides\":[]"), 0, "has no member 'shape'"},
    {TENSOR("{\"x\":}"), 0, "no value"},
    {TENSOR("{\"x\":nul}"), 0, "no value"},
    {TENSOR("{\"x\":nulll}"), 0, "no '}'"},
    {TENSOR("{\"x\":True}"), 0, "no value"},
    {TENSOR("{\"x\":01}"), 0, "no value"},
    {TENSOR("{\"x\":-}"), 0, "no value"},
    {TENSOR("{\"x\":+1}"), 0, "no value"},
    {TENSOR("{\"x\":.5}"), 0, "no value"},
    {TENSOR("{\"x\":1.}"), 0, "no value"},
    {TENSOR("{\"x\":1e}"), 0, "no value"},
    {TENSOR("{\"x\":1e+}"), 0, "no value"},
    {TENSOR("{\"x\":[1,]}"), 0, "no value"},
    {TENSOR("{\"x\":[1 2]}"), 0, "no ']'"},
    {TENSOR("{\"x\":[}"), 0, "no value"},
    {TENSOR("{\"x\":{\"a\"}}"), 0, "no ':'"},
    {TENSOR("{\"x\":{\"a\":1,}}"), 0, "no '\"'"},
    {TENSOR("{\"x\":{1:2}}"), 0, "no '\"'"},
    {TENSOR("{\"x\":\"\\x\"}"), 0, "unknown escape"},
    {TENSOR("{\"x\":[[[[{\"a\":[1"), 0, "no ']'"},
    {TENSOR(MEMBERS("F8_E4M3", "[]", "[1,0]")), 1, "do not fit its dtype and shape"},
    {TENSOR(MEMBERS("F8_E4M3", "[1]", "[0,1]")), 2, "goes on after its last tensor"},
    {TENSOR(MEMBERS("F8_E4M3", "[1]", "[1,2]")), 2, "begin after a hole"},
    {TENSOR(MEMBERS("F8_E4M3", "[4294967296,4294967296]", "[0,1]")), 1, "is too large"},
    {TENSOR("{\"dtype\":8,"), 0, "no '\"'"},
    {TENSOR(MEMBERS("U8", "[4294967296,4294967296,1,1,1,1,1,1,1]", "[0,1]")), 1, "is too large"},
    {"{\"__metadata__\":nul}", 0, "no '{'"},
    {"{\"__metadata__\":{\"a\":null}}", 0, "no '\"'"},
    {"{\"__metadata__\":null,\"__metadata__\":{}}", 0, "two members '__metadata__'"},
    {TENSOR(MEMBERS("F32", "[-1]", "[0,4]")), 4, "no whole number"},
    {TENSOR(MEMBERS("F32", "[1.0]", "[0,4]")), 4, "no ']'"},
    {TENSOR(MEMBERS("F32", "[1e0]", "[0,4]")), 4, "no ']'"},
    {TENSOR(MEMBERS("F32", "[01]", "[0,4]")), 4, "begins with 0"},
    {TENSOR(MEMBERS("F32", "[\"1\"]", "[0,4]")), 4, "no whole number"},
    {TENSOR(MEMBERS("F32", "[1,]", "[0,4]")), 4, "no whole number"},
    {TENSOR(MEMBERS("F32", "1", "[0,4]")), 4, "no '['"},
    {TENSOR(MEMBERS("F32", "[[1]]", "[0,4]")), 4, "no whole number"},
    {TENSOR(MEMBERS("F32", "[18446744073709551616]", "[0,4]")), 4, "too large"},
    {TENSOR(MEMBERS("F32", "[18446744073709551615]", "[0,4]")), 4, "is too large"},
    {TENSOR(MEMBERS("F32", "[4294967296,4294967296]", "[0,0]")), 0, "is too large"},
    {TENSOR(MEMBERS("F32", "[0,4294967296,4294967296]", "[0,0]")), 0, "is too large"},
    {TENSOR(MEMBERS("U8", "[4611686018427387904]", "[0,4611686018427387904]")), 4, "is too large"},
    {TENSOR(MEMBERS("F32", "[1]", "[0]")), 4, "no ','"},
    {TENSOR(MEMBERS("F32", "[1]", "[0,4,8]")), 4, "no ']'"},
    {TENSOR(MEMBERS("F32", "[1]", "[4,0]")), 4, "do not fit its dtype and shape"},
    {TENSOR(MEMBERS("F32", "[1]", "[0,5]")), 5, "do not fit its dtype and shape"},
    {TENSOR(MEMBERS("F32", "[2]", "[0,4]")), 4, "do not fit its dtype and shape"},
    {TENSOR(MEMBERS("F32", "[1]", "[18446744073709551612,18446744073709551616]")), 4, "too large"},
    {TENSOR(MEMBERS("F32", "[1]", "[18446744073709551611,18446744073709551615]")), 4, "begin after a hole"},
    {TENSOR(MEMBERS("F32", "[1]", "[4,8]")), 8, "begin after a hole"},
    {TENSOR(MEMBERS("F32", "[1]", "[0,4]")), 3, "truncated"},
    {TENSOR(MEMBERS("F32", "[1]", "[0,4]")), 0, "truncated"},
    {TENSOR(MEMBERS("F32", "[1]", "[0,4]")), 5, "goes on after its last tensor"},
    {"{}", 1, "goes on after its last tensor"},
    {"{\"a\":" MEMBERS("F32", "[1]", "[0,4]") ",\"b\":" MEMBERS("F32", "[1]", "[0,4]") "}", 4, "overlap another's"},
    {"{\"a\":" MEMBERS("U8", "[4]", "[0,4]") ",\"b\":" MEMBERS("U8", "[4]", "[2,6]") "}", 6,
     "data of tensor 'b' overlap another's"},
    {"{\"a\":" MEMBERS("U8", "[4]", "[0,4]") ",\"b\":" MEMBERS("U8", "[4]", "[5,9]") "}", 9,
     "data of tensor 'b' begin after a hole"},
    {"{\"a\":" MEMBERS("U8", "[1]", "[0,1]") ",\"a\":" MEMBERS("U8", "[1]", "[1,2]") "}", 2, "two tensors 'a'"},
    {"{\"a\":" MEMBERS("U8", "[1]", "[0,1]") ",\"\\u0061\":" MEMBERS("U8", "[1]", "[1,2]") "}", 2, "two tensors 'a'"},
    {"{\"a\":" MEMBERS("U8", "[1]", "[0,1]") "\"b\":" MEMBERS("U8", "[1]", "[1,2]") "}", 2, "no '}'"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "two members '__metadata__'"},
    {"{\"__metadata__\":[]}", 0, "no '{'"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "no '\"'"},
    {"{\"__metadata__\":{\"a\":{}}}", 0, "no '\"'"},
    {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "two keys 'a'"},
    {"{\"__metadata__\":{\"a\":\"1\",}}", 0, "no '\"'"},
};

static void bad_headers_are_refused(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof bad_headers / sizeof *bad_headers; k++) {
        const content c = content_with(bad_headers[k].header, bad_headers[k].data);
        bp_safetensors *file = (bp_safetensors *)state;
        EXPECT_FAILURE(BP_ERROR_FORMAT, bad_headers[k].part,
                       bp_safetensors_open_memory(c.bytes, c.size, &file, &error));
        assert_null(file);
        assert_int_equal(bp_safetensors_open_memory(c.bytes, c.size, &file, NULL), BP_ERROR_FORMAT);
    }
    bp_safetensors *file;
    const content nul = content_of("{\"a\0b\":", 7, "", 0);
    EXPECT_FAILURE(BP_ERROR_FORMAT, "control character",
                   bp_safetensors_open_memory(nul.bytes, nul.size, &file, &error));
}

static void messages_can_be_shown(void **state) {
    (void)state;
    bp_safetensors *file;
    /* A name that the room cuts in the midst of a character, with control characters before. */
    char header[512] = "{\"\\u001b[31m\\u007f";
    for (size_t k = 0; k < 100; k++)
        strcat(header, "\xe2\x82\xac");
    strcat(header, "\":" MEMBERS("F32", "[]", "[0,5]") "}");
    const content c = content_with(header, 4);
    EXPECT_FAILURE(BP_ERROR_FORMAT, "the offsets of tensor '?[31m?\xe2\x82\xac",
                   bp_safetensors_open_memory(c.bytes, c.size, &file, &error));
    bp_file_error error;
    bp_safetensors_open_memory(c.bytes, c.size, &file, &error);
    assert_non_null(strstr(error.text, "\xac?' do not fit its dtype and shape"));
    /* Where it is wrong. */
    const content b = content_with("{\"a\":1}", 0);
    bp_safetensors_open_memory(b.bytes, b.size, &file, &error);
    assert_int_equal(error.offset, 13);
    assert_int_equal(error.line, 0);
}

static void every_truncation(void **state) {
    (void)state;
    const content c = matrix_content();
    for (size_t size = 0; size < c.size; size++) {
        bp_safetensors *file;
        unsigned char *bytes = malloc(size + 1);
        memcpy(bytes, c.bytes, size);
        EXPECT_FAILURE(BP_ERROR_FORMAT, "truncated", bp_safetensors_open_memory(bytes, size, &file, &error));
        free(bytes);
    }
    content longer = c;
    longer.size++;
    bp_safetensors *file;
    EXPECT_FAILURE(BP_ERROR_FORMAT, "goes on after its last tensor",
                   bp_safetensors_open_memory(longer.bytes, longer.size, &file, &error));
}

/* A header that claims to be huge is not even allocated. */
static void huge_claims(void **state) {
    (void)state;
    static const uint64_t lengths[] = {UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63, 100000001, 100000000, 1000};
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        content c = matrix_content();
        for (size_t byte = 0; byte < 8; byte++)
            c.bytes[byte] = (unsigned char)(lengths[k] >> (8 * byte));
        bp_safetensors *file;
        faults_none();
        EXPECT_FAILURE(BP_ERROR_FORMAT, lengths[k] > 100000000 ? "more than 100000000" : "truncated",
                       bp_safetensors_open_memory(c.bytes, c.size, &file, &error));
        assert_true(faults_largest_allocation() < 1000);
    }
}

/* ---- Bad calls ------------------------------------------------------------------------------------------------ */

static void bad_calls(void **state) {
    (void)state;
    const content c = matrix_content();
    bp_safetensors *file = (bp_safetensors *)state, *other = open_content(&c);
    float values[16];
    memset(values, 0x55, sizeof values);
    float before[16];
    memcpy(before, values, sizeof before);
    float *misaligned = (float *)(void *)((char *)values + 1);

    EXPECT_FAILURE(BP_ERROR_NULL, "path is null", bp_safetensors_open(NULL, &file, &error));
    assert_null(file);
    file = open_content(&c);
    const bp_tensor *w = bp_safetensors_find(file, "w"), *foreign = bp_safetensors_find(other, "w");
    const bp_tensor copy = *w;
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_safetensors_open("x", NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_safetensors_open_memory(c.bytes, c.size, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "file is null", bp_safetensors_read(NULL, w, values, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_safetensors_read(file, NULL, values, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_safetensors_read(file, w, NULL, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "none of those that this file has given",
                   bp_safetensors_read(file, foreign, values, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "none of those that this file has given",
                   bp_safetensors_read(file, &copy, values, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_ALIGNMENT, "aligned", bp_safetensors_read(file, w, misaligned, NULL, &error));
    EXPECT_FAILURE(
        BP_ERROR_OVERLAP, "overlaps",
        bp_safetensors_read(file, w, (float *)(uintptr_t)((uintptr_t)c.bytes & ~(uintptr_t)3), NULL, &error));
    static const size_t meeting[][2] = {{0, 1}, {1, 1}, {2, 1}, {1, 0}, {0, 0}};
    for (size_t k = 0; k < sizeof meeting / sizeof *meeting; k++)
        EXPECT_FAILURE(BP_ERROR_SIZE, "elements of tensor 'w' may meet",
                       bp_safetensors_read(file, w, values, meeting[k], &error));
    static const size_t far[][2] = {{SIZE_MAX, 1}, {3, SIZE_MAX}, {SIZE_MAX / 8, 1}, {1, SIZE_MAX / 8}};
    for (size_t k = 0; k < sizeof far / sizeof *far; k++)
        EXPECT_FAILURE(BP_ERROR_OVERFLOW, "address range", bp_safetensors_read(file, w, values, far[k], &error));

    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_safetensors_read_bytes(NULL, w, values, 24, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_safetensors_read_bytes(file, NULL, values, 24, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_safetensors_read_bytes(file, w, NULL, 24, &error));
    EXPECT_FAILURE(BP_ERROR_VALUE, "none of those that this file has given",
                   bp_safetensors_read_bytes(file, foreign, values, 24, &error));
    EXPECT_FAILURE(BP_ERROR_SIZE, "size is 23: tensor 'w' has 24 bytes",
                   bp_safetensors_read_bytes(file, w, values, 23, &error));
    EXPECT_FAILURE(BP_ERROR_SIZE, "size", bp_safetensors_read_bytes(file, w, values, 25, &error));
    EXPECT_FAILURE(BP_ERROR_OVERLAP, "overlaps",
                   bp_safetensors_read_bytes(file, w, (char *)(uintptr_t)c.bytes, 24, &error));
    assert_memory_equal(values, before, sizeof values);

    size_t count = 1;
    assert_int_equal(bp_safetensors_count(NULL), 0);
    assert_null(bp_safetensors_tensor(NULL, 0));
    assert_null(bp_safetensors_find(NULL, "w"));
    assert_null(bp_safetensors_find(file, NULL));
    assert_null(bp_safetensors_metadata(NULL, "format"));
    assert_null(bp_safetensors_metadata(file, NULL));
    assert_null(bp_safetensors_all_metadata(NULL, &count));
    assert_int_equal(count, 0);
    bp_safetensors_close(NULL);
    bp_safetensors_close(file);
    bp_safetensors_close(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file),
        cmocka_unit_test(an_empty_file_of_tensors),
        cmocka_unit_test(any_order),
        cmocka_unit_test(every_type),
        cmocka_unit_test(what_others_take),
        cmocka_unit_test(unknown_types),
        cmocka_unit_test(many_dimensions),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(messages_can_be_shown),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(huge_claims),
        cmocka_unit_test(bad_calls),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
