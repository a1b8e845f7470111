/* Even parts of a range for the workers of a step. */
#ifndef BP_NETWORK_RANGE_H
#define BP_NETWORK_RANGE_H

#include "backend.h"

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

/** Where columns may be cut: at the border of a panel, or inside the only one. */
static inline size_t column_unit(const bp_backend *backend, size_t columns) {
    return columns <= backend->panel_width ? backend->column_unit : backend->panel_width;
}

/** The same for columns, cut where the backend allows it. */
static inline range columns_of(const bp_backend *backend, size_t columns, size_t worker, size_t workers) {
    return range_of(columns, column_unit(backend, columns), worker, workers);
}

/** The same for an array of floats, cut at cache lines. */
static inline range floats_of(size_t count, size_t worker, size_t workers) {
    return range_of(count, BP_ALIGNMENT / sizeof(float), worker, workers);
}

#endif
