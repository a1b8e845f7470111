/* dense_gradient and dense_gradient_sgd of every table against the oracle, bit for bit. */
#include "harness/harness.h"

#include <backprop/dense.h>

#include "cases/cases.h"

static void sizes_around_the_tile(test_table *table) {
    test_sweep_products(table, case_dense_gradient);
    test_sweep_products(table, case_dense_gradient_sgd);
}

static void row_blocks(test_table *table) {
    static const size_t batches[] = {
        BP_ROW_BLOCK - 1, BP_ROW_BLOCK, BP_ROW_BLOCK + 1, 2 * BP_ROW_BLOCK - 1, 2 * BP_ROW_BLOCK + 1,
        3 * BP_ROW_BLOCK, 700};
    const size_t rows = table->kernels->tile_rows, columns = table->kernels->tile_columns;
    for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
        const test_shape shapes[] = {{1, 1, batches[k]},
                                     {1, 5 * columns + 3, batches[k]},
                                     {3, columns + 1, batches[k]},
                                     {rows + 1, 5, batches[k]},
                                     {rows, columns, batches[k]}};
        test_sweep_shapes(table, case_dense_gradient, shapes, sizeof shapes / sizeof *shapes);
        test_sweep_shapes(table, case_dense_gradient_sgd, shapes, sizeof shapes / sizeof *shapes);
    }
}

static void few_rows(test_table *table) {
    test_sweep_few_rows(table, case_dense_gradient_sgd, true);
}

static void large_sizes(test_table *table) {
    static const test_shape shapes[] = {
        {131, 257, 67}, {135, 39, 21},   {784, 10, 128}, {1, 1000, 300},  {300, 1, 1},
        {530, 200, 7},  {1100, 19, 513}, {37, 1100, 70}, {259, 517, 700},
    };
    test_sweep_shapes(table, case_dense_gradient, shapes, sizeof shapes / sizeof *shapes);
    test_sweep_shapes(table, case_dense_gradient_sgd, shapes, sizeof shapes / sizeof *shapes);
}

/* A few rows of delta, just as many as fit into scratch when they are packed, and more. */
static void long_rows(test_table *table) {
    static const test_shape shapes[] = {{5, 40960, 16}, {5, 41000, 16}, {5, 81920, 8}, {5, 82000, 8}};
    test_sweep_shapes(table, case_dense_gradient_sgd, shapes, sizeof shapes / sizeof *shapes);
}

static void all_sizes_around_the_tile(void **state) {
    (void)state;
    test_each_table(sizes_around_the_tile);
}

static void all_row_blocks(void **state) {
    (void)state;
    test_each_table(row_blocks);
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

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sizes_around_the_tile), cmocka_unit_test(all_row_blocks), cmocka_unit_test(all_few_rows),
        cmocka_unit_test(all_large_sizes),           cmocka_unit_test(all_long_rows),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
