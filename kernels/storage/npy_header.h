/* The header of .npy files and of the members of .npz files. */
#ifndef BP_STORAGE_NPY_HEADER_H
#define BP_STORAGE_NPY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/npy.h>

#include "storage/element.h"
#include "storage/stream.h"

/** What a header says. */
typedef struct bp_npy {
    bp_dtype dtype;
    bp_byte_order order;
    bool fortran;
    size_t dimensions;
    size_t shape[BP_DIMENSIONS_MAX];
    uint64_t origin; /* offset that messages add */
    uint64_t header; /* bytes before the elements */
} bp_npy;

/** Reads the header. */
bp_status bp_npy_describe(bp_stream *stream, uint64_t origin, bp_npy *npy);

/** The longest header that is written. */
#define BP_NPY_HEADER_ROOM (128 + 32 * BP_DIMENSIONS_MAX)

/** Writes a header; its length, or 0 if the format has no such type. */
size_t bp_npy_header(char *text, bp_dtype dtype, size_t dimensions, const size_t *shape);

#endif
