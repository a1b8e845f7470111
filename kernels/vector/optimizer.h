/* Optimizers on vectors; include/backprop/optimizer.h defines them. */
#ifndef BP_VECTOR_OPTIMIZER_H
#define BP_VECTOR_OPTIMIZER_H

#include <stddef.h>

#include <backprop/optimizer.h>

#include "rule.h"
#include "tables.h"
#include "vector/tile.h"

/* A row-major matrix. */
static inline bp_panels row_major(const float *at, size_t ld) {
    return (bp_panels){(float *)at, ld, TILE_COLUMNS};
}

/* w by its gradient g and its state s, t. */
static ALWAYS_INLINE vec rule_value(const bp_optimizer_kind kind, const bp_rule *r, vec w, vec g, vec *s, vec *t) {
    const vec rate = vec_set1(r->rate), zero = vec_set1(0.0f);
    switch (kind) {
    case BP_MOMENTUM:
        *s = vec_fma(vec_set1(r->momentum), *s, g);
        return vec_fnma(rate, *s, w);
    case BP_NESTEROV:
        *s = vec_fma(vec_set1(r->momentum), *s, g);
        return vec_fnma(rate, vec_fma(vec_set1(r->momentum), *s, g), w);
    case BP_ADAGRAD:
        *s = vec_fma(g, g, *s);
        return vec_fnma(rate, vec_div(g, vec_add(vec_sqrt(*s), vec_set1(r->epsilon))), w);
    case BP_RMSPROP:
        *s = vec_fma(vec_set1(r->beta2), *s, vec_mul(vec_set1(r->rest2), vec_mul(g, g)));
        return vec_fnma(rate, vec_div(g, vec_add(vec_sqrt(*s), vec_set1(r->epsilon))), w);
    case BP_ADAM: {
        *s = vec_fma(vec_set1(r->beta1), *s, vec_mul(vec_set1(r->rest1), g));
        *t = vec_fma(vec_set1(r->beta2), *t, vec_mul(vec_set1(r->rest2), vec_mul(g, g)));
        const vec root = vec_fma(vec_sqrt(*t), vec_set1(r->correction), vec_set1(r->epsilon));
        return vec_fnma(rate, vec_div(*s, root), w);
    }
    case BP_LION: {
        const vec c = vec_fma(vec_set1(r->beta1), *s, vec_mul(vec_set1(r->rest1), g));
        *s = vec_fma(vec_set1(r->beta2), *s, vec_mul(vec_set1(r->rest2), g));
        return vec_fnma(rate, vec_sign(c), w);
    }
    case BP_RPROP: {
        const vec q = vec_mul(vec_sign(g), vec_sign(*s));
        const vec_mask same = vec_less(zero, q), turned = vec_less(q, zero);
        const vec most = vec_set1(r->step_max), least_step = vec_set1(r->step_min);
        const vec d = vec_select(vec_less_equal(*t, zero), rate, *t);
        const vec grown = vec_mul(d, vec_set1(r->grow)), shrunk = vec_mul(d, vec_set1(r->shrink));
        *t = vec_select(same, vec_select(vec_less(most, grown), most, grown), d);
        *t = vec_select(turned, vec_select(vec_less(shrunk, least_step), least_step, shrunk), *t);
        *s = vec_select(turned, zero, g);
        return vec_fnma(*t, vec_sign(*s), w);
    }
    default:
        return vec_fnma(rate, g, w);
    }
}

