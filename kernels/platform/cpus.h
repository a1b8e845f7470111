/* The processors that this process may use, and the time on them. */
#ifndef BP_PLATFORM_CPUS_H
#define BP_PLATFORM_CPUS_H

#include <stddef.h>

/** Their number, at least 1: of those that the system grants, within bp_cpu_quota. */
size_t bp_process_cpus(void);

/**
 * The CPU time that control groups, those of containers for example, leave to this process. It is the least quota of
 * the groups that this process is in, of versions 1 and 2, and of those above them: in CPUs, rounded up, at least 1.
 * SIZE_MAX if there is none, or none that can be read. `root` goes before each path: "" for the machine.
 */
size_t bp_cpu_quota(const char *root);

#endif
