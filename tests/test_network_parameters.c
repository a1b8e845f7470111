/* Copying a layer's parameters out of a network and into it: every bit, nothing else, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/array.h"
#include "harness/bits.h"
#include "harness/random.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Widths around the panels of all backends. */
static const size_t widths[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 64, 65, 70};

/* The caller's arrays, each against a page without access. */
static struct { test_array weights, biases; } from, to;

static void map_arrays(void) {
    test_array *arrays[] = {&from.weights, &from.biases, &to.weights, &to.biases};
    for (size_t k = 0; k < COUNT(arrays); k++)
        if (!arrays[k]->memory)
            test_array_create(arrays[k], 1 << 16);
}

/* Any bits at all, NaNs of every kind among them. */
static void fill_bits(const test_array *a, test_random *random) {
    for (size_t n = 0; n < a->rows; n++)
        for (size_t j = 0; j < a->columns; j++) {
            const uint32_t bits = (uint32_t)test_random_next(random);
            memcpy(&a->data[n * a->ld + j], &bits, sizeof bits);
        }
}

static void assert_same_copy(const test_array *got, const test_array *expected) {
    assert_true(test_array_intact(got, "the copy", stderr));
    for (size_t n = 0; n < got->rows; n++)
        assert_memory_equal(got->data + n * got->ld, expected->data + n * expected->ld, got->columns * sizeof(float));
}

/* All that a network holds, its sums and slices included. */
static unsigned char *memory_copy(const bp_network *network) {
    const size_t bytes = network->bytes - BP_ALIGNMENT;
    unsigned char *copy = allocate(bytes, 1);
    memcpy(copy, network, bytes);
    return copy;
}

static void assert_same_memory(const bp_network *network, const unsigned char *copy) {
    assert_true(memcmp(network, copy, network->bytes - BP_ALIGNMENT) == 0);
}

/* ---- Round trips ---------------------------------------------------------------------------------------------- */

static void round_trip(bp_network *network, size_t index, size_t set_padding, size_t get_padding, test_side side,
                       test_random *random) {
    const size_t in = network->layers[index].in, out = network->layers[index].out;
    const size_t set_stride = out + set_padding, get_stride = out + get_padding;
    test_array_place(&from.weights, in, out, set_stride, 0, side);
    test_array_place(&from.biases, 1, out, out, 0, side);
    test_array_place(&to.weights, in, out, get_stride, 0, side);
    test_array_place(&to.biases, 1, out, out, 0, side);
    fill_bits(&from.weights, random);
    fill_bits(&from.biases, random);

    /* The stride 0 stands for packed rows. */
    assert_int_equal(
        layer_write(network, OF_PARAMETERS, index, from.weights.data, set_padding ? set_stride : 0, from.biases.data),
        BP_OK);
    unsigned char *before = memory_copy(network);
    assert_int_equal(
        layer_read(network, OF_PARAMETERS, index, to.weights.data, get_padding ? get_stride : 0, to.biases.data),
        BP_OK);
    assert_same_memory(network, before);
    free(before);
    assert_same_copy(&to.weights, &from.weights);
    assert_same_copy(&to.biases, &from.biases);
}

static void round_trips_on(test_table *table) {
    static const size_t ins[] = {1, 5, 40}, paddings[] = {0, 1, 13};
    test_random random = test_random_for(test_seed(), table->name);
    map_arrays();
    for (size_t i = 0; i < COUNT(ins); i++)
        for (size_t w = 0; w < COUNT(widths); w++) {
            /* Two layers, so that the second begins wherever the first ends. */
            const net shape = {.layers = 2, .sizes = {ins[i], widths[w], ins[i]}};
            const bp_network_config config = net_config(&shape, 2);
            bp_network *network = net_create_on(table, &config, 1);
            for (size_t k = 0; k < COUNT(paddings) * COUNT(paddings); k++)
                for (size_t index = 0; index < 2; index++) {
                    held_layer other = layer_get(network, 1 - index);
                    round_trip(network, index, paddings[k % 3], paddings[k / 3], k % 2 ? TEST_END : TEST_START,
                               &random);
                    held_layer after = layer_get(network, 1 - index);
                    assert_memory_equal(after.weights, other.weights, other.in * other.out * sizeof(float));
                    assert_memory_equal(after.biases, other.biases, other.out * sizeof(float));
                    layer_free(&other);
                    layer_free(&after);
                }
            bp_network_destroy(network);
        }
}

static void copies_are_exact(void **state) {
    (void)state;
    test_each_table(round_trips_on);
}

/* ---- The order of weights ------------------------------------------------------------------------------------- */

/* w_ij leads from input i to neuron j: of inputs that are zero but for x_i = 1 the outputs are row i and the biases. */
static void order_on(test_table *table) {
    const net shape = {.layers = 1, .sizes = {37, 70}};
    const size_t in = shape.sizes[0], out = shape.sizes[1];
    const bp_network_config config = net_config(&shape, 1);
    bp_network *network = net_create_on(table, &config, 1);
    held_layer held = layer_get(network, 0);
    for (size_t k = 0; k < in * out; k++)
        held.weights[k] = (float)k;
    for (size_t j = 0; j < out; j++)
        held.biases[j] = (float)j / 128;
    layer_set(network, 0, &held);
    for (size_t i = 0; i < in; i++) {
        float x[37] = {0}, outputs[70];
        x[i] = 1;
        const bp_batch batch = {.rows = 1, .inputs = x};
        assert_int_equal(bp_network_forward(network, &batch, outputs, 0), BP_OK);
        for (size_t j = 0; j < out; j++)
            assert_true(outputs[j] == held.weights[i * out + j] + held.biases[j]);
    }
    layer_free(&held);
    bp_network_destroy(network);
}

