/* Mutations of IDX files: of a compressed one, mostly what it holds, so that checksums stay right. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <zlib.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

enum { ROOM = 1 << 16, GZIP = 16 + MAX_WBITS };

static size_t inflated(uint8_t *to, uint8_t *from, size_t size) {
    z_stream z = {.next_in = from, .avail_in = (uInt)size, .next_out = to, .avail_out = ROOM};
    if (inflateInit2(&z, GZIP) != Z_OK)
        return 0;
    inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return z.total_out;
}

static size_t deflated(uint8_t *to, size_t room, uint8_t *from, size_t size) {
    z_stream z = {.next_in = from, .avail_in = (uInt)size, .next_out = to, .avail_out = (uInt)room};
    if (deflateInit2(&z, 6, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    const int end = deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return end == Z_STREAM_END ? z.total_out : 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
    static uint8_t plain[ROOM], packed[ROOM];
    const int compressed = size > 2 && data[0] == 0x1f && data[1] == 0x8b;
    size_t plain_size = 0;
    if (seed % 4 == 0 || (!compressed && seed % 64 != 1))
        return LLVMFuzzerMutate(data, size, room);
    if (compressed)
        plain_size = inflated(plain, data, size);
    else
        memcpy(plain, data, plain_size = size < ROOM ? size : ROOM);
    plain_size = LLVMFuzzerMutate(plain, plain_size, ROOM);
    size_t packed_size = deflated(packed, room < ROOM ? room : ROOM, plain, plain_size);
    if (packed_size == 0)
        return LLVMFuzzerMutate(data, size, room);
    memcpy(data, packed, packed_size);
    return packed_size;
}
