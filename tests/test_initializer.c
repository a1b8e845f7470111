/* Initial weights and the normal numbers behind them: pinned bits, the right distributions, orthogonal matrices, the
 * same weights in a network of every backend, bad inputs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/harness.h"
#include "harness/layers.h"
#include "refusals.h"

#include <backprop/initializer.h>
#include <backprop/network.h>
#include <backprop/random.h>

#include "enum_counts.h"
#include "network/create.h"

static double normal_cdf(double x) {
    return 0.5 * erfc(-x / sqrt(2.0));
}

static double normal_density(double x) {
    return exp(-0.5 * x * x) / sqrt(2 * acos(-1.0));
}

/* bp_random_normal against the normal distribution itself: x must be where the distribution is u, to 2e-7 of x. */
static void normal_is_the_quantile(void **state) {
    (void)state;
    double lowest = 0, highest = 0;
    for (uint64_t k = 0; k < 300000; k++) {
        const double u = ((double)bp_random_u32(3, 4, k) + 0.5) * 0x1p-32;
        const double x = (double)bp_random_normal(3, 4, k);
        assert_true(fabs(normal_cdf(x) - u) <= normal_density(x) * 2e-7 * fabs(x) + 1e-16);
        assert_true((u < 0.5) == (x < 0.0));
        lowest = fmin(lowest, x);
        highest = fmax(highest, x);
    }
    assert_true(lowest < -4 && highest > 4);
}

enum { COUNT = 100000 };

static int ascending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The largest distance between the numbers' distribution and the normal one, times sqrt(count). */
static double kolmogorov_smirnov(float *values, size_t count) {
    double largest = 0;
    qsort(values, count, sizeof *values, ascending);
    for (size_t k = 0; k < count; k++) {
        const double p = normal_cdf((double)values[k]);
        largest = fmax(largest, fmax(p - (double)k / (double)count, (double)(k + 1) / (double)count - p));
    }
    return largest * sqrt((double)count);
}

static void normal_distribution(void **state) {
    (void)state;
    static float values[COUNT];
    for (uint64_t seed = 0; seed < 4; seed++) {
        double moment[5] = {0};
        for (uint64_t k = 0; k < COUNT; k++) {
            values[k] = seed % 2 == 0 ? bp_random_normal(seed, 0, k) : bp_random_normal(seed, k, 0);
            for (int m = 1; m <= 4; m++) {
                moment[m] += pow((double)values[k], m) / COUNT;
            }
        }
        /* Bounds of five standard deviations. */
        assert_true(fabs(moment[1]) < 5 * sqrt(1.0 / COUNT));
        assert_true(fabs(moment[2] - 1) < 5 * sqrt(2.0 / COUNT));
        assert_true(fabs(moment[3]) < 5 * sqrt(15.0 / COUNT));
        assert_true(fabs(moment[4] - 3) < 5 * sqrt(96.0 / COUNT));
        /* Larger once in 30 000 times. */
        assert_true(kolmogorov_smirnov(values, COUNT) < 2.34);
    }
}

enum { IN_MAX = 300, LD = 210 };

static float weights[IN_MAX * LD];

static bp_initializer of_kind(int kind) {
    return (bp_initializer){(bp_initializer_kind)kind, 0.0f};
}

static uint64_t hash_weights(size_t in, size_t out) {
    uint64_t hash = TEST_HASH_START;
    for (size_t i = 0; i < in; i++) {
        for (size_t j = 0; j < out; j++) {
            hash = test_hash(hash, test_bits(weights[i * LD + j]));
        }
    }
    return hash;
}

