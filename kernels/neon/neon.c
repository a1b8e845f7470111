/* The NEON level: tile and block constants, and the shared bodies. */
#include "vector/vec_neon.h"

/* 24 of 32 registers accumulate. */
#define TILE_ROWS 8
#define TILE_VECS 3

#ifndef BP_SMALL_BLOCKS
#define BLOCK_DEPTH 512
#define BLOCK_COLUMNS 504
#define BLOCK_ROWS 144
#else
#include "vector/small_blocks.h"
#endif

#ifndef BP_TABLE
#define BP_TABLE bp_kernels_neon
#endif
#define BP_TABLE_ISA BP_ISA_NEON
#include "vector/table.h"
