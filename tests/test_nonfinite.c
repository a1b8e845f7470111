/* Numbers that are not finite: planted in every place of a step and found there. */
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
#include "fit_support.h"
#include "harness/session.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* More rows than a row block, and layers wider than a panel of any backend. */
enum { IN = 3, WIDE = 70, OUT = 2, ROWS = 300 };

/* All zero until something is planted. */
typedef struct field {
    bp_network *network;
    held_layer layer[3];
    float x[ROWS][IN], y[ROWS][OUT];
    const float *weights; /* of the rows, or null */
} field;

static const net shape = {
    .layers = 3,
    .sizes = {IN, WIDE, WIDE, OUT},
    .activations = {{BP_ACTIVATION_IDENTITY, 0}, {BP_ACTIVATION_LEAKY_RELU, 2}, {BP_ACTIVATION_IDENTITY, 0}},
    .loss = BP_LOSS_MSE};

/* Regularized: the first layer is normalized, the second drops half of its outputs. */
static field *field_create_as(const test_table *table, bool regularized) {
    static const bool normalize[] = {true, false, false};
    static const float dropout[] = {0, 0.5f, 0};
    field *f = allocate(1, sizeof *f);
    bp_network_config config = net_config(&shape, ROWS);
    if (regularized) {
        config.normalize = normalize;
        config.dropout = dropout;
    }
    config.threads = 1; /* a pool for each of hundreds of networks would take most of the time */
    f->network = net_create_on(table, &config, 1);
    for (size_t l = 0; l < 3; l++) {
        f->layer[l] = layer_get(f->network, l);
        memset(f->layer[l].weights, 0, f->layer[l].in * f->layer[l].out * sizeof(float));
    }
    return f;
}

static field *field_create(const test_table *table) {
    return field_create_as(table, false);
}

static void field_destroy(field *f) {
    for (size_t l = 0; l < 3; l++)
        layer_free(&f->layer[l]);
    bp_network_destroy(f->network);
    free(f);
}

static float *weight(field *f, size_t l, size_t i, size_t j) {
    return &f->layer[l].weights[i * f->layer[l].out + j];
}

/* The search must find just this, and change nothing. */
static void expect(field *f, bp_quantity place, size_t layer, size_t row, size_t column, int line) {
    for (size_t l = 0; l < 3; l++)
        layer_set(f->network, l, &f->layer[l]);
    const uint64_t hash = bp_network_hash(f->network);
    const bp_batch batch = {.rows = ROWS, .inputs = f->x[0], .targets = f->y[0], .weights = f->weights};
    bp_nonfinite found = {.quantity = QUANTITY_COUNT};
    assert_int_equal(bp_network_find_nonfinite(f->network, &batch, &found), BP_OK);
    if (found.quantity != place || found.layer != layer || found.row != row || found.column != column ||
        (place != BP_QUANTITY_NONE && isfinite(found.value)))
        fail_msg("line %d: %s of layer %zu at [%zu][%zu], %g", line, bp_quantity_name(found.quantity), found.layer,
                 found.row, found.column, (double)found.value);
    assert_int_equal(bp_network_hash(f->network), hash);
    field_destroy(f);
}

#define EXPECT(place, layer, row, column) expect(f, place, layer, row, column, __LINE__)

