/* Networks: small ones on one thread, and one that workers share. */
#include "enum_counts.h"
#include "modes.h"

#include <math.h>
#include <string.h>

enum { IN = 6, HIDDEN = 9, OUT = 3, ROWS = 5 };

typedef struct subject {
    bp_network *network;
    bp_batch batch;
    bp_network_config config;
} subject;

static const size_t sizes[] = {IN, HIDDEN, OUT};
static const bp_activation activations[] = {{BP_ACTIVATION_ELU, TINY}, {BP_ACTIVATION_IDENTITY, 0}};

/* Everything that a network can have, with numbers that a host with DAZ takes for zeros. */
static bp_network_config everything(void) {
    static const float dropout[] = {0.3f, 0.0f};
    static const bool normalize[] = {true, false};
    return (bp_network_config){.layers = 2,
                               .sizes = sizes,
                               .activations = activations,
                               .loss = BP_LOSS_HUBER,
                               .max_batch_size = ROWS,
                               .dropout = dropout,
                               .normalize = normalize,
                               .seed = 3,
                               .threads = 1,
                               .loss_options = {.huber_threshold = TINY},
                               .optimizer = {.kind = BP_OPTIMIZER_ADAM,
                                             .epsilon = TINY,
                                             .weight_decay = TINY,
                                             .clip = 0.7f,
                                             .clip_norm = 0.01f,
                                             .ema_decay = 0.3f},
                               .gradients = true};
}

static bp_network_config plain_sgd(void) {
    return (bp_network_config){
        .layers = 2, .sizes = sizes, .activations = activations, .max_batch_size = ROWS, .threads = 1, .seed = 3};
}

static subject made(notes *n, bp_network_config config) {
    subject s = {.config = config};
    said(n, bp_network_create(&config, &s.network));
    said(n, bp_network_initialize(s.network, 5));
    s.batch = (bp_batch){.rows = config.max_batch_size,
                         .inputs = numbers(n, config.max_batch_size * config.sizes[0]),
                         .targets = numbers(n, config.max_batch_size * config.sizes[config.layers])};
    return s;
}

static void unmade(notes *n, subject *s) {
    counted(n, bp_network_hash(s->network));
    bp_network_destroy(s->network);
    returned(n);
}

static void creation(notes *n) {
    subject s = made(n, everything());
    size_t bytes = 0;
    said(n, bp_network_memory(&s.config, &bytes));
    counted(n, bytes);
    bp_optimizer optimizer;
    memset(&optimizer, 0, sizeof optimizer);
    said(n, bp_network_get_optimizer(s.network, &optimizer));
    gave(n, &optimizer.epsilon, sizeof optimizer.epsilon);
    gave(n, &optimizer.weight_decay, sizeof optimizer.weight_decay);
    unmade(n, &s);
    bp_network_config momentum = plain_sgd();
    momentum.optimizer = (bp_optimizer){.kind = BP_OPTIMIZER_MOMENTUM, .momentum = TINY};
    s = made(n, momentum);
    said(n, bp_network_get_optimizer(s.network, &optimizer));
    explained(n, bp_network_get_optimizer(s.network, NULL));
    gave(n, &optimizer.momentum, sizeof optimizer.momentum);
    unmade(n, &s);
}

/* Configurations that are wrong by as little as can be. */
static void refusals(notes *n) {
    static const float dropout[] = {-TINY, 0.0f};
    static const bp_activation previous[] = {{BP_ACTIVATION_ELU, -TINY}, {BP_ACTIVATION_IDENTITY, 0}};
    static const float last[] = {0.0f, TINY};
    bp_network_config wrong[6];
    for (size_t k = 0; k < 6; k++)
        wrong[k] = everything();
    wrong[0].dropout = dropout;
    wrong[1].activations = previous;
    wrong[2].dropout = last;
    wrong[3].loss_options.huber_threshold = -TINY;
    wrong[4].optimizer.weight_decay = -TINY;
    wrong[5].loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    wrong[5].loss_options.label_smoothing = -TINY;
    for (size_t k = 0; k < 6; k++) {
        bp_network *network = NULL;
        size_t bytes = 0;
        explained(n, bp_network_create(&wrong[k], &network));
        explained(n, bp_network_memory(&wrong[k], &bytes));
        counted(n, bytes);
        bp_network_destroy(network);
    }
}

