/*
 * The library's end of interchange.py: reads a file of one format and writes what it has understood.
 *
 *   interchange safetensors IN OUT    all tensors and metadata, as they are
 *   interchange floats IN OUT         all tensors of a safetensors file as F32, matrices read and written transposed
 *   interchange npy IN OUT            the array as a .npy file of '<f4'
 *   interchange npz IN OUT            the arrays of a .npz file, in one of '<f4', stored
 *   interchange npz_deflated IN OUT   likewise, deflated
 *   interchange npz_bytes IN OUT      a safetensors file's tensors, as they are, in a .npz file; matrices transposed
 *   interchange shifted IN OUT        the array of a .npy file, less its first number if that is finite, halved
 *   interchange shifted_npz IN OUT    likewise each array of a .npz file
 *   interchange idx IN OUT            the array as a .npy file of '<f4'
 *   interchange csv IN OUT            likewise the numbers of a table with a header, missing ones as NaN
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/backprop.h>

static bp_file_error error;

static void check(bp_status status) {
    if (status != BP_OK) {
        fprintf(stderr, "%s: %s\n", bp_status_string(status), error.text);
        exit(1);
    }
}

static void *allocate(size_t bytes) {
    void *memory = malloc(bytes + 1);
    if (!memory)
        exit(1);
    return memory;
}

static size_t elements(const bp_tensor *tensor) {
    size_t count = 1;
    for (size_t d = 0; d < tensor->dimensions; d++)
        count *= tensor->shape[d];
    return count;
}

static void copy_tensors(const char *in, const char *out, int as_floats, int as_npz) {
    bp_safetensors *file;
    check(bp_safetensors_open(in, &file, &error));
    const size_t count = bp_safetensors_count(file);
    bp_tensor *tensors = allocate(count * sizeof *tensors);
    size_t(*strides)[2] = allocate(count * sizeof *strides);
    for (size_t k = 0; k < count; k++) {
        bp_tensor *t = &tensors[k];
        *t = *bp_safetensors_tensor(file, k);
        const size_t bytes = elements(t) * (as_floats ? sizeof(float) : bp_dtype_bytes(t->dtype));
        void *data = allocate(bytes);
        if (t->dimensions == 2) {
            strides[k][0] = 1;
            strides[k][1] = t->shape[0];
            t->strides = as_floats || as_npz ? strides[k] : NULL;
        }
        if (as_floats)
            check(bp_safetensors_read(file, bp_safetensors_tensor(file, k), data, t->strides, &error));
        else
            check(bp_safetensors_read_bytes(file, bp_safetensors_tensor(file, k), data, bytes, &error));
        t->dtype = as_floats ? BP_DTYPE_F32 : t->dtype;
        t->data = data;
    }
    size_t pairs;
    const bp_metadata *metadata = bp_safetensors_all_metadata(file, &pairs);
    if (as_npz)
        check(bp_npz_write(out, tensors, count, true, &error));
    else
        check(bp_safetensors_write(out, tensors, count, metadata, pairs, &error));
    bp_safetensors_close(file);
    for (size_t k = 0; k < count; k++)
        free((void *)(uintptr_t)tensors[k].data);
    free(tensors);
    free(strides);
}

static void write_array(const char *out, bp_array *array) {
    check(bp_npy_write(out, array->values, array->dimensions, array->shape, &error));
    bp_array_destroy(array);
}

static double first_of(const bp_doubles *doubles) {
    return doubles->count > 0 && isfinite(doubles->values[0]) ? doubles->values[0] : 0.0;
}

/* Arrays of a .npz file as F32, by their names with .npy and without. */
static void copy_arrays(const char *in, const char *out, bool compress, bool beta) {
    bp_npz *file;
    check(bp_npz_open(in, &file, &error));
    const size_t count = bp_npz_count(file);
    bp_tensor *tensors = allocate(count * sizeof *tensors);
    bp_array *arrays = allocate(count * sizeof *arrays);
    for (size_t k = 0; k < count; k++) {
        char name[300];
        bp_npz_array about;
        snprintf(name, sizeof name, "%s%s", bp_npz_name(file, k), k % 2 ? ".npy" : "");
        check(bp_npz_describe(file, name, &about, &error));
        if (beta) {
            bp_doubles doubles;
            const double half = 0.5;
            check(bp_npz_doubles(file, name, &doubles, &error));
            const double offset = first_of(&doubles);
            const bp_shift_scale change = {&offset, &half, 1};
            check(bp_npz_read_shifted(file, name, &change, &arrays[k], &error));
            bp_doubles_destroy(&doubles);
        } else {
            check(bp_npz_read(file, name, &arrays[k], &error));
        }
        if (arrays[k].count != about.count || arrays[k].dimensions != about.dimensions ||
            memcmp(arrays[k].shape, about.shape, about.dimensions * sizeof *about.shape) != 0)
            exit(1);
        tensors[k] =
            (bp_tensor){bp_npz_name(file, k), BP_DTYPE_F32, about.dimensions, arrays[k].shape, arrays[k].values, NULL};
    }
    check(bp_npz_write(out, tensors, count, compress, &error));
    for (size_t k = 0; k < count; k++)
        bp_array_destroy(&arrays[k]);
    bp_npz_close(file);
    free(tensors);
    free(arrays);
}

