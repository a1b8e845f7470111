/*
 * Numbers that are large: steps beyond 2^32 in Adam's powers, in masks and in checkpoints, permutations of a million
 * rows, a million normal numbers, the last of all epochs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "defaults.h"
#include "harness/harness.h"
#include "harness/layers.h"

#include <backprop/backprop.h>

#include "enum_counts.h"
#include "storage/files.h"

/* ---- Adam's powers ---------------------------------------------------------------------------------------------- */

static const uint64_t steps[] = {1,
                                 2,
                                 1000,
                                 (UINT64_C(1) << 24) + 1,
                                 UINT64_C(1) << 25,
                                 UINT64_C(50000001),
                                 UINT32_MAX,
                                 UINT64_C(1) << 32,
                                 (UINT64_C(1) << 32) + 1,
                                 (UINT64_C(1) << 32) + 5,
                                 (UINT64_C(5) << 32) + 3,
                                 UINT64_C(1) << 40,
                                 (UINT64_C(1) << 48) - 1,
                                 UINT64_C(1) << 63,
                                 UINT64_MAX};

/* Usual ones, and the largest float below 1, whose powers are not 0 for some 10^10 steps. */
static const float betas[][2] = {{0.9f, 0.999f}, {0.5f, 0x1.fffffep-1f}, {0x1.fffffep-1f, 0x1.fffffcp-1f}};

/* b^t, from the highest bit of t down: other roundings than the documented order has, and as exact. */
static long double power_from_above(double b, uint64_t t) {
    long double power = 1;
    for (int bit = 63; bit >= 0; bit--)
        power = power * power * ((t >> bit & 1) != 0 ? (long double)b : 1.0L);
    return power;
}

/* b^t as optimizer.h has it, over the list of all squares. */
static double documented_power(double b, uint64_t t) {
    double squares[64] = {b}, power = 1;
    for (size_t k = 1; k < 64; k++)
        squares[k] = squares[k - 1] * squares[k - 1];
    for (size_t k = 0; k < 64; k++)
        if (t >> k & 1)
            power = power * squares[k];
    return power;
}

static void powers_are_powers(void **state) {
    (void)state;
    size_t telling = 0;
    for (size_t k = 0; k < sizeof betas / sizeof *betas; k++)
        for (size_t n = 0; n < sizeof steps / sizeof *steps; n++) {
            const double b = (double)betas[k][1], power = documented_power(b, steps[n]);
            const double exact = (double)power_from_above(b, steps[n]);
            /* Each squaring doubles the error so far and adds one. */
            assert_true(fabs(power - exact) <= exact * (double)steps[n] * 0x1p-52 + 0x1p-1000);
            telling += steps[n] > UINT32_MAX && power > 1e-300 && power < 0.999;
        }
    assert_true(telling >= 3);
}

/* One parameter by one step, as optimizer.h has it. */
static float adam_by_hand(const bp_optimizer *o, uint64_t step, float learning_rate, float w, float m, float v,
                          float g) {
    const float m1 = fmaf(o->beta1, m, (1.0f - o->beta1) * g);
    const float v1 = fmaf(o->beta2, v, (1.0f - o->beta2) * (g * g));
    const float rate_t = (float)((double)learning_rate / (1.0 - documented_power((double)o->beta1, step)));
    const float correction = (float)(1.0 / sqrt(1.0 - documented_power((double)o->beta2, step)));
    return fmaf(-rate_t, m1 / fmaf(sqrtf(v1), correction, o->epsilon), w);
}

enum { COUNT = 37, BATCH = 3, IN = 5 };

static void adam_far_on(test_table *table) {
    for (size_t k = 0; k < sizeof betas / sizeof *betas; k++)
        for (size_t n = 0; n < sizeof steps / sizeof *steps; n++) {
            bp_optimizer o = bp_optimizer_defaults(n % 2 ? BP_OPTIMIZER_ADAM : BP_OPTIMIZER_ADAMW);
            o.beta1 = betas[k][0];
            o.beta2 = betas[k][1];
            float w[COUNT], m[COUNT], v[COUNT], g[COUNT], expected[COUNT];
            test_random random = test_random_for(test_seed(), "adam");
            for (size_t e = 0; e < COUNT; e++) {
                w[e] = test_random_symmetric(&random);
                m[e] = test_random_symmetric(&random);
                v[e] = fabsf(test_random_symmetric(&random));
                g[e] = test_random_symmetric(&random);
                expected[e] = adam_by_hand(&o, steps[n], 0.0123f, w[e], m[e], v[e], g[e]);
            }
            table->kernels->optimizer_step(&(bp_parameters){w, {m, v}, NULL}, g, COUNT, &o, steps[n], 0.0123f);
            for (size_t e = 0; e < COUNT; e++)
                assert_int_equal(test_bits(w[e]), test_bits(expected[e]));
            table->cases++;
        }
}

static void adams_powers(void **state) {
    (void)state;
    test_each_table(adam_far_on);
}