static void initial_weights(notes *n) {
    subject s = made(n, plain_sgd());
    const bp_initializer good[] = {{BP_INITIALIZER_ORTHOGONAL, 0.7f}, {BP_INITIALIZER_HE_NORMAL, TINY}};
    const bp_initializer bad[] = {{BP_INITIALIZER_ORTHOGONAL, 0.7f}, {BP_INITIALIZER_HE_NORMAL, -TINY}};
    said(n, bp_network_initialize_with(s.network, good, 5));
    counted(n, bp_network_hash(s.network));
    explained(n, bp_network_initialize_with(s.network, bad, 5));
    explained(n, bp_network_initialize(NULL, 5));
    unmade(n, &s);
}

/* It computes: in the mode of the library. */
static void loss_callback(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride,
                          float *delta, size_t delta_stride) {
    (void)context;
    (void)first;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < OUT; j++)
            delta[n * delta_stride + j] = outputs[n * output_stride + j] * 0.3f;
}

/* Steps, updates and passes of one network; what they give, and where they fail. */
static void steps(notes *n, subject *s) {
    float loss = 0.0f, *outputs = numbers(n, ROWS * OUT), *inputs = numbers(n, ROWS * IN);
    const bp_batch missing = {.rows = ROWS, .inputs = s->batch.inputs};
    for (size_t k = 0; k < 3; k++) {
        said(n, bp_network_train_step(s->network, &s->batch, k == 2 ? TINY : 0.3f, &loss));
        gave(n, &loss, sizeof loss);
    }
    bp_batch row = s->batch;
    row.rows = 1;
    said(n, bp_network_train_step(s->network, &row, 0.3f, &loss));
    explained(n, bp_network_train_step(s->network, &missing, 0.3f, &loss));
    explained(n, bp_network_train_step(s->network, &s->batch, INFINITY, &loss));
    said(n, bp_network_forward(s->network, &s->batch, outputs, 0));
    gave(n, outputs, ROWS * OUT * sizeof *outputs);
    explained(n, bp_network_forward(s->network, &s->batch, NULL, 0));
    said(n, bp_network_loss(s->network, &s->batch, &loss));
    gave(n, &loss, sizeof loss);
    explained(n, bp_network_loss(s->network, &missing, &loss));
    const bp_backward_options options = {.learning_rate = 0.3f, .input_gradient = inputs, .loss = &loss};
    const bp_backward_options own = {.learning_rate = 0.3f, .loss_callback = loss_callback},
                              bad = {.learning_rate = NAN};
    said(n, bp_network_backward(s->network, &s->batch, &options));
    said(n, bp_network_backward(s->network, &s->batch, &own));
    explained(n, bp_network_backward(s->network, &s->batch, &bad));
    gave(n, inputs, ROWS * IN * sizeof *inputs);
    gave(n, &loss, sizeof loss);
    counted(n, bp_network_steps(s->network));
    counted(n, bp_network_hash(s->network));
}

