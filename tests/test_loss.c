/* loss_mse, loss_softmax_cross_entropy and softmax of every table against the oracle, bit for bit. */
#include "harness/harness.h"

#include "cases/cases.h"

static void mse_sizes(test_table *table) {
    test_sweep_planes(table, case_loss_mse);
}

static void cross_entropy_sizes(test_table *table) {
    test_sweep_planes(table, case_loss_softmax_cross_entropy);
}

static void softmax_sizes(test_table *table) {
    test_sweep_planes(table, case_softmax);
}

static void mse_all_sizes(void **state) {
    (void)state;
    test_each_table(mse_sizes);
}

static void cross_entropy_all_sizes(void **state) {
    (void)state;
    test_each_table(cross_entropy_sizes);
}

static void softmax_all_sizes(void **state) {
    (void)state;
    test_each_table(softmax_sizes);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mse_all_sizes),
        cmocka_unit_test(cross_entropy_all_sizes),
        cmocka_unit_test(softmax_all_sizes),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
