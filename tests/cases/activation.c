/* Activations, their derivatives, and deltas times these. */
#include "cases.h"

static const char *const role_names[] = {"activate", "activation_derivative", "activation_delta"};

typedef struct elementwise {
    test_operand *result, *input;
    size_t rows, columns;
    bp_activation activation;
    case_activation_role role;
    size_t row_cut, column_cut; /* the table under test is called in up to four pieces */
} elementwise;

static void call_piece(const bp_kernels *kernels, const elementwise *e, size_t n, size_t n_end, size_t j,
                       size_t j_end) {
    if (n == n_end || j == j_end) {
        return;
    }
    bp_activate_fn *const kernel[] = {kernels->activate, kernels->activation_derivative, kernels->activation_delta};
    kernel[e->role](e->result->data + n * e->result->ld + j, e->result->ld, e->input->data + n * e->input->ld + j,
                    e->input->ld, n_end - n, j_end - j, e->activation);
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

static test_operand *result_of(test_trial *trial, const elementwise *e) {
    if (e->role == CASE_DELTA) {
        return test_updated(trial, "delta", e->rows, e->columns);
    }
    const bool in_place = test_random_below(&trial->random, 2) == 0;
    return in_place ? test_output_in_place(trial, "result", e->input)
                    : test_output(trial, "result", e->rows, e->columns);
}

void case_activation(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition,
                     case_activation_role role, bp_activation_kind kind) {
    static const float parameters[] = {0.0f, 0.01f, 0.25f, 1.0f, 1.7f, 30.0f};
    test_trial *trial = test_begin(table, role_names[role], side, "%s/%zux%zu/%zu", bp_activation_name(kind), rows,
                                   columns, repetition);
    if (trial == NULL) {
        return;
    }
    elementwise e = {.rows = rows, .columns = columns, .role = role, .activation.kind = kind};
    e.activation.parameter = parameters[test_random_below(&trial->random, sizeof parameters / sizeof *parameters)];
    test_note(trial, ", parameter %g", (double)e.activation.parameter);
    e.input = test_input(trial, role == CASE_ACTIVATE ? "z" : "kept", rows, columns);
    e.result = result_of(trial, &e);
    test_draw_cuts(trial, rows, &e.row_cut, columns, &e.column_cut);
    test_run(trial, call, &e);
}
