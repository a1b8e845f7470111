/* The CPU time that control groups, those of containers for example, leave to this process. */
#ifndef BP_PLATFORM_CPU_QUOTA_H
#define BP_PLATFORM_CPU_QUOTA_H

#include <stddef.h>

/**
 * The least quota of the groups that this process is in, of versions 1 and 2, and of those above them: in CPUs, rounded
 * up, at least 1. SIZE_MAX if there is none, or none that can be read. `root` goes before each path: "" for the
 * machine.
 */
size_t bp_cpu_quota(const char *root);

#endif
