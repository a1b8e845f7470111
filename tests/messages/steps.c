/* network.h's steps, backward.h, update.h, inspect.h. */
#include <string.h>

#include "defaults.h"
#include "messages.h"
#include "network_support.h"

enum { IN = 4, OUT = 10, ROWS = 64 };

/* Two layers of sizes 4, 6, 10. */
static bp_network *made(bp_loss_kind loss, bp_reduction reduction, bool gradients, float ema_decay) {
    const net shape = {.layers = 2,
                       .sizes = {IN, 6, OUT},
                       .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                       .loss = loss,
                       .options = {.reduction = reduction},
                       .gradients = gradients};
    bp_network_config config = net_config(&shape, ROWS);
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_SGD, .ema_decay = ema_decay});
    return net_create(&config, 1);
}

/* A good batch, to be spoiled. */
typedef struct spoiled {
    float inputs[(ROWS + 1) * IN], targets[(ROWS + 1) * OUT], weights[ROWS + 1];
    uint32_t labels[ROWS + 1];
    bp_batch batch;
} spoiled;

static spoiled s;

static bp_batch *fresh(void) {
    memset(&s, 0, sizeof s);
    s.batch = (bp_batch){.rows = ROWS, .inputs = s.inputs, .targets = s.targets, .labels = s.labels};
    return &s.batch;
}

static const float *odd(const float *data) {
    return (const float *)(const void *)((const char *)data + 1);
}

/* Every refusal of a batch, by each function that takes one. */
static void batches(bp_network *network, bp_network *by_labels) {
    float loss, outputs[ROWS * OUT];
    bp_nonfinite found;
    bp_batch *b = fresh();
    b->inputs = NULL;
    SAYS("batch.inputs is null", bp_network_train_step, network, b, 0.1f, NULL);
    REFUSED("batch.inputs", bp_network_forward, network, b, outputs, 0);
    REFUSED("batch.inputs", bp_network_loss, network, b, &loss);
    REFUSED("batch.inputs", bp_network_accumulate, network, b, ROWS, NULL);
    REFUSED("batch.inputs", bp_network_find_nonfinite, network, b, &found);
    b = fresh();
    b->rows = 0;
    SAYS("batch.rows is 0, and must be from 1 to the network's max_batch_size, 64", bp_network_train_step, network, b,
         0.1f, NULL);
    b->rows = ROWS + 1;
    SAYS("batch.rows is 65, and must be from 1 to the network's max_batch_size, 64", bp_network_train_step, network, b,
         0.1f, NULL);
    REFUSED("batch.rows", bp_network_forward, network, b, outputs, 0);
    REFUSED("batch.rows", bp_network_loss, network, b, &loss);
    b = fresh();
    b->input_stride = 3;
    SAYS("batch.input_stride is 3, and must be at least 4, the network's inputs, or 0 for packed rows",
         bp_network_train_step, network, b, 0.1f, NULL);
    b->input_stride = SIZE_MAX;
    REFUSED("batch.inputs", bp_network_train_step, network, b, 0.1f, NULL);
    b = fresh();
    b->inputs = odd(s.inputs);
    REFUSED("batch.inputs", bp_network_train_step, network, b, 0.1f, NULL);
    b->inputs = (const float *)(const void *)network;
    SAYS("batch.inputs overlaps the network's memory", bp_network_train_step, network, b, 0.1f, NULL);
    b = fresh();
    b->targets = NULL;
    SAYS("batch.targets is null, and the loss mse needs it", bp_network_train_step, network, b, 0.1f, NULL);
    b->targets = odd(s.targets);
    REFUSED("batch.targets", bp_network_loss, network, b, &loss);
    b->targets = (const float *)(const void *)network;
    SAYS("batch.targets overlaps the network's memory", bp_network_train_step, network, b, 0.1f, NULL);
    b = fresh();
    b->target_stride = 9;
    SAYS("batch.target_stride is 9, and must be at least 10, the network's outputs, or 0 for packed rows",
         bp_network_train_step, network, b, 0.1f, NULL);
    b = fresh();
    b->weights = odd(s.weights);
    REFUSED("batch.weights", bp_network_train_step, network, b, 0.1f, NULL);
    b->weights = (const float *)(const void *)network;
    SAYS("batch.weights overlaps the network's memory", bp_network_train_step, network, b, 0.1f, NULL);
    b = fresh();
    s.labels[7] = 12;
    SAYS("batch.labels[7] is 12, and must be below 10, the network's outputs", bp_network_train_step, by_labels, b,
         0.1f, NULL);
    b->labels = NULL;
    SAYS("batch.labels is null, and the loss softmax-cross-entropy needs it", bp_network_train_step, by_labels, b, 0.1f,
         NULL);
}

