/* The functions on the caller's arrays. */
#include "defaults.h"
#include "enum_counts.h"
#include "harness/usual.h"
#include "modes.h"

enum { ROWS = 5, IN = 7, OUT = 19 };

static bp_activation kind_of(unsigned kind) {
    return (bp_activation){(bp_activation_kind)kind, 0.75f};
}

/* A slope that is no slope; to a host with DAZ it is -0, which is one. */
static const bp_activation below_zero = {BP_ACTIVATION_ELU, -TINY};

static void activations(notes *n) {
    for (unsigned k = 0; k < ACTIVATION_COUNT; k++) {
        float *a = numbers(n, ROWS * IN);
        said(n, bp_activate(a, IN, numbers(n, ROWS * IN), IN, ROWS, IN, kind_of(k)));
        gave(n, a, ROWS * IN * sizeof *a);
        said(n, bp_activation_derivative(a, IN, numbers(n, ROWS * IN), IN, ROWS, IN, kind_of(k)));
        gave(n, a, ROWS * IN * sizeof *a);
        said(n, bp_activation_delta(a, IN, numbers(n, ROWS * IN), IN, ROWS, IN, kind_of(k)));
        gave(n, a, ROWS * IN * sizeof *a);
    }
    float *a = numbers(n, IN);
    explained(n, bp_activate(a, IN, numbers(n, IN), IN, 1, IN, below_zero));
    explained(n, bp_activation_derivative(a, IN, numbers(n, IN), IN, 1, IN, below_zero));
    explained(n, bp_activation_delta(a, IN, numbers(n, IN), IN, 1, IN, below_zero));
    gave(n, a, IN * sizeof *a);
}

static void dense(notes *n) {
    float *a = numbers(n, ROWS * OUT), *previous = numbers(n, ROWS * IN), *w = numbers(n, IN * OUT),
          *b = numbers(n, OUT);
    const float *x = numbers(n, ROWS * IN);
    counted(n, bp_dense_scratch_bytes(ROWS, IN, OUT));
    said(n, bp_dense_forward(a, OUT, x, IN, w, OUT, b, ROWS, IN, OUT, kind_of(BP_ACTIVATION_GELU), scratch()));
    gave(n, a, ROWS * OUT * sizeof *a);
    explained(n, bp_dense_forward(a, OUT, x, IN, w, OUT, b, ROWS, IN, OUT, below_zero, scratch()));
    said(n, bp_dense_delta(previous, IN, a, OUT, w, OUT, x, IN, ROWS, IN, OUT, kind_of(BP_ACTIVATION_ELU), scratch()));
    gave(n, previous, ROWS * IN * sizeof *a);
    explained(n, bp_dense_delta(previous, IN, a, OUT, w, OUT, x, IN, ROWS, IN, OUT, below_zero, scratch()));
    const float *delta = numbers(n, ROWS * OUT);
    said(n, bp_dense_gradient(w, OUT, b, x, IN, delta, OUT, ROWS, IN, OUT, scratch()));
    said(n, bp_dense_gradient_sgd(w, OUT, b, x, IN, delta, OUT, ROWS, IN, OUT, TINY, scratch()));
    said(n, bp_dense_gradient_sgd(w, OUT, b, x, IN, delta, OUT, ROWS, IN, OUT, 0.3f, scratch()));
    explained(n, bp_dense_gradient(w, OUT, b, x, IN, NULL, OUT, ROWS, IN, OUT, scratch()));
    explained(n, bp_dense_gradient_sgd(w, OUT, b, x, IN, delta, OUT, ROWS, 0, OUT, 0.3f, scratch()));
    gave(n, w, IN * OUT * sizeof *w);
    gave(n, b, OUT * sizeof *b);
}

/* Numbers that a kind refuses, or takes for what they are, only where denormals are. */
static bp_optimizer tiny_optimizer(unsigned kind) {
    return usual((bp_optimizer){.kind = (bp_optimizer_kind)kind,
                                .momentum = TINY,
                                .beta1 = 0.7f,
                                .beta2 = 0.9f,
                                .epsilon = TINY,
                                .step_min = TINY,
                                .weight_decay = TINY,
                                .ema_decay = 0.3f});
}

