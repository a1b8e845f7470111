/*
 * The library's public thread pool: every index once, from one caller, from several at the same time and from inside
 * a task; networks that share a pool, one after the other and trained in two threads at the same time.
 */
#include <sched.h>

#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { ROWS = 64, CALLERS = 4, INDICES = 37, TRAINERS = 3 };

static bp_thread_pool *pool_create(size_t threads) {
    bp_thread_pool *pool = NULL;
    assert_int_equal(bp_thread_pool_create(threads, &pool), BP_OK);
    assert_non_null(pool);
    assert_non_null(pool->run);
    assert_true(threads == 0 || pool->threads == threads);
    return pool;
}

/* ---- Runs ------------------------------------------------------------------------------------------------------ */

static void count_index(void *argument, size_t index) {
    atomic_fetch_add(&((atomic_uint *)argument)[index], 1);
}

/* Whether each of `count` indices was run `times` times. */
static bool each_ran(const atomic_uint *ran, size_t count, unsigned times) {
    for (size_t k = 0; k < count; k++)
        if (ran[k] != times)
            return false;
    return true;
}

static void every_index_once(void **state) {
    (void)state;
    for (size_t threads = 1; threads <= 4; threads++) {
        bp_thread_pool *pool = pool_create(threads);
        for (size_t count = 0; count <= INDICES; count++) {
            atomic_uint ran[INDICES + 1] = {0};
            pool->run(pool->context, count_index, ran, count);
            assert_true(each_ran(ran, count, 1));
            assert_int_equal(ran[count], 0);
        }
        bp_thread_pool_destroy(pool);
    }
}

typedef struct first_index {
    pthread_t caller;
    size_t kept; /* runs whose index 0 the caller ran */
} first_index;

static void note_thread(void *argument, size_t index) {
    first_index *f = argument;
    if (index == 0)
        f->kept += pthread_equal(pthread_self(), f->caller) != 0;
    for (volatile int k = 0; k < 3000; k++) /* long enough for both threads to begin */
        ;
}

/* So that each thread finds in its cache what it left there. On a busy machine the caller does what nobody begins. */
static void a_thread_runs_the_same_index(void **state) {
    (void)state;
    enum { RUNS = 1000 };
    bp_thread_pool *pool = pool_create(2);
    first_index f = {.caller = pthread_self()};
    for (size_t k = 0; k < RUNS; k++)
        pool->run(pool->context, note_thread, &f, 2);
    assert_true(f.kept > RUNS * 9 / 10);
    bp_thread_pool_destroy(pool);
}

typedef struct caller {
    const bp_thread_pool *pool;
    bool good;
} caller;

/* Each run has counters of its own, that are read right after it: it has to return with its own work done. */
static void *call_often(void *argument) {
    caller *c = argument;
    c->good = true;
    for (size_t round = 0; round < (test_quick() ? 50 : 2000); round++) {
        atomic_uint ran[INDICES] = {0};
        c->pool->run(c->pool->context, count_index, ran, 1 + round % INDICES);
        c->good = c->good && each_ran(ran, 1 + round % INDICES, 1);
        if (round % 16 == 0)
            sched_yield();
    }
    return NULL;
}

static void several_callers(void **state) {
    (void)state;
    bp_thread_pool *pool = pool_create(2);
    caller callers[CALLERS];
    pthread_t threads[CALLERS];
    for (size_t k = 0; k < CALLERS; k++) {
        callers[k] = (caller){pool, false};
        assert_int_equal(pthread_create(&threads[k], NULL, call_often, &callers[k]), 0);
    }
    for (size_t k = 0; k < CALLERS; k++)
        assert_int_equal(pthread_join(threads[k], NULL), 0);
    for (size_t k = 0; k < CALLERS; k++)
        assert_true(callers[k].good);
    bp_thread_pool_destroy(pool);
}

/* A caller while another one's tasks wait for it: it must not wait for them. */
typedef struct meeting {
    const bp_thread_pool *pool;
    atomic_bool busy, done;
    pthread_t holder;
    atomic_uint ran[INDICES];
    atomic_size_t strangers; /* tasks of a busy pool's caller that ran on other threads */
} meeting;

