/*
 * numpy's .npy files: one array each.
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
 * Reads an array of versions 1.0, 2.0 and 3.0, in C or Fortran order, of either byte order, with elements ?, b1, u1,
 * i1, u2, i2, u4, i4, u8, i8, f2, f4 or f8; see bp_array for how they become binary32. *array is in C order and belongs
 * to the caller: bp_array_destroy.
 *
 * BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_MEMORY; BP_ERROR_FORMAT, also if bytes follow the array's; BP_ERROR_MISMATCH
 * for other elements (complex numbers, text, records, Python objects) or more than BP_DIMENSIONS_MAX dimensions.
 */
BP_API bp_status bp_npy_read(const char *path, bp_array *array, bp_file_error *error);

/** The same for a file in memory, `size` bytes. */
BP_API bp_status bp_npy_read_memory(const void *bytes, size_t size, bp_array *array, bp_file_error *error);

/**
 * The same, but each number x becomes (x - offset) * factor in binary64 before it is rounded to binary32: times like
 * 1700000060 keep their differences so. offset[j] and factor[j] belong to index j of the last dimension if
 * change->count is that dimension (1 of an array without dimensions); a null `change` changes nothing. x itself is
 * exact, but for integers of 64 bits beyond 2^53, which are rounded to binary64 first, ties to even. A result beyond
 * binary32's range is infinite; infinities and NaNs stay what they are, but for a factor of 0.
 *
 * Errors as there; besides, BP_ERROR_SIZE (change->count is neither 0, 1 nor the last dimension), BP_ERROR_VALUE (an
 * offset or factor that is not finite) and BP_ERROR_ALIGNMENT (of theirs).
 */
BP_API bp_status bp_npy_read_shifted(const char *path, const bp_shift_scale *change, bp_array *array,
                                     bp_file_error *error);

/** The same for a file in memory, `size` bytes. */
BP_API bp_status bp_npy_read_memory_shifted(const void *bytes, size_t size, const bp_shift_scale *change,
                                            bp_array *array, bp_file_error *error);

/** bp_npy_read in binary64. *doubles belongs to the caller: bp_doubles_destroy. */
BP_API bp_status bp_npy_doubles(const char *path, bp_doubles *doubles, bp_file_error *error);

/** The same for a file in memory, `size` bytes. */
BP_API bp_status bp_npy_doubles_memory(const void *bytes, size_t size, bp_doubles *doubles, bp_file_error *error);

/**
 * Writes an array of '<f4' in C order, version 1.0: the bytes that numpy.save writes. `shape` may be null for
 * no dimension: one number. A zero in the shape makes an empty array.
 *
 * BP_ERROR_NULL, BP_ERROR_SIZE (more than BP_DIMENSIONS_MAX dimensions), BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT,
 * BP_ERROR_MEMORY, BP_ERROR_FILE.
 */
BP_API bp_status bp_npy_write(const char *path, const float *values, size_t dimensions, const size_t *shape,
                              bp_file_error *error);

BP_END_DECLS

#endif
