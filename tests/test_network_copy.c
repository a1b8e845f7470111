/*
 * Copies from one network to another: parameters, state, soft updates, between every two backends and from and to
 * every state that a network can be in, against plain loops; what must match, and what the refusals say. A DQN with a
 * target network.
 */
#include <stdio.h>

#include <backprop/inference.h>

#include "copy_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static samples batches[KINDS];
static float of_source[FLOATS_MAX], of_target[FLOATS_MAX], expected[FLOATS_MAX], actual[FLOATS_MAX];

static void expect_floats(const float *got, const float *wanted, size_t count, const char *what) {
    for (size_t k = 0; k < count; k++)
        if (test_bits(got[k]) != test_bits(wanted[k]) && !(isnan(got[k]) && isnan(wanted[k])))
            fail_msg("%s: element %zu of %zu is %a, expected %a", what, k, count, got[k], wanted[k]);
}

/* What every copy leaves of the target: gradients forgotten, the average swapped back. */
static void expect_settled(bp_network *target) {
    assert_false(bp_network_ema_swapped(target));
    assert_int_equal(bp_network_update(target, 0.01f), BP_ERROR_VALUE);
    assert_int_equal(target->gradient.content, GRADIENT_NONE);
}

/* Both networks of one kind, in any two states, on any two backends. */
typedef void pair_fn(bp_network *target, bp_network *source, size_t kind);

static void each_pair(pair_fn *visit) {
    for (size_t kind = 0; kind < KINDS; kind++)
        for (size_t a = 0; test_table_at(a); a++)
            for (size_t b = 0; test_table_at(b); b++)
                for (unsigned prior = 0; prior < priors(kind); prior += a == b ? (test_quick() ? 5 : 1) : 9) {
                    const unsigned other = (prior * 7 + 3) % priors(kind);
                    bp_network *target = prior_of(test_table_at(a), kind, prior, 3, &batches[kind]);
                    bp_network *source = prior_of(test_table_at(b), kind, other, 4, &batches[kind]);
                    target->seed = 70; /* bp_network_set_steps would settle it */
                    target->optimizer.steps = 7;
                    visit(target, source, kind);
                    bp_network_destroy(target);
                    bp_network_destroy(source);
                }
}

/* ---- Parameters ------------------------------------------------------------------------------------------------ */

/* The arrays of a network whose average is swapped back; of a copy, so that the network stays as it is. */
static size_t get_settled(const bp_network *network, float *values) {
    bp_network *clone;
    assert_int_equal(bp_network_clone(network, &clone), BP_OK);
    if (bp_network_ema_swapped(clone))
        assert_int_equal(bp_network_swap_ema(clone), BP_OK);
    const size_t count = get_all(clone, values);
    bp_network_destroy(clone);
    return count;
}

/* New parameters, and the average with them; the rest of the state as it was. */
static void expect_parameters(const bp_network *target, size_t floats, const float *parameters, const char *what) {
    get_all(target, actual);
    expect_floats(actual, parameters, floats, what);
    if (target->plan.states == 0)
        return;
    expect_floats(actual + target->plan.states * floats, parameters, floats, "average");
    expect_floats(actual + floats, of_target + floats, (target->plan.states - 1) * floats, "state");
}

static void copy_parameters(bp_network *target, bp_network *source, size_t kind) {
    const size_t floats = array_floats(target);
    const uint64_t steps = bp_network_steps(target), seed = bp_network_seed(target);
    const bool frozen = target->layers[0].frozen;
    get_settled(target, of_target);
    get_all(source, of_source); /* the parameters in use */
    assert_int_equal(bp_network_copy_parameters(target, source), BP_OK);
    expect_settled(target);
    expect_parameters(target, floats, of_source, "copied parameters");
    assert_true(bp_network_steps(target) == steps && bp_network_seed(target) == seed);
    assert_int_equal(target->layers[0].frozen, frozen);
    assert_true(bp_network_hash(target) == bp_network_hash(source));
    train(target, &batches[kind], 3); /* with transposes that fit the parameters */
    get_all(source, actual);
    expect_floats(actual, of_source, floats, "the source");
}

static void parameters_are_copied(void **state) {
    (void)state;
    each_pair(copy_parameters);
}

