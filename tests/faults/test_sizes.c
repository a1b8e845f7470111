/*
 * Sizes whose products leave the address range, wrap around it, or wrap to something small: every public function
 * refuses them and writes nothing. What is too large is said here by divisions, array by array.
 */
#include <stdio.h>

#include "bad_inputs.h"
#include "defaults.h"
#include "fit_support.h"
#include "kernel_sizes.h"
#include "large_sizes.h"
#include "storage/files.h"

enum { ARGUMENTS = 8, ARRAYS = 6 };

/* An array of a call: which arguments are its rows, columns and distance between rows; argument 0 is a 1. */
typedef struct array_of {
    unsigned char rows, columns, stride;
} array_of;

typedef bp_status call_fn(const size_t *n);

typedef struct entry {
    const char *name;
    call_fn *call;
    size_t count;           /* of arguments, the 1 included */
    size_t good[ARGUMENTS]; /* one of each */
    array_of arrays[ARRAYS];
    bp_status other; /* a status that some of these calls may have as well; 0: none */
} entry;

static bp_network *network; /* IN - OUT - 2 */
static bp_csv *csv;         /* 3 x 4 */

/* ---- Data and metrics ------------------------------------------------------------------------------------------- */

static bp_status classify(const size_t *n) {
    return bp_classify(labels(), slot(0), n[3], n[1], n[2]);
}

static bp_status classify_binary(const size_t *n) {
    return bp_classify_binary(labels(), slot(0), n[2], n[1], 0);
}

static bp_status accuracy(const size_t *n) {
    double result;
    return bp_accuracy(&result, labels(), labels(), n[1]);
}

static bp_status accuracy_top(const size_t *n) {
    double result;
    return bp_accuracy_top(&result, slot(0), n[3], labels(), n[1], n[2], 1);
}

static bp_status confusion(const size_t *n) {
    return bp_confusion_add((uint64_t *)(void *)slot(0), labels(), labels(), n[2], n[1]);
}

static bp_status confusion_report(const size_t *n) {
    bp_class_report report;
    return bp_confusion_report(&report, (uint64_t *)(void *)slot(0), n[1], 0);
}

static bp_status regression(const size_t *n) {
    bp_regression_report report;
    return bp_regression_metrics(&report, slot(0), n[3], slot(1), n[4], n[1], n[2]);
}

static bp_status scaling_fit(const size_t *n) {
    return bp_scaling_fit(slot(1), slot(2), slot(0), n[3], NULL, n[1], n[2], BP_SCALING_STANDARD);
}

static bp_status scaling_apply(const size_t *n) {
    return bp_scaling_apply(slot(0), n[3], slot(1), n[4], slot(2), slot(3), n[1], n[2]);
}

static bp_status scaling_invert(const size_t *n) {
    return bp_scaling_invert(slot(0), n[3], slot(1), n[4], slot(2), slot(3), n[1], n[2]);
}

static bp_status scaling_fit_nan(const size_t *n) {
    return bp_scaling_fit_nan(slot(1), slot(2), slot(0), n[3], NULL, n[1], n[2], BP_SCALING_MINMAX,
                              BP_SCALING_NAN_IGNORE);
}

static double *wide_slot(size_t k) {
    return (double *)(void *)slot(k);
}

static bp_status scaling_fit_double(const size_t *n) {
    return bp_scaling_fit_double(wide_slot(1), wide_slot(2), wide_slot(0), n[3], NULL, n[1], n[2], BP_SCALING_STANDARD,
                                 BP_SCALING_NAN_IGNORE);
}

static bp_status scaling_apply_double(const size_t *n) {
    return bp_scaling_apply_double(slot(0), n[3], wide_slot(1), n[4], wide_slot(2), wide_slot(3), n[1], n[2]);
}

static bp_status scaling_invert_double(const size_t *n) {
    return bp_scaling_invert_double(wide_slot(0), n[3], slot(1), n[4], wide_slot(2), wide_slot(3), n[1], n[2]);
}

