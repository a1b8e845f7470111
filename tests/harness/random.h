/* The tests' own random numbers: splitmix64, seeded for each case from the program's seed and the case's key, so that
 * any case gives the same data when it runs alone. */
#ifndef BACKPROP_TESTS_RANDOM_H
#define BACKPROP_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct test_random {
    uint64_t state;
} test_random;

/** A generator for the case `key` under `seed`. */
test_random test_random_for(uint64_t seed, const char *key);

uint64_t test_random_next(test_random *random);

/** Uniform below `bound`, which must not be zero. */
size_t test_random_below(test_random *random, size_t bound);

/** Uniform on [-1, 1), 24 bits. */
float test_random_symmetric(test_random *random);

#endif
