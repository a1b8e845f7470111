/* Dropout and layer normalization. */
#include "cases.h"

/* ---- Dropout ---- */

typedef struct dropping {
    test_operand *result, *input;
    size_t rows, columns;
    bool derivative;
    bp_activation activation;
    bp_dropout_mask mask;
    size_t row_cut, column_cut; /* the table under test is called in up to four pieces */
} dropping;

static void dropping_piece(const bp_kernels *kernels, const dropping *e, size_t n, size_t n_end, size_t j,
                           size_t j_end) {
    if (n == n_end || j == j_end) {
        return;
    }
    float *d = e->result->data + n * e->result->ld + j;
    const float *a = e->input->data + n * e->input->ld + j;
    bp_dropout_mask mask = e->mask;
    mask.row += n;
    mask.column += j;
    if (e->derivative) {
        kernels->dropout_derivative(d, e->result->ld, a, e->input->ld, n_end - n, j_end - j, e->activation, &mask);
    } else {
        kernels->dropout(d, e->result->ld, a, e->input->ld, n_end - n, j_end - j, &mask);
    }
}

static void call_dropping(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    const dropping *e = arguments;
    const size_t n = under_test ? e->row_cut : 0, j = under_test ? e->column_cut : 0;
    dropping_piece(kernels, e, 0, n, 0, j);
    dropping_piece(kernels, e, 0, n, j, e->columns);
    dropping_piece(kernels, e, n, e->rows, 0, j);
    dropping_piece(kernels, e, n, e->rows, j, e->columns);
}

/* Often the mask's first corner; else anywhere, its last corner included. */
static bp_dropout_mask draw_mask(test_trial *trial, size_t rows, size_t columns) {
    static const float probabilities[] = {0.0f, 0.5f, 0.1f, 0.9f, 0x1p-17f, 0x1p-24f, 1.0f - 0x1p-24f};
    const size_t drawn = test_random_below(&trial->random, sizeof probabilities / sizeof *probabilities);
    bp_dropout_mask mask = {.probability = probabilities[drawn]};
    mask.seed = test_random_next(&trial->random);
    mask.stream = test_random_next(&trial->random);
    const size_t last_row = (size_t)(UINT64_C(1) << 32) - rows, last_column = (size_t)(UINT64_C(1) << 32) - columns;
    switch (test_random_below(&trial->random, 4)) {
    case 0:
        break;
    case 1:
        mask.row = last_row;
        mask.column = last_column;
        break;
    default:
        mask.row = test_random_below(&trial->random, last_row);
        mask.column = test_random_below(&trial->random, last_column);
    }
    test_note(trial, ", probability %g from row %zu, column %zu", (double)mask.probability, mask.row, mask.column);
    return mask;
}

static void dropout_or_derivative(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition,
                                  bool derivative) {
    const char *name = derivative ? "dropout_derivative" : "dropout";
    test_trial *trial = test_begin(table, name, side, "%zux%zu/%zu", rows, columns, repetition);
    if (trial == NULL) {
        return;
    }
    dropping e = {.rows = rows, .columns = columns, .derivative = derivative};
    e.mask = draw_mask(trial, rows, columns);
    if (derivative) {
        e.activation = test_draw_activation(trial);
    }
    e.input = test_input(trial, "a", rows, columns);
    const bool in_place = test_random_below(&trial->random, 2) == 0;
    e.result = in_place ? test_output_in_place(trial, "d", e.input) : test_output(trial, "d", rows, columns);
    test_draw_cuts(trial, rows, &e.row_cut, columns, &e.column_cut);
    test_run(trial, call_dropping, &e);
}

void case_dropout(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition) {
    dropout_or_derivative(table, side, rows, columns, repetition, false);
}

void case_dropout_derivative(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition) {
    dropout_or_derivative(table, side, rows, columns, repetition, true);
}

/* ---- Layer normalization ---- */

typedef struct normalization {
    test_operand *y, *normalized, *rstd; /* results of the forward pass; the last two may be left out */
    test_operand *z, *gamma, *beta;
    test_operand *previous, *delta, *gradient_gamma, *gradient_beta;
    size_t rows, columns;
    float epsilon;
    size_t row_cut, column_cut;
} normalization;

static float *row_of(const test_operand *operand, size_t n) {
    return operand != NULL ? operand->data + n * operand->ld : NULL;
}

static void forward_rows(const bp_kernels *kernels, const normalization *e, size_t n, size_t end) {
    if (n < end) {
        kernels->layer_norm_forward(row_of(e->y, n), e->y->ld, row_of(e->normalized, n), test_ld(e->normalized),
                                    e->rstd != NULL ? e->rstd->data + n : NULL, row_of(e->z, n), e->z->ld,
                                    e->gamma->data, e->beta->data, end - n, e->columns, e->epsilon);
    }
}

