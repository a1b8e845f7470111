/* Networks as objects: creation from good and bad configurations, memory, initial weights, layers, hash, and what is
 * refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enum_counts.h"
#include "harness/bits.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const net plain = {
    .layers = 3,
    .sizes = {13, 17, 33, 5},
    .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_LEAKY_RELU, 0.125f}, {BP_ACTIVATION_TANH, 0}},
    .loss = BP_LOSS_MSE};

/* ---- Memory --------------------------------------------------------------------------------------------------- */

typedef struct counted {
    size_t calls, live, bytes; /* allocations ever, allocations now, bytes of the last */
    size_t misalign;           /* bytes away from malloc's alignment */
    char *end;                 /* of the last */
    bool refuse;
} counted;

static void *counted_allocate(void *context, size_t bytes) {
    counted *c = context;
    c->calls++;
    c->bytes = bytes;
    char *memory = c->refuse ? NULL : malloc(bytes + c->misalign);
    if (!memory)
        return NULL;
    c->live++;
    memset(memory, 0xa5, bytes + c->misalign); /* a network must not count on zeros */
    c->end = memory + c->misalign + bytes;
    return memory + c->misalign;
}

static void counted_release(void *context, void *memory) {
    counted *c = context;
    c->live--;
    free((char *)memory - c->misalign);
}

static bp_allocator counted_allocator(counted *c) {
    return (bp_allocator){counted_allocate, counted_release, c};
}

static void memory_is_what_was_announced(void **state) {
    (void)state;
    for (size_t misalign = 0; misalign <= 48; misalign += 16) {
        counted c = {.misalign = misalign};
        bp_network_config config = net_config(&plain, 40);
        config.allocator = stored_allocator(counted_allocator(&c));
        size_t announced = 0;
        assert_int_equal(bp_network_memory(&config, &announced), BP_OK);
        assert_int_equal(c.calls, 0);

        bp_network *network = net_create(&config, test_seed());
        assert_int_equal(c.calls, 1);
        assert_int_equal(c.bytes, announced);
        assert_true(network->workspace.scratch + network->workspace.workers * network->workspace.scratch_bytes <=
                    c.end);
        samples s = samples_create(&plain, 40, 0, test_seed());
        assert_int_equal(bp_network_train_step(network, &s.batch, 0.1f, NULL), BP_OK);
        assert_int_equal(c.calls, 1);
        bp_network_destroy(network);
        assert_int_equal(c.live, 0);
        samples_destroy(&s);
    }
    bp_network_destroy(NULL);
}

/* Outputs in many panels are gathered for the loss, a few rows and their deltas, however many they are. */
static void scratch_holds_the_loss(void **state) {
    (void)state;
    for (size_t out = 1; out < 100000; out *= 5) {
        const net broad = {.layers = 1, .sizes = {1, out}, .loss = BP_LOSS_MSE};
        const bp_network_config config = net_config(&broad, 2);
        bp_network *network = net_create(&config, 1);
        assert_true(network->workspace.scratch_bytes >= 2 * LOSS_CHUNK_ROWS * out * sizeof(float));
        bp_network_destroy(network);
    }
}

static void refused_memory_is_an_error(void **state) {
    (void)state;
    counted c = {.refuse = true};
    bp_network_config config = net_config(&plain, 40);
    config.allocator = stored_allocator(counted_allocator(&c));
    bp_network *network = (bp_network *)&c;
    assert_int_equal(bp_network_create(&config, &network), BP_ERROR_MEMORY);
    assert_null(network);
    assert_int_equal(c.calls, 1);
    assert_int_equal(c.live, 0);
}

/* ---- What a network tells about itself ------------------------------------------------------------------------ */

static void queries_answer(void **state) {
    (void)state;
    bp_network_config config = net_config(&plain, 8);
    config.threads = 1;
    bp_network *network = net_create(&config, 1);
    const double products[] = {13 * 17, 17 * 33, 33 * 5};
    const double flops = 2 * 7 * (3 * (products[0] + products[1] + products[2]) - products[0]);
    assert_true(bp_network_step_flops(network, 7) == flops);
    assert_int_equal(bp_network_parameters(network), 14 * 17 + 18 * 33 + 34 * 5);
    assert_int_equal(bp_network_threads(network), 1);
    bp_isa active;
    assert_int_equal(bp_cpu_active(&active), BP_OK);
    assert_int_equal(bp_network_isa(network), active);
    bp_network_destroy(network);

    assert_true(bp_network_step_flops(NULL, 7) == 0);
    assert_int_equal(bp_network_parameters(NULL), 0);
    assert_int_equal(bp_network_threads(NULL), 0);
    assert_int_equal(bp_network_isa(NULL), BP_ISA_SCALAR);
    assert_true(bp_network_hash(NULL) == 0);
    assert_int_equal(bp_network_initialize(NULL, 1), BP_ERROR_NULL);
}

