/*
 * What AVX-512's backend runs on 256-bit vectors: tiles of up to eight columns and small networks whose layers are at
 * most sixteen wide.
 *
 * In a 512-bit vector half of a narrow tile's lanes would be idle, and processors run 256-bit vectors at least as fast,
 * some at twice the rate. In a small network latency dominates, and a load that follows a store of a shorter vector
 * waits less.
 */
#include "vector/vec_avx2.h"

#include "avx512/tuning.h"

#define narrow_tiles bp_narrow_tiles_avx512
#include "vector/small.h"
#include "vector/tile.h"

void narrow_tiles(size_t rows, const gemm_epilogue *e, tile_operands *p, size_t count) {
    tiles_of_vecs(rows, 1, e, p, count);
}

void bp_narrow_small_step_avx512(const bp_small_step *step);

void bp_narrow_small_step_avx512(const bp_small_step *step) {
    small_step(step);
}
