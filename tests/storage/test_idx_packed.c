/* IDX files that gzip has packed a thousand to one: values, limits, and memory that a file's claims do not decide. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "faults.h"
#include "files.h"

enum { ITEMS = 3000, SIDE = 50, PIXELS = SIDE * SIDE, HEADER = 16 };
static const size_t size = HEADER + (size_t)ITEMS * PIXELS;

static void put_number(unsigned char *to, uint32_t number) {
    for (int byte = 0; byte < 4; byte++)
        to[byte] = (unsigned char)(number >> (24 - 8 * byte));
}

/* Zeros, but for the first and the last pixel of the file. */
static unsigned char *make_images(uint32_t claimed) {
    unsigned char *bytes = calloc(size, 1);
    assert_non_null(bytes);
    put_number(bytes, 0x0803);
    put_number(bytes + 4, claimed);
    put_number(bytes + 8, SIDE);
    put_number(bytes + 12, SIDE);
    bytes[HEADER] = 3;
    bytes[size - 1] = 200;
    return bytes;
}

/* A member of gzip. */
static size_t pack(const unsigned char *from, size_t count, unsigned char *to, size_t room) {
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)from, .avail_in = (uInt)count, .next_out = to};
    z.avail_out = (uInt)room;
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t written = z.total_out;
    deflateEnd(&z);
    return written;
}

enum { ROOM = 1 << 15 };
static unsigned char packed[ROOM];

static size_t pack_images(uint32_t claimed) {
    unsigned char *bytes = make_images(claimed);
    const size_t count = pack(bytes, size, packed, ROOM);
    free(bytes);
    return count;
}

/* Of so many items; `last`: the file's last one is among them. */
static void check_values(const bp_array *array, size_t items, bool last) {
    assert_int_equal(array->dimensions, 3);
    assert_int_equal(array->shape[0], items);
    assert_int_equal(array->count, items * PIXELS);
    assert_true(array->values[0] == 3.0f);
    for (size_t k = 1; k + 1 < array->count; k++)
        assert_true(array->values[k] == 0.0f);
    assert_true(array->values[array->count - 1] == (last ? 200.0f : 0.0f));
}

static void all_items(void **state) {
    (void)state;
    const size_t count = pack_images(ITEMS);
    assert_true(size / count >= 900);
    files_write(files_path("images.gz"), packed, count);
    bp_array array;
    size_t total = 0;
    EXPECT_SUCCESS(bp_idx_read(files_path("images.gz"), 0, &array, &total, &error));
    assert_int_equal(total, ITEMS);
    check_values(&array, ITEMS, true);
    bp_array_destroy(&array);
}

/* Many members, none of which ends where an item does. */
static void many_members(void **state) {
    (void)state;
    unsigned char *bytes = make_images(ITEMS);
    size_t count = 0;
    for (size_t at = 0, part; at < size; at += part) {
        part = size - at < 1234567 ? size - at : 1234567;
        count += pack(bytes + at, part, packed + count, ROOM - count);
    }
    free(bytes);
    bp_array array;
    size_t total = 0;
    EXPECT_SUCCESS(bp_idx_read_memory(packed, count, 0, &array, &total, &error));
    check_values(&array, ITEMS, true);
    bp_array_destroy(&array);
}

/* A few items take the memory of a few. */
static void some_items(void **state) {
    (void)state;
    const size_t count = pack_images(ITEMS);
    static const size_t limits[] = {1, 2, 700};
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        bp_array array;
        size_t total = 0;
        faults_none();
        EXPECT_SUCCESS(bp_idx_read_memory(packed, count, limits[k], &array, &total, &error));
        assert_int_equal(total, ITEMS);
        check_values(&array, limits[k], false);
        assert_true(faults_largest_allocation() <= 65536 + limits[k] * PIXELS * sizeof(float));
        bp_array_destroy(&array);
    }
}

/*
 * Headers that promise more or less than there is. What a header of this size can hold at most is known before
 * anything is unpacked; what it might hold is unpacked, and takes no more memory than there is in it.
 */
static void false_claims(void **state) {
    (void)state;
    static const uint32_t claims[] = {1, ITEMS - 1, ITEMS + 1, ITEMS + 100, 2 * ITEMS, UINT32_MAX};
    for (size_t k = 0; k < sizeof claims / sizeof *claims; k++) {
        const size_t count = pack_images(claims[k]);
        bp_array array;
        faults_none();
        EXPECT_FAILURE(BP_ERROR_FORMAT, "", bp_idx_read_memory(packed, count, 0, &array, NULL, &error));
        assert_true(faults_largest_allocation() <= 65536 + 2 * (size * sizeof(float)));
    }
}

/* Cut short anywhere near its end: the checksum or the last pixels are missing. */
static void cut_short(void **state) {
    (void)state;
    const size_t count = pack_images(ITEMS);
    for (size_t missing = 1; missing < 24; missing++) {
        bp_array array;
        EXPECT_FAILURE(BP_ERROR_FORMAT, "", bp_idx_read_memory(packed, count - missing, 0, &array, NULL, &error));
    }
    packed[count - 5] ^= 1; /* of the checksum */
    bp_array array;
    EXPECT_FAILURE(BP_ERROR_FORMAT, "", bp_idx_read_memory(packed, count, 0, &array, NULL, &error));
}

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_items),    cmocka_unit_test(many_members), cmocka_unit_test(some_items),
        cmocka_unit_test(false_claims), cmocka_unit_test(cut_short),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
