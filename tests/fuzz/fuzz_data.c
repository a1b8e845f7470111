/*
 * The public functions around training, called by careless callers as in fuzz_calls.c: data sets, batches, scaling,
 * metrics, initial weights, random orders, schedules, early stopping, names.
 */
#include <string.h>

#include "../../kernels/enum_counts.h"
#include "../defaults.h"
#include "operands.h"

typedef struct careless {
    bytes in;
    operands arrays;
    size_t rows, columns, stride; /* of the call's matrices */
    bool odd_numbers;             /* the library says whether they are good */
} careless;

/* Strides of these functions: 0 stands for packed rows. */
static size_t take_own_stride(careless *c, size_t columns, size_t *given) {
    *given = take_flag(&c->in) ? take_stride(&c->in, columns) : 0;
    return *given == 0 ? columns : *given;
}

static void *matrix(careless *c, size_t *stride, bool output) {
    const size_t effective = take_own_stride(c, c->columns, stride);
    return operand_new(&c->arrays, &c->in, c->rows, c->columns, effective, sizeof(float), output);
}

static void *vector(careless *c, size_t count, size_t element, bool output) {
    return operand_new(&c->arrays, &c->in, 1, count, count, element, output);
}

static uint32_t *labels(careless *c, size_t count, size_t classes) {
    uint32_t *at = vector(c, count, sizeof *at, false);
    operand_labels(&c->arrays, &c->in, classes);
    c->odd_numbers |= classes == 0;
    return at;
}

/* Row numbers, each of which the arrays must have: they lie apart from the others, and those have such rows. */
static uint32_t *row_numbers(careless *c, size_t count) {
    for (size_t k = 0; k < c->arrays.count; k++)
        c->arrays.too_large |= c->arrays.list[k].at && c->arrays.list[k].rows == 0;
    uint32_t *at = labels(c, count, c->rows);
    c->arrays.too_large |= at && !c->arrays.list[c->arrays.count - 1].block;
    return at;
}

/* Whether the call may be made; if so the arrays are kept. */
static bool ready(careless *c) {
    operands_keep(&c->arrays);
    return !c->arrays.too_large;
}

static void done(careless *c, bp_status status) {
    operands_require_status(&c->arrays, status, c->odd_numbers);
}

/* ---- Metrics ---------------------------------------------------------------------------------------------------- */

static void classify(careless *c) {
    size_t stride;
    uint32_t *predicted = vector(c, c->rows, sizeof *predicted, true);
    float *outputs = matrix(c, &stride, false);
    if (ready(c))
        done(c, bp_classify(predicted, outputs, stride, c->rows, c->columns));
}

static void classify_binary(careless *c) {
    c->columns = 1;
    size_t stride;
    uint32_t *predicted = vector(c, c->rows, sizeof *predicted, true);
    float *outputs = matrix(c, &stride, false);
    const float threshold = take_float(&c->in);
    c->odd_numbers |= threshold != threshold;
    if (ready(c))
        done(c, bp_classify_binary(predicted, outputs, stride, c->rows, threshold));
}

static void accuracy(careless *c) {
    double *result = vector(c, 1, sizeof *result, true);
    uint32_t *predicted = labels(c, c->rows, c->columns), *right = labels(c, c->rows, c->columns);
    if (ready(c))
        done(c, bp_accuracy(result, predicted, right, c->rows));
}

static void accuracy_top(careless *c) {
    size_t stride;
    double *result = vector(c, 1, sizeof *result, true);
    float *outputs = matrix(c, &stride, false);
    uint32_t *right = labels(c, c->rows, c->columns);
    const size_t k = take_size(&c->in, 9);
    c->odd_numbers |= k == 0 || k > c->columns;
    if (ready(c))
        done(c, bp_accuracy_top(result, outputs, stride, right, c->rows, c->columns, k));
}

