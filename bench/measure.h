/* Timing of one kernel call, and what is reported of it. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <functional>

#include <backprop/cpu.h>
#include <benchmark/benchmark.h>

/** What one call does; a field that does not say much about a kernel stays zero. */
struct Work {
    double flop;    // compared with the FMA peak
    double bytes;   // read and written
    double items;   // elements
    double weights; // floats that cannot be moved in less time than by `pass`, below
};

/**
 * Runs `call` as the body of a benchmark and sets the counters that README.md explains. `pass`, if given, moves the
 * weights as the call does and does nothing else, and returns how many floats it moved; it runs in turns with the call.
 */
void measure(benchmark::State &state, bp_isa isa, const Work &work, const std::function<void()> &call,
             const std::function<size_t()> &pass = {});

#endif
