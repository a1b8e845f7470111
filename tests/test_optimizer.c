/*
 * Optimizer steps, alone and fused with the gradient, of every table against the oracle, bit for bit; and the oracle's
 * trajectories against textbook formulas in double precision.
 */
#include <float.h>
#include <math.h>

#include "harness/harness.h"

#include <backprop/dense.h>
#include <backprop/optimizer.h>

#include "textbook_optimizer.h"

/* ---- Optimizers to try ---------------------------------------------------------------------------------------- */

static float draw_of(test_trial *trial, const float *choices, size_t count) {
    return choices[test_random_below(&trial->random, count)];
}

#define DRAW(trial, ...)                                                                                               \
    draw_of(trial, (const float[]){__VA_ARGS__}, sizeof((const float[]){__VA_ARGS__}) / sizeof(float))

/* A step of an optimizer of a kind, its other numbers drawn; noted in the trial. */
typedef struct drawn {
    bp_optimizer optimizer;
    uint64_t step;
    float rate;
} drawn;

static drawn draw_step(test_trial *trial, bp_optimizer_kind kind) {
    static const uint64_t steps[] = {1, 2, 3, 10, 1000, 12345, UINT64_C(1) << 40};
    drawn d = {.step = steps[test_random_below(&trial->random, sizeof steps / sizeof *steps)],
               .rate = DRAW(trial, 0.1f, 1.0f, 0.001f, 0.0f, -0.5f, 0x1p-30f)};
    d.optimizer = (bp_optimizer){.kind = kind,
                                 .weight_decay = DRAW(trial, 0, 0, 0.01f, 3),
                                 .decoupled = test_random_below(&trial->random, 3) == 0,
                                 .clip = DRAW(trial, 0, 0, 1, 0.01f, FLT_MAX),
                                 .average = DRAW(trial, 0, 0, 0.999f, FLT_MIN)};
    if (test_random_below(&trial->random, 2) == 0) {
        d.optimizer.momentum = DRAW(trial, 0.5f, 0.99f, FLT_MIN);
        d.optimizer.beta1 = DRAW(trial, 0.5f, 0.95f, FLT_MIN);
        d.optimizer.beta2 = DRAW(trial, 0.75f, 0.9999f, FLT_MIN);
        d.optimizer.epsilon = DRAW(trial, 1, 1e-3f, FLT_MIN);
        d.optimizer.shrink = DRAW(trial, 0.25f, 0.9f);
        d.optimizer.grow = DRAW(trial, 1.5f, 3);
        d.optimizer.step_min = DRAW(trial, 0.01f, FLT_MIN);
        d.optimizer.step_max = DRAW(trial, 1, FLT_MAX);
    }
    test_note(trial, ", %s step %llu rate %g decay %g%s clip %g average %g", bp_optimizer_name(kind),
              (unsigned long long)d.step, (double)d.rate, (double)d.optimizer.weight_decay,
              d.optimizer.decoupled ? " decoupled" : "", (double)d.optimizer.clip, (double)d.optimizer.average);
    return d;
}

/* ---- One array ------------------------------------------------------------------------------------------------ */

/* Parameters with their state: operands, null where the optimizer has none. */
typedef struct arrays {
    test_operand *values, *state[BP_OPTIMIZER_STATES], *average;
} arrays;

static arrays add_arrays(test_trial *trial, const bp_optimizer *o, const char *const names[4], size_t rows,
                         size_t columns) {
    arrays a = {.values = test_updated(trial, names[0], rows, columns)};
    test_operand **const others[] = {&a.state[0], &a.state[1], &a.average};
    const bool wanted[] = {bp_optimizer_states(o->kind) > 0, bp_optimizer_states(o->kind) > 1, o->average > 0.0f};
    for (size_t k = 0; k < 3; k++) {
        if (wanted[k])
            *others[k] = test_updated_like(trial, names[k + 1], a.values);
    }
    return a;
}

