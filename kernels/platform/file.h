/*
 * Files of the operating system: one that is read, and one that replaces an old one at once and whole. A handle is a
 * number; -1 is none.
 */
#ifndef BP_PLATFORM_FILE_H
#define BP_PLATFORM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/status.h>

/** What came of a call. With BP_ERROR_FILE, `what` could not be done, as in "open the folder", and `system` is the
 *  system's error number; or that is 0, and `what` says all. */
typedef struct bp_outcome {
    bp_status status;
    const char *what;
    int system;
} bp_outcome;

/** The system's text for an error number. */
void bp_system_text(int system, char *text, size_t size);

/** Opens a regular file to read it. On error there is nothing to close. */
bp_outcome bp_file_open(const char *path, int *file, uint64_t *size);

/** Reads `count` bytes that begin at `offset`; fewer at the end of the file. */
bp_outcome bp_file_read(int file, uint64_t offset, void *to, size_t count, size_t *got);

void bp_file_close(int file);

/** A temporary file that will have the path of another. */
typedef struct bp_replacement {
    char *path;      /* of the file, symbolic links resolved */
    char *temporary; /* in the same folder */
    int folder, file;
} bp_replacement;

/** Opens the temporary file, with the permissions of the old one. bp_replacement_end must follow in any case. */
bp_outcome bp_replacement_begin(bp_replacement *r, const char *path);

/** Writes all bytes, from where the last call stopped. */
bp_outcome bp_replacement_write(const bp_replacement *r, const void *bytes, size_t count);

bp_outcome bp_replacement_seek(const bp_replacement *r, uint64_t at);

/**
 * Gives the temporary file its path, on the disk; removes it if that fails, or if it is not `wanted`. One failure
 * leaves the new file in place: that of flushing the folder, which comes last.
 */
bp_outcome bp_replacement_end(bp_replacement *r, bool wanted);

#endif
