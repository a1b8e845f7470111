/* All implementations of one shape and thread count, measured in interleaved turns. */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include <string>
#include <vector>

#include "roster.h"

struct Result {
    std::string error;           // empty if it was measured
    double deviation;            // see check.h
    std::vector<double> samples; // seconds of a step, sorted
    size_t group;                // steps timed together for a sample

    double percentile(double fraction) const; // the largest sample of the fastest `fraction`, at least the first
};

/** One result for each of `implementations`, in their order. */
std::vector<Result> contest(const Shape &shape, size_t threads, const std::vector<int> &cpus, double seconds,
                            const std::vector<Implementation> &implementations);

#endif
