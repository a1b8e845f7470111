/* dense_delta of every table against the oracle, bit for bit. */
#include "harness/harness.h"

typedef struct backward {
    test_operand *below, *delta, *w, *a_below;
    size_t batch, in, out;
    bp_activation activation;
    size_t batch_cut, in_cut; /* the table under test is called in up to four pieces: the results may not notice */
} backward;

static void call_piece(const bp_kernels *kernels, const backward *b, void *scratch, size_t n, size_t n_end, size_t i,
                       size_t i_end) {
    if (n == n_end || i == i_end) {
        return;
    }
    const float *a_below = test_data(b->a_below);
    const size_t lda = test_ld(b->a_below);
    kernels->dense_delta(b->below->data + n * b->below->ld + i, b->below->ld, b->delta->data + n * b->delta->ld,
                         b->delta->ld, b->w->data + i * b->w->ld, b->w->ld,
                         a_below != NULL ? a_below + n * lda + i : NULL, lda, n_end - n, i_end - i, b->out,
                         b->activation, scratch);
}

static void call(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    const backward *b = arguments;
    const size_t n = under_test ? b->batch_cut : 0, i = under_test ? b->in_cut : 0;
    call_piece(kernels, b, scratch, 0, n, 0, i);
    call_piece(kernels, b, scratch, 0, n, i, b->in);
    call_piece(kernels, b, scratch, n, b->batch, 0, i);
    call_piece(kernels, b, scratch, n, b->batch, i, b->in);
}

static void one_case(test_table *table, test_side side, size_t batch, size_t in, size_t out) {
    test_trial *trial = test_begin(table, "dense_delta", side, "%zux%zux%zu", batch, in, out);
    if (trial == NULL) {
        return;
    }
    backward b = {.batch = batch, .in = in, .out = out, .activation = test_draw_activation(trial)};
    b.delta = test_input(trial, "delta", batch, out);
    b.w = test_input(trial, "w", in, out);
    if (b.activation.kind != BP_IDENTITY || test_random_below(&trial->random, 2) == 0) {
        b.a_below = test_input(trial, "a_below", batch, in);
    }
    const bool in_place = b.a_below != NULL && test_random_below(&trial->random, 3) == 0;
    b.below = in_place ? test_output_in_place(trial, "below", b.a_below) : test_output(trial, "below", batch, in);
    test_draw_cuts(trial, batch, &b.batch_cut, in, &b.in_cut);
    test_run(trial, call, &b);
}

static void sizes_around_the_tile(test_table *table) {
    test_sweep_products(table, one_case);
}

static void large_sizes(test_table *table) {
    static const test_shape shapes[] = {
        {67, 131, 257}, {128, 784, 10}, {1, 1000, 300},  {31, 1, 1200}, {200, 530, 7},
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
