/* Files: checkpoint.h, safetensors.h, npy.h, npz.h, idx.h, csv.h, file.h. Both messages are the same. */
#include <string.h>

#include "defaults.h"
#include "fit_support.h"
#include "messages.h"
#include "storage/files.h"

static bp_file_error error;

static void both_agree(void) {
    assert_string_equal(error.text, bp_error_message());
}

/* REFUSED for a function whose last argument is the error. */
#define FILE_REFUSED(argument, function, ...) (REFUSED(argument, function, __VA_ARGS__, &error), both_agree())

static void networks(void) {
    const net *shape = &fit_nets[1];
    const bp_network_config config = net_config(shape, 16);
    bp_network *network = net_create(&config, 1);
    FILE_REFUSED("network", bp_network_save, NULL, "x", NULL, 0);
    FILE_REFUSED("notes", bp_network_save, network, "x", NULL, 1);
    FILE_REFUSED("path", bp_network_load, network, NULL);
    FILE_REFUSED("network", bp_network_load_with, NULL, "x", NULL);
    FILE_REFUSED("path", bp_checkpoint_save, network, NULL, NULL, 0);
    FILE_REFUSED("network", bp_checkpoint_load, NULL, "x");
    bp_network_destroy(network);
}

static void safetensors(void) {
    static const unsigned char empty[] = "\2\0\0\0\0\0\0\0{}";
    bp_safetensors *file = NULL;
    float value = 0;
    const bp_tensor scalar = {.name = "a", .dtype = BP_DTYPE_F32, .data = &value};
    FILE_REFUSED("path", bp_safetensors_open, NULL, &file);
    FILE_REFUSED("file", bp_safetensors_open, "x", NULL);
    FILE_REFUSED("bytes", bp_safetensors_open_memory, NULL, 1, &file);
    FILE_REFUSED("path", bp_safetensors_write, NULL, &scalar, 1, NULL, 0);
    FILE_REFUSED("tensors", bp_safetensors_write, "x", NULL, 1, NULL, 0);
    assert_int_equal(bp_safetensors_open_memory(empty, 10, &file, NULL), BP_OK);
    FILE_REFUSED("tensor", bp_safetensors_read, file, &scalar, &value, NULL);
    FILE_REFUSED("values", bp_safetensors_read, file, &scalar, NULL, NULL);
    FILE_REFUSED("bytes", bp_safetensors_read_bytes, file, &scalar, NULL, 4);
    bp_safetensors_close(file);
}

static void npy(void) {
    bp_array array = {0};
    bp_doubles doubles;
    const float values[] = {1, 2};
    const size_t shape[] = {2};
    const bp_shift_scale change = {NULL, NULL, 2};
    FILE_REFUSED("path", bp_npy_read, NULL, &array);
    FILE_REFUSED("array", bp_npy_read, "x", NULL);
    FILE_REFUSED("bytes", bp_npy_read_memory, NULL, 1, &array);
    FILE_REFUSED("array", bp_npy_read_shifted, "x", &change, NULL);
    FILE_REFUSED("bytes", bp_npy_read_memory_shifted, NULL, 1, &change, &array);
    FILE_REFUSED("doubles", bp_npy_doubles, "x", NULL);
    FILE_REFUSED("bytes", bp_npy_doubles_memory, NULL, 1, &doubles);
    FILE_REFUSED("values", bp_npy_write, "x", NULL, 1, shape);
    FILE_REFUSED("shape", bp_npy_write, "x", values, 1, NULL);
    FILE_REFUSED("dimensions", bp_npy_write, "x", values, 9, shape);
}

static void npz(void) {
    const float value = 1;
    const bp_tensor arrays[] = {{.name = "a", .dtype = BP_DTYPE_F32, .data = &value}};
    char path[1024];
    bp_npz *file = NULL;
    bp_npz_array about;
    bp_array array;
    bp_doubles doubles;
    strcpy(path, files_path("messages.npz"));
    FILE_REFUSED("path", bp_npz_write, NULL, arrays, 1, false);
    FILE_REFUSED("arrays", bp_npz_write, path, NULL, 1, false);
    FILE_REFUSED("path", bp_npz_open, NULL, &file);
    FILE_REFUSED("bytes", bp_npz_open_memory, NULL, 1, &file);
    assert_int_equal(bp_npz_write(path, arrays, 1, false, NULL), BP_OK);
    assert_int_equal(bp_npz_open(path, &file, NULL), BP_OK);
    FILE_REFUSED("name", bp_npz_describe, file, NULL, &about);
    FILE_REFUSED("array", bp_npz_describe, file, "b", &about);
    FILE_REFUSED("array", bp_npz_read, file, "a", NULL);
    FILE_REFUSED("file", bp_npz_read_shifted, NULL, "a", NULL, &array);
    FILE_REFUSED("name", bp_npz_doubles, file, NULL, &doubles);
    bp_npz_close(file);
}

