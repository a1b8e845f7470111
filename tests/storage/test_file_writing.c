/* Writing is atomic: whatever fails, the old file is whole and nothing else is left; permissions, links, interruptions.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"
#include "files.h"

/* More than the writer's buffer: it is written in two parts. */
enum { COUNT = 30000 };
static float values[COUNT];
static const size_t shape[] = {COUNT};

static bp_status write_new(const char *path, bp_file_error *error) {
    return bp_npy_write(path, values, 1, shape, error);
}

static bool is_new(const char *path) {
    bp_array array;
    const bool whole = bp_npy_read(path, &array, NULL) == BP_OK && array.count == COUNT;
    bp_array_destroy(&array);
    return whole;
}

static mode_t mode_of(const char *path) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static const struct {
    const char *call;
    size_t nth;
    int error;
    const char *part;
} failures[] = {
    {"realpath", 0, EACCES, "cannot write: Permission denied"},
    {"open", 0, EACCES, "cannot open the folder: Permission denied"},
    {"open", 1, ENOSPC, "cannot make a temporary file: No space left"},
    {"open", 1, EROFS, "cannot make a temporary file: Read-only"},
    {"fchmod", 0, EPERM, "cannot set the permissions: Operation not permitted"},
    {"write", 0, ENOSPC, "cannot write: No space left"},
    {"write", 1, ENOSPC, "cannot write: No space left"},
    {"write", 1, EIO, "cannot write: Input/output"},
    {"write", 0, EDQUOT, "cannot write: Disk quota"},
    {"fsync", 0, EIO, "cannot flush: Input/output"},
    {"fsync", 0, ENOSPC, "cannot flush: No space"},
    {"close", 0, EIO, "cannot close: Input/output"},
    {"rename", 0, EACCES, "cannot put the new file in place: Permission"},
};

static void every_call_fails(void **state) {
    (void)state;
    for (size_t old = 0; old < 2; old++)
        for (size_t k = 0; k < sizeof failures / sizeof *failures; k++) {
            const char *path = files_path("file");
            if (old)
                files_write(path, "old", 3);
            else if (strcmp(failures[k].call, "fchmod") == 0)
                continue;
            faults_at(failures[k].call, failures[k].nth, failures[k].error);
            EXPECT_FAILURE(BP_ERROR_FILE, failures[k].part, write_new(path, &error));
            faults_none();
            assert_string_equal(files_list(), old ? "file " : "");
            if (old)
                assert_true(files_equal(path, "old", 3));
            remove(path);
        }
}

static void a_real_limit(void **state) {
    (void)state;
    const char *path = files_path("file");
    struct rlimit before;
    files_write(path, "old", 3);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {100000, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bp_file_error error;
    const bp_status status = write_new(path, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, BP_ERROR_FILE);
    assert_int_equal(error.system, EFBIG);
    assert_true(files_equal(path, "old", 3));
    assert_string_equal(files_list(), "file ");
    remove(path);
}

static void the_folder_cannot_be_flushed(void **state) {
    (void)state;
    const char *path = files_path("file");
    faults_at("fsync", 1, EIO);
    EXPECT_FAILURE(BP_ERROR_FILE, "the new file is in place", write_new(path, &error));
    assert_true(is_new(path));
    faults_at("fsync", 1, EINVAL); /* a file system that cannot: no failure */
    EXPECT_SUCCESS(write_new(path, &error));
    assert_string_equal(files_list(), "file ");
    remove(path);
}

static void interruptions(void **state) {
    (void)state;
    const char *path = files_path("file");
    static const struct {
        const char *call;
        size_t nth;
    } calls[] = {{"open", 0}, {"open", 1}, {"write", 0}, {"write", 1}, {"fsync", 0}, {"fsync", 1}, {"close", 0}};
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) {
        faults_at(calls[k].call, calls[k].nth, EINTR);
        EXPECT_SUCCESS(write_new(path, &error));
        assert_true(is_new(path));
        assert_string_equal(files_list(), "file ");
        remove(path);
    }
    static const size_t lengths[] = {1, 7, 65535};
    for (size_t k = 0; k < 3; k++) {
        faults_short(lengths[k]);
        EXPECT_SUCCESS(write_new(path, &error));
        assert_true(faults_calls("write") >= COUNT * sizeof(float) / lengths[k]);
        faults_none();
        assert_true(is_new(path));
    }
    remove(path);
}

/* The order that makes it safe: all is on the disk before the name changes. */
static void what_is_called(void **state) {
    (void)state;
    const char *path = files_path("file");
    faults_none();
    EXPECT_SUCCESS(write_new(path, &error));
    assert_int_equal(faults_calls("fsync"), 2);
    assert_int_equal(faults_calls("rename"), 1);
    assert_int_equal(faults_calls("close"), 2);
    faults_at("fsync", 0, EIO);
    EXPECT_FAILURE(BP_ERROR_FILE, "flush", write_new(path, &error));
    assert_int_equal(faults_calls("rename"), 0);
    faults_none();
    remove(path);
}

