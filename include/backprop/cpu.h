/*
 * Instruction sets of this machine, the active one, and the floating-point mode.
 *
 * Every public result has the same bits on every instruction set (docs/contract.md), so the choice changes speed only.
 * It applies to the whole process. A network uses the instruction set that was active at its creation.
 */
#ifndef BACKPROP_CPU_H
#define BACKPROP_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

typedef enum bp_isa {
    BP_ISA_SCALAR = 0, /* portable C: the reference kernels, on every machine */
    BP_ISA_AVX2,       /* x86-64: AVX2 and FMA */
    BP_ISA_AVX512,     /* x86-64: AVX-512 F, BW, DQ and VL, besides AVX2 and FMA */
    BP_ISA_NEON,       /* AArch64 Advanced SIMD */
} bp_isa;

/** The name for BACKPROP_ISA: "scalar", "avx2", "avx512", "neon"; null for any other value. */
BP_API const char *bp_isa_name(bp_isa isa);

/** The inverse of bp_isa_name. Errors: BP_ERROR_NULL, BP_ERROR_ISA_UNKNOWN. On error *isa is unchanged. */
BP_API bp_status bp_isa_from_name(const char *name, bp_isa *isa);

/** Whether the CPU, the operating system (OSXSAVE, XCR0) and this build support `isa`; always true for BP_ISA_SCALAR.
 */
BP_API bool bp_cpu_supports(bp_isa isa);

/** The widest supported instruction set. */
BP_API bp_isa bp_cpu_best(void);

/**
 * Whether the promise of equal bits covers this CPU. It covers every CPU with fused multiply-add. On an x86 CPU without
 * it, the library runs the scalar backend with a software fma, and its transcendental functions have other bits.
 */
BP_API bool bp_cpu_covered(void);

/**
 * The active instruction set. Unless bp_cpu_set was called earlier, the first call of this or any other function that
 * needs it reads the environment variable BACKPROP_ISA; if that is unset or empty, it chooses bp_cpu_best. Later
 * changes of the variable have no effect.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_ISA_UNKNOWN and BP_ERROR_ISA_UNSUPPORTED for the value of BACKPROP_ISA. Then nothing
 * is chosen, and the next call tries again.
 */
BP_API bp_status bp_cpu_active(bp_isa *isa);

/**
 * Chooses the instruction set of all later calls in all threads. Existing networks do not change.
 *
 * Errors: BP_ERROR_ISA_UNKNOWN for a value outside the enumeration, BP_ERROR_ISA_UNSUPPORTED. On error nothing changes.
 */
BP_API bp_status bp_cpu_set(bp_isa isa);

/** A thread's floating-point mode: MXCSR on x86, FPCR on AArch64. */
typedef struct bp_float_mode {
    uint64_t bits;
} bp_float_mode;

/**
 * Sets the contract's floating-point mode in the calling thread, and returns the previous mode. The contract's mode is:
 * round to nearest even, exact denormals (no FTZ, no DAZ), exceptions masked. The kernels of bp_kernels_for (kernels.h)
 * need it. All other functions set it themselves, and restore the previous mode before they return.
 *
 *     const bp_float_mode host = bp_float_mode_enter();
 *     kernels->sgd(parameters, gradient, count, rate);
 *     bp_float_mode_leave(host);
 *
 * Each thread that calls kernels needs its own pair of calls. Pairs may nest. If the mode is the contract's already, as
 * in most programs, a call costs about ten cycles. The x87 control word does not change.
 */
BP_API bp_float_mode bp_float_mode_enter(void);

/**
 * Restores the mode that bp_float_mode_enter returned. If that was the contract's mode, exception flags raised since
 * then stay set; otherwise the previous flags are restored.
 */
BP_API void bp_float_mode_leave(bp_float_mode host);

BP_END_DECLS

#endif
