/* The training step and the passes without one: checks, then the one loop that runs the schedule. */
#include "network/step_run.h"

#include <math.h>

#include <backprop/dense.h>

#include "enum_counts.h"
#include "failure.h"
#include "float_environment.h"
#include "network/backward_pass.h"
#include "network/batch_check.h"
#include "network/forward.h"
#include "network/loss.h"
#include "network/refusals.h"
#include "network/step_loss.h"
#include "network/step_schedule.h"
#include "network/workers.h"

/* The loss of a small network's step that its call does not know. */
static void small_loss(void *context) {
    const step *s = context;
    bp_step_loss(s, (row_range){.rows = s->batch.rows, .scratch = s->workspace->scratch});
}

/* A whole step of a small network in one call. */
static ALWAYS_INLINE void run_small(step *s) {
    const network_plan *plan = &s->network->plan;
    const bp_small_step small = {
        .layers = s->workspace->small,
        .count = plan->layers,
        .batch = &s->batch,
        .loss = s->options || s->batch.weights ? LOSS_COUNT : plan->small_loss,
        .other_loss = small_loss,
        .context = s,
        .row_loss = s->row_loss,
        .scale = s->scale,
        .update = s->train ? s->update : NULL,
        .weights_t_current = &s->workspace->weights_t_current,
    };
    plan->small_step(&small);
    if (s->outputs) {
        const size_t width = s->network->backend->panel_width;
        const bp_small_layer *last = &small.layers[small.count - 1];
        s->network->backend->unpack(s->outputs, s->output_stride, (bp_packed){last->outputs, width, width},
                                    s->batch.rows, last->out);
    }
}

/* A phase, as its workers see it. */
typedef struct phase_task {
    const step *step;
    const step_phase *phase;
} phase_task;

/* The rows of a worker: a row block, in matrices that its next one uses again, or its part of all. */
static row_range rows_of(const step *s, const step_phase *phase, size_t block, size_t worker) {
    if (!phase->each_block)
        return bp_rows_of_worker(s, worker, phase->workers);
    return (row_range){s->begin + block * BP_ROW_BLOCK, worker * BP_ROW_BLOCK, BP_ROW_BLOCK,
                       bp_worker_scratch(s, worker)};
}

static void run_phase(void *argument, size_t worker) {
    const phase_task *t = argument;
    const step *s = t->step;
    const step_phase *phase = t->phase;
    const size_t workers = phase->workers;
    const range blocks = phase->each_block ? range_of(s->rows / BP_ROW_BLOCK, 1, worker, workers) : (range){0, 1};
    for (size_t block = blocks.begin; block < blocks.end; block++) {
        const row_range p = rows_of(s, phase, block, worker);
        for (const step_operation *o = phase->operations; o < phase->operations + phase->count; o++) {
            if (p.rows == 0 && o->kind <= DELTAS_ROWS)
                continue;
            switch (o->kind) {
            case PACK_INPUTS:
                bp_pack_inputs(s, p);
                break;
            case FORWARD_ROWS:
                bp_forward_layers(s, o->first, o->end, p, 0, 1);
                break;
            case WRITE_OUTPUTS:
                bp_write_outputs(s, p);
                break;
            case LOSS:
                bp_step_loss(s, p);
                break;
            case DELTAS_ROWS:
                bp_deltas_rows(s, o->first, o->end, p);
                break;
            case FORWARD_COLUMNS:
                bp_forward_layers(s, o->first, o->end, bp_all_rows(s, worker), worker, workers);
                break;
            case BACKWARD_COLUMNS:
                bp_backward_columns(s, o->first, worker, workers);
                break;
            case UPDATE:
                bp_update_layers(s, o->first, o->end, worker, workers);
                break;
            case BACKWARD:
                bp_backward_layers(s);
                break;
            case BLOCK_GRADIENT:
                bp_block_gradient(s, block, p);
                break;
            case ADD_BLOCKS:
                bp_add_blocks(s, worker, workers);
                break;
            case SMALL_STEP: /* only summaries plan it: run_step makes that call itself */
                break;
            }
        }
    }
}

/* The slice's gradient is added to earlier ones unless it is the first, and the last slice updates. */
static gradient_use use_of(const step *s) {
    const bool last = s->begin + s->rows == s->batch.rows;
    return (gradient_use){
        .continues = s->begin > 0 || s->continues,
        .update = last && s->gradient == BP_GRADIENT_MODE_UPDATE ? s->update : NULL,
    };
}

static step_request request_of(const step *s) {
    return (step_request){
        .rows = s->batch.rows - s->begin,
        .input_stride = s->batch.input_stride,
        .outputs = s->outputs != NULL,
        .train = s->train,
        .skips_gradient = s->gradient == BP_GRADIENT_MODE_SKIP,
        .input_gradient = bp_step_input_gradient(s) != NULL,
        .in_order = bp_step_calls_back(s),
    };
}

