/* Data sets: views, splits, batches in order and shuffled. */
#include "training/batches.h"

#include <inttypes.h>
#include <string.h>

#include <backprop/random.h>

#include "allocator.h"

/* Streams of random numbers; initial weights use lower ones. */
#define SHUFFLE_STREAM (UINT64_C(1) << 32)
#define SPLIT_STREAM (UINT64_C(1) << 33)

#define ROWS_MAX (UINT64_C(1) << 32)

/* ---- Views ---------------------------------------------------------------------------------------------------- */

void bp_dataset_arrays(const bp_dataset *checked, matrix arrays[BP_DATASET_ARRAYS]) {
    const size_t rows = checked->index ? 1 : checked->rows;
    arrays[0] = matrix_of(checked->inputs, rows, checked->input_columns, checked->input_stride);
    arrays[1] = checked->targets ? matrix_of(checked->targets, rows, checked->target_columns, checked->target_stride)
                                 : vector_of(NULL, 1);
    arrays[2] = vector_of(checked->labels, rows);
    arrays[3] = vector_of(checked->weights, rows);
    arrays[4] = vector_of(checked->index, checked->rows);
}

const matrix_names bp_dataset_names[BP_DATASET_ARRAYS] = {
    {.data = "inputs"}, {.data = "targets"}, {.data = "labels"}, {.data = "weights"}, {.data = "index"}};

bp_status bp_dataset_check(const bp_dataset *dataset, const char *name, bp_dataset *checked) {
    if (!dataset || !dataset->inputs)
        return bp_fail(BP_ERROR_NULL, "%s%s is null", name, dataset ? ".inputs" : "");
    if (dataset->rows == 0 || (uint64_t)dataset->rows > ROWS_MAX)
        return bp_fail(BP_ERROR_SIZE, "%s.rows is %zu, and must be from 1 to 2^32", name, dataset->rows);
    *checked = *dataset;
    if (checked->input_stride == 0)
        checked->input_stride = checked->input_columns;
    if (checked->target_stride == 0)
        checked->target_stride = checked->target_columns;
    matrix arrays[BP_DATASET_ARRAYS];
    bp_dataset_arrays(checked, arrays);
    const bp_status status = bp_check_named(NULL, 0, arrays, BP_DATASET_ARRAYS, bp_dataset_names);
    return status == BP_OK ? BP_OK : bp_fail(status, "%s: %s", name, bp_error_message());
}

bp_status bp_dataset_split(const bp_dataset *dataset, size_t first_rows, uint64_t seed, uint32_t *index,
                           bp_dataset *first, bp_dataset *second) {
    if (!dataset || !index || !first || !second)
        return FAIL_NULL({"dataset", dataset}, {"index", index}, {"first", first}, {"second", second});
    bp_dataset set;
    bp_status status = bp_dataset_check(dataset, "dataset", &set);
    if (status != BP_OK)
        return status;
    if (first_rows == 0 || first_rows >= set.rows)
        return bp_fail(BP_ERROR_SIZE, "first_rows is %zu, and must be at least 1 and less than dataset.rows, %zu",
                       first_rows, set.rows);
    const matrix result = vector_of(index, set.rows);
    matrix arrays[BP_DATASET_ARRAYS];
    bp_dataset_arrays(&set, arrays);
    const matrix_names names[] = {{.data = "index"},          {.data = "dataset.inputs"},  {.data = "dataset.targets"},
                                  {.data = "dataset.labels"}, {.data = "dataset.weights"}, {.data = "dataset.index"}};
    if ((status = bp_check_named(&result, 1, arrays, BP_DATASET_ARRAYS, names)) != BP_OK ||
        (status = bp_random_permutation(index, set.rows, seed, SPLIT_STREAM)) != BP_OK)
        return status;
    for (size_t n = 0; set.index && n < set.rows; n++)
        index[n] = set.index[index[n]];
    bp_dataset part = *dataset;
    part.rows = first_rows;
    part.index = index;
    *first = part;
    part.rows = set.rows - first_rows;
    part.index = index + first_rows;
    *second = part;
    return BP_OK;
}

/* ---- Memory --------------------------------------------------------------------------------------------------- */

/* A batch needs a buffer if its rows are not contiguous. */
void bp_batches_lay_out(arena *a, bp_batches *b, bool shuffles) {
    const size_t rows = b->batch < b->set.rows ? b->batch : b->set.rows;
    if (shuffles)
        b->own = arena_array(a, b->set.rows, 1, sizeof *b->own);
    if (!shuffles && !b->set.index)
        return;
    b->inputs = arena_floats(a, rows, b->set.input_columns);
    if (b->set.targets)
        b->targets = arena_floats(a, rows, b->set.target_columns);
    if (b->set.labels)
        b->labels = arena_array(a, rows, 1, sizeof *b->labels);
    if (b->set.weights)
        b->weights = arena_floats(a, rows, 1);
}

