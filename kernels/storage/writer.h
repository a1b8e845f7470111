/* A file that is written atomically: a temporary file that takes the place of the real one at the end. */
#ifndef BP_STORAGE_WRITER_H
#define BP_STORAGE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/file.h>

typedef struct bp_writer {
    char *path;      /* of the file, symbolic links resolved */
    char *temporary; /* in the same folder */
    int folder, file;
    size_t filled;
    uint64_t written; /* bytes before those of the buffer */
    bp_status status; /* the first failure's, which is described in *error; later calls do nothing */
    bp_file_error *error;
    unsigned char buffer[1 << 16];
} bp_writer;

/** Opens the temporary file. bp_writer_end must follow, whatever comes. */
void bp_writer_begin(bp_writer *writer, const char *path, bp_file_error *error);

void bp_writer_put(bp_writer *writer, const void *bytes, size_t count);

/** Bytes put so far. */
uint64_t bp_writer_at(const bp_writer *writer);

/** Replaces bytes that were put by one call, some or all of them. */
void bp_writer_patch(bp_writer *writer, uint64_t at, const void *bytes, size_t count);

/**
 * Puts the file in its place, or, if anything has failed, removes the temporary one, and gives the first failure's
 * status. There is one failure that leaves the new file in place: that of flushing the folder, after the last step.
 */
bp_status bp_writer_end(bp_writer *writer);

#endif