/* In line in the calls below: what all of the smallest steps run is one function. */
static ALWAYS_INLINE void run_step(step *s, size_t batch_rows, float *loss) {
    const bp_network *network = s->network;
    bp_workspace *w = s->workspace;
    s->row_loss = loss ? w->row_loss : NULL;
    if ((loss || s->train) && !bp_step_has_callers_loss(s))
        s->scale = bp_loss_scale(network, &s->batch, batch_rows);
    /* The one call updates the parameters, or goes forward only. */
    if (s->gradient == BP_GRADIENT_MODE_UPDATE && !bp_step_input_gradient(s) &&
        bp_schedule_is_small(network, w, s->batch.rows, s->train)) {
        run_small(s);
    } else {
        if (s->train)
            bp_parameters_changed(w);
        for (s->begin = 0; s->begin < s->batch.rows; s->begin += s->rows) {
            step_schedule slice = {.phases = w->phases};
            const step_request request = request_of(s);
            bp_schedule_slice(&slice, network, w, &request);
            s->rows = slice.rows;
            s->inputs_in_place = slice.inputs_in_place;
            s->use = use_of(s);
            for (size_t k = 0; k < slice.count; k++) {
                phase_task task = {s, &slice.phases[k]};
                if (slice.phases[k].workers > 1)
                    bp_workers_run(&network->pool, run_phase, &task, slice.phases[k].workers);
                else
                    run_phase(&task, 0);
            }
        }
    }
    if (loss && s->batch.rows == 1)
        *loss = (0.0f + s->row_loss[0]) * s->scale; /* the sum of one number */
    else if (loss)
        *loss = network->backend->kernels.sum(s->row_loss, s->batch.rows) * s->scale;
}

void bp_step_run(step *s, size_t batch_rows, float *loss) {
    run_step(s, batch_rows, loss);
}

/* ---- The calls ------------------------------------------------------------------------------------------------ */

/*
 * All fields one by one, and those that are known only after the checks of the batch: zeroing the struct as a whole is
 * a slow string instruction; a copy of the batch by vectors would wait for the stores of a caller that has just filled
 * it; and after a call the compiler reads again what it had known. Each costs a tenth of the smallest step.
 */
static ALWAYS_INLINE void set_batch(step *s, const bp_batch *batch) {
    s->batch.rows = batch->rows;
    s->batch.inputs = batch->inputs;
    s->batch.input_stride = batch->input_stride;
    s->batch.targets = batch->targets;
    s->batch.target_stride = batch->target_stride;
    s->batch.labels = batch->labels;
    s->batch.weights = batch->weights;
}

/* A step that only goes forward. The loop sets what is the slice's. */
static ALWAYS_INLINE void begin_step(step *s, bp_network *network) {
    s->network = network;
    s->workspace = &network->workspace;
    s->train = false;
    s->outputs = NULL;
    s->scale = 0.0f;
    s->options = NULL;
    s->gradient = BP_GRADIENT_MODE_UPDATE;
    s->continues = false;
    s->update = NULL;
    s->first_row = 0;
}

bp_status bp_network_forward(bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride) {
    CONTRACT_MODE(host);
    if (!network || !batch || !outputs)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !batch ? "batch" : "outputs");
    step s;
    set_batch(&s, batch);
    bp_status status = bp_check_inputs(network, &s.batch);
    if (status != BP_OK)
        return bp_refuse_inputs(network, &s.batch, status);
    begin_step(&s, network);
    const size_t in = network->layers[0].in, out = bp_last_layer(network)->out;
    s.outputs = outputs;
    s.output_stride = output_stride ? output_stride : out;
    const matrix result = matrix_of(outputs, s.batch.rows, out, s.output_stride);
    const matrix inputs = matrix_of(s.batch.inputs, s.batch.rows, in, s.batch.input_stride);
    if ((status = check_matrices(&result, 1, &inputs, 1)) != BP_OK)
        return bp_refuse_outputs(&s, status);
    if (bp_meets_block(network, result))
        return bp_refuse_outputs(&s, BP_ERROR_OVERLAP);
    run_step(&s, s.batch.rows, NULL);
    return BP_OK;
}

bp_status bp_network_loss(bp_network *network, const bp_batch *batch, float *loss) {
    CONTRACT_MODE(host);
    if (!network || !batch || !loss)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !batch ? "batch" : "loss");
    step s;
    set_batch(&s, batch);
    const bp_status status = bp_check_batch(network, &s.batch);
    if (status != BP_OK)
        return bp_refuse_batch(network, &s.batch, status);
    begin_step(&s, network);
    run_step(&s, s.batch.rows, loss);
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
    set_batch(&s, batch);
    const bp_status status = bp_check_batch(network, &s.batch);
    if (status != BP_OK)
        return bp_refuse_batch(network, &s.batch, status);
    if (network->optimizer.ema_swapped)
        return bp_refuse_swapped();
    begin_step(&s, network);
    s.train = true;
    bp_training_begin(network, &s, learning_rate);
    run_step(&s, s.batch.rows, loss);
    bp_training_end(network);
    return BP_OK;
}
