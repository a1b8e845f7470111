/*
 * Common parts of the file readers and writers: safetensors.h, npy.h, npz.h, idx.h and csv.h.
 *
 * Reading:
 * - A path names a regular file, or a symbolic link to one.
 * - Any content is safe to read. Malformed, truncated or hostile content gives a status and a message.
 * - Memory is bounded by a small multiple of the file's size. For compressed files (idx.h, npz.h) the bound is a
 *   small multiple of the data that was decompressed, at most 1032 times the file's size.
 * - On error, outputs are unchanged, and nothing stays open or allocated.
 *
 * Writing is atomic:
 * - The content goes to a temporary file in the same folder. When all of it is on the disk, that file replaces the
 *   old one and takes over its permissions. A new file gets the permissions that the umask leaves.
 * - On error, the old file is untouched and the temporary file is removed. A killed program may leave a temporary
 *   file named .backprop-*.
 *
 * These functions allocate with malloc and have no state. Threads may use different files at the same time.
 */
#ifndef BACKPROP_FILE_H
#define BACKPROP_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Details of a failure. Every call that takes one fills it in; null is allowed. After BP_OK all fields are zero. */
typedef struct bp_file_error {
    char text[240];  /* one English sentence, without the path and a full stop; UTF-8, no control characters */
    int system;      /* errno of the system call that failed, or 0 */
    uint64_t offset; /* position of the wrong byte in the file, or 0 if no single byte is wrong */
    size_t line;     /* CSV: line, counted from 1; otherwise 0 */
    size_t column;   /* CSV: column, counted from 1, or 0 if no single column is wrong */
} bp_file_error;

/**
 * A change of numbers before they are rounded to binary32: x becomes (x - offset) * factor, two operations in binary64.
 * It preserves the differences of large numbers, such as times near 1700000060.
 *
 * | count               | meaning                                                                |
 * |---------------------|------------------------------------------------------------------------|
 * | 0                   | numbers stay unchanged                                                 |
 * | 1                   | offset[0] and factor[0] apply to all columns                           |
 * | number of columns   | offset[j] and factor[j] apply to column j, the last index of an array  |
 *
 * A null offset is 0, a null factor is 1.
 */
typedef struct bp_shift_scale {
    const double *offset;
    const double *factor;
    size_t count;
} bp_shift_scale;

/** Largest number of dimensions of a tensor or array. */
#define BP_DIMENSIONS_MAX 8

/** Element types in files. */
typedef enum bp_dtype {
    BP_DTYPE_UNKNOWN = -1, /* any other type; bp_tensor.dtype_name has its name */
    BP_DTYPE_BOOL = 0,     /* one byte; 0 is false, any other value is true */
    BP_DTYPE_U8,
    BP_DTYPE_I8,
    BP_DTYPE_U16,
    BP_DTYPE_I16,
    BP_DTYPE_U32,
    BP_DTYPE_I32,
    BP_DTYPE_U64,
    BP_DTYPE_I64,
    BP_DTYPE_F16,  /* IEEE 754 binary16 */
    BP_DTYPE_BF16, /* bfloat16: the upper half of a binary32 */
    BP_DTYPE_F32,
    BP_DTYPE_F64,
} bp_dtype;

/** Bytes of one element; 0 for BP_DTYPE_UNKNOWN and values outside the enumeration. */
BP_API size_t bp_dtype_bytes(bp_dtype dtype);

/**
 * An array that was read from a file, in row-major order. Elements become binary32:
 *
 * | type in the file           | value                                                            |
 * |----------------------------|------------------------------------------------------------------|
 * | F32                        | the same bits, NaNs included                                     |
 * | U8, I8, U16, I16, F16, BF16| exact                                                            |
 * | U32, I32, U64, I64, F64    | rounded to nearest, ties to even; infinite beyond binary32's range |
 * | BOOL                       | 0 or 1                                                           |
 */
typedef struct bp_array {
    float *values; /* [count]; not null, even if count is 0 */
    size_t count;  /* product of the shape; 1 if there are no dimensions */
    size_t dimensions;
    size_t shape[BP_DIMENSIONS_MAX];
} bp_array;

/** Frees an array that a reader has allocated, and zeroes the struct. Null is allowed. */
BP_API void bp_array_destroy(bp_array *array);

/** The same in binary64, for example for bp_scaling_fit_double. I64 and U64 are rounded once. */
typedef struct bp_doubles {
    double *values;
    size_t count;
    size_t dimensions;
    size_t shape[BP_DIMENSIONS_MAX];
} bp_doubles;

/** Frees an array that a reader has allocated, and zeroes the struct. Null is allowed. */
BP_API void bp_doubles_destroy(bp_doubles *doubles);

/**
 * Converts an array to class labels: labels[n] = array->values[n] for n < array->count.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_ALIGNMENT, BP_ERROR_OVERFLOW, BP_ERROR_OVERLAP; BP_ERROR_LABEL if a value is not a
 * whole number from 0 to 2^24 (binary32 represents each of these). On error no label is written.
 */
BP_API bp_status bp_array_labels(const bp_array *array, uint32_t *labels);

BP_END_DECLS

#endif
