/* Files. Numbers of 64 bits become such of 32, and text becomes numbers. */
#include "modes.h"

#include <stdio.h>
#include <string.h>

#include "storage/files.h"

/* They round to binary32 each way, into denormals, and away. */
static const double doubles[] = {0.1, -0.1, 1e-40, -1e-46, 0x1.0000010000001p0, 16777217.0, 1.1754943e-38, 1e300};
enum { DOUBLES = sizeof doubles / sizeof *doubles };

static void gave_array(notes *n, bp_array *array) {
    gave(n, array->values, array->count * sizeof(float));
    bp_array_destroy(array);
    returned(n);
}

static void gave_file(notes *n, const char *path) {
    static unsigned char bytes[1 << 16];
    FILE *file = fopen(path, "rb");
    const size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file)
        fclose(file);
    counted(n, size);
    gave(n, bytes, size);
}

/* A file of doubles with some header, their bytes in the format's order. */
static size_t file_of_doubles(unsigned char *bytes, const void *header, size_t size, bool big_endian) {
    memcpy(bytes, header, size);
    for (size_t k = 0; k < DOUBLES; k++) {
        uint64_t bits;
        memcpy(&bits, &doubles[k], sizeof bits);
        for (size_t b = 0; b < 8; b++)
            bytes[size + 8 * k + b] = (unsigned char)(bits >> 8 * (big_endian ? 7 - b : b));
    }
    return size + 8 * DOUBLES;
}

static void npy(notes *n) {
    char header[128];
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
    static const char text[] = "{'descr': '<f8', 'fortran_order': False, 'shape': (8,), }";
    memcpy(header + 10, text, sizeof text - 1);
    header[127] = '\n';
    unsigned char bytes[512];
    const size_t size = file_of_doubles(bytes, header, sizeof header, false);
    bp_array array = {0};
    bp_file_error error;
    explained(n, bp_npy_read_memory(bytes, size, &array, &error));
    gave_array(n, &array);
    explained(n, bp_npy_read_memory(bytes, size - 1, &array, &error));
    const char *path = files_path("doubles.npy");
    files_write(path, bytes, size);
    explained(n, bp_npy_read(path, &array, &error));
    explained(n, bp_npy_write(path, array.values, array.dimensions, array.shape, &error));
    gave_array(n, &array);
    gave_file(n, path);
    explained(n, bp_npy_write(path, NULL, 1, array.shape, &error));
    explained(n, bp_npy_read(NULL, &array, &error));
}

static void idx(notes *n) {
    unsigned char bytes[512];
    const unsigned char header[] = {0, 0, 0x0e, 1, 0, 0, 0, DOUBLES};
    const size_t size = file_of_doubles(bytes, header, sizeof header, true);
    bp_array array = {0};
    bp_file_error error;
    size_t total;
    explained(n, bp_idx_read_memory(bytes, size, 0, &array, &total, &error));
    gave_array(n, &array);
    explained(n, bp_idx_read_memory(bytes, size - 1, 0, &array, &total, &error));
    const char *path = files_path("doubles.idx");
    files_write(path, bytes, size);
    explained(n, bp_idx_read(path, 0, &array, &total, &error));
    gave_array(n, &array);
    explained(n, bp_idx_read(NULL, 0, &array, &total, &error));
}

static void array_labels(notes *n) {
    float values[] = {1.0f, 3.0f, TINY};
    uint32_t made[3] = {9, 9, 9};
    const bp_array array = {.values = values, .count = 3, .dimensions = 1, .shape = {3}};
    const bp_array whole = {.values = values, .count = 2, .dimensions = 1, .shape = {2}};
    explained(n, bp_array_labels(&array, made));
    gave(n, made, sizeof made);
    said(n, bp_array_labels(&whole, made));
    gave(n, made, sizeof made);
}

static void csv(notes *n) {
    static const char text[] = "a,b,class\n0.1,1e-40,x\n-1e-46,16777217,y\n0.3000000119,1.17549431e-38,x\n,2,y\n";
    static const bp_csv_options options = {.header = true, .missing = BP_CSV_MISSING_SKIP};
    const char *path = files_path("table.csv");
    files_write(path, text, sizeof text - 1);
    bp_csv *table = NULL;
    bp_file_error error;
    for (int file = 0; file < 2; file++) {
        explained(n, file ? bp_csv_open(path, &options, &table, &error)
                          : bp_csv_open_memory(text, sizeof text - 1, &options, &table, &error));
        counted(n, bp_csv_rows(table));
        counted(n, bp_csv_columns(table));
        counted(n, bp_csv_skipped(table));
        named(n, bp_csv_name(table, 1));
        named(n, bp_csv_field(table, 2, 0));
        size_t column = 9, count = 0;
        explained(n, bp_csv_find(table, "b", &column));
        explained(n, bp_csv_find(table, "c", &column));
        counted(n, column);
        float values[6] = {0};
        explained(n, bp_csv_numbers(table, 0, 2, values, 0, &error));
        gave(n, values, sizeof values);
        explained(n, bp_csv_numbers(table, 1, 2, values, 0, &error));
        named(n, error.text);
        const char *classes[2];
        uint32_t made[3] = {0};
        explained(n, bp_csv_classes(table, 2, classes, 2, &count, &error));
        explained(n, bp_csv_labels(table, 2, classes, count, made, &error));
        gave(n, made, sizeof made);
        explained(n, bp_csv_classes(table, 9, classes, 2, &count, &error));
        explained(n, bp_csv_labels(table, 2, classes, 1, made, &error));
        bp_csv_close(table);
        returned(n);
    }
    explained(n, bp_csv_open_memory("1,2\n3\n", 6, NULL, &table, &error));
    explained(n, bp_csv_open(NULL, NULL, &table, &error));
}