/* A step after a copy is that of a network which had the parameters from the beginning. */
static void steps_after_a_copy(void **state) {
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++)
        for (int soft = 0; soft < 2; soft++) {
            bp_network *source = prior_of(test_table_at(0), kind, TRAINED, 4, &batches[kind]);
            bp_network *target = prior_of(test_table_at(0), kind, TRAINED, 3, &batches[kind]);
            bp_network *fresh = prior_of(test_table_at(0), kind, 0, 5, &batches[kind]);
            train(target, &batches[kind], 1); /* a small one's transposes are up to date now */
            assert_int_equal(soft ? bp_network_soft_update(target, source, 1.0f)
                                  : bp_network_copy_parameters(target, source),
                             BP_OK);
            get_all(target, of_target);
            for (size_t set = 0; set <= fresh->plan.states; set++)
                move_array(fresh, set, of_target + set * array_floats(target), true);
            assert_int_equal(bp_network_set_steps(target, 8, 9), BP_OK);
            assert_int_equal(bp_network_set_steps(fresh, 8, 9), BP_OK);
            expect_equal_steps(target, fresh, &batches[kind], "after a copy", kind, 0);
            bp_network_destroy(source);
            bp_network_destroy(target);
            bp_network_destroy(fresh);
        }
}

/* Losses, activations and optimizers may differ: a target network needs no optimizer. */
static void other_settings_may_differ(void **state) {
    (void)state;
    const bp_network_config adam = config_with(SMALL, BP_OPTIMIZER_ADAM, 0.5f);
    bp_network_config plain = config_with(SMALL, BP_OPTIMIZER_SGD, 0);
    const bp_activation others[] = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_SIGMOID, 0}};
    plain.activations = others;
    plain.gradients = false;
    bp_network *source = net_create(&adam, 1), *target = net_create(&plain, 2);
    assert_int_equal(bp_network_copy_parameters(target, source), BP_OK);
    assert_true(bp_network_hash(target) == bp_network_hash(source));
    train(source, &batches[SMALL], 4);
    assert_int_equal(bp_network_soft_update(target, source, 0.5f), BP_OK);
    assert_int_equal(bp_network_copy_parameters(source, target), BP_OK);
    assert_true(bp_network_hash(target) == bp_network_hash(source));
    bp_network_destroy(source);
    bp_network_destroy(target);
}

/* ---- State ----------------------------------------------------------------------------------------------------- */

static void copy_state(bp_network *target, bp_network *source, size_t kind) {
    const bool frozen = target->layers[0].frozen;
    const size_t count = get_settled(source, of_source);
    const uint64_t steps = bp_network_steps(source);
    assert_int_equal(bp_network_copy_state(target, source), BP_OK);
    expect_settled(target);
    assert_int_equal(get_all(target, actual), count);
    expect_floats(actual, of_source, count, "copied state");
    assert_true(bp_network_steps(target) == steps && bp_network_seed(target) == bp_network_seed(source));
    assert_true(bp_network_gradient_norm(target) == 0.0f);
    assert_int_equal(target->layers[0].frozen, frozen);
    if (bp_network_ema_swapped(source))
        assert_int_equal(bp_network_swap_ema(source), BP_OK);
    assert_int_equal(bp_network_set_steps(source, bp_network_seed(source), steps), BP_OK); /* its norm is 0, too */
    assert_int_equal(bp_network_freeze(source, 0, frozen), BP_OK);
    expect_equal_steps(target, source, &batches[kind], "copied state", kind, 0);
}

static void state_is_copied(void **state) {
    (void)state;
    each_pair(copy_state);
}

static void state_of_every_optimizer(void **state) {
    (void)state;
    for (int kind = 0; kind < OPTIMIZER_COUNT; kind++)
        for (int average = 0; average < 2; average++) {
            const bp_network_config config = config_with(WIDE, (bp_optimizer_kind)kind, average ? 0.25f : 0);
            bp_network *source = net_create(&config, 3), *target = net_create(&config, 4);
            for (int step = 0; step < 3; step++)
                train(source, &batches[WIDE], ROWS);
            assert_int_equal(bp_network_copy_state(target, source), BP_OK);
            expect_equal_steps(target, source, &batches[WIDE], bp_optimizer_name((bp_optimizer_kind)kind), WIDE, 0);
            bp_network_destroy(source);
            bp_network_destroy(target);
        }
}

