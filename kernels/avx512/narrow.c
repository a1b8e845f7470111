/*
 * AVX-512's tiles of up to eight columns, on 256-bit vectors. In a 512-bit vector half the lanes would be idle, and
 * processors run 256-bit vectors at least as fast, some at twice the rate.
 */
#include "vector/vec_avx2.h"

/* The panel width and the rows of a tile of one vector are those of avx512.c. */
#define PANEL_WIDTH 32
#define MR 10
#define TILE_VECS 1
#define TILE_ROWS_OF_ONE MR
#define TILE_UNROLL 1
#define TILE_TAIL 2

#define narrow_tiles bp_narrow_tiles_avx512
#include "vector/tile.h"

void narrow_tiles(size_t rows, size_t columns, const tile_spec *spec, tile_operands *p, size_t count) {
    tiles_any(rows, columns, spec, p, count);
}
