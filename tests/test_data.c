/* Data sets: batches in order and shuffled, splits, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <backprop/backprop.h>

#include "harness/bits.h"
#include "harness/random.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Rows whose numbers say where they come from: input (n, j) is n + j / 64, target -that, label n, weight n + 1 / 2. */
typedef struct rows {
    bp_dataset set;
    float *inputs, *targets, *weights;
    uint32_t *labels;
} rows;

static rows rows_create(size_t count, size_t in, size_t out, size_t padding) {
    rows r = {.set = {.rows = count, .input_columns = in, .target_columns = out}};
    r.inputs = allocate(count * (in + padding), sizeof(float));
    r.targets = allocate(count * (out + padding), sizeof(float));
    r.labels = allocate(count, sizeof(uint32_t));
    r.weights = allocate(count, sizeof(float));
    for (size_t n = 0; n < count; n++) {
        for (size_t j = 0; j < in + padding; j++)
            r.inputs[n * (in + padding) + j] = j < in ? (float)n + (float)j / 64 : NAN;
        for (size_t j = 0; j < out + padding; j++)
            r.targets[n * (out + padding) + j] = j < out ? -(float)n - (float)j / 64 : NAN;
        r.labels[n] = (uint32_t)n;
        r.weights[n] = (float)n + 0.5f;
    }
    r.set.inputs = r.inputs;
    r.set.targets = r.targets;
    r.set.labels = r.labels;
    r.set.weights = r.weights;
    if (padding > 0) {
        r.set.input_stride = in + padding;
        r.set.target_stride = out + padding;
    }
    return r;
}

static void rows_destroy(rows *r) {
    free(r->inputs);
    free(r->targets);
    free(r->labels);
    free(r->weights);
}

static void assert_rows(const rows *r, const bp_batch *batch, const uint32_t *expected) {
    const bp_dataset *set = &r->set;
    const size_t x_stride = batch->input_stride ? batch->input_stride : set->input_columns;
    const size_t y_stride = batch->target_stride ? batch->target_stride : set->target_columns;
    for (size_t n = 0; n < batch->rows; n++) {
        for (size_t j = 0; j < set->input_columns; j++)
            assert_true(batch->inputs[n * x_stride + j] == (float)expected[n] + (float)j / 64);
        for (size_t j = 0; j < set->target_columns; j++)
            assert_true(batch->targets[n * y_stride + j] == -(float)expected[n] - (float)j / 64);
        assert_int_equal(batch->labels[n], expected[n]);
        assert_true(batch->weights[n] == (float)expected[n] + 0.5f);
    }
}

/* ---- Walks ---------------------------------------------------------------------------------------------------- */

/* One walk visits the rows of `order`, all batches full but the last. */
static void assert_walk(bp_batches *batches, const rows *r, size_t batch_rows, const uint32_t *order, size_t count) {
    size_t done = 0, walked = 0;
    bp_batch batch;
    assert_null(bp_batches_rows(batches));
    while (bp_batches_next(batches, &batch)) {
        const size_t left = count - done;
        assert_int_equal(batch.rows, left < batch_rows ? left : batch_rows);
        assert_rows(r, &batch, order + done);
        assert_memory_equal(bp_batches_rows(batches), order + done, batch.rows * sizeof *order);
        done += batch.rows;
        walked++;
    }
    assert_int_equal(done, count);
    assert_int_equal(walked, bp_batches_count(batches));
    const bp_batch before = batch;
    assert_false(bp_batches_next(batches, &batch));
    assert_memory_equal(&batch, &before, sizeof batch);
}

