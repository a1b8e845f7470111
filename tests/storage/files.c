#define _XOPEN_SOURCE 700

#include "files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[256];

int files_set_up(void **state) {
    (void)state;
    const char *root = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/backprop-test-XXXXXX", root && *root ? root : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

const char *files_path(const char *name) {
    static char paths[4][sizeof folder + 300];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_own(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

const char *files_list(void) {
    static char list[4096];
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_own, compare_names);
    assert_true(count >= 0);
    list[0] = '\0';
    for (int k = 0; k < count; k++) {
        strcat(strcat(list, entries[k]->d_name), " ");
        free(entries[k]);
    }
    free(entries);
    return list;
}

int files_tear_down(void **state) {
    (void)state;
    char list[4096];
    strcpy(list, files_list());
    for (char *name = strtok(list, " "); name; name = strtok(NULL, " "))
        if (remove(files_path(name)) != 0)
            return -1;
    return rmdir(folder);
}

void files_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

bool files_equal(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    unsigned char *there = malloc(size + 1);
    assert_non_null(there);
    const size_t got = fread(there, 1, size + 1, file);
    const bool equal = got == size && memcmp(there, bytes, size) == 0;
    free(there);
    fclose(file);
    return equal;
}

void files_expect_failure(bp_status status, bp_status expected, const bp_file_error *error, const char *part,
                          const char *call, int line) {
    if (status != expected)
        fail_msg("line %d: %s: '%s' instead of '%s' (%s)", line, call, bp_status_string(status),
                 bp_status_string(expected), error->text);
    if (!strstr(error->text, part))
        fail_msg("line %d: %s: says '%s', which lacks '%s'", line, call, error->text, part);
    assert_string_equal(bp_error_message(), error->text);
    const size_t length = strnlen(error->text, sizeof error->text);
    assert_in_range(length, 1, sizeof error->text - 1);
    assert_int_not_equal(error->text[length - 1], '.');
    if ((status == BP_ERROR_FILE) != (error->system != 0) && !strstr(error->text, "regular"))
        fail_msg("line %d: %s: errno is %d", line, call, error->system);
}

void files_mark_message(void) {
    bp_isa isa;
    bp_isa_from_name("mark", &isa);
}

void files_expect_success(bp_status status, const bp_file_error *error, const char *call, int line) {
    const bp_file_error none = {.text = ""};
    if (status != BP_OK)
        fail_msg("line %d: %s: '%s' (%s)", line, call, bp_status_string(status), error->text);
    if (memcmp(error, &none, sizeof none) != 0)
        fail_msg("line %d: %s: leaves an error behind", line, call);
    if (!strstr(bp_error_message(), "'mark'"))
        fail_msg("line %d: %s: succeeds with the message '%s'", line, call, bp_error_message());
}
