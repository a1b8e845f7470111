/*
 * The floating-point mode of the contract: round to nearest even, denormals kept, exceptions masked. A host may have
 * set another one (flush-to-zero, say, as programs built with fast-math do); public calls and worker threads run in
 * ours and give the host's back.
 *
 * Every public function that computes with floats or compares them, be it to check an argument, begins with
 * CONTRACT_MODE: comparisons take denormals for zeros where the host has them so. tests/test_float_modes.c calls all of
 * them. Functions that are not public leave the mode alone; but for threads that join a call, and around callbacks.
 */
#ifndef BP_FLOAT_ENVIRONMENT_H
#define BP_FLOAT_ENVIRONMENT_H

#include <stdint.h>

/*
 * No access to memory crosses this, but compilers move operations on registers. So the mode is entered first of all
 * and left last of all, with nothing on the outer side to move to but what is returned: a float goes through a volatile
 * variable, as clang does multiply it after the mode is left.
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

/* From here to the end of the scope, whichever way it is left, the contract's mode; `host` names the host's. */
#define CONTRACT_MODE(host)                                                                                            \
    const uint64_t host __attribute__((cleanup(float_environment_end), unused)) = float_environment_enter()

#endif