/* ---- Soft updates ---------------------------------------------------------------------------------------------- */

static const float taus[] = {0.0f, 0x1p-140f, 0.005f, 0.3f, 0.5f, 0x1.fffffep-1f, 1.0f};

static void soft_update(bp_network *target, bp_network *source, size_t kind) {
    const size_t floats = array_floats(target);
    const uint64_t steps = bp_network_steps(target);
    static size_t calls;
    const float tau = taus[calls++ % COUNT(taus)];
    (void)kind;
    get_settled(target, of_target);
    get_all(source, of_source);
    const float rest = 1.0f - tau;
    for (size_t k = 0; k < floats; k++) {
        const volatile float product = rest * of_target[k];
        expected[k] = fmaf(tau, of_source[k], product);
    }
    assert_int_equal(bp_network_soft_update(target, source, tau), BP_OK);
    expect_settled(target);
    expect_parameters(target, floats, expected, "blended parameters");
    assert_true(bp_network_steps(target) == steps);
    get_all(source, actual);
    expect_floats(actual, of_source, floats, "the source");
}

static void soft_updates(void **state) {
    (void)state;
    each_pair(soft_update);
}

/* Numbers at the borders of binary32, each with each other, for every tau on every two backends. */
static void soft_updates_of_special_numbers(void **state) {
    (void)state;
    static const float numbers[] = {0.0f,     -0.0f,     1.0f, -1.0f,     0x1p-149f, -0x1p-130f, 0x1.fffffep127f,
                                    INFINITY, -INFINITY, NAN,  0.333333f, 1e-20f,    3e20f};
    for (size_t a = 0; test_table_at(a); a++)
        for (size_t b = 0; test_table_at(b); b++)
            for (size_t t = 0; t < COUNT(taus); t++) {
                const bp_network_config config = config_with(WIDE, BP_OPTIMIZER_SGD, 0);
                bp_network *target = net_create_on(test_table_at(a), &config, 3);
                bp_network *source = net_create_on(test_table_at(b), &config, 4);
                const size_t floats = array_floats(target);
                for (size_t k = 0; k < floats; k++) {
                    of_target[k] = numbers[k % COUNT(numbers)];
                    of_source[k] = numbers[k / COUNT(numbers) % COUNT(numbers)];
                    const volatile float product = (1.0f - taus[t]) * of_target[k];
                    expected[k] = fmaf(taus[t], of_source[k], product);
                }
                move_array(target, 0, of_target, true);
                move_array(source, 0, of_source, true);
                assert_int_equal(bp_network_soft_update(target, source, taus[t]), BP_OK);
                move_array(target, 0, actual, false);
                expect_floats(actual, expected, floats, "special numbers");
                bp_network_destroy(target);
                bp_network_destroy(source);
            }
}

/* One large enough that workers share the pass. */
static void workers_share_a_soft_update(void **state) {
    (void)state;
    const net shape = {.layers = 2,
                       .sizes = {301, 500, 3},
                       .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                       .loss = BP_LOSS_MSE};
    uint64_t hash[3];
    for (size_t threads = 1; threads <= 3; threads++) {
        bp_network_config config = net_config(&shape, 64);
        config.threads = threads;
        bp_network *target = net_create(&config, 1), *source = net_create(&config, 2);
        assert_true(bp_useful_workers(8.0 * (double)target->parameters.count, threads) == threads);
        assert_int_equal(bp_network_threads(target), threads);
        assert_int_equal(bp_network_soft_update(target, source, 0.1f), BP_OK);
        hash[threads - 1] = bp_network_hash(target);
        assert_int_equal(bp_network_copy_parameters(target, source), BP_OK);
        assert_true(bp_network_hash(target) == bp_network_hash(source));
        bp_network_destroy(target);
        bp_network_destroy(source);
    }
    assert_true(hash[0] == hash[1] && hash[0] == hash[2]);
}

/* ---- A DQN ------------------------------------------------------------------------------------------------------ */

