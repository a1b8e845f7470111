/* The numbers of .npy files and of the members of .npz files. */
#ifndef BP_STORAGE_NPY_H
#define BP_STORAGE_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/npy.h>

#include "storage/npy_header.h"

/** Numbers in binary32, or in binary64 if `doubles`. */
typedef struct bp_numbers {
    bool doubles;
    const bp_shift_scale *change; /* null: none */
    void *values;                 /* the result; the owner frees it */
    size_t count;
} bp_numbers;

/**
 * Reads the elements of a file of `size` bytes, header and all. Memory grows with what has been decompressed. On error
 * numbers->values is null.
 */
bp_status bp_npy_numbers(bp_stream *stream, const bp_npy *npy, uint64_t size, bp_numbers *numbers);

/** Moves the numbers into the caller's array. */
void bp_npy_give(const bp_npy *npy, const bp_numbers *numbers, bp_array *array, bp_doubles *doubles);

#endif