static void accumulation(notes *n, subject *s) {
    float loss, weights[IN * HIDDEN], biases[HIDDEN], gamma[HIDDEN], beta[HIDDEN];
    explained(n, bp_network_update(s->network, 0.3f)); /* nothing is accumulated */
    said(n, bp_network_accumulate(s->network, &s->batch, 2 * ROWS, &loss));
    gave(n, &loss, sizeof loss);
    said(n, bp_network_accumulate(s->network, &s->batch, 2 * ROWS, &loss));
    explained(n, bp_network_accumulate(s->network, &s->batch, 0, &loss));
    said(n, bp_network_get_gradient(s->network, 0, weights, 0, biases));
    explained(n, bp_network_get_gradient(s->network, 9, weights, 0, biases));
    said(n, bp_network_get_normalization_gradient(s->network, 0, gamma, beta));
    explained(n, bp_network_get_normalization_gradient(s->network, 1, gamma, beta));
    gave(n, weights, sizeof weights);
    gave(n, biases, sizeof biases);
    gave(n, gamma, sizeof gamma);
    gave(n, beta, sizeof beta);
    explained(n, bp_network_update(s->network, NAN));
    said(n, bp_network_update(s->network, 0.3f));
    const float norm = bp_network_gradient_norm(s->network);
    gave(n, &norm, sizeof norm);
    counted(n, bp_network_hash(s->network));
    said(n, bp_network_accumulate(s->network, &s->batch, ROWS, &loss));
    said(n, bp_network_discard(s->network));
    explained(n, bp_network_discard(NULL));
}

static void training(notes *n) {
    bp_network_config rules[OPTIMIZER_COUNT + 2];
    for (unsigned k = 0; k < OPTIMIZER_COUNT; k++) {
        rules[k] = plain_sgd();
        rules[k].optimizer = (bp_optimizer){.kind = (bp_optimizer_kind)k, .weight_decay = TINY};
    }
    rules[OPTIMIZER_COUNT] = plain_sgd();
    rules[OPTIMIZER_COUNT + 1] = everything();
    for (size_t k = 0; k < OPTIMIZER_COUNT + 2; k++) {
        subject s = made(n, rules[k]);
        steps(n, &s);
        if (rules[k].gradients)
            accumulation(n, &s);
        unmade(n, &s);
    }
}

static bool sees_progress(void *context, const bp_fit_progress *now) {
    notes *n = context;
    gave(n, &now->loss, sizeof now->loss);
    gave(n, &now->step_loss, sizeof now->step_loss);
    gave(n, &now->learning_rate, sizeof now->learning_rate);
    return false;
}

static float sees_step(void *context, size_t step) {
    notes *n = context;
    counted(n, step);
    return 0.1f;
}

static void fits(notes *n) {
    enum { SAMPLES = 13 };
    static const bp_schedule cosine = {
        .kind = BP_SCHEDULE_COSINE, .learning_rate = 0.1f, .warmup = 3, .steps = 17, .end = TINY};
    static const bp_schedule bad = {
        .kind = BP_SCHEDULE_COSINE, .learning_rate = -TINY, .warmup = 3, .steps = 17, .end = TINY};
    for (unsigned k = 0; k < 2; k++) {
        subject s = made(n, everything());
        float *inputs = numbers(n, SAMPLES * IN), *outputs = numbers(n, SAMPLES * OUT);
        const bp_dataset set = {.rows = SAMPLES,
                                .inputs = inputs,
                                .input_columns = IN,
                                .targets = numbers(n, SAMPLES * OUT),
                                .target_columns = OUT};
        bp_early_stopping stopping = {.patience = 3, .improvement = 1e-310};
        bp_fit_options options = {.epochs = 2,
                                  .validation = &set,
                                  .restore_best = true,
                                  .stopping = &stopping,
                                  .nonfinite = BP_NONFINITE_POLICY_LOCATE,
                                  .schedule = k ? &cosine : NULL,
                                  .learning_rate_of_step = k ? NULL : sees_step,
                                  .learning_rate_context = n,
                                  .on_epoch = sees_progress,
                                  .on_step = sees_progress,
                                  .context = n};
        bp_fit_result result;
        double loss = 0.0;
        memset(&result, 0, sizeof result);
        said(n, bp_network_fit(s.network, &set, &options, &result));
        gave(n, &result.loss, sizeof result.loss);
        gave(n, &result.validation_loss, sizeof result.validation_loss);
        gave(n, &result.best_loss, sizeof result.best_loss);
        counted(n, result.best_epoch);
        said(n, bp_network_evaluate(s.network, &set, &loss));
        gave(n, &loss, sizeof loss);
        said(n, bp_network_predict(s.network, &set, outputs, 0));
        gave(n, outputs, SAMPLES * OUT * sizeof *outputs);
        explained(n, bp_network_predict(s.network, &set, NULL, 0));
        options.learning_rate_of_step = NULL;
        options.schedule = &bad;
        explained(n, bp_network_fit(s.network, &set, &options, &result));
        options.schedule = NULL;
        stopping.improvement = -1e-310;
        explained(n, bp_network_fit(s.network, &set, &options, &result));
        stopping.improvement = 0;
        inputs[3] = NAN;
        said(n, bp_network_fit(s.network, &set, &options, &result)); /* ends early, with a report */
        counted(n, result.outcome);
        counted(n, result.nonfinite.quantity);
        unmade(n, &s);
    }
}

