#include "cpus.h"

#include <algorithm>
#include <filesystem>
#include <string>

#include <sched.h>

std::vector<int> allowed_cpus() {
    cpu_set_t set;
    std::vector<int> cpus;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
            if (CPU_ISSET(static_cast<size_t>(cpu), &set))
                cpus.push_back(cpu);
    return cpus;
}

std::vector<int> cpus_for(size_t threads, const std::vector<int> &allowed) {
    if (threads == 1)
        return {allowed.back()};
    std::vector<int> cpus;
    for (size_t k = 0; k < threads; k++)
        cpus.push_back(allowed[k % allowed.size()]);
    return cpus;
}

void pin(pid_t thread, const std::vector<int> &cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int cpu : cpus)
        CPU_SET(static_cast<size_t>(cpu), &set);
    sched_setaffinity(thread, sizeof set, &set);
}

void pin_each_thread(const std::vector<int> &cpus) {
    std::vector<pid_t> threads;
    for (const auto &entry : std::filesystem::directory_iterator("/proc/self/task"))
        threads.push_back(std::stoi(entry.path().filename()));
    if (threads.size() > cpus.size())
        return;
    std::sort(threads.begin(), threads.end()); // the first is the process itself
    for (size_t k = 0; k < threads.size(); k++)
        pin(threads[k], {cpus[k]});
}
