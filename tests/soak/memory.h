/* Memory of a process that trains, saves and loads for long. */
#ifndef BACKPROP_TESTS_SOAK_MEMORY_H
#define BACKPROP_TESTS_SOAK_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Makes, trains, saves, loads and destroys networks for some seconds. False, with a message, if after the warm-up the
 * process has one page more than before, mapped or resident, or one open file.
 */
bool soak_watch_memory(uint64_t seed, double seconds, const char *path);

#endif
