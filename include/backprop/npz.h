/*
 * NumPy's .npz files: zip archives of named .npy files (npy.h), stored or deflated. numpy.savez and
 * numpy.savez_compressed write them, numpy.load reads them.
 *
 * Format: PKWARE, ".ZIP File Format Specification" 6.3.10, 2022, with its 64-bit fields; P. Deutsch, "DEFLATE
 * Compressed Data Format Specification", RFC 1951, 1996.
 *
 *   bp_npz *file;
 *   bp_status status = bp_npz_open("mnist.npz", &file, &error);
 *   if (status == BP_OK)
 *       status = bp_npz_read(file, "x_train", &images, &error);
 *
 * Nothing is extracted to the disk: a member's name, such as "../x", is never used as a path.
 *
 * Memory is bounded for hostile archives, too:
 * - The directory takes about three times its size in the file.
 * - An array's memory grows while it is decompressed. It is at most twice the data that was decompressed so far, as
 *   binary32 or binary64, and the same again for Fortran order.
 * - The size in the .npy header must be the size in the directory, which may be at most 1032 times the compressed
 *   size: more than deflate can produce is refused.
 * - Members must not overlap.
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

/** A file that is open for reading. Several threads may read it at the same time. */
typedef struct bp_npz bp_npz;

/** Type and shape of an array. */
typedef struct bp_npz_array {
    bp_dtype dtype; /* of the elements in the file */
    size_t count;   /* product of the shape */
    size_t dimensions;
    size_t shape[BP_DIMENSIONS_MAX];
} bp_npz_array;

/**
 * Opens a file and checks the archive's directory. Arrays are read later, one by one, so one bad member does not
 * prevent reading the others.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_MEMORY; BP_ERROR_FORMAT for a malformed archive, which includes
 * uncounted bytes before the archive, overlapping members, two members with the same name, and a NUL in a name;
 * BP_ERROR_MISMATCH for one file of a multi-file archive. On error *file is set to null.
 */
BP_API bp_status bp_npz_open(const char *path, bp_npz **file, bp_file_error *error);

/** The same for a file in memory of `size` bytes. They must stay valid and unchanged until bp_npz_close. */
BP_API bp_status bp_npz_open_memory(const void *bytes, size_t size, bp_npz **file, bp_file_error *error);

/** Closes a file and frees the names that it returned. Null is allowed. */
BP_API void bp_npz_close(bp_npz *file);

/** Number of members, without folders; 0 for null. */
BP_API size_t bp_npz_count(const bp_npz *file);

/** Name of member `index`, counted from 0 in file order, without .npy; null if there is no such member. */
BP_API const char *bp_npz_name(const bp_npz *file, size_t index);

/**
 * Reads the type and shape of an array. `name` may have the suffix .npy or not.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_MEMORY; BP_ERROR_FORMAT for a malformed member or one that is not a
 * .npy file; BP_ERROR_MISMATCH if there is no such member (the message lists the members), if it is encrypted or uses a
 * compression other than deflate, for elements that npy.h does not support, and for more than BP_DIMENSIONS_MAX
 * dimensions. Messages begin with the member's name. On error *array is unchanged.
 */
BP_API bp_status bp_npz_describe(const bp_npz *file, const char *name, bp_npz_array *array, bp_file_error *error);

/**
 * Reads an array as bp_npy_read does, and checks the archive's CRC-32. Free *array with bp_array_destroy.
 * bp_array_labels converts class labels to integers.
 *
 * Errors: those of bp_npz_describe; BP_ERROR_FORMAT also for a wrong checksum or a wrong number of bytes.
 */
BP_API bp_status bp_npz_read(const bp_npz *file, const char *name, bp_array *array, bp_file_error *error);

/** The same with an offset and a factor in binary64, as bp_npy_read_shifted has them, and with its errors. */
BP_API bp_status bp_npz_read_shifted(const bp_npz *file, const char *name, const bp_shift_scale *change,
                                     bp_array *array, bp_file_error *error);

/** The same in binary64. Free *doubles with bp_doubles_destroy. */
BP_API bp_status bp_npz_doubles(const bp_npz *file, const char *name, bp_doubles *doubles, bp_file_error *error);

/**
 * Writes a file atomically (file.h): each array as NAME.npy, version 1.0, C order, little-endian, in the given order.
 * Members are deflated with zlib's default setting if `compress` is true, otherwise stored. All members are dated
 * 1980-01-01, so the same arrays give the same file (if deflated, with the same zlib). Sizes beyond 32 bits use zip64.
 * `arrays` may be null if `count` is 0.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for a name that is not UTF-8, is longer than 65531 bytes or occurs twice, and
 * for a dtype that NumPy does not have, such as BF16; BP_ERROR_SIZE for too many dimensions; BP_ERROR_OVERFLOW for more
 * than PTRDIFF_MAX bytes or a directory of more than 100 000 000 bytes; BP_ERROR_MEMORY; BP_ERROR_FILE.
 */
BP_API bp_status bp_npz_write(const char *path, const bp_tensor *arrays, size_t count, bool compress,
                              bp_file_error *error);

BP_END_DECLS

#endif
