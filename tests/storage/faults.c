#define _XOPEN_SOURCE 700

#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include <zlib.h>

#ifdef __has_feature
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define MEMORY_SANITIZER
#endif
#endif

/* From `first_allocation` on they take memory. */
static const char *const functions[] = {
    "open",   "fstat",   "fchmod",  "write",    "pread",          "fsync",          "close",
    "rename", "strtof",  "inflate", "lseek",    "pthread_create", "pthread_atfork", "malloc",
    "calloc", "realloc", "strdup",  "realpath", "newlocale",      "inflateInit2_",  "deflateInit2_"};
enum { FUNCTIONS = sizeof functions / sizeof *functions, first_allocation = 13 };

static size_t calls[FUNCTIONS];
static const char *last_failed;
static size_t failing_allocation = SIZE_MAX;
static atomic_size_t live;
static const char *failing = "";
static size_t failing_nth, most_bytes, part_bytes, largest, in_hosts_locale;
static int failing_error;
static bool exits;

void faults_none(void) {
    memset(calls, 0, sizeof calls);
    failing = "";
    last_failed = NULL;
    failing_allocation = SIZE_MAX;
    most_bytes = part_bytes = largest = in_hosts_locale = 0;
    exits = false;
}

void faults_at(const char *function, size_t nth, int error) {
    faults_none();
    failing = function;
    failing_nth = nth;
    failing_error = error;
}

void faults_at_allocation(size_t nth) {
    faults_none();
    failing_allocation = nth;
    failing_error = ENOMEM;
}

void faults_exit_at(const char *function, size_t nth) {
    faults_at(function, nth, 0);
    exits = true;
}

void faults_short(size_t bytes) {
    faults_none();
    most_bytes = bytes;
}

void faults_part(size_t bytes) {
    part_bytes = bytes;
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

const char *faults_failed(void) {
    return last_failed;
}

size_t faults_live(void) {
    return live;
}

size_t faults_largest_allocation(void) {
    return largest;
}

static size_t allocations(void) {
    size_t sum = 0;
    for (size_t k = first_allocation; k < FUNCTIONS; k++)
        sum += calls[k];
    return sum;
}

/* Counts a call; whether it has to fail. */
static bool fails(const char *function) {
    size_t *count = calls_of(function);
    const bool allocates = count >= &calls[first_allocation];
    const bool now =
        (*count == failing_nth && strcmp(function, failing) == 0) || (allocates && allocations() == failing_allocation);
    ++*count;
    if (now)
        last_failed = function;
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
    if (part_bytes > 0 && *count > part_bytes)
        *count = part_bytes;
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
void __real_free(void *memory);
char *__real_strdup(const char *text);
locale_t __real_newlocale(int mask, const char *name, locale_t base);
void __real_freelocale(locale_t locale);
int __real_inflateInit2_(z_streamp stream, int bits, const char *version, int size);
int __real_inflateEnd(z_streamp stream);
int __real_inflate(z_streamp stream, int flush);
int __real_deflate(z_streamp stream, int flush);
int __real_deflateInit2_(z_streamp stream, int backend, int method, int bits, int memory, int strategy,
                         const char *version, int size);
int __real_deflateEnd(z_streamp stream);
off_t __real_lseek(int file, off_t offset, int from);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __real_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
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
void __wrap_free(void *memory);
char *__wrap_strdup(const char *text);
locale_t __wrap_newlocale(int mask, const char *name, locale_t base);
void __wrap_freelocale(locale_t locale);
int __wrap_inflateInit2_(z_streamp stream, int bits, const char *version, int size);
int __wrap_inflateEnd(z_streamp stream);
int __wrap_inflate(z_streamp stream, int flush);
int __wrap_deflate(z_streamp stream, int flush);
int __wrap_deflateInit2_(z_streamp stream, int backend, int method, int bits, int memory, int strategy,
                         const char *version, int size);
int __wrap_deflateEnd(z_streamp stream);
off_t __wrap_lseek(int file, off_t offset, int from);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
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

/* Counts what has been allocated. */
static void *made(void *memory) {
    live += memory != NULL;
    return memory;
}

char *__wrap_realpath(const char *path, char *resolved) {
    if (fails("realpath"))
        return NULL;
    return resolved ? __real_realpath(path, resolved) : made(__real_realpath(path, NULL));
}

void *__wrap_malloc(size_t bytes) {
    note_allocation(bytes);
    return fails("malloc") ? NULL : made(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes) {
    note_allocation(count > SIZE_MAX / (bytes ? bytes : 1) ? SIZE_MAX : count * bytes);
    return fails("calloc") ? NULL : made(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *memory, size_t bytes) {
    note_allocation(bytes);
    if (fails("realloc"))
        return NULL;
    return memory ? __real_realloc(memory, bytes) : made(__real_malloc(bytes));
}

void __wrap_free(void *memory) {
    live -= memory != NULL;
    __real_free(memory);
}

char *__wrap_strdup(const char *text) {
    return fails("strdup") ? NULL : made(__real_strdup(text));
}

locale_t __wrap_newlocale(int mask, const char *name, locale_t base) {
    return fails("newlocale") ? (locale_t)0 : (locale_t)made(__real_newlocale(mask, name, base));
}

void __wrap_freelocale(locale_t locale) {
    live--;
    __real_freelocale(locale);
}

int __wrap_inflateInit2_(z_streamp stream, int bits, const char *version, int size) {
    if (fails("inflateInit2_"))
        return Z_MEM_ERROR;
    const int result = __real_inflateInit2_(stream, bits, version, size);
    live += result == Z_OK;
    return result;
}

int __wrap_inflateEnd(z_streamp stream) {
    live--;
    return __real_inflateEnd(stream);
}

/* zlib is not instrumented: the memory sanitizer is told what it has written. */
static void zlib_wrote(const void *from, const void *end) {
#ifdef MEMORY_SANITIZER
    __msan_unpoison(from, (size_t)((const char *)end - (const char *)from));
#endif
    (void)from;
    (void)end;
}

int __wrap_inflate(z_streamp stream, int flush) {
    const Bytef *const from = stream->next_out;
    const int result = fails("inflate") ? Z_MEM_ERROR : __real_inflate(stream, flush);
    zlib_wrote(from, stream->next_out);
    return result;
}

int __wrap_deflate(z_streamp stream, int flush) {
    const Bytef *const from = stream->next_out;
    const int result = __real_deflate(stream, flush);
    zlib_wrote(from, stream->next_out);
    return result;
}

int __wrap_deflateInit2_(z_streamp stream, int backend, int method, int bits, int memory, int strategy,
                         const char *version, int size) {
    if (fails("deflateInit2_"))
        return Z_MEM_ERROR;
    const int result = __real_deflateInit2_(stream, backend, method, bits, memory, strategy, version, size);
    live += result == Z_OK;
    return result;
}

int __wrap_deflateEnd(z_streamp stream) {
    live--;
    return __real_deflateEnd(stream);
}

off_t __wrap_lseek(int file, off_t offset, int from) {
    return fails("lseek") ? -1 : __real_lseek(file, offset, from);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    return fails("pthread_create") ? failing_error : __real_pthread_create(thread, attributes, start, argument);
}

int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    return fails("pthread_atfork") ? failing_error : __real_pthread_atfork(prepare, parent, child);
}

float __wrap_strtof(const char *text, char **end) {
    (*calls_of("strtof"))++;
    in_hosts_locale += uselocale((locale_t)0) == LC_GLOBAL_LOCALE;
    return __real_strtof(text, end);
}