static bp_status impute_fit(const size_t *n) {
    return bp_impute_fit(slot(1), slot(0), n[3], NULL, n[1], n[2], BP_IMPUTE_MEDIAN, 0.0f);
}

static bp_status impute_apply(const size_t *n) {
    return bp_impute_apply(slot(0), n[3], slot(1), n[4], slot(2), n[1], n[2]);
}

static bp_dataset dataset(const size_t *n) {
    return (bp_dataset){.rows = n[1],
                        .inputs = slot(0),
                        .input_columns = n[2],
                        .input_stride = n[3],
                        .targets = slot(1),
                        .target_columns = n[4],
                        .target_stride = n[5]};
}

static bp_status split(const size_t *n) {
    bp_dataset set = dataset(n);
    return bp_dataset_split(&set, 1, 5, labels(), &set, &set);
}

static bp_status batches(const size_t *n) {
    const bp_dataset set = dataset(n);
    bp_batches *made = NULL;
    const bp_status status = bp_batches_create(&set, 2, NULL, &made);
    bp_batches_destroy(made);
    return status;
}

static bp_status predict(const size_t *n) {
    bp_dataset set = dataset(n);
    return bp_network_predict(network, &set, slot(2), n[4]);
}

static bp_status evaluate(const size_t *n) {
    const bp_dataset set = dataset(n);
    double loss;
    return bp_network_evaluate(network, &set, &loss);
}

static bp_status fit(const size_t *n) {
    const bp_dataset set = dataset(n);
    return bp_network_fit(network, &set, &(bp_fit_options)FIT_OPTIONS(.epochs = 1), NULL);
}

/* ---- Networks --------------------------------------------------------------------------------------------------- */

static bp_batch batch(const size_t *n) {
    return (bp_batch){.rows = n[1], .inputs = slot(0), .input_stride = n[2], .targets = slot(1), .target_stride = n[3]};
}

static bp_status network_forward(const size_t *n) {
    const bp_batch b = batch(n);
    return bp_network_forward(network, &b, slot(2), n[3]);
}

static bp_status network_loss(const size_t *n) {
    const bp_batch b = batch(n);
    float loss;
    return bp_network_loss(network, &b, &loss);
}

static bp_status train_step(const size_t *n) {
    const bp_batch b = batch(n);
    return bp_network_train_step(network, &b, 0.5f, NULL);
}

static bp_status accumulate(const size_t *n) {
    const bp_batch b = batch(n);
    return bp_network_accumulate(network, &b, 9, NULL);
}

static bp_status find_nonfinite(const size_t *n) {
    const bp_batch b = batch(n);
    bp_nonfinite found;
    return bp_network_find_nonfinite(network, &b, &found);
}

static bp_status backward(const size_t *n) {
    const bp_batch b = {.rows = n[1], .inputs = slot(0), .input_stride = n[2]};
    const bp_backward_options options = BACKWARD_OPTIONS(.learning_rate = 0.5f, .delta = slot(1), .delta_stride = n[3],
                                                         .input_gradient = slot(2), .input_gradient_stride = n[4]);
    return bp_network_backward(network, &b, &options);
}

static bp_status tensor_read(const size_t *n) {
    return bp_network_tensor_read(network, 0, slot(0), (const size_t[]){n[1], 1});
}

static bp_status tensor_write(const size_t *n) {
    return bp_network_tensor_write(network, 0, slot(0), (const size_t[]){n[1], 1});
}

static bp_status tensor_read_transposed(const size_t *n) {
    return bp_network_tensor_read(network, 0, slot(0), (const size_t[]){1, n[1]});
}

static bp_status tensor_write_transposed(const size_t *n) {
    return bp_network_tensor_write(network, 0, slot(0), (const size_t[]){1, n[1]});
}

static bp_status tensor_read_vector(const size_t *n) {
    return bp_network_tensor_read(network, 1, slot(0), n + 1);
}

static bp_status tensor_write_vector(const size_t *n) {
    return bp_network_tensor_write(network, 1, slot(0), n + 1);
}

/* ---- Files ------------------------------------------------------------------------------------------------------ */

static bp_status npy_write(const size_t *n) {
    return bp_npy_write(files_path("never"), slot(0), 3, n + 1, NULL);
}

