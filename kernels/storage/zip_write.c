#include "storage/zip_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

/* Larger members get 64-bit sizes. Below 4 GiB, since deflate may expand a member a little. */
#define LARGE UINT64_C(0xf0000000)

#define FIRST_OF_JANUARY_1980 0x21 /* always MS-DOS's first day: the same arrays make the same file */
#define VERSION 20
#define VERSION_LARGE 45

static unsigned char *put_number(unsigned char *to, uint64_t value, size_t bytes) {
    for (size_t k = 0; k < bytes; k++)
        *to++ = (unsigned char)(value >> (8 * k));
    return to;
}

static bool is_ascii(const char *text) {
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

/* The fields that local headers and directory entries share: from the version to the length of the extra field. */
static unsigned char *put_common(unsigned char *to, const bp_zip_writer *zip, uint64_t packed, size_t extra) {
    to = put_number(to, zip->member.large ? VERSION_LARGE : VERSION, 2);
    to = put_number(to, is_ascii(zip->member.name) ? 0 : BP_ZIP_FLAG_UTF8, 2);
    to = put_number(to, zip->member.deflated ? BP_ZIP_DEFLATED : BP_ZIP_STORED, 2);
    to = put_number(to, (uint64_t)FIRST_OF_JANUARY_1980 << 16, 4);
    to = put_number(to, zip->member.crc, 4);
    to = put_number(to, zip->member.large ? BP_ZIP_MAX_32 : packed, 4);
    to = put_number(to, zip->member.large ? BP_ZIP_MAX_32 : zip->member.size, 4);
    to = put_number(to, strlen(zip->member.name), 2);
    return put_number(to, extra, 2);
}

enum { LOCAL_EXTRA = 20 };

/* The local header without the name; and its extra field with 64-bit sizes, if there is one. */
static void make_local(const bp_zip_writer *zip, uint64_t packed, unsigned char *local, unsigned char *extra) {
    put_common(put_number(local, BP_ZIP_LOCAL, 4), zip, packed, zip->member.large ? LOCAL_EXTRA : 0);
    extra = put_number(put_number(extra, BP_ZIP_EXTRA_64, 2), LOCAL_EXTRA - 4, 2);
    put_number(put_number(extra, zip->member.size, 8), packed, 8);
}

void bp_zip_write_begin(bp_zip_writer *zip, const char *path, bp_file_error *error) {
    zip->directory = (bp_text){.bytes = NULL};
    zip->count = 0;
    bp_writer_begin(&zip->writer, path, error);
}

static void stop(bp_zip_writer *zip, bp_status status) {
    if (zip->writer.status == BP_OK)
        zip->writer.status = bp_file_refuse(zip->writer.error, status);
}

void bp_zip_member_begin(bp_zip_writer *zip, const char *name, const char *suffix, uint64_t size, bool deflated) {
    unsigned char local[BP_ZIP_LOCAL_BYTES], extra[LOCAL_EXTRA];
    snprintf(zip->member.name, sizeof zip->member.name, "%s%s", name, suffix);
    zip->member.deflated = deflated;
    zip->member.large = size > LARGE;
    zip->member.crc = 0;
    zip->member.offset = bp_writer_at(&zip->writer);
    zip->member.size = size;
    make_local(zip, 0, local, extra);
    bp_writer_put(&zip->writer, local, sizeof local);
    bp_writer_put(&zip->writer, zip->member.name, strlen(zip->member.name));
    bp_writer_put(&zip->writer, extra, zip->member.large ? sizeof extra : 0);
    if (!deflated)
        return;
    memset(&zip->z, 0, sizeof zip->z);
    if (deflateInit2(&zip->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        zip->member.deflated = false; /* nothing to end */
        stop(zip, BP_ERROR_MEMORY);
    }
}

static void deflate_all(bp_zip_writer *zip, int flush) {
    do {
        zip->z.next_out = zip->packed;
        zip->z.avail_out = sizeof zip->packed;
        deflate(&zip->z, flush);
        bp_writer_put(&zip->writer, zip->packed, sizeof zip->packed - zip->z.avail_out);
    } while (zip->z.avail_out == 0);
}

void bp_zip_put(bp_zip_writer *zip, const void *bytes, size_t count) {
    zip->member.crc = (uint32_t)crc32_z(zip->member.crc, bytes, count);
    if (!zip->member.deflated) {
        bp_writer_put(&zip->writer, bytes, count);
        return;
    }
    for (size_t done = 0, part; done < count; done += part) {
        part = count - done < (1 << 30) ? count - done : 1 << 30;
        zip->z.next_in = (unsigned char *)(uintptr_t)bytes + done;
        zip->z.avail_in = (uInt)part;
        deflate_all(zip, Z_NO_FLUSH);
    }
}

/* Appends the member's directory entry. */
static void append_entry(bp_zip_writer *zip, uint64_t packed) {
    const bool far = zip->member.offset >= BP_ZIP_MAX_32, large = zip->member.large;
    const size_t numbers = (large ? 2 : 0) + (far ? 1 : 0), extra_bytes = numbers > 0 ? 4 + 8 * numbers : 0;
    unsigned char entry[BP_ZIP_ENTRY_BYTES] = {0}, extra[LOCAL_EXTRA + 8];
    unsigned char *to = put_number(entry, BP_ZIP_ENTRY, 4);
    to = put_number(to, large || far ? VERSION_LARGE : VERSION, 2);
    put_common(to, zip, packed, extra_bytes);
    put_number(entry + 42, far ? BP_ZIP_MAX_32 : zip->member.offset, 4); /* between: no comment, disk or attributes */
    to = put_number(put_number(extra, BP_ZIP_EXTRA_64, 2), 8 * numbers, 2);
    if (large)
        to = put_number(put_number(to, zip->member.size, 8), packed, 8);
    if (far)
        put_number(to, zip->member.offset, 8);
    bp_text_bytes(&zip->directory, (const char *)entry, sizeof entry);
    bp_text_string(&zip->directory, zip->member.name);
    bp_text_bytes(&zip->directory, (const char *)extra, extra_bytes);
}

void bp_zip_member_end(bp_zip_writer *zip) {
    unsigned char local[BP_ZIP_LOCAL_BYTES], extra[LOCAL_EXTRA];
    if (zip->member.deflated) {
        zip->z.avail_in = 0;
        deflate_all(zip, Z_FINISH);
        deflateEnd(&zip->z);
    }
    const uint64_t name = zip->member.offset + sizeof local, end_of_name = name + strlen(zip->member.name);
    const uint64_t data = end_of_name + (zip->member.large ? sizeof extra : 0);
    const uint64_t packed = bp_writer_at(&zip->writer) - data;
    make_local(zip, packed, local, extra);
    bp_writer_patch(&zip->writer, zip->member.offset, local, sizeof local);
    if (zip->member.large)
        bp_writer_patch(&zip->writer, end_of_name, extra, sizeof extra);
    append_entry(zip, packed);
    zip->count++;
}

/* The zip64 end record and its locator, then the end record. */
static void put_end(bp_zip_writer *zip) {
    const uint64_t offset = bp_writer_at(&zip->writer) - zip->directory.size, size = zip->directory.size;
    unsigned char large[BP_ZIP_END_64_BYTES], locator[BP_ZIP_LOCATOR_BYTES], end[BP_ZIP_END_BYTES] = {0}, *to;
    if (zip->count >= BP_ZIP_MAX_16 || offset >= BP_ZIP_MAX_32) {
        to = put_number(put_number(large, BP_ZIP_END_64, 4), sizeof large - 12, 8);
        to = put_number(put_number(to, VERSION_LARGE, 2), VERSION_LARGE, 2);
        to = put_number(put_number(put_number(to, 0, 8), zip->count, 8), zip->count, 8);
        put_number(put_number(to, size, 8), offset, 8);
        to = put_number(put_number(locator, BP_ZIP_LOCATOR, 4), 0, 4);
        put_number(put_number(to, offset + size, 8), 1, 4);
        bp_writer_put(&zip->writer, large, sizeof large);
        bp_writer_put(&zip->writer, locator, sizeof locator);
    }
    const uint64_t count = zip->count < BP_ZIP_MAX_16 ? zip->count : BP_ZIP_MAX_16;
    to = put_number(put_number(end, BP_ZIP_END, 4), 0, 4);
    to = put_number(put_number(to, count, 2), count, 2);
    put_number(put_number(to, size, 4), offset < BP_ZIP_MAX_32 ? offset : BP_ZIP_MAX_32, 4);
    bp_writer_put(&zip->writer, end, sizeof end);
}

bp_status bp_zip_write_end(bp_zip_writer *zip) {
    if (zip->directory.status != BP_OK)
        stop(zip, zip->directory.status);
    if (zip->directory.size > 0)
        bp_writer_put(&zip->writer, zip->directory.bytes, zip->directory.size);
    put_end(zip);
    free(zip->directory.bytes);
    return bp_writer_end(&zip->writer);
}
