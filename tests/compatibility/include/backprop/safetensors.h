/*
 * safetensors files: named tensors with a description of each, and text beside them. Python reads and writes them with
 * the package of that name.
 *
 * Format, as published with that package: 8 bytes, the length of the header, little-endian; the header, JSON in UTF-8,
 *
 *   {"__metadata__": {"key": "text", ...}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
 *
 * padded with blanks; then the tensors' elements, little-endian, in row-major order. The offsets count from the end of
 * the header and cover all that follows it without holes or overlaps.
 */
#ifndef BACKPROP_SAFETENSORS_H
#define BACKPROP_SAFETENSORS_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** A tensor. A reader leaves `data` and `strides` null; a writer needs no `dtype_name`. */
typedef struct bp_tensor {
    const char *name; /* UTF-8 */
    bp_dtype dtype;
    size_t dimensions;      /* at most BP_DIMENSIONS_MAX; 0: a single number */
    const size_t *shape;    /* [dimensions]; a zero makes the tensor empty */
    const void *data;       /* for writing: elements of that type, in the byte order of this machine */
    const size_t *strides;  /* [dimensions], elements from one index to the next; null: packed, row-major */
    const char *dtype_name; /* from a reader: the type as the file has it, such as "F32" */
} bp_tensor;

/** Text beside the tensors; both UTF-8. */
typedef struct bp_metadata {
    const char *key, *text;
} bp_metadata;

/** A file that is open for reading. It may be read by several threads at the same time. */
typedef struct bp_safetensors bp_safetensors;

/**
 * Opens a file and checks its whole header; tensors are read later, one by one. The header may be 100 000 000 bytes
 * long, as in the format's own library; what is parsed of it takes a few times its length.
 *
 * What other readers take is taken: `"__metadata__": null` for none, and further members of a tensor's description,
 * which are left out. A tensor of a type that bp_dtype does not have, such as F8_E4M3, is listed with BP_DTYPE_UNKNOWN
 * and its dtype_name, and only reading it is an error. One of more than BP_DIMENSIONS_MAX dimensions has so many: the
 * first ones are multiplied into one.
 *
 * BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_MEMORY; BP_ERROR_FORMAT for whatever departs from the format: besides what is
 * said above, a name or key that occurs twice, a NUL in a text, a dtype and shape that do not fit the offsets. Where
 * the file is of another well-known kind (a zip archive or a pickle as torch.save writes, a Git LFS pointer, an HTML
 * page, GGUF, HDF5), the message says so; the readers of other formats do the same. On error *file is set to null.
 */
BP_API bp_status bp_safetensors_open(const char *path, bp_safetensors **file, bp_file_error *error);

/** The same for a file in memory, `size` bytes, which must stay there, unchanged, until bp_safetensors_close. */
BP_API bp_status bp_safetensors_open_memory(const void *bytes, size_t size, bp_safetensors **file,
                                            bp_file_error *error);

/** Closes a file; what it returned is gone. Null is allowed. */
BP_API void bp_safetensors_close(bp_safetensors *file);

/** Number of tensors; 0 for null. */
BP_API size_t bp_safetensors_count(const bp_safetensors *file);

/** A tensor by its place in the file, from 0; null if there is none. */
BP_API const bp_tensor *bp_safetensors_tensor(const bp_safetensors *file, size_t index);

/** A tensor by its name; null if there is none. */
BP_API const bp_tensor *bp_safetensors_find(const bp_safetensors *file, const char *name);

/** The text under a key of the metadata; null if there is none. */
BP_API const char *bp_safetensors_metadata(const bp_safetensors *file, const char *key);

/** All metadata, *count pairs, in the order of the file; null if there is none. `count` may not be null. */
BP_API const bp_metadata *bp_safetensors_all_metadata(const bp_safetensors *file, size_t *count);

/**
 * Copies the elements of one of the file's tensors, as binary32 (see bp_array for other types): element (i, j, ...)
 * goes to values[i * strides[0] + j * strides[1] + ...]; strides null: packed, row-major. So a matrix [out x in] is
 * read transposed with the strides {1, out}.
 *
 * BP_ERROR_NULL, BP_ERROR_VALUE (`tensor` is none of this file's), BP_ERROR_MISMATCH (its type is BP_DTYPE_UNKNOWN),
 * BP_ERROR_SIZE (strides let elements meet),
 * BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP (with a file in memory), BP_ERROR_MEMORY, BP_ERROR_FILE,
 * BP_ERROR_FORMAT (the file has become shorter).
 */
BP_API bp_status bp_safetensors_read(const bp_safetensors *file, const bp_tensor *tensor, float *values,
                                     const size_t *strides, bp_file_error *error);

/**
 * Copies the elements of one of the file's tensors as they are, in the byte order of this machine, packed: `size` must
 * be their number times bp_dtype_bytes, else BP_ERROR_SIZE. Other errors as for bp_safetensors_read.
 */
BP_API bp_status bp_safetensors_read_bytes(const bp_safetensors *file, const bp_tensor *tensor, void *bytes,
                                           size_t size, bp_file_error *error);

/**
 * Writes a file, atomically (file.h). Tensors are laid out from the largest elements to the smallest, in the given
 * order among equals, so that each is aligned in the file; the header lists them in that order. `tensors` and
 * `metadata` may be null if their count is 0.
 *
 * BP_ERROR_NULL; BP_ERROR_VALUE (a dtype, a text that is not UTF-8, a name or key that occurs twice or is
 * "__metadata__"); BP_ERROR_SIZE (too many dimensions); BP_ERROR_OVERFLOW (more than PTRDIFF_MAX bytes, or a header
 * of more than 100 000 000); BP_ERROR_MEMORY, BP_ERROR_FILE.
 */
BP_API bp_status bp_safetensors_write(const char *path, const bp_tensor *tensors, size_t count,
                                      const bp_metadata *metadata, size_t metadata_count, bp_file_error *error);

BP_END_DECLS

#endif
