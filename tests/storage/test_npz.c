/* numpy's archives: what can be read, every record that can be wrong, and bombs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "faults.h"
#include "files.h"

enum { ROOM = 1 << 18, LOCAL = 30, ENTRY = 46 };

typedef struct content {
    size_t size;
    unsigned char bytes[ROOM];
} content;

static void put(content *c, uint64_t value, size_t bytes) {
    assert_true(c->size + bytes <= sizeof c->bytes);
    for (size_t k = 0; k < bytes; k++)
        c->bytes[c->size++] = (unsigned char)((k < 8 ? value >> (8 * k) : 0));
}

static void put_bytes(content *c, const void *bytes, size_t size) {
    assert_true(c->size + size <= sizeof c->bytes);
    memcpy(c->bytes + c->size, bytes, size);
    c->size += size;
}

/* ---- Archives made by hand ------------------------------------------------------------------------------------ */

/* A member: its bytes, and what its records say of it. */
typedef struct member {
    const char *name;
    const void *bytes;
    size_t size;
    uint64_t claimed; /* size in the records */
    unsigned method, flags;
    bool large; /* all its numbers are in the extra fields of 64 bits */
    size_t at, packed;
    uint32_t crc;
} member;

static size_t deflated(const void *from, size_t size, unsigned char *to, size_t room) {
    z_stream z = {
        .next_in = (unsigned char *)(uintptr_t)from, .avail_in = (uInt)size, .next_out = to, .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static void put_common(content *c, const member *m, bool follow, size_t extra) {
    put(c, 45, 2);
    put(c, m->flags, 2);
    put(c, m->method, 2);
    put(c, 0, 4);
    put(c, follow ? 0 : m->crc, 4);
    put(c, follow ? 0 : m->large ? 0xffffffff : m->packed, 4);
    put(c, follow ? 0 : m->large ? 0xffffffff : m->claimed, 4);
    put(c, strlen(m->name), 2);
    put(c, extra, 2);
}

static void put_member(content *c, member *m) {
    static unsigned char packed[ROOM];
    m->at = c->size;
    m->crc = (uint32_t)crc32(0, m->bytes, (uInt)m->size);
    m->packed = m->method == 8 ? deflated(m->bytes, m->size, packed, sizeof packed) : m->size;
    put(c, 0x04034b50, 4);
    put_common(c, m, m->flags & 8, m->large ? 9 + 20 : 0);
    put_bytes(c, m->name, strlen(m->name));
    if (m->large) { /* after a field that nobody knows */
        put(c, 99 + (UINT64_C(5) << 16), 4);
        put(c, 0, 5);
        put(c, 1 + (UINT64_C(16) << 16), 4);
        put(c, m->claimed, 8);
        put(c, m->packed, 8);
    }
    put_bytes(c, m->method == 8 ? (const void *)packed : m->bytes, m->packed);
}

static void put_entry(content *c, const member *m) {
    put(c, 0x02014b50, 4);
    put(c, 45, 2);
    put_common(c, m, false, m->large ? 4 + 24 : 0);
    put(c, 3, 2); /* a comment */
    put(c, 0, 8);
    put(c, m->large ? 0xffffffff : m->at, 4);
    put_bytes(c, m->name, strlen(m->name));
    if (m->large) {
        put(c, 1 + (UINT64_C(24) << 16), 4);
        put(c, m->claimed, 8);
        put(c, m->packed, 8);
        put(c, m->at, 8);
    }
    put_bytes(c, "yes", 3);
}

static content *archive(member *members, size_t count, bool large) {
    content *c = calloc(1, sizeof *c);
    assert_non_null(c);
    for (size_t k = 0; k < count; k++) {
        members[k].claimed = members[k].claimed ? members[k].claimed : members[k].size;
        put_member(c, &members[k]);
    }
    const size_t directory = c->size;
    for (size_t k = 0; k < count; k++)
        put_entry(c, &members[k]);
    const size_t end = c->size;
    if (large) {
        put(c, 0x06064b50, 4);
        put(c, 44, 8);
        put(c, 0, 12);
        put(c, count, 8);
        put(c, count, 8);
        put(c, end - directory, 8);
        put(c, directory, 8);
        put(c, 0x07064b50, 4);
        put(c, 0, 4);
        put(c, end, 8);
        put(c, 1, 4);
    }
    put(c, 0x06054b50, 4);
    put(c, large ? 0xffffffff : 0, 4);
    put(c, large ? 0xffffffff : count | count << 16, 4);
    put(c, large ? 0xffffffff : end - directory, 4);
    put(c, large ? 0xffffffff : directory, 4);
    put(c, 2, 2);
    put_bytes(c, "ok", 2); /* a comment */
    return c;
}

/* A .npy file of bytes. */
static size_t npy_of(unsigned char *to, const char *shape, const void *data, size_t size) {
    char text[128];
    const int length = snprintf(text, sizeof text, "{'descr':'|u1','fortran_order':False,'shape':(%s)}", shape);
    memcpy(to, "\x93NUMPY\1", 8);
    to[8] = (unsigned char)length;
    to[9] = 0;
    memcpy(to + 10, text, (size_t)length);
    memcpy(to + 10 + length, data, size);
    return 10 + (size_t)length + size;
}

static unsigned char npy[200], other[200];
static size_t npy_size, other_size;

/* Two members, "a.npy" (1, 2, 3) and "b.npy" (4). */
static content *two(unsigned method, unsigned flags, bool large) {
    npy_size = npy_of(npy, "3,", "\1\2\3", 3);
    other_size = npy_of(other, "", "\4", 1);
    member members[] = {
        {.name = "a.npy", .bytes = npy, .size = npy_size, .method = method, .flags = flags, .large = large},
        {.name = "b.npy", .bytes = other, .size = other_size, .method = method, .flags = flags, .large = large}};
    return archive(members, 2, large);
}

static void check_two(const content *c) {
    bp_npz *file;
    bp_array array;
    bp_npz_array about;
    EXPECT_SUCCESS(bp_npz_open_memory(c->bytes, c->size, &file, &error));
    assert_int_equal(bp_npz_count(file), 2);
    assert_string_equal(bp_npz_name(file, 0), "a");
    assert_string_equal(bp_npz_name(file, 1), "b");
    assert_null(bp_npz_name(file, 2));
    EXPECT_SUCCESS(bp_npz_describe(file, "a", &about, &error));
    assert_true(about.dtype == BP_DTYPE_U8 && about.count == 3 && about.dimensions == 1 && about.shape[0] == 3);
    EXPECT_SUCCESS(bp_npz_read(file, "a.npy", &array, &error));
    assert_true(array.count == 3 && array.values[0] == 1 && array.values[1] == 2 && array.values[2] == 3);
    bp_array_destroy(&array);
    EXPECT_SUCCESS(bp_npz_read(file, "b", &array, &error));
    assert_true(array.count == 1 && array.dimensions == 0 && array.values[0] == 4);
    bp_array_destroy(&array);
    bp_npz_close(file);
}

static void good_archives(void **state) {
    (void)state;
    static const unsigned methods[] = {0, 8}, flags[] = {0, 8, 0x806};
    for (size_t k = 0; k < 12; k++) {
        content *c = two(methods[k % 2], flags[k / 2 % 3], k >= 6);
        check_two(c);
        free(c);
    }
}

/* Members are found as numpy finds them; folders are none; names are texts, whatever they hold. */
static void names(void **state) {
    (void)state;
    static const char *const all[] = {"x.npy.npy", "x.npy", "folder/",  "../up.npy",
                                      "",          "raw",   ".npy.npy", "folder/y.npy"};
    member members[8] = {{.name = ""}};
    unsigned char bytes[8][100];
    for (size_t k = 0; k < 8; k++) {
        const unsigned char value = (unsigned char)k;
        members[k] = (member){.name = all[k], .bytes = bytes[k], .size = k == 2 ? 0 : npy_of(bytes[k], "", &value, 1)};
    }
    content *c = archive(members, 8, false);
    static const struct {
        const char *name;
        float value;
    } asked[] = {{"x", 1}, {"x.npy", 1}, {"x.npy.npy", 0}, {"../up", 3},   {"../up.npy", 3},
                 {"", 4},  {"raw", 5},   {".npy", 6},      {"folder/y", 7}};
    bp_npz *file;
    EXPECT_SUCCESS(bp_npz_open_memory(c->bytes, c->size, &file, &error));
    assert_int_equal(bp_npz_count(file), 7);
    assert_string_equal(bp_npz_name(file, 2), "../up");
    for (size_t k = 0; k < sizeof asked / sizeof *asked; k++) {
        bp_array array;
        EXPECT_SUCCESS(bp_npz_read(file, asked[k].name, &array, &error));
        assert_true(array.values[0] == asked[k].value);
        bp_array_destroy(&array);
    }
    bp_array array;
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "there is no array named 'raw.npy'; there are: 'x.npy', 'x', '../up', ''",
                   bp_npz_read(file, "raw.npy", &array, &error));
    EXPECT_FAILURE(BP_ERROR_MISMATCH, "there is no array named 'folder/'",
                   bp_npz_read(file, "folder/", &array, &error));
    bp_npz_close(file);
    free(c);
    static const char *const twice[][2] = {{"a.npy", "a.npy"}, {"a", "a.npy"}};
    for (size_t k = 0; k < 2; k++) {
        member same[] = {{.name = twice[k][0], .bytes = "x", .size = 1},
                         {.name = twice[k][1], .bytes = "x", .size = 1}};
        c = archive(same, 2, false);
        EXPECT_FAILURE(BP_ERROR_FORMAT, "two arrays 'a'", bp_npz_open_memory(c->bytes, c->size, &file, &error));
        assert_null(file);
        free(c);
    }
}

/* ---- What is wrong -------------------------------------------------------------------------------------------- */

enum { OPENING, READING };
#define HEADER "the local header differs"

/* A number of a record of the second member, or of the end, is another one. */
static const struct {
    char record; /* L: local header; E: entry of the directory; Z: end; 6: that of 64 bits, O: its locator */
    size_t at, bytes;
    uint64_t value;
    int when;
    bp_status status;
    const char *part;
} changes[] = {
    {'L', 0, 1, 0, READING, BP_ERROR_FORMAT, HEADER},
    {'L', 6, 1, 1, READING, BP_ERROR_FORMAT, HEADER},
    {'L', 8, 1, 12, READING, BP_ERROR_FORMAT, HEADER},
    {'L', 14, 1, 77, READING, BP_ERROR_FORMAT, HEADER},
    {'L', 18, 1, 7, READING, BP_ERROR_FORMAT, HEADER},
    {'L', 22, 1, 7, READING, BP_ERROR_FORMAT, HEADER},
    {'L', 26, 1, 4, READING, BP_ERROR_FORMAT, HEADER},
    {'L', 28, 1, 4, READING, BP_ERROR_FORMAT, HEADER},
    {'L', 28, 2, 0xffff, READING, BP_ERROR_FORMAT, HEADER},
    {'L', 30, 1, 'c', READING, BP_ERROR_FORMAT, HEADER},
    {'L', 35, 1, 0, READING, BP_ERROR_FORMAT, "'b': "},
    {'E', 0, 1, 0, OPENING, BP_ERROR_FORMAT, "no entry"},
    {'E', 8, 1, 1, READING, BP_ERROR_MISMATCH, "'b': encrypted"},
    {'E', 8, 1, 0x40, READING, BP_ERROR_MISMATCH, "'b': encrypted"},
    {'E', 8, 1, 0x20, READING, BP_ERROR_MISMATCH, "a patch"},
    {'E', 9, 1, 0x20, READING, BP_ERROR_MISMATCH, "'b': encrypted"},
    {'E', 10, 1, 12, READING, BP_ERROR_MISMATCH, "'b': compressed by bzip2 (method 12)"},
    {'E', 10, 1, 14, READING, BP_ERROR_MISMATCH, "by LZMA"},
    {'E', 10, 1, 93, READING, BP_ERROR_MISMATCH, "by zstd"},
    {'E', 10, 1, 77, READING, BP_ERROR_MISMATCH, "by method 77"},
    {'E', 16, 1, 77, READING, BP_ERROR_FORMAT, HEADER},
    {'E', 20, 2, 0xffff, OPENING, BP_ERROR_FORMAT, "overlap"},
    {'E', 20, 4, 0xffffffff, OPENING, BP_ERROR_FORMAT, "overlap"},
    {'E', 20, 1, 1, READING, BP_ERROR_FORMAT, HEADER},
    {'E', 24, 2, 1000, READING, BP_ERROR_FORMAT, HEADER},
    {'E', 28, 2, 200, OPENING, BP_ERROR_FORMAT, "cut off"},
    {'E', 30, 2, 200, OPENING, BP_ERROR_FORMAT, "cut off"},
    {'E', 32, 1, 4, OPENING, BP_ERROR_FORMAT, "cut off"},
    {'E', 32, 1, 2, OPENING, BP_ERROR_FORMAT, "goes on after"},
    {'E', 34, 1, 1, OPENING, BP_ERROR_MISMATCH, "several files"},
    {'E', 42, 4, 0, OPENING, BP_ERROR_FORMAT, "overlap"},
    {'E', 42, 4, 20, OPENING, BP_ERROR_FORMAT, "overlap"},
    {'E', 42, 4, 0xfffffffe, OPENING, BP_ERROR_FORMAT, "overlap"},
    {'E', 46, 1, 0, OPENING, BP_ERROR_FORMAT, "NUL"},
    {'E', 46, 1, 'a', OPENING, BP_ERROR_FORMAT, "two arrays 'a'"},
    {'Z', 0, 1, 0, OPENING, BP_ERROR_FORMAT, "truncated: a zip archive without its end"},
    {'Z', 4, 1, 1, OPENING, BP_ERROR_MISMATCH, "several files"},
    {'Z', 6, 1, 1, OPENING, BP_ERROR_MISMATCH, "several files"},
    {'Z', 8, 1, 1, OPENING, BP_ERROR_MISMATCH, "several files"},
    {'Z', 8, 4, 0x00010001, OPENING, BP_ERROR_FORMAT, "goes on after its last member"},
    {'Z', 8, 4, 0x00030003, OPENING, BP_ERROR_FORMAT, "directory"},
    {'Z', 8, 4, 0xfff0fff0, OPENING, BP_ERROR_FORMAT, "claims more members"},
    {'Z', 12, 1, 7, OPENING, BP_ERROR_FORMAT, "not where its end record says"},
    {'Z', 16, 1, 7, OPENING, BP_ERROR_FORMAT, "not where its end record says"},
    {'Z', 16, 4, 0xffffffff, OPENING, BP_ERROR_FORMAT, "not where its end record says"},
    {'Z', 20, 1, 3, OPENING, BP_ERROR_FORMAT, "truncated: a zip archive without its end"},
    {'6', 0, 1, 0, OPENING, BP_ERROR_FORMAT, "zip64 end record is not where"},
    {'6', 4, 1, 45, OPENING, BP_ERROR_FORMAT, "zip64 end record is not where"},
    {'6', 16, 1, 1, OPENING, BP_ERROR_MISMATCH, "several files"},
    {'6', 32, 8, UINT64_MAX, OPENING, BP_ERROR_MISMATCH, "several files"},
    {'6', 40, 8, UINT64_MAX, OPENING, BP_ERROR_FORMAT, "not where its end record says"},
    {'6', 48, 8, UINT64_MAX, OPENING, BP_ERROR_FORMAT, "not where its end record says"},
    {'O', 8, 8, UINT64_MAX, OPENING, BP_ERROR_FORMAT, "zip64 end record is not where"},
    {'O', 8, 8, 3, OPENING, BP_ERROR_FORMAT, "zip64 end record is not where"},
    {'O', 0, 1, 0, OPENING, BP_ERROR_MISMATCH, "several files"},
};

/* The last record of a kind. */
static unsigned char *record(content *c, char kind) {
    const char *mark = kind == 'L'   ? "PK\3\4"
                       : kind == 'E' ? "PK\1\2"
                       : kind == 'Z' ? "PK\5\6"
                       : kind == '6' ? "PK\6\6"
                                     : "PK\6\7";
    for (size_t k = c->size - 4; k > 0; k--)
        if (memcmp(c->bytes + k, mark, 4) == 0)
            return c->bytes + k;
    fail();
    return NULL;
}

/* Readers fail with nothing changed and little memory taken. */
static void expect_unread(const content *c, const char *name, bp_status status, const char *part, size_t most) {
    bp_npz *file;
    bp_array array, before;
    memset(&array, 0x5a, sizeof array);
    before = array;
    EXPECT_SUCCESS(bp_npz_open_memory(c->bytes, c->size, &file, &error));
    faults_none();
    EXPECT_FAILURE(status, part, bp_npz_read(file, name, &array, &error));
    assert_memory_equal(&array, &before, sizeof array);
    assert_true(faults_largest_allocation() <= most);
    bp_npz_close(file);
}

static void every_record(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
        const bool large = changes[k].record == '6' || changes[k].record == 'O';
        content *c = two(0, 0, large);
        unsigned char *at = record(c, changes[k].record) + changes[k].at;
        for (size_t byte = 0; byte < changes[k].bytes; byte++)
            at[byte] = (unsigned char)(changes[k].value >> (8 * byte));
        bp_npz *file = NULL;
        const size_t live = faults_live();
        if (changes[k].when == OPENING) {
            faults_none();
            EXPECT_FAILURE(changes[k].status, changes[k].part, bp_npz_open_memory(c->bytes, c->size, &file, &error));
            assert_null(file);
            assert_true(faults_largest_allocation() < 2000);
        } else {
            expect_unread(c, "b", changes[k].status, changes[k].part, 2000);
        }
        assert_int_equal(faults_live(), live);
        free(c);
    }
}

