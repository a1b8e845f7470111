/* Classes and regression errors: numbers worked out by hand, ties and NaN, identities on random data, bad inputs. */
#include <math.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <backprop/backprop.h>

#include "harness/random.h"
#include "harness/session.h"
#include "refusals.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- Classes -------------------------------------------------------------------------------------------------- */

static void the_largest_output_is_the_class(void **state) {
    (void)state;
    static const struct {
        float outputs[4];
        uint32_t expected;
    } cases[] = {
        {{1, 2, 4, 3}, 2},
        {{4, 2, 4, 4}, 0},
        {{-1, -1, -2, -1}, 0},
        {{-INFINITY, -INFINITY, -1, -INFINITY}, 2},
        {{0, 1, INFINITY, INFINITY}, 2},
        {{NAN, -5, -3, -4}, 2},
        {{1, NAN, 2, NAN}, 2},
        {{NAN, NAN, -INFINITY, NAN}, 2},
        {{NAN, NAN, NAN, NAN}, 0},
        {{-0.0f, 0.0f, -0.0f, 0.0f}, 0},
    };
    for (size_t k = 0; k < COUNT(cases); k++) {
        uint32_t predicted = 9;
        assert_int_equal(bp_classify(&predicted, cases[k].outputs, 0, 1, 4), BP_OK);
        assert_int_equal(predicted, cases[k].expected);
    }
    static const float strided[] = {1, 2, 99, 5, 4, 99, 7, 7, 99};
    uint32_t predicted[3];
    assert_int_equal(bp_classify(predicted, strided, 3, 3, 2), BP_OK);
    assert_int_equal(predicted[0], 1);
    assert_int_equal(predicted[1], 0);
    assert_int_equal(predicted[2], 0);

    static const float logits[] = {0.5f, -1, 0.51f, -1, NAN, -1, INFINITY, -1};
    static const uint32_t expected[] = {0, 1, 0, 1};
    uint32_t binary[4];
    assert_int_equal(bp_classify_binary(binary, logits, 2, 4, 0.5f), BP_OK);
    assert_memory_equal(binary, expected, sizeof binary);
    assert_int_equal(bp_classify_binary(binary, logits, 0, 4, -INFINITY), BP_OK);
    assert_int_equal(binary[1], 1);
}

static void the_best_k_by_hand(void **state) {
    (void)state;
    /* The order of classes by size: 2 0 3 1; 0 1 2 3 for equal ones; NaN last: 1 3 0 2. */
    static const float outputs[] = {3, 1, 4, 2, 5, 5, 5, 5, NAN, 2, NAN, 1};
    static const uint32_t ranks[3][4] = {{1, 3, 0, 2}, {0, 1, 2, 3}, {2, 0, 3, 1}};
    for (uint32_t label = 0; label < 4; label++)
        for (size_t k = 1; k <= 4; k++) {
            const uint32_t labels[] = {label, label, label};
            size_t right = 0;
            for (size_t n = 0; n < 3; n++)
                right += ranks[n][label] < k;
            double accuracy = -1;
            assert_int_equal(bp_accuracy_top(&accuracy, outputs, 0, labels, 3, 4, k), BP_OK);
            assert_true(accuracy == (double)right / 3);
        }
}

/* On random data: the best one is the class, more are never less, all are everything, and counts agree. */
static void ways_to_count_agree(void **state) {
    (void)state;
    enum { ROWS = 400, CLASSES = 6 };
    static float outputs[ROWS * CLASSES];
    uint32_t labels[ROWS], predicted[ROWS];
    test_random random = test_random_for(test_seed(), "metrics");
    for (size_t k = 0; k < ROWS * CLASSES; k++) { /* few values: many ties, and some NaN */
        const size_t drawn = test_random_below(&random, 6);
        outputs[k] = drawn == 5 ? NAN : (float)drawn;
    }
    for (size_t n = 0; n < ROWS; n++)
        labels[n] = (uint32_t)test_random_below(&random, CLASSES);
    double accuracy, before = 0, top;
    assert_int_equal(bp_classify(predicted, outputs, 0, ROWS, CLASSES), BP_OK);
    assert_int_equal(bp_accuracy(&accuracy, predicted, labels, ROWS), BP_OK);
    for (size_t k = 1; k <= CLASSES; k++) {
        assert_int_equal(bp_accuracy_top(&top, outputs, 0, labels, ROWS, CLASSES, k), BP_OK);
        assert_true(k > 1 ? top >= before : top == accuracy);
        before = top;
    }
    assert_true(top == 1);

    uint64_t counts[CLASSES * CLASSES] = {0}, right = 0, rows = 0, all = 0;
    assert_int_equal(bp_confusion_add(counts, predicted, labels, 150, CLASSES), BP_OK);
    assert_int_equal(bp_confusion_add(counts, predicted + 150, labels + 150, ROWS - 150, CLASSES), BP_OK);
    for (size_t c = 0; c < CLASSES; c++) {
        bp_class_report report;
        assert_int_equal(bp_confusion_report(&report, counts, CLASSES, c), BP_OK);
        right += report.right;
        rows += report.rows;
        all += report.predicted;
    }
    assert_int_equal(rows, ROWS);
    assert_int_equal(all, ROWS);
    assert_true((double)right / ROWS == accuracy);
}