static void other_arguments(bp_network *network) {
    bp_batch *b = fresh();
    float loss, outputs[ROWS * OUT];
    bp_nonfinite found;
    REFUSED("network", bp_network_train_step, NULL, b, 0.1f, NULL);
    REFUSED("batch", bp_network_train_step, network, NULL, 0.1f, NULL);
    SAYS("learning_rate is inf, and must be finite", bp_network_train_step, network, b, INFINITY, NULL);
    SAYS("learning_rate is NaN, and must be finite", bp_network_train_step, network, b, NAN, NULL);
    REFUSED("learning_rate", bp_network_train_step, network, b, -INFINITY, NULL);
    REFUSED("network", bp_network_forward, NULL, b, outputs, 0);
    REFUSED("batch", bp_network_forward, network, NULL, outputs, 0);
    REFUSED("outputs", bp_network_forward, network, b, NULL, 0);
    SAYS("output_stride is 9, and must be at least 10, the network's outputs, or 0 for packed rows", bp_network_forward,
         network, b, outputs, 9);
    SAYS("outputs overlaps batch.inputs", bp_network_forward, network, b, s.inputs, 0);
    SAYS("outputs overlaps the network's memory", bp_network_forward, network, b, (float *)(void *)network, 0);
    REFUSED("loss", bp_network_loss, network, b, NULL);
    REFUSED("batch", bp_network_loss, network, NULL, &loss);
    REFUSED("found", bp_network_find_nonfinite, network, b, NULL);
    REFUSED("network", bp_network_find_nonfinite, NULL, b, &found);
    assert_int_equal(bp_network_set_steps(network, 1, (UINT64_C(1) << 48) - 1), BP_OK);
    SAYS("the network has taken 281474976710655 steps, the most that it can count: go on with bp_network_set_steps",
         bp_network_train_step, network, b, 0.1f, NULL);
    assert_int_equal(bp_network_set_steps(network, 1, 0), BP_OK);
    SAYS("steps is 281474976710656, and must be below 2^48", bp_network_set_steps, network, 1, UINT64_C(1) << 48);
    REFUSED("network", bp_network_set_steps, NULL, 1, 0);
}

static void no_loss(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride, float *delta,
                    size_t delta_stride) {
    (void)context, (void)first, (void)rows, (void)outputs, (void)output_stride, (void)delta, (void)delta_stride;
}

static void backward(bp_network *network, bp_network *bare) {
    bp_batch *b = fresh();
    float delta[ROWS * OUT] = {0}, gradient[ROWS * IN], loss;
    const bp_backward_options good = BACKWARD_OPTIONS(.input_gradient = gradient, .learning_rate = 0.1f);
    bp_backward_options o = good;
    REFUSED("network", bp_network_backward, NULL, b, &o);
    REFUSED("batch", bp_network_backward, network, NULL, &o);
    REFUSED("options", bp_network_backward, network, b, NULL);
    o.gradient = (bp_gradient_mode)9;
    SAYS("options.gradient is 9, and must be one of bp_gradient_mode", bp_network_backward, network, b, &o);
    o = good;
    o.learning_rate = NAN;
    SAYS("options.learning_rate is NaN, and must be finite", bp_network_backward, network, b, &o);
    o = good;
    o.gradient = BP_GRADIENT_MODE_STORE;
    REFUSED("options.gradient", bp_network_backward, bare, b, &o);
    o = good;
    o.gradient = BP_GRADIENT_MODE_SKIP;
    o.input_gradient = NULL;
    REFUSED("options.input_gradient", bp_network_backward, network, b, &o);
    o = good;
    o.delta = delta;
    o.loss_callback = no_loss;
    REFUSED("options.delta", bp_network_backward, network, b, &o);
    o.loss_callback = NULL;
    o.loss = &loss;
    REFUSED("options.loss", bp_network_backward, network, b, &o);
    o = good;
    o.delta = delta;
    o.delta_stride = 3;
    REFUSED("options.delta_stride", bp_network_backward, network, b, &o);
    o = good;
    o.delta = (const float *)(const void *)network;
    SAYS("options.delta overlaps the network's memory", bp_network_backward, network, b, &o);
    o = good;
    o.input_gradient_stride = 3;
    REFUSED("options.input_gradient_stride", bp_network_backward, network, b, &o);
    o = good;
    o.input_gradient = s.inputs;
    SAYS("options.input_gradient overlaps batch.inputs", bp_network_backward, network, b, &o);
    o.input_gradient = s.targets;
    SAYS("options.input_gradient overlaps batch.targets", bp_network_backward, network, b, &o);
    o.delta = s.targets;
    SAYS("options.input_gradient overlaps options.delta", bp_network_backward, network, b, &o);
    o = good;
    o.input_gradient = (float *)(void *)network;
    SAYS("options.input_gradient overlaps the network's memory", bp_network_backward, network, b, &o);
    o = good;
    b->rows = ROWS + 1;
    REFUSED("batch.rows", bp_network_backward, network, b, &o);
    o.delta = delta;
    REFUSED("batch.rows", bp_network_backward, network, b, &o);
}