bp_status bp_batches_room(bp_batches *b, bool shuffles, size_t *bytes) {
    arena a = {0};
    bp_batches_lay_out(&a, b, shuffles);
    *bytes = a.used + BP_ALIGNMENT;
    return !a.overflow && a.used <= PTRDIFF_MAX / 2
               ? BP_OK
               : bp_fail(BP_ERROR_OVERFLOW, "batches of %zu rows and %zu columns exceed the address range",
                         b->batch < b->set.rows ? b->batch : b->set.rows, b->set.input_columns);
}

bp_status bp_batches_create(const bp_dataset *dataset, size_t batch, const bp_allocator *allocator,
                            bp_batches **batches) {
    if (!batches)
        return bp_fail(BP_ERROR_NULL, "batches is null");
    *batches = NULL;
    bp_batches made = {.batch = batch, .allocator = bp_default_allocator};
    bp_status status = bp_dataset_check(dataset, "dataset", &made.set);
    if (status != BP_OK)
        return status;
    if (batch == 0)
        return bp_fail(BP_ERROR_SIZE, "batch is 0, and must be at least 1");
    if (allocator) {
        if (!allocator->allocate || !allocator->release)
            return bp_fail(BP_ERROR_VALUE, "allocator.%s is null", allocator->allocate ? "release" : "allocate");
        made.allocator = *allocator;
    }
    size_t bytes;
    if ((status = bp_batches_room(&made, true, &bytes)) != BP_OK)
        return status;
    char *memory = made.allocator.allocate(made.allocator.context, sizeof made + bytes);
    if (!memory)
        return bp_refuse(BP_ERROR_MEMORY);
    arena a = arena_in(memory + sizeof made);
    bp_batches_lay_out(&a, &made, true);
    memcpy(memory, &made, sizeof made);
    *batches = (bp_batches *)(void *)memory;
    return bp_batches_restart(*batches);
}

void bp_batches_destroy(bp_batches *batches) {
    if (!batches)
        return;
    const bp_allocator allocator = batches->allocator;
    allocator.release(allocator.context, batches);
}

/* ---- Passes --------------------------------------------------------------------------------------------------- */

bp_status bp_batches_restart(bp_batches *batches) {
    if (!batches)
        return bp_fail(BP_ERROR_NULL, "batches is null");
    for (size_t n = 0; n < batches->set.rows; n++)
        batches->own[n] = batches->set.index ? batches->set.index[n] : (uint32_t)n;
    batches->order = batches->set.index;
    batches->done = 0;
    batches->started = false;
    return BP_OK;
}

bp_status bp_batches_shuffle(bp_batches *batches, uint64_t seed, uint64_t epoch) {
    if (!batches)
        return bp_fail(BP_ERROR_NULL, "batches is null");
    if (epoch >= SPLIT_STREAM - SHUFFLE_STREAM)
        return bp_fail(BP_ERROR_VALUE, "epoch is %" PRIu64 ", and must be less than 2^32", epoch);
    const bp_status status = bp_random_permutation(batches->own, batches->set.rows, seed, SHUFFLE_STREAM + epoch);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; batches->set.index && n < batches->set.rows; n++)
        batches->own[n] = batches->set.index[batches->own[n]];
    batches->order = batches->own;
    batches->done = 0;
    batches->started = false;
    return BP_OK;
}

static void gather_floats(float *to, const float *from, size_t stride, const uint32_t *rows, size_t count,
                          size_t columns) {
    for (size_t n = 0; n < count; n++)
        memcpy(to + n * columns, from + rows[n] * stride, columns * sizeof *to);
}

bool bp_batches_next(bp_batches *batches, bp_batch *batch) {
    if (!batches || !batch || batches->done == batches->set.rows)
        return false;
    const bp_dataset *set = &batches->set;
    const size_t left = set->rows - batches->done, from = batches->done;
    bp_batch next = {.rows = batches->batch < left ? batches->batch : left};
    if (!batches->order) {
        next.inputs = set->inputs + from * set->input_stride;
        next.input_stride = set->input_stride;
        next.targets = set->targets ? set->targets + from * set->target_stride : NULL;
        next.target_stride = set->targets ? set->target_stride : 0;
        next.labels = set->labels ? set->labels + from : NULL;
        next.weights = set->weights ? set->weights + from : NULL;
    } else {
        const uint32_t *rows = batches->order + from;
        gather_floats(batches->inputs, set->inputs, set->input_stride, rows, next.rows, set->input_columns);
        next.inputs = batches->inputs;
        if (set->targets)
            gather_floats(batches->targets, set->targets, set->target_stride, rows, next.rows, set->target_columns);
        next.targets = batches->targets;
        for (size_t n = 0; set->labels && n < next.rows; n++)
            batches->labels[n] = set->labels[rows[n]];
        next.labels = batches->labels;
        if (set->weights)
            gather_floats(batches->weights, set->weights, 1, rows, next.rows, 1);
        next.weights = batches->weights;
    }
    batches->started = true;
    batches->last = from;
    batches->done += next.rows;
    *batch = next;
    return true;
}

const uint32_t *bp_batches_rows(const bp_batches *batches) {
    return batches && batches->started ? batches->own + batches->last : NULL;
}

size_t bp_batches_count(const bp_batches *batches) {
    return batches ? (batches->set.rows - 1) / batches->batch + 1 : 0;
}
