#ifndef BACKPROP_IMPUTE_H
#define BACKPROP_IMPUTE_H
#include <stddef.h>
#include <stdint.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef enum bp_impute_strategy {
    BP_IMPUTE_MEAN = 0,
    BP_IMPUTE_MEDIAN,
    BP_IMPUTE_MOST_FREQUENT,
    BP_IMPUTE_CONSTANT,
} bp_impute_strategy;
BP_API bp_status bp_impute_fit(float *fill, const float *x, size_t stride, const uint32_t *index, size_t rows,
                               size_t columns, bp_impute_strategy strategy, float constant);
BP_API bp_status bp_impute_apply(float *y, size_t y_stride, const float *x, size_t x_stride, const float *fill,
                                 size_t rows, size_t columns);
BP_END_DECLS
#endif
