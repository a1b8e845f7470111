/* Tuning constants of AVX2; docs/tuning.md tells what was measured. */
#ifndef BP_AVX2_TUNING_H
#define BP_AVX2_TUNING_H

/*
 * The tile: MR rows of TILE_VECS vectors, NR columns. 12 of 16 registers accumulate: 2 FMA units with a latency of 4 to
 * 5 cycles need at least 10 chains.
 */
#define MR 6
#define TILE_VECS 2
#define NR (TILE_VECS * VEC_LANES)
#define TILE_HEIGHT(vecs) ((vecs) == 1 ? 10 : MR) /* rows of narrower tiles */
#define TILE_UNROLL 1                             /* steps of the depth in one iteration of the loop */
#define TILE_TAIL 1                               /* last steps, which run row by row with the epilogue */
#define NARROW_COLUMNS 0                          /* tiles of so many columns run on narrower vectors */
#define NARROW_SMALL 0                            /* small networks of layers of so many columns, too */

/* The blocks. */
#define KC 256 /* a panel of B, 16 KiB, stays in the first-level cache */
#define NC 512 /* wide: a packed block of A stays in that cache and is used often */
#define MC 144

#ifndef FEW_ROWS
#define FEW_ROWS 8   /* batches of so few rows sweep over the weights, */
#define SWEEP_MOST 3 /* with plain SGD in one pass up to so many rows */
#endif

/* Whether products read row-major matrices of many rows as fast as packed ones. */
#define IN_PLACE false

#include "vector/tuning.h"

#endif
