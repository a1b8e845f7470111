/* Optimizers on vectors; include/backprop/optimizer.h defines them. */
#ifndef BP_VECTOR_OPTIMIZER_H
#define BP_VECTOR_OPTIMIZER_H

#include <stddef.h>

#include <backprop/optimizer.h>

#include "backend.h"
#include "coefficients.h"
#include "vector/activation.h"
#include "vector/pack.h"

/* The new w from its gradient g and its state s, t. */
static ALWAYS_INLINE vec optimizer_value(const bp_optimizer_kind kind, const bp_coefficients *r, vec w, vec g, vec *s,
                                         vec *t) {
    const vec learning_rate = vec_set1(r->learning_rate), zero = vec_set1(0.0f);
    switch (kind) {
    case BP_OPTIMIZER_MOMENTUM:
        *s = vec_fma(vec_set1(r->momentum), *s, g);
        return vec_fnma(learning_rate, *s, w);
    case BP_OPTIMIZER_NESTEROV:
        *s = vec_fma(vec_set1(r->momentum), *s, g);
        return vec_fnma(learning_rate, vec_fma(vec_set1(r->momentum), *s, g), w);
    case BP_OPTIMIZER_ADAGRAD:
        *s = vec_fma(g, g, *s);
        return vec_fnma(learning_rate, vec_div(g, vec_add(vec_sqrt(*s), vec_set1(r->epsilon))), w);
    case BP_OPTIMIZER_RMSPROP:
        *s = vec_fma(vec_set1(r->beta2), *s, vec_mul(vec_set1(r->rest2), vec_mul(g, g)));
        return vec_fnma(learning_rate, vec_div(g, vec_add(vec_sqrt(*s), vec_set1(r->epsilon))), w);
    case BP_OPTIMIZER_ADAM: {
        *s = vec_fma(vec_set1(r->beta1), *s, vec_mul(vec_set1(r->rest1), g));
        *t = vec_fma(vec_set1(r->beta2), *t, vec_mul(vec_set1(r->rest2), vec_mul(g, g)));
        const vec root = vec_fma(vec_sqrt(*t), vec_set1(r->correction), vec_set1(r->epsilon));
        return vec_fnma(learning_rate, vec_div(*s, root), w);
    }
    case BP_OPTIMIZER_LION: {
        const vec c = vec_fma(vec_set1(r->beta1), *s, vec_mul(vec_set1(r->rest1), g));
        *s = vec_fma(vec_set1(r->beta2), *s, vec_mul(vec_set1(r->rest2), g));
        return vec_fnma(learning_rate, vec_sign(c), w);
    }
    case BP_OPTIMIZER_RPROP: {
        const vec q = vec_mul(vec_sign(g), vec_sign(*s));
        const vec_mask same = vec_less(zero, q), turned = vec_less(q, zero);
        const vec most = vec_set1(r->step_max), least_step = vec_set1(r->step_min);
        const vec d = vec_select(vec_less_equal(*t, zero), learning_rate, *t);
        const vec grown = vec_mul(d, vec_set1(r->grow)), shrunk = vec_mul(d, vec_set1(r->shrink));
        *t = vec_select(same, vec_select(vec_less(most, grown), most, grown), d);
        *t = vec_select(turned, vec_select(vec_less(shrunk, least_step), least_step, shrunk), *t);
        *s = vec_select(turned, zero, g);
        return vec_fnma(*t, vec_sign(*s), w);
    }
    case BP_OPTIMIZER_SGD:
    case BP_OPTIMIZER_ADAMW: /* as Adam, by the caller */
        break;
    }
    return vec_fnma(learning_rate, g, w);
}

/* One vector of parameters, the first `lanes` of it. */
static ALWAYS_INLINE void optimizer_vector(const bp_optimizer_kind kind, const bp_coefficients *r, float *at,
                                           const float *gradient, size_t lanes) {
    const size_t k = (size_t)(at - r->arrays.values), states = optimizer_states(kind);
    float *const first = r->arrays.state[0], *const second = r->arrays.state[1], *const average = r->arrays.ema;
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
    w = optimizer_value(kind, r, w, g, &s, &t);
    store_some(at, lanes, w);
    if (states > 0)
        store_some(first + k, lanes, s);
    if (states > 1)
        store_some(second + k, lanes, t);
    if (average) {
        const vec rest = vec_mul(vec_set1(r->ema_rest), w);
        store_some(average + k, lanes, vec_fma(vec_set1(r->ema_decay), load_some(average + k, lanes), rest));
    }
}