static void pinned_hashes(void **state) {
    (void)state;
    static const uint64_t hashes[INITIALIZER_COUNT][2] = {
        {UINT64_C(0x97afc067036ce0ba), UINT64_C(0x572c6fab9458d216)},
        {UINT64_C(0x0d7b84f1f2270ee0), UINT64_C(0x3c596cd911db8429)},
        {UINT64_C(0x25714b1cff5ce8be), UINT64_C(0xa2689eaccad43cbe)},
        {UINT64_C(0x00f40478241b9c49), UINT64_C(0x314dba26f76d1a7d)},
        {UINT64_C(0x9c11b03f39a40add), UINT64_C(0xdb352e5d68b90209)},
        {UINT64_C(0x9b979151f66157ac), UINT64_C(0x70f6ca8f95afccc8)},
        {UINT64_C(0x97306c5a927166db), UINT64_C(0x0cb85f0507009bd5)},
    };
    for (int kind = 0; kind < INITIALIZER_COUNT; kind++) {
        assert_int_equal(bp_initialize(weights, LD, 130, 77, of_kind(kind), 42, 1), BP_OK);
        const uint64_t tall = hash_weights(130, 77);
        assert_int_equal(bp_initialize(weights, LD, 77, 130, of_kind(kind), 42, 2), BP_OK);
        const uint64_t wide = hash_weights(77, 130);
        if (tall != hashes[kind][0] || wide != hashes[kind][1]) {
            fail_msg("%s: {UINT64_C(0x%016llx), UINT64_C(0x%016llx)}", bp_initializer_name(of_kind(kind).kind),
                     (unsigned long long)tall, (unsigned long long)wide);
        }
    }
}

/* Mean, deviation, and the largest weight, as the table of initializer.h has them. */
static void distributions(void **state) {
    (void)state;
    const size_t in = IN_MAX, out = 200;
    const double n = (double)in, both = (double)(in + out), count = n * (double)out;
    const double deviations[] = {sqrt(2 / both), sqrt(2 / both), sqrt(2 / n), sqrt(2 / n),
                                 sqrt(1 / n),    sqrt(1 / n),    sqrt(1 / n)};
    for (int kind = 0; kind < INITIALIZER_COUNT; kind++) {
        for (size_t k = 0; k < IN_MAX * LD; k++) {
            weights[k] = 77.0f;
        }
        bp_initializer initializer = of_kind(kind);
        initializer.gain = 2.0f;
        assert_int_equal(bp_initialize(weights, LD, in, out, initializer, 7, 3), BP_OK);
        const double deviation = 2 * deviations[kind];
        const bool uniform = kind == BP_INITIALIZER_XAVIER_UNIFORM || kind == BP_INITIALIZER_HE_UNIFORM ||
                             kind == BP_INITIALIZER_LECUN_UNIFORM;
        double sum = 0, squares = 0, largest = 0;
        for (size_t i = 0; i < in; i++) {
            for (size_t j = 0; j < LD; j++) {
                const double w = (double)weights[i * LD + j];
                if (j >= out) {
                    assert_true(w == 77.0); /* between the rows */
                    continue;
                }
                sum += w;
                squares += w * w;
                largest = fmax(largest, fabs(w));
            }
        }
        assert_true(fabs(sum / count) < 5 * deviation / sqrt(count));
        assert_true(fabs(sqrt(squares / count) / deviation - 1) < 5 * sqrt(0.5 / count));
        assert_true(uniform ? largest <= deviation * 1.7320509 && largest > deviation * 1.73 : largest > deviation * 3);
    }
}

/* The largest difference between Q^T Q, or Q Q^T where rows are fewer, and the identity. */
static double orthogonality(size_t in, size_t out) {
    const bool wide = in < out;
    const size_t count = wide ? in : out, length = wide ? out : in, across = wide ? LD : 1, down = wide ? 1 : LD;
    double largest = 0;
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a; b < count; b++) {
            double dot = 0;
            for (size_t k = 0; k < length; k++) {
                dot += (double)weights[a * across + k * down] * (double)weights[b * across + k * down];
            }
            largest = fmax(largest, fabs(dot - (a == b)));
        }
    }
    return largest;
}

static void orthogonal(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{1, 1},   {1, 9},    {9, 1},     {2, 2},    {7, 8},
                                      {8, 7},   {16, 16},  {17, 60},   {60, 17},  {100, 100},
                                      {40, LD}, {300, 50}, {200, 200}, {199, LD}, {300, LD}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (uint64_t seed = 0; seed < 2; seed++) {
            const size_t in = sizes[k][0], out = sizes[k][1];
            assert_int_equal(bp_initialize(weights, LD, in, out, of_kind(BP_INITIALIZER_ORTHOGONAL), seed, 9), BP_OK);
            assert_true(orthogonality(in, out) < 2e-6);
        }
    }
}

