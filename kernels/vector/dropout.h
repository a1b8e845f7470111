/*
 * Dropout on vectors; include/backprop/dropout.h defines it.
 *
 * A lane of 64 bits holds one Philox counter, whose four words serve two columns of four rows. Such a lane multiplies
 * 32 x 32 bits. Between the rounds its upper half may hold anything; the last round leaves two words side by side,
 * those of two columns. Each word has the 16-bit numbers of two rows.
 */
#ifndef BP_VECTOR_DROPOUT_H
#define BP_VECTOR_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

#include "mask.h"
#include "philox.h"
#include "vector/activation.h"
#include "vector/pack.h"

/* What all elements of a call have in common. */
typedef struct dropper {
    vec_u64 key[PHILOX_ROUNDS][2], stream[2];
    vec_u64 threshold; /* in the upper 16 bits of each half of a lane */
    vec scale;
    size_t row, column;
} dropper;

static dropper dropper_of(const bp_dropout_mask *mask) {
    dropper d = {.row = mask->row, .column = mask->column};
    uint32_t key[2] = {(uint32_t)mask->seed, (uint32_t)(mask->seed >> 32)};
    for (size_t round = 0; round < PHILOX_ROUNDS; round++) {
        d.key[round][0] = vec_u64_set1(key[0]);
        d.key[round][1] = vec_u64_set1(key[1]);
        key[0] += PHILOX_WEYL_0;
        key[1] += PHILOX_WEYL_1;
    }
    d.stream[0] = vec_u64_set1((uint32_t)mask->stream);
    d.stream[1] = vec_u64_set1(mask->stream >> 32);
    const uint64_t threshold = dropout_threshold(mask);
    d.threshold = vec_u64_set1(threshold << 48 | threshold << 16);
    d.scale = vec_set1(dropout_scale(mask));
    return d;
}

/* The words of VEC_LANES columns from 2 * pair on: words[0] for rows 4 * quad and the next, words[1] for the next two.
 */
static ALWAYS_INLINE void mask_words(vec_u64 words[2], const dropper *d, size_t quad, size_t pair) {
    const vec_u64 m0 = vec_u64_set1(PHILOX_MULTIPLIER_0), m1 = vec_u64_set1(PHILOX_MULTIPLIER_1);
    vec_u64 c0 = vec_u64_count(pair), c1 = vec_u64_set1(quad), c2 = d->stream[0], c3 = d->stream[1];
    UNROLL_FOR (size_t round = 0; round + 1 < PHILOX_ROUNDS; round++) {
        const vec_u64 p0 = vec_u64_multiply(c0, m0), p1 = vec_u64_multiply(c2, m1);
        c0 = vec_u64_xor(vec_u64_high(p1), vec_u64_xor(c1, d->key[round][0]));
        c2 = vec_u64_xor(vec_u64_high(p0), vec_u64_xor(c3, d->key[round][1]));
        c1 = p1;
        c3 = p0;
    }
    const vec_u64 *last = d->key[PHILOX_ROUNDS - 1];
    words[0] = vec_u64_xor(vec_u64_multiply(c2, m1), vec_u64_raise(vec_u64_xor(c1, last[0])));
    words[1] = vec_u64_xor(vec_u64_multiply(c0, m0), vec_u64_raise(vec_u64_xor(c3, last[1])));
}

/*
 * The arrays of a call: `values` receives the dropped elements of `from`, `derivatives` those of f'; one of the two may
 * be null. With DERIVATIVE_SAVED `derivatives` holds f' already; else it is computed from `from`.
 */
typedef struct mask_operands {
    bp_packed from, values, derivatives;
    bp_derivative derivative;
} mask_operands;

