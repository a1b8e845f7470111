/* Even parts of a range for the workers of a step. */
#ifndef BP_NETWORK_RANGE_H
#define BP_NETWORK_RANGE_H

#include "network/network.h"

typedef struct range {
    size_t begin, end;
} range;

/** Part `worker` of `workers` of the range 0..count, cut at multiples of `unit`. */
static inline range range_of(size_t count, size_t unit, size_t worker, size_t workers) {
    if (workers == 1)
        return (range){0, count};
    const size_t units = (count + unit - 1) / unit;
    const size_t begin = units * worker / workers * unit, end = units * (worker + 1) / workers * unit;
    return (range){begin < count ? begin : count, end < count ? end : count};
}

/** The same for columns, cut at multiples of the backend's unit. */
static inline range columns_of(const bp_network *network, size_t columns, size_t worker, size_t workers) {
    return range_of(columns, network->backend->column_unit, worker, workers);
}

#endif
