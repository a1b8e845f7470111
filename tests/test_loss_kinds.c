/* loss_targets and loss_labels of every table against the oracle, bit for bit, for every loss, weighted and not. */
#include "harness/harness.h"

#include "cases/cases.h"

/* The loss of the running sweep. */
static bp_loss_kind kind;

static void targets_case(test_table *table, test_side side, size_t batch, size_t out, size_t repetition) {
    case_loss_targets(table, side, batch, out, repetition, kind);
}

static void labels_case(test_table *table, test_side side, size_t batch, size_t classes, size_t repetition) {
    case_loss_labels(table, side, batch, classes, repetition, kind);
}

static void sizes_of_targets(test_table *table) {
    test_sweep_planes(table, targets_case);
}

static void sizes_of_labels(test_table *table) {
    test_sweep_planes(table, labels_case);
}

static void losses_with_targets(void **state) {
    (void)state;
    for (size_t k = 0; k < CASE_TARGET_LOSSES; k++) {
        kind = case_target_losses[k];
        test_each_table(sizes_of_targets);
    }
}

static void losses_with_labels(void **state) {
    (void)state;
    for (size_t k = 0; k < CASE_LABEL_LOSSES; k++) {
        kind = case_label_losses[k];
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
    for (int labeled = 0; labeled < 2; labeled++) {
        if (labeled) {
            table->kernels->loss_softmax_cross_entropy(plain[0], OUT, plain_loss, a[0], OUT, labels, BATCH, OUT, 0.3f);
        } else {
            table->kernels->loss_mse(plain[0], OUT, plain_loss, a[0], OUT, y[0], OUT, BATCH, OUT,
                                     (bp_activation){BP_ACTIVATION_IDENTITY, 0.0f}, 0.3f);
        }
        for (int weighted = 0; weighted < 2; weighted++) {
            const float *weights = weighted ? ones : NULL;
            if (labeled) {
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
