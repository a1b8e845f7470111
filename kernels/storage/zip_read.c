#include "storage/zip_read.h"

#include <stdlib.h>
#include <string.h>

#include "storage/error.h"
#include "storage/kind.h"

#define COMMENT_MAX 65535
#define DEFLATE_RATIO 1032 /* deflate expands a byte to at most this many */

enum { FLAG_ENCRYPTED = 1, FLAG_SIZES_FOLLOW = 8, FLAG_PATCH = 0x20, FLAG_STRONG = 0x40, FLAG_MASKED = 0x2000 };

static uint64_t number(const unsigned char *from, size_t bytes) {
    uint64_t value = 0;
    for (size_t k = bytes; k-- > 0;)
        value = value << 8 | from[k];
    return value;
}

/* ---- The end record ------------------------------------------------------------------------------------------- */

/* The fields of the end record, in 64 bits. */
typedef struct ending {
    uint64_t at; /* offset of the end records */
    uint64_t disk, first_disk, here, count, size, offset;
} ending;

static bp_status no_archive(const bp_source *source, bp_file_error *error) {
    unsigned char start[6] = {0};
    const size_t there = source->size < sizeof start ? (size_t)source->size : sizeof start;
    const bp_status status = bp_source_read(source, 0, start, there, error);
    if (status != BP_OK)
        return status;
    if (memcmp(start, "\x93NUMPY", 6) == 0)
        return bp_file_malformed(error, 0, "not a .npz file but a .npy file, a single array");
    if (memcmp(start, "PK\3\4", 4) == 0)
        return bp_file_malformed(error, source->size, "the file is truncated: a zip archive without its end");
    return bp_file_malformed(error, 0, "not a .npz file: it is no zip archive");
}

/* Finds the end record, whose comment extends to the end of the file. */
static bp_status find_end(const bp_source *source, unsigned char *record, uint64_t *at, bp_file_error *error) {
    const uint64_t most = BP_ZIP_END_BYTES + COMMENT_MAX;
    const size_t tail = (size_t)(source->size < most ? source->size : most);
    const unsigned char *bytes;
    unsigned char *copy;
    const bp_status status = bp_source_view(source, source->size - tail, tail, &bytes, &copy, error);
    if (status != BP_OK)
        return status;
    bool found = false;
    for (size_t k = BP_ZIP_END_BYTES; k <= tail && !found; k++) {
        const unsigned char *here = bytes + tail - k;
        found = number(here, 4) == BP_ZIP_END && number(here + 20, 2) == k - BP_ZIP_END_BYTES;
        if (found) {
            memcpy(record, here, BP_ZIP_END_BYTES);
            *at = source->size - k;
        }
    }
    free(copy);
    return found ? BP_OK : no_archive(source, error);
}

/* Takes a field from the zip64 record; the one of the end record must agree or be all ones. */
static bool merge(uint64_t *value, uint64_t large, uint64_t ones) {
    const bool agrees = *value == large || *value == ones;
    *value = large;
    return agrees;
}

/* Reads the zip64 end record, if its locator is before the end record. */
static bp_status read_large_end(const bp_source *source, ending *e, bp_file_error *error) {
    unsigned char locator[BP_ZIP_LOCATOR_BYTES], record[BP_ZIP_END_64_BYTES];
    if (e->at < sizeof locator)
        return BP_OK;
    const uint64_t locator_at = e->at - sizeof locator;
    bp_status status = bp_source_read(source, locator_at, locator, sizeof locator, error);
    if (status != BP_OK || number(locator, 4) != BP_ZIP_LOCATOR)
        return status;
    const uint64_t at = number(locator + 8, 8);
    if (at > locator_at || locator_at - at < sizeof record)
        return bp_file_malformed(error, locator_at + 8, "the zip64 end record is not where its locator says");
    status = bp_source_read(source, at, record, sizeof record, error);
    if (status != BP_OK)
        return status;
    if (number(record, 4) != BP_ZIP_END_64 || number(record + 4, 8) != locator_at - at - 12)
        return bp_file_malformed(error, at, "the zip64 end record is not where its locator says");
    if (!merge(&e->disk, number(record + 16, 4), BP_ZIP_MAX_16) ||
        !merge(&e->first_disk, number(record + 20, 4), BP_ZIP_MAX_16) ||
        !merge(&e->here, number(record + 24, 8), BP_ZIP_MAX_16) ||
        !merge(&e->count, number(record + 32, 8), BP_ZIP_MAX_16) ||
        !merge(&e->size, number(record + 40, 8), BP_ZIP_MAX_32) ||
        !merge(&e->offset, number(record + 48, 8), BP_ZIP_MAX_32))
        return bp_file_malformed(error, at, "the end record and the zip64 end record differ");
    e->at = at;
    return BP_OK;
}

