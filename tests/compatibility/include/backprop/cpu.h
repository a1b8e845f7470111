/*
 * Instruction sets: which ones this machine can run, and which one is in use; and the floating-point mode.
 *
 * Every public result has the same bits on every instruction set (README.md, "The contract"), so choosing one
 * changes speed only. The choice is process-wide; a network keeps the one that was active when it was created.
 */
#ifndef BACKPROP_CPU_H
#define BACKPROP_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

typedef enum bp_isa {
    BP_ISA_SCALAR = 0, /* plain C, the oracles; every machine */
    BP_ISA_AVX2,       /* x86-64: AVX2 and FMA */
    BP_ISA_AVX512,     /* x86-64: AVX-512 F, BW, DQ and VL, besides AVX2 and FMA */
    BP_ISA_NEON,       /* AArch64 Advanced SIMD */
} bp_isa;

/** Name as in BACKPROP_ISA: "scalar", "avx2", "avx512", "neon"; null for any other value. */
BP_API const char *bp_isa_name(bp_isa isa);

/** The inverse of bp_isa_name. BP_ERROR_NULL, or BP_ERROR_ISA_UNKNOWN with *isa unchanged. */
BP_API bp_status bp_isa_from_name(const char *name, bp_isa *isa);

/** Whether CPU, operating system (OSXSAVE, XCR0) and this build can run `isa`. BP_ISA_SCALAR always can. */
BP_API bool bp_cpu_supports(bp_isa isa);

/** The widest instruction set that bp_cpu_supports. */
BP_API bp_isa bp_cpu_best(void);

/**
 * Whether the promise of equal bits covers this CPU: it does on every CPU with fused multiply-add. On an x86 CPU
 * without it the library runs its scalar backend with a software fma and other bits in the transcendental functions.
 */
BP_API bool bp_cpu_covered(void);

/**
 * The instruction set in use. The first call, if bp_cpu_set came not before, takes it from the environment variable
 * BACKPROP_ISA, or bp_cpu_best where that is unset or empty.
 * BP_ERROR_NULL; BP_ERROR_ISA_UNKNOWN or BP_ERROR_ISA_UNSUPPORTED if BACKPROP_ISA asks for what cannot be had:
 * then nothing is chosen and the next call tries again.
 */
BP_API bp_status bp_cpu_active(bp_isa *isa);

/**
 * Chooses the instruction set for all later calls, in any thread. Networks made before keep theirs.
 * BP_ERROR_ISA_UNKNOWN for a value outside the enumeration, BP_ERROR_ISA_UNSUPPORTED; then the choice stays as it was.
 */
BP_API bp_status bp_cpu_set(bp_isa isa);

/** A thread's floating-point mode: MXCSR on x86, FPCR on AArch64. */
typedef struct bp_float_mode {
    uint64_t bits;
} bp_float_mode;

/**
 * Puts the mode of the contract in place in the calling thread, and returns the mode that was there before: rounding
 * to nearest even, denormals kept (no FTZ, no DAZ), exceptions masked. The kernels of bp_kernels_for (kernels.h) need
 * it; all other functions of the library enter it by themselves, and give the host's back, whatever they return.
 *
 *     const bp_float_mode host = bp_float_mode_enter();
 *     kernels->sgd(parameters, gradient, count, rate);
 *     bp_float_mode_leave(host);
 *
 * A pair belongs to one thread; each thread that calls kernels needs its own. Pairs nest. It costs some ten cycles
 * where the mode is that of the contract already, as it is in most programs. The x87 control word stays as it is.
 */
BP_API bp_float_mode bp_float_mode_enter(void);

/**
 * Gives the thread the mode back that bp_float_mode_enter returned. Exception flags that were raised in between stay
 * where that mode is the contract's; else they are the host's of before.
 */
BP_API void bp_float_mode_leave(bp_float_mode host);

BP_END_DECLS

#endif
