/* Writes zip archives. */
#ifndef BP_STORAGE_ZIP_WRITE_H
#define BP_STORAGE_ZIP_WRITE_H

#include <stdbool.h>
#include <zlib.h>

#include "storage/text.h"
#include "storage/writer.h"
#include "storage/zip.h"

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
