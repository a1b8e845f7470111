/* This library, as a peer among the others. */
#ifndef BENCH_BACKPROP_H
#define BENCH_BACKPROP_H

#include "../peers/peer.h"

extern const peer backprop_peer;

#endif
