/* Elements of files: conversions of their types, and strided tensors of them in memory. */
#ifndef BP_STORAGE_ELEMENT_H
#define BP_STORAGE_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include <backprop/file.h>
#include <backprop/safetensors.h>

typedef enum bp_byte_order { BP_LITTLE_ENDIAN, BP_BIG_ENDIAN } bp_byte_order;

/** The byte order of this machine. */
static inline bp_byte_order bp_host_order(void) {
    const unsigned short one = 1;
    return *(const unsigned char *)&one ? BP_LITTLE_ENDIAN : BP_BIG_ENDIAN;
}

/** A copy of a shape and its strides, in elements. */
typedef struct bp_extent {
    size_t dimensions;
    size_t shape[BP_DIMENSIONS_MAX], strides[BP_DIMENSIONS_MAX];
    size_t count; /* of elements */
} bp_extent;

/**
 * A packed row-major extent. BP_ERROR_SIZE for too many dimensions; BP_ERROR_OVERFLOW if elements of `element_bytes`,
 * or of 8 if that is less, would take more than PTRDIFF_MAX bytes, whatever dimension is 0.
 */
bp_status bp_extent_pack(bp_extent *extent, size_t dimensions, const size_t *shape, size_t element_bytes);

/**
 * Sets the caller's strides. *reach is the number of elements from the first to the last inclusive, 0 for an empty
 * extent. BP_ERROR_OVERFLOW if they take more than PTRDIFF_MAX bytes; BP_ERROR_SIZE if `distinct` and the strides let
 * elements overlap.
 */
bp_status bp_extent_stride(bp_extent *extent, const size_t *strides, size_t element_bytes, bool distinct,
                           size_t *reach);

/** The extent of a tensor's data. BP_ERROR_NULL without a shape, or without data; else as above. */
bp_status bp_extent_of(const bp_tensor *tensor, bp_extent *extent);

/** The index of a row-major walk through an extent. */
typedef struct bp_walk {
    const bp_extent *extent;
    size_t index[BP_DIMENSIONS_MAX];
    size_t at; /* of the current element */
} bp_walk;

static inline void bp_walk_next(bp_walk *walk) {
    const bp_extent *e = walk->extent;
    for (size_t d = e->dimensions; d-- > 0;) {
        walk->at += e->strides[d];
        if (++walk->index[d] < e->shape[d])
            return;
        walk->at -= e->shape[d] * e->strides[d];
        walk->index[d] = 0;
    }
}

/** values[...] = all elements, packed and row-major at `bytes`; conversions as for bp_array. */
void bp_elements_to_floats(float *values, const bp_extent *extent, const unsigned char *bytes, bp_dtype dtype,
                           bp_byte_order order);

/** values[...] = `count` packed elements in binary64: exact, except that U64 and I64 beyond 2^53 are rounded once. */
void bp_elements_to_doubles(double *values, size_t count, const unsigned char *bytes, bp_dtype dtype,
                            bp_byte_order order);

/** Copies `count` elements of `size` bytes; reverses the bytes of each if `order` is not the byte order of this
 * machine. */
void bp_elements_copy(void *to, const void *from, size_t count, size_t size, bp_byte_order order);

#endif