static void tables(void) {
    static const char text[] = "name,size\ncaf\xc3\xa9,1\ntea,2\n";
    const char *names[2], *const wrong[] = {"tea", "milk"};
    bp_csv *csv = NULL;
    size_t column, count;
    float values[4];
    double doubles[4];
    uint32_t labels[2];
    FILE_REFUSED("path", bp_csv_open, NULL, NULL, &csv);
    FILE_REFUSED("bytes", bp_csv_open_memory, NULL, 1, NULL, &csv);
    assert_int_equal(
        bp_csv_open_memory(text, sizeof text - 1, &(const bp_csv_options)CSV_OPTIONS(.header = true), &csv, NULL),
        BP_OK);
    REFUSED("csv", bp_csv_find, NULL, "size", &column);
    SAYS("name is 'weight', and none of the 2 columns has this name: name, size", bp_csv_find, csv, "weight", &column);
    FILE_REFUSED("first", bp_csv_numbers, csv, 2, 1, values, 0);
    FILE_REFUSED("stride", bp_csv_numbers, csv, 0, 2, values, 1);
    FILE_REFUSED("change.count", bp_csv_numbers_shifted, csv, 0, 1, &(bp_shift_scale){NULL, NULL, 2}, values, 0);
    FILE_REFUSED("values", bp_csv_doubles, csv, 0, 1, NULL, 0);
    FILE_REFUSED("count", bp_csv_doubles, csv, 0, 0, doubles, 0);
    FILE_REFUSED("column", bp_csv_classes, csv, 2, names, 2, &count);
    FILE_REFUSED("room", bp_csv_classes, csv, 0, names, 1, &count);
    FILE_REFUSED("labels", bp_csv_labels, csv, 0, wrong, 2, NULL);
    FILE_REFUSED("names", bp_csv_labels, csv, 0, wrong, 2, labels);
    SAYS("line 2, column 1: none of the classes: 'caf\xc3\xa9'; names has 'tea', 'milk'", bp_csv_labels, csv, 0, wrong,
         2, labels, &error);
    bp_csv_close(csv);
}

/* Of many classes as many are listed as there is room for, and how many there are beside them. */
static void many_classes(void) {
    enum { CLASSES = 50 };
    static char texts[CLASSES][8];
    const char *names[CLASSES];
    bp_csv *csv = NULL;
    uint32_t label;
    assert_int_equal(bp_csv_open_memory("x\n", 2, NULL, &csv, NULL), BP_OK);
    for (size_t k = 0; k < CLASSES; k++) {
        memset(texts[k], (int)('A' + k % 26), 5);
        texts[k][5] = (char)('0' + k / 26);
        names[k] = texts[k];
    }
    SAYS("line 1, column 1: none of the classes: 'x'; names has 'AAAAA0', 'BBBBB0', 'CCCCC0', 'DDDDD0', 'EEEEE0', "
         "'FFFFF0', 'GGGGG0', 'HHHHH0', 'IIIII0' and 41 more",
         bp_csv_labels, csv, 0, names, CLASSES, &label, &error);
    bp_csv_close(csv);
}

void files_are_refused(void) {
    bp_array array;
    uint32_t label;
    FILE_REFUSED("path", bp_idx_read, NULL, 0, &array, NULL);
    FILE_REFUSED("array", bp_idx_read_memory, "x", 1, 0, NULL, NULL);
    float values[] = {0.5f};
    array = (bp_array){.values = values, .count = 1};
    SAYS("array.values[0] is 0.5: a class label is a whole number from 0 to 16777216", bp_array_labels, &array, &label);
    REFUSED("labels", bp_array_labels, &array, NULL);
    networks();
    safetensors();
    npy();
    npz();
    tables();
    many_classes();
}
