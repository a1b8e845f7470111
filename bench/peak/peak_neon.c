#include <arm_neon.h>

#define PEAK core_peak_neon
#define VECTOR float32x4_t
#define LANES 4
#define CHAINS 24 /* of 32 registers; the widest cores have four units of four cycles */
#define BROADCAST vdupq_n_f32
#define FMA(a, b, c) vfmaq_f32(c, a, b)
#define ADD vaddq_f32
#define LOAD vld1q_f32
#define STORE vst1q_f32
#include "peak_body.h"
