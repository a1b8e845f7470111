/*
 * safetensors files: named tensors, and metadata as text. In Python the package safetensors reads and writes them.
 *
 * Format, as published with that package:
 *
 *   1. 8 bytes: the length of the header, little-endian
 *   2. the header, JSON in UTF-8, padded with blanks:
 *      {"__metadata__": {"key": "text", ...}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
 *   3. the elements of the tensors, little-endian, row-major
 *
 * Offsets count from the first byte after the header. The tensors cover all bytes there without gaps or overlaps.
 */
#ifndef BACKPROP_SAFETENSORS_H
#define BACKPROP_SAFETENSORS_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** A tensor. Readers set `data` and `strides` to null; writers ignore `dtype_name`. */
typedef struct bp_tensor {
    const char *name; /* UTF-8 */
    bp_dtype dtype;
    size_t dimensions;      /* at most BP_DIMENSIONS_MAX; 0: a single number */
    const size_t *shape;    /* [dimensions]; with a zero the tensor is empty */
    const void *data;       /* writers: elements of that type, in native byte order */
    const size_t *strides;  /* [dimensions], in elements; null: packed, row-major */
    const char *dtype_name; /* readers: the type's name in the file, such as "F32" */
} bp_tensor;

/** One entry of the metadata, in UTF-8. */
typedef struct bp_metadata {
    const char *key, *text;
} bp_metadata;

/** A file that is open for reading. Several threads may read it at the same time. */
typedef struct bp_safetensors bp_safetensors;

/**
 * Opens a file and checks the whole header. Tensors are read later, one by one. The header may have up to 100 000 000
 * bytes, as in the format's own library; parsing takes a few times its length in memory.
 *
 * The reader is as tolerant as others:
 * - `"__metadata__": null` means no metadata. Unknown members of a tensor's description are ignored.
 * - A tensor of another type, such as F8_E4M3, is listed with BP_DTYPE_UNKNOWN and its dtype_name. Only reading its
 *   elements is an error.
 * - If a tensor has more than BP_DIMENSIONS_MAX dimensions, the first ones are merged into one.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_MEMORY; BP_ERROR_FORMAT for a malformed file, which includes a
 * repeated name or key, a NUL in a text, and a dtype and shape that do not match the offsets. If the file has another
 * well-known format (torch.save's zip archive or pickle, a Git LFS pointer, an HTML page, GGUF, HDF5), the message says
 * so; so do the readers of the other formats. On error *file is set to null.
 */
BP_API bp_status bp_safetensors_open(const char *path, bp_safetensors **file, bp_file_error *error);

/** The same for a file in memory of `size` bytes. They must stay valid and unchanged until bp_safetensors_close. */
BP_API bp_status bp_safetensors_open_memory(const void *bytes, size_t size, bp_safetensors **file,
                                            bp_file_error *error);

/** Closes a file and frees all that it returned. Null is allowed. */
BP_API void bp_safetensors_close(bp_safetensors *file);

/** Number of tensors; 0 for null. */
BP_API size_t bp_safetensors_count(const bp_safetensors *file);

/** Tensor `index`, counted from 0 in file order; null if there is no such tensor. */
BP_API const bp_tensor *bp_safetensors_tensor(const bp_safetensors *file, size_t index);

/** The tensor with this name; null if there is none. */
BP_API const bp_tensor *bp_safetensors_find(const bp_safetensors *file, const char *name);

/** The metadata text for a key; null if there is none. */
BP_API const char *bp_safetensors_metadata(const bp_safetensors *file, const char *key);

/** All metadata in file order, *count entries; null if there is none. `count` must not be null. */
BP_API const bp_metadata *bp_safetensors_all_metadata(const bp_safetensors *file, size_t *count);

/**
 * Reads a tensor's elements as binary32 (bp_array has the conversions). Element (i, j, ...) goes to
 * values[i * strides[0] + j * strides[1] + ...]; null strides mean packed, row-major. For example, strides {1, out}
 * read a matrix [out x in] transposed.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE if `tensor` does not belong to this file; BP_ERROR_MISMATCH if its type is
 * BP_DTYPE_UNKNOWN; BP_ERROR_SIZE if two elements would have the same address; BP_ERROR_OVERFLOW; BP_ERROR_ALIGNMENT;
 * BP_ERROR_OVERLAP with a file in memory; BP_ERROR_MEMORY; BP_ERROR_FILE; BP_ERROR_FORMAT if the file has become
 * shorter.
 */
BP_API bp_status bp_safetensors_read(const bp_safetensors *file, const bp_tensor *tensor, float *values,
                                     const size_t *strides, bp_file_error *error);

/**
 * Reads a tensor's elements without conversion, packed, in native byte order. `size` must be their number times
 * bp_dtype_bytes. Errors: those of bp_safetensors_read; BP_ERROR_SIZE for another `size`.
 */
BP_API bp_status bp_safetensors_read_bytes(const bp_safetensors *file, const bp_tensor *tensor, void *bytes,
                                           size_t size, bp_file_error *error);

/**
 * Writes a file atomically (file.h). Tensors with larger elements come first, in the given order among equals, so that
 * each tensor is aligned in the file. The header has the same order. `tensors` and `metadata` may be null if their
 * count is 0.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for an unknown dtype, a text that is not UTF-8, and a name or key that occurs
 * twice or is "__metadata__"; BP_ERROR_SIZE for too many dimensions; BP_ERROR_OVERFLOW for more than PTRDIFF_MAX bytes
 * or a header of more than 100 000 000 bytes; BP_ERROR_MEMORY; BP_ERROR_FILE.
 */
BP_API bp_status bp_safetensors_write(const char *path, const bp_tensor *tensors, size_t count,
                                      const bp_metadata *metadata, size_t metadata_count, bp_file_error *error);

BP_END_DECLS

#endif
