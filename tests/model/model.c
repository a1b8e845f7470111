#include "model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const bp_kernels *oracle(void) {
    const bp_kernels *kernels = NULL;
    return bp_kernels_for(BP_ISA_SCALAR, &kernels) == BP_OK ? kernels : NULL;
}

static float *make(size_t count) {
    float *array = calloc(count ? count : 1, sizeof *array);
    if (!array)
        abort();
    return array;
}

/* ---- The model -------------------------------------------------------------------------------------------------- */

static bool averages(const model *m) {
    return m->optimizer.ema_decay > 0.0f;
}

static void make_arrays(model_layer *k, size_t states) {
    const size_t norm = k->normalized ? k->out : 0;
    const size_t count[MODEL_ARRAYS] = {k->in * k->out, k->out, norm, norm};
    for (size_t a = 0; a < MODEL_ARRAYS; a++) {
        k->count[a] = count[a];
        k->values[a] = make(count[a]);
        k->gradient[a] = make(count[a]);
        for (size_t s = 0; s < states; s++)
            k->state[s][a] = make(count[a]);
    }
}

model model_create(const bp_network_config *config) {
    model m = {.layers = config->layers,
               .max_batch_size = config->max_batch_size,
               .loss = config->loss,
               .options = *config->loss_options,
               .optimizer = *config->optimizer,
               .gradients = config->gradients,
               .seed = config->seed};
    m.states = bp_optimizer_states(m.optimizer.kind) + (averages(&m) ? 1 : 0);
    for (size_t l = 0; l < m.layers; l++) {
        model_layer *k = &m.layer[l];
        k->in = config->sizes[l];
        k->out = config->sizes[l + 1];
        k->activation = config->activations[l];
        k->dropout = config->dropout ? config->dropout[l] : 0.0f;
        k->normalized = config->normalize && config->normalize[l];
        make_arrays(k, m.states);
    }
    return m;
}

void model_destroy(model *m) {
    for (size_t l = 0; l < m->layers; l++)
        for (size_t a = 0; a < MODEL_ARRAYS; a++) {
            free(m->layer[l].values[a]);
            free(m->layer[l].gradient[a]);
            for (size_t s = 0; s < m->states; s++)
                free(m->layer[l].state[s][a]);
        }
}

/* The limit of bp_network_initialize. */
static float limit_of(const model_layer *k) {
    const float in = (float)k->in;
    switch (k->activation.kind) {
    case BP_ACTIVATION_RELU:
    case BP_ACTIVATION_LEAKY_RELU:
    case BP_ACTIVATION_RELU6:
    case BP_ACTIVATION_ELU:
    case BP_ACTIVATION_HARD_SWISH:
    case BP_ACTIVATION_SILU:
    case BP_ACTIVATION_GELU:
    case BP_ACTIVATION_GELU_TANH:
    case BP_ACTIVATION_MISH:
        return sqrtf(6.0f / in);
    case BP_ACTIVATION_SELU:
        return sqrtf(3.0f / in);
    case BP_ACTIVATION_SINE:
        return 1.0f / fabsf(k->activation.parameter == 0.0f ? 1.0f : k->activation.parameter) * sqrtf(6.0f / in);
    default:
        return sqrtf(6.0f / (float)(k->in + k->out));
    }
}

void model_initialize(model *m, uint64_t seed) {
    for (size_t l = 0; l < m->layers; l++) {
        model_layer *k = &m->layer[l];
        const float limit = limit_of(k);
        for (size_t e = 0; e < k->count[MODEL_WEIGHTS]; e++)
            k->values[MODEL_WEIGHTS][e] = limit * bp_random_symmetric(seed, l, e);
        for (size_t a = MODEL_BIASES; a < MODEL_ARRAYS; a++)
            for (size_t e = 0; e < k->count[a]; e++)
                k->values[a][e] = a == MODEL_GAINS ? 1.0f : 0.0f;
        for (size_t s = 0; s < m->states; s++)
            for (size_t a = 0; a < MODEL_ARRAYS; a++)
                for (size_t e = 0; e < k->count[a]; e++)
                    k->state[s][a][e] = averages(m) && s + 1 == m->states ? k->values[a][e] : 0.0f;
    }
    m->steps = 0;
    m->held = MODEL_NONE;
    m->ema_swapped = false;
    m->norm = 0.0f;
}

