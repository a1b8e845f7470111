/*
 * Readers on files that somebody made to hurt them: good files of every format, changed at random. Each case lies right
 * before a page without access. A reader may accept or refuse it; it must give a status with a message, stay inside of
 * the file, and take memory in proportion to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "defaults.h"
#include "faults.h"
#include "files.h"
#include "harness/harness.h"

enum { ROOM = 4096 };

typedef struct specimen {
    const char *name;
    bp_status (*read)(const void *bytes, size_t size, bp_file_error *error);
    size_t growth; /* the most bytes of one allocation a byte of the file */
    unsigned char bytes[ROOM];
    size_t size;
} specimen;

/* ---- Readers: whatever opens is read to its end ---------------------------------------------------------------- */

static float sink[ROOM];

static bp_status read_safetensors(const void *bytes, size_t size, bp_file_error *error) {
    bp_safetensors *file;
    bp_status status = bp_safetensors_open_memory(bytes, size, &file, error);
    size_t texts = 0, pairs;
    const bp_metadata *metadata = bp_safetensors_all_metadata(file, &pairs);
    for (size_t k = 0; k < pairs; k++)
        texts += strlen(metadata[k].key) + strlen(metadata[k].text);
    for (size_t k = 0; k < bp_safetensors_count(file) && status == BP_OK; k++) {
        const bp_tensor *tensor = bp_safetensors_tensor(file, k);
        texts += strlen(tensor->name);
        assert_ptr_equal(bp_safetensors_find(file, tensor->name), tensor);
        status = bp_safetensors_read(file, tensor, sink, NULL, error);
    }
    assert_true(texts <= size);
    bp_safetensors_close(file);
    return status;
}

static bp_status read_npy(const void *bytes, size_t size, bp_file_error *error) {
    bp_array array = {.values = NULL};
    const bp_status status = bp_npy_read_memory(bytes, size, &array, error);
    assert_true(array.count <= size);
    bp_array_destroy(&array);
    return status;
}

/* All arrays, in binary32 and in binary64; the first failure counts. */
static bp_status read_npz(const void *bytes, size_t size, bp_file_error *error) {
    bp_npz *file;
    bp_status status = bp_npz_open_memory(bytes, size, &file, error);
    size_t texts = 0;
    for (size_t k = 0; k < bp_npz_count(file) && status == BP_OK; k++) {
        bp_array array = {.values = NULL};
        bp_doubles doubles = {.values = NULL};
        const char *name = bp_npz_name(file, k);
        texts += strlen(name);
        status = bp_npz_read(file, name, &array, error);
        assert_int_equal(bp_npz_doubles(file, name, &doubles, NULL), status);
        assert_true(array.count == doubles.count);
        bp_array_destroy(&array);
        bp_doubles_destroy(&doubles);
    }
    assert_true(texts <= size);
    bp_npz_close(file);
    return status;
}

static bp_status read_idx(const void *bytes, size_t size, bp_file_error *error) {
    bp_array array = {.values = NULL};
    const bp_status status = bp_idx_read_memory(bytes, size, 0, &array, NULL, error);
    bp_array_destroy(&array);
    return status;
}

static bp_status read_csv(const void *bytes, size_t size, bp_file_error *error) {
    const bp_csv_options options = CSV_OPTIONS(.header = true, .missing = BP_CSV_MISSING_NAN);
    bp_csv *csv;
    const char *names[ROOM];
    static uint32_t labels[ROOM];
    size_t count, texts = 0;
    bp_status status = bp_csv_open_memory(bytes, size, &options, &csv, error);
    for (size_t n = 0; n < bp_csv_rows(csv); n++)
        for (size_t j = 0; j < bp_csv_columns(csv); j++)
            texts += strlen(bp_csv_field(csv, n, j)) + 1;
    assert_true(texts <= size + 1);
    if (status == BP_OK && bp_csv_classes(csv, 0, names, ROOM, &count, NULL) == BP_OK && count > 0)
        assert_int_equal(bp_csv_labels(csv, 0, names, count, labels, NULL), BP_OK);
    if (status == BP_OK && bp_csv_columns(csv) > 1) /* the first has names */
        status = bp_csv_numbers(csv, 1, bp_csv_columns(csv) - 1, sink, 0, error);
    bp_csv_close(csv);
    return status;
}

