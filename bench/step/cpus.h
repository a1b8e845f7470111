/* Which CPUs a contest uses, and keeping threads on them. */
#ifndef BENCH_CPUS_H
#define BENCH_CPUS_H

#include <cstddef>
#include <sys/types.h>
#include <vector>

/** The CPUs that this process may use. */
std::vector<int> allowed_cpus();

/** Those that a contest uses: for one thread the last, which has the least to do besides; for more the first ones (and,
 *  which is of use for tests alone, these again if there are too few). */
std::vector<int> cpus_for(size_t threads, const std::vector<int> &allowed);

/** Keeps a thread of this process (0: the calling one) on these CPUs. */
void pin(pid_t thread, const std::vector<int> &cpus);

/**
 * Puts each thread of this process on a CPU of its own: left alone, the kernel puts two of them on one whenever
 * something else runs. Where a library keeps more threads than there are CPUs for, all are left as they are.
 */
void pin_each_thread(const std::vector<int> &cpus);

#endif
