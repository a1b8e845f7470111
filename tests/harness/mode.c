#include "mode.h"

#include <stddef.h>

#if defined(__x86_64__) || (defined(__i386__) && defined(__SSE__))
#include <xmmintrin.h>

/* MXCSR in the lower half, the x87 control word above. */
#define MODE(mxcsr, x87) ((uint64_t)(x87) << 32 | (mxcsr))
#define FLAGS 0x3fu

uint64_t test_mode(void) {
    uint16_t x87;
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    return MODE(_mm_getcsr() & ~FLAGS, x87);
}

void test_set_mode(uint64_t mode) {
    const uint16_t x87 = (uint16_t)(mode >> 32);
    __asm__ volatile("fldcw %0" : : "m"(x87));
    _mm_setcsr((uint32_t)mode);
}

const test_host_mode test_host_modes[] = {
    {"plain", MODE(0x1f80, 0x37f)},
    {"FTZ and DAZ", MODE(0x9fc0, 0x37f)},
    {"DAZ", MODE(0x1fc0, 0x37f)},
    {"rounding up", MODE(0x5f80, 0xb7f)},
    {"rounding down", MODE(0x3f80, 0x77f)},
    {"rounding to zero", MODE(0x7f80, 0xf7f)},
    {"rounding down, FTZ and DAZ", MODE(0xbfc0, 0x77f)},
    {"rounding up in MXCSR alone", MODE(0x5f80, 0x37f)},
    {"rounding up in the x87 word alone", MODE(0x1f80, 0xb7f)},
    {"traps", MODE(0x1900, 0x37f)}, /* invalid operations, divisions by zero, overflow */
    {NULL, 0},
};

#elif defined(__aarch64__)

uint64_t test_mode(void) {
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr) : : "memory");
    return fpcr;
}

void test_set_mode(uint64_t mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory");
}

#define FLUSH (UINT64_C(1) << 24)
#define ROUND(r) (UINT64_C(r) << 22)

const test_host_mode test_host_modes[] = {
    {"plain", 0},
    {"FZ", FLUSH},
    {"rounding up", ROUND(1)},
    {"rounding down", ROUND(2)},
    {"rounding to zero", ROUND(3)},
    {"rounding down, FZ", ROUND(2) | FLUSH},
    {NULL, 0},
};

#else
#include <fenv.h>

uint64_t test_mode(void) {
    return (uint64_t)fegetround();
}

void test_set_mode(uint64_t mode) {
    fesetround((int)mode);
}

/* The library leaves other processors' modes alone. */
const test_host_mode test_host_modes[] = {{"plain", FE_TONEAREST}, {NULL, 0}};

#endif

void test_in_host_modes(void (*check)(void)) {
    const uint64_t mine = test_mode();
    for (const test_host_mode *host = test_host_modes; host->name; host++) {
        test_set_mode(host->mode);
        check();
        test_set_mode(mine);
    }
}
