/* Floats as bit patterns. The contract promises the positions of NaNs, not their payloads or signs, so every NaN counts
 * as one pattern. */
#ifndef BACKPROP_TESTS_BITS_H
#define BACKPROP_TESTS_BITS_H

#include <stdint.h>
#include <string.h>

/** What surrounds the arrays and fills what a kernel has yet to write: a signaling NaN, which no arithmetic returns.
 */
#define TEST_CANARY UINT32_C(0x7fa5c35a)

static inline uint32_t test_raw_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float test_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline int test_is_nan_bits(uint32_t bits) {
    return (bits & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000);
}

/** The bits of `value`, those of 0x7fc00000 for every NaN. */
static inline uint32_t test_bits(float value) {
    const uint32_t bits = test_raw_bits(value);
    return test_is_nan_bits(bits) ? UINT32_C(0x7fc00000) : bits;
}

/** How many floats lie between two; UINT64_MAX if just one of them is a NaN. -0 and +0 are one apart. */
uint64_t test_ulps(uint32_t a, uint32_t b);

/** 64-bit FNV-1a over the bits, least significant byte first; start with TEST_HASH_START. */
#define TEST_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t test_hash(uint64_t hash, uint32_t bits);

#endif