/* The first `lanes` parameters of those at w, by their gradients. */
static ALWAYS_INLINE void rule_vector(const bp_optimizer_kind kind, const bp_rule *r, float *at, const float *gradient,
                                      size_t lanes) {
    const size_t k = (size_t)(at - r->arrays.values), states = kind == BP_ADAM || kind == BP_RPROP ? 2 : kind != BP_SGD;
    float *const first = r->arrays.state[0], *const second = r->arrays.state[1], *const average = r->arrays.average;
    vec w = load_some(at, lanes), g = load_some(gradient, lanes), none = vec_set1(0.0f);
    vec s = states > 0 ? load_some(first + k, lanes) : none, t = states > 1 ? load_some(second + k, lanes) : none;
    if (r->adjusts) {
        if (r->scales)
            g = vec_mul(g, vec_set1(r->factor));
        if (r->clips) {
            const vec high = vec_set1(r->clip), low = vec_negate(high);
            g = vec_select(vec_less(g, low), low, vec_select(vec_less(high, g), high, g));
        }
        if (r->penalizes)
            g = vec_fma(vec_set1(r->penalty), w, g);
        if (r->decays)
            w = vec_mul(w, vec_set1(r->keep));
    }
    w = rule_value(kind, r, w, g, &s, &t);
    store_some(at, lanes, w);
    if (states > 0)
        store_some(first + k, lanes, s);
    if (states > 1)
        store_some(second + k, lanes, t);
    if (average) {
        const vec rest = vec_mul(vec_set1(r->rest), w);
        store_some(average + k, lanes, vec_fma(vec_set1(r->average), load_some(average + k, lanes), rest));
    }
}

/* Rows of parameters by their gradients, which lie in panels. */
static ALWAYS_INLINE void rule_rows(const bp_optimizer_kind kind, const bp_rule *rule, rule_role role, float *w,
                                    size_t ldw, bp_panels g, size_t rows, size_t columns) {
    const bp_rule r = rule_for(rule, role); /* a copy: for all that the compiler knows, a store might change *rule */
    for (; rows > 0; rows--, w += ldw, g.at += g.row) {
        const float *panel = g.at;
        size_t n = 0;
        for (; n + TILE_COLUMNS <= columns; n += TILE_COLUMNS, panel += g.panel)
            UNROLL_FOR (size_t j = 0; j < TILE_COLUMNS; j += VEC_LANES)
                rule_vector(kind, &r, w + n + j, panel + j, VEC_LANES);
        for (; n < columns; n += VEC_LANES, panel += VEC_LANES)
            rule_vector(kind, &r, w + n, panel, columns - n < VEC_LANES ? columns - n : VEC_LANES);
    }
}

/* Row-major parameters w [rows x columns], a part of the rule's arrays, by their gradients g in panels. */
static void apply_rule(const bp_rule *rule, rule_role role, float *w, size_t ldw, bp_panels g, size_t rows,
                       size_t columns) {
    if (columns == TILE_COLUMNS && ldw == TILE_COLUMNS && g.row == TILE_COLUMNS) { /* rows lie end to end: one row */
        columns *= rows;
        rows = 1;
        g.panel = TILE_COLUMNS;
    }
    switch (rule->kind) {
    case BP_MOMENTUM:
        rule_rows(BP_MOMENTUM, rule, role, w, ldw, g, rows, columns);
        break;
    case BP_NESTEROV:
        rule_rows(BP_NESTEROV, rule, role, w, ldw, g, rows, columns);
        break;
    case BP_ADAGRAD:
        rule_rows(BP_ADAGRAD, rule, role, w, ldw, g, rows, columns);
        break;
    case BP_RMSPROP:
        rule_rows(BP_RMSPROP, rule, role, w, ldw, g, rows, columns);
        break;
    case BP_ADAM:
    case BP_ADAMW:
        rule_rows(BP_ADAM, rule, role, w, ldw, g, rows, columns);
        break;
    case BP_LION:
        rule_rows(BP_LION, rule, role, w, ldw, g, rows, columns);
        break;
    case BP_RPROP:
        rule_rows(BP_RPROP, rule, role, w, ldw, g, rows, columns);
        break;
    default:
        rule_rows(BP_SGD, rule, role, w, ldw, g, rows, columns);
        break;
    }
}

static inline void optimizer_step(const bp_optimizer *optimizer, uint64_t step, float rate,
                                  const bp_parameters *parameters, const float *gradient, size_t count) {
    const bp_rule rule = rule_of(optimizer, step, rate, parameters);
    apply_rule(&rule, RULE_WEIGHTS, parameters->values, 0, row_major(gradient, 0), 1, count);
}

#endif
