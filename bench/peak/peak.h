/*
 * The most floating-point operations that one core can do: fused multiply-adds on registers alone.
 *
 * A burst runs `rounds` rounds of independent chains, enough of them to hide the latency of fma on every unit.
 */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct peak_burst {
    double flop_per_round;
    float (*run)(size_t rounds, float factor); /* the result depends on every chain, so none can be left out */
} peak_burst;

extern const peak_burst peak_burst_scalar;
extern const peak_burst peak_burst_avx2;
extern const peak_burst peak_burst_avx512;
extern const peak_burst peak_burst_neon;

#ifdef __cplusplus
}

#include <backprop/cpu.h>

/**
 * FLOP/s of one core on `isa`: the largest rate of any burst in this run so far. The first call measures for 200 ms,
 * each later one for 5 ms more. 0 where the machine has no fused multiply-add.
 */
double measured_peak(bp_isa isa);

/**
 * FLOP/s that the core reaches on `isa` right now: the mean over bursts that take `seconds` of the thread's time, or a
 * burst's length if that is more. 0 as above.
 */
double peak_now(bp_isa isa, double seconds);
#endif

#endif