/* ---- Good files ------------------------------------------------------------------------------------------------ */

static const char safetensors_text[] =
    "\xe8\1\0\0\0\0\0\0{\"__metadata__\":{\"format\":\"pt\",\"\\u00e9\\ud83d\\ude00\":\"a\\\\b\\n\"},"
    "\"0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
    "\"0.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[24,36]},"
    "\"h\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[36,40]},"
    "\"empty\":{\"dtype\":\"F64\",\"shape\":[0,4],\"data_offsets\":[40,40]},"
    "\"one\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[40,48]},"
    "\"flags\":{\"dtype\":\"BOOL\",\"shape\":[4],\"data_offsets\":[48,52]}}";

static const char csv_text[] = "name,\"x, y\",z\r\n1,2.5,-3e-2\n\"a \"\"b\"\"\n\",\"4\",\r\n\n5,inf, 0.1\n";

static void specimen_of(specimen *s, const void *bytes, size_t size) {
    memcpy(s->bytes, bytes, size);
    s->size = size;
}

static void make_safetensors(specimen *s) {
    const size_t header = sizeof safetensors_text - 1 - 8;
    specimen_of(s, safetensors_text, sizeof safetensors_text - 1);
    s->bytes[0] = (unsigned char)(header % 256);
    s->bytes[1] = (unsigned char)(header / 256);
    for (size_t k = 0; k < 52; k++)
        s->bytes[s->size++] = (unsigned char)(37 * k);
}

static void make_npy(specimen *s) {
    static const char head[] = "\x93NUMPY\2\0\x46\0\0\0{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3, 2), } ";
    specimen_of(s, head, sizeof head - 1);
    while (s->size < 12 + 0x46)
        s->bytes[s->size++] = ' ';
    for (size_t k = 0; k < 24; k++)
        s->bytes[s->size++] = (unsigned char)(37 * k);
}

static void make_idx(specimen *s) {
    static const unsigned char head[] = {0, 0, 0x0b, 2, 0, 0, 0, 20, 0, 0, 0, 3};
    specimen_of(s, head, sizeof head);
    for (size_t k = 0; k < 120; k++)
        s->bytes[s->size++] = (unsigned char)(k / 7);
}

static void make_archive(specimen *s, bool compress) {
    static const uint16_t numbers[60] = {1, 2, 3};
    const size_t shape[] = {12, 5};
    const bp_tensor arrays[] = {{"a", BP_DTYPE_U16, 2, shape, numbers, NULL},
                                {"bb", BP_DTYPE_F32, 1, shape, numbers, NULL}};
    const char *path = files_path("npz");
    assert_int_equal(bp_npz_write(path, arrays, 2, compress, NULL), BP_OK);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    s->size = fread(s->bytes, 1, sizeof s->bytes, file);
    fclose(file);
}

static void make_npz(specimen *s) {
    make_archive(s, false);
}

static void make_npz_deflated(specimen *s) {
    make_archive(s, true);
}

static void make_idx_gz(specimen *s) {
    specimen plain;
    make_idx(&plain);
    z_stream z = {
        .next_in = plain.bytes, .avail_in = (uInt)plain.size, .next_out = s->bytes, .avail_out = sizeof s->bytes};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    s->size = z.total_out;
    deflateEnd(&z);
}

static void make_csv(specimen *s) {
    specimen_of(s, csv_text, sizeof csv_text - 1);
}

/* ---- Changes --------------------------------------------------------------------------------------------------- */

static void insert(specimen *s, size_t at, const void *bytes, size_t size) {
    if (s->size + size > sizeof s->bytes)
        return;
    memmove(s->bytes + at + size, s->bytes + at, s->size - at);
    memcpy(s->bytes + at, bytes, size);
    s->size += size;
}

