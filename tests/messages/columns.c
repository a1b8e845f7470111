/* Columns of data: the rest of data.h, impute.h, metrics.h. */
#include <math.h>

#include "messages.h"

void columns_are_refused(void) {
    const float x[] = {1, NAN, 3, 4}, scale[] = {1, 1};
    const double wide[] = {1, NAN}, wide_scale[] = {1, 1};
    const uint32_t labels[] = {0, 7};
    float y[4], shift[2];
    double wide_y[4], wide_shift[2], accuracy;
    uint32_t predicted[2];
    uint64_t counts[4] = {0};
    bp_class_report report;
    bp_regression_report regression;
    SAYS("kind is 77, and must be one of bp_scaling_kind", bp_scaling_fit, (bp_scaling_kind)77, x, 0, NULL, 2, 2, y,
         shift);
    REFUSED("x", bp_scaling_fit, BP_SCALING_MINMAX, NULL, 0, NULL, 2, 2, y, shift);
    REFUSED("nan", bp_scaling_fit_nan, BP_SCALING_MINMAX, (bp_scaling_nan)77, x, 0, NULL, 2, 2, y, shift);
    REFUSED("scale", bp_scaling_fit_double, BP_SCALING_MINMAX, BP_SCALING_NAN_ERROR, wide, 0, NULL, 1, 2, wide_shift,
            NULL);
    REFUSED("y", bp_scaling_apply, NULL, 0, x, 0, 2, 2, scale, scale);
    REFUSED("x", bp_scaling_invert, NULL, 0, y, 0, 2, 2, scale, scale);
    REFUSED("shift", bp_scaling_apply_double, y, 0, wide, 0, 1, 2, NULL, wide_scale);
    REFUSED("scale", bp_scaling_invert_double, wide_y, 0, y, 0, 1, 2, wide_scale, NULL);
    REFUSED("strategy", bp_impute_fit, (bp_impute_strategy)77, x, 0, NULL, 2, 2, 0, shift);
    REFUSED("fill", bp_impute_apply, y, 0, x, 0, 2, 2, NULL);
    REFUSED("outputs", bp_classify, predicted, NULL, 0, 2, 2);
    REFUSED("threshold", bp_classify_binary, predicted, x, 1, 2, NAN);
    REFUSED("labels", bp_accuracy, predicted, NULL, 2, &accuracy);
    REFUSED("k", bp_accuracy_top, x, 0, labels, 2, 2, 3, &accuracy);
    REFUSED("labels[1]", bp_accuracy_top, x, 0, labels, 2, 2, 1, &accuracy);
    REFUSED("predicted[1]", bp_confusion_add, counts, 2, labels, labels, 2);
    REFUSED("index", bp_confusion_report, counts, 2, 2, &report);
    REFUSED("y", bp_regression_metrics, x, 0, NULL, 0, 2, 2, &regression);
}