static void optimizers(notes *n) {
    for (unsigned k = 0; k < OPTIMIZER_COUNT; k++) {
        const bp_optimizer tiny = tiny_optimizer(k),
                           clipped = usual((bp_optimizer){.kind = (bp_optimizer_kind)k, .clip = 0.7f});
        bp_optimizer bad = bp_optimizer_defaults((bp_optimizer_kind)k);
        bad.momentum = -TINY;
        float *const state[] = {numbers(n, IN * OUT), numbers(n, IN * OUT)};
        const bp_parameters p = {numbers(n, IN * OUT), {state[0], state[1]}, numbers(n, IN * OUT)};
        const float *g = numbers(n, IN * OUT), *x = numbers(n, ROWS * IN), *delta = numbers(n, ROWS * OUT);
        said(n, bp_optimizer_step(&p, g, IN * OUT, &tiny, 3, 0.1f));
        said(n, bp_optimizer_step(&p, g, IN * OUT, &clipped, 4, 0.1f));
        explained(n, bp_optimizer_step(&p, g, IN * OUT, &bad, 5, 0.1f));
        said(n, bp_dense_gradient_update(&p, OUT, NULL, x, IN, delta, OUT, ROWS, IN, OUT, &tiny, 5, 0.1f, scratch()));
        explained(n,
                  bp_dense_gradient_update(&p, OUT, NULL, x, IN, delta, OUT, ROWS, IN, OUT, &bad, 5, 0.1f, scratch()));
        gave(n, p.values, IN * OUT * sizeof(float));
        gave(n, p.ema, IN * OUT * sizeof(float));
        gave(n, state[0], IN * OUT * sizeof(float));
        gave(n, state[1], IN * OUT * sizeof(float));
    }
}

static void sgd(notes *n) {
    float zeros[4] = {0};
    const float tiny[] = {1e-39f, -1e-39f, TINY, 0};
    said(n, bp_sgd(zeros, tiny, 4, 1.0f));
    gave(n, zeros, sizeof zeros);
    explained(n, bp_sgd(zeros, tiny, 0, 1.0f));
}

static void dropout(notes *n) {
    float *d = numbers(n, ROWS * IN);
    const float *a = numbers(n, ROWS * IN);
    const bp_dropout_mask masks[] = {{.probability = TINY}, {.probability = 0.3f, .seed = 4}, {.probability = -TINY}};
    for (size_t k = 0; k < 3; k++) {
        explained(n, bp_dropout(d, IN, a, IN, ROWS, IN, &masks[k]));
        gave(n, d, ROWS * IN * sizeof *d);
        explained(n, bp_dropout_derivative(d, IN, a, IN, ROWS, IN, kind_of(BP_ACTIVATION_ELU), &masks[k]));
        gave(n, d, ROWS * IN * sizeof *d);
    }
    explained(n, bp_dropout_derivative(d, IN, a, IN, ROWS, IN, below_zero, &masks[0]));
}

static void layer_norm(notes *n) {
    float *y = numbers(n, ROWS * IN), *normalized = numbers(n, ROWS * IN), *rstd = numbers(n, ROWS);
    const float *z = numbers(n, ROWS * IN), *gamma = numbers(n, IN), *beta = numbers(n, IN);
    said(n, bp_layer_norm_forward(y, IN, normalized, IN, rstd, z, IN, gamma, beta, ROWS, IN, TINY));
    gave(n, y, ROWS * IN * sizeof *y);
    gave(n, normalized, ROWS * IN * sizeof *y);
    gave(n, rstd, ROWS * sizeof *y);
    said(n, bp_layer_norm_backward(y, IN, z, IN, normalized, IN, rstd, gamma, ROWS, IN));
    gave(n, y, ROWS * IN * sizeof *y);
    float *g = numbers(n, IN), *s = numbers(n, IN);
    said(n, bp_layer_norm_gradient(g, s, z, IN, normalized, IN, ROWS, IN));
    gave(n, g, IN * sizeof *g);
    gave(n, s, IN * sizeof *s);
    explained(n, bp_layer_norm_forward(y, IN, normalized, IN, rstd, z, IN, gamma, beta, ROWS, IN, 0.0f));
    explained(n, bp_layer_norm_backward(y, IN, z, IN, normalized, IN, rstd, NULL, ROWS, IN));
    explained(n, bp_layer_norm_gradient(g, s, z, IN, normalized, IN, 0, IN));
}