/* Stores a gradient in `to`, or updates the parameters there by it. `update` is null or plain. */
static ALWAYS_INLINE void store_gradient(const bp_coefficients *update, float *to, size_t lanes, vec gradient) {
    if (update)
        gradient = vec_fnma(vec_set1(update->learning_rate), gradient, load_some(to, lanes));
    store_some(to, lanes, gradient);
}

/* Rows of parameters; their gradients are packed. */
static ALWAYS_INLINE void optimizer_rows(const bp_optimizer_kind kind, const bp_coefficients *coefficients,
                                         parameter_role role, float *w, size_t ldw, bp_packed g, size_t rows,
                                         size_t columns) {
    /* A copy: the compiler cannot know that the stores do not change it. */
    const bp_coefficients r = coefficients_for(coefficients, role);
    for (; rows > 0; rows--, w += ldw, g.data += g.row_stride) {
        const float *panel = g.data;
        size_t n = 0;
        for (; n + NR <= columns; n += NR, panel += g.panel_stride)
            UNROLL_FOR (size_t j = 0; j < NR; j += VEC_LANES)
                optimizer_vector(kind, &r, w + n + j, panel + j, VEC_LANES);
        for (; n < columns; n += VEC_LANES, panel += VEC_LANES)
            optimizer_vector(kind, &r, w + n, panel, columns - n < VEC_LANES ? columns - n : VEC_LANES);
    }
}

/* Updates row-major parameters w [rows x columns], a part of coefficients->arrays, by packed gradients g. */
static void apply_optimizer(const bp_coefficients *coefficients, parameter_role role, float *w, size_t ldw, bp_packed g,
                            size_t rows, size_t columns) {
    if (columns == NR && ldw == NR && g.row_stride == NR) { /* contiguous: one long row */
        columns *= rows;
        rows = 1;
        g.panel_stride = NR;
    }
    switch (coefficients->kind) {
    case BP_OPTIMIZER_MOMENTUM:
        optimizer_rows(BP_OPTIMIZER_MOMENTUM, coefficients, role, w, ldw, g, rows, columns);
        break;
    case BP_OPTIMIZER_NESTEROV:
        optimizer_rows(BP_OPTIMIZER_NESTEROV, coefficients, role, w, ldw, g, rows, columns);
        break;
    case BP_OPTIMIZER_ADAGRAD:
        optimizer_rows(BP_OPTIMIZER_ADAGRAD, coefficients, role, w, ldw, g, rows, columns);
        break;
    case BP_OPTIMIZER_RMSPROP:
        optimizer_rows(BP_OPTIMIZER_RMSPROP, coefficients, role, w, ldw, g, rows, columns);
        break;
    case BP_OPTIMIZER_ADAM:
    case BP_OPTIMIZER_ADAMW:
        optimizer_rows(BP_OPTIMIZER_ADAM, coefficients, role, w, ldw, g, rows, columns);
        break;
    case BP_OPTIMIZER_LION:
        optimizer_rows(BP_OPTIMIZER_LION, coefficients, role, w, ldw, g, rows, columns);
        break;
    case BP_OPTIMIZER_RPROP:
        optimizer_rows(BP_OPTIMIZER_RPROP, coefficients, role, w, ldw, g, rows, columns);
        break;
    case BP_OPTIMIZER_SGD:
        optimizer_rows(BP_OPTIMIZER_SGD, coefficients, role, w, ldw, g, rows, columns);
        break;
    }
}

static inline void optimizer_step(const bp_parameters *parameters, const float *gradient, size_t count,
                                  const bp_optimizer *optimizer, uint64_t step, float learning_rate) {
    const bp_coefficients coefficients = coefficients_of(optimizer, step, learning_rate, parameters);
    apply_optimizer(&coefficients, ROLE_WEIGHTS, parameters->values, 0, row_major(gradient, 0), 1, count);
}

static inline void sgd(float *parameters, const float *gradient, size_t count, float learning_rate) {
    size_t k = 0;
    for (; k + SGD_VECS * VEC_LANES <= count; k += SGD_VECS * VEC_LANES) {
        UNROLL_FOR (size_t v = 0; v < SGD_VECS; v++) {
            float *at = parameters + k + v * VEC_LANES;
            vec_store(at, vec_fnma(vec_set1(learning_rate), vec_load(gradient + k + v * VEC_LANES), vec_load(at)));
        }
    }
    for (; k < count; k += VEC_LANES) {
        const size_t n = least(count - k, VEC_LANES);
        const vec g = load_some(gradient + k, n);
        store_some(parameters + k, n, vec_fnma(vec_set1(learning_rate), g, load_some(parameters + k, n)));
    }
}

#endif
