#define _XOPEN_SOURCE 700

#include "training.h"
#include "../../kernels/enum_counts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Streams of the generator: rounds draw from those of their number, batches from those above. */
#define BATCH_STREAM (UINT64_C(1) << 40)
#define LABEL_STREAM (UINT64_C(1) << 41)

static bool failed(const char *what, bp_status status, const char *detail) {
    fprintf(stderr, "soak: %s: %s%s%s\n", what, bp_status_string(status), *detail ? ": " : "", detail);
    return false;
}

size_t soak_draw(uint64_t seed, uint64_t round, uint64_t index, size_t previous) {
    return bp_random_u32(seed, round, index) % previous;
}

static void draw_layers(soak_plan *plan, uint64_t seed, uint64_t round) {
    static const bp_activation_kind kinds[] = {BP_ACTIVATION_RELU,    BP_ACTIVATION_TANH, BP_ACTIVATION_GELU,
                                               BP_ACTIVATION_SIGMOID, BP_ACTIVATION_SILU, BP_ACTIVATION_LEAKY_RELU,
                                               BP_ACTIVATION_MISH};
    plan->layers = 1 + soak_draw(seed, round, 0, SOAK_LAYERS_MAX);
    for (size_t l = 0; l <= plan->layers; l++)
        plan->sizes[l] = 1 + soak_draw(seed, round, 10 + l, l == 0 ? 200 : 90);
    for (size_t l = 0; l + 1 < plan->layers; l++) {
        plan->activations[l].kind = kinds[soak_draw(seed, round, 20 + l, sizeof kinds / sizeof *kinds)];
        plan->activations[l].parameter = plan->activations[l].kind == BP_ACTIVATION_LEAKY_RELU ? 0.01f : 0.0f;
        plan->dropout[l] = (float)soak_draw(seed, round, 30 + l, 3) * 0.2f;
        plan->normalize[l] = soak_draw(seed, round, 40 + l, 2);
    }
    plan->activations[plan->layers - 1].kind = BP_ACTIVATION_IDENTITY;
}

soak_plan soak_plan_draw(uint64_t seed, uint64_t round, uint64_t steps) {
    soak_plan plan = {.seed = seed, .round = round, .rows = 1 + soak_draw(seed, round, 1, 80), .steps = steps};
    draw_layers(&plan, seed, round);
    plan.loss = soak_draw(seed, round, 2, 2) ? BP_LOSS_SOFTMAX_CROSS_ENTROPY : BP_LOSS_MSE;
    plan.optimizer = bp_optimizer_defaults((bp_optimizer_kind)(round % OPTIMIZER_COUNT));
    plan.optimizer.ema_decay = soak_draw(seed, round, 3, 2) ? 0.99f : 0.0f;
    plan.optimizer.weight_decay = soak_draw(seed, round, 4, 2) ? 0.001f : 0.0f;
    plan.optimizer.clip_norm = soak_draw(seed, round, 5, 3) ? 0.0f : 1.0f;
    plan.learning_rate = 0.001f;
    plan.save_every = 1 + steps * (1 + soak_draw(seed, round, 6, 10)) / 500; /* 50 to 500 checkpoints */
    return plan;
}

void soak_plan_describe(const soak_plan *plan, char *text, size_t size) {
    size_t length = 0;
    bool dropout = false, normalize = false;
    for (size_t l = 0; l <= plan->layers; l++)
        length += (size_t)snprintf(text + length, size - length, "%s%zu", l ? "-" : "", plan->sizes[l]);
    for (size_t l = 0; l < plan->layers; l++) {
        dropout = dropout || plan->dropout[l] > 0;
        normalize = normalize || plan->normalize[l];
    }
    snprintf(text + length, size - length, " %s%s%s%s, %zu rows", bp_optimizer_name(plan->optimizer.kind),
             plan->optimizer.ema_decay > 0 ? " average" : "", dropout ? " dropout" : "", normalize ? " layer-norm" : "",
             plan->rows);
}

soak_way soak_way_draw(uint64_t seed, uint64_t round, uint64_t index) {
    bp_isa there[ISA_COUNT];
    size_t count = 0;
    for (int isa = 0; isa < ISA_COUNT; isa++)
        if (bp_cpu_supports((bp_isa)isa))
            there[count++] = (bp_isa)isa;
    return (soak_way){.isa = there[soak_draw(seed, round, 2 * index, count)],
                      .threads = 1 + soak_draw(seed, round, 2 * index + 1, 3)};
}

static void run_in_order(void *context, void (*task)(void *argument, size_t index), void *argument, size_t count) {
    (void)context;
    for (size_t k = 0; k < count; k++)
        task(argument, k);
}

