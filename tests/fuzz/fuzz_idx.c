/* IDX files, compressed or not: from memory and from a path, all items or the first few. */
#include <string.h>

#include "files.h"

static const bp_array unread = {.count = 77, .dimensions = 5, .shape = {1, 2, 3}};

static void require_as_before(const bp_array *array, size_t total) {
    REQUIRE(memcmp(array, &unread, sizeof unread) == 0 && total == 12345);
}

/* The first items are those of the whole file. What comes after them need not be right, so the reverse fails. */
static void first_items(const uint8_t *data, size_t size, const bp_array *all, size_t limit) {
    bp_array array;
    bp_file_error error;
    size_t total;
    require_done(bp_idx_read_memory(data, size, limit, &array, &total, &error), &error);
    const size_t items = limit < all->shape[0] ? limit : all->shape[0];
    REQUIRE(total == all->shape[0] && array.dimensions == all->dimensions && array.shape[0] == items);
    REQUIRE(all->shape[0] == 0 || array.count == all->count / all->shape[0] * items);
    require_equal_values(array.values, all->values, array.count);
    bp_array_destroy(&array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bp_array array = unread, other = unread;
    bp_file_error error, other_error;
    size_t total = 12345, other_total = 12345;
    const bp_status status = bp_idx_read_memory(data, size, 0, &array, &total, &error);
    require_told(status, &error);
    const bp_status by_path = bp_idx_read(file_of(data, size), 0, &other, &other_total, &other_error);
    require_same_error(status, &error, by_path, &other_error);
    if (status != BP_OK) {
        REQUIRE(status == BP_ERROR_FORMAT || status == BP_ERROR_MISMATCH);
        require_as_before(&array, total);
        require_as_before(&other, other_total);
        array = unread;
        if (bp_idx_read_memory(data, size, 1, &array, NULL, &error) == BP_OK)
            bp_array_destroy(&array);
        else
            require_as_before(&array, total);
        return 0;
    }
    size_t count = 1;
    for (size_t k = 0; k < array.dimensions; k++)
        count *= array.shape[k];
    REQUIRE(array.values && array.dimensions > 0 && array.count == count && array.shape[0] == total);
    REQUIRE(other.count == count && other_total == total);
    require_equal_values(array.values, other.values, count);
    for (size_t limit = 1; limit < 4; limit++)
        first_items(data, size, &array, limit);
    bp_array_destroy(&array);
    bp_array_destroy(&other);
    return 0;
}
