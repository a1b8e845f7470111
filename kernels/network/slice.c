/*
 * How lanes share a slice, in stages between which they all join. Which lane does what changes no bit: each result is
 * one chain, computed whole by one lane, and blocks of rows are added in their order.
 *
 * Joins are cheap, a fraction of a microsecond. What costs is to read or write what another core has written last: a
 * float of it takes the time of CROSSING_FLOPS operations. So a slice is shared in the way that lets least cross:
 *
 *   blocks    Where weights are small against the values of a row block: each lane takes whole blocks of rows forward,
 *             through the loss, back, and into a sum of gradients for each block; then each lane adds the blocks' sums
 *             for its share of all weights. Only these sums cross.
 *   rows      Each lane takes some rows forward, through the loss and back to the first layer's deltas; then each lane
 *             updates its share of every layer's weights. Weights cross once, and values of the other lanes' rows.
 *   columns   Where a layer's weights are large against the values of the rows: each lane takes all rows, but only
 *             its columns of the layer's outputs, of the deltas below it, and of its update, whose weights so stay
 *             with it. Values cross, after each layer.
 *
 * Rows and columns are chosen layer by layer. Layers by rows that follow each other make a group, one stage.
 */
#include "network/step.h"

#include <backprop/dense.h>

#include "network/share.h"

/* Operations of the time that one float takes from core to core, at the least, and of a join. */
#define CROSSING_FLOPS 10.0
#define JOIN_FLOPS 7e4

/* ---- Shares --------------------------------------------------------------------------------------------------- */

/* How many columns the largest share has beyond an even one. */
static double uneven(const bp_network *network, size_t columns, size_t lanes) {
    const size_t panel = network->level->panel, unit = panel ? panel : 1;
    const size_t panels = (columns + unit - 1) / unit, most = (panels + lanes - 1) / lanes * unit;
    return (double)(most < columns ? most : columns) - (double)columns / (double)lanes;
}

/* By columns the weights do not cross, but all values of the rows do; there are more joins, and shares less even. */
bool bp_by_columns(const bp_network *network, size_t l, size_t rows, size_t lanes) {
    if (lanes == 1)
        return false;
    const bp_dense_layer *k = &network->layer[l];
    const double in = (double)k->in, out = (double)k->out, n = (double)rows;
    const double saved = in * out - n * (in + out);
    const double waiting =
        l == 0 ? 4.0 * n * in * uneven(network, k->out, lanes)
               : 2.0 * n * in * uneven(network, k->out, lanes) + 4.0 * n * out * uneven(network, k->in, lanes);
    return saved * CROSSING_FLOPS > 2.0 * JOIN_FLOPS + waiting;
}

static void *lane_scratch(const bp_network *network, size_t lane) {
    return network->scratch + lane * network->scratch_bytes;
}

static bp_panels rows_from(bp_panels m, size_t row) {
    m.at += row * m.row;
    return m;
}

/* Share `lane` of the slice's rows. */
static part rows_of_lane(const step *s, size_t lane, size_t lanes) {
    const share mine = share_of(s->rows, 1, lane, lanes);
    return (part){s->begin + mine.begin, mine.begin, mine.end - mine.begin, lane_scratch(s->network, lane)};
}

/* Layers first .. end - 1: one that is shared by columns, or all by rows between such. */
typedef struct group {
    size_t first, end;
    bool by_columns;
} group;

/* What the lanes do until the next join. */
typedef struct stage {
    const step *step;
    size_t lanes;
    group update; /* layers by rows whose deltas are known */
    group group;
} stage;

/* ---- Some rows through layers --------------------------------------------------------------------------------- */

/*
 * Inputs are read where the caller has them if they are small and spread over the cache: packing 32 rows of 784 took
 * 5 % of a step of 784-128-10. Large ones are packed, and rows that would fall on few sets.
 */
#define IN_PLACE_MAX (64 * 1024)
#define SPREAD 64

