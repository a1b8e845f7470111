/*
 * Networks' files, parameters and whole trainings, loaded into networks of several kinds: a file that is refused
 * changes nothing; what one has loaded, saved again, brings another one to the same state and the same next step.
 */
#include "../defaults.h"
#include "files.h"
#include "subjects.h"

enum { KINDS = 4, BATCH = 3 };

static const bp_activation activations[] = {{BP_ACTIVATION_LEAKY_RELU, 0.25f}, {BP_ACTIVATION_IDENTITY, 0.0f}};

/* Files fit the first two alike, but for the optimizer; the others have what those have not. */
static bp_network *create(size_t kind) {
    static const size_t sizes[] = {2, 3, 2};
    static const float dropout[] = {0.25f, 0.0f};
    static const bool normalize[] = {true, false};
    static const bp_optimizer_kind kinds[KINDS] = {BP_OPTIMIZER_SGD, BP_OPTIMIZER_ADAM, BP_OPTIMIZER_MOMENTUM,
                                                   BP_OPTIMIZER_RPROP};
    bp_optimizer optimizer = bp_optimizer_defaults(kinds[kind]);
    optimizer.ema_decay = kind == 1 ? 0.5f : 0.0f;
    optimizer.clip_norm = kind == 2 ? 1.0f : 0.0f;
    bp_network_config config = bp_network_config_defaults();
    config.layers = 2;
    config.sizes = sizes;
    config.activations = activations;
    config.loss = BP_LOSS_MSE;
    config.max_batch_size = BATCH;
    config.dropout = kind == 2 ? dropout : NULL;
    config.normalize = kind >= 2 ? normalize : NULL;
    config.threads = 1;
    config.optimizer = &optimizer;
    bp_network *network;
    REQUIRE(bp_network_create(&config, &network) == BP_OK);
    return network;
}

static void step(bp_network *network) {
    static const float inputs[2 * BATCH] = {1.0f, -0.5f, 0.25f, 2.0f, -1.0f, 0.125f}, targets[2 * BATCH] = {1.0f};
    const bp_batch batch = {.rows = BATCH, .inputs = inputs, .targets = targets};
    REQUIRE(bp_network_train_step(network, &batch, 0.125f, NULL) == BP_OK);
}

/* The same state each time, none of it zero. */
static void begin(bp_network *network) {
    REQUIRE(bp_network_initialize(network, 5) == BP_OK && bp_network_set_steps(network, 7, 0) == BP_OK);
    step(network);
}

typedef bp_status load_fn(bp_network *network, const char *path, bp_file_error *error);
typedef bp_status save_fn(const bp_network *network, const char *path, const bp_metadata *notes, size_t count,
                          bp_file_error *error);

/* Any names whose numbers tell an order, and not all tensors. */
static bp_status load_named(bp_network *network, const char *path, bp_file_error *error) {
    const bp_load_options options = LOAD_OPTIONS(.pattern = "*", .strict = false, .zero_biases = true);
    return bp_network_load_with(network, path, &options, error);
}

/* Networks of one kind: one that loads the input, the other what that one has saved. */
typedef struct pair {
    bp_network *network, *twin;
    uint64_t state; /* that `network` begins with, whenever it has loaded nothing */
} pair;

static void load(const pair *p, load_fn *read, save_fn *save, const char *path) {
    bp_network *network = p->network, *twin = p->twin;
    bp_file_error error;
    const bp_status status = read(network, path, &error);
    require_told(status, &error);
    if (status != BP_OK) {
        REQUIRE(status == BP_ERROR_FORMAT || status == BP_ERROR_MISMATCH);
        REQUIRE(subject_state(network) == p->state);
        return;
    }
    const bp_metadata note = {"note", "kept"};
    begin(twin);
    require_done(save(network, file_to_write(), &note, 1, &error), &error);
    require_done(read(twin, file_to_write(), &error), &error);
    REQUIRE(subject_state(network) == subject_state(twin));
    if (bp_network_steps(network) >> 48 == 0) {
        step(network);
        step(twin);
        REQUIRE(subject_state(network) == subject_state(twin));
    }
    begin(network);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static pair pairs[KINDS];
    const char *path = file_of(data, size);
    for (size_t k = 0; k < KINDS; k++) {
        pair *p = &pairs[k];
        if (!p->network) {
            *p = (pair){.network = create(k), .twin = create(k)};
            begin(p->network);
            p->state = subject_state(p->network);
        }
        load(p, bp_network_load, bp_network_save, path);
        load(p, load_named, bp_network_save, path);
        load(p, bp_checkpoint_load, bp_checkpoint_save, path);
    }
    return 0;
}
