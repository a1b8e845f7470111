/* What this CPU and its operating system can run. */
#ifndef BP_DISPATCH_CPU_H
#define BP_DISPATCH_CPU_H

#include <stdbool.h>

typedef struct bp_cpu_features {
    bool fma;    /* scalar fused multiply-add: the contract covers this CPU */
    bool avx2;   /* AVX2 and FMA, with the YMM state enabled */
    bool avx512; /* also F, BW, DQ and VL, with the ZMM and mask state enabled */
    bool neon;
} bp_cpu_features;

/** Asks the processor at each call, which takes about a microsecond under a hypervisor. */
bp_cpu_features bp_cpu_detect(void);

#endif