static bp_status read_end(const bp_source *source, ending *e, bp_file_error *error) {
    unsigned char record[BP_ZIP_END_BYTES];
    bp_status status = find_end(source, record, &e->at, error);
    if (status != BP_OK)
        return status;
    e->disk = number(record + 4, 2);
    e->first_disk = number(record + 6, 2);
    e->here = number(record + 8, 2);
    e->count = number(record + 10, 2);
    e->size = number(record + 12, 4);
    e->offset = number(record + 16, 4);
    status = read_large_end(source, e, error);
    if (status != BP_OK)
        return status;
    if (e->disk != 0 || e->first_disk != 0 || e->here != e->count)
        return bp_file_fail(error, BP_ERROR_MISMATCH, "a part of a zip archive of several files, which is not read");
    if (e->offset > e->at || e->size != e->at - e->offset)
        return bp_file_malformed(error, e->at, "the zip archive's directory is not where its end record says");
    if (e->count > e->size / BP_ZIP_ENTRY_BYTES)
        return bp_file_malformed(error, e->at, "the end record claims more members than the directory has");
    return BP_OK;
}

/* ---- The directory -------------------------------------------------------------------------------------------- */

/* Takes the fields that are all ones from the zip64 extra field, in its order; false if they are missing there. */
static bool read_extra(const unsigned char *extra, size_t length, uint64_t **numbers, size_t count) {
    while (length >= 4) {
        const size_t id = (size_t)number(extra, 2), bytes = (size_t)number(extra + 2, 2);
        if (bytes > length - 4)
            return false;
        size_t at = 0;
        for (size_t k = 0; id == BP_ZIP_EXTRA_64 && k < count; k++)
            if (*numbers[k] == BP_ZIP_MAX_32) {
                if (at + 8 > bytes)
                    return false;
                *numbers[k] = number(extra + 4 + at, 8);
                at += 8;
            }
        if (id == BP_ZIP_EXTRA_64)
            return true;
        extra += 4 + bytes;
        length -= 4 + bytes;
    }
    return true;
}

/* Reads an entry; advances *at. */
static bp_status read_entry(const unsigned char *directory, size_t size, uint64_t origin, size_t *at,
                            bp_zip_member *member, bp_file_error *error) {
    const unsigned char *entry = directory + *at;
    const size_t rest = size - *at;
    if (rest < BP_ZIP_ENTRY_BYTES || number(entry, 4) != BP_ZIP_ENTRY)
        return bp_file_malformed(error, origin + *at, "the zip archive's directory has no entry where one must be");
    const size_t name = (size_t)number(entry + 28, 2), extra = (size_t)number(entry + 30, 2);
    const size_t all = BP_ZIP_ENTRY_BYTES + name + extra + (size_t)number(entry + 32, 2);
    if (all > rest)
        return bp_file_malformed(error, origin + *at, "an entry of the zip archive's directory is cut off");
    *member = (bp_zip_member){.name = (const char *)entry + BP_ZIP_ENTRY_BYTES,
                              .name_length = name,
                              .flags = (unsigned)number(entry + 8, 2),
                              .method = (unsigned)number(entry + 10, 2),
                              .crc = (uint32_t)number(entry + 16, 4),
                              .packed = number(entry + 20, 4),
                              .size = number(entry + 24, 4),
                              .offset = number(entry + 42, 4)};
    if (memchr(member->name, '\0', name))
        return bp_file_malformed(error, origin + *at, "the name of a member has a NUL in it");
    if (!read_extra(entry + BP_ZIP_ENTRY_BYTES + name, extra,
                    (uint64_t *[]){&member->size, &member->packed, &member->offset}, 3))
        return bp_file_malformed(error, origin + *at, "an extra field of '%.*s' is cut off",
                                 (int)(name < 80 ? name : 80), member->name);
    if (number(entry + 34, 2) != 0 && number(entry + 34, 2) != BP_ZIP_MAX_16)
        return bp_file_fail(error, BP_ERROR_MISMATCH, "a part of a zip archive of several files, which is not read");
    *at += all;
    return BP_OK;
}

