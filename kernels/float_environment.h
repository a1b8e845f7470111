/*
 * The floating-point mode of the contract: round to nearest even, denormals on, exceptions masked. The host may have
 * set another mode: programs built with fast-math flush denormals to zero. Public calls and worker threads switch to
 * the contract's mode and restore the host's.
 *
 * Every public function that computes or compares floats begins with CONTRACT_MODE. Checks of arguments count: with
 * denormals as zeros, comparisons give other results. tests/test_float_modes.c calls all of them. Private functions do
 * not touch the mode, except at the start of a worker and around callbacks.
 */
#ifndef BP_FLOAT_ENVIRONMENT_H
#define BP_FLOAT_ENVIRONMENT_H

#include <stdint.h>

/*
 * No memory access crosses this, but compilers may move operations on registers across it. So a function enters the
 * mode first and leaves it last. A float that it returns goes through a volatile variable: clang does move its last
 * multiplication behind the change of mode.
 */
static inline void keep_order(void) {
    __asm__ volatile("" : : : "memory");
}

#if defined(__x86_64__) || (defined(__i386__) && defined(__SSE__))
#include <xmmintrin.h>

#define MXCSR_FLAGS 0x3fu /* sticky exception flags: not a mode */
#define MXCSR_CONTRACT 0x1f80u

static inline uint64_t read_and_set_mode(void) {
    const uint32_t host = _mm_getcsr();
    if ((host & ~MXCSR_FLAGS) != MXCSR_CONTRACT)
        _mm_setcsr(MXCSR_CONTRACT);
    return host;
}

static inline void reset_mode(uint64_t host) {
    if ((host & ~MXCSR_FLAGS) != MXCSR_CONTRACT)
        _mm_setcsr((uint32_t)host);
}

#elif defined(__aarch64__)

static inline void write_fpcr(uint64_t value) {
    __asm__ volatile("msr fpcr, %0" : : "r"(value));
}

static inline uint64_t read_and_set_mode(void) {
    uint64_t host;
    __asm__ volatile("mrs %0, fpcr" : "=r"(host));
    if (host != 0)
        write_fpcr(0);
    return host;
}

static inline void reset_mode(uint64_t host) {
    if (host != 0)
        write_fpcr(host);
}

#else

static inline uint64_t read_and_set_mode(void) {
    return 0;
}

static inline void reset_mode(uint64_t host) {
    (void)host;
}

#endif

static inline uint64_t float_environment_enter(void) {
    const uint64_t host = read_and_set_mode();
    keep_order();
    return host;
}

static inline void float_environment_leave(uint64_t host) {
    keep_order();
    reset_mode(host);
}

static inline void float_environment_end(const uint64_t *host) {
    float_environment_leave(*host);
}

/* The contract's mode from here to the end of the scope; `host` holds the host's mode. */
#define CONTRACT_MODE(host)                                                                                            \
    const uint64_t host __attribute__((cleanup(float_environment_end), unused)) = float_environment_enter()

#endif