static void confusion(careless *c) {
    size_t cells = c->columns * c->columns;
    if (c->columns > SIZE_MAX / sizeof(uint64_t) / (c->columns ? c->columns : 1))
        cells = SIZE_MAX;
    uint64_t *counts = vector(c, cells, sizeof *counts, true);
    uint32_t *predicted = labels(c, c->rows, c->columns), *right = labels(c, c->rows, c->columns);
    const size_t index = take_size(&c->in, 9) - 1;
    if (!ready(c))
        return;
    done(c, bp_confusion_add(counts, predicted, right, c->rows, c->columns));
    if (c->arrays.bad || c->arrays.strange)
        return;
    bp_class_report report = {.rows = 12345};
    if (bp_confusion_report(&report, counts, c->columns, index) == BP_OK)
        REQUIRE(index < c->columns && report.right <= report.rows && report.right <= report.predicted);
    else
        REQUIRE(index >= c->columns && report.rows == 12345);
}

static void regression(careless *c) {
    size_t a_stride, y_stride;
    bp_regression_report *report = vector(c, sizeof *report / sizeof(double), sizeof(double), true);
    float *a = matrix(c, &a_stride, false), *y = matrix(c, &y_stride, false);
    if (ready(c))
        done(c, bp_regression_metrics(report, a, a_stride, y, y_stride, c->rows, c->columns));
}

/* ---- Columns' scales -------------------------------------------------------------------------------------------- */

static void scaling_fit(careless *c) {
    size_t stride;
    float *x = matrix(c, &stride, false);
    const size_t rows = take_flag(&c->in) ? c->rows : take_size(&c->in, 16);
    uint32_t *index = rows != c->rows || take_flag(&c->in) ? row_numbers(c, rows) : NULL;
    float *shift = vector(c, c->columns, sizeof *shift, true), *scale = vector(c, c->columns, sizeof *scale, true);
    const bp_scaling_kind kind = (bp_scaling_kind)take_below(&c->in, 4);
    c->odd_numbers = true; /* values may be infinite */
    if (rows != c->rows && !index)
        return;
    if (ready(c))
        done(c, bp_scaling_fit(shift, scale, x, stride, index, rows, c->columns, kind));
}

static void scaling_apply(careless *c) {
    size_t y_stride, x_stride;
    float *y = matrix(c, &y_stride, true), *x = matrix(c, &x_stride, false);
    float *shift = vector(c, c->columns, sizeof *shift, false), *scale = vector(c, c->columns, sizeof *scale, false);
    const bool invert = take_flag(&c->in);
    if (!ready(c))
        return;
    if (invert)
        done(c, bp_scaling_invert(y, y_stride, x, x_stride, shift, scale, c->rows, c->columns));
    else
        done(c, bp_scaling_apply(y, y_stride, x, x_stride, shift, scale, c->rows, c->columns));
}

/* ---- Random ----------------------------------------------------------------------------------------------------- */

static void initialize(careless *c) {
    const size_t stride = take_stride(&c->in, c->columns);
    float *w = operand_new(&c->arrays, &c->in, c->rows, c->columns, stride, sizeof *w, true);
    const bp_initializer initializer = {(bp_initializer_kind)take_below(&c->in, 9), take_float(&c->in)};
    c->odd_numbers |=
        initializer.kind >= INITIALIZER_COUNT || !(initializer.gain >= 0.0f) || initializer.gain > 3.4028235e38f;
    if (ready(c))
        done(c, bp_initialize(w, stride, c->rows, c->columns, initializer, take_u64(&c->in, 2), take_byte(&c->in)));
}

static void permutation(careless *c) {
    uint32_t *order = vector(c, c->rows, sizeof *order, true);
    if (!ready(c))
        return;
    const bp_status status = bp_random_permutation(order, c->rows, take_u64(&c->in, 8), take_u64(&c->in, 8));
    done(c, status);
    uint64_t sum = 0;
    for (size_t k = 0; status == BP_OK && k < c->rows; k++)
        sum += order[k];
    REQUIRE(status != BP_OK || sum == (uint64_t)c->rows * (c->rows - 1) / 2);
}

