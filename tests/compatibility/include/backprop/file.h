/*
 * What the readers and writers of files share: safetensors.h, npy.h, npz.h, idx.h and csv.h.
 *
 * Any content may be read: what is malformed, truncated or hostile gives a status and a message, and takes no more
 * memory than a small multiple of the file's true size; where gzip or deflate has compressed it (idx.h, npz.h), of what
 * has truly been decompressed, up to 1032 times as much. On error outputs stay as they were, and nothing is left open
 * or allocated. A path names a regular file, or a symbolic link to one.
 *
 * Writing is atomic: the new content goes to a temporary file in the same folder, which takes the old file's place, and
 * its permissions, when all of it is on the disk. Before that, whatever fails leaves the old file whole and removes the
 * temporary one; a program that is killed may leave one behind, named .backprop-*. A file that was not there before
 * gets the permissions that the process's umask leaves.
 *
 * These functions allocate by malloc and keep no state between calls; different files may be used in different threads.
 */
#ifndef BACKPROP_FILE_H
#define BACKPROP_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * What went wrong, besides the status. Each function that takes one fills it in before it returns; null is allowed
 * everywhere. After BP_OK all of it is zero.
 */
typedef struct bp_file_error {
    char text[240];  /* one English sentence without the path and without a full stop: UTF-8, no control characters */
    int system;      /* errno of the call that failed; 0: none did */
    uint64_t offset; /* byte of the file, from 0, where its content is wrong; 0 where no single one is */
    size_t line;     /* CSV: the line, from 1; else 0 */
    size_t column;   /* CSV: the column, from 1; 0 where it is not about one */
} bp_file_error;

/**
 * What is done to numbers before they are rounded to binary32: x becomes (x - offset) * factor, two operations in
 * binary64. Times like 1700000060 keep their differences so. offset[j] and factor[j] belong to column j, the last index
 * of an array, if `count` is the number of columns; one number serves all columns if `count` is 1. A null offset is 0,
 * a null factor 1; `count` 0 leaves all numbers as they are.
 */
typedef struct bp_shift_scale {
    const double *offset;
    const double *factor;
    size_t count;
} bp_shift_scale;

/** Most dimensions of a tensor or array. */
#define BP_DIMENSIONS_MAX 8

/** Types of elements in files. */
typedef enum bp_dtype {
    BP_DTYPE_UNKNOWN = -1, /* one that a file has and this list has not: see bp_tensor.dtype_name */
    BP_DTYPE_BOOL = 0,     /* one byte: 0, or anything else for true */
    BP_DTYPE_U8,
    BP_DTYPE_I8,
    BP_DTYPE_U16,
    BP_DTYPE_I16,
    BP_DTYPE_U32,
    BP_DTYPE_I32,
    BP_DTYPE_U64,
    BP_DTYPE_I64,
    BP_DTYPE_F16,  /* IEEE 754 binary16 */
    BP_DTYPE_BF16, /* the upper half of a binary32 */
    BP_DTYPE_F32,
    BP_DTYPE_F64,
} bp_dtype;

/** Bytes of an element; 0 for BP_DTYPE_UNKNOWN and for a value outside the enumeration. */
BP_API size_t bp_dtype_bytes(bp_dtype dtype);

/**
 * Numbers that were read from a file, in row-major order. Other types become binary32 so: BOOL is 0 or 1; U8, I8, U16,
 * I16, F16 and BF16 are exact; U32, I32, U64, I64 and F64 are rounded to the nearest, ties to even (infinity for what
 * lies beyond). The bits of an F32 are kept, NaNs included.
 */
typedef struct bp_array {
    float *values; /* [count]; not null, even if count is 0 */
    size_t count;  /* the product of the shape's numbers: 1 for no dimension */
    size_t dimensions;
    size_t shape[BP_DIMENSIONS_MAX];
} bp_array;

/** Frees what a reader has allocated and zeroes the array; null is allowed. */
BP_API void bp_array_destroy(bp_array *array);

/** Numbers in binary64, for bp_scaling_fit_double, say; otherwise like a bp_array. I64 and U64 are rounded once. */
typedef struct bp_doubles {
    double *values;
    size_t count;
    size_t dimensions;
    size_t shape[BP_DIMENSIONS_MAX];
} bp_doubles;

/** Frees what a reader has allocated and zeroes the structure; null is allowed. */
BP_API void bp_doubles_destroy(bp_doubles *doubles);

/**
 * labels[n] = the n-th of array->count values, as class labels. BP_ERROR_NULL, BP_ERROR_ALIGNMENT, BP_ERROR_OVERFLOW,
 * BP_ERROR_OVERLAP; BP_ERROR_LABEL if a value is not a whole number from 0 to 2^24, up to which binary32 holds each:
 * then no label is written.
 */
BP_API bp_status bp_array_labels(const bp_array *array, uint32_t *labels);

BP_END_DECLS

#endif
