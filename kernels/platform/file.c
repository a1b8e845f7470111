#define _XOPEN_SOURCE 700 /* realpath */

#include "platform/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Systems transfer less than 2 GiB at a time. */
#define TRANSFER_MAX ((size_t)1 << 30)

/* Names to try: some may be left over from killed programs, or belong to other threads. */
#define ATTEMPTS 1000

#define TEMPORARY_FORMAT ".backprop-%ld-%d"
#define TEMPORARY_LENGTH 40

static const bp_outcome done = {BP_OK, NULL, 0}, no_memory = {BP_ERROR_MEMORY, NULL, 0},
                        not_regular = {BP_ERROR_FILE, "not a regular file", 0};

/* The call that failed last. */
static bp_outcome failed_to(const char *what) {
    return (bp_outcome){BP_ERROR_FILE, what, errno};
}

void bp_system_text(int system, char *text, size_t size) {
    if (strerror_r(system, text, size) != 0)
        snprintf(text, size, "error %d", system);
}

static int open_retrying(const char *path, int flags, mode_t mode) {
    int file;
    do {
        file = open(path, flags | O_CLOEXEC, mode);
    } while (file < 0 && errno == EINTR);
    return file;
}

/* ---- Reading -------------------------------------------------------------------------------------------------- */

static bp_outcome size_of(int file, uint64_t *size) {
    struct stat status;
    if (fstat(file, &status) != 0)
        return failed_to("open");
    *size = (uint64_t)status.st_size;
    if (S_ISDIR(status.st_mode))
        return (bp_outcome){BP_ERROR_FILE, "open", EISDIR};
    return S_ISREG(status.st_mode) ? done : not_regular;
}

bp_outcome bp_file_open(const char *path, int *file, uint64_t *size) {
    *file = open_retrying(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0); /* opening a pipe would wait for its writer */
    if (*file < 0)
        return failed_to("open");
    const bp_outcome outcome = size_of(*file, size);
    if (outcome.status != BP_OK)
        close(*file);
    return outcome;
}

bp_outcome bp_file_read(int file, uint64_t offset, void *to, size_t count, size_t *got) {
    for (*got = 0; *got < count;) {
        const size_t rest = count - *got;
        const ssize_t bytes =
            pread(file, (unsigned char *)to + *got, rest < TRANSFER_MAX ? rest : TRANSFER_MAX, (off_t)(offset + *got));
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0)
            return failed_to("read");
        if (bytes == 0)
            break;
        *got += (size_t)bytes;
    }
    return done;
}

void bp_file_close(int file) {
    close(file);
}

/* ---- Replacing ------------------------------------------------------------------------------------------------ */

/* Resolves the path and its folder. */
static bp_outcome resolve_path(bp_replacement *r, const char *path) {
    r->path = realpath(path, NULL);
    if (!r->path && errno == ENOENT)
        r->path = strdup(path);
    else if (!r->path && errno != ENOMEM)
        return failed_to("write");
    if (!r->path)
        return no_memory;
    const char *slash = strrchr(r->path, '/');
    const size_t folder = slash ? (size_t)(slash - r->path) + 1 : 0;
    r->temporary = malloc(folder + TEMPORARY_LENGTH);
    if (!r->temporary)
        return no_memory;
    memcpy(r->temporary, r->path, folder);
    r->temporary[folder] = '\0';
    return done;
}

/* Creates the temporary file by the first free name. On entry r->temporary holds the folder. */
static bp_outcome open_temporary(bp_replacement *r) {
    const size_t folder = strlen(r->temporary);
    r->folder = open_retrying(folder > 0 ? r->temporary : ".", O_RDONLY | O_DIRECTORY, 0);
    if (r->folder < 0)
        return failed_to("open the folder");
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        snprintf(r->temporary + folder, TEMPORARY_LENGTH, TEMPORARY_FORMAT, (long)getpid(), attempt);
        r->file = open_retrying(r->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (r->file >= 0)
            return done;
        if (errno != EEXIST)
            break;
    }
    return failed_to("make a temporary file");
}

bp_outcome bp_replacement_begin(bp_replacement *r, const char *path) {
    *r = (bp_replacement){.folder = -1, .file = -1};
    struct stat old;
    const bool replaces = stat(path, &old) == 0;
    if (replaces && !S_ISREG(old.st_mode))
        return not_regular;
    bp_outcome outcome = resolve_path(r, path);
    if (outcome.status == BP_OK)
        outcome = open_temporary(r);
    if (outcome.status == BP_OK && replaces && fchmod(r->file, old.st_mode & 0777) != 0)
        return failed_to("set the permissions");
    return outcome;
}

bp_outcome bp_replacement_write(const bp_replacement *r, const void *bytes, size_t count) {
    for (const char *next = bytes; count > 0;) {
        const ssize_t written = write(r->file, next, count < SSIZE_MAX ? count : SSIZE_MAX);
        if (written > 0) {
            next += written;
            count -= (size_t)written;
        } else if (written == 0) /* no progress, and no error either */
            return (bp_outcome){BP_ERROR_FILE, "write", EIO};
        else if (errno != EINTR)
            return failed_to("write");
    }
    return done;
}

bp_outcome bp_replacement_seek(const bp_replacement *r, uint64_t at) {
    return lseek(r->file, (off_t)at, SEEK_SET) < 0 ? failed_to("write") : done;
}

static int sync_retrying(int file) {
    int result;
    do {
        result = fsync(file);
    } while (result != 0 && errno == EINTR);
    return result;
}

/* All but the flush of the folder: after this the file has its path. */
static bp_outcome put_in_place(const bp_replacement *r) {
    bp_outcome outcome = sync_retrying(r->file) == 0 ? done : failed_to("flush");
    /* After EINTR the file is closed; other errors may mean lost data. */
    if (close(r->file) != 0 && errno != EINTR && outcome.status == BP_OK)
        outcome = failed_to("close");
    if (outcome.status == BP_OK && rename(r->temporary, r->path) != 0)
        outcome = failed_to("put the new file in place");
    if (outcome.status != BP_OK)
        unlink(r->temporary);
    /* Some file systems cannot flush a folder. */
    else if (sync_retrying(r->folder) != 0 && errno != EINVAL)
        outcome = failed_to("flush the folder; the new file is in place, but a power failure may undo it");
    return outcome;
}

bp_outcome bp_replacement_end(bp_replacement *r, bool wanted) {
    bp_outcome outcome = done;
    if (r->file >= 0 && wanted)
        outcome = put_in_place(r);
    else if (r->file >= 0) {
        close(r->file);
        unlink(r->temporary);
    }
    if (r->folder >= 0)
        close(r->folder);
    free(r->temporary);
    free(r->path);
    return outcome;
}
