/* The NEON backend: its vectors, its tuning constants, and the shared bodies. */
#include "vector/vec_neon.h"

#include "neon/tuning.h"

#ifndef BP_BACKEND
#define BP_BACKEND bp_backend_neon
#endif
#define BP_BACKEND_ISA BP_ISA_NEON
#include "vector/table.h"