/* ---- Data sets -------------------------------------------------------------------------------------------------- */

static bp_dataset dataset(careless *c) {
    bp_dataset d = {.rows = c->rows, .input_columns = c->columns};
    d.inputs = matrix(c, &d.input_stride, false);
    if (take_flag(&c->in)) {
        d.target_columns = c->columns;
        d.targets = matrix(c, &d.target_stride, false);
    }
    if (take_flag(&c->in))
        d.labels = labels(c, c->rows, 10);
    if (take_flag(&c->in))
        d.weights = vector(c, c->rows, sizeof(float), false);
    if (take_flag(&c->in)) { /* rows of a data set that has more or fewer of them than its arrays */
        d.rows = take_size(&c->in, 40);
        d.index = row_numbers(c, d.rows);
        if (!d.index)
            d.rows = c->rows;
    }
    return d;
}

static void walk(bp_batches *batches, const bp_dataset *d) {
    bp_batch batch;
    size_t rows = 0, count = 0;
    while (bp_batches_next(batches, &batch)) {
        const uint32_t *numbers = bp_batches_rows(batches);
        const size_t stride = batch.input_stride ? batch.input_stride : d->input_columns;
        for (size_t n = 0; n < batch.rows; n++) {
            const float *from = d->inputs + numbers[n] * (d->input_stride ? d->input_stride : d->input_columns);
            REQUIRE(memcmp(batch.inputs + n * stride, from, d->input_columns * sizeof *from) == 0);
            REQUIRE(!batch.labels || batch.labels[n] == d->labels[numbers[n]]);
        }
        rows += batch.rows;
        count++;
    }
    REQUIRE(rows == d->rows && count == bp_batches_count(batches));
    REQUIRE(!bp_batches_next(batches, &batch));
}

static void batches(careless *c) {
    const bp_dataset d = dataset(c);
    const size_t rows = take_size(&c->in, 12);
    bp_batches *made = (bp_batches *)&made;
    c->odd_numbers |= rows == 0 || rows > 4096;
    if (!ready(c) || (rows > 4096 && rows < SIZE_MAX / 1024))
        return;
    const bp_status status = bp_batches_create(&d, rows, NULL, &made);
    done(c, status);
    REQUIRE((status == BP_OK) == (made != NULL));
    if (!made)
        return;
    const uint64_t epoch = take_flag(&c->in) ? take_byte(&c->in) : take_u64(&c->in, 8);
    walk(made, &d);
    REQUIRE((bp_batches_shuffle(made, take_u64(&c->in, 8), epoch) == BP_OK) == (epoch >> 32 == 0));
    if (epoch >> 32 == 0)
        walk(made, &d);
    REQUIRE(bp_batches_restart(made) == BP_OK);
    walk(made, &d);
    bp_batches_destroy(made);
}

static void split(careless *c) {
    bp_dataset d = dataset(c), first = d, second = d;
    uint32_t *index = vector(c, d.rows, sizeof *index, true);
    const size_t rows = take_size(&c->in, 20);
    c->odd_numbers |= rows == 0 || rows >= d.rows;
    if (!ready(c))
        return;
    const bp_status status = bp_dataset_split(&d, rows, take_u64(&c->in, 8), index, &first, &second);
    done(c, status);
    if (status == BP_OK)
        REQUIRE(first.rows == rows && second.rows == d.rows - rows && first.inputs == d.inputs);
    else
        REQUIRE(memcmp(&first, &d, sizeof d) == 0 && memcmp(&second, &d, sizeof d) == 0);
}

/* ---- Numbers and names ------------------------------------------------------------------------------------------ */

