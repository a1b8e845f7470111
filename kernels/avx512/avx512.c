/* The AVX-512 backend: its vectors, its tuning constants, and the shared bodies. */
#include "vector/vec_avx512.h"

#include "avx512/tuning.h"

/* narrow.c */
#define narrow_tiles bp_narrow_tiles_avx512
#define NARROW_SMALL_STEP bp_narrow_small_step_avx512

#ifndef BP_BACKEND
#define BP_BACKEND bp_backend_avx512
#endif
#define BP_BACKEND_ISA BP_ISA_AVX512
#include "vector/table.h"
