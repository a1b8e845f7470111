/* What .npy files and the members of .npz files share: the header, and the numbers after it. */
#ifndef BP_STORAGE_NPY_H
#define BP_STORAGE_NPY_H

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

/** Numbers in binary32, or in binary64 if `doubles`. */
typedef struct bp_numbers {
    bool doubles;
    const bp_shift_scale *change; /* null: none */
    void *values;                 /* the result; the owner frees it */
    size_t count;
} bp_numbers;

/** Reads the header. */
bp_status bp_npy_describe(bp_stream *stream, uint64_t origin, bp_npy *npy);

/**
 * Reads the elements of a file of `size` bytes, header and all. Memory grows with what has been decompressed. On error
 * numbers->values is null.
 */
bp_status bp_npy_numbers(bp_stream *stream, const bp_npy *npy, uint64_t size, bp_numbers *numbers);

/** The longest header that is written. */
#define BP_NPY_HEADER_ROOM (128 + 32 * BP_DIMENSIONS_MAX)

/** Writes a header; its length, or 0 if the format has no such type. */
size_t bp_npy_header(char *text, bp_dtype dtype, size_t dimensions, const size_t *shape);

/** Moves the numbers into the caller's array. */
void bp_npy_give(const bp_npy *npy, const bp_numbers *numbers, bp_array *array, bp_doubles *doubles);

#endif
