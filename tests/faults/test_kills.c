/*
 * Writing is atomic under kill -9: the writing process is killed before and after each of its system calls. The file is
 * the old one or the new one, to the byte, and the next program that writes it does so. So it is where the disk is full
 * or broken after any part of it.
 */
#define _GNU_SOURCE /* PTRACE_O_EXITKILL */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "network_support.h"
#include "storage/faults.h"
#include "storage/files.h"

static const net shape = {.layers = 2,
                          .sizes = {100, 90, 4},
                          .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                          .loss = BP_LOSS_MSE};

/* More than the writer's buffer: it is written in parts. */
enum { COUNT = 20000 };
static float values[COUNT];
static bp_network *network;

static bp_status write_npy(const char *path) {
    return bp_npy_write(path, values, 1, (size_t[]){COUNT}, NULL);
}

/* The second array lies beyond the writer's buffer, and headers are mended when an array has been written. */
static bp_status write_arrays(const char *path, bool compress) {
    const size_t sizes[] = {COUNT}, none[] = {1};
    const bp_tensor arrays[] = {{"values", BP_DTYPE_F32, 1, sizes, values, NULL},
                                {"one", BP_DTYPE_F32, 1, none, values + 1, NULL}};
    return bp_npz_write(path, arrays, 2, compress, NULL);
}

static bp_status write_npz(const char *path) {
    return write_arrays(path, false);
}

static bp_status write_npz_deflated(const char *path) {
    return write_arrays(path, true);
}

static bp_status write_safetensors(const char *path) {
    const size_t sizes[] = {COUNT};
    const bp_tensor tensor = {"values", BP_DTYPE_F32, 1, sizes, values, NULL};
    return bp_safetensors_write(path, &tensor, 1, NULL, 0, NULL);
}

static bp_status write_network(const char *path) {
    return bp_network_save(network, path, NULL, 0, NULL);
}

static bp_status write_checkpoint(const char *path) {
    return bp_checkpoint_save(network, path, NULL, 0, NULL);
}

static const struct {
    const char *name;
    bp_status (*write)(const char *path);
} writers[] = {
    {"bp_npy_write", write_npy},
    {"bp_npz_write", write_npz},
    {"bp_npz_write, deflated", write_npz_deflated},
    {"bp_safetensors_write", write_safetensors},
    {"bp_network_save", write_network},
    {"bp_checkpoint_save", write_checkpoint},
};
enum { WRITERS = sizeof writers / sizeof *writers };

/* ---- A process that is stopped at its system calls ------------------------------------------------------------- */

enum { WRITTEN = 0, NOT_WRITTEN, NOT_TRACED };

/* A child that waits to be traced, and then writes. `part`: the most bytes of each write(); 0: any. */
static pid_t start_writer(size_t k, const char *path, size_t part) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(NOT_TRACED);
    raise(SIGSTOP);
    if (part)
        faults_short(part);
    _exit(writers[k].write(path) == BP_OK ? WRITTEN : NOT_WRITTEN);
}

/* Whether processes can be traced here: emulators of a processor cannot. */
static bool can_trace(void) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? WRITTEN : NOT_TRACED);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == WRITTEN;
}

/* Runs a writer up to a stop, counted from 0, and kills it there; false if it came to its end before. */
static bool kill_at(size_t k, const char *path, size_t part, size_t stop) {
    const pid_t child = start_writer(k, path, part);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSTOPPED(status));
    void *const options = (void *)(uintptr_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    assert_int_equal(ptrace(PTRACE_SETOPTIONS, child, NULL, options), 0);
    for (size_t n = 0; n <= stop; n++) {
        assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), WRITTEN);
            return false;
        }
        assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80));
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return true;
}

/* ---- What is there afterwards ----------------------------------------------------------------------------------- */

typedef struct content {
    size_t size;
    unsigned char bytes[200000];
} content;

static void read_content(content *c, const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    c->size = fread(c->bytes, 1, sizeof c->bytes, file);
    assert_in_range(c->size, 1, sizeof c->bytes - 1);
    fclose(file);
}

/* Removes leftovers; anything but these and the file ends the test. */
static size_t remove_leftovers(void) {
    char list[4096];
    size_t count = 0;
    strcpy(list, files_list());
    for (char *name = strtok(list, " "); name; name = strtok(NULL, " ")) {
        if (strcmp(name, "file") == 0)
            continue;
        if (strncmp(name, ".backprop-", 10) != 0)
            fail_msg("'%s' was left", name);
        remove(files_path(name));
        count++;
    }
    return count;
}

