/*
 * What objects of huge sizes ask of the allocator: at least what their arrays take, or nothing at all; never what a
 * product wrapped to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <backprop/data.h>
#include <backprop/network.h>

#include "harness/session.h"
#include "harness/usual.h"
#include "large_sizes.h"

static size_t asked;

static void *refuse(void *context, size_t bytes) {
    (void)context;
    asked = bytes;
    return NULL;
}

static void release_nothing(void *context, void *memory) {
    (void)context;
    (void)memory;
}

static const bp_allocator refusing = {refuse, release_nothing, NULL};

/* A network asks for its arrays at least, or says that they are too large; it never asks for what a product wrapped to.
 */
static void networks_ask_for_enough(void **state) {
    (void)state;
    static const float dropped[] = {0.5f, 0};
    static const bool normal[] = {true, false};
    size_t sizes[3], fit_in = 0, refused = 0;
    const bp_activation activations[] = {{BP_ACTIVATION_GELU, 0}, {BP_ACTIVATION_IDENTITY, 0}};
    for (size_t v = 0; v < LARGE * LARGE * LARGE; v++)
        for (int rich = 0; rich < 2; rich++)
            for (size_t threads = 1; threads < 3; threads++) {
                /* One of widths and rows is small in turn. */
                size_t four[4] = {large[v % LARGE], large[v / LARGE % LARGE], large[v / LARGE / LARGE], 5};
                four[3] = four[v % 4];
                four[v % 4] = 5;
                memcpy(sizes, four, sizeof sizes);
                bp_network_config config = bp_network_config_defaults();
                config.layers = 2;
                config.sizes = sizes;
                config.activations = activations;
                config.max_batch_size = four[3];
                config.threads = threads == 1 ? 1 : SIZE_MAX;
                config.allocator = &refusing;
                if (rich) {
                    config.dropout = dropped;
                    config.normalize = normal;
                    config.gradients = true;
                    config.optimizer =
                        stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAM, .clip_norm = 1, .ema_decay = 0.5f});
                }
                const double floats = (rich ? 5.0 : 1.0) * ((double)sizes[0] + (double)sizes[2]) * (double)sizes[1] +
                                      (double)config.max_batch_size;
                size_t bytes = 0;
                bp_network *made = (bp_network *)&config;
                asked = 0;
                const bp_status memory = bp_network_memory(&config, &bytes), status = bp_network_create(&config, &made);
                assert_null(made);
                if (memory == BP_OK) {
                    assert_int_equal(status, BP_ERROR_MEMORY);
                    assert_true(asked == bytes && bytes <= PTRDIFF_MAX);
                    assert_true((double)bytes >= 4 * floats);
                    fit_in++;
                } else {
                    assert_int_equal(memory, BP_ERROR_OVERFLOW);
                    assert_int_equal(status, BP_ERROR_OVERFLOW);
                    assert_int_equal(asked, 0);
                    refused++;
                }
                if (4 * floats > (double)PTRDIFF_MAX * 1.0001)
                    assert_int_equal(memory, BP_ERROR_OVERFLOW);
            }
    assert_true(fit_in > 0 && refused > 1000);
    print_message("%zu configurations would fit, %zu are too large\n", fit_in, refused);
}

static void batches_ask_for_enough(void **state) {
    (void)state;
    static const float inputs[1] = {0};
    size_t fit_in = 0, refused = 0;
    for (size_t v = 0; v < LARGE * LARGE * LARGE; v++) {
        const size_t rows = v % 3 == 0 ? 3 : large[v % LARGE], columns = large[v / LARGE % LARGE];
        const size_t of_batch = large[v / LARGE / LARGE];
        const bp_dataset set = {.rows = rows, .inputs = inputs, .input_columns = columns};
        bp_batches *made = (bp_batches *)&asked;
        asked = 0;
        const bp_status status = bp_batches_create(&set, of_batch, &refusing, &made);
        assert_null(made);
        if (status == BP_ERROR_MEMORY) {
            const double taken = (double)(rows < of_batch ? rows : of_batch);
            assert_true((double)asked >= 4 * ((double)rows + taken * (double)columns));
            fit_in++;
        } else {
            assert_true(status == BP_ERROR_OVERFLOW || status == BP_ERROR_SIZE);
            assert_int_equal(asked, 0);
            refused++;
        }
    }
    assert_true(fit_in > 0 && refused > 1000);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_ask_for_enough),
        cmocka_unit_test(batches_ask_for_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
