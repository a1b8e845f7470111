#define _POSIX_C_SOURCE 200809L

#include "storage/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/error.h"

/* Systems transfer less than 2 GiB at a time. */
#define TRANSFER_MAX ((size_t)1 << 30)

bp_status bp_source_open(bp_source *source, const char *path, bp_file_error *error) {
    if (!path)
        return bp_file_fail(error, BP_ERROR_NULL, "path is null");
    int file;
    do { /* opening a pipe would block until it has a writer */
        file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    } while (file < 0 && errno == EINTR);
    if (file < 0)
        return bp_file_system(error, "open");

    struct stat status;
    bp_status result = BP_OK;
    if (fstat(file, &status) != 0)
        result = bp_file_system(error, "open");
    else if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        result = bp_file_system(error, "open");
    } else if (!S_ISREG(status.st_mode))
        result = bp_file_fail(error, BP_ERROR_FILE, "not a regular file");
    if (result != BP_OK) {
        close(file);
        return result;
    }
    *source = (bp_source){.file = file, .size = (uint64_t)status.st_size};
    return BP_OK;
}

bp_status bp_source_open_memory(bp_source *source, const void *bytes, size_t size, bp_file_error *error) {
    if (!bytes)
        return bp_file_fail(error, BP_ERROR_NULL, "bytes is null");
    *source = (bp_source){.file = -1, .bytes = bytes, .size = size};
    return BP_OK;
}

void bp_source_close(bp_source *source) {
    if (source->file >= 0)
        close(source->file);
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
    for (size_t done = 0; done < count;) {
        const size_t rest = count - done;
        const ssize_t got = pread(source->file, (unsigned char *)to + done, rest < TRANSFER_MAX ? rest : TRANSFER_MAX,
                                  (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return bp_file_system(error, "read");
        if (got == 0)
            return truncated(source, error);
        done += (size_t)got;
    }
    return BP_OK;
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
