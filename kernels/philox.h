/* Philox4x32-10, the generator of include/backprop/random.h. */
#ifndef BP_PHILOX_H
#define BP_PHILOX_H

#include <stdint.h>

/* The multipliers of a round, and the increments of the key (a Weyl sequence). */
#define PHILOX_MULTIPLIER_0 0xd2511f53u
#define PHILOX_MULTIPLIER_1 0xcd9e8d57u
#define PHILOX_WEYL_0 0x9e3779b9u
#define PHILOX_WEYL_1 0xbb67ae85u
#define PHILOX_ROUNDS 10

typedef struct philox_block {
    uint32_t word[4];
} philox_block;

static inline philox_block philox(philox_block counter, uint32_t key_0, uint32_t key_1) {
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const uint64_t product_0 = (uint64_t)PHILOX_MULTIPLIER_0 * counter.word[0];
        const uint64_t product_1 = (uint64_t)PHILOX_MULTIPLIER_1 * counter.word[2];
        counter = (philox_block){{
            (uint32_t)(product_1 >> 32) ^ counter.word[1] ^ key_0,
            (uint32_t)product_1,
            (uint32_t)(product_0 >> 32) ^ counter.word[3] ^ key_1,
            (uint32_t)product_0,
        }};
        key_0 += PHILOX_WEYL_0;
        key_1 += PHILOX_WEYL_1;
    }
    return counter;
}

/* Words 4 * block, 4 * block + 1, ... of bp_random_u32. */
static inline philox_block philox_words(uint64_t seed, uint64_t stream, uint64_t block) {
    const philox_block counter = {
        {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)}};
    return philox(counter, (uint32_t)seed, (uint32_t)(seed >> 32));
}

/* bp_random_u32 */
static inline uint32_t philox_word(uint64_t seed, uint64_t stream, uint64_t index) {
    return philox_words(seed, stream, index / 4).word[index % 4];
}

/* bp_random_symmetric from its word */
static inline float symmetric_number(uint32_t word) {
    return ((float)(word >> 8) - 0x1p23f) * 0x1p-23f;
}

#endif
