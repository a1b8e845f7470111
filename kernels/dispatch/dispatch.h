/* The active table, for the public entry points and the network. */
#ifndef BP_DISPATCH_H
#define BP_DISPATCH_H

#include <backprop/kernels.h>

/** *kernels = the active table; chooses it at the first call. Errors as bp_cpu_active. */
bp_status bp_dispatch(const bp_kernels **kernels);

#endif