static void updates(bp_network *network, bp_network *bare) {
    bp_batch *b = fresh();
    bp_optimizer optimizer;
    REFUSED("network", bp_network_accumulate, NULL, b, ROWS, NULL);
    REFUSED("batch", bp_network_accumulate, network, NULL, ROWS, NULL);
    REFUSED("total_rows", bp_network_accumulate, network, b, 0, NULL);
    REFUSED("network", bp_network_accumulate, bare, b, ROWS, NULL);
    SAYS("the network has no gradient: call bp_network_accumulate, or bp_network_backward with BP_GRADIENT_MODE_STORE, "
         "first",
         bp_network_update, network, 0.1f);
    assert_int_equal(bp_network_accumulate(network, b, ROWS, NULL), BP_OK);
    REFUSED("learning_rate", bp_network_update, network, INFINITY);
    REFUSED("network", bp_network_update, NULL, 0.1f);
    REFUSED("network", bp_network_discard, NULL);
    REFUSED("network", bp_network_get_optimizer, NULL, &optimizer, sizeof optimizer);
    REFUSED("optimizer", bp_network_get_optimizer, network, NULL, sizeof optimizer);
    REFUSED("network", bp_network_set_momentum, NULL, 0.5f);
    SAYS("the network's optimizer, sgd, has no momentum to set: momentum, nesterov, adam and adamw have",
         bp_network_set_momentum, network, 0.5f);
    REFUSED("network", bp_network_swap_ema, NULL);
    SAYS("the network has no EMA weights: create it with an ema_decay above 0", bp_network_swap_ema, bare);
    SAYS("index is 2, and must be below 2, the network's layers", bp_network_freeze, network, 2, true);
    REFUSED("network", bp_network_freeze, NULL, 0, true);
    assert_int_equal(bp_network_swap_ema(network), BP_OK);
    static const char swapped[] = "the EMA weights are swapped in: call bp_network_swap_ema again before training";
    SAYS(swapped, bp_network_train_step, network, b, 0.1f, NULL);
    SAYS(swapped, bp_network_accumulate, network, b, ROWS, NULL);
    assert_int_equal(bp_network_swap_ema(network), BP_OK);
}

static void weighted_means(bp_network *network) {
    bp_batch *b = fresh();
    b->weights = s.weights;
    REFUSED("batch.weights", bp_network_accumulate, network, b, ROWS, NULL);
    SAYS("batch.weights add up to 0, and must have a finite sum with a finite reciprocal for a weighted mean",
         bp_network_train_step, network, b, 0.1f, NULL);
}

void steps_are_refused(void) {
    bp_network *network = made(BP_LOSS_MSE, BP_REDUCTION_MEAN, true, 0.5f),
               *bare = made(BP_LOSS_MSE, BP_REDUCTION_MEAN, false, 0.0f),
               *by_labels = made(BP_LOSS_SOFTMAX_CROSS_ENTROPY, BP_REDUCTION_MEAN, false, 0.0f),
               *weighted = made(BP_LOSS_MSE, BP_REDUCTION_WEIGHTED_MEAN, true, 0.0f);
    batches(network, by_labels);
    other_arguments(network);
    backward(network, bare);
    updates(network, bare);
    weighted_means(weighted);
    bp_network_destroy(network);
    bp_network_destroy(bare);
    bp_network_destroy(by_labels);
    bp_network_destroy(weighted);
}

void layers_are_refused(void) {
    bp_network *network = made(BP_LOSS_MSE, BP_REDUCTION_MEAN, false, 0.0f);
    bp_layer layer;
    bp_initializer initializers[] = {{.gain = 1}, {.gain = NAN}};
    REFUSED("network", bp_network_initialize, NULL, 1);
    REFUSED("network", bp_network_initialize_with, NULL, initializers, 1);
    REFUSED("initializers", bp_network_initialize_with, network, NULL, 1);
    SAYS("initializers[1].gain is NaN, and must be finite, 0 or more", bp_network_initialize_with, network,
         initializers, 1);
    initializers[0].kind = (bp_initializer_kind)77;
    SAYS("initializers[0].kind is 77, and must be one of bp_initializer_kind", bp_network_initialize_with, network,
         initializers, 1);
    REFUSED("network", bp_network_layer, NULL, 0, &layer);
    REFUSED("layer", bp_network_layer, network, 0, NULL);
    SAYS("index is 2, and must be below 2, the network's layers", bp_network_layer, network, 2, &layer);
    bp_network_destroy(network);
}
