/*
 * IDX files, the format of MNIST and its successors: one array in each file, with or without gzip compression.
 *
 * Format: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits": a magic number (element
 * type and number of dimensions), the lengths of the dimensions, and the elements, all big-endian.
 */
#ifndef BACKPROP_IDX_H
#define BACKPROP_IDX_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * Reads the first `limit` items of a file (0: all). Items are counted along the first dimension. All element types of
 * the format are supported: unsigned and signed bytes, 16-bit and 32-bit integers, floats, doubles; bp_array says which
 * binary32 they become. *total, if not null, is the number of items in the file. Free *array with bp_array_destroy.
 * bp_array_labels converts class labels to integers.
 *
 * Memory for compressed data grows during decompression, up to the size in the header, which may be 1032 times the
 * file's size. Checksums are verified if all items are read. As in gzip, a file may consist of several compressed
 * members, with zeros after the last one; anything else after it is BP_ERROR_FORMAT.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_MEMORY; BP_ERROR_FORMAT, also for zero dimensions and for more bytes
 * than the header announces; BP_ERROR_MISMATCH for more than BP_DIMENSIONS_MAX dimensions.
 */
BP_API bp_status bp_idx_read(const char *path, size_t limit, bp_array *array, size_t *total, bp_file_error *error);

/** The same for a file in memory of `size` bytes. */
BP_API bp_status bp_idx_read_memory(const void *bytes, size_t size, size_t limit, bp_array *array, size_t *total,
                                    bp_file_error *error);

BP_END_DECLS

#endif