static void other_files(void **state) {
    (void)state;
    bp_npz *file;
    content *c = two(8, 0, false);
    EXPECT_FAILURE(BP_ERROR_FORMAT, "a .npy file", bp_npz_open_memory(npy, npy_size, &file, &error));
    EXPECT_FAILURE(BP_ERROR_FORMAT, "no zip archive", bp_npz_open_memory("", 0, &file, &error));
    EXPECT_FAILURE(BP_ERROR_FORMAT, "not a .npz file but an HTML page", bp_npz_open_memory("<html>", 6, &file, &error));
    for (size_t size = c->size; size-- > 0;) {
        unsigned char *bytes = malloc(size + 1);
        memcpy(bytes, c->bytes, size);
        EXPECT_FAILURE(BP_ERROR_FORMAT, size < 4 ? "no zip archive" : "truncated",
                       bp_npz_open_memory(bytes, size, &file, &error));
        free(bytes);
    }
    /* Bytes before the archive, or after it. */
    memmove(c->bytes + 1, c->bytes, c->size);
    c->size++;
    EXPECT_FAILURE(BP_ERROR_FORMAT, "not where its end record says",
                   bp_npz_open_memory(c->bytes, c->size, &file, &error));
    memmove(c->bytes, c->bytes + 1, c->size);
    EXPECT_FAILURE(BP_ERROR_FORMAT, "truncated", bp_npz_open_memory(c->bytes, c->size, &file, &error));
    free(c);
}

