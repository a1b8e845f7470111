/*
 * A layer backward on packed matrices, as a network calls it, against the scalar kernels: the previous layer's deltas
 * and the gradient by one function or by two, for all batches of a few rows and some more, with every use of the
 * gradient. A failure's last line repeats the case.
 */
#include <math.h>

#include <backprop/dense.h>

#include "enum_counts.h"
#include "harness/harness.h"
#include "network/range.h"
#include "packed_support.h"

/* What is called. */
typedef enum task { DELTA, GRADIENT, BACKWARD, TASK_COUNT } task;

typedef struct backward_call {
    task task;
    gradient_use use;
    bp_coefficients update;
    matrix *previous, *delta, *w, *saved, *sums, *x;
    size_t batch, in, out, cut; /* the call under test is made in two parts, if cut > 0: as workers share columns */
    bp_derivative derivative;
    void *scratch;
} backward_call;

static void call_part(const backward_call *c, size_t begin, size_t end) {
    const bp_backend *backend = trial.table->backend;
    const size_t width = backend->panel_width, in = end - begin;
    const bp_packed previous = bp_packed_part(c->previous->packed, width, 0, begin),
                    saved = bp_packed_part(c->saved->packed, width, 0, begin),
                    x = bp_packed_part(c->x->packed, width, 0, begin),
                    w = bp_packed_part(c->w->packed, width, begin, 0),
                    sums = bp_packed_part(c->sums->packed, width, begin, 0);
    const bp_backward b = {c->batch, in, c->out, &previous, &c->delta->packed, &w, &saved, c->derivative, &sums, &x};
    if (c->task == DELTA)
        backend->delta(&previous, b.delta, &w, &saved, c->batch, in, c->out, c->derivative, c->scratch);
    else if (c->task == GRADIENT)
        backend->gradient(&c->use, &w, &sums, &x, b.delta, c->batch, in, c->out, c->scratch);
    else
        backend->backward(&c->use, &b, c->scratch);
}

static void call_backward(void *argument) {
    const backward_call *c = argument;
    if (c->cut > 0)
        call_part(c, 0, c->cut);
    call_part(c, c->cut, c->in);
}

static void note(const char *text) {
    strncat(trial.note, text, sizeof trial.note - strlen(trial.note) - 1);
}

static bool one_in(size_t count) {
    return test_random_below(&trial.random, count) == 0;
}

/* ---- The use of a gradient ------------------------------------------------------------------------------------ */

/* A step of an optimizer, with its arrays of state. */
typedef struct drawn_update {
    bp_optimizer optimizer;
    float learning_rate;
    matrix *state[BP_OPTIMIZER_STATES];
} drawn_update;

enum { STEP = 3 };

/* An array of state lies as the weights do. Some kinds take roots of it. */
static matrix *add_state(const char *name, const matrix *w) {
    matrix *m = add(name, RESULT, w->rows, w->columns, w->pitch - w->rows);
    for (size_t k = 0; k < m->rows * m->columns; k++) {
        m->plain[k] = fabsf(m->plain[k]);
        *element(m, k / m->columns, k % m->columns) = m->plain[k];
    }
    return m;
}

/* Plain SGD in most cases. */
static drawn_update draw_update(backward_call *c) {
    static const float rates[] = {0.1f, -0.5f, 1.0f};
    static const char *const names[] = {"state 0", "state 1"};
    drawn_update d = {.optimizer = bp_optimizer_defaults(BP_OPTIMIZER_SGD),
                      .learning_rate = rates[test_random_below(&trial.random, 3)]};
    if (one_in(3)) {
        d.optimizer = bp_optimizer_defaults((bp_optimizer_kind)test_random_below(&trial.random, OPTIMIZER_COUNT));
        d.optimizer.weight_decay = one_in(2) ? 0.01f : 0.0f;
    }
    note(", ");
    note(bp_optimizer_name(d.optimizer.kind));
    bp_parameters arrays = {.values = c->w->packed.data};
    for (size_t k = 0; k < bp_optimizer_states(d.optimizer.kind); k++) {
        d.state[k] = add_state(names[k], c->w);
        arrays.state[k] = d.state[k]->packed.data;
    }
    c->update = coefficients_of(&d.optimizer, STEP, d.learning_rate, &arrays);
    c->use.update = &c->update;
    return d;
}

