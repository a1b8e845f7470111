/* One implementation in a process of its own, stopped whenever it is not its turn. */
#ifndef BENCH_CONTESTANT_H
#define BENCH_CONTESTANT_H

#include <string>
#include <sys/types.h>
#include <vector>

#include "check.h"
#include "roster.h"

/** What all contestants of one contest do. */
struct Task {
    const Shape &shape;
    size_t threads;
    std::vector<int> cpus; // one a thread
    const Pool &pool;
    const Parameters &initial;
    const Check &check;
    float learning_rate; // of the steps that are timed
};

class Contestant {
  public:
    /** Starts the process: it creates its network, and checks that it trains as expected. */
    Contestant(const Implementation &implementation, const Task &task);
    ~Contestant();
    Contestant(const Contestant &) = delete;
    Contestant &operator=(const Contestant &) = delete;

    /** Lets it run steps for at least `seconds`, and at least two; each step, or group of short ones, is a sample.
     *  Returns the fastest of them; infinity if it is out of the contest. */
    double turn(double seconds);

    /** Why it is out of the contest; empty while it is in. */
    const std::string &error() const {
        return error_;
    }

    /** Largest deviation from the expected parameters, as a fraction of what training changed. */
    double deviation() const;

    /** Seconds of a step, one value for each sample so far. */
    std::vector<double> samples() const;
    size_t sample_count() const;

    /** Steps that were timed together for one sample. */
    size_t group() const;

  private:
    struct Shared;
    [[noreturn]] static void run(const Implementation &implementation, const Task &task, Shared &shared, int channel);
    void wait(double seconds_max);
    void stop();
    void fail(const std::string &why);

    Shared *shared_ = nullptr;
    int channel_ = -1;
    pid_t process_ = -1;
    std::string error_;
};

#endif
