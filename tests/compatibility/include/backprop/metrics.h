#ifndef BACKPROP_METRICS_H
#define BACKPROP_METRICS_H
#include <stddef.h>
#include <stdint.h>
#include <backprop/export.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
BP_API bp_status bp_classify(uint32_t *predicted, const float *outputs, size_t stride, size_t rows, size_t classes);
BP_API bp_status bp_classify_binary(uint32_t *predicted, const float *outputs, size_t stride, size_t rows,
                                    float threshold);
BP_API bp_status bp_accuracy(double *accuracy, const uint32_t *predicted, const uint32_t *labels, size_t rows);
BP_API bp_status bp_accuracy_top(double *accuracy, const float *outputs, size_t stride, const uint32_t *labels,
                                 size_t rows, size_t classes, size_t k);
BP_API bp_status bp_confusion_add(uint64_t *counts, const uint32_t *predicted, const uint32_t *labels, size_t rows,
                                  size_t classes);
typedef struct bp_class_report {
    uint64_t rows;
    uint64_t predicted;
    uint64_t right;
    double precision;
    double recall;
    double f1;
} bp_class_report;
BP_API bp_status bp_confusion_report(bp_class_report *report, const uint64_t *counts, size_t classes, size_t index);
typedef struct bp_regression_report {
    double mse, rmse, mae, max_error, r2;
} bp_regression_report;
BP_API bp_status bp_regression_metrics(bp_regression_report *report, const float *a, size_t a_stride, const float *y,
                                       size_t y_stride, size_t rows, size_t columns);
BP_END_DECLS
#endif