static void cut(specimen *s, size_t at, size_t size) {
    size = size < s->size - at ? size : s->size - at;
    memmove(s->bytes + at, s->bytes + at + size, s->size - at - size);
    s->size -= size;
}

static void change(specimen *s, test_random *random) {
    static const char *const words[] = {
        "{",   "}",    "[",        "]",    "\"",         ":",     ",",          "\\",
        "\\u", "-1",   "0",        "1e9",  "null",       "[[[[[", "{\"a\":",    "(",
        ")",   "'",    "\n",       "\r\n", "\"\"",       "True",  "\\ud800",    "4294967296",
        "F64", "\xff", "\x1f\x8b", "nan",  "\"shape\":", "<f8",   "1073741824", "18446744073709551615"};
    const size_t at = test_random_below(random, s->size + 1);
    unsigned char byte;
    switch (test_random_below(random, 8)) {
    case 0:
    case 1:
        s->bytes[at % s->size] ^= (unsigned char)(1 << test_random_below(random, 8));
        break;
    case 2:
        s->bytes[at % s->size] = (unsigned char)test_random_next(random);
        break;
    case 3:
        cut(s, at, test_random_below(random, 8));
        break;
    case 4:
        cut(s, at, s->size); /* the rest */
        break;
    case 5:
        byte = (unsigned char)test_random_next(random);
        insert(s, at, &byte, 1);
        break;
    case 6: {
        const char *word = words[test_random_below(random, sizeof words / sizeof *words)];
        insert(s, at, word, strlen(word));
        break;
    }
    default: { /* a part once more */
        unsigned char part[64];
        const size_t from = test_random_below(random, s->size), size = 1 + test_random_below(random, sizeof part);
        const size_t there = size < s->size - from ? size : s->size - from;
        memcpy(part, s->bytes + from, there);
        insert(s, at, part, there);
    }
    }
    if (s->size == 0)
        s->bytes[s->size++] = '{';
}

/* Makes the first eight bytes right again: most changed headers would fail there. */
static void mend(specimen *s, size_t data) {
    const size_t header = s->size > 8 + data ? s->size - 8 - data : 0;
    for (size_t k = 0; k < 8 && k < s->size; k++)
        s->bytes[k] = (unsigned char)((uint64_t)header >> (8 * k));
}

/* ---- Running --------------------------------------------------------------------------------------------------- */

static size_t accepted, refused;

static void run(const specimen *s, unsigned char *end, const char *key) {
    unsigned char *bytes = end - s->size;
    bp_file_error error;
    memcpy(bytes, s->bytes, s->size);
    faults_none();
    const bp_status status = s->read(bytes, s->size, &error);
    const bool said = memchr(error.text, '\0', sizeof error.text) && (error.text[0] != '\0') == (status != BP_OK);
    if (!said || (status != BP_OK && status != BP_ERROR_FORMAT && status != BP_ERROR_MISMATCH) ||
        faults_largest_allocation() > 40000 + s->growth * s->size)
        fail_msg("%s: '%s', '%s', %zu bytes allocated at once; again: BACKPROP_TEST_SEED=0x%llx %s", key,
                 bp_status_string(status), error.text, faults_largest_allocation(), (unsigned long long)test_seed(),
                 test_program());
    if (memcmp(bytes, s->bytes, s->size) != 0)
        fail_msg("%s: the file was written to", key);
    *(status == BP_OK ? &accepted : &refused) += 1;
}

