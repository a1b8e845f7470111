/* Vector operations on AVX-512 F, BW, DQ and VL: 16 lanes. The same ones exist in vec_avx2.h and vec_neon.h. */
#ifndef BP_VEC_AVX512_H
#define BP_VEC_AVX512_H

#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) || !defined(__AVX512VL__)
#error "vec_avx512.h needs -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include <sleef.h>

#define VEC_LANES 16

typedef __m512 vec;
typedef __mmask16 vec_mask;
typedef __m512i vec_u64; /* VEC_LANES / 2 lanes of 64 bits */

static inline vec vec_set1(float x) {
    return _mm512_set1_ps(x);
}

/* Lane 0. */
static inline float vec_get0(vec v) {
    return _mm512_cvtss_f32(v);
}

static inline vec vec_load(const float *p) {
    return _mm512_loadu_ps(p);
}

static inline void vec_store(float *p, vec v) {
    _mm512_storeu_ps(p, v);
}

/* Lanes 0..n-1, for 0 < n <= VEC_LANES. */
static inline vec_mask vec_first_lanes(size_t n) {
    return (vec_mask)(0xffffu >> (VEC_LANES - n));
}

/* The first n elements, 0 < n <= VEC_LANES, +0 in the other lanes; touches no memory beyond them. */
static inline vec vec_load_first(const float *p, size_t n) {
    return _mm512_maskz_loadu_ps(vec_first_lanes(n), p);
}

static inline void vec_store_first(float *p, size_t n, vec v) {
    _mm512_mask_storeu_ps(p, vec_first_lanes(n), v);
}

/* v in the first n lanes, `other` in the rest. */
static inline vec vec_keep_first(vec v, size_t n, vec other) {
    return _mm512_mask_blend_ps(vec_first_lanes(n), other, v);
}

/* Lane l takes lane l + n of v, modulo VEC_LANES. */
static inline vec vec_rotate(vec v, size_t n) {
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_permutexvar_ps(_mm512_add_epi32(lanes, _mm512_set1_epi32((int)n)), v);
}

static inline vec vec_add(vec a, vec b) {
    return _mm512_add_ps(a, b);
}

static inline vec vec_sub(vec a, vec b) {
    return _mm512_sub_ps(a, b);
}

static inline vec vec_mul(vec a, vec b) {
    return _mm512_mul_ps(a, b);
}

static inline vec vec_div(vec a, vec b) {
    return _mm512_div_ps(a, b);
}

static inline vec vec_sqrt(vec a) {
    return _mm512_sqrt_ps(a);
}

/* a * b + c, rounded once. */
static inline vec vec_fma(vec a, vec b, vec c) {
    return _mm512_fmadd_ps(a, b, c);
}

/* -(a * b) + c, rounded once. */
static inline vec vec_fnma(vec a, vec b, vec c) {
    return _mm512_fnmadd_ps(a, b, c);
}

static inline vec vec_negate(vec a) {
    return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f));
}

static inline vec vec_abs(vec a) {
    return _mm512_abs_ps(a);
}

/* a > b ? a : b, so b where either is NaN. */
static inline vec vec_max(vec a, vec b) {
    return _mm512_max_ps(a, b);
}

/* a < b ? a : b, so b where either is NaN. */
static inline vec vec_min(vec a, vec b) {
    return _mm512_min_ps(a, b);
}

/* a <= b; false where either is NaN. */
static inline vec_mask vec_less_equal(vec a, vec b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}

