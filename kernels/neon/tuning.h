/* Tuning constants of NEON; docs/tuning.md tells what was measured. */
#ifndef BP_NEON_TUNING_H
#define BP_NEON_TUNING_H

/* The tile: MR rows of TILE_VECS vectors, NR columns. 24 of 32 registers accumulate. */
#define MR 8
#define TILE_VECS 3
#define NR (TILE_VECS * VEC_LANES)
#define TILE_HEIGHT(vecs) ((vecs) == 1 ? 12 : MR) /* rows of narrower tiles */
#define TILE_UNROLL 1                             /* steps of the depth in one iteration of the loop */
#define TILE_TAIL 1                               /* last steps, which run row by row with the epilogue */
#define NARROW_COLUMNS 0                          /* tiles of so many columns run on narrower vectors */
#define NARROW_SMALL 0                            /* small networks of layers of so many columns, too */

/* The blocks. */
#define KC 504
#define NC 504
#define MC 144

#ifndef FEW_ROWS
#define FEW_ROWS 8   /* batches of so few rows sweep over the weights, */
#define SWEEP_MOST 4 /* with plain SGD in one pass up to so many rows */
#endif

/* Whether products read row-major matrices of many rows as fast as packed ones. */
#define IN_PLACE false

#include "vector/tuning.h"

#endif
