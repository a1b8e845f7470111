/* Even shares of a range for the lanes of a step. */
#ifndef BP_NETWORK_SHARE_H
#define BP_NETWORK_SHARE_H

#include "network/network.h"

typedef struct share {
    size_t begin, end;
} share;

/** Share `lane` of `lanes` of the range 0..count, cut at multiples of `unit`. */
static inline share share_of(size_t count, size_t unit, size_t lane, size_t lanes) {
    if (lanes == 1)
        return (share){0, count};
    const size_t units = (count + unit - 1) / unit;
    const size_t begin = units * lane / lanes * unit, end = units * (lane + 1) / lanes * unit;
    return (share){begin < count ? begin : count, end < count ? end : count};
}

/** Columns are shared by whole panels. */
static inline share columns_of(const bp_network *network, size_t columns, size_t lane, size_t lanes) {
    const size_t panel = network->level->panel;
    return share_of(columns, panel ? panel : 1, lane, lanes);
}

#endif
