/*
 * One immutable table for each instruction set, and one atomic pointer to the active table. Threads that race to make
 * the first choice compute the same answer, so any of their stores is right.
 */
#include "dispatch/dispatch.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend.h"
#include "enum_counts.h"
#include "failure.h"

static _Atomic(const bp_backend *) active;

/* The backend of an instruction set that bp_cpu_supports. */
static const bp_backend *backend_of(bp_isa isa) {
    switch (isa) {
#ifdef BP_HAVE_AVX2
    case BP_ISA_AVX2:
        return &bp_backend_avx2;
#endif
#ifdef BP_HAVE_AVX512
    case BP_ISA_AVX512:
        return &bp_backend_avx512;
#endif
#ifdef BP_HAVE_NEON
    case BP_ISA_NEON:
        return &bp_backend_neon;
#endif
    default:
#if defined(__x86_64__) || defined(__i386__)
        return bp_cpu_covered() ? &bp_backend_scalar_fma : &bp_backend_scalar;
#else
        return &bp_backend_scalar;
#endif
    }
}

/* What this machine can run instead. */
__attribute__((cold)) static bp_status fail_unsupported(const char *asked, bp_isa isa) {
    char valid[64];
    size_t length = 0;
    for (unsigned k = 0; k < ISA_COUNT && length < sizeof valid; k++)
        if (bp_cpu_supports((bp_isa)k))
            length += (size_t)snprintf(valid + length, sizeof valid - length, "%s%s", length ? ", " : "",
                                       bp_isa_name((bp_isa)k));
    return bp_fail(BP_ERROR_ISA_UNSUPPORTED, "%s is %s, which this machine cannot run; valid here: %s", asked,
                   bp_isa_name(isa), valid);
}

/* `asked` is what names the instruction set. */
static bp_status find_backend(const char *asked, bp_isa isa, const bp_backend **backend) {
    if ((unsigned)isa >= ISA_COUNT)
        return bp_fail(BP_ERROR_ISA_UNKNOWN, "%s is %d, and must be one of bp_isa", asked, (int)isa);
    if (!bp_cpu_supports(isa))
        return fail_unsupported(asked, isa);
    *backend = backend_of(isa);
    return BP_OK;
}

bp_status bp_kernels_for(bp_isa isa, const bp_kernels **kernels) {
    if (!kernels)
        return bp_fail(BP_ERROR_NULL, "kernels is null");
    const bp_backend *backend = NULL;
    const bp_status status = find_backend("isa", isa, &backend);
    if (status == BP_OK)
        *kernels = &backend->kernels;
    return status;
}

bp_status bp_cpu_set(bp_isa isa) {
    const bp_backend *backend = NULL;
    const bp_status status = find_backend("isa", isa, &backend);
    if (status == BP_OK)
        atomic_store_explicit(&active, backend, memory_order_release);
    return status;
}

/* The backend that BACKPROP_ISA asks for, or the best one. */
static bp_status first_choice(const bp_backend **backend) {
    const char *name = getenv("BACKPROP_ISA");
    if (!name || !*name)
        return find_backend("isa", bp_cpu_best(), backend);
    bp_isa isa;
    if (bp_isa_from_name(name, &isa) != BP_OK)
        return bp_fail(BP_ERROR_ISA_UNKNOWN, "BACKPROP_ISA is '%.20s', and must be scalar, avx2, avx512 or neon", name);
    return find_backend("BACKPROP_ISA", isa, backend);
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
