#include <immintrin.h>

#define PEAK core_peak_avx512
#define VECTOR __m512
#define LANES 16
#define CHAINS 24 /* of 32 registers */
#define BROADCAST _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#define ADD _mm512_add_ps
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#include "peak_body.h"
