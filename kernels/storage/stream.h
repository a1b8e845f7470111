/* The bytes of a file in order; if gzip has compressed it, those that were before. */
#ifndef BP_STORAGE_STREAM_H
#define BP_STORAGE_STREAM_H

#include <stdbool.h>
#include <zlib.h>

#include "storage/source.h"

typedef struct bp_stream {
    const bp_source *source;
    uint64_t at;             /* of the source's next byte */
    bool compressed, inside; /* inside: of a member of a compressed file */
    z_stream z;
    bp_file_error *error;
    unsigned char packed[1 << 14];
} bp_stream;

/** BP_ERROR_MEMORY; otherwise bp_stream_end must follow. */
bp_status bp_stream_begin(bp_stream *stream, const bp_source *source, bp_file_error *error);

void bp_stream_end(bp_stream *stream);

/** Reads the next bytes; *got is less than `count` only at the end of the file. */
bp_status bp_stream_read(bp_stream *stream, unsigned char *to, size_t count, size_t *got);

/** The most bytes that the rest of the file can hold. */
uint64_t bp_stream_most(const bp_stream *stream);

#endif
