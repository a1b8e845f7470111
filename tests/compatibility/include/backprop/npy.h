#ifndef BACKPROP_NPY_H
#define BACKPROP_NPY_H
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
BP_API bp_status bp_npy_read(const char *path, bp_array *array, bp_file_error *error);
BP_API bp_status bp_npy_read_memory(const void *bytes, size_t size, bp_array *array, bp_file_error *error);
BP_API bp_status bp_npy_read_shifted(const char *path, const bp_shift_scale *change, bp_array *array,
                                     bp_file_error *error);
BP_API bp_status bp_npy_read_memory_shifted(const void *bytes, size_t size, const bp_shift_scale *change,
                                            bp_array *array, bp_file_error *error);
BP_API bp_status bp_npy_doubles(const char *path, bp_doubles *doubles, bp_file_error *error);
BP_API bp_status bp_npy_doubles_memory(const void *bytes, size_t size, bp_doubles *doubles, bp_file_error *error);
BP_API bp_status bp_npy_write(const char *path, const float *values, size_t dimensions, const size_t *shape,
                              bp_file_error *error);
BP_END_DECLS
#endif
