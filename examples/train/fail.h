/* How this program ends when its input is bad: one line on standard error, exit status 2. */
#ifndef TRAIN_FAIL_H
#define TRAIN_FAIL_H

#include <stddef.h>

/** Prints "train: " and the message on standard error, and exits with status 2. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** malloc for `count` elements of `size` bytes that fails as above instead of returning null. */
void *allocate(size_t count, size_t size);

#endif
