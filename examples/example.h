/* What the small examples share: their command line, and their last line. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/backprop.h>

#include "program.h"

/** An option `--name VALUE`. */
typedef struct example_option {
    const char *name, *value, *help; /* value: the default, until the command line gives another */
} example_option;

/** Reads the command line; --help prints `about` and the options and exits with 0, anything unknown ends in fail(). */
void example_options(int argc, char **argv, const char *about, example_option *options, size_t count);

/** The option's value as a whole number from `least` to `most`; anything else ends in fail(). */
uint64_t example_number(const example_option *option, uint64_t least, uint64_t most);

/** Ends in fail() unless the status is BP_OK. */
void check(bp_status status);

/** Prints the hash of the network's weights, the same on every machine. */
void example_finish(const bp_network *network);

#endif
