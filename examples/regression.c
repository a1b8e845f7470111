/*
 * Regression on a table: the last column of a CSV file is predicted from the others. The file's first line names the
 * columns; all are numbers.
 *
 * The rows are split at random: 70 % to train on, 15 % to stop by, 15 % to judge by. Missing inputs become their
 * column's median, and columns are brought to one scale; both are found on the first part alone, so that nothing of the
 * others leaks into the training.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <backprop/backprop.h>

#include "example.h"

#ifndef DEFAULT_FILE
#define DEFAULT_FILE "examples/data/projectile.csv"
#endif

/* A table with its inputs and its target apart. */
typedef struct table {
    size_t rows, inputs;
    char target[64]; /* its name */
    float *x, *y;    /* [rows x inputs], [rows] */
} table;

static table read_table(const char *path) {
    bp_csv_options csv_options = bp_csv_options_defaults();
    csv_options.header = true;
    csv_options.missing = BP_CSV_MISSING_NAN;
    csv_options.missing_text = "?";
    bp_file_error error;
    bp_csv *csv;
    if (bp_csv_open(path, &csv_options, &csv, &error) != BP_OK)
        fail("%s: %s", path, error.text);
    table t = {.rows = bp_csv_rows(csv), .inputs = bp_csv_columns(csv) - 1};
    if (t.rows < 20 || t.inputs == 0)
        fail("%s: needs 20 rows and 2 columns at least", path);
    t.x = allocate(t.rows * t.inputs, sizeof(float));
    t.y = allocate(t.rows, sizeof(float));
    if (bp_csv_numbers(csv, 0, t.inputs, t.x, 0, &error) != BP_OK ||
        bp_csv_numbers(csv, t.inputs, 1, t.y, 0, &error) != BP_OK)
        fail("%s: line %zu, column %zu: %s", path, error.line, error.column, error.text);
    for (size_t n = 0; n < t.rows; n++)
        if (isnan(t.y[n]))
            fail("%s: row %zu lacks its target", path, n + 1);
    snprintf(t.target, sizeof t.target, "%s", bp_csv_name(csv, t.inputs));
    bp_csv_close(csv);
    return t;
}

/* Puts the median of the rows to train on where a number is missing. */
static void fill_in(float *values, const bp_dataset *training, size_t rows, size_t columns) {
    float *fill = allocate(columns, sizeof(float));
    check(bp_impute_fit(fill, values, 0, training->index, training->rows, columns, BP_IMPUTE_MEDIAN, 0.0f));
    check(bp_impute_apply(values, 0, values, 0, fill, rows, columns));
    free(fill);
}

/* Brings the columns of a matrix to mean 0 and deviation 1 on the rows to train on. */
static void scale(float *values, const bp_dataset *training, size_t rows, size_t columns, float *shift, float *spread) {
    check(bp_scaling_fit(shift, spread, values, 0, training->index, training->rows, columns, BP_SCALING_STANDARD));
    check(bp_scaling_apply(values, 0, values, 0, shift, spread, rows, columns));
}

static bp_network *make_network(size_t inputs) {
    const size_t sizes[] = {inputs, 64, 64, 1};
    const bp_activation activations[] = {
        {.kind = BP_ACTIVATION_TANH}, {.kind = BP_ACTIVATION_TANH}, {.kind = BP_ACTIVATION_IDENTITY}};
    const bp_optimizer adam = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
    bp_network_config config = bp_network_config_defaults();
    config.layers = 3;
    config.sizes = sizes;
    config.activations = activations;
    config.loss = BP_LOSS_HUBER;
    config.optimizer = &adam;
    config.max_batch_size = 32;
    config.seed = 1;
    bp_network *network;
    check(bp_network_create(&config, &network));
    return network;
}

/* Every tenth epoch. */
static bool report(void *context, const bp_fit_progress *now) {
    (void)context;
    if (now->epoch % 10 == 0)
        printf("epoch %zu: loss %.6f, of the second part %.6f\n", now->epoch + 1, now->loss, now->validation_loss);
    return false;
}

/* How good the predictions for a part are, in the target's own units. */
static void judge(bp_network *network, const table *t, const bp_dataset *part, const float *shift,
                  const float *spread) {
    float *predicted = allocate(part->rows, sizeof(float)), *measured = allocate(part->rows, sizeof(float));
    for (size_t n = 0; n < part->rows; n++)
        measured[n] = t->y[part->index[n]];
    check(bp_network_predict(network, part, predicted, 0));
    check(bp_scaling_invert(predicted, 0, predicted, 0, shift, spread, part->rows, 1));
    check(bp_scaling_invert(measured, 0, measured, 0, shift, spread, part->rows, 1));
    bp_regression_report errors;
    check(bp_regression_metrics(&errors, predicted, 0, measured, 0, part->rows, 1));
    printf("%s of %zu other rows: mean error %.3f, root mean square %.3f, largest %.3f, R^2 %.5f\n", t->target,
           part->rows, errors.mae, errors.rmse, errors.max_error, errors.r2);
    free(predicted);
    free(measured);
}

int main(int argc, char **argv) {
    enum { DATA, EPOCHS, PATIENCE, OPTIONS };
    example_option options[OPTIONS] = {
        [DATA] = {"--data", DEFAULT_FILE, "a CSV file with a header, the target in its last column"},
        [EPOCHS] = {"--epochs", "500", "passes over the rows, at most"},
        [PATIENCE] = {"--patience", "50", "epochs without improvement after which it stops"},
    };
    example_options(argc, argv, "Learns to predict the last column of a table from the others.", options, OPTIONS);
    table t = read_table(options[DATA].value);

    const bp_dataset set = {
        .rows = t.rows, .inputs = t.x, .input_columns = t.inputs, .targets = t.y, .target_columns = 1};
    const size_t part = t.rows * 15 / 100;
    bp_dataset training, rest, stopping_part, judging_part;
    uint32_t *index = allocate(t.rows, sizeof *index), *rest_index = allocate(2 * part, sizeof *index);
    check(bp_dataset_split(&set, t.rows - 2 * part, 1, index, &training, &rest));
    check(bp_dataset_split(&rest, part, 2, rest_index, &stopping_part, &judging_part));

    float *shift = allocate(t.inputs, sizeof(float)), *spread = allocate(t.inputs, sizeof(float));
    float target_shift, target_spread;
    fill_in(t.x, &training, t.rows, t.inputs);
    scale(t.x, &training, t.rows, t.inputs, shift, spread);
    scale(t.y, &training, t.rows, 1, &target_shift, &target_spread);

    bp_network *network = make_network(t.inputs);
    bp_early_stopping stopping = bp_early_stopping_defaults();
    stopping.patience = (size_t)example_number(&options[PATIENCE], 1, 1000000);
    bp_fit_options fit = bp_fit_options_defaults();
    fit.epochs = (size_t)example_number(&options[EPOCHS], 1, 1000000);
    fit.learning_rate = 3e-3f;
    fit.seed = 1;
    fit.validation = &stopping_part;
    fit.stopping = &stopping;
    fit.restore_best = true;
    fit.on_epoch = report;
    bp_fit_result result;
    check(bp_network_fit(network, &training, &fit, &result));
    printf("%zu epochs, the best one was %zu\n", result.epochs, result.best_epoch + 1);
    judge(network, &t, &judging_part, &target_shift, &target_spread);
    example_finish(network);

    bp_network_destroy(network);
    free(index);
    free(rest_index);
    free(shift);
    free(spread);
    free(t.x);
    free(t.y);
    return 0;
}
