/* dense_gradient and dense_gradient_sgd of every table against the oracle, bit for bit. */
#include "harness/harness.h"

#include <backprop/dense.h>

typedef struct gradient {
    test_operand *weights, *bias, *x, *delta; /* weights and bias: the gradients, or what gradient_sgd updates */
    size_t batch, in, out;
    bool update;
    float rate;
    size_t in_cut, out_cut; /* the table under test is called in up to four pieces: the results may not notice */
} gradient;

/* The bias belongs to the columns: the first piece of each column range makes it. */
static void call_piece(const bp_kernels *kernels, const gradient *g, void *scratch, size_t i, size_t i_end, size_t j,
                       size_t j_end, bool with_bias) {
    if (i == i_end || j == j_end) {
        return;
    }
    float *weights = g->weights != NULL ? g->weights->data + i * g->weights->ld + j : NULL;
    float *bias = g->bias != NULL && with_bias ? g->bias->data + j : NULL;
    if (weights == NULL && bias == NULL) {
        return;
    }
    const float *x = g->x->data + i, *delta = g->delta->data + j;
    if (g->update) {
        kernels->dense_gradient_sgd(weights, test_ld(g->weights), bias, x, g->x->ld, delta, g->delta->ld, g->batch,
                                    i_end - i, j_end - j, g->rate, scratch);
    } else {
        kernels->dense_gradient(weights, test_ld(g->weights), bias, x, g->x->ld, delta, g->delta->ld, g->batch,
                                i_end - i, j_end - j, scratch);
    }
}

static void call(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    const gradient *g = arguments;
    const size_t i = under_test ? g->in_cut : 0, j = under_test ? g->out_cut : 0;
    call_piece(kernels, g, scratch, 0, i, 0, j, true);
    call_piece(kernels, g, scratch, 0, i, j, g->out, true);
    call_piece(kernels, g, scratch, i, g->in, 0, j, i == 0);
    call_piece(kernels, g, scratch, i, g->in, j, g->out, i == 0);
}

static void one_case(test_table *table, test_side side, size_t batch, size_t in, size_t out, bool update) {
    static const float rates[] = {0.0f, 0.1f, 1.0f, -0.5f, 0x1p-30f};
    test_trial *trial =
        test_begin(table, update ? "dense_gradient_sgd" : "dense_gradient", side, "%zux%zux%zu", batch, in, out);
    if (trial == NULL) {
        return;
    }
    gradient g = {.batch = batch, .in = in, .out = out, .update = update};
    g.rate = rates[test_random_below(&trial->random, sizeof rates / sizeof *rates)];
    if (update) {
        test_note(trial, ", rate %g", (double)g.rate);
    }
    g.x = test_input(trial, "x", batch, in);
    g.delta = test_input(trial, "delta", batch, out);
    /* Both in most cases; else weights alone or bias alone. */
    test_operand *(*result)(test_trial *, const char *, size_t, size_t) = update ? test_updated : test_output;
    const size_t parts = test_random_below(&trial->random, 6);
    if (parts != 0) {
        g.weights = result(trial, "weights", in, out);
    }
    if (parts != 1) {
        g.bias = result(trial, "bias", 1, out);
    }
    test_draw_cuts(trial, in, &g.in_cut, out, &g.out_cut);
    test_run(trial, call, &g);
}

static void gradient_case(test_table *table, test_side side, size_t in, size_t out, size_t batch) {
    one_case(table, side, batch, in, out, false);
}

static void update_case(test_table *table, test_side side, size_t in, size_t out, size_t batch) {
    one_case(table, side, batch, in, out, true);
}

static void sizes_around_the_tile(test_table *table) {
    test_sweep_products(table, gradient_case);
    test_sweep_products(table, update_case);
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
        test_sweep_shapes(table, gradient_case, shapes, sizeof shapes / sizeof *shapes);
        test_sweep_shapes(table, update_case, shapes, sizeof shapes / sizeof *shapes);
    }
}

static void large_sizes(test_table *table) {
    static const test_shape shapes[] = {
        {131, 257, 67}, {135, 39, 21},   {784, 10, 128}, {1, 1000, 300},  {300, 1, 1},
        {530, 200, 7},  {1100, 19, 513}, {37, 1100, 70}, {259, 517, 700},
    };
    test_sweep_shapes(table, gradient_case, shapes, sizeof shapes / sizeof *shapes);
    test_sweep_shapes(table, update_case, shapes, sizeof shapes / sizeof *shapes);
}

static void all_sizes_around_the_tile(void **state) {
    (void)state;
    test_each_table(sizes_around_the_tile);
}

static void all_row_blocks(void **state) {
    (void)state;
    test_each_table(row_blocks);
}

static void all_large_sizes(void **state) {
    (void)state;
    test_each_table(large_sizes);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sizes_around_the_tile),
        cmocka_unit_test(all_row_blocks),
        cmocka_unit_test(all_large_sizes),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