static void layers_are_as_configured(void **state) {
    (void)state;
    const bp_network_config config = net_config(&plain, 8);
    bp_network *network = NULL;
    assert_int_equal(bp_network_create(&config, &network), BP_OK);
    bp_layer described;
    for (size_t l = 0; l < plain.layers; l++) {
        assert_int_equal(bp_network_layer(network, l, &described), BP_OK);
        assert_int_equal(described.in, plain.sizes[l]);
        assert_int_equal(described.out, plain.sizes[l + 1]);
        assert_int_equal(described.activation.kind, plain.activations[l].kind);
        assert_true(described.activation.parameter == plain.activations[l].parameter);
        held_layer held = layer_get(network, l);
        for (size_t j = 0; j < held.out; j++)
            assert_int_equal(test_raw_bits(held.biases[j]), 0);
        layer_free(&held);
    }
    assert_int_equal(bp_network_layer(network, plain.layers, &described), BP_ERROR_VALUE);
    assert_int_equal(bp_network_layer(network, SIZE_MAX, &described), BP_ERROR_VALUE);
    assert_int_equal(bp_network_layer(network, 0, NULL), BP_ERROR_NULL);
    assert_int_equal(bp_network_layer(NULL, 0, &described), BP_ERROR_NULL);
    bp_network_destroy(network);
}

/* What the header says of each activation. */
static void initializers_follow_activations(void **state) {
    (void)state;
    for (int kind = 0; kind < ACTIVATION_COUNT; kind++)
        for (float parameter = -30; parameter <= 30; parameter += 60) {
            const bool sine = kind == BP_ACTIVATION_SINE;
            const net one = {
                .layers = 1, .sizes = {5, 7}, .activations = {{(bp_activation_kind)kind, sine ? parameter : 0}}};
            bp_initializer expected = {BP_INITIALIZER_XAVIER_UNIFORM, 1};
            switch (kind) {
            case BP_ACTIVATION_RELU:
            case BP_ACTIVATION_LEAKY_RELU:
            case BP_ACTIVATION_RELU6:
            case BP_ACTIVATION_ELU:
            case BP_ACTIVATION_HARD_SWISH:
            case BP_ACTIVATION_SILU:
            case BP_ACTIVATION_GELU:
            case BP_ACTIVATION_GELU_TANH:
            case BP_ACTIVATION_MISH:
                expected.kind = BP_INITIALIZER_HE_UNIFORM;
                break;
            case BP_ACTIVATION_SELU:
                expected.kind = BP_INITIALIZER_LECUN_UNIFORM;
                break;
            case BP_ACTIVATION_SINE:
                expected = (bp_initializer){BP_INITIALIZER_HE_UNIFORM, 1.0f / 30.0f};
                break;
            default:
                break;
            }
            const bp_network_config config = net_config(&one, 1);
            bp_network *network = net_create(&config, 4);
            held_layer held = layer_get(network, 0);
            float weights[5 * 7];
            assert_int_equal(bp_initialize(weights, 7, 5, 7, expected, 4, 0), BP_OK);
            assert_same_bits(held.weights, weights, COUNT(weights));
            layer_free(&held);
            bp_network_destroy(network);
        }
}

static void initial_weights_follow_the_formula(void **state) {
    (void)state;
    const net shape = {.layers = 4,
                       .sizes = {11, 6, 35, 3, 2},
                       .activations = {{BP_ACTIVATION_RELU, 0},
                                       {BP_ACTIVATION_SIGMOID, 0},
                                       {BP_ACTIVATION_LEAKY_RELU, 0.5f},
                                       {BP_ACTIVATION_IDENTITY, 0}}};
    const uint64_t seeds[] = {7, 0, 1, UINT64_MAX, test_seed()};
    bp_network_config config = net_config(&shape, 1);
    config.seed = seeds[0];
    bp_network *network = NULL;
    assert_int_equal(bp_network_create(&config, &network), BP_OK);
    for (size_t k = 0; k < COUNT(seeds); k++) {
        for (size_t l = 0; k > 0 && l < shape.layers; l++) { /* what was there before must go */
            held_layer held = layer_get(network, l);
            held.weights[0] = held.biases[0] = NAN;
            layer_set(network, l, &held);
            layer_free(&held);
        }
        if (k > 0) /* creation has drawn the first */
            assert_int_equal(bp_network_initialize(network, seeds[k]), BP_OK);
        for (size_t l = 0; l < shape.layers; l++) {
            const size_t in = shape.sizes[l], out = shape.sizes[l + 1];
            const float fan = (float)(l % 2 == 0 ? in : in + out); /* layers 0 and 2 are ReLUs */
            const float limit = sqrtf(6.0f / fan);
            held_layer held = layer_get(network, l);
            for (size_t w = 0; w < in * out; w++) {
                const float expected = limit * bp_random_symmetric(seeds[k], l, w);
                assert_same_bits(&held.weights[w], &expected, 1);
            }
            for (size_t j = 0; j < out; j++)
                assert_int_equal(test_raw_bits(held.biases[j]), 0);
            layer_free(&held);
        }
    }
    bp_network_destroy(network);
}

