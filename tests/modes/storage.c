/* Files. Numbers of 64 bits become such of 32, and text becomes numbers. */
#include "defaults.h"
#include "modes.h"

#include <stdio.h>
#include <string.h>

#include "storage/files.h"

/* They round to binary32 each way, into denormals, and away. */
static const double doubles[] = {0.1, -0.1, 1e-40, -1e-46, 0x1.0000010000001p0, 16777217.0, 1.1754943e-38, 1e300};
enum { DOUBLES = sizeof doubles / sizeof *doubles };

/* What is done to numbers on their way: results that are denormal or lie between two floats. */
static const double offsets[] = {1e-40, 0x1p-54}, factors[] = {3.0, 1.0 / 3.0};
static const bp_shift_scale shifts = {offsets, factors, 2}, shift_of_all = {offsets + 1, factors + 1, 1};

/* A signalling NaN stops a host with traps that only looks at it. */
static double signalling_nan(void) {
    const uint64_t bits = UINT64_C(0x7ff0000000000001);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void gave_array(notes *n, bp_array *array) {
    gave(n, array->values, array->count * sizeof(float));
    bp_array_destroy(array);
    returned(n);
}

static void gave_doubles(notes *n, bp_doubles *array) {
    gave(n, array->values, array->count * sizeof(double));
    bp_doubles_destroy(array);
    returned(n);
}

static size_t read_file(const char *path, unsigned char *bytes, size_t room) {
    FILE *file = fopen(path, "rb");
    const size_t size = file ? fread(bytes, 1, room, file) : 0;
    if (file)
        fclose(file);
    return size;
}

static void gave_file(notes *n, const char *path) {
    static unsigned char bytes[1 << 16];
    const size_t size = read_file(path, bytes, sizeof bytes);
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

/* Doubles as a .npy file: returns its size. */
static size_t npy_of_doubles(unsigned char *bytes) {
    char header[128];
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\x01\x00\x76\x00", 10);
    static const char text[] = "{'descr': '<f8', 'fortran_order': False, 'shape': (4, 2), }";
    memcpy(header + 10, text, sizeof text - 1);
    header[127] = '\n';
    return file_of_doubles(bytes, header, sizeof header, false);
}

static void npy(notes *n) {
    unsigned char bytes[512];
    const size_t size = npy_of_doubles(bytes);
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

static void npy_shifted(notes *n) {
    unsigned char bytes[512];
    const size_t size = npy_of_doubles(bytes);
    const double bad[] = {1.0, signalling_nan()};
    const bp_shift_scale bad_offset = {bad, factors, 2}, bad_factor = {offsets, bad, 2};
    const char *path = files_path("wide.npy");
    files_write(path, bytes, size);
    bp_array array = {0};
    bp_doubles wide = {0};
    bp_file_error error;
    for (const bp_shift_scale *change = &shifts; change; change = change == &shifts ? &shift_of_all : NULL) {
        explained(n, bp_npy_read_shifted(path, change, &array, &error));
        gave_array(n, &array);
        explained(n, bp_npy_read_memory_shifted(bytes, size, change, &array, &error));
        gave_array(n, &array);
    }
    explained(n, bp_npy_doubles(path, &wide, &error));
    gave_doubles(n, &wide);
    explained(n, bp_npy_doubles_memory(bytes, size, &wide, &error));
    gave_doubles(n, &wide);
    explained(n, bp_npy_read_shifted(path, &bad_offset, &array, &error));
    explained(n, bp_npy_read_memory_shifted(bytes, size, &bad_factor, &array, &error));
    explained(n, bp_npy_doubles(NULL, &wide, &error));
    explained(n, bp_npy_doubles_memory(bytes, size - 1, &wide, &error));
}

/* Integers that no double or float is, and doubles. */
static void npz(notes *n) {
    static const int64_t integers[] = {16777217, -16777219, INT64_C(9007199254740993), INT64_MAX};
    static const size_t shapes[] = {DOUBLES / 2, 2, 2, 2};
    const bp_tensor arrays[] = {
        {.name = "d", .dtype = BP_DTYPE_F64, .dimensions = 2, .shape = shapes, .data = doubles},
        {.name = "i", .dtype = BP_DTYPE_I64, .dimensions = 2, .shape = shapes + 2, .data = integers}};
    const double bad[] = {1.0, signalling_nan()};
    const bp_shift_scale bad_offset = {bad, factors, 2}, bad_factor = {offsets, bad, 2};
    static unsigned char bytes[4096];
    const char *path = files_path("arrays.npz");
    bp_npz *file = NULL;
    bp_npz_array what;
    bp_array array = {0};
    bp_doubles wide = {0};
    bp_file_error error;
    explained(n, bp_npz_write(NULL, arrays, 2, true, &error));
    for (int in_memory = 0; in_memory < 2; in_memory++) {
        explained(n, bp_npz_write(path, arrays, 2, !in_memory, &error));
        const size_t size = read_file(path, bytes, sizeof bytes);
        gave(n, bytes, size);
        said(n, in_memory ? bp_npz_open_memory(bytes, size, &file, &error) : bp_npz_open(path, &file, &error));
        for (size_t k = 0; k <= bp_npz_count(file); k++) {
            const char *name = bp_npz_name(file, k);
            named(n, name);
            name = name ? name : "none";
            memset(&what, 0, sizeof what);
            explained(n, bp_npz_describe(file, name, &what, &error));
            counted(n, what.count);
            const bp_status read = bp_npz_read(file, name, &array, &error);
            explained(n, read);
            if (read == BP_OK)
                gave_array(n, &array);
            const bp_status shifted = bp_npz_read_shifted(file, name, k ? &shift_of_all : &shifts, &array, &error);
            explained(n, shifted);
            if (shifted == BP_OK)
                gave_array(n, &array);
            const bp_status whole = bp_npz_doubles(file, name, &wide, &error);
            explained(n, whole);
            if (whole == BP_OK)
                gave_doubles(n, &wide);
            explained(n, bp_npz_read_shifted(file, name, &bad_offset, &array, &error));
            explained(n, bp_npz_read_shifted(file, name, &bad_factor, &array, &error));
        }
        bp_npz_close(file);
        returned(n);
    }
    explained(n, bp_npz_open(NULL, &file, &error));
    explained(n, bp_npz_open_memory("PK", 2, &file, &error));
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

static void csv_shifted(notes *n, const bp_csv *table) {
    const double bad[] = {1.0, signalling_nan()};
    float values[6] = {0};
    double wide[6] = {0};
    bp_file_error error;
    explained(n, bp_csv_doubles(table, 0, 2, wide, 0, &error));
    gave(n, wide, sizeof wide);
    explained(n, bp_csv_doubles(table, 1, 2, wide, 0, &error));
    explained(n, bp_csv_numbers_shifted(table, 0, 2, &shifts, values, 0, &error));
    gave(n, values, sizeof values);
    explained(n, bp_csv_numbers_shifted(table, 1, 2, &shifts, values, 0, &error));
    explained(n, bp_csv_numbers_shifted(table, 0, 2, &(bp_shift_scale){offsets, bad, 2}, values, 0, &error));
    explained(n, bp_csv_numbers_shifted(table, 0, 2, &(bp_shift_scale){bad, factors, 2}, values, 0, &error));
    /* Rounded up, the largest double that is a float becomes none. */
    static const double large[] = {0x1.fffffefffffffp127};
    explained(n, bp_csv_numbers_shifted(table, 0, 2, &(bp_shift_scale){NULL, large, 1}, values, 0, &error));
    gave(n, values, sizeof values);
}

static void csv(notes *n) {
    static const char text[] = "a,b,class\n0.1,1e-40,x\n-1e-46,16777217,y\n0.3000000119,1.17549431e-38,x\n,2,y\n";
    static const bp_csv_options options = CSV_OPTIONS(.header = true, .missing = BP_CSV_MISSING_SKIP);
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
        csv_shifted(n, table);
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
    /* Denormals, one halfway between two doubles, and two that lie just above such places of doubles and floats. */
    static const char decimals[] =
        "4.9406564584124654e-324\n2.4703282292062327e-324\n1.4e-45\n3e-310\n9007199254740993\n"
        "0.1000000014901161193847656250000000000001\n1.00000000000000011102230246251565405\n"
        "1.000000059604644775390625000000000000000000001\n";
    double wide[8] = {0};
    float values[8] = {0};
    said(n, bp_csv_open_memory(decimals, sizeof decimals - 1, NULL, &table, &error));
    explained(n, bp_csv_doubles(table, 0, 1, wide, 0, &error));
    explained(n, bp_csv_numbers_shifted(table, 0, 1, &shift_of_all, values, 0, &error));
    gave(n, wide, sizeof wide);
    gave(n, values, sizeof values);
    bp_csv_close(table);
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

/* Tells of each tensor. */
static void noted(void *context, bp_load_event note, const char *name) {
    notes *n = context;
    counted(n, note);
    named(n, name);
}

/* Numbers of 64 bits under another program's names, and then what bp_network_save has written. */
static void loads_with_options(notes *n, bp_network *network, const char *saved) {
    static const size_t shapes[] = {4, 3, 2, 4, 4};
    const float *values = numbers(n, 12);
    const bp_tensor of_doubles[] = {
        {.name = "fc1.weight", .dtype = BP_DTYPE_F32, .dimensions = 2, .shape = shapes, .data = values},
        {.name = "fc2.weight", .dtype = BP_DTYPE_F64, .dimensions = 2, .shape = shapes + 2, .data = doubles},
        {.name = "other", .dtype = BP_DTYPE_F32, .dimensions = 1, .shape = shapes + 4, .data = values}};
    const bp_load_options pattern =
        LOAD_OPTIONS(.pattern = "fc*", .strict = false, .zero_biases = true, .report = noted, .context = n);
    const bp_load_options strict = LOAD_OPTIONS(.pattern = "fc*", .zero_biases = true);
    const char *path = files_path("other.safetensors");
    bp_file_error error;
    explained(n, bp_safetensors_write(path, of_doubles, 3, NULL, 0, &error));
    explained(n, bp_network_load_with(network, path, &pattern, &error));
    counted(n, bp_network_hash(network));
    explained(n, bp_network_load_with(network, path, &strict, &error));
    explained(n, bp_network_load_with(network, saved, NULL, &error));
    counted(n, bp_network_hash(network));
}

static void checkpoints(notes *n) {
    static const size_t sizes[] = {3, 4, 2};
    static const bp_activation activations[] = {{BP_ACTIVATION_LEAKY_RELU, 0.1f}, {BP_ACTIVATION_ELU, TINY}};
    static const bp_activation others[] = {{BP_ACTIVATION_LEAKY_RELU, 0.1f}, {BP_ACTIVATION_ELU, 2e-40f}};
    bp_optimizer adam = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
    adam.ema_decay = 0.3f;
    bp_network_config config = bp_network_config_defaults();
    config.layers = 2;
    config.sizes = sizes;
    config.activations = activations;
    config.max_batch_size = 4;
    config.threads = 1;
    config.optimizer = &adam;
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
    loads_with_options(n, network, paths[0]);
    explained(n, bp_network_load_with(other, paths[0], NULL, &error));
    explained(n, bp_network_save(NULL, paths[0], NULL, 0, &error));
    explained(n, bp_checkpoint_save(NULL, paths[0], NULL, 0, &error));
    bp_network_destroy(network);
    bp_network_destroy(other);
}

const mode_case storage_cases[] = {
    {"bp_npy_read bp_npy_read_memory bp_npy_write bp_array_destroy", npy},
    {"bp_npy_read_shifted bp_npy_read_memory_shifted bp_npy_doubles bp_npy_doubles_memory bp_doubles_destroy",
     npy_shifted},
    {"bp_npz_open bp_npz_open_memory bp_npz_close bp_npz_count bp_npz_name bp_npz_describe bp_npz_read "
     "bp_npz_read_shifted "
     "bp_npz_doubles bp_npz_write",
     npz},
    {"bp_idx_read bp_idx_read_memory", idx},
    {"bp_array_labels", array_labels},
    {"bp_csv_open bp_csv_open_memory bp_csv_rows bp_csv_columns bp_csv_skipped bp_csv_name bp_csv_field bp_csv_find "
     "bp_csv_numbers bp_csv_numbers_shifted bp_csv_doubles bp_csv_classes bp_csv_labels bp_csv_close",
     csv},
    {"bp_safetensors_write bp_safetensors_open bp_safetensors_open_memory bp_safetensors_all_metadata "
     "bp_safetensors_metadata bp_safetensors_count bp_safetensors_find bp_safetensors_tensor bp_safetensors_read "
     "bp_safetensors_read_bytes bp_safetensors_close",
     safetensors},
    {"bp_network_save bp_network_load bp_network_load_with bp_checkpoint_save bp_checkpoint_load", checkpoints},
    {NULL, NULL},
};
