/* The NEON backend: tile and block constants, and the shared bodies. */
#include "vector/vec_neon.h"

/* 24 of 32 registers accumulate. */
#define MR 8
#define TILE_VECS 3
#define TILE_ROWS_OF_ONE 12
#define TILE_UNROLL 1
#define TILE_TAIL 1

#define IN_PLACE false

#ifndef BP_SMALL_BLOCKS
#define KC 504
#define NC 504
#define MC 144
#else
#include "vector/small_blocks.h"
#endif

#ifndef BP_BACKEND
#define BP_BACKEND bp_backend_neon
#endif
#define BP_BACKEND_ISA BP_ISA_NEON
#include "vector/table.h"
