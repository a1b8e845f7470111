/* sum and sgd of every table against the oracle, bit for bit. */
#include "harness/harness.h"

#include "cases/cases.h"

typedef void vector_case(test_table *table, test_side side, size_t count, size_t repetition);

static void sweep(test_table *table, vector_case *visit) {
    static const size_t large[] = {255, 256, 257, 1000, 1024, 4099, 100003};
    const size_t repetitions = test_quick() ? 2 : 20;
    for (size_t repetition = 0; repetition < repetitions; repetition++) {
        for (size_t count = 1; count <= 4 * table->kernels->tile_columns + 33; count++) {
            visit(table, TEST_END, count, repetition);
            visit(table, TEST_START, count, repetition);
        }
        for (size_t k = 0; k < sizeof large / sizeof *large && !(test_quick() && large[k] > 5000); k++) {
            visit(table, TEST_END, large[k], repetition);
            visit(table, TEST_START, large[k], repetition);
        }
    }
}

static void sum_counts(test_table *table) {
    sweep(table, case_sum);
}

static void sgd_counts(test_table *table) {
    sweep(table, case_sgd);
}

static void sum_all_counts(void **state) {
    (void)state;
    test_each_table(sum_counts);
}

static void sgd_all_counts(void **state) {
    (void)state;
    test_each_table(sgd_counts);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sum_all_counts),
        cmocka_unit_test(sgd_all_counts),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