/* What all that sets a part of the state does besides: the table in update.h. */
static void state_changes(model *m) {
    if (m->ema_swapped)
        model_swap_average(m);
    m->held = MODEL_NONE;
}

void model_reload(model *m) {
    state_changes(m);
    m->norm = 0.0f;
}

void model_set_steps(model *m, uint64_t seed, uint64_t steps) {
    state_changes(m);
    m->seed = seed;
    m->steps = steps;
    m->norm = 0.0f;
}

void model_set_state(model *m, size_t state, size_t layer, model_array array, const float *values) {
    state_changes(m);
    memcpy(m->layer[layer].state[state][array], values, m->layer[layer].count[array] * sizeof *values);
}

void model_set(model *m, size_t layer, model_array array, const float *values) {
    state_changes(m);
    model_layer *k = &m->layer[layer];
    memcpy(k->values[array], values, k->count[array] * sizeof *values);
    if (averages(m))
        memcpy(k->state[m->states - 1][array], values, k->count[array] * sizeof *values);
}

bp_status model_swap_average(model *m) {
    if (!averages(m))
        return BP_ERROR_VALUE;
    for (size_t l = 0; l < m->layers; l++)
        for (size_t a = 0; a < MODEL_ARRAYS; a++) {
            float **average = &m->layer[l].state[m->states - 1][a], *saved = m->layer[l].values[a];
            m->layer[l].values[a] = *average;
            *average = saved;
        }
    m->ema_swapped = !m->ema_swapped;
    return BP_OK;
}

/* ---- Forward ---------------------------------------------------------------------------------------------------- */

/* What a pass leaves of a layer. */
typedef struct trace {
    const float *x; /* its inputs */
    size_t ldx;
    float *outputs;     /* after dropout */
    float *derivatives; /* f' times dropout's factor */
    float *normalized;  /* of layer_norm.h */
    float *rstd;
} trace;

/* How the batch runs: whether it trains, and which row of the masks its first one is. */
typedef struct pass {
    const bp_batch *batch;
    bool train;
    size_t first_row;
} pass;

static void forward_layer(const model *m, size_t l, const pass *p, trace *t) {
    const bp_kernels *kernels = oracle();
    const model_layer *k = &m->layer[l];
    const size_t rows = p->batch->rows, out = k->out;
    float *a = t->outputs = make(rows * out), *z = make(rows * out);
    t->derivatives = make(rows * out);
    kernels->dense_forward(z, out, t->x, t->ldx, k->values[MODEL_WEIGHTS], out, k->values[MODEL_BIASES], rows, k->in,
                           out, (bp_activation){.kind = BP_ACTIVATION_IDENTITY}, NULL); /* oracles pack nothing */
    if (k->normalized) {
        t->normalized = make(rows * out);
        t->rstd = make(rows);
        kernels->layer_norm_forward(z, out, t->normalized, out, t->rstd, z, out, k->values[MODEL_GAINS],
                                    k->values[MODEL_SHIFTS], rows, out, BP_LAYER_NORM_EPSILON);
    }
    kernels->activate(a, out, z, out, rows, out, k->activation);
    const float *saved = bp_activation_saves_input(k->activation.kind) ? z : a;
    const bp_dropout_mask mask = {k->dropout, m->seed, ((uint64_t)l + 1) << 48 | m->steps, p->first_row, 0};
    if (p->train && k->dropout > 0.0f) {
        kernels->dropout_derivative(t->derivatives, out, saved, out, rows, out, k->activation, &mask);
        kernels->dropout(a, out, a, out, rows, out, &mask);
    } else {
        kernels->activation_derivative(t->derivatives, out, saved, out, rows, out, k->activation);
    }
    free(z);
}

static void forward_all(const model *m, const pass *p, trace *t) {
    for (size_t l = 0; l < m->layers; l++) {
        t[l].x = l > 0 ? t[l - 1].outputs : p->batch->inputs;
        t[l].ldx = l > 0 || p->batch->input_stride == 0 ? m->layer[l].in : p->batch->input_stride;
        forward_layer(m, l, p, &t[l]);
    }
}

static void free_traces(const model *m, trace *t) {
    for (size_t l = 0; l < m->layers; l++) {
        free(t[l].outputs);
        free(t[l].derivatives);
        free(t[l].normalized);
        free(t[l].rstd);
    }
}