/* Kills a writer at each stop, where an old file is or none; the number of stops. */
static size_t kill_everywhere(size_t k, bool old, size_t part, const content *expected) {
    char path[512];
    strcpy(path, files_path("file"));
    size_t olds = 0, news = 0, leftovers = 0, stop = 0;
    for (bool killed = true; killed; stop++) {
        remove(path);
        if (old)
            files_write(path, "old", 3);
        killed = kill_at(k, path, part, stop);
        const bool is_old = old ? files_equal(path, "old", 3) : access(path, F_OK) != 0;
        if (!is_old && !files_equal(path, expected->bytes, expected->size))
            fail_msg("%s, killed at stop %zu, left a file that is neither the old one nor the new one", writers[k].name,
                     stop);
        olds += is_old;
        news += !is_old;

        /* A leftover stops nobody. */
        const size_t left = remove_leftovers();
        leftovers += left;
        if (!killed)
            assert_int_equal(left, 0);
    }
    assert_true(olds > 10 && news > 1 && leftovers > 2);
    remove(path);
    return stop - 1;
}

static void every_writer_is_killed(void **state) {
    (void)state;
    if (!can_trace())
        skip();
    static content expected;
    const char *path = files_path("file");
    size_t kills = 0;
    for (size_t k = 0; k < WRITERS; k++) {
        assert_int_equal(writers[k].write(path), BP_OK);
        read_content(&expected, path);
        for (int old = 0; old < 2; old++) {
            kills += kill_everywhere(k, old, 0, &expected);
            if (!test_quick())
                kills += kill_everywhere(k, old, 15000, &expected);
        }
    }
    print_message("%zu processes killed\n", kills);
}

/* ---- A disk that is full or broken after some bytes -------------------------------------------------------------- */

static bp_status write_limited(size_t k, const char *path, size_t bytes) {
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit limit = {bytes, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const bp_status status = writers[k].write(path);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    return status;
}

/* The kernel writes what fits, then nothing: around each border of the format and of the writer's buffer. */
static void no_room_after_any_border(void **state) {
    (void)state;
    static const size_t borders[] = {0, 8, 128, 4096, 32768, 65536};
    static content expected;
    char path[512];
    strcpy(path, files_path("file"));
    signal(SIGXFSZ, SIG_IGN);
    for (size_t k = 0; k < WRITERS; k++) {
        assert_int_equal(writers[k].write(path), BP_OK);
        read_content(&expected, path);
        files_write(path, "old", 3);
        for (size_t b = 0; b <= sizeof borders / sizeof *borders; b++)
            for (size_t beside = 0; beside < 3; beside++) {
                const size_t border = b < sizeof borders / sizeof *borders ? borders[b] : expected.size;
                const size_t bytes = border + beside - (border > 0);
                if (bytes >= expected.size)
                    continue;
                assert_int_equal(write_limited(k, path, bytes), BP_ERROR_FILE);
                assert_true(files_equal(path, "old", 3));
                assert_int_equal(remove_leftovers(), 0);
            }
        assert_int_equal(write_limited(k, path, expected.size), BP_OK);
        assert_true(files_equal(path, expected.bytes, expected.size));
    }
    signal(SIGXFSZ, SIG_DFL);
    remove(path);
}

/* Each call of write() fails once, alone and after short ones. */
static void every_write_fails(void **state) {
    (void)state;
    static const int errors[] = {ENOSPC, EIO, EDQUOT};
    char path[512];
    strcpy(path, files_path("file"));
    files_write(path, "old", 3);
    size_t failures = 0;
    for (size_t k = 0; k < WRITERS; k++)
        for (size_t e = 0; e < 3; e++)
            for (size_t part = 0; part <= 9999; part += 3333)
                for (size_t nth = 0;; nth++) {
                    faults_at("write", nth, errors[e]);
                    faults_part(part);
                    const bp_status status = writers[k].write(path);
                    faults_none();
                    assert_int_equal(remove_leftovers(), 0);
                    if (status == BP_OK) {
                        assert_true(nth > 0);
                        files_write(path, "old", 3);
                        break;
                    }
                    assert_int_equal(status, BP_ERROR_FILE);
                    assert_true(files_equal(path, "old", 3));
                    failures++;
                }
    print_message("%zu writes failed\n", failures);
    remove(path);
}

/* Leftovers of many killed processes with this one's number, as after a restart, are in nobody's way. */
static void leftovers_stop_nobody(void **state) {
    (void)state;
    const char *path = files_path("file");
    for (int n = 0; n < 20; n++) {
        char name[64];
        snprintf(name, sizeof name, ".backprop-%ld-%d", (long)getpid(), n);
        files_write(files_path(name), "half", 4);
    }
    for (size_t k = 0; k < WRITERS; k++)
        assert_int_equal(writers[k].write(path), BP_OK);
    assert_int_equal(remove_leftovers(), 20);
    remove(path);
}

static int set_up(void **state) {
    const bp_network_config config = net_config(&shape, 1);
    network = net_create(&config, 4);
    for (size_t k = 0; k < COUNT; k++)
        values[k] = (float)k;
    return files_set_up(state);
}

static int tear_down(void **state) {
    bp_network_destroy(network);
    return files_tear_down(state);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_writer_is_killed),
        cmocka_unit_test(no_room_after_any_border),
        cmocka_unit_test(every_write_fails),
        cmocka_unit_test(leftovers_stop_nobody),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