static void walks_visit_every_row(void **state) {
    (void)state;
    static const size_t counts[] = {1, 2, 7, 64, 65}, sizes[] = {1, 2, 7, 63, 64, 100};
    size_t walks = 0;
    for (size_t c = 0; c < COUNT(counts); c++)
        for (size_t b = 0; b < COUNT(sizes); b++)
            for (size_t padding = 0; padding < 4; padding += 3)
                for (size_t indexed = 0; indexed < 2; indexed++) {
                    const size_t count = counts[c], taken = indexed ? count + 3 : count;
                    rows r = rows_create(count, 3, 2, padding);
                    uint32_t *order = allocate(taken, sizeof *order), *shuffled = allocate(taken, sizeof *order);
                    for (size_t n = 0; n < taken; n++) /* rows more than once, too */
                        order[n] = (uint32_t)(indexed ? (5 * n + 2) % count : n);
                    bp_dataset set = r.set;
                    set.rows = taken;
                    set.index = indexed ? order : NULL;
                    bp_batches *batches;
                    assert_int_equal(bp_batches_create(&set, sizes[b], NULL, &batches), BP_OK);
                    assert_walk(batches, &r, sizes[b], order, taken);
                    for (uint64_t epoch = 0; epoch < 3; epoch++) {
                        assert_int_equal(bp_batches_shuffle(batches, 17, epoch), BP_OK);
                        assert_int_equal(bp_random_permutation(shuffled, taken, 17, (UINT64_C(1) << 32) + epoch),
                                         BP_OK);
                        for (size_t n = 0; n < taken; n++)
                            shuffled[n] = order[shuffled[n]];
                        assert_walk(batches, &r, sizes[b], shuffled, taken);
                    }
                    assert_int_equal(bp_batches_restart(batches), BP_OK);
                    assert_walk(batches, &r, sizes[b], order, taken);
                    bp_batches_destroy(batches);
                    free(order);
                    free(shuffled);
                    rows_destroy(&r);
                    walks++;
                }
    assert_int_equal(walks, 120);
}

/* In order and without an index nothing is copied. */
static void walks_in_order_are_the_arrays(void **state) {
    (void)state;
    rows r = rows_create(10, 3, 2, 5);
    bp_batches *batches;
    bp_batch batch;
    assert_int_equal(bp_batches_create(&r.set, 4, NULL, &batches), BP_OK);
    for (size_t done = 0; bp_batches_next(batches, &batch); done += batch.rows) {
        assert_ptr_equal(batch.inputs, r.inputs + done * 8);
        assert_ptr_equal(batch.targets, r.targets + done * 7);
        assert_ptr_equal(batch.labels, r.labels + done);
        assert_ptr_equal(batch.weights, r.weights + done);
        assert_int_equal(batch.input_stride, 8);
        assert_int_equal(batch.target_stride, 7);
    }
    bp_batches_destroy(batches);
    rows_destroy(&r);
}

/* What a data set lacks its batches lack. */
static void absent_arrays_stay_absent(void **state) {
    (void)state;
    rows r = rows_create(10, 3, 2, 0);
    bp_dataset set = {.rows = 10, .inputs = r.inputs, .input_columns = 3};
    bp_batches *batches;
    bp_batch batch;
    assert_int_equal(bp_batches_create(&set, 4, NULL, &batches), BP_OK);
    for (size_t shuffled = 0; shuffled < 2; shuffled++) {
        while (bp_batches_next(batches, &batch)) {
            assert_null(batch.targets);
            assert_null(batch.labels);
            assert_null(batch.weights);
        }
        assert_int_equal(bp_batches_shuffle(batches, 1, 2), BP_OK);
    }
    bp_batches_destroy(batches);
    rows_destroy(&r);
}

/* Every row comes to every place about equally often, and about as often after every other row. */
static void shuffles_are_fair(void **state) {
    (void)state;
    enum { ROWS = 8, EPOCHS = 8000 };
    rows r = rows_create(ROWS, 1, 1, 0);
    bp_batches *batches;
    assert_int_equal(bp_batches_create(&r.set, ROWS, NULL, &batches), BP_OK);
    size_t place[ROWS][ROWS] = {{0}}, follows[ROWS][ROWS] = {{0}};
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        bp_batch batch;
        assert_int_equal(bp_batches_shuffle(batches, 5, epoch), BP_OK);
        assert_true(bp_batches_next(batches, &batch));
        for (size_t n = 0; n < ROWS; n++) {
            place[batch.labels[n]][n]++;
            if (n > 0)
                follows[batch.labels[n - 1]][batch.labels[n]]++;
        }
    }
    /* Each count is binomial: chi-square of 49 degrees of freedom for places, here with a bound far in its tail. */
    double places = 0, pairs = 0;
    const double expected = (double)EPOCHS / ROWS;
    for (size_t a = 0; a < ROWS; a++)
        for (size_t b = 0; b < ROWS; b++) {
            places += pow((double)place[a][b] - expected, 2) / expected;
            if (a != b)
                pairs += pow((double)follows[a][b] - expected, 2) / expected;
            else
                assert_int_equal(follows[a][b], 0);
        }
    assert_true(places > 15 && places < 110);
    assert_true(pairs > 15 && pairs < 120);
    bp_batches_destroy(batches);
    rows_destroy(&r);
}

