#define _GNU_SOURCE 1 /* sched_getaffinity */
#include "platform/cpus.h"

#include <sched.h>
#include <unistd.h>

#include "platform/cpu_quota.h"

static size_t granted_cpus(void) {
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        return (size_t)CPU_COUNT(&cpus);
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

size_t bp_process_cpus(void) {
    const size_t granted = granted_cpus(), quota = bp_cpu_quota("");
    return granted < quota ? granted : quota;
}
