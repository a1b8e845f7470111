/* dense_forward of every table against the oracle, bit for bit. */
#include "harness/harness.h"

typedef struct forward {
    test_operand *a, *x, *w, *bias;
    size_t batch, in, out;
    bp_activation activation;
    size_t batch_cut, out_cut; /* the table under test is called in up to four pieces: the results may not notice */
} forward;

static void call_piece(const bp_kernels *kernels, const forward *f, void *scratch, size_t n, size_t n_end, size_t j,
                       size_t j_end) {
    if (n == n_end || j == j_end) {
        return;
    }
    const float *bias = test_data(f->bias);
    kernels->dense_forward(f->a->data + n * f->a->ld + j, f->a->ld, f->x->data + n * f->x->ld, f->x->ld, f->w->data + j,
                           f->w->ld, bias != NULL ? bias + j : NULL, n_end - n, f->in, j_end - j, f->activation,
                           scratch);
}

static void call(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    const forward *f = arguments;
    const size_t n = under_test ? f->batch_cut : 0, j = under_test ? f->out_cut : 0;
    call_piece(kernels, f, scratch, 0, n, 0, j);
    call_piece(kernels, f, scratch, 0, n, j, f->out);
    call_piece(kernels, f, scratch, n, f->batch, 0, j);
    call_piece(kernels, f, scratch, n, f->batch, j, f->out);
}

static void one_case(test_table *table, test_side side, size_t batch, size_t out, size_t in) {
    test_trial *trial = test_begin(table, "dense_forward", side, "%zux%zux%zu", batch, in, out);
    if (trial == NULL) {
        return;
    }
    forward f = {.batch = batch, .in = in, .out = out};
    f.x = test_input(trial, "x", batch, in);
    f.w = test_input(trial, "w", in, out);
    if (test_random_below(&trial->random, 4) != 0) {
        f.bias = test_input(trial, "bias", 1, out);
    }
    f.a = test_output(trial, "a", batch, out);
    f.activation = test_draw_activation(trial);
    test_draw_cuts(trial, batch, &f.batch_cut, out, &f.out_cut);
    test_run(trial, call, &f);
}

static void sizes_around_the_tile(test_table *table) {
    test_sweep_products(table, one_case);
}

static void large_sizes(test_table *table) {
    static const test_shape shapes[] = {
        {67, 257, 131}, {128, 10, 784}, {1, 1000, 300},  {31, 1, 1200}, {200, 530, 7},
        {5, 37, 2100},  {300, 1, 1},    {19, 1100, 530}, {261, 70, 64}, {257, 513, 520},
    };
    test_sweep_shapes(table, one_case, shapes, sizeof shapes / sizeof *shapes);
}

static void all_sizes_around_the_tile(void **state) {
    (void)state;
    test_each_table(sizes_around_the_tile);
}

static void all_large_sizes(void **state) {
    (void)state;
    test_each_table(large_sizes);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sizes_around_the_tile),
        cmocka_unit_test(all_large_sizes),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
