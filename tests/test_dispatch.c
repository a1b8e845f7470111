/*
 * Choosing an instruction set. The choice is process-wide and starts out open, so each test that makes it runs in a
 * child process; the parent never chooses.
 *
 * test_dispatch --expect ISA covered|uncovered checks instead that this (emulated) CPU gets ISA, and that a network
 * trains on it.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <backprop/backprop.h>

#include "enum_counts.h"
#include "failure.h"

static const char *const names[ISA_COUNT] = {"scalar", "avx2", "avx512", "neon"};

// ---- Children ---------------------------------------------------------------------------------------------------

#define CHECK(condition) check((condition), #condition, __LINE__)

static void check(bool holds, const char *condition, int line) {
    if (holds)
        return;
    fprintf(stderr, "test_dispatch.c:%d: does not hold: %s\n", line, condition);
    fflush(stderr);
    _exit(1);
}

/* Runs `body` in a process of its own with BACKPROP_ISA as given, unset if null. */
static void in_child(const char *environment, void (*body)(void)) {
    fflush(stdout);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (environment)
            setenv("BACKPROP_ISA", environment, 1);
        else
            unsetenv("BACKPROP_ISA");
        body();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("failed with BACKPROP_ISA=%s, status %d", environment ? environment : "(unset)", status);
}

// ---- Names and support ------------------------------------------------------------------------------------------

static void names_round_trip(void **state) {
    (void)state;
    for (int i = 0; i < ISA_COUNT; i++) {
        assert_string_equal(bp_isa_name((bp_isa)i), names[i]);
        bp_isa isa = ISA_COUNT;
        assert_int_equal(bp_isa_from_name(names[i], &isa), BP_OK);
        assert_int_equal(isa, i);
    }
    assert_null(bp_isa_name(ISA_COUNT));
    assert_null(bp_isa_name((bp_isa)-1));

    const char *const wrong[] = {"", " avx2", "avx2 ", "AVX2", "avx", "avx22", "avx512f", "sse", "0", "scalar,avx2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bp_isa isa = BP_ISA_NEON;
        assert_int_equal(bp_isa_from_name(wrong[i], &isa), BP_ERROR_ISA_UNKNOWN);
        assert_int_equal(isa, BP_ISA_NEON);
    }
    bp_isa isa = BP_ISA_NEON;
    assert_int_equal(bp_isa_from_name(NULL, &isa), BP_ERROR_NULL);
    assert_int_equal(bp_isa_from_name("scalar", NULL), BP_ERROR_NULL);
    assert_int_equal(isa, BP_ISA_NEON);
}

/* What the compiler's run-time library finds, which knows nothing of this library's detection. */
static void support_is_what_the_cpu_has(void **state) {
    (void)state;
    bool expected[ISA_COUNT] = {[BP_ISA_SCALAR] = true};
    bool fma = true;
#ifdef __x86_64__
    __builtin_cpu_init();
    fma = __builtin_cpu_supports("fma");
    expected[BP_ISA_AVX2] = fma && __builtin_cpu_supports("avx2");
    expected[BP_ISA_AVX512] = expected[BP_ISA_AVX2] && __builtin_cpu_supports("avx512f") &&
                              __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                              __builtin_cpu_supports("avx512vl");
#elif defined(__i386__)
    __builtin_cpu_init();
    fma = __builtin_cpu_supports("fma"); /* the scalar backend's alone */
#else
    expected[BP_ISA_NEON] = true;
#endif
    bp_isa widest = BP_ISA_SCALAR;
    for (int i = 0; i < ISA_COUNT; i++) {
        assert_int_equal(bp_cpu_supports((bp_isa)i), expected[i]);
        if (expected[i])
            widest = (bp_isa)i;
    }
    assert_int_equal(bp_cpu_best(), widest);
    assert_int_equal(bp_cpu_covered(), fma);
    assert_false(bp_cpu_supports(ISA_COUNT));
    assert_false(bp_cpu_supports((bp_isa)-1));
}

static void tables_are_what_they_are_called(void **state) {
    (void)state;
    const bp_kernels *const unset = (const bp_kernels *)names;
    for (int i = 0; i < ISA_COUNT; i++) {
        const bp_kernels *kernels = unset;
        const bp_status status = bp_kernels_for((bp_isa)i, &kernels);
        if (bp_cpu_supports((bp_isa)i)) {
            assert_int_equal(status, BP_OK);
            assert_int_equal(kernels->isa, i);
            assert_true(kernels->tile_rows >= 1 && kernels->tile_columns >= 1);
            const bp_kernels *again = NULL;
            assert_int_equal(bp_kernels_for((bp_isa)i, &again), BP_OK);
            assert_ptr_equal(again, kernels);
        } else {
            assert_int_equal(status, BP_ERROR_ISA_UNSUPPORTED);
            assert_ptr_equal(kernels, unset);
        }
    }
    const bp_kernels *kernels = unset;
    assert_int_equal(bp_kernels_for(ISA_COUNT, &kernels), BP_ERROR_ISA_UNKNOWN);
    assert_int_equal(bp_kernels_for((bp_isa)-1, &kernels), BP_ERROR_ISA_UNKNOWN);
    assert_ptr_equal(kernels, unset);
    assert_int_equal(bp_kernels_for(BP_ISA_SCALAR, NULL), BP_ERROR_NULL);
}

