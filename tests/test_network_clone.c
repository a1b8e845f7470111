/*
 * Clones: from every state that a network can be in, on every backend, a clone takes the same steps, and no part of it
 * lies in its source. Clones of parameters alone begin as new networks do.
 */
#include "copy_support.h"

static samples batches[KINDS];

/* No word of the clone's own structs points into the source's block. */
static void expect_no_pointer_into(const bp_network *source, const bp_network *clone) {
    const char *end = (const char *)clone->parameters.values;
    const uintptr_t begin = (uintptr_t)source, bytes = source->bytes - BP_ALIGNMENT;
    for (const char *at = (const char *)clone; at < end; at += sizeof(uintptr_t)) {
        uintptr_t word;
        memcpy(&word, at, sizeof word);
        if (word - begin < bytes)
            fail_msg("the word at %zu of a clone points into its source", (size_t)(at - (const char *)clone));
    }
}

static void finish_gradient(bp_network *network, unsigned prior) {
    if (prior & SWAPPED)
        assert_int_equal(bp_network_swap_ema(network), BP_OK);
    assert_int_equal(bp_network_update(network, 0.01f), prior & (ACCUMULATED | STORED) ? BP_OK : BP_ERROR_VALUE);
}

static void clones_go_on_alike(const test_table *table, size_t kind, unsigned prior) {
    const samples *s = &batches[kind];
    bp_network *source = prior_of(table, kind, prior, 3, s), *clone = NULL, *second = NULL;
    assert_int_equal(bp_network_clone(source, &clone), BP_OK);
    expect_no_pointer_into(source, clone);
    assert_ptr_equal(clone->backend, source->backend);
    assert_int_equal(bp_network_threads(clone), bp_network_threads(source));
    for (size_t l = 0; l < source->plan.layers; l++)
        assert_int_equal(clone->layers[l].frozen, source->layers[l].frozen);
    expect_equal(source, clone, "cloned", kind, prior);
    finish_gradient(source, prior);
    finish_gradient(clone, prior);
    expect_equal_steps(source, clone, s, "clone", kind, prior);
    /* A clone outlives its source. */
    assert_int_equal(bp_network_clone(clone, &second), BP_OK);
    bp_network_destroy(clone);
    expect_equal_steps(source, second, s, "second clone", kind, prior);
    bp_network_destroy(source);
    train(second, s, ROWS);
    bp_network_destroy(second);
}

static void from_every_state(void **state) {
    (void)state;
    for (size_t n = 0; test_table_at(n); n++)
        for (size_t kind = 0; kind < KINDS; kind++)
            for (unsigned prior = 0; prior < priors(kind); prior += test_quick() ? 5 : 1)
                clones_go_on_alike(test_table_at(n), kind, prior);
}

/* The same as a new network to which the parameters in use are copied. */
static void parameters_alone(void **state) {
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++)
        for (unsigned prior = 0; prior < priors(kind); prior++) {
            static float values[FLOATS_MAX];
            const bp_network_config config = config_of(kind);
            bp_network *source = prior_of(test_table_at(0), kind, prior, 3, &batches[kind]), *clone = NULL;
            bp_network *expected = net_create_on(test_table_at(0), &config, 99);
            const size_t count = array_floats(source);
            move_array(source, 0, values, false);
            move_array(expected, 0, values, true);
            if (expected->plan.states)
                move_array(expected, expected->plan.states, values, true); /* the average */
            assert_int_equal(bp_network_set_steps(source, 1234, bp_network_steps(source)), BP_OK);
            if (prior & SWAPPED)
                assert_int_equal(bp_network_swap_ema(source), BP_OK);
            assert_int_equal(bp_network_clone_parameters(source, &clone), BP_OK);
            expect_no_pointer_into(source, clone);
            assert_true(bp_network_seed(clone) == 1234);
            assert_int_equal(bp_network_set_steps(expected, 1234, 0), BP_OK);
            assert_int_equal(bp_network_update(clone, 0.01f), BP_ERROR_VALUE); /* no gradient */
            for (size_t l = 0; l < clone->plan.layers; l++)
                assert_false(clone->layers[l].frozen);
            bp_network_destroy(source);
            assert_true(count > 0);
            expect_equal_steps(clone, expected, &batches[kind], "clone of parameters", kind, prior);
            bp_network_destroy(clone);
            bp_network_destroy(expected);
        }
}