/* In the order of the search. Each field would also have others, further on, where the first one leads. */
static void places_on(test_table *table) {
    field *f = field_create(table);
    EXPECT(BP_QUANTITY_NONE, 0, 0, 0);

    static const float values[] = {NAN, INFINITY, -INFINITY};
    for (size_t k = 0; k < COUNT(values); k++) {
        for (size_t l = 0; l < 3; l++) {
            f = field_create(table);
            *weight(f, l, 2, f->layer[l].out - 1) = values[k];
            f->layer[l].biases[0] = values[k];
            f->x[0][0] = values[k];
            EXPECT(BP_QUANTITY_WEIGHTS, l, 2, l == 2 ? OUT - 1 : WIDE - 1);
            f = field_create(table);
            f->layer[l].biases[1] = values[k];
            if (l < 2)
                *weight(f, l + 1, 0, 0) = values[k];
            EXPECT(BP_QUANTITY_BIASES, l, 0, 1);
        }
        f = field_create(table);
        f->x[290][1] = values[k];
        f->y[0][0] = values[k];
        EXPECT(BP_QUANTITY_INPUTS, 0, 290, 1);
        f = field_create(table);
        f->y[ROWS - 1][OUT - 1] = values[k];
        f->y[ROWS - 1][0] = 1;
        EXPECT(BP_QUANTITY_TARGETS, 0, ROWS - 1, OUT - 1);
    }

    f = field_create(table);
    float weights[ROWS] = {0};
    weights[259] = NAN;
    f->weights = weights;
    EXPECT(BP_QUANTITY_ROW_WEIGHTS, 0, 259, 0);

    /* A large weight meets the one row that is not zero. */
    f = field_create(table);
    f->x[270][2] = 2;
    *weight(f, 0, 2, 65) = 3e38f;
    EXPECT(BP_QUANTITY_PRE_ACTIVATION, 0, 270, 65);
    f = field_create(table);
    f->x[7][0] = 2;
    *weight(f, 0, 0, 66) = 1;
    *weight(f, 1, 66, 33) = -3e38f;
    EXPECT(BP_QUANTITY_PRE_ACTIVATION, 1, 7, 33);
    /* The leaky ReLU doubles what is below zero. */
    f = field_create(table);
    f->x[299][0] = 1;
    *weight(f, 0, 0, 66) = 1;
    *weight(f, 1, 66, 33) = -3e38f;
    EXPECT(BP_QUANTITY_ACTIVATION, 1, 299, 33);

    /* Outputs and targets whose squared difference overflows; and losses whose sum does. */
    f = field_create(table);
    f->y[280][1] = 1e20f;
    EXPECT(BP_QUANTITY_LOSS, 0, 280, 0);
    f = field_create(table);
    f->y[1][0] = f->y[2][1] = f->y[299][0] = 1.8e19f;
    EXPECT(BP_QUANTITY_LOSS, 0, ROWS, 0);

    /* Deltas overflow on their way down through weights that were multiplied by zeros on the way up. */
    f = field_create(table);
    f->y[260][1] = -4 * ROWS;
    *weight(f, 2, 68, 1) = 3e38f;
    EXPECT(BP_QUANTITY_DELTA, 1, 260, 68);
    f = field_create(table);
    f->y[260][1] = -4 * ROWS;
    *weight(f, 2, 68, 1) = 6e37f;
    f->layer[1].biases[68] = 1e-45f; /* else the slope doubles it */
    *weight(f, 1, 3, 68) = 2;
    EXPECT(BP_QUANTITY_DELTA, 0, 260, 3);

    /* Gradients: a large input, and many deltas of one sign, one row in each of two blocks. */
    f = field_create(table);
    f->y[260][1] = -4 * ROWS;
    *weight(f, 2, 68, 1) = *weight(f, 1, 3, 68) = 1;
    f->x[260][2] = 3e38f;
    EXPECT(BP_QUANTITY_GRADIENT, 0, 2, 3);
    f = field_create(table);
    f->y[3][1] = f->y[260][1] = -4 * ROWS;
    *weight(f, 2, 68, 1) = 5e37f;
    f->layer[1].biases[68] = 1e-45f;
    EXPECT(BP_QUANTITY_BIAS_GRADIENT, 1, 0, 68);
}

/* The smallest networks: whatever the padding, their last parameters are looked at. */
static void the_last_parameters_on(test_table *table) {
    for (size_t in = 1; in <= 3; in++)
        for (size_t out = 1; out <= 40; out += 13) {
            const net tiny = {.layers = 1, .sizes = {in, out}, .loss = BP_LOSS_MSE};
            const bp_network_config config = net_config(&tiny, 1);
            bp_network *network = net_create_on(table, &config, 1);
            held_layer held = layer_get(network, 0);
            held.biases[out - 1] = NAN;
            layer_set(network, 0, &held);
            samples s = samples_create(&tiny, 1, 0, 2);
            bp_nonfinite found;
            assert_int_equal(bp_network_find_nonfinite(network, &s.batch, &found), BP_OK);
            assert_true(found.quantity == BP_QUANTITY_BIASES && found.column == out - 1);
            samples_destroy(&s);
            layer_free(&held);
            bp_network_destroy(network);
            table->cases++;
        }
}

