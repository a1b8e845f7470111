/*
 * fork: a child goes on with the networks of its parent, with the same bits, whether they have threads or not, were
 * used or not; it destroys them, makes others, and leaves the parent's as they were.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "defaults.h"
#include "fit_support.h"

enum { ROWS = 64, STEPS = 3, SECONDS = 10 };

/* A step of it is worth more than three threads. */
static const net shape = {
    .layers = 3,
    .sizes = {40, 90, 60, 7},
    .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
    .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY};

static bp_network_config config_of(size_t threads) {
    bp_network_config config = net_config(&shape, ROWS);
    config.seed = 7;
    config.threads = threads;
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAM});
    return config;
}

static bp_network *create(size_t threads) {
    const bp_network_config config = config_of(threads);
    bp_network *network = net_create(&config, 7);
    assert_int_equal(bp_network_threads(network), threads);
    return network;
}

/* The hash of a network after some steps. No assertions: a child must not leave by cmocka's way. */
static uint64_t train(bp_network *network, const samples *s, size_t steps) {
    for (size_t k = 0; k < steps; k++)
        if (bp_network_train_step(network, &s->batch, 0.01f, NULL) != BP_OK)
            return 0;
    return bp_network_hash(network);
}

static uint64_t expected_hash(const samples *s, size_t steps) {
    bp_network *network = create(1);
    const uint64_t hash = train(network, s, steps);
    bp_network_destroy(network);
    return hash;
}

/* In a child: a fit, and a network of its own with as many threads. */
static bool goes_on(bp_network *network, const samples *s, size_t threads) {
    const bp_dataset set = dataset_of(&shape, s);
    const bp_fit_options options =
        FIT_OPTIONS(.epochs = 1, .batch_size = 16, .learning_rate = 0.01f, .validation = &set);
    if (bp_network_fit(network, &set, &options, NULL) != BP_OK)
        return false;
#ifdef __SANITIZE_THREAD__
    threads = 1; /* it cannot follow threads that such a child starts */
#endif
    const bp_network_config config = config_of(threads);
    bp_network *own;
    if (bp_network_create(&config, &own) != BP_OK)
        return false;
    const uint64_t hash = train(own, s, STEPS);
    const bool same = hash != 0 && bp_network_threads(own) == threads;
    bp_network_destroy(own);
    return same;
}

/* Ends the test unless a child came to its end, having found all as it must be. */
static void expect_good_end(pid_t child) {
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        fail_msg("the child ended by signal %d%s", WTERMSIG(status),
                 WTERMSIG(status) == SIGALRM ? ": it did not go on" : "");
    assert_int_equal(WEXITSTATUS(status), 0);
}

static pid_t fork_child(void) {
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        alarm(SECONDS);
    return child;
}

/* ---- Forks ------------------------------------------------------------------------------------------------------- */

typedef struct situation {
    size_t threads, steps_before;
    bool asleep; /* the workers sleep when it forks */
    bool used;   /* the child uses the network before it destroys it */
} situation;

static void fork_in(const situation *at, const samples *s) {
    bp_network *network = create(at->threads);
    const uint64_t before = expected_hash(s, at->steps_before);
    const uint64_t after = expected_hash(s, at->steps_before + STEPS);
    assert_true(train(network, s, at->steps_before) == before);
    if (at->asleep)
        usleep(5000);
    const pid_t child = fork_child();
    if (child == 0) {
        bool good = true;
        if (at->used)
            good = train(network, s, STEPS) == after && goes_on(network, s, at->threads);
        bp_network_destroy(network);
        _exit(good ? 0 : 1);
    }
    /* At the same time, and once more after it. */
    assert_true(train(network, s, STEPS) == after);
    expect_good_end(child);
    assert_true(train(network, s, 1) == expected_hash(s, at->steps_before + STEPS + 1));
    bp_network_destroy(network);
}

static void children_go_on(void **state) {
    (void)state;
    samples s = samples_create(&shape, ROWS, 0, 8);
    for (size_t threads = 1; threads <= 3; threads++)
        for (size_t steps = 0; steps <= STEPS; steps += STEPS)
            for (int asleep = 0; asleep < 2; asleep++)
                for (int used = 0; used < 2; used++)
                    fork_in(&(situation){threads, steps, asleep, used}, &s);
    samples_destroy(&s);
}

/* Again and again right after a step, when the workers may be anywhere in their loop. */
static void at_any_moment(void **state) {
    (void)state;
    samples s = samples_create(&shape, ROWS, 0, 8);
    bp_network *network = create(3);
    for (size_t k = 1; k <= (test_quick() ? 5 : 60); k++) {
        const uint64_t hash = train(network, &s, 1);
        usleep((useconds_t)(k * 3 % 100)); /* workers look for 30 us before they sleep */
        const pid_t child = fork_child();
        if (child == 0) {
            const bool good = bp_network_hash(network) == hash && train(network, &s, 1) != 0;
            bp_network_destroy(network);
            _exit(good ? 0 : 1);
        }
        expect_good_end(child);
    }
    assert_true(bp_network_hash(network) == expected_hash(&s, test_quick() ? 5 : 60));
    bp_network_destroy(network);
    samples_destroy(&s);
}

