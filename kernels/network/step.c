/* The training step and the passes without one: checks, then the step. */
#include <math.h>

#include "failure.h"
#include "float_environment.h"
#include "network/batch_check.h"
#include "network/optimize.h"
#include "network/refusals.h"
#include "network/step_run.h"

/*
 * A step that only goes forward. All fields one by one: zeroing the struct as a whole is a slow string instruction, and
 * a copy of the batch by vectors would wait for the stores of a caller that has just filled it. Either costs a tenth of
 * the smallest step.
 */
static ALWAYS_INLINE void begin_step(step *s, bp_network *network, const bp_batch *batch) {
    s->network = network;
    s->workspace = &network->workspace;
    s->batch.rows = batch->rows;
    s->batch.inputs = batch->inputs;
    s->batch.input_stride = batch->input_stride;
    s->batch.targets = batch->targets;
    s->batch.target_stride = batch->target_stride;
    s->batch.labels = batch->labels;
    s->batch.weights = batch->weights;
    s->train = false;
    s->outputs = NULL;
    s->output_stride = 0;
    s->row_loss = NULL;
    s->scale = 0.0f;
    s->options = NULL;
    s->gradient = BP_GRADIENT_MODE_UPDATE;
    s->continues = false;
    s->update = NULL;
    s->first_row = 0;
    s->begin = 0;
    s->rows = 0;
    s->inputs_in_place = false;
}

bp_status bp_network_forward(bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride) {
    CONTRACT_MODE(host);
    if (!network || !batch || !outputs)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !batch ? "batch" : "outputs");
    step s;
    begin_step(&s, network, batch);
    bp_status status = bp_check_inputs(network, &s.batch);
    if (status != BP_OK)
        return bp_refuse_inputs(network, &s.batch, status);
    const size_t in = network->layers[0].in, out = bp_last_layer(network)->out;
    s.outputs = outputs;
    s.output_stride = output_stride ? output_stride : out;
    const matrix result = matrix_of(outputs, s.batch.rows, out, s.output_stride);
    const matrix inputs = matrix_of(s.batch.inputs, s.batch.rows, in, s.batch.input_stride);
    if ((status = check_matrices(&result, 1, &inputs, 1)) != BP_OK)
        return bp_refuse_outputs(&s, status);
    if (bp_meets_block(network, result))
        return bp_refuse_outputs(&s, BP_ERROR_OVERLAP);
    bp_step_run(&s, s.batch.rows, NULL);
    return BP_OK;
}

bp_status bp_network_loss(bp_network *network, const bp_batch *batch, float *loss) {
    CONTRACT_MODE(host);
    if (!network || !batch || !loss)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !batch ? "batch" : "loss");
    step s;
    begin_step(&s, network, batch);
    const bp_status status = bp_check_batch(network, &s.batch);
    if (status != BP_OK)
        return bp_refuse_batch(network, &s.batch, status);
    bp_step_run(&s, s.batch.rows, loss);
    return BP_OK;
}

bp_status bp_network_train_step(bp_network *network, const bp_batch *batch, float learning_rate, float *loss) {
    CONTRACT_MODE(host);
    if (!network || !batch)
        return bp_fail(BP_ERROR_NULL, "%s is null", network ? "batch" : "network");
    if (!isfinite(learning_rate))
        return bp_refuse_learning_rate(learning_rate, "learning_rate");
    if (bp_steps_are_over(network))
        return bp_refuse_steps(network);
    step s;
    begin_step(&s, network, batch);
    s.train = true;
    const bp_status status = bp_check_batch(network, &s.batch);
    if (status != BP_OK)
        return bp_refuse_batch(network, &s.batch, status);
    if (network->optimizer.ema_swapped)
        return bp_refuse_swapped();
    bp_training_begin(network, &s, learning_rate);
    bp_step_run(&s, s.batch.rows, loss);
    bp_training_end(network);
    return BP_OK;
}