/* An epoch's order depends on seed and epoch alone, and no two are the same. */
static void epochs_have_orders_of_their_own(void **state) {
    (void)state;
    enum { ROWS = 50, EPOCHS = 30 };
    rows r = rows_create(ROWS, 1, 1, 0);
    uint32_t seen[2 * EPOCHS][ROWS];
    for (size_t k = 0; k < 2 * EPOCHS; k++) {
        bp_batches *batches;
        bp_batch batch;
        assert_int_equal(bp_batches_create(&r.set, ROWS, NULL, &batches), BP_OK);
        assert_int_equal(bp_batches_shuffle(batches, k % 2, k / 2), BP_OK);
        assert_true(bp_batches_next(batches, &batch));
        memcpy(seen[k], batch.labels, sizeof seen[k]);
        for (size_t l = 0; l < k; l++)
            assert_memory_not_equal(seen[k], seen[l], sizeof seen[k]);
        bp_batches_destroy(batches);
    }
    rows_destroy(&r);
}

/* ---- Splits --------------------------------------------------------------------------------------------------- */

static void splits_share_no_row(void **state) {
    (void)state;
    enum { ROWS = 97 };
    rows r = rows_create(ROWS, 2, 1, 1);
    uint32_t index[ROWS], expected[ROWS], inner[ROWS];
    bp_dataset first, second;
    for (size_t count = 1; count < ROWS; count += 19) {
        assert_int_equal(bp_dataset_split(&r.set, count, 3, index, &first, &second), BP_OK);
        assert_int_equal(bp_random_permutation(expected, ROWS, 3, UINT64_C(1) << 33), BP_OK);
        assert_memory_equal(index, expected, sizeof index);
        assert_int_equal(first.rows, count);
        assert_int_equal(second.rows, ROWS - count);
        assert_ptr_equal(first.index, index);
        assert_ptr_equal(second.index, index + count);
        assert_ptr_equal(first.inputs, r.inputs);
        assert_int_equal(second.target_stride, 2);
    }
    /* A split of a split: rows of the arrays, not of the part; and a result in the place of what is split. */
    bp_dataset part = first;
    assert_int_equal(bp_dataset_split(&part, 20, 4, inner, &part, &second), BP_OK);
    assert_int_equal(bp_random_permutation(expected, first.rows, 4, UINT64_C(1) << 33), BP_OK);
    for (size_t n = 0; n < first.rows; n++)
        assert_int_equal(inner[n], index[expected[n]]);
    assert_int_equal(part.rows, 20);
    assert_ptr_equal(part.index, inner);
    rows_destroy(&r);
}

/* ---- Refused -------------------------------------------------------------------------------------------------- */

static float *byte_off(float *pointer) {
    return (float *)(void *)((char *)pointer + 1);
}

