#include <immintrin.h>

#define PEAK peak_burst_avx2
#define VECTOR __m256
#define LANES 8
#define CHAINS 12 /* of 16 registers */
#define BROADCAST _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define STORE _mm256_storeu_ps
#include "peak_body.h"
