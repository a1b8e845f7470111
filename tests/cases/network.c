/*
 * Random networks, trained for some steps. The table under test is the backend that the network is made on: all that a
 * backend has for networks, which no entry of the public table shows.
 */
#include "cases.h"

#include <backprop/network.h>

#include "enum_counts.h"
#include "harness/layers.h"
#include "network/create.h"

enum { LAYERS_MAX = 4, STEPS_MAX = 3, LANES_MAX = 4 };

typedef struct training {
    bp_network_config config;
    bp_optimizer optimizer;
    size_t sizes[LAYERS_MAX + 1];
    bp_activation activations[LAYERS_MAX];
    float dropout[LAYERS_MAX];
    bool normalize[LAYERS_MAX];
    size_t rows, steps;
    float learning_rate;
    test_operand *inputs, *targets, *weights;
    test_operand *losses;     /* [1 x steps] */
    test_operand *parameters; /* [1 x all of them] */
} training;

static bool has_labels(bp_loss_kind loss) {
    return loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || loss == BP_LOSS_MULTICLASS_HINGE;
}

static bool needs_logits(bp_loss_kind loss) {
    return loss == BP_LOSS_BINARY_CROSS_ENTROPY || loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY ||
           loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS || loss == BP_LOSS_KULLBACK_LEIBLER;
}

/* ---- The call --------------------------------------------------------------------------------------------------- */

static bp_status create(const bp_kernels *kernels, const bp_network_config *config, bp_network **network) {
    for (size_t k = 0; test_table_at(k) != NULL; k++)
        if (test_table_at(k)->kernels == kernels && test_table_at(k)->backend == NULL)
            return bp_network_create(config, network);
    /* The table of a backend is its first member. */
    return bp_network_create_on((const bp_backend *)(const void *)kernels, config, network);
}

static bp_status train(const training *t, bp_network *network) {
    const bp_batch batch = {
        .rows = t->rows,
        .inputs = t->inputs->data,
        .input_stride = t->inputs->ld,
        .targets = has_labels(t->config.loss) ? NULL : t->targets->data,
        .target_stride = has_labels(t->config.loss) ? 0 : t->targets->ld,
        .labels = has_labels(t->config.loss) ? test_labels_data(t->targets) : NULL,
        .weights = test_data(t->weights),
    };
    bp_status status = BP_OK;
    for (size_t k = 0; k < t->steps && status == BP_OK; k++)
        status = bp_network_train_step(network, &batch, t->learning_rate, &t->losses->data[k]);
    float *to = t->parameters->data;
    for (size_t l = 0; l < t->config.layers && status == BP_OK; l++) {
        const size_t in = t->sizes[l], out = t->sizes[l + 1];
        status = layer_read(network, OF_PARAMETERS, l, to, 0, to + in * out);
        to += (in + 1) * out;
        if (status == BP_OK && t->normalize[l]) {
            status = norm_read(network, OF_PARAMETERS, l, to, to + out);
            to += 2 * out;
        }
    }
    return status;
}

/* The workers of a step one after the other, the last one first: no bit may depend on it, and a fault in one of them
 * can be caught, as it could not in another thread. */
static void run_lanes(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count) {
    (void)context;
    while (count-- > 0)
        task(argument, count);
}

/* The network's one block of memory, flush against a page that may not be touched. There is one network at a time, and
 * one that crashed leaves nothing behind. */
enum { ARENA_BYTES = 32 << 20, MALLOC_ALIGNMENT = 16 };

static void *allocate(void *context, size_t bytes) {
    static test_array arena;
    (void)context;
    if (arena.memory == NULL)
        test_array_create(&arena, ARENA_BYTES);
    if (bytes > ARENA_BYTES)
        return NULL;
    const size_t elements = (bytes + MALLOC_ALIGNMENT - 1) / MALLOC_ALIGNMENT * MALLOC_ALIGNMENT / sizeof(float);
    test_array_place(&arena, 1, elements, elements, 0, TEST_END);
    return arena.data;
}

static void release(void *context, void *memory) {
    (void)context;
    (void)memory;
}

/* What a refusal leaves unwritten fails the case. */
static void call(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    training *t = arguments;
    bp_network *network = NULL;
    bp_network_config config = t->config;
    const bp_allocator arena = {.allocate = allocate, .release = release};
    const bp_thread_pool pool = {.run = run_lanes, .threads = under_test ? t->config.threads : 1};
    config.allocator = &arena;
    config.pool = &pool;
    config.optimizer = &t->optimizer;
    bp_status status = create(kernels, &config, &network);
    if (status == BP_OK)
        status = train(t, network);
    if (status != BP_OK)
        fprintf(stderr, "refused: %s\n", bp_status_string(status));
    bp_network_destroy(network);
}

