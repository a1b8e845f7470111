#include "idx.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "fail.h"

enum { CHUNK = 1 << 20, ITEM_MAX = 1 << 20, DIMENSIONS_MAX = 3 };

/* Reads up to `count` bytes, fewer only at the end of the file. */
static size_t read_some(gzFile file, const char *path, unsigned char *to, size_t count) {
    size_t done = 0;
    while (done < count) {
        const size_t rest = count - done;
        const int got = gzread(file, to + done, (unsigned)(rest < CHUNK ? rest : CHUNK));
        if (got < 0) {
            int code;
            const char *message = gzerror(file, &code);
            fail("%s: %s", path, code == Z_ERRNO ? strerror(errno) : message);
        }
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return done;
}

static void read_all(gzFile file, const char *path, unsigned char *to, size_t count) {
    if (read_some(file, path, to, count) < count)
        fail("%s: the file is truncated", path);
}

/* Reads `count` bytes into memory that doubles as they arrive. */
static unsigned char *read_growing(gzFile file, const char *path, size_t count) {
    size_t room = count < CHUNK ? count : CHUNK, done = 0;
    unsigned char *bytes = allocate(room, 1);
    for (;;) {
        read_all(file, path, bytes + done, room - done);
        done = room;
        if (done == count)
            return bytes;
        room = count - done < done ? count : 2 * done;
        unsigned char *larger = realloc(bytes, room);
        if (!larger)
            fail("%s: out of memory at %zu bytes", path, room);
        bytes = larger;
    }
}

static uint32_t big_endian(const unsigned char *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Fills in `total` and `size`. */
static idx_file read_header(gzFile file, const char *path, unsigned dimensions) {
    enum { UNSIGNED_BYTES = 0x08 };
    unsigned char header[4 + 4 * DIMENSIONS_MAX];
    read_all(file, path, header, 4);
    const uint32_t magic = big_endian(header);
    if (magic >> 8 != UNSIGNED_BYTES)
        fail("%s: not an IDX file of unsigned bytes (it starts with %08x)", path, (unsigned)magic);
    if ((magic & 0xff) != dimensions)
        fail("%s: has %u dimensions instead of %u", path, (unsigned)(magic & 0xff), dimensions);
    read_all(file, path, header + 4, 4 * (size_t)dimensions);

    idx_file result = {.total = big_endian(header + 4), .size = 1};
    if (result.total == 0)
        fail("%s: holds no items", path);
    for (unsigned d = 1; d < dimensions; d++) {
        const uint32_t length = big_endian(header + 4 + 4 * d);
        if (length == 0 || length > ITEM_MAX / result.size)
            fail("%s: wrong dimensions (an item may have from 1 to %d bytes)", path, ITEM_MAX);
        result.size *= length;
    }
    return result;
}

idx_file idx_read(const char *path, unsigned dimensions, size_t limit) {
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (!file)
        fail("%s: %s", path, errno ? strerror(errno) : "out of memory");

    idx_file result = read_header(file, path, dimensions);
    result.count = result.total < limit ? result.total : limit;
    if (result.count > SIZE_MAX / result.size)
        fail("%s: too large for this machine", path);
    result.bytes = read_growing(file, path, result.count * result.size);

    if (result.count == result.total) { /* one byte more also makes zlib check the file's checksum */
        unsigned char extra;
        if (read_some(file, path, &extra, 1) != 0)
            fail("%s: holds more bytes than its header says", path);
    }
    gzclose(file);
    return result;
}
