/*
 * The way that workers share a slice: in phases, with a barrier after each. The partition changes no bit: one worker
 * computes the whole chain of a result, and row blocks are added in their order.
 *
 * A barrier is cheap, a fraction of a microsecond. Reading or writing what another core wrote last is expensive: one
 * float costs as much as CROSSING_FLOPS operations. So the partition minimizes the traffic between cores:
 *
 *   blocks    If the weights are small against the values of a row block. Each worker takes whole row blocks: forward,
 *             loss, backward, and the block's gradient. Then each worker adds the blocks' gradients for its part of the
 *             parameters. Only these gradients cross.
 *   rows      Each worker takes some rows: forward, loss, backward to the first layer's deltas. Then each worker
 * updates its part of every layer's weights. The weights cross once, and the values of the other workers' rows. columns
 * If a layer's weights are large against the values of the rows. Each worker takes all rows, but only some columns of
 * the layer's outputs, of the previous layer's deltas, and of the update: its part of the weights stays with it. The
 * values cross, after each layer.
 *
 * The choice between rows and columns is made layer by layer. Consecutive layers by rows form one range, one phase.
 */
#include "network/regularize.h"

#include <backprop/dense.h>

#include "network/range.h"

/* Operations in the time in which one float goes from core to core, at the least, and in that of a barrier. */
#define CROSSING_FLOPS 10.0
#define BARRIER_FLOPS 7e4

/* ---- Partitions ----------------------------------------------------------------------------------------------- */

/* Columns that the largest part has beyond the mean. */
static double uneven(const bp_network *network, size_t columns, size_t workers) {
    const size_t unit = network->backend->column_unit, units = (columns + unit - 1) / unit;
    const size_t most = (units + workers - 1) / workers * unit;
    return (double)(most < columns ? most : columns) - (double)columns / (double)workers;
}

/* By columns the weights do not cross, but all values of the rows do. There are more barriers, and parts are less even.
 */
bool bp_by_columns(const bp_network *network, size_t l, size_t rows, size_t workers) {
    const bp_dense_layer *k = &network->layer[l];
    if (workers == 1 || k->norm.gamma || (l > 0 && k[-1].norm.gamma)) /* normalization needs whole rows */
        return false;
    const double in = (double)k->in, out = (double)k->out, n = (double)rows;
    const double saved = in * out - n * (in + out);
    const double waiting =
        l == 0 ? 4.0 * n * in * uneven(network, k->out, workers)
               : 2.0 * n * in * uneven(network, k->out, workers) + 4.0 * n * out * uneven(network, k->in, workers);
    return saved * CROSSING_FLOPS > 2.0 * BARRIER_FLOPS + waiting;
}

static void *worker_scratch(const bp_network *network, size_t worker) {
    return network->scratch + worker * network->scratch_bytes;
}

static bp_packed rows_from(bp_packed m, size_t row) {
    m.data += row * m.row_stride;
    return m;
}

/* The rows of the slice that `worker` takes. */
static row_range rows_of_worker(const step *s, size_t worker, size_t workers) {
    const range mine = range_of(s->rows, 1, worker, workers);
    return (row_range){s->begin + mine.begin, mine.begin, mine.end - mine.begin, worker_scratch(s->network, worker)};
}

/* Layers first .. end - 1: one layer by columns, or consecutive layers by rows. */
typedef struct layer_range {
    size_t first, end;
    bool by_columns;
} layer_range;

/* The work up to the next barrier. */
typedef struct phase {
    const step *step;
    size_t workers;
    layer_range update; /* layers by rows whose deltas are known */
    layer_range layers;
} phase;

/* ---- Some rows, all columns ----------------------------------------------------------------------------------- */

/*
 * Inputs are read in place, not packed, if few outputs use each of them. With more outputs, too, unless their rows lie
 * whole pages apart, and so share few sets of the cache, or are many and the backend reads packed ones faster.
 */
#define FEW_OUTPUTS 64
#define IN_PLACE_MAX (64 * 1024)

static bool in_place(const step *s) {
    const bp_network *network = s->network;
    if (network->layer[0].out <= FEW_OUTPUTS)
        return true;
    return s->batch.input_stride % FLOATS_PER_PAGE != 0 &&
           (network->backend->in_place || network->layer[0].in * s->rows <= IN_PLACE_MAX);
}

