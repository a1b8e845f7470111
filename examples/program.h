/* What all programs share: their name in messages, and how they end. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>

/**
 * Call it first, with the program's name or path. Ends in fail() if standard output is closed, and sees to it that the
 * program ends with one line on standard error and status 2 if standard output did not take all that was printed.
 */
void program_start(const char *name);

/** Without its folder. */
const char *program_name(void);

/** Prints the program's name and the message on standard error, and exits with status 2. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** malloc for `count` elements of `size` bytes that ends in fail() instead of returning null. */
void *allocate(size_t count, size_t size);

#endif