static void wait_until_done(void *argument, size_t index) {
    meeting *m = argument;
    (void)index;
    atomic_store(&m->busy, true);
    while (!atomic_load(&m->done))
        sched_yield();
}

static void *hold_pool(void *argument) {
    meeting *m = argument;
    m->pool->run(m->pool->context, wait_until_done, m, 2);
    return NULL;
}

static pthread_t caller_thread;

static void count_on_caller(void *argument, size_t index) {
    meeting *m = argument;
    atomic_fetch_add(&m->ran[index], 1);
    if (!pthread_equal(pthread_self(), caller_thread))
        atomic_fetch_add(&m->strangers, 1);
}

static void a_busy_pool_is_not_waited_for(void **state) {
    (void)state;
    bp_thread_pool *pool = pool_create(2);
    meeting m = {.pool = pool};
    caller_thread = pthread_self();
    assert_int_equal(pthread_create(&m.holder, NULL, hold_pool, &m), 0);
    while (!atomic_load(&m.busy))
        sched_yield();
    for (unsigned times = 1; times <= 3; times++) {
        pool->run(pool->context, count_on_caller, &m, INDICES);
        assert_true(each_ran(m.ran, INDICES, times));
    }
    assert_int_equal(m.strangers, 0);
    atomic_store(&m.done, true);
    assert_int_equal(pthread_join(m.holder, NULL), 0);
    /* And then it is free again. */
    pool->run(pool->context, count_on_caller, &m, INDICES);
    assert_true(each_ran(m.ran, INDICES, 4));
    bp_thread_pool_destroy(pool);
}

typedef struct nested {
    const bp_thread_pool *pool;
    atomic_uint ran[INDICES];
} nested;

static void run_inside(void *argument, size_t index) {
    nested *n = argument;
    (void)index;
    n->pool->run(n->pool->context, count_index, n->ran, INDICES);
}

static void runs_inside_tasks(void **state) {
    (void)state;
    bp_thread_pool *pool = pool_create(3);
    nested n = {.pool = pool};
    pool->run(pool->context, run_inside, &n, 5);
    assert_true(each_ran(n.ran, INDICES, 5));
    bp_thread_pool_destroy(pool);
}

/* A free pool does share its work: a task on another thread is what the caller's task waits for. */
static void wait_for_other(void *argument, size_t index) {
    atomic_uint *arrived = argument;
    (void)index;
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) < 2)
        sched_yield();
}

static void two_tasks_run_at_the_same_time(void **state) {
    (void)state;
    bp_thread_pool *pool = pool_create(2);
    for (int round = 0; round < 3; round++) {
        atomic_uint arrived = 0;
        pool->run(pool->context, wait_for_other, &arrived, 2);
    }
    bp_thread_pool_destroy(pool);
}

/* ---- Networks -------------------------------------------------------------------------------------------------- */

