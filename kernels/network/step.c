/*
 * The training step: for each slice of the batch two stages, between which all lanes join:
 *
 *   rows     each lane takes some of the slice's rows through all layers forward, through the loss, and back to the
 *            first layer's deltas; rows do not depend on each other, and weights are only read
 *   update   each lane adds the slice's rows to the gradients of its share of every layer's weights; with the last
 *            slice it updates them
 *
 * Which lane does what changes no bit: each result is one chain, computed whole by one lane.
 */
#include "network/network.h"

#include <math.h>

#include "api/check.h"
#include "float_environment.h"

typedef struct step {
    bp_network *network;
    bp_batch batch; /* strides filled in */
    float *outputs; /* where the last layer's outputs are wanted, or null */
    size_t output_stride;
    float *row_loss; /* null if not wanted */
    float scale;     /* 1 / rows */
    float rate;
    bool train;
    size_t begin, rows; /* the slice */
    size_t lanes;       /* of the current stage */
    bool alone;         /* one lane does both stages */
} step;

/* Share `lane` of `lanes` of the range 0..count, cut at multiples of `unit`. */
typedef struct share {
    size_t begin, end;
} share;

static share share_of(size_t count, size_t unit, size_t lane, size_t lanes) {
    if (lanes == 1)
        return (share){0, count};
    const size_t units = (count + unit - 1) / unit;
    const size_t begin = units * lane / lanes * unit, end = units * (lane + 1) / lanes * unit;
    return (share){begin < count ? begin : count, end < count ? end : count};
}

static void *lane_scratch(const bp_network *network, size_t lane) {
    return network->scratch + lane * network->scratch_bytes;
}

static bp_panels rows_from(bp_panels m, size_t row) {
    m.at += row * m.row;
    return m;
}