/* a < b; false where either is NaN. */
static inline vec_mask vec_less(vec a, vec b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

/* mask ? a : b */
static inline vec vec_select(vec_mask mask, vec a, vec b) {
    return _mm512_mask_blend_ps(mask, b, a);
}

static inline vec_u64 vec_u64_set1(uint64_t x) {
    return _mm512_set1_epi64((long long)x);
}

/* first, first + 1, ... */
static inline vec_u64 vec_u64_count(uint64_t first) {
    return _mm512_add_epi64(_mm512_set1_epi64((long long)first), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
}

/* Products of the lower halves. */
static inline vec_u64 vec_u64_multiply(vec_u64 a, vec_u64 b) {
    return _mm512_mul_epu32(a, b);
}

static inline vec_u64 vec_u64_xor(vec_u64 a, vec_u64 b) {
    return _mm512_xor_si512(a, b);
}

/* Each upper half, moved to the lower half. */
static inline vec_u64 vec_u64_high(vec_u64 a) {
    return _mm512_srli_epi64(a, 32);
}

/* Each lower half, moved to the upper half; the lower half becomes zero. */
static inline vec_u64 vec_u64_raise(vec_u64 a) {
    return _mm512_slli_epi64(a, 32);
}

/* The lower 16 bits of each half, moved to its upper 16 bits. */
static inline vec_u64 vec_u32_shift16(vec_u64 a) {
    return _mm512_slli_epi32(a, 16);
}

/* a >= b for each half, as for each lane of a vec. */
static inline vec_mask vec_u32_at_least(vec_u64 a, vec_u64 b) {
    return _mm512_cmpge_epu32_mask(a, b);
}

/* x > 0 ? 1 : x < 0 ? -1 : x */
static inline vec vec_sign(vec x) {
    const vec zero = vec_set1(0.0f);
    return vec_select(vec_less(zero, x), vec_set1(1.0f), vec_select(vec_less(x, zero), vec_set1(-1.0f), x));
}

/* Transposes the VEC_LANES x VEC_LANES matrix whose rows are r[0], r[1], ... */
static inline void vec_transpose(vec r[VEC_LANES]) {
    __m512 t[VEC_LANES];
    /* 4 x 4 blocks within the 128-bit lanes ... */
    for (int k = 0; k < VEC_LANES; k += 4) {
        const __m512 a0 = _mm512_unpacklo_ps(r[k], r[k + 1]), a1 = _mm512_unpackhi_ps(r[k], r[k + 1]);
        const __m512 a2 = _mm512_unpacklo_ps(r[k + 2], r[k + 3]), a3 = _mm512_unpackhi_ps(r[k + 2], r[k + 3]);
        t[k] = _mm512_shuffle_ps(a0, a2, 0x44);
        t[k + 1] = _mm512_shuffle_ps(a0, a2, 0xee);
        t[k + 2] = _mm512_shuffle_ps(a1, a3, 0x44);
        t[k + 3] = _mm512_shuffle_ps(a1, a3, 0xee);
    }
    /* ... then the 4 x 4 matrix of those lanes, for each column of a block. */
    for (int k = 0; k < 4; k++) {
        const __m512 b0 = _mm512_shuffle_f32x4(t[k], t[k + 4], 0x88), b1 = _mm512_shuffle_f32x4(t[k], t[k + 4], 0xdd);
        const __m512 b2 = _mm512_shuffle_f32x4(t[k + 8], t[k + 12], 0x88);
        const __m512 b3 = _mm512_shuffle_f32x4(t[k + 8], t[k + 12], 0xdd);
        r[k] = _mm512_shuffle_f32x4(b0, b2, 0x88);
        r[k + 4] = _mm512_shuffle_f32x4(b1, b3, 0x88);
        r[k + 8] = _mm512_shuffle_f32x4(b0, b2, 0xdd);
        r[k + 12] = _mm512_shuffle_f32x4(b1, b3, 0xdd);
    }
}

/*
 * SLEEF's deterministic functions; SLEEF 4 drops the finz_ prefix. SLEEF's header does not declare them const. These
 * declarations do, so that the compiler can drop results that are unused or computed twice.
 */
extern __typeof__(Sleef_finz_cosf16_u10avx512f) Sleef_finz_cosf16_u10avx512f __attribute__((const));
extern __typeof__(Sleef_finz_cosf16_u35avx512f) Sleef_finz_cosf16_u35avx512f __attribute__((const));
extern __typeof__(Sleef_finz_erfcf16_u15avx512f) Sleef_finz_erfcf16_u15avx512f __attribute__((const));
extern __typeof__(Sleef_finz_expf16_u10avx512f) Sleef_finz_expf16_u10avx512f __attribute__((const));
extern __typeof__(Sleef_finz_log1pf16_u10avx512f) Sleef_finz_log1pf16_u10avx512f __attribute__((const));
extern __typeof__(Sleef_finz_logf16_u10avx512f) Sleef_finz_logf16_u10avx512f __attribute__((const));
extern __typeof__(Sleef_finz_sinf16_u35avx512f) Sleef_finz_sinf16_u35avx512f __attribute__((const));
extern __typeof__(Sleef_finz_tanhf16_u35avx512f) Sleef_finz_tanhf16_u35avx512f __attribute__((const));

static inline vec vec_exp(vec x) {
    return Sleef_finz_expf16_u10avx512f(x);
}

static inline vec vec_log(vec x) {
    return Sleef_finz_logf16_u10avx512f(x);
}

static inline vec vec_log1p(vec x) {
    return Sleef_finz_log1pf16_u10avx512f(x);
}

static inline vec vec_cos(vec x) {
    return Sleef_finz_cosf16_u10avx512f(x);
}

static inline vec vec_tanh(vec x) {
    return Sleef_finz_tanhf16_u35avx512f(x);
}

static inline vec vec_erfc(vec x) {
    return Sleef_finz_erfcf16_u15avx512f(x);
}

static inline vec vec_sin_u35(vec x) {
    return Sleef_finz_sinf16_u35avx512f(x);
}

static inline vec vec_cos_u35(vec x) {
    return Sleef_finz_cosf16_u35avx512f(x);
}

#endif
