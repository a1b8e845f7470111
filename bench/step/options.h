/* The command line of bench_step. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <vector>

#include "net.h"

struct Options {
    std::vector<Shape> shapes;
    std::vector<size_t> threads;
    double seconds = 8; // of each contest
    bool list_peers = false;
};

/**
 * Takes this program's own options out of the arguments and leaves the others to Google Benchmark. Sets the
 * instruction set. Ends the program, with one line, where an option can't be used.
 */
Options parse_options(int *argc, char **argv, size_t cpus);

#endif
