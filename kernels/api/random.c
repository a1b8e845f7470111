#include <backprop/random.h>

#include <inttypes.h>

#include "check/refuse.h"
#include "float_environment.h"
#include "normal.h"
#include "philox.h"

uint32_t bp_random_u32(uint64_t seed, uint64_t stream, uint64_t index) {
    return philox_word(seed, stream, index);
}

float bp_random_symmetric(uint64_t seed, uint64_t stream, uint64_t index) {
    CONTRACT_MODE(host);
    const volatile float x = symmetric_number(bp_random_u32(seed, stream, index));
    return x;
}

float bp_random_normal(uint64_t seed, uint64_t stream, uint64_t index) {
    CONTRACT_MODE(host);
    const volatile float x = bp_normal_number(bp_random_u32(seed, stream, index));
    return x;
}

/* floor(u * bound / 2^64) for bound <= 2^32, from its two exact half products. */
static uint64_t scaled(uint32_t low, uint32_t high, uint64_t bound) {
    return (high * bound + ((low * bound) >> 32)) >> 32;
}

bp_status bp_random_permutation(uint32_t *order, size_t count, uint64_t seed, uint64_t stream) {
    if (!order)
        return FAIL_NULL({"order", order});
    const uint64_t most = UINT64_C(1) << 32, fitting = PTRDIFF_MAX / sizeof *order;
    if (count == 0 || count > most || count > fitting)
        return bp_fail(BP_ERROR_SIZE, "count is %zu, and must be from 1 to %" PRIu64, count,
                       fitting < most ? fitting : most);
    if ((uintptr_t)order % sizeof *order != 0)
        return bp_fail(BP_ERROR_ALIGNMENT, "order lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes",
                       (uintptr_t)order, sizeof *order);
    for (size_t k = 0; k < count; k++)
        order[k] = (uint32_t)k;
    for (uint64_t k = count - 1; k > 0; k--) {
        const uint32_t low = bp_random_u32(seed, stream, 2 * k), high = bp_random_u32(seed, stream, 2 * k + 1);
        const uint64_t r = scaled(low, high, k + 1);
        const uint32_t other = order[r];
        order[r] = order[k];
        order[k] = other;
    }
    return BP_OK;
}
