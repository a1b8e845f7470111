/*
 * The way that workers share a slice. The partition changes no bit: one worker computes the whole chain of a result,
 * and row blocks are added in their order.
 *
 * A barrier is cheap, a fraction of a microsecond. Reading or writing what another core wrote last is expensive: one
 * float costs as much as CROSSING_FLOPS operations. So the partition minimizes the traffic between cores:
 *
 *   blocks   If the weights are small against the values of a row block. Each worker takes whole row blocks: forward,
 *            loss, backward, and the block's gradient. Then each worker adds the blocks' gradients for its part of the
 *            parameters. Only these gradients cross.
 *   rows     Each worker takes some rows: forward, loss, backward to the first layer's deltas. Then each worker updates
 *            its part of every layer's weights. The weights cross once, and the values of the other workers' rows.
 *   columns  If a layer's weights are large against the values of the rows. Each worker takes all rows, but only some
 *            columns of the layer's outputs, of the previous layer's deltas, and of the update: its part of the weights
 *            stays with it. The values cross, after each layer.
 *
 * The choice between rows and columns is made layer by layer. Consecutive layers by rows form one range.
 */
#include "network/step_schedule.h"

#include <backprop/dense.h>

#include "network/range.h"

/* Operations in the time in which one float goes from core to core, at the least, and in that of a barrier. */
#define CROSSING_FLOPS 10.0
#define BARRIER_FLOPS 7e4

/*
 * Inputs are read in place, not packed, if few outputs use each of them. With more outputs, too, unless their rows lie
 * whole pages apart, and so share few sets of the cache, or are many and the backend reads packed ones faster.
 */
#define FEW_OUTPUTS 64
#define IN_PLACE_MAX (64 * 1024)

/* Columns that the largest part has beyond the mean. */
static double uneven(const bp_network *network, size_t columns, size_t workers) {
    const size_t unit = column_unit(network->backend, columns), units = (columns + unit - 1) / unit;
    const size_t most = (units + workers - 1) / workers * unit;
    return (double)(most < columns ? most : columns) - (double)columns / (double)workers;
}

/* By columns the weights do not cross, but all values of the rows do. There are more barriers, and parts are less even.
 */
bool bp_schedule_by_columns(const bp_network *network, size_t l, size_t rows, size_t workers) {
    const dense_layer *k = &network->layers[l];
    if (workers == 1 || k->normalized || (l > 0 && k[-1].normalized)) /* normalization needs whole rows */
        return false;
    const double in = (double)k->in, out = (double)k->out, n = (double)rows;
    const double saved = in * out - n * (in + out);
    const double waiting =
        l == 0 ? 4.0 * n * in * uneven(network, k->out, workers)
               : 2.0 * n * in * uneven(network, k->out, workers) + 4.0 * n * out * uneven(network, k->in, workers);
    return saved * CROSSING_FLOPS > 2.0 * BARRIER_FLOPS + waiting;
}

/* dL/dx is written where packed inputs would be: a step that wants it reads its inputs in place. */
static bool reads_in_place(const bp_network *network, const step_request *r, size_t rows) {
    const dense_layer *first = &network->layers[0];
    if (r->input_gradient || first->out <= FEW_OUTPUTS)
        return true;
    return r->input_stride % FLOATS_PER_PAGE != 0 && (network->backend->in_place || first->in * rows <= IN_PLACE_MAX);
}

/* ---- Phases --------------------------------------------------------------------------------------------------- */

static step_phase *add_phase(step_schedule *s, size_t workers) {
    step_phase *p = &s->phases[s->count++];
    p->workers = workers;
    p->each_block = false;
    p->count = 0;
    return p;
}

static void add_operation(step_phase *p, operation_kind kind, size_t first, size_t end) {
    p->operations[p->count++] = (step_operation){kind, first, end};
}

/* Rows through layers first .. layers - 1, to the outputs or the loss. */
static void add_forward(const step_schedule *s, const bp_network *network, const step_request *r, step_phase *p,
                        size_t first) {
    if (first == 0 && !s->inputs_in_place)
        add_operation(p, PACK_INPUTS, 0, 0);
    if (first < network->plan.layers)
        add_operation(p, FORWARD_ROWS, first, network->plan.layers);
    if (r->outputs)
        add_operation(p, WRITE_OUTPUTS, 0, 0);
}

static void plan_one_worker(step_schedule *s, const bp_network *network, const step_request *r) {
    step_phase *p = add_phase(s, 1);
    add_forward(s, network, r, p, 0);
    if (!r->outputs)
        add_operation(p, LOSS, 0, 0);
    if (r->train)
        add_operation(p, BACKWARD, 0, network->plan.layers);
}

static void plan_blocks(step_schedule *s, const bp_network *network, const step_request *r, size_t workers) {
    step_phase *p = add_phase(s, workers);
    p->each_block = true;
    add_forward(s, network, r, p, 0);
    if (!r->outputs)
        add_operation(p, LOSS, 0, 0);
    if (!r->train)
        return;
    add_operation(p, BLOCK_GRADIENT, 0, network->plan.layers);
    if (!r->skips_gradient)
        add_operation(add_phase(s, workers), ADD_BLOCKS, 0, network->plan.layers);
}

