/* What this CPU and its operating system can run. */
#include <backprop/cpu.h>

#include "enum_counts.h"

typedef struct features {
    bool fma;    /* scalar fused multiply-add: the contract covers this CPU */
    bool avx2;   /* AVX2 and FMA, with the YMM state enabled */
    bool avx512; /* also F, BW, DQ and VL, with the ZMM and mask state enabled */
    bool neon;
} features;

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>
#include <stdint.h>

/* Bits of XCR0: SSE and AVX state for YMM; AVX-512 also needs opmask, upper ZMM and ZMM16-31. */
#define XCR0_YMM 0x06u
#define XCR0_ZMM 0xe6u

static uint32_t extended_control_register_0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return low;
}

/* Asks the processor at each call, which takes about a microsecond under a hypervisor. */
static features detect(void) {
    features found = {0};
    unsigned a, b, c, d;
    /* Without OSXSAVE the operating system saves no vector state beyond SSE, and XGETBV is an illegal instruction. */
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return found;
    const uint32_t xcr0 = extended_control_register_0();
    if ((xcr0 & XCR0_YMM) != XCR0_YMM || !(c & bit_AVX))
        return found;
    found.fma = (c & bit_FMA) != 0;
    if (!found.fma || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return found;
    found.avx2 = (b & bit_AVX2) != 0;
    const unsigned avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    found.avx512 = found.avx2 && (b & avx512) == avx512 && (xcr0 & XCR0_ZMM) == XCR0_ZMM;
    return found;
}

#elif defined(__aarch64__)

/* Advanced SIMD and fused multiply-add are part of the AArch64 baseline. */
static features detect(void) {
    return (features){.fma = true, .neon = true};
}

#else

static features detect(void) {
    return (features){0};
}

#endif

bool bp_cpu_supports(bp_isa isa) {
    switch (isa) {
    case BP_ISA_SCALAR:
        return true;
#ifdef BP_HAVE_AVX2
    case BP_ISA_AVX2:
        return detect().avx2;
#endif
#ifdef BP_HAVE_AVX512
    case BP_ISA_AVX512:
        return detect().avx512;
#endif
#ifdef BP_HAVE_NEON
    case BP_ISA_NEON:
        return detect().neon;
#endif
    default:
        return false;
    }
}

bp_isa bp_cpu_best(void) {
    bp_isa best = BP_ISA_SCALAR;
    for (unsigned isa = 0; isa < ISA_COUNT; isa++)
        if (bp_cpu_supports((bp_isa)isa))
            best = (bp_isa)isa;
    return best;
}

bool bp_cpu_covered(void) {
    return detect().fma;
}