static const net nets[] = {
    {.layers = 3,
     .sizes = {40, 90, 60, 7},
     .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY},
    {.layers = 2,
     .sizes = {90, 100, 10},
     .activations = {{BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_MSE},
};

/* A null pool: none. */
static bp_network_config config_with(const net *shape, const bp_thread_pool *pool, size_t threads) {
    bp_network_config config = net_config(shape, ROWS);
    config.pool = pool;
    config.threads = threads;
    return config;
}

typedef struct trainer {
    const net *shape;
    const bp_thread_pool *pool;
    const samples *s;
    uint64_t hash;
} trainer;

static void *train(void *argument) {
    trainer *t = argument;
    const bp_network_config config = config_with(t->shape, t->pool, t->pool ? 0 : 1);
    bp_network *network;
    t->hash = 0;
    if (bp_network_create(&config, &network) != BP_OK)
        return NULL;
    bp_status status = bp_network_initialize(network, 5);
    for (size_t step = 0; step < (test_quick() ? 5 : 60) && status == BP_OK; step++)
        status = bp_network_train_step(network, &t->s->batch, 0.01f, NULL);
    if (status == BP_OK)
        t->hash = bp_network_hash(network);
    bp_network_destroy(network);
    return NULL;
}

static void networks_share_a_pool(void **state) {
    (void)state;
    for (size_t threads = 1; threads <= 3; threads++) {
        bp_thread_pool *pool = pool_create(threads);
        samples s[COUNT(nets)];
        trainer alone[COUNT(nets)], together[TRAINERS];
        pthread_t thread[TRAINERS];
        for (size_t k = 0; k < COUNT(nets); k++) {
            s[k] = samples_create(&nets[k], ROWS, 0, 2);
            alone[k] = (trainer){&nets[k], NULL, &s[k], 0};
            train(&alone[k]);
            assert_true(alone[k].hash != 0);
            trainer shared = {&nets[k], pool, &s[k], 0};
            train(&shared); /* one after the other */
            assert_true(shared.hash == alone[k].hash);
        }
        for (size_t k = 0; k < TRAINERS; k++) {
            together[k] = (trainer){&nets[k % COUNT(nets)], pool, &s[k % COUNT(nets)], 0};
            assert_int_equal(pthread_create(&thread[k], NULL, train, &together[k]), 0);
        }
        for (size_t k = 0; k < TRAINERS; k++) {
            assert_int_equal(pthread_join(thread[k], NULL), 0);
            assert_true(together[k].hash == alone[k % COUNT(nets)].hash);
        }
        for (size_t k = 0; k < COUNT(nets); k++)
            samples_destroy(&s[k]);
        bp_thread_pool_destroy(pool);
    }
}

static void networks_take_the_pools_threads(void **state) {
    (void)state;
    bp_thread_pool *pool = pool_create(3);
    for (size_t threads = 0; threads <= 4; threads++) {
        const bp_network_config config = config_with(&nets[0], pool, threads);
        bp_network *network = net_create(&config, 1);
        assert_int_equal(bp_network_threads(network), threads == 0 || threads > 3 ? 3 : threads);
        assert_null(network->private_pool);
        bp_network_destroy(network);
    }
    bp_thread_pool_destroy(pool);
}

/* ---- Refusals -------------------------------------------------------------------------------------------------- */

static void refusals_say_what_is_wrong(void **state) {
    (void)state;
    bp_thread_pool *pool = (bp_thread_pool *)&pool;
    assert_int_equal(bp_thread_pool_create(2, NULL), BP_ERROR_NULL);
    assert_string_equal(bp_error_message(), "pool is null");
    assert_int_equal(bp_thread_pool_create(SIZE_MAX, &pool), BP_ERROR_THREADS);
    assert_null(pool);
    char text[80];
    snprintf(text, sizeof text, "threads is %zu, and so many cannot be started", SIZE_MAX);
    assert_string_equal(bp_error_message(), text);
    pool = (bp_thread_pool *)&pool;
    assert_int_equal(setenv("BACKPROP_THREADS", "two", 1), 0);
    assert_int_equal(bp_thread_pool_create(0, &pool), BP_ERROR_THREADS);
    assert_null(pool);
    assert_string_equal(bp_error_message(), "BACKPROP_THREADS is \"two\", and must be a whole number, at least 1");
    assert_int_equal(setenv("BACKPROP_THREADS", "3", 1), 0);
    pool = pool_create(0);
    assert_int_equal(pool->threads, 3);
    bp_thread_pool_destroy(pool);
    assert_int_equal(unsetenv("BACKPROP_THREADS"), 0);
    bp_thread_pool_destroy(NULL);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_once),
        cmocka_unit_test(a_thread_runs_the_same_index),
        cmocka_unit_test(several_callers),
        cmocka_unit_test(a_busy_pool_is_not_waited_for),
        cmocka_unit_test(runs_inside_tasks),
        cmocka_unit_test(two_tasks_run_at_the_same_time),
        cmocka_unit_test(networks_share_a_pool),
        cmocka_unit_test(networks_take_the_pools_threads),
        cmocka_unit_test(refusals_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
