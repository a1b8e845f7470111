#include "measure.h"

#include <algorithm>
#include <vector>

#include "peak/peak.h"
#include "thread_seconds.h"

namespace {

// The smallest time that at least `fraction` of the samples do not exceed.
double percentile(std::vector<double> &samples, double fraction) {
    const auto rank = static_cast<size_t>(fraction * static_cast<double>(samples.size() - 1));
    std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(rank), samples.end());
    return samples[rank];
}

// Calls that are timed together: reading the clock costs up to a microsecond, here less than a part in a hundred.
int64_t group_size(const std::function<void()> &call) {
    const double group_seconds = 200e-6;
    call(); // warms caches, pages and the vector units
    for (int64_t calls = 1;; calls *= 2) {
        const double start = thread_seconds();
        for (int64_t i = 0; i < calls; i++)
            call();
        if (thread_seconds() - start >= group_seconds)
            return calls;
    }
}

} // namespace

void measure(benchmark::State &state, bp_isa isa, const Work &work, const std::function<void()> &call) {
    const int64_t calls = group_size(call);
    const bool counts_flop = work.flop > 0 && measured_peak(isa) > 0;
    std::vector<double> samples, paired;
    samples.reserve(static_cast<size_t>(state.max_iterations / calls) + 1);
    paired.reserve(samples.capacity());

    double peak_before = counts_flop ? peak_now(isa, 1e-3) : 0;
    while (state.KeepRunningBatch(calls)) {
        const double start = thread_seconds();
        for (int64_t i = 0; i < calls; i++)
            call();
        const double seconds = thread_seconds() - start;
        samples.push_back(seconds / static_cast<double>(calls));
        if (counts_flop) {
            state.PauseTiming();
            const double peak_after = peak_now(isa, std::min(0.1 * seconds, 2e-3));
            state.ResumeTiming();
            const double rate = work.flop * static_cast<double>(calls) / seconds;
            paired.push_back(rate / (0.5 * (peak_before + peak_after)));
            peak_before = peak_after;
        }
    }

    if (work.flop > 0)
        state.counters["FLOPS"] = benchmark::Counter(work.flop, benchmark::Counter::kIsIterationInvariantRate);
    if (counts_flop) {
        // Measured again after the calls: the peak is the largest of the run, never a stale small one.
        const double peak = measured_peak(isa);
        state.counters["peak"] = peak;
        state.counters["peak_fraction"] = work.flop / percentile(samples, 0.1) / peak;
        state.counters["peak_fraction_median"] = work.flop / percentile(samples, 0.5) / peak;
        state.counters["peak_fraction_paired"] = percentile(paired, 0.5);
    }
    if (work.bytes > 0)
        state.SetBytesProcessed(static_cast<int64_t>(work.bytes) * state.iterations());
    if (work.items > 0)
        state.SetItemsProcessed(static_cast<int64_t>(work.items) * state.iterations());
}
