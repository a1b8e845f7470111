#include "fail.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("train: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

void *allocate(size_t count, size_t size) {
    void *memory = size == 0 || count > SIZE_MAX / size ? NULL : malloc(count * size);
    if (!memory)
        fail("out of memory (%zu elements of %zu bytes)", count, size);
    return memory;
}
