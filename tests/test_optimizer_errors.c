/* Bad inputs of the optimizers' and schedules' functions: the right status, the argument by its name, and not a
 * byte written. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "enum_counts.h"
#include "harness/harness.h"
#include "harness/usual.h"
#include "refusals.h"

#include <backprop/backprop.h>

enum { BATCH = 3, IN = 4, OUT = 5, LD = 6, SLOT = 32, SLOTS = 10, COUNT = 20 };

static _Alignas(BP_ALIGNMENT) float arena[SLOT * SLOTS], before[SLOT * SLOTS];
static unsigned char *scratch;
static const size_t huge = SIZE_MAX / sizeof(float);

static float *slot(size_t k) {
    return arena + k * SLOT;
}

static float *misaligned(size_t k) {
    return (float *)(void *)((unsigned char *)slot(k) + 1);
}

static int set_up(void **state) {
    (void)state;
    for (size_t k = 0; k < SLOT * SLOTS; k++)
        arena[k] = (float)k;
    memcpy(before, arena, sizeof arena);
    return 0;
}

static void check(bp_status status, bp_status expected, const char *argument, const char *call, int line) {
    if (status != expected)
        fail_msg("line %d: %s: '%s' instead of '%s'", line, call, bp_status_string(status), bp_status_string(expected));
    const char *wrong = wrong_message(status, argument);
    if (wrong)
        fail_msg("line %d: %s: '%s' does not say what is wrong with %s", line, call, wrong, argument);
    if (expected == BP_OK)
        memcpy(before, arena, sizeof arena);
    else if (memcmp(arena, before, sizeof arena) != 0)
        fail_msg("line %d: %s: wrote in spite of its error", line, call);
}

static const argument_name *renamed;

/* A good call but for that. */
#define EXPECT_WITH(expected, kind, ...)                                                                               \
    do {                                                                                                               \
        kind with = good_##kind();                                                                                     \
        with.__VA_ARGS__;                                                                                              \
        mark_message();                                                                                                \
        const bp_status returned = call_##kind(with);                                                                  \
        check(returned, (expected), bad_argument(#__VA_ARGS__, renamed), #kind " with " #__VA_ARGS__, __LINE__);       \
    } while (0)

/* A call of either function: a step on COUNT parameters, or the update of a layer. */
typedef struct update {
    bp_optimizer optimizer;
    bool no_optimizer, no_weights, no_biases;
    uint64_t step;
    float learning_rate;
    bp_parameters weights, biases;
    size_t ldw;
    const float *gradient; /* of the step; x of the layer */
    size_t ldx;
    const float *delta;
    size_t ldd, count, batch, in, out;
    void *scratch;
} update;

static bool layer; /* which of the two is called */

static bp_optimizer averaging(bp_optimizer_kind kind) {
    return usual((bp_optimizer){.kind = kind, .ema_decay = 0.5f});
}

static update good_update(void) {
    return (update){.optimizer = averaging(BP_OPTIMIZER_ADAM),
                    .step = 1,
                    .learning_rate = 0.5f,
                    .weights = {slot(0), {slot(1), slot(2)}, slot(3)},
                    .biases = {slot(4), {slot(5), slot(6)}, slot(7)},
                    .ldw = LD,
                    .gradient = slot(8),
                    .ldx = LD,
                    .delta = slot(9),
                    .ldd = LD,
                    .count = COUNT,
                    .batch = BATCH,
                    .in = IN,
                    .out = OUT,
                    .scratch = scratch};
}

static bp_status call_update(update u) {
    const bp_optimizer *optimizer = u.no_optimizer ? NULL : &u.optimizer;
    const bp_parameters *weights = u.no_weights ? NULL : &u.weights, *biases = u.no_biases ? NULL : &u.biases;
    if (!layer)
        return bp_optimizer_step(weights, u.gradient, u.count, optimizer, u.step, u.learning_rate);
    return bp_dense_gradient_update(weights, u.ldw, biases, u.gradient, u.ldx, u.delta, u.ldd, u.batch, u.in, u.out,
                                    optimizer, u.step, u.learning_rate, u.scratch);
}

static const argument_name step_names[] = {{"no_optimizer", "optimizer"},
                                           {"no_weights", "parameters"},
                                           {"weights.values", "parameters->values"},
                                           {"weights.state[0]", "parameters->state[0]"},
                                           {"weights.state[1]", "parameters->state[1]"},
                                           {"weights.ema", "parameters->ema"},
                                           {0}},
                           layer_names[] = {{"no_optimizer", "optimizer"},
                                            {"no_weights", "w"},
                                            {"gradient", "x"},
                                            {"weights.values", "w->values"},
                                            {"weights.state[0]", "w->state[0]"},
                                            {"weights.state[1]", "w->state[1]"},
                                            {"weights.ema", "w->ema"},
                                            {"biases.values", "bias->values"},
                                            {"biases.state[0]", "bias->state[0]"},
                                            {"biases.state[1]", "bias->state[1]"},
                                            {"biases.ema", "bias->ema"},
                                            {0}};

static void call_layers(bool layers) {
    layer = layers;
    renamed = layers ? layer_names : step_names;
}

static void optimizers(void **state) {
    (void)state;
    static const float negative = -FLT_MIN;
    for (int which = 0; which <= 1; which++) {
        call_layers(which);
        EXPECT_WITH(BP_OK, update, step = 1);
        EXPECT_WITH(BP_OK, update, learning_rate = -1);
        EXPECT_WITH(BP_OK, update, step = UINT64_MAX);
        EXPECT_WITH(BP_ERROR_NULL, update, no_optimizer = true);
        EXPECT_WITH(BP_ERROR_NULL, update, gradient = NULL);
        EXPECT_WITH(BP_ERROR_NULL, update, weights.values = NULL);
        EXPECT_WITH(BP_ERROR_NULL, update, weights.state[0] = NULL);
        EXPECT_WITH(BP_ERROR_NULL, update, weights.state[1] = NULL);
        EXPECT_WITH(BP_ERROR_NULL, update, weights.ema = NULL);
        EXPECT_WITH(BP_OK, update, weights.ema = NULL, with.biases.ema = NULL, with.optimizer.ema_decay = 0);
        EXPECT_WITH(BP_OK, update, weights.state[1] = NULL, with.biases.state[1] = NULL,
                    with.optimizer = averaging(BP_OPTIMIZER_LION));
        EXPECT_WITH(BP_OK, update, weights.state[0] = NULL, with.biases.state[0] = NULL,
                    with.optimizer = averaging(BP_OPTIMIZER_SGD));
        EXPECT_WITH(BP_ERROR_VALUE, update, step = 0);
        EXPECT_WITH(BP_ERROR_VALUE, update, learning_rate = NAN);
        EXPECT_WITH(BP_ERROR_VALUE, update, learning_rate = INFINITY);
        EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.kind = OPTIMIZER_COUNT);
        EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.kind = (bp_optimizer_kind)-1);
        EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.clip_norm = 1);
        EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.struct_size = 0);
        EXPECT_WITH(BP_ERROR_VALUE, update, optimizer = averaging(BP_OPTIMIZER_RPROP), with.optimizer.grow = 1);
        EXPECT_WITH(BP_ERROR_VALUE, update, optimizer = averaging(BP_OPTIMIZER_RPROP), with.optimizer.step_min = 51);
        EXPECT_WITH(BP_ERROR_VALUE, update, optimizer = averaging(BP_OPTIMIZER_RPROP), with.optimizer.step_max = 1e-7f);
        EXPECT_WITH(BP_ERROR_VALUE, update, optimizer = averaging(BP_OPTIMIZER_RPROP), with.optimizer.shrink = 0);
        EXPECT_WITH(BP_OK, update, optimizer = averaging(BP_OPTIMIZER_RPROP), with.optimizer.step_min = 0);
        EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.momentum = 0.5f); /* Adam has none */
        EXPECT_WITH(BP_OK, update, optimizer.beta1 = 0);
        EXPECT_WITH(BP_OK, update, optimizer.beta2 = 0);
        EXPECT_WITH(BP_OK, update, optimizer.epsilon = 0);
        const float bad_fractions[] = {1, 1.5f, NAN, INFINITY, negative}, bad_numbers[] = {NAN, INFINITY, negative};
        for (size_t k = 0; k < sizeof bad_fractions / sizeof *bad_fractions; k++) {
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.momentum = bad_fractions[k]);
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.beta1 = bad_fractions[k]);
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.beta2 = bad_fractions[k]);
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.shrink = bad_fractions[k]);
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.ema_decay = bad_fractions[k]);
        }
        for (size_t k = 0; k < sizeof bad_numbers / sizeof *bad_numbers; k++) {
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.epsilon = bad_numbers[k]);
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.grow = bad_numbers[k]);
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.step_min = bad_numbers[k]);
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.step_max = bad_numbers[k]);
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.weight_decay = bad_numbers[k]);
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.decay_scope = DECAY_SCOPE_COUNT);
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.clip = bad_numbers[k]);
            EXPECT_WITH(BP_ERROR_VALUE, update, optimizer.clip_norm = bad_numbers[k]);
        }
        EXPECT_WITH(BP_ERROR_ALIGNMENT, update, weights.values = misaligned(0));
        EXPECT_WITH(BP_ERROR_ALIGNMENT, update, weights.state[0] = misaligned(1));
        EXPECT_WITH(BP_ERROR_ALIGNMENT, update, weights.state[1] = misaligned(2));
        EXPECT_WITH(BP_ERROR_ALIGNMENT, update, weights.ema = misaligned(3));
        EXPECT_WITH(BP_ERROR_ALIGNMENT, update, gradient = misaligned(8));
        EXPECT_WITH(BP_ERROR_OVERLAP, update, weights.values = slot(8));
        EXPECT_WITH(BP_ERROR_OVERLAP, update, weights.state[0] = slot(0));
        EXPECT_WITH(BP_ERROR_OVERLAP, update, weights.state[1] = slot(1) + 1);
        EXPECT_WITH(BP_ERROR_OVERLAP, update, weights.ema = slot(8) + 2);
    }
}

