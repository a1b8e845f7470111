#include <backprop/initializer.h>

#include "check/refuse.h"
#include "enum_counts.h"
#include "float_environment.h"
#include "initializer.h"

static const matrix_names weight_names = {"w", "ldw", "in", "out"};

bp_status bp_initialize(float *w, size_t ldw, size_t in, size_t out, bp_initializer initializer, uint64_t seed,
                        uint64_t stream) {
    CONTRACT_MODE(host);
    if (!w)
        return FAIL_NULL({"w", w});
    const matrix m = matrix_given(w, in, out, ldw);
    if (check_matrix(m) != BP_OK)
        return bp_check_named(&m, 1, NULL, 0, &weight_names);
    if (check_initializer(initializer) != BP_OK)
        return (unsigned)initializer.kind >= INITIALIZER_COUNT
                   ? bp_fail_enumerator("initializer.kind", (int)initializer.kind, "bp_initializer_kind")
                   : bp_fail_number("initializer.gain", (double)initializer.gain, "finite and not negative");
    bp_initialize_packed((bp_packed){w, m.ld, out}, WHOLE_ROWS, in, out, initializer, seed, stream);
    return BP_OK;
}
