/* The AVX-512 backend: tile and block constants, and the shared bodies. */
#include "vector/vec_avx512.h"

/* 24 of 32 registers accumulate; 12 rows divide common batches better than the 14 that would fit. */
#define MR 12
#define TILE_VECS 2
#define TILE_ROWS_OF_ONE 10 /* as many as there are registers for the addresses of rows */
#define TILE_UNROLL 2
#define TILE_TAIL 2

/* Tiles of up to eight columns: narrow.c. */
#define NARROW_COLUMNS 8
#define narrow_tiles bp_narrow_tiles_avx512

/* Small networks of up to sixteen columns: small.c. */
#define NARROW_SMALL 16
#define NARROW_SMALL_STEP bp_narrow_small_step_avx512

#define IN_PLACE true

#ifndef BP_SMALL_BLOCKS
#define KC 512
#define NC 512
#define MC 144
#else
#include "vector/small_blocks.h"
#endif

#ifndef BP_BACKEND
#define BP_BACKEND bp_backend_avx512
#endif
#define BP_BACKEND_ISA BP_ISA_AVX512
#include "vector/table.h"
