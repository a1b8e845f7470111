/* Networks in words: whole texts against stored ones, and the rules of snprintf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { TEXT = 4096 };

/* What a text says of the same net on every backend; of its memory and its kernels it says what the backend has. */
typedef struct words {
    net shape;
    size_t max_batch_size, threads;
    bool host; /* lends a pool */
    const char *net, *layers, *step;
    const char *scalar_step; /* where it differs on the backend without small networks */
} words;

static const words all[] = {
    {.shape = {1, {2, 1}, {{BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE},
     .max_batch_size = 1,
     .threads = 1,
     .net = "network 2-1: 1 layer, 3 parameters",
     .layers = "    0        2        1  identity             3\n"
               "loss: mse\n",
     .step = "up to 1 thread\n"
             "a step of 1 row: 8 floating-point operations\n"
             "  phase 1, 1 thread: everything in one call\n",
     .scalar_step = "up to 1 thread\n"
                    "a step of 1 row: 8 floating-point operations\n"
                    "  phase 1, 1 thread: forward 0, loss, deltas and update 0\n"},
    {.shape =
         {2, {784, 128, 10}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_SOFTMAX_CROSS_ENTROPY},
     .max_batch_size = 64,
     .threads = 1,
     .net = "network 784-128-10: 2 layers, 101770 parameters",
     .layers = "    0      784      128  relu            100480\n"
               "    1      128       10  identity          1290\n"
               "loss: softmax-cross-entropy\n",
     .step = "up to 1 thread\n"
             "a step of 64 rows: 26181632 floating-point operations\n"
             "  phase 1, 1 thread: forward 0-1, loss, deltas and update 1-0\n"
             "a step of 1 row: 409088 floating-point operations\n"
             "  phase 1, 1 thread: forward 0-1, loss, deltas and update 1-0\n"},
    {.shape = {4,
               {32, 72, 72, 72, 16},
               {{BP_ACTIVATION_TANH, 0},
                {BP_ACTIVATION_SIGMOID, 0},
                {BP_ACTIVATION_LEAKY_RELU, 0.1f},
                {BP_ACTIVATION_IDENTITY, 0}},
               BP_LOSS_MSE},
     .max_batch_size = 4096,
     .threads = 2,
     .host = true,
     .net = "network 32-72-72-72-16: 4 layers, 14056 parameters",
     .layers = "    0       32       72  tanh              2376\n"
               "    1       72       72  sigmoid           5256\n"
               "    2       72       72  leaky-relu        5256\n"
               "    3       72       16  identity          1168\n"
               "loss: mse\n",
     .step = "up to 2 threads of the given pool\n"
             "a step of 4096 rows: 320864256 floating-point operations, in slices of 1024 rows\n"
             "  phase 1, 2 threads by row blocks: forward 0-3, loss, deltas and gradient 3-0\n"
             "  phase 2, 2 threads by parts: add the blocks' gradients, update\n"
             "a step of 1 row: 78336 floating-point operations\n"
             "  phase 1, 1 thread: forward 0-3, loss, deltas and update 3-0\n"},
    /* Widths that panels of every backend divide evenly between two. */
    {.shape = {3,
               {64, 1152, 1152, 384},
               {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
               BP_LOSS_MSE},
     .max_batch_size = 64,
     .threads = 2,
     .host = true,
     .net = "network 64-1152-1152-384: 3 layers, 1845888 parameters",
     .layers = "    0       64     1152  relu             74880\n"
               "    1     1152     1152  relu           1328256\n"
               "    2     1152      384  identity        442752\n"
               "loss: mse\n",
     .step = "up to 2 threads of the given pool\n"
             "a step of 64 rows: 698351616 floating-point operations\n"
             "  phase 1, 2 threads by rows: forward 0\n"
             "  phase 2, 2 threads by columns: forward 1\n"
             "  phase 3, 2 threads by columns: forward 2\n"
             "  phase 4, 2 threads by rows: loss\n"
             "  phase 5, 2 threads by columns: deltas and update 2\n"
             "  phase 6, 2 threads by columns: deltas and update 1\n"
             "  phase 7, 2 threads by parts: update 0\n"
             "a step of 1 row: 10911744 floating-point operations\n"
             "  phase 1, 2 threads by columns: forward 0\n"
             "  phase 2, 2 threads by columns: forward 1\n"
             "  phase 3, 2 threads by columns: forward 2\n"
             "  phase 4, 2 threads by rows: loss\n"
             "  phase 5, 2 threads by columns: deltas and update 2\n"
             "  phase 6, 2 threads by columns: deltas and update 1\n"
             "  phase 7, 2 threads by columns: deltas and update 0\n"},
};

static bp_network *create(const words *w, const test_table *table, pool_log *log) {
    bp_network_config config = net_config(&w->shape, w->max_batch_size);
    config.threads = w->threads;
    if (w->host)
        config.pool = stored_pool(pool_serial(log, w->threads));
    return net_create_on(table, &config, 1);
}

static void texts_on(test_table *table) {
    for (size_t k = 0; k < COUNT(all); k++) {
        const words *w = &all[k];
        pool_log log = {0};
        bp_network *network = create(w, table, &log);
        const bp_kernels *kernels = &network->backend->kernels;
        char text[TEXT], expected[TEXT];
        const bool plain = !network->backend->small_step && w->scalar_step;
        snprintf(expected, sizeof expected,
                 "%s, %zu bytes of memory\n"
                 "layer   inputs  outputs  activation  parameters\n"
                 "%s"
                 "optimizer: sgd\n"
                 "kernels: %s, tile of %zu x %zu; %s",
                 w->net, network->bytes, w->layers, bp_isa_name(bp_network_isa(network)), kernels->tile_rows,
                 kernels->tile_columns, plain ? w->scalar_step : w->step);
        const size_t length = bp_network_summary(network, text, sizeof text);
        if (strcmp(text, expected) != 0)
            fail_msg("%s:\n%s\ninstead of\n%s", table->name, text, expected);
        assert_int_equal(length, strlen(expected));
        bp_network_destroy(network);
    }
}

static void texts_are_the_stored_ones(void **state) {
    (void)state;
    test_each_table(texts_on);
}

/* What else layers and networks may have. */
static void texts_tell_what_is_special(void **state) {
    (void)state;
    const net shape = {
        .layers = 3, .sizes = {4, 40, 50, 3}, .activations = {{BP_ACTIVATION_GELU, 0}, {BP_ACTIVATION_RELU, 0}}};
    const float dropout[] = {0.5f, 0.0625f, 0};
    const bool normalize[] = {true, false, false};
    bp_network_config config = net_config(&shape, 5);
    config.dropout = dropout;
    config.normalize = normalize;
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAMW});
    config.loss = BP_LOSS_HUBER;
    bp_network *network = net_create(&config, 1);
    assert_int_equal(bp_network_freeze(network, 1, true), BP_OK);
    char text[TEXT];
    assert_true(bp_network_summary(network, text, sizeof text) < sizeof text);
    static const char expected[] = "    0        4       40  gelu               280, normalized, dropout 0.500\n"
                                   "    1       40       50  relu              2050, dropout 0.063, frozen\n"
                                   "    2       50        3  identity           153\n"
                                   "loss: huber\n"
                                   "optimizer: adamw\n";
    if (!strstr(text, expected))
        fail_msg("%s", text);
    bp_network_destroy(network);
}

static void texts_end_where_there_is_no_room(void **state) {
    (void)state;
    const bp_network_config config = net_config(&all[2].shape, 7);
    bp_network *network = net_create(&config, 1);
    char whole[TEXT], text[TEXT];
    const size_t length = bp_network_summary(network, whole, sizeof whole);
    assert_int_equal(length, strlen(whole));
    assert_int_equal(bp_network_summary(network, NULL, 0), length);
    for (size_t size = 0; size <= length + 2; size++) {
        memset(text, '#', sizeof text);
        assert_int_equal(bp_network_summary(network, text, size), length);
        const size_t written = size <= length ? (size ? size - 1 : 0) : length;
        assert_memory_equal(text, whole, written);
        if (size > 0)
            assert_int_equal(text[written], '\0');
        for (size_t k = size < written + 1 ? size : written + 1; k < sizeof text; k++)
            assert_int_equal(text[k], '#');
    }
    strcpy(text, "old");
    assert_int_equal(bp_network_summary(network, NULL, 10), 0);
    assert_int_equal(bp_network_summary(NULL, text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_int_equal(bp_network_summary(NULL, NULL, 0), 0);
    bp_network_destroy(network);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_the_stored_ones),
        cmocka_unit_test(texts_tell_what_is_special),
        cmocka_unit_test(texts_end_where_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
