#define _XOPEN_SOURCE 700

#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static const char *const functions[] = {"open",   "fstat",    "fchmod", "write",  "pread",   "fsync",     "close",
                                        "rename", "realpath", "malloc", "calloc", "realloc", "newlocale", "strtof"};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static size_t calls[FUNCTIONS];
static const char *failing = "";
static size_t failing_nth, most_bytes, largest, in_hosts_locale;
static int failing_error;
static bool exits;

void faults_none(void) {
    memset(calls, 0, sizeof calls);
    failing = "";
    most_bytes = largest = in_hosts_locale = 0;
    exits = false;
}

void faults_at(const char *function, size_t nth, int error) {
    faults_none();
    failing = function;
    failing_nth = nth;
    failing_error = error;
}

void faults_exit_at(const char *function, size_t nth) {
    faults_at(function, nth, 0);
    exits = true;
}

void faults_short(size_t bytes) {
    faults_none();
    most_bytes = bytes;
}

static size_t *calls_of(const char *function) {
    for (size_t k = 0; k < FUNCTIONS; k++)
        if (strcmp(functions[k], function) == 0)
            return &calls[k];
    abort();
}

size_t faults_calls(const char *function) {
    return *calls_of(function);
}

size_t faults_largest_allocation(void) {
    return largest;
}

/* Counts a call; whether it has to fail. */
static bool fails(const char *function) {
    const bool now = (*calls_of(function))++ == failing_nth && strcmp(function, failing) == 0;
    if (now && exits)
        _exit(0);
    if (now)
        errno = failing_error;
    return now;
}

/* The same for a transfer; the bytes that it may have. */
static bool transfer_fails(const char *function, size_t *count) {
    if (fails(function))
        return true;
    if (most_bytes == 0)
        return false;
    *count = *count < most_bytes ? *count : most_bytes;
    errno = EINTR;
    return *calls_of(function) % 2 == 0;
}

size_t faults_in_hosts_locale(void) {
    return in_hosts_locale;
}

static void note_allocation(size_t bytes) {
    largest = bytes > largest ? bytes : largest;
}

int __real_open(const char *path, int flags, ...);
int __real_fstat(int file, struct stat *status);
int __real_fchmod(int file, mode_t mode);
ssize_t __real_write(int file, const void *bytes, size_t count);
ssize_t __real_pread(int file, void *bytes, size_t count, off_t offset);
int __real_fsync(int file);
int __real_close(int file);
int __real_rename(const char *from, const char *to);
char *__real_realpath(const char *path, char *resolved);
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
locale_t __real_newlocale(int mask, const char *name, locale_t base);
float __real_strtof(const char *text, char **end);

int __wrap_open(const char *path, int flags, ...);
int __wrap_fstat(int file, struct stat *status);
int __wrap_fchmod(int file, mode_t mode);
ssize_t __wrap_write(int file, const void *bytes, size_t count);
ssize_t __wrap_pread(int file, void *bytes, size_t count, off_t offset);
int __wrap_fsync(int file);
int __wrap_close(int file);
int __wrap_rename(const char *from, const char *to);
char *__wrap_realpath(const char *path, char *resolved);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
locale_t __wrap_newlocale(int mask, const char *name, locale_t base);
float __wrap_strtof(const char *text, char **end);

int __wrap_open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return fails("open") ? -1 : __real_open(path, flags, mode);
}

int __wrap_fstat(int file, struct stat *status) {
    return fails("fstat") ? -1 : __real_fstat(file, status);
}

int __wrap_fchmod(int file, mode_t mode) {
    return fails("fchmod") ? -1 : __real_fchmod(file, mode);
}

ssize_t __wrap_write(int file, const void *bytes, size_t count) {
    return transfer_fails("write", &count) ? -1 : __real_write(file, bytes, count);
}

ssize_t __wrap_pread(int file, void *bytes, size_t count, off_t offset) {
    return transfer_fails("pread", &count) ? -1 : __real_pread(file, bytes, count, offset);
}

int __wrap_fsync(int file) {
    return fails("fsync") ? -1 : __real_fsync(file);
}

/* A close that fails closes all the same, as on Linux. */
int __wrap_close(int file) {
    const bool failed = fails("close");
    const int error = errno;
    const int result = __real_close(file);
    errno = failed ? error : errno;
    return failed ? -1 : result;
}

int __wrap_rename(const char *from, const char *to) {
    return fails("rename") ? -1 : __real_rename(from, to);
}

char *__wrap_realpath(const char *path, char *resolved) {
    return fails("realpath") ? NULL : __real_realpath(path, resolved);
}

void *__wrap_malloc(size_t bytes) {
    note_allocation(bytes);
    return fails("malloc") ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes) {
    note_allocation(count > SIZE_MAX / (bytes ? bytes : 1) ? SIZE_MAX : count * bytes);
    return fails("calloc") ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes) {
    note_allocation(bytes);
    return fails("realloc") ? NULL : __real_realloc(memory, bytes);
}

locale_t __wrap_newlocale(int mask, const char *name, locale_t base) {
    return fails("newlocale") ? (locale_t)0 : __real_newlocale(mask, name, base);
}

float __wrap_strtof(const char *text, char **end) {
    (*calls_of("strtof"))++;
    in_hosts_locale += uselocale((locale_t)0) == LC_GLOBAL_LOCALE;
    return __real_strtof(text, end);
}
