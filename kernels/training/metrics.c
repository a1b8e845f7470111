/* Predicted classes and values against the true ones. */
#include <backprop/metrics.h>

#include <inttypes.h>
#include <math.h>

#include "check/refuse.h"
#include "float_environment.h"

/* ---- Classes -------------------------------------------------------------------------------------------------- */

/* Whether output a of a class ranks before output b of a later class: a >= b, where NaN is the smallest. */
static bool not_below(float a, float b) {
    return isnan(b) || a >= b;
}

static size_t largest(const float *outputs, size_t classes) {
    size_t best = 0;
    for (size_t k = 1; k < classes; k++)
        if (!not_below(outputs[best], outputs[k]))
            best = k;
    return best;
}

/* The number of classes that rank before `label`. */
static size_t rank_of(const float *outputs, size_t classes, size_t label) {
    size_t rank = 0;
    for (size_t k = 0; k < label; k++)
        rank += not_below(outputs[k], outputs[label]);
    for (size_t k = label + 1; k < classes; k++)
        rank += !not_below(outputs[label], outputs[k]);
    return rank;
}

/* Checks the arrays and the result, a double or a struct of doubles: it is aligned and does not overlap them. */
static bp_status check_result(const void *result, size_t bytes, const matrix *given, size_t count,
                              const matrix_names *names) {
    const matrix r = widened(vector_of(result, bytes / sizeof(double)), true);
    return bp_check_named(&r, 1, given, count, names);
}

static const matrix_names classify_names[] = {{"predicted", .columns = "rows"},
                                              {"outputs", "stride", "rows", "classes"}};

bp_status bp_classify(uint32_t *predicted, const float *outputs, size_t stride, size_t rows, size_t classes) {
    CONTRACT_MODE(host);
    if (!predicted || !outputs)
        return FAIL_NULL({"predicted", predicted}, {"outputs", outputs});
    const matrix result = vector_of(predicted, rows), given = matrix_given(outputs, rows, classes, stride);
    const bp_status status = bp_check_named(&result, 1, &given, 1, classify_names);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        predicted[n] = (uint32_t)largest(outputs + n * given.ld, classes);
    return BP_OK;
}

bp_status bp_classify_binary(uint32_t *predicted, const float *outputs, size_t stride, size_t rows, float threshold) {
    CONTRACT_MODE(host);
    if (!predicted || !outputs)
        return FAIL_NULL({"predicted", predicted}, {"outputs", outputs});
    if (isnan(threshold))
        return bp_fail(BP_ERROR_VALUE, "threshold is NaN, and must be a number");
    const matrix result = vector_of(predicted, rows), given = matrix_given(outputs, rows, 1, stride);
    const bp_status status = bp_check_named(&result, 1, &given, 1, classify_names);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < rows; n++)
        predicted[n] = outputs[n * given.ld] > threshold;
    return BP_OK;
}

bp_status bp_accuracy(double *accuracy, const uint32_t *predicted, const uint32_t *labels, size_t rows) {
    CONTRACT_MODE(host);
    if (!accuracy || !predicted || !labels)
        return FAIL_NULL({"accuracy", accuracy}, {"predicted", predicted}, {"labels", labels});
    const matrix given[] = {vector_of(predicted, rows), vector_of(labels, rows)};
    const matrix_names names[] = {
        {.data = "accuracy"}, {"predicted", .columns = "rows"}, {"labels", .columns = "rows"}};
    const bp_status status = check_result(accuracy, sizeof *accuracy, given, 2, names);
    if (status != BP_OK)
        return status;
    size_t right = 0;
    for (size_t n = 0; n < rows; n++)
        right += predicted[n] == labels[n];
    *accuracy = (double)right / (double)rows;
    return BP_OK;
}

bp_status bp_accuracy_top(double *accuracy, const float *outputs, size_t stride, const uint32_t *labels, size_t rows,
                          size_t classes, size_t k) {
    CONTRACT_MODE(host);
    if (!accuracy || !outputs || !labels)
        return FAIL_NULL({"accuracy", accuracy}, {"outputs", outputs}, {"labels", labels});
    const matrix given[] = {matrix_given(outputs, rows, classes, stride), vector_of(labels, rows)};
    const matrix_names names[] = {
        {.data = "accuracy"}, {"outputs", "stride", "rows", "classes"}, {"labels", .columns = "rows"}};
    const bp_status status = check_result(accuracy, sizeof *accuracy, given, 2, names);
    if (status != BP_OK)
        return status;
    if (k == 0 || k > classes)
        return bp_fail(BP_ERROR_VALUE, "k is %zu, and must be from 1 to the %zu classes", k, classes);
    if (check_labels(labels, rows, classes) != BP_OK)
        return bp_fail_labels(labels, rows, classes, "labels");
    size_t right = 0;
    for (size_t n = 0; n < rows; n++)
        right += rank_of(outputs + n * given[0].ld, classes, labels[n]) < k;
    *accuracy = (double)right / (double)rows;
    return BP_OK;
}

/* ---- Confusion ------------------------------------------------------------------------------------------------ */

