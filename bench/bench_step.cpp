/*
 * One training step of this library next to every peer that is found. peers/README.md tells how to run it, how to
 * read it, and what the peers are.
 *
 * For each shape and number of threads all implementations share one contest, which runs when the first of its
 * benchmarks is due; step/ holds its parts.
 */
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex.h>

#include <backprop/backprop.h>
#include <benchmark/benchmark.h>

#include "peak/peak.h"
#include "step/contest.h"
#include "step/cpus.h"
#include "step/options.h"

namespace {

/** The implementations that the filter chose for one shape and number of threads, and what they did. */
struct Contest {
    Shape shape;
    size_t threads;
    std::vector<int> cpus;
    double seconds;
    std::vector<Implementation> implementations;
    std::vector<Result> results;

    const Result &result(size_t index) {
        if (results.empty())
            results = contest(shape, threads, cpus, seconds, implementations);
        return results[index];
    }
};

void report(benchmark::State &state, Contest &contest, size_t index) {
    const Result &result = contest.result(index);
    for (auto _ : state)
        state.SetIterationTime(result.error.empty() ? result.percentile(0.5) : 0);
    if (!result.error.empty()) {
        state.SkipWithError(result.error.c_str());
        return;
    }
    const double flop = contest.shape.flop(), p10 = result.percentile(0.1), median = result.percentile(0.5);
    const double peak = measured_peak(bp_cpu_best()) * static_cast<double>(contest.threads);
    state.counters["FLOPS"] = flop / p10;
    if (peak > 0) {
        state.counters["peak"] = peak;
        state.counters["peak_fraction"] = flop / p10 / peak;
        state.counters["peak_fraction_median"] = flop / median / peak;
    }
    state.counters["samples"] = static_cast<double>(contest.shape.batch) / p10;
    state.counters["seconds_p10"] = p10;
    state.counters["seconds_median"] = median;
    state.counters["steps"] = static_cast<double>(result.samples.size() * result.group);
    state.counters["deviation"] = result.deviation;
}

/** Which benchmarks are to run: as Google Benchmark reads its own --benchmark_filter. */
class Filter {
  public:
    Filter() : text_(benchmark::GetBenchmarkFilter()) {
        negative_ = !text_.empty() && text_[0] == '-';
        text_.erase(0, negative_);
        all_ = text_.empty() || text_ == "all";
        valid_ = all_ || regcomp(&expression_, text_.c_str(), REG_EXTENDED | REG_NOSUB) == 0;
    }

    ~Filter() {
        if (!all_ && valid_)
            regfree(&expression_);
    }

    Filter(const Filter &) = delete;
    Filter &operator=(const Filter &) = delete;

    bool valid() const {
        return valid_;
    }

    bool takes(const std::string &name) const {
        const bool matches = all_ || regexec(&expression_, name.c_str(), 0, nullptr, 0) == 0;
        return matches != negative_;
    }

  private:
    std::string text_;
    bool negative_, all_, valid_;
    regex_t expression_;
};

void add_contest(std::vector<std::unique_ptr<Contest>> &contests, const Options &options, size_t shape, size_t threads,
                 const std::vector<int> &cpus, const std::vector<Implementation> &implementations,
                 const Filter &filter) {
    auto contest = std::make_unique<Contest>(
        Contest{options.shapes[shape], threads, cpus_for(threads, cpus), options.seconds, {}, {}});
    for (const Implementation &implementation : implementations) {
        const std::string name =
            "step/" + contest->shape.name + "/" + implementation.name + "/threads:" + std::to_string(threads);
        if (!implementation.takes(shape, threads) || !filter.takes(name))
            continue;
        const size_t index = contest->implementations.size();
        contest->implementations.push_back(implementation);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [=, own = contest.get()](benchmark::State &state) { report(state, *own, index); })
            ->UseManualTime()
            ->Iterations(1)
            ->Unit(benchmark::kMicrosecond);
    }
    contests.push_back(std::move(contest));
}

/** Google Benchmark adds to each name how it was told to count; here that is the same for all, and of no interest. */
class PlainNames : public benchmark::BenchmarkReporter {
  public:
    explicit PlainNames(BenchmarkReporter *inner) : inner_(inner) {
    }

