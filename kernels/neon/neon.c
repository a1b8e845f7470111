/* The NEON level: tile and block constants, and the shared bodies. */
#include "vector/vec_neon.h"

/* 24 of 32 registers accumulate. */
#define TILE_ROWS 8
#define TILE_VECS 3
#define TILE_ROWS_OF_ONE 12
#define TILE_UNROLL 1
#define TILE_TAIL 1

#define IN_PLACE false

#ifndef BP_SMALL_BLOCKS
#define BLOCK_DEPTH 504
#define BLOCK_COLUMNS 504
#define BLOCK_ROWS 144
#else
#include "vector/small_blocks.h"
#endif

#ifndef BP_LEVEL
#define BP_LEVEL bp_level_neon
#endif
#define BP_LEVEL_ISA BP_ISA_NEON
#include "vector/table.h"