/* Rows `at`.. of the slice, forward. */
static void forward_rows(const step *s, size_t at, size_t rows, void *scratch) {
    const bp_network *network = s->network;
    const bp_level *level = network->level;
    bp_panels x = rows_from(network->inputs, at);
    level->pack(x, s->batch.inputs + (s->begin + at) * s->batch.input_stride, s->batch.input_stride, rows,
                network->layer[0].in);
    for (size_t l = 0; l < network->layers; l++) {
        const bp_dense_layer *k = &network->layer[l];
        const bp_panels a = rows_from(k->outputs, at);
        level->forward(a, x, k->weights, k->biases, rows, k->in, k->out, k->activation, scratch);
        x = a;
    }
    if (s->outputs)
        level->unpack(s->outputs + (s->begin + at) * s->output_stride, s->output_stride, x, rows,
                      network->layer[network->layers - 1].out);
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

/* Loss of rows, and the output layer's deltas if the step trains. */
static void loss_rows(const step *s, size_t at, size_t rows, float *scratch) {
    const bp_network *network = s->network;
    const bp_level *level = network->level;
    const bp_dense_layer *k = &network->layer[network->layers - 1];
    if (!s->train && !s->row_loss)
        return;
    const bp_panels a = rows_from(k->outputs, at), delta = rows_from(k->deltas, at);
    if (k->out <= level->panel || level->panel == 0) { /* one panel is row-major */
        loss_of(s, s->train ? delta.at : NULL, delta.row, a.at, a.row, s->begin + at, rows);
        return;
    }
    float *row = scratch, *row_delta = scratch + BP_LOSS_ROWS * k->out;
    for (size_t n = 0; n < rows; n += BP_LOSS_ROWS) {
        const size_t count = rows - n < BP_LOSS_ROWS ? rows - n : BP_LOSS_ROWS;
        level->unpack(row, k->out, rows_from(a, n), count, k->out);
        loss_of(s, s->train ? row_delta : NULL, k->out, row, k->out, s->begin + at + n, count);
        if (s->train)
            level->pack(rows_from(delta, n), row_delta, k->out, count, k->out);
    }
}

/* Deltas of the layer below layer l. */
static void delta_rows(const step *s, size_t l, size_t at, size_t rows, void *scratch) {
    const bp_network *network = s->network;
    const bp_dense_layer *k = &network->layer[l], *below = &network->layer[l - 1];
    network->level->delta(rows_from(below->deltas, at), rows_from(k->deltas, at), k->weights,
                          rows_from(below->outputs, at), rows, k->in, k->out, below->activation, scratch);
}

/* Adds the slice to the gradients of lane `lane`'s share of layer l: of its rows or columns, whichever are more. */
static void update_layer(const step *s, size_t l, size_t lane, size_t lanes) {
    const bp_network *network = s->network;
    const size_t panel = network->level->panel, unit = panel ? panel : 1;
    const bp_dense_layer *k = &network->layer[l];
    const bp_panels x = l == 0 ? network->inputs : network->layer[l - 1].outputs;
    share in = {0, k->in}, out = {0, k->out};
    if (k->in >= k->out)
        in = share_of(k->in, unit, lane, lanes);
    else
        out = share_of(k->out, unit, lane, lanes);
    if (in.begin == in.end || out.begin == out.end)
        return;
    const bp_update u = {
        .weights = panels_part(k->weights, panel, in.begin, out.begin),
        .biases = k->biases + out.begin,
        .sums = k->sums.at ? panels_part(k->sums, panel, in.begin, out.begin) : k->sums,
        .bias_sums = k->bias_sums ? k->bias_sums + out.begin : NULL,
        .rate = s->rate,
        .first = s->begin == 0,
        .last = s->begin + s->rows == s->batch.rows,
        .with_biases = in.begin == 0,
    };
    network->level->update(&u, panels_part(x, panel, 0, in.begin), panels_part(k->deltas, panel, 0, out.begin), s->rows,
                           in.end - in.begin, out.end - out.begin, lane_scratch(network, lane));
}

/*
 * Layers are updated from the last to the first: the next step's forward pass finds those that it begins with in the
 * cache. One lane alone updates a layer right after the deltas below it, which read the same weights.
 */
static void rows_stage(void *argument, size_t lane) {
    const step *s = argument;
    const bp_network *network = s->network;
    void *scratch = lane_scratch(network, lane);
    const share mine = share_of(s->rows, 1, lane, s->lanes);
    const size_t rows = mine.end - mine.begin;
    if (rows == 0)
        return;
    forward_rows(s, mine.begin, rows, scratch);
    loss_rows(s, mine.begin, rows, scratch);
    for (size_t l = network->layers; s->train && l-- > 0;) {
        if (l > 0)
            delta_rows(s, l, mine.begin, rows, scratch);
        if (s->alone)
            update_layer(s, l, 0, 1);
    }
}

static void update_stage(void *argument, size_t lane) {
    const step *s = argument;
    for (size_t l = s->network->layers; l-- > 0;)
        update_layer(s, l, lane, s->lanes);
}

/* A training step of one row on one lane. */
static void run_row(step *s) {
    const bp_network *network = s->network;
    const bp_level *level = network->level;
    level->pack(network->inputs, s->batch.inputs, s->batch.input_stride, 1, network->layer[0].in);
    level->forward_row(network->layer, network->layers, network->inputs);
    loss_rows(s, 0, 1, lane_scratch(network, 0));
    level->backward_row(network->layer, network->layers, network->inputs, s->rate);
}

/* A step of a small network on one lane. */
static void run_small(step *s) {
    bp_network *network = s->network;
    const bp_small_step small = {
        .layers = network->layer,
        .count = network->layers,
        .batch = &s->batch,
        .loss = network->loss,
        .row_loss = s->row_loss,
        .scale = s->scale,
        .rate = s->rate,
        .train = s->train,
        .transposed = &network->transposed,
    };
    network->level->small_step(&small);
    if (s->outputs) {
        const bp_dense_layer *last = &network->layer[network->layers - 1];
        network->level->unpack(s->outputs, s->output_stride, last->outputs, s->batch.rows, last->out);
    }
}

static void run_step(step *s) {
    bp_network *network = s->network;
    if (s->batch.rows <= network->small_rows) {
        run_small(s);
        return;
    }
    if (s->train)
        network->transposed = false;
    if (s->batch.rows == 1 && s->train && bp_useful_lanes(network->row_flops, network->lanes) == 1) {
        run_row(s);
        return;
    }
    for (s->begin = 0; s->begin < s->batch.rows; s->begin += s->rows) {
        const size_t left = s->batch.rows - s->begin;
        s->rows = left < network->slice_rows ? left : network->slice_rows;
        const double flops = network->row_flops * (double)s->rows;
        s->lanes = bp_useful_lanes(s->train ? 2 * flops : flops, network->lanes);
        s->alone = s->lanes == 1 && bp_useful_lanes(flops, network->lanes) == 1;
        bp_network_run(network, rows_stage, s, s->lanes);
        if (s->train && !s->alone) {
            s->lanes = bp_useful_lanes(flops, network->lanes);
            bp_network_run(network, update_stage, s, s->lanes);
        }
    }
}

/* Rows and inputs of a batch; fills in the default stride. */
static bp_status check_inputs(const bp_network *network, bp_batch *batch) {
    if (!batch->inputs)
        return BP_ERROR_NULL;
    if (batch->rows > network->batch_max)
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

/* What the loss compares with; fills in the default stride. */
static bp_status check_targets(const bp_network *network, bp_batch *batch) {
    const size_t out = network->layer[network->layers - 1].out;
    const bool labelled = network->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    if (labelled ? !batch->labels : !batch->targets)
        return BP_ERROR_NULL;
    if (batch->target_stride == 0)
        batch->target_stride = out;
    const matrix targets = labelled ? vector_of(batch->labels, batch->rows)
                                    : matrix_of(batch->targets, batch->rows, out, batch->target_stride);
    const bp_status status = check_matrix(targets);
    if (status != BP_OK)
        return status;
    if (ranges_overlap(network, network->bytes - BP_ALIGNMENT, targets.data, matrix_extent(targets)))
        return BP_ERROR_OVERLAP;
    for (size_t n = 0; labelled && n < batch->rows; n++)
        if (batch->labels[n] >= out)
            return BP_ERROR_LABEL;
    return BP_OK;
}

bp_status bp_network_forward(bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride) {
    if (!network || !batch || !outputs)
        return BP_ERROR_NULL;
    step s = {.network = network, .batch = *batch};
    bp_status status = check_inputs(network, &s.batch);
    if (status != BP_OK)
        return status;
    const size_t out = network->layer[network->layers - 1].out;
    s.outputs = outputs;
    s.output_stride = output_stride ? output_stride : out;
    const matrix result = matrix_of(outputs, s.batch.rows, out, s.output_stride);
    const matrix inputs = matrix_of(s.batch.inputs, s.batch.rows, network->layer[0].in, s.batch.input_stride);
    if ((status = check_matrices(&result, 1, &inputs, 1)) != BP_OK)
        return status;
    if (ranges_overlap(network, network->bytes - BP_ALIGNMENT, outputs, matrix_extent(result)))
        return BP_ERROR_OVERLAP;
    const uint64_t host = float_environment_enter();
    run_step(&s);
    float_environment_leave(host);
    return BP_OK;
}

/* Runs a checked step and computes the mean loss if it is wanted. */
static void run_with_loss(step *s, float *loss) {
    const uint64_t host = float_environment_enter();
    s->row_loss = loss ? s->network->row_loss : NULL;
    s->scale = 1.0f / (float)s->batch.rows;
    run_step(s);
    if (loss)
        *loss = s->network->level->kernels.sum(s->row_loss, s->batch.rows) * s->scale;
    float_environment_leave(host);
}

bp_status bp_network_loss(bp_network *network, const bp_batch *batch, float *loss) {
    if (!network || !batch || !loss)
        return BP_ERROR_NULL;
    step s = {.network = network, .batch = *batch};
    bp_status status;
    if ((status = check_inputs(network, &s.batch)) != BP_OK || (status = check_targets(network, &s.batch)) != BP_OK)
        return status;
    run_with_loss(&s, loss);
    return BP_OK;
}

bp_status bp_network_train_step(bp_network *network, const bp_batch *batch, float rate, float *loss) {
    if (!network || !batch)
        return BP_ERROR_NULL;
    if (!isfinite(rate))
        return BP_ERROR_VALUE;
    step s = {.network = network, .batch = *batch};
    s.train = true;
    s.rate = rate;
    bp_status status;
    if ((status = check_inputs(network, &s.batch)) != BP_OK || (status = check_targets(network, &s.batch)) != BP_OK)
        return status;
    run_with_loss(&s, loss);
    return BP_OK;
}