/* The arrays from element `at` on. */
static bp_parameters parameters_at(const arrays *a, size_t at) {
    bp_parameters p = {.values = a->values->data + at};
    for (size_t k = 0; k < BP_OPTIMIZER_STATES; k++)
        p.state[k] = a->state[k] != NULL ? a->state[k]->data + at : NULL;
    p.average = a->average != NULL ? a->average->data + at : NULL;
    return p;
}

typedef struct vectors {
    drawn d;
    arrays a;
    test_operand *gradient;
    size_t count, cut;
} vectors;

static void call_step(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)scratch;
    const vectors *v = arguments;
    const size_t cut = under_test ? v->cut : 0;
    const bp_parameters low = parameters_at(&v->a, 0), high = parameters_at(&v->a, cut);
    if (cut > 0)
        kernels->optimizer_step(&v->d.optimizer, v->d.step, v->d.rate, &low, v->gradient->data, cut);
    if (cut < v->count)
        kernels->optimizer_step(&v->d.optimizer, v->d.step, v->d.rate, &high, v->gradient->data + cut, v->count - cut);
}

static void step_case(test_table *table, test_side side, bp_optimizer_kind kind, size_t count, size_t repetition) {
    test_trial *trial =
        test_begin(table, "optimizer_step", side, "%s/%zu/%zu", bp_optimizer_name(kind), count, repetition);
    if (trial == NULL)
        return;
    static const char *const names[] = {"parameters", "state 0", "state 1", "average"};
    vectors v = {.d = draw_step(trial, kind), .count = count};
    v.gradient = test_input(trial, "gradient", 1, count);
    v.a = add_arrays(trial, &v.d.optimizer, names, 1, count);
    size_t unused;
    test_draw_cuts(trial, count, &v.cut, 1, &unused);
    test_run(trial, call_step, &v);
}

static void step_counts(test_table *table) {
    static const size_t large[] = {255, 256, 257, 1000, 4099};
    const size_t repetitions = test_quick() ? 1 : 6;
    for (int kind = 0; kind < BP_OPTIMIZER_COUNT; kind++)
        for (size_t repetition = 0; repetition < repetitions; repetition++) {
            for (size_t count = 1; count <= 2 * table->kernels->tile_columns + 17; count++)
                step_case(table, count % 2 ? TEST_END : TEST_START, (bp_optimizer_kind)kind, count, repetition);
            for (size_t k = 0; k < sizeof large / sizeof *large; k++)
                step_case(table, TEST_END, (bp_optimizer_kind)kind, large[k], repetition);
        }
}

/* ---- Fused with the gradient ---------------------------------------------------------------------------------- */

typedef struct update {
    drawn d;
    arrays weights, biases; /* values null: left out */
    test_operand *x, *delta;
    size_t batch, in, out, in_cut, out_cut;
} update;

static void call_piece(const bp_kernels *kernels, const update *u, void *scratch, size_t i, size_t i_end, size_t j,
                       size_t j_end, bool with_bias) {
    if (i == i_end || j == j_end)
        return;
    const bool with_weights = u->weights.values != NULL;
    with_bias = with_bias && u->biases.values != NULL;
    if (!with_weights && !with_bias)
        return;
    bp_parameters weights = {0}, biases = {0};
    if (with_weights)
        weights = parameters_at(&u->weights, i * u->weights.values->ld + j);
    if (with_bias)
        biases = parameters_at(&u->biases, j);
    kernels->dense_gradient_update(&u->d.optimizer, u->d.step, u->d.rate, with_weights ? &weights : NULL,
                                   test_ld(u->weights.values), with_bias ? &biases : NULL, u->x->data + i, u->x->ld,
                                   u->delta->data + j, u->delta->ld, u->batch, i_end - i, j_end - j, scratch);
}

static void call_update(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    const update *u = arguments;
    const size_t i = under_test ? u->in_cut : 0, j = under_test ? u->out_cut : 0;
    call_piece(kernels, u, scratch, 0, i, 0, j, true);
    call_piece(kernels, u, scratch, 0, i, j, u->out, true);
    call_piece(kernels, u, scratch, i, u->in, 0, j, i == 0);
    call_piece(kernels, u, scratch, i, u->in, j, u->out, i == 0);
}

