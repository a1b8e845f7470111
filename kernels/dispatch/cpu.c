#include "dispatch/cpu.h"

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

bp_cpu_features bp_cpu_detect(void) {
    bp_cpu_features features = {0};
    unsigned a, b, c, d;
    /* Without OSXSAVE the operating system saves no vector state beyond SSE, and XGETBV is an illegal instruction. */
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return features;
    const uint32_t xcr0 = extended_control_register_0();
    if ((xcr0 & XCR0_YMM) != XCR0_YMM || !(c & bit_AVX))
        return features;
    features.fma = (c & bit_FMA) != 0;
    if (!features.fma || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return features;
    features.avx2 = (b & bit_AVX2) != 0;
    const unsigned avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    features.avx512 = features.avx2 && (b & avx512) == avx512 && (xcr0 & XCR0_ZMM) == XCR0_ZMM;
    return features;
}

#elif defined(__aarch64__)

/* Advanced SIMD and fused multiply-add are part of the AArch64 baseline. */
bp_cpu_features bp_cpu_detect(void) {
    return (bp_cpu_features){.fma = true, .neon = true};
}

#else

bp_cpu_features bp_cpu_detect(void) {
    return (bp_cpu_features){0};
}

#endif
