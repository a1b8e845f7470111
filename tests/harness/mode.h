/*
 * The floating-point mode of this thread, read from its registers: MXCSR and the x87 control word on x86, FPCR on
 * AArch64. fegetround() alone reads the x87 word on x86-64, which no arithmetic of ours looks at.
 */
#ifndef BACKPROP_TESTS_MODE_H
#define BACKPROP_TESTS_MODE_H

#include <stdint.h>

/** All bits that are a mode: without the sticky flags of exceptions. */
uint64_t test_mode(void);

void test_set_mode(uint64_t mode);

/** Modes that a host may be in; the first is what a program starts in, and a null name ends the list. */
typedef struct test_host_mode {
    const char *name;
    uint64_t mode;
} test_host_mode;

extern const test_host_mode test_host_modes[];

/** Runs a check in each of them. It may call the library and compare bits, but must not compute with floats itself. */
void test_in_host_modes(void (*check)(void));

#endif
