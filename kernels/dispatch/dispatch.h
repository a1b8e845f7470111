/* The active table, for the public entry points and the network. */
#ifndef BP_DISPATCH_H
#define BP_DISPATCH_H

#include "backend.h"

/** *backend = the active backend, which the first call chooses. Errors as bp_cpu_active. */
bp_status bp_dispatch_backend(const bp_backend **backend);

/** The same; *kernels = its public kernels. */
bp_status bp_dispatch(const bp_kernels **kernels);

#endif
