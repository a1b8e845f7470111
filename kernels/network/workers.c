/* The number of threads, and tasks on them. */
#include "network/workers.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "failure.h"
#include "float_environment.h"
#include "platform/cpus.h"

bp_status bp_default_threads(size_t *threads) {
    const char *text = getenv("BACKPROP_THREADS");
    if (!text || !*text) {
        *threads = bp_process_cpus();
        return BP_OK;
    }
    char *end;
    errno = 0;
    const unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number == 0)
        return bp_fail(BP_ERROR_THREADS, "BACKPROP_THREADS is \"%.40s\", and must be a whole number, at least 1", text);
    *threads = number;
    return BP_OK;
}

typedef struct worker_task {
    void (*task)(void *argument, size_t worker);
    void *argument;
    atomic_size_t handover; /* shows race detectors the synchronization of a pool that was built without one */
} worker_task;

/* A worker may have been started in a floating-point mode other than the caller's. */
static void run_worker(void *context, size_t worker) {
    CONTRACT_MODE(host);
    worker_task *t = context;
    atomic_load_explicit(&t->handover, memory_order_acquire);
    t->task(t->argument, worker);
    atomic_fetch_add_explicit(&t->handover, 1, memory_order_release);
}

void bp_workers_run(const bp_thread_pool *pool, void (*task)(void *argument, size_t worker), void *argument,
                    size_t workers) {
    if (workers == 1) {
        task(argument, 0);
        return;
    }
    worker_task t = {.task = task, .argument = argument};
    atomic_store_explicit(&t.handover, 1, memory_order_release);
    pool->run(pool->context, run_worker, &t, workers);
    atomic_load_explicit(&t.handover, memory_order_acquire);
}
