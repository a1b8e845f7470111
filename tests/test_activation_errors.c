/* Names of activations, what they keep, their parameters, and bad inputs of bp_activation_delta. */
#include <math.h>
#include <string.h>

#include "enum_counts.h"
#include "harness/harness.h"
#include "refusals.h"

#include <backprop/activation.h>

static const char *const kinds[ACTIVATION_COUNT] = {
    "identity",     "relu",     "leaky-relu", "sigmoid", "tanh", "relu6",     "elu",  "selu", "softsign",
    "hard-sigmoid", "softplus", "hard-swish", "silu",    "gelu", "gelu-tanh", "mish", "sine",
};

static void names(void **state) {
    (void)state;
    for (int k = 0; k < ACTIVATION_COUNT; k++) {
        bp_activation_kind kind = ACTIVATION_COUNT;
        assert_string_equal(bp_activation_name((bp_activation_kind)k), kinds[k]);
        assert_int_equal(bp_activation_from_name(kinds[k], &kind), BP_OK);
        assert_int_equal(kind, k);
    }
    assert_null(bp_activation_name(ACTIVATION_COUNT));
    assert_null(bp_activation_name((bp_activation_kind)-1));

    bp_activation_kind kind = BP_ACTIVATION_TANH;
    static const char *const unknown[] = {"", "leaky_relu", "identit", "tanhh", "RELU", "swish", "gelu_tanh"};
    for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++) {
        assert_int_equal(bp_activation_from_name(unknown[k], &kind), BP_ERROR_VALUE);
        assert_true(has_name(bp_error_message(), unknown[k]));
        for (int name = 0; name < ACTIVATION_COUNT; name++)
            assert_true(has_name(bp_error_message(), kinds[name]));
    }
    assert_int_equal(bp_activation_from_name(NULL, &kind), BP_ERROR_NULL);
    assert_true(has_name(bp_error_message(), "name"));
    assert_int_equal(bp_activation_from_name("relu", NULL), BP_ERROR_NULL);
    assert_true(has_name(bp_error_message(), "kind"));
    assert_int_equal(kind, BP_ACTIVATION_TANH);
}

static void what_is_kept(void **state) {
    (void)state;
    for (int k = 0; k < ACTIVATION_COUNT; k++) {
        assert_int_equal(bp_activation_saves_input((bp_activation_kind)k), k >= BP_ACTIVATION_SOFTPLUS);
    }
    assert_false(bp_activation_saves_input(ACTIVATION_COUNT));
    assert_false(bp_activation_saves_input((bp_activation_kind)-1));
}

static void parameters(void **state) {
    (void)state;
    static const struct {
        bp_activation activation;
        bp_status status;
    } cases[] = {
        {{BP_ACTIVATION_LEAKY_RELU, 0.0f}, BP_OK},
        {{BP_ACTIVATION_LEAKY_RELU, 7.0f}, BP_OK},
        {{BP_ACTIVATION_LEAKY_RELU, -0.1f}, BP_ERROR_VALUE},
        {{BP_ACTIVATION_LEAKY_RELU, NAN}, BP_ERROR_VALUE},
        {{BP_ACTIVATION_LEAKY_RELU, INFINITY}, BP_ERROR_VALUE},
        {{BP_ACTIVATION_ELU, 0.0f}, BP_OK},
        {{BP_ACTIVATION_ELU, 0.5f}, BP_OK},
        {{BP_ACTIVATION_ELU, -0.5f}, BP_ERROR_VALUE},
        {{BP_ACTIVATION_ELU, NAN}, BP_ERROR_VALUE},
        {{BP_ACTIVATION_ELU, INFINITY}, BP_ERROR_VALUE},
        {{BP_ACTIVATION_SINE, 30.0f}, BP_OK},
        {{BP_ACTIVATION_SINE, -30.0f}, BP_OK},
        {{BP_ACTIVATION_SINE, NAN}, BP_ERROR_VALUE},
        {{BP_ACTIVATION_SINE, -INFINITY}, BP_ERROR_VALUE},
        {{BP_ACTIVATION_RELU, NAN}, BP_OK}, /* none of its business */
        {{BP_ACTIVATION_GELU, -INFINITY}, BP_OK},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const float z = -0.5f;
        float a = 7.0f, d = 7.0f, delta = 7.0f;
        assert_int_equal(bp_activate(&a, 1, &z, 1, 1, 1, cases[k].activation), cases[k].status);
        assert_int_equal(bp_activation_derivative(&d, 1, &z, 1, 1, 1, cases[k].activation), cases[k].status);
        assert_int_equal(bp_activation_delta(&delta, 1, &z, 1, 1, 1, cases[k].activation), cases[k].status);
        if (cases[k].status != BP_OK) {
            assert_true(a == 7.0f && d == 7.0f && delta == 7.0f);
        }
    }
}