/* Whether a message has `name` as a word. */
static bool lists(const char *message, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = message; (at = strstr(at, name)) != NULL; at += length) {
        const bool starts = at == message || strchr(" ,:", at[-1]) != NULL;
        const bool ends = at[length] == '\0' || strchr(" ,", at[length]) != NULL;
        if (starts && ends)
            return true;
    }
    return false;
}

static void messages_list_the_valid_names(void **state) {
    (void)state;
    assert_true(lists("one, two", "one") && lists("one, two", "two") && !lists("one, two", "tw"));
    for (int i = 0; i < ISA_COUNT; i++) {
        assert_true(lists(bp_status_string(BP_ERROR_ISA_UNKNOWN), names[i]));
        assert_int_equal(lists(bp_status_string(BP_ERROR_ISA_UNSUPPORTED), names[i]), bp_cpu_supports((bp_isa)i));
    }
}

// ---- The choice -------------------------------------------------------------------------------------------------

static void active_is_best(void) {
    bp_isa isa = ISA_COUNT;
    CHECK(bp_cpu_active(NULL) == BP_ERROR_NULL);
    CHECK(bp_cpu_active(&isa) == BP_OK);
    CHECK(isa == bp_cpu_best());
}

/* The message names the variable and its value. Forgets it. */
static bool blames_environment(void) {
    const char *message = bp_error_message();
    const bool good = strstr(message, "BACKPROP_ISA") && strstr(message, getenv("BACKPROP_ISA"));
    bp_fail(BP_ERROR_VALUE, "forgotten");
    return good;
}

/* A network of 2-2 and what it runs on; ISA_COUNT where it cannot be created. */
static bp_isa network_isa(bp_status expected) {
    const size_t sizes[] = {2, 2};
    const bp_activation activation = {.kind = BP_ACTIVATION_SIGMOID};
    bp_network_config config = bp_network_config_defaults();
    config.layers = 1;
    config.sizes = sizes;
    config.activations = &activation;
    config.threads = 1;
    bp_network *network = (bp_network *)(uintptr_t)names;
    CHECK(bp_network_create(&config, &network) == expected);
    if (expected != BP_OK) {
        CHECK(network == NULL);
        CHECK(blames_environment());
        size_t bytes;
        CHECK(bp_network_memory(&config, &bytes) == expected);
        CHECK(blames_environment());
        return ISA_COUNT;
    }
    const bp_isa isa = bp_network_isa(network);
    bp_network_destroy(network);
    return isa;
}

static void environment_decides(void) {
    bp_isa wanted = ISA_COUNT, isa = ISA_COUNT;
    CHECK(bp_isa_from_name(getenv("BACKPROP_ISA"), &wanted) == BP_OK);
    CHECK(bp_cpu_active(&isa) == BP_OK);
    CHECK(isa == wanted);
    CHECK(network_isa(BP_OK) == wanted);
    /* It is read once only. */
    setenv("BACKPROP_ISA", "nonsense", 1);
    CHECK(bp_cpu_active(&isa) == BP_OK);
    CHECK(isa == wanted);
}

/* Every entry point that needs a choice gives the error, and nothing is written or chosen. */
static void environment_fails(void) {
    bp_isa named;
    const bp_status expected =
        bp_isa_from_name(getenv("BACKPROP_ISA"), &named) == BP_OK ? BP_ERROR_ISA_UNSUPPORTED : BP_ERROR_ISA_UNKNOWN;
    for (int repeat = 0; repeat < 2; repeat++) {
        bp_isa isa = ISA_COUNT;
        CHECK(bp_cpu_active(&isa) == expected);
        CHECK(blames_environment());
        CHECK(isa == ISA_COUNT);
        const float values[] = {1, 2};
        float sum = -1;
        CHECK(bp_sum(&sum, values, 2) == expected);
        CHECK(sum == -1);
        CHECK(blames_environment());
        const bp_schedule schedule = bp_schedule_defaults(BP_SCHEDULE_CONSTANT);
        CHECK(bp_schedule_learning_rate(&schedule, 0, &sum) == expected);
        CHECK(blames_environment());
        network_isa(expected);
    }
    unsetenv("BACKPROP_ISA");
    active_is_best();
}

