/*
 * The bits of SLEEF, pinned: hashes of its functions, reached through the kernels that use them, over fixed inputs.
 * They are the same on every instruction set; another SLEEF with other bits must not pass unnoticed.
 */
#include <math.h>
#include <stdio.h>

#include "defaults.h"
#include "harness/harness.h"

#include <backprop/activation.h>
#include <backprop/cpu.h>
#include <backprop/schedule.h>

/* Inputs per call of a kernel: no multiple of any vector, so that masked tails take part. */
enum { CHUNK = 1003 };

/* Fills `results` from the inputs: CHUNK of each. */
typedef void function(const bp_kernels *kernels, const float *inputs, float *results);

static void sigmoid(const bp_kernels *kernels, const float *inputs, float *results) {
    kernels->activate(results, CHUNK, inputs, CHUNK, 1, CHUNK, (bp_activation){BP_ACTIVATION_SIGMOID, 0.0f});
}

static void hyperbolic_tangent(const bp_kernels *kernels, const float *inputs, float *results) {
    kernels->activate(results, CHUNK, inputs, CHUNK, 1, CHUNK, (bp_activation){BP_ACTIVATION_TANH, 0.0f});
}

/* log1p of exp(-|x|). */
static void softplus(const bp_kernels *kernels, const float *inputs, float *results) {
    kernels->activate(results, CHUNK, inputs, CHUNK, 1, CHUNK, (bp_activation){BP_ACTIVATION_SOFTPLUS, 0.0f});
}

/* erfc of -x / sqrt(2). */
static void gelu(const bp_kernels *kernels, const float *inputs, float *results) {
    kernels->activate(results, CHUNK, inputs, CHUNK, 1, CHUNK, (bp_activation){BP_ACTIVATION_GELU, 0.0f});
}

static void sine(const bp_kernels *kernels, const float *inputs, float *results) {
    kernels->activate(results, CHUNK, inputs, CHUNK, 1, CHUNK, (bp_activation){BP_ACTIVATION_SINE, 0.0f});
}

static void sine_slope(const bp_kernels *kernels, const float *inputs, float *results) {
    kernels->activation_derivative(results, CHUNK, inputs, CHUNK, 1, CHUNK, (bp_activation){BP_ACTIVATION_SINE, 0.0f});
}

/* Two classes, 0 and -|x|: the second probability is exp(-|x|) / (1 + exp(-|x|)), and for |x| > 17 the bits of exp
 * itself. */
static void two_classes(const float *inputs, float rows[][2]) {
    for (size_t k = 0; k < CHUNK; k++) {
        rows[k][0] = 0.0f;
        rows[k][1] = -fabsf(inputs[k]);
    }
}

static void softmax(const bp_kernels *kernels, const float *inputs, float *results) {
    static float rows[CHUNK][2];
    two_classes(inputs, rows);
    kernels->softmax(rows[0], 2, rows[0], 2, CHUNK, 2);
    for (size_t k = 0; k < CHUNK; k++) {
        results[k] = rows[k][1];
    }
}

/* The label is the larger class, so that the loss is the logarithm of a sum between 1 and 2 alone. */
static void log_of_two(const bp_kernels *kernels, const float *inputs, float *results) {
    static float rows[CHUNK][2];
    static const uint32_t labels[CHUNK];
    two_classes(inputs, rows);
    kernels->loss_softmax_cross_entropy(NULL, 0, results, rows[0], 2, labels, CHUNK, 2, 1.0f);
}

/* Logarithms of sums between 1 and 40: the classes are 0 and 39 times -|x|/16. */
static void log_of_many(const bp_kernels *kernels, const float *inputs, float *results) {
    enum { CLASSES = 40 };
    static float rows[CHUNK][CLASSES];
    static const uint32_t labels[CHUNK];
    for (size_t k = 0; k < CHUNK; k++) {
        for (size_t j = 0; j < CLASSES; j++) {
            rows[k][j] = j == 0 ? 0.0f : -fabsf(inputs[k]) * 0x1p-4f;
        }
    }
    kernels->loss_softmax_cross_entropy(NULL, 0, results, rows[0], CLASSES, labels, CHUNK, CLASSES, 1.0f);
}

