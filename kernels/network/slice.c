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
#include "network/regularize.h"

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
    const bp_dense_layer *k = &network->layer[l];
    if (lanes == 1 || k->norm.gain || (l > 0 && k[-1].norm.gain)) /* rows are normalised whole */
        return false;
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
 * Inputs are read where the caller has them, not packed, where few outputs use each of them, and else unless their rows
 * lie whole pages apart and so fall on few sets of the cache, or are many and the level reads packed ones faster.
 */
#define FEW_OUTPUTS 64
#define FLOATS_PER_PAGE 1024
#define IN_PLACE_MAX (64 * 1024)

static bool in_place(const step *s) {
    const bp_network *network = s->network;
    if (network->layer[0].out <= FEW_OUTPUTS)
        return true;
    return s->batch.input_stride % FLOATS_PER_PAGE != 0 &&
           (network->level->in_place || network->layer[0].in * s->rows <= IN_PLACE_MAX);
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
        const bp_panels slopes = k->norm.gain ? (bp_panels){0} : bp_slopes(s, k, p.at, 0);
        level->forward(a, slopes, x, k->weights, k->biases, p.rows, k->in, k->out, bp_product_activation(k), p.scratch);
        if (network->regularized)
            bp_complete_outputs(s, l, p, 0, k->out);
        x = a;
    }
    if (s->outputs && end == network->layers)
        level->unpack(s->outputs + p.from * s->output_stride, s->output_stride, x, p.rows, network->layer[end - 1].out);
}

/* dL/dx, made where packed inputs would be: a step that wants it reads them in place. */
static void input_gradient_rows(const step *s, part p) {
    const bp_network *network = s->network;
    const bp_level *level = network->level;
    const bp_dense_layer *k = &network->layer[0];
    const bp_panels result = rows_from(network->inputs, p.at);
    level->delta(result, rows_from(k->deltas, p.at), k->weights, (bp_panels){0}, p.rows, k->in, k->out,
                 (bp_activation){.kind = BP_IDENTITY}, p.scratch);
    const size_t stride = s->how->input_gradient_stride;
    level->unpack(s->how->input_gradient + p.from * stride, stride, result, p.rows, k->in);
}

/* Whether anyone wants the deltas below layer l: only frozen layers lie there if not. */
static bool delta_is_wanted(const step *s, size_t l) {
    return l > s->network->lowest || bp_step_input_gradient(s);
}

/* Deltas of the layer below layer l; below the first one, of the inputs if they are wanted. */
static void delta_rows(const step *s, size_t l, part p) {
    const bp_network *network = s->network;
    if (!delta_is_wanted(s, l))
        return;
    if (l == 0) {
        input_gradient_rows(s, p);
        return;
    }
    const bp_dense_layer *k = &network->layer[l], *below = &network->layer[l - 1];
    network->level->delta(rows_from(bp_first_deltas(below), p.at), rows_from(k->deltas, p.at), k->weights,
                          rows_from(below->kept, p.at), p.rows, k->in, k->out, below->kept_as, p.scratch);
    bp_complete_deltas(s, l - 1, p);
}

/* ---- A share of a layer's weights ----------------------------------------------------------------------------- */

/* Adds the slice to the gradients of the rows `in` and columns `out` of layer l. */
static void update_part(const step *s, size_t l, share in, share out, size_t lane) {
    const bp_network *network = s->network;
    const part all = rows_of_lane(s, 0, 1);
    const size_t panel = network->level->panel;
    const bp_dense_layer *k = &network->layer[l];
    if (in.begin == in.end || out.begin == out.end || k->frozen || bp_step_gradient(s) == BP_GRADIENT_SKIP)
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

/* The same for the normalisation of layer l. */
static void update_normalization(const step *s, size_t l, share out) {
    const bp_network *network = s->network;
    const size_t panel = network->level->panel;
    const bp_layer_norm *norm = &network->layer[l].norm;
    if (out.begin == out.end || network->layer[l].frozen || bp_step_gradient(s) == BP_GRADIENT_SKIP)
        return;
    const bp_update u = {
        .weights.at = norm->gain + out.begin,
        .biases = norm->shift + out.begin,
        .sums.at = norm->gain_sums ? norm->gain_sums + out.begin : NULL,
        .bias_sums = norm->shift_sums ? norm->shift_sums + out.begin : NULL,
        .rate = s->rate,
        .first = bp_step_begins(s),
        .last = bp_step_updates(s),
    };
    network->level->normalize_update(&u, panels_part(norm->deltas, panel, 0, out.begin),
                                     panels_part(norm->normalized, panel, 0, out.begin), s->rows, out.end - out.begin);
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
    if (k->norm.gain)
        update_normalization(s, l, columns_of(network, k->out, lane, lanes));
}

/* ---- All rows, some columns ----------------------------------------------------------------------------------- */

static void forward_columns(const step *s, size_t l, size_t lane, size_t lanes) {
    const bp_network *network = s->network;
    const size_t panel = network->level->panel;
    const bp_dense_layer *k = &network->layer[l];
    const share out = columns_of(network, k->out, lane, lanes);
    if (out.begin == out.end)
        return;
    network->level->forward(panels_part(k->outputs, panel, 0, out.begin), bp_slopes(s, k, 0, out.begin),
                            inputs_of(s, l, rows_of_lane(s, 0, 1)), panels_part(k->weights, panel, 0, out.begin),
                            k->biases + out.begin, s->rows, k->in, out.end - out.begin, k->activation,
                            lane_scratch(network, lane));
    if (network->regularized)
        bp_complete_outputs(s, l, rows_of_lane(s, 0, 1), out.begin, out.end - out.begin);
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
                              panels_part(k->weights, panel, in.begin, 0), panels_part(below->kept, panel, 0, in.begin),
                              s->rows, in.end - in.begin, k->out, below->kept_as, lane_scratch(network, lane));
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
    for (size_t l = t->group.end; s->train && l-- > t->group.first;)
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
        for (size_t l = t->group.end; l-- > t->group.first;)
            delta_rows(t->step, l, p);
}