/* Every way in which a data set can be wrong. */
static size_t bad_datasets(const bp_dataset *good, bp_dataset *bad, bp_status *expected) {
    size_t count = 0;
#define BAD(status, change)                                                                                            \
    do {                                                                                                               \
        bad[count] = *good;                                                                                            \
        bad[count].change;                                                                                             \
        expected[count++] = status;                                                                                    \
    } while (0)
    BAD(BP_ERROR_NULL, inputs = NULL);
    BAD(BP_ERROR_SIZE, rows = 0);
#if SIZE_MAX > UINT32_MAX
    BAD(BP_ERROR_SIZE, rows = ((size_t)1 << 32) + 1);
#endif
    BAD(BP_ERROR_SIZE, input_columns = 0);
    BAD(BP_ERROR_SIZE, target_columns = 0);
    BAD(BP_ERROR_SIZE, input_stride = 2);
    BAD(BP_ERROR_SIZE, target_stride = 1);
    BAD(BP_ERROR_OVERFLOW, input_stride = SIZE_MAX);
    BAD(BP_ERROR_OVERFLOW, target_columns = SIZE_MAX / 4);
    BAD(BP_ERROR_ALIGNMENT, inputs = byte_off((float *)(uintptr_t)good->inputs));
    BAD(BP_ERROR_ALIGNMENT, targets = byte_off((float *)(uintptr_t)good->targets));
    BAD(BP_ERROR_ALIGNMENT, labels = (const uint32_t *)(const void *)((const char *)good->labels + 2));
    BAD(BP_ERROR_ALIGNMENT, weights = byte_off((float *)(uintptr_t)good->weights));
    BAD(BP_ERROR_ALIGNMENT, index = (const uint32_t *)(const void *)((const char *)good->labels + 2));
#undef BAD
    return count;
}

static void *refuse_memory(void *context, size_t bytes) {
    (void)context;
    (void)bytes;
    return NULL;
}

static void release_nothing(void *context, void *memory) {
    (void)context;
    (void)memory;
}

static void bad_batches(void **state) {
    (void)state;
    rows r = rows_create(10, 3, 2, 0);
    bp_batches *batches = (bp_batches *)&r;
    bp_batch batch;
    assert_int_equal(bp_batches_create(NULL, 4, NULL, &batches), BP_ERROR_NULL);
    assert_null(batches);
    assert_int_equal(bp_batches_create(&r.set, 4, NULL, NULL), BP_ERROR_NULL);
    bp_dataset bad[32];
    bp_status expected[32];
    const size_t count = bad_datasets(&r.set, bad, expected);
    assert_int_equal(count, SIZE_MAX > UINT32_MAX ? 14 : 13);
    for (size_t k = 0; k < count; k++) {
        batches = (bp_batches *)&r;
        if (bp_batches_create(&bad[k], 4, NULL, &batches) != expected[k])
            fail_msg("bad data set %zu", k);
        assert_null(batches);
    }
    assert_int_equal(bp_batches_create(&r.set, 0, NULL, &batches), BP_ERROR_SIZE);
    const bp_allocator none = {refuse_memory, release_nothing, NULL}, half = {refuse_memory, NULL, NULL},
                       other = {NULL, release_nothing, NULL};
    assert_int_equal(bp_batches_create(&r.set, 4, &none, &batches), BP_ERROR_MEMORY);
    assert_int_equal(bp_batches_create(&r.set, 4, &half, &batches), BP_ERROR_VALUE);
    assert_int_equal(bp_batches_create(&r.set, 4, &other, &batches), BP_ERROR_VALUE);
    assert_null(batches);
    /* A batch too large to gather, through an index that makes its rows' extent unknown. */
    uint32_t index[10] = {0};
    bp_dataset large = r.set;
    large.index = index;
    large.input_columns = large.input_stride = SIZE_MAX / 16;
    assert_int_equal(bp_batches_create(&large, SIZE_MAX, NULL, &batches), BP_ERROR_OVERFLOW);

    assert_int_equal(bp_batches_restart(NULL), BP_ERROR_NULL);
    assert_int_equal(bp_batches_shuffle(NULL, 1, 1), BP_ERROR_NULL);
    assert_false(bp_batches_next(NULL, &batch));
    assert_null(bp_batches_rows(NULL));
    assert_int_equal(bp_batches_count(NULL), 0);
    bp_batches_destroy(NULL);

    assert_int_equal(bp_batches_create(&r.set, SIZE_MAX, NULL, &batches), BP_OK);
    assert_int_equal(bp_batches_count(batches), 1);
    assert_false(bp_batches_next(batches, NULL));
    assert_int_equal(bp_batches_shuffle(batches, 1, UINT64_C(1) << 32), BP_ERROR_VALUE);
    assert_int_equal(bp_batches_shuffle(batches, 1, (UINT64_C(1) << 32) - 1), BP_OK);
    assert_true(bp_batches_next(batches, &batch));
    assert_int_equal(batch.rows, 10);
    bp_batches_destroy(batches);
    rows_destroy(&r);
}

