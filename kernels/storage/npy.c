#include "storage/npy.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "float_environment.h"
#include "storage/error.h"
#include "storage/kind.h"
#include "storage/writer.h"

#define FIRST_ROOM ((size_t)1 << 18) /* elements */
#define CHUNK_BYTES ((size_t)1 << 14)
#define CHUNK_DOUBLES ((size_t)512)

/* ---- Offsets and factors -------------------------------------------------------------------------------------- */

static size_t columns_of(const bp_npy *npy) {
    return npy->dimensions > 0 ? npy->shape[npy->dimensions - 1] : 1;
}

static bp_status check_finite(const char *name, const double *numbers, size_t count, bp_file_error *error) {
    char text[32];
    if (!numbers)
        return BP_OK;
    if ((uintptr_t)numbers % sizeof *numbers != 0)
        return bp_file_fail(error, BP_ERROR_ALIGNMENT,
                            "change.%s lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes", name,
                            (uintptr_t)numbers, sizeof *numbers);
    for (size_t k = 0; k < count; k++)
        if (!isfinite(numbers[k]))
            return bp_file_fail(error, BP_ERROR_VALUE, "change.%s[%zu] is %s, and must be finite", name, k,
                                bp_number_text(text, numbers[k]));
    return BP_OK;
}

static bp_status check_change(const bp_shift_scale *change, size_t columns, bp_file_error *error) {
    if (!change || change->count == 0)
        return BP_OK;
    if (change->count != 1 && change->count != columns)
        return bp_file_fail(error, BP_ERROR_SIZE, "change.count is %zu, and must be 1 or as many as the columns, %zu",
                            change->count, columns);
    const bp_status status = check_finite("offset", change->offset, change->count, error);
    return status == BP_OK ? check_finite("factor", change->factor, change->count, error) : status;
}

/* ---- Numbers from elements ------------------------------------------------------------------------------------ */

/* x = (x - offset) * factor; x[0] is element `first` of the file. */
static void change_numbers(double *x, size_t count, size_t first, const bp_npy *npy, size_t all,
                           const bp_shift_scale *change) {
    const size_t columns = columns_of(npy), rows = all / columns;
    for (size_t k = 0; k < count; k++) {
        /* In Fortran order the last index varies slowest. */
        const size_t j = change->count == 1 ? 0 : npy->fortran ? (first + k) / rows : (first + k) % columns;
        if (change->offset)
            x[k] -= change->offset[j];
        if (change->factor)
            x[k] *= change->factor[j];
    }
}

/* values[k] = the numbers of `count` elements, from element `first` of the file on. */
static void convert(const bp_numbers *numbers, size_t first, size_t count, const unsigned char *bytes,
                    const bp_npy *npy) {
    const bool changes =
        numbers->change && numbers->change->count > 0 && (numbers->change->offset || numbers->change->factor);
    if (!numbers->doubles && !changes) {
        const bp_extent extent = {.dimensions = 1, .shape = {count}, .strides = {1}, .count = count};
        bp_elements_to_floats((float *)numbers->values + first, &extent, bytes, npy->dtype, npy->order);
        return;
    }
    const size_t size = bp_dtype_bytes(npy->dtype);
    for (size_t done = 0, part; done < count; done += part) {
        double x[CHUNK_DOUBLES];
        part = count - done < CHUNK_DOUBLES ? count - done : CHUNK_DOUBLES;
        bp_elements_to_doubles(x, part, bytes + done * size, npy->dtype, npy->order);
        if (changes)
            change_numbers(x, part, first + done, npy, numbers->count, numbers->change);
        if (numbers->doubles)
            memcpy((double *)numbers->values + first + done, x, part * sizeof *x);
        for (size_t k = 0; k < part && !numbers->doubles; k++)
            ((float *)numbers->values)[first + done + k] = (float)x[k];
    }
}

