/*
 * Zip archives, as in PKWARE's ".ZIP File Format Specification" (APPNOTE.TXT) 6.3.10, 2022: members that are stored or
 * deflated, with its 64-bit fields.
 */
#ifndef BP_STORAGE_ZIP_H
#define BP_STORAGE_ZIP_H

#include <stdint.h>

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

#endif