static void safetensors(notes *n) {
    const size_t shape[] = {DOUBLES};
    const bp_tensor tensor = {.name = "d", .dtype = BP_DTYPE_F64, .dimensions = 1, .shape = shape, .data = doubles};
    const bp_metadata note = {"key", "text"};
    const char *path = files_path("doubles.safetensors");
    bp_safetensors *file = NULL;
    bp_file_error error;
    explained(n, bp_safetensors_write(path, &tensor, 1, &note, 1, &error));
    explained(n, bp_safetensors_write(NULL, &tensor, 1, &note, 1, &error));
    explained(n, bp_safetensors_open(NULL, &file, &error));
    explained(n, bp_safetensors_open_memory("{}", 2, &file, &error));
    said(n, bp_safetensors_open(path, &file, &error));
    size_t count;
    const bp_metadata *all = bp_safetensors_all_metadata(file, &count);
    named(n, all->text);
    named(n, bp_safetensors_metadata(file, "key"));
    counted(n, bp_safetensors_count(file));
    const bp_tensor *found = bp_safetensors_find(file, "d");
    counted(n, found == bp_safetensors_tensor(file, 0));
    float values[DOUBLES];
    double bytes[DOUBLES];
    explained(n, bp_safetensors_read(file, found, values, NULL, &error));
    gave(n, values, sizeof values);
    explained(n, bp_safetensors_read(file, NULL, values, NULL, &error));
    explained(n, bp_safetensors_read_bytes(file, found, bytes, sizeof bytes, &error));
    gave(n, bytes, sizeof bytes);
    explained(n, bp_safetensors_read_bytes(file, found, bytes, 1, &error));
    bp_safetensors_close(file);
    returned(n);
    gave_file(n, path);
}

static void checkpoints(notes *n) {
    static const size_t sizes[] = {3, 4, 2};
    static const bp_activation activations[] = {{BP_LEAKY_RELU, 0.1f}, {BP_ELU, TINY}};
    static const bp_activation others[] = {{BP_LEAKY_RELU, 0.1f}, {BP_ELU, 2e-40f}};
    bp_network_config config = {.layers = 2,
                                .sizes = sizes,
                                .activations = activations,
                                .batch_max = 4,
                                .threads = 1,
                                .optimizer = {.kind = BP_ADAM, .average = 0.3f}};
    bp_network *network = NULL, *other = NULL;
    bp_file_error error;
    said(n, bp_network_create(&config, &network));
    config.activations = others;
    said(n, bp_network_create(&config, &other));
    said(n, bp_network_initialize(network, 1));
    const bp_batch batch = {.rows = 4, .inputs = numbers(n, 12), .targets = numbers(n, 8)};
    said(n, bp_network_train_step(network, &batch, 0.1f, NULL));
    const char *paths[] = {files_path("net.safetensors"), files_path("net.checkpoint")};
    explained(n, bp_network_save(network, paths[0], NULL, 0, &error));
    explained(n, bp_checkpoint_save(network, paths[1], NULL, 0, &error));
    gave_file(n, paths[0]);
    gave_file(n, paths[1]);
    said(n, bp_network_initialize(network, 2));
    explained(n, bp_network_load(network, paths[0], &error));
    counted(n, bp_network_hash(network));
    explained(n, bp_checkpoint_load(network, paths[1], &error));
    counted(n, bp_network_hash(network));
    explained(n, bp_network_load(other, paths[0], &error)); /* of another activation */
    explained(n, bp_checkpoint_load(other, paths[1], &error));
    explained(n, bp_network_save(NULL, paths[0], NULL, 0, &error));
    explained(n, bp_checkpoint_save(NULL, paths[0], NULL, 0, &error));
    bp_network_destroy(network);
    bp_network_destroy(other);
}

const mode_case storage_cases[] = {
    {"bp_npy_read bp_npy_read_memory bp_npy_write bp_array_destroy", npy},
    {"bp_idx_read bp_idx_read_memory", idx},
    {"bp_array_labels", array_labels},
    {"bp_csv_open bp_csv_open_memory bp_csv_rows bp_csv_columns bp_csv_skipped bp_csv_name bp_csv_field bp_csv_find "
     "bp_csv_numbers bp_csv_classes bp_csv_labels bp_csv_close",
     csv},
    {"bp_safetensors_write bp_safetensors_open bp_safetensors_open_memory bp_safetensors_all_metadata "
     "bp_safetensors_metadata bp_safetensors_count bp_safetensors_find bp_safetensors_tensor bp_safetensors_read "
     "bp_safetensors_read_bytes bp_safetensors_close",
     safetensors},
    {"bp_network_save bp_network_load bp_checkpoint_save bp_checkpoint_load", checkpoints},
    {NULL, NULL},
};
