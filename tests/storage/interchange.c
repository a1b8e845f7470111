/*
 * The library's end of interchange.py: reads a file of one format and writes what it has understood.
 *
 *   interchange safetensors IN OUT    all tensors and metadata, as they are
 *   interchange floats IN OUT         all tensors of a safetensors file as F32, matrices read and written transposed
 *   interchange npy IN OUT            the array as a .npy file of '<f4'
 *   interchange idx IN OUT            likewise
 *   interchange csv IN OUT            likewise the numbers of a table with a header, missing ones as NaN
 */
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

static void copy_tensors(const char *in, const char *out, int as_floats) {
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
            t->strides = as_floats ? strides[k] : NULL;
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

static void copy_table(const char *in, const char *out) {
    const bp_csv_options options = {.header = true, .missing = BP_CSV_MISSING_NAN};
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
        copy_tensors(argv[2], argv[3], 0);
    } else if (strcmp(argv[1], "floats") == 0) {
        copy_tensors(argv[2], argv[3], 1);
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
