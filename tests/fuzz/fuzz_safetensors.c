/* safetensors files: tensors in any order, as numbers and as bytes; what is read can be written, and comes back. */
#include <string.h>

#include "files.h"

static size_t elements(const bp_tensor *tensor) {
    size_t count = 1;
    for (size_t d = 0; d < tensor->dimensions; d++)
        count *= tensor->shape[d];
    return count;
}

/* Numbers read with the axes in reverse order are the same numbers. */
static void require_transposed(const bp_safetensors *file, const bp_tensor *tensor, const float *values, size_t count) {
    size_t strides[BP_DIMENSIONS_MAX], index[BP_DIMENSIONS_MAX] = {0}, place = 1;
    float *other = malloc((count + 1) * sizeof *other);
    bp_file_error error;
    for (size_t d = 0; d < tensor->dimensions; d++) {
        strides[d] = place;
        place *= tensor->shape[d];
    }
    require_done(bp_safetensors_read(file, tensor, other, strides, &error), &error);
    for (size_t k = 0; k < count; k++) {
        size_t at = 0;
        for (size_t d = 0; d < tensor->dimensions; d++)
            at += index[d] * strides[d];
        REQUIRE(memcmp(&values[k], &other[at], sizeof *values) == 0);
        for (size_t d = tensor->dimensions; d-- > 0 && ++index[d] == tensor->shape[d];)
            index[d] = 0;
    }
    free(other);
}

/* A tensor of a type that nobody knows is refused, whatever it is read into. */
static void *require_unreadable(const bp_safetensors *file, const bp_tensor *tensor) {
    float value = 0.125f;
    bp_file_error error;
    REQUIRE(bp_safetensors_read(file, tensor, &value, NULL, &error) == BP_ERROR_MISMATCH && value == 0.125f);
    REQUIRE(bp_safetensors_read_bytes(file, tensor, &value, 0, &error) == BP_ERROR_MISMATCH);
    return calloc(1, 1);
}

/* Reads a tensor in each way; its bytes, packed, are the caller's to free. */
static void *read_tensor(const bp_safetensors *file, const bp_tensor *tensor, size_t size) {
    const size_t count = elements(tensor), bytes = count * bp_dtype_bytes(tensor->dtype);
    bp_file_error error;
    REQUIRE(bytes <= size && tensor->dimensions <= BP_DIMENSIONS_MAX && tensor->dtype_name);
    REQUIRE(bp_safetensors_find(file, tensor->name) == tensor);
    if (tensor->dtype == BP_DTYPE_UNKNOWN)
        return require_unreadable(file, tensor);
    unsigned char *raw = malloc(bytes + 8);
    float *values = malloc((count + 1) * sizeof *values);
    memset(raw + bytes, 0x5a, 8);
    require_done(bp_safetensors_read_bytes(file, tensor, raw, bytes, &error), &error);
    REQUIRE(memcmp(raw + bytes, "ZZZZZZZZ", 8) == 0);
    REQUIRE(bp_safetensors_read_bytes(file, tensor, raw, bytes + 1, &error) == BP_ERROR_SIZE);
    values[count] = 0.125f;
    require_done(bp_safetensors_read(file, tensor, values, NULL, &error), &error);
    REQUIRE(values[count] == 0.125f);
    if (tensor->dtype == BP_DTYPE_F32)
        REQUIRE(memcmp(raw, values, bytes) == 0);
    if (count > 0)
        require_transposed(file, tensor, values, count);
    free(values);
    return raw;
}

static size_t count_readable(const bp_safetensors *file) {
    size_t count = 0;
    for (size_t k = 0; k < bp_safetensors_count(file); k++)
        count += bp_safetensors_tensor(file, k)->dtype != BP_DTYPE_UNKNOWN;
    return count;
}

static void require_same_tensors(const bp_safetensors *a, const bp_safetensors *b, size_t size) {
    REQUIRE(count_readable(a) == count_readable(b));
    for (size_t k = 0; k < bp_safetensors_count(a); k++) {
        const bp_tensor *x = bp_safetensors_tensor(a, k), *y = bp_safetensors_find(b, x->name);
        if (x->dtype == BP_DTYPE_UNKNOWN) {
            free(read_tensor(a, x, size));
            continue;
        }
        REQUIRE(y && x->dtype == y->dtype && x->dimensions == y->dimensions);
        REQUIRE(x->dimensions == 0 || memcmp(x->shape, y->shape, x->dimensions * sizeof *x->shape) == 0);
        unsigned char *x_bytes = read_tensor(a, x, size), *y_bytes = read_tensor(b, y, size);
        REQUIRE(memcmp(x_bytes, y_bytes, elements(x) * bp_dtype_bytes(x->dtype)) == 0);
        free(x_bytes);
        free(y_bytes);
    }
    size_t pairs, other_pairs;
    const bp_metadata *texts = bp_safetensors_all_metadata(a, &pairs);
    bp_safetensors_all_metadata(b, &other_pairs);
    REQUIRE(pairs == other_pairs);
    for (size_t k = 0; k < pairs; k++) {
        const char *text = bp_safetensors_metadata(b, texts[k].key);
        REQUIRE(text && strcmp(texts[k].text, text) == 0);
    }
}

/* What was read, and can be, written in the reverse order. */
static void round_trip(const bp_safetensors *file, size_t size) {
    const size_t count = bp_safetensors_count(file);
    bp_tensor *tensors = calloc(count + 1, sizeof *tensors);
    void **bytes = calloc(count + 1, sizeof *bytes);
    size_t made = 0;
    for (size_t k = 0; k < count; k++) {
        const bp_tensor *tensor = bp_safetensors_tensor(file, count - 1 - k);
        REQUIRE(!tensor->data && !tensor->strides);
        if (tensor->dtype == BP_DTYPE_UNKNOWN)
            continue;
        tensors[made] = *tensor;
        tensors[made].data = bytes[made] = read_tensor(file, tensor, size);
        made++;
    }
    size_t pairs;
    const bp_metadata *metadata = bp_safetensors_all_metadata(file, &pairs);
    const char *path = file_to_write();
    bp_safetensors *again;
    bp_file_error error;
    require_done(bp_safetensors_write(path, tensors, made, metadata, pairs, &error), &error);
    require_done(bp_safetensors_open(path, &again, &error), &error);
    require_same_tensors(file, again, size);
    bp_safetensors_close(again);
    for (size_t k = 0; k < count; k++)
        free(bytes[k]);
    free(bytes);
    free(tensors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bp_safetensors *file = (bp_safetensors *)&file, *other = (bp_safetensors *)&file;
    bp_file_error error, other_error;
    const bp_status status = bp_safetensors_open_memory(data, size, &file, &error);
    require_told(status, &error);
    require_same_error(status, &error, bp_safetensors_open(file_of(data, size), &other, &other_error), &other_error);
    if (status != BP_OK) {
        REQUIRE(status == BP_ERROR_FORMAT && !file && !other);
        return 0;
    }
    const size_t count = bp_safetensors_count(file);
    const bp_tensor none = {.name = "none of the file's"};
    float value = 0.125f;
    REQUIRE(!bp_safetensors_tensor(file, count) && !bp_safetensors_tensor(file, SIZE_MAX));
    REQUIRE(bp_safetensors_read(file, &none, &value, NULL, &error) == BP_ERROR_VALUE && value == 0.125f);
    require_same_tensors(file, other, size);
    round_trip(file, size);
    bp_safetensors_close(file);
    bp_safetensors_close(other);
    return 0;
}