static void changed_files(const char *name, void (*make)(specimen *), size_t data,
                          bp_status (*read)(const void *, size_t, bp_file_error *), size_t growth) {
    const size_t cases = test_quick() ? 2000 : 25000;
    static test_array memory;
    if (!memory.memory)
        test_array_create(&memory, ROOM);
    unsigned char *end = memory.memory + memory.bytes;
    specimen good = {.name = name, .read = read, .growth = growth};
    make(&good);
    accepted = refused = 0;
    run(&good, end, name);
    assert_int_equal(accepted, 1);
    for (size_t k = 0; k < cases; k++) {
        char key[64];
        snprintf(key, sizeof key, "%s/%zu", name, k);
        test_random random = test_random_for(test_seed(), key);
        specimen s = good;
        for (size_t changes = 1 + test_random_below(&random, 4); changes > 0; changes--)
            change(&s, &random);
        if (data > 0 && test_random_below(&random, 4) > 0)
            mend(&s, data);
        run(&s, end, key);
    }
    printf("%s: %zu accepted, %zu refused\n", name, accepted, refused);
    assert_true(accepted > cases / 1000 && refused > cases / 10);
}

static void hostile_safetensors(void **state) {
    (void)state;
    changed_files("safetensors", make_safetensors, 52, read_safetensors, 16);
}

static void hostile_npy(void **state) {
    (void)state;
    changed_files("npy", make_npy, 0, read_npy, 8);
}

static void hostile_npz(void **state) {
    (void)state;
    changed_files("npz", make_npz, 0, read_npz, 8);
    changed_files("npz, deflated", make_npz_deflated, 0, read_npz, 8 * 1032);
}

static void hostile_idx(void **state) {
    (void)state;
    changed_files("idx", make_idx, 0, read_idx, 8);
}

static void hostile_idx_gz(void **state) {
    (void)state;
    changed_files("idx.gz", make_idx_gz, 0, read_idx, 8 * 1032);
}

static void hostile_csv(void **state) {
    (void)state;
    changed_files("csv", make_csv, 0, read_csv, 16);
}

/* Nothing nests without end: there is no recursion that a file could drive. */
static void deep_nesting(void **state) {
    (void)state;
    const size_t depth = 10000000;
    unsigned char *bytes = malloc(depth + 8);
    static const char *const openings[] = {"[", "{\"a\":", "{\"__metadata__\":{\"a\":"};
    for (size_t k = 0; k < 3; k++) {
        const size_t length = strlen(openings[k]), size = depth / length * length;
        for (size_t at = 0; at < size; at++)
            bytes[8 + at] = (unsigned char)openings[k][at % length];
        for (size_t byte = 0; byte < 8; byte++)
            bytes[byte] = (unsigned char)((uint64_t)size >> (8 * byte));
        bp_safetensors *file;
        EXPECT_FAILURE(BP_ERROR_FORMAT, "", bp_safetensors_open_memory(bytes, size + 8, &file, &error));
    }
    free(bytes);
}

/* As many tensors as fit: names are checked in less than quadratic time. */
static void many_tensors(void **state) {
    (void)state;
    const size_t count = test_quick() ? 20000 : 200000, room = count * 80;
    char *text = malloc(room);
    size_t size = 8;
    for (size_t k = 0; k < count; k++)
        size += (size_t)snprintf(text + size, room - size,
                                 "%c\"%zu\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", k ? ',' : '{', k);
    text[size++] = '}';
    for (size_t byte = 0; byte < 8; byte++)
        text[byte] = (char)((uint64_t)(size - 8) >> (8 * byte));
    bp_safetensors *file;
    faults_none();
    EXPECT_SUCCESS(bp_safetensors_open_memory(text, size, &file, &error));
    assert_true(faults_largest_allocation() < 16 * size);
    assert_int_equal(bp_safetensors_count(file), count);
    for (size_t k = 0; k < count; k++) { /* empty ones stay in the order of the header */
        char name[32];
        snprintf(name, sizeof name, "%zu", k);
        assert_ptr_equal(bp_safetensors_find(file, name), bp_safetensors_tensor(file, k));
    }
    bp_safetensors_close(file);
    free(text);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_safetensors), cmocka_unit_test(hostile_npy),    cmocka_unit_test(hostile_npz),
        cmocka_unit_test(hostile_idx),         cmocka_unit_test(hostile_idx_gz), cmocka_unit_test(hostile_csv),
        cmocka_unit_test(deep_nesting),        cmocka_unit_test(many_tensors),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