static void confusion_by_hand(void **state) {
    (void)state;
    static const uint32_t labels[] = {0, 0, 0, 1, 1, 2, 2, 2, 2}, predicted[] = {0, 1, 1, 1, 1, 2, 0, 1, 1};
    static const uint64_t expected[16] = {1, 2, 0, 0, 0, 2, 0, 0, 1, 2, 1, 0, 0, 0, 0, 0};
    uint64_t counts[16] = {0};
    assert_int_equal(bp_confusion_add(counts, predicted, labels, 9, 4), BP_OK);
    assert_memory_equal(counts, expected, sizeof counts);
    static const bp_class_report reports[] = {
        {3, 2, 1, 1.0 / 2, 1.0 / 3, 2.0 / 5},
        {2, 6, 2, 2.0 / 6, 2.0 / 2, 4.0 / 8},
        {4, 1, 1, 1.0 / 1, 1.0 / 4, 2.0 / 5},
        {0, 0, 0, 0, 0, 0},
    };
    for (size_t k = 0; k < 4; k++) {
        bp_class_report r;
        assert_int_equal(bp_confusion_report(&r, counts, 4, k), BP_OK);
        assert_int_equal(r.rows, reports[k].rows);
        assert_int_equal(r.predicted, reports[k].predicted);
        assert_int_equal(r.right, reports[k].right);
        assert_true(r.precision == reports[k].precision);
        assert_true(r.recall == reports[k].recall);
        assert_true(r.f1 == reports[k].f1);
    }
}

/* ---- Regression ----------------------------------------------------------------------------------------------- */

static void regression_by_hand(void **state) {
    (void)state;
    /* Errors 1 -2 0 | 0 0 2; means 2 and 1; spread (1 + 0 + 1) + (1 + 1 + 0). */
    static const float y[] = {1, 0, 2, 2, 3, 1}, a[] = {2, 0, 99, 0, 2, 99, 3, 3, 99};
    bp_regression_report r;
    assert_int_equal(bp_regression_metrics(&r, a, 3, y, 0, 3, 2), BP_OK);
    assert_true(r.mse == 9.0 / 6);
    assert_true(r.rmse == sqrt(9.0 / 6));
    assert_true(r.mae == 5.0 / 6);
    assert_true(r.max_error == 2);
    assert_true(r.r2 == 1 - 9.0 / 4);

    static const float flat[] = {2, 2, 2}, off[] = {2, 2, 3};
    assert_int_equal(bp_regression_metrics(&r, flat, 0, flat, 0, 3, 1), BP_OK);
    assert_true(r.r2 == 1 && r.mse == 0 && r.max_error == 0);
    assert_int_equal(bp_regression_metrics(&r, off, 0, flat, 0, 3, 1), BP_OK);
    assert_true(r.r2 == 0 && r.max_error == 1);
}

static void regression_is_the_written_sequence(void **state) {
    (void)state;
    enum { ROWS = 57, COLUMNS = 3 };
    float a[ROWS * COLUMNS], y[ROWS * COLUMNS];
    test_random random = test_random_for(test_seed(), "regression");
    for (size_t k = 0; k < ROWS * COLUMNS; k++) {
        a[k] = test_random_symmetric(&random);
        y[k] = test_random_symmetric(&random);
    }
    double squares = 0, magnitudes = 0, most = 0, spread = 0;
    for (size_t j = 0; j < COLUMNS; j++) {
        double sum = 0;
        for (size_t n = 0; n < ROWS; n++) {
            const double e = (double)a[n * COLUMNS + j] - (double)y[n * COLUMNS + j];
            squares = squares + e * e;
            magnitudes = magnitudes + fabs(e);
            most = fmax(most, fabs(e));
            sum = sum + (double)y[n * COLUMNS + j];
        }
        for (size_t n = 0; n < ROWS; n++)
            spread = spread + ((double)y[n * COLUMNS + j] - sum / ROWS) * ((double)y[n * COLUMNS + j] - sum / ROWS);
    }
    bp_regression_report r;
    assert_int_equal(bp_regression_metrics(&r, a, 0, y, 0, ROWS, COLUMNS), BP_OK);
    assert_true(r.mse == squares / (ROWS * COLUMNS));
    assert_true(r.rmse == sqrt(r.mse));
    assert_true(r.mae == magnitudes / (ROWS * COLUMNS));
    assert_true(r.max_error == most);
    assert_true(r.r2 == 1 - squares / spread);
}

