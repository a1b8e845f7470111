/*
 * Packed matrices: addresses in them, and copies to and from them, panel by panel. Tiles read a panel contiguously;
 * rows of a large row-major matrix lie pages apart and fall on few sets of the cache.
 *
 * May know: vectors, and the panel width NR.
 */
#ifndef BP_PACK_H
#define BP_PACK_H

#include <stddef.h>

#include "backend.h"

static inline size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static inline size_t round_up(size_t n, size_t unit) {
    return (n + unit - 1) / unit * unit;
}

/* A row-major matrix, as a packed one. */
static inline bp_packed row_major(const float *at, size_t ld) {
    return (bp_packed){(float *)at, ld, NR};
}

static inline size_t panel_count(size_t columns) {
    return (columns + NR - 1) / NR;
}

/* The largest multiple of the panel width up to `rows`, at least one panel. */
static inline size_t whole_panel_rows(size_t rows) {
    return rows < NR ? NR : rows / NR * NR;
}

/* The address of element (r, c); c begins a panel. */
static inline float *packed_at(bp_packed m, size_t r, size_t c) {
    return m.data + c / NR * m.panel_stride + r * m.row_stride;
}

/* The address of any element. */
static inline float *element_of(bp_packed m, size_t n, size_t j) {
    return packed_at(m, n, j - j % NR) + j % NR;
}

/* The part of m from element (r, c) on, if there is m; c begins a panel. */
static inline bp_packed packed_part(bp_packed m, size_t r, size_t c) {
    return (bp_packed){m.data ? packed_at(m, r, c) : NULL, m.row_stride, m.panel_stride};
}

/* The first n elements. Masked accesses are slow on some processors: they are used only where they are needed. */
static inline vec load_some(const float *p, size_t n) {
    return n == VEC_LANES ? vec_load(p) : vec_load_first(p, n);
}

static inline void store_some(float *p, size_t n, vec v) {
    if (n == VEC_LANES)
        vec_store(p, v);
    else
        vec_store_first(p, n, v);
}

/*
 * panel[k * width + j] = from[k * ld + j] for k < depth, j < columns, and +0 up to the next whole vector.
 * width >= columns is a whole number of vectors.
 */
static inline void pack_rows(float *panel, size_t width, const float *from, size_t ld, size_t depth, size_t columns) {
    for (size_t k = 0; k < depth; k++) {
        size_t j = 0;
        for (; j + VEC_LANES <= columns; j += VEC_LANES)
            vec_store(panel + k * width + j, vec_load(from + k * ld + j));
        if (j < columns)
            vec_store(panel + k * width + j, vec_load_first(from + k * ld + j, columns - j));
    }
}

/* to[k * ld + j] = panel[k * width + j] for k < depth, j < columns; writes nothing beyond. */
static inline void unpack_rows(float *to, size_t ld, const float *panel, size_t width, size_t depth, size_t columns) {
    for (size_t k = 0; k < depth; k++) {
        size_t j = 0;
        for (; j + VEC_LANES <= columns; j += VEC_LANES)
            vec_store(to + k * ld + j, vec_load(panel + k * width + j));
        if (j < columns)
            vec_store_first(to + k * ld + j, columns - j, vec_load(panel + k * width + j));
    }
}

/*
 * panel[k * width + j] = from[j * ld + k] for k < depth, j < columns, and +0 up to the next whole vector.
 * width is a whole number of vectors.
 */
static inline void pack_columns(float *panel, size_t width, const float *from, size_t ld, size_t depth,
                                size_t columns) {
    for (size_t j = 0; j < columns; j += VEC_LANES)
        for (size_t k = 0; k < depth; k += VEC_LANES) {
            const size_t ks = depth - k < VEC_LANES ? depth - k : VEC_LANES;
            vec block[VEC_LANES];
            for (size_t l = 0; l < VEC_LANES; l++) {
                const float *row = from + (j + l) * ld + k;
                if (j + l >= columns)
                    block[l] = vec_set1(0.0f);
                else
                    block[l] = ks == VEC_LANES ? vec_load(row) : vec_load_first(row, ks);
            }
            vec_transpose(block);
            for (size_t l = 0; l < ks; l++)
                vec_store(panel + (k + l) * width + j, block[l]);
        }
}

/* Packs a row-major matrix [rows x columns]. */
static inline void pack_matrix(bp_packed to, const float *from, size_t ld, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r += PACK_STEP)
        for (size_t c = 0; c < columns; c += NR)
            pack_rows(packed_at(to, r, c), to.row_stride, from + r * ld + c, ld, least(rows - r, PACK_STEP),
                      least(columns - c, NR));
}

/* Packs one panel of the transpose: `columns` rows of `from`, each `depth` long. */
static inline void pack_transposed_panel(float *panel, bp_packed from, size_t depth, size_t columns) {
    for (size_t k = 0; k < depth; k += NR)
        pack_columns(panel + k * NR, NR, packed_at(from, 0, k), from.row_stride, least(depth - k, NR), columns);
}

#endif