static void bad_splits(void **state) {
    (void)state;
    rows r = rows_create(10, 3, 2, 0);
    uint32_t index[10] = {7}, own[10] = {0};
    bp_dataset first = {.rows = 77}, second = {.rows = 78};
    bp_dataset bad[32];
    bp_status expected[32];
    const size_t count = bad_datasets(&r.set, bad, expected);
#define SPLIT(status, set, rows_of_first, at, one, two)                                                                \
    do {                                                                                                               \
        if (bp_dataset_split(set, rows_of_first, 1, at, one, two) != (status))                                         \
            fail_msg("line %d", __LINE__);                                                                             \
        assert_int_equal(index[0], 7);                                                                                 \
        assert_int_equal(first.rows, 77);                                                                              \
        assert_int_equal(second.rows, 78);                                                                             \
    } while (0)
    for (size_t k = 0; k < count; k++)
        SPLIT(expected[k], &bad[k], 4, index, &first, &second);
    SPLIT(BP_ERROR_NULL, NULL, 4, index, &first, &second);
    SPLIT(BP_ERROR_NULL, &r.set, 4, NULL, &first, &second);
    SPLIT(BP_ERROR_NULL, &r.set, 4, index, NULL, &second);
    SPLIT(BP_ERROR_NULL, &r.set, 4, index, &first, NULL);
    SPLIT(BP_ERROR_SIZE, &r.set, 0, index, &first, &second);
    SPLIT(BP_ERROR_SIZE, &r.set, 10, index, &first, &second);
    SPLIT(BP_ERROR_SIZE, &r.set, 11, index, &first, &second);
    SPLIT(BP_ERROR_ALIGNMENT, &r.set, 4, (uint32_t *)(void *)((char *)index + 1), &first, &second);
    SPLIT(BP_ERROR_OVERLAP, &r.set, 4, r.labels + 9, &first, &second);
    SPLIT(BP_ERROR_OVERLAP, &r.set, 4, (uint32_t *)(void *)r.inputs, &first, &second);
    SPLIT(BP_ERROR_OVERLAP, &r.set, 4, (uint32_t *)(void *)(r.targets + 3), &first, &second);
    bp_dataset indexed = r.set;
    indexed.index = own;
    SPLIT(BP_ERROR_OVERLAP, &indexed, 4, own, &first, &second);
#undef SPLIT
    rows_destroy(&r);
}

static void refusals_are_in_words(void **state) {
    (void)state;
    const float x[4] = {0};
    const uint32_t labels[2] = {0, 5};
    uint32_t index[4];
    uint64_t counts[4] = {0};
    bp_batches *batches;
    bp_dataset set = {.rows = 4, .inputs = x, .input_columns = 1}, none = set, part;
    none.rows = 0;
    assert_int_equal(bp_batches_create(&none, 1, NULL, &batches), BP_ERROR_SIZE);
    assert_string_equal(bp_error_message(), "dataset.rows is 0, and must be from 1 to 2^32");
    assert_int_equal(bp_batches_create(&set, 0, NULL, &batches), BP_ERROR_SIZE);
    assert_string_equal(bp_error_message(), "batch is 0, and must be at least 1");
    assert_int_equal(bp_dataset_split(&set, 4, 1, index, &part, &part), BP_ERROR_SIZE);
    assert_string_equal(bp_error_message(), "first_rows is 4, and must be at least 1 and less than dataset.rows, 4");
    assert_int_equal(bp_confusion_add(counts, labels, labels, 2, 2), BP_ERROR_LABEL);
    assert_string_equal(bp_error_message(), "predicted[1] is 5, and must be below the 2 classes");
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_visit_every_row),
        cmocka_unit_test(walks_in_order_are_the_arrays),
        cmocka_unit_test(absent_arrays_stay_absent),
        cmocka_unit_test(shuffles_are_fair),
        cmocka_unit_test(epochs_have_orders_of_their_own),
        cmocka_unit_test(splits_share_no_row),
        cmocka_unit_test(bad_batches),
        cmocka_unit_test(bad_splits),
        cmocka_unit_test(refusals_are_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
