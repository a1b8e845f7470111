/* .npz files: from memory and from a path, in binary32 and binary64; what is read can be written, and comes back. */
#include <string.h>

#include "files.h"

static const bp_array unread = {.count = 77, .dimensions = 5, .shape = {1, 2, 3}};

/* What a member takes is bounded by its own bytes: deflate makes no byte into more than 1032. */
static void require_bounded(const bp_array *array, size_t size) {
    size_t count = 1;
    for (size_t k = 0; k < array->dimensions; k++)
        count *= array->shape[k];
    REQUIRE(array->values && array->count == count && count <= 1032 * size);
}

/* Reads a member in all ways, which must agree. */
static bp_status read_member(const bp_npz *file, const bp_npz *other, const char *name, size_t size, bp_array *array) {
    bp_array again = unread;
    bp_doubles doubles = {.count = 5};
    bp_npz_array about = {.count = 3};
    bp_file_error error, other_error;
    *array = unread;
    const bp_status described = bp_npz_describe(file, name, &about, &error);
    require_told(described, &error);
    const bp_status status = bp_npz_read(file, name, array, &error);
    require_told(status, &error);
    require_same_error(status, &error, bp_npz_read(other, name, &again, &other_error), &other_error);
    require_same_error(status, &error, bp_npz_doubles(file, name, &doubles, &other_error), &other_error);
    if (status != BP_OK) {
        REQUIRE(status == BP_ERROR_FORMAT || status == BP_ERROR_MISMATCH);
        REQUIRE(memcmp(array, &unread, sizeof unread) == 0 && memcmp(&again, &unread, sizeof unread) == 0);
        REQUIRE(doubles.count == 5 && (described == BP_OK || about.count == 3));
        return status;
    }
    require_bounded(array, size);
    REQUIRE(described == BP_OK && about.count == array->count && about.dimensions == array->dimensions);
    REQUIRE(memcmp(about.shape, array->shape, sizeof about.shape) == 0 && doubles.count == array->count);
    require_equal_values(array->values, again.values, array->count);
    bp_array_destroy(&again);
    bp_doubles_destroy(&doubles);
    return BP_OK;
}

static void round_trip(const bp_array *array, bool compress) {
    const char *path = file_to_write();
    const bp_tensor tensor = {"x", BP_DTYPE_F32, array->dimensions, array->shape, array->values, NULL};
    bp_file_error error;
    bp_npz *file;
    bp_array again;
    require_done(bp_npz_write(path, &tensor, 1, compress, &error), &error);
    require_done(bp_npz_open(path, &file, &error), &error);
    require_done(bp_npz_read(file, "x", &again, &error), &error);
    REQUIRE(again.count == array->count && again.dimensions == array->dimensions);
    require_equal_values(array->values, again.values, array->count);
    bp_array_destroy(&again);
    bp_npz_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bp_npz *file = NULL, *other = NULL;
    bp_file_error error, other_error;
    const bp_status status = bp_npz_open_memory(data, size, &file, &error);
    require_told(status, &error);
    require_same_error(status, &error, bp_npz_open(file_of(data, size), &other, &other_error), &other_error);
    REQUIRE((status == BP_OK) == (file != NULL) && (status == BP_OK) == (other != NULL));
    REQUIRE(status == BP_OK || status == BP_ERROR_FORMAT || status == BP_ERROR_MISMATCH);
    for (size_t k = 0; k < bp_npz_count(file); k++) {
        bp_array array;
        if (read_member(file, other, bp_npz_name(file, k), size, &array) != BP_OK)
            continue;
        if (k < 2)
            round_trip(&array, k == 1);
        bp_array_destroy(&array);
    }
    bp_npz_close(file);
    bp_npz_close(other);
    return 0;
}
