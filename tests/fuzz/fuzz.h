/* The entry point of every fuzzer, and the end of a run in which the library broke a promise. */
#ifndef BACKPROP_TESTS_FUZZ_FUZZ_H
#define BACKPROP_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <backprop/backprop.h>

/** Runs one input; 0, or -1 for one that is not worth keeping. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_broken(const char *promise, const char *file, int line) {
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, promise);
    abort();
}

/** What must hold whatever the input. */
#define REQUIRE(promise) ((promise) ? (void)0 : fuzz_broken(#promise, __FILE__, __LINE__))

#endif