static void hash_is_fnv1a_of_all_bits(void **state) {
    (void)state;
    const bp_network_config config = net_config(&plain, 8);
    bp_network *network = net_create(&config, 5);

    /* A worked value: one parameter of 1.0f (bytes 00 00 80 3f) and a bias of +0 (bytes 00 00 00 00). */
    const net tiny = {.layers = 1, .sizes = {1, 1}};
    const bp_network_config tiny_config = net_config(&tiny, 1);
    bp_network *one = net_create(&tiny_config, 0);
    const float weight = 1.0f;
    assert_int_equal(layer_write(one, OF_PARAMETERS, 0, &weight, 0, NULL), BP_OK);
    uint64_t expected = UINT64_C(14695981039346656037);
    const unsigned char bytes[] = {0x00, 0x00, 0x80, 0x3f, 0, 0, 0, 0};
    for (size_t k = 0; k < sizeof bytes; k++)
        expected = (expected ^ bytes[k]) * UINT64_C(1099511628211);
    assert_true(bp_network_hash(one) == expected);
    bp_network_destroy(one);

    /* Every parameter counts, each NaN as the same one. */
    uint64_t before = bp_network_hash(network);
    for (size_t l = 0; l < plain.layers; l++) {
        held_layer held = layer_get(network, l);
        float *places[] = {&held.weights[0], &held.weights[held.in * held.out - 1], &held.biases[0],
                           &held.biases[held.out - 1]};
        for (size_t k = 0; k < COUNT(places); k++) {
            const uint32_t values[] = {0x80000000, 0x00000001, 0x7f800000, 0x7fc00000};
            for (size_t v = 0; v < COUNT(values); v++) {
                *places[k] = test_float(values[v]);
                layer_set(network, l, &held);
                model m = model_copy(&plain, network);
                assert_true(bp_network_hash(network) == model_hash(&m));
                assert_true(bp_network_hash(network) != before);
                before = bp_network_hash(network);
                model_destroy(&m);
            }
            *places[k] = test_float(0xffc12345); /* another NaN */
            layer_set(network, l, &held);
            assert_true(bp_network_hash(network) == before);
        }
        layer_free(&held);
    }
    bp_network_destroy(network);
}

/* ---- Bad batches ---------------------------------------------------------------------------------------------- */

static const void *shifted(const void *pointer, size_t bytes) {
    return (const char *)pointer + bytes;
}

typedef struct refusal {
    const char *what;
    bp_status expected;
    bool forward_too; /* whether bp_network_forward refuses it as well */
    bp_batch batch;
} refusal;

static void check_refusals(const net *shape, bp_network *network, const samples *s, const refusal *cases,
                           size_t count) {
    const size_t rows_max = 8, out = shape->sizes[shape->layers];
    float *outputs = malloc((rows_max + 1) * out * sizeof(float));
    assert_non_null(outputs);
    const uint64_t before = bp_network_hash(network);
    for (size_t k = 0; k < count; k++) {
        const bp_batch *bad = &cases[k].batch;
        float loss = 4711;
        const bp_status step = bp_network_train_step(network, bad, 0.1f, &loss);
        const bp_status measured = bp_network_loss(network, bad, &loss);
        if (step != cases[k].expected || measured != cases[k].expected || loss != 4711)
            fail_msg("%s: expected '%s', the step says '%s', the loss '%s' (%g)", cases[k].what,
                     bp_status_string(cases[k].expected), bp_status_string(step), bp_status_string(measured), loss);
        if (cases[k].forward_too) {
            outputs[0] = 4711;
            assert_int_equal(bp_network_forward(network, bad, outputs, 0), cases[k].expected);
            assert_true(outputs[0] == 4711);
        }
        if (bp_network_hash(network) != before)
            fail_msg("%s: weights changed", cases[k].what);
    }
    const float rates[] = {NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < COUNT(rates); k++)
        assert_int_equal(bp_network_train_step(network, &s->batch, rates[k], NULL), BP_ERROR_VALUE);
    assert_int_equal(bp_network_train_step(NULL, &s->batch, 0.1f, NULL), BP_ERROR_NULL);
    assert_int_equal(bp_network_train_step(network, NULL, 0.1f, NULL), BP_ERROR_NULL);
    assert_int_equal(bp_network_loss(network, &s->batch, NULL), BP_ERROR_NULL);
    assert_int_equal(bp_network_forward(network, NULL, outputs, 0), BP_ERROR_NULL);
    assert_int_equal(bp_network_forward(network, &s->batch, NULL, 0), BP_ERROR_NULL);
    assert_int_equal(bp_network_forward(NULL, &s->batch, outputs, 0), BP_ERROR_NULL);
    assert_int_equal(bp_network_forward(network, &s->batch, outputs, out - 1), BP_ERROR_SIZE);
    assert_int_equal(bp_network_forward(network, &s->batch, outputs, SIZE_MAX), BP_ERROR_OVERFLOW);
    assert_int_equal(bp_network_forward(network, &s->batch, (float *)(uintptr_t)shifted(outputs, 2), 0),
                     BP_ERROR_ALIGNMENT);
    assert_int_equal(bp_network_forward(network, &s->batch, network->layers[0].weights.data, 0), BP_ERROR_OVERLAP);
    assert_int_equal(bp_network_forward(network, &s->batch, (float *)(uintptr_t)s->batch.inputs, 0), BP_ERROR_OVERLAP);
    assert_true(bp_network_hash(network) == before);

    /* The network still works. */
    assert_int_equal(bp_network_train_step(network, &s->batch, 0.1f, NULL), BP_OK);
    assert_true(bp_network_hash(network) != before);
    free(outputs);
}