static void the_last_parameters_are_found(void **state) {
    (void)state;
    test_each_table(the_last_parameters_on);
}

static void every_place_is_found(void **state) {
    (void)state;
    test_each_table(places_on);
}

/* Rows of the second layer's element `column` that its dropout lets stay in the first step. */
static bool stays(size_t row, size_t column) {
    float one = 1;
    const bp_dropout_mask mask = {.probability = 0.5f, .stream = UINT64_C(2) << 48, .row = row, .column = column};
    assert_int_equal(bp_dropout(&one, 1, &one, 1, 1, 1, &mask), BP_OK);
    return one != 0;
}

static void regularized_places_on(test_table *table) {
    float gain[WIDE], shift[WIDE] = {0};
    for (size_t j = 0; j < WIDE; j++)
        gain[j] = 1;
    field *f = field_create_as(table, true);
    f->x[2][0] = 1;
    *weight(f, 0, 0, 3) = 1;
    EXPECT(BP_QUANTITY_NONE, 0, 0, 0);

    f = field_create_as(table, true);
    gain[65] = shift[3] = NAN;
    assert_int_equal(norm_write(f->network, OF_PARAMETERS, 0, gain, shift), BP_OK);
    EXPECT(BP_QUANTITY_GAMMA, 0, 0, 65);
    f = field_create_as(table, true);
    gain[65] = 1;
    assert_int_equal(norm_write(f->network, OF_PARAMETERS, 0, gain, shift), BP_OK);
    EXPECT(BP_QUANTITY_BETA, 0, 0, 3);
    shift[3] = 0;

    /* A row with one number that is not zero becomes large there. */
    f = field_create_as(table, true);
    gain[5] = 3e38f;
    f->x[270][0] = 1;
    *weight(f, 0, 0, 5) = 1;
    assert_int_equal(norm_write(f->network, OF_PARAMETERS, 0, gain, shift), BP_OK);
    EXPECT(BP_QUANTITY_NORMALIZED, 0, 270, 5);
    gain[5] = 1;

    /* What stays is doubled, what is dropped is not. */
    size_t row = 0;
    for (size_t kept = 0; kept < 2; kept++) {
        while (stays(row, 33) != kept)
            row++;
        f = field_create_as(table, true);
        f->x[row][0] = 1;
        *weight(f, 0, 0, 66) = 1;
        *weight(f, 1, 66, 33) = 3e37f;
        EXPECT(kept ? BP_QUANTITY_DROPOUT : BP_QUANTITY_NONE, kept, kept ? row : 0, kept ? 33 : 0);
    }

    /* Large deltas of what normalization gives, whose gain takes them back on their way to z. */
    f = field_create_as(table, true);
    while (!stays(row, 68))
        row++;
    gain[3] = 1e-44f;
    f->x[row][0] = 1;
    f->y[row][1] = -4 * ROWS;
    *weight(f, 0, 0, 3) = *weight(f, 2, 68, 1) = 1;
    *weight(f, 1, 3, 68) = 2e37f;
    assert_int_equal(norm_write(f->network, OF_PARAMETERS, 0, gain, shift), BP_OK);
    EXPECT(BP_QUANTITY_GAMMA_GRADIENT, 0, 0, 3);
    f = field_create_as(table, true);
    for (size_t n = 0; n < ROWS; n++)
        f->y[n][1] = -4 * ROWS; /* two rows that stay are enough */
    *weight(f, 2, 68, 1) = 1;
    *weight(f, 1, 3, 68) = 1.5e37f;
    assert_int_equal(norm_write(f->network, OF_PARAMETERS, 0, gain, shift), BP_OK);
    EXPECT(BP_QUANTITY_BETA_GRADIENT, 0, 0, 3);
}

static void regularized_places_are_found(void **state) {
    (void)state;
    test_each_table(regularized_places_on);
}

