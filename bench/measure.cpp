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

template <typename Call> double seconds_of(int64_t calls, const Call &call) {
    const double start = thread_seconds();
    for (int64_t i = 0; i < calls; i++)
        call();
    return thread_seconds() - start;
}

// Calls that are timed together: reading the clock costs up to a microsecond, here less than a part in a hundred.
int64_t group_size(const std::function<void()> &call) {
    const double group_seconds = 200e-6;
    call(); // warms caches, pages and the vector units
    int64_t calls = 1;
    while (seconds_of(calls, call) < group_seconds)
        calls *= 2;
    return calls;
}

} // namespace

void measure(benchmark::State &state, bp_isa isa, const Work &work, const std::function<void()> &call,
             const std::function<size_t()> &pass) {
    const int64_t calls = group_size(call);
    const bool counts_flop = work.flop > 0 && measured_peak(isa) > 0;
    const size_t pass_floats = pass ? pass() : 0;
    std::vector<double> samples, paired, passes;

    double peak_before = counts_flop ? peak_now(isa, 1e-3) : 0;
    while (state.KeepRunningBatch(calls)) {
        const double seconds = seconds_of(calls, call);
        samples.push_back(seconds / static_cast<double>(calls));
        state.PauseTiming();
        if (counts_flop) {
            const double peak_after = peak_now(isa, std::min(0.1 * seconds, 2e-3));
            const double rate = work.flop * static_cast<double>(calls) / seconds;
            paired.push_back(rate / (0.5 * (peak_before + peak_after)));
            peak_before = peak_after;
        }
        if (pass_floats > 0)
            passes.push_back(seconds_of(calls, pass) / static_cast<double>(calls));
        state.ResumeTiming();
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
    if (pass_floats > 0) {
        const double seconds_per_float = percentile(passes, 0.1) / static_cast<double>(pass_floats);
        state.counters["bandwidth_fraction"] = work.weights * seconds_per_float / percentile(samples, 0.1);
    }
    if (work.bytes > 0)
        state.SetBytesProcessed(static_cast<int64_t>(work.bytes) * state.iterations());
    if (work.items > 0)
        state.SetItemsProcessed(static_cast<int64_t>(work.items) * state.iterations());
}