static bool in_place(const step *s, size_t rows) {
    const size_t stride = s->batch.input_stride;
    return stride % SPREAD != 0 && s->network->layer[0].in * rows <= IN_PLACE_MAX;
}

/* The inputs of layer l. */
static bp_panels inputs_of(const step *s, size_t l, part p) {
    const bp_network *network = s->network;
    if (l > 0)
        return rows_from(network->layer[l - 1].outputs, p.at);
    if (!s->in_place)
        return rows_from(network->inputs, p.at);
    const size_t stride = s->batch.input_stride;
    return (bp_panels){(float *)s->batch.inputs + p.from * stride, stride, network->level->panel};
}

static void forward_rows(const step *s, size_t first, size_t end, part p) {
    const bp_network *network = s->network;
    const bp_level *level = network->level;
    bp_panels x = inputs_of(s, first, p);
    if (first == 0 && !s->in_place)
        level->pack(x, s->batch.inputs + p.from * s->batch.input_stride, s->batch.input_stride, p.rows,
                    network->layer[0].in);
    for (size_t l = first; l < end; l++) {
        const bp_dense_layer *k = &network->layer[l];
        const bp_panels a = rows_from(k->outputs, p.at);
        level->forward(a, x, k->weights, k->biases, p.rows, k->in, k->out, k->activation, p.scratch);
        x = a;
    }
    if (s->outputs && end == network->layers)
        level->unpack(s->outputs + p.from * s->output_stride, s->output_stride, x, p.rows, network->layer[end - 1].out);
}

/* Loss of row-major outputs, and their deltas; `row` counts from the start of the batch. */
static void loss_of(const step *s, float *delta, size_t ldd, const float *a, size_t lda, size_t row, size_t rows) {
    const bp_network *network = s->network;
    const bp_dense_layer *k = &network->layer[network->layers - 1];
    const bp_kernels *kernels = &network->level->kernels;
    float *row_loss = s->row_loss ? s->row_loss + row : NULL;
    if (network->loss == BP_LOSS_MSE)
        kernels->loss_mse(delta, ldd, row_loss, a, lda, s->batch.targets + row * s->batch.target_stride,
                          s->batch.target_stride, rows, k->out, k->activation, s->scale);
    else
        kernels->loss_softmax_cross_entropy(delta, ldd, row_loss, a, lda, s->batch.labels + row, rows, k->out,
                                            s->scale);
}

void bp_step_loss(const step *s, part p) {
    const bp_network *network = s->network;
    const bp_level *level = network->level;
    const bp_dense_layer *k = &network->layer[network->layers - 1];
    if (!s->train && !s->row_loss)
        return;
    const bp_panels a = rows_from(k->outputs, p.at), delta = rows_from(k->deltas, p.at);
    if (k->out <= level->panel || level->panel == 0) { /* one panel is row-major */
        loss_of(s, s->train ? delta.at : NULL, delta.row, a.at, a.row, p.from, p.rows);
        return;
    }
    float *row = p.scratch, *row_delta = row + BP_LOSS_ROWS * k->out;
    for (size_t n = 0; n < p.rows; n += BP_LOSS_ROWS) {
        const size_t count = p.rows - n < BP_LOSS_ROWS ? p.rows - n : BP_LOSS_ROWS;
        level->unpack(row, k->out, rows_from(a, n), count, k->out);
        loss_of(s, s->train ? row_delta : NULL, k->out, row, k->out, p.from + n, count);
        if (s->train)
            level->pack(rows_from(delta, n), row_delta, k->out, count, k->out);
    }
}

/* Whether anyone wants the deltas below layer l: only frozen layers lie there if not. */
static bool delta_is_wanted(const step *s, size_t l) {
    return l > s->network->lowest;
}

