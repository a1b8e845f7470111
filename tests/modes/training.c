/* What feeds a network and reads its outputs. */
#include "defaults.h"
#include "enum_counts.h"
#include "modes.h"

#include <math.h>
#include <string.h>

static void classes(notes *n) {
    const float tiny[] = {TINY, 2e-40f, 3e-40f, 0.0f};
    const uint32_t label[] = {2};
    uint32_t predicted[4];
    double accuracy;
    said(n, bp_classify(predicted, tiny, 0, 1, 4));
    gave(n, predicted, sizeof *predicted);
    said(n, bp_classify_binary(predicted, tiny, 1, 4, 0.0f));
    gave(n, predicted, sizeof predicted);
    said(n, bp_accuracy_top(&accuracy, tiny, 0, label, 1, 4, 1));
    gave(n, &accuracy, sizeof accuracy);
    const float nothing = NAN;
    explained(n, bp_classify(predicted, tiny, 0, 0, 4));
    explained(n, bp_classify_binary(predicted, tiny, 1, 4, nothing));
    explained(n, bp_accuracy_top(&accuracy, tiny, 0, label, 1, 4, 0));
    explained(n, bp_accuracy_top(&accuracy, tiny, 0, label, 1, 2, 1));
}

static void counts(notes *n) {
    const uint32_t *predicted = labels(n, 13, 3), *right = labels(n, 13, 3);
    double accuracy;
    uint64_t matrix[9] = {0};
    said(n, bp_accuracy(&accuracy, predicted, right, 13));
    gave(n, &accuracy, sizeof accuracy);
    explained(n, bp_accuracy(&accuracy, predicted, right, 0));
    said(n, bp_confusion_add(matrix, predicted, right, 13, 3));
    explained(n, bp_confusion_add(matrix, predicted, right, 13, 2));
    for (size_t k = 0; k <= 3; k++) {
        bp_class_report report = {0};
        explained(n, bp_confusion_report(&report, matrix, 3, k));
        gave(n, &report, sizeof report);
    }
}

static void regression(notes *n) {
    bp_regression_report report = {0};
    said(n, bp_regression_metrics(&report, numbers(n, 33), 0, numbers(n, 33), 0, 11, 3));
    gave(n, &report, sizeof report);
    explained(n, bp_regression_metrics(&report, numbers(n, 33), 0, numbers(n, 33), 0, 11, 0));
}

static void scaling(notes *n) {
    enum { ROWS = 11, COLUMNS = 3 };
    float *x = numbers(n, ROWS * COLUMNS), *y = numbers(n, ROWS * COLUMNS), shift[COLUMNS], scale[COLUMNS];
    for (unsigned k = 0; k < SCALING_COUNT; k++) {
        said(n, bp_scaling_fit(shift, scale, x, 0, NULL, ROWS, COLUMNS, (bp_scaling_kind)k));
        gave(n, shift, sizeof shift);
        gave(n, scale, sizeof scale);
        said(n, bp_scaling_apply(y, 0, x, 0, shift, scale, ROWS, COLUMNS));
        gave(n, y, ROWS * COLUMNS * sizeof *y);
        said(n, bp_scaling_invert(y, 0, y, 0, shift, scale, ROWS, COLUMNS));
        gave(n, y, ROWS * COLUMNS * sizeof *y);
    }
    /* A column of denormals has a scale of its own, not 1. */
    const float tiny[] = {TINY, 3e-40f, 2e-40f};
    said(n, bp_scaling_fit(shift, scale, tiny, 0, NULL, 3, 1, BP_SCALING_MINMAX));
    gave(n, scale, sizeof scale[0]);
    explained(n, bp_scaling_apply(y, 0, x, 0, shift, scale, ROWS, 0));
    explained(n, bp_scaling_invert(y, 0, x, 0, shift, scale, ROWS, 0));
    x[5] = INFINITY; /* found after the mode is entered */
    explained(n, bp_scaling_fit(shift, scale, x, 0, NULL, ROWS, COLUMNS, BP_SCALING_STANDARD));
    explained(n, bp_scaling_fit(shift, scale, x, 0, NULL, ROWS, COLUMNS, SCALING_COUNT));
}

