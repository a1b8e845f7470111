/* Tuning constants of AVX-512; docs/tuning.md tells what was measured. */
#ifndef BP_AVX512_TUNING_H
#define BP_AVX512_TUNING_H

/* Columns of a tile, and of a panel of packed matrices. */
#define NR 64

#if VEC_LANES == 16

/*
 * The tile: MR rows of TILE_VECS vectors. 24 of 32 registers accumulate. Wide rather than high: a step of the depth
 * loads 4 + 6 times for 24 multiply-adds, where two vectors of 12 rows load 14 times.
 */
#define MR 6
#define TILE_VECS 4
#define TILE_HEIGHT(vecs) ((vecs) == 1 ? 10 : (vecs) == 2 ? 12 : (vecs) == 3 ? 8 : MR) /* rows of narrower tiles */
#define TILE_UNROLL 2    /* steps of the depth in one iteration of the loop */
#define TILE_TAIL 2      /* last steps, which run row by row with the epilogue */
#define NARROW_COLUMNS 8 /* tiles of so many columns run on narrower vectors */
#define NARROW_SMALL 16  /* small networks of layers of so many columns, too */

#else /* narrow.c: 256-bit vectors, half a panel */

#define MR 6
#define TILE_VECS 2
#define TILE_HEIGHT(vecs) ((vecs) == 1 ? 10 : MR)
#define TILE_UNROLL 2
#define TILE_TAIL 2
#define NARROW_COLUMNS 0

#endif

/* The blocks. */
#define KC 256
#define NC 512
#define MC 144

#ifndef FEW_ROWS
#define FEW_ROWS 16   /* batches of so few rows sweep over the weights, */
#define SWEEP_MOST 16 /* with plain SGD in one pass up to so many rows */
#endif

/* Whether products read row-major matrices of many rows as fast as packed ones. */
#define IN_PLACE true

#include "vector/tuning.h"

#endif
