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
 * A thread and its share of each run: indices k, k + threads, k + 2 threads ... of thread k, where 0 is the caller. So
 * the same index runs on the same thread, and finds in its cache what it left there. Who has finished its share takes
 * what others have not begun.
 */
typedef struct pool_thread {
    struct bp_pool *pool;
    size_t number;
    pthread_t thread;
    _Atomic ticket tickets;
    char other_line[64]; /* each thread polls a cache line of its own */
} pool_thread;

/*
 * The number of forks of this process and its ancestors since the first pool. A child has no workers, and locks that
 * workers held stay locked there: of a pool from before the fork only the memory may be used.
 */
static atomic_uint forks;

struct bp_pool {
    /* The work; written between runs only. */
    void (*task)(void *argument, size_t index);
    void *argument;

    atomic_size_t unfinished; /* calls of this run that have not returned */

    pthread_mutex_t mutex; /* for those that sleep */
    pthread_cond_t work, done;
    atomic_size_t sleepers;
    atomic_bool caller_sleeps;
    atomic_bool stop;
    atomic_bool busy; /* a caller of bp_pool_run_shared has it */
    atomic_int caller_cpu;

    unsigned forks;        /* when it was made */
    size_t threads;        /* with the caller */
    pool_thread members[]; /* [threads] */
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

/* Takes indices of the share of `member` in a run and calls the task, until none is left. */
static void take_share(bp_pool *pool, pool_thread *member, uint64_t run) {
    ticket t = atomic_load(&member->tickets);
    while (t >> RUN_SHIFT == run && (uint32_t)t > 0) {
        if (!atomic_compare_exchange_weak(&member->tickets, &t, t - 1))
            continue;
        /* Until the subtraction below the run cannot complete: task and argument stay valid. */
        pool->task(pool->argument, member->number + ((uint32_t)t - 1) * pool->threads);
        if (atomic_fetch_sub(&pool->unfinished, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->mutex);
        }
        t = atomic_load(&member->tickets);
    }
}

static void take_work(bp_pool *pool, const pool_thread *me, uint64_t run) {
    for (size_t k = 0; k < pool->threads; k++)
        take_share(pool, &pool->members[(me->number + k) % pool->threads], run);
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

/* The last run that a thread has a share in. */
static uint64_t current_run(pool_thread *me) {
    return atomic_load(&me->tickets) >> RUN_SHIFT;
}

/* Waits for a run after `seen`: polls, then sleeps. False when the pool is destroyed. */
static bool wait_for_run(pool_thread *me, uint64_t seen) {
    bp_pool *const pool = me->pool;
    for (int look = 0; look < SPIN_LIMIT; look++) {
        if (current_run(me) != seen)
            return true;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1); /* before the last poll: the caller stores a run, then checks for sleepers */
    while (current_run(me) == seen && !atomic_load(&pool->stop))
        pthread_cond_wait(&pool->work, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
    leave_callers_cpu(pool);
    return current_run(me) != seen;
}

static void *work(void *argument) {
    pool_thread *me = argument;
    for (uint64_t seen = 0; wait_for_run(me, seen);) {
        seen = current_run(me);
        take_work(me->pool, me, seen);
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
    pool_thread *const caller = &pool->members[0];
    const uint64_t run = (current_run(caller) + 1) & UINT32_MAX;
    pool->task = task;
    pool->argument = argument;
    atomic_store_explicit(&pool->caller_cpu, sched_getcpu(), memory_order_relaxed);
    atomic_store(&pool->unfinished, count);
    for (size_t k = pool->threads; k-- > 0;)
        if (k < count || k == 0) /* who has no share sleeps on */
            atomic_store(&pool->members[k].tickets, run << RUN_SHIFT | (count + pool->threads - 1 - k) / pool->threads);
    wake_sleepers(pool);
    take_work(pool, caller, run);
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
static bool start_workers(bp_pool *pool, size_t threads) {
    sigset_t all, host;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &host);
    for (; pool->threads < threads; pool->threads++) {
        pool_thread *const member = &pool->members[pool->threads];
        if (pthread_create(&member->thread, NULL, work, member) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &host, NULL);
    return pool->threads == threads;
}

bp_pool *bp_pool_create(size_t threads) {
    if (threads > UINT32_MAX || threads > (SIZE_MAX - sizeof(bp_pool)) / sizeof(pool_thread) || !watch_forks())
        return NULL;
    bp_pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->members[0]);
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->forks = atomic_load(&forks);
    for (size_t k = 0; k < threads; k++) {
        pool->members[k].pool = pool;
        pool->members[k].number = k;
    }
    pool->threads = 1;
    if (start_workers(pool, threads))
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
    for (size_t k = 1; k < pool->threads; k++)
        pthread_join(pool->members[k].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
