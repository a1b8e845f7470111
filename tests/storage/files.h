/* What the tests of files share: a folder of their own, files in it, and failures as they must be. */
#ifndef BACKPROP_TESTS_STORAGE_FILES_H
#define BACKPROP_TESTS_STORAGE_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <backprop/backprop.h>

/** cmocka's fixtures: a fresh folder for the group, which goes with all it holds. */
int files_set_up(void **state);
int files_tear_down(void **state);

/** The path of a file of the folder; it stays good for the next three calls. */
const char *files_path(const char *name);

/** The names of all files of the folder, sorted, each followed by a blank; it stays good until the next call. */
const char *files_list(void);

/** Makes a file, or makes it anew. */
void files_write(const char *path, const void *bytes, size_t size);

/** Whether a file has these bytes and no others. */
bool files_equal(const char *path, const void *bytes, size_t size);

/** Ends the test unless the status is `expected`, which is no success, and the message has `part` in it. */
void files_expect_failure(bp_status status, bp_status expected, const bp_file_error *error, const char *part,
                          const char *call, int line);

/** The same for a call that takes `&error`. */
#define EXPECT_FAILURE(expected, part, call)                                                                           \
    do {                                                                                                               \
        bp_file_error error = {.text = "as it was"};                                                                   \
        const bp_status status_ = (call);                                                                              \
        files_expect_failure(status_, (expected), &error, (part), #call, __LINE__);                                    \
    } while (0)

/** Sets a message that no call sets. */
void files_mark_message(void);

/** Ends the test unless the call, which takes `&error`, succeeds, leaves the error empty, and sets no message. */
void files_expect_success(bp_status status, const bp_file_error *error, const char *call, int line);

#define EXPECT_SUCCESS(call)                                                                                           \
    do {                                                                                                               \
        bp_file_error error = {.text = "as it was", .line = 1};                                                        \
        files_mark_message();                                                                                          \
        const bp_status status_ = (call);                                                                              \
        files_expect_success(status_, &error, #call, __LINE__);                                                        \
    } while (0)

#endif