/* A child's child; and a network that the child made before it forked. */
static void grandchildren(void **state) {
    (void)state;
    samples s = samples_create(&shape, ROWS, 0, 8);
    const uint64_t hash = expected_hash(&s, STEPS);
    bp_network *network = create(3);
    const pid_t child = fork_child();
    if (child == 0) {
        const bp_network_config config = config_of(1);
        bp_network *own;
        if (bp_network_create(&config, &own) != BP_OK)
            _exit(2);
        const pid_t grandchild = fork();
        if (grandchild == 0) {
            alarm(SECONDS);
            const bool good = train(network, &s, STEPS) == hash && train(own, &s, STEPS) == hash;
            bp_network_destroy(own);
            bp_network_destroy(network);
            _exit(good ? 0 : 1);
        }
        int status = 1;
        if (grandchild < 0 || waitpid(grandchild, &status, 0) != grandchild || status != 0)
            _exit(3);
        _exit(train(own, &s, STEPS) == hash ? 0 : 1);
    }
    expect_good_end(child);
    assert_true(train(network, &s, STEPS) == hash);
    bp_network_destroy(network);
    samples_destroy(&s);
}

typedef struct other_thread {
    const samples *s;
    bp_network *network;
    bool good;
} other_thread;

static void *train_on(void *argument) {
    other_thread *t = argument;
    t->good = train(t->network, t->s, 40) != 0;
    return NULL;
}

/* While another thread trains a network, the child leaves that one alone and uses its own. */
static void beside_a_training(void **state) {
    (void)state;
    samples s = samples_create(&shape, ROWS, 0, 8);
    const uint64_t hash = expected_hash(&s, STEPS);
    bp_network *network = create(2);
    other_thread other = {&s, create(2), false};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, train_on, &other), 0);
    for (int k = 0; k < (test_quick() ? 2 : 10); k++) {
        const pid_t child = fork_child();
        if (child == 0) {
            const bool good = train(network, &s, STEPS) == hash;
            bp_network_destroy(network);
            _exit(good ? 0 : 1);
        }
        expect_good_end(child);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(other.good);
    bp_network_destroy(other.network);
    bp_network_destroy(network);
    samples_destroy(&s);
}

/* ---- A shared pool ----------------------------------------------------------------------------------------------- */

static bp_network *create_sharing(const bp_thread_pool *pool) {
    bp_network_config config = config_of(0);
    config.pool = pool;
    return net_create(&config, 7);
}

typedef struct pool_user {
    const samples *s;
    const bp_thread_pool *pool;
    atomic_bool started, stop;
    bool good;
} pool_user;

static void *use_pool(void *argument) {
    pool_user *u = argument;
    bp_network *network = create_sharing(u->pool);
    u->good = true;
    while (!atomic_load(&u->stop)) {
        u->good = train(network, u->s, 1) != 0 && u->good;
        atomic_store(&u->started, true);
    }
    bp_network_destroy(network);
    return NULL;
}

/* Another thread uses the pool, most often when it forks: the child finds it busy, by a thread that is not there. */
static void children_share_a_pool(void **state) {
    (void)state;
    samples s = samples_create(&shape, ROWS, 0, 8);
    const uint64_t hash = expected_hash(&s, STEPS);
    bp_thread_pool *pool;
    assert_int_equal(bp_thread_pool_create(3, &pool), BP_OK);
    pool_user user = {.s = &s, .pool = pool};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, use_pool, &user), 0);
    while (!atomic_load(&user.started))
        usleep(100);
    for (int k = 0; k < (test_quick() ? 2 : 20); k++) {
        bp_network *network = create_sharing(pool);
        const pid_t child = fork_child();
        if (child == 0) {
            const bool good = train(network, &s, STEPS) == hash;
            bp_network_destroy(network);
            bp_thread_pool_destroy(pool);
            _exit(good ? 0 : 1);
        }
        assert_true(train(network, &s, STEPS) == hash);
        expect_good_end(child);
        bp_network_destroy(network);
    }
    atomic_store(&user.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(user.good);
    bp_thread_pool_destroy(pool);
    samples_destroy(&s);
}

/* A child makes a pool of its own, and networks that are cloned there have threads again. */
static void children_clone(void **state) {
    (void)state;
    samples s = samples_create(&shape, ROWS, 0, 8);
    const uint64_t hash = expected_hash(&s, STEPS);
    bp_network *network = create(3);
    const pid_t child = fork_child();
    if (child == 0) {
        bp_network *clone;
#ifdef __SANITIZE_THREAD__
        _exit(0); /* it cannot follow threads that such a child starts */
#endif
        if (bp_network_clone(network, &clone) != BP_OK)
            _exit(2);
        bp_network_destroy(network);
        const bool good = train(clone, &s, STEPS) == hash && bp_network_threads(clone) == 3;
        bp_network_destroy(clone);
        _exit(good ? 0 : 1);
    }
    expect_good_end(child);
    bp_network_destroy(network);
    samples_destroy(&s);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_go_on),    cmocka_unit_test(at_any_moment),         cmocka_unit_test(grandchildren),
        cmocka_unit_test(beside_a_training), cmocka_unit_test(children_share_a_pool), cmocka_unit_test(children_clone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