static bp_status npz_write(const size_t *n) {
    const bp_tensor array = {"t", BP_DTYPE_F32, 3, n + 1, slot(0), NULL};
    return bp_npz_write(files_path("never"), &array, 1, true, NULL);
}

static bp_status npz_strided(const size_t *n) {
    const size_t shape[] = {3, 4};
    const bp_tensor array = {"t", BP_DTYPE_F32, 2, shape, slot(0), n + 1};
    return bp_npz_write(files_path("never"), &array, 1, false, NULL);
}

static bp_status safetensors_write(const size_t *n) {
    const bp_tensor tensor = {"t", BP_DTYPE_F32, 2, n + 1, slot(0), NULL};
    return bp_safetensors_write(files_path("never"), &tensor, 1, NULL, 0, NULL);
}

static bp_status safetensors_strided(const size_t *n) {
    const size_t shape[] = {3, 4};
    const bp_tensor tensor = {"t", BP_DTYPE_F32, 2, shape, slot(0), n + 1};
    return bp_safetensors_write(files_path("never"), &tensor, 1, NULL, 0, NULL);
}

static bp_status array_labels(const size_t *n) {
    const bp_array array = {.values = slot(0), .count = n[1], .dimensions = 1, .shape = {n[1]}};
    return bp_array_labels(&array, labels());
}

static bp_status csv_numbers(const size_t *n) {
    return bp_csv_numbers(csv, 0, 4, slot(0), n[1], NULL);
}

static bp_status csv_numbers_shifted(const size_t *n) {
    static const double offset = 1;
    return bp_csv_numbers_shifted(csv, 0, 4, &(bp_shift_scale){&offset, NULL, 1}, slot(0), n[1], NULL);
}

