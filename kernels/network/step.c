/*
 * The training step and the other passes of a batch: checks, then the batch in slices. While a slice is in the cache,
 * it goes through all layers forward, the loss, all deltas backward, and the gradients. The last slice updates the
 * weights.
 */
#include "network/step.h"

#include <math.h>

#include "api/check.h"
#include "enum_counts.h"
#include "failure.h"
#include "float_environment.h"

/* The smallest steps take less time than their calls: what all of them run is one function. The compiler's own choice
 * changes with every branch for a refused call. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* The loss of a small network's step that small_step does not implement. */
static void small_loss(void *context) {
    const step *s = context;
    bp_step_loss(s, (row_range){.rows = s->batch.rows, .scratch = s->network->scratch});
}

/* A step of a small network on one worker. */
static ALWAYS_INLINE void run_small(step *s) {
    bp_network *network = s->network;
    const bp_small_step small = {
        .layers = network->small_layer,
        .count = network->layers,
        .batch = &s->batch,
        .loss = s->options || s->batch.weights ? LOSS_COUNT : network->small_loss,
        .other_loss = small_loss,
        .context = s,
        .row_loss = s->row_loss,
        .scale = s->scale,
        .update = s->train ? &network->coefficients : NULL,
        .weights_t_current = &network->weights_t_current,
    };
    network->small_step(&small);
    if (s->outputs) {
        const bp_dense_layer *last = &network->layer[network->layers - 1];
        network->backend->unpack(s->outputs, s->output_stride, last->outputs, s->batch.rows, last->out);
    }
}

static ALWAYS_INLINE void run_step(step *s) {
    bp_network *network = s->network;
    /* The single-call paths implement the update only. */
    const bool sgd_only =
        !s->store && (!s->options || (s->options->gradient == BP_GRADIENT_MODE_UPDATE && !s->options->input_gradient));
    if (sgd_only && s->batch.rows <= network->small_rows) {
        run_small(s);
        return;
    }
    if (s->train)
        network->weights_t_current = false;
    for (s->begin = 0; s->begin < s->batch.rows; s->begin += s->rows)
        bp_step_slice(s);
}

/*
 * A step that only goes forward, without a slice yet. All fields one by one: zeroing the struct as a whole is a slow
 * string instruction, and a copy of the batch by vectors would wait for the stores of a caller that has just filled it.
 * Either costs a tenth of the smallest step.
 */
static ALWAYS_INLINE void begin_step(step *s, bp_network *network, const bp_batch *batch) {
    s->network = network;
    s->batch.rows = batch->rows;
    s->batch.inputs = batch->inputs;
    s->batch.input_stride = batch->input_stride;
    s->batch.targets = batch->targets;
    s->batch.target_stride = batch->target_stride;
    s->batch.labels = batch->labels;
    s->batch.weights = batch->weights;
    s->outputs = NULL;
    s->output_stride = 0;
    s->row_loss = NULL;
    s->scale = 0.0f;
    s->train = false;
    s->options = NULL;
    s->store = false;
    s->continues = false;
    s->first_row = 0;
}

static ALWAYS_INLINE bp_status check_inputs(const bp_network *network, bp_batch *batch) {
    if (!batch->inputs)
        return BP_ERROR_NULL;
    if (batch->rows > network->max_batch_size)
        return BP_ERROR_BATCH;
    if (batch->input_stride == 0)
        batch->input_stride = network->layer[0].in;
    const matrix inputs = matrix_of(batch->inputs, batch->rows, network->layer[0].in, batch->input_stride);
    const bp_status status = check_matrix(inputs);
    if (status != BP_OK)
        return status;
    return ranges_overlap(network, network->bytes - BP_ALIGNMENT, inputs.data, matrix_extent(inputs)) ? BP_ERROR_OVERLAP
                                                                                                      : BP_OK;
}

bp_status bp_step_check_inputs(const bp_network *network, bp_batch *batch) {
    return check_inputs(network, batch);
}

/* Row weights have valid values. */
static bp_status check_weights(const bp_network *network, const float *weights, size_t rows) {
    const matrix given = vector_of(weights, rows);
    const bp_status status = check_matrix(given);
    if (status != BP_OK)
        return status;
    return ranges_overlap(network, network->bytes - BP_ALIGNMENT, weights, matrix_extent(given)) ? BP_ERROR_OVERLAP
                                                                                                 : BP_OK;
}

/* The divisor of the mean is not zero. */
static bp_status check_mean(const bp_network *network, const bp_batch *batch) {
    if (network->reduction != BP_REDUCTION_WEIGHTED_MEAN || !batch->weights)
        return BP_OK;
    const float count = (float)bp_loss_count(network, batch, batch->rows);
    return isfinite(count) && isfinite(1.0f / count) ? BP_OK : BP_ERROR_VALUE;
}

