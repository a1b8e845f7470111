#include "peak.h"

#include <algorithm>
#include <chrono>

#include <benchmark/benchmark.h>

#include "../thread_seconds.h"

namespace {

// Rounds of a burst: some tens of microseconds, long for the clock, short enough to fall between two interruptions.
const size_t rounds = 20000;

const peak_burst *burst_of(bp_isa isa) {
    if (!bp_cpu_supports(isa))
        return nullptr;
    switch (isa) {
    case BP_ISA_SCALAR:
        return bp_cpu_covered() ? &peak_burst_scalar : nullptr;
#ifdef BENCH_HAVE_AVX2
    case BP_ISA_AVX2:
        return &peak_burst_avx2;
#endif
#ifdef BENCH_HAVE_AVX512
    case BP_ISA_AVX512:
        return &peak_burst_avx512;
#endif
#ifdef BENCH_HAVE_NEON
    case BP_ISA_NEON:
        return &peak_burst_neon;
#endif
    default:
        return nullptr;
    }
}

} // namespace

double measured_peak(bp_isa isa) {
    using clock = std::chrono::steady_clock;
    static double best[BP_ISA_COUNT];

    const peak_burst *burst = burst_of(isa);
    if (!burst)
        return 0;

    const double flop = rounds * burst->flop_per_round;
    const auto until = clock::now() + std::chrono::milliseconds(best[isa] > 0 ? 5 : 200);
    clock::time_point end;
    do {
        const auto start = clock::now();
        benchmark::DoNotOptimize(burst->run(rounds, 1e-5f));
        end = clock::now();
        const std::chrono::duration<double> seconds = end - start;
        best[isa] = std::max(best[isa], flop / seconds.count());
    } while (end < until);
    return best[isa];
}

double peak_now(bp_isa isa, double seconds) {
    const peak_burst *burst = burst_of(isa);
    if (!burst)
        return 0;

    const double start = thread_seconds();
    double flop = 0, spent;
    do {
        benchmark::DoNotOptimize(burst->run(rounds, 1e-5f));
        flop += rounds * burst->flop_per_round;
        spent = thread_seconds() - start;
    } while (spent < seconds);
    return flop / spent;
}