static void program_outvotes_environment(void) {
    bp_isa isa = ISA_COUNT;
    CHECK(bp_cpu_set(BP_ISA_SCALAR) == BP_OK);
    CHECK(bp_cpu_active(&isa) == BP_OK);
    CHECK(isa == BP_ISA_SCALAR);
    CHECK(network_isa(BP_OK) == BP_ISA_SCALAR);
}

static void set_changes_the_choice_or_leaves_it(void) {
    bp_isa isa = ISA_COUNT, chosen = bp_cpu_best();
    CHECK(bp_cpu_active(&isa) == BP_OK);
    for (int i = 0; i < ISA_COUNT; i++) {
        const bool supported = bp_cpu_supports((bp_isa)i);
        CHECK(bp_cpu_set((bp_isa)i) == (supported ? BP_OK : BP_ERROR_ISA_UNSUPPORTED));
        if (supported)
            chosen = (bp_isa)i;
        CHECK(bp_cpu_set(ISA_COUNT) == BP_ERROR_ISA_UNKNOWN);
        CHECK(bp_cpu_set((bp_isa)-1) == BP_ERROR_ISA_UNKNOWN);
        CHECK(bp_cpu_active(&isa) == BP_OK);
        CHECK(isa == chosen);
        CHECK(network_isa(BP_OK) == chosen);
    }
}

static void networks_keep_theirs(void) {
    const size_t sizes[] = {2, 2};
    const bp_activation activation = {.kind = BP_ACTIVATION_TANH};
    bp_network_config config = bp_network_config_defaults();
    config.layers = 1;
    config.sizes = sizes;
    config.activations = &activation;
    config.threads = 1;
    bp_network *network;
    CHECK(bp_cpu_set(bp_cpu_best()) == BP_OK);
    CHECK(bp_network_create(&config, &network) == BP_OK);
    CHECK(bp_cpu_set(BP_ISA_SCALAR) == BP_OK);
    CHECK(bp_network_isa(network) == bp_cpu_best());
    bp_network_destroy(network);
}

static void choices_are_made(void **state) {
    (void)state;
    in_child(NULL, active_is_best);
    in_child("", active_is_best);
    for (int i = 0; i < ISA_COUNT; i++)
        in_child(names[i], bp_cpu_supports((bp_isa)i) ? environment_decides : environment_fails);
    in_child("nonsense", environment_fails);
    in_child("AVX2", environment_fails);
    in_child("scalar ", environment_fails);
    in_child(NULL, program_outvotes_environment);
    in_child("nonsense", program_outvotes_environment);
    in_child(NULL, set_changes_the_choice_or_leaves_it);
    in_child(NULL, networks_keep_theirs);
}

// ---- The first choice from many threads -------------------------------------------------------------------------

enum { RACERS = 16, RACES = 20 };

typedef struct racer {
    pthread_t thread;
    bp_status status;
    bp_isa isa;
    bool sets; /* calls bp_cpu_set(BP_ISA_SCALAR) first */
} racer;

static pthread_barrier_t start;

static void *race(void *argument) {
    racer *self = argument;
    pthread_barrier_wait(&start);
    self->status = self->sets ? bp_cpu_set(BP_ISA_SCALAR) : BP_OK;
    if (self->status == BP_OK)
        self->status = bp_cpu_active(&self->isa);
    return NULL;
}

static void run_race(racer racers[RACERS]) {
    CHECK(pthread_barrier_init(&start, NULL, RACERS) == 0);
    for (int i = 0; i < RACERS; i++)
        CHECK(pthread_create(&racers[i].thread, NULL, race, &racers[i]) == 0);
    for (int i = 0; i < RACERS; i++) {
        CHECK(pthread_join(racers[i].thread, NULL) == 0);
        CHECK(racers[i].status == BP_OK);
    }
    pthread_barrier_destroy(&start);
}

static void all_see_the_same(void) {
    racer racers[RACERS] = {0};
    run_race(racers);
    for (int i = 0; i < RACERS; i++)
        CHECK(racers[i].isa == bp_cpu_best());
}

/* A set that falls into other threads' first use is not lost. */
static void the_set_one_wins(void) {
    racer racers[RACERS] = {{.sets = true}};
    run_race(racers);
    CHECK(racers[0].isa == BP_ISA_SCALAR);
    bp_isa isa = ISA_COUNT;
    CHECK(bp_cpu_active(&isa) == BP_OK);
    CHECK(isa == BP_ISA_SCALAR);
}

static void first_use_is_safe_in_threads(void **state) {
    (void)state;
    for (int i = 0; i < RACES; i++) {
        in_child(NULL, all_see_the_same);
        in_child(NULL, the_set_one_wins);
    }
}

