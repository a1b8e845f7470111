/* Optimizers, alone and fused with the gradient, and schedules of their rates. */
#include "cases.h"
#include "enum_counts.h"

#include <float.h>

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
    float learning_rate;
} drawn;

/* The public functions refuse numbers that a kind does not have. */
static void drop_foreign_numbers(bp_optimizer *o) {
    const bp_optimizer has = bp_optimizer_defaults(o->kind);
    o->momentum = has.momentum > 0 ? o->momentum : 0;
    o->beta1 = has.beta1 > 0 ? o->beta1 : 0;
    o->beta2 = has.beta2 > 0 ? o->beta2 : 0;
    o->epsilon = has.epsilon > 0 ? o->epsilon : 0;
    if (o->kind != BP_OPTIMIZER_RPROP)
        o->shrink = o->grow = o->step_min = o->step_max = 0;
}

static drawn draw_step(test_trial *trial, bp_optimizer_kind kind) {
    static const uint64_t steps[] = {1, 2, 3, 10, 1000, 12345, UINT64_C(1) << 40};
    drawn d = {.step = steps[test_random_below(&trial->random, sizeof steps / sizeof *steps)],
               .learning_rate = DRAW(trial, 0.1f, 1.0f, 0.001f, 0.0f, -0.5f, 0x1p-30f)};
    d.optimizer = bp_optimizer_defaults(kind);
    d.optimizer.weight_decay = DRAW(trial, 0, 0, 0.01f, 3);
    d.optimizer.decoupled = test_random_below(&trial->random, 3) == 0;
    d.optimizer.clip = DRAW(trial, 0, 0, 1, 0.01f, FLT_MAX);
    d.optimizer.ema_decay = DRAW(trial, 0, 0, 0.999f, FLT_MIN);
    if (test_random_below(&trial->random, 2) == 0) { /* of which each kind has some; zeros are zeros */
        d.optimizer.momentum = DRAW(trial, 0.5f, 0.99f, FLT_MIN, 0);
        d.optimizer.beta1 = DRAW(trial, 0.5f, 0.95f, FLT_MIN, 0);
        d.optimizer.beta2 = DRAW(trial, 0.75f, 0.9999f, FLT_MIN, 0);
        d.optimizer.epsilon = DRAW(trial, 1, 1e-3f, FLT_MIN, 0);
        d.optimizer.shrink = DRAW(trial, 0.25f, 0.9f);
        d.optimizer.grow = DRAW(trial, 1.5f, 3);
        d.optimizer.step_min = DRAW(trial, 0.01f, FLT_MIN, 0);
        d.optimizer.step_max = DRAW(trial, 1, FLT_MAX);
        drop_foreign_numbers(&d.optimizer);
    }
    if (test_random_below(&trial->random, 2) == 0)
        d.optimizer.decay_scope = BP_DECAY_SCOPE_WEIGHTS;
    test_note(trial, ", %s step %llu rate %g decay %g%s%s clip %g average %g", bp_optimizer_name(kind),
              (unsigned long long)d.step, (double)d.learning_rate, (double)d.optimizer.weight_decay,
              d.optimizer.decoupled ? " decoupled" : "",
              d.optimizer.decay_scope == BP_DECAY_SCOPE_WEIGHTS ? " of weights" : "", (double)d.optimizer.clip,
              (double)d.optimizer.ema_decay);
    return d;
}

/* ---- One array ------------------------------------------------------------------------------------------------ */

/* Parameters with their state: operands, null where the optimizer has none. */
typedef struct arrays {
    test_operand *values, *state[BP_OPTIMIZER_STATES], *ema;
} arrays;

