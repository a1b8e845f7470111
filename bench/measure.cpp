#include "measure.h"

#include <algorithm>
#include <ctime>
#include <vector>

#include "peak/peak.h"

namespace {

// Time that this thread ran: on a shared machine the clock on the wall would count the others' turns too.
double thread_seconds() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

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
    measured_peak(isa);
    const int64_t calls = group_size(call);
    std::vector<double> samples;
    samples.reserve(static_cast<size_t>(state.max_iterations / calls) + 1);

    while (state.KeepRunningBatch(calls)) {
        const double start = thread_seconds();
        for (int64_t i = 0; i < calls; i++)
            call();
        samples.push_back((thread_seconds() - start) / static_cast<double>(calls));
    }

    if (work.flop > 0) {
        state.counters["FLOPS"] = benchmark::Counter(work.flop, benchmark::Counter::kIsIterationInvariantRate);
        // Measured again after the calls: the peak is the largest of the run, never a stale small one.
        if (const double peak = measured_peak(isa); peak > 0) {
            state.counters["peak"] = peak;
            state.counters["peak_fraction"] = work.flop / percentile(samples, 0.1) / peak;
            state.counters["peak_fraction_median"] = work.flop / percentile(samples, 0.5) / peak;
        }
    }
    if (work.bytes > 0)
        state.SetBytesProcessed(static_cast<int64_t>(work.bytes) * state.iterations());
    if (work.items > 0)
        state.SetItemsProcessed(static_cast<int64_t>(work.items) * state.iterations());
}
