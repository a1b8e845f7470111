/* Vector operations on AVX2 and FMA: 8 lanes. The same ones exist in vec_avx512.h and vec_neon.h. */
#ifndef BP_VEC_AVX2_H
#define BP_VEC_AVX2_H

#if !defined(__AVX2__) || !defined(__FMA__)
#error "vec_avx2.h needs -mavx2 -mfma"
#endif

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include <sleef.h>

#define VEC_LANES 8

typedef __m256 vec;
typedef __m256 vec_mask; /* all bits of a lane set, or none */
typedef __m256i vec_u64; /* VEC_LANES / 2 lanes of 64 bits */

static inline vec vec_set1(float x) {
    return _mm256_set1_ps(x);
}

/* Lane 0. */
static inline float vec_get0(vec v) {
    return _mm256_cvtss_f32(v);
}

static inline vec vec_load(const float *p) {
    return _mm256_loadu_ps(p);
}

static inline void vec_store(float *p, vec v) {
    _mm256_storeu_ps(p, v);
}

/* Lanes 0..n-1, for 0 < n <= VEC_LANES. */
static inline __m256i vec_first_lanes(size_t n) {
    static const int32_t lanes[2 * VEC_LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(lanes + VEC_LANES - n));
}

/* The first n elements, 0 < n <= VEC_LANES, +0 in the other lanes; touches no memory beyond them. */
static inline vec vec_load_first(const float *p, size_t n) {
    return _mm256_maskload_ps(p, vec_first_lanes(n));
}

/* In pieces: a masked store takes AMD's processors dozens of micro-operations. */
static inline void vec_store_first(float *p, size_t n, vec v) {
    __m128 four = _mm256_castps256_ps128(v);
    if (n == VEC_LANES) {
        _mm256_storeu_ps(p, v);
        return;
    }
    if (n & 4) {
        _mm_storeu_ps(p, four);
        four = _mm256_extractf128_ps(v, 1);
        p += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)p, four);
        four = _mm_movehl_ps(four, four);
        p += 2;
    }
    if (n & 1)
        _mm_store_ss(p, four);
}

/* v in the first n lanes, `other` in the rest. */
static inline vec vec_keep_first(vec v, size_t n, vec other) {
    return _mm256_blendv_ps(other, v, _mm256_castsi256_ps(vec_first_lanes(n)));
}

/* Lane l takes lane l + n of v, modulo VEC_LANES. */
static inline vec vec_rotate(vec v, size_t n) {
    const __m256i lanes = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    return _mm256_permutevar8x32_ps(v, _mm256_add_epi32(lanes, _mm256_set1_epi32((int)n)));
}

static inline vec vec_add(vec a, vec b) {
    return _mm256_add_ps(a, b);
}

static inline vec vec_sub(vec a, vec b) {
    return _mm256_sub_ps(a, b);
}

static inline vec vec_mul(vec a, vec b) {
    return _mm256_mul_ps(a, b);
}

static inline vec vec_div(vec a, vec b) {
    return _mm256_div_ps(a, b);
}

static inline vec vec_sqrt(vec a) {
    return _mm256_sqrt_ps(a);
}

/* a * b + c, rounded once. */
static inline vec vec_fma(vec a, vec b, vec c) {
    return _mm256_fmadd_ps(a, b, c);
}

/* -(a * b) + c, rounded once. */
static inline vec vec_fnma(vec a, vec b, vec c) {
    return _mm256_fnmadd_ps(a, b, c);
}

static inline vec vec_negate(vec a) {
    return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f));
}

static inline vec vec_abs(vec a) {
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

/* a > b ? a : b, so b where either is NaN. */
static inline vec vec_max(vec a, vec b) {
    return _mm256_max_ps(a, b);
}

/* a < b ? a : b, so b where either is NaN. */
static inline vec vec_min(vec a, vec b) {
    return _mm256_min_ps(a, b);
}

/* a <= b; false where either is NaN. */
static inline vec_mask vec_less_equal(vec a, vec b) {
    return _mm256_cmp_ps(a, b, _CMP_LE_OQ);
}

/* a < b; false where either is NaN. */
static inline vec_mask vec_less(vec a, vec b) {
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

/* mask ? a : b */
static inline vec vec_select(vec_mask mask, vec a, vec b) {
    return _mm256_blendv_ps(b, a, mask);
}

static inline vec_u64 vec_u64_set1(uint64_t x) {
    return _mm256_set1_epi64x((long long)x);
}

/* first, first + 1, ... */
static inline vec_u64 vec_u64_count(uint64_t first) {
    return _mm256_add_epi64(_mm256_set1_epi64x((long long)first), _mm256_set_epi64x(3, 2, 1, 0));
}

/* Products of the lower halves. */
static inline vec_u64 vec_u64_multiply(vec_u64 a, vec_u64 b) {
    return _mm256_mul_epu32(a, b);
}

static inline vec_u64 vec_u64_xor(vec_u64 a, vec_u64 b) {
    return _mm256_xor_si256(a, b);
}

/* Each upper half, moved to the lower half. */
static inline vec_u64 vec_u64_high(vec_u64 a) {
    return _mm256_srli_epi64(a, 32);
}

/* Each lower half, moved to the upper half; the lower half becomes zero. */
static inline vec_u64 vec_u64_raise(vec_u64 a) {
    return _mm256_slli_epi64(a, 32);
}

/* The lower 16 bits of each half, moved to its upper 16 bits. */
static inline vec_u64 vec_u32_shift16(vec_u64 a) {
    return _mm256_slli_epi32(a, 16);
}

/* a >= b for each half, as for each lane of a vec. */
static inline vec_mask vec_u32_at_least(vec_u64 a, vec_u64 b) {
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a));
}

