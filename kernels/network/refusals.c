/* Messages of refused steps. */
#include "network/refusals.h"

#include <inttypes.h>
#include <math.h>

#include "check/refuse.h"

/* An array of a batch as the message names it. */
typedef struct named_array {
    matrix m;
    const char *name, *stride; /* the stride's name; null: a vector */
    const char *columns;       /* what they are */
} named_array;

/* What is wrong with an array, with the message; BP_OK if nothing is. */
static bp_status explain(const bp_network *network, const named_array *a) {
    const matrix *m = &a->m;
    switch (check_matrix(*m)) {
    case BP_OK:
        return m->data && ranges_overlap(network, bp_block_bytes(network), m->data, matrix_extent(*m))
                   ? bp_fail(BP_ERROR_OVERLAP, "%s overlaps the network's memory", a->name)
                   : BP_OK;
    case BP_ERROR_SIZE:
        return bp_fail(BP_ERROR_SIZE, "%s is %zu, and must be at least %zu, the network's %s, or 0 for packed rows",
                       a->stride, m->ld, m->columns, a->columns);
    case BP_ERROR_ALIGNMENT:
        return bp_fail(BP_ERROR_ALIGNMENT, "%s lies at 0x%" PRIxPTR ", and must be aligned to %zu bytes", a->name,
                       (uintptr_t)m->data, sizeof(float));
    default:
        return bp_fail(BP_ERROR_OVERFLOW,
                       "%s, of %zu rows and %zu columns with a stride of %zu, exceeds the address range", a->name,
                       m->rows, m->columns, m->ld);
    }
}

static size_t stride_or(size_t stride, size_t packed) {
    return stride ? stride : packed;
}

static named_array inputs_of(const bp_network *network, const bp_batch *batch) {
    const size_t in = network->layers[0].in;
    return (named_array){matrix_of(batch->inputs, batch->rows, in, stride_or(batch->input_stride, in)), "batch.inputs",
                         "batch.input_stride", "inputs"};
}

static named_array targets_of(const bp_network *network, const bp_batch *batch) {
    const size_t out = bp_last_layer(network)->out;
    return (named_array){matrix_of(batch->targets, batch->rows, out, stride_or(batch->target_stride, out)),
                         "batch.targets", "batch.target_stride", "outputs"};
}

static named_array vector_named(const void *data, size_t rows, const char *name) {
    return (named_array){vector_of(data, rows), name, NULL, NULL};
}

static bp_status explain_inputs(const bp_network *network, const bp_batch *batch) {
    if (!batch->inputs)
        return bp_fail(BP_ERROR_NULL, "batch.inputs is null");
    if (batch->rows == 0 || batch->rows > network->plan.max_batch_size)
        return bp_fail(BP_ERROR_BATCH, "batch.rows is %zu, and must be from 1 to the network's max_batch_size, %zu",
                       batch->rows, network->plan.max_batch_size);
    const named_array inputs = inputs_of(network, batch);
    return explain(network, &inputs);
}

static bp_status explain_labels(const bp_network *network, const bp_batch *batch) {
    const size_t out = bp_last_layer(network)->out;
    for (size_t n = 0; n < batch->rows; n++)
        if (batch->labels[n] >= out)
            return bp_fail(BP_ERROR_LABEL,
                           "batch.labels[%zu] is %" PRIu32 ", and must be below %zu, the network's outputs", n,
                           batch->labels[n], out);
    return BP_OK;
}

static bp_status explain_targets(const bp_network *network, const bp_batch *batch) {
    const bool labeled = loss_takes_labels(network->plan.loss);
    if (labeled ? !batch->labels : !batch->targets)
        return bp_fail(BP_ERROR_NULL, "batch.%s is null, and the loss %s needs it", labeled ? "labels" : "targets",
                       bp_loss_name(network->plan.loss));
    const named_array targets =
        labeled ? vector_named(batch->labels, batch->rows, "batch.labels") : targets_of(network, batch);
    const named_array weights = vector_named(batch->weights, batch->rows, "batch.weights");
    bp_status status = explain(network, &targets);
    if (status == BP_OK && batch->weights)
        status = explain(network, &weights);
    return status == BP_OK && labeled ? explain_labels(network, batch) : status;
}