bp_network *soak_network(const soak_plan *plan, soak_way way) {
    const bp_thread_pool pool = {.run = run_in_order, .threads = way.threads};
    bp_network_config config = bp_network_config_defaults();
    config.layers = plan->layers;
    config.sizes = plan->sizes;
    config.activations = plan->activations;
    config.loss = plan->loss;
    config.max_batch_size = plan->rows;
    config.dropout = plan->dropout;
    config.normalize = plan->normalize;
    config.seed = plan->seed + plan->round;
    config.threads = way.threads;
    config.optimizer = &plan->optimizer;
    if (way.in_order)
        config.pool = &pool;
    bp_network *network = NULL;
    bp_status status = bp_cpu_set(way.isa);
    if (status == BP_OK)
        status = bp_network_create(&config, &network);
    if (status == BP_OK)
        return network;
    failed("a network", status, "");
    bp_network_destroy(network);
    return NULL;
}

/* The batch of one step. */
static void fill_batch(const soak_plan *plan, uint64_t step, float *inputs, float *targets, uint32_t *labels) {
    const size_t in = plan->sizes[0], out = plan->sizes[plan->layers];
    const uint64_t stream = BATCH_STREAM + step;
    for (size_t k = 0; k < plan->rows * in; k++)
        inputs[k] = bp_random_symmetric(plan->seed, stream, k);
    for (size_t k = 0; k < plan->rows * out; k++)
        targets[k] = inputs[k % (plan->rows * in)];
    for (size_t n = 0; n < plan->rows; n++)
        labels[n] = bp_random_u32(plan->seed, LABEL_STREAM + step, n) % (uint32_t)out;
}

bool soak_train(bp_network *network, const soak_plan *plan, uint64_t steps) {
    float *inputs = malloc(plan->rows * plan->sizes[0] * sizeof *inputs);
    float *targets = malloc(plan->rows * plan->sizes[plan->layers] * sizeof *targets);
    uint32_t *labels = malloc(plan->rows * sizeof *labels);
    bp_status status = inputs && targets && labels ? BP_OK : BP_ERROR_MEMORY;
    for (uint64_t step = bp_network_steps(network); step < steps && status == BP_OK; step++) {
        fill_batch(plan, step, inputs, targets, labels);
        const bp_batch batch = {.rows = plan->rows, .inputs = inputs, .targets = targets, .labels = labels};
        status = bp_network_train_step(network, &batch, plan->learning_rate, NULL);
    }
    free(inputs);
    free(targets);
    free(labels);
    return status == BP_OK || failed("a step", status, "");
}

bool soak_save(const bp_network *network, const char *path) {
    char hash[17];
    bp_file_error error;
    snprintf(hash, sizeof hash, "%016" PRIx64, bp_network_hash(network));
    const bp_metadata note = {"soak.hash", hash};
    const bp_status status = bp_checkpoint_save(network, path, &note, 1, &error);
    return status == BP_OK || failed("a checkpoint", status, error.text);
}

bool soak_load(bp_network *network, const char *path) {
    char hash[17];
    bp_file_error error;
    bp_safetensors *file;
    bp_status status = bp_checkpoint_load(network, path, &error);
    if (status != BP_OK)
        return failed("a checkpoint", status, error.text);
    snprintf(hash, sizeof hash, "%016" PRIx64, bp_network_hash(network));
    status = bp_safetensors_open(path, &file, &error);
    if (status != BP_OK)
        return failed("a checkpoint's notes", status, error.text);
    const char *saved = bp_safetensors_metadata(file, "soak.hash");
    const bool same = saved && strcmp(saved, hash) == 0;
    if (!same)
        fprintf(stderr, "soak: a checkpoint loads with hash %s, its notes say %s\n", hash, saved ? saved : "nothing");
    bp_safetensors_close(file);
    return same;
}

/* From where the network stands to the end, with checkpoints. */
static bool train_and_save(bp_network *network, const soak_plan *plan, const char *path) {
    while (bp_network_steps(network) < plan->steps) {
        const uint64_t next = bp_network_steps(network) + plan->save_every;
        if (!soak_train(network, plan, next < plan->steps ? next : plan->steps) || !soak_save(network, path))
            return false;
    }
    return true;
}

bool soak_run(const soak_plan *plan, soak_way way, const char *path, uint64_t *hash) {
    bp_network *network = soak_network(plan, way);
    if (!network)
        return false;
    bool good = true;
    if (!path)
        good = soak_train(network, plan, plan->steps);
    else if (access(path, F_OK) == 0)
        good = soak_load(network, path);
    if (path && good)
        good = train_and_save(network, plan, path);
    *hash = bp_network_hash(network);
    bp_network_destroy(network);
    return good;
}
