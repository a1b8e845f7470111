/* What the fuzzers of file readers share. */
#ifndef BACKPROP_TESTS_FUZZ_FILES_H
#define BACKPROP_TESTS_FUZZ_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "fuzz.h"

/** The path of a file in memory with these bytes, until the next call. */
const char *file_of(const uint8_t *data, size_t size);

/** A path in a folder in memory, for writers; the file there, if any, is the last one that was written. */
const char *file_to_write(void);

/** An error as a file's content may cause it: a status and a message that people can read, or neither. */
void require_told(bp_status status, const bp_file_error *error);

/** Reading from a path and from memory must end alike. */
void require_same_error(bp_status status, const bp_file_error *error, bp_status other,
                        const bp_file_error *other_error);

/** A writer of what was read must succeed. */
void require_done(bp_status status, const bp_file_error *error);

/** Numbers in a file are the same bits; NaNs too. */
void require_equal_values(const float *a, const float *b, size_t count);

#endif
