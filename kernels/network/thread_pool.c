/* The public thread pool: the library's pool, for callers in several threads. */
#include <backprop/thread_pool.h>

#include <stdint.h>
#include <stdlib.h>

#include "failure.h"
#include "network/workers.h"
#include "platform/pool.h"

/* What the caller gets a pointer to, and what is behind it. */
typedef struct shared_pool {
    bp_thread_pool interface; /* first: the public pointer points to it */
    bp_pool *pool;
} shared_pool;

bp_status bp_thread_pool_create(size_t threads, bp_thread_pool **pool) {
    if (!pool)
        return bp_fail(BP_ERROR_NULL, "pool is null");
    *pool = NULL;
    bp_status status = BP_OK;
    if (threads == 0 && (status = bp_default_threads(&threads)) != BP_OK)
        return status;
    shared_pool *made = malloc(sizeof *made);
    if (!made)
        return bp_refuse(BP_ERROR_MEMORY);
    made->pool = bp_pool_create(threads);
    if (!made->pool) {
        free(made);
        return bp_fail(BP_ERROR_THREADS, "threads is %zu, and so many cannot be started", threads);
    }
    made->interface = (bp_thread_pool){bp_pool_run_shared, made->pool, threads};
    *pool = &made->interface;
    return BP_OK;
}

void bp_thread_pool_destroy(bp_thread_pool *pool) {
    if (!pool)
        return;
    shared_pool *made = (shared_pool *)pool;
    bp_pool_destroy(made->pool);
    free(made);
}
