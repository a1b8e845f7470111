/* Reading safetensors where the system fails: opening, reading, files that become shorter, memory. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"
#include "files.h"
#include "tensors.h"

/* The number that the next file gets. */
static int next_file(void) {
    const int file = dup(STDERR_FILENO);
    assert_true(file >= 0);
    close(file);
    return file;
}

static void files_that_cannot_be_read(void **state) {
    (void)state;
    const int next = next_file();
    bp_safetensors *file;
    EXPECT_FAILURE(BP_ERROR_FILE, "cannot open: No such file", bp_safetensors_open(files_path("none"), &file, &error));
    EXPECT_FAILURE(BP_ERROR_FILE, "cannot open: Is a directory", bp_safetensors_open(files_path(""), &file, &error));
    EXPECT_FAILURE(BP_ERROR_FILE, "not a regular file", bp_safetensors_open("/dev/zero", &file, &error));
    const content c = matrix_content();
    const char *path = files_path("matrix");
    files_write(path, c.bytes, c.size);
    static const struct {
        const char *call;
        int error;
        const char *part;
    } faults[] = {{"open", EACCES, "cannot open: Permission"},
                  {"fstat", EIO, "cannot open: Input/output"},
                  {"pread", EIO, "cannot read: Input/output"}};
    for (size_t k = 0; k < sizeof faults / sizeof *faults; k++)
        for (size_t nth = 0; nth < (k == 2 ? 2 : 1); nth++) {
            faults_at(faults[k].call, nth, faults[k].error);
            EXPECT_FAILURE(BP_ERROR_FILE, faults[k].part, bp_safetensors_open(path, &file, &error));
            assert_null(file);
        }
    faults_at("open", 0, EINTR);
    assert_int_equal(next_file(), next); /* none was left open */
    EXPECT_SUCCESS(bp_safetensors_open(path, &file, &error));
    assert_int_equal(fcntl(next, F_GETFD), FD_CLOEXEC); /* the host's other programs don't see it */
    faults_short(3);
    check_matrix(file);

    float values[6] = {1, 2, 3, 4, 5, 6}, before[6] = {1, 2, 3, 4, 5, 6};
    faults_at("pread", 0, EIO);
    EXPECT_FAILURE(BP_ERROR_FILE, "cannot read",
                   bp_safetensors_read(file, bp_safetensors_tensor(file, 0), values, NULL, &error));
    faults_none();
    files_write(path, c.bytes, c.size - 12); /* while it is open */
    EXPECT_FAILURE(BP_ERROR_FORMAT, "truncated",
                   bp_safetensors_read(file, bp_safetensors_tensor(file, 0), values, NULL, &error));
    EXPECT_FAILURE(BP_ERROR_FORMAT, "truncated",
                   bp_safetensors_read_bytes(file, bp_safetensors_tensor(file, 0), values, sizeof values, &error));
    assert_memory_equal(values, before, sizeof values);
    bp_safetensors_close(file);
}

/* Every allocation fails once. */
static void no_memory(void **state) {
    (void)state;
    const content c = matrix_content();
    const char *path = files_path("matrix");
    files_write(path, c.bytes, c.size);
    static const char *const calls[] = {"malloc", "calloc", "realloc"};
    size_t failures = 0;
    for (size_t k = 0; k < 3; k++)
        for (size_t nth = 0;; nth++) {
            bp_safetensors *file;
            faults_at(calls[k], nth, ENOMEM);
            const bp_status status = bp_safetensors_open(path, &file, NULL);
            faults_none();
            if (status == BP_OK) {
                bp_safetensors_close(file);
                break;
            }
            assert_int_equal(status, BP_ERROR_MEMORY);
            assert_null(file);
            failures++;
        }
    assert_true(failures >= 6);

    bp_safetensors *file;
    float values[6];
    EXPECT_SUCCESS(bp_safetensors_open(path, &file, &error));
    faults_at("malloc", 0, ENOMEM);
    EXPECT_FAILURE(BP_ERROR_MEMORY, "allocation",
                   bp_safetensors_read(file, bp_safetensors_tensor(file, 0), values, NULL, &error));
    bp_safetensors_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