/* Columns with missing numbers, and doubles. */
static void scaling_of_gaps(notes *n) {
    enum { ROWS = 11, COLUMNS = 3 };
    float *x = numbers(n, ROWS * COLUMNS), shift[COLUMNS], scale[COLUMNS];
    for (size_t k = 1; k < ROWS * COLUMNS; k += 4)
        x[k] = NAN;
    for (unsigned k = 0; k < SCALING_COUNT; k++) {
        const bp_scaling_kind kind = (bp_scaling_kind)k;
        explained(n, bp_scaling_fit_nan(shift, scale, x, 0, NULL, ROWS, COLUMNS, kind, BP_SCALING_NAN_IGNORE));
        gave(n, shift, sizeof shift);
        gave(n, scale, sizeof scale);
        explained(n, bp_scaling_fit_nan(shift, scale, x, 0, NULL, ROWS, COLUMNS, kind, BP_SCALING_NAN_ERROR));
    }
    const float tiny[] = {TINY, NAN, 3e-40f, 2e-40f};
    for (unsigned k = 0; k < SCALING_COUNT; k++) {
        said(n, bp_scaling_fit_nan(shift, scale, tiny, 0, NULL, 4, 1, (bp_scaling_kind)k, BP_SCALING_NAN_IGNORE));
        gave(n, shift, sizeof *shift);
        gave(n, scale, sizeof *scale);
    }
    x[5] = -INFINITY;
    explained(n, bp_scaling_fit_nan(shift, scale, x, 0, NULL, ROWS, COLUMNS, BP_SCALING_MINMAX, BP_SCALING_NAN_IGNORE));
}

static void scaling_of_doubles(notes *n) {
    enum { ROWS = 5, COLUMNS = 3 };
    double x[ROWS * COLUMNS] = {1700000060.1, 1e-310, 0.1, 1700000061.3, 3e-310, 0.7, 1700000060.2, 2e-310,
                                0.2,          1e9,    NAN, 0.3,          7e8,    NAN, 1.0 / 3.0};
    double shift[COLUMNS], scale[COLUMNS];
    float y[ROWS * COLUMNS];
    for (unsigned k = 0; k < SCALING_COUNT; k++) {
        const bp_scaling_kind kind = (bp_scaling_kind)k;
        explained(n, bp_scaling_fit_double(shift, scale, x, 0, NULL, ROWS, COLUMNS, kind, BP_SCALING_NAN_IGNORE));
        gave(n, shift, sizeof shift);
        gave(n, scale, sizeof scale);
        explained(n, bp_scaling_apply_double(y, 0, x, 0, shift, scale, ROWS, COLUMNS));
        gave(n, y, sizeof y);
        double back[ROWS * COLUMNS];
        explained(n, bp_scaling_invert_double(back, 0, y, 0, shift, scale, ROWS, COLUMNS));
        gave(n, back, sizeof back);
        explained(n, bp_scaling_fit_double(shift, scale, x, 0, NULL, ROWS, COLUMNS, kind, BP_SCALING_NAN_ERROR));
    }
    /* Quotients that are denormal in binary32, and one that lies halfway between two floats. */
    const double wide[] = {1e-40, 3e-46, 0x1.000001p0};
    const double none = 0.0, unit = 1.0, third = 1e-310;
    said(n, bp_scaling_apply_double(y, 0, wide, 0, &none, &unit, 3, 1));
    gave(n, y, 3 * sizeof *y);
    double back[3];
    said(n, bp_scaling_invert_double(back, 0, y, 0, &third, &third, 3, 1));
    gave(n, back, sizeof back);
    explained(n, bp_scaling_apply_double(y, 0, wide, 0, &none, &unit, 3, 0));
    explained(n, bp_scaling_invert_double(back, 0, NULL, 0, &none, &unit, 3, 1));
    x[4] = INFINITY;
    explained(
        n, bp_scaling_fit_double(shift, scale, x, 0, NULL, ROWS, COLUMNS, BP_SCALING_STANDARD, BP_SCALING_NAN_IGNORE));
}