/* ---- What to train ---------------------------------------------------------------------------------------------- */

/* Small widths more often than large ones. */
static size_t draw_width(test_trial *trial) {
    const size_t most = (size_t)1 << (1 + test_random_below(&trial->random, 7));
    return 1 + test_random_below(&trial->random, most);
}

static void draw_layers(test_trial *trial, training *t) {
    const size_t layers = 1 + test_random_below(&trial->random, LAYERS_MAX);
    const bool regularized = test_random_below(&trial->random, 3) == 0;
    t->config.layers = layers;
    for (size_t l = 0; l <= layers; l++) {
        t->sizes[l] = draw_width(trial);
        test_note(trial, "%s%zu", l ? "-" : ", ", t->sizes[l]);
    }
    for (size_t l = 0; l < layers; l++) {
        t->activations[l].kind = (bp_activation_kind)test_random_below(&trial->random, ACTIVATION_COUNT);
        t->activations[l].parameter = 0.25f;
        if (regularized && l + 1 < layers) {
            t->dropout[l] = test_random_below(&trial->random, 2) ? 0.25f : 0.0f;
            t->normalize[l] = test_random_below(&trial->random, 2) == 0;
        }
    }
    t->config.sizes = t->sizes;
    t->config.activations = t->activations;
    t->config.dropout = t->dropout;
    t->config.normalize = t->normalize;
    test_note(trial, "%s", regularized ? " regularized" : "");
}

static void draw_training(test_trial *trial, training *t) {
    t->config.seed = test_random_next(&trial->random);
    t->learning_rate = test_random_below(&trial->random, 2) ? 0.01f : 0.5f;
    t->steps = 1 + test_random_below(&trial->random, STEPS_MAX);
    t->config.threads = 1 + test_random_below(&trial->random, LANES_MAX);
    t->config.loss = (bp_loss_kind)test_random_below(&trial->random, LOSS_COUNT);
    if (needs_logits(t->config.loss))
        t->activations[t->config.layers - 1].kind = BP_ACTIVATION_IDENTITY;
    bp_optimizer *o = &t->optimizer;
    *o = bp_optimizer_defaults(BP_OPTIMIZER_SGD);
    if (test_random_below(&trial->random, 2) == 0) {
        *o = bp_optimizer_defaults((bp_optimizer_kind)test_random_below(&trial->random, OPTIMIZER_COUNT));
        o->weight_decay = test_random_below(&trial->random, 2) ? 0.01f : 0.0f;
        o->decay_scope = test_random_below(&trial->random, 2) ? BP_DECAY_SCOPE_WEIGHTS : BP_DECAY_SCOPE_ALL;
        o->clip_norm = test_random_below(&trial->random, 3) ? 0.0f : 0.5f;
    }
    test_note(trial, " %s %s x%zu, %zu lanes", bp_loss_name(t->config.loss), bp_optimizer_name(o->kind), t->steps,
              t->config.threads);
}

static size_t parameters_of(const training *t) {
    size_t count = 0;
    for (size_t l = 0; l < t->config.layers; l++)
        count += (t->sizes[l] + (t->normalize[l] ? 3 : 1)) * t->sizes[l + 1];
    return count;
}

void case_network(test_table *table, test_side side, size_t rows, size_t repetition) {
    test_trial *trial = test_begin(table, "network", side, "%zu/%zu", rows, repetition);
    if (trial == NULL)
        return;
    training t = {.rows = rows, .config = bp_network_config_defaults()};
    t.config.max_batch_size = rows;
    draw_layers(trial, &t);
    draw_training(trial, &t);
    const size_t out = t.sizes[t.config.layers];
    t.inputs = test_input(trial, "inputs", rows, t.sizes[0]);
    t.targets =
        has_labels(t.config.loss) ? test_labels(trial, "labels", rows, out) : test_input(trial, "targets", rows, out);
    if (test_random_below(&trial->random, 4) == 0)
        t.weights = test_input(trial, "weights", 1, rows);
    t.losses = test_output(trial, "losses", 1, t.steps);
    t.parameters = test_output(trial, "parameters", 1, parameters_of(&t));
    test_run(trial, call, &t);
}
