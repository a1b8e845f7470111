/* Files of another kind than the one that is asked for: a zip archive, a pickle, a page: the message names the kind. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "faults.h"
#include "files.h"
#include "network_support.h"

static const net shape = {2, {4, 3, 2}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE};

#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *bytes;
    size_t size;
    const char *part;
} kinds[] = {
    {BYTES("PK\3\4\0\0\x08\x08\0\0\0\0\0\0\0\0archive/data.pkl"), "a zip archive, as torch.save and numpy.savez write"},
    {BYTES("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\2M\xe9\3."),
     "a Python pickle, as old versions of torch.save"},
    {BYTES("\x80\4\x95\x10\0\0\0\0\0\0\0}\x94."), "a Python pickle"},
    {BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"), "a Git LFS pointer"},
    {BYTES("<!DOCTYPE html>\n<html lang=\"en\">"), "an HTML page"},
    {BYTES("\xef\xbb\xbf\n  <!doctype HTML>"), "an HTML page"},
    {BYTES("<HTML><head><title>404 Not Found</title>"), "an HTML page"},
    {BYTES("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>"), "an XML text"},
    {BYTES("GGUF\3\0\0\0\x24\1\0\0\0\0\0\0"), "a GGUF file"},
    {BYTES("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0"), "an HDF5 file"},
    {BYTES("(\xb5/\xfd\x04\x58\x29\x00\x00\x61"), "packed by zstd"},
    {BYTES("BZh91AY&SY\0\0"), "packed by bzip2"},
    {BYTES("\xfd\x37zXZ\0\0\4\xe6\xd6\xb4\x46"), "packed by xz"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void expect_kind(const char *bytes, size_t size, const char *wanted, const char *kind) {
    char part[128];
    const char *path = files_path("kind");
    files_write(path, bytes, size);
    snprintf(part, sizeof part, "not %s but %s", wanted, kind);
    if (strcmp(wanted, "a safetensors file") == 0) {
        bp_safetensors *file;
        const bp_network_config config = net_config(&shape, 4);
        bp_network *network = net_create(&config, 3);
        EXPECT_FAILURE(BP_ERROR_FORMAT, part, bp_safetensors_open(path, &file, &error));
        EXPECT_FAILURE(BP_ERROR_FORMAT, part, bp_safetensors_open_memory(bytes, size, &file, &error));
        EXPECT_FAILURE(BP_ERROR_FORMAT, part, bp_network_load(network, path, &error));
        EXPECT_FAILURE(BP_ERROR_FORMAT, part, bp_checkpoint_load(network, path, &error));
        bp_network_destroy(network);
        return;
    }
    bp_array array;
    if (strcmp(wanted, "a .npy file") == 0) {
        EXPECT_FAILURE(BP_ERROR_FORMAT, part, bp_npy_read(path, &array, &error));
        EXPECT_FAILURE(BP_ERROR_FORMAT, part, bp_npy_read_memory(bytes, size, &array, &error));
    } else {
        EXPECT_FAILURE(BP_ERROR_FORMAT, part, bp_idx_read(path, 0, &array, NULL, &error));
        EXPECT_FAILURE(BP_ERROR_FORMAT, part, bp_idx_read_memory(bytes, size, 0, &array, NULL, &error));
    }
}

static void other_kinds(void **state) {
    (void)state;
    for (size_t k = 0; k < KINDS; k++) {
        expect_kind(kinds[k].bytes, kinds[k].size, "a safetensors file", kinds[k].part);
        expect_kind(kinds[k].bytes, kinds[k].size, "a .npy file", kinds[k].part);
        expect_kind(kinds[k].bytes, kinds[k].size, "an IDX file", kinds[k].part);
    }
    static const char gzip[] = "\x1f\x8b\x08\0\0\0\0\0\0\3", npy[] = "\x93NUMPY\1\0v\0{'descr': '<f4'";
    static const char tensors[] = "\x02\0\0\0\0\0\0\0{}";
    expect_kind(BYTES(gzip), "a safetensors file", "packed by gzip");
    expect_kind(BYTES(gzip), "a .npy file", "packed by gzip");
    expect_kind(BYTES(npy), "a safetensors file", "a .npy file");
    expect_kind(BYTES(npy), "an IDX file", "a .npy file");
    expect_kind(BYTES(tensors), "a .npy file", "a safetensors file");
    expect_kind(BYTES(tensors), "an IDX file", "a safetensors file");

    /* How to go on from there. */
    bp_safetensors *file;
    EXPECT_FAILURE(BP_ERROR_FORMAT, "write: safetensors.torch.save_file(model.state_dict(), path) makes what can be",
                   bp_safetensors_open_memory(kinds[0].bytes, kinds[0].size, &file, &error));
    EXPECT_FAILURE(BP_ERROR_FORMAT, "git lfs pull brings the file itself",
                   bp_safetensors_open_memory(kinds[3].bytes, kinds[3].size, &file, &error));

    /* Pages are bad tables too; but a good table may begin as it likes. */
    bp_csv *csv;
    EXPECT_FAILURE(BP_ERROR_FORMAT, "not a CSV file but a zip archive",
                   bp_csv_open_memory(kinds[0].bytes, kinds[0].size, NULL, &csv, &error));
    EXPECT_SUCCESS(bp_csv_open_memory(BYTES("GGUF,<html>\n1,2\n"), NULL, &csv, &error));
    bp_csv_close(csv);
}

/* A file whose length begins with the bytes of another kind is what it is, also if it is cut short. */
static void lengths_that_look_like_kinds(void **state) {
    (void)state;
    unsigned char bytes[8 + 0x280] = {0x80, 2};
    memset(bytes + 8, ' ', sizeof bytes - 8);
    memcpy(bytes + 8, "{}", 2);
    bp_safetensors *file;
    EXPECT_SUCCESS(bp_safetensors_open_memory(bytes, sizeof bytes, &file, &error));
    bp_safetensors_close(file);
    EXPECT_FAILURE(BP_ERROR_FORMAT, "truncated", bp_safetensors_open_memory(bytes, 100, &file, &error));
    bytes[9] = '!';
    EXPECT_FAILURE(BP_ERROR_FORMAT, "the header has no",
                   bp_safetensors_open_memory(bytes, sizeof bytes, &file, &error));
    files_write(files_path("kind"), "<html><body>", 12);
    faults_at("pread", 1, EIO);
    EXPECT_FAILURE(BP_ERROR_FILE, "cannot read", bp_npy_read(files_path("kind"), &(bp_array){.count = 0}, &error));
    faults_none();
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_kinds),
        cmocka_unit_test(lengths_that_look_like_kinds),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
