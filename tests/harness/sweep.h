/* The sizes that the kernel tests go through: all around the register tile, and a few large ones. */
#ifndef BACKPROP_TESTS_SWEEP_H
#define BACKPROP_TESTS_SWEEP_H

#include "trial.h"

/** A case of a product: results [rows x columns], each a chain of `depth` steps. */
typedef void test_product(test_table *table, test_side side, size_t rows, size_t columns, size_t depth);

/**
 * Every number of rows and of columns up to two tiles and one, more rows where columns are few, with several depths,
 * against both guard pages; and sizes of several tiles. Of more than 33 columns those next to borders of vectors. With
 * test_quick a third of the pairs, each with one depth and one guard page in turn.
 */
void test_sweep_products(test_table *table, test_product *visit);

/** Whether a number of columns is one of those: the last of a vector, or one fewer or more. */
bool test_columns_matter(size_t columns);

/**
 * Batches of 1 to 17 rows by sizes around borders of vectors and panels, against the guard pages in turn: visits
 * (batch, a, b), or (a, b, batch) if the batch is the depth. With test_quick a few of them.
 */
void test_sweep_few_rows(test_table *table, test_product *visit, bool batch_is_depth);

typedef struct test_shape {
    size_t rows, columns, depth;
} test_shape;

/** The listed shapes, against both guard pages; with test_quick only those of at most 2^17 multiplications. */
void test_sweep_shapes(test_table *table, test_product *visit, const test_shape *shapes, size_t count);

/** A case of a kernel without a chain: [rows x columns]. Repetitions of a size have data of their own. */
typedef void test_plane(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition);

/** Rows 1 to 5, every number of columns up to two tiles and one, and a few large shapes, against both guard pages. With
 *  test_quick each once instead of several times. */
void test_sweep_planes(test_table *table, test_plane *visit);

/** An activation, with a parameter that is often none of the usual ones; noted in the trial. */
bp_activation test_draw_activation(test_trial *trial);

/** In a quarter of the cases, where to cut the rows and the columns of the call under test; else zeros. Results may not
 *  depend on it, and pieces bring pointers into the middle of arrays. */
void test_draw_cuts(test_trial *trial, size_t rows, size_t *row_cut, size_t columns, size_t *column_cut);

#endif
