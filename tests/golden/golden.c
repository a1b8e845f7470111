#include "golden.h"

#include "../harness/usual.h"

#include <stdlib.h>

/* A prime number of samples; each batch is a run of them. */
enum { SAMPLES = 1009, SEED = 2024 };

const golden_network golden_networks[GOLDEN_NETWORKS] = {
    {
        .name = "small",
        .layers = 2,
        .sizes = {2, 9, 1},
        .activations = {{BP_ACTIVATION_SINE, 1.5f}, {BP_ACTIVATION_TANH, 0}},
        .loss = BP_LOSS_MAE,
        .optimizer = {.kind = BP_OPTIMIZER_NESTEROV},
        .learning_rate = 0.01f,
        .rows = 7,
        .early = UINT64_C(0x8fafa2e523ed12cc),
        .hash = UINT64_C(0x897bb94c72c8eeca),
    },
    {
        .name = "regression",
        .layers = 3,
        .sizes = {5, 37, 29, 3},
        .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_SILU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
        .loss = BP_LOSS_MSE,
        .optimizer = {.kind = BP_OPTIMIZER_SGD, .weight_decay = 0.001f},
        .learning_rate = 0.05f,
        .rows = 23,
        .weighted = true,
        .early = UINT64_C(0x437838b4fc7e21f4),
        .hash = UINT64_C(0xca9e8d3849698c6a),
    },
    {
        .name = "classes",
        .layers = 3,
        .sizes = {19, 61, 53, 7},
        .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_GELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
        .dropout = {0.25f, 0.1f, 0},
        .loss = BP_LOSS_MULTICLASS_HINGE,
        .optimizer = {.kind = BP_OPTIMIZER_ADAM},
        .learning_rate = 0.003f,
        .rows = 37,
        .early = UINT64_C(0x157fab2dbdedc039),
        .hash = UINT64_C(0x927faec62319c412),
    },
    {
        .name = "normalized",
        .layers = 3,
        .sizes = {13, 47, 31, 5},
        .activations = {{BP_ACTIVATION_MISH, 0}, {BP_ACTIVATION_ELU, 1}, {BP_ACTIVATION_IDENTITY, 0}},
        .normalize = {true, true, false},
        .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY,
        .options = {.label_smoothing = 0.1f},
        .optimizer = {.kind = BP_OPTIMIZER_ADAMW, .weight_decay = 0.01f, .clip_norm = 0.5f},
        .learning_rate = 0.002f,
        .rows = 41,
        .early = UINT64_C(0x40474e8199801714),
        .hash = UINT64_C(0xcad64029a5636c5b),
    },
    {
        .name = "deep",
        .layers = 4,
        .sizes = {11, 31, 17, 31, 11},
        .activations = {{BP_ACTIVATION_SIGMOID, 0},
                        {BP_ACTIVATION_SOFTSIGN, 0},
                        {BP_ACTIVATION_SOFTPLUS, 0},
                        {BP_ACTIVATION_IDENTITY, 0}},
        .normalize = {false, false, true, false},
        .dropout = {0, 0, 0.05f, 0},
        .loss = BP_LOSS_HUBER,
        .options = {.huber_threshold = 0.5f},
        .optimizer = {.kind = BP_OPTIMIZER_RMSPROP, .clip = 0.25f},
        .learning_rate = 0.001f,
        .rows = 59,
        .early = UINT64_C(0x8fd87046d4cbde9d),
        .hash = UINT64_C(0x9a21d6e10ffd4698),
    },
    {
        .name = "wide",
        .layers = 3,
        .sizes = {67, 131, 73, 10},
        .activations = {{BP_ACTIVATION_LEAKY_RELU, 0.01f}, {BP_ACTIVATION_HARD_SWISH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
        .loss = BP_LOSS_BINARY_CROSS_ENTROPY,
        .optimizer = {.kind = BP_OPTIMIZER_LION, .weight_decay = 0.1f},
        .learning_rate = 0.001f,
        .rows = 311, /* more than one block of rows, and worth several threads */
        .early = UINT64_C(0xc98149f4a495646b),
        .hash = UINT64_C(0x1c3c5cedf08da0f4),
    },
};

/* ---- Data ------------------------------------------------------------------------------------------------------ */

typedef struct samples {
    float *inputs, *targets, *weights;
    uint32_t *labels;
} samples;

static void samples_free(samples *s) {
    free(s->inputs);
    free(s->targets);
    free(s->weights);
    free(s->labels);
}

/* The first input is the largest in class 0, the second in class 1, ... */
static uint32_t label_of(const float *x, size_t classes) {
    uint32_t largest = 0;
    for (uint32_t j = 1; j < classes; j++)
        if (x[j] > x[largest])
            largest = j;
    return largest;
}

/* Each product rounds once: nothing that a compiler could fuse. */
static float target_of(const float *x, size_t in, size_t j, bool probability) {
    const float product = x[j % in] * x[(j + 1) % in];
    return probability ? (product > 0.0f ? 1.0f : 0.0f) : product;
}

static bool samples_create(const golden_network *network, samples *s) {
    const size_t in = network->sizes[0], out = network->sizes[network->layers];
    *s = (samples){.inputs = malloc(SAMPLES * in * sizeof(float)),
                   .targets = malloc(SAMPLES * out * sizeof(float)),
                   .weights = malloc(SAMPLES * sizeof(float)),
                   .labels = malloc(SAMPLES * sizeof(uint32_t))};
    if (!s->inputs || !s->targets || !s->weights || !s->labels)
        return false;
    for (size_t n = 0; n < SAMPLES; n++) {
        float *x = s->inputs + n * in;
        for (size_t i = 0; i < in; i++)
            x[i] = bp_random_symmetric(SEED, 1, n * in + i);
        for (size_t j = 0; j < out; j++)
            s->targets[n * out + j] = target_of(x, in, j, network->loss == BP_LOSS_BINARY_CROSS_ENTROPY);
        s->weights[n] = 1.0f + bp_random_symmetric(SEED, 2, n);
        s->labels[n] = label_of(x, out < in ? out : in);
    }
    return true;
}

static bp_batch rows_from(const golden_network *network, const samples *s, size_t first, size_t rows) {
    bp_batch batch = {.rows = rows, .inputs = s->inputs + first * network->sizes[0]};
    if (network->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || network->loss == BP_LOSS_MULTICLASS_HINGE)
        batch.labels = s->labels + first;
    else
        batch.targets = s->targets + first * network->sizes[network->layers];
    if (network->weighted)
        batch.weights = s->weights + first;
    return batch;
}

/* ---- Training -------------------------------------------------------------------------------------------------- */

/* Of the first samples, as many as a batch may have. */
static bp_status loss_of(const golden_network *network, bp_network *n, const samples *s, float *loss) {
    const bp_batch batch = rows_from(network, s, 0, network->rows);
    return bp_network_loss(n, &batch, loss);
}

static bp_status train(const golden_network *network, bp_network *n, const samples *s, size_t steps,
                       golden_result *result) {
    bp_status status = loss_of(network, n, s, &result->first);
    for (size_t step = 0; step < steps && status == BP_OK; step++) {
        const size_t rows = 1 + bp_random_u32(SEED, 3, step) % network->rows;
        const bp_batch batch = rows_from(network, s, bp_random_u32(SEED, 4, step) % (SAMPLES - rows + 1), rows);
        status = bp_network_train_step(n, &batch, network->learning_rate, NULL);
    }
    if (status == BP_OK)
        status = loss_of(network, n, s, &result->last);
    result->hash = bp_network_hash(n);
    return status;
}

static bp_status make(const golden_network *network, golden_create *create, size_t threads, bp_network **n) {
    const bp_optimizer optimizer = usual(network->optimizer);
    const bp_loss_options options = usual_loss(network->options);
    bp_network_config config = bp_network_config_defaults();
    config.layers = network->layers;
    config.sizes = network->sizes;
    config.activations = network->activations;
    config.dropout = network->dropout;
    config.normalize = network->normalize;
    config.loss = network->loss;
    config.loss_options = &options;
    config.optimizer = &optimizer;
    config.max_batch_size = network->rows;
    config.seed = SEED;
    config.threads = threads;
    return create(&config, n);
}

bp_status golden_train(const golden_network *network, golden_create *create, size_t threads, size_t steps,
                       golden_result *result) {
    samples s;
    bp_network *n = NULL;
    bp_status status = BP_ERROR_MEMORY;
    if (samples_create(network, &s))
        status = make(network, create, threads, &n);
    if (status == BP_OK)
        status = train(network, n, &s, steps, result);
    bp_network_destroy(n);
    samples_free(&s);
    return status;
}
