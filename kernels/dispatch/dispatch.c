/*
 * One immutable table for each instruction set, and one atomic pointer to the active table. Threads that race to make
 * the first choice compute the same answer, so any of their stores is right.
 */
#include "dispatch/dispatch.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "dispatch/cpu.h"
#include "enum_counts.h"
#include "failure.h"

static const char *const names[ISA_COUNT] = {
    [BP_ISA_SCALAR] = "scalar",
    [BP_ISA_AVX2] = "avx2",
    [BP_ISA_AVX512] = "avx512",
    [BP_ISA_NEON] = "neon",
};

static _Atomic(const bp_backend *) active;

static const bp_backend *scalar_backend(bp_cpu_features features) {
#if defined(__x86_64__) || defined(__i386__)
    if (features.fma)
        return &bp_backend_scalar_fma;
#endif
    (void)features;
    return &bp_backend_scalar;
}

/* The backend of a valid isa, or null if the CPU, the operating system or the build lacks it. */
static const bp_backend *backend_of(bp_isa isa) {
    const bp_cpu_features features = bp_cpu_detect();
    switch (isa) {
    case BP_ISA_SCALAR:
        return scalar_backend(features);
#ifdef BP_HAVE_AVX2
    case BP_ISA_AVX2:
        return features.avx2 ? &bp_backend_avx2 : NULL;
#endif
#ifdef BP_HAVE_AVX512
    case BP_ISA_AVX512:
        return features.avx512 ? &bp_backend_avx512 : NULL;
#endif
#ifdef BP_HAVE_NEON
    case BP_ISA_NEON:
        return features.neon ? &bp_backend_neon : NULL;
#endif
    default:
        return NULL;
    }
}

static bool is_isa(bp_isa isa) {
    return (unsigned)isa < ISA_COUNT;
}

const char *bp_isa_name(bp_isa isa) {
    return is_isa(isa) ? names[isa] : NULL;
}

bp_status bp_isa_from_name(const char *name, bp_isa *isa) {
    if (!name || !isa)
        return bp_fail(BP_ERROR_NULL, "%s is null", name ? "isa" : "name");
    for (unsigned i = 0; i < ISA_COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            *isa = (bp_isa)i;
            return BP_OK;
        }
    return bp_fail_name(BP_ERROR_ISA_UNKNOWN, "instruction set", name, names, ISA_COUNT);
}

/* What this machine can run instead. */
__attribute__((cold)) static void fail_unsupported(const char *asked, bp_isa isa) {
    char valid[64];
    size_t length = 0;
    for (unsigned k = 0; k < ISA_COUNT && length < sizeof valid; k++)
        if (bp_cpu_supports((bp_isa)k))
            length += (size_t)snprintf(valid + length, sizeof valid - length, "%s%s", length ? ", " : "", names[k]);
    bp_fail(BP_ERROR_ISA_UNSUPPORTED, "%s is %s, which this machine cannot run; valid here: %s", asked, names[isa],
            valid);
}

static bp_status find_backend(bp_isa isa, const bp_backend **backend) {
    if (!is_isa(isa)) {
        bp_fail(BP_ERROR_ISA_UNKNOWN, "isa is %d, and must be one of bp_isa", (int)isa);
        return BP_ERROR_ISA_UNKNOWN;
    }
    const bp_backend *found = backend_of(isa);
    if (!found) {
        fail_unsupported("isa", isa);
        return BP_ERROR_ISA_UNSUPPORTED;
    }
    *backend = found;
    return BP_OK;
}

bp_status bp_kernels_for(bp_isa isa, const bp_kernels **kernels) {
    if (!kernels)
        return bp_fail(BP_ERROR_NULL, "kernels is null");
    const bp_backend *backend;
    const bp_status status = find_backend(isa, &backend);
    if (status == BP_OK)
        *kernels = &backend->kernels;
    return status;
}

bool bp_cpu_supports(bp_isa isa) {
    return is_isa(isa) && backend_of(isa) != NULL;
}

bp_isa bp_cpu_best(void) {
    bp_isa best = BP_ISA_SCALAR;
    for (unsigned i = 0; i < ISA_COUNT; i++)
        if (bp_cpu_supports((bp_isa)i))
            best = (bp_isa)i;
    return best;
}

bool bp_cpu_covered(void) {
    return bp_cpu_detect().fma;
}

bp_status bp_cpu_set(bp_isa isa) {
    const bp_backend *backend;
    const bp_status status = find_backend(isa, &backend);
    if (status == BP_OK)
        atomic_store_explicit(&active, backend, memory_order_release);
    return status;
}

/* The backend that BACKPROP_ISA asks for, or the best one. */
static bp_status first_choice(const bp_backend **backend) {
    const char *name = getenv("BACKPROP_ISA");
    if (!name || !*name)
        return find_backend(bp_cpu_best(), backend);
    unsigned isa = 0;
    while (isa < ISA_COUNT && strcmp(name, names[isa]) != 0)
        isa++;
    if (isa == ISA_COUNT) {
        bp_fail(BP_ERROR_ISA_UNKNOWN, "BACKPROP_ISA is '%.20s', and must be scalar, avx2, avx512 or neon", name);
        return BP_ERROR_ISA_UNKNOWN;
    }
    const bp_backend *found = backend_of((bp_isa)isa);
    if (!found) {
        fail_unsupported("BACKPROP_ISA", (bp_isa)isa);
        return BP_ERROR_ISA_UNSUPPORTED;
    }
    *backend = found;
    return BP_OK;
}

bp_status bp_dispatch_backend(const bp_backend **backend) {
    const bp_backend *chosen = atomic_load_explicit(&active, memory_order_acquire);
    if (!chosen) {
        const bp_status status = first_choice(&chosen);
        if (status != BP_OK)
            return status;
        /* A choice that bp_cpu_set has made meanwhile stays. */
        const bp_backend *none = NULL;
        if (!atomic_compare_exchange_strong(&active, &none, chosen))
            chosen = none;
    }
    *backend = chosen;
    return BP_OK;
}

bp_status bp_dispatch(const bp_kernels **kernels) {
    const bp_backend *backend;
    const bp_status status = bp_dispatch_backend(&backend);
    if (status == BP_OK)
        *kernels = &backend->kernels;
    return status;
}

bp_status bp_cpu_active(bp_isa *isa) {
    if (!isa)
        return bp_fail(BP_ERROR_NULL, "isa is null");
    const bp_kernels *kernels;
    const bp_status status = bp_dispatch(&kernels);
    if (status == BP_OK)
        *isa = kernels->isa;
    return status;
}
