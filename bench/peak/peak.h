/*
 * The most that one core can do, measured: fused multiply-adds on registers alone, and passes over an array that do
 * nothing else.
 */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct core_peak {
    /* A burst runs `rounds` rounds of independent chains, enough of them to hide the latency of fma on every unit. The
       result depends on every chain, so none can be left out. */
    double flop_per_round;
    float (*burst)(size_t rounds, float factor);

    /* Passes over the largest multiple of `pass_step` floats that the array holds. What is read is summed up. */
    size_t pass_step;
    void (*read)(const float *array, size_t count, float *sums /* 16 of them */);
    void (*write)(float *array, size_t count, float value);
    void (*update)(float *array, size_t count, float increment);
} core_peak;

extern const core_peak core_peak_scalar;
extern const core_peak core_peak_avx2;
extern const core_peak core_peak_avx512;
extern const core_peak core_peak_neon;

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

/** What a kernel does with each float of the weights. */
enum class Traffic { read, write, update };

/**
 * One pass over an array with the vectors of `isa`; an update leaves the values as they are. Returns how many floats it
 * went over: all but a remainder of less than 128, or 0 where there is no pass for `isa`.
 */
size_t memory_pass(bp_isa isa, Traffic traffic, float *array, size_t count);
#endif

#endif
