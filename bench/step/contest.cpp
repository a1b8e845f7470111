#include "contest.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include "../peak/peak.h"
#include "check.h"
#include "contestant.h"
#include "cpus.h"

namespace {

const double turn_seconds = 10e-3;

// A peer whose fastest step was this much slower than that of its group's fastest peer, in so many rounds, sits out the
// rest.
const double hopeless = 1.3;
const size_t hopeless_rounds = 3;

// Contests of long steps go on until everyone has had so many, for at most so many times the seconds asked for.
const size_t samples_min = 10;
const double overtime = 4;

} // namespace

double Result::percentile(double fraction) const {
    return samples[static_cast<size_t>(fraction * static_cast<double>(samples.size() - 1))];
}

std::vector<Result> contest(const Shape &shape, size_t threads, const std::vector<int> &cpus, double seconds,
                            const std::vector<Implementation> &implementations) {
    pin(0, cpus); // so that the peak is that of the same cores
    const Pool pool(shape);
    Parameters initial(shape);
    initial.initialize(shape);
    const Check check(shape, initial, pool);
    // Many thousands of steps on few batches: a slow rate keeps the numbers ordinary. Adam's steps don't become
    // shorter.
    const float slow = shape.optimizer == BP_OPTIMIZER_SGD ? 1e-3f : 1e-6f;
    const Task task = {shape, threads, cpus, pool, initial, check, slow * check.rate()};

    std::vector<std::unique_ptr<Contestant>> contestants;
    for (const Implementation &implementation : implementations)
        contestants.push_back(std::make_unique<Contestant>(implementation, task));

    using clock = std::chrono::steady_clock;
    const auto start = clock::now();
    const auto lasts = [start] { return std::chrono::duration<double>(clock::now() - start).count(); };
    bool few;
    std::vector<size_t> behind(contestants.size(), 0); // rounds
    do {
        std::vector<double> fastest(contestants.size(), INFINITY);
        double best[2] = {INFINITY, INFINITY}; // of the peers built by hand, and of those as used
        for (size_t k = 0; k < contestants.size(); k++) {
            if (behind[k] == hopeless_rounds)
                continue;
            fastest[k] = contestants[k]->turn(turn_seconds);
            if (implementations[k].is_peer())
                best[implementations[k].as_used] = std::min(best[implementations[k].as_used], fastest[k]);
        }
        for (size_t k = 0; k < contestants.size(); k++)
            if (implementations[k].is_peer() && fastest[k] > hopeless * best[implementations[k].as_used] &&
                behind[k] < hopeless_rounds)
                behind[k]++;
        few = false;
        for (size_t k = 0; k < contestants.size(); k++)
            if (contestants[k]->error().empty() && behind[k] < hopeless_rounds)
                few = few || contestants[k]->sample_count() < samples_min;
        measured_peak(bp_cpu_best());
    } while (lasts() < seconds || (few && lasts() < overtime * seconds));

    std::vector<Result> results;
    for (const auto &contestant : contestants) {
        results.push_back({contestant->error(), contestant->deviation(), contestant->samples(), contestant->group()});
        std::sort(results.back().samples.begin(), results.back().samples.end());
    }
    return results;
}
