#include "storage/stream.h"

#include <string.h>

#include "storage/error.h"

#define GZIP_WINDOW (16 + MAX_WBITS) /* zlib: gzip's format alone */
#define GZIP_RATIO 1032              /* deflate makes no byte into more */
#define PART ((size_t)1 << 20)

bp_status bp_stream_begin(bp_stream *stream, const bp_source *source, bp_file_error *error) {
    unsigned char start[2] = {0, 0};
    memset(stream, 0, sizeof *stream);
    stream->source = source;
    stream->error = error;
    if (source->size >= sizeof start) {
        const bp_status status = bp_source_read(source, 0, start, sizeof start, error);
        if (status != BP_OK)
            return status;
    }
    if (start[0] == 0x1f && start[1] == 0x8b) {
        if (inflateInit2(&stream->z, GZIP_WINDOW) != Z_OK)
            return bp_file_refuse(error, BP_ERROR_MEMORY);
        stream->compressed = true;
    }
    return BP_OK;
}

void bp_stream_end(bp_stream *stream) {
    if (stream->compressed)
        inflateEnd(&stream->z);
}

uint64_t bp_stream_most(const bp_stream *stream) {
    const uint64_t rest = stream->source->size - stream->at + stream->z.avail_in;
    if (!stream->compressed)
        return rest;
    return rest > UINT64_MAX / GZIP_RATIO ? UINT64_MAX : rest * GZIP_RATIO;
}

static bp_status refill(bp_stream *stream) {
    const uint64_t rest = stream->source->size - stream->at;
    const size_t count = rest < sizeof stream->packed ? (size_t)rest : sizeof stream->packed;
    const bp_status status = bp_source_read(stream->source, stream->at, stream->packed, count, stream->error);
    stream->at += count;
    stream->z.next_in = stream->packed;
    stream->z.avail_in = (uInt)count;
    return status;
}

/* One call of zlib. A file may consist of several members, each with a checksum. */
static bp_status inflate_some(bp_stream *stream, unsigned char *to, size_t count, size_t *got, bool *ended) {
    bp_status status = stream->z.avail_in == 0 ? refill(stream) : BP_OK;
    *got = 0;
    *ended = false;
    if (status != BP_OK)
        return status;
    if (stream->z.avail_in == 0) {
        *ended = true;
        return stream->inside ? bp_file_malformed(stream->error, stream->source->size, "the file is truncated") : BP_OK;
    }
    stream->inside = true;
    stream->z.next_out = to;
    stream->z.avail_out = (uInt)(count < PART ? count : PART);
    const uInt room = stream->z.avail_out;
    const int result = inflate(&stream->z, Z_NO_FLUSH);
    *got = room - stream->z.avail_out;
    if (result == Z_STREAM_END) {
        stream->inside = false;
        inflateReset(&stream->z);
        return BP_OK;
    }
    if (result == Z_MEM_ERROR)
        return bp_file_refuse(stream->error, BP_ERROR_MEMORY);
    if (result != Z_OK && result != Z_BUF_ERROR)
        return bp_file_malformed(stream->error, stream->at - stream->z.avail_in, "%s",
                                 stream->z.msg ? stream->z.msg : "the compressed data are broken");
    return BP_OK;
}

bp_status bp_stream_read(bp_stream *stream, unsigned char *to, size_t count, size_t *got) {
    *got = 0;
    if (!stream->compressed) {
        const uint64_t rest = stream->source->size - stream->at;
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