/* The inputs of layer l. */
static bp_packed inputs_of(const step *s, size_t l, row_range p) {
    const bp_network *network = s->network;
    if (l > 0)
        return rows_from(network->layer[l - 1].outputs, p.stored);
    if (!s->in_place)
        return rows_from(network->inputs, p.stored);
    const size_t stride = s->batch.input_stride;
    return (bp_packed){(float *)s->batch.inputs + p.from * stride, stride, network->backend->panel_width};
}

static void forward_rows(const step *s, size_t first, size_t end, row_range p) {
    const bp_network *network = s->network;
    const bp_backend *backend = network->backend;
    bp_packed x = inputs_of(s, first, p);
    if (first == 0 && !s->in_place)
        backend->pack(x, s->batch.inputs + p.from * s->batch.input_stride, s->batch.input_stride, p.rows,
                      network->layer[0].in);
    for (size_t l = first; l < end; l++) {
        const bp_dense_layer *k = &network->layer[l];
        const bp_packed a = rows_from(k->outputs, p.stored);
        const bp_packed derivatives = k->norm.gamma ? (bp_packed){0} : bp_derivatives_at(s, k, p.stored, 0);
        backend->forward(a, derivatives, x, k->weights, k->biases, p.rows, k->in, k->out, bp_product_activation(k),
                         p.scratch);
        if (network->regularized)
            bp_complete_outputs(s, l, p, 0, k->out);
        x = a;
    }
    if (s->outputs && end == network->layers)
        backend->unpack(s->outputs + p.from * s->output_stride, s->output_stride, x, p.rows,
                        network->layer[end - 1].out);
}

/* dL/dx, in the buffer of packed inputs, which is free: a step that wants dL/dx reads its inputs in place. */
static void input_gradient_rows(const step *s, row_range p) {
    const bp_network *network = s->network;
    const bp_backend *backend = network->backend;
    const bp_dense_layer *k = &network->layer[0];
    const bp_packed result = rows_from(network->inputs, p.stored);
    backend->delta(result, rows_from(k->deltas, p.stored), k->weights, (bp_packed){0}, p.rows, k->in, k->out,
                   (bp_derivative){DERIVATIVE_ONE, 0.0f}, p.scratch);
    const size_t stride = s->options->input_gradient_stride;
    backend->unpack(s->options->input_gradient + p.from * stride, stride, result, p.rows, k->in);
}

/* Whether the previous layer's deltas are needed: not if it and all before it are frozen. */
static bool delta_is_wanted(const step *s, size_t l) {
    return l > s->network->lowest || bp_step_input_gradient(s);
}

/* The deltas of the layer before layer l; for the first layer those of the inputs, if they are wanted. */
static void delta_rows(const step *s, size_t l, row_range p) {
    const bp_network *network = s->network;
    if (!delta_is_wanted(s, l))
        return;
    if (l == 0) {
        input_gradient_rows(s, p);
        return;
    }
    const bp_dense_layer *k = &network->layer[l], *previous = &network->layer[l - 1];
    network->backend->delta(rows_from(bp_first_deltas(previous), p.stored), rows_from(k->deltas, p.stored), k->weights,
                            rows_from(previous->saved, p.stored), p.rows, k->in, k->out, previous->derivative,
                            p.scratch);
    bp_complete_deltas(s, l - 1, p);
}

/* ---- A part of a layer's weights ------------------------------------------------------------------------------ */

/* What becomes of the slice's gradient. */
static gradient_use use_of(const step *s) {
    return (gradient_use){!bp_step_begins(s), bp_step_updates(s) ? &s->network->coefficients : NULL};
}

/* Adds the slice to the gradient of rows `in` and columns `out` of layer l. */
static void update_part(const step *s, size_t l, range in, range out, size_t worker) {
    const bp_network *network = s->network;
    const row_range all = rows_of_worker(s, 0, 1);
    const size_t panel = network->backend->panel_width;
    const bp_dense_layer *k = &network->layer[l];
    if (in.begin == in.end || out.begin == out.end || k->frozen || bp_step_gradient(s) == BP_GRADIENT_MODE_SKIP)
        return;
    const gradient_use use = use_of(s);
    const bp_packed delta = packed_part(k->deltas, panel, 0, out.begin);
    const size_t columns = out.end - out.begin;
    if (in.begin == 0)
        network->backend->bias_gradient(&use, k->biases + out.begin,
                                        k->bias_gradient ? k->bias_gradient + out.begin : NULL, delta, s->rows,
                                        columns);
    network->backend->gradient(&use, packed_part(k->weights, panel, in.begin, out.begin),
                               k->gradient.data ? packed_part(k->gradient, panel, in.begin, out.begin) : k->gradient,
                               packed_part(inputs_of(s, l, all), panel, 0, in.begin), delta, s->rows, in.end - in.begin,
                               columns, worker_scratch(network, worker));
}