static void call_forward(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    const normalization *e = arguments;
    const size_t cut = under_test ? e->row_cut : 0;
    forward_rows(kernels, e, 0, cut);
    forward_rows(kernels, e, cut, e->rows);
}

static void backward_rows(const bp_kernels *kernels, const normalization *e, size_t n, size_t end) {
    if (n < end) {
        kernels->layer_norm_backward(row_of(e->previous, n), e->previous->ld, row_of(e->delta, n), e->delta->ld,
                                     row_of(e->normalized, n), e->normalized->ld, e->rstd->data + n, e->gamma->data,
                                     end - n, e->columns);
    }
}

static void call_backward(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    const normalization *e = arguments;
    const size_t cut = under_test ? e->row_cut : 0;
    backward_rows(kernels, e, 0, cut);
    backward_rows(kernels, e, cut, e->rows);
}

static void gradient_columns(const bp_kernels *kernels, const normalization *e, size_t j, size_t end) {
    if (j < end) {
        kernels->layer_norm_gradient(e->gradient_gamma != NULL ? e->gradient_gamma->data + j : NULL,
                                     e->gradient_beta != NULL ? e->gradient_beta->data + j : NULL, e->delta->data + j,
                                     e->delta->ld, e->normalized->data + j, e->normalized->ld, e->rows, end - j);
    }
}

static void call_gradient(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    const normalization *e = arguments;
    const size_t cut = under_test ? e->column_cut : 0;
    gradient_columns(kernels, e, 0, cut);
    gradient_columns(kernels, e, cut, e->columns);
}

void case_layer_norm_forward(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition) {
    static const float epsilons[] = {1e-5f, 1.0f, 1e-12f};
    test_trial *trial = test_begin(table, "layer_norm_forward", side, "%zux%zu/%zu", rows, columns, repetition);
    if (trial == NULL) {
        return;
    }
    normalization e = {.rows = rows, .columns = columns};
    e.epsilon = epsilons[test_random_below(&trial->random, sizeof epsilons / sizeof *epsilons)];
    e.z = test_input(trial, "z", rows, columns);
    e.gamma = test_input(trial, "gain", 1, columns);
    e.beta = test_input(trial, "shift", 1, columns);
    const size_t place = test_random_below(&trial->random, 3);
    e.y = place == 0 ? test_output_in_place(trial, "y", e.z) : test_output(trial, "y", rows, columns);
    if (place == 1) {
        e.normalized = test_output_in_place(trial, "normalized", e.z);
    } else if (test_random_below(&trial->random, 3) > 0) {
        e.normalized = test_output(trial, "normalized", rows, columns);
    }
    if (test_random_below(&trial->random, 3) > 0) {
        e.rstd = test_output(trial, "inverse", 1, rows);
    }
    size_t unused;
    test_draw_cuts(trial, rows, &e.row_cut, 1, &unused);
    test_run(trial, call_forward, &e);
}

void case_layer_norm_backward(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition) {
    test_trial *trial = test_begin(table, "layer_norm_backward", side, "%zux%zu/%zu", rows, columns, repetition);
    if (trial == NULL) {
        return;
    }
    normalization e = {.rows = rows, .columns = columns};
    e.delta = test_input(trial, "delta", rows, columns);
    e.normalized = test_input(trial, "normalized", rows, columns);
    e.rstd = test_input(trial, "inverse", 1, rows);
    e.gamma = test_input(trial, "gain", 1, columns);
    const bool in_place = test_random_below(&trial->random, 2) == 0;
    e.previous =
        in_place ? test_output_in_place(trial, "previous", e.delta) : test_output(trial, "previous", rows, columns);
    size_t unused;
    test_draw_cuts(trial, rows, &e.row_cut, 1, &unused);
    test_run(trial, call_backward, &e);
}

void case_layer_norm_gradient(test_table *table, test_side side, size_t rows, size_t columns, size_t repetition) {
    test_trial *trial = test_begin(table, "layer_norm_gradient", side, "%zux%zu/%zu", rows, columns, repetition);
    if (trial == NULL) {
        return;
    }
    normalization e = {.rows = rows, .columns = columns};
    e.delta = test_input(trial, "delta", rows, columns);
    e.normalized = test_input(trial, "normalized", rows, columns);
    const size_t parts = test_random_below(&trial->random, 5);
    if (parts != 0) {
        e.gradient_gamma = test_output(trial, "gradient_gamma", 1, columns);
    }
    if (parts != 1) {
        e.gradient_beta = test_output(trial, "gradient_beta", 1, columns);
    }
    size_t unused;
    test_draw_cuts(trial, 1, &unused, columns, &e.column_cut);
    test_run(trial, call_gradient, &e);
}
