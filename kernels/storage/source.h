/* The bytes of a file that is read: on the disk or in memory. */
#ifndef BP_STORAGE_SOURCE_H
#define BP_STORAGE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/file.h>

typedef struct bp_source {
    int file;                   /* -1: in memory */
    const unsigned char *bytes; /* in memory */
    uint64_t size;              /* when it was opened */
} bp_source;

/** A file as a caller names it: by its path, or, if `in_memory`, by its bytes. */
typedef struct bp_location {
    bool in_memory;
    const char *path;
    const void *bytes;
    size_t size;
} bp_location;

static inline bp_location bp_at_path(const char *path) {
    return (bp_location){.path = path};
}

static inline bp_location bp_in_memory(const void *bytes, size_t size) {
    return (bp_location){.in_memory = true, .bytes = bytes, .size = size};
}

/** Opens a regular file, or bytes in memory. On error there is nothing to close. */
bp_status bp_source_open(bp_source *source, bp_location from, bp_file_error *error);

void bp_source_close(const bp_source *source);

/** Copies `count` bytes that begin at `offset`. BP_ERROR_FORMAT beyond the end, also if the file has shrunk since. */
bp_status bp_source_read(const bp_source *source, uint64_t offset, void *to, size_t count, bp_file_error *error);

/** The same bytes in new memory, with a NUL after them; the caller frees it. */
bp_status bp_source_copy(const bp_source *source, uint64_t offset, size_t count, unsigned char **copy,
                         bp_file_error *error);

/** The same bytes in place, if the source is in memory (*copy is null), else in new memory, *copy. */
bp_status bp_source_view(const bp_source *source, uint64_t offset, size_t count, const unsigned char **bytes,
                         unsigned char **copy, bp_file_error *error);

#endif
