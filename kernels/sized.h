/*
 * Option structs that grow. Their first member is `size_t struct_size`, the size that the caller's program was compiled
 * with, which may be that of an earlier or a later version. Every folder may use it.
 *
 * New fields are added at the end. The first one of a version begins where the struct ended before, padding included,
 * for the padding of an older program holds anything: give it alignas(size_t) where it needs that.
 */
#ifndef BP_SIZED_H
#define BP_SIZED_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <backprop/status.h>

#include "failure.h"

/* No struct grows by more: a larger struct_size was never set. */
#define SIZED_MOST_BEYOND 4096

/* The size of a struct whose last member is `member`, without the padding after it. */
#define SIZED_END(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/* Whether a later version's fields, of which this one knows nothing, are all zero. */
static inline bool sized_is_zero(const unsigned char *bytes, size_t count) {
    for (size_t k = 0; k < count; k++)
        if (bytes[k] != 0)
            return false;
    return true;
}

/*
 * Reads the caller's struct `given`, unless it is null, over `options`, which has this version's `size` and holds its
 * defaults. `first_size`: the size of the first version, as SIZED_END gives it. `name`: what the caller calls the
 * struct, as in "config"; `defaults`: what makes one, as in "bp_network_config_defaults()". On error, BP_ERROR_VALUE,
 * the message is set and *options is as it was.
 */
static inline bp_status sized_read(void *options, size_t size, size_t first_size, const void *given, const char *name,
                                   const char *defaults) {
    size_t struct_size;
    if (!given)
        return BP_OK;
    memcpy(&struct_size, given, sizeof struct_size);
    if (struct_size < first_size || struct_size > size + SIZED_MOST_BEYOND)
        return bp_fail(BP_ERROR_VALUE, "%s.struct_size is %zu: make it with %s", name, struct_size, defaults);
    if (struct_size > size && !sized_is_zero((const unsigned char *)given + size, struct_size - size))
        return bp_fail(BP_ERROR_VALUE,
                       "%s.struct_size is %zu, and fields beyond the %zu bytes that this version of the library knows "
                       "must be zero",
                       name, struct_size, size);
    memcpy(options, given, struct_size < size ? struct_size : size);
    memcpy(options, &size, sizeof size);
    return BP_OK;
}

/*
 * Writes this version's struct `options` of `size` bytes into the caller's, which has `struct_size`: as much of it as
 * there is room for, zeros beyond, and its struct_size. Null, or a struct that has no room for struct_size, is left
 * alone.
 */
static inline void sized_write(void *to, size_t struct_size, const void *options, size_t size) {
    if (!to || struct_size < sizeof struct_size)
        return;
    const size_t common = struct_size < size ? struct_size : size;
    memcpy(to, options, common);
    memset((unsigned char *)to + common, 0, struct_size - common);
    memcpy(to, &struct_size, sizeof struct_size);
}

#endif
