/* The clock of the benchmarks. */
#ifndef BENCH_THREAD_SECONDS_H
#define BENCH_THREAD_SECONDS_H

#include <ctime>

/** Time that this thread ran: on a shared machine the clock on the wall would count the others' turns too. */
inline double thread_seconds() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

#endif