/* Deltas of the layer below layer l. */
static void delta_rows(const step *s, size_t l, part p) {
    const bp_network *network = s->network;
    if (!delta_is_wanted(s, l))
        return;
    const bp_dense_layer *k = &network->layer[l], *below = &network->layer[l - 1];
    network->level->delta(rows_from(below->deltas, p.at), rows_from(k->deltas, p.at), k->weights,
                          rows_from(below->outputs, p.at), p.rows, k->in, k->out, below->activation, p.scratch);
}

/* ---- A share of a layer's weights ----------------------------------------------------------------------------- */

/* Adds the slice to the gradients of the rows `in` and columns `out` of layer l. */
static void update_part(const step *s, size_t l, share in, share out, size_t lane) {
    const bp_network *network = s->network;
    const part all = rows_of_lane(s, 0, 1);
    const size_t panel = network->level->panel;
    const bp_dense_layer *k = &network->layer[l];
    if (in.begin == in.end || out.begin == out.end || k->frozen)
        return;
    const bp_update u = {
        .weights = panels_part(k->weights, panel, in.begin, out.begin),
        .biases = k->biases + out.begin,
        .sums = k->sums.at ? panels_part(k->sums, panel, in.begin, out.begin) : k->sums,
        .bias_sums = k->bias_sums ? k->bias_sums + out.begin : NULL,
        .rate = s->rate,
        .rule = s->rule,
        .first = bp_step_begins(s),
        .last = bp_step_updates(s),
        .with_biases = in.begin == 0,
    };
    network->level->update(&u, panels_part(inputs_of(s, l, all), panel, 0, in.begin),
                           panels_part(k->deltas, panel, 0, out.begin), s->rows, in.end - in.begin, out.end - out.begin,
                           lane_scratch(network, lane));
}

/* Lane `lane`'s share of layer l, of its rows or columns, whichever are more. */
static void update_layer(const step *s, size_t l, size_t lane, size_t lanes) {
    const bp_network *network = s->network;
    const bp_dense_layer *k = &network->layer[l];
    share in = {0, k->in}, out = {0, k->out};
    if (k->in >= k->out)
        in = columns_of(network, k->in, lane, lanes);
    else
        out = columns_of(network, k->out, lane, lanes);
    update_part(s, l, in, out, lane);
}

/* ---- All rows, some columns ----------------------------------------------------------------------------------- */

static void forward_columns(const step *s, size_t l, size_t lane, size_t lanes) {
    const bp_network *network = s->network;
    const size_t panel = network->level->panel;
    const bp_dense_layer *k = &network->layer[l];
    const share out = columns_of(network, k->out, lane, lanes);
    if (out.begin == out.end)
        return;
    network->level->forward(panels_part(k->outputs, panel, 0, out.begin), inputs_of(s, l, rows_of_lane(s, 0, 1)),
                            panels_part(k->weights, panel, 0, out.begin), k->biases + out.begin, s->rows, k->in,
                            out.end - out.begin, k->activation, lane_scratch(network, lane));
}

/* Deltas of the layer below and the update read the same rows of the weights; the first layer has no deltas below. */
static void backward_columns(const step *s, size_t l, size_t lane, size_t lanes) {
    const bp_network *network = s->network;
    const size_t panel = network->level->panel;
    const bp_dense_layer *k = &network->layer[l];
    if (l == 0) {
        update_part(s, 0, (share){0, k->in}, columns_of(network, k->out, lane, lanes), lane);
        return;
    }
    const bp_dense_layer *below = k - 1;
    const share in = columns_of(network, k->in, lane, lanes);
    if (in.begin == in.end)
        return;
    if (delta_is_wanted(s, l))
        network->level->delta(panels_part(below->deltas, panel, 0, in.begin), k->deltas,
                              panels_part(k->weights, panel, in.begin, 0),
                              panels_part(below->outputs, panel, 0, in.begin), s->rows, in.end - in.begin, k->out,
                              below->activation, lane_scratch(network, lane));
    update_part(s, l, in, (share){0, k->out}, lane);
}

/* ---- Stages by rows and columns ------------------------------------------------------------------------------- */