static arrays add_arrays(test_trial *trial, const bp_optimizer *o, const char *const names[4], size_t rows,
                         size_t columns) {
    arrays a = {.values = test_updated(trial, names[0], rows, columns)};
    test_operand **const others[] = {&a.state[0], &a.state[1], &a.ema};
    const bool wanted[] = {bp_optimizer_states(o->kind) > 0, bp_optimizer_states(o->kind) > 1, o->ema_decay > 0.0f};
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
    p.ema = a->ema != NULL ? a->ema->data + at : NULL;
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
        kernels->optimizer_step(&low, v->gradient->data, cut, &v->d.optimizer, v->d.step, v->d.learning_rate);
    if (cut < v->count)
        kernels->optimizer_step(&high, v->gradient->data + cut, v->count - cut, &v->d.optimizer, v->d.step,
                                v->d.learning_rate);
}

void case_optimizer_step(test_table *table, test_side side, size_t count, size_t repetition, bp_optimizer_kind kind) {
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
    kernels->dense_gradient_update(with_weights ? &weights : NULL, test_ld(u->weights.values),
                                   with_bias ? &biases : NULL, u->x->data + i, u->x->ld, u->delta->data + j,
                                   u->delta->ld, u->batch, i_end - i, j_end - j, &u->d.optimizer, u->d.step,
                                   u->d.learning_rate, test_scratch_for(scratch, u->batch, i_end - i, j_end - j));
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
void case_dense_gradient_update(test_table *table, test_side side, size_t in, size_t out, size_t batch) {
    const bp_optimizer_kind kind = (bp_optimizer_kind)((in + 3 * out + 5 * batch + side) % OPTIMIZER_COUNT);
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

/* ---- Schedules ------------------------------------------------------------------------------------------------- */

typedef struct rates {
    bp_schedule schedule;
    uint64_t first;
    size_t count;
    test_operand *result;
} rates;

static void call_rates(const bp_kernels *kernels, bool under_test, void *scratch, void *arguments) {
    (void)under_test;
    (void)scratch;
    const rates *r = arguments;
    for (size_t k = 0; k < r->count; k++)
        r->result->data[k] = kernels->schedule_learning_rate(&r->schedule, r->first + k);
}

void case_schedule_rate(test_table *table, test_side side, size_t count, size_t repetition, bp_schedule_kind kind) {
    test_trial *trial =
        test_begin(table, "schedule_learning_rate", side, "%s/%zu/%zu", bp_schedule_name(kind), count, repetition);
    if (trial == NULL)
        return;
    static const uint64_t milestones[] = {0, 5, 5, 19, 100, UINT64_MAX};
    rates r = {.count = count, .schedule = bp_schedule_defaults(kind)};
    r.schedule.learning_rate = DRAW(trial, 0.1f, 1, 0.001f, 0, FLT_MIN, FLT_MAX);
    r.schedule.factor = DRAW(trial, 0.5f, 0.1f, 0, 1);
    r.schedule.start = DRAW(trial, 0, 0.01f, 0.3f);
    r.schedule.end = DRAW(trial, 0, 1e-5f, 0.5f);
    r.schedule.warmup = test_random_below(&trial->random, 3) * test_random_below(&trial->random, 20);
    r.schedule.steps = r.schedule.warmup + 1 + test_random_below(&trial->random, 2 * count);
    r.schedule.milestones = milestones;
    r.schedule.milestone_count = 1 + test_random_below(&trial->random, sizeof milestones / sizeof *milestones);
    r.schedule.period_factor = test_random_below(&trial->random, 4);
    r.schedule.period_factor += r.schedule.period_factor == 0;
    if (test_random_below(&trial->random, 4) == 0)
        r.first = test_random_next(&trial->random) >> test_random_below(&trial->random, 64);
    test_note(trial, ", rate %g factor %g start %g end %g warm-up %llu of %llu, from step %llu",
              (double)r.schedule.learning_rate, (double)r.schedule.factor, (double)r.schedule.start,
              (double)r.schedule.end, (unsigned long long)r.schedule.warmup, (unsigned long long)r.schedule.steps,
              (unsigned long long)r.first);
    r.result = test_output(trial, "rates", 1, count);
    test_run(trial, call_rates, &r);
}