/* ---- The last steps of a network -------------------------------------------------------------------------------- */

static bp_network *create(void) {
    static const bp_activation activations[] = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}};
    const bp_optimizer adam = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
    bp_network_config config = bp_network_config_defaults();
    config.layers = 2;
    config.sizes = (const size_t[]){IN, COUNT, 1};
    config.activations = activations;
    config.max_batch_size = BATCH;
    config.dropout = (const float[]){0.5f, 0};
    config.threads = 1;
    config.optimizer = &adam;
    config.gradients = true;
    config.seed = 5;
    bp_network *network = NULL;
    assert_int_equal(bp_network_create(&config, &network), BP_OK);
    return network;
}

static const float inputs[BATCH * IN] = {0.5f, -1, 0.25f, 1, 2, -0.5f, 1, 3, 0.125f, 1, 0, -2, 1, 1, 0.75f};
static const float targets[BATCH] = {1, -1, 0.5f};
static const bp_batch batch = {.rows = BATCH, .inputs = inputs, .targets = targets};
static const uint64_t last_step = (UINT64_C(1) << 48) - 1;

static void checkpoints_of_the_last_steps(void **state) {
    (void)state;
    bp_network *network = create(), *other = create();
    const uint64_t counts[] = {UINT32_MAX, (UINT64_C(1) << 32) + 4, UINT64_C(1) << 47, last_step - 2};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        assert_int_equal(bp_network_set_steps(network, UINT64_MAX - k, counts[k]), BP_OK);
        assert_int_equal(bp_network_train_step(network, &batch, 0.01f, NULL), BP_OK);
        EXPECT_SUCCESS(bp_checkpoint_save(network, files_path("far"), NULL, 0, &error));
        EXPECT_SUCCESS(bp_checkpoint_load(other, files_path("far"), &error));
        assert_int_equal(bp_network_steps(other), counts[k] + 1);
        assert_int_equal(bp_network_seed(other), UINT64_MAX - k);
        assert_int_equal(bp_network_train_step(network, &batch, 0.01f, NULL), BP_OK);
        assert_int_equal(bp_network_train_step(other, &batch, 0.01f, NULL), BP_OK);
        assert_int_equal(bp_network_hash(other), bp_network_hash(network));
        EXPECT_SUCCESS(bp_checkpoint_save(network, files_path("far"), NULL, 0, &error)); /* also after the last one */
        EXPECT_SUCCESS(bp_checkpoint_load(other, files_path("far"), &error));
    }
    assert_int_equal(bp_network_steps(network), last_step);
    bp_network_destroy(network);
    bp_network_destroy(other);
}

/* After the last step there is none, whichever way, and nothing changes. */
static void no_step_after_the_last(void **state) {
    (void)state;
    bp_network *network = create();
    assert_int_equal(bp_network_set_steps(network, 1, last_step + 1), BP_ERROR_VALUE);
    assert_int_equal(bp_network_set_steps(network, 1, last_step), BP_OK);
    assert_int_equal(bp_network_accumulate(network, &batch, BATCH, NULL), BP_OK);
    const uint64_t hash = bp_network_hash(network);
    assert_int_equal(bp_network_update(network, 0.01f), BP_ERROR_VALUE);
    assert_int_equal(bp_network_train_step(network, &batch, 0.01f, NULL), BP_ERROR_VALUE);
    bp_backward_options options = BACKWARD_OPTIONS(.learning_rate = 0.01f);
    assert_int_equal(bp_network_backward(network, &batch, &options), BP_ERROR_VALUE);
    options.gradient = BP_GRADIENT_MODE_STORE;
    assert_int_equal(bp_network_backward(network, &batch, &options), BP_ERROR_VALUE);
    float gradient[BATCH * IN];
    options.gradient = BP_GRADIENT_MODE_SKIP;
    options.input_gradient = gradient;
    assert_int_equal(bp_network_backward(network, &batch, &options), BP_OK);
    assert_int_equal(bp_network_steps(network), last_step);
    assert_int_equal(bp_network_hash(network), hash);
    assert_int_equal(layer_read(network, OF_GRADIENT, 1, NULL, 0, gradient), BP_OK); /* still there, but not for ... */
    assert_int_equal(bp_network_set_steps(network, 1, last_step - 1), BP_OK);        /* ... another step's number */
    assert_int_equal(bp_network_update(network, 0.01f), BP_ERROR_VALUE);
    assert_int_equal(bp_network_accumulate(network, &batch, BATCH, NULL), BP_OK);
    assert_int_equal(bp_network_update(network, 0.01f), BP_OK);
    assert_int_equal(bp_network_steps(network), last_step);
    bp_network_destroy(network);
}

/* ---- A million ----------------------------------------------------------------------------------------------------
 */

enum { MILLION = 1000000 };
#define PERMUTATION_HASH UINT64_C(0x5960c1d8819b00e1)
#define NORMALS_HASH UINT64_C(0xacd1522b0246546a)

