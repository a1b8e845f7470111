/*
 * Optimizer steps, alone and fused with the gradient, of every table against the oracle, bit for bit; and the oracle's
 * trajectories against textbook formulas in double precision.
 */
#include <float.h>
#include <math.h>

#include "harness/harness.h"
#include "harness/usual.h"

#include <backprop/dense.h>
#include <backprop/optimizer.h>

#include "cases/cases.h"
#include "enum_counts.h"
#include "textbook_optimizer.h"

/* ---- Every table against the oracle --------------------------------------------------------------------------- */

static void step_counts(test_table *table) {
    static const size_t large[] = {255, 256, 257, 1000, 4099};
    const size_t repetitions = test_quick() ? 1 : 6;
    for (int kind = 0; kind < OPTIMIZER_COUNT; kind++)
        for (size_t repetition = 0; repetition < repetitions; repetition++) {
            for (size_t count = 1; count <= 2 * table->kernels->tile_columns + 17; count++)
                case_optimizer_step(table, count % 2 ? TEST_END : TEST_START, count, repetition,
                                    (bp_optimizer_kind)kind);
            for (size_t k = 0; k < sizeof large / sizeof *large; k++)
                case_optimizer_step(table, TEST_END, large[k], repetition, (bp_optimizer_kind)kind);
        }
}

static void updates(test_table *table) {
    static const size_t batches[] = {BP_ROW_BLOCK - 1, BP_ROW_BLOCK, BP_ROW_BLOCK + 1, 2 * BP_ROW_BLOCK + 1, 700};
    static const test_shape large[] = {
        {131, 257, 67}, {784, 10, 128}, {1, 1000, 300}, {300, 1, 1},
        {530, 200, 7},  {1100, 19, 64}, {37, 1100, 70}, {259, 517, 513},
    };
    const size_t rows = table->kernels->tile_rows, columns = table->kernels->tile_columns;
    test_sweep_products(table, case_dense_gradient_update);
    for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
        const test_shape shapes[] = {{1, 1, batches[k]},
                                     {1, 5 * columns + 3, batches[k]},
                                     {3, columns + 1, batches[k]},
                                     {rows + 1, 5, batches[k]},
                                     {rows, columns, batches[k]}};
        test_sweep_shapes(table, case_dense_gradient_update, shapes, sizeof shapes / sizeof *shapes);
    }
    test_sweep_shapes(table, case_dense_gradient_update, large, sizeof large / sizeof *large);
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
    float learning_rate;
} trajectories[] = {
    {{.kind = BP_OPTIMIZER_SGD}, 0.05f},
    {{.kind = BP_OPTIMIZER_SGD, .weight_decay = 0.01f}, 0.05f},
    {{.kind = BP_OPTIMIZER_SGD, .weight_decay = 0.1f, .decoupled = true, .clip = 0.125f, .ema_decay = 0.9f}, 0.05f},
    {{.kind = BP_OPTIMIZER_MOMENTUM}, 0.01f},
    {{.kind = BP_OPTIMIZER_MOMENTUM, .momentum = 0.5f, .weight_decay = 0.01f, .clip = 0.5f}, 0.02f},
    {{.kind = BP_OPTIMIZER_NESTEROV}, 0.01f},
    {{.kind = BP_OPTIMIZER_ADAGRAD}, 0.1f},
    {{.kind = BP_OPTIMIZER_ADAGRAD, .epsilon = 1e-3f, .weight_decay = 0.01f}, 0.1f},
    {{.kind = BP_OPTIMIZER_RMSPROP}, 0.003f},
    {{.kind = BP_OPTIMIZER_ADAM}, 0.01f},
    {{.kind = BP_OPTIMIZER_ADAM, .weight_decay = 0.01f, .ema_decay = 0.99f}, 0.01f},
    {{.kind = BP_OPTIMIZER_ADAM, .beta1 = 0.5f, .beta2 = 0.9f, .epsilon = 1e-4f}, 0.01f},
    {{.kind = BP_OPTIMIZER_ADAMW, .weight_decay = 0.1f}, 0.01f},
    {{.kind = BP_OPTIMIZER_LION}, 0.0078125f},
    {{.kind = BP_OPTIMIZER_LION, .weight_decay = 0.25f}, 0.0078125f},
    {{.kind = BP_OPTIMIZER_RPROP}, 0.0078125f},
    {{.kind = BP_OPTIMIZER_RPROP, .shrink = 0.25f, .grow = 1.5f, .step_max = 0.0625f}, 0.015625f},
};