static bp_status csv_doubles(const size_t *n) {
    return bp_csv_doubles(csv, 0, 4, wide_slot(0), n[1], NULL);
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

/* clang-format off: commas that belong to the tables below */
#define PLANE                                                                                                          \
    5, {1, 3, 5, 6, 7}, {                                                                                              \
        {1, 2, 3}, {                                                                                                   \
            1, 2, 4                                                                                                    \
        }                                                                                                              \
    }
#define LOSS_OF_TARGETS                                                                                                \
    6, {1, 3, 4, 6, 7, 8}, {                                                                                           \
        {1, 2, 3}, {1, 2, 4}, {1, 2, 5}, {                                                                             \
            0, 1, 1                                                                                                    \
        }                                                                                                              \
    }
#define PRODUCT                                                                                                        \
    7, {1, 3, 4, 5, 6, 7, 8}, {                                                                                        \
        {1, 3, 4}, {1, 2, 5}, {                                                                                        \
            2, 3, 6                                                                                                    \
        }                                                                                                              \
    }
#define LIST                                                                                                           \
    2, {1, 5}, {                                                                                                       \
        { 0, 1, 1 }                                                                                                    \
    }
#define SET                                                                                                            \
    6, {1, 3, IN, 6, 2, 5}, {                                                                                          \
        {1, 2, 3}, {                                                                                                   \
            1, 4, 5                                                                                                    \
        }                                                                                                              \
    }
#define STRIDED(count)                                                                                                 \
    2, {1, 6, count}, {                                                                                                \
        { 2, 0, 1 }                                                                                                    \
    }
/* clang-format on */

static const entry entries[] = {
    {"bp_dense_forward", forward, PRODUCT, 0},
    {"bp_dense_delta", delta, 8, {1, 3, 4, 5, 6, 7, 8, 9}, {{1, 3, 4}, {1, 2, 5}, {2, 3, 6}, {1, 2, 7}}, 0},
    {"bp_dense_gradient", gradient, PRODUCT, 0},
    {"bp_dense_gradient_sgd", gradient_sgd, PRODUCT, 0},
    {"bp_dense_gradient_update", gradient_update, PRODUCT, 0},
    {"bp_activate", activate, PLANE, 0},
    {"bp_activation_derivative", derivative, PLANE, 0},
    {"bp_activation_delta", activation_delta, PLANE, 0},
    {"bp_dropout", dropout, PLANE, BP_ERROR_VALUE},
    {"bp_dropout_derivative", dropout_derivative, PLANE, BP_ERROR_VALUE},
    {"bp_softmax", softmax, PLANE, 0},
    {"bp_loss_mse", mse, LOSS_OF_TARGETS, 0},
    {"bp_loss_softmax_cross_entropy", cross_entropy, PLANE, 0},
    {"bp_loss_targets", loss_targets, LOSS_OF_TARGETS, 0},
    {"bp_loss_labels", loss_labels, PLANE, 0},
    {"bp_layer_norm_forward", norm_forward, LOSS_OF_TARGETS, 0},
    {"bp_layer_norm_backward", norm_backward, LOSS_OF_TARGETS, 0},
    {"bp_layer_norm_gradient", norm_gradient, PLANE, 0},
    {"bp_sum", sum, LIST, 0},
    {"bp_sgd", sgd, LIST, 0},
    {"bp_optimizer_step", optimizer_step, LIST, 0},
    {"bp_initialize", initialize, 4, {1, 3, 4, 5}, {{1, 2, 3}}, 0},
    {"bp_random_permutation", permutation, LIST, 0},
    {"bp_classify", classify, 4, {1, 3, 4, 5}, {{1, 2, 3}}, 0},
    {"bp_classify_binary", classify_binary, 3, {1, 3, 4}, {{1, 0, 2}}, 0},
    {"bp_accuracy", accuracy, LIST, 0},
    {"bp_accuracy_top", accuracy_top, 4, {1, 3, 5, 6}, {{1, 2, 3}}, 0},
    {"bp_confusion_add", confusion, 3, {1, 5, 3}, {{1, 1, 1}, {0, 2, 2}}, 0},
    {"bp_confusion_report", confusion_report, 2, {1, 5}, {{1, 1, 1}}, 0},
    {"bp_regression_metrics", regression, PLANE, 0},
    {"bp_scaling_fit", scaling_fit, 4, {1, 3, 4, 5}, {{1, 2, 3}}, 0},
    {"bp_scaling_apply", scaling_apply, PLANE, 0},
    {"bp_scaling_invert", scaling_invert, PLANE, 0},
    {"bp_scaling_fit_nan", scaling_fit_nan, 4, {1, 3, 4, 5}, {{1, 2, 3}}, 0},
    {"bp_scaling_fit_double", scaling_fit_double, 4, {1, 3, 4, 5}, {{1, 2, 3}}, 0},
    {"bp_scaling_apply_double", scaling_apply_double, PLANE, 0},
    {"bp_scaling_invert_double", scaling_invert_double, PLANE, 0},
    {"bp_impute_fit", impute_fit, 4, {1, 3, 4, 5}, {{1, 2, 3}}, 0},
    {"bp_impute_apply", impute_apply, PLANE, 0},
    {"bp_dataset_split", split, SET, BP_ERROR_SIZE},
    {"bp_batches_create", batches, SET, BP_ERROR_SIZE},
    {"bp_network_predict", predict, 5, {1, 3, IN, 6, 5}, {{1, 2, 3}, {1, 0, 4}}, BP_ERROR_SIZE},
    {"bp_network_evaluate", evaluate, SET, BP_ERROR_SIZE},
    {"bp_network_fit", fit, SET, BP_ERROR_SIZE},
    {"bp_network_forward", network_forward, 4, {1, 3, 6, 5}, {{1, 0, 2}, {1, 0, 3}}, BP_ERROR_BATCH},
    {"bp_network_loss", network_loss, 4, {1, 3, 6, 5}, {{1, 0, 2}, {1, 0, 3}}, BP_ERROR_BATCH},
    {"bp_network_train_step", train_step, 4, {1, 3, 6, 5}, {{1, 0, 2}, {1, 0, 3}}, BP_ERROR_BATCH},
    {"bp_network_accumulate", accumulate, 4, {1, 3, 6, 5}, {{1, 0, 2}, {1, 0, 3}}, BP_ERROR_BATCH},
    {"bp_network_find_nonfinite", find_nonfinite, 4, {1, 3, 6, 5}, {{1, 0, 2}, {1, 0, 3}}, BP_ERROR_BATCH},
    {"bp_network_backward", backward, 5, {1, 3, 6, 5, 7}, {{1, 0, 2}, {1, 0, 3}, {1, 0, 4}}, BP_ERROR_BATCH},
    {"bp_network_tensor_read", tensor_read, STRIDED(IN), 0},
    {"bp_network_tensor_write", tensor_write, STRIDED(IN), 0},
    {"bp_network_tensor_read, transposed", tensor_read_transposed, STRIDED(OUT), 0},
    {"bp_network_tensor_write, transposed", tensor_write_transposed, STRIDED(OUT), 0},
    {"bp_network_tensor_read of a vector", tensor_read_vector, STRIDED(OUT), 0},
    {"bp_network_tensor_write of a vector", tensor_write_vector, STRIDED(OUT), 0},
    {"bp_npy_write", npy_write, 4, {1, 2, 2, 3}, {{1, 2, 2}, {2, 3, 3}, {1, 3, 3}}, 0},
    {"bp_npz_write", npz_write, 4, {1, 2, 2, 3}, {{1, 2, 2}, {2, 3, 3}, {1, 3, 3}}, 0},
    {"bp_npz_write with strides", npz_strided, 3, {1, 5, 1, 3}, {{3, 0, 1}, {3, 0, 2}}, 0},
    {"bp_safetensors_write", safetensors_write, 3, {1, 3, 4}, {{1, 2, 2}}, 0},
    {"bp_safetensors_write with strides", safetensors_strided, 3, {1, 5, 1, 3}, {{3, 0, 1}, {3, 0, 2}}, 0},
    {"bp_array_labels", array_labels, LIST, 0},
    {"bp_csv_numbers", csv_numbers, 2, {1, 5, 3}, {{2, 0, 1}}, 0},
    {"bp_csv_numbers_shifted", csv_numbers_shifted, 2, {1, 5, 3}, {{2, 0, 1}}, 0},
    {"bp_csv_doubles", csv_doubles, 2, {1, 5, 3}, {{2, 0, 1}}, 0},
};
enum { ENTRIES = sizeof entries / sizeof *entries };

/* Whether an array of 4-byte elements is too large for the address range. */
static bool too_large(const size_t *n, array_of a) {
    const size_t limit = PTRDIFF_MAX / 4, rows = n[a.rows], columns = n[a.columns], stride = n[a.stride];
    return rows > 0 && (columns > limit || (rows > 1 && stride > (limit - columns) / (rows - 1)));
}

/* Calls it if it must be refused; whether it did. Where one array is just not too large, it overlaps all others. */
static bool call_if_too_large(const entry *e, const size_t *n) {
    bool must = false, fits_rows = true;
    for (size_t k = 0; k < ARRAYS; k++) {
        const array_of a = e->arrays[k];
        must = must || (a.columns + a.rows > 0 && too_large(n, a));
        fits_rows = fits_rows && n[a.stride] >= n[a.columns];
    }
    if (!must)
        return false;
    const bp_status status = e->call(n);
    if (status != BP_ERROR_OVERFLOW && status != BP_ERROR_OVERLAP && (fits_rows || status != BP_ERROR_SIZE) &&
        (!e->other || status != e->other) && !(e->call == permutation && status == BP_ERROR_SIZE))
        fail_msg("%s: '%s' for the sizes %zx %zx %zx %zx %zx %zx %zx", e->name, bp_status_string(status), n[1], n[2],
                 n[3], n[4], n[5], n[6], n[7]);
    if (memcmp(arena, before, sizeof arena) != 0)
        fail_msg("%s wrote in spite of its error", e->name);
    return true;
}

/* One, two and three arguments are large at a time, by all values. */
static size_t call_with_large(const entry *e) {
    size_t calls = 0, n[ARGUMENTS] = {0};
    memcpy(n, e->good, sizeof n);
    for (size_t a = 1; a < e->count; a++)
        for (size_t v = 0; v < LARGE; v++) {
            n[a] = large[v];
            calls += call_if_too_large(e, n);
            for (size_t b = a + 1; b < e->count; b++) {
                for (size_t w = 0; w < LARGE; w++) {
                    n[b] = large[w];
                    calls += call_if_too_large(e, n);
                    for (size_t c = b + 1; c < e->count && !test_quick(); c++) {
                        for (size_t x = 0; x < LARGE; x += 3) {
                            n[c] = large[x];
                            calls += call_if_too_large(e, n);
                        }
                        n[c] = e->good[c];
                    }
                }
                n[b] = e->good[b];
            }
            n[a] = e->good[a];
        }
    return calls;
}

static void every_function_refuses(void **state) {
    (void)state;
    size_t calls = 0;
    remember();
    const uint64_t hash = bp_network_hash(network);
    for (size_t k = 0; k < ENTRIES; k++) {
        const size_t of_this = call_with_large(&entries[k]);
        if (of_this < 5)
            fail_msg("%s was called %zu times only", entries[k].name, of_this);
        calls += of_this;
    }
    assert_true(bp_network_hash(network) == hash);
    assert_int_equal(bp_network_steps(network), 0);
    assert_string_equal(files_list(), "");
    print_message("%zu calls of %d functions refused\n", calls, ENTRIES);
}

/* Arrays that begin just below the last address end behind it. */
static void every_function_refuses_what_wraps(void **state) {
    (void)state;
    float *last = (float *)(UINTPTR_MAX - 15);
    float sum_of;
    assert_int_equal(bp_sum(&sum_of, last, 4), BP_ERROR_OVERFLOW);
    assert_int_equal(bp_activate(slot(0), 5, last, 5, 1, 5, tanh_), BP_ERROR_OVERFLOW);
    assert_int_equal(bp_activate(last, 5, slot(0), 5, 3, 5, tanh_), BP_ERROR_OVERFLOW);
    assert_int_equal(bp_dense_forward(slot(0), 5, last, 4, slot(1), 5, NULL, 3, 4, 5, tanh_, scratch),
                     BP_ERROR_OVERFLOW);
    assert_int_equal(bp_network_tensor_read(network, 0, last, NULL), BP_ERROR_OVERFLOW);
}

/* The good sizes are good, so it is the large ones that are refused. */
static void good_sizes_are_good(void **state) {
    (void)state;
    for (size_t k = 0; k < ENTRIES; k++) {
        size_t n[ARGUMENTS];
        memcpy(n, entries[k].good, sizeof n);
        set_up(NULL);
        for (size_t j = 0; entries[k].call == array_labels && j < n[1]; j++)
            slot(0)[j] = (float)j;
        const bp_status status = entries[k].call(n);
        if (status != BP_OK)
            fail_msg("%s: '%s' for good sizes", entries[k].name, bp_status_string(status));
    }
    remove(files_path("never"));
    assert_int_equal(bp_network_discard(network), BP_OK);
    assert_int_equal(bp_network_set_steps(network, 0, 0), BP_OK);
    set_up(NULL);
}

/* ---- Objects that the calls are on ------------------------------------------------------------------------------- */

static int make(void **state) {
    static const net shape = {.layers = 2,
                              .sizes = {IN, OUT, 2},
                              .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                              .loss = BP_LOSS_MSE,
                              .gradients = true};
    static const char table[] = "1,2,3,4\n5,6,7,8\n9,10,11,12\n";
    bp_network_config config = net_config(&shape, BATCH);
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_ADAM});
    network = net_create(&config, 3);
    scratch = scratch_create();
    assert_int_equal(bp_csv_open_memory(table, sizeof table - 1, NULL, &csv, NULL), BP_OK);
    set_up(NULL);
    return files_set_up(state);
}

static int unmake(void **state) {
    bp_network_destroy(network);
    bp_csv_close(csv);
    free(scratch);
    return files_tear_down(state);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_sizes_are_good),
        cmocka_unit_test(every_function_refuses),
        cmocka_unit_test(every_function_refuses_what_wraps),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
