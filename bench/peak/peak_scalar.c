#include <math.h>

#define PEAK core_peak_scalar
#define VECTOR float
#define LANES 1
#define CHAINS 12
#define BROADCAST(value) (value)
#define FMA(a, b, c) fmaf(a, b, c)
#define ADD(a, b) ((a) + (b))
#define LOAD(from) (*(from))
#define STORE(to, value) (*(to) = (value))
#include "peak_body.h"
