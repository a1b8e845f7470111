/* IDX files, plain and compressed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "faults.h"
#include "files.h"

typedef struct content {
    unsigned char bytes[512];
    size_t size;
} content;

static content content_with(unsigned char type, size_t dimensions, const uint32_t *shape, const void *data,
                            size_t size) {
    content c = {.bytes = {0, 0, type, (unsigned char)dimensions}, .size = 4};
    for (size_t d = 0; d < dimensions; d++)
        for (int byte = 3; byte >= 0; byte--)
            c.bytes[c.size++] = (unsigned char)(shape[d] >> (8 * byte));
    memcpy(c.bytes + c.size, data, size);
    c.size += size;
    return c;
}

/* As gzip would write it. */
static size_t compress_to(const void *from, size_t size, unsigned char *to, size_t room) {
    z_stream z = {
        .next_in = (unsigned char *)(uintptr_t)from, .avail_in = (uInt)size, .next_out = to, .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t written = z.total_out;
    deflateEnd(&z);
    return written;
}

static content compressed(const content *c) {
    content made;
    made.size = compress_to(c->bytes, c->size, made.bytes, sizeof made.bytes);
    return made;
}

static const uint32_t images_shape[] = {3, 2, 2};
static const unsigned char images[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 128, 255};

static content images_content(void) {
    return content_with(8, 3, images_shape, images, sizeof images);
}

static void check_images(const content *c) {
    static const size_t limits[] = {0, 1, 2, 3, 4, SIZE_MAX};
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        bp_array array;
        size_t total = 0;
        const size_t items = limits[k] > 0 && limits[k] < 3 ? limits[k] : 3;
        EXPECT_SUCCESS(bp_idx_read_memory(c->bytes, c->size, limits[k], &array, &total, &error));
        assert_int_equal(total, 3);
        assert_int_equal(array.dimensions, 3);
        assert_int_equal(array.shape[0], items);
        assert_int_equal(array.shape[1], 2);
        assert_int_equal(array.count, 4 * items);
        for (size_t n = 0; n < array.count; n++)
            assert_true(array.values[n] == (float)images[n]);
        bp_array_destroy(&array);
    }
}

static void good_files(void **state) {
    (void)state;
    const content plain = images_content(), packed = compressed(&plain);
    check_images(&plain);
    check_images(&packed);
    /* Members of gzip follow each other. */
    content two;
    two.size = compress_to(plain.bytes, 9, two.bytes, sizeof two.bytes);
    two.size += compress_to(plain.bytes + 9, plain.size - 9, two.bytes + two.size, sizeof two.bytes - two.size);
    check_images(&two);
    /* Zeros after the last one, as from a tape: more than one read of them. */
    static content padded;
    padded = two;
    memset(padded.bytes + padded.size, 0, sizeof padded.bytes - padded.size);
    for (padded.size++; padded.size < sizeof padded.bytes; padded.size += 97)
        check_images(&padded);
    unsigned char *tape = calloc(1, 100000);
    memcpy(tape, packed.bytes, packed.size);
    bp_array all;
    EXPECT_SUCCESS(bp_idx_read_memory(tape, 100000, 0, &all, NULL, &error));
    assert_int_equal(all.count, 12);
    bp_array_destroy(&all);
    tape[99999] = 0x1f;
    EXPECT_FAILURE(BP_ERROR_FORMAT, "zeros after the compressed data are followed",
                   bp_idx_read_memory(tape, 100000, 0, &all, NULL, &error));
    free(tape);

    const char *path = files_path("images");
    bp_array array;
    files_write(path, packed.bytes, packed.size);
    EXPECT_SUCCESS(bp_idx_read(path, 0, &array, NULL, &error));
    assert_int_equal(array.count, 12);
    bp_array_destroy(&array);
    faults_short(5);
    EXPECT_SUCCESS(bp_idx_read(path, 0, &array, NULL, &error));
    assert_true(array.values[11] == 255.0f);
    bp_array_destroy(&array);
    faults_none();
}

