/* dense_forward of every table against the oracle, bit for bit. */
#include "harness/harness.h"

#include "cases/cases.h"

static void sizes_around_the_tile(test_table *table) {
    test_sweep_products(table, case_dense_forward);
}

static void few_rows(test_table *table) {
    test_sweep_few_rows(table, case_dense_forward, false);
}

static void large_sizes(test_table *table) {
    static const test_shape shapes[] = {
        {67, 257, 131}, {128, 10, 784}, {1, 1000, 300},  {31, 1, 1200}, {200, 530, 7},
        {5, 37, 2100},  {300, 1, 1},    {19, 1100, 530}, {261, 70, 64}, {257, 513, 520},
    };
    test_sweep_shapes(table, case_dense_forward, shapes, sizeof shapes / sizeof *shapes);
}

/* Kernels copy such rows: they fall on few sets of the cache. */
static void rows_whole_pages_apart(test_table *table) {
    static const test_shape shapes[] = {{2, 257, 70}, {29, 256, 3}, {13, 300, 33}, {67, 261, 1030}};
    test_whole_pages(true);
    test_sweep_shapes(table, case_dense_forward, shapes, sizeof shapes / sizeof *shapes);
    test_whole_pages(false);
}

static void all_sizes_around_the_tile(void **state) {
    (void)state;
    test_each_table(sizes_around_the_tile);
}

static void all_few_rows(void **state) {
    (void)state;
    test_each_table(few_rows);
}

static void all_large_sizes(void **state) {
    (void)state;
    test_each_table(large_sizes);
}

static void all_rows_whole_pages_apart(void **state) {
    (void)state;
    test_each_table(rows_whole_pages_apart);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sizes_around_the_tile),
        cmocka_unit_test(all_few_rows),
        cmocka_unit_test(all_large_sizes),
        cmocka_unit_test(all_rows_whole_pages_apart),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
