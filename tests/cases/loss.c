/* Losses with their deltas, and softmax. */
#include "cases.h"

const bp_loss_kind case_target_losses[] = {
    BP_LOSS_MSE,
    BP_LOSS_MAE,
    BP_LOSS_HUBER,
    BP_LOSS_BINARY_CROSS_ENTROPY,
    BP_LOSS_HINGE,
    BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS,
    BP_LOSS_KULLBACK_LEIBLER,
};
const bp_loss_kind case_label_losses[] = {BP_LOSS_SOFTMAX_CROSS_ENTROPY, BP_LOSS_MULTICLASS_HINGE};

typedef struct loss {
    test_operand *delta, *row_loss; /* either may be left out */
    test_operand *predictions, *targets, *weights;
    size_t batch, out;
    bp_activation activation;
    bp_loss_kind kind;
    float parameter, scale;
    size_t batch_cut; /* the table under test is called in up to two pieces; a row is one piece */
} loss;

typedef void call_rows(const bp_kernels *kernels, const loss *l, size_t n, size_t rows);

static float *from_row(const test_operand *operand, size_t n) {
    return operand != NULL ? operand->data + n * operand->ld : NULL;
}

static float *from(const test_operand *vector, size_t n) {
    return vector != NULL ? vector->data + n : NULL;
}

static void mse_rows(const bp_kernels *kernels, const loss *l, size_t n, size_t rows) {
    kernels->loss_mse(from_row(l->delta, n), test_ld(l->delta), from(l->row_loss, n), from_row(l->predictions, n),
                      l->predictions->ld, from_row(l->targets, n), l->targets->ld, rows, l->out, l->activation,
                      l->scale);
}

static void cross_entropy_rows(const bp_kernels *kernels, const loss *l, size_t n, size_t rows) {
    kernels->loss_softmax_cross_entropy(from_row(l->delta, n), test_ld(l->delta), from(l->row_loss, n),
                                        from_row(l->predictions, n), l->predictions->ld,
                                        test_labels_data(l->targets) + n, rows, l->out, l->scale);
}

static void softmax_rows(const bp_kernels *kernels, const loss *l, size_t n, size_t rows) {
    kernels->softmax(from_row(l->delta, n), l->delta->ld, from_row(l->predictions, n), l->predictions->ld, rows,
                     l->out);
}

static void targets_rows(const bp_kernels *kernels, const loss *l, size_t n, size_t rows) {
    kernels->loss_targets(from_row(l->delta, n), test_ld(l->delta), from(l->row_loss, n), from_row(l->predictions, n),
                          l->predictions->ld, from_row(l->targets, n), l->targets->ld, from(l->weights, n), rows,
                          l->out, l->kind, l->parameter, l->scale);
}

static void labels_rows(const bp_kernels *kernels, const loss *l, size_t n, size_t rows) {
    kernels->loss_labels(from_row(l->delta, n), test_ld(l->delta), from(l->row_loss, n), from_row(l->predictions, n),
                         l->predictions->ld, test_labels_data(l->targets) + n, from(l->weights, n), rows, l->out,
                         l->kind, l->parameter, l->scale);
}

static void in_pieces(const bp_kernels *kernels, const loss *l, bool under_test, call_rows *rows) {
    const size_t cut = under_test ? l->batch_cut : 0;
    if (cut > 0) {
        rows(kernels, l, 0, cut);
    }
    if (cut < l->batch) {
        rows(kernels, l, cut, l->batch - cut);
    }
}

static void call_mse(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    in_pieces(kernels, arguments, under_test, mse_rows);
}

static void call_cross_entropy(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    in_pieces(kernels, arguments, under_test, cross_entropy_rows);
}

static void call_softmax(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    in_pieces(kernels, arguments, under_test, softmax_rows);
}

static void call_targets(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    in_pieces(kernels, arguments, under_test, targets_rows);
}

static void call_labels(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    in_pieces(kernels, arguments, under_test, labels_rows);
}

static void draw_scale(test_trial *trial, loss *l) {
    static const float scales[] = {1.0f, 1.0f / 3.0f, 0x1p-7f, -2.5f};
    l->scale = scales[test_random_below(&trial->random, sizeof scales / sizeof *scales)];
    test_note(trial, ", scale %g", (double)l->scale);
}

