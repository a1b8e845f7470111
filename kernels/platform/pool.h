/*
 * A small thread pool for work that is handed over many times a millisecond: the phases of a training step.
 *
 * Workers poll for some tens of microseconds before they sleep, so that the next phase starts at once. The caller runs
 * every part that no worker has begun, so that a worker that is slow to wake, or has no processor, delays nothing.
 * Otherwise the same index runs on the same thread, and finds in its cache what it left there.
 *
 * In a child process of fork the parent's pools continue without workers: the caller does all the work.
 */
#ifndef BP_PLATFORM_POOL_H
#define BP_PLATFORM_POOL_H

#include <stddef.h>

typedef struct bp_pool bp_pool;

/** A pool of `threads` threads, the caller included; null if there is no memory or a thread cannot be started. */
bp_pool *bp_pool_create(size_t threads);

/** Stops the workers and frees the pool; null is allowed. */
void bp_pool_destroy(bp_pool *pool);

/**
 * Calls task(argument, index) once for each index < count and returns when all calls have returned. The form is that of
 * bp_thread_pool.run; `pool` is a bp_pool. One call at a time.
 */
void bp_pool_run(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count);

/** The same for several callers at the same time: one that finds the pool busy makes all its calls itself. */
void bp_pool_run_shared(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count);

#endif