/* Uniform over all orthogonal matrices: each element has both signs equally often, on the diagonal too. */
static void orthogonal_is_uniform(void **state) {
    (void)state;
    enum { SIZE = 4, DRAWS = 4000 };
    double mean[SIZE * SIZE] = {0}, trace = 0, trace_squared = 0;
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        assert_int_equal(bp_initialize(weights, SIZE, SIZE, SIZE, of_kind(BP_INITIALIZER_ORTHOGONAL), seed, 0), BP_OK);
        double t = 0;
        for (size_t k = 0; k < SIZE * SIZE; k++) {
            mean[k] += (double)weights[k] / DRAWS;
            t += k % (SIZE + 1) == 0 ? (double)weights[k] : 0.0;
        }
        trace += t / DRAWS;
        trace_squared += t * t / DRAWS;
    }
    /* An element has the variance 1/4, the trace 1 (P. Diaconis, M. Shahshahani, 1994). */
    for (size_t k = 0; k < SIZE * SIZE; k++) {
        assert_true(fabs(mean[k]) < 5 * 0.5 / sqrt(DRAWS));
    }
    assert_true(fabs(trace) < 5 / sqrt(DRAWS));
    assert_true(fabs(trace_squared - 1) < 5 * sqrt(2.0 / DRAWS));
}

/* ---- Networks --------------------------------------------------------------------------------------------------- */

enum { LAYERS = 3 };
static const size_t sizes[LAYERS + 1] = {50, 70, 33, 40};
static const bp_activation activations[LAYERS] = {
    {BP_ACTIVATION_RELU, 0.0f}, {BP_ACTIVATION_TANH, 0.0f}, {BP_ACTIVATION_IDENTITY, 0.0f}};

static void check_layers(bp_network *network, const bp_initializer *initializers, uint64_t seed) {
    static float got[IN_MAX * LD], biases[LD];
    for (size_t l = 0; l < LAYERS; l++) {
        const size_t in = sizes[l], out = sizes[l + 1];
        assert_int_equal(bp_initialize(weights, out, in, out, initializers[l], seed, l), BP_OK);
        assert_int_equal(layer_read(network, OF_PARAMETERS, l, got, 0, biases), BP_OK);
        assert_memory_equal(got, weights, in * out * sizeof(float));
        for (size_t j = 0; j < out; j++) {
            assert_int_equal(test_raw_bits(biases[j]), 0);
        }
    }
}

static void network_of_table(test_table *table) {
    bp_network_config config = bp_network_config_defaults();
    config.layers = LAYERS;
    config.sizes = sizes;
    config.activations = activations;
    config.max_batch_size = 8;
    config.threads = 1;
    config.seed = 5;
    static const bp_initializer defaults[LAYERS] = {{BP_INITIALIZER_HE_UNIFORM, 1.0f},
                                                    {BP_INITIALIZER_XAVIER_UNIFORM, 1.0f},
                                                    {BP_INITIALIZER_XAVIER_UNIFORM, 1.0f}};
    const float ones[LD] = {1.0f};
    bp_network *network;
    assert_int_equal(bp_network_create_on(table->backend, &config, &network), BP_OK);
    check_layers(network, defaults, 5);
    assert_int_equal(bp_network_initialize(network, 6), BP_OK);
    check_layers(network, defaults, 6);
    for (int kind = 0; kind < INITIALIZER_COUNT; kind++) {
        const bp_initializer initializers[LAYERS] = {
            of_kind(kind), {BP_INITIALIZER_ORTHOGONAL, 1.5f}, of_kind((kind + 1) % INITIALIZER_COUNT)};
        for (size_t l = 0; l < LAYERS; l++) {
            assert_int_equal(layer_write(network, OF_PARAMETERS, l, NULL, 0, ones), BP_OK);
        }
        assert_int_equal(bp_network_initialize_with(network, initializers, 11), BP_OK);
        check_layers(network, initializers, 11);
        table->cases++;
    }
    const uint64_t hash = bp_network_hash(network);
    bp_initializer bad[LAYERS] = {
        {BP_INITIALIZER_HE_NORMAL, 0.0f}, {BP_INITIALIZER_HE_NORMAL, 0.0f}, {BP_INITIALIZER_HE_NORMAL, -1.0f}};
    assert_int_equal(bp_network_initialize_with(NULL, bad, 1), BP_ERROR_NULL);
    assert_int_equal(bp_network_initialize_with(network, NULL, 1), BP_ERROR_NULL);
    assert_int_equal(bp_network_initialize_with(network, bad, 1), BP_ERROR_VALUE);
    bad[2] = (bp_initializer){INITIALIZER_COUNT, 1.0f};
    assert_int_equal(bp_network_initialize_with(network, bad, 1), BP_ERROR_VALUE);
    assert_true(bp_network_hash(network) == hash);
    bp_network_destroy(network);
}