/* A process that dies at any call leaves the old file; what else it leaves stops nobody. */
static void crashes(void **state) {
    (void)state;
    static const char *const calls[] = {"write", "fsync", "close", "rename"};
    const char *path = files_path("file");
    files_write(path, "old", 3);
    for (size_t k = 0; k < 4; k++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            faults_exit_at(calls[k], 0);
            write_new(path, NULL);
            _exit(1); /* it came to its end */
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_true(files_equal(path, "old", 3));
        assert_non_null(strstr(files_list(), ".backprop-"));
    }
    EXPECT_SUCCESS(write_new(path, &error));
    assert_true(is_new(path));
    char list[1024];
    strcpy(list, files_list());
    for (char *name = strtok(list, " "); name; name = strtok(NULL, " "))
        remove(files_path(name));
}

/* Temporary files of the same names are in the way: of an earlier process with this number, say. */
static void names_that_are_taken(void **state) {
    (void)state;
    const char *path = files_path("file");
    for (int k = 0; k < 3; k++) {
        char name[64];
        snprintf(name, sizeof name, ".backprop-%ld-%d", (long)getpid(), k);
        files_write(files_path(name), "his", 3);
    }
    EXPECT_SUCCESS(write_new(path, &error));
    assert_true(is_new(path));
    remove(path);
    for (int k = 0; k < 3; k++) {
        char name[64];
        snprintf(name, sizeof name, ".backprop-%ld-%d", (long)getpid(), k);
        assert_true(files_equal(files_path(name), "his", 3));
        remove(files_path(name));
    }
}

static void permissions(void **state) {
    (void)state;
    const char *path = files_path("file");
    static const mode_t masks[] = {022, 077, 002};
    for (size_t k = 0; k < 3; k++) {
        const mode_t before = umask(masks[k]);
        EXPECT_SUCCESS(write_new(path, &error));
        umask(before);
        assert_int_equal(mode_of(path), 0666 & ~masks[k]);
        remove(path);
    }
    static const mode_t modes[] = {0600, 0644, 0444, 0777, 0640};
    for (size_t k = 0; k < 5; k++) {
        files_write(path, "old", 3);
        assert_int_equal(chmod(path, modes[k]), 0);
        EXPECT_SUCCESS(write_new(path, &error));
        assert_int_equal(mode_of(path), modes[k]);
        remove(path);
    }
}

static void links_and_places(void **state) {
    (void)state;
    const char *path = files_path("file"), *link = files_path("link");
    files_write(path, "old", 3);
    assert_int_equal(symlink("file", link), 0);
    EXPECT_SUCCESS(write_new(link, &error));
    struct stat status;
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_true(is_new(path));
    remove(link);
    remove(path);

    EXPECT_FAILURE(BP_ERROR_FILE, "not a regular file", write_new(files_path(""), &error));
    EXPECT_FAILURE(BP_ERROR_FILE, "not a regular file", write_new("/dev/null", &error));
    EXPECT_FAILURE(BP_ERROR_FILE, "cannot open the folder: No such file", write_new(files_path("none/file"), &error));
    EXPECT_FAILURE(BP_ERROR_FILE, "No such file", write_new("", &error));
    assert_string_equal(files_list(), "");

    /* A name without a folder. */
    char here[4096];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(files_path("")), 0);
    EXPECT_SUCCESS(write_new("file", &error));
    EXPECT_SUCCESS(write_new("file", &error));
    assert_string_equal(files_list(), "file ");
    assert_int_equal(chdir(here), 0);
    assert_true(is_new(files_path("file")));
    remove(files_path("file"));
}

static void *write_often(void *path) {
    for (int k = 0; k < 20; k++)
        if (write_new(path, NULL) != BP_OK)
            return path;
    return NULL;
}

/* Threads that write the same file: the last one wins, and each reader sees a whole one. */
static void two_threads(void **state) {
    (void)state;
    char path[512];
    pthread_t threads[2];
    strcpy(path, files_path("file"));
    faults_none();
    assert_int_equal(write_new(path, NULL), BP_OK);
    for (int k = 0; k < 2; k++)
        assert_int_equal(pthread_create(&threads[k], NULL, write_often, path), 0);
    for (int k = 0; k < 20; k++)
        assert_true(is_new(path));
    for (int k = 0; k < 2; k++) {
        void *failed;
        assert_int_equal(pthread_join(threads[k], &failed), 0);
        assert_null(failed);
    }
    assert_string_equal(files_list(), "file ");
    remove(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_fails),
        cmocka_unit_test(a_real_limit),
        cmocka_unit_test(the_folder_cannot_be_flushed),
        cmocka_unit_test(interruptions),
        cmocka_unit_test(what_is_called),
        cmocka_unit_test(crashes),
        cmocka_unit_test(names_that_are_taken),
        cmocka_unit_test(permissions),
        cmocka_unit_test(links_and_places),
        cmocka_unit_test(two_threads),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