/* The first of the layers by rows that end before layer `end`; `end` if the layer before it is by columns. */
static size_t rows_range_until(const bp_network *network, size_t end, size_t rows, size_t workers) {
    size_t first = end;
    while (first > 0 && !bp_schedule_by_columns(network, first - 1, rows, workers))
        first--;
    return first;
}

/* The layers before the last range by rows, which goes up to the loss; returns that range's first layer. */
static size_t plan_forward(step_schedule *s, const bp_network *network, size_t workers) {
    const size_t layers = network->plan.layers, last = rows_range_until(network, layers, s->rows, workers);
    if (last > 0 && !s->inputs_in_place && bp_schedule_by_columns(network, 0, s->rows, workers))
        add_operation(add_phase(s, workers), PACK_INPUTS, 0, 0);
    for (size_t first = 0, end; first < last; first = end) {
        const bool by_columns = bp_schedule_by_columns(network, first, s->rows, workers);
        end = first + 1;
        while (!by_columns && end < last && !bp_schedule_by_columns(network, end, s->rows, workers))
            end++;
        step_phase *p = add_phase(s, workers);
        if (first == 0 && !by_columns && !s->inputs_in_place)
            add_operation(p, PACK_INPUTS, 0, 0);
        add_operation(p, by_columns ? FORWARD_COLUMNS : FORWARD_ROWS, first, end);
    }
    return last;
}

/*
 * Back through layers 0 .. end - 1; the deltas before layer `end` are known, and layers `end` .. layers - 1, by rows,
 * wait for their update. A phase updates what waits, from the last layer to the first, so that the next step's forward
 * pass finds its first layers in the cache.
 */
static void plan_backward(step_schedule *s, const bp_network *network, const step_request *r, size_t end,
                          size_t workers) {
    size_t waiting_first = end, waiting_end = network->plan.layers;
    while (end > 0) {
        size_t first = rows_range_until(network, end, s->rows, workers);
        const bool by_columns = first == end;
        if (by_columns)
            first = end - 1;
        if (by_columns && end == 1 && r->input_gradient) /* before the first layer's weights are updated */
            add_operation(add_phase(s, workers), DELTAS_ROWS, 0, 1);
        if (by_columns || end > 1 || r->input_gradient) {
            step_phase *p = add_phase(s, workers);
            if (waiting_first < waiting_end)
                add_operation(p, UPDATE, waiting_first, waiting_end);
            add_operation(p, by_columns ? BACKWARD_COLUMNS : DELTAS_ROWS, first, end);
        }
        waiting_first = by_columns ? end : first;
        waiting_end = end;
        end = first;
    }
    if (waiting_first < waiting_end)
        add_operation(add_phase(s, workers), UPDATE, waiting_first, waiting_end);
}

static void plan_layers(step_schedule *s, const bp_network *network, const step_request *r, size_t workers) {
    const size_t layers = network->plan.layers, last = plan_forward(s, network, workers);
    step_phase *p = add_phase(s, workers);
    add_forward(s, network, r, p, last);
    if (r->in_order) {
        s->count -= p->count == 0;
        add_operation(add_phase(s, 1), LOSS, 0, 0);
        if (last < layers)
            p = add_phase(s, workers);
    } else if (!r->outputs) {
        add_operation(p, LOSS, 0, 0);
    }
    if (!r->train)
        return;
    if (last < layers)
        add_operation(p, DELTAS_ROWS, last, layers);
    plan_backward(s, network, r, last, workers);
}

void bp_schedule_slice(step_schedule *s, const bp_network *network, const bp_workspace *w,
                       const step_request *request) {
    const network_plan *plan = &network->plan;
    const size_t left = request->rows;
    s->count = 0;
    if (request->one_call && bp_schedule_is_small(network, w, left, request->train)) {
        s->rows = left;
        s->inputs_in_place = true;
        step_phase *p = add_phase(s, 1);
        add_operation(p, SMALL_STEP, 0, plan->layers);
        if (request->outputs)
            add_operation(p, WRITE_OUTPUTS, 0, 0);
        return;
    }
    const size_t all = bp_step_workers(plan, left, request->train, w->workers);
    const size_t blocks = left / (all * BP_ROW_BLOCK); /* for each worker */
    if (all > 1 && blocks > 0 && plan->worker_blocks > 0 && !request->in_order && network->frozen == 0) {
        s->rows = (blocks < plan->worker_blocks ? blocks : plan->worker_blocks) * all * BP_ROW_BLOCK;
        s->inputs_in_place = reads_in_place(network, request, s->rows);
        plan_blocks(s, network, request, all);
        return;
    }
    s->rows = left < w->slice_rows ? left : w->slice_rows;
    s->inputs_in_place = reads_in_place(network, request, s->rows);
    const size_t workers = bp_step_workers(plan, s->rows, request->train, w->workers);
    if (workers == 1)
        plan_one_worker(s, network, request);
    else
        plan_layers(s, network, request, workers);
}
