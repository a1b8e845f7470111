/* activate and activation_derivative of every table against the oracle, bit for bit. */
#include "harness/harness.h"

typedef struct elementwise {
    test_operand *result, *input;
    size_t rows, columns;
    bp_activation activation;
    bool derivative;
    size_t row_cut, column_cut; /* the table under test is called in up to four pieces */
} elementwise;

static void call_piece(const bp_kernels *kernels, const elementwise *e, size_t n, size_t n_end, size_t j,
                       size_t j_end) {
    if (n == n_end || j == j_end) {
        return;
    }
    bp_activate_fn *kernel = e->derivative ? kernels->activation_derivative : kernels->activate;
    kernel(e->result->data + n * e->result->ld + j, e->result->ld, e->input->data + n * e->input->ld + j, e->input->ld,
           n_end - n, j_end - j, e->activation);
}

static void call(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    const elementwise *e = arguments;
    const size_t n = under_test ? e->row_cut : 0, j = under_test ? e->column_cut : 0;
    call_piece(kernels, e, 0, n, 0, j);
    call_piece(kernels, e, 0, n, j, e->columns);
    call_piece(kernels, e, n, e->rows, 0, j);
    call_piece(kernels, e, n, e->rows, j, e->columns);
}

/* One trial for each kind: the sizes alone are few. */
static void one_case(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition, bool derivative,
                     bp_activation_kind kind) {
    static const float slopes[] = {0.0f, 0.01f, 0.25f, 1.0f, 1.7f};
    const char *name = derivative ? "activation_derivative" : "activate";
    test_trial *trial =
        test_begin(table, name, side, "%s/%zux%zu/%zu", bp_activation_name(kind), rows, columns, repetition);
    if (trial == NULL) {
        return;
    }
    elementwise e = {.rows = rows, .columns = columns, .derivative = derivative, .activation.kind = kind};
    e.activation.parameter = slopes[test_random_below(&trial->random, sizeof slopes / sizeof *slopes)];
    test_note(trial, ", slope %g", (double)e.activation.parameter);
    e.input = test_input(trial, derivative ? "a" : "z", rows, columns);
    const bool in_place = test_random_below(&trial->random, 2) == 0;
    e.result = in_place ? test_output_in_place(trial, "result", e.input) : test_output(trial, "result", rows, columns);
    test_draw_cuts(trial, rows, &e.row_cut, columns, &e.column_cut);
    test_run(trial, call, &e);
}

static void all_kinds(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition,
                      bool derivative) {
    for (int kind = 0; kind < BP_ACTIVATION_COUNT; kind++) {
        one_case(table, side, rows, columns, repetition, derivative, (bp_activation_kind)kind);
    }
}

static void activate_cases(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition) {
    all_kinds(table, side, rows, columns, repetition, false);
}

static void derivative_cases(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition) {
    all_kinds(table, side, rows, columns, repetition, true);
}

static void activate_sizes(test_table *table) {
    test_sweep_planes(table, activate_cases);
}

static void derivative_sizes(test_table *table) {
    test_sweep_planes(table, derivative_cases);
}

static void activate_all_sizes(void **state) {
    (void)state;
    test_each_table(activate_sizes);
}

static void derivative_all_sizes(void **state) {
    (void)state;
    test_each_table(derivative_sizes);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activate_all_sizes),
        cmocka_unit_test(derivative_all_sizes),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
