/*
 * One table entry, written once. The including file defines
 *   PEAK      name of the table entry          VECTOR     type of a register, LANES floats
 *   CHAINS    accumulators, all in registers   BROADCAST  (float) -> VECTOR
 *   FMA       (a, b, c) -> a * b + c           ADD        (a, b) -> a + b
 *   LOAD      (const float *) -> VECTOR        STORE      (float *, VECTOR)
 */
#include "peak.h"

enum { STREAM = 8, PASS_STEP = STREAM * LANES }; /* vectors and floats of one round of a pass */

static float burst(size_t rounds, float factor) {
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

static void pass_read(const float *array, size_t count, float *sums) {
    VECTOR sum[STREAM];
    for (int v = 0; v < STREAM; v++)
        sum[v] = BROADCAST(0);
    for (const float *end = array + count / PASS_STEP * PASS_STEP; array < end; array += PASS_STEP) {
#pragma GCC unroll 8
        for (int v = 0; v < STREAM; v++)
            sum[v] = ADD(sum[v], LOAD(array + v * LANES));
    }
    for (int half = STREAM / 2; half > 0; half /= 2)
        for (int v = 0; v < half; v++)
            sum[v] = ADD(sum[v], sum[v + half]);
    STORE(sums, sum[0]);
}

static void pass_write(float *array, size_t count, float value) {
    const VECTOR values = BROADCAST(value);
    for (const float *end = array + count / PASS_STEP * PASS_STEP; array < end; array += PASS_STEP) {
#pragma GCC unroll 8
        for (int v = 0; v < STREAM; v++)
            STORE(array + v * LANES, values);
    }
}

static void pass_update(float *array, size_t count, float increment) {
    const VECTOR increments = BROADCAST(increment);
    for (const float *end = array + count / PASS_STEP * PASS_STEP; array < end; array += PASS_STEP) {
#pragma GCC unroll 8
        for (int v = 0; v < STREAM; v++)
            STORE(array + v * LANES, ADD(LOAD(array + v * LANES), increments));
    }
}

const core_peak PEAK = {2.0 * LANES * CHAINS, burst, PASS_STEP, pass_read, pass_write, pass_update};
