/*
 * One burst, written once. The including file defines
 *   PEAK      name of the table entry          VECTOR     type of a register, LANES floats
 *   CHAINS    accumulators, all in registers   BROADCAST  (float) -> VECTOR
 *   FMA       (a, b, c) -> a * b + c           STORE      (float *, VECTOR)
 */
#include "peak.h"

static float run(size_t rounds, float factor) {
    const VECTOR a = BROADCAST(factor);
    VECTOR sum[CHAINS];
    for (int c = 0; c < CHAINS; c++)
        sum[c] = BROADCAST((float)c);
    for (size_t r = 0; r < rounds; r++) {
#pragma GCC unroll 32
        for (int c = 0; c < CHAINS; c++)
            sum[c] = FMA(a, a, sum[c]);
    }
    float total = 0;
    for (int c = 0; c < CHAINS; c++) {
        float values[LANES];
        STORE(values, sum[c]);
        for (int l = 0; l < LANES; l++)
            total += values[l];
    }
    return total;
}

const peak_burst PEAK = {2.0 * LANES * CHAINS, run};
