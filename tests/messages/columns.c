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
    SAYS("kind is 77, and must be one of bp_scaling_kind", bp_scaling_fit, y, shift, x, 0, NULL, 2, 2,
         (bp_scaling_kind)77);
    REFUSED("x", bp_scaling_fit, y, shift, NULL, 0, NULL, 2, 2, BP_SCALING_MINMAX);
    REFUSED("nan", bp_scaling_fit_nan, y, shift, x, 0, NULL, 2, 2, BP_SCALING_MINMAX, (bp_scaling_nan)77);
    REFUSED("scale", bp_scaling_fit_double, wide_shift, NULL, wide, 0, NULL, 1, 2, BP_SCALING_MINMAX,
            BP_SCALING_NAN_ERROR);
    REFUSED("y", bp_scaling_apply, NULL, 0, x, 0, scale, scale, 2, 2);
    REFUSED("x", bp_scaling_invert, NULL, 0, y, 0, scale, scale, 2, 2);
    REFUSED("shift", bp_scaling_apply_double, y, 0, wide, 0, NULL, wide_scale, 1, 2);
    REFUSED("scale", bp_scaling_invert_double, wide_y, 0, y, 0, wide_scale, NULL, 1, 2);
    REFUSED("strategy", bp_impute_fit, shift, x, 0, NULL, 2, 2, (bp_impute_strategy)77, 0);
    REFUSED("fill", bp_impute_apply, y, 0, x, 0, NULL, 2, 2);
    REFUSED("outputs", bp_classify, predicted, NULL, 0, 2, 2);
    REFUSED("threshold", bp_classify_binary, predicted, x, 1, 2, NAN);
    REFUSED("labels", bp_accuracy, &accuracy, predicted, NULL, 2);
    REFUSED("k", bp_accuracy_top, &accuracy, x, 0, labels, 2, 2, 3);
    REFUSED("labels[1]", bp_accuracy_top, &accuracy, x, 0, labels, 2, 2, 1);
    REFUSED("predicted[1]", bp_confusion_add, counts, labels, labels, 2, 2);
    REFUSED("index", bp_confusion_report, &report, counts, 2, 2);
    REFUSED("y", bp_regression_metrics, &regression, x, 0, NULL, 0, 2, 2);
}
