/*
 * Zip archives, as in PKWARE's ".ZIP File Format Specification" (APPNOTE.TXT) 6.3.10, 2022: members that are stored or
 * deflated, with its 64-bit fields.
 */
#ifndef BP_STORAGE_ZIP_H
#define BP_STORAGE_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include <backprop/file.h>

#include "storage/source.h"
#include "storage/stream.h"
#include "storage/text.h"
#include "storage/writer.h"

/* Signatures of the records, and the lengths of their fixed parts. */
enum {
    BP_ZIP_LOCAL = 0x04034b50,
    BP_ZIP_LOCAL_BYTES = 30,
    BP_ZIP_ENTRY = 0x02014b50,
    BP_ZIP_ENTRY_BYTES = 46,
    BP_ZIP_END = 0x06054b50,
    BP_ZIP_END_BYTES = 22,
    BP_ZIP_END_64 = 0x06064b50,
    BP_ZIP_END_64_BYTES = 56,
    BP_ZIP_LOCATOR = 0x07064b50,
    BP_ZIP_LOCATOR_BYTES = 20,
    BP_ZIP_EXTRA_64 = 1, /* the extra field with 64-bit sizes and offsets */
    BP_ZIP_STORED = 0,
    BP_ZIP_DEFLATED = 8,
    BP_ZIP_FLAG_UTF8 = 0x800
};

#define BP_ZIP_MAX_16 UINT16_C(0xffff)
#define BP_ZIP_MAX_32 UINT32_C(0xffffffff)

/* ---- Reading -------------------------------------------------------------------------------------------------- */

/** A member's directory entry. */
typedef struct bp_zip_member {
    const char *name; /* without a NUL in it or after it */
    size_t name_length;
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed, size; /* bytes in the archive, and decompressed */
    uint64_t offset;       /* of its local header */
    uint64_t end;          /* where the next member begins, or the directory */
} bp_zip_member;

typedef struct bp_zip {
    bp_source source;
    unsigned char *directory;
    bp_zip_member *members; /* in the order of the directory */
    size_t count;
} bp_zip;

/** Reads and checks the directory; members may not overlap. The zip owns the source, also on error. */
bp_status bp_zip_open(bp_zip *zip, const bp_source *source, bp_file_error *error);

void bp_zip_close(bp_zip *zip);

/**
 * Checks a member's local header and begins to read its content. On error there is nothing to end. After the last byte
 * bp_zip_finish checks the rest.
 */
bp_status bp_zip_begin(const bp_zip *zip, const bp_zip_member *member, bp_stream *stream, bp_file_error *error);

bp_status bp_zip_finish(const bp_zip_member *member, bp_stream *stream);

/* ---- Writing -------------------------------------------------------------------------------------------------- */

/** An archive that is written; `writer` holds the first failure. */
typedef struct bp_zip_writer {
    bp_writer writer;
    bp_text directory;
    uint64_t count; /* of members */
    struct {        /* the current one */
        char name[1 << 16];
        bool deflated, large;
        uint32_t crc;
        uint64_t offset, size;
    } member;
    z_stream z;
    unsigned char packed[1 << 14];
} bp_zip_writer;

void bp_zip_write_begin(bp_zip_writer *zip, const char *path, bp_file_error *error);

/** Begins a member of `size` bytes, which follow by bp_zip_put. Its name is both texts, at most 65535 bytes. */
void bp_zip_member_begin(bp_zip_writer *zip, const char *name, const char *suffix, uint64_t size, bool deflated);

void bp_zip_put(bp_zip_writer *zip, const void *bytes, size_t count);

void bp_zip_member_end(bp_zip_writer *zip);

/** Finishes the file: bp_writer_end. */
bp_status bp_zip_write_end(bp_zip_writer *zip);

#endif