enum { ROWS = 3, COLUMNS = 5, LD = 6, SIZE = 64 };

static float arena[2][SIZE], before[2][SIZE];

typedef struct call {
    float *delta;
    size_t ldd;
    const float *saved;
    size_t lds;
    size_t rows, columns;
    bp_activation activation;
} call;

static call good_call(void) {
    return (call){arena[0], LD, arena[1], LD, ROWS, COLUMNS, {BP_ACTIVATION_GELU, 0.0f}};
}

static void expect(bp_status expected, const char *argument, call c, int line) {
    memcpy(before, arena, sizeof arena);
    mark_message();
    const bp_status got = bp_activation_delta(c.delta, c.ldd, c.saved, c.lds, c.rows, c.columns, c.activation);
    if (got != expected) {
        fail_msg("line %d: '%s' instead of '%s'", line, bp_status_string(got), bp_status_string(expected));
    }
    const char *wrong = wrong_message(got, argument);
    if (wrong != NULL)
        fail_msg("line %d: '%s' does not say what is wrong with %s", line, wrong, argument);
    if (got != BP_OK && memcmp(before, arena, sizeof arena) != 0) {
        fail_msg("line %d: wrote in spite of its error", line);
    }
}

/* A good call with one argument changed. */
#define EXPECT_WITH(expected, ...)                                                                                     \
    do {                                                                                                               \
        call with = good_call();                                                                                       \
        with.__VA_ARGS__;                                                                                              \
        expect(expected, bad_argument(#__VA_ARGS__, NULL), with, __LINE__);                                            \
    } while (0)

static void delta(void **state) {
    (void)state;
    const size_t huge = SIZE_MAX / sizeof(float);
    for (size_t k = 0; k < SIZE; k++) {
        arena[0][k] = arena[1][k] = (float)k * 0.125f;
    }
    expect(BP_OK, "", good_call(), __LINE__);
    EXPECT_WITH(BP_OK, activation = ((bp_activation){BP_ACTIVATION_IDENTITY, 0.0f}), with.saved = NULL);
    EXPECT_WITH(BP_OK, ldd = 0, with.lds = 0); /* packed */
    EXPECT_WITH(BP_ERROR_NULL, delta = NULL);
    EXPECT_WITH(BP_ERROR_NULL, saved = NULL);
    EXPECT_WITH(BP_ERROR_NULL, delta = NULL, with.activation = ((bp_activation){BP_ACTIVATION_IDENTITY, 0.0f}));
    EXPECT_WITH(BP_ERROR_SIZE, rows = 0);
    EXPECT_WITH(BP_ERROR_SIZE, columns = 0);
    EXPECT_WITH(BP_ERROR_SIZE, ldd = COLUMNS - 1);
    EXPECT_WITH(BP_ERROR_SIZE, lds = COLUMNS - 1);
    EXPECT_WITH(BP_ERROR_OVERFLOW, rows = SIZE_MAX);
    EXPECT_WITH(BP_ERROR_OVERFLOW, ldd = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, lds = huge);
    EXPECT_WITH(BP_ERROR_ALIGNMENT, delta = (float *)(void *)((char *)arena[0] + 1));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, saved = (const float *)(const void *)((const char *)arena[1] + 2));
    EXPECT_WITH(BP_ERROR_OVERLAP, delta = arena[1]);
    EXPECT_WITH(BP_ERROR_OVERLAP, saved = arena[0] + 1);
    EXPECT_WITH(BP_ERROR_VALUE, activation = ((bp_activation){ACTIVATION_COUNT, 0.0f}));
    EXPECT_WITH(BP_ERROR_VALUE, activation = ((bp_activation){(bp_activation_kind)-1, 0.0f}));
    EXPECT_WITH(BP_ERROR_VALUE, activation = ((bp_activation){BP_ACTIVATION_ELU, -1.0f}));
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(what_is_kept),
        cmocka_unit_test(parameters),
        cmocka_unit_test(delta),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