static void shift_array(const char *in, const char *out) {
    bp_array array;
    bp_doubles doubles;
    const double half = 0.5;
    check(bp_npy_doubles(in, &doubles, &error));
    const double offset = first_of(&doubles);
    const bp_shift_scale change = {&offset, &half, 1};
    check(bp_npy_read_shifted(in, &change, &array, &error));
    bp_doubles_destroy(&doubles);
    write_array(out, &array);
}

static void copy_table(const char *in, const char *out) {
    bp_csv_options options = bp_csv_options_defaults();
    options.header = true;
    options.missing = BP_CSV_MISSING_NAN;
    bp_csv *csv;
    check(bp_csv_open(in, &options, &csv, &error));
    bp_array array = {.dimensions = 2, .shape = {bp_csv_rows(csv), bp_csv_columns(csv)}};
    array.values = allocate(array.shape[0] * array.shape[1] * sizeof(float));
    check(bp_csv_numbers(csv, 0, array.shape[1], array.values, 0, &error));
    bp_csv_close(csv);
    write_array(out, &array);
}

int main(int argc, char **argv) {
    bp_array array;
    if (argc != 4)
        return 2;
    if (strcmp(argv[1], "safetensors") == 0) {
        copy_tensors(argv[2], argv[3], 0, 0);
    } else if (strcmp(argv[1], "floats") == 0) {
        copy_tensors(argv[2], argv[3], 1, 0);
    } else if (strcmp(argv[1], "npz_bytes") == 0) {
        copy_tensors(argv[2], argv[3], 0, 1);
    } else if (strncmp(argv[1], "npz", 3) == 0) {
        copy_arrays(argv[2], argv[3], strcmp(argv[1], "npz_deflated") == 0, false);
    } else if (strcmp(argv[1], "shifted") == 0) {
        shift_array(argv[2], argv[3]);
    } else if (strcmp(argv[1], "shifted_npz") == 0) {
        copy_arrays(argv[2], argv[3], true, true);
    } else if (strcmp(argv[1], "npy") == 0) {
        check(bp_npy_read(argv[2], &array, &error));
        write_array(argv[3], &array);
    } else if (strcmp(argv[1], "idx") == 0) {
        check(bp_idx_read(argv[2], 0, &array, NULL, &error));
        write_array(argv[3], &array);
    } else if (strcmp(argv[1], "csv") == 0) {
        copy_table(argv[2], argv[3]);
    } else {
        return 2;
    }
    return 0;
}