static int compare_offsets(const void *a, const void *b) {
    const bp_zip_member *const *left = a, *const *right = b;
    return (*left)->offset < (*right)->offset ? -1 : (*left)->offset > (*right)->offset;
}

/* Members may have gaps between them but may not overlap: zip bombs are made so. */
static bp_status check_positions(bp_zip *zip, uint64_t directory, bp_file_error *error) {
    bp_zip_member **sorted = malloc((zip->count + 1) * sizeof(bp_zip_member *));
    if (!sorted)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    for (size_t k = 0; k < zip->count; k++)
        sorted[k] = &zip->members[k];
    qsort(sorted, zip->count, sizeof(bp_zip_member *), compare_offsets);
    bp_status status = BP_OK;
    for (size_t k = 0; k < zip->count && status == BP_OK; k++) {
        bp_zip_member *m = sorted[k];
        m->end = k + 1 < zip->count ? sorted[k + 1]->offset : directory;
        const uint64_t header = BP_ZIP_LOCAL_BYTES + (uint64_t)m->name_length;
        if (m->offset > m->end || m->end - m->offset < header || m->end - m->offset - header < m->packed)
            status = bp_file_malformed(error, m->offset, "'%.*s' and what follows it in the zip archive overlap",
                                       (int)(m->name_length < 80 ? m->name_length : 80), m->name);
    }
    free(sorted);
    return status;
}

static bp_status read_directory(bp_zip *zip, bp_file_error *error) {
    ending e = {.at = 0};
    bp_status status = read_end(&zip->source, &e, error);
    if (status == BP_OK && e.size > SIZE_MAX - 1)
        status = bp_file_refuse(error, BP_ERROR_MEMORY);
    if (status == BP_OK)
        status = bp_source_copy(&zip->source, e.offset, (size_t)e.size, &zip->directory, error);
    if (status != BP_OK)
        return status;
    zip->members = malloc(((size_t)e.count + 1) * sizeof *zip->members);
    if (!zip->members)
        return bp_file_refuse(error, BP_ERROR_MEMORY);
    size_t at = 0;
    for (; status == BP_OK && zip->count < e.count; zip->count++)
        status = read_entry(zip->directory, (size_t)e.size, e.offset, &at, &zip->members[zip->count], error);
    if (status == BP_OK && at < e.size)
        return bp_file_malformed(error, e.offset + at, "the directory goes on after its last member");
    return status == BP_OK ? check_positions(zip, e.offset, error) : status;
}

bp_status bp_zip_open(bp_zip *zip, const bp_source *source, bp_file_error *error) {
    *zip = (bp_zip){.source = *source};
    const bp_status status = bp_kind_refine(source, BP_KIND_NPZ, read_directory(zip, error), error);
    if (status != BP_OK)
        bp_zip_close(zip);
    return status;
}

void bp_zip_close(bp_zip *zip) {
    bp_source_close(&zip->source);
    free(zip->directory);
    free(zip->members);
}

/* ---- A member ------------------------------------------------------------------------------------------------- */