/* x > 0 ? 1 : x < 0 ? -1 : x */
static inline vec vec_sign(vec x) {
    const vec zero = vec_set1(0.0f);
    return vec_select(vec_less(zero, x), vec_set1(1.0f), vec_select(vec_less(x, zero), vec_set1(-1.0f), x));
}

/* Transposes the VEC_LANES x VEC_LANES matrix whose rows are r[0], r[1], ... */
static inline void vec_transpose(vec r[VEC_LANES]) {
    const __m256 a0 = _mm256_unpacklo_ps(r[0], r[1]), a1 = _mm256_unpackhi_ps(r[0], r[1]);
    const __m256 a2 = _mm256_unpacklo_ps(r[2], r[3]), a3 = _mm256_unpackhi_ps(r[2], r[3]);
    const __m256 a4 = _mm256_unpacklo_ps(r[4], r[5]), a5 = _mm256_unpackhi_ps(r[4], r[5]);
    const __m256 a6 = _mm256_unpacklo_ps(r[6], r[7]), a7 = _mm256_unpackhi_ps(r[6], r[7]);
    const __m256 b0 = _mm256_shuffle_ps(a0, a2, 0x44), b1 = _mm256_shuffle_ps(a0, a2, 0xee);
    const __m256 b2 = _mm256_shuffle_ps(a1, a3, 0x44), b3 = _mm256_shuffle_ps(a1, a3, 0xee);
    const __m256 b4 = _mm256_shuffle_ps(a4, a6, 0x44), b5 = _mm256_shuffle_ps(a4, a6, 0xee);
    const __m256 b6 = _mm256_shuffle_ps(a5, a7, 0x44), b7 = _mm256_shuffle_ps(a5, a7, 0xee);
    r[0] = _mm256_permute2f128_ps(b0, b4, 0x20);
    r[1] = _mm256_permute2f128_ps(b1, b5, 0x20);
    r[2] = _mm256_permute2f128_ps(b2, b6, 0x20);
    r[3] = _mm256_permute2f128_ps(b3, b7, 0x20);
    r[4] = _mm256_permute2f128_ps(b0, b4, 0x31);
    r[5] = _mm256_permute2f128_ps(b1, b5, 0x31);
    r[6] = _mm256_permute2f128_ps(b2, b6, 0x31);
    r[7] = _mm256_permute2f128_ps(b3, b7, 0x31);
}

/*
 * SLEEF's deterministic functions; SLEEF 4 drops the finz_ prefix. SLEEF's header does not declare them const. These
 * declarations do, so that the compiler can drop results that are unused or computed twice.
 */
extern __typeof__(Sleef_finz_cosf8_u10avx2) Sleef_finz_cosf8_u10avx2 __attribute__((const));
extern __typeof__(Sleef_finz_cosf8_u35avx2) Sleef_finz_cosf8_u35avx2 __attribute__((const));
extern __typeof__(Sleef_finz_erfcf8_u15avx2) Sleef_finz_erfcf8_u15avx2 __attribute__((const));
extern __typeof__(Sleef_finz_expf8_u10avx2) Sleef_finz_expf8_u10avx2 __attribute__((const));
extern __typeof__(Sleef_finz_log1pf8_u10avx2) Sleef_finz_log1pf8_u10avx2 __attribute__((const));
extern __typeof__(Sleef_finz_logf8_u10avx2) Sleef_finz_logf8_u10avx2 __attribute__((const));
extern __typeof__(Sleef_finz_sinf8_u35avx2) Sleef_finz_sinf8_u35avx2 __attribute__((const));
extern __typeof__(Sleef_finz_tanhf8_u35avx2) Sleef_finz_tanhf8_u35avx2 __attribute__((const));

static inline vec vec_exp(vec x) {
    return Sleef_finz_expf8_u10avx2(x);
}

static inline vec vec_log(vec x) {
    return Sleef_finz_logf8_u10avx2(x);
}

static inline vec vec_log1p(vec x) {
    return Sleef_finz_log1pf8_u10avx2(x);
}

static inline vec vec_cos(vec x) {
    return Sleef_finz_cosf8_u10avx2(x);
}

static inline vec vec_tanh(vec x) {
    return Sleef_finz_tanhf8_u35avx2(x);
}

static inline vec vec_erfc(vec x) {
    return Sleef_finz_erfcf8_u15avx2(x);
}

static inline vec vec_sin_u35(vec x) {
    return Sleef_finz_sinf8_u35avx2(x);
}

static inline vec vec_cos_u35(vec x) {
    return Sleef_finz_cosf8_u35avx2(x);
}

#endif
