/* Vector operations on AArch64 Advanced SIMD: 4 lanes. The same ones exist in vec_avx2.h and vec_avx512.h. */
#ifndef BP_VEC_NEON_H
#define BP_VEC_NEON_H

#if !defined(__aarch64__) || !defined(__ARM_NEON)
#error "vec_neon.h needs AArch64 with Advanced SIMD"
#endif

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#include <sleef.h>

#define VEC_LANES 4

typedef float32x4_t vec;
typedef uint32x4_t vec_mask; /* all bits of a lane set, or none */
typedef uint64x2_t vec_u64;  /* VEC_LANES / 2 lanes of 64 bits */

static inline vec vec_set1(float x) {
    return vdupq_n_f32(x);
}

/* Lane 0. */
static inline float vec_get0(vec v) {
    return vgetq_lane_f32(v, 0);
}

static inline vec vec_load(const float *p) {
    return vld1q_f32(p);
}

static inline void vec_store(float *p, vec v) {
    vst1q_f32(p, v);
}

/* The first n elements, 0 < n <= VEC_LANES, +0 in the other lanes; touches no memory beyond them. */
static inline vec vec_load_first(const float *p, size_t n) {
    vec v = vdupq_n_f32(0.0f);
    switch (n) {
    case 4:
        return vld1q_f32(p);
    case 3:
        v = vld1q_lane_f32(p + 2, v, 2); /* fall through */
    case 2:
        v = vld1q_lane_f32(p + 1, v, 1); /* fall through */
    default:
        return vld1q_lane_f32(p, v, 0);
    }
}

static inline void vec_store_first(float *p, size_t n, vec v) {
    switch (n) {
    case 4:
        vst1q_f32(p, v);
        return;
    case 3:
        vst1q_lane_f32(p + 2, v, 2); /* fall through */
    case 2:
        vst1q_lane_f32(p + 1, v, 1); /* fall through */
    default:
        vst1q_lane_f32(p, v, 0);
    }
}

/* v in the first n lanes, `other` in the rest. */
static inline vec vec_keep_first(vec v, size_t n, vec other) {
    static const uint32_t lanes[VEC_LANES] = {0, 1, 2, 3};
    return vbslq_f32(vcltq_u32(vld1q_u32(lanes), vdupq_n_u32((uint32_t)n)), v, other);
}

/* Lane l takes lane l + n of v, modulo VEC_LANES. */
static inline vec vec_rotate(vec v, size_t n) {
    static const uint8_t bytes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const uint8x16_t from = vandq_u8(vaddq_u8(vld1q_u8(bytes), vdupq_n_u8((uint8_t)(4 * n))), vdupq_n_u8(15));
    return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(v), from));
}

static inline vec vec_add(vec a, vec b) {
    return vaddq_f32(a, b);
}

static inline vec vec_sub(vec a, vec b) {
    return vsubq_f32(a, b);
}

static inline vec vec_mul(vec a, vec b) {
    return vmulq_f32(a, b);
}

static inline vec vec_div(vec a, vec b) {
    return vdivq_f32(a, b);
}

static inline vec vec_sqrt(vec a) {
    return vsqrtq_f32(a);
}

/* a * b + c, rounded once. */
static inline vec vec_fma(vec a, vec b, vec c) {
    return vfmaq_f32(c, a, b);
}

/* -(a * b) + c, rounded once. */
static inline vec vec_fnma(vec a, vec b, vec c) {
    return vfmsq_f32(c, a, b);
}

static inline vec vec_negate(vec a) {
    return vnegq_f32(a);
}

static inline vec vec_abs(vec a) {
    return vabsq_f32(a);
}