/* Reads all elements in the order of the file. If they are compressed, memory doubles as they arrive. */
static bp_status read_elements(bp_stream *stream, const bp_npy *npy, bp_numbers *numbers) {
    const size_t size = bp_dtype_bytes(npy->dtype), width = numbers->doubles ? sizeof(double) : sizeof(float);
    const size_t first = stream->packing == BP_PACKING_NONE ? numbers->count : FIRST_ROOM;
    size_t room = numbers->count < first ? numbers->count : first;
    bp_status status = BP_OK;
    numbers->values = malloc((room + 1) * width);
    if (!numbers->values)
        return bp_file_refuse(stream->error, BP_ERROR_MEMORY);
    for (size_t done = 0, part; status == BP_OK && done < numbers->count; done += part) {
        unsigned char bytes[CHUNK_BYTES];
        if (done == room) {
            room = numbers->count - done < done ? numbers->count : 2 * done;
            void *larger = realloc(numbers->values, (room + 1) * width);
            if (!larger)
                return bp_file_refuse(stream->error, BP_ERROR_MEMORY);
            numbers->values = larger;
        }
        part = room - done < CHUNK_BYTES / size ? room - done : CHUNK_BYTES / size;
        status = bp_stream_exactly(stream, bytes, part * size);
        if (status == BP_OK)
            convert(numbers, done, part, bytes, npy);
    }
    return status;
}

/* In Fortran order the first index varies fastest: the file holds the transposed array in C order. */
static void reverse(bp_extent *e) {
    for (size_t a = 0, b = e->dimensions; a + 1 < b; a++) {
        b--;
        const size_t length = e->shape[a], stride = e->strides[a];
        e->shape[a] = e->shape[b];
        e->strides[a] = e->strides[b];
        e->shape[b] = length;
        e->strides[b] = stride;
    }
}

/* Reorders numbers from Fortran order to C order. */
static bp_status transpose(bp_numbers *numbers, bp_extent *extent, bp_file_error *error) {
    const size_t width = numbers->doubles ? sizeof(double) : sizeof(float);
    char *to = malloc((extent->count + 1) * width);
    if (!to)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    reverse(extent);
    bp_walk walk = {.extent = extent};
    for (size_t k = 0; k < extent->count; k++, bp_walk_next(&walk))
        memcpy(to + walk.at * width, (const char *)numbers->values + k * width, width);
    free(numbers->values);
    numbers->values = to;
    return BP_OK;
}

bp_status bp_npy_numbers(bp_stream *stream, const bp_npy *npy, uint64_t size, bp_numbers *numbers) {
    bp_file_error *error = stream->error;
    const size_t element = bp_dtype_bytes(npy->dtype);
    bp_extent extent;
    numbers->values = NULL;
    if (bp_extent_pack(&extent, npy->dimensions, npy->shape, element) != BP_OK)
        return bp_file_malformed(error, npy->origin, "the array is too large");
    const uint64_t there = size - npy->header, claimed = (uint64_t)extent.count * element;
    if (claimed > there)
        return bp_file_malformed(error, npy->origin + size, "the file is truncated");
    if (claimed < there)
        return bp_file_malformed(error, npy->origin + npy->header + claimed,
                                 "the file holds more bytes than its header says");
    bp_status status = check_change(numbers->change, columns_of(npy), error);
    if (status != BP_OK)
        return status;
    numbers->count = extent.count;
    status = read_elements(stream, npy, numbers);
    if (status == BP_OK && npy->fortran && npy->dimensions > 1)
        status = transpose(numbers, &extent, error);
    if (status != BP_OK) {
        free(numbers->values);
        numbers->values = NULL;
    }
    return status;
}

void bp_npy_give(const bp_npy *npy, const bp_numbers *numbers, bp_array *array, bp_doubles *doubles) {
    if (numbers->doubles) {
        *doubles = (bp_doubles){.values = numbers->values, .count = numbers->count, .dimensions = npy->dimensions};
        memcpy(doubles->shape, npy->shape, sizeof doubles->shape);
    } else {
        *array = (bp_array){.values = numbers->values, .count = numbers->count, .dimensions = npy->dimensions};
        memcpy(array->shape, npy->shape, sizeof array->shape);
    }
}

/* ---- Files ---------------------------------------------------------------------------------------------------- */