/* The same for the normalization of layer l. */
static void update_normalization(const step *s, size_t l, range out) {
    const bp_network *network = s->network;
    const size_t panel = network->backend->panel_width;
    const bp_layer_norm *norm = &network->layer[l].norm;
    if (out.begin == out.end || network->layer[l].frozen || bp_step_gradient(s) == BP_GRADIENT_MODE_SKIP)
        return;
    const gradient_use use = use_of(s);
    network->backend->norm_gradient(&use, norm->gamma + out.begin, norm->beta + out.begin,
                                    norm->gamma_gradient ? norm->gamma_gradient + out.begin : NULL,
                                    norm->beta_gradient ? norm->beta_gradient + out.begin : NULL,
                                    packed_part(norm->deltas, panel, 0, out.begin),
                                    packed_part(norm->normalized, panel, 0, out.begin), s->rows, out.end - out.begin);
}

/* The part of layer l that `worker` updates: some rows or some columns, whichever are more. */
static void update_layer(const step *s, size_t l, size_t worker, size_t workers) {
    const bp_network *network = s->network;
    const bp_dense_layer *k = &network->layer[l];
    range in = {0, k->in}, out = {0, k->out};
    if (k->in >= k->out)
        in = columns_of(network, k->in, worker, workers);
    else
        out = columns_of(network, k->out, worker, workers);
    update_part(s, l, in, out, worker);
    if (k->norm.gamma)
        update_normalization(s, l, columns_of(network, k->out, worker, workers));
}

/* ---- All rows, some columns ----------------------------------------------------------------------------------- */

static void forward_columns(const step *s, size_t l, size_t worker, size_t workers) {
    const bp_network *network = s->network;
    const size_t panel = network->backend->panel_width;
    const bp_dense_layer *k = &network->layer[l];
    const range out = columns_of(network, k->out, worker, workers);
    if (out.begin == out.end)
        return;
    network->backend->forward(packed_part(k->outputs, panel, 0, out.begin), bp_derivatives_at(s, k, 0, out.begin),
                              inputs_of(s, l, rows_of_worker(s, 0, 1)), packed_part(k->weights, panel, 0, out.begin),
                              k->biases + out.begin, s->rows, k->in, out.end - out.begin, k->activation,
                              worker_scratch(network, worker));
    if (network->regularized)
        bp_complete_outputs(s, l, rows_of_worker(s, 0, 1), out.begin, out.end - out.begin);
}

/* The previous layer's deltas and the update read the same rows of the weights. The first layer has only the update. */
static void backward_columns(const step *s, size_t l, size_t worker, size_t workers) {
    const bp_network *network = s->network;
    const size_t panel = network->backend->panel_width;
    const bp_dense_layer *k = &network->layer[l];
    if (l == 0) {
        update_part(s, 0, (range){0, k->in}, columns_of(network, k->out, worker, workers), worker);
        return;
    }
    const bp_dense_layer *previous = k - 1;
    const range in = columns_of(network, k->in, worker, workers);
    if (in.begin == in.end)
        return;
    if (delta_is_wanted(s, l))
        network->backend->delta(packed_part(previous->deltas, panel, 0, in.begin), k->deltas,
                                packed_part(k->weights, panel, in.begin, 0),
                                packed_part(previous->saved, panel, 0, in.begin), s->rows, in.end - in.begin, k->out,
                                previous->derivative, worker_scratch(network, worker));
    update_part(s, l, in, (range){0, k->out}, worker);
}

/* ---- Phases by rows and columns ------------------------------------------------------------------------------- */

static void forward_phase(void *argument, size_t worker) {
    const phase *t = argument;
    const row_range p = rows_of_worker(t->step, worker, t->workers);
    if (t->layers.by_columns)
        forward_columns(t->step, t->layers.first, worker, t->workers);
    else if (p.rows > 0)
        forward_rows(t->step, t->layers.first, t->layers.end, p);
}

/* The last range forward, the loss, and the same range backward, for some rows. */
static void loss_phase(void *argument, size_t worker) {
    const phase *t = argument;
    const step *s = t->step;
    const row_range p = rows_of_worker(s, worker, t->workers);
    if (p.rows == 0)
        return;
    forward_rows(s, t->layers.first, t->layers.end, p);
    bp_step_loss(s, p);
    for (size_t l = t->layers.end; s->train && l-- > t->layers.first;)
        delta_rows(s, l, p);
}