static void losses(notes *n) {
    float *delta = numbers(n, ROWS * IN), *loss = numbers(n, ROWS), *weights = numbers(n, ROWS);
    const float *a = numbers(n, ROWS * IN), *y = numbers(n, ROWS * IN);
    const uint32_t *l = labels(n, ROWS, IN);
    const float parameters[] = {0.25f, TINY, -TINY};
    for (unsigned k = 0; k < LOSS_COUNT; k++)
        for (size_t p = 0; p < 3; p++) {
            const bp_loss_kind kind = (bp_loss_kind)k;
            explained(
                n, bp_loss_targets(delta, IN, loss, a, IN, y, IN, weights, ROWS, IN, kind, parameters[p], 1.0f / ROWS));
            explained(n,
                      bp_loss_labels(delta, IN, loss, a, IN, l, weights, ROWS, IN, kind, parameters[p], 1.0f / ROWS));
            gave(n, delta, ROWS * IN * sizeof *delta);
            gave(n, loss, ROWS * sizeof *loss);
        }
    said(n, bp_loss_mse(delta, IN, loss, a, IN, y, IN, ROWS, IN, kind_of(BP_ACTIVATION_TANH), 1.0f / ROWS));
    gave(n, delta, ROWS * IN * sizeof *delta);
    gave(n, loss, ROWS * sizeof *loss);
    explained(n, bp_loss_mse(delta, IN, loss, a, IN, y, IN, ROWS, IN, below_zero, 1.0f / ROWS));
    said(n, bp_loss_softmax_cross_entropy(delta, IN, loss, a, IN, l, ROWS, IN, 1.0f / ROWS));
    gave(n, delta, ROWS * IN * sizeof *delta);
    gave(n, loss, ROWS * sizeof *loss);
    explained(n, bp_loss_softmax_cross_entropy(delta, IN, loss, a, IN, l, ROWS, 0, 1.0f / ROWS));
    said(n, bp_softmax(delta, IN, a, IN, ROWS, IN));
    gave(n, delta, ROWS * IN * sizeof *delta);
    explained(n, bp_softmax(delta, IN, a, IN, ROWS, 0));
    said(n, bp_sum(loss, a, ROWS * IN));
    gave(n, loss, sizeof *loss);
    explained(n, bp_sum(loss, a, 0));
}

static const uint64_t milestones[] = {2, 5, 5, 11};

static bp_schedule some_schedule(unsigned kind) {
    return (bp_schedule)SCHEDULE((bp_schedule_kind)kind, .learning_rate = 0.1f, .warmup = 3, .steps = 17,
                                 .factor = 0.7f, .start = 0.01f, .end = TINY, .milestones = milestones,
                                 .milestone_count = 4, .period_factor = 2);
}

/* Rates of 20 steps, and momenta where there are such. */
static void follow(notes *n, const bp_schedule *s) {
    for (uint64_t step = 0; step < 20; step++) {
        float learning_rate, momentum = 0.5f;
        said(n, bp_schedule_learning_rate(s, step, &learning_rate));
        gave(n, &learning_rate, sizeof learning_rate);
        explained(n, bp_schedule_momentum(s, step, &momentum));
        gave(n, &momentum, sizeof momentum);
    }
}