/* Kinds take turns from case to case; each is seen with every size around the tile's borders. */
static void update_case(test_table *table, test_side side, size_t in, size_t out, size_t batch) {
    const bp_optimizer_kind kind = (bp_optimizer_kind)((in + 3 * out + 5 * batch + side) % BP_OPTIMIZER_COUNT);
    test_trial *trial = test_begin(table, "dense_gradient_update", side, "%zux%zux%zu", batch, in, out);
    if (trial == NULL)
        return;
    static const char *const names[] = {"weights", "state 0", "state 1", "average"};
    static const char *const bias_names[] = {"biases", "bias state 0", "bias state 1", "bias average"};
    update u = {.d = draw_step(trial, kind), .batch = batch, .in = in, .out = out};
    u.x = test_input(trial, "x", batch, in);
    u.delta = test_input(trial, "delta", batch, out);
    const size_t parts = test_random_below(&trial->random, 6);
    if (parts != 0)
        u.weights = add_arrays(trial, &u.d.optimizer, names, in, out);
    if (parts != 1)
        u.biases = add_arrays(trial, &u.d.optimizer, bias_names, 1, out);
    test_draw_cuts(trial, in, &u.in_cut, out, &u.out_cut);
    test_run(trial, call_update, &u);
}

static void updates(test_table *table) {
    static const size_t batches[] = {BP_ROW_BLOCK - 1, BP_ROW_BLOCK, BP_ROW_BLOCK + 1, 2 * BP_ROW_BLOCK + 1, 700};
    static const test_shape large[] = {
        {131, 257, 67}, {784, 10, 128}, {1, 1000, 300}, {300, 1, 1},
        {530, 200, 7},  {1100, 19, 64}, {37, 1100, 70}, {259, 517, 513},
    };
    const size_t rows = table->kernels->tile_rows, columns = table->kernels->tile_columns;
    test_sweep_products(table, update_case);
    for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
        const test_shape shapes[] = {{1, 1, batches[k]},
                                     {1, 5 * columns + 3, batches[k]},
                                     {3, columns + 1, batches[k]},
                                     {rows + 1, 5, batches[k]},
                                     {rows, columns, batches[k]}};
        test_sweep_shapes(table, update_case, shapes, sizeof shapes / sizeof *shapes);
    }
    test_sweep_shapes(table, update_case, large, sizeof large / sizeof *large);
}

/* ---- Trajectories against the textbook ------------------------------------------------------------------------ */

enum { DIMENSION = 24, STEPS = 200 };

/* Gradients of two functions: a bowl whose axes differ by a factor of 100, and a trough, the logarithms of cosh with a
 * spring from each parameter to the next. In both precisions they are computed in double precision from the parameters
 * at hand. */
typedef void slope_fn(const double *w, double *g);

static void bowl(const double *w, double *g) {
    for (size_t k = 0; k < DIMENSION; k++)
        g[k] = (0.02 + 1.98 * (double)k / (DIMENSION - 1)) * w[k];
}

static void trough(const double *w, double *g) {
    for (size_t k = 0; k < DIMENSION; k++)
        g[k] = tanh(w[k]);
    for (size_t k = 0; k + 1 < DIMENSION; k++) {
        g[k] += 0.125 * (w[k] - w[k + 1]);
        g[k + 1] -= 0.125 * (w[k] - w[k + 1]);
    }
}

/* From 2.5 to 3.5 away from the minimum: who follows signs, or divides by squares, must not stand around in it. */
static float start_at(size_t k) {
    return (float)((k % 3 ? 3.0 : -3.0) + 0.5 * sin(7.0 * (double)(k + 1)));
}

