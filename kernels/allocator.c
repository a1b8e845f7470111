#include "allocator.h"

#include <stdlib.h>

static void *allocate(void *context, size_t bytes) {
    (void)context;
    return malloc(bytes);
}

static void release(void *context, void *memory) {
    (void)context;
    free(memory);
}

const bp_allocator bp_default_allocator = {allocate, release, NULL};
