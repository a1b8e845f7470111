/*
 * Random numbers from one counter-based generator, Philox4x32-10 (J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC11). Number `index` of stream `stream` under `seed` is
 *
 *   word (index mod 4) of philox4x32_10(counter = {lo(index / 4), hi(index / 4), lo(stream), hi(stream)},
 *                                       key = {lo(seed), hi(seed)})
 *
 * where lo and hi are the 32-bit halves. The generator has no state: each number can be computed alone, and is the same
 * on every machine.
 *
 * Floating-point values come from exact integer-to-float steps. Where these do not suffice, sums, products, quotients
 * and square roots follow in a fixed order; IEEE 754 defines every bit of them. No function of a mathematical library
 * is used.
 */
#ifndef BACKPROP_RANDOM_H
#define BACKPROP_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/** Number `index` of a stream, uniform over all 32-bit values. */
BP_API uint32_t bp_random_u32(uint64_t seed, uint64_t stream, uint64_t index);

/** Uniform on [-1, 1): ((float)(bp_random_u32 >> 8) - 2^23) * 2^-23. Every step is exact. */
BP_API float bp_random_symmetric(uint64_t seed, uint64_t stream, uint64_t index);

/**
 * Normally distributed, with mean 0 and variance 1: the quantile of u = (bp_random_u32 + 0.5) * 2^-32, between -6.34
 * and 6.34. Each number of the generator gives one normal number, so each can be computed alone.
 *
 * The quantile is PPND7 of M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
 * Statistics 37 (1988). Its relative error is about 1e-7. The computation is in binary64, with products and sums
 * rounded one by one, and q = u - 0.5:
 *
 *   |q| <= 0.425:  r = 0.180625 - q * q;  x = q * A(r) / B(r)
 *   otherwise:     r = sqrt(-log(min(u, 1 - u))) - 1.6;  x = C(r) / D(r), with the sign of q
 *
 * A, B, C and D are the algorithm's cubic and quadratic polynomials, evaluated by Horner's method. log is the series of
 * twelve terms e * log(2) + 2 * s * (1 + s^2/3 + s^4/5 + ...) for m * 2^e, where 1/2 <= m < 1 and
 * s = (m - 1) / (m + 1), evaluated by Horner's method, too. Finally x is rounded to binary32.
 */
BP_API float bp_random_normal(uint64_t seed, uint64_t stream, uint64_t index);

/**
 * A permutation of 0 .. count-1. All permutations are equally likely.
 *
 * It starts as the identity. For k = count-1 down to 1, order[k] is swapped with order[r], where
 * r = ((u * (k + 1)) >> 64). u is the 64-bit number of the stream's 32-bit numbers 2k (low half) and 2k+1 (high half).
 * The bias of r is below count * 2^-64.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_SIZE if count is 0, exceeds 2^32, or exceeds what memory can hold;
 * BP_ERROR_ALIGNMENT.
 */
BP_API bp_status bp_random_permutation(uint32_t *order, size_t count, uint64_t seed, uint64_t stream);

BP_END_DECLS

#endif
