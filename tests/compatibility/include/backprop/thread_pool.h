#ifndef BACKPROP_THREAD_POOL_H
#define BACKPROP_THREAD_POOL_H
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef struct bp_thread_pool {
    void (*run)(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count);
    void *context;
    size_t threads;
} bp_thread_pool;
BP_API bp_status bp_thread_pool_create(size_t threads, bp_thread_pool **pool);
BP_API void bp_thread_pool_destroy(bp_thread_pool *pool);
BP_END_DECLS
#endif