/* Of one output with target 0 the loss is log1p(exp(-|x|)). */
static void binary_cross_entropy(const bp_kernels *kernels, const float *inputs, float *results) {
    static float logits[CHUNK];
    static const float targets[CHUNK];
    for (size_t k = 0; k < CHUNK; k++) {
        logits[k] = -fabsf(inputs[k]);
    }
    kernels->loss_targets(NULL, 0, results, logits, 1, targets, 1, NULL, CHUNK, 1, BP_LOSS_BINARY_CROSS_ENTROPY, 0.0f,
                          1.0f);
}

/* Of one class with logit 0 the divergence is |x| log |x|. */
static void divergence(const bp_kernels *kernels, const float *inputs, float *results) {
    static float targets[CHUNK];
    static const float logits[CHUNK];
    for (size_t k = 0; k < CHUNK; k++) {
        targets[k] = fabsf(inputs[k]);
    }
    kernels->loss_targets(NULL, 0, results, logits, 1, targets, 1, NULL, CHUNK, 1, BP_LOSS_KULLBACK_LEIBLER, 0.0f,
                          1.0f);
}

/* The cosine of pi * p between rates of 2^24 and 0: one step of each schedule, whose rates show its bits. */
static void cosine(const bp_kernels *kernels, const float *inputs, float *results) {
    enum { HALVES = 1 << 20 };
    for (size_t k = 0; k < CHUNK; k++) {
        const bp_schedule s = SCHEDULE(BP_SCHEDULE_COSINE, .learning_rate = 0x1p24f, .steps = HALVES);
        results[k] = kernels->schedule_learning_rate(&s, (uint64_t)(fabsf(inputs[k]) * (HALVES / 104.0f)));
    }
}

/* Every 2^32/count-th bit pattern: all signs and exponents, NaNs, denormals. */
static float any_pattern(uint32_t k) {
    return test_float(k * UINT32_C(14303) + 1);
}

/* Where the functions are neither 0 nor 1: -104 to 104 in steps of 3 * 2^-12, denormal results of exp among them. */
static float middle(uint32_t k) {
    return (float)(int32_t)(k % 284000) * 0x1.8p-11f - 104.0f;
}

/* Where the normal distribution is neither 0 nor 1: -20.8 to 20.8. */
static float tails(uint32_t k) {
    return 0.2f * middle(k);
}

/* The first SHORT_CHUNKS chunks of inputs, enough to tell builds apart, have a hash of their own for emulators. */
enum { SHORT_CHUNKS = 8, CHUNKS = 300 };

typedef struct pin {
    const char *name;
    function *compute;
    float (*input)(uint32_t k);
    uint64_t short_hash, hash;
} pin;