/* The gradient in `sums`, or the parameters after a step by it. */
static void expect_gradient(backward_call *c, bool updates) {
    static float gradient[MATRIX_BYTES / sizeof(float)];
    const size_t count = c->in * c->out;
    test_oracle()->dense_gradient(gradient, c->out, NULL, c->x->plain, c->in, c->delta->plain, c->out, c->batch, c->in,
                                  c->out, oracle_scratch());
    for (size_t k = 0; c->use.continues && k < count; k++)
        gradient[k] = c->sums->plain[k] + gradient[k];
    if (!updates) {
        memcpy(c->sums->plain, gradient, count * sizeof(float));
        return;
    }
    const drawn_update d = draw_update(c);
    bp_parameters arrays = {.values = c->w->plain};
    for (size_t k = 0; k < bp_optimizer_states(d.optimizer.kind); k++)
        arrays.state[k] = d.state[k]->plain;
    test_oracle()->optimizer_step(&arrays, gradient, count, &d.optimizer, STEP, d.learning_rate);
}

/* ---- The deltas ----------------------------------------------------------------------------------------------- */

/* By the weights before an update. The scalar kernels have no derivatives that are computed before. */
static void expect_deltas(const backward_call *c, bp_activation activation) {
    const size_t in = c->in, out = c->out;
    const bool saved = c->derivative.kind == DERIVATIVE_SAVED;
    if (saved)
        activation.kind = BP_ACTIVATION_IDENTITY;
    empty(c->previous);
    test_oracle()->dense_delta(c->previous->plain, in, c->delta->plain, out, c->w->plain, out, c->saved->plain, in,
                               c->batch, in, out, activation, oracle_scratch());
    for (size_t k = 0; saved && k < c->batch * in; k++)
        c->previous->plain[k] = c->previous->plain[k] * c->saved->plain[k];
}

/* ---- Cases ---------------------------------------------------------------------------------------------------- */

static void backward_case(test_table *table, test_side side, size_t batch, size_t in, size_t out) {
    static const char *const names[] = {", deltas", ", gradient", ", both"};
    if (!begin(table, "backward", side, batch, in, out))
        return;
    backward_call c = {.batch = batch, .in = in, .out = out};
    c.task = one_in(2) ? BACKWARD : (task)test_random_below(&trial.random, BACKWARD);
    const bool updates = c.task != DELTA && !one_in(5);
    c.use.continues = c.task != DELTA && one_in(5);
    note(names[c.task]);
    note(c.use.continues ? ", continues" : "");
    const bp_activation activation = draw_activation(BP_ACTIVATION_TANH + 2);
    c.derivative = derivative_of(activation);
    c.delta = add_matrix("delta", READ, batch, out);
    c.x = add_matrix("x", READ, batch, in);
    c.saved = add_matrix("saved", READ, batch, in);
    c.previous = add_matrix("previous", c.task == GRADIENT ? UNUSED : RESULT, batch, in);
    c.w = add_matrix("w", updates ? RESULT : READ, in, out);
    c.sums = add_matrix("sums",
                        c.task == DELTA   ? UNUSED
                        : !updates        ? RESULT
                        : c.use.continues ? SCRATCH
                                          : UNUSED,
                        in, out);
    c.scratch = scratch_for(batch, in, out);
    const size_t unit = column_unit(table->backend, in);
    if (one_in(4))
        c.cut = test_random_below(&trial.random, (in - 1) / unit + 1) * unit;
    if (c.task != GRADIENT)
        expect_deltas(&c, activation);
    if (c.task != DELTA)
        expect_gradient(&c, updates);
    run(call_backward, &c);
}

static void few_rows(test_table *table) {
    test_sweep_few_rows(table, backward_case, false);
}

static void few_rows_have_the_scalar_bits(void **state) {
    (void)state;
    test_each_table(few_rows);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_rows_have_the_scalar_bits),
    };
    test_start(argv[0]);
    test_keep_levels();
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
