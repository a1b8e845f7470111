/*
 * Fetching ahead: what tiles need soon is asked for in time, a few lines a turn, and lies in the second-level cache
 * when they get there. Panels lie too far apart for the hardware to see it coming, and a tile that came upon them first
 * would wait for memory at every row; asked for all at once, they would hold up the tile that asks.
 */
#ifndef BP_FETCH_H
#define BP_FETCH_H

#include <stddef.h>

#define FLOATS_PER_LINE 16

/* Rows of panels. */
typedef struct ahead {
    const float *at;
    size_t row, panel;
    size_t rows, panels; /* of which so many rows lie together */
    size_t next_row;
    size_t per_turn; /* rows fetched in a turn: PANEL_COLUMNS steps of a tile down the depth */
} ahead;

/* What is fetched while tiles run: of A, of B, and of what is read and written at the end. */
typedef struct fetches {
    ahead a, b, end;
} fetches;

static ALWAYS_INLINE void fetch_rows(ahead *f) {
    for (size_t n = 0; n < f->per_turn && f->panels > 0; n++) {
        for (size_t j = 0; j < PANEL_COLUMNS; j += FLOATS_PER_LINE)
            __builtin_prefetch(f->at + f->next_row * f->row + j, 0, 2);
        if (++f->next_row == f->rows) {
            f->next_row = 0;
            f->panels--;
            f->at += f->panel;
        }
    }
}

static ALWAYS_INLINE void fetch_turn(fetches *f) {
    fetch_rows(&f->a);
    fetch_rows(&f->b);
    fetch_rows(&f->end);
}

#endif
