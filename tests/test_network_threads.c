/* Networks and threads: whose pool runs, that bits do not depend on it, and that nothing is allocated meanwhile. */
#define _GNU_SOURCE /* RTLD_NEXT, sched_getaffinity */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/mode.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A step of ROWS_WIDE rows is worth five threads, one of ROWS_QUICK rows two, one of ROWS_NARROW rows no more than one.
 */
static const net wide = {.layers = 3,
                         .sizes = {100, 256, 130, 10},
                         .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                         .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY};
enum { ROWS_WIDE = 203, ROWS_QUICK = 37, ROWS_NARROW = 2, THREADS_WIDE = 5, THREADS_QUICK = 2 };

static size_t rows_wide(void) {
    return test_quick() ? ROWS_QUICK : ROWS_WIDE;
}

static size_t threads_wide(void) {
    return test_quick() ? THREADS_QUICK : THREADS_WIDE;
}

static uint64_t train(bp_network *network, size_t rows, size_t steps) {
    assert_int_equal(bp_network_initialize(network, 17), BP_OK);
    samples s = samples_create(&wide, rows, 0, 18);
    for (size_t k = 0; k < steps; k++)
        assert_int_equal(bp_network_train_step(network, &s.batch, 0.1f, NULL), BP_OK);
    samples_destroy(&s);
    return bp_network_hash(network);
}

static uint64_t train_config(const bp_network_config *config, size_t rows, size_t steps) {
    bp_network *network = net_create(config, 0);
    const uint64_t hash = train(network, rows, steps);
    bp_network_destroy(network);
    return hash;
}

static uint64_t train_alone(size_t rows, size_t steps) {
    bp_network_config config = net_config(&wide, rows_wide());
    config.threads = 1;
    return train_config(&config, rows, steps);
}

/* ---- Pools ---------------------------------------------------------------------------------------------------- */

static void a_hosts_pool_is_used(void **state) {
    (void)state;
    bp_thread_pool (*const makers[])(pool_log *, size_t) = {pool_serial, pool_reverse, pool_threaded};
    const size_t steps = test_quick() ? 1 : 2;
    const uint64_t expected = train_alone(rows_wide(), steps), expected_narrow = train_alone(ROWS_NARROW, 1);
    for (size_t k = 0; k < COUNT(makers); k++)
        for (size_t threads = 2; threads <= threads_wide(); threads++) {
            pool_log log = {0};
            bp_network_config config = net_config(&wide, rows_wide());
            config.pool = stored_pool(makers[k](&log, threads));
            bp_network *network = net_create(&config, 0);
            assert_int_equal(bp_network_threads(network), threads);
            assert_true(train(network, rows_wide(), steps) == expected);
            assert_true(log.runs >= steps);
            assert_int_equal(log.tasks, log.runs * threads);

            /* Small steps stay on the calling thread. */
            const size_t runs = log.runs;
            assert_true(train(network, ROWS_NARROW, 1) == expected_narrow);
            assert_int_equal(log.runs, runs);
            bp_network_destroy(network);
        }
}

/* A task on a thread of its own, in a mode that is not the caller's. */
typedef struct strange_task {
    task_fn *task;
    void *argument;
    size_t index;
    uint64_t mode;
    bool strayed;
} strange_task;

static void *run_strange(void *context) {
    strange_task *s = context;
    test_set_mode(s->mode);
    s->task(s->argument, s->index);
    s->strayed = test_mode() != s->mode;
    return NULL;
}

static size_t strayed;

static void run_in_modes(void *context, task_fn *task, void *argument, size_t count) {
    const test_host_mode *const host = context;
    for (size_t index = 0; index < count; index++) {
        pthread_t thread;
        strange_task s = {task, argument, index, host->mode, true};
        if (pthread_create(&thread, NULL, run_strange, &s) == 0)
            pthread_join(thread, NULL);
        strayed += s.strayed;
    }
}

