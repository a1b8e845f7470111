#ifndef BACKPROP_SAFETENSORS_H
#define BACKPROP_SAFETENSORS_H
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/file.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef struct bp_tensor {
    const char *name;
    bp_dtype dtype;
    size_t dimensions;
    const size_t *shape;
    const void *data;
    const size_t *strides;
    const char *dtype_name;
} bp_tensor;
typedef struct bp_metadata {
    const char *key, *text;
} bp_metadata;
typedef struct bp_safetensors bp_safetensors;
BP_API bp_status bp_safetensors_open(const char *path, bp_safetensors **file, bp_file_error *error);
BP_API bp_status bp_safetensors_open_memory(const void *bytes, size_t size, bp_safetensors **file,
                                            bp_file_error *error);
BP_API void bp_safetensors_close(bp_safetensors *file);
BP_API size_t bp_safetensors_count(const bp_safetensors *file);
BP_API const bp_tensor *bp_safetensors_tensor(const bp_safetensors *file, size_t index);
BP_API const bp_tensor *bp_safetensors_find(const bp_safetensors *file, const char *name);
BP_API const char *bp_safetensors_metadata(const bp_safetensors *file, const char *key);
BP_API const bp_metadata *bp_safetensors_all_metadata(const bp_safetensors *file, size_t *count);
BP_API bp_status bp_safetensors_read(const bp_safetensors *file, const bp_tensor *tensor, float *values,
                                     const size_t *strides, bp_file_error *error);
BP_API bp_status bp_safetensors_read_bytes(const bp_safetensors *file, const bp_tensor *tensor, void *bytes,
                                           size_t size, bp_file_error *error);
BP_API bp_status bp_safetensors_write(const char *path, const bp_tensor *tensors, size_t count,
                                      const bp_metadata *metadata, size_t metadata_count, bp_file_error *error);
BP_END_DECLS
#endif
