/*
 * The training step, in two stages between which all lanes join:
 *
 *   rows     each lane takes slices of rows through all layers forward, through the loss, and back to the first
 *            layer's deltas; rows do not depend on each other, and weights are only read
 *   update   each lane computes gradients of its share of every layer's weights, over all rows, and updates them
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
    float *outputs; /* where the last layer's outputs go */
    size_t output_stride;
    float *row_loss; /* null if not wanted */
    float scale;     /* 1 / rows */
    float rate;
    bool train;
    size_t lanes; /* of the current stage */
} step;

/* Share `lane` of `lanes` of the range 0..count, cut at multiples of `unit`. */
typedef struct share {
    size_t begin, end;
} share;

static share share_of(size_t count, size_t unit, size_t lane, size_t lanes) {
    const size_t units = (count + unit - 1) / unit;
    const size_t begin = units * lane / lanes * unit, end = units * (lane + 1) / lanes * unit;
    return (share){begin < count ? begin : count, end < count ? end : count};
}

static void *lane_scratch(const bp_network *network, size_t lane) {
    return network->scratch + lane * network->scratch_bytes;
}

static void forward_rows(const step *s, size_t begin, size_t rows, void *scratch) {
    const bp_network *network = s->network;
    const float *x = s->batch.inputs + begin * s->batch.input_stride;
    size_t ldx = s->batch.input_stride;
    for (size_t l = 0; l < network->layers; l++) {
        const layer *k = &network->layer[l];
        const bool last = l + 1 == network->layers;
        const size_t lda = last ? s->output_stride : k->stride;
        float *a = (last ? s->outputs : k->outputs) + begin * lda;
        network->kernels->dense_forward(a, lda, x, ldx, k->weights, k->stride, k->biases, rows, k->in, k->out,
                                        k->activation, scratch);
        x = a;
        ldx = lda;
    }
}

/* Loss of rows, and the output layer's deltas if the step trains. */
static void loss_rows(const step *s, size_t begin, size_t rows) {
    const bp_network *network = s->network;
    const layer *k = &network->layer[network->layers - 1];
    const float *a = s->outputs + begin * s->output_stride;
    float *delta = s->train ? k->deltas + begin * k->stride : NULL;
    float *row_loss = s->row_loss ? s->row_loss + begin : NULL;
    if (!delta && !row_loss)
        return;
    if (network->loss == BP_LOSS_MSE)
        network->kernels->loss_mse(delta, k->stride, row_loss, a, s->output_stride,
                                   s->batch.targets + begin * s->batch.target_stride, s->batch.target_stride, rows,
                                   k->out, k->activation, s->scale);
    else
        network->kernels->loss_softmax_cross_entropy(delta, k->stride, row_loss, a, s->output_stride,
                                                     s->batch.labels + begin, rows, k->out, s->scale);
}

static void backward_rows(const step *s, size_t begin, size_t rows, void *scratch) {
    const bp_network *network = s->network;
    for (size_t l = network->layers - 1; l > 0; l--) {
        const layer *k = &network->layer[l], *below = &network->layer[l - 1];
        network->kernels->dense_delta(below->deltas + begin * below->stride, below->stride,
                                      k->deltas + begin * k->stride, k->stride, k->weights, k->stride,
                                      below->outputs + begin * below->stride, below->stride, rows, k->in, k->out,
                                      below->activation, scratch);
    }
}

static void rows_stage(void *argument, size_t lane) {
    const step *s = argument;
    const bp_network *network = s->network;
    void *scratch = lane_scratch(network, lane);
    const share rows = share_of(s->batch.rows, network->kernels->tile_rows, lane, s->lanes);
    /* Slices of equal size, none larger than slice_rows. */
    const size_t slices = (rows.end - rows.begin + network->slice_rows - 1) / network->slice_rows;
    for (size_t k = 0; k < slices; k++) {
        const share slice = share_of(rows.end - rows.begin, network->kernels->tile_rows, k, slices);
        const size_t begin = rows.begin + slice.begin, count = slice.end - slice.begin;
        if (count == 0)
            continue;
        forward_rows(s, begin, count, scratch);
        loss_rows(s, begin, count);
        if (s->train)
            backward_rows(s, begin, count, scratch);
    }
}

/* One lane's share of every layer's weights: a range of rows or of columns, whichever side has more tiles. */
static void update_stage(void *argument, size_t lane) {
    const step *s = argument;
    const bp_network *network = s->network;
    const bp_kernels *kernels = network->kernels;
    void *scratch = lane_scratch(network, lane);
    for (size_t l = 0; l < network->layers; l++) {
        const layer *k = &network->layer[l];
        const float *x = l == 0 ? s->batch.inputs : network->layer[l - 1].outputs;
        const size_t ldx = l == 0 ? s->batch.input_stride : network->layer[l - 1].stride;
        const bool by_rows = k->in / kernels->tile_rows >= k->out / kernels->tile_columns;
        share in = {0, k->in}, out = {0, k->out};
        if (by_rows)
            in = share_of(k->in, kernels->tile_rows, lane, s->lanes);
        else
            out = share_of(k->out, kernels->tile_columns, lane, s->lanes);
        const bool with_bias = !by_rows || in.begin == 0;
        if (in.begin < in.end && out.begin < out.end)
            kernels->dense_gradient_sgd(k->weights + in.begin * k->stride + out.begin, k->stride,
                                        with_bias ? k->biases + out.begin : NULL, x + in.begin, ldx,
                                        k->deltas + out.begin, k->stride, s->batch.rows, in.end - in.begin,
                                        out.end - out.begin, s->rate, scratch);
    }
}

static void run_step(step *s) {
    bp_network *network = s->network;
    double products = 0;
    for (size_t l = 0; l < network->layers; l++)
        products += 2.0 * (double)s->batch.rows * (double)network->layer[l].in * (double)network->layer[l].out;
    s->lanes = bp_useful_lanes(s->train ? 2 * products : products, network->lanes);
    bp_network_run(network, rows_stage, s, s->lanes);
    if (s->train) {
        s->lanes = bp_useful_lanes(products, network->lanes);
        bp_network_run(network, update_stage, s, s->lanes);
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

/* A step whose outputs stay in the network. */
static step inner_step(bp_network *network, const bp_batch *batch) {
    const layer *last = &network->layer[network->layers - 1];
    return (step){.network = network, .batch = *batch, .outputs = last->outputs, .output_stride = last->stride};
}

bp_status bp_network_forward(bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride) {
    if (!network || !batch || !outputs)
        return BP_ERROR_NULL;
    step s = inner_step(network, batch);
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
    run_step(&s);
    return BP_OK;
}

/* Runs a checked step and computes the mean loss if it is wanted. */
static void run_with_loss(step *s, float *loss) {
    const uint64_t host = float_environment_enter();
    s->row_loss = loss ? s->network->row_loss : NULL;
    s->scale = 1.0f / (float)s->batch.rows;
    run_step(s);
    if (loss)
        *loss = s->network->kernels->sum(s->row_loss, s->batch.rows) * s->scale;
    float_environment_leave(host);
}

bp_status bp_network_loss(bp_network *network, const bp_batch *batch, float *loss) {
    if (!network || !batch || !loss)
        return BP_ERROR_NULL;
    step s = inner_step(network, batch);
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
    step s = inner_step(network, batch);
    s.train = true;
    s.rate = rate;
    bp_status status;
    if ((status = check_inputs(network, &s.batch)) != BP_OK || (status = check_targets(network, &s.batch)) != BP_OK)
        return status;
    run_with_loss(&s, loss);
    return BP_OK;
}