/* Fails in its second batch, when the mode is entered already. */
static void evaluation(notes *n) {
    bp_network_config config = plain_sgd();
    config.loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    subject s = made(n, config);
    uint32_t *classes = labels(n, 2 * ROWS, OUT);
    const bp_dataset set = {
        .rows = 2 * ROWS, .inputs = numbers(n, 2 * ROWS * IN), .input_columns = IN, .labels = classes};
    double loss = 0.0;
    said(n, bp_network_evaluate(s.network, &set, &loss));
    classes[ROWS + 1] = OUT;
    explained(n, bp_network_evaluate(s.network, &set, &loss));
    explained(n, bp_network_evaluate(s.network, NULL, &loss));
    gave(n, &loss, sizeof loss);
    unmade(n, &s);
}

/* Losses over the sum of weights, which rounds, or is denormal: then its reciprocal is none. */
static void weighted_means(notes *n) {
    bp_network_config config = everything();
    config.loss_options.reduction = BP_REDUCTION_WEIGHTED_MEAN;
    subject s = made(n, config);
    const float *outside = numbers(n, ROWS);
    const float denormal[] = {TINY, TINY, TINY, TINY, TINY}, zeros[ROWS] = {0},
                barely[] = {0x1p-128f, 1e-42f, 0, 0, 0}; /* the reciprocal is just finite */
    const float *const all[] = {outside, denormal, zeros, barely};
    for (size_t k = 0; k < 4; k++) {
        float loss = 0.5f;
        double mean = 0.5;
        s.batch.weights = all[k];
        explained(n, bp_network_loss(s.network, &s.batch, &loss));
        gave(n, &loss, sizeof loss);
        explained(n, bp_network_train_step(s.network, &s.batch, 0.3f, &loss));
        gave(n, &loss, sizeof loss);
        const bp_backward_options options = {.learning_rate = 0.3f, .loss = &loss};
        explained(n, bp_network_backward(s.network, &s.batch, &options));
        explained(n, bp_network_accumulate(s.network, &s.batch, ROWS, &loss));
        gave(n, &loss, sizeof loss);
        said(n, bp_network_discard(s.network));
        const bp_dataset set = {.rows = ROWS,
                                .inputs = s.batch.inputs,
                                .input_columns = IN,
                                .targets = s.batch.targets,
                                .target_columns = OUT,
                                .weights = all[k]};
        explained(n, bp_network_evaluate(s.network, &set, &mean));
        gave(n, &mean, sizeof mean);
        const bp_fit_options fit = {.epochs = 1, .learning_rate = 0.1f, .batch = 2};
        bp_fit_result result;
        memset(&result, 0, sizeof result);
        explained(n, bp_network_fit(s.network, &set, &fit, &result));
        gave(n, &result.loss, sizeof result.loss);
        counted(n, bp_network_hash(s.network));
    }
    unmade(n, &s);
}