static void bad_batches_change_nothing(void **state) {
    (void)state;
    const net shapes[] = {{.layers = 2, .sizes = {6, 7, 3}, .loss = BP_LOSS_MSE},
                          {.layers = 2, .sizes = {6, 7, 3}, .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY}};
    for (size_t k = 0; k < COUNT(shapes); k++) {
        const bp_network_config config = net_config(&shapes[k], 8);
        bp_network *network = net_create(&config, 3);
        samples s = samples_create(&shapes[k], 8, 0, test_seed());
        float *weights = network->layers[1].weights.data, *biases = network->layers[1].biases;
        refusal cases[16];
        size_t count = 0;
#define BAD_BATCH(status, forward, field, value)                                                                       \
    cases[count] = (refusal){#field " = " #value, status, forward, s.batch}, cases[count++].batch.field = (value)
        BAD_BATCH(BP_ERROR_SIZE, true, rows, 0);
        BAD_BATCH(BP_ERROR_BATCH, true, rows, 9);
        BAD_BATCH(BP_ERROR_BATCH, true, rows, SIZE_MAX);
        BAD_BATCH(BP_ERROR_NULL, true, inputs, NULL);
        BAD_BATCH(BP_ERROR_SIZE, true, input_stride, 5);
        BAD_BATCH(BP_ERROR_OVERFLOW, true, input_stride, SIZE_MAX / 2);
        BAD_BATCH(BP_ERROR_ALIGNMENT, true, inputs, shifted(s.batch.inputs, 1));
        BAD_BATCH(BP_ERROR_OVERLAP, true, inputs, weights);
        BAD_BATCH(BP_ERROR_OVERLAP, false, weights, biases);
        BAD_BATCH(BP_ERROR_ALIGNMENT, false, weights, shifted(s.batch.inputs, 2));
        uint32_t labels[8];
        if (shapes[k].loss == BP_LOSS_MSE) {
            BAD_BATCH(BP_ERROR_NULL, false, targets, NULL);
            BAD_BATCH(BP_ERROR_SIZE, false, target_stride, 2);
            BAD_BATCH(BP_ERROR_OVERFLOW, false, target_stride, SIZE_MAX / 2);
            BAD_BATCH(BP_ERROR_ALIGNMENT, false, targets, shifted(s.batch.targets, 3));
            BAD_BATCH(BP_ERROR_OVERLAP, false, targets, weights);
        } else {
            memcpy(labels, s.labels, sizeof labels);
            labels[7] = 3; /* the last one, just out of range */
            BAD_BATCH(BP_ERROR_LABEL, false, labels, labels);
            BAD_BATCH(BP_ERROR_NULL, false, labels, NULL);
            BAD_BATCH(BP_ERROR_ALIGNMENT, false, labels, shifted(s.batch.labels, 2));
            BAD_BATCH(BP_ERROR_OVERLAP, false, labels, (const uint32_t *)biases);
        }
#undef BAD_BATCH
        check_refusals(&shapes[k], network, &s, cases, count);
        bp_network_destroy(network);
        samples_destroy(&s);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_what_was_announced),
        cmocka_unit_test(refused_memory_is_an_error),
        cmocka_unit_test(queries_answer),
        cmocka_unit_test(layers_are_as_configured),
        cmocka_unit_test(initial_weights_follow_the_formula),
        cmocka_unit_test(hash_is_fnv1a_of_all_bits),
        cmocka_unit_test(bad_batches_change_nothing),
        cmocka_unit_test(scratch_holds_the_loss),
        cmocka_unit_test(initializers_follow_activations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