/* Numbers that are zero. Adam without beta1 and RMSprop follow single gradients, without beta2 their signs alone. */
static const struct {
    bp_optimizer_kind kind;
    const char *names[2];
    float learning_rate;
} zeros[] = {
    {BP_OPTIMIZER_MOMENTUM, {"momentum"}, 0.05f},
    {BP_OPTIMIZER_NESTEROV, {"momentum"}, 0.05f},
    {BP_OPTIMIZER_ADAM, {"beta1"}, 0.01f},
    {BP_OPTIMIZER_ADAMW, {"beta1", "epsilon"}, 0.01f},
    {BP_OPTIMIZER_RMSPROP, {"epsilon"}, 0.003f},
    {BP_OPTIMIZER_ADAGRAD, {"epsilon"}, 0.1f},
    {BP_OPTIMIZER_LION, {"beta1", "beta2"}, 0.0078125f},
};

static void set_number(bp_optimizer *o, const char *name, float value) {
    float *const numbers[] = {&o->momentum, &o->beta1, &o->beta2, &o->epsilon};
    static const char *const names[] = {"momentum", "beta1", "beta2", "epsilon"};
    for (size_t k = 0; k < 4; k++)
        if (strcmp(names[k], name) == 0)
            *numbers[k] = value;
}

/*
 * A step rounds a parameter, of up to 4, by at most 2^-23, and what it is moved and shrunk by by as much again in the
 * direction of either; the functions pull together what is apart. The bound is 2^-23 for each step. RPROP's sizes of
 * steps carry the roundings of all their factors, and jump over the minimum with them: 16 times that.
 */
static double bound_of(bp_optimizer_kind kind) {
    return (kind == BP_OPTIMIZER_RPROP ? 16 : 1) * STEPS * 0x1p-23;
}

static void check_trajectory(const bp_optimizer *o, float learning_rate, slope_fn *slope, const char *function) {
    float w[DIMENSION], g[DIMENSION], s[DIMENSION] = {0}, t[DIMENSION] = {0}, average[DIMENSION];
    textbook_parameter p[DIMENSION] = {0};
    double moved = 0, worst = 0;
    for (size_t k = 0; k < DIMENSION; k++) {
        w[k] = average[k] = start_at(k);
        p[k].w = p[k].ema = w[k];
    }
    for (unsigned step = 1; step <= STEPS; step++) {
        double at[DIMENSION], gradient[DIMENSION];
        for (size_t k = 0; k < DIMENSION; k++)
            at[k] = w[k];
        slope(at, gradient);
        for (size_t k = 0; k < DIMENSION; k++)
            g[k] = (float)gradient[k];
        test_oracle()->optimizer_step(&(bp_parameters){w, {s, t}, o->ema_decay > 0 ? average : NULL}, g, DIMENSION, o,
                                      step, learning_rate);
        for (size_t k = 0; k < DIMENSION; k++)
            at[k] = p[k].w;
        slope(at, gradient);
        for (size_t k = 0; k < DIMENSION; k++) {
            textbook_step(o, step, (double)learning_rate, &p[k], gradient[k]);
            worst = fmax(worst, fabs((double)w[k] - p[k].w));
            if (o->ema_decay > 0)
                worst = fmax(worst, fabs((double)average[k] - p[k].ema));
        }
    }
    const double bound = bound_of(o->kind);
    for (size_t k = 0; k < DIMENSION; k++)
        moved = fmax(moved, fabs((double)w[k] - (double)start_at(k)));
    if (!(worst <= bound) || moved < 0.1)
        fail_msg("%s at %g on the %s: %g from the textbook where %g is allowed, moved by %g",
                 bp_optimizer_name(o->kind), (double)learning_rate, function, worst, bound, moved);
}