/* Decay of the weights alone, in each form and for each rule; steps and updates of accumulated gradients. */
static void decay_of_weights(notes *n) {
    for (unsigned k = 0; k < 2 * OPTIMIZER_COUNT; k++) {
        bp_network_config config = k % 2 ? plain_sgd() : everything();
        config.optimizer = (bp_optimizer){.kind = (bp_optimizer_kind)(k / 2),
                                          .weight_decay = k % 3 ? 0.3f : TINY,
                                          .decoupled = k % 2,
                                          .decay_scope = BP_DECAY_SCOPE_WEIGHTS};
        subject s = made(n, config);
        float loss;
        for (size_t step = 0; step < 2; step++) {
            said(n, bp_network_train_step(s.network, &s.batch, 0.3f, &loss));
            gave(n, &loss, sizeof loss);
        }
        if (config.gradients) {
            said(n, bp_network_accumulate(s.network, &s.batch, ROWS, &loss));
            said(n, bp_network_update(s.network, 0.3f));
        }
        unmade(n, &s);
    }
}

/* A momentum that is no zero, and one that is none; by hand, and by the schedule of a fit. */
static void momenta(notes *n) {
    for (unsigned k = 0; k < OPTIMIZER_COUNT; k++) {
        const float good[] = {TINY, 0.7f}, bad[] = {-TINY, 0.0f, NAN, 1.0f};
        bp_network_config config = plain_sgd();
        config.optimizer.kind = (bp_optimizer_kind)k;
        subject s = made(n, config);
        for (size_t m = 0; m < 2; m++) {
            bp_optimizer optimizer;
            explained(n, bp_network_set_momentum(s.network, good[m]));
            said(n, bp_network_get_optimizer(s.network, &optimizer));
            gave(n, &optimizer.momentum, sizeof optimizer.momentum);
            gave(n, &optimizer.beta1, sizeof optimizer.beta1);
            said(n, bp_network_train_step(s.network, &s.batch, 0.3f, NULL));
        }
        for (size_t m = 0; m < 4; m++)
            explained(n, bp_network_set_momentum(s.network, bad[m]));
        const bp_schedule cycle = {.kind = BP_SCHEDULE_ONE_CYCLE,
                                   .learning_rate = 0.1f,
                                   .warmup = 2,
                                   .steps = 7,
                                   .start = TINY,
                                   .end = 0.01f,
                                   .momentum_max = 0.95f,
                                   .momentum_min = TINY};
        const bp_dataset set = {.rows = ROWS,
                                .inputs = s.batch.inputs,
                                .input_columns = IN,
                                .targets = s.batch.targets,
                                .target_columns = OUT};
        const bp_fit_options options = {.epochs = 3, .batch = 2, .schedule = &cycle};
        explained(n, bp_network_fit(s.network, &set, &options, NULL));
        unmade(n, &s);
    }
}

/* Rates that fall on a plateau of the validation loss. */
static void plateau_fits(notes *n) {
    subject s = made(n, everything());
    const bp_dataset set = {
        .rows = ROWS, .inputs = s.batch.inputs, .input_columns = IN, .targets = s.batch.targets, .target_columns = OUT};
    bp_plateau states[] = {
        {.learning_rate = 0.1f, .factor = 0.7f, .learning_rate_min = TINY, .threshold = 1e-310},
        {.learning_rate = 3e-40f, .factor = 0.5f, .learning_rate_min = TINY, .threshold = 0.9, .relative = true},
        {.learning_rate = 0.1f, .factor = 0.7f, .learning_rate_min = -TINY}};
    for (size_t k = 0; k < 3; k++) {
        bp_fit_options options = {.epochs = 3,
                                  .batch = 2,
                                  .validation = &set,
                                  .plateau = &states[k],
                                  .on_epoch = sees_progress,
                                  .context = n};
        bp_fit_result result;
        memset(&result, 0, sizeof result);
        explained(n, bp_network_fit(s.network, &set, &options, &result));
        gave(n, &result.validation_loss, sizeof result.validation_loss);
        gave(n, &states[k].learning_rate, sizeof states[k].learning_rate);
        gave(n, &states[k].best, sizeof states[k].best);
        options.validation = NULL;
        explained(n, bp_network_fit(s.network, &set, &options, &result));
        gave(n, &states[k].learning_rate, sizeof states[k].learning_rate);
    }
    unmade(n, &s);
}

