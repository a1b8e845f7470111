#include "storage/stream.h"

#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

#define GZIP_WINDOW (16 + MAX_WBITS) /* zlib: gzip's format alone */
#define DEFLATE_WINDOW (-MAX_WBITS)  /* zlib: neither header nor checksum */
#define RATIO 1032                   /* deflate expands a byte to at most this many */
#define PACKED_ROOM ((size_t)1 << 14)
#define PART ((size_t)1 << 20)

static bp_status begin(bp_stream *stream, bp_packing packing) {
    stream->packing = packing;
    if (packing == BP_PACKING_NONE)
        return BP_OK;
    stream->inside = packing == BP_PACKING_DEFLATE;
    stream->packed = malloc(PACKED_ROOM);
    const int window = packing == BP_PACKING_GZIP ? GZIP_WINDOW : DEFLATE_WINDOW;
    if (stream->packed && inflateInit2(&stream->z, window) == Z_OK)
        return BP_OK;
    free(stream->packed);
    return bp_file_refuse(stream->error, BP_ERROR_MEMORY);
}

bp_status bp_stream_begin(bp_stream *stream, const bp_source *source, bp_file_error *error) {
    unsigned char start[2] = {0, 0};
    *stream = (bp_stream){.source = source, .end = source->size, .error = error};
    if (source->size >= sizeof start) {
        const bp_status status = bp_source_read(source, 0, start, sizeof start, error);
        if (status != BP_OK)
            return status;
    }
    return begin(stream, start[0] == 0x1f && start[1] == 0x8b ? BP_PACKING_GZIP : BP_PACKING_NONE);
}

bp_status bp_stream_begin_part(bp_stream *stream, const bp_source *source, uint64_t offset, uint64_t size,
                               bool deflated, bp_file_error *error) {
    *stream = (bp_stream){.source = source, .at = offset, .end = offset + size, .error = error};
    return begin(stream, deflated ? BP_PACKING_DEFLATE : BP_PACKING_NONE);
}

void bp_stream_end(bp_stream *stream) {
    if (stream->packing != BP_PACKING_NONE)
        inflateEnd(&stream->z);
    free(stream->packed);
}

uint64_t bp_stream_most(const bp_stream *stream) {
    const uint64_t rest = stream->end - stream->at + stream->z.avail_in;
    if (stream->packing == BP_PACKING_NONE)
        return rest;
    return rest > UINT64_MAX / RATIO ? UINT64_MAX : rest * RATIO;
}

static bp_status truncated(const bp_stream *stream) {
    return bp_file_malformed(stream->error, stream->end, "the file is truncated");
}

static bp_status refill(bp_stream *stream) {
    const uint64_t rest = stream->end - stream->at;
    const size_t count = rest < PACKED_ROOM ? (size_t)rest : PACKED_ROOM;
    const bp_status status = bp_source_read(stream->source, stream->at, stream->packed, count, stream->error);
    stream->at += count;
    stream->z.next_in = stream->packed;
    stream->z.avail_in = (uInt)count;
    return status;
}

/* Zeros may follow gzip's last member, as on tapes, and nothing after them. */
static bp_status skip_zeros(bp_stream *stream) {
    for (; stream->z.avail_in > 0; stream->z.avail_in--, stream->z.next_in++)
        if (*stream->z.next_in != 0)
            return bp_file_malformed(stream->error, stream->at - stream->z.avail_in,
                                     "the zeros after the compressed data are followed by something else");
    return BP_OK;
}

/* One call of zlib. A gzip file may have several members, each with a checksum. */
static bp_status inflate_some(bp_stream *stream, unsigned char *to, size_t count, size_t *got, bool *ended) {
    z_stream *z = &stream->z;
    bp_status status = z->avail_in == 0 ? refill(stream) : BP_OK;
    *got = 0;
    if (status != BP_OK)
        return status;
    if (z->avail_in == 0) {
        *ended = true;
        return stream->inside ? truncated(stream) : BP_OK;
    }
    if (stream->packing == BP_PACKING_GZIP && !stream->inside && *z->next_in == 0)
        stream->over = true;
    if (stream->over && stream->packing == BP_PACKING_GZIP)
        return skip_zeros(stream);
    if (stream->over)
        return bp_file_malformed(stream->error, stream->at - z->avail_in,
                                 "bytes follow the end of the compressed data");
    stream->inside = true;
    z->next_out = to;
    z->avail_out = (uInt)(count < PART ? count : PART);
    const uInt room = z->avail_out;
    const int result = inflate(z, Z_NO_FLUSH);
    *got = room - z->avail_out;
    if (result == Z_STREAM_END) {
        stream->inside = false;
        stream->over = stream->packing == BP_PACKING_DEFLATE;
        inflateReset(z);
        return BP_OK;
    }
    if (result == Z_MEM_ERROR)
        return bp_file_refuse(stream->error, BP_ERROR_MEMORY);
    if (result != Z_OK && result != Z_BUF_ERROR)
        return bp_file_malformed(stream->error, stream->at - z->avail_in, "%s",
                                 z->msg ? z->msg : "the compressed data are broken");
    return BP_OK;
}

static bp_status read_some(bp_stream *stream, unsigned char *to, size_t count, size_t *got) {
    *got = 0;
    if (stream->packing == BP_PACKING_NONE) {
        const uint64_t rest = stream->end - stream->at;
        const size_t part = rest < count ? (size_t)rest : count;
        const bp_status status = bp_source_read(stream->source, stream->at, to, part, stream->error);
        stream->at += part;
        *got = status == BP_OK ? part : 0;
        return status;
    }
    bool ended = false;
    while (*got < count && !ended) {
        size_t part;
        const bp_status status = inflate_some(stream, to + *got, count - *got, &part, &ended);
        if (status != BP_OK)
            return status;
        *got += part;
    }
    return BP_OK;
}

bp_status bp_stream_read(bp_stream *stream, unsigned char *to, size_t count, size_t *got) {
    const bp_status status = read_some(stream, to, count, got);
    if (stream->sums && status == BP_OK)
        stream->crc = (uint32_t)crc32_z(stream->crc, to, *got);
    return status;
}

bp_status bp_stream_exactly(bp_stream *stream, unsigned char *to, size_t count) {
    size_t got;
    const bp_status status = bp_stream_read(stream, to, count, &got);
    return status == BP_OK && got < count ? truncated(stream) : status;
}

/* One byte more also makes zlib check a checksum. */
bp_status bp_stream_finish(bp_stream *stream) {
    unsigned char extra;
    size_t got;
    const bp_status status = bp_stream_read(stream, &extra, 1, &got);
    if (status == BP_OK && got > 0)
        return bp_file_malformed(stream->error, stream->packing == BP_PACKING_NONE ? stream->at - 1 : 0,
                                 "the file holds more bytes than its header says");
    return status;
}