/* a > b ? a : b, so b where either is NaN (which vmaxq_f32 does not give). */
static inline vec vec_max(vec a, vec b) {
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

/* a < b ? a : b, so b where either is NaN (which vminq_f32 does not give). */
static inline vec vec_min(vec a, vec b) {
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

/* a <= b; false where either is NaN. */
static inline vec_mask vec_less_equal(vec a, vec b) {
    return vcleq_f32(a, b);
}

/* a < b; false where either is NaN. */
static inline vec_mask vec_less(vec a, vec b) {
    return vcltq_f32(a, b);
}

/* mask ? a : b */
static inline vec vec_select(vec_mask mask, vec a, vec b) {
    return vbslq_f32(mask, a, b);
}

static inline vec_u64 vec_u64_set1(uint64_t x) {
    return vdupq_n_u64(x);
}

/* first, first + 1, ... */
static inline vec_u64 vec_u64_count(uint64_t first) {
    static const uint64_t lanes[VEC_LANES / 2] = {0, 1};
    return vaddq_u64(vdupq_n_u64(first), vld1q_u64(lanes));
}

/* Products of the lower halves. */
static inline vec_u64 vec_u64_multiply(vec_u64 a, vec_u64 b) {
    return vmull_u32(vmovn_u64(a), vmovn_u64(b));
}

static inline vec_u64 vec_u64_xor(vec_u64 a, vec_u64 b) {
    return veorq_u64(a, b);
}

/* Each upper half, moved to the lower half. */
static inline vec_u64 vec_u64_high(vec_u64 a) {
    return vshrq_n_u64(a, 32);
}

/* Each lower half, moved to the upper half; the lower half becomes zero. */
static inline vec_u64 vec_u64_raise(vec_u64 a) {
    return vshlq_n_u64(a, 32);
}

/* The lower 16 bits of each half, moved to its upper 16 bits. */
static inline vec_u64 vec_u32_shift16(vec_u64 a) {
    return vreinterpretq_u64_u32(vshlq_n_u32(vreinterpretq_u32_u64(a), 16));
}

/* a >= b for each half, as for each lane of a vec. */
static inline vec_mask vec_u32_at_least(vec_u64 a, vec_u64 b) {
    return vcgeq_u32(vreinterpretq_u32_u64(a), vreinterpretq_u32_u64(b));
}

/* x > 0 ? 1 : x < 0 ? -1 : x */
static inline vec vec_sign(vec x) {
    const vec zero = vec_set1(0.0f);
    return vec_select(vec_less(zero, x), vec_set1(1.0f), vec_select(vec_less(x, zero), vec_set1(-1.0f), x));
}

/* Transposes the VEC_LANES x VEC_LANES matrix whose rows are r[0], r[1], ... */
static inline void vec_transpose(vec r[VEC_LANES]) {
    const float32x4x2_t low = vtrnq_f32(r[0], r[1]), high = vtrnq_f32(r[2], r[3]);
    r[0] = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
    r[1] = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
    r[2] = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
    r[3] = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
}

/*
 * SLEEF's deterministic functions; SLEEF 4 drops the finz_ prefix. SLEEF's header does not declare them const. These
 * declarations do, so that the compiler can drop results that are unused or computed twice.
 */
extern __typeof__(Sleef_finz_cosf4_u10advsimd) Sleef_finz_cosf4_u10advsimd __attribute__((const));
extern __typeof__(Sleef_finz_cosf4_u35advsimd) Sleef_finz_cosf4_u35advsimd __attribute__((const));
extern __typeof__(Sleef_finz_erfcf4_u15advsimd) Sleef_finz_erfcf4_u15advsimd __attribute__((const));
extern __typeof__(Sleef_finz_expf4_u10advsimd) Sleef_finz_expf4_u10advsimd __attribute__((const));
extern __typeof__(Sleef_finz_log1pf4_u10advsimd) Sleef_finz_log1pf4_u10advsimd __attribute__((const));
extern __typeof__(Sleef_finz_logf4_u10advsimd) Sleef_finz_logf4_u10advsimd __attribute__((const));
extern __typeof__(Sleef_finz_sinf4_u35advsimd) Sleef_finz_sinf4_u35advsimd __attribute__((const));
extern __typeof__(Sleef_finz_tanhf4_u35advsimd) Sleef_finz_tanhf4_u35advsimd __attribute__((const));

static inline vec vec_exp(vec x) {
    return Sleef_finz_expf4_u10advsimd(x);
}

static inline vec vec_log(vec x) {
    return Sleef_finz_logf4_u10advsimd(x);
}

static inline vec vec_log1p(vec x) {
    return Sleef_finz_log1pf4_u10advsimd(x);
}

static inline vec vec_cos(vec x) {
    return Sleef_finz_cosf4_u10advsimd(x);
}

static inline vec vec_tanh(vec x) {
    return Sleef_finz_tanhf4_u35advsimd(x);
}

static inline vec vec_erfc(vec x) {
    return Sleef_finz_erfcf4_u15advsimd(x);
}

static inline vec vec_sin_u35(vec x) {
    return Sleef_finz_sinf4_u35advsimd(x);
}

static inline vec vec_cos_u35(vec x) {
    return Sleef_finz_cosf4_u35advsimd(x);
}

#endif
