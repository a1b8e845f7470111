/*
 * Inference on one constant network by bp_network_infer, in one thread and in two at the same time, next to
 * bp_network_forward. README.md explains it.
 *
 *   infer/SHAPE/BATCH/forward    bp_network_forward, one thread
 *   infer/SHAPE/BATCH/1          bp_network_infer, one thread
 *   infer/SHAPE/BATCH/2          bp_network_infer in two threads, each with its own workspace, on the same network
 *
 * Each row gives the time of one call, as the processor time of its thread, the median of the rounds; and `calls`, the
 * calls of all threads in a second that has passed, the 90th percentile, which needs an idle processor for each thread.
 * The three of a shape are measured in rotation, so that a neighbor on the machine slows all of them down.
 */
#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <backprop/backprop.h>
#include <benchmark/benchmark.h>

#include "arrays.h"
#include "thread_seconds.h"

namespace {

using Clock = std::chrono::steady_clock;

const size_t rounds = 40;
const double round_seconds = 5e-3;

struct Shape {
    std::string name;
    std::vector<size_t> sizes;
};

enum Way { FORWARD, INFER_ONE, INFER_TWO, WAYS };
const char *const way_names[WAYS] = {"forward", "1", "2"};

void check(bp_status status) {
    if (status != BP_OK)
        throw std::runtime_error(bp_error_message());
}

struct Destroy {
    void operator()(bp_network *network) const {
        bp_network_destroy(network);
    }
};

using Network = std::unique_ptr<bp_network, Destroy>;

Network make_network(const Shape &shape, size_t batch) {
    const size_t layers = shape.sizes.size() - 1;
    std::vector<bp_activation> activations(layers, {BP_ACTIVATION_RELU, 0});
    activations.back() = {BP_ACTIVATION_IDENTITY, 0};
    bp_network_config config = {};
    config.layers = layers;
    config.sizes = shape.sizes.data();
    config.activations = activations.data();
    config.loss = BP_LOSS_MSE;
    config.max_batch_size = batch;
    config.threads = 1;
    bp_network *network = nullptr;
    check(bp_network_create(&config, &network));
    Network made(network);
    check(bp_network_initialize(network, 1));
    return made;
}

/** A round: processor time of a call, calls in a second, seconds in all. */
struct Measured {
    double cpu, calls, wall;
};

double percentile(std::vector<double> samples, double fraction) {
    std::sort(samples.begin(), samples.end());
    return samples[static_cast<size_t>(fraction * static_cast<double>(samples.size() - 1))];
}

/** One thread's arrays. */
class Caller {
  public:
    Caller(bp_network *network, const Shape &shape, size_t batch)
        : network_(network), inputs_(1, batch * shape.sizes.front()), outputs_(batch * shape.sizes.back()),
          workspace_(bp_network_workspace_bytes(network, batch)) {
        batch_.rows = batch;
        batch_.inputs = inputs_;
    }

    void call(Way way) {
        if (way == FORWARD)
            check(bp_network_forward(network_, &batch_, outputs_.data(), 0));
        else
            check(bp_network_infer(network_, &batch_, outputs_.data(), 0, workspace_, workspace_.size()));
    }

    /** Calls for as long as a round takes. */
    Measured measure(Way way) {
        size_t calls = 0;
        const auto start = Clock::now();
        const double cpu = thread_seconds();
        double wall;
        do {
            for (int k = 0; k < 16; k++, calls++)
                call(way);
            wall = std::chrono::duration<double>(Clock::now() - start).count();
        } while (wall < round_seconds);
        return {(thread_seconds() - cpu) / static_cast<double>(calls), static_cast<double>(calls) / wall, wall};
    }

  private:
    /** Aligned memory of any type. */
    class Bytes {
      public:
        explicit Bytes(size_t size) : size_(size), memory_(std::aligned_alloc(BP_ALIGNMENT, size)) {
            if (!memory_)
                throw std::bad_alloc();
        }
        Bytes(const Bytes &) = delete;
        Bytes &operator=(const Bytes &) = delete;
        ~Bytes() {
            std::free(memory_);
        }
        operator void *() const {
            return memory_;
        }
        size_t size() const {
            return size_;
        }

      private:
        size_t size_;
        void *memory_;
    };

    bp_network *network_;
    Array<float> inputs_;
    std::vector<float> outputs_;
    Bytes workspace_;
    bp_batch batch_ = {};
};

/** What was measured of a shape, for each round. */
class Contest {
  public:
    Contest(const Shape &shape, size_t batch) : shape_(shape), batch_(batch) {
    }

    void report(benchmark::State &state, Way way) {
        if (cpu_[way].empty())
            run();
        for (auto _ : state)
            state.SetIterationTime(percentile(cpu_[way], 0.5));
        state.counters["calls"] = percentile(calls_[way], 0.9);
    }

  private:
    void run() {
        const Network network = make_network(shape_, batch_);
        Caller first(network.get(), shape_, batch_), second(network.get(), shape_, batch_);
        for (size_t round = 0; round < rounds; round++)
            for (const Way way : {FORWARD, INFER_ONE, INFER_TWO}) {
                const Measured m = way == INFER_TWO ? measure_both(first, second) : first.measure(way);
                cpu_[way].push_back(m.cpu);
                calls_[way].push_back(m.calls);
            }
    }

    /** The second thread begins before the first, and goes on until that has measured. */
    static Measured measure_both(Caller &first, Caller &second) {
        std::atomic<size_t> calls{0};
        std::atomic<bool> done{false};
        std::thread other([&] {
            while (!done) {
                for (int k = 0; k < 16; k++)
                    second.call(INFER_TWO);
                calls += 16;
            }
        });
        while (calls == 0)
            std::this_thread::yield();
        const size_t before = calls;
        Measured m = first.measure(INFER_TWO);
        m.calls += static_cast<double>(calls - before) / m.wall;
        done = true;
        other.join();
        return m;
    }

    const Shape &shape_;
    size_t batch_;
    std::vector<double> cpu_[WAYS], calls_[WAYS];
};

} // namespace

int main(int argc, char **argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    const Shape shapes[] = {
        {"2-2-2", {2, 2, 2}},
        {"4-64-64-2", {4, 64, 64, 2}},
        {"784-128-10", {784, 128, 10}},
        {"256-256-256", {256, 256, 256}},
    };
    std::vector<std::unique_ptr<Contest>> contests;
    for (const Shape &shape : shapes)
        for (const size_t batch : {size_t{1}, size_t{32}}) {
            contests.push_back(std::make_unique<Contest>(shape, batch));
            for (int way = 0; way < WAYS; way++) {
                Contest *contest = contests.back().get();
                const std::string name = "infer/" + shape.name + "/" + std::to_string(batch) + "/" + way_names[way];
                benchmark::RegisterBenchmark(
                    name.c_str(),
                    [contest, way](benchmark::State &state) { contest->report(state, static_cast<Way>(way)); })
                    ->UseManualTime()
                    ->Iterations(1)
                    ->Unit(benchmark::kNanosecond);
            }
        }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