static const pin pins[] = {
    {"expf u10 in sigmoid, any pattern", sigmoid, any_pattern, UINT64_C(0x5b77da049c36651b),
     UINT64_C(0x74c8531f0d530d09)},
    {"expf u10 in sigmoid, -104 .. 104", sigmoid, middle, UINT64_C(0xb0eefd8681fd7281), UINT64_C(0x329e1ef47c8e9fce)},
    {"expf u10 in softmax, any pattern", softmax, any_pattern, UINT64_C(0x00afda12234103b5),
     UINT64_C(0x09aeb623f5c88448)},
    {"expf u10 in softmax, -104 .. 104", softmax, middle, UINT64_C(0x9f581f1b63d7ef5a), UINT64_C(0xede3aef866a407fd)},
    {"tanhf u35, any pattern", hyperbolic_tangent, any_pattern, UINT64_C(0xc1490af7e5331c2f),
     UINT64_C(0x90c471548bf00e41)},
    {"tanhf u35, -104 .. 104", hyperbolic_tangent, middle, UINT64_C(0xb3c408e57bb3ac73), UINT64_C(0xeea4e0b4d3111481)},
    {"logf u10 of 1 .. 2 in cross-entropy", log_of_two, middle, UINT64_C(0x30d95eba6ff113ae),
     UINT64_C(0xcc598e4fb6da6cba)},
    {"logf u10 of 1 .. 40 in cross-entropy", log_of_many, middle, UINT64_C(0xeb1e52a5e59f8f92),
     UINT64_C(0x00d53a01a238c4e9)},
    {"log1pf u10 of exp in binary cross-entropy", binary_cross_entropy, middle, UINT64_C(0x38bc830ce6b7bae9),
     UINT64_C(0x42715359cfc07cb0)},
    {"logf u10 in kullback-leibler, any pattern", divergence, any_pattern, UINT64_C(0x5be44e9cd950437b),
     UINT64_C(0x534e07628b677ea6)},
    {"cosf u10 in schedules", cosine, middle, UINT64_C(0xa05fac8467dd62de), UINT64_C(0x6d5ebedd1af47788)},
    {"log1pf u10 in softplus, -104 .. 104", softplus, middle, UINT64_C(0xc71b85d9a4b76ff1),
     UINT64_C(0x0e165226a1a4df27)},
    {"erfcf u15 in gelu, -20 .. 20", gelu, tails, UINT64_C(0x9bd4d804565325a4), UINT64_C(0x992dc266467964ab)},
    {"sinf u35, any pattern", sine, any_pattern, UINT64_C(0x05848a94a6244520), UINT64_C(0xac4884b90c09c202)},
    {"sinf u35, -104 .. 104", sine, middle, UINT64_C(0x88b83e6141a25b61), UINT64_C(0x99492e543cc7bf4a)},
    {"cosf u35, any pattern", sine_slope, any_pattern, UINT64_C(0x678f26f137c0b3d1), UINT64_C(0x7c1d3d70d2892d6d)},
    {"cosf u35, -104 .. 104", sine_slope, middle, UINT64_C(0x70be16423401cb5c), UINT64_C(0x7974fd6a1d7c1f15)},
};

static void check_hash(const char *table, const pin *p, const char *part, uint64_t expected, uint64_t got) {
    if (got != expected) {
        fprintf(stderr,
                "FAILED: SLEEF on this machine has other bits than those this library promises.\n"
                "  %s, %s inputs, table %s: hash 0x%016llx, pinned 0x%016llx\n",
                p->name, part, table, (unsigned long long)got, (unsigned long long)expected);
        test_count_failure();
    }
}

/* Neighboring chunks take inputs far apart, so that the first few see all of the range. */
static uint32_t input_number(uint32_t chunk, uint32_t k) {
    return k * CHUNKS + chunk;
}

static void check_pin(test_table *table, const pin *p) {
    static float inputs[CHUNK], results[CHUNK];
    const uint32_t chunks = test_quick() ? SHORT_CHUNKS : CHUNKS;
    uint64_t hash = TEST_HASH_START;
    for (uint32_t chunk = 0; chunk < chunks; chunk++) {
        for (uint32_t k = 0; k < CHUNK; k++) {
            inputs[k] = p->input(input_number(chunk, k));
        }
        p->compute(table->kernels, inputs, results);
        for (uint32_t k = 0; k < CHUNK; k++) {
            hash = test_hash(hash, test_bits(results[k]));
        }
        if (chunk + 1 == SHORT_CHUNKS) {
            check_hash(table->name, p, "few", p->short_hash, hash);
        }
    }
    if (chunks == CHUNKS) {
        check_hash(table->name, p, "all", p->hash, hash);
    }
    table->cases++;
}

static void check_table(test_table *table) {
    for (size_t k = 0; k < sizeof pins / sizeof *pins; k++) {
        check_pin(table, &pins[k]);
    }
}

static void pinned_hashes(void **state) {
    (void)state;
    test_each_table(check_table);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {cmocka_unit_test(pinned_hashes)};
    test_start(argv[0]);
    if (!bp_cpu_covered()) {
        puts("skipped: the promise of equal bits covers CPUs with fused multiply-add alone");
        return 0;
    }
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