static void networks(void **state) {
    (void)state;
    test_each_table(network_of_table);
}

/* ---- Bad inputs ------------------------------------------------------------------------------------------------- */

static void expect(bp_status expected, const char *argument, bp_status status, int line) {
    if (status != expected) {
        fail_msg("line %d: '%s' instead of '%s'", line, bp_status_string(status), bp_status_string(expected));
    }
    const char *wrong = wrong_message(status, argument);
    if (wrong != NULL)
        fail_msg("line %d: '%s' does not say what is wrong with %s", line, wrong, argument);
    mark_message();
    for (size_t k = 0; k < 64; k++) {
        assert_true(weights[k] == 77.0f);
    }
}

#define EXPECT(expected, argument, ...) expect((expected), argument, bp_initialize(__VA_ARGS__), __LINE__)

static void bad_inputs(void **state) {
    (void)state;
    for (size_t k = 0; k < 64; k++) {
        weights[k] = 77.0f;
    }
    const bp_initializer good = of_kind(BP_INITIALIZER_HE_NORMAL);
    mark_message();
    EXPECT(BP_ERROR_NULL, "w", NULL, 5, 3, 5, good, 1, 2);
    EXPECT(BP_ERROR_SIZE, "in", weights, 5, 0, 5, good, 1, 2);
    EXPECT(BP_ERROR_SIZE, "out", weights, 5, 3, 0, good, 1, 2);
    EXPECT(BP_ERROR_SIZE, "ldw", weights, 4, 3, 5, good, 1, 2);
    EXPECT(BP_ERROR_OVERFLOW, "ldw", weights, SIZE_MAX / 2, 3, 5, good, 1, 2);
    EXPECT(BP_ERROR_ALIGNMENT, "w", (float *)(void *)((char *)weights + 1), 5, 3, 5, good, 1, 2);
    EXPECT(BP_ERROR_VALUE, "initializer", weights, 5, 3, 5, of_kind(INITIALIZER_COUNT), 1, 2);
    EXPECT(BP_ERROR_VALUE, "initializer", weights, 5, 3, 5, of_kind(-1), 1, 2);
    EXPECT(BP_ERROR_VALUE, "initializer", weights, 5, 3, 5, ((bp_initializer){BP_INITIALIZER_HE_NORMAL, -1.0f}), 1, 2);
    EXPECT(BP_ERROR_VALUE, "initializer", weights, 5, 3, 5, ((bp_initializer){BP_INITIALIZER_HE_NORMAL, NAN}), 1, 2);
    EXPECT(BP_ERROR_VALUE, "initializer", weights, 5, 3, 5, ((bp_initializer){BP_INITIALIZER_ORTHOGONAL, INFINITY}), 1,
           2);

    bp_initializer_kind kind;
    for (int k = 0; k < INITIALIZER_COUNT; k++) {
        assert_int_equal(bp_initializer_from_name(bp_initializer_name((bp_initializer_kind)k), &kind), BP_OK);
        assert_int_equal(kind, k);
    }
    assert_null(bp_initializer_name(INITIALIZER_COUNT));
    assert_null(bp_initializer_name((bp_initializer_kind)-1));
    expect(BP_ERROR_VALUE, "he", bp_initializer_from_name("he", &kind), __LINE__);
    expect(BP_ERROR_VALUE, "lecun-normal", bp_initializer_from_name("he", &kind), __LINE__);
    expect(BP_ERROR_NULL, "name", bp_initializer_from_name(NULL, &kind), __LINE__);
    expect(BP_ERROR_NULL, "kind", bp_initializer_from_name("orthogonal", NULL), __LINE__);
    assert_int_equal(kind, INITIALIZER_COUNT - 1);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_is_the_quantile),
        cmocka_unit_test(normal_distribution),
        cmocka_unit_test(pinned_hashes),
        cmocka_unit_test(distributions),
        cmocka_unit_test(orthogonal),
        cmocka_unit_test(orthogonal_is_uniform),
        cmocka_unit_test(networks),
        cmocka_unit_test(bad_inputs),
    };
    test_start(argv[0]);
    test_keep_levels();
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