/*
 * Deep Q-learning as a user writes it: the online network is trained towards reward + discount * max over the target
 * network's values of the next state, and the target follows it slowly. Transitions are made up.
 */
static uint64_t learn_q_values(size_t threads) {
    enum { STATE = 8, ACTIONS = 4, TRANSITIONS = 32 };
    const net shape = {.layers = 3,
                       .sizes = {STATE, 64, 64, ACTIONS},
                       .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                       .loss = BP_LOSS_MSE};
    bp_network_config config = net_config(&shape, TRANSITIONS);
    config.threads = threads;
    bp_network *online = net_create(&config, 11), *target = NULL;
    assert_int_equal(bp_network_clone_parameters(online, &target), BP_OK);
    const size_t bytes = bp_network_workspace_bytes(online, TRANSITIONS);
    void *workspace = aligned_alloc(BP_ALIGNMENT, bytes);
    assert_non_null(workspace);
    float states[TRANSITIONS * STATE], next[TRANSITIONS * STATE], q[TRANSITIONS * ACTIONS],
        next_q[TRANSITIONS * ACTIONS];
    for (uint64_t step = 0; step < 20; step++) {
        for (size_t k = 0; k < TRANSITIONS * STATE; k++) {
            states[k] = bp_random_symmetric(1, step, k);
            next[k] = bp_random_symmetric(2, step, k);
        }
        bp_batch batch = {.rows = TRANSITIONS, .inputs = states, .targets = q};
        const bp_batch after = {.rows = TRANSITIONS, .inputs = next};
        assert_int_equal(bp_network_infer(online, &batch, q, 0, workspace, bytes), BP_OK);
        assert_int_equal(bp_network_infer(target, &after, next_q, 0, workspace, bytes), BP_OK);
        for (size_t n = 0; n < TRANSITIONS; n++) {
            float best = next_q[n * ACTIONS];
            for (size_t a = 1; a < ACTIONS; a++)
                best = next_q[n * ACTIONS + a] > best ? next_q[n * ACTIONS + a] : best;
            q[n * ACTIONS + n % ACTIONS] = states[n * STATE] + 0.9f * best;
        }
        const uint64_t before = bp_network_hash(target);
        assert_int_equal(bp_network_train_step(online, &batch, 0.01f, NULL), BP_OK);
        assert_true(bp_network_hash(target) == before);
        assert_int_equal(bp_network_soft_update(target, online, 0.05f), BP_OK);
        assert_true(bp_network_hash(target) != before && bp_network_hash(target) != bp_network_hash(online));
    }
    assert_int_equal(bp_network_copy_parameters(target, online), BP_OK);
    const uint64_t hash = bp_network_hash(target);
    assert_true(hash == bp_network_hash(online));
    free(workspace);
    bp_network_destroy(online);
    bp_network_destroy(target);
    return hash;
}

static void deep_q_learning(void **state) {
    (void)state;
    const uint64_t hash = learn_q_values(1);
    assert_true(learn_q_values(2) == hash);
    bp_isa active;
    assert_int_equal(bp_cpu_active(&active), BP_OK);
    assert_int_equal(bp_cpu_set(BP_ISA_SCALAR), BP_OK);
    assert_true(learn_q_values(1) == hash);
    assert_int_equal(bp_cpu_set(active), BP_OK);
}

/* ---- Refusals -------------------------------------------------------------------------------------------------- */

static bp_status copy_by(int function, bp_network *target, const bp_network *source) {
    return function == 0   ? bp_network_copy_parameters(target, source)
           : function == 1 ? bp_network_copy_state(target, source)
                           : bp_network_soft_update(target, source, 0.5f);
}

/* What differs is said, and nothing is changed: not even gradients are forgotten. */
static void expect_mismatch(int function, bp_network *target, const bp_network *source, bp_status status,
                            const char *message) {
    bp_network *before;
    assert_int_equal(bp_network_clone(target, &before), BP_OK);
    expect_refusal(copy_by(function, target, source), status, message);
    expect_equal(target, before, message, 0, 0);
    assert_int_equal(target->gradient.content, before->gradient.content);
    bp_network_destroy(before);
}