/* A constant that signals: to look at it traps. */
static float signalling_nan(void) {
    const uint32_t bits = 0x7f800001;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void imputation(notes *n) {
    enum { ROWS = 6, COLUMNS = 3 };
    /* Denormals are numbers apart; two sums round. */
    float x[ROWS * COLUMNS] = {3e-40f, 0.1f,  1.0f,          TINY,   0.7f, 0x1.000002p0f, NAN,  NAN,  NAN,
                               2e-40f, -0.3f, 0x1.000002p0f, 3e-40f, 0.1f, 1.0f,          TINY, TINY, 0x1.000004p0f};
    float fill[COLUMNS], y[ROWS * COLUMNS];
    x[8] = signalling_nan();
    for (unsigned k = 0; k <= IMPUTE_COUNT; k++)
        for (size_t rows = ROWS - 1; rows <= ROWS; rows++) {
            explained(n, bp_impute_fit(fill, x, 0, NULL, rows, COLUMNS, (bp_impute_strategy)k, TINY));
            gave(n, fill, sizeof fill);
            explained(n, bp_impute_apply(y, 0, x, 0, fill, rows, COLUMNS));
            gave(n, y, rows * COLUMNS * sizeof *y);
        }
    explained(n, bp_impute_fit(fill, x, 0, NULL, ROWS, COLUMNS, BP_IMPUTE_CONSTANT, signalling_nan()));
    explained(n, bp_impute_apply(y, 0, x, 0, fill, ROWS, 0));
    x[3] = INFINITY;
    explained(n, bp_impute_fit(fill, x, 0, NULL, ROWS, COLUMNS, BP_IMPUTE_MEDIAN, 0.0f));
    gave(n, fill, sizeof fill);
}

static void early_stopping(notes *n) {
    bp_early_stopping state = EARLY_STOPPING(.patience = 2, .min_delta = 1e-310); /* denormal in binary64 */
    const double values[] = {1.0, 0.1, 0.1, 0x1.999999999998ap-4, 3e-310, 2.5e-310, 2e-310, 1e-310, 0.5e-310};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        bool improved, stop;
        said(n, bp_early_stopping_next(&state, values[k], &improved, &stop));
        counted(n, improved);
        counted(n, stop);
        gave(n, &state.best, sizeof state.best);
    }
    bp_early_stopping rounding =
        EARLY_STOPPING(.patience = 9, .min_delta = 0x1.8p-54); /* 1 - this lies between two numbers */
    bool improved[2];
    said(n, bp_early_stopping_next(&rounding, 1.0, &improved[0], NULL));
    said(n, bp_early_stopping_next(&rounding, 0x1.fffffffffffffp-1, &improved[1], NULL));
    gave(n, improved, sizeof improved);
    bp_early_stopping bad = EARLY_STOPPING(.patience = 2, .min_delta = -1e-310);
    explained(n, bp_early_stopping_next(&bad, 1.0, NULL, NULL));
}

/* States of which only hosts that keep denormals, and round to nearest, make the same. */
static void plateaus(notes *n) {
    bp_plateau states[] = {
        PLATEAU(.learning_rate = 0.1f, .factor = 0.7f, .learning_rate_min = TINY, .threshold = 1e-310, .patience = 0,
                .relative = false),
        PLATEAU(.learning_rate = 0.1f, .factor = 0.3f, .threshold = 0x1.8p-54, .patience = 1, .cooldown = 1,
                .relative = false),
        PLATEAU(.learning_rate = 0.7f, .factor = 0.1f, .threshold = 0.1, .relative = true, .patience = 0),
        PLATEAU(.learning_rate = 3e-40f, .factor = 0.5f, .learning_rate_min = TINY, .threshold = 1e-310,
                .relative = true, .patience = 0),
        PLATEAU(.learning_rate = TINY, .factor = TINY, .threshold = 0.0, .patience = 0, .relative = false),
    };
    static const double values[] = {1.0,
                                    0x1.fffffffffffffp-1,
                                    0.9,
                                    0.81,
                                    0x1.3d70a3d70a3d8p-1,
                                    3e-310,
                                    2.5e-310,
                                    2e-310,
                                    1e-310,
                                    0.5e-310,
                                    NAN,
                                    0.3,
                                    0.4};
    for (size_t s = 0; s < sizeof states / sizeof *states; s++)
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            bool reduced = false;
            explained(n, bp_plateau_next(&states[s], values[k], &reduced));
            counted(n, reduced);
            gave(n, &states[s].learning_rate, sizeof states[s].learning_rate);
            gave(n, &states[s].best, sizeof states[s].best);
        }
    const bp_plateau bad[] = {
        PLATEAU(.learning_rate = -TINY, .factor = 0.7f, .patience = 0, .threshold = 0, .relative = false),
        PLATEAU(.learning_rate = 0.1f, .factor = -TINY, .patience = 0, .threshold = 0, .relative = false),
        PLATEAU(.learning_rate = 0.1f, .factor = 0.7f, .learning_rate_min = -TINY, .patience = 0, .threshold = 0,
                .relative = false),
        PLATEAU(.learning_rate = 0.1f, .factor = 0.7f, .threshold = -1e-310, .patience = 0, .relative = false),
        PLATEAU(.learning_rate = signalling_nan(), .factor = 0.7f, .patience = 0, .threshold = 0, .relative = false)};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        bp_plateau state = bad[k];
        explained(n, bp_plateau_next(&state, 1.0, NULL));
        gave(n, &state.learning_rate, sizeof state.learning_rate);
    }
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
    {"bp_scaling_fit_nan", scaling_of_gaps},
    {"bp_scaling_fit_double bp_scaling_apply_double bp_scaling_invert_double", scaling_of_doubles},
    {"bp_impute_fit bp_impute_apply", imputation},
    {"bp_early_stopping_next", early_stopping},
    {"bp_plateau_next", plateaus},
    {"bp_dataset_split bp_batches_create bp_batches_count bp_batches_shuffle bp_batches_next bp_batches_rows "
     "bp_batches_restart bp_batches_destroy",
     datasets},
    {NULL, NULL},
};
