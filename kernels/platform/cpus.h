/* The processors that this process may use. */
#ifndef BP_PLATFORM_CPUS_H
#define BP_PLATFORM_CPUS_H

#include <stddef.h>

/** Their number, at least 1: of those that the system grants, within the quotas of cpu_quota.h. */
size_t bp_process_cpus(void);

#endif