/*
 * Layers are updated from the last to the first: the next step's forward pass finds its first layers in the cache.
 */
static void backward_phase(void *argument, size_t worker) {
    const phase *t = argument;
    const row_range p = rows_of_worker(t->step, worker, t->workers);
    for (size_t l = t->update.end; l-- > t->update.first;)
        update_layer(t->step, l, worker, t->workers);
    if (t->layers.by_columns)
        backward_columns(t->step, t->layers.first, worker, t->workers);
    else if (p.rows > 0)
        for (size_t l = t->layers.end; l-- > t->layers.first;)
            delta_rows(t->step, l, p);
}

/* dL/dx, before the first layer's weights are updated. */
static void input_gradient_phase(void *argument, size_t worker) {
    const phase *t = argument;
    const row_range p = rows_of_worker(t->step, worker, t->workers);
    if (p.rows > 0)
        delta_rows(t->step, 0, p);
}

/* loss_phase for a loss that one thread computes. */
static void loss_in_order(phase *t) {
    bp_network *network = t->step->network;
    bp_network_run(network, forward_phase, t, t->workers);
    bp_step_loss(t->step, rows_of_worker(t->step, 0, 1));
    bp_network_run(network, backward_phase, t, t->workers);
}

static layer_range range_from(const step *s, size_t first, size_t workers) {
    const bp_network *network = s->network;
    layer_range g = {first, first, false};
    if (first == network->layers)
        return g;
    g.by_columns = bp_by_columns(network, first, s->rows, workers);
    do
        g.end++;
    while (!g.by_columns && g.end < network->layers && !bp_by_columns(network, g.end, s->rows, workers));
    return g;
}

static layer_range range_until(const step *s, size_t end, size_t workers) {
    const bp_network *network = s->network;
    layer_range g = {end - 1, end, bp_by_columns(network, end - 1, s->rows, workers)};
    while (!g.by_columns && g.first > 0 && !bp_by_columns(network, g.first - 1, s->rows, workers))
        g.first--;
    return g;
}

/* `workers` run loss_phase, `update_workers` the other phases. */
static void run_layers(const step *s, size_t workers, size_t update_workers) {
    bp_network *network = s->network;
    phase t = {.step = s, .workers = update_workers};
    t.layers = range_from(s, 0, t.workers);
    if (t.layers.by_columns && !s->in_place) {
        t.layers = (layer_range){0, 0, false}; /* packs the inputs */
        bp_network_run(network, forward_phase, &t, t.workers);
        t.layers = range_from(s, 0, t.workers);
    }
    while (t.layers.end < network->layers || t.layers.by_columns) {
        bp_network_run(network, forward_phase, &t, t.workers);
        t.layers = range_from(s, t.layers.end, t.workers);
    }
    t.workers = workers;
    if (bp_step_calls_back(s))
        loss_in_order(&t);
    else
        bp_network_run(network, loss_phase, &t, t.workers);
    if (!s->train)
        return;
    t.workers = update_workers;
    t.update = t.layers;
    for (size_t end = t.layers.first; end > 0; end = t.layers.first) {
        t.layers = range_until(s, end, t.workers);
        if (end == 1 && t.layers.by_columns && bp_step_input_gradient(s))
            bp_network_run(network, input_gradient_phase, &t, t.workers);
        if (end > 1 || t.layers.by_columns || bp_step_input_gradient(s))
            bp_network_run(network, backward_phase, &t, t.workers);
        t.update = t.layers.by_columns ? (layer_range){0, 0, false} : t.layers;
    }
    t.layers = (layer_range){0, 0, false};
    if (t.update.end > 0)
        bp_network_run(network, backward_phase, &t, t.workers);
}

/* ---- One worker, or a block for each ---------------------------------------------------------------------------- */

/* One worker alone updates a layer right after the previous layer's deltas, which read the same weights. */
static void run_alone(const step *s) {
    const row_range p = rows_of_worker(s, 0, 1);
    const size_t layers = s->network->layers;
    forward_rows(s, 0, layers, p);
    bp_step_loss(s, p);
    for (size_t l = layers; s->train && l-- > 0;) {
        delta_rows(s, l, p);
        update_layer(s, l, 0, 1);
    }
}

