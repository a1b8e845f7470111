/* What feeds a network and reads its outputs. */
#include "modes.h"

#include <math.h>

static void classes(notes *n) {
    const float tiny[] = {TINY, 2e-40f, 3e-40f, 0.0f};
    const uint32_t label[] = {2};
    uint32_t predicted[4];
    double accuracy;
    said(n, bp_classify(predicted, tiny, 0, 1, 4));
    gave(n, predicted, sizeof *predicted);
    said(n, bp_classify_binary(predicted, tiny, 1, 4, 0.0f));
    gave(n, predicted, sizeof predicted);
    said(n, bp_accuracy_top(tiny, 0, label, 1, 4, 1, &accuracy));
    gave(n, &accuracy, sizeof accuracy);
    const float nothing = NAN;
    explained(n, bp_classify(predicted, tiny, 0, 0, 4));
    explained(n, bp_classify_binary(predicted, tiny, 1, 4, nothing));
    explained(n, bp_accuracy_top(tiny, 0, label, 1, 4, 0, &accuracy));
    explained(n, bp_accuracy_top(tiny, 0, label, 1, 2, 1, &accuracy));
}

static void counts(notes *n) {
    const uint32_t *predicted = labels(n, 13, 3), *right = labels(n, 13, 3);
    double accuracy;
    uint64_t matrix[9] = {0};
    said(n, bp_accuracy(predicted, right, 13, &accuracy));
    gave(n, &accuracy, sizeof accuracy);
    explained(n, bp_accuracy(predicted, right, 0, &accuracy));
    said(n, bp_confusion_add(matrix, 3, predicted, right, 13));
    explained(n, bp_confusion_add(matrix, 2, predicted, right, 13));
    for (size_t k = 0; k <= 3; k++) {
        bp_class_report report = {0};
        explained(n, bp_confusion_report(matrix, 3, k, &report));
        gave(n, &report, sizeof report);
    }
}

static void regression(notes *n) {
    bp_regression_report report = {0};
    said(n, bp_regression_metrics(numbers(n, 33), 0, numbers(n, 33), 0, 11, 3, &report));
    gave(n, &report, sizeof report);
    explained(n, bp_regression_metrics(numbers(n, 33), 0, numbers(n, 33), 0, 11, 0, &report));
}

static void scaling(notes *n) {
    enum { ROWS = 11, COLUMNS = 3 };
    float *x = numbers(n, ROWS * COLUMNS), *y = numbers(n, ROWS * COLUMNS), shift[COLUMNS], scale[COLUMNS];
    for (unsigned k = 0; k < BP_SCALING_COUNT; k++) {
        said(n, bp_scaling_fit((bp_scaling_kind)k, x, 0, NULL, ROWS, COLUMNS, shift, scale));
        gave(n, shift, sizeof shift);
        gave(n, scale, sizeof scale);
        said(n, bp_scaling_apply(y, 0, x, 0, ROWS, COLUMNS, shift, scale));
        gave(n, y, ROWS * COLUMNS * sizeof *y);
        said(n, bp_scaling_invert(y, 0, y, 0, ROWS, COLUMNS, shift, scale));
        gave(n, y, ROWS * COLUMNS * sizeof *y);
    }
    /* A column of denormals has a scale of its own, not 1. */
    const float tiny[] = {TINY, 3e-40f, 2e-40f};
    said(n, bp_scaling_fit(BP_SCALING_MINMAX, tiny, 0, NULL, 3, 1, shift, scale));
    gave(n, scale, sizeof scale[0]);
    explained(n, bp_scaling_apply(y, 0, x, 0, ROWS, 0, shift, scale));
    explained(n, bp_scaling_invert(y, 0, x, 0, ROWS, 0, shift, scale));
    x[5] = INFINITY; /* found after the mode is entered */
    explained(n, bp_scaling_fit(BP_SCALING_STANDARD, x, 0, NULL, ROWS, COLUMNS, shift, scale));
    explained(n, bp_scaling_fit(BP_SCALING_COUNT, x, 0, NULL, ROWS, COLUMNS, shift, scale));
}

static void early_stopping(notes *n) {
    bp_early_stopping state = {.patience = 2, .improvement = 1e-310}; /* denormal in binary64 */
    const double values[] = {1.0, 0.1, 0.1, 0x1.999999999998ap-4, 3e-310, 2.5e-310, 2e-310, 1e-310, 0.5e-310};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        bool improved, stop;
        said(n, bp_early_stopping_next(&state, values[k], &improved, &stop));
        counted(n, improved);
        counted(n, stop);
        gave(n, &state.best, sizeof state.best);
    }
    bp_early_stopping rounding = {.patience = 9, .improvement = 0x1.8p-54}; /* 1 - this lies between two numbers */
    bool improved[2];
    said(n, bp_early_stopping_next(&rounding, 1.0, &improved[0], NULL));
    said(n, bp_early_stopping_next(&rounding, 0x1.fffffffffffffp-1, &improved[1], NULL));
    gave(n, improved, sizeof improved);
    bp_early_stopping bad = {.patience = 2, .improvement = -1e-310};
    explained(n, bp_early_stopping_next(&bad, 1.0, NULL, NULL));
}

static void datasets(notes *n) {
    const bp_dataset set = {.rows = 11,
                            .inputs = numbers(n, 33),
                            .input_columns = 3,
                            .targets = numbers(n, 11),
                            .target_columns = 1,
                            .weights = numbers(n, 11)};
    uint32_t index[11];
    bp_dataset first, second;
    said(n, bp_dataset_split(&set, 7, 5, index, &first, &second));
    explained(n, bp_dataset_split(&set, 0, 5, index, &first, &second));
    gave(n, index, sizeof index);
    bp_batches *batches = NULL;
    explained(n, bp_batches_create(&second, 0, NULL, &batches));
    said(n, bp_batches_create(&first, 4, NULL, &batches));
    counted(n, bp_batches_count(batches));
    said(n, bp_batches_shuffle(batches, 1, 2));
    bp_batch batch;
    while (bp_batches_next(batches, &batch)) {
        gave(n, batch.inputs, batch.rows * 3 * sizeof(float));
        gave(n, batch.targets, batch.rows * sizeof(float));
        gave(n, batch.weights, batch.rows * sizeof(float));
        gave(n, bp_batches_rows(batches), batch.rows * sizeof(uint32_t));
    }
    explained(n, bp_batches_shuffle(batches, 1, UINT64_MAX));
    said(n, bp_batches_restart(batches));
    counted(n, bp_batches_next(batches, &batch));
    bp_batches_destroy(batches);
    returned(n);
}

const mode_case training_cases[] = {
    {"bp_classify bp_classify_binary bp_accuracy_top", classes},
    {"bp_accuracy bp_confusion_add bp_confusion_report", counts},
    {"bp_regression_metrics", regression},
    {"bp_scaling_fit bp_scaling_apply bp_scaling_invert", scaling},
    {"bp_early_stopping_next", early_stopping},
    {"bp_dataset_split bp_batches_create bp_batches_count bp_batches_shuffle bp_batches_next bp_batches_rows "
     "bp_batches_restart bp_batches_destroy",
     datasets},
    {NULL, NULL},
};
