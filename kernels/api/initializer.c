#include <backprop/initializer.h>

#include <string.h>

#include "check/refuse.h"
#include "enum_counts.h"
#include "float_environment.h"
#include "initializer.h"

static const char *const names[INITIALIZER_COUNT] = {
    [BP_INITIALIZER_XAVIER_UNIFORM] = "xavier-uniform", [BP_INITIALIZER_XAVIER_NORMAL] = "xavier-normal",
    [BP_INITIALIZER_HE_UNIFORM] = "he-uniform",         [BP_INITIALIZER_HE_NORMAL] = "he-normal",
    [BP_INITIALIZER_LECUN_UNIFORM] = "lecun-uniform",   [BP_INITIALIZER_LECUN_NORMAL] = "lecun-normal",
    [BP_INITIALIZER_ORTHOGONAL] = "orthogonal",
};

const char *bp_initializer_name(bp_initializer_kind kind) {
    return (unsigned)kind < INITIALIZER_COUNT ? names[kind] : NULL;
}

bp_status bp_initializer_from_name(const char *name, bp_initializer_kind *kind) {
    if (!name || !kind)
        return FAIL_NULL({"name", name}, {"kind", kind});
    for (unsigned k = 0; k < INITIALIZER_COUNT; k++)
        if (strcmp(name, names[k]) == 0) {
            *kind = (bp_initializer_kind)k;
            return BP_OK;
        }
    return bp_fail_name(BP_ERROR_VALUE, "initializer", name, names, INITIALIZER_COUNT);
}

static const matrix_names weight_names = {"w", "ldw", "in", "out"};

bp_status bp_initialize(float *w, size_t ldw, size_t in, size_t out, bp_initializer initializer, uint64_t seed,
                        uint64_t stream) {
    CONTRACT_MODE(host);
    if (!w)
        return FAIL_NULL({"w", w});
    ldw = ld_or_packed(ldw, out);
    const matrix m = matrix_of(w, in, out, ldw);
    if (check_matrix(m) != BP_OK)
        return bp_check_named(&m, 1, NULL, 0, &weight_names);
    if (check_initializer(initializer) != BP_OK)
        return (unsigned)initializer.kind >= INITIALIZER_COUNT
                   ? bp_fail_enumerator("initializer.kind", (int)initializer.kind, "bp_initializer_kind")
                   : bp_fail_number("initializer.gain", (double)initializer.gain, "finite and not negative");
    bp_initialize_packed((bp_packed){w, ldw, out}, 0, in, out, initializer, seed, stream);
    return BP_OK;
}
