/* The AVX2 backend: tile and block constants, and the shared bodies. */
#include "vector/vec_avx2.h"

/* 12 of 16 registers accumulate: 2 FMA units with a latency of 4 to 5 cycles need at least 10 chains. */
#define MR 6
#define TILE_VECS 2
#define TILE_ROWS_OF_ONE 10
#define TILE_UNROLL 1
#define TILE_TAIL 1

#define IN_PLACE false

#ifndef BP_SMALL_BLOCKS
#define KC 512 /* long: sums stay in registers; a panel of B, 32 KiB, streams from the second-level cache */
#define NC 512 /* wide: a packed block of A stays in that cache and is used often */
#define MC 144
#else
#include "vector/small_blocks.h"
#endif

#ifndef BP_BACKEND
#define BP_BACKEND bp_backend_avx2
#endif
#define BP_BACKEND_ISA BP_ISA_AVX2
#include "vector/table.h"