static void every_type(void **state) {
    (void)state;
    static const struct {
        unsigned char type, bytes[16];
        size_t size;
        float values[2];
    } types[] = {{0x08, {1, 255}, 2, {1, 255}},
                 {0x09, {1, 255}, 2, {1, -1}},
                 {0x0b, {1, 2, 255, 255}, 4, {258, -1}},
                 {0x0c, {0, 0, 1, 0, 128, 0, 0, 0}, 8, {256, -0x1p31f}},
                 {0x0d, {63, 128, 0, 0, 255, 128, 0, 0}, 8, {1, -1.0f / 0.0f}},
                 {0x0e, {63, 240, 0, 0, 0, 0, 0, 0, 192, 0, 0, 0, 0, 0, 0, 0}, 16, {1, -2}}};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        const content c = content_with(types[k].type, 1, (const uint32_t[]){2}, types[k].bytes, types[k].size);
        bp_array array;
        EXPECT_SUCCESS(bp_idx_read_memory(c.bytes, c.size, 0, &array, NULL, &error));
        assert_memory_equal(array.values, types[k].values, sizeof types[k].values);
        bp_array_destroy(&array);
    }
}

/* More than one part of memory and of zlib's work. */
static void a_large_file(void **state) {
    (void)state;
    const size_t size = 8 + 5000000;
    unsigned char *plain = malloc(size), *packed = malloc(size);
    memcpy(plain, (const unsigned char[]){0, 0, 8, 1, 0, 0x4c, 0x4b, 0x40}, 8);
    for (size_t k = 8; k < size; k++)
        plain[k] = (unsigned char)(k * k >> 7);
    const size_t packed_size = compress_to(plain, size, packed, size);
    for (int which = 0; which < 2; which++) {
        bp_array array;
        EXPECT_SUCCESS(bp_idx_read_memory(which ? packed : plain, which ? packed_size : size, 0, &array, NULL, &error));
        assert_int_equal(array.count, 5000000);
        for (size_t k = 0; k < array.count; k++)
            assert_true(array.values[k] == (float)plain[k + 8]);
        bp_array_destroy(&array);
    }
    for (size_t nth = 0; nth < 3; nth++) { /* what is unpacked takes more memory as it arrives */
        bp_array array;
        faults_at("realloc", nth, ENOMEM);
        EXPECT_FAILURE(BP_ERROR_MEMORY, "allocation", bp_idx_read_memory(packed, packed_size, 0, &array, NULL, &error));
    }
    faults_none();
    free(plain);
    free(packed);
}

/* ---- Bad files ------------------------------------------------------------------------------------------------ */

static void expect_refusal(const content *c, bp_status status, const char *part) {
    bp_array array, before;
    size_t total = 77;
    memset(&array, 0x5a, sizeof array);
    before = array;
    faults_none();
    EXPECT_FAILURE(status, part, bp_idx_read_memory(c->bytes, c->size, 0, &array, &total, &error));
    assert_memory_equal(&array, &before, sizeof array);
    assert_int_equal(total, 77);
    assert_true(faults_largest_allocation() < 50000); /* the stream's own */
}