bp_status model_forward(const model *m, const bp_batch *batch, float *outputs) {
    trace t[MODEL_LAYERS_MAX] = {{0}};
    forward_all(m, &(pass){.batch = batch}, t);
    memcpy(outputs, t[m->layers - 1].outputs, batch->rows * m->layer[m->layers - 1].out * sizeof *outputs);
    free_traces(m, t);
    return BP_OK;
}

/* ---- Loss ------------------------------------------------------------------------------------------------------- */

static bool weights_the_mean(const model *m, const bp_batch *b) {
    return m->options.reduction == BP_REDUCTION_WEIGHTED_MEAN && b->weights;
}

/* The factor of the loss, of a part of a batch of so many rows. */
static float scale_of(const model *m, const bp_batch *b, size_t batch_rows) {
    if (m->options.reduction == BP_REDUCTION_SUM)
        return 1.0f;
    return 1.0f / (weights_the_mean(m, b) ? oracle()->sum(b->weights, b->rows) : (float)batch_rows);
}

/* Whether the rows have a mean. */
static bool has_mean(const model *m, const bp_batch *b) {
    const float scale = scale_of(m, b, b->rows);
    return isfinite(scale) && scale != 0.0f;
}

/* The loss of outputs a, as a part of a batch of so many rows, and dL/da where `delta` is not null. */
static float loss_of(const model *m, const bp_batch *b, size_t batch_rows, const float *a, float *delta) {
    const bp_kernels *kernels = oracle();
    const size_t rows = b->rows, out = m->layer[m->layers - 1].out;
    const float scale = scale_of(m, b, batch_rows);
    const float threshold = m->options.huber_threshold;
    float *row_loss = make(rows);
    if (m->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || m->loss == BP_LOSS_MULTICLASS_HINGE)
        kernels->loss_labels(delta, out, row_loss, a, out, b->labels, b->weights, rows, out, m->loss,
                             m->options.label_smoothing, scale);
    else
        kernels->loss_targets(delta, out, row_loss, a, out, b->targets, b->target_stride ? b->target_stride : out,
                              b->weights, rows, out, m->loss, threshold, scale);
    const float loss = kernels->sum(row_loss, rows) * scale;
    free(row_loss);
    return loss;
}

bp_status model_loss(const model *m, const bp_batch *batch, float *loss) {
    if (!has_mean(m, batch))
        return BP_ERROR_VALUE;
    trace t[MODEL_LAYERS_MAX] = {{0}};
    forward_all(m, &(pass){.batch = batch}, t);
    *loss = loss_of(m, batch, batch->rows, t[m->layers - 1].outputs, NULL);
    free_traces(m, t);
    return BP_OK;
}

/* ---- Backward --------------------------------------------------------------------------------------------------- */

static void add_block(float *sum, const float *block, size_t count, bool first) {
    for (size_t e = 0; e < count; e++)
        sum[e] = first ? block[e] : sum[e] + block[e];
}

/* The gradients of a layer, whose delta = dL/dz and norm_delta = dL/dy are known, block by block. */
static void gradients_of(model_layer *k, const trace *t, const float *delta, const float *norm_delta, size_t rows,
                         bool adds) {
    const bp_kernels *kernels = oracle();
    const size_t out = k->out;
    float *block[MODEL_ARRAYS];
    for (size_t a = 0; a < MODEL_ARRAYS; a++)
        block[a] = make(k->count[a]);
    for (size_t n = 0; n < rows; n += BP_ROW_BLOCK) {
        const size_t count = rows - n < BP_ROW_BLOCK ? rows - n : BP_ROW_BLOCK;
        kernels->dense_gradient(block[MODEL_WEIGHTS], out, block[MODEL_BIASES], t->x + n * t->ldx, t->ldx,
                                delta + n * out, out, count, k->in, out, NULL);
        if (k->normalized)
            kernels->layer_norm_gradient(block[MODEL_GAINS], block[MODEL_SHIFTS], norm_delta + n * out, out,
                                         t->normalized + n * out, out, count, out);
        for (size_t a = 0; a < MODEL_ARRAYS; a++)
            add_block(k->gradient[a], block[a], k->count[a], n == 0 && !adds);
    }
    for (size_t a = 0; a < MODEL_ARRAYS; a++)
        free(block[a]);
}

