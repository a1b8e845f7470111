/* Reads zip archives. */
#ifndef BP_STORAGE_ZIP_READ_H
#define BP_STORAGE_ZIP_READ_H

#include "storage/source.h"
#include "storage/stream.h"
#include "storage/zip.h"

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

#endif
