/* Writes a file atomically: a temporary file is renamed at the end. */
#ifndef BP_STORAGE_WRITER_H
#define BP_STORAGE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/file.h>

#include "platform/file.h"

typedef struct bp_writer {
    bp_replacement file;
    size_t filled;
    uint64_t written; /* bytes before those of the buffer */
    bp_status status; /* of the first failure, which *error describes; after it, calls do nothing */
    bp_file_error *error;
    unsigned char buffer[1 << 16];
} bp_writer;

/** Opens the temporary file. bp_writer_end must follow in any case. */
void bp_writer_begin(bp_writer *writer, const char *path, bp_file_error *error);

void bp_writer_put(bp_writer *writer, const void *bytes, size_t count);

/** Bytes put so far. */
uint64_t bp_writer_at(const bp_writer *writer);

/** Replaces some or all of the bytes of one earlier call. */
void bp_writer_patch(bp_writer *writer, uint64_t at, const void *bytes, size_t count);

/**
 * Renames the temporary file; or, if anything has failed, removes it and returns the status of the first failure. One
 * failure leaves the new file in place: that of flushing the folder, which comes last.
 */
bp_status bp_writer_end(bp_writer *writer);

#endif