/* A member that cannot be read closes none of the others. */
static void members_that_are_no_numbers(void **state) {
    (void)state;
    static const char object[] = "\x93NUMPY\1\0\x36\0{'descr': '|O', 'fortran_order': False, 'shape': (1,)}  x";
    npy_size = npy_of(npy, "", "\4", 1);
    member members[] = {{.name = "object.npy", .bytes = object, .size = sizeof object - 1, .method = 8},
                        {.name = "notes.txt", .bytes = "hello, world", .size = 12},
                        {.name = "b.npy", .bytes = npy, .size = npy_size, .method = 8}};
    content *c = archive(members, 3, false);
    expect_unread(c, "object", BP_ERROR_MISMATCH, "'object': elements of type '|O' cannot be read", 20000);
    expect_unread(c, "notes.txt", BP_ERROR_FORMAT, "'notes.txt': not a .npy file", 20000);
    bp_npz *file;
    bp_array array;
    EXPECT_SUCCESS(bp_npz_open_memory(c->bytes, c->size, &file, &error));
    EXPECT_SUCCESS(bp_npz_read(file, "b", &array, &error));
    bp_array_destroy(&array);
    bp_npz_close(file);
    free(c);
}

/* ---- Bombs ---------------------------------------------------------------------------------------------------- */

