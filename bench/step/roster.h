/* Who takes part: this library and the peers whose modules can be loaded. */
#ifndef BENCH_ROSTER_H
#define BENCH_ROSTER_H

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "net.h"

struct Implementation {
    std::string name, version;
    bool as_used;                                              // a library's own training, not a step built by hand
    std::string module;                                        // file of the peer's module; empty for this library
    size_t index;                                              // in the module's list
    std::map<std::pair<size_t, size_t>, std::string> refusals; // by shape's index and threads: why it stays out

    bool is_peer() const {
        return !module.empty();
    }

    bool takes(size_t shape, size_t threads) const {
        return !refusals.count({shape, threads});
    }
};

/**
 * This library first, then the peers of each module peer_*.so in `folder`. Modules are loaded in processes of their
 * own, never in this one. One that can't be loaded is reported on standard error, in one line, and left out.
 */
std::vector<Implementation> roster(const std::string &folder, const std::vector<Shape> &shapes,
                                   const std::vector<size_t> &threads);

/** To be called in the process that will run the implementation. Null if its module can't be loaded. */
const peer *load(const Implementation &implementation);

/** What libraries read when they are loaded: how many threads to start. */
void set_thread_environment(size_t threads);

#endif