static void one_array(void **state) {
    (void)state;
    call_layers(false);
    EXPECT_WITH(BP_ERROR_NULL, update, no_weights = true);
    EXPECT_WITH(BP_ERROR_SIZE, update, count = 0);
    EXPECT_WITH(BP_ERROR_OVERFLOW, update, count = SIZE_MAX);
    EXPECT_WITH(BP_ERROR_OVERFLOW, update, count = huge);
}

static void a_layer(void **state) {
    (void)state;
    call_layers(true);
    EXPECT_WITH(BP_OK, update, ldw = 0, with.ldx = 0, with.ldd = 0); /* packed */
    EXPECT_WITH(BP_OK, update, no_biases = true);
    EXPECT_WITH(BP_OK, update, no_weights = true);
    EXPECT_WITH(BP_ERROR_NULL, update, no_weights = true, with.no_biases = true);
    EXPECT_WITH(BP_ERROR_NULL, update, delta = NULL);
    EXPECT_WITH(BP_ERROR_NULL, update, scratch = NULL);
    EXPECT_WITH(BP_ERROR_NULL, update, biases.values = NULL);
    EXPECT_WITH(BP_ERROR_NULL, update, biases.state[0] = NULL);
    EXPECT_WITH(BP_ERROR_NULL, update, biases.state[1] = NULL);
    EXPECT_WITH(BP_ERROR_NULL, update, biases.ema = NULL);
    EXPECT_WITH(BP_ERROR_SIZE, update, batch = 0);
    EXPECT_WITH(BP_ERROR_SIZE, update, in = 0);
    EXPECT_WITH(BP_ERROR_SIZE, update, out = 0);
    EXPECT_WITH(BP_ERROR_SIZE, update, ldw = OUT - 1);
    EXPECT_WITH(BP_ERROR_SIZE, update, ldx = IN - 1);
    EXPECT_WITH(BP_ERROR_SIZE, update, ldd = OUT - 1);
    EXPECT_WITH(BP_ERROR_OVERFLOW, update, batch = SIZE_MAX);
    EXPECT_WITH(BP_ERROR_OVERFLOW, update, ldw = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, update, ldx = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, update, ldd = huge);
    EXPECT_WITH(BP_ERROR_ALIGNMENT, update, biases.values = misaligned(4));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, update, biases.ema = misaligned(7));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, update, delta = misaligned(9));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, update, scratch = scratch + sizeof(float));
    EXPECT_WITH(BP_ERROR_OVERLAP, update, biases.values = slot(9) + 1);
    EXPECT_WITH(BP_ERROR_OVERLAP, update, biases.state[0] = slot(3) + 2);
    EXPECT_WITH(BP_ERROR_OVERLAP, update, biases.ema = slot(4));
    EXPECT_WITH(BP_ERROR_OVERLAP, update, weights.state[0] = (float *)(void *)scratch);
}

