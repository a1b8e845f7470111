/* Constants of a dropout mask, for oracles and vector kernels; include/backprop/dropout.h defines them. */
#ifndef BP_MASK_H
#define BP_MASK_H

#include <stdint.h>

#include <backprop/dropout.h>

/* The threshold t: an element stays if its 16-bit number is at least t. */
static inline uint32_t dropout_threshold(const bp_dropout_mask *mask) {
    const uint32_t t = (uint32_t)(mask->probability * 0x1p16f + 0.5f);
    return t < 0xffffu ? t : 0xffffu;
}

static inline float dropout_scale(const bp_dropout_mask *mask) {
    return 1.0f / (1.0f - (float)dropout_threshold(mask) * 0x1p-16f);
}

#endif
