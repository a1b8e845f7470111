#include <backprop/idx.h>

#include <stdlib.h>
#include <string.h>

#include "storage/element.h"
#include "storage/error.h"
#include "storage/kind.h"
#include "storage/stream.h"

#define FIRST_ROOM ((size_t)1 << 20)

static uint32_t big_endian(const unsigned char *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bp_status truncated(const bp_stream *stream) {
    return bp_file_malformed(stream->error, stream->source->size, "the file is truncated");
}

/* The element type and the shape. */
static bp_status read_header(bp_stream *stream, bp_dtype *dtype, size_t *dimensions, size_t *shape) {
    static const struct {
        unsigned char code;
        bp_dtype dtype;
    } types[] = {{0x08, BP_DTYPE_U8},  {0x09, BP_DTYPE_I8},  {0x0b, BP_DTYPE_I16},
                 {0x0c, BP_DTYPE_I32}, {0x0d, BP_DTYPE_F32}, {0x0e, BP_DTYPE_F64}};
    unsigned char bytes[4];
    bp_status status = bp_stream_exactly(stream, bytes, sizeof bytes);
    if (status != BP_OK)
        return status;
    size_t type = 0;
    while (type < sizeof types / sizeof *types && types[type].code != bytes[2])
        type++;
    if (bytes[0] != 0 || bytes[1] != 0 || type == sizeof types / sizeof *types)
        return bp_file_malformed(stream->error, 0, "not an IDX file (it starts with %08x)",
                                 (unsigned)big_endian(bytes));
    *dtype = types[type].dtype;
    *dimensions = bytes[3];
    if (*dimensions == 0)
        return bp_file_malformed(stream->error, 3, "the array has no dimension");
    if (*dimensions > BP_DIMENSIONS_MAX)
        return bp_file_fail(stream->error, BP_ERROR_MISMATCH, "the array has more than %d dimensions",
                            BP_DIMENSIONS_MAX);
    for (size_t d = 0; status == BP_OK && d < *dimensions; d++) {
        status = bp_stream_exactly(stream, bytes, sizeof bytes);
        shape[d] = big_endian(bytes);
    }
    return status;
}

/* Reads `count` bytes into memory that doubles as they arrive. */
static bp_status read_growing(bp_stream *stream, size_t count, unsigned char **bytes) {
    size_t room = count < FIRST_ROOM ? count : FIRST_ROOM, done = 0;
    unsigned char *memory = malloc(room + 1);
    bp_status status = memory ? BP_OK : bp_file_refuse(stream->error, BP_ERROR_MEMORY);
    while (status == BP_OK) {
        status = bp_stream_exactly(stream, memory + done, room - done);
        done = room;
        if (status != BP_OK || done == count)
            break;
        room = count - done < done ? count : 2 * done;
        unsigned char *larger = realloc(memory, room + 1);
        if (larger)
            memory = larger;
        else
            status = bp_file_refuse(stream->error, BP_ERROR_MEMORY);
    }
    if (status != BP_OK)
        free(memory);
    else
        *bytes = memory;
    return status;
}

static bp_status read_stream(bp_stream *stream, size_t limit, bp_array *array, size_t *total) {
    bp_array made = {.values = NULL};
    bp_dtype dtype = BP_DTYPE_U8;
    bp_extent extent;
    bp_status status = read_header(stream, &dtype, &made.dimensions, made.shape);
    if (status != BP_OK)
        return status;
    const size_t items = made.shape[0], size = bp_dtype_bytes(dtype);
    if (limit > 0 && items > limit)
        made.shape[0] = limit;
    if (bp_extent_pack(&extent, made.dimensions, made.shape, size) != BP_OK)
        return bp_file_malformed(stream->error, 4, "the array is too large");
    if (extent.count * size > bp_stream_most(stream))
        return truncated(stream);

    unsigned char *bytes;
    status = read_growing(stream, extent.count * size, &bytes);
    if (status != BP_OK)
        return status;
    if (made.shape[0] == items)
        status = bp_stream_finish(stream);
    if (status == BP_OK) {
        made.count = extent.count;
        made.values = malloc((extent.count + 1) * sizeof *made.values);
        if (!made.values)
            status = bp_file_refuse(stream->error, BP_ERROR_MEMORY);
    }
    if (status == BP_OK) {
        bp_elements_to_floats(made.values, &extent, bytes, dtype, BP_BIG_ENDIAN);
        *array = made;
        if (total)
            *total = items;
    }
    free(bytes);
    return status;
}

static bp_status read_source(const bp_source *source, size_t limit, bp_array *array, size_t *total,
                             bp_file_error *error) {
    bp_stream stream;
    bp_status status = bp_stream_begin(&stream, source, error);
    if (status == BP_OK) {
        status = read_stream(&stream, limit, array, total);
        if (stream.packing == BP_PACKING_NONE)
            status = bp_kind_refine(source, BP_KIND_IDX, status, error);
        bp_stream_end(&stream);
    }
    return status;
}

static bp_status read_location(bp_location from, size_t limit, bp_array *array, size_t *total, bp_file_error *error) {
    error = BEGIN_ERROR(error);
    if (!array)
        return bp_file_fail(error, BP_ERROR_NULL, "array is null");
    bp_source source;
    bp_status status = bp_source_open(&source, from, error);
    if (status == BP_OK) {
        status = read_source(&source, limit, array, total, error);
        bp_source_close(&source);
    }
    return status;
}

bp_status bp_idx_read(const char *path, size_t limit, bp_array *array, size_t *total, bp_file_error *error) {
    return read_location(bp_at_path(path), limit, array, total, error);
}

bp_status bp_idx_read_memory(const void *bytes, size_t size, size_t limit, bp_array *array, size_t *total,
                             bp_file_error *error) {
    return read_location(bp_in_memory(bytes, size), limit, array, total, error);
}