/* The first layer's deltas are known and its weights as they were. */
static void input_gradient_stage(void *argument, size_t lane) {
    const stage *t = argument;
    const part p = rows_of_lane(t->step, lane, t->lanes);
    if (p.rows > 0)
        delta_rows(t->step, 0, p);
}

/* The turning stage with a loss that one thread computes. */
static void turn_in_order(stage *t) {
    bp_network *network = t->step->network;
    bp_network_run(network, forward_stage, t, t->lanes);
    bp_step_loss(t->step, rows_of_lane(t->step, 0, 1));
    bp_network_run(network, backward_stage, t, t->lanes);
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
    if (bp_step_calls_back(s))
        turn_in_order(&t);
    else
        bp_network_run(network, turning_stage, &t, t.lanes);
    if (!s->train)
        return;
    t.lanes = update_lanes;
    t.update = t.group;
    for (size_t end = t.group.first; end > 0; end = t.group.first) {
        t.group = group_below(s, end, t.lanes);
        if (end == 1 && t.group.by_columns && bp_step_input_gradient(s))
            bp_network_run(network, input_gradient_stage, &t, t.lanes);
        if (end > 1 || t.group.by_columns || bp_step_input_gradient(s))
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
        delta_rows(s, l, p);
        if (bp_step_gradient(s) == BP_GRADIENT_SKIP)
            continue;
        network->level->update(&u, inputs_of(s, l, p), rows_from(k->deltas, p.at), p.rows, k->in, k->out, p.scratch);
        if (k->norm.gain) {
            u.sums.at = k->norm.gain_sums + offset;
            u.bias_sums = k->norm.shift_sums + offset;
            network->level->normalize_update(&u, rows_from(k->norm.deltas, p.at), rows_from(k->norm.normalized, p.at),
                                             p.rows, k->out);
        }
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
    const bool by_role = s->rule && s->rule->weights_alone;
    for (size_t begin = mine.begin, end; begin < mine.end; begin = end) {
        const parameter_run run = bp_parameter_run(network, begin);
        end = by_role && run.end < mine.end ? run.end : mine.end;
        const float *sums = network->layer[0].sums.at + begin;
        const bp_update u = {
            .weights = {.at = network->layer[0].weights.at + begin},
            .sums = {.at = network->layer[0].sums.at + begin},
            .rate = s->rate,
            .rule = s->rule,
            .role = run.role,
            .first = bp_step_begins(s),
            .last = bp_step_updates(s),
        };
        network->level->add_blocks(&u, sums + network->parameters, network->parameters, s->rows / BP_ROW_BLOCK,
                                   end - begin);
    }
}

static void run_blocks(const step *s, size_t lanes) {
    stage t = {.step = s, .lanes = lanes};
    bp_network_run(s->network, blocks_stage, &t, lanes);
    if (s->train && bp_step_gradient(s) != BP_GRADIENT_SKIP)
        bp_network_run(s->network, add_stage, &t, lanes);
}

slice_plan bp_step_plan(const bp_network *network, size_t left, bool train, bool in_order) {
    const size_t lanes = bp_useful_lanes(network->row_flops * (double)left, network->lanes);
    const size_t blocks = left / (lanes * BP_ROW_BLOCK); /* for each lane */
    if (lanes > 1 && blocks > 0 && network->lane_blocks > 0 && !in_order && network->frozen == 0) {
        const size_t taken = blocks < network->lane_blocks ? blocks : network->lane_blocks;
        return (slice_plan){taken * lanes * BP_ROW_BLOCK, lanes, lanes, true};
    }
    const size_t rows = left < network->slice_rows ? left : network->slice_rows;
    const double flops = network->row_flops * (double)rows;
    return (slice_plan){rows, bp_useful_lanes(train ? 2 * flops : flops, network->lanes),
                        bp_useful_lanes(flops, network->lanes), false};
}

void bp_step_slice(step *s) {
    const slice_plan plan = bp_step_plan(s->network, s->batch.rows - s->begin, s->train, bp_step_calls_back(s));
    s->rows = plan.rows;
    s->in_place = bp_step_input_gradient(s) || in_place(s);
    if (plan.blocks)
        run_blocks(s, plan.lanes);
    else if (plan.lanes == 1)
        run_alone(s);
    else
        run_layers(s, plan.lanes, plan.update_lanes);
}