static void bad_files(void **state) {
    (void)state;
    static const struct {
        size_t at;
        unsigned char byte;
        bp_status status;
        const char *part;
    } changes[] = {{0, 1, BP_ERROR_FORMAT, "not an IDX file (it starts with 01000803)"},
                   {1, 1, BP_ERROR_FORMAT, "not an IDX file"},
                   {2, 7, BP_ERROR_FORMAT, "not an IDX file"},
                   {2, 10, BP_ERROR_FORMAT, "not an IDX file"},
                   {2, 13, BP_ERROR_FORMAT, "truncated"},
                   {3, 0, BP_ERROR_FORMAT, "no dimension"},
                   {3, 2, BP_ERROR_FORMAT, "more bytes than its header says"},
                   {3, 4, BP_ERROR_FORMAT, "truncated"},
                   {3, 9, BP_ERROR_MISMATCH, "more than 8 dimensions"},
                   {7, 2, BP_ERROR_FORMAT, "more bytes than its header says"},
                   {7, 0, BP_ERROR_FORMAT, "more bytes than its header says"},
                   {7, 4, BP_ERROR_FORMAT, "truncated"},
                   {5, 1, BP_ERROR_FORMAT, "truncated"}};
    for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
        content c = images_content();
        c.bytes[changes[k].at] = changes[k].byte;
        expect_refusal(&c, changes[k].status, changes[k].part);
        c = compressed(&c);
        expect_refusal(&c, changes[k].status, changes[k].part);
    }
    const uint32_t huge[] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    content c = content_with(8, 4, huge, images, sizeof images);
    expect_refusal(&c, BP_ERROR_FORMAT, "too large");
    c = compressed(&c);
    expect_refusal(&c, BP_ERROR_FORMAT, "too large");
    c = content_with(8, 2, huge + 2, images, sizeof images);
    c.bytes[4] = 0x10;
    c.bytes[8] = 0x01;
    c = compressed(&c);
    expect_refusal(&c, BP_ERROR_FORMAT, SIZE_MAX > UINT32_MAX ? "truncated" : "too large");
}

static void every_truncation(void **state) {
    (void)state;
    const content plain = images_content(), packed = compressed(&plain);
    for (int which = 0; which < 2; which++) {
        content c = which ? packed : plain;
        for (size_t size = c.size; size-- > 0;) {
            c.size = size;
            /* A single byte of gzip's mark is no compressed file yet. */
            expect_refusal(&c, BP_ERROR_FORMAT, "truncated");
        }
    }
    content c = packed;
    memset(c.bytes + c.size, 1, 8); /* after the end: no member of gzip */
    c.size += 8;
    expect_refusal(&c, BP_ERROR_FORMAT, "incorrect header check");
    c = packed;
    memset(c.bytes + c.size, 0, 8);
    c.bytes[c.size + 7] = 0x1f; /* zeros, but not to the end */
    c.size += 8;
    expect_refusal(&c, BP_ERROR_FORMAT, "zeros after the compressed data are followed by something else");
    c = plain;
    c.bytes[c.size++] = 0; /* what is not compressed ends where it says */
    expect_refusal(&c, BP_ERROR_FORMAT, "more bytes than its header says");
    c = packed;
    c.bytes[c.size - 8] ^= 1; /* the checksum */
    expect_refusal(&c, BP_ERROR_FORMAT, "incorrect data check");
    c = packed;
    c.bytes[10] = 0xff; /* an impossible block */
    expect_refusal(&c, BP_ERROR_FORMAT, "invalid");
}

/* ---- Bad calls and failures ----------------------------------------------------------------------------------- */

static void bad_calls(void **state) {
    (void)state;
    const content plain = images_content(), c = compressed(&plain);
    bp_array array;
    const char *path = files_path("bad");
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_idx_read(NULL, 0, &array, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_idx_read(path, 0, NULL, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_idx_read_memory(NULL, 4, 0, &array, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_NULL, "null", bp_idx_read_memory(c.bytes, c.size, 0, NULL, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_FILE, "cannot open: No such file", bp_idx_read(path, 0, &array, NULL, &error));
    files_write(path, c.bytes, c.size);
    for (size_t nth = 0; nth < 2; nth++) {
        faults_at("pread", nth, EIO);
        EXPECT_FAILURE(BP_ERROR_FILE, "cannot read: Input/output", bp_idx_read(path, 0, &array, NULL, &error));
    }
    for (size_t nth = 0; nth < 3; nth++) {
        faults_at("malloc", nth, ENOMEM);
        EXPECT_FAILURE(BP_ERROR_MEMORY, "allocation", bp_idx_read(path, 0, &array, NULL, &error));
    }
    faults_none();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files), cmocka_unit_test(every_type),       cmocka_unit_test(a_large_file),
        cmocka_unit_test(bad_files),  cmocka_unit_test(every_truncation), cmocka_unit_test(bad_calls),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
