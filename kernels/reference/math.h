/*
 * The scalar transcendental functions. Only this file and the vec_ headers know SLEEF's names.
 *
 * SLEEF's finz_ functions give the same bits on every instruction set with fused multiply-add; SLEEF 4 drops that
 * prefix. Without fma (an x86 CPU outside the contract) the cinz_ functions replace them.
 */
#ifndef BP_REFERENCE_MATH_H
#define BP_REFERENCE_MATH_H

#include <math.h>

/* sleef.h declares the scalar fma functions only if both are defined. */
#if defined(__FMA__) || defined(__aarch64__)
#ifndef FP_FAST_FMA
#define FP_FAST_FMA 1
#endif
#ifndef FP_FAST_FMAF
#define FP_FAST_FMAF 1
#endif
#include <sleef.h>
#define math_cos Sleef_finz_cosf1_u10purecfma
#define math_exp Sleef_finz_expf1_u10purecfma
#define math_log Sleef_finz_logf1_u10purecfma
#define math_log1p Sleef_finz_log1pf1_u10purecfma
#define math_tanh Sleef_finz_tanhf1_u35purecfma
#define math_erfc Sleef_finz_erfcf1_u15purecfma
#define math_sin_u35 Sleef_finz_sinf1_u35purecfma
#define math_cos_u35 Sleef_finz_cosf1_u35purecfma
#else
#include <sleef.h>
#define math_cos Sleef_cinz_cosf1_u10purec
#define math_exp Sleef_cinz_expf1_u10purec
#define math_log Sleef_cinz_logf1_u10purec
#define math_log1p Sleef_cinz_log1pf1_u10purec
#define math_tanh Sleef_cinz_tanhf1_u35purec
#define math_erfc Sleef_cinz_erfcf1_u15purec
#define math_sin_u35 Sleef_cinz_sinf1_u35purec
#define math_cos_u35 Sleef_cinz_cosf1_u35purec
#endif

#endif