static void access_to_parameters(notes *n) {
    subject s = made(n, everything());
    float weights[IN * HIDDEN], biases[HIDDEN], gamma[HIDDEN], beta[HIDDEN];
    memcpy(weights, numbers(n, IN * HIDDEN), sizeof weights);
    memcpy(biases, numbers(n, HIDDEN), sizeof biases);
    bp_layer layer;
    memset(&layer, 0, sizeof layer);
    for (size_t index = 0; index <= 2; index += 2) { /* one that is there, one that is not */
        explained(n, bp_network_set_parameters(s.network, index, weights, 0, biases));
        explained(n, bp_network_get_parameters(s.network, index, weights, 0, biases));
        explained(n, bp_network_set_normalization(s.network, index, biases, biases));
        explained(n, bp_network_get_normalization(s.network, index, gamma, beta));
        explained(n, bp_network_layer(s.network, index, &layer));
        for (size_t state = 0; state < 4; state++) {
            explained(n, bp_network_set_state(s.network, state, index, weights, 0, biases));
            explained(n, bp_network_get_state(s.network, state, index, weights, 0, biases));
            explained(n, bp_network_set_normalization_state(s.network, state, index, biases, biases));
            explained(n, bp_network_get_normalization_state(s.network, state, index, gamma, beta));
            named(n, bp_network_state_name(s.network, state));
        }
        gave(n, weights, sizeof weights);
        gave(n, gamma, sizeof gamma);
    }
    gave(n, &layer.dropout, sizeof layer.dropout);
    gave(n, &layer.activation.parameter, sizeof layer.activation.parameter);
    counted(n, bp_network_states(s.network));
    said(n, bp_network_train_step(s.network, &s.batch, 0.3f, NULL));
    for (size_t k = 0; k < 2; k++) {
        said(n, bp_network_swap_ema(s.network));
        counted(n, bp_network_ema_swapped(s.network));
        counted(n, bp_network_hash(s.network));
    }
    explained(n, bp_network_swap_ema(NULL));
    counted(n, bp_network_ema_swapped(NULL));
    explained(n, bp_network_freeze(s.network, 0, true));
    explained(n, bp_network_freeze(s.network, 9, true));
    said(n, bp_network_train_step(s.network, &s.batch, 0.3f, NULL));
    said(n, bp_network_set_steps(s.network, 7, 8));
    explained(n, bp_network_set_steps(NULL, 7, 8));
    counted(n, bp_network_steps(s.network));
    counted(n, bp_network_seed(s.network));
    unmade(n, &s);
}

/* Freezing plans the steps anew: by the optimizer's numbers, which are no zeros. */
static void freezing(notes *n) {
    bp_network_config config = plain_sgd();
    config.optimizer.clip = TINY;
    subject s = made(n, config);
    said(n, bp_network_freeze(s.network, 0, true));
    said(n, bp_network_freeze(s.network, 0, false));
    said(n, bp_network_train_step(s.network, &s.batch, 1.0f, NULL));
    unmade(n, &s);
}

