/*
 * Prefetching: tiles request what later tiles need, a few cache lines per iteration, so that it lies in the
 * second-level cache in time. In a packed matrix the next panel lies too far away for the hardware's prefetchers, and
 * the first tile to use it would wait for memory at every row. A request for all of it at once would hold up the tile
 * that makes it.
 */
#ifndef BP_PREFETCH_H
#define BP_PREFETCH_H

#include <stddef.h>

/* A part of a packed matrix. */
typedef struct prefetch_stream {
    const float *data;
    size_t row_stride, panel_stride;
    size_t rows, panel_count; /* rows of each panel */
    size_t next_row;
    size_t per_iteration; /* rows per iteration, which is NR steps of a tile */
} prefetch_stream;

/* What is prefetched while tiles run: A, B, and the operands of the epilogue. */
typedef struct prefetches {
    prefetch_stream a, b, epilogue;
} prefetches;

static ALWAYS_INLINE void prefetch_rows(prefetch_stream *f) {
    for (size_t n = 0; n < f->per_iteration && f->panel_count > 0; n++) {
        for (size_t j = 0; j < NR; j += FLOATS_PER_LINE)
            __builtin_prefetch(f->data + f->next_row * f->row_stride + j, 0, 2);
        if (++f->next_row == f->rows) {
            f->next_row = 0;
            f->panel_count--;
            f->data += f->panel_stride;
        }
    }
}

static ALWAYS_INLINE void prefetch_iteration(prefetches *f) {
    prefetch_rows(&f->a);
    prefetch_rows(&f->b);
    prefetch_rows(&f->epilogue);
}

#endif