static bp_status check_counts(const uint64_t *counts, size_t classes) {
    if (classes == 0)
        return bp_fail(BP_ERROR_SIZE, "classes is 0, and must be at least 1");
    if (classes > PTRDIFF_MAX / sizeof *counts / classes)
        return bp_fail(BP_ERROR_OVERFLOW,
                       "classes is %zu, and counts of that many squared must fit into the address "
                       "range",
                       classes);
    return (uintptr_t)counts % sizeof *counts == 0
               ? BP_OK
               : bp_fail(BP_ERROR_ALIGNMENT, "counts lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes",
                         (uintptr_t)counts, sizeof *counts);
}

bp_status bp_confusion_add(uint64_t *counts, const uint32_t *predicted, const uint32_t *labels, size_t rows,
                           size_t classes) {
    if (!counts || !predicted || !labels)
        return FAIL_NULL({"counts", counts}, {"predicted", predicted}, {"labels", labels});
    const matrix given[] = {vector_of(predicted, rows), vector_of(labels, rows)};
    const matrix_names names[] = {{"predicted", .columns = "rows"}, {"labels", .columns = "rows"}};
    bp_status status = check_counts(counts, classes);
    if (status != BP_OK || (status = bp_check_named(NULL, 0, given, 2, names)) != BP_OK)
        return status;
    for (size_t k = 0; k < 2; k++)
        if (ranges_overlap(counts, classes * classes * sizeof *counts, given[k].data, matrix_extent(given[k])))
            return bp_fail(BP_ERROR_OVERLAP, "counts overlaps %s, and must lie apart from it", names[k].data);
    if (check_labels(predicted, rows, classes) != BP_OK)
        return bp_fail_labels(predicted, rows, classes, "predicted");
    if (check_labels(labels, rows, classes) != BP_OK)
        return bp_fail_labels(labels, rows, classes, "labels");
    for (size_t n = 0; n < rows; n++)
        counts[labels[n] * classes + predicted[n]]++;
    return BP_OK;
}

static double quotient(uint64_t part, uint64_t whole) {
    return whole == 0 ? 0.0 : (double)part / (double)whole;
}

bp_status bp_confusion_report(bp_class_report *report, const uint64_t *counts, size_t classes, size_t index) {
    CONTRACT_MODE(host);
    if (!report || !counts)
        return FAIL_NULL({"report", report}, {"counts", counts});
    bp_status status = check_counts(counts, classes);
    if (status != BP_OK ||
        (status = check_result(report, sizeof *report, NULL, 0, &(matrix_names){.data = "report"})) != BP_OK)
        return status;
    if (ranges_overlap(report, sizeof *report, counts, classes * classes * sizeof *counts))
        return bp_fail(BP_ERROR_OVERLAP, "report overlaps counts, and must lie apart from it");
    if (index >= classes)
        return bp_fail(BP_ERROR_LABEL, "index is %zu, and must be below the %zu classes", index, classes);
    bp_class_report r = {.right = counts[index * classes + index]};
    for (size_t k = 0; k < classes; k++) {
        r.rows += counts[index * classes + k];
        r.predicted += counts[k * classes + index];
    }
    r.precision = quotient(r.right, r.predicted);
    r.recall = quotient(r.right, r.rows);
    r.f1 = quotient(2 * r.right, r.rows + r.predicted);
    *report = r;
    return BP_OK;
}

/* ---- Regression ----------------------------------------------------------------------------------------------- */

/* Sums over columns so far. */
typedef struct sums {
    double squares, magnitudes, most, spread;
} sums;

static void add_column(sums *s, const float *a, size_t a_stride, const float *y, size_t y_stride, size_t rows) {
    double mean = 0.0;
    for (size_t n = 0; n < rows; n++) {
        const double target = (double)y[n * y_stride], e = (double)a[n * a_stride] - target;
        s->squares += e * e;
        s->magnitudes += fabs(e);
        if (!isnan(s->most) && !(fabs(e) <= s->most))
            s->most = fabs(e);
        mean += target;
    }
    mean /= (double)rows;
    for (size_t n = 0; n < rows; n++) {
        const double d = (double)y[n * y_stride] - mean;
        s->spread += d * d;
    }
}

bp_status bp_regression_metrics(bp_regression_report *report, const float *a, size_t a_stride, const float *y,
                                size_t y_stride, size_t rows, size_t columns) {
    CONTRACT_MODE(host);
    if (!report || !a || !y)
        return FAIL_NULL({"report", report}, {"a", a}, {"y", y});
    const matrix given[] = {matrix_given(a, rows, columns, a_stride), matrix_given(y, rows, columns, y_stride)};
    const matrix_names names[] = {
        {.data = "report"}, {"a", "a_stride", "rows", "columns"}, {"y", "y_stride", "rows", "columns"}};
    const bp_status status = check_result(report, sizeof *report, given, 2, names);
    if (status != BP_OK)
        return status;
    sums s = {0};
    for (size_t j = 0; j < columns; j++)
        add_column(&s, a + j, given[0].ld, y + j, given[1].ld, rows);
    const double count = (double)rows * (double)columns;
    bp_regression_report r = {.mse = s.squares / count, .mae = s.magnitudes / count, .max_error = s.most};
    r.rmse = sqrt(r.mse);
    if (s.spread == 0.0 && !isnan(s.squares))
        r.r2 = s.squares == 0.0 ? 1.0 : 0.0;
    else
        r.r2 = 1.0 - s.squares / s.spread;
    *report = r;
    return BP_OK;
}
