/*
 * Fetching ahead: what tiles need soon is asked for in time, a few lines a turn, and lies in the second-level cache
 * when they get there. Panels lie too far apart for the hardware to see it coming, and a tile that came upon them first
 * would wait for memory at every row; asked for all at once, they would hold up the tile that asks.
 */
#ifndef BP_PREFETCH_H
#define BP_PREFETCH_H

#include <stddef.h>

#define FLOATS_PER_LINE 16

/* Rows of panels. */
typedef struct prefetch_stream {
    const float *data;
    size_t row_stride, panel_stride;
    size_t rows, panel_count; /* of which so many rows lie together */
    size_t next_row;
    size_t per_iteration; /* rows fetched in a turn: PANEL_WIDTH steps of a tile down the depth */
} prefetch_stream;

/* What is fetched while tiles run: of A, of B, and of what is read and written at the end. */
typedef struct prefetches {
    prefetch_stream a, b, end;
} prefetches;

static ALWAYS_INLINE void prefetch_rows(prefetch_stream *f) {
    for (size_t n = 0; n < f->per_iteration && f->panel_count > 0; n++) {
        for (size_t j = 0; j < PANEL_WIDTH; j += FLOATS_PER_LINE)
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
    prefetch_rows(&f->end);
}

#endif