static void rows_belong_to_inputs(void **state) {
    (void)state;
    test_each_table(order_on);
}

/* ---- Refused -------------------------------------------------------------------------------------------------- */

enum { IN = 6, OUT = 19, STRIDE = OUT + 2, ROOM = IN * STRIDE + OUT + 1 };

/* Both calls say `expected`; neither the network nor the arrays around `buffer` change. */
static void refuse(bp_network *network, float buffer[ROOM], bp_network *given, size_t index, float *weights,
                   size_t stride, float *biases, bp_status expected, int line) {
    unsigned char *before = memory_copy(network);
    float arrays[ROOM];
    memcpy(arrays, buffer, sizeof arrays);
    const bp_status set = layer_write(given, OF_PARAMETERS, index, weights, stride, biases);
    assert_same_memory(network, before);
    const bp_status got = layer_read(given, OF_PARAMETERS, index, weights, stride, biases);
    assert_same_memory(network, before);
    assert_memory_equal(buffer, arrays, sizeof arrays);
    free(before);
    if (set != expected || got != expected)
        fail_msg("line %d: expected '%s', set says '%s', get says '%s'", line, bp_status_string(expected),
                 bp_status_string(set), bp_status_string(got));
}

#define REFUSE(given, index, weights, stride, biases, expected)                                                        \
    refuse(network, buffer, given, index, weights, stride, biases, expected, __LINE__)

static float *byte_off(float *pointer, size_t bytes) {
    return (float *)(void *)((char *)pointer + bytes);
}

static void bad_arguments_change_nothing(void **state) {
    (void)state;
    const net shape = {.layers = 2, .sizes = {IN, OUT, 4}};
    const bp_network_config config = net_config(&shape, 600); /* in slices */
    bp_network *network = net_create(&config, 3);
    float buffer[ROOM];
    for (size_t k = 0; k < ROOM; k++)
        buffer[k] = (float)k;
    float *w = buffer, *b = buffer + IN * STRIDE;
    const size_t last = (IN - 1) * STRIDE + OUT; /* elements up to the end of the weights */

    REFUSE(NULL, 0, w, STRIDE, b, BP_ERROR_NULL);
    REFUSE(network, 2, w, STRIDE, b, BP_ERROR_VALUE);
    REFUSE(network, SIZE_MAX, w, STRIDE, b, BP_ERROR_VALUE);
    REFUSE(network, 0, w, OUT - 1, b, BP_ERROR_SIZE);
    REFUSE(network, 0, w, 1, b, BP_ERROR_SIZE);
    REFUSE(network, 0, w, SIZE_MAX, b, BP_ERROR_OVERFLOW);
    REFUSE(network, 0, w, SIZE_MAX / 4 / IN, b, BP_ERROR_OVERFLOW);
    for (size_t bytes = 1; bytes < sizeof(float); bytes++) {
        REFUSE(network, 0, byte_off(w, bytes), STRIDE, b, BP_ERROR_ALIGNMENT);
        REFUSE(network, 0, NULL, 0, byte_off(b, bytes), BP_ERROR_ALIGNMENT);
    }

    /* Every part of the network's memory. */
    char *block = (char *)network;
    float *inside[] = {(float *)(void *)block,
                       network->layers[0].weights.data,
                       network->layers[0].biases,
                       network->gradient.sums,
                       network->workspace.layers[1].deltas.data,
                       network->workspace.row_loss,
                       (float *)(void *)(block + network->bytes - BP_ALIGNMENT) - 1};
    assert_non_null(network->gradient.sums);
    for (size_t k = 0; k < COUNT(inside); k++) {
        REFUSE(network, 0, inside[k], STRIDE, b, BP_ERROR_OVERLAP);
        REFUSE(network, 0, NULL, 0, inside[k], BP_ERROR_OVERLAP);
    }
    /* Ends just inside. */
    REFUSE(network, 0, (float *)(void *)block - last + 1, STRIDE, b, BP_ERROR_OVERLAP);
    REFUSE(network, 0, NULL, 0, (float *)(void *)block - OUT + 1, BP_ERROR_OVERLAP);

    /* What touches without overlapping is allowed. */
    assert_int_equal(layer_write(network, OF_PARAMETERS, 0, w, STRIDE, w + last), BP_OK);
    assert_int_equal(layer_read(network, OF_PARAMETERS, 0, w + OUT, STRIDE, w), BP_OK);
    for (size_t j = 0; j < OUT; j++)
        assert_true(buffer[j] == (float)(last + j));
    for (size_t k = 0; k < IN * OUT; k++)
        assert_true(w[OUT + k / OUT * STRIDE + k % OUT] == (float)(k / OUT * STRIDE + k % OUT));
    bp_network_destroy(network);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_exact),
        cmocka_unit_test(rows_belong_to_inputs),
        cmocka_unit_test(bad_arguments_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