/* The outputs: both in most cases, else one of them; delta in the predictions' place now and then. */
static void draw_outputs(test_trial *trial, loss *l) {
    const size_t parts = test_random_below(&trial->random, 6);
    if (parts != 0) {
        const bool in_place = test_random_below(&trial->random, 3) == 0;
        l->delta = in_place ? test_output_in_place(trial, "delta", l->predictions)
                            : test_output(trial, "delta", l->batch, l->out);
    }
    if (parts != 1) {
        l->row_loss = test_output(trial, "row_loss", 1, l->batch);
    }
    size_t unused;
    test_draw_cuts(trial, l->batch, &l->batch_cut, 1, &unused);
}

static void draw_weights(test_trial *trial, loss *l) {
    test_note(trial, ", %s of %g", bp_loss_name(l->kind), (double)l->parameter);
    if (test_random_below(&trial->random, 2) == 0) {
        l->weights = test_input(trial, "weights", 1, l->batch);
    }
}

void case_loss_mse(test_table *table, test_side side, size_t batch, size_t out, size_t repetition) {
    test_trial *trial = test_begin(table, "loss_mse", side, "%zux%zu/%zu", batch, out, repetition);
    if (trial == NULL) {
        return;
    }
    loss l = {.batch = batch, .out = out, .activation = test_draw_activation(trial)};
    if (bp_activation_saves_input(l.activation.kind)) {
        l.activation = (bp_activation){BP_ACTIVATION_IDENTITY, 0.0f};
        test_note(trial, " (here: identity)");
    }
    l.predictions = test_input(trial, "a", batch, out);
    l.targets = test_input(trial, "y", batch, out);
    draw_scale(trial, &l);
    draw_outputs(trial, &l);
    test_run(trial, call_mse, &l);
}

void case_loss_softmax_cross_entropy(test_table *table, test_side side, size_t batch, size_t classes,
                                     size_t repetition) {
    test_trial *trial =
        test_begin(table, "loss_softmax_cross_entropy", side, "%zux%zu/%zu", batch, classes, repetition);
    if (trial == NULL) {
        return;
    }
    loss l = {.batch = batch, .out = classes};
    l.predictions = test_input(trial, "z", batch, classes);
    l.targets = test_labels(trial, "labels", batch, classes);
    draw_scale(trial, &l);
    draw_outputs(trial, &l);
    test_run(trial, call_cross_entropy, &l);
}

void case_softmax(test_table *table, test_side side, size_t rows, size_t classes, size_t repetition) {
    test_trial *trial = test_begin(table, "softmax", side, "%zux%zu/%zu", rows, classes, repetition);
    if (trial == NULL) {
        return;
    }
    loss l = {.batch = rows, .out = classes};
    l.predictions = test_input(trial, "z", rows, classes);
    const bool in_place = test_random_below(&trial->random, 2) == 0;
    l.delta = in_place ? test_output_in_place(trial, "p", l.predictions) : test_output(trial, "p", rows, classes);
    size_t unused;
    test_draw_cuts(trial, rows, &l.batch_cut, 1, &unused);
    test_run(trial, call_softmax, &l);
}

void case_loss_targets(test_table *table, test_side side, size_t batch, size_t out, size_t repetition,
                       bp_loss_kind kind) {
    static const float thresholds[] = {1.0f, 0.1f, 0x1p-140f, 50.0f};
    test_trial *trial =
        test_begin(table, "loss_targets", side, "%s/%zux%zu/%zu", bp_loss_name(kind), batch, out, repetition);
    if (trial == NULL) {
        return;
    }
    loss l = {.batch = batch, .out = out, .kind = kind};
    l.parameter = thresholds[test_random_below(&trial->random, sizeof thresholds / sizeof *thresholds)];
    l.predictions = test_input(trial, "a", batch, out);
    l.targets = test_input(trial, "y", batch, out);
    draw_scale(trial, &l);
    draw_weights(trial, &l);
    draw_outputs(trial, &l);
    test_run(trial, call_targets, &l);
}

void case_loss_labels(test_table *table, test_side side, size_t batch, size_t classes, size_t repetition,
                      bp_loss_kind kind) {
    static const float smoothings[] = {0.0f, 0.1f, 1.0f, 0x1p-149f};
    test_trial *trial =
        test_begin(table, "loss_labels", side, "%s/%zux%zu/%zu", bp_loss_name(kind), batch, classes, repetition);
    if (trial == NULL) {
        return;
    }
    loss l = {.batch = batch, .out = classes, .kind = kind};
    l.parameter = smoothings[test_random_below(&trial->random, sizeof smoothings / sizeof *smoothings)];
    l.predictions = test_input(trial, "z", batch, classes);
    l.targets = test_labels(trial, "labels", batch, classes);
    draw_scale(trial, &l);
    draw_weights(trial, &l);
    draw_outputs(trial, &l);
    test_run(trial, call_labels, &l);
}