static void mismatches_are_refused(void **state) {
    (void)state;
    bp_network *target = prior_of(test_table_at(0), SMALL, TRAINED | ACCUMULATED | SWAPPED, 3, &batches[SMALL]);
    const net longer = {.layers = 3, .sizes = {4, 6, 3, 3}};
    const net wider = {.layers = 2, .sizes = {4, 7, 3}}, more_outputs = {.layers = 2, .sizes = {4, 6, 2}};
    const bool normalized[] = {true, false};
    const bp_network_config adam = config_of(SMALL);
    bp_network_config others[4] = {net_config(&longer, 1), net_config(&wider, 1), net_config(&more_outputs, 1), adam};
    others[3].normalize = normalized;
    static const char *const messages[] = {
        "source has 3 layers, and must have as many as target, 2",
        "layer 0 of source is 4 x 7, and must be as in target, 4 x 6",
        "layer 1 of source is 6 x 2, and must be as in target, 6 x 3",
        "layer 0 of source has layer normalization, of target has none: both or neither must have it",
    };
    for (int function = 0; function < 3; function++) {
        for (size_t k = 0; k < COUNT(others); k++) {
            bp_network *source = net_create(&others[k], 1);
            expect_mismatch(function, target, source, BP_ERROR_MISMATCH, messages[k]);
            bp_network_destroy(source);
        }
        expect_mismatch(function, target, target, BP_ERROR_OVERLAP, "source is the same network as target");
        expect_mismatch(function, target, NULL, BP_ERROR_NULL, "source is null");
        expect_refusal(copy_by(function, NULL, target), BP_ERROR_NULL, "target is null");
    }
    const bp_network_config momentum = config_with(SMALL, BP_OPTIMIZER_MOMENTUM, 0.75f),
                            bare = config_with(SMALL, BP_OPTIMIZER_ADAM, 0);
    bp_network *source = net_create(&momentum, 1);
    expect_mismatch(1, target, source, BP_ERROR_MISMATCH,
                    "source's optimizer is momentum, and must be as target's, adam");
    bp_network_destroy(source);
    source = net_create(&bare, 1);
    expect_mismatch(1, target, source, BP_ERROR_MISMATCH,
                    "target keeps a moving average, and source does not: both or neither must");
    expect_refusal(bp_network_copy_state(source, target), BP_ERROR_MISMATCH,
                   "source keeps a moving average, and target does not: both or neither must");
    bp_network_destroy(source);
    bp_network_destroy(target);
}

static void wrong_taus_are_refused(void **state) {
    (void)state;
    static const struct {
        float tau;
        const char *text;
    } wrong[] = {{NAN, "NaN"}, {-0x1p-149f, "-1.40129846e-45"}, {1.5f, "1.5"}, {INFINITY, "inf"}};
    const bp_network_config config = config_of(SMALL);
    bp_network *target = net_create(&config, 1), *source = net_create(&config, 2);
    const uint64_t hash = bp_network_hash(target);
    for (size_t k = 0; k < COUNT(wrong); k++) {
        char message[80];
        snprintf(message, sizeof message, "tau is %s, and must be from 0 to 1", wrong[k].text);
        expect_refusal(bp_network_soft_update(target, source, wrong[k].tau), BP_ERROR_VALUE, message);
        assert_true(bp_network_hash(target) == hash);
    }
    bp_network_destroy(source);
    bp_network_destroy(target);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    for (size_t kind = 0; kind < KINDS; kind++)
        batches[kind] = samples_create(&shapes[kind], ROWS, 0, 5);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_copied),
        cmocka_unit_test(steps_after_a_copy),
        cmocka_unit_test(other_settings_may_differ),
        cmocka_unit_test(state_is_copied),
        cmocka_unit_test(state_of_every_optimizer),
        cmocka_unit_test(soft_updates),
        cmocka_unit_test(soft_updates_of_special_numbers),
        cmocka_unit_test(workers_share_a_soft_update),
        cmocka_unit_test(deep_q_learning),
        cmocka_unit_test(mismatches_are_refused),
        cmocka_unit_test(wrong_taus_are_refused),
    };
    const int failures = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t kind = 0; kind < KINDS; kind++)
        samples_destroy(&batches[kind]);
    return failures;
}
