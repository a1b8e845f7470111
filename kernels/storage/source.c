#include "storage/source.h"

#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

bp_status bp_source_open(bp_source *source, bp_location from, bp_file_error *error) {
    if (from.in_memory ? !from.bytes : !from.path)
        return bp_file_fail(error, BP_ERROR_NULL, "%s is null", from.in_memory ? "bytes" : "path");
    *source = (bp_source){.file = -1, .bytes = from.bytes, .size = from.size};
    return from.in_memory ? BP_OK : bp_file_outcome(error, bp_file_open(from.path, &source->file, &source->size));
}

void bp_source_close(const bp_source *source) {
    if (source->file >= 0)
        bp_file_close(source->file);
}

static bp_status truncated(const bp_source *source, bp_file_error *error) {
    return bp_file_malformed(error, source->size, "the file is truncated");
}

bp_status bp_source_read(const bp_source *source, uint64_t offset, void *to, size_t count, bp_file_error *error) {
    if (offset > source->size || count > source->size - offset)
        return truncated(source, error);
    if (source->file < 0) {
        if (count > 0)
            memcpy(to, source->bytes + offset, count);
        return BP_OK;
    }
    size_t got;
    const bp_status status = bp_file_outcome(error, bp_file_read(source->file, offset, to, count, &got));
    return status == BP_OK && got < count ? truncated(source, error) : status;
}

bp_status bp_source_copy(const bp_source *source, uint64_t offset, size_t count, unsigned char **copy,
                         bp_file_error *error) {
    if (offset > source->size || count > source->size - offset)
        return truncated(source, error);
    unsigned char *memory = count < SIZE_MAX ? malloc(count + 1) : NULL;
    if (!memory)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    const bp_status status = bp_source_read(source, offset, memory, count, error);
    if (status != BP_OK) {
        free(memory);
        return status;
    }
    memory[count] = '\0';
    *copy = memory;
    return BP_OK;
}

bp_status bp_source_view(const bp_source *source, uint64_t offset, size_t count, const unsigned char **bytes,
                         unsigned char **copy, bp_file_error *error) {
    *copy = NULL;
    if (source->file >= 0) {
        const bp_status status = bp_source_copy(source, offset, count, copy, error);
        *bytes = *copy;
        return status;
    }
    if (offset > source->size || count > source->size - offset)
        return truncated(source, error);
    *bytes = source->bytes + offset;
    return BP_OK;
}
