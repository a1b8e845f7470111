#include "contestant.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpus.h"
#include "training.h"

/** What parent and child both see. */
struct Contestant::Shared {
    static constexpr size_t capacity = 1 << 20;
    char error[256];
    double deviation;
    size_t group, count;
    double samples[capacity];
};

void Contestant::run(const Implementation &implementation, const Task &task, Shared &shared, int channel) {
    const auto answer = [&](const std::string &error) {
        snprintf(shared.error, sizeof shared.error, "%s", error.c_str());
        if (write(channel, "", 1) != 1 || !error.empty())
            _exit(1);
    };
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(STDERR_FILENO, STDOUT_FILENO); // standard output is the report's
    pin(0, task.cpus);
    set_thread_environment(task.threads);
    const peer *own = load(implementation);
    if (!own)
        answer("its module can't be loaded");
    const auto create = [&](const peer_net &net) {
        const Training training(*own, net, task.initial, task.threads, task.pool);
        if (!training.created())
            answer("it could not create the network");
        return training;
    };
    Training training = create(task.check.net());
    training.run(Check::steps, task.check.rate());
    Parameters found(task.shape);
    training.parameters(found);
    const Verdict verdict = task.check.verdict(found);
    shared.deviation = verdict.deviation;
    if (!verdict.error.empty())
        answer(verdict.error);
    const peer_net net = task.shape.net();
    if (task.shape.optimizer != BP_OPTIMIZER_SGD) { // whose numbers were those of the check
        training.end();
        training = create(net);
    }
    pin_each_thread(task.cpus);

    shared.group = training.group(task.learning_rate);
    double seconds = training.time(shared.group, task.learning_rate);
    answer("");

    for (double turn; read(channel, &turn, sizeof turn) == sizeof turn; answer("")) {
        if (seconds < 20e-3)
            training.run(std::max<size_t>(2, shared.group), task.learning_rate); // caches hold what another left there
        double spent = 0;
        for (size_t done = 0; (spent < turn || done < 2) && shared.count < Shared::capacity; done++) {
            seconds = training.time(shared.group, task.learning_rate);
            shared.samples[shared.count++] = seconds / static_cast<double>(shared.group);
            spent += seconds;
        }
    }
    alarm(10); // a library that hangs when it is left
    training.end();
    _exit(0);
}

Contestant::Contestant(const Implementation &implementation, const Task &task) {
    void *memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ends[2];
    if (memory == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        throw std::runtime_error("no memory or socket for a process");
    shared_ = static_cast<Shared *>(memory);
    fflush(nullptr);
    process_ = fork();
    if (process_ == 0) {
        close(ends[0]);
        run(implementation, task, *shared_, ends[1]);
    }
    close(ends[1]);
    channel_ = ends[0];
    if (process_ < 0)
        fail("no process could be started for it");
    else
        wait(120);
}

Contestant::~Contestant() {
    shutdown(channel_, SHUT_RDWR); // the process ends when it sees that
    if (process_ > 0) {
        kill(process_, SIGCONT);
        waitpid(process_, nullptr, 0);
    }
    close(channel_);
    munmap(shared_, sizeof(Shared));
}

double Contestant::turn(double seconds) {
    const size_t before = shared_->count;
    if (!error_.empty())
        return INFINITY;
    kill(process_, SIGCONT);
    if (send(channel_, &seconds, sizeof seconds, MSG_NOSIGNAL) != sizeof seconds)
        fail("its process died");
    else
        wait(120);
    const double *samples = shared_->samples;
    return before < shared_->count ? *std::min_element(samples + before, samples + shared_->count) : INFINITY;
}

double Contestant::deviation() const {
    return shared_->deviation;
}

std::vector<double> Contestant::samples() const {
    return std::vector<double>(shared_->samples, shared_->samples + shared_->count);
}

size_t Contestant::sample_count() const {
    return shared_->count;
}

size_t Contestant::group() const {
    return shared_->group;
}

// Waits for the answer that ends what the process was told to do, then stops it.
void Contestant::wait(double seconds_max) {
    pollfd answer = {channel_, POLLIN, 0};
    char byte;
    if (poll(&answer, 1, static_cast<int>(seconds_max * 1000)) == 0)
        fail("it took too long");
    else if (read(channel_, &byte, 1) != 1)
        fail("its process died");
    else if (shared_->error[0])
        fail(shared_->error);
    else
        stop();
}

void Contestant::stop() {
    int status;
    kill(process_, SIGSTOP);
    if (waitpid(process_, &status, WUNTRACED) == process_ && !WIFSTOPPED(status)) {
        process_ = -1;
        fail("its process died");
    }
}

void Contestant::fail(const std::string &why) {
    error_ = why;
    if (process_ > 0) {
        kill(process_, SIGKILL);
        waitpid(process_, nullptr, 0);
    }
    process_ = -1;
}
