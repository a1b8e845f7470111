/* Memory for callers that give no allocator of their own. */
#ifndef BP_ALLOCATOR_H
#define BP_ALLOCATOR_H

#include <backprop/network.h>

/** malloc and free. */
extern const bp_allocator bp_default_allocator;

#endif
