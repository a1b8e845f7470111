#define _XOPEN_SOURCE 700 /* realpath */

#include "storage/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/error.h"

/* Names to try: some may be left over from killed programs, or belong to other threads. */
#define ATTEMPTS 1000

#define TEMPORARY_FORMAT ".backprop-%ld-%d"
#define TEMPORARY_LENGTH 40

static void stop(bp_writer *writer, const char *what) {
    if (writer->status == BP_OK)
        writer->status = bp_file_system(writer->error, what);
}

/* Resolves the path and its folder. */
static bp_status resolve_path(bp_writer *writer, const char *path) {
    writer->path = realpath(path, NULL);
    if (!writer->path && errno == ENOENT)
        writer->path = strdup(path);
    else if (!writer->path && errno != ENOMEM)
        return bp_file_system(writer->error, "write");
    if (!writer->path)
        return bp_file_refuse(writer->error, BP_ERROR_MEMORY);
    const char *slash = strrchr(writer->path, '/');
    const size_t folder = slash ? (size_t)(slash - writer->path) + 1 : 0;
    writer->temporary = malloc(folder + TEMPORARY_LENGTH);
    if (!writer->temporary)
        return bp_file_refuse(writer->error, BP_ERROR_MEMORY);
    memcpy(writer->temporary, writer->path, folder);
    writer->temporary[folder] = '\0';
    return BP_OK;
}

static int open_retrying(const char *path, int flags, mode_t mode) {
    int file;
    do {
        file = open(path, flags | O_CLOEXEC, mode);
    } while (file < 0 && errno == EINTR);
    return file;
}

/* Creates the temporary file by the first free name. On entry writer->temporary holds the folder. */
static bp_status open_temporary(bp_writer *writer) {
    const size_t folder = strlen(writer->temporary);
    writer->folder = open_retrying(folder > 0 ? writer->temporary : ".", O_RDONLY | O_DIRECTORY, 0);
    if (writer->folder < 0)
        return bp_file_system(writer->error, "open the folder");
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        snprintf(writer->temporary + folder, TEMPORARY_LENGTH, TEMPORARY_FORMAT, (long)getpid(), attempt);
        writer->file = open_retrying(writer->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (writer->file >= 0)
            return BP_OK;
        if (errno != EEXIST)
            break;
    }
    return bp_file_system(writer->error, "make a temporary file");
}

void bp_writer_begin(bp_writer *writer, const char *path, bp_file_error *error) {
    writer->path = writer->temporary = NULL;
    writer->folder = writer->file = -1;
    writer->filled = 0;
    writer->written = 0;
    writer->error = error;
    struct stat old;
    const bool replaces = stat(path, &old) == 0;
    if (replaces && !S_ISREG(old.st_mode)) {
        writer->status = bp_file_fail(error, BP_ERROR_FILE, "not a regular file");
        return;
    }
    writer->status = resolve_path(writer, path);
    if (writer->status == BP_OK)
        writer->status = open_temporary(writer);
    if (writer->status == BP_OK && replaces && fchmod(writer->file, old.st_mode & 0777) != 0)
        stop(writer, "set the permissions");
}

static void write_out(bp_writer *writer, const unsigned char *bytes, size_t count) {
    while (writer->status == BP_OK && count > 0) {
        const ssize_t written = write(writer->file, bytes, count < SSIZE_MAX ? count : SSIZE_MAX);
        if (written > 0) {
            bytes += written;
            count -= (size_t)written;
        } else if (written == 0) { /* no progress, and no error either */
            errno = EIO;
            stop(writer, "write");
        } else if (errno != EINTR)
            stop(writer, "write");
    }
}

static void flush(bp_writer *writer) {
    write_out(writer, writer->buffer, writer->filled);
    writer->written += writer->filled;
    writer->filled = 0;
}

void bp_writer_put(bp_writer *writer, const void *bytes, size_t count) {
    if (count > sizeof writer->buffer - writer->filled)
        flush(writer);
    if (count > sizeof writer->buffer) {
        write_out(writer, bytes, count);
        writer->written += count;
    } else if (count > 0) {
        memcpy(writer->buffer + writer->filled, bytes, count);
        writer->filled += count;
    }
}

uint64_t bp_writer_at(const bp_writer *writer) {
    return writer->written + writer->filled;
}

static void move_to(bp_writer *writer, uint64_t at) {
    if (writer->status == BP_OK && lseek(writer->file, (off_t)at, SEEK_SET) < 0)
        stop(writer, "write");
}

void bp_writer_patch(bp_writer *writer, uint64_t at, const void *bytes, size_t count) {
    if (at >= writer->written) {
        memcpy(writer->buffer + (size_t)(at - writer->written), bytes, count);
        return;
    }
    move_to(writer, at);
    write_out(writer, bytes, count);
    move_to(writer, writer->written);
}

static int sync_retrying(int file) {
    int result;
    do {
        result = fsync(file);
    } while (result != 0 && errno == EINTR);
    return result;
}

/* All but the flush of the folder: after this the file has its name. */
static void put_in_place(bp_writer *writer) {
    flush(writer);
    if (writer->status == BP_OK && sync_retrying(writer->file) != 0)
        stop(writer, "flush");
    /* After EINTR the file is closed; other errors may mean lost data. */
    if (writer->file >= 0 && close(writer->file) != 0 && errno != EINTR)
        stop(writer, "close");
    if (writer->status == BP_OK && rename(writer->temporary, writer->path) != 0)
        stop(writer, "put the new file in place");
}

bp_status bp_writer_end(bp_writer *writer) {
    const bool made = writer->file >= 0;
    put_in_place(writer);
    if (made && writer->status != BP_OK)
        unlink(writer->temporary);
    /* Some file systems cannot flush a folder. */
    if (writer->status == BP_OK && sync_retrying(writer->folder) != 0 && errno != EINVAL)
        stop(writer, "flush the folder; the new file is in place, but a power failure may undo it");
    if (writer->folder >= 0)
        close(writer->folder);
    free(writer->temporary);
    free(writer->path);
    return writer->status;
}
