/* Files of tensors in memory, for the tests of their reader. */
#ifndef TESTS_STORAGE_TENSORS_H
#define TESTS_STORAGE_TENSORS_H

#include <math.h>
#include <string.h>

#include "faults.h"
#include "files.h"
#include "harness/bits.h"

/* A file in memory. */
typedef struct content {
    unsigned char bytes[4096];
    size_t size;
} content;

static inline content content_of(const char *header, size_t header_size, const void *data, size_t size) {
    content c;
    for (size_t k = 0; k < 8; k++)
        c.bytes[k] = (unsigned char)((uint64_t)header_size >> (8 * k));
    memcpy(c.bytes + 8, header, header_size);
    memcpy(c.bytes + 8 + header_size, data, size);
    c.size = 8 + header_size + size;
    return c;
}

static inline content content_with(const char *header, size_t zeros) {
    static const unsigned char data[1024];
    return content_of(header, strlen(header), data, zeros);
}

static inline bp_safetensors *open_content(const content *c) {
    bp_safetensors *file = NULL;
    EXPECT_SUCCESS(bp_safetensors_open_memory(c->bytes, c->size, &file, &error));
    return file;
}

static const char matrix_header[] =
    "{\"__metadata__\":{\"format\":\"pt\",\"\\u00E9\\n\":\"a\\\\b \\\"q\\\" \\ud83d\\ude00/\\/\"},"
    "\"w\" : {\"shape\":[2,3],\t\"data_offsets\" : [ 0 , 24 ] , \"dtype\":\"F32\"},"
    "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[24,32]},"
    "\"none\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[32,32]},"
    "\"none too\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[32,32]}}  ";

static inline content matrix_content(void) {
    unsigned char data[32] = {0};
    const float w[] = {1.5f, -2.0f, INFINITY, 0.0f, -0.0f, 0x1p-149f};
    for (size_t k = 0; k < 6; k++)
        for (size_t byte = 0; byte < 4; byte++)
            data[4 * k + byte] = (unsigned char)(test_raw_bits(w[k]) >> (8 * byte));
    data[24] = 0xfe;
    data[31] = 0x7f;
    return content_of(matrix_header, strlen(matrix_header), data, sizeof data);
}

static inline void check_matrix(const bp_safetensors *file) {
    assert_int_equal(bp_safetensors_count(file), 4);
    const bp_tensor *w = bp_safetensors_find(file, "w"), *n = bp_safetensors_find(file, "n");
    assert_ptr_equal(w, bp_safetensors_tensor(file, 0));
    assert_ptr_equal(n, bp_safetensors_tensor(file, 1));
    assert_string_equal(bp_safetensors_tensor(file, 2)->name, "none");
    assert_string_equal(bp_safetensors_tensor(file, 3)->name, "none too");
    assert_null(bp_safetensors_tensor(file, 4));
    assert_null(bp_safetensors_find(file, "x"));
    assert_string_equal(w->name, "w");
    assert_int_equal(w->dtype, BP_DTYPE_F32);
    assert_int_equal(w->dimensions, 2);
    assert_int_equal(w->shape[0], 2);
    assert_int_equal(w->shape[1], 3);
    assert_int_equal(n->dtype, BP_DTYPE_I64);
    assert_int_equal(n->dimensions, 0);

    float values[8] = {0}, transposed[8] = {0};
    const size_t strides[] = {1, 2};
    EXPECT_SUCCESS(bp_safetensors_read(file, w, values, NULL, &error));
    EXPECT_SUCCESS(bp_safetensors_read(file, w, transposed, strides, &error));
    const float expected[] = {1.5f, -2.0f, INFINITY, 0.0f, -0.0f, 0x1p-149f, 0, 0};
    const float expected_transposed[] = {1.5f, 0.0f, -2.0f, -0.0f, INFINITY, 0x1p-149f, 0, 0};
    assert_memory_equal(values, expected, sizeof values);
    assert_memory_equal(transposed, expected_transposed, sizeof values);
    EXPECT_SUCCESS(bp_safetensors_read(file, bp_safetensors_find(file, "none"), values, NULL, &error));
    assert_memory_equal(values, expected, sizeof values);

    int64_t number = 0;
    EXPECT_SUCCESS(bp_safetensors_read_bytes(file, n, &number, sizeof number, &error));
    assert_true(number == 0x7f000000000000fe);
    EXPECT_SUCCESS(bp_safetensors_read(file, n, values, NULL, &error));
    assert_true(values[0] == 0x7fp56f);

    size_t count;
    const bp_metadata *all = bp_safetensors_all_metadata(file, &count);
    assert_int_equal(count, 2);
    assert_string_equal(all[0].key, "format");
    assert_string_equal(all[1].key, "\xc3\xa9\n");
    assert_string_equal(bp_safetensors_metadata(file, "format"), "pt");
    assert_string_equal(bp_safetensors_metadata(file, "\xc3\xa9\n"), "a\\b \"q\" \xf0\x9f\x98\x80//");
    assert_null(bp_safetensors_metadata(file, "pt"));
}

#endif
