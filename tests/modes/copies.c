/* Inference on constant networks, copies of networks, thread pools. */
#include "harness/usual.h"
#include "modes.h"

#include <math.h>

enum { IN = 6, HIDDEN = 9, OUT = 3, ROWS = 5 };

static const size_t sizes[] = {IN, HIDDEN, OUT};
static const bp_activation activations[] = {{BP_ACTIVATION_ELU, TINY}, {BP_ACTIVATION_IDENTITY, 0}};

/* One that runs in one call. */
static bp_network_config plain(void) {
    return (bp_network_config){
        .layers = 2, .sizes = sizes, .activations = activations, .max_batch_size = ROWS, .threads = 1, .seed = 3};
}

/* And one that does not, with an average. */
static bp_network_config regularized(void) {
    static const float dropout[] = {0.3f, 0.0f};
    static const bool normalize[] = {true, false};
    bp_network_config config = plain();
    config.dropout = dropout;
    config.normalize = normalize;
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_SGD, .ema_decay = 0.3f});
    return config;
}

/* What inference and copies give, and where they fail; a soft update of denormals, and by a denormal. */
static void copies(notes *n) {
    static _Alignas(BP_ALIGNMENT) char workspace[1 << 16];
    const bp_network_config configs[] = {regularized(), plain()};
    const float taus[] = {0.3f, TINY, -TINY, NAN};
    for (size_t k = 0; k < 2; k++) {
        bp_network *network;
        const bp_batch batch = {.rows = ROWS, .inputs = numbers(n, ROWS * IN), .targets = numbers(n, ROWS * OUT)};
        said(n, bp_network_create(&configs[k], &network));
        said(n, bp_network_initialize(network, 5));
        bp_network *others[2] = {NULL, NULL};
        float *outputs = numbers(n, ROWS * OUT), loss;
        said(n, bp_network_train_step(network, &batch, 0.3f, &loss));
        counted(n, bp_network_workspace_bytes(network, ROWS));
        said(n, bp_network_infer(network, &batch, outputs, 0, workspace, sizeof workspace));
        gave(n, outputs, ROWS * OUT * sizeof *outputs);
        explained(n, bp_network_infer(network, &batch, outputs, 0, workspace, 1));
        said(n, bp_network_clone(network, &others[0]));
        explained(n, bp_network_clone(NULL, &others[1]));
        said(n, bp_network_clone_parameters(network, &others[1]));
        said(n, bp_network_train_step(network, &batch, 0.3f, &loss));
        for (size_t t = 0; t < 4; t++) {
            explained(n, bp_network_soft_update(others[1], network, taus[t]));
            counted(n, bp_network_hash(others[1]));
        }
        said(n, bp_network_copy_state(others[1], network));
        explained(n, bp_network_copy_state(others[1], others[1]));
        said(n, bp_network_train_step(others[1], &batch, 0.3f, &loss));
        gave(n, &loss, sizeof loss);
        said(n, bp_network_copy_parameters(others[1], others[0]));
        explained(n, bp_network_copy_parameters(NULL, others[0]));
        for (size_t o = 0; o < 2; o++) {
            counted(n, bp_network_hash(others[o]));
            bp_network_destroy(others[o]);
        }
        counted(n, bp_network_hash(network));
        bp_network_destroy(network);
    }
    bp_thread_pool *pool;
    said(n, bp_thread_pool_create(2, &pool));
    counted(n, pool->threads);
    bp_thread_pool_destroy(pool);
    returned(n);
    explained(n, bp_thread_pool_create(2, NULL));
}

const mode_case copy_cases[] = {
    {"bp_network_infer bp_network_workspace_bytes bp_network_clone bp_network_clone_parameters "
     "bp_network_copy_parameters bp_network_copy_state bp_network_soft_update bp_thread_pool_create "
     "bp_thread_pool_destroy",
     copies},
    {NULL, NULL},
};
