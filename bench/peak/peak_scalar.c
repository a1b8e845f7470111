#include <math.h>

#define PEAK peak_burst_scalar
#define VECTOR float
#define LANES 1
#define CHAINS 12
#define BROADCAST(value) (value)
#define FMA(a, b, c) fmaf(a, b, c)
#define STORE(to, value) (*(to) = (value))
#include "peak_body.h"
