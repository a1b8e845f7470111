#define _GNU_SOURCE 1 /* sched_getcpu, sched_setaffinity */
#include "platform/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * Polls before a thread sleeps: some 30 us. A sleeping thread takes about 50 us to wake, longer than many phases. On a
 * busy machine, longer polling would take the processor from the thread that it waits for.
 */
#define SPIN_LIMIT 1500

/*
 * The upper half is the number of the run, the lower half the count of indices that are not taken yet. Both change
 * together, so that a late worker takes nothing of a run whose start it has not seen.
 */
typedef uint64_t ticket;
#define RUN_SHIFT 32

/*
 * The number of forks of this process and its ancestors since the first pool. A child has no workers, and locks that
 * workers held stay locked there: of a pool from before the fork only the memory may be used.
 */
static atomic_uint forks;

struct bp_pool {
    /* The work; written between runs only. */
    void (*task)(void *argument, size_t index);
    void *argument;

    _Atomic ticket tickets;
    atomic_size_t unfinished; /* calls of this run that have not returned */

    pthread_mutex_t mutex; /* for those that sleep */
    pthread_cond_t work, done;
    atomic_size_t sleepers;
    atomic_bool caller_sleeps;
    atomic_bool stop;
    atomic_bool busy; /* a caller of bp_pool_run_shared has it */
    atomic_int caller_cpu;

    unsigned forks; /* when it was made */
    size_t workers;
    pthread_t worker[];
};

static void count_fork(void) {
    atomic_fetch_add(&forks, 1);
}

/* Threads that race here count forks twice, which is harmless. A lock could stay locked in a child. */
static bool watch_forks(void) {
    static atomic_bool watching;
    if (!atomic_load(&watching) && pthread_atfork(NULL, NULL, count_fork) != 0)
        return false;
    atomic_store(&watching, true);
    return true;
}

static bool lost_its_workers(const bp_pool *pool) {
    return pool->forks != atomic_load_explicit(&forks, memory_order_relaxed);
}

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Takes indices of a run and calls the task, until none is left. */
static void take_work(bp_pool *pool, uint64_t run) {
    ticket t = atomic_load(&pool->tickets);
    while (t >> RUN_SHIFT == run && (uint32_t)t > 0) {
        if (!atomic_compare_exchange_weak(&pool->tickets, &t, t - 1))
            continue;
        /* Until the subtraction below the run cannot complete: task and argument stay valid. */
        pool->task(pool->argument, (uint32_t)t - 1);
        if (atomic_fetch_sub(&pool->unfinished, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->mutex);
        }
        t = atomic_load(&pool->tickets);
    }
}

/*
 * Schedulers tend to wake a worker on its caller's processor and to leave it there while others are idle. Such a worker
 * moves to another processor, and then may run anywhere again.
 */
static void leave_callers_cpu(bp_pool *pool) {
    cpu_set_t host, others;
    const int cpu = atomic_load(&pool->caller_cpu);
    if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getcpu() != cpu || sched_getaffinity(0, sizeof host, &host) != 0)
        return;
    others = host;
    CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
        sched_setaffinity(0, sizeof host, &host);
}

static uint64_t current_run(bp_pool *pool) {
    return atomic_load(&pool->tickets) >> RUN_SHIFT;
}

/* Waits for a run after `seen`: polls, then sleeps. False when the pool is destroyed. */
static bool wait_for_run(bp_pool *pool, uint64_t seen) {
    for (int look = 0; look < SPIN_LIMIT; look++) {
        if (current_run(pool) != seen)
            return true;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1); /* before the last poll: the caller stores a run, then checks for sleepers */
    while (current_run(pool) == seen && !atomic_load(&pool->stop))
        pthread_cond_wait(&pool->work, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
    leave_callers_cpu(pool);
    return current_run(pool) != seen;
}

static void *work(void *argument) {
    bp_pool *pool = argument;
    for (uint64_t seen = 0; wait_for_run(pool, seen);) {
        seen = current_run(pool);
        take_work(pool, seen);
    }
    return NULL;
}

static void wake_sleepers(bp_pool *pool) {
    if (atomic_load(&pool->sleepers) == 0)
        return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
}

static void run_alone(void (*task)(void *argument, size_t index), void *argument, size_t count) {
    for (size_t index = 0; index < count; index++)
        task(argument, index);
}

void bp_pool_run(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count) {
    bp_pool *pool = context;
    if (lost_its_workers(pool) || count > UINT32_MAX) { /* a ticket has 32 bits for the index */
        run_alone(task, argument, count);
        return;
    }
    const uint64_t run = (current_run(pool) + 1) & UINT32_MAX;
    pool->task = task;
    pool->argument = argument;
    atomic_store_explicit(&pool->caller_cpu, sched_getcpu(), memory_order_relaxed);
    atomic_store(&pool->unfinished, count);
    atomic_store(&pool->tickets, run << RUN_SHIFT | count);
    wake_sleepers(pool);
    take_work(pool, run);
    for (int look = 0; look < SPIN_LIMIT && atomic_load(&pool->unfinished) > 0; look++)
        relax();
    if (atomic_load(&pool->unfinished) == 0)
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, true);
    while (atomic_load(&pool->unfinished) > 0)
        pthread_cond_wait(&pool->done, &pool->mutex);
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->mutex);
}

/* In a child of fork `busy` may stay set: there every caller works alone anyway. */
void bp_pool_run_shared(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count) {
    bp_pool *pool = context;
    if (atomic_exchange(&pool->busy, true)) {
        run_alone(task, argument, count);
        return;
    }
    bp_pool_run(pool, task, argument, count);
    atomic_store(&pool->busy, false);
}

/* Starts the workers with all signals blocked: those are the host's. */
static bool start_workers(bp_pool *pool, size_t workers) {
    sigset_t all, host;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &host);
    while (pool->workers < workers && pthread_create(&pool->worker[pool->workers], NULL, work, pool) == 0)
        pool->workers++;
    pthread_sigmask(SIG_SETMASK, &host, NULL);
    return pool->workers == workers;
}

bp_pool *bp_pool_create(size_t threads) {
    const size_t workers = threads - 1;
    if (workers >= UINT32_MAX || workers > (SIZE_MAX - sizeof(bp_pool)) / sizeof(pthread_t) || !watch_forks())
        return NULL;
    bp_pool *pool = calloc(1, sizeof *pool + workers * sizeof pool->worker[0]);
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->forks = atomic_load(&forks);
    if (start_workers(pool, workers))
        return pool;
    bp_pool_destroy(pool);
    return NULL;
}

void bp_pool_destroy(bp_pool *pool) {
    if (!pool)
        return;
    if (lost_its_workers(pool)) {
        free(pool);
        return;
    }
    atomic_store(&pool->stop, true);
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t w = 0; w < pool->workers; w++)
        pthread_join(pool->worker[w], NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
