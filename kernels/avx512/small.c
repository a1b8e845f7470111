/*
 * AVX-512's small networks whose layers are at most sixteen wide, on 256-bit vectors: nearly all of such a step is
 * waiting for one result after the other, and shorter vectors are stored and read again sooner.
 */
#include "vector/vec_avx2.h"

/* Panels are those of avx512.c. */
#define PANEL_WIDTH 32
#define MR 6
#define TILE_VECS 2
#define TILE_ROWS_OF_ONE 10
#define TILE_UNROLL 1
#define TILE_TAIL 2

#include "vector/small.h"

void bp_narrow_small_step_avx512(const bp_small_step *step);

void bp_narrow_small_step_avx512(const bp_small_step *step) {
    small_step(step);
}