static void schedules(notes *n) {
    for (unsigned k = 0; k < SCHEDULE_COUNT; k++) {
        bp_schedule s = some_schedule(k), bad[] = {s, s, s, s, s, s};
        follow(n, &s);
        s.momentum_max = 0.95f;
        s.momentum_min = 0.85f;
        follow(n, &s);
        s.factor = TINY;
        s.learning_rate = 3e-40f;
        s.momentum_max = 3e-40f;
        s.momentum_min = TINY;
        follow(n, &s);
        bad[0].learning_rate = -TINY;
        bad[1].factor = -TINY;
        bad[2].start = -TINY;
        bad[3].end = -TINY;
        bad[4].momentum_max = -TINY;
        bad[5].momentum_max = TINY;
        bad[5].momentum_min = 2e-40f;
        for (size_t b = 0; b < 6; b++) {
            float learning_rate = 0.5f, momentum = 0.5f;
            explained(n, bp_schedule_learning_rate(&bad[b], 7, &learning_rate));
            explained(n, bp_schedule_momentum(&bad[b], 7, &momentum));
            gave(n, &learning_rate, sizeof learning_rate);
            gave(n, &momentum, sizeof momentum);
        }
    }
}

static void initializers(notes *n) {
    float *w = numbers(n, IN * OUT);
    for (unsigned k = 0; k < INITIALIZER_COUNT; k++) {
        const float gammas[] = {0.0f, 0.7f, TINY, -TINY};
        for (size_t g = 0; g < 4; g++) {
            explained(n, bp_initialize(w, OUT, IN, OUT, (bp_initializer){(bp_initializer_kind)k, gammas[g]}, 5, 6));
            gave(n, w, IN * OUT * sizeof *w);
        }
    }
}

static void random_numbers(notes *n) {
    for (uint64_t k = 0; k < 200; k++) {
        const uint32_t word = bp_random_u32(1, 2, k);
        const float x = bp_random_symmetric(1, 2, k), y = bp_random_normal(1, 2, k);
        counted(n, word);
        gave(n, &x, sizeof x);
        gave(n, &y, sizeof y);
    }
    /* The word in the middle: the difference of equals is -0 to a host that rounds down. */
    const float zero = bp_random_symmetric(1, 0, 964332);
    gave(n, &zero, sizeof zero);
    uint32_t order[17];
    said(n, bp_random_permutation(order, 17, 1, 2));
    gave(n, order, sizeof order);
    explained(n, bp_random_permutation(order, 0, 1, 2));
}

/* Kernels of a table, in the mode that they need. */
static void tables(notes *n) {
    const bp_kernels *kernels = NULL;
    for (unsigned isa = 0; isa <= ISA_COUNT; isa++) {
        if (bp_kernels_for((bp_isa)isa, &kernels) != BP_OK)
            continue;
        float *values = numbers(n, IN), *inner = numbers(n, IN);
        const float *gradient = numbers(n, IN);
        const bp_float_mode host = bp_float_mode_enter();
        kernels->sgd(values, gradient, IN, 0.1f);
        const bp_float_mode nested = bp_float_mode_enter();
        const bp_status status = bp_sgd(inner, gradient, IN, TINY);
        bp_float_mode_leave(nested);
        kernels->sgd(inner, gradient, IN, 1.0f);
        bp_float_mode_leave(host);
        said(n, status);
        gave(n, values, IN * sizeof *values);
        gave(n, inner, IN * sizeof *inner);
    }
    said(n, bp_kernels_for(ISA_COUNT, &kernels));
    said(n, bp_kernels_for(BP_ISA_SCALAR, NULL));
}

const mode_case kernel_cases[] = {
    {"bp_activate bp_activation_derivative bp_activation_delta", activations},
    {"bp_dense_scratch_bytes bp_dense_forward bp_dense_delta bp_dense_gradient bp_dense_gradient_sgd", dense},
    {"bp_optimizer_step bp_dense_gradient_update", optimizers},
    {"bp_sgd", sgd},
    {"bp_dropout bp_dropout_derivative", dropout},
    {"bp_layer_norm_forward bp_layer_norm_backward bp_layer_norm_gradient", layer_norm},
    {"bp_loss_targets bp_loss_labels bp_loss_mse bp_loss_softmax_cross_entropy bp_softmax bp_sum", losses},
    {"bp_schedule_learning_rate bp_schedule_momentum", schedules},
    {"bp_initialize", initializers},
    {"bp_random_u32 bp_random_symmetric bp_random_normal bp_random_permutation", random_numbers},
    {"bp_kernels_for bp_float_mode_enter bp_float_mode_leave", tables},
    {NULL, NULL},
};