/* Row n, which is row `row` of the four that share their words, in up to VEC_LANES columns from j on. */
static ALWAYS_INLINE void drop_lanes(const dropper *d, const mask_operands *at, const vec_u64 words[2],
                                     const size_t row, size_t n, size_t j, size_t lanes) {
    const vec_u64 number = row % 2 == 0 ? vec_u32_shift16(words[row / 2]) : words[row / 2];
    const vec_mask stay = vec_u32_at_least(number, d->threshold);
    const vec a = load_some(element_of(at->from, n, j), lanes), zero = vec_set1(0.0f);
    if (at->derivatives.data) {
        const bool known = at->derivative.kind == DERIVATIVE_SAVED;
        const vec saved = known ? load_some(element_of(at->derivatives, n, j), lanes) : a;
        const vec slope = vec_mul(vec_derivative(saved, at->derivative), d->scale);
        store_some(element_of(at->derivatives, n, j), lanes, vec_select(stay, slope, zero));
    }
    if (at->values.data)
        store_some(element_of(at->values, n, j), lanes, vec_select(stay, vec_mul(a, d->scale), zero));
}

/* Rows n .. n + rows - 1, which share their words, in up to VEC_LANES columns from j on. */
static ALWAYS_INLINE void drop_rows(const dropper *d, const mask_operands *at, size_t n, size_t rows, size_t j,
                                    size_t lanes) {
    const size_t column = d->column + j;
    vec_u64 words[2];
    mask_words(words, d, (d->row + n) / 4, column / 2);
    if (column % 2 == 1) { /* only the second of the two columns */
        words[0] = vec_u64_high(words[0]);
        words[1] = vec_u64_high(words[1]);
    }
    if (rows == 4 && lanes == VEC_LANES) {
        UNROLL_FOR (size_t row = 0; row < 4; row++)
            drop_lanes(d, at, words, row, n + row, j, VEC_LANES);
        return;
    }
    for (size_t end = n + rows; n < end; n++)
        drop_lanes(d, at, words, (d->row + n) % 4, n, j, lanes);
}

static void drop_columns(const dropper *d, const mask_operands *at, size_t rows, size_t j, size_t end) {
    for (size_t n = 0, count; n < rows; n += count) {
        count = least(4 - (d->row + n) % 4, rows - n);
        for (size_t c = j; c < end; c += VEC_LANES)
            drop_rows(d, at, n, count, c, least(end - c, VEC_LANES));
    }
}

static void drop(const bp_dropout_mask *mask, const mask_operands *at, size_t rows, size_t columns) {
    const dropper d = dropper_of(mask);
    const size_t odd = mask->column % 2;
    /* A packed matrix panel by panel; a row-major matrix row by row. */
    const size_t width = at->from.panel_stride == NR ? columns : NR;
    if (odd)
        drop_columns(&d, at, rows, 0, 1);
    for (size_t j = odd; j < columns; j += width)
        drop_columns(&d, at, rows, j, least(j + width, columns));
}

static void dropout(float *d, size_t ldd, const float *a, size_t lda, size_t rows, size_t columns,
                    const bp_dropout_mask *mask) {
    const mask_operands at = {.from = row_major(a, lda), .values = row_major(d, ldd)};
    drop(mask, &at, rows, columns);
}

static void dropout_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                               bp_activation activation, const bp_dropout_mask *mask) {
    const bp_derivative derivative = derivative_of(activation);
    if (derivative.kind == DERIVATIVE_SAVED) { /* compute it first, into the result's array */
        activation_derivative(d, ldd, saved, lds, rows, columns, activation);
        saved = d;
        lds = ldd;
    }
    const mask_operands at = {
        .from = row_major(saved, lds), .derivatives = row_major(d, ldd), .derivative = derivative};
    drop(mask, &at, rows, columns);
}

static void packed_dropout(bp_packed a, bp_packed derivatives, size_t rows, size_t columns, bp_activation activation,
                           const bp_dropout_mask *mask) {
    const mask_operands at = {
        .from = a, .values = a, .derivatives = derivatives, .derivative = derivative_of(activation)};
    drop(mask, &at, rows, columns);
}

#endif
