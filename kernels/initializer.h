/* Initial weights in any layout; api/initializer.c. */
#ifndef BP_INITIALIZER_H
#define BP_INITIALIZER_H

#include <backprop/initializer.h>

#include "backend.h"

/** BP_ERROR_VALUE for a kind or a gain out of range. */
bp_status bp_check_initializer(bp_initializer initializer);

/**
 * bp_initialize on packed weights, without checks. `panel`: the panel width. The caller has set the contract's
 * floating-point mode.
 */
void bp_initialize_packed(bp_packed w, size_t panel, size_t in, size_t out, bp_initializer initializer, uint64_t seed,
                          uint64_t stream);

#endif
