/* Products of a layer. */
#include "cases.h"

/* ---- dense_forward ---- */

typedef struct forward {
    test_operand *a, *x, *w, *bias;
    size_t batch, in, out;
    bp_activation activation;
    size_t batch_cut, out_cut; /* the table under test is called in up to four pieces: the results may not notice */
} forward;

static void forward_piece(const bp_kernels *kernels, const forward *f, void *scratch, size_t n, size_t n_end, size_t j,
                          size_t j_end) {
    if (n == n_end || j == j_end) {
        return;
    }
    const float *bias = test_data(f->bias);
    kernels->dense_forward(f->a->data + n * f->a->ld + j, f->a->ld, f->x->data + n * f->x->ld, f->x->ld, f->w->data + j,
                           f->w->ld, bias != NULL ? bias + j : NULL, n_end - n, f->in, j_end - j, f->activation,
                           test_scratch_for(scratch, n_end - n, f->in, j_end - j));
}

static void call_forward(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    const forward *f = arguments;
    const size_t n = under_test ? f->batch_cut : 0, j = under_test ? f->out_cut : 0;
    forward_piece(kernels, f, scratch, 0, n, 0, j);
    forward_piece(kernels, f, scratch, 0, n, j, f->out);
    forward_piece(kernels, f, scratch, n, f->batch, 0, j);
    forward_piece(kernels, f, scratch, n, f->batch, j, f->out);
}

void case_dense_forward(test_table *table, test_side side, size_t batch, size_t out, size_t in) {
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
    test_run(trial, call_forward, &f);
}

/* ---- dense_delta ---- */

typedef struct backward {
    test_operand *previous, *delta, *w, *previous_saved;
    size_t batch, in, out;
    bp_activation activation;
    size_t batch_cut, in_cut; /* the table under test is called in up to four pieces: the results may not notice */
} backward;

static void delta_piece(const bp_kernels *kernels, const backward *b, void *scratch, size_t n, size_t n_end, size_t i,
                        size_t i_end) {
    if (n == n_end || i == i_end) {
        return;
    }
    const float *previous_saved = test_data(b->previous_saved);
    const size_t lda = test_ld(b->previous_saved);
    kernels->dense_delta(b->previous->data + n * b->previous->ld + i, b->previous->ld,
                         b->delta->data + n * b->delta->ld, b->delta->ld, b->w->data + i * b->w->ld, b->w->ld,
                         previous_saved != NULL ? previous_saved + n * lda + i : NULL, lda, n_end - n, i_end - i,
                         b->out, b->activation, test_scratch_for(scratch, n_end - n, i_end - i, b->out));
}

static void call_delta(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    const backward *b = arguments;
    const size_t n = under_test ? b->batch_cut : 0, i = under_test ? b->in_cut : 0;
    delta_piece(kernels, b, scratch, 0, n, 0, i);
    delta_piece(kernels, b, scratch, 0, n, i, b->in);
    delta_piece(kernels, b, scratch, n, b->batch, 0, i);
    delta_piece(kernels, b, scratch, n, b->batch, i, b->in);
}

void case_dense_delta(test_table *table, test_side side, size_t batch, size_t in, size_t out) {
    test_trial *trial = test_begin(table, "dense_delta", side, "%zux%zux%zu", batch, in, out);
    if (trial == NULL) {
        return;
    }
    backward b = {.batch = batch, .in = in, .out = out, .activation = test_draw_activation(trial)};
    b.delta = test_input(trial, "delta", batch, out);
    b.w = test_input(trial, "w", in, out);
    if (b.activation.kind != BP_ACTIVATION_IDENTITY || test_random_below(&trial->random, 2) == 0) {
        b.previous_saved = test_input(trial, "a_below", batch, in);
    }
    const bool in_place = b.previous_saved != NULL && test_random_below(&trial->random, 3) == 0;
    b.previous = in_place ? test_output_in_place(trial, "previous", b.previous_saved)
                          : test_output(trial, "previous", batch, in);
    test_draw_cuts(trial, batch, &b.batch_cut, in, &b.in_cut);
    test_run(trial, call_delta, &b);
}

/* ---- dense_gradient, dense_gradient_sgd ---- */

typedef struct gradient {
    test_operand *weights, *bias, *x, *delta; /* weights and bias: the gradients, or what gradient_sgd updates */
    size_t batch, in, out;
    bool update;
    float learning_rate;
    size_t in_cut, out_cut; /* the table under test is called in up to four pieces: the results may not notice */
} gradient;

/* The bias belongs to the columns: the first piece of each column range makes it. */
static void gradient_piece(const bp_kernels *kernels, const gradient *g, void *scratch, size_t i, size_t i_end,
                           size_t j, size_t j_end, bool with_bias) {
    if (i == i_end || j == j_end) {
        return;
    }
    float *weights = g->weights != NULL ? g->weights->data + i * g->weights->ld + j : NULL;
    float *bias = g->bias != NULL && with_bias ? g->bias->data + j : NULL;
    if (weights == NULL && bias == NULL) {
        return;
    }
    const float *x = g->x->data + i, *delta = g->delta->data + j;
    scratch = test_scratch_for(scratch, g->batch, i_end - i, j_end - j);
    if (g->update) {
        kernels->dense_gradient_sgd(weights, test_ld(g->weights), bias, x, g->x->ld, delta, g->delta->ld, g->batch,
                                    i_end - i, j_end - j, g->learning_rate, scratch);
    } else {
        kernels->dense_gradient(weights, test_ld(g->weights), bias, x, g->x->ld, delta, g->delta->ld, g->batch,
                                i_end - i, j_end - j, scratch);
    }
}

static void call_gradient(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    const gradient *g = arguments;
    const size_t i = under_test ? g->in_cut : 0, j = under_test ? g->out_cut : 0;
    gradient_piece(kernels, g, scratch, 0, i, 0, j, true);
    gradient_piece(kernels, g, scratch, 0, i, j, g->out, true);
    gradient_piece(kernels, g, scratch, i, g->in, 0, j, i == 0);
    gradient_piece(kernels, g, scratch, i, g->in, j, g->out, i == 0);
}

static void gradient_or_update(test_table *table, test_side side, size_t batch, size_t in, size_t out, bool update) {
    static const float rates[] = {0.0f, 0.1f, 1.0f, -0.5f, 0x1p-30f};
    test_trial *trial =
        test_begin(table, update ? "dense_gradient_sgd" : "dense_gradient", side, "%zux%zux%zu", batch, in, out);
    if (trial == NULL) {
        return;
    }
    gradient g = {.batch = batch, .in = in, .out = out, .update = update};
    g.learning_rate = rates[test_random_below(&trial->random, sizeof rates / sizeof *rates)];
    if (update) {
        test_note(trial, ", rate %g", (double)g.learning_rate);
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
    test_run(trial, call_gradient, &g);
}

void case_dense_gradient(test_table *table, test_side side, size_t in, size_t out, size_t batch) {
    gradient_or_update(table, side, batch, in, out, false);
}

void case_dense_gradient_sgd(test_table *table, test_side side, size_t in, size_t out, size_t batch) {
    gradient_or_update(table, side, batch, in, out, true);
}
