/*
 * NumPy's .npy files: one array in each file.
 *
 * Format: R. Kern, "A simple file format for NumPy arrays", NEP 1, 2007; versions 2.0 and 3.0 as in numpy.lib.format.
 */
#ifndef BACKPROP_NPY_H
#define BACKPROP_NPY_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * Reads an array. Supported are versions 1.0, 2.0 and 3.0, C and Fortran order, both byte orders, and the elements ?,
 * b1, u1, i1, u2, i2, u4, i4, u8, i8, f2, f4 and f8; bp_array says which binary32 they become. *array is in C order.
 * Free it with bp_array_destroy.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_MEMORY; BP_ERROR_FORMAT, also for bytes after the array;
 * BP_ERROR_MISMATCH for other elements (complex numbers, text, records, Python objects) and for more than
 * BP_DIMENSIONS_MAX dimensions.
 */
BP_API bp_status bp_npy_read(const char *path, bp_array *array, bp_file_error *error);

/** The same for a file in memory of `size` bytes. */
BP_API bp_status bp_npy_read_memory(const void *bytes, size_t size, bp_array *array, bp_file_error *error);

/**
 * The same, but each number x becomes (x - offset) * factor in binary64 before it is rounded to binary32, as
 * bp_shift_scale says. Columns are the last dimension; an array without dimensions has one column. A null `change`
 * changes nothing. x is exact, except that 64-bit integers beyond 2^53 are rounded to binary64 first, ties to even. A
 * result beyond binary32's range is infinite. Infinities and NaNs stay unchanged unless the factor is 0.
 *
 * Errors: those of bp_npy_read; BP_ERROR_SIZE if change->count is not 0, 1 or the last dimension; BP_ERROR_VALUE for an
 * offset or factor that is not finite; BP_ERROR_ALIGNMENT for a misaligned one.
 */
BP_API bp_status bp_npy_read_shifted(const char *path, const bp_shift_scale *change, bp_array *array,
                                     bp_file_error *error);

/** The same for a file in memory of `size` bytes. */
BP_API bp_status bp_npy_read_memory_shifted(const void *bytes, size_t size, const bp_shift_scale *change,
                                            bp_array *array, bp_file_error *error);

/** bp_npy_read in binary64. Free *doubles with bp_doubles_destroy. */
BP_API bp_status bp_npy_doubles(const char *path, bp_doubles *doubles, bp_file_error *error);

/** The same for a file in memory of `size` bytes. */
BP_API bp_status bp_npy_doubles_memory(const void *bytes, size_t size, bp_doubles *doubles, bp_file_error *error);

/**
 * Writes an array of '<f4' in C order, version 1.0: the same bytes as numpy.save. `shape` may be null if `dimensions`
 * is 0: then the array is a single number. A zero in the shape makes an empty array.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_SIZE (more than BP_DIMENSIONS_MAX dimensions), BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT,
 * BP_ERROR_MEMORY, BP_ERROR_FILE.
 */
BP_API bp_status bp_npy_write(const char *path, const float *values, size_t dimensions, const size_t *shape,
                              bp_file_error *error);

BP_END_DECLS

#endif