/* The name of a feature that is not supported. */
static bp_status check_kind(const bp_zip_member *m, bp_file_error *error) {
    static const struct {
        unsigned method;
        const char *name;
    } methods[] = {{1, "shrink"}, {6, "implode"}, {9, "deflate64"}, {12, "bzip2"}, {14, "LZMA"},
                   {20, "zstd"},  {93, "zstd"},   {95, "xz"},       {98, "PPMd"}};
    if (m->flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED))
        return bp_file_fail(error, BP_ERROR_MISMATCH, "encrypted, which is not read");
    if (m->flags & FLAG_PATCH)
        return bp_file_fail(error, BP_ERROR_MISMATCH, "a patch of other data, which is not read");
    if (m->method == BP_ZIP_STORED || m->method == BP_ZIP_DEFLATED)
        return BP_OK;
    for (size_t k = 0; k < sizeof methods / sizeof *methods; k++)
        if (methods[k].method == m->method)
            return bp_file_fail(error, BP_ERROR_MISMATCH,
                                "compressed by %s (method %u), which is not read: only stored or deflated",
                                methods[k].name, m->method);
    return bp_file_fail(error, BP_ERROR_MISMATCH, "compressed by method %u, which is not read: only stored or deflated",
                        m->method);
}

/* Compares a local header, its name and its extra fields with the directory. */
static bool agrees(const bp_zip_member *m, const unsigned char *local, const unsigned char *name, size_t extra) {
    const unsigned flags = (unsigned)number(local + 6, 2);
    uint64_t packed = number(local + 18, 4), size = number(local + 22, 4);
    if (number(local + 8, 2) != m->method || (flags ^ m->flags) & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED) ||
        memcmp(name, m->name, m->name_length) != 0)
        return false;
    if (flags & FLAG_SIZES_FOLLOW) /* the writer did not know them here */
        return true;
    return read_extra(name + m->name_length, extra, (uint64_t *[]){&size, &packed}, 2) && size == m->size &&
           packed == m->packed && number(local + 14, 4) == m->crc;
}

static bp_status check_local(const bp_zip *zip, const bp_zip_member *m, uint64_t *data, bp_file_error *error) {
    unsigned char local[BP_ZIP_LOCAL_BYTES];
    bp_status status = bp_source_read(&zip->source, m->offset, local, sizeof local, error);
    if (status != BP_OK)
        return status;
    const size_t name = (size_t)number(local + 26, 2), extra = (size_t)number(local + 28, 2);
    *data = m->offset + sizeof local + name + extra;
    if (number(local, 4) != BP_ZIP_LOCAL || name != m->name_length || *data > m->end || m->end - *data < m->packed)
        return bp_file_malformed(error, m->offset, "the local header differs from the zip archive's directory");
    const unsigned char *bytes;
    unsigned char *copy;
    status = bp_source_view(&zip->source, m->offset + sizeof local, name + extra, &bytes, &copy, error);
    if (status == BP_OK && !agrees(m, local, bytes, extra))
        status = bp_file_malformed(error, m->offset, "the local header differs from the zip archive's directory");
    free(copy);
    return status;
}

bp_status bp_zip_begin(const bp_zip *zip, const bp_zip_member *m, bp_stream *stream, bp_file_error *error) {
    uint64_t data = 0;
    bp_status status = check_kind(m, error);
    if (status == BP_OK)
        status = check_local(zip, m, &data, error);
    if (status != BP_OK)
        return status;
    const bool deflated = m->method == BP_ZIP_DEFLATED;
    if (deflated ? m->size / DEFLATE_RATIO > m->packed : m->size != m->packed)
        return bp_file_malformed(error, m->offset, "claims more bytes than can be made of those that are there");
    status = bp_stream_begin_part(stream, &zip->source, data, m->packed, deflated, error);
    stream->sums = true;
    return status;
}

bp_status bp_zip_finish(const bp_zip_member *m, bp_stream *stream) {
    const bp_status status = bp_stream_finish(stream);
    if (status == BP_OK && stream->crc != m->crc)
        return bp_file_malformed(stream->error, m->offset, "the checksum is wrong (CRC-32 %08x instead of %08x)",
                                 (unsigned)stream->crc, (unsigned)m->crc);
    return status;
}