static void trajectories_are_the_textbooks(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof trajectories / sizeof *trajectories; k++) {
        const bp_optimizer o = usual(trajectories[k].optimizer);
        check_trajectory(&o, trajectories[k].learning_rate, bowl, "bowl");
        check_trajectory(&o, trajectories[k].learning_rate, trough, "trough");
    }
    for (size_t k = 0; k < sizeof zeros / sizeof *zeros; k++) {
        bp_optimizer o = bp_optimizer_defaults(zeros[k].kind);
        for (size_t n = 0; n < 2 && zeros[k].names[n]; n++)
            set_number(&o, zeros[k].names[n], 0);
        check_trajectory(&o, zeros[k].learning_rate, bowl, "bowl");
        check_trajectory(&o, zeros[k].learning_rate, trough, "trough");
    }
}

/* ---- Exact numbers -------------------------------------------------------------------------------------------- */

/* What an optimizer makes of w = 1 and the state (0, 0) by two gradients, computed by hand in exact numbers. A NaN in
 * the second's place leaves it out. */
static void check_two_steps(bp_optimizer o, float learning_rate, float g1, float w1, float g2, float w2) {
    float w = 1, s = 0, t = 0;
    o = usual(o);
    const bp_parameters p = {&w, {&s, &t}, NULL};
    test_oracle()->optimizer_step(&p, &g1, 1, &o, 1, learning_rate);
    if (test_bits(w) != test_bits(w1))
        fail_msg("%s: %a after one step, by hand %a", bp_optimizer_name(o.kind), (double)w, (double)w1);
    test_oracle()->optimizer_step(&p, &g2, 1, &o, 2, learning_rate);
    if (!isnan(w2) && test_bits(w) != test_bits(w2))
        fail_msg("%s: %a after two steps, by hand %a", bp_optimizer_name(o.kind), (double)w, (double)w2);
}

static void steps_by_hand(void **state) {
    (void)state;
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_SGD}, 0.5f, 1, 0.5f, -0.5f, 0.75f);
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_SGD, .weight_decay = 0.5f}, 0.5f, 1, 0.25f, 0, 0.1875f);
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_SGD, .weight_decay = 0.5f, .decoupled = true}, 0.5f, 1, 0.25f,
                    0, 0.1875f);
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_SGD, .clip = 0.25f}, 1, 4, 0.75f, -0.125f, 0.875f);
    /* v = 1, then 0.5 - 0.25 = 0.25. */
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_MOMENTUM, .momentum = 0.5f}, 0.5f, 1, 0.5f, -0.25f, 0.375f);
    /* v = 1, n = 1.5; v = 0.25, n = -0.125. */
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_NESTEROV, .momentum = 0.5f}, 0.5f, 1, 0.25f, -0.25f, 0.3125f);
    /* s = 9, g / (3 + 3); s = 25, g / (5 + 3). */
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_ADAGRAD, .epsilon = 3}, 1, 3, 0.5f, 4, 0);
    /* s = 4, g / (2 + 2); s = 3 + 1, g / (2 + 2). */
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_RMSPROP, .beta2 = 0.75f, .epsilon = 2}, 0.25f, 4, 0.75f, 2,
                    0.625f);
    /* c = 2, m = 1; c = 0.5 - 0.25. */
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_LION, .beta1 = 0.5f, .beta2 = 0.75f}, 0.25f, 4, 0.75f, -0.5f,
                    0.5f);
    /* m = 1, corrected 2; v = 1, corrected 4: 2 / sqrt(4). Later corrections are no exact numbers. */
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_ADAM, .beta1 = 0.5f, .beta2 = 0.75f, .epsilon = FLT_MIN}, 0.5f,
                    2, 0.5f, 0, NAN);
    /* Sizes 0.25, then 0.5 with the same sign; with the other sign 0.125 and no step. */
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_RPROP, .grow = 2}, 0.25f, 3, 0.75f, 0.5f, 0.25f);
    check_two_steps((bp_optimizer){.kind = BP_OPTIMIZER_RPROP, .grow = 2}, 0.25f, 3, 0.75f, -0.5f, 0.75f);
}