/* A frozen layer adds nothing to the gradients, which begin at 0. */
static void no_gradients_of(model_layer *k, bool adds) {
    for (size_t a = 0; a < MODEL_ARRAYS && !adds; a++)
        memset(k->gradient[a], 0, k->count[a] * sizeof(float));
}

/* What a pass goes back with, and what it leaves. */
typedef struct way_back {
    float *delta;          /* dL/da of the outputs; used up */
    float *input_gradient; /* or null */
    size_t input_gradient_stride;
    bool skips, adds; /* gradients: not at all, or to those that are there */
} way_back;

static void backward_all(model *m, const bp_batch *b, const trace *t, const way_back *w) {
    const bp_kernels *kernels = oracle();
    const size_t rows = b->rows;
    float *delta = w->delta;
    for (size_t l = m->layers; l-- > 0;) {
        model_layer *k = &m->layer[l];
        const size_t in = k->in, out = k->out;
        for (size_t e = 0; e < rows * out; e++)
            delta[e] = delta[e] * t[l].derivatives[e];
        float *norm_delta = make(rows * out);
        memcpy(norm_delta, delta, rows * out * sizeof *delta);
        if (k->normalized)
            kernels->layer_norm_backward(delta, out, delta, out, t[l].normalized, out, t[l].rstd,
                                         k->values[MODEL_GAINS], rows, out);
        if (!w->skips && k->frozen)
            no_gradients_of(k, w->adds);
        else if (!w->skips)
            gradients_of(k, &t[l], delta, norm_delta, rows, w->adds);
        float *previous = make(rows * in);
        if (l > 0 || w->input_gradient)
            kernels->dense_delta(previous, in, delta, out, k->values[MODEL_WEIGHTS], out, NULL, 0, rows, in, out,
                                 (bp_activation){.kind = BP_ACTIVATION_IDENTITY}, NULL);
        free(norm_delta);
        free(delta);
        delta = previous;
    }
    const size_t in = m->layer[0].in, stride = w->input_gradient_stride ? w->input_gradient_stride : in;
    for (size_t n = 0; w->input_gradient && n < rows; n++)
        memcpy(w->input_gradient + n * stride, delta + n * in, in * sizeof *delta);
    free(delta);
}

/* dL/da from where `how` says, null meaning the network's own loss. */
static void first_deltas(const model *m, const bp_batch *b, size_t batch_rows, const bp_backward_options *options,
                         const float *a, float *delta, float *loss) {
    const size_t rows = b->rows, out = m->layer[m->layers - 1].out;
    if (options && options->loss_callback) {
        options->loss_callback(options->loss_context, 0, rows, a, out, delta, out);
    } else if (options && options->delta) {
        for (size_t n = 0; n < rows; n++)
            memcpy(delta + n * out, options->delta + n * (options->delta_stride ? options->delta_stride : out),
                   out * sizeof *delta);
    } else {
        const float whole = loss_of(m, b, batch_rows, a, delta);
        if (loss)
            *loss = whole;
    }
}

static void run(model *m, const bp_batch *b, size_t batch_rows, const bp_backward_options *options, bool adds,
                float *loss) {
    trace t[MODEL_LAYERS_MAX] = {{0}};
    forward_all(m, &(pass){b, true, adds ? m->held_rows : 0}, t);
    way_back w = {.delta = make(b->rows * m->layer[m->layers - 1].out), .adds = adds};
    first_deltas(m, b, batch_rows, options, t[m->layers - 1].outputs, w.delta, loss);
    if (options) {
        w.input_gradient = options->input_gradient;
        w.input_gradient_stride = options->input_gradient_stride;
        w.skips = options->gradient == BP_GRADIENT_MODE_SKIP;
    }
    backward_all(m, b, t, &w);
    free_traces(m, t);
}

/* ---- Updates ---------------------------------------------------------------------------------------------------- */