/* Optimizers with a rate at which they get somewhere in 200 steps. */
static const struct {
    bp_optimizer optimizer;
    float rate;
} trajectories[] = {
    {{.kind = BP_SGD}, 0.05f},
    {{.kind = BP_SGD, .weight_decay = 0.01f}, 0.05f},
    {{.kind = BP_SGD, .weight_decay = 0.1f, .decoupled = true, .clip = 0.125f, .average = 0.9f}, 0.05f},
    {{.kind = BP_MOMENTUM}, 0.01f},
    {{.kind = BP_MOMENTUM, .momentum = 0.5f, .weight_decay = 0.01f, .clip = 0.5f}, 0.02f},
    {{.kind = BP_NESTEROV}, 0.01f},
    {{.kind = BP_ADAGRAD}, 0.1f},
    {{.kind = BP_ADAGRAD, .epsilon = 1e-3f, .weight_decay = 0.01f}, 0.1f},
    {{.kind = BP_RMSPROP}, 0.003f},
    {{.kind = BP_ADAM}, 0.01f},
    {{.kind = BP_ADAM, .weight_decay = 0.01f, .average = 0.99f}, 0.01f},
    {{.kind = BP_ADAM, .beta1 = 0.5f, .beta2 = 0.9f, .epsilon = 1e-4f}, 0.01f},
    {{.kind = BP_ADAMW, .weight_decay = 0.1f}, 0.01f},
    {{.kind = BP_LION}, 0.0078125f},
    {{.kind = BP_LION, .weight_decay = 0.25f}, 0.0078125f},
    {{.kind = BP_RPROP}, 0.0078125f},
    {{.kind = BP_RPROP, .shrink = 0.25f, .grow = 1.5f, .step_max = 0.0625f}, 0.015625f},
};

/*
 * A step rounds a parameter, of up to 4, by at most 2^-23, and what it is moved and shrunk by by as much again in the
 * direction of either; the functions pull together what is apart. The bound is 2^-23 for each step. RPROP's sizes of
 * steps carry the roundings of all their factors, and jump over the minimum with them: 16 times that.
 */
static double bound_of(bp_optimizer_kind kind) {
    return (kind == BP_RPROP ? 16 : 1) * STEPS * 0x1p-23;
}

static void check_trajectory(const bp_optimizer *o, float rate, slope_fn *slope, const char *function) {
    float w[DIMENSION], g[DIMENSION], s[DIMENSION] = {0}, t[DIMENSION] = {0}, average[DIMENSION];
    textbook_parameter p[DIMENSION] = {0};
    double moved = 0, worst = 0;
    for (size_t k = 0; k < DIMENSION; k++) {
        w[k] = average[k] = start_at(k);
        p[k].w = p[k].average = w[k];
    }
    for (unsigned step = 1; step <= STEPS; step++) {
        double at[DIMENSION], gradient[DIMENSION];
        for (size_t k = 0; k < DIMENSION; k++)
            at[k] = w[k];
        slope(at, gradient);
        for (size_t k = 0; k < DIMENSION; k++)
            g[k] = (float)gradient[k];
        test_oracle()->optimizer_step(o, step, rate, &(bp_parameters){w, {s, t}, o->average > 0 ? average : NULL}, g,
                                      DIMENSION);
        for (size_t k = 0; k < DIMENSION; k++)
            at[k] = p[k].w;
        slope(at, gradient);
        for (size_t k = 0; k < DIMENSION; k++) {
            textbook_step(o, step, (double)rate, &p[k], gradient[k]);
            worst = fmax(worst, fabs((double)w[k] - p[k].w));
            if (o->average > 0)
                worst = fmax(worst, fabs((double)average[k] - p[k].average));
        }
    }
    const double bound = bound_of(o->kind);
    for (size_t k = 0; k < DIMENSION; k++)
        moved = fmax(moved, fabs((double)w[k] - (double)start_at(k)));
    if (!(worst <= bound) || moved < 0.1)
        fail_msg("%s at %g on the %s: %g from the textbook where %g is allowed, moved by %g",
                 bp_optimizer_name(o->kind), (double)rate, function, worst, bound, moved);
}

static void trajectories_are_the_textbooks(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof trajectories / sizeof *trajectories; k++) {
        check_trajectory(&trajectories[k].optimizer, trajectories[k].rate, bowl, "bowl");
        check_trajectory(&trajectories[k].optimizer, trajectories[k].rate, trough, "trough");
    }
}

/* ---- Exact numbers -------------------------------------------------------------------------------------------- */

