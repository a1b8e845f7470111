/* What the small examples share: their command line, and how they end when something is wrong. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include <backprop/backprop.h>

/** An option `--name VALUE`. */
typedef struct example_option {
    const char *name, *value, *help; /* value: the default, until the command line gives another */
} example_option;

/** Reads the command line; --help prints `about` and the options and exits with 0, anything unknown ends in fail(). */
void example_options(int argc, char **argv, const char *about, example_option *options, size_t count);

/** The option's value as a whole number from `least` to `most`; anything else ends in fail(). */
uint64_t example_number(const example_option *option, uint64_t least, uint64_t most);

/** Prints the program's name and the message on standard error, and exits with status 2. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Ends in fail() unless the status is BP_OK. */
void check(bp_status status);

/** malloc that ends in fail() instead of returning null. */
void *allocate(size_t count, size_t size);

/** Prints the hash of the network's weights, the same on every machine, and checks that all output was written. */
void example_finish(const bp_network *network);

#endif