static void a_nan_is_not_hidden(void **state) {
    (void)state;
    for (size_t at = 0; at < 3; at++) {
        float a[] = {1, 5, 3}, y[] = {1, 2, 3};
        bp_regression_report r;
        a[at] = NAN;
        assert_int_equal(bp_regression_metrics(&r, a, 0, y, 0, 3, 1), BP_OK);
        assert_true(isnan(r.mse) && isnan(r.rmse) && isnan(r.mae) && isnan(r.max_error) && isnan(r.r2));
        assert_int_equal(bp_regression_metrics(&r, y, 0, a, 0, 3, 1), BP_OK);
        assert_true(isnan(r.mse) && isnan(r.rmse) && isnan(r.mae) && isnan(r.max_error) && isnan(r.r2));
        const float constant[] = {2, 2, 2};
        assert_int_equal(bp_regression_metrics(&r, a, 0, constant, 0, 3, 1), BP_OK);
        assert_true(isnan(r.r2));
    }
}

/* ---- Refused -------------------------------------------------------------------------------------------------- */

#define REFUSED(status, argument, call)                                                                                \
    do {                                                                                                               \
        mark_message();                                                                                                \
        if ((call) != (status))                                                                                        \
            fail_msg("line %d: not '%s'", __LINE__, bp_status_string(status));                                         \
        if (wrong_message(status, argument))                                                                           \
            fail_msg("line %d: '%s' does not say what is wrong with %s", __LINE__, bp_error_message(), argument);      \
    } while (0)

static const void *byte_off(const void *pointer) {
    return (const char *)pointer + 1;
}

/* Where a result can't go: beside its alignment, or onto what it is computed from. */
static void *unaligned(void *results) {
    return (char *)results + alignof(double) / 2;
}