static void description(notes *n) {
    static const size_t wide[] = {94906267, 94906267, 1}; /* the square is no double */
    static const float dropout[] = {0.0055f, 0.0f};       /* 0.006 in words, rounded down 0.005 */
    bp_network_config config = everything();
    config.dropout = dropout;
    subject s = made(n, config);
    char text[2048];
    counted(n, bp_network_summary(s.network, text, sizeof text));
    named(n, text);
    counted(n, bp_network_summary(NULL, text, sizeof text));
    const double flops[] = {bp_network_step_flops(s.network, ROWS), bp_network_step_flops(s.network, wide[0] * wide[1]),
                            bp_network_step_flops(NULL, ROWS)};
    gave(n, flops, sizeof flops);
    counted(n, bp_network_isa(s.network));
    counted(n, bp_network_threads(s.network));
    counted(n, bp_network_loss_kind(s.network));
    counted(n, bp_network_parameters(s.network));
    unmade(n, &s);
}

static void search(notes *n) {
    subject s = made(n, everything());
    bp_nonfinite found;
    memset(&found, 0, sizeof found);
    float *inputs = numbers(n, ROWS * IN);
    bp_batch batch = s.batch;
    batch.inputs = inputs;
    said(n, bp_network_find_nonfinite(s.network, &batch, &found));
    counted(n, found.quantity);
    /* The least number whose square overflows when rounded up, times what normalization makes of it. */
    inputs[4] = 0x1.fffffep127f;
    said(n, bp_network_find_nonfinite(s.network, &batch, &found));
    counted(n, found.quantity);
    counted(n, found.row);
    counted(n, found.column);
    explained(n, bp_network_find_nonfinite(s.network, NULL, &found));
    unmade(n, &s);
}

/* Wide enough that workers share a step. */
static void workers(notes *n) {
    static const size_t wide[] = {48, 64, 10};
    bp_network_config config = everything();
    config.sizes = wide;
    config.max_batch_size = 300;
    config.threads = 3;
    subject s = made(n, config);
    counted(n, bp_network_threads(s.network));
    float loss;
    for (size_t k = 0; k < 2; k++) {
        said(n, bp_network_train_step(s.network, &s.batch, 0.3f, &loss));
        gave(n, &loss, sizeof loss);
    }
    said(n, bp_network_accumulate(s.network, &s.batch, 300, &loss));
    said(n, bp_network_update(s.network, 0.3f));
    unmade(n, &s);
}

const mode_case network_cases[] = {
    {"bp_network_create bp_network_memory bp_network_destroy bp_network_get_optimizer bp_network_hash", creation},
    {"bp_network_create bp_network_memory", refusals},
    {"bp_network_initialize bp_network_initialize_with", initial_weights},
    {"bp_network_train_step bp_network_forward bp_network_loss bp_network_backward bp_network_accumulate "
     "bp_network_update bp_network_discard bp_network_gradient_norm bp_network_get_gradient "
     "bp_network_get_normalization_gradient",
     training},
    {"bp_network_fit bp_network_predict", fits},
    {"bp_network_evaluate", evaluation},
    {"bp_network_get_parameters bp_network_set_parameters bp_network_get_normalization bp_network_set_normalization "
     "bp_network_layer bp_network_states bp_network_state_name bp_network_get_state bp_network_set_state "
     "bp_network_get_normalization_state bp_network_set_normalization_state bp_network_swap_ema "
     "bp_network_ema_swapped bp_network_steps "
     "bp_network_set_steps bp_network_seed",
     access_to_parameters},
    {"bp_network_loss bp_network_fit by a weighted mean", weighted_means},
    {"bp_network_train_step with decay of weights", decay_of_weights},
    {"bp_network_set_momentum bp_network_fit", momenta},
    {"bp_network_fit on a plateau", plateau_fits},
    {"bp_network_freeze", freezing},
    {"bp_network_summary bp_network_step_flops bp_network_isa bp_network_threads bp_network_loss_kind "
     "bp_network_parameters",
     description},
    {"bp_network_find_nonfinite", search},
    {"bp_network_train_step on lanes", workers},
    {NULL, NULL},
};