/* Logits that are finite and a loss that is not; labels instead of targets. */
static void classes_are_searched_too(void **state) {
    (void)state;
    const net labeled = {.layers = 1, .sizes = {2, 3}, .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY};
    const bp_network_config config = net_config(&labeled, 8);
    bp_network *network = net_create(&config, 1);
    float x[] = {1, 1, 1, 2, 0, 1}, w[] = {3e38f, -3e38f, 0, 0, 0, 0};
    const uint32_t labels[] = {2, 1, 0};
    bp_batch batch = {.rows = 3, .inputs = x, .labels = labels};
    bp_nonfinite found;
    assert_int_equal(bp_network_find_nonfinite(network, &batch, &found), BP_OK);
    assert_int_equal(found.quantity, BP_QUANTITY_NONE);
    assert_int_equal(layer_write(network, OF_PARAMETERS, 0, w, 0, NULL), BP_OK);
    assert_int_equal(bp_network_find_nonfinite(network, &batch, &found), BP_OK);
    assert_int_equal(found.quantity, BP_QUANTITY_LOSS);
    assert_int_equal(found.row, 1); /* row 0 has the difference 3e38, row 1 twice that */
    bp_network_destroy(network);
}

static void places_have_names(void **state) {
    (void)state;
    for (int a = 0; a < QUANTITY_COUNT; a++) {
        assert_non_null(bp_quantity_name((bp_quantity)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(bp_quantity_name((bp_quantity)a), bp_quantity_name((bp_quantity)b));
    }
    assert_string_equal(bp_quantity_name(BP_QUANTITY_GRADIENT), "gradient");
    assert_string_equal(bp_quantity_name(BP_QUANTITY_UPDATE), "update");
    assert_null(bp_quantity_name(QUANTITY_COUNT));
    assert_null(bp_quantity_name((bp_quantity)-1));
}

/* ---- Refused -------------------------------------------------------------------------------------------------- */

static void bad_searches(void **state) {
    (void)state;
    budget b = {.left = 1};
    bp_network_config config = net_config(&shape, 8);
    config.allocator = stored_allocator((bp_allocator){budget_allocate, budget_release, &b});
    bp_network *network = net_create(&config, 1);
    float x[8 * IN] = {0}, y[8 * OUT] = {0};
    const bp_batch good = {.rows = 8, .inputs = x, .targets = y};
    bp_nonfinite found = {.row = 77};
    static const struct {
        size_t rows;
        ptrdiff_t x, y; /* bytes to move by, or -1 for null */
        size_t stride;
        bp_status expected;
    } cases[] = {
        {9, 0, 0, 0, BP_ERROR_BATCH},     {0, 0, 0, 0, BP_ERROR_SIZE},
        {8, -1, 0, 0, BP_ERROR_NULL},     {8, 0, -1, 0, BP_ERROR_NULL},
        {8, 0, 0, IN - 1, BP_ERROR_SIZE}, {4, 1, 0, 0, BP_ERROR_ALIGNMENT},
        {4, 0, 2, 0, BP_ERROR_ALIGNMENT}, {8, 0, 0, SIZE_MAX, BP_ERROR_OVERFLOW},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        bp_batch batch = {.rows = cases[k].rows, .input_stride = cases[k].stride};
        if (cases[k].x >= 0)
            batch.inputs = (float *)(void *)((char *)x + cases[k].x);
        if (cases[k].y >= 0)
            batch.targets = (float *)(void *)((char *)y + cases[k].y);
        if (bp_network_find_nonfinite(network, &batch, &found) != cases[k].expected)
            fail_msg("case %zu", k);
    }
    assert_int_equal(bp_network_find_nonfinite(NULL, &good, &found), BP_ERROR_NULL);
    assert_int_equal(bp_network_find_nonfinite(network, NULL, &found), BP_ERROR_NULL);
    assert_int_equal(bp_network_find_nonfinite(network, &good, NULL), BP_ERROR_NULL);
    assert_int_equal(bp_network_find_nonfinite(network, &good, &found), BP_ERROR_MEMORY);
    assert_int_equal(found.row, 77);
    b.left = 1;
    assert_int_equal(bp_network_find_nonfinite(network, &good, &found), BP_OK);
    assert_int_equal(b.live, 1);
    bp_network_destroy(network);
    assert_int_equal(b.live, 0);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_is_found),
        cmocka_unit_test(the_last_parameters_are_found),
        cmocka_unit_test(regularized_places_are_found),
        cmocka_unit_test(classes_are_searched_too),
        cmocka_unit_test(places_have_names),
        cmocka_unit_test(bad_searches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
