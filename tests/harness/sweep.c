#include "sweep.h"
#include "enum_counts.h"

/* The scalar table's tile is 1 x 1; it still has rows, columns and guard pages to go through. */
static size_t sweep_end(size_t tile) {
    return 2 * (tile < 4 ? 4 : tile) + 1;
}

static void both_sides(test_table *table, test_product *visit, size_t rows, size_t columns, size_t depth) {
    visit(table, TEST_END, rows, columns, depth);
    visit(table, TEST_START, rows, columns, depth);
}

/* Several tiles each way and a remainder: more than one cache block where blocks are small. */
static void sweep_blocks(test_table *table, test_product *visit) {
    static const size_t row_tiles[] = {2, 3, 4, 7}, column_tiles[] = {2, 3, 5}, depths[] = {4, 11, 26};
    const size_t rows = table->kernels->tile_rows, columns = table->kernels->tile_columns;
    size_t turn = 0;
    for (size_t r = 0; r < sizeof row_tiles / sizeof *row_tiles; r++) {
        for (size_t c = 0; c < sizeof column_tiles / sizeof *column_tiles; c++) {
            for (size_t d = 0; d < sizeof depths / sizeof *depths; d++, turn++) {
                if (test_quick() && (row_tiles[r] > 4 || column_tiles[c] > 3 || turn % 3 != 0)) {
                    continue;
                }
                both_sides(table, visit, row_tiles[r] * rows + 2 + r, column_tiles[c] * columns + 1 + 2 * d, depths[d]);
                both_sides(table, visit, row_tiles[r] * rows, column_tiles[c] * columns, depths[d]);
            }
        }
    }
}

bool test_columns_matter(size_t columns) {
    return columns <= 33 || (columns + 1) % 16 <= 2;
}

/* Tiles of few columns may be taller than the register tile, but have no more rows than this. */
enum { FEW_COLUMNS = 17, TALLEST_TILE = 12 };

void test_sweep_products(test_table *table, test_product *visit) {
    static const size_t depths[] = {1, 17, 3, 8, 33, 2, 5};
    enum { DEPTHS = sizeof depths / sizeof *depths, QUICK_DEPTHS = 4 };
    const size_t rows_end = sweep_end(table->kernels->tile_rows), tall_end = sweep_end(TALLEST_TILE);
    const size_t columns_end = sweep_end(table->kernels->tile_columns);
    for (size_t rows = 1; rows <= rows_end || rows <= tall_end; rows++) {
        for (size_t columns = 1; columns <= (rows <= rows_end ? columns_end : FEW_COLUMNS); columns++) {
            if (!test_columns_matter(columns)) {
                continue;
            }
            if (!test_quick()) {
                for (size_t k = 0; k < DEPTHS; k++) {
                    both_sides(table, visit, rows, columns, depths[k]);
                }
            } else if ((rows + columns) % 3 == 0) {
                const size_t turn = rows + columns / 3;
                visit(table, turn / QUICK_DEPTHS % 2 ? TEST_START : TEST_END, rows, columns,
                      depths[turn % QUICK_DEPTHS]);
            }
        }
    }
    sweep_blocks(table, visit);
}

void test_sweep_few_rows(test_table *table, test_product *visit, bool batch_is_depth) {
    static const size_t sizes[] = {1, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 96, 100, 130, 260};
    enum { SIZES = sizeof sizes / sizeof *sizes, ROWS = 17, QUICK = 13 };
    size_t turn = 0;
    for (size_t batch = 1; batch <= ROWS; batch++) {
        for (size_t k = 0; k < SIZES * SIZES; k++, turn++) {
            const size_t a = sizes[k / SIZES], b = sizes[k % SIZES];
            if (test_quick() && turn % QUICK != 0) {
                continue;
            }
            visit(table, turn / QUICK % 2 ? TEST_START : TEST_END, batch_is_depth ? a : batch, batch_is_depth ? b : a,
                  batch_is_depth ? batch : b);
        }
    }
}

void test_sweep_shapes(test_table *table, test_product *visit, const test_shape *shapes, size_t count) {
    for (size_t k = 0; k < count; k++) {
        const test_shape s = shapes[k];
        if (!test_quick() || s.rows * s.columns * s.depth <= (size_t)1 << 17) {
            both_sides(table, visit, s.rows, s.columns, s.depth);
        }
    }
}

static void repeat_plane(test_table *table, test_plane *visit, size_t rows, size_t columns, size_t repetitions) {
    for (size_t repetition = 0; repetition < repetitions; repetition++) {
        visit(table, TEST_END, rows, columns, repetition);
        visit(table, TEST_START, rows, columns, repetition);
    }
}

void test_sweep_planes(test_table *table, test_plane *visit) {
    static const struct {
        size_t rows, columns;
    } large[] = {{67, 131}, {1, 1027}, {3, 1000}, {129, 10}, {300, 1}, {17, 4099}};
    const size_t columns_end = sweep_end(table->kernels->tile_columns);
    for (size_t rows = 1; rows <= 5; rows++) {
        for (size_t columns = 1; columns <= columns_end; columns++) {
            repeat_plane(table, visit, rows, columns, test_quick() ? 1 : 8);
        }
    }
    for (size_t k = 0; k < sizeof large / sizeof *large; k++) {
        if (!test_quick() || large[k].rows * large[k].columns <= 3000) {
            repeat_plane(table, visit, large[k].rows, large[k].columns, test_quick() ? 1 : 4);
        }
    }
}

bp_activation test_draw_activation(test_trial *trial) {
    static const float parameters[] = {0.0f, 0.01f, 0.25f, 1.0f, 1.7f};
    const bp_activation activation = {
        .kind = (bp_activation_kind)test_random_below(&trial->random, ACTIVATION_COUNT),
        .parameter = parameters[test_random_below(&trial->random, sizeof parameters / sizeof *parameters)],
    };
    test_note(trial, ", %s", bp_activation_name(activation.kind));
    if (activation.kind == BP_ACTIVATION_LEAKY_RELU || activation.kind == BP_ACTIVATION_ELU ||
        activation.kind == BP_ACTIVATION_SINE) {
        test_note(trial, " of parameter %g", (double)activation.parameter);
    }
    return activation;
}

void test_draw_cuts(test_trial *trial, size_t rows, size_t *row_cut, size_t columns, size_t *column_cut) {
    *row_cut = *column_cut = 0;
    if (test_random_below(&trial->random, 4) == 0) {
        *row_cut = test_random_below(&trial->random, rows);
        *column_cut = test_random_below(&trial->random, columns);
        test_note(trial, ", cut at row %zu, column %zu", *row_cut, *column_cut);
    }
}
