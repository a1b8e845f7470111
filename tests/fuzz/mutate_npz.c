/*
 * Mutations of .npz files: mostly of what one member holds, or of its name. The archive is written anew around it, so
 * that checksums, lengths and places stay right; otherwise nearly all mutants would be refused for these.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <zlib.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

enum { MEMBERS = 4, NAME_ROOM = 64, PLAIN_ROOM = 1 << 14, ROOM = 1 << 17 };
enum { LOCAL_BYTES = 30, ENTRY_BYTES = 46, END_BYTES = 22, STORED = 0, DEFLATED = 8 };

typedef struct member {
    uint8_t name[NAME_ROOM], plain[PLAIN_ROOM];
    size_t name_length, size, method;
} member;

/* ---- Reading -------------------------------------------------------------------------------------------------- */

static size_t number(const uint8_t *from, size_t bytes) {
    size_t value = 0;
    for (size_t k = bytes; k-- > 0;)
        value = value << 8 | from[k];
    return value;
}

static size_t inflated(uint8_t *to, uint8_t *from, size_t size) {
    z_stream z = {.next_in = from, .avail_in = (uInt)size, .next_out = to, .avail_out = PLAIN_ROOM};
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return 0;
    inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return z.total_out;
}

/* Takes the member of an entry of the directory; 0 if it is not there or too large. */
static int read_member(member *m, uint8_t *data, size_t size, const uint8_t *entry) {
    const size_t at = number(entry + 42, 4), packed = number(entry + 20, 4);
    *m = (member){.method = number(entry + 10, 2), .name_length = number(entry + 28, 2)};
    if (at > size || size - at < LOCAL_BYTES || m->name_length > NAME_ROOM)
        return 0;
    const size_t content = at + LOCAL_BYTES + number(data + at + 26, 2) + number(data + at + 28, 2);
    if (content > size || packed > size - content || packed > PLAIN_ROOM || content - at - LOCAL_BYTES < m->name_length)
        return 0;
    memcpy(m->name, data + at + LOCAL_BYTES, m->name_length);
    m->size = packed;
    if (m->method == DEFLATED)
        m->size = inflated(m->plain, data + content, packed);
    else
        memcpy(m->plain, data + content, packed);
    return 1;
}

/* The first members; 0 where there is no archive. */
static size_t read_members(member *members, uint8_t *data, size_t size) {
    size_t end = size < END_BYTES ? 0 : size - END_BYTES, count = 0;
    while (end > 0 && memcmp(data + end, "PK\5\6", 4) != 0)
        end--;
    size_t at = end > 0 ? number(data + end + 16, 4) : end;
    while (count < MEMBERS && at < end && end - at >= ENTRY_BYTES && memcmp(data + at, "PK\1\2", 4) == 0) {
        const uint8_t *entry = data + at;
        count += (size_t)read_member(&members[count], data, size, entry);
        at += ENTRY_BYTES + number(entry + 28, 2) + number(entry + 30, 2) + number(entry + 32, 2);
    }
    return count;
}

/* ---- Writing -------------------------------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *to, size_t value, size_t bytes) {
    for (size_t k = 0; k < bytes; k++)
        *to++ = (uint8_t)(value >> (8 * k));
    return to;
}

static uint8_t *put_bytes(uint8_t *to, const uint8_t *from, size_t count) {
    memcpy(to, from, count);
    return to + count;
}

/* What a local header and an entry of the directory have in common, from the version to the length of extra fields. */
static uint8_t *put_common(uint8_t *to, const member *m, size_t packed) {
    to = put(put(put(to, 20, 2), 0, 2), m->method, 2);
    to = put(put(to, 0, 2), 0x21, 2);
    to = put(put(to, crc32(0, m->plain, (uInt)m->size), 4), packed, 4);
    return put(put(put(to, m->size, 4), m->name_length, 2), 0, 2);
}

/* Deflate makes at most a few bytes more of what a member has room for. */
static size_t pack(uint8_t *to, member *m) {
    z_stream z = {.next_in = m->plain, .avail_in = (uInt)m->size, .next_out = to, .avail_out = PLAIN_ROOM + 64};
    if (m->method != DEFLATED || deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        memcpy(to, m->plain, m->size);
        return m->size;
    }
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return z.total_out;
}

static size_t write_members(uint8_t *out, member *members, size_t count) {
    static uint8_t packed[PLAIN_ROOM + 64], directory[MEMBERS * (ENTRY_BYTES + NAME_ROOM)];
    uint8_t *to = out, *entry = directory;
    for (size_t k = 0; k < count; k++) {
        member *m = &members[k];
        const size_t place = (size_t)(to - out), bytes = pack(packed, m);
        to = put_common(put_bytes(to, (const uint8_t *)"PK\3\4", 4), m, bytes);
        to = put_bytes(put_bytes(to, m->name, m->name_length), packed, bytes);
        entry = put_common(put(put_bytes(entry, (const uint8_t *)"PK\1\2", 4), 20, 2), m, bytes);
        entry = put(put(put(entry, 0, 6), 0, 4), place, 4);
        entry = put_bytes(entry, m->name, m->name_length);
    }
    const size_t place = (size_t)(to - out), bytes = (size_t)(entry - directory);
    to = put_bytes(put_bytes(to, directory, bytes), (const uint8_t *)"PK\5\6", 4);
    to = put(put(put(put(to, 0, 4), count, 2), count, 2), bytes, 4);
    return (size_t)(put(put(to, place, 4), 0, 2) - out);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
    static member members[MEMBERS];
    static uint8_t out[ROOM];
    const size_t count = seed % 4 == 0 ? 0 : read_members(members, data, size);
    if (count == 0)
        return LLVMFuzzerMutate(data, size, room);
    member *m = &members[seed / 4 % count];
    if (seed / 16 % 8 == 0)
        m->name_length = LLVMFuzzerMutate(m->name, m->name_length, NAME_ROOM);
    else if (seed / 16 % 8 == 1)
        m->method = m->method == STORED ? DEFLATED : STORED;
    else
        m->size = LLVMFuzzerMutate(m->plain, m->size, PLAIN_ROOM);
    const size_t written = write_members(out, members, count);
    if (written > room)
        return LLVMFuzzerMutate(data, size, room);
    memcpy(data, out, written);
    return written;
}