    bool ReportContext(const Context &context) override {
        inner_->SetOutputStream(&GetOutputStream());
        inner_->SetErrorStream(&GetErrorStream());
        return inner_->ReportContext(context);
    }

    void ReportRuns(const std::vector<Run> &runs) override {
        std::vector<Run> renamed = runs;
        for (Run &run : renamed) {
            run.run_name.iterations.clear();
            run.run_name.time_type.clear();
        }
        inner_->ReportRuns(renamed);
    }

    void Finalize() override {
        inner_->Finalize();
    }

  private:
    std::unique_ptr<BenchmarkReporter> inner_;
};

std::string cpu_model() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.rfind("model name", 0) == 0)
            return line.substr(line.find(':') + 2);
    return "unknown";
}

void describe(const std::vector<Implementation> &implementations, bp_isa isa) {
    benchmark::AddCustomContext("cpu", cpu_model());
    benchmark::AddCustomContext("isa", bp_isa_name(isa));
    benchmark::AddCustomContext("peak_isa", bp_isa_name(bp_cpu_best()));
#ifdef __clang__
    benchmark::AddCustomContext("compiler", __VERSION__);
#else
    benchmark::AddCustomContext("compiler", "gcc " __VERSION__);
#endif
    std::string as_used;
    for (const Implementation &implementation : implementations) {
        benchmark::AddCustomContext(implementation.name, implementation.version);
        if (implementation.is_peer() && implementation.as_used)
            as_used += (as_used.empty() ? "" : " ") + implementation.name;
    }
    benchmark::AddCustomContext("as_used", as_used); // peers that are what a user would otherwise run
}

void list(const Options &options, const std::vector<Implementation> &implementations) {
    for (const Implementation &implementation : implementations) {
        printf("%s%s %s\n", implementation.name.c_str(), implementation.as_used ? "" : " (by hand)",
               implementation.version.c_str());
        std::map<std::string, std::string> where; // by reason
        for (const auto &[place, why] : implementation.refusals)
            where[why] += " " + options.shapes[place.first].name + "/threads:" + std::to_string(place.second);
        for (const auto &[why, places] : where)
            printf("    not in%s: %s\n", places.c_str(), why.c_str());
    }
}

} // namespace

int main(int argc, char **argv) {
    const std::vector<int> cpus = allowed_cpus();
    const Options options = parse_options(&argc, argv, cpus.size());
    bool to_file = false;
    for (int k = 1; k < argc; k++) {
        const std::string argument = argv[k];
        to_file = to_file || argument.rfind("--benchmark_out=", 0) == 0;
        if (argument.rfind("--benchmark_out_format=", 0) == 0 && argument != "--benchmark_out_format=json") {
            fprintf(stderr, "bench_step: the file of --benchmark_out is written as json only\n");
            return 2;
        }
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    bp_isa isa;
    if (const bp_status status = bp_cpu_active(&isa)) {
        fprintf(stderr, "bench_step: BACKPROP_ISA: %s\n", bp_status_string(status));
        return 2;
    }

    const std::string folder = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "peers";
    const std::vector<Implementation> implementations = roster(folder, options.shapes, options.threads);
    if (options.list_peers) {
        list(options, implementations);
        return 0;
    }
    describe(implementations, isa);

    const Filter filter;
    if (!filter.valid()) {
        fprintf(stderr, "bench_step: --benchmark_filter is not a regular expression\n");
        return 2;
    }
    std::vector<std::unique_ptr<Contest>> contests;
    for (size_t shape = 0; shape < options.shapes.size(); shape++)
        for (size_t threads : options.threads)
            add_contest(contests, options, shape, threads, cpus, implementations, filter);

    PlainNames display(benchmark::CreateDefaultDisplayReporter());
    std::unique_ptr<PlainNames> file;
    if (to_file)
        file = std::make_unique<PlainNames>(new benchmark::JSONReporter);
    benchmark::RunSpecifiedBenchmarks(&display, file.get());
    benchmark::Shutdown();
    return 0;
}