/* What an optimizer makes of w = 1 and the state (0, 0) by two gradients, computed by hand in exact numbers. A NaN in
 * the second's place leaves it out. */
static void check_two_steps(bp_optimizer o, float rate, float g1, float w1, float g2, float w2) {
    float w = 1, s = 0, t = 0;
    const bp_parameters p = {&w, {&s, &t}, NULL};
    test_oracle()->optimizer_step(&o, 1, rate, &p, &g1, 1);
    if (test_bits(w) != test_bits(w1))
        fail_msg("%s: %a after one step, by hand %a", bp_optimizer_name(o.kind), (double)w, (double)w1);
    test_oracle()->optimizer_step(&o, 2, rate, &p, &g2, 1);
    if (!isnan(w2) && test_bits(w) != test_bits(w2))
        fail_msg("%s: %a after two steps, by hand %a", bp_optimizer_name(o.kind), (double)w, (double)w2);
}

static void steps_by_hand(void **state) {
    (void)state;
    check_two_steps((bp_optimizer){.kind = BP_SGD}, 0.5f, 1, 0.5f, -0.5f, 0.75f);
    check_two_steps((bp_optimizer){.kind = BP_SGD, .weight_decay = 0.5f}, 0.5f, 1, 0.25f, 0, 0.1875f);
    check_two_steps((bp_optimizer){.kind = BP_SGD, .weight_decay = 0.5f, .decoupled = true}, 0.5f, 1, 0.25f, 0,
                    0.1875f);
    check_two_steps((bp_optimizer){.kind = BP_SGD, .clip = 0.25f}, 1, 4, 0.75f, -0.125f, 0.875f);
    /* v = 1, then 0.5 - 0.25 = 0.25. */
    check_two_steps((bp_optimizer){.kind = BP_MOMENTUM, .momentum = 0.5f}, 0.5f, 1, 0.5f, -0.25f, 0.375f);
    /* v = 1, n = 1.5; v = 0.25, n = -0.125. */
    check_two_steps((bp_optimizer){.kind = BP_NESTEROV, .momentum = 0.5f}, 0.5f, 1, 0.25f, -0.25f, 0.3125f);
    /* s = 9, g / (3 + 3); s = 25, g / (5 + 3). */
    check_two_steps((bp_optimizer){.kind = BP_ADAGRAD, .epsilon = 3}, 1, 3, 0.5f, 4, 0);
    /* s = 4, g / (2 + 2); s = 3 + 1, g / (2 + 2). */
    check_two_steps((bp_optimizer){.kind = BP_RMSPROP, .beta2 = 0.75f, .epsilon = 2}, 0.25f, 4, 0.75f, 2, 0.625f);
    /* c = 2, m = 1; c = 0.5 - 0.25. */
    check_two_steps((bp_optimizer){.kind = BP_LION, .beta1 = 0.5f, .beta2 = 0.75f}, 0.25f, 4, 0.75f, -0.5f, 0.5f);
    /* m = 1, corrected 2; v = 1, corrected 4: 2 / sqrt(4). Later corrections are no exact numbers. */
    check_two_steps((bp_optimizer){.kind = BP_ADAM, .beta1 = 0.5f, .beta2 = 0.75f, .epsilon = FLT_MIN}, 0.5f, 2, 0.5f,
                    0, NAN);
    /* Sizes 0.25, then 0.5 with the same sign; with the other sign 0.125 and no step. */
    check_two_steps((bp_optimizer){.kind = BP_RPROP, .grow = 2}, 0.25f, 3, 0.75f, 0.5f, 0.25f);
    check_two_steps((bp_optimizer){.kind = BP_RPROP, .grow = 2}, 0.25f, 3, 0.75f, -0.5f, 0.75f);
}

static void steps_have_the_scalar_bits(void **state) {
    (void)state;
    test_each_table(step_counts);
}

static void updates_have_the_scalar_bits(void **state) {
    (void)state;
    test_each_table(updates);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_by_hand),
        cmocka_unit_test(trajectories_are_the_textbooks),
        cmocka_unit_test(steps_have_the_scalar_bits),
        cmocka_unit_test(updates_have_the_scalar_bits),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
