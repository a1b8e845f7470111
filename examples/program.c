#define _POSIX_C_SOURCE 200809L /* fcntl */
#include "program.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program = "program";
static bool failed;

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    failed = true;
    exit(2);
}

/* Of whatever way the program ends: a return from main, the exit of --help. One line is enough for a failed one. */
static void check_output(void) {
    if ((fflush(stdout) != 0 || ferror(stdout)) && !failed) {
        fprintf(stderr, "%s: cannot write to standard output\n", program);
        _exit(2);
    }
}

void program_start(const char *name) {
    const char *slash = strrchr(name, '/');
    program = slash ? slash + 1 : name;
    /* The first file that is opened would take its place. */
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1)
        fail("standard output is closed");
    if (atexit(check_output) != 0)
        fail("out of memory");
}

const char *program_name(void) {
    return program;
}

void *allocate(size_t count, size_t size) {
    void *memory = size == 0 || count > SIZE_MAX / size ? NULL : malloc(count * size);
    if (!memory)
        fail("out of memory (%zu elements of %zu bytes)", count, size);
    return memory;
}
