/* The threads of a network: the host's pool, or one of its own. */
#ifndef BP_NETWORK_WORKERS_H
#define BP_NETWORK_WORKERS_H

#include <backprop/network.h>

/** Threads if config.threads is 0: BACKPROP_THREADS, or all CPUs of this process. */
bp_status bp_default_threads(size_t *threads);

/**
 * Runs task(argument, worker) for each worker < workers, in parallel if the pool can; returns when all have returned.
 * The caller and the tasks are in the contract's floating-point mode. The pool is not used for one worker.
 */
void bp_workers_run(const bp_thread_pool *pool, void (*task)(void *argument, size_t worker), void *argument,
                    size_t workers);

#endif