static uint32_t *numbers(void) {
    uint32_t *made = malloc(MILLION * sizeof *made);
    assert_non_null(made);
    return made;
}

static uint64_t hash_words(const uint32_t *words, size_t count) {
    uint64_t hash = TEST_HASH_START;
    for (size_t k = 0; k < count; k++)
        hash = test_hash(hash, words[k]);
    return hash;
}

/* floor(u * bound / 2^64) by the halves of u. */
static uint64_t scaled(uint64_t u, uint64_t bound) {
    return ((u >> 32) * bound + ((u & UINT32_MAX) * bound >> 32)) >> 32;
}

static void expect_permutation(const uint32_t *order, uint64_t seed, uint64_t stream, size_t count) {
    uint32_t *expected = numbers();
    for (uint32_t k = 0; k < count; k++)
        expected[k] = k;
    for (uint64_t k = count - 1; k > 0; k--) {
        const uint64_t low = bp_random_u32(seed, stream, 2 * k), high = bp_random_u32(seed, stream, 2 * k + 1);
        const uint64_t r = scaled(low | high << 32, k + 1);
        const uint32_t kept = expected[k];
        expected[k] = expected[r];
        expected[r] = kept;
    }
    assert_memory_equal(order, expected, count * sizeof *order);
    free(expected);
}

static void a_permutation_of_a_million(void **state) {
    (void)state;
    uint32_t *order = numbers();
    unsigned char *seen = calloc(MILLION, 1);
    assert_non_null(seen);
    assert_int_equal(bp_random_permutation(order, MILLION, 20240229, UINT64_C(1) << 32), BP_OK);
    for (size_t k = 0; k < MILLION; k++) {
        assert_true(order[k] < MILLION && !seen[order[k]]);
        seen[order[k]] = 1;
    }
    assert_int_equal(hash_words(order, MILLION), PERMUTATION_HASH);
    expect_permutation(order, 20240229, UINT64_C(1) << 32, MILLION);
    free(order);
    free(seen);
}

static uint64_t hash_normals(double moment[5]) {
    uint64_t hash = TEST_HASH_START;
    for (uint64_t k = 0; k < MILLION; k++) {
        const float x = bp_random_normal(20240229, 1, k);
        hash = test_hash(hash, test_bits(x));
        double power = 1;
        for (size_t p = 0; p < 5; p++, power *= (double)x)
            moment[p] += power / MILLION;
    }
    return hash;
}

/* Moments of a normal distribution within five standard deviations of theirs. */
static void a_million_normals(void **state) {
    (void)state;
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (bp_cpu_set((bp_isa)isa) != BP_OK || (test_quick() && isa != BP_ISA_SCALAR))
            continue;
        double moment[5] = {0};
        assert_int_equal(hash_normals(moment), NORMALS_HASH);
        assert_true(fabs(moment[1]) < 5e-3);
        assert_true(fabs(moment[2] - 1) < 5 * sqrt(2) * 1e-3);
        assert_true(fabs(moment[3]) < 5 * sqrt(15) * 1e-3);
        assert_true(fabs(moment[4] - 3) < 5 * sqrt(96) * 1e-3);
    }
}

/* ---- The last epoch -----------------------------------------------------------------------------------------------
 */

static void the_last_epoch(void **state) {
    (void)state;
    enum { ROWS = 1000, STEP = 300 };
    static float rows[ROWS];
    static uint32_t expected[ROWS];
    for (size_t n = 0; n < ROWS; n++)
        rows[n] = (float)n;
    const bp_dataset dataset = {.rows = ROWS, .inputs = rows, .input_columns = 1};
    bp_batches *batches = NULL;
    assert_int_equal(bp_batches_create(&dataset, STEP, NULL, &batches), BP_OK);
    const uint64_t epochs[] = {0, UINT64_C(1) << 31, UINT32_MAX};
    for (size_t k = 0; k < sizeof epochs / sizeof *epochs; k++) {
        assert_int_equal(bp_batches_shuffle(batches, 9, epochs[k]), BP_OK);
        assert_int_equal(bp_random_permutation(expected, ROWS, 9, (UINT64_C(1) << 32) + epochs[k]), BP_OK);
        bp_batch next;
        size_t n = 0;
        while (bp_batches_next(batches, &next))
            for (size_t r = 0; r < next.rows; r++)
                assert_true(next.inputs[r] == (float)expected[n++]);
        assert_int_equal(n, ROWS);
    }
    assert_int_equal(bp_batches_shuffle(batches, 9, UINT64_C(1) << 32), BP_ERROR_VALUE);
    bp_batches_destroy(batches);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_are_powers),
        cmocka_unit_test(adams_powers),
        cmocka_unit_test(checkpoints_of_the_last_steps),
        cmocka_unit_test(no_step_after_the_last),
        cmocka_unit_test(a_permutation_of_a_million),
        cmocka_unit_test(a_million_normals),
        cmocka_unit_test(the_last_epoch),
    };
    return test_finish(cmocka_run_group_tests(tests, files_set_up, files_tear_down));
}