/* Zero is zero: momentum without one is plain descent, and Adam without its betas takes steps of one size. */
static void zeros_by_hand(void **state) {
    (void)state;
    bp_optimizer o = bp_optimizer_defaults(BP_OPTIMIZER_MOMENTUM);
    o.momentum = 0;
    check_two_steps(o, 0.5f, 1, 0.5f, -0.25f, 0.625f);
    o.kind = BP_OPTIMIZER_NESTEROV;
    check_two_steps(o, 0.5f, 1, 0.5f, -0.25f, 0.625f);
    o = bp_optimizer_defaults(BP_OPTIMIZER_ADAGRAD);
    o.epsilon = 0; /* s = 16, 4 / 4 */
    check_two_steps(o, 0.5f, 4, 0.5f, 0, 0.5f);
    o = bp_optimizer_defaults(BP_OPTIMIZER_RMSPROP);
    o.beta2 = o.epsilon = 0; /* g / |g| */
    check_two_steps(o, 0.25f, 3, 0.75f, -0.5f, 1);
    o = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
    o.beta1 = o.beta2 = o.epsilon = 0; /* the same: m = g, v = g * g, nothing to correct */
    check_two_steps(o, 0.25f, 3, 0.75f, -0.5f, 1);
    o.beta2 = 0.75f; /* v = 0.25 * 16, corrected 16: 4 / 4 */
    check_two_steps(o, 0.25f, 4, 0.75f, 0, 0.75f);
    o = bp_optimizer_defaults(BP_OPTIMIZER_ADAMW);
    o.beta1 = o.beta2 = o.epsilon = 0;
    o.weight_decay = 0.5f; /* decoupled: 1 * (1 - 0.125) - 0.25, 0.625 * 0.875 + 0.25 */
    check_two_steps(o, 0.25f, 3, 0.625f, -0.5f, 0.796875f);
    o.decoupled = false; /* the gradients are 3.5 and 0.125, whose signs count */
    check_two_steps(o, 0.25f, 3, 0.75f, -0.25f, 0.5f);
    o = bp_optimizer_defaults(BP_OPTIMIZER_LION);
    o.beta1 = o.beta2 = 0;
    check_two_steps(o, 0.25f, 4, 0.75f, -0.5f, 1);
    o = bp_optimizer_defaults(BP_OPTIMIZER_RPROP);
    o.step_min = 0; /* 0.25, then no step */
    check_two_steps(o, 0.25f, 3, 0.75f, -0.5f, 0.75f);
}

/* The numbers of a step come from binary64, rounded once: of decay, and of Adam's corrections. */
static void constants_are_rounded_once(void **state) {
    (void)state;
    double power1 = 1, power2 = 1;
    for (unsigned step = 1; step <= 200; step++) {
        const float learning_rate = 0.004f * (float)step, decay = 0.7f, g = 0.3f, none = 0;
        const bp_optimizer adam = bp_optimizer_defaults(BP_OPTIMIZER_ADAM);
        bp_optimizer sgd = bp_optimizer_defaults(BP_OPTIMIZER_SGD);
        sgd.weight_decay = decay;
        sgd.decoupled = true;
        float w = 1, s = 0, t = 0;
        test_oracle()->optimizer_step(&(bp_parameters){&w, {NULL, NULL}, NULL}, &none, 1, &sgd, step, learning_rate);
        assert_int_equal(test_bits(w), test_bits((float)(1 - (double)learning_rate * (double)decay)));
        w = 0;
        test_oracle()->optimizer_step(&(bp_parameters){&w, {&s, &t}, NULL}, &g, 1, &adam, step, learning_rate);
        power1 *= (double)0.9f;
        power2 *= (double)0.999f;
        const float corrected = (float)((double)learning_rate / (1 - power1)),
                    correction = (float)(1 / sqrt(1 - power2));
        const float m = (1 - 0.9f) * g, v = (1 - 0.999f) * (g * g);
        assert_int_equal(test_bits(w), test_bits(fmaf(-corrected, m / fmaf(sqrtf(v), correction, 1e-8f), 0)));
    }
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
        cmocka_unit_test(zeros_by_hand),
        cmocka_unit_test(constants_are_rounded_once),
        cmocka_unit_test(trajectories_are_the_textbooks),
        cmocka_unit_test(steps_have_the_scalar_bits),
        cmocka_unit_test(updates_have_the_scalar_bits),
    };
    test_start(argv[0]);
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
