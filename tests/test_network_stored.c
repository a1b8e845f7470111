/*
 * How long the gradient is kept that bp_network_backward leaves or bp_network_accumulate adds up, and what a pass that
 * updates nothing does to it: on every backend, in every way in which workers share a batch.
 */
#include <stdlib.h>

#include <backprop/backward.h>
#include <backprop/update.h>

#include "defaults.h"
#include "harness/bits.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const float learning_rate = 0.25f;

enum { SMALL_ROWS = 8 };
static const net small = {.layers = 2,
                          .sizes = {6, 7, 3},
                          .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                          .loss = BP_LOSS_MSE,
                          .weighted = true,
                          .gradients = true};

static float *shift_bytes(const float *pointer, size_t bytes) {
    return (float *)(void *)((char *)(uintptr_t)pointer + bytes);
}

static void a_gradient_is_kept_until_a_step(void **state) {
    (void)state;
    const bp_network_config config = net_config(&small, SMALL_ROWS);
    bp_network *network = net_create(&config, 3);
    samples s = samples_create(&small, SMALL_ROWS, 0, test_seed());
    float weights[6 * 8], biases[7], inputs[SMALL_ROWS * 6], loss;
    const bp_backward_options keep = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE),
                              update = BACKWARD_OPTIONS(.learning_rate = 0.1f),
                              skip = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_SKIP, .input_gradient = inputs);
    assert_int_equal(layer_read(network, OF_GRADIENT, 0, weights, 0, biases), BP_ERROR_VALUE);
    for (int way = 0; way < 2; way++) {
        assert_int_equal(bp_network_backward(network, &s.batch, &keep), BP_OK);
        assert_int_equal(bp_network_backward(network, &s.batch, &skip), BP_OK);
        assert_int_equal(bp_network_loss(network, &s.batch, &loss), BP_OK);
        assert_int_equal(layer_read(network, OF_GRADIENT, 0, weights, 0, biases), BP_OK);
        assert_int_equal(layer_read(network, OF_GRADIENT, 0, NULL, 0, biases), BP_OK);
        assert_int_equal(layer_read(network, OF_GRADIENT, 0, weights, 8, NULL), BP_OK);
        assert_int_equal(layer_read(NULL, OF_GRADIENT, 0, weights, 0, biases), BP_ERROR_NULL);
        assert_int_equal(layer_read(network, OF_GRADIENT, 2, weights, 0, biases), BP_ERROR_VALUE);
        assert_int_equal(layer_read(network, OF_GRADIENT, 0, weights, 6, biases), BP_ERROR_SIZE);
        assert_int_equal(layer_read(network, OF_GRADIENT, 0, weights, SIZE_MAX, biases), BP_ERROR_OVERFLOW);
        assert_int_equal(layer_read(network, OF_GRADIENT, 0, shift_bytes(weights, 1), 0, biases), BP_ERROR_ALIGNMENT);
        assert_int_equal(layer_read(network, OF_GRADIENT, 0, network->gradient.sums, 0, NULL), BP_ERROR_OVERLAP);
        if (way)
            assert_int_equal(bp_network_backward(network, &s.batch, &update), BP_OK);
        else
            assert_int_equal(bp_network_train_step(network, &s.batch, 0.1f, NULL), BP_OK);
        assert_int_equal(layer_read(network, OF_GRADIENT, 0, weights, 0, biases), BP_ERROR_VALUE);
    }
    bp_network_destroy(network);
    samples_destroy(&s);
}

/* A pass that only wants the inputs' gradient leaves what is kept and accumulated alone, whatever the way of sharing;
 * one that keeps a gradient begins anew. */
static void check_accumulated(test_table *table) {
    static const size_t rows_of[] = {4 * BP_ROW_BLOCK, 4 * BP_ROW_BLOCK, 64}; /* rows, blocks, columns */
    static const net shapes[] = {
        {2, {6, 7, 3}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE, .gradients = true},
        {2, {64, 96, 33}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE, .gradients = true},
        {2, {400, 300, 200}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE, .gradients = true},
    };
    for (size_t k = 0; k < COUNT(shapes); k++) {
        const size_t rows = rows_of[k];
        pool_log log = {0};
        bp_network_config config = net_config(&shapes[k], rows);
        config.threads = 2;
        config.pool = stored_pool(pool_reverse(&log, 2));
        bp_network *network = net_create_on(table, &config, 3);
        samples s = samples_create(&shapes[k], rows, 0, test_seed());
        const size_t in = shapes[k].sizes[0], out = shapes[k].sizes[1], all = (in + 1) * out;
        float *before = allocate(all, sizeof(float)), *after = allocate(all, sizeof(float));
        float *inputs = allocate(rows * in, sizeof(float));
        const bp_backward_options keep = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE),
                                  skip = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_SKIP, .input_gradient = inputs);
        assert_int_equal(bp_network_accumulate(network, &s.batch, rows, NULL), BP_OK);
        assert_int_equal(layer_read(network, OF_GRADIENT, 0, before, 0, before + in * out), BP_OK);
        bp_batch half = s.batch;
        half.rows /= 2;
        assert_int_equal(bp_network_backward(network, &half, &skip), BP_OK);
        assert_int_equal(layer_read(network, OF_GRADIENT, 0, after, 0, after + in * out), BP_OK);
        assert_same_bits(after, before, all);
        assert_true(bp_network_steps(network) == 0);
        assert_int_equal(bp_network_update(network, learning_rate), BP_OK);
        assert_int_equal(bp_network_accumulate(network, &s.batch, rows, NULL), BP_OK);
        assert_int_equal(bp_network_backward(network, &s.batch, &keep), BP_OK);
        assert_true(bp_network_steps(network) == 2);
        assert_int_equal(bp_network_update(network, learning_rate), BP_OK); /* of the step that is counted */
        assert_true(bp_network_steps(network) == 2);
        assert_int_equal(bp_network_update(network, learning_rate), BP_ERROR_VALUE);
        free(before);
        free(after);
        free(inputs);
        bp_network_destroy(network);
        samples_destroy(&s);
        table->cases++;
    }
}

static void what_is_accumulated_stays(void **state) {
    (void)state;
    test_each_table(check_accumulated);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gradient_is_kept_until_a_step),
        cmocka_unit_test(what_is_accumulated_stays),
    };
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