/* Workers compute in the mode of the contract, and give the pool's threads back the one that they had. */
static void a_pools_threads_may_be_in_any_mode(void **state) {
    (void)state;
    const bool normalize[] = {true, false, false};
    const float dropout[] = {0.0f, 0.3f, 0.0f};
    bp_network_config config = net_config(&wide, rows_wide());
    config.normalize = normalize;
    config.dropout = dropout;
    config.optimizer =
        stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAM, .clip_norm = 0.01f, .weight_decay = 0.1f});
    config.threads = 1;
    const uint64_t expected = train_config(&config, rows_wide(), 2);
    for (const test_host_mode *host = test_host_modes; host->name; host++) {
        strayed = 0;
        config.threads = 0;
        config.pool = stored_pool((bp_thread_pool){run_in_modes, (void *)(uintptr_t)host, threads_wide()});
        if (train_config(&config, rows_wide(), 2) != expected)
            fail_msg("other weights by a pool whose threads are in the mode %s", host->name);
        assert_int_equal(strayed, 0);
    }
}

static void a_pool_of_one_is_no_pool(void **state) {
    (void)state;
    pool_log log = {0};
    bp_network_config config = net_config(&wide, rows_wide());
    config.pool = stored_pool(pool_threaded(&log, 1));
    assert_true(train_config(&config, rows_wide(), 1) == train_alone(rows_wide(), 1));
    assert_int_equal(log.runs, 0);
}

static void config_limits_the_threads(void **state) {
    (void)state;
    pool_log log = {0};
    for (size_t threads = 1; threads <= threads_wide(); threads++) {
        bp_network_config config = net_config(&wide, rows_wide());
        config.threads = threads;
        bp_network *network = net_create(&config, 0);
        assert_int_equal(bp_network_threads(network), threads);
        bp_network_destroy(network);

        config.pool = stored_pool(pool_serial(&log, threads_wide()));
        network = net_create(&config, 0);
        assert_int_equal(bp_network_threads(network), threads);
        bp_network_destroy(network);

        config.threads = 100; /* more than the pool has */
        network = net_create(&config, 0);
        assert_int_equal(bp_network_threads(network), threads_wide());
        bp_network_destroy(network);
    }
}

/* ---- The environment ------------------------------------------------------------------------------------------ */

static void environment_sets_the_default(void **state) {
    (void)state;
    const bp_network_config config = net_config(&wide, rows_wide());
    bp_network_config one = config;
    one.threads = 1;
    bp_network *network;
    size_t bytes;

    assert_int_equal(setenv("BACKPROP_THREADS", "2", 1), 0);
    network = net_create(&config, 0);
    assert_int_equal(bp_network_threads(network), 2);
    bp_network_destroy(network);
    network = net_create(&one, 0); /* what the caller says goes first */
    assert_int_equal(bp_network_threads(network), 1);
    bp_network_destroy(network);

    const char *bad[] = {"many", "-1", "3x", "0", " 3", "1.5", "99999999999999999999999999"};
    for (size_t k = 0; k < COUNT(bad); k++) {
        assert_int_equal(setenv("BACKPROP_THREADS", bad[k], 1), 0);
        network = (bp_network *)&bytes;
        if (bp_network_create(&config, &network) != BP_ERROR_THREADS || network)
            fail_msg("BACKPROP_THREADS='%s' was not refused", bad[k]);
        assert_int_equal(bp_network_memory(&config, &bytes), BP_ERROR_THREADS);
        network = net_create(&one, 0);
        assert_int_equal(bp_network_threads(network), 1);
        bp_network_destroy(network);
    }

    assert_int_equal(setenv("BACKPROP_THREADS", "", 1), 0);
    network = net_create(&config, 0);
    const size_t unset = bp_network_threads(network);
    bp_network_destroy(network);
    assert_int_equal(unsetenv("BACKPROP_THREADS"), 0);
    network = net_create(&config, 0);
    assert_int_equal(bp_network_threads(network), unset);
    bp_network_destroy(network);
}

