/* dense_delta of every table against the oracle, bit for bit. */
#include "harness/harness.h"

#include "cases/cases.h"

static void sizes_around_the_tile(test_table *table) {
    test_sweep_products(table, case_dense_delta);
}

static void few_rows(test_table *table) {
    test_sweep_few_rows(table, case_dense_delta, false);
}

static void large_sizes(test_table *table) {
    static const test_shape shapes[] = {
        {67, 131, 257}, {128, 784, 10}, {1, 1000, 300},  {31, 1, 1200}, {200, 530, 7},
        {5, 37, 2100},  {300, 1, 1},    {19, 1100, 530}, {261, 70, 64}, {257, 513, 520},
    };
    test_sweep_shapes(table, case_dense_delta, shapes, sizeof shapes / sizeof *shapes);
}

/* A few rows of delta, just as many as fit into scratch when they are packed, and more. */
static void long_rows(test_table *table) {
    static const test_shape shapes[] = {{16, 17, 40960}, {16, 17, 41000}, {8, 9, 81920}, {8, 9, 82000}};
    test_sweep_shapes(table, case_dense_delta, shapes, sizeof shapes / sizeof *shapes);
}

/* Kernels copy such rows; the last two are products of W and the transposed deltas. */
static void rows_whole_pages_apart(test_table *table) {
    static const test_shape shapes[] = {{3, 257, 70}, {50, 256, 3}, {31, 300, 13}, {256, 530, 530}, {260, 1000, 400}};
    test_whole_pages(true);
    test_sweep_shapes(table, case_dense_delta, shapes, sizeof shapes / sizeof *shapes);
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

static void all_long_rows(void **state) {
    (void)state;
    test_each_table(long_rows);
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
        cmocka_unit_test(all_long_rows),
        cmocka_unit_test(all_rows_whole_pages_apart),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