/* Checks targets or labels, and row weights; fills in the default stride. */
static bp_status check_targets(const bp_network *network, bp_batch *batch) {
    const size_t out = network->layer[network->layers - 1].out;
    const bool labeled = loss_takes_labels(network->loss);
    if (labeled ? !batch->labels : !batch->targets)
        return BP_ERROR_NULL;
    if (batch->target_stride == 0)
        batch->target_stride = out;
    const matrix targets = labeled ? vector_of(batch->labels, batch->rows)
                                   : matrix_of(batch->targets, batch->rows, out, batch->target_stride);
    bp_status status = check_matrix(targets);
    if (status != BP_OK)
        return status;
    if (ranges_overlap(network, network->bytes - BP_ALIGNMENT, targets.data, matrix_extent(targets)))
        return BP_ERROR_OVERLAP;
    if (batch->weights && (status = check_weights(network, batch->weights, batch->rows)) != BP_OK)
        return status;
    if (labeled && (status = check_labels(batch->labels, batch->rows, out)) != BP_OK)
        return status;
    return check_mean(network, batch);
}

bp_status bp_step_check(const bp_network *network, bp_batch *batch) {
    const bp_status status = check_inputs(network, batch);
    return status == BP_OK ? check_targets(network, batch) : status;
}

bp_status bp_network_forward(bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride) {
    CONTRACT_MODE(host);
    if (!network || !batch || !outputs)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !batch ? "batch" : "outputs");
    step s;
    begin_step(&s, network, batch);
    bp_status status = check_inputs(network, &s.batch);
    if (status != BP_OK)
        return bp_inputs_refuse(network, &s.batch, status);
    const size_t out = network->layer[network->layers - 1].out;
    s.outputs = outputs;
    s.output_stride = output_stride ? output_stride : out;
    const matrix result = matrix_of(outputs, s.batch.rows, out, s.output_stride);
    const matrix inputs = matrix_of(s.batch.inputs, s.batch.rows, network->layer[0].in, s.batch.input_stride);
    if ((status = check_matrices(&result, 1, &inputs, 1)) != BP_OK)
        return bp_outputs_refuse(&s, status);
    if (ranges_overlap(network, network->bytes - BP_ALIGNMENT, outputs, matrix_extent(result)))
        return bp_outputs_refuse(&s, BP_ERROR_OVERLAP);
    run_step(&s);
    return BP_OK;
}

/* Runs a checked step as a part of a batch of so many rows; computes its part of the loss if `loss` is not null. */
static ALWAYS_INLINE void run_with_loss(step *s, size_t batch_rows, float *loss) {
    s->row_loss = loss ? s->network->row_loss : NULL;
    if (!bp_step_has_callers_loss(s))
        s->scale = bp_loss_scale(s->network, &s->batch, batch_rows);
    run_step(s);
    if (loss && s->batch.rows == 1)
        *loss = (0.0f + s->row_loss[0]) * s->scale; /* the sum of one number */
    else if (loss)
        *loss = s->network->backend->kernels.sum(s->row_loss, s->batch.rows) * s->scale;
}

void bp_step_run(step *s, size_t batch_rows, float *loss) {
    run_with_loss(s, batch_rows, loss);
}

bp_status bp_network_loss(bp_network *network, const bp_batch *batch, float *loss) {
    CONTRACT_MODE(host);
    if (!network || !batch || !loss)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !batch ? "batch" : "loss");
    step s;
    begin_step(&s, network, batch);
    bp_status status;
    if ((status = check_inputs(network, &s.batch)) != BP_OK || (status = check_targets(network, &s.batch)) != BP_OK)
        return bp_batch_refuse(network, &s.batch, status);
    run_with_loss(&s, s.batch.rows, loss);
    return BP_OK;
}

bp_status bp_network_train_step(bp_network *network, const bp_batch *batch, float learning_rate, float *loss) {
    CONTRACT_MODE(host);
    if (!network || !batch)
        return bp_fail(BP_ERROR_NULL, "%s is null", network ? "batch" : "network");
    if (!isfinite(learning_rate))
        return bp_learning_rate_refuse(learning_rate, "learning_rate");
    if (bp_steps_are_over(network))
        return bp_steps_refuse(network);
    step s;
    begin_step(&s, network, batch);
    s.train = true;
    bp_status status;
    if ((status = check_inputs(network, &s.batch)) != BP_OK || (status = check_targets(network, &s.batch)) != BP_OK)
        return bp_batch_refuse(network, &s.batch, status);
    if (!network->sgd_only)
        return bp_update_step(&s, learning_rate, loss);
    network->coefficients.learning_rate = learning_rate;
    run_with_loss(&s, s.batch.rows, loss);
    network->steps++;
    return BP_OK;
}