// ---- A CPU of known kind ----------------------------------------------------------------------------------------

/* Small integers, so that every order and every rounding gives the same: a[n][j] = sum over i of n * (i - j). */
static void product_is_right(void) {
    enum { BATCH = 7, IN = 19, OUT = 37 };
    static float x[BATCH][IN], w[IN][OUT], a[BATCH][OUT];
    for (int n = 0; n < BATCH; n++)
        for (int i = 0; i < IN; i++)
            x[n][i] = (float)n;
    for (int i = 0; i < IN; i++)
        for (int j = 0; j < OUT; j++)
            w[i][j] = (float)(i - j);
    void *scratch = aligned_alloc(BP_ALIGNMENT, bp_dense_scratch_bytes(BATCH, IN, OUT));
    CHECK(scratch != NULL);
    CHECK(bp_dense_forward(*a, OUT, *x, IN, *w, OUT, NULL, BATCH, IN, OUT, (bp_activation){0}, scratch) == BP_OK);
    for (int n = 0; n < BATCH; n++)
        for (int j = 0; j < OUT; j++)
            CHECK(a[n][j] == (float)(n * (IN * (IN - 1) / 2 - IN * j)));
    free(scratch);
}

/* Two classes of points, through every activation and every transcendental function; gives the weights' hash. */
static uint64_t network_trains(void) {
    enum { ROWS = 24 };
    static float inputs[ROWS][2];
    static uint32_t labels[ROWS];
    for (uint64_t n = 0; n < ROWS; n++) {
        labels[n] = n % 2;
        inputs[n][0] = bp_random_symmetric(3, 0, n) + (labels[n] ? 1.0f : -1.0f);
        inputs[n][1] = bp_random_symmetric(3, 1, n);
    }
    const size_t sizes[] = {2, 9, 8, 7, 5, 2};
    const bp_activation activations[] = {{BP_ACTIVATION_TANH, 0},
                                         {BP_ACTIVATION_SIGMOID, 0},
                                         {BP_ACTIVATION_RELU, 0},
                                         {BP_ACTIVATION_LEAKY_RELU, 0.1f},
                                         {0}};
    bp_network_config config = bp_network_config_defaults();
    config.layers = 5;
    config.sizes = sizes;
    config.activations = activations;
    config.loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    config.max_batch_size = ROWS;
    config.seed = 5;
    config.threads = 2;
    bp_network *network;
    CHECK(bp_network_create(&config, &network) == BP_OK);
    const bp_batch batch = {.rows = ROWS, .inputs = *inputs, .labels = labels};
    float before, after;
    CHECK(bp_network_loss(network, &batch, &before) == BP_OK);
    for (int step = 0; step < 300; step++)
        CHECK(bp_network_train_step(network, &batch, 0.2f, NULL) == BP_OK);
    CHECK(bp_network_loss(network, &batch, &after) == BP_OK);
    const uint64_t hash = bp_network_hash(network);
    printf("%s: loss %g -> %g, weights: %016llx\n", bp_isa_name(bp_network_isa(network)), (double)before, (double)after,
           (unsigned long long)hash);
    CHECK(after < before / 2);
    bp_network_destroy(network);
    return hash;
}

static int expect(const char *name, const char *covered) {
    bp_isa expected;
    if (bp_isa_from_name(name, &expected) != BP_OK ||
        (strcmp(covered, "covered") != 0 && strcmp(covered, "uncovered") != 0)) {
        fprintf(stderr, "usage: test_dispatch [--expect ISA covered|uncovered]\n");
        return 2;
    }
    printf("best here: %s, %s by the contract\n", bp_isa_name(bp_cpu_best()),
           bp_cpu_covered() ? "covered" : "not covered");
    CHECK(bp_cpu_best() == expected);
    CHECK(bp_cpu_covered() == (strcmp(covered, "covered") == 0));
    active_is_best();
    product_is_right();
    const uint64_t hash = network_trains();
    for (int i = 0; i < ISA_COUNT; i++)
        if (bp_cpu_set((bp_isa)i) == BP_OK)
            CHECK(network_trains() == hash);
    return 0;
}

int main(int count, char **arguments) {
    if (count == 4 && strcmp(arguments[1], "--expect") == 0)
        return expect(arguments[2], arguments[3]);
    if (count != 1)
        return expect("", "");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_round_trip),
        cmocka_unit_test(support_is_what_the_cpu_has),
        cmocka_unit_test(tables_are_what_they_are_called),
        cmocka_unit_test(messages_list_the_valid_names),
        cmocka_unit_test(choices_are_made),
        cmocka_unit_test(first_use_is_safe_in_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
