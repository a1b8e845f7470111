#include "bits.h"

/* Position of a float on the number line: ... -1 for -0, 0 for +0, 1 for the smallest denormal ... */
static int64_t position(uint32_t bits) {
    const int64_t magnitude = bits & UINT32_C(0x7fffffff);
    return bits >> 31 ? -1 - magnitude : magnitude;
}

uint64_t test_ulps(uint32_t a, uint32_t b) {
    if (test_is_nan_bits(a) || test_is_nan_bits(b)) {
        return test_is_nan_bits(a) && test_is_nan_bits(b) ? 0 : UINT64_MAX;
    }
    const int64_t distance = position(a) - position(b);
    return (uint64_t)(distance < 0 ? -distance : distance);
}

uint64_t test_hash(uint64_t hash, uint32_t bits) {
    for (int shift = 0; shift < 32; shift += 8) {
        hash = (hash ^ ((bits >> shift) & 0xff)) * UINT64_C(0x100000001b3);
    }
    return hash;
}
