/*
 * Thread pools: the library's, which several networks may share, or the host program's.
 *
 * A network that was created with a pool (bp_network_config.pool) runs its steps on the pool's threads. A network that
 * was created without one makes a private pool if more than one thread helps.
 *
 * Results have the same bits with every pool and every number of threads. They do not depend on which thread does which
 * part of the work.
 */
#ifndef BACKPROP_THREAD_POOL_H
#define BACKPROP_THREAD_POOL_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * A thread pool. `run` calls task(argument, index) once for each index < count, on any threads and in any order, and
 * returns when all calls have returned. `threads` is the number of calls that can run at the same time, including one
 * on the calling thread; it is at least 1. No task waits for another one, so `run` may also make all calls on the
 * calling thread.
 *
 * If networks share a pool and are used by several threads at the same time, these threads call `run` at the same time.
 * Pools of bp_thread_pool_create allow this. If you supply the pool, it must allow this, too.
 */
typedef struct bp_thread_pool {
    void (*run)(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count);
    void *context;
    size_t threads;
} bp_thread_pool;

/**
 * Makes a pool of `threads` threads: the thread that calls `run`, and threads - 1 that the pool starts. For 0 the
 * number is that of a network's private pool: BACKPROP_THREADS, or one for each available CPU
 * (bp_network_config.threads).
 *
 * Any number of networks may share the pool, and use it from several threads at the same time. A caller that finds the
 * pool busy does its work on its own thread, so it neither waits nor deadlocks. The pool's threads block all signals.
 * After a fork, the child may use and destroy the pool; the calling thread does all work there.
 *
 * Destroy the networks that use a pool before the pool.
 *
 * Errors: BP_ERROR_NULL for pool; BP_ERROR_MEMORY; BP_ERROR_THREADS if a thread cannot be started or BACKPROP_THREADS
 * is not a number. On error *pool is set to null and nothing is left allocated.
 */
BP_API bp_status bp_thread_pool_create(size_t threads, bp_thread_pool **pool);

/** Stops the threads of a pool of bp_thread_pool_create and frees it. No `run` may be in progress. Null is allowed. */
BP_API void bp_thread_pool_destroy(bp_thread_pool *pool);

BP_END_DECLS

#endif