static void bad_classes(void **state) {
    (void)state;
    double results[2] = {7, 7};
    float outputs[12] = {0};
    uint32_t labels[4] = {0, 1, 2, 0}, predicted[4] = {8, 8, 8, 8};
    double accuracy = 7;
    REFUSED(BP_ERROR_NULL, "predicted", bp_classify(NULL, outputs, 0, 4, 3));
    REFUSED(BP_ERROR_NULL, "outputs", bp_classify(predicted, NULL, 0, 4, 3));
    REFUSED(BP_ERROR_SIZE, "rows", bp_classify(predicted, outputs, 0, 0, 3));
    REFUSED(BP_ERROR_SIZE, "classes", bp_classify(predicted, outputs, 0, 4, 0));
    REFUSED(BP_ERROR_SIZE, "stride", bp_classify(predicted, outputs, 2, 4, 3));
    REFUSED(BP_ERROR_OVERFLOW, "stride", bp_classify(predicted, outputs, SIZE_MAX / 2, 4, 3));
    REFUSED(BP_ERROR_ALIGNMENT, "outputs", bp_classify(predicted, byte_off(outputs), 0, 3, 3));
    REFUSED(BP_ERROR_OVERLAP, "predicted", bp_classify((uint32_t *)(void *)(outputs + 2), outputs, 0, 4, 3));
    REFUSED(BP_ERROR_NULL, "predicted", bp_classify_binary(NULL, outputs, 0, 4, 0));
    REFUSED(BP_ERROR_NULL, "outputs", bp_classify_binary(predicted, NULL, 0, 4, 0));
    REFUSED(BP_ERROR_SIZE, "rows", bp_classify_binary(predicted, outputs, 0, 0, 0));
    REFUSED(BP_ERROR_VALUE, "threshold", bp_classify_binary(predicted, outputs, 0, 4, NAN));
    REFUSED(BP_ERROR_ALIGNMENT, "outputs", bp_classify_binary(predicted, byte_off(outputs), 0, 4, 0));
    REFUSED(BP_ERROR_OVERFLOW, "stride", bp_classify_binary(predicted, outputs, SIZE_MAX, 4, 0));
    REFUSED(BP_ERROR_OVERLAP, "predicted", bp_classify_binary((uint32_t *)(void *)outputs, outputs, 0, 4, 0));
    for (size_t n = 0; n < 4; n++)
        assert_int_equal(predicted[n], 8);

    REFUSED(BP_ERROR_NULL, "predicted", bp_accuracy(&accuracy, NULL, labels, 4));
    REFUSED(BP_ERROR_NULL, "labels", bp_accuracy(&accuracy, labels, NULL, 4));
    REFUSED(BP_ERROR_NULL, "accuracy", bp_accuracy(NULL, labels, labels, 4));
    REFUSED(BP_ERROR_SIZE, "rows", bp_accuracy(&accuracy, labels, labels, 0));
    REFUSED(BP_ERROR_OVERFLOW, "rows", bp_accuracy(&accuracy, labels, labels, SIZE_MAX));
    REFUSED(BP_ERROR_ALIGNMENT, "predicted", bp_accuracy(&accuracy, byte_off(labels), labels, 3));
    REFUSED(BP_ERROR_ALIGNMENT, "accuracy", bp_accuracy(unaligned(results), labels, labels, 4));
    REFUSED(BP_ERROR_OVERLAP, "accuracy", bp_accuracy(&results[1], (uint32_t *)(void *)results, labels, 4));
    REFUSED(BP_ERROR_ALIGNMENT, "accuracy", bp_accuracy_top(unaligned(results), outputs, 0, labels, 4, 3, 1));
    REFUSED(BP_ERROR_OVERLAP, "accuracy", bp_accuracy_top(&results[1], (float *)(void *)results, 0, labels, 4, 1, 1));
    assert_true(results[0] == 7 && results[1] == 7);
    REFUSED(BP_ERROR_NULL, "outputs", bp_accuracy_top(&accuracy, NULL, 0, labels, 4, 3, 1));
    REFUSED(BP_ERROR_NULL, "labels", bp_accuracy_top(&accuracy, outputs, 0, NULL, 4, 3, 1));
    REFUSED(BP_ERROR_NULL, "accuracy", bp_accuracy_top(NULL, outputs, 0, labels, 4, 3, 1));
    REFUSED(BP_ERROR_SIZE, "rows", bp_accuracy_top(&accuracy, outputs, 0, labels, 0, 3, 1));
    REFUSED(BP_ERROR_SIZE, "classes", bp_accuracy_top(&accuracy, outputs, 0, labels, 4, 0, 1));
    REFUSED(BP_ERROR_SIZE, "stride", bp_accuracy_top(&accuracy, outputs, 1, labels, 4, 3, 1));
    REFUSED(BP_ERROR_OVERFLOW, "stride", bp_accuracy_top(&accuracy, outputs, SIZE_MAX, labels, 4, 3, 1));
    REFUSED(BP_ERROR_ALIGNMENT, "outputs", bp_accuracy_top(&accuracy, byte_off(outputs), 0, labels, 3, 3, 1));
    REFUSED(BP_ERROR_VALUE, "k", bp_accuracy_top(&accuracy, outputs, 0, labels, 4, 3, 0));
    REFUSED(BP_ERROR_VALUE, "k", bp_accuracy_top(&accuracy, outputs, 0, labels, 4, 3, 4));
    REFUSED(BP_ERROR_LABEL, "classes", bp_accuracy_top(&accuracy, outputs, 0, labels, 4, 2, 1));
    assert_true(accuracy == 7);
}