static void schedule(careless *c) {
    const bp_schedule s = SCHEDULE(
        BP_SCHEDULE_CONSTANT, .kind = (bp_schedule_kind)take_below(&c->in, 7), .learning_rate = take_float(&c->in),
        .warmup = take_u64(&c->in, take_flag(&c->in) ? 8 : 1), .steps = take_u64(&c->in, take_flag(&c->in) ? 8 : 1),
        .factor = take_float(&c->in), .start = take_float(&c->in), .end = take_float(&c->in));
    float learning_rate = -0.125f;
    for (size_t k = 0; k < 4; k++) {
        const bp_status status =
            bp_schedule_learning_rate(&s, take_u64(&c->in, 1 + take_below(&c->in, 8)), &learning_rate);
        REQUIRE(status == BP_OK ? learning_rate >= 0.0f && learning_rate <= 3.4028235e38f
                                : status == BP_ERROR_VALUE && learning_rate == -0.125f);
        learning_rate = -0.125f;
    }
}

static void stopping(careless *c) {
    bp_early_stopping state = EARLY_STOPPING(.patience = take_size(&c->in, 4), .min_delta = (double)take_float(&c->in));
    for (size_t k = 0; k < 8; k++) {
        const bp_early_stopping before = state;
        bool improved, stop;
        const bp_status status = bp_early_stopping_next(&state, (double)take_float(&c->in), &improved, &stop);
        REQUIRE(status == BP_OK ? state.seen == before.seen + 1 && state.best_at < state.seen
                                : memcmp(&before, &state, sizeof state) == 0);
    }
}

#define NAMES(kind, from_name, name_of)                                                                                \
    do {                                                                                                               \
        bp_##kind value = (bp_##kind)77;                                                                               \
        const bp_status status = bp_##from_name(text, &value);                                                         \
        REQUIRE(status == BP_OK ? strcmp(bp_##name_of(value), text) == 0 : (int)value == 77);                          \
        const char *name = bp_##name_of((bp_##kind)number);                                                            \
        REQUIRE(!name || (bp_##from_name(name, &value) == BP_OK && value == (bp_##kind)number));                       \
    } while (0)

static void names(careless *c) {
    char text[40] = "";
    const int number = (int)take_u64(&c->in, take_flag(&c->in) ? 4 : 1);
    const size_t length = bytes_left(&c->in) < sizeof text - 1 ? bytes_left(&c->in) : sizeof text - 1;
    memcpy(text, c->in.at, length);
    NAMES(activation_kind, activation_from_name, activation_name);
    NAMES(loss_kind, loss_from_name, loss_name);
    NAMES(optimizer_kind, optimizer_from_name, optimizer_name);
    NAMES(schedule_kind, schedule_from_name, schedule_name);
    NAMES(initializer_kind, initializer_from_name, initializer_name);
    NAMES(isa, isa_from_name, isa_name);
    bp_quantity_name((bp_quantity)number);
    bp_activation_saves_input((bp_activation_kind)number);
    REQUIRE(bp_status_string((bp_status)number)[0] != '\0');
    REQUIRE(bp_dtype_bytes((bp_dtype)number) <= 8);
    const size_t states = bp_optimizer_states((bp_optimizer_kind)number);
    REQUIRE(states <= BP_OPTIMIZER_STATES && !bp_optimizer_state_name((bp_optimizer_kind)number, states));
    const bp_kernels *kernels = NULL;
    REQUIRE((bp_kernels_for((bp_isa)number, &kernels) == BP_OK) == (kernels != NULL));
    REQUIRE(bp_cpu_supports((bp_isa)number) == (kernels != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const calls[])(careless *) = {classify,   classify_binary, accuracy,      accuracy_top, confusion,
                                                regression, scaling_fit,     scaling_apply, initialize,   permutation,
                                                batches,    split,           schedule,      stopping,     names};
    careless c = {.in = bytes_of(data, size)};
    const size_t call = take_below(&c.in, sizeof calls / sizeof *calls);
    c.rows = take_size(&c.in, 33);
    c.columns = take_size(&c.in, 9);
    calls[call](&c);
    operands_free(&c.arrays);
    return 0;
}
