/*
 * The floating-point mode of the contract: round to nearest even, denormals kept, exceptions masked. A host may have
 * set another one (flush-to-zero, say, as programs built with fast-math do); public calls and worker threads run in
 * ours and give the host's back.
 */
#ifndef BP_FLOAT_ENVIRONMENT_H
#define BP_FLOAT_ENVIRONMENT_H

#include <stdint.h>

#if defined(__x86_64__) || (defined(__i386__) && defined(__SSE__))
#include <xmmintrin.h>

#define MXCSR_FLAGS 0x3fu /* sticky exception flags: not a mode */
#define MXCSR_CONTRACT 0x1f80u

static inline uint64_t float_environment_enter(void) {
    const uint32_t host = _mm_getcsr();
    if ((host & ~MXCSR_FLAGS) != MXCSR_CONTRACT)
        _mm_setcsr(MXCSR_CONTRACT);
    return host;
}

static inline void float_environment_leave(uint64_t host) {
    if ((host & ~MXCSR_FLAGS) != MXCSR_CONTRACT)
        _mm_setcsr((uint32_t)host);
}

#elif defined(__aarch64__)

static inline void write_fpcr(uint64_t value) {
    __asm__ volatile("msr fpcr, %0" : : "r"(value));
}

static inline uint64_t float_environment_enter(void) {
    uint64_t host;
    __asm__ volatile("mrs %0, fpcr" : "=r"(host));
    if (host != 0)
        write_fpcr(0);
    return host;
}

static inline void float_environment_leave(uint64_t host) {
    if (host != 0)
        write_fpcr(host);
}

#else

static inline uint64_t float_environment_enter(void) {
    return 0;
}

static inline void float_environment_leave(uint64_t host) {
    (void)host;
}

#endif

#endif
