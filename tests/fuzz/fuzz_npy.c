/* .npy files: what is read can be written, and comes back. */
#include <string.h>

#include "files.h"

static const bp_array unread = {.count = 77, .dimensions = 5, .shape = {1, 2, 3}};

static bool same_array(const bp_array *a, const bp_array *b) {
    return a->count == b->count && a->dimensions == b->dimensions &&
           memcmp(a->shape, b->shape, a->dimensions * sizeof *a->shape) == 0;
}

static void require_as_before(const bp_array *array) {
    REQUIRE(memcmp(array, &unread, sizeof unread) == 0);
}

static void labels(const bp_array *array) {
    uint32_t *labels = malloc(array->count * sizeof *labels + 1);
    for (size_t k = 0; k < array->count; k++)
        labels[k] = 0xabababab;
    const bp_status status = bp_array_labels(array, labels);
    REQUIRE(status == BP_OK || status == BP_ERROR_LABEL);
    for (size_t k = 0; k < array->count; k++)
        REQUIRE(status == BP_OK ? (float)labels[k] == array->values[k] : labels[k] == 0xabababab);
    free(labels);
}

static void round_trip(const bp_array *array) {
    bp_file_error error;
    bp_array again;
    const char *path = file_to_write();
    require_done(bp_npy_write(path, array->values, array->dimensions, array->shape, &error), &error);
    require_done(bp_npy_read(path, &again, &error), &error);
    REQUIRE(same_array(array, &again));
    require_equal_values(array->values, again.values, array->count);
    bp_array_destroy(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bp_array array = unread, other = unread;
    bp_file_error error, other_error;
    const bp_status status = bp_npy_read_memory(data, size, &array, &error);
    require_told(status, &error);
    require_same_error(status, &error, bp_npy_read(file_of(data, size), &other, &other_error), &other_error);
    if (status != BP_OK) {
        REQUIRE(status == BP_ERROR_FORMAT || status == BP_ERROR_MISMATCH);
        require_as_before(&array);
        require_as_before(&other);
        return 0;
    }
    size_t count = 1;
    for (size_t k = 0; k < array.dimensions; k++)
        count *= array.shape[k];
    REQUIRE(array.values && array.count == count && count <= size);
    REQUIRE(same_array(&array, &other));
    require_equal_values(array.values, other.values, count);
    labels(&array);
    round_trip(&array);
    bp_array_destroy(&array);
    bp_array_destroy(&other);
    return 0;
}
