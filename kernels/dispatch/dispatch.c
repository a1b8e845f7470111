/*
 * One immutable table for each instruction set, and one atomic pointer to the active table. Threads that race to make
 * the first choice compute the same answer, so any of their stores is right.
 */
#include "dispatch/dispatch.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "dispatch/cpu.h"
#include "enum_counts.h"

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
        return BP_ERROR_NULL;
    for (unsigned i = 0; i < ISA_COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            *isa = (bp_isa)i;
            return BP_OK;
        }
    return BP_ERROR_ISA_UNKNOWN;
}

static bp_status find_backend(bp_isa isa, const bp_backend **backend) {
    if (!is_isa(isa))
        return BP_ERROR_ISA_UNKNOWN;
    const bp_backend *found = backend_of(isa);
    if (!found)
        return BP_ERROR_ISA_UNSUPPORTED;
    *backend = found;
    return BP_OK;
}

bp_status bp_kernels_for(bp_isa isa, const bp_kernels **kernels) {
    if (!kernels)
        return BP_ERROR_NULL;
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

bp_status bp_dispatch_backend(const bp_backend **backend) {
    const bp_backend *chosen = atomic_load_explicit(&active, memory_order_acquire);
    if (!chosen) {
        bp_isa isa = BP_ISA_SCALAR;
        const char *name = getenv("BACKPROP_ISA");
        bp_status status = BP_OK;
        if (name && *name)
            status = bp_isa_from_name(name, &isa);
        else
            isa = bp_cpu_best();
        if (status == BP_OK)
            status = find_backend(isa, &chosen);
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
        return BP_ERROR_NULL;
    const bp_kernels *kernels;
    const bp_status status = bp_dispatch(&kernels);
    if (status == BP_OK)
        *isa = kernels->isa;
    return status;
}
