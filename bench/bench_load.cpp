/*
 * Steps of this library on one thread and on two, while every CPU has something else to do, and while none has.
 * README.md explains it.
 *
 * The four (idle or busy, one thread or two) take turns, so that a neighbor on the machine disturbs all of them. All
 * threads run where the kernel puts them, as a user's do.
 */
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <backprop/backprop.h>

#include "step/backprop.h"
#include "step/cpus.h"
#include "step/training.h"

namespace {

const char *const usage = R"(Usage: bench_load [--seconds S] [SHAPE]...

Times training steps of this library on one thread and on two, on an idle machine and next to a busy process on every
CPU. Shapes are those of bench_step; by default rl64, mnist32, net512-8 and mlp1k-small.

  --seconds S   time for each shape (default 12)
)";

const double turn_seconds = 0.3;
const float learning_rate = 1e-6f; // thousands of steps on few batches: the numbers are to stay ordinary
const size_t thread_counts[] = {1, 2};

/** One process on each CPU that does arithmetic without an end, stopped unless it is told to go on. */
class Load {
  public:
    explicit Load(const std::vector<int> &cpus) {
        for (int cpu : cpus)
            processes_.push_back(start(cpu));
    }

    ~Load() {
        tell(SIGKILL);
        for (pid_t process : processes_)
            waitpid(process, nullptr, 0);
    }

    Load(const Load &) = delete;
    Load &operator=(const Load &) = delete;

    void set(bool busy) const {
        tell(busy ? SIGCONT : SIGSTOP);
    }

  private:
    static pid_t start(int cpu) {
        const pid_t parent = getpid(), process = fork();
        if (process < 0) {
            perror("bench_load: no process could be started");
            exit(1); // those started before end with this one
        }
        if (process > 0)
            return process;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) // which ended before that
            _exit(1);
        pin(0, {cpu});
        raise(SIGSTOP);
        for (volatile float value = 1;;)
            value = value * 0.999f + 0.001f;
    }

    void tell(int signal) const {
        for (pid_t process : processes_)
            kill(process, signal);
    }

    std::vector<pid_t> processes_;
};

/** The times of a step in one state of the machine, by one number of threads. */
class Times {
  public:
    void take_turn(Training &training, size_t group) {
        training.run(std::max<size_t>(2, group), learning_rate); // caches hold what another left there
        for (double spent = 0; spent < turn_seconds;) {
            const double seconds = training.time(group, learning_rate);
            samples_.push_back(seconds / static_cast<double>(group));
            spent += seconds;
        }
    }

    /** The 10th percentile, the median and the mean. */
    std::array<double, 3> figures() {
        std::sort(samples_.begin(), samples_.end());
        const auto count = static_cast<double>(samples_.size());
        const auto at = [&](double fraction) { return samples_[static_cast<size_t>(fraction * (count - 1))]; };
        return {at(0.1), at(0.5), std::accumulate(samples_.begin(), samples_.end(), 0.0) / count};
    }

  private:
    std::vector<double> samples_;
};

void print(const std::string &shape, bool busy, Times &one, Times &two) {
    const std::array<double, 3> first = one.figures(), second = two.figures();
    printf("%-12s  %-4s", shape.c_str(), busy ? "busy" : "idle");
    for (const auto &figures : {first, second})
        for (double seconds : figures)
            printf("  %9.4g", 1e6 * seconds);
    for (size_t k = 0; k < first.size(); k++)
        printf("  %6.2f", second[k] / first[k]);
    printf("\n");
    fflush(stdout);
}

bool run(const Shape &shape, const Load &load, double seconds) {
    const Pool pool(shape);
    Parameters initial(shape);
    initial.initialize(shape);
    const peer_net net = shape.net();
    std::vector<Training> trainings;
    std::vector<size_t> groups;
    for (size_t threads : thread_counts) {
        trainings.emplace_back(backprop_peer, net, initial, threads, pool);
        if (!trainings.back().created()) {
            fprintf(stderr, "bench_load: %s: the network could not be created\n", shape.name.c_str());
            return false;
        }
        groups.push_back(trainings.back().group(learning_rate));
    }
    Times times[2][2]; // busy or not; threads
    const auto rounds = static_cast<size_t>(std::max(1.0, seconds / (4 * turn_seconds) + 0.5));
    for (size_t round = 0; round < rounds; round++)
        for (bool busy : {false, true}) {
            load.set(busy);
            for (size_t k = 0; k < trainings.size(); k++)
                times[busy][k].take_turn(trainings[k], groups[k]);
        }
    load.set(false);
    for (bool busy : {false, true})
        print(shape.name, busy, times[busy][0], times[busy][1]);
    for (Training &training : trainings)
        training.end();
    return true;
}

[[noreturn]] void refuse(const std::string &why) {
    fprintf(stderr, "bench_load: %s (see --help)\n", why.c_str());
    exit(2);
}

Shape shape_named(const std::string &name) {
    for (const Shape &shape : table())
        if (shape.name == name)
            return shape;
    refuse("'" + name + "' is no shape of bench_step");
}

double seconds_from(const char *text) {
    char *end;
    const double seconds = text ? strtod(text, &end) : 0;
    if (!(seconds > 0 && seconds < 1e6) || *end)
        refuse("--seconds needs a positive number");
    return seconds;
}

} // namespace

int main(int argc, char **argv) {
    double seconds = 12;
    std::vector<Shape> shapes;
    for (int k = 1; k < argc; k++) {
        const std::string argument = argv[k];
        if (argument == "--help" || argument == "-h") {
            fputs(usage, stdout);
            return 0;
        }
        if (argument == "--seconds")
            seconds = seconds_from(argv[++k]);
        else
            shapes.push_back(shape_named(argument));
    }
    if (shapes.empty())
        for (const char *name : {"rl64", "mnist32", "net512-8", "mlp1k-small"})
            shapes.push_back(shape_named(name));

    const Load load(allowed_cpus());
    printf("Microseconds of a step: 10th percentile, median and mean; and those of two threads over those of one.\n\n"
           "%-12s  %-4s  %-31s  %-31s  %s\n",
           "shape", "CPUs", "one thread", "two threads", "two / one");
    for (const Shape &shape : shapes)
        if (!run(shape, load, seconds))
            return 1;
    return 0;
}
