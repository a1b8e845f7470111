/* memfd_create is Linux', beyond POSIX. */
#define _GNU_SOURCE
#include "files.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *file_of(const uint8_t *data, size_t size) {
    static char path[64];
    static int descriptor = -1;
    if (descriptor < 0) {
        descriptor = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    }
    REQUIRE(ftruncate(descriptor, 0) == 0);
    REQUIRE(pwrite(descriptor, data, size, 0) == (ssize_t)size);
    return path;
}

static char folder[64], written[80];

static void remove_folder(void) {
    unlink(written);
    rmdir(folder);
}

const char *file_to_write(void) {
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "/dev/shm/backprop-fuzz-XXXXXX");
        REQUIRE(mkdtemp(folder) != NULL);
        snprintf(written, sizeof written, "%s/file", folder);
        atexit(remove_folder);
    }
    return written;
}

/* UTF-8 as far as a message needs it: lead bytes with their continuation bytes, and no control characters. */
static bool readable(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    while (*at != 0) {
        const size_t more = *at < 0x80 ? 0 : *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
        if (*at < 0x20 || *at == 0x7f || (*at >= 0x80 && *at < 0xc2) || *at > 0xf4)
            return false;
        for (size_t k = 1; k <= more; k++)
            if ((at[k] & 0xc0) != 0x80)
                return false;
        at += 1 + more;
    }
    return true;
}

void require_told(bp_status status, const bp_file_error *error) {
    static const bp_file_error none;
    REQUIRE(memchr(error->text, '\0', sizeof error->text) != NULL);
    if (status == BP_OK) {
        REQUIRE(memcmp(error->text, none.text, sizeof none.text) == 0);
        REQUIRE(error->system == 0 && error->offset == 0 && error->line == 0 && error->column == 0);
        return;
    }
    REQUIRE(error->text[0] != '\0' && readable(error->text));
}

void require_same_error(bp_status status, const bp_file_error *error, bp_status other,
                        const bp_file_error *other_error) {
    REQUIRE(status == other);
    REQUIRE(strcmp(error->text, other_error->text) == 0);
    REQUIRE(error->system == other_error->system && error->offset == other_error->offset);
    REQUIRE(error->line == other_error->line && error->column == other_error->column);
}

void require_done(bp_status status, const bp_file_error *error) {
    if (status != BP_OK)
        fprintf(stderr, "%s: %s\n", bp_status_string(status), error->text);
    REQUIRE(status == BP_OK);
    require_told(status, error);
}

void require_equal_values(const float *a, const float *b, size_t count) {
    REQUIRE(count == 0 || memcmp(a, b, count * sizeof *a) == 0);
}
