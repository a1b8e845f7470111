/* The generator: Philox4x32-10 as published, exact floats, a sane distribution, the documented permutation. */
#include <stdlib.h>
#include <string.h>

#include "harness/harness.h"

#include <backprop/random.h>

/* A second Philox4x32-10, written from the paper's figure. The published vectors below check it, and it checks the
 * library's on counters that no published vector has: an index of 64 bits cannot ask for the last two of them. */
static void philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t left[2] = {counter[1], counter[3]}, right[2] = {counter[0], counter[2]};
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t first = UINT64_C(0xD2511F53) * right[0], second = UINT64_C(0xCD9E8D57) * right[1];
        right[0] = (uint32_t)(second >> 32) ^ left[0] ^ k0;
        right[1] = (uint32_t)(first >> 32) ^ left[1] ^ k1;
        left[0] = (uint32_t)(second & UINT32_MAX);
        left[1] = (uint32_t)(first & UINT32_MAX);
        k0 += UINT32_C(0x9E3779B9);
        k1 += UINT32_C(0xBB67AE85);
    }
    out[0] = right[0];
    out[1] = left[0];
    out[2] = right[1];
    out[3] = left[1];
}

/* Known answers that the authors published with the generator: zeros, ones, digits of pi. */
static const struct {
    uint32_t counter[4], key[2], words[4];
} published[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void the_published_words(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof published / sizeof *published; k++) {
        uint32_t words[4];
        philox4x32_10(published[k].counter, published[k].key, words);
        assert_memory_equal(words, published[k].words, sizeof words);
    }
    for (uint64_t word = 0; word < 4; word++) {
        assert_int_equal(bp_random_u32(0, 0, word), published[0].words[word]);
    }
}

static void any_seed_stream_and_index(void **state) {
    (void)state;
    test_random random = test_random_for(test_seed(), "philox");
    for (size_t k = 0; k < 20000; k++) {
        /* Large and small values, among them the ends. */
        uint64_t arguments[3];
        for (size_t l = 0; l < 3; l++) {
            const uint64_t value = test_random_next(&random) >> test_random_below(&random, 64);
            arguments[l] = test_random_below(&random, 10) == 0 ? UINT64_MAX - value % 8 : value;
        }
        const uint64_t seed = arguments[0], stream = arguments[1], index = arguments[2];
        const uint32_t counter[4] = {(uint32_t)(index >> 2), (uint32_t)(index >> 34), (uint32_t)stream,
                                     (uint32_t)(stream >> 32)};
        const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
        uint32_t words[4];
        philox4x32_10(counter, key, words);
        assert_int_equal(bp_random_u32(seed, stream, index), words[index & 3]);
    }
}

static void symmetric_is_exact(void **state) {
    (void)state;
    for (uint64_t index = 0; index < 20000; index++) {
        const double expected = (double)(bp_random_u32(7, 3, index) / 256) / 8388608.0 - 1.0;
        const float value = bp_random_symmetric(7, 3, index);
        assert_true((double)value == expected);
        assert_true(value >= -1.0f && value < 1.0f);
    }
}

/* Mean, variance and a 64-cell chi-square of numbers in a row, and of one number from each of many streams and seeds.
 */
static void check_distribution(uint64_t (*seed)(uint64_t), uint64_t (*stream)(uint64_t), uint64_t (*index)(uint64_t)) {
    enum { COUNT = 65536, CELLS = 64 };
    double sum = 0, squares = 0;
    size_t cells[CELLS] = {0};
    for (uint64_t k = 0; k < COUNT; k++) {
        const float value = bp_random_symmetric(seed(k), stream(k), index(k));
        sum += value;
        squares += (double)value * value;
        cells[(size_t)((value + 1.0f) * (CELLS / 2))]++;
    }
    /* Bounds of about five standard deviations. */
    assert_true(sum / COUNT > -0.012 && sum / COUNT < 0.012);
    assert_true(squares / COUNT > 1.0 / 3 - 0.006 && squares / COUNT < 1.0 / 3 + 0.006);
    double chi = 0;
    for (size_t c = 0; c < CELLS; c++) {
        const double excess = (double)cells[c] - (double)COUNT / CELLS;
        chi += excess * excess * CELLS / COUNT;
    }
    assert_true(chi > 20 && chi < 125); /* 63 degrees of freedom: mean 63, deviation 11 */
}

static uint64_t fixed(uint64_t k) {
    (void)k;
    return 42;
}

static uint64_t counting(uint64_t k) {
    return k;
}

static void distribution(void **state) {
    (void)state;
    check_distribution(fixed, fixed, counting);
    check_distribution(fixed, counting, fixed);
    check_distribution(counting, fixed, fixed);
}

