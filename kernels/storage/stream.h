/*
 * The bytes of a file or of a part of it, in order; decompressed if gzip or deflate has compressed them.
 */
#ifndef BP_STORAGE_STREAM_H
#define BP_STORAGE_STREAM_H

#include <stdbool.h>
#include <zlib.h>

#include "storage/source.h"

typedef enum bp_packing { BP_PACKING_NONE, BP_PACKING_GZIP, BP_PACKING_DEFLATE } bp_packing;

typedef struct bp_stream {
    const bp_source *source;
    uint64_t at, end; /* offsets in the source: the next byte, the end of the stream */
    bp_packing packing;
    bool inside; /* a member of gzip, or the only one of deflate, has begun and not ended */
    bool over;   /* deflate's end, or zeros after the last member of gzip */
    bool sums;   /* computes the CRC-32 of the bytes that are read */
    uint32_t crc;
    z_stream z;
    unsigned char *packed; /* a buffer of compressed bytes */
    bp_file_error *error;
} bp_stream;

/** The whole file, decompressed if it begins as gzip. BP_ERROR_MEMORY; otherwise bp_stream_end must follow. */
bp_status bp_stream_begin(bp_stream *stream, const bp_source *source, bp_file_error *error);

/** `size` bytes of the source from `offset` on, perhaps compressed by deflate. Otherwise the same. */
bp_status bp_stream_begin_part(bp_stream *stream, const bp_source *source, uint64_t offset, uint64_t size,
                               bool deflated, bp_file_error *error);

void bp_stream_end(bp_stream *stream);

/** Reads the next bytes; *got is less than `count` only at the end. */
bp_status bp_stream_read(bp_stream *stream, unsigned char *to, size_t count, size_t *got);

/** Reads the next bytes; an end before the last of them is BP_ERROR_FORMAT. */
bp_status bp_stream_exactly(bp_stream *stream, unsigned char *to, size_t count);

/** BP_ERROR_FORMAT unless everything has been read; zlib checks its checksum. */
bp_status bp_stream_finish(bp_stream *stream);

/** An upper bound of the remaining bytes. */
uint64_t bp_stream_most(const bp_stream *stream);

#endif
