/* The AVX2 backend: its vectors, its tuning constants, and the shared bodies. */
#include "vector/vec_avx2.h"

#include "avx2/tuning.h"

#ifndef BP_BACKEND
#define BP_BACKEND bp_backend_avx2
#endif
#define BP_BACKEND_ISA BP_ISA_AVX2
#include "vector/table.h"
