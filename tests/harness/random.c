#include "random.h"

test_random test_random_for(uint64_t seed, const char *key) {
    /* FNV-1a of the key, started from the seed. */
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;
    for (; *key != '\0'; key++) {
        hash = (hash ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
    }
    return (test_random){hash};
}

uint64_t test_random_next(test_random *random) {
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

size_t test_random_below(test_random *random, size_t bound) {
    return (size_t)((test_random_next(random) >> 11) % bound);
}

float test_random_symmetric(test_random *random) {
    return ((float)(test_random_next(random) >> 40) - 0x1p23f) * 0x1p-23f;
}