bp_status bp_refuse_inputs(const bp_network *network, const bp_batch *batch, bp_status status) {
    bp_refuse(status);
    explain_inputs(network, batch);
    return status;
}

bp_status bp_refuse_batch(const bp_network *network, const bp_batch *batch, bp_status status) {
    bp_refuse(status);
    if (explain_inputs(network, batch) != BP_OK)
        return status;
    if (status == BP_ERROR_VALUE) { /* of the numbers in a batch, only a weighted mean can be refused */
        char number[32];
        const float sum = network->backend->kernels.sum(batch->weights, batch->rows);
        return bp_fail(
            status,
            "batch.weights add up to %s, and must have a finite sum with a finite reciprocal for a weighted mean",
            bp_number_text(number, (double)sum));
    }
    explain_targets(network, batch);
    return status;
}

/* Whether an array that a call writes meets one that it reads. */
static bool meets(const named_array *output, const named_array *input) {
    if (!matrices_overlap(output->m, input->m))
        return false;
    bp_fail(BP_ERROR_OVERLAP, "%s overlaps %s", output->name, input->name);
    return true;
}

bp_status bp_refuse_outputs(const step *s, bp_status status) {
    const bp_network *network = s->network;
    const size_t out = bp_last_layer(network)->out;
    const named_array inputs = inputs_of(network, &s->batch);
    const named_array outputs = {matrix_of(s->outputs, s->batch.rows, out, s->output_stride), "outputs",
                                 "output_stride", "outputs"};
    bp_refuse(status);
    if (explain(network, &outputs) == BP_OK)
        meets(&outputs, &inputs);
    return status;
}

bp_status bp_refuse_backward(const step *s, bp_status status) {
    const bp_network *network = s->network;
    const bp_backward_options *o = s->options;
    const size_t in = network->layers[0].in, out = bp_last_layer(network)->out, rows = s->batch.rows;
    const bool given = bp_step_has_callers_loss(s);
    const named_array result = {matrix_of(o->input_gradient, rows, in, o->input_gradient_stride),
                                "options.input_gradient", "options.input_gradient_stride", "inputs"};
    const named_array delta = {matrix_of(o->delta, rows, out, o->delta_stride), "options.delta", "options.delta_stride",
                               "outputs"};
    const named_array inputs = inputs_of(network, &s->batch), targets = targets_of(network, &s->batch),
                      labels = vector_named(s->batch.labels, rows, "batch.labels"),
                      weights = vector_named(s->batch.weights, rows, "batch.weights");
    bp_refuse(status);
    if (explain(network, &result) != BP_OK || explain(network, &delta) != BP_OK || meets(&result, &inputs) ||
        meets(&result, &delta))
        return status;
    /* Targets beside labels are looked at, too. */
    if (!given && (explain(network, &targets) != BP_OK || meets(&result, &targets) || meets(&result, &labels)))
        return status;
    if (!given)
        meets(&result, &weights);
    return status;
}

bp_status bp_refuse_learning_rate(float learning_rate, const char *name) {
    return bp_fail_number(name, (double)learning_rate, "finite");
}

bp_status bp_refuse_steps(const bp_network *network) {
    return bp_fail(BP_ERROR_VALUE,
                   "the network has taken %" PRIu64 " steps, the most that it can count: go on with "
                   "bp_network_set_steps",
                   network->optimizer.steps);
}

bp_status bp_refuse_swapped(void) {
    return bp_fail(BP_ERROR_VALUE, "the EMA weights are swapped in: call bp_network_swap_ema again before training");
}