/* ---- Two networks at the same time ---------------------------------------------------------------------------- */

typedef struct trainee {
    size_t rows, threads;
    uint64_t hash;
} trainee;

static void *train_in_thread(void *argument) {
    trainee *t = argument;
    bp_network_config config = net_config(&wide, rows_wide());
    config.threads = t->threads;
    t->hash = train_config(&config, t->rows, test_quick() ? 1 : 5);
    return NULL;
}

static void networks_train_side_by_side(void **state) {
    (void)state;
    trainee alone[] = {{rows_wide() / 2, 1, 0}, {rows_wide(), 2, 0}};
    trainee together[COUNT(alone)];
    pthread_t threads[COUNT(alone)];
    for (size_t k = 0; k < COUNT(alone); k++) {
        together[k] = alone[k];
        train_in_thread(&alone[k]);
    }
    for (size_t k = 0; k < COUNT(alone); k++)
        assert_int_equal(pthread_create(&threads[k], NULL, train_in_thread, &together[k]), 0);
    for (size_t k = 0; k < COUNT(alone); k++)
        assert_int_equal(pthread_join(threads[k], NULL), 0);
    for (size_t k = 0; k < COUNT(alone); k++)
        assert_true(together[k].hash == alone[k].hash);
}

/* ---- No allocation after creation ----------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)

/*
 * Every allocation of the process comes by here, those of other libraries included: the program's definitions are found
 * before the C library's. They are weak because a static C library brings its own along.
 */
static atomic_size_t allocations;
static bool refuse_calloc;   /* which the pool's memory comes from */
static size_t refuse_thread; /* the how manieth thread cannot be started; 0: none */

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

__attribute__((weak)) void *malloc(size_t bytes) {
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(bytes);
}

__attribute__((weak)) void *calloc(size_t count, size_t bytes) {
    atomic_fetch_add(&allocations, 1);
    return refuse_calloc ? NULL : __libc_calloc(count, bytes);
}

__attribute__((weak)) void *realloc(void *memory, size_t bytes) {
    atomic_fetch_add(&allocations, 1);
    return __libc_realloc(memory, bytes);
}

__attribute__((weak)) void *aligned_alloc(size_t alignment, size_t bytes) {
    atomic_fetch_add(&allocations, 1);
    return __libc_memalign(alignment, bytes);
}

__attribute__((weak)) int posix_memalign(void **memory, size_t alignment, size_t bytes) {
    atomic_fetch_add(&allocations, 1);
    void *made = __libc_memalign(alignment, bytes);
    if (!made)
        return ENOMEM;
    *memory = made;
    return 0;
}

typedef int create_fn(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);

__attribute__((weak)) int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                                         void *argument) {
    if (refuse_thread > 0 && --refuse_thread == 0)
        return EAGAIN;
    void *found = dlsym(RTLD_NEXT, "pthread_create");
    create_fn *create;
    memcpy(&create, &found, sizeof create);
    return create(thread, attributes, start, argument);
}

/* Skips the test where the C library is linked statically and its own malloc went first. */
static void need_interposition(void) {
    const size_t before = allocations;
    void *volatile probe = malloc(1);
    free(probe);
    if (allocations == before)
        skip();
}