/* The gradient of a row block, into a buffer of its own. */
static void sum_block(const step *s, size_t block, row_range p) {
    const bp_network *network = s->network;
    const size_t offset = (1 + block) * network->parameters;
    const gradient_use store = {0};
    for (size_t l = network->layers; l-- > 0;) {
        const bp_dense_layer *k = &network->layer[l];
        delta_rows(s, l, p);
        if (bp_step_gradient(s) == BP_GRADIENT_MODE_SKIP)
            continue;
        const bp_packed delta = rows_from(k->deltas, p.stored);
        bp_packed sums = k->gradient;
        sums.data += offset;
        network->backend->bias_gradient(&store, k->biases, k->bias_gradient + offset, delta, p.rows, k->out);
        network->backend->gradient(&store, k->weights, sums, inputs_of(s, l, p), delta, p.rows, k->in, k->out,
                                   p.scratch);
        if (k->norm.gamma)
            network->backend->norm_gradient(&store, k->norm.gamma, k->norm.beta, k->norm.gamma_gradient + offset,
                                            k->norm.beta_gradient + offset, rows_from(k->norm.deltas, p.stored),
                                            rows_from(k->norm.normalized, p.stored), p.rows, k->out);
    }
}

static void blocks_phase(void *argument, size_t worker) {
    const phase *t = argument;
    const step *s = t->step;
    const range blocks = range_of(s->rows / BP_ROW_BLOCK, 1, worker, t->workers);
    for (size_t block = blocks.begin; block < blocks.end; block++) {
        const row_range p = {s->begin + block * BP_ROW_BLOCK, worker * BP_ROW_BLOCK, BP_ROW_BLOCK,
                             worker_scratch(s->network, worker)};
        forward_rows(s, 0, s->network->layers, p);
        bp_step_loss(s, p);
        if (s->train)
            sum_block(s, block, p);
    }
}

/* Adds the blocks' gradients for a part of all parameters; the last slice updates them. */
static void add_phase(void *argument, size_t worker) {
    const phase *t = argument;
    const step *s = t->step;
    const bp_network *network = s->network;
    const range mine = range_of(network->parameters, BP_ALIGNMENT / sizeof(float), worker, t->workers);
    const gradient_use use = use_of(s);
    const bool by_role = use.update && use.update->weights_alone;
    for (size_t begin = mine.begin, end; begin < mine.end; begin = end) {
        const parameter_run run = bp_parameter_run(network, begin);
        end = by_role && run.end < mine.end ? run.end : mine.end;
        float *sums = network->layer[0].gradient.data + begin;
        network->backend->add_blocks(&use, run.role, network->layer[0].weights.data + begin, sums,
                                     sums + network->parameters, network->parameters, s->rows / BP_ROW_BLOCK,
                                     end - begin);
    }
}

static void run_blocks(const step *s, size_t workers) {
    phase t = {.step = s, .workers = workers};
    bp_network_run(s->network, blocks_phase, &t, workers);
    if (s->train && bp_step_gradient(s) != BP_GRADIENT_MODE_SKIP)
        bp_network_run(s->network, add_phase, &t, workers);
}

slice_plan bp_step_plan(const bp_network *network, size_t left, bool train, bool in_order) {
    const size_t workers = bp_useful_workers(network->row_flops * (double)left, network->workers);
    const size_t blocks = left / (workers * BP_ROW_BLOCK); /* for each worker */
    if (workers > 1 && blocks > 0 && network->worker_blocks > 0 && !in_order && network->frozen == 0) {
        const size_t taken = blocks < network->worker_blocks ? blocks : network->worker_blocks;
        return (slice_plan){taken * workers * BP_ROW_BLOCK, workers, workers, true};
    }
    const size_t rows = left < network->slice_rows ? left : network->slice_rows;
    const double flops = network->row_flops * (double)rows;
    return (slice_plan){rows, bp_useful_workers(train ? 2 * flops : flops, network->workers),
                        bp_useful_workers(flops, network->workers), false};
}

void bp_step_slice(step *s) {
    const slice_plan plan = bp_step_plan(s->network, s->batch.rows - s->begin, s->train, bp_step_calls_back(s));
    s->rows = plan.rows;
    s->in_place = bp_step_input_gradient(s) || in_place(s);
    if (plan.blocks)
        run_blocks(s, plan.workers);
    else if (plan.workers == 1)
        run_alone(s);
    else
        run_layers(s, plan.workers, plan.update_workers);
}