static void names(void **state) {
    (void)state;
    static const char *const kinds[] = {"sgd",  "momentum", "nesterov", "adagrad", "rmsprop",
                                        "adam", "adamw",    "lion",     "rprop"};
    static const size_t states[] = {0, 1, 1, 1, 1, 2, 2, 1, 2};
    for (int k = 0; k < OPTIMIZER_COUNT; k++) {
        bp_optimizer_kind kind = OPTIMIZER_COUNT;
        assert_string_equal(bp_optimizer_name((bp_optimizer_kind)k), kinds[k]);
        assert_int_equal(bp_optimizer_from_name(kinds[k], &kind), BP_OK);
        assert_int_equal(kind, k);
        assert_int_equal(bp_optimizer_states(kind), states[k]);
        for (size_t index = 0; index < 4; index++)
            assert_true((bp_optimizer_state_name(kind, index) != NULL) == (index < states[k]));
    }
    assert_string_equal(bp_optimizer_state_name(BP_OPTIMIZER_ADAMW, 1), "squares");
    assert_null(bp_optimizer_state_name(BP_OPTIMIZER_ADAMW, SIZE_MAX));
    bp_optimizer_kind kind = BP_OPTIMIZER_LION;
    assert_int_equal(bp_optimizer_from_name("Adam", &kind), BP_ERROR_VALUE);
    assert_true(has_name(bp_error_message(), "Adam"));
    for (int name = 0; name < OPTIMIZER_COUNT; name++)
        assert_true(has_name(bp_error_message(), kinds[name]));
    assert_int_equal(bp_optimizer_from_name("", &kind), BP_ERROR_VALUE);
    assert_int_equal(bp_optimizer_from_name(NULL, &kind), BP_ERROR_NULL);
    assert_int_equal(bp_optimizer_from_name("adam", NULL), BP_ERROR_NULL);
    assert_int_equal(kind, BP_OPTIMIZER_LION);
    const bp_optimizer_kind foreign[] = {OPTIMIZER_COUNT, (bp_optimizer_kind)-1};
    for (size_t k = 0; k < 2; k++) {
        assert_null(bp_optimizer_name(foreign[k]));
        assert_null(bp_optimizer_state_name(foreign[k], 0));
        assert_int_equal(bp_optimizer_states(foreign[k]), 0);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(optimizers, set_up),
        cmocka_unit_test_setup(one_array, set_up),
        cmocka_unit_test_setup(a_layer, set_up),
        cmocka_unit_test(names),
    };
    test_start(argv[0]);
    scratch = aligned_alloc(BP_ALIGNMENT, bp_dense_scratch_bytes(BATCH, IN, OUT));
    if (scratch == NULL)
        return 2;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(scratch);
    return failed;
}