static void nothing_is_allocated_after_creation(void **state) {
    (void)state;
    need_interposition();
    for (size_t threads = test_quick() ? 2 : 1; threads <= 2; threads++) {
        bp_network_config config = net_config(&wide, rows_wide());
        config.threads = threads;
        size_t before = allocations;
        bp_network *network = net_create(&config, 0);
        assert_true(allocations > before);
        samples s = samples_create(&wide, rows_wide(), 0, 18), few = samples_create(&wide, ROWS_NARROW, 0, 18);
        static float outputs[ROWS_WIDE * 10], loss;
        bp_layer described;
        static float weights[256 * 130], biases[130];
        before = allocations;
        bp_status status = bp_network_initialize(network, 4);
        for (int k = 0; k < (test_quick() ? 1 : 2); k++) {
            status |= bp_network_train_step(network, &s.batch, 0.1f, &loss);
            status |= bp_network_train_step(network, &few.batch, 0.1f, NULL);
            status |= bp_network_loss(network, &s.batch, &loss);
            status |= bp_network_forward(network, &s.batch, outputs, 0);
            status |= bp_network_layer(network, 1, &described);
            status |= layer_read(network, OF_PARAMETERS, 1, weights, 0, biases);
            status |= layer_write(network, OF_PARAMETERS, 1, weights, 0, biases);
            bp_network_hash(network);
        }
        const size_t after = allocations;
        assert_int_equal(status, BP_OK);
        assert_int_equal(after, before);
        samples_destroy(&s);
        samples_destroy(&few);
        bp_network_destroy(network);
    }
}

static void *allocate_one(void *live, size_t bytes) {
    ++*(size_t *)live;
    return malloc(bytes);
}

static void release_one(void *live, void *memory) {
    --*(size_t *)live;
    free(memory);
}

static void a_pool_that_cannot_be_made_is_an_error(void **state) {
    (void)state;
    need_interposition();
    size_t live = 0;
    bp_network_config config = net_config(&wide, rows_wide());
    config.threads = threads_wide();
    config.allocator = stored_allocator((bp_allocator){allocate_one, release_one, &live});
    /* No memory for the pool, then each of its threads in turn. */
    for (size_t failing = 0; failing < config.threads; failing++) {
        bp_network *network = (bp_network *)&live;
        refuse_calloc = failing == 0;
        refuse_thread = failing;
        const bp_status status = bp_network_create(&config, &network);
        refuse_calloc = false;
        refuse_thread = 0;
        assert_int_equal(status, BP_ERROR_THREADS);
        assert_null(network);
        assert_int_equal(live, 0);
    }
}

#else

/* A sanitizer owns malloc, or there is no way to its original. */
static void nothing_is_allocated_after_creation(void **state) {
    (void)state;
    skip();
}

static void a_pool_that_cannot_be_made_is_an_error(void **state) {
    (void)state;
    skip();
}

#endif

/* A worker that leaves its caller's processor may run anywhere again. */
static void workers_may_run_anywhere(void **state) {
    (void)state;
    bp_network_config config = net_config(&wide, ROWS_QUICK);
    config.threads = THREADS_QUICK;
    bp_network *network = net_create(&config, 0);
    samples s = samples_create(&wide, ROWS_QUICK, 0, 18);
    for (size_t step = 0; step < 200; step++) {
        assert_int_equal(bp_network_train_step(network, &s.batch, 0.1f, NULL), BP_OK);
        usleep(200); /* until workers sleep */
    }
    cpu_set_t own, other;
    assert_int_equal(sched_getaffinity(0, sizeof own, &own), 0);
    bool same = false;
    for (size_t look = 0; !same && look < 1000; look++, usleep(1000)) { /* some may be on their way just now */
        DIR *tasks = opendir("/proc/self/task");
        assert_non_null(tasks);
        same = true;
        for (struct dirent *task; (task = readdir(tasks));)
            if (*task->d_name != '.' && sched_getaffinity(atoi(task->d_name), sizeof other, &other) == 0)
                same = same && CPU_EQUAL(&own, &other);
        closedir(tasks);
    }
    assert_true(same);
    samples_destroy(&s);
    bp_network_destroy(network);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hosts_pool_is_used),
        cmocka_unit_test(a_pools_threads_may_be_in_any_mode),
        cmocka_unit_test(a_pool_of_one_is_no_pool),
        cmocka_unit_test(config_limits_the_threads),
        cmocka_unit_test(environment_sets_the_default),
        cmocka_unit_test(networks_train_side_by_side),
        cmocka_unit_test(nothing_is_allocated_after_creation),
        cmocka_unit_test(a_pool_that_cannot_be_made_is_an_error),
        cmocka_unit_test(workers_may_run_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
