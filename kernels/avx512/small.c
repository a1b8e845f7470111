/*
 * AVX-512's small networks whose layers are at most sixteen wide, on 256-bit vectors. Latency dominates such a step,
 * and a load that follows a store of a shorter vector waits less.
 */
#include "vector/vec_avx2.h"

/* The panel width is that of avx512.c. */
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