static void expect_bomb(member bomb, const char *part, size_t most) {
    bomb.name = "bomb.npy";
    bomb.method = 8;
    content *c = archive(&bomb, 1, bomb.large);
    expect_unread(c, "bomb", BP_ERROR_FORMAT, part, most);
    free(c);
}

static void bombs(void **state) {
    (void)state;
    const size_t zeros = 20 * 1000 * 1000, header = 200, first = ((1 << 18) + 1) * sizeof(float);
    unsigned char *bytes = calloc(1, header + zeros);
    assert_non_null(bytes);

    /* 20 MB of zeros are an array like others if everything says so. */
    size_t size = npy_of(bytes, "20000000,", "", 0) + zeros;
    member good = {.name = "zeros.npy", .bytes = bytes, .size = size, .method = 8};
    content *c = archive(&good, 1, false);
    bp_npz *file;
    bp_array array;
    EXPECT_SUCCESS(bp_npz_open_memory(c->bytes, c->size, &file, &error));
    EXPECT_SUCCESS(bp_npz_read(file, "zeros", &array, &error));
    assert_true(array.count == zeros && array.values[zeros - 1] == 0.0f);
    bp_array_destroy(&array);
    bp_npz_close(file);
    free(c);

    /* The directory or the header says less than there is, or more. */
    expect_bomb((member){.bytes = bytes, .size = size, .claimed = size - zeros + 5}, "'bomb': the file is truncated",
                20000);
    expect_bomb((member){.bytes = bytes, .size = size, .claimed = size + 5}, "more bytes than its header", 20000);
    expect_bomb((member){.bytes = bytes, .size = size, .claimed = UINT64_C(1) << 40, .large = true},
                "claims more bytes", 20000);
    size = npy_of(bytes, "5,", "", 0);
    expect_bomb((member){.bytes = bytes, .size = size + zeros, .claimed = size + 5}, "more bytes than its header",
                20000);
    expect_bomb((member){.bytes = bytes, .size = size + zeros}, "more bytes than its header", 20000);
    size = npy_of(bytes, "1099511627776,", "", 0);
    expect_bomb((member){.bytes = bytes, .size = size + zeros}, "truncated", 20000);
    expect_bomb((member){.bytes = bytes, .size = size + 5, .claimed = size + (UINT64_C(1) << 40), .large = true},
                "claims more bytes", 20000);

    /* The claim could be true of so many bytes, but is not: memory follows what has come. */
    size = npy_of(bytes, "20000000,", "", 0);
    for (size_t k = 0; k < 200000; k++)
        bytes[size + k] = (unsigned char)(k * k * 2654435761u >> 13);
    expect_bomb((member){.bytes = bytes, .size = size + 200000, .claimed = size + zeros},
                "'bomb': the file is truncated", first);
    free(bytes);

    /* A wrong checksum. */
    c = two(8, 8, false);
    record(c, 'E')[16] ^= 1;
    expect_unread(c, "b", BP_ERROR_FORMAT, "'b': the checksum is wrong", 20000);
    free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_archives),
        cmocka_unit_test(names),
        cmocka_unit_test(every_record),
        cmocka_unit_test(other_files),
        cmocka_unit_test(members_that_are_no_numbers),
        cmocka_unit_test(bombs),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
