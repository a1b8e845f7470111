/* An input taken apart: small decisions and numbers, one after the other. After its end all of them are zero. */
#ifndef BACKPROP_TESTS_FUZZ_BYTES_H
#define BACKPROP_TESTS_FUZZ_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct bytes {
    const uint8_t *at, *end;
} bytes;

static inline bytes bytes_of(const uint8_t *data, size_t size) {
    return (bytes){data, data + size};
}

static inline size_t bytes_left(const bytes *in) {
    return (size_t)(in->end - in->at);
}

static inline uint8_t take_byte(bytes *in) {
    return in->at < in->end ? *in->at++ : 0;
}

static inline uint64_t take_u64(bytes *in, size_t width) {
    uint64_t value = 0;
    for (size_t k = 0; k < width; k++)
        value |= (uint64_t)take_byte(in) << (8 * k);
    return value;
}

/* From 0 to bound - 1; bound is at most 65536. One byte where that is enough. */
static inline size_t take_below(bytes *in, size_t bound) {
    return (size_t)take_u64(in, bound <= 256 ? 1 : 2) % bound;
}

static inline bool take_flag(bytes *in) {
    return take_byte(in) & 1;
}

/* Once in `odds`, but never after the end. */
static inline bool take_rarely(bytes *in, size_t odds) {
    return take_byte(in) % odds == odds - 1;
}

static inline float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Any float: a plain one, one of those with a meaning of their own, or 32 bits as they come. */
static inline float take_float(bytes *in) {
    static const uint32_t special[] = {0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
                                       0x7fc00000, 0x00000001, 0x007fffff, 0x7f7fffff, 0xff7fffff, 0x3f000000,
                                       0x3f7fffff, 0x00800000, 0x7fa00001, 0x4b800000};
    const uint8_t kind = take_byte(in);
    if (kind < 128)
        return (float)(kind - 64) / 16.0f;
    if (kind < 192)
        return float_of(special[kind % 16]);
    return float_of((uint32_t)take_u64(in, 4));
}

/* A size that sane callers never give: zero, or one whose products leave the range of addresses. */
static inline size_t take_odd_size(bytes *in) {
    const size_t one = 1, bits = 8 * sizeof(size_t);
    switch (take_below(in, 8)) {
    case 0:
        return 0;
    case 1:
        return SIZE_MAX - take_below(in, 4);
    case 2:
        return SIZE_MAX / 2 + take_below(in, 4);
    case 3:
        return SIZE_MAX / 4 - 1 + take_below(in, 4);
    case 4:
        return SIZE_MAX / 8 - 1 + take_below(in, 4);
    case 5:
        return (one << (bits / 2)) - 1 + take_below(in, 4);
    default:
        return one << take_below(in, bits);
    }
}

#endif
