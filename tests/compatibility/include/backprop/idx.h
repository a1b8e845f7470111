/*
 * IDX files, the format of MNIST and its relatives: one array each, plain or compressed by gzip.
 *
 * Format: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits": a magic number with the
 * type of the elements and the number of dimensions, their lengths, then the elements, all big-endian.
 */
#ifndef BACKPROP_IDX_H
#define BACKPROP_IDX_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * Reads the first items of a file, at most `limit` (0: all): items are counted by the first dimension. Elements may be
 * of any of the format's types (unsigned and signed bytes, 16 and 32-bit integers, floats, doubles); see bp_array for
 * how they become binary32. *total (if not null) is the number of items in the file. *array belongs to the caller:
 * bp_array_destroy. Of class labels, bp_array_labels makes integers.
 *
 * Compressed data grow in memory as they are decompressed, to what the header claims at most: that may be 1032 times
 * the file's size. Checksums are checked if all items are read. As with gzip itself, several compressed members may
 * follow each other, and zeros the last one, up to the end of the file; anything else after it is BP_ERROR_FORMAT.
 *
 * BP_ERROR_NULL, BP_ERROR_FILE, BP_ERROR_MEMORY; BP_ERROR_FORMAT, also for no dimension and for more bytes than the
 * header claims; BP_ERROR_MISMATCH for more than BP_DIMENSIONS_MAX dimensions.
 */
BP_API bp_status bp_idx_read(const char *path, size_t limit, bp_array *array, size_t *total, bp_file_error *error);

/** The same for a file in memory, `size` bytes. */
BP_API bp_status bp_idx_read_memory(const void *bytes, size_t size, size_t limit, bp_array *array, size_t *total,
                                    bp_file_error *error);

BP_END_DECLS

#endif
