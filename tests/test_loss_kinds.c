/* loss_targets and loss_labels of every table against the oracle, bit for bit, for every loss, weighted and not. */
#include "harness/harness.h"

typedef struct loss {
    test_operand *delta, *row_loss; /* either may be left out */
    test_operand *predictions, *targets, *weights;
    size_t batch, out;
    bp_loss kind;
    float parameter, scale;
    size_t batch_cut; /* the table under test is called in up to two pieces; a row is one piece */
} loss;

static float *from_row(const test_operand *operand, size_t n) {
    return operand != NULL ? operand->data + n * operand->ld : NULL;
}

static float *from(const test_operand *vector, size_t n) {
    return vector != NULL ? vector->data + n : NULL;
}

static void call_rows(const bp_kernels *kernels, const loss *l, bool labelled, size_t n, size_t rows) {
    if (labelled) {
        kernels->loss_labels(from_row(l->delta, n), test_ld(l->delta), from(l->row_loss, n),
                             from_row(l->predictions, n), l->predictions->ld, test_labels_data(l->targets) + n,
                             from(l->weights, n), rows, l->out, l->kind, l->parameter, l->scale);
    } else {
        kernels->loss_targets(from_row(l->delta, n), test_ld(l->delta), from(l->row_loss, n),
                              from_row(l->predictions, n), l->predictions->ld, from_row(l->targets, n), l->targets->ld,
                              from(l->weights, n), rows, l->out, l->kind, l->parameter, l->scale);
    }
}

static void in_pieces(const bp_kernels *kernels, const loss *l, bool labelled, bool under_test) {
    const size_t cut = under_test ? l->batch_cut : 0;
    if (cut > 0) {
        call_rows(kernels, l, labelled, 0, cut);
    }
    if (cut < l->batch) {
        call_rows(kernels, l, labelled, cut, l->batch - cut);
    }
}

static void call_targets(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    in_pieces(kernels, arguments, false, under_test);
}

static void call_labels(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    in_pieces(kernels, arguments, true, under_test);
}

/* Weights or none; the outputs: both in most cases, else one of them; delta in the predictions' place now and then. */
static void draw_rest(test_trial *trial, loss *l) {
    static const float scales[] = {1.0f, 1.0f / 3.0f, 0x1p-7f, -2.5f};
    l->scale = scales[test_random_below(&trial->random, sizeof scales / sizeof *scales)];
    test_note(trial, ", %s of %g, scale %g", bp_loss_name(l->kind), (double)l->parameter, (double)l->scale);
    if (test_random_below(&trial->random, 2) == 0) {
        l->weights = test_input(trial, "weights", 1, l->batch);
    }
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

/* The loss of the running sweep. */
static bp_loss kind;

static void targets_case(test_table *table, test_side side, size_t batch, size_t out, size_t repetition) {
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
    draw_rest(trial, &l);
    test_run(trial, call_targets, &l);
}

static void labels_case(test_table *table, test_side side, size_t batch, size_t classes, size_t repetition) {
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
    draw_rest(trial, &l);
    test_run(trial, call_labels, &l);
}

static void sizes_of_targets(test_table *table) {
    test_sweep_planes(table, targets_case);
}

static void sizes_of_labels(test_table *table) {
    test_sweep_planes(table, labels_case);
}

static void losses_with_targets(void **state) {
    (void)state;
    static const bp_loss kinds[] = {
        BP_LOSS_MSE,
        BP_LOSS_MAE,
        BP_LOSS_HUBER,
        BP_LOSS_BINARY_CROSS_ENTROPY,
        BP_LOSS_HINGE,
        BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS,
        BP_LOSS_KULLBACK_LEIBLER,
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        kind = kinds[k];
        test_each_table(sizes_of_targets);
    }
}

static void losses_with_labels(void **state) {
    (void)state;
    static const bp_loss kinds[] = {BP_LOSS_SOFTMAX_CROSS_ENTROPY, BP_LOSS_MULTICLASS_HINGE};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        kind = kinds[k];
        test_each_table(sizes_of_labels);
    }
}

/* The plain forms have the bits of the general ones, without weights and of weights of one. */
static void check_plain_forms(test_table *table) {
    enum { BATCH = 9, OUT = 37 };
    static float a[BATCH][OUT], y[BATCH][OUT], plain[BATCH][OUT], general[BATCH][OUT];
    float plain_loss[BATCH], general_loss[BATCH], ones[BATCH];
    uint32_t labels[BATCH];
    test_random random = test_random_for(test_seed(), "plain forms");
    for (size_t n = 0; n < BATCH; n++) {
        ones[n] = 1.0f;
        labels[n] = (uint32_t)test_random_below(&random, OUT);
        for (size_t j = 0; j < OUT; j++) {
            a[n][j] = 8.0f * test_random_symmetric(&random);
            y[n][j] = test_random_symmetric(&random);
        }
    }
    for (int labelled = 0; labelled < 2; labelled++) {
        if (labelled) {
            table->kernels->loss_softmax_cross_entropy(plain[0], OUT, plain_loss, a[0], OUT, labels, BATCH, OUT, 0.3f);
        } else {
            table->kernels->loss_mse(plain[0], OUT, plain_loss, a[0], OUT, y[0], OUT, BATCH, OUT,
                                     (bp_activation){BP_IDENTITY, 0.0f}, 0.3f);
        }
        for (int weighted = 0; weighted < 2; weighted++) {
            const float *weights = weighted ? ones : NULL;
            if (labelled) {
                table->kernels->loss_labels(general[0], OUT, general_loss, a[0], OUT, labels, weights, BATCH, OUT,
                                            BP_LOSS_SOFTMAX_CROSS_ENTROPY, 0.0f, 0.3f);
            } else {
                table->kernels->loss_targets(general[0], OUT, general_loss, a[0], OUT, y[0], OUT, weights, BATCH, OUT,
                                             BP_LOSS_MSE, 0.0f, 0.3f);
            }
            assert_memory_equal(plain, general, sizeof plain);
            assert_memory_equal(plain_loss, general_loss, sizeof plain_loss);
        }
    }
    table->cases++;
}

static void plain_forms_are_the_general_ones(void **state) {
    (void)state;
    test_each_table(check_plain_forms);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_with_targets),
        cmocka_unit_test(losses_with_labels),
        cmocka_unit_test(plain_forms_are_the_general_ones),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