/* ---- What clones share with their source ----------------------------------------------------------------------- */

typedef struct account {
    size_t live, taken;
} account;

static void *take(void *context, size_t bytes) {
    account *a = context;
    a->live++;
    a->taken++;
    return malloc(bytes);
}

static void give(void *context, void *memory) {
    ((account *)context)->live--;
    free(memory);
}

static bp_network_config config_sharing(account *a, const bp_thread_pool *pool) {
    bp_network_config config = config_of(WIDE);
    if (a)
        config.allocator = stored_allocator((bp_allocator){take, give, a});
    if (pool)
        config.pool = pool;
    return config;
}

static void allocators_and_pools(void **state) {
    (void)state;
    account a = {0};
    bp_thread_pool *pool;
    assert_int_equal(bp_thread_pool_create(2, &pool), BP_OK);
    for (int shared = 0; shared < 2; shared++) {
        const bp_network_config config = config_sharing(&a, shared ? pool : NULL);
        bp_network *source = net_create(&config, 3), *clones[2];
        assert_int_equal(bp_network_threads(source), 2);
        a.taken = 0;
        assert_int_equal(bp_network_clone(source, &clones[0]), BP_OK);
        assert_int_equal(bp_network_clone_parameters(source, &clones[1]), BP_OK);
        assert_int_equal(a.taken, 2); /* one piece each */
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(bp_network_threads(clones[k]), 2);
            assert_int_equal(clones[k]->private_pool != NULL, !shared);
            assert_int_equal(clones[k]->pool.context == source->pool.context, shared);
            assert_true(shared || clones[k]->private_pool != source->private_pool);
        }
        bp_network_destroy(source);
        for (size_t k = 0; k < 2; k++) {
            train(clones[k], &batches[WIDE], ROWS);
            bp_network_destroy(clones[k]);
        }
        assert_int_equal(a.live, 0);
    }
    bp_thread_pool_destroy(pool);
}

/* Several threads clone and evaluate one network. */
static void *clone_often(void *argument) {
    const bp_network *source = argument;
    size_t wrong = 0;
    for (int round = 0; round < (test_quick() ? 3 : 20); round++) {
        bp_network *clone;
        if (bp_network_clone(source, &clone) != BP_OK)
            return (void *)(uintptr_t)1;
        wrong += bp_network_hash(clone) != bp_network_hash(source);
        wrong += bp_network_copy_parameters(clone, source) != BP_OK;
        wrong += bp_network_soft_update(clone, source, 0.5f) != BP_OK;
        bp_network_destroy(clone);
    }
    return (void *)(uintptr_t)wrong;
}

static void sources_are_only_read(void **state) {
    (void)state;
    bp_network *source = prior_of(test_table_at(0), WIDE, TRAINED, 3, &batches[WIDE]);
    pthread_t threads[4];
    for (size_t t = 0; t < 4; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, clone_often, source), 0);
    for (size_t t = 0; t < 4; t++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[t], &wrong), 0);
        assert_null(wrong);
    }
    bp_network_destroy(source);
}

static void refusals_say_what_is_wrong(void **state) {
    (void)state;
    const bp_network_config config = config_of(SMALL);
    bp_network *network = net_create(&config, 1);
    bp_status (*const functions[])(const bp_network *, bp_network **) = {bp_network_clone, bp_network_clone_parameters};
    for (size_t k = 0; k < 2; k++) {
        bp_network *clone = network;
        expect_refusal(functions[k](NULL, &clone), BP_ERROR_NULL, "source is null");
        assert_null(clone);
        expect_refusal(functions[k](network, NULL), BP_ERROR_NULL, "clone is null");
    }
    bp_network_destroy(network);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    for (size_t kind = 0; kind < KINDS; kind++)
        batches[kind] = samples_create(&shapes[kind], ROWS, 0, 5);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_every_state),           cmocka_unit_test(parameters_alone),
        cmocka_unit_test(allocators_and_pools),       cmocka_unit_test(sources_are_only_read),
        cmocka_unit_test(refusals_say_what_is_wrong),
    };
    const int failures = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t kind = 0; kind < KINDS; kind++)
        samples_destroy(&batches[kind]);
    return failures;
}
