/* Oracles of dropout: include/backprop/dropout.h in C. */
#ifndef BP_REFERENCE_DROPOUT_H
#define BP_REFERENCE_DROPOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "mask.h"
#include "philox.h"
#include "reference/activation.h"

/* Whether element (n, j) of a call's arrays stays. */
static bool stays(const bp_dropout_mask *mask, size_t n, size_t j) {
    const uint64_t row = mask->row + n, column = mask->column + j;
    const uint64_t index = (row / 4 << 34) + column / 2 * 4 + 2 * (row / 2 % 2) + 1 - column % 2;
    const uint32_t word = philox_word(mask->seed, mask->stream, index);
    return (row % 2 == 0 ? word & 0xffffu : word >> 16) >= dropout_threshold(mask);
}

static void dropout(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                    const bp_dropout_mask *mask) {
    const bp_dropout_mask m = *mask;
    const float scale = dropout_scale(&m);
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            d[n * ldd + j] = stays(&m, n, j) ? a[n * lda + j] * scale : 0.0f;
}

static void dropout_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                               bp_activation activation, const bp_dropout_mask *mask) {
    const bp_dropout_mask m = *mask;
    const float scale = dropout_scale(&m);
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            d[n * ldd + j] = stays(&m, n, j) ? activation_slope(saved[n * lds + j], activation) * scale : 0.0f;
}

#endif