/* The norm of network.h, of the layers that are not frozen. */
static float norm_of(const model *m) {
    float square = 0.0f;
    for (size_t l = 0; l < m->layers; l++) {
        const model_layer *k = &m->layer[l];
        float *squares = make(k->out);
        for (size_t a = 0; a < MODEL_ARRAYS; a++) /* an array's rows, one after the other */
            for (size_t e = 0; e < k->count[a]; e++)
                squares[e % k->out] = fmaf(k->gradient[a][e], k->gradient[a][e], squares[e % k->out]);
        if (!k->frozen)
            square = square + oracle()->sum(squares, k->out);
        free(squares);
    }
    return sqrtf(square);
}

static void update_array(model *m, model_layer *k, size_t a, float learning_rate, float factor) {
    bp_optimizer plain = m->optimizer;
    plain.clip_norm = 0.0f;
    if (plain.decay_scope == BP_DECAY_SCOPE_WEIGHTS && a != MODEL_WEIGHTS)
        plain.weight_decay = 0.0f;
    bp_parameters p = {.values = k->values[a]};
    for (size_t s = 0; s < bp_optimizer_states(plain.kind); s++)
        p.state[s] = k->state[s][a];
    if (averages(m))
        p.ema = k->state[m->states - 1][a];
    float *g = make(k->count[a]);
    for (size_t e = 0; e < k->count[a]; e++)
        g[e] = factor == 1.0f ? k->gradient[a][e] : k->gradient[a][e] * factor;
    oracle()->optimizer_step(&p, g, k->count[a], &plain, m->steps + 1, learning_rate);
    free(g);
}

static void update_all(model *m, float learning_rate) {
    float factor = 1.0f;
    if (m->optimizer.clip_norm > 0.0f) {
        m->norm = norm_of(m);
        if (m->norm > m->optimizer.clip_norm)
            factor = m->optimizer.clip_norm / m->norm;
    }
    for (size_t l = 0; l < m->layers; l++)
        for (size_t a = 0; a < MODEL_ARRAYS && !m->layer[l].frozen; a++)
            update_array(m, &m->layer[l], a, learning_rate, factor);
    m->steps++;
    m->held = MODEL_NONE;
}

/* 2^48 - 1 is the last number of steps. */
static bool is_over(const model *m) {
    return m->steps + 1 == UINT64_C(1) << 48;
}

bp_status model_train_step(model *m, const bp_batch *batch, float learning_rate, float *loss) {
    if (m->ema_swapped || !isfinite(learning_rate) || is_over(m) || !has_mean(m, batch))
        return BP_ERROR_VALUE;
    run(m, batch, batch->rows, NULL, false, loss);
    update_all(m, learning_rate);
    return BP_OK;
}

bp_status model_backward(model *m, const bp_batch *batch, const bp_backward_options *options) {
    const bool updates = options->gradient == BP_GRADIENT_MODE_UPDATE,
               keeps = options->gradient == BP_GRADIENT_MODE_STORE;
    if ((updates && (m->ema_swapped || !isfinite(options->learning_rate))) || (keeps && !m->gradients) ||
        (is_over(m) && options->gradient != BP_GRADIENT_MODE_SKIP) ||
        (!options->delta && !options->loss_callback && !has_mean(m, batch)))
        return BP_ERROR_VALUE;
    run(m, batch, batch->rows, options, false, options->loss);
    if (updates)
        update_all(m, options->learning_rate);
    if (keeps) {
        m->held = MODEL_KEPT;
        m->steps++;
    }
    return BP_OK;
}

bp_status model_accumulate(model *m, const bp_batch *batch, size_t total_rows, float *loss) {
    if (!m->gradients || m->ema_swapped || weights_the_mean(m, batch))
        return BP_ERROR_VALUE;
    if (m->held != MODEL_ACCUMULATED)
        m->held_rows = 0;
    run(m, batch, total_rows, NULL, m->held == MODEL_ACCUMULATED, loss);
    m->held = MODEL_ACCUMULATED;
    m->held_rows += batch->rows;
    return BP_OK;
}

bp_status model_update(model *m, float learning_rate) {
    if (m->held == MODEL_NONE || m->ema_swapped || !isfinite(learning_rate) ||
        (m->held == MODEL_ACCUMULATED && is_over(m)))
        return BP_ERROR_VALUE;
    if (m->held == MODEL_KEPT)
        m->steps--; /* counted by the backward pass */
    update_all(m, learning_rate);
    return BP_OK;
}

bp_status model_discard(model *m) {
    m->held = MODEL_NONE;
    return BP_OK;
}
