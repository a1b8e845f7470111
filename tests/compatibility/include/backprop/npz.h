#ifndef BACKPROP_NPZ_H
#define BACKPROP_NPZ_H
#include <stdbool.h>
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/safetensors.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef struct bp_npz bp_npz;
typedef struct bp_npz_array {
    bp_dtype dtype;
    size_t count;
    size_t dimensions;
    size_t shape[BP_DIMENSIONS_MAX];
} bp_npz_array;
BP_API bp_status bp_npz_open(const char *path, bp_npz **file, bp_file_error *error);
BP_API bp_status bp_npz_open_memory(const void *bytes, size_t size, bp_npz **file, bp_file_error *error);
BP_API void bp_npz_close(bp_npz *file);
BP_API size_t bp_npz_count(const bp_npz *file);
BP_API const char *bp_npz_name(const bp_npz *file, size_t index);
BP_API bp_status bp_npz_describe(const bp_npz *file, const char *name, bp_npz_array *array, bp_file_error *error);
BP_API bp_status bp_npz_read(const bp_npz *file, const char *name, bp_array *array, bp_file_error *error);
BP_API bp_status bp_npz_read_shifted(const bp_npz *file, const char *name, const bp_shift_scale *change,
                                     bp_array *array, bp_file_error *error);
BP_API bp_status bp_npz_doubles(const bp_npz *file, const char *name, bp_doubles *doubles, bp_file_error *error);
BP_API bp_status bp_npz_write(const char *path, const bp_tensor *arrays, size_t count, bool compress,
                              bp_file_error *error);
BP_END_DECLS
#endif
