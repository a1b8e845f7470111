/* The tables that this build may hold, one for each level, and the scratch that their kernels may use. */
#ifndef BP_TABLES_H
#define BP_TABLES_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/kernels.h>

#if defined(__FAST_MATH__) || FLT_EVAL_METHOD != 0
#error "the numerics contract needs binary32 arithmetic as written: no -ffast-math, no x87"
#endif

/* Bytes of scratch of any kernel on any level; the vector body checks at compile time that it fits. */
#define BP_SCRATCH_BYTES (2560 * 1024)

/* Floats beyond the packed matrices themselves: a spilled vector for each tile, at most one a row, and alignment. */
#define SCRATCH_SLACK 16

/* Bytes of scratch that suffice for a product of these sizes on any level: all of A, B and C, padded. */
static inline size_t product_scratch_bytes(size_t rows, size_t columns, size_t depth) {
    const size_t large = BP_SCRATCH_BYTES / sizeof(float);
    if (rows >= large || columns >= large || depth >= large)
        return BP_SCRATCH_BYTES;
    const uint64_t padded = (uint64_t)columns + SCRATCH_SLACK;
    const uint64_t floats =
        depth * padded + rows * ((uint64_t)depth + SCRATCH_SLACK) + rows * padded + 2 * SCRATCH_SLACK;
    return floats < large ? (size_t)floats * sizeof(float) : BP_SCRATCH_BYTES;
}

extern const bp_kernels bp_kernels_scalar;     /* baseline instructions; on x86-64 without fma */
extern const bp_kernels bp_kernels_scalar_fma; /* x86-64 with FMA */
extern const bp_kernels bp_kernels_avx2;
extern const bp_kernels bp_kernels_avx512;
extern const bp_kernels bp_kernels_neon;

#endif
