/*
 * numpy's .npz files: named arrays, each as a .npy file (npy.h) in a zip archive, stored or deflated; what numpy.savez
 * and numpy.savez_compressed write, and numpy.load reads.
 *
 * Format: PKWARE, ".ZIP File Format Specification" 6.3.10, 2022, with its 64-bit fields; P. Deutsch, "DEFLATE
 * Compressed Data Format Specification", RFC 1951, 1996.
 *
 *   bp_npz *file;
 *   bp_status status = bp_npz_open("mnist.npz", &file, &error);
 *   if (status == BP_OK)
 *       status = bp_npz_read(file, "x_train", &images, &error);
 *
 * Nothing is extracted: a member's name, "../x" say, is a text and no path.
 *
 * Archives that were made to take more memory than they are worth: the directory takes about three times its own size.
 * An array takes memory as it is decompressed, at most twice what has truly come as binary32 or binary64, and once more
 * where it is in Fortran order; never more than shape and type in its .npy header say, which must be what the directory
 * says, and that at most 1032 bytes for each of its bytes in the file, which is what deflate can make. Members may not
 * overlap, so no byte of the file serves two of them.
 */
#ifndef BACKPROP_NPZ_H
#define BACKPROP_NPZ_H

#include <stdbool.h>
#include <stddef.h>

#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/safetensors.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** A file that is open for reading. It may be read by several threads at the same time. */
typedef struct bp_npz bp_npz;

/** What is known of an array before it is read. */
typedef struct bp_npz_array {
    bp_dtype dtype; /* of the elements in the file */
    size_t count;   /* the product of the shape's numbers */
    size_t dimensions;
    size_t shape[BP_DIMENSIONS_MAX];
} bp_npz_array;

/**
 * Opens a file and checks the directory of the archive; arrays are read later, one by one, so that a member which
 * cannot be read closes none of the others.
 *
 * BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_MEMORY; BP_ERROR_FORMAT for whatever departs from the format: besides, bytes
 * before the archive that it does not count, members that overlap, two of one name, a NUL in a name; BP_ERROR_MISMATCH
 * for a part of an archive of several files. On error *file is set to null.
 */
BP_API bp_status bp_npz_open(const char *path, bp_npz **file, bp_file_error *error);

/** The same for a file in memory, `size` bytes, which must stay there, unchanged, until bp_npz_close. */
BP_API bp_status bp_npz_open_memory(const void *bytes, size_t size, bp_npz **file, bp_file_error *error);

/** Closes a file; what it returned is gone. Null is allowed. */
BP_API void bp_npz_close(bp_npz *file);

/** Number of members but for folders; 0 for null. */
BP_API size_t bp_npz_count(const bp_npz *file);

/** A member's name, without .npy, by its place in the file, from 0; its bytes as they are. Null if there is none. */
BP_API const char *bp_npz_name(const bp_npz *file, size_t index);

/**
 * Type and shape of an array; its numbers are not looked at. `name` is that of a member, with .npy or without.
 *
 * BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_MEMORY; BP_ERROR_FORMAT for a member that is malformed or no .npy file;
 * BP_ERROR_MISMATCH if there is no such member (the message lists those that there are), if it is encrypted or
 * compressed otherwise than by deflate, for elements that npy.h does not read, or more than BP_DIMENSIONS_MAX
 * dimensions. Messages begin with the member's name. On error *array stays as it was.
 */
BP_API bp_status bp_npz_describe(const bp_npz *file, const char *name, bp_npz_array *array, bp_file_error *error);

/**
 * Reads an array: its numbers become binary32 as bp_npy_read says. The archive's checksum (CRC-32) is checked. *array
 * belongs to the caller: bp_array_destroy; of class labels, bp_array_labels makes integers. Errors as of
 * bp_npz_describe; BP_ERROR_FORMAT also for a wrong checksum and for more or fewer bytes than the array has.
 */
BP_API bp_status bp_npz_read(const bp_npz *file, const char *name, bp_array *array, bp_file_error *error);

/** The same with an offset and a factor in binary64, and their errors, as bp_npy_read_shifted says. */
BP_API bp_status bp_npz_read_shifted(const bp_npz *file, const char *name, const bp_shift_scale *change,
                                     bp_array *array, bp_file_error *error);

/** The same in binary64. *doubles belongs to the caller: bp_doubles_destroy. */
BP_API bp_status bp_npz_doubles(const bp_npz *file, const char *name, bp_doubles *doubles, bp_file_error *error);

/**
 * Writes a file, atomically (file.h): each array as NAME.npy, version 1.0 in C order, little-endian, in the given
 * order; deflated by zlib's usual level if `compress`, else stored. All members bear the first day of 1980, so that the
 * same arrays make the same bytes (by the same zlib, if deflated). Sizes beyond 32 bits are written in zip64's fields.
 * `arrays` may be null if `count` is 0.
 *
 * BP_ERROR_NULL; BP_ERROR_VALUE (a name that is not UTF-8, longer than 65531 bytes or there twice; a dtype unknown to
 * numpy, such as BF16); BP_ERROR_SIZE (too many dimensions); BP_ERROR_OVERFLOW (more than PTRDIFF_MAX bytes, or a
 * directory of more than 100 000 000); BP_ERROR_MEMORY, BP_ERROR_FILE.
 */
BP_API bp_status bp_npz_write(const char *path, const bp_tensor *arrays, size_t count, bool compress,
                              bp_file_error *error);

BP_END_DECLS

#endif