static void forward_stage(void *argument, size_t lane) {
    const stage *t = argument;
    const part p = rows_of_lane(t->step, lane, t->lanes);
    if (t->group.by_columns)
        forward_columns(t->step, t->group.first, lane, t->lanes);
    else if (p.rows > 0)
        forward_rows(t->step, t->group.first, t->group.end, p);
}

/* The last layers, the loss, and back through the same layers, for each row. */
static void turning_stage(void *argument, size_t lane) {
    const stage *t = argument;
    const step *s = t->step;
    const part p = rows_of_lane(s, lane, t->lanes);
    if (p.rows == 0)
        return;
    forward_rows(s, t->group.first, t->group.end, p);
    bp_step_loss(s, p);
    for (size_t l = t->group.end; s->train && l-- > t->group.first && l > 0;)
        delta_rows(s, l, p);
}

/*
 * Layers are updated from the last to the first: the next step's forward pass finds those that it begins with in the
 * cache.
 */
static void backward_stage(void *argument, size_t lane) {
    const stage *t = argument;
    const part p = rows_of_lane(t->step, lane, t->lanes);
    for (size_t l = t->update.end; l-- > t->update.first;)
        update_layer(t->step, l, lane, t->lanes);
    if (t->group.by_columns)
        backward_columns(t->step, t->group.first, lane, t->lanes);
    else if (p.rows > 0)
        for (size_t l = t->group.end; l-- > t->group.first && l > 0;)
            delta_rows(t->step, l, p);
}

static group group_above(const step *s, size_t first, size_t lanes) {
    const bp_network *network = s->network;
    group g = {first, first, false};
    if (first == network->layers)
        return g;
    g.by_columns = bp_by_columns(network, first, s->rows, lanes);
    do
        g.end++;
    while (!g.by_columns && g.end < network->layers && !bp_by_columns(network, g.end, s->rows, lanes));
    return g;
}

static group group_below(const step *s, size_t end, size_t lanes) {
    const bp_network *network = s->network;
    group g = {end - 1, end, bp_by_columns(network, end - 1, s->rows, lanes)};
    while (!g.by_columns && g.first > 0 && !bp_by_columns(network, g.first - 1, s->rows, lanes))
        g.first--;
    return g;
}

/* `lanes` work at the loss, `update_lanes` elsewhere. */
static void run_layers(const step *s, size_t lanes, size_t update_lanes) {
    bp_network *network = s->network;
    stage t = {.step = s, .lanes = update_lanes};
    t.group = group_above(s, 0, t.lanes);
    if (t.group.by_columns && !s->in_place) {
        t.group = (group){0, 0, false}; /* packs the inputs */
        bp_network_run(network, forward_stage, &t, t.lanes);
        t.group = group_above(s, 0, t.lanes);
    }
    while (t.group.end < network->layers || t.group.by_columns) {
        bp_network_run(network, forward_stage, &t, t.lanes);
        t.group = group_above(s, t.group.end, t.lanes);
    }
    t.lanes = lanes;
    bp_network_run(network, turning_stage, &t, t.lanes);
    if (!s->train)
        return;
    t.lanes = update_lanes;
    t.update = t.group;
    for (size_t end = t.group.first; end > 0; end = t.group.first) {
        t.group = group_below(s, end, t.lanes);
        if (end > 1 || t.group.by_columns)
            bp_network_run(network, backward_stage, &t, t.lanes);
        t.update = t.group.by_columns ? (group){0, 0, false} : t.group;
    }
    t.group = (group){0, 0, false};
    if (t.update.end > 0)
        bp_network_run(network, backward_stage, &t, t.lanes);
}

/* ---- One lane, or a block for each ---------------------------------------------------------------------------- */

/* One lane alone updates a layer right after the deltas below it, which read the same weights. */
static void run_alone(const step *s) {
    const part p = rows_of_lane(s, 0, 1);
    const size_t layers = s->network->layers;
    forward_rows(s, 0, layers, p);
    bp_step_loss(s, p);
    for (size_t l = layers; s->train && l-- > 0;) {
        if (l > 0)
            delta_rows(s, l, p);
        update_layer(s, l, 0, 1);
    }
}