static bp_status read_source(const bp_source *source, bp_npy *npy, bp_numbers *numbers, bp_file_error *error) {
    bp_stream stream;
    bp_status status = bp_stream_begin_part(&stream, source, 0, source->size, false, error);
    if (status != BP_OK)
        return status;
    status = bp_npy_describe(&stream, 0, npy);
    if (status == BP_OK)
        status = bp_npy_numbers(&stream, npy, source->size, numbers);
    bp_stream_end(&stream);
    return status;
}

/* Exactly one of `array` and `doubles` receives the numbers; `result` names it. */
static bp_status read_location(bp_location from, const bp_shift_scale *change, bp_array *array, bp_doubles *doubles,
                               const char *result, bp_file_error *error) {
    CONTRACT_MODE(host);
    error = BEGIN_ERROR(error);
    if (!array && !doubles)
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", result);
    bp_source source;
    bp_status status = bp_source_open(&source, from, error);
    if (status != BP_OK)
        return status;
    bp_npy npy;
    bp_numbers numbers = {.doubles = doubles != NULL, .change = change};
    status = bp_kind_refine(&source, BP_KIND_NPY, read_source(&source, &npy, &numbers, error), error);
    bp_source_close(&source);
    if (status == BP_OK)
        bp_npy_give(&npy, &numbers, array, doubles);
    return status;
}

bp_status bp_npy_read(const char *path, bp_array *array, bp_file_error *error) {
    return read_location(bp_at_path(path), NULL, array, NULL, "array", error);
}

bp_status bp_npy_read_memory(const void *bytes, size_t size, bp_array *array, bp_file_error *error) {
    return read_location(bp_in_memory(bytes, size), NULL, array, NULL, "array", error);
}

bp_status bp_npy_read_shifted(const char *path, const bp_shift_scale *change, bp_array *array, bp_file_error *error) {
    return read_location(bp_at_path(path), change, array, NULL, "array", error);
}

bp_status bp_npy_read_memory_shifted(const void *bytes, size_t size, const bp_shift_scale *change, bp_array *array,
                                     bp_file_error *error) {
    return read_location(bp_in_memory(bytes, size), change, array, NULL, "array", error);
}

bp_status bp_npy_doubles(const char *path, bp_doubles *doubles, bp_file_error *error) {
    return read_location(bp_at_path(path), NULL, NULL, doubles, "doubles", error);
}

bp_status bp_npy_doubles_memory(const void *bytes, size_t size, bp_doubles *doubles, bp_file_error *error) {
    return read_location(bp_in_memory(bytes, size), NULL, NULL, doubles, "doubles", error);
}

bp_status bp_npy_write(const char *path, const float *values, size_t dimensions, const size_t *shape,
                       bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!path || !values || (dimensions > 0 && !shape))
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", !path ? "path" : !values ? "values" : "shape");
    if (dimensions > BP_DIMENSIONS_MAX)
        return bp_file_fail(error, BP_ERROR_SIZE, "dimensions is %zu, and must be at most %d", dimensions,
                            BP_DIMENSIONS_MAX);
    bp_extent extent;
    bp_status status = bp_extent_pack(&extent, dimensions, shape, sizeof *values);
    if (status != BP_OK)
        return bp_file_fail(error, status, "shape has more elements than the address range");
    if ((uintptr_t)values % sizeof *values != 0)
        return bp_file_fail(error, BP_ERROR_ALIGNMENT,
                            "values lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes", (uintptr_t)values,
                            sizeof *values);
    bp_writer *writer = malloc(sizeof *writer);
    if (!writer)
        return bp_file_refuse(error, BP_ERROR_MEMORY);

    char header[BP_NPY_HEADER_ROOM];
    bp_writer_begin(writer, path, error);
    bp_writer_put(writer, header, bp_npy_header(header, BP_DTYPE_F32, dimensions, shape));
    for (size_t done = 0, part; done < extent.count; done += part) {
        unsigned char bytes[4096];
        part = extent.count - done < sizeof bytes / 4 ? extent.count - done : sizeof bytes / 4;
        bp_elements_copy(bytes, values + done, part, sizeof *values, BP_LITTLE_ENDIAN);
        bp_writer_put(writer, bytes, part * 4);
    }
    status = bp_writer_end(writer);
    free(writer);
    return status;
}
