#include <immintrin.h>

#define PEAK core_peak_avx2
#define VECTOR __m256
#define LANES 8
#define CHAINS 12 /* of 16 registers */
#define BROADCAST _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define ADD _mm256_add_ps
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#include "peak_body.h"
