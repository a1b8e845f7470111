/* Passes over whole data sets that change no weight. */
#include <backprop/fit.h>

#include "float_environment.h"
#include "network/loss.h"
#include "training/batches.h"
#include "training/evaluate.h"

/* Batches of some size, in order. */
typedef struct walk {
    bp_batches batches;
    char *memory; /* from the network's allocator, or null if none is needed */
} walk;

static bp_status walk_open(walk *w, const bp_network *network, const bp_dataset *dataset, size_t batch) {
    *w = (walk){.batches = {.batch = batch}};
    bp_status status = bp_dataset_check(dataset, "dataset", &w->batches.set);
    if (status != BP_OK)
        return status;
    if (dataset->input_columns != network->layers[0].in)
        return bp_fail(BP_ERROR_SIZE, "dataset.input_columns is %zu, and must be %zu, the network's inputs",
                       dataset->input_columns, network->layers[0].in);
    size_t bytes;
    if ((status = bp_batches_room(&w->batches, false, &bytes)) != BP_OK)
        return status;
    if (dataset->index) {
        w->memory = network->allocator.allocate(network->allocator.context, bytes);
        if (!w->memory)
            return bp_refuse(BP_ERROR_MEMORY);
        arena a = arena_in(w->memory);
        bp_batches_lay_out(&a, &w->batches, false);
        w->batches.order = dataset->index;
    }
    return BP_OK;
}

static void walk_close(walk *w, const bp_network *network) {
    if (w->memory)
        network->allocator.release(network->allocator.context, w->memory);
}

/* Outputs must not overlap the arrays that are read while they are written. */
static bp_status check_outputs(const bp_network *network, const bp_dataset *set, float *outputs, size_t stride) {
    const size_t out = bp_last_layer(network)->out;
    const matrix result = matrix_of(outputs, set->rows, out, stride);
    const size_t bytes = bp_block_bytes(network);
    matrix given[BP_DATASET_ARRAYS];
    bp_dataset_arrays(set, given);
    const matrix_names names[] = {{.data = "outputs"}, {.data = "dataset.inputs"}, {.data = "targets"},
                                  {.data = "labels"},  {.data = "weights"},        {.data = "dataset.index"}};
    const bp_status status = bp_check_named(&result, 1, given, BP_DATASET_ARRAYS, names);
    if (status != BP_OK)
        return status;
    for (size_t k = 0; k < BP_DATASET_ARRAYS; k++)
        if (given[k].data && ranges_overlap(network, bytes, given[k].data, matrix_extent(given[k])))
            return bp_fail(BP_ERROR_OVERLAP, "%s overlaps the network's memory", names[k + 1].data);
    return ranges_overlap(network, bytes, outputs, matrix_extent(result))
               ? bp_fail(BP_ERROR_OVERLAP, "outputs overlaps the network's memory")
               : BP_OK;
}

bp_status bp_network_predict(bp_network *network, const bp_dataset *dataset, float *outputs, size_t output_stride) {
    if (!network || !dataset || !outputs)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !dataset ? "dataset" : "outputs");
    bp_dataset inputs = *dataset;
    inputs.targets = NULL;
    inputs.labels = NULL;
    inputs.weights = NULL;
    const size_t stride = output_stride ? output_stride : bp_last_layer(network)->out;
    walk w;
    bp_status status = walk_open(&w, network, &inputs, network->plan.max_batch_size);
    if (status != BP_OK)
        return status;
    status = check_outputs(network, &w.batches.set, outputs, stride);
    bp_batch batch;
    while (status == BP_OK && bp_batches_next(&w.batches, &batch)) {
        status = bp_network_forward(network, &batch, outputs, stride);
        outputs += batch.rows * stride;
    }
    walk_close(&w, network);
    return status;
}

/* Adds a batch's losses and its divisor in the mean. A batch's weights may add up to zero. */
static bp_status add_losses(bp_network *network, const bp_batch *batch, double *sum, double *count) {
    const bp_reduction reduction = network->plan.reduction;
    *count += reduction == BP_REDUCTION_SUM ? (double)batch->rows : bp_loss_count(network, batch, batch->rows);
    if (reduction == BP_REDUCTION_WEIGHTED_MEAN && batch->weights)
        network->plan.reduction = BP_REDUCTION_SUM;
    float loss;
    const bp_status status = bp_network_loss(network, batch, &loss);
    if (status == BP_OK)
        *sum += bp_loss_total(network, batch, loss);
    network->plan.reduction = reduction;
    return status;
}

bp_status bp_dataset_check_loss(const bp_network *network, const bp_dataset *set, const char *name) {
    const size_t in = network->layers[0].in, out = bp_last_layer(network)->out;
    const bool labeled = loss_takes_labels(network->plan.loss);
    if (labeled ? !set->labels : !set->targets)
        return bp_fail(BP_ERROR_NULL, "%s.%s is null, and the loss %s needs it", name, labeled ? "labels" : "targets",
                       bp_loss_name(network->plan.loss));
    if (set->input_columns != in)
        return bp_fail(BP_ERROR_SIZE, "%s.input_columns is %zu, and must be %zu, the network's inputs", name,
                       set->input_columns, in);
    if (set->targets && set->target_columns != out)
        return bp_fail(BP_ERROR_SIZE, "%s.target_columns is %zu, and must be %zu, the network's outputs", name,
                       set->target_columns, out);
    for (size_t n = 0; labeled && n < set->rows; n++) {
        const size_t row = set->index ? set->index[n] : n;
        if (set->labels[row] >= out)
            return bp_fail(BP_ERROR_LABEL, "%s.labels[%zu] is %lu, and must be less than %zu, the network's outputs",
                           name, row, (unsigned long)set->labels[row], out);
    }
    return BP_OK;
}

bp_status bp_evaluate_in(bp_network *network, const bp_dataset *dataset, size_t rows, double *loss) {
    walk w;
    bp_status status = walk_open(&w, network, dataset, rows);
    if (status == BP_OK)
        status = bp_dataset_check_loss(network, &w.batches.set, "dataset");
    double sum = 0.0, count = 0.0;
    bp_batch batch;
    while (status == BP_OK && bp_batches_next(&w.batches, &batch))
        status = add_losses(network, &batch, &sum, &count);
    if (status == BP_OK && count == 0.0)
        status = bp_fail(BP_ERROR_VALUE, "dataset.weights add up to 0, and must have another sum for a weighted mean");
    if (status == BP_OK)
        *loss = sum / count;
    walk_close(&w, network);
    return status;
}

bp_status bp_network_evaluate(bp_network *network, const bp_dataset *dataset, double *loss) {
    CONTRACT_MODE(host);
    if (!network || !dataset || !loss)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !dataset ? "dataset" : "loss");
    return bp_evaluate_in(network, dataset, network->plan.max_batch_size, loss);
}
