#include <backprop/random.h>

/* Constants of Philox4x32: round multipliers, and the Weyl sequence that the key follows. */
#define MULTIPLIER_0 0xd2511f53u
#define MULTIPLIER_1 0xcd9e8d57u
#define WEYL_0 0x9e3779b9u
#define WEYL_1 0xbb67ae85u
#define ROUNDS 10

typedef struct philox_block {
    uint32_t word[4];
} philox_block;

static philox_block philox(philox_block counter, uint32_t key_0, uint32_t key_1) {
    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t product_0 = (uint64_t)MULTIPLIER_0 * counter.word[0];
        const uint64_t product_1 = (uint64_t)MULTIPLIER_1 * counter.word[2];
        counter = (philox_block){{
            (uint32_t)(product_1 >> 32) ^ counter.word[1] ^ key_0,
            (uint32_t)product_1,
            (uint32_t)(product_0 >> 32) ^ counter.word[3] ^ key_1,
            (uint32_t)product_0,
        }};
        key_0 += WEYL_0;
        key_1 += WEYL_1;
    }
    return counter;
}

uint32_t bp_random_u32(uint64_t seed, uint64_t stream, uint64_t index) {
    const uint64_t block = index / 4;
    const philox_block counter = {
        {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)}};
    return philox(counter, (uint32_t)seed, (uint32_t)(seed >> 32)).word[index % 4];
}

float bp_random_symmetric(uint64_t seed, uint64_t stream, uint64_t index) {
    return ((float)(bp_random_u32(seed, stream, index) >> 8) - 0x1p23f) * 0x1p-23f;
}

/* floor(u * bound / 2^64) for bound <= 2^32, from its two exact half products. */
static uint64_t scaled(uint32_t low, uint32_t high, uint64_t bound) {
    return (high * bound + ((low * bound) >> 32)) >> 32;
}

bp_status bp_random_permutation(uint64_t seed, uint64_t stream, uint32_t *order, size_t count) {
    if (!order)
        return BP_ERROR_NULL;
    if (count == 0 || (uint64_t)count > UINT64_C(1) << 32)
        return BP_ERROR_SIZE;
    if ((uintptr_t)order % sizeof *order != 0)
        return BP_ERROR_ALIGNMENT;
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
