/*
 * Thread pools: one of the library's own that several networks share, or one of the host's.
 *
 * A network that is created with a pool (bp_network_config.pool) shares its steps among the pool's threads. A network
 * that is created without one and may use several threads makes a pool of its own.
 *
 * Which thread does what changes no bit: results are the same with every pool and every number of threads.
 */
#ifndef BACKPROP_THREAD_POOL_H
#define BACKPROP_THREAD_POOL_H

#include <stddef.h>

#include <backprop/export.h>
#include <backprop/status.h>

BP_BEGIN_DECLS

/**
 * A thread pool. `run` calls task(argument, index) once for each index < count, on any threads and in any order, and
 * returns when all calls have returned. `threads` is the number of calls that can run at the same time, the caller's
 * included, at least 1. No task waits for another one, so `run` may also make all calls on the calling thread.
 *
 * Networks that share a pool and are used in several threads at the same time call `run` from these threads at the
 * same time. A pool of bp_thread_pool_create allows it; a host's pool has to.
 */
typedef struct bp_thread_pool {
    void (*run)(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count);
    void *context;
    size_t threads;
} bp_thread_pool;

/**
 * Makes a pool of `threads` threads: the thread that calls `run`, and threads - 1 that the pool starts. 0 threads:
 * BACKPROP_THREADS, else one for each CPU in reach, as for a network's own pool.
 *
 * Any number of networks may share the pool, and use it from several threads at the same time. A caller that finds the
 * pool busy does its work itself, on its own thread: it neither waits nor deadlocks. The pool's threads block all
 * signals. After fork the child may use and destroy the pool; all work there is done by the caller.
 *
 * Destroy the networks that use a pool before the pool itself.
 *
 * BP_ERROR_NULL (pool), BP_ERROR_MEMORY, BP_ERROR_THREADS (a thread cannot be started, or BACKPROP_THREADS is not a
 * number). On error *pool is set to null and nothing is left allocated.
 */
BP_API bp_status bp_thread_pool_create(size_t threads, bp_thread_pool **pool);

/**
 * Stops the threads of a pool of bp_thread_pool_create and frees it, between calls of its `run`; null is allowed.
 */
BP_API void bp_thread_pool_destroy(bp_thread_pool *pool);

BP_END_DECLS

#endif
