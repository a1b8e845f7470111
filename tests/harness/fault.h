/* Faults of a call, caught: the program goes on. */
#ifndef BACKPROP_TESTS_FAULT_H
#define BACKPROP_TESTS_FAULT_H

#include <stdbool.h>

typedef struct test_fault {
    int signal;
    const void *address; /* for SIGSEGV and SIGBUS: what was touched */
} test_fault;

/** Runs call(argument). False if it ended in SIGSEGV, SIGBUS, SIGILL, SIGTRAP or SIGFPE; then *fault says which. */
bool test_survives(void (*call)(void *argument), void *argument, test_fault *fault);

#endif
