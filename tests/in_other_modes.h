/* Runs a check in floating-point modes that a host may have set: it must come to the same. */
#ifndef BACKPROP_TESTS_IN_OTHER_MODES_H
#define BACKPROP_TESTS_IN_OTHER_MODES_H

#include <fenv.h>
#include <stddef.h>

#ifdef __x86_64__
#include <xmmintrin.h>
#endif

/** The check may call the library and compare bits, but must not compute with floats itself. */
static inline void in_other_modes(void (*check)(void)) {
    static const int roundings[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    for (size_t k = 0; k < sizeof roundings / sizeof *roundings; k++) {
        fenv_t before;
        fegetenv(&before);
        fesetround(roundings[k]);
#ifdef __x86_64__
        _mm_setcsr(_mm_getcsr() | 0x8040); /* flush to zero, denormals are zero */
#endif
        check();
        fesetenv(&before);
    }
}

#endif
