#include "peak.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include <benchmark/benchmark.h>

#include "../thread_seconds.h"

namespace {

// Rounds of a burst: some tens of microseconds, long for the clock, short enough to fall between two interruptions.
const size_t rounds = 20000;

const core_peak *find_core(bp_isa isa) {
    if (!bp_cpu_supports(isa))
        return nullptr;
    switch (isa) {
    case BP_ISA_SCALAR:
        return bp_cpu_covered() ? &core_peak_scalar : nullptr;
#ifdef BENCH_HAVE_AVX2
    case BP_ISA_AVX2:
        return &core_peak_avx2;
#endif
#ifdef BENCH_HAVE_AVX512
    case BP_ISA_AVX512:
        return &core_peak_avx512;
#endif
#ifdef BENCH_HAVE_NEON
    case BP_ISA_NEON:
        return &core_peak_neon;
#endif
    default:
        return nullptr;
    }
}

// Asks the CPU once: on a virtual machine that takes longer than a small kernel.
const core_peak *core_of(bp_isa isa) {
    static const std::vector<const core_peak *> cores = [] {
        std::vector<const core_peak *> found;
        for (int k = 0; bp_isa_name(static_cast<bp_isa>(k)) != nullptr; k++)
            found.push_back(find_core(static_cast<bp_isa>(k)));
        return found;
    }();
    return cores[isa];
}

} // namespace

double measured_peak(bp_isa isa) {
    using clock = std::chrono::steady_clock;
    static std::vector<double> best(16);

    const core_peak *core = core_of(isa);
    if (!core)
        return 0;

    const double flop = rounds * core->flop_per_round;
    const auto until = clock::now() + std::chrono::milliseconds(best[isa] > 0 ? 5 : 200);
    clock::time_point end;
    do {
        const auto start = clock::now();
        benchmark::DoNotOptimize(core->burst(rounds, 1e-5f));
        end = clock::now();
        const std::chrono::duration<double> seconds = end - start;
        best[isa] = std::max(best[isa], flop / seconds.count());
    } while (end < until);
    return best[isa];
}

double peak_now(bp_isa isa, double seconds) {
    const core_peak *core = core_of(isa);
    if (!core)
        return 0;

    const double start = thread_seconds();
    double flop = 0, spent;
    do {
        benchmark::DoNotOptimize(core->burst(rounds, 1e-5f));
        flop += rounds * core->flop_per_round;
        spent = thread_seconds() - start;
    } while (spent < seconds);
    return flop / spent;
}

size_t memory_pass(bp_isa isa, Traffic traffic, float *array, size_t count) {
    const core_peak *core = core_of(isa);
    if (!core)
        return 0;
    switch (traffic) {
    case Traffic::read:
        float sums[16];
        core->read(array, count, sums);
        break;
    case Traffic::write:
        core->write(array, count, 1e-3f);
        break;
    case Traffic::update:
        core->update(array, count, 0);
        break;
    }
    return count / core->pass_step * core->pass_step;
}
