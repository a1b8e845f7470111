/* The tables that this build may hold, one for each level, and the scratch that their kernels may use. */
#ifndef BP_TABLES_H
#define BP_TABLES_H

#include <backprop/kernels.h>

/* Bytes of scratch of any kernel on any level; each vector body checks at compile time that it fits. */
#define BP_SCRATCH_BYTES (512 * 1024)

extern const bp_kernels bp_kernels_scalar;     /* baseline instructions; on x86-64 without fma */
extern const bp_kernels bp_kernels_scalar_fma; /* x86-64 with FMA */
extern const bp_kernels bp_kernels_avx2;
extern const bp_kernels bp_kernels_avx512;
extern const bp_kernels bp_kernels_neon;

#endif