static void bad_confusion(void **state) {
    (void)state;
    uint64_t counts[9] = {0};
    static const uint64_t zeros[9] = {0};
    uint32_t labels[4] = {0, 1, 2, 0}, wrong[4] = {0, 0, 0, 3};
    bp_class_report report = {.rows = 7};
    REFUSED(BP_ERROR_NULL, "counts", bp_confusion_add(NULL, labels, labels, 4, 3));
    REFUSED(BP_ERROR_NULL, "predicted", bp_confusion_add(counts, NULL, labels, 4, 3));
    REFUSED(BP_ERROR_NULL, "labels", bp_confusion_add(counts, labels, NULL, 4, 3));
    REFUSED(BP_ERROR_SIZE, "classes", bp_confusion_add(counts, labels, labels, 4, 0));
    REFUSED(BP_ERROR_SIZE, "rows", bp_confusion_add(counts, labels, labels, 0, 3));
    REFUSED(BP_ERROR_OVERFLOW, "classes", bp_confusion_add(counts, labels, labels, 4, SIZE_MAX / 2));
    REFUSED(BP_ERROR_OVERFLOW, "rows", bp_confusion_add(counts, labels, labels, SIZE_MAX / 2, 3));
    REFUSED(BP_ERROR_ALIGNMENT, "counts",
            bp_confusion_add((uint64_t *)(uintptr_t)byte_off(counts), labels, labels, 4, 2));
    REFUSED(BP_ERROR_ALIGNMENT, "labels", bp_confusion_add(counts, labels, byte_off(labels), 3, 3));
    REFUSED(BP_ERROR_OVERLAP, "labels", bp_confusion_add(counts, labels, (uint32_t *)(void *)counts, 4, 3));
    REFUSED(BP_ERROR_LABEL, "predicted", bp_confusion_add(counts, wrong, labels, 4, 3));
    REFUSED(BP_ERROR_LABEL, "labels", bp_confusion_add(counts, labels, wrong, 4, 3));
    assert_memory_equal(counts, zeros, sizeof counts);
    REFUSED(BP_ERROR_NULL, "counts", bp_confusion_report(&report, NULL, 3, 0));
    REFUSED(BP_ERROR_NULL, "report", bp_confusion_report(NULL, counts, 3, 0));
    REFUSED(BP_ERROR_SIZE, "classes", bp_confusion_report(&report, counts, 0, 0));
    REFUSED(BP_ERROR_OVERFLOW, "classes", bp_confusion_report(&report, counts, SIZE_MAX, 0));
    REFUSED(BP_ERROR_ALIGNMENT, "counts", bp_confusion_report(&report, byte_off(counts), 2, 0));
    REFUSED(BP_ERROR_ALIGNMENT, "report", bp_confusion_report(unaligned(&report), counts, 1, 0));
    REFUSED(BP_ERROR_OVERLAP, "report", bp_confusion_report((bp_class_report *)(void *)counts, counts, 3, 0));
    REFUSED(BP_ERROR_LABEL, "index", bp_confusion_report(&report, counts, 3, 3));
    assert_int_equal(report.rows, 7);
}

static void bad_regression(void **state) {
    (void)state;
    float a[6] = {0}, y[6] = {0};
    bp_regression_report r = {.mse = 7};
    REFUSED(BP_ERROR_NULL, "a", bp_regression_metrics(&r, NULL, 0, y, 0, 3, 2));
    REFUSED(BP_ERROR_NULL, "y", bp_regression_metrics(&r, a, 0, NULL, 0, 3, 2));
    REFUSED(BP_ERROR_NULL, "report", bp_regression_metrics(NULL, a, 0, y, 0, 3, 2));
    REFUSED(BP_ERROR_SIZE, "rows", bp_regression_metrics(&r, a, 0, y, 0, 0, 2));
    REFUSED(BP_ERROR_SIZE, "columns", bp_regression_metrics(&r, a, 0, y, 0, 3, 0));
    REFUSED(BP_ERROR_SIZE, "a_stride", bp_regression_metrics(&r, a, 1, y, 0, 3, 2));
    REFUSED(BP_ERROR_SIZE, "y_stride", bp_regression_metrics(&r, a, 0, y, 1, 3, 2));
    REFUSED(BP_ERROR_OVERFLOW, "a_stride", bp_regression_metrics(&r, a, SIZE_MAX, y, 0, 3, 2));
    REFUSED(BP_ERROR_ALIGNMENT, "y", bp_regression_metrics(&r, a, 0, byte_off(y), 0, 2, 2));
    REFUSED(BP_ERROR_ALIGNMENT, "report", bp_regression_metrics(unaligned(&r), a, 0, y, 0, 3, 2));
    REFUSED(BP_ERROR_OVERLAP, "a", bp_regression_metrics(&r, (float *)(void *)&r, 0, y, 0, 3, 2));
    assert_true(r.mse == 7);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_output_is_the_class),
        cmocka_unit_test(the_best_k_by_hand),
        cmocka_unit_test(ways_to_count_agree),
        cmocka_unit_test(confusion_by_hand),
        cmocka_unit_test(regression_by_hand),
        cmocka_unit_test(regression_is_the_written_sequence),
        cmocka_unit_test(a_nan_is_not_hidden),
        cmocka_unit_test(bad_classes),
        cmocka_unit_test(bad_confusion),
        cmocka_unit_test(bad_regression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