/* Whether `order` holds each of 0 .. count-1 once. */
static bool is_permutation(const uint32_t *order, size_t count) {
    unsigned char *seen = calloc(count, 1);
    assert_non_null(seen);
    bool result = true;
    for (size_t k = 0; k < count; k++) {
        result = result && order[k] < count && !seen[order[k]];
        if (order[k] < count) {
            seen[order[k]] = 1;
        }
    }
    free(seen);
    return result;
}

static void permutations(void **state) {
    (void)state;
    static const size_t counts[] = {1, 2, 3, 10, 257, 60000};
    enum { LARGEST = 60000 };
    uint32_t *order = malloc(LARGEST * sizeof *order), *again = malloc(LARGEST * sizeof *again);
    assert_non_null(order);
    assert_non_null(again);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        const size_t count = counts[k];
        assert_int_equal(bp_random_permutation(order, count, 5, 9), BP_OK);
        assert_true(is_permutation(order, count));
        memset(again, 0xff, count * sizeof *again);
        assert_int_equal(bp_random_permutation(again, count, 5, 9), BP_OK);
        assert_memory_equal(order, again, count * sizeof *order);
        if (count >= 10) {
            assert_int_equal(bp_random_permutation(again, count, 6, 9), BP_OK);
            assert_memory_not_equal(order, again, count * sizeof *order);
            assert_int_equal(bp_random_permutation(again, count, 5, 10), BP_OK);
            assert_memory_not_equal(order, again, count * sizeof *order);
        }
    }
    free(order);
    free(again);
}

/* floor(u * bound / 2^64) by long division in 16-bit digits of u: slow, and unlike the library's. */
static uint64_t scaled(uint64_t u, uint64_t bound) {
    uint64_t carry = 0;
    for (int digit = 0; digit < 4; digit++) {
        carry = (((u >> (16 * digit)) & 0xffff) * bound + carry) >> 16;
    }
    return carry;
}

static void permutation_is_the_documented_one(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    static uint32_t expected[COUNT], order[COUNT];
    for (uint32_t k = 0; k < COUNT; k++) {
        expected[k] = k;
    }
    for (uint64_t k = COUNT - 1; k > 0; k--) {
        const uint64_t u = bp_random_u32(11, 13, 2 * k) | (uint64_t)bp_random_u32(11, 13, 2 * k + 1) << 32;
        const uint64_t r = scaled(u, k + 1);
        const uint32_t kept = expected[k];
        expected[k] = expected[r];
        expected[r] = kept;
    }
    assert_int_equal(bp_random_permutation(order, COUNT, 11, 13), BP_OK);
    assert_memory_equal(order, expected, sizeof order);
}

/* Each of the 24 orders of four comes equally often. */
static void bad_permutations(void **state) {
    (void)state;
    uint32_t order[3] = {7, 7, 7};
    assert_int_equal(bp_random_permutation(NULL, 2, 1, 1), BP_ERROR_NULL);
    assert_int_equal(bp_random_permutation(order, 0, 1, 1), BP_ERROR_SIZE);
    assert_non_null(strstr(bp_error_message(), "count is 0, and must be from 1 to"));
    assert_int_equal(bp_random_permutation(order, SIZE_MAX, 1, 1), BP_ERROR_SIZE);
    assert_int_equal(bp_random_permutation((uint32_t *)(void *)((char *)order + 2), 2, 1, 1), BP_ERROR_ALIGNMENT);
    assert_true(order[0] == 7 && order[1] == 7 && order[2] == 7);
}

static void permutations_are_fair(void **state) {
    (void)state;
    enum { COUNT = 24000 };
    size_t times[256] = {0};
    for (uint64_t seed = 0; seed < COUNT; seed++) {
        uint32_t order[4];
        assert_int_equal(bp_random_permutation(order, 4, seed, 1), BP_OK);
        times[order[0] | order[1] << 2 | order[2] << 4 | order[3] << 6]++;
    }
    size_t kinds = 0;
    for (size_t k = 0; k < 256; k++) {
        if (times[k] > 0) {
            kinds++;
            assert_in_range(times[k], 840, 1160); /* 1000, give or take five deviations */
        }
    }
    assert_int_equal(kinds, 24);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_words),   cmocka_unit_test(any_seed_stream_and_index),
        cmocka_unit_test(symmetric_is_exact),    cmocka_unit_test(distribution),
        cmocka_unit_test(permutations),          cmocka_unit_test(permutation_is_the_documented_one),
        cmocka_unit_test(permutations_are_fair), cmocka_unit_test(bad_permutations),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
