#ifndef BACKPROP_DATA_H
#define BACKPROP_DATA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef struct bp_dataset {
    size_t rows;
    const float *inputs;
    size_t input_columns;
    size_t input_stride;
    const float *targets;
    size_t target_columns;
    size_t target_stride;
    const uint32_t *labels;
    const float *weights;
    const uint32_t *index;
} bp_dataset;
BP_API bp_status bp_dataset_split(const bp_dataset *dataset, size_t first_rows, uint64_t seed, uint32_t *index,
                                  bp_dataset *first, bp_dataset *second);
typedef struct bp_batches bp_batches;
BP_API bp_status bp_batches_create(const bp_dataset *dataset, size_t batch, const bp_allocator *allocator,
                                   bp_batches **batches);
BP_API void bp_batches_destroy(bp_batches *batches);
BP_API bp_status bp_batches_restart(bp_batches *batches);
BP_API bp_status bp_batches_shuffle(bp_batches *batches, uint64_t seed, uint64_t epoch);
BP_API bool bp_batches_next(bp_batches *batches, bp_batch *batch);
BP_API const uint32_t *bp_batches_rows(const bp_batches *batches);
BP_API size_t bp_batches_count(const bp_batches *batches);
typedef enum bp_scaling_kind {
    BP_SCALING_STANDARD = 0,
    BP_SCALING_MINMAX,
} bp_scaling_kind;
BP_API bp_status bp_scaling_fit(float *shift, float *scale, const float *x, size_t stride, const uint32_t *index,
                                size_t rows, size_t columns, bp_scaling_kind kind);
typedef enum bp_scaling_nan {
    BP_SCALING_NAN_ERROR = 0,
    BP_SCALING_NAN_IGNORE
} bp_scaling_nan;
BP_API bp_status bp_scaling_fit_nan(float *shift, float *scale, const float *x, size_t stride, const uint32_t *index,
                                    size_t rows, size_t columns, bp_scaling_kind kind, bp_scaling_nan nan);
BP_API bp_status bp_scaling_fit_double(double *shift, double *scale, const double *x, size_t stride,
                                       const uint32_t *index, size_t rows, size_t columns, bp_scaling_kind kind,
                                       bp_scaling_nan nan);
BP_API bp_status bp_scaling_apply(float *y, size_t y_stride, const float *x, size_t x_stride, const float *shift,
                                  const float *scale, size_t rows, size_t columns);
BP_API bp_status bp_scaling_invert(float *x, size_t x_stride, const float *y, size_t y_stride, const float *shift,
                                   const float *scale, size_t rows, size_t columns);
BP_API bp_status bp_scaling_apply_double(float *y, size_t y_stride, const double *x, size_t x_stride,
                                         const double *shift, const double *scale, size_t rows, size_t columns);
BP_API bp_status bp_scaling_invert_double(double *x, size_t x_stride, const float *y, size_t y_stride,
                                          const double *shift, const double *scale, size_t rows, size_t columns);
BP_END_DECLS
#endif
