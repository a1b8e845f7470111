#ifndef BACKPROP_FILE_H
#define BACKPROP_FILE_H
#include <stddef.h>
#include <stdint.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef struct bp_file_error {
    char text[240];
    int system;
    uint64_t offset;
    size_t line;
    size_t column;
} bp_file_error;
typedef struct bp_shift_scale {
    const double *offset;
    const double *factor;
    size_t count;
} bp_shift_scale;
#define BP_DIMENSIONS_MAX 8
typedef enum bp_dtype {
    BP_DTYPE_UNKNOWN = -1,
    BP_DTYPE_BOOL = 0,
    BP_DTYPE_U8,
    BP_DTYPE_I8,
    BP_DTYPE_U16,
    BP_DTYPE_I16,
    BP_DTYPE_U32,
    BP_DTYPE_I32,
    BP_DTYPE_U64,
    BP_DTYPE_I64,
    BP_DTYPE_F16,
    BP_DTYPE_BF16,
    BP_DTYPE_F32,
    BP_DTYPE_F64,
} bp_dtype;
BP_API size_t bp_dtype_bytes(bp_dtype dtype);
typedef struct bp_array {
    float *values;
    size_t count;
    size_t dimensions;
    size_t shape[BP_DIMENSIONS_MAX];
} bp_array;
BP_API void bp_array_destroy(bp_array *array);
typedef struct bp_doubles {
    double *values;
    size_t count;
    size_t dimensions;
    size_t shape[BP_DIMENSIONS_MAX];
} bp_doubles;
BP_API void bp_doubles_destroy(bp_doubles *doubles);
BP_API bp_status bp_array_labels(const bp_array *array, uint32_t *labels);
BP_END_DECLS
#endif
