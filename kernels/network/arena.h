/*
 * An arena: arrays one after the other in one block, each on a cache line of its own. The walk that lays a block out is
 * written once and runs twice. Without a base it counts bytes; with one it says where each array is.
 */
#ifndef BP_NETWORK_ARENA_H
#define BP_NETWORK_ARENA_H

#include <stdint.h>

#include <backprop/dense.h>

#include "backend.h"

typedef struct arena {
    char *base; /* null: the walk only counts */
    size_t used;
    bool overflow; /* the bytes exceed the address range */
} arena;

/** An arena in memory of any alignment, which has BP_ALIGNMENT bytes more than the walk counts. */
static inline arena arena_in(char *memory) {
    return (arena){.base = memory + (BP_ALIGNMENT - (uintptr_t)memory % BP_ALIGNMENT) % BP_ALIGNMENT};
}

/** The next `bytes` bytes; null without a base. */
static inline void *arena_bytes(arena *a, size_t bytes) {
    const size_t limit = PTRDIFF_MAX - BP_ALIGNMENT;
    char *taken = a->base ? a->base + a->used : NULL;
    if (bytes > limit || a->used > limit - bytes)
        a->overflow = true;
    else
        a->used += (bytes + BP_ALIGNMENT - 1) / BP_ALIGNMENT * BP_ALIGNMENT;
    return taken;
}

/** The next array of rows x columns objects of `size` bytes. */
static inline void *arena_array(arena *a, size_t rows, size_t columns, size_t size) {
    if (columns != 0 && rows > PTRDIFF_MAX / size / columns) {
        a->overflow = true;
        return NULL;
    }
    return arena_bytes(a, rows * columns * size);
}

static inline float *arena_floats(arena *a, size_t rows, size_t columns) {
    return arena_array(a, rows, columns, sizeof(float));
}

/** The next packed matrix, of columns as a checked configuration has them. */
static inline bp_packed arena_packed(arena *a, const bp_backend *backend, size_t rows, size_t columns) {
    const packed_shape shape = packed_shape_of(backend->panel_width, rows, columns);
    return (bp_packed){arena_floats(a, rows, shape.panel_count * shape.row_stride), shape.row_stride,
                       shape.panel_stride};
}

#endif