/* Gradients of a block of rows into sums of its own. */
static void sum_block(const step *s, size_t block, part p) {
    const bp_network *network = s->network;
    const size_t offset = (1 + block) * network->parameters;
    for (size_t l = network->layers; l-- > 0;) {
        const bp_dense_layer *k = &network->layer[l];
        bp_update u = {.sums = k->sums, .bias_sums = k->bias_sums + offset, .first = true, .with_biases = true};
        u.sums.at += offset;
        if (l > 0)
            delta_rows(s, l, p);
        network->level->update(&u, inputs_of(s, l, p), rows_from(k->deltas, p.at), p.rows, k->in, k->out, p.scratch);
    }
}

static void blocks_stage(void *argument, size_t lane) {
    const stage *t = argument;
    const step *s = t->step;
    const share blocks = share_of(s->rows / BP_ROW_BLOCK, 1, lane, t->lanes);
    for (size_t block = blocks.begin; block < blocks.end; block++) {
        const part p = {s->begin + block * BP_ROW_BLOCK, lane * BP_ROW_BLOCK, BP_ROW_BLOCK,
                        lane_scratch(s->network, lane)};
        forward_rows(s, 0, s->network->layers, p);
        bp_step_loss(s, p);
        if (s->train)
            sum_block(s, block, p);
    }
}

/* Adds the blocks' sums, for a share of all parameters; with the last slice, updates them. */
static void add_stage(void *argument, size_t lane) {
    const stage *t = argument;
    const step *s = t->step;
    const bp_network *network = s->network;
    const share mine = share_of(network->parameters, BP_ALIGNMENT / sizeof(float), lane, t->lanes);
    const float *sums = network->layer[0].sums.at + mine.begin;
    const bp_update u = {
        .weights = {.at = network->layer[0].weights.at + mine.begin},
        .sums = {.at = network->layer[0].sums.at + mine.begin},
        .rate = s->rate,
        .rule = s->rule,
        .first = bp_step_begins(s),
        .last = bp_step_updates(s),
    };
    network->level->add_blocks(&u, sums + network->parameters, network->parameters, s->rows / BP_ROW_BLOCK,
                               mine.end - mine.begin);
}

static void run_blocks(const step *s, size_t lanes) {
    stage t = {.step = s, .lanes = lanes};
    bp_network_run(s->network, blocks_stage, &t, lanes);
    if (s->train)
        bp_network_run(s->network, add_stage, &t, lanes);
}

slice_plan bp_step_plan(const bp_network *network, size_t left, bool train) {
    const size_t lanes = bp_useful_lanes(network->row_flops * (double)left, network->lanes);
    const size_t blocks = left / (lanes * BP_ROW_BLOCK); /* for each lane */
    if (lanes > 1 && blocks > 0 && network->lane_blocks > 0 && network->frozen == 0) {
        const size_t taken = blocks < network->lane_blocks ? blocks : network->lane_blocks;
        return (slice_plan){taken * lanes * BP_ROW_BLOCK, lanes, lanes, true};
    }
    const size_t rows = left < network->slice_rows ? left : network->slice_rows;
    const double flops = network->row_flops * (double)rows;
    return (slice_plan){rows, bp_useful_lanes(train ? 2 * flops : flops, network->lanes),
                        bp_useful_lanes(flops, network->lanes), false};
}

void bp_step_slice(step *s) {
    const slice_plan plan = bp_step_plan(s->network, s->batch.rows - s->begin, s->train);
    s->rows = plan.rows;
    s->in_place = in_place(s, plan.blocks ? BP_ROW_BLOCK : s->rows);
    if (plan.blocks)
        run_blocks(s, plan.lanes);
    else if (plan.lanes == 1)
        run_alone(s);
    else
        run_layers(s, plan.lanes, plan.update_lanes);
}
