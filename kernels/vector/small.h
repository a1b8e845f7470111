/*
 * A whole step of a small network: every layer's outputs fit one panel, and the batch fits one row block. One call runs
 * all products, on rows that are one panel width apart, without blocking or packing; it reads the caller's inputs in
 * place. W^T is stored beside W, so that deltas and outputs are the same product:
 *
 *   outputs = X W + biases     previous deltas = deltas W^T     W -= rate X^T deltas     W^T -= rate deltas^T X
 *
 * Both updates run the same chains with the factors exchanged, and give the same bits. For more than SMALL_ROWS rows it
 * is faster to transpose W again.
 */
#ifndef BP_VECTOR_SMALL_H
#define BP_VECTOR_SMALL_H

#include "backend.h"
#include "enum_counts.h"
#include "vector/loss.h"
#include "vector/optimizer.h"
#include "vector/pack.h"

/* Adds A B to acc, for `rows` rows of A and `vecs` whole vectors of B's columns. */
static ALWAYS_INLINE void small_chains(const size_t rows, const size_t vecs, vec *acc, const float *a, size_t lda,
                                       const float *b, size_t depth) {
    for (size_t k = 0; k < depth; k++) {
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            const vec ak = vec_set1(a[r * lda + k]);
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                acc[r * vecs + v] = vec_fma(ak, vec_load(b + k * NR + v * VEC_LANES), acc[r * vecs + v]);
        }
    }
}

static ALWAYS_INLINE void small_store(const size_t rows, const size_t vecs, float *c, const vec *acc) {
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            vec_store(c + r * NR + v * VEC_LANES, acc[r * vecs + v]);
    }
}

/* ---- Forward -------------------------------------------------------------------------------------------------- */

static ALWAYS_INLINE void small_rectify(const size_t count, vec *acc, bp_activation activation) {
    UNROLL_FOR (size_t k = 0; k < count; k++)
        acc[k] = vec_rectify(acc[k], activation);
}

static ALWAYS_INLINE void small_outputs(const size_t rows, const size_t vecs, const bp_small_layer *k, const float *x,
                                        size_t ldx, size_t n) {
    vec acc[SMALL_ROWS * TILE_VECS];
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            acc[r * vecs + v] = vec_load(k->biases + v * VEC_LANES);
    }
    small_chains(rows, vecs, acc, x + n * ldx, ldx, k->weights, k->in);
    if (k->activation.kind == BP_ACTIVATION_RELU)
        small_rectify(rows * vecs, acc, (bp_activation){BP_ACTIVATION_RELU, 0.0f});
    else if (k->activation.kind == BP_ACTIVATION_LEAKY_RELU)
        small_rectify(rows * vecs, acc, (bp_activation){BP_ACTIVATION_LEAKY_RELU, k->activation.parameter});
    small_store(rows, vecs, k->outputs + n * NR, acc);
}

/*
 * a = f(a) for rows so short that several fit into a vector: a transcendental function takes as long for one lane as
 * for all. For a few rows this does not pay: gathering and scattering them takes as long.
 */
static void small_activate_together(float *a, float *derivatives, size_t rows, size_t columns,
                                    bp_activation activation) {
    const size_t together = VEC_LANES / columns;
    for (size_t n = 0; n < rows; n += together, a += together * NR) {
        const size_t count = least(rows - n, together);
        vec z = vec_load(a);
        for (size_t r = 1; r < count; r++)
            z = vec_keep_first(z, r * columns, vec_rotate(vec_load(a + r * NR), VEC_LANES - r * columns));
        const value_and_derivative f = derivatives ? vec_activate_with_slope(z, activation)
                                                   : (value_and_derivative){vec_activate(z, activation), z};
        for (size_t r = 0; r < count; r++)
            vec_store(a + r * NR, vec_rotate(f.value, r * columns));
        for (size_t r = 0; derivatives && r < count; r++)
            vec_store(derivatives + (n + r) * NR, vec_rotate(f.slope, r * columns));
    }
}

/* Activations that are no rectifiers; `derivatives` may be null. */
KEEP_APART void small_activate(float *a, float *derivatives, size_t rows, size_t columns, bp_activation activation) {
    if (rows > SMALL_ROWS && columns <= VEC_LANES / 2) {
        small_activate_together(a, derivatives, rows, columns, activation);
        return;
    }
    if (activation.kind == BP_ACTIVATION_TANH)
        for (size_t n = 0; n < rows; n++)
            for (size_t j = 0; j < columns; j += VEC_LANES)
                vec_store(a + n * NR + j, vec_tanh(vec_load(a + n * NR + j)));
    else
        activate_in_place(a, NR, derivatives, NR, rows, round_up(columns, VEC_LANES), activation);
}

static ALWAYS_INLINE void small_forward_vecs(const size_t vecs, const bp_small_layer *k, const float *x, size_t ldx,
                                             size_t rows) {
    size_t n = 0;
    for (; n + SMALL_ROWS <= rows; n += SMALL_ROWS)
        small_outputs(SMALL_ROWS, vecs, k, x, ldx, n);
    if (rows & 2) {
        small_outputs(2, vecs, k, x, ldx, n);
        n += 2;
    }
    if (rows & 1)
        small_outputs(1, vecs, k, x, ldx, n);
}

static void small_forward(const bp_small_step *s, const bp_small_layer *k, const float *x, size_t ldx, size_t rows) {
    if (k->out <= VEC_LANES)
        small_forward_vecs(1, k, x, ldx, rows);
    else if (k->out <= 2 * VEC_LANES)
        small_forward_vecs(2, k, x, ldx, rows);
    else
        small_forward_vecs(TILE_VECS, k, x, ldx, rows);
    if (!is_rectifier(k->activation))
        small_activate(k->outputs, s->update && k->derivative.kind == DERIVATIVE_SAVED ? k->saved : NULL, rows, k->out,
                       k->activation);
}

/* ---- Deltas --------------------------------------------------------------------------------------------------- */

static ALWAYS_INLINE void small_derivatives(const size_t rows, const size_t vecs, vec *acc, const float *saved,
                                            bp_derivative derivative) {
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++) {
            const vec a = vec_load(saved + r * NR + v * VEC_LANES);
            acc[r * vecs + v] = vec_mul(acc[r * vecs + v], vec_derivative(a, derivative));
        }
    }
}

/* acc *= f', computed from the saved values. */
static ALWAYS_INLINE void small_times_derivatives(const size_t rows, const size_t vecs, vec *acc, const float *saved,
                                                  bp_derivative derivative) {
    switch (derivative.kind) {
    case DERIVATIVE_RELU:
        small_derivatives(rows, vecs, acc, saved, (bp_derivative){DERIVATIVE_RELU, 0.0f});
        break;
    case DERIVATIVE_LEAKY_RELU:
        small_derivatives(rows, vecs, acc, saved, (bp_derivative){DERIVATIVE_LEAKY_RELU, derivative.slope});
        break;
    case DERIVATIVE_SIGMOID:
        small_derivatives(rows, vecs, acc, saved, (bp_derivative){DERIVATIVE_SIGMOID, 0.0f});
        break;
    case DERIVATIVE_TANH:
        small_derivatives(rows, vecs, acc, saved, (bp_derivative){DERIVATIVE_TANH, 0.0f});
        break;
    case DERIVATIVE_SAVED:
        small_derivatives(rows, vecs, acc, saved, (bp_derivative){DERIVATIVE_SAVED, 0.0f});
        break;
    case DERIVATIVE_ONE:
        break;
    }
}

static ALWAYS_INLINE void small_deltas(const size_t rows, const size_t vecs, const bp_small_layer *k, size_t n) {
    const bp_small_layer *previous = k - 1;
    vec acc[SMALL_ROWS * TILE_VECS];
    UNROLL_FOR (size_t i = 0; i < rows * vecs; i++)
        acc[i] = vec_set1(0.0f);
    small_chains(rows, vecs, acc, k->deltas + n * NR, NR, k->weights_t, k->out);
    if (previous->derivative.kind != DERIVATIVE_ONE)
        small_times_derivatives(rows, vecs, acc, previous->saved + n * NR, previous->derivative);
    small_store(rows, vecs, previous->deltas + n * NR, acc);
}

/* ---- Updates -------------------------------------------------------------------------------------------------- */

/* `count` rows of W's gradient X^T delta: stored in w, or W is updated by it. `update` is null or plain. */
static ALWAYS_INLINE void small_weights(const size_t count, const size_t vecs, float *w, const float *x, size_t ldx,
                                        const float *delta, size_t rows, const bp_coefficients *update) {
    vec g[SMALL_ROWS * TILE_VECS];
    UNROLL_FOR (size_t k = 0; k < count * vecs; k++)
        g[k] = vec_set1(0.0f);
    for (size_t n = 0; n < rows; n++) {
        const float *d = delta + n * NR;
        UNROLL_FOR (size_t i = 0; i < count; i++) {
            const vec xi = vec_set1(x[n * ldx + i]);
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                g[i * vecs + v] = vec_fma(xi, vec_load(d + v * VEC_LANES), g[i * vecs + v]);
        }
    }
    UNROLL_FOR (size_t i = 0; i < count; i++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            store_gradient(update, w + i * NR + v * VEC_LANES, VEC_LANES, g[i * vecs + v]);
    }
}

/* The same for all rows of W [in x whole vectors]. */
static ALWAYS_INLINE void small_update(const size_t vecs, float *w, const float *x, size_t ldx, const float *delta,
                                       size_t rows, size_t in, const bp_coefficients *update) {
    size_t i = 0;
    for (; i + SMALL_ROWS <= in; i += SMALL_ROWS)
        small_weights(SMALL_ROWS, vecs, w + i * NR, x + i, ldx, delta, rows, update);
    if (in & 2) {
        small_weights(2, vecs, w + i * NR, x + i, ldx, delta, rows, update);
        i += 2;
    }
    if (in & 1)
        small_weights(1, vecs, w + i * NR, x + i, ldx, delta, rows, update);
}

static ALWAYS_INLINE void small_biases(const size_t vecs, float *biases, const float *delta, size_t rows,
                                       const bp_coefficients *update) {
    vec sum[TILE_VECS];
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        sum[v] = vec_set1(0.0f);
    for (size_t n = 0; n < rows; n++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            sum[v] = vec_add(sum[v], vec_load(delta + n * NR + v * VEC_LANES));
    }
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        store_gradient(update, biases + v * VEC_LANES, VEC_LANES, sum[v]);
}

/* Updates a layer's weights and biases by plain SGD, given the layer's inputs. */
static ALWAYS_INLINE void small_sgd_vecs(const size_t vecs, const bp_coefficients *update, const bp_small_layer *k,
                                         const float *x, size_t ldx, size_t rows) {
    small_update(vecs, k->weights, x, ldx, k->deltas, rows, k->in, update);
    small_biases(vecs, k->biases, k->deltas, rows, update);
}

static void small_sgd(const bp_coefficients *update, const bp_small_layer *k, const float *x, size_t ldx, size_t rows) {
    if (k->out <= VEC_LANES)
        small_sgd_vecs(1, update, k, x, ldx, rows);
    else if (k->out <= 2 * VEC_LANES)
        small_sgd_vecs(2, update, k, x, ldx, rows);
    else
        small_sgd_vecs(TILE_VECS, update, k, x, ldx, rows);
}

/* The same by an optimizer that is not plain. */
static ALWAYS_INLINE void small_optimizer_vecs(const size_t vecs, const bp_coefficients *update,
                                               const bp_small_layer *k, const float *x, size_t ldx, size_t rows) {
    float gradient[SMALL_OPTIMIZER_ROWS * NR];
    const bp_packed g = {gradient, NR, NR};
    for (size_t i = 0; i < k->in; i += SMALL_OPTIMIZER_ROWS) {
        const size_t count = least(k->in - i, SMALL_OPTIMIZER_ROWS);
        small_update(vecs, gradient, x + i, ldx, k->deltas, rows, count, NULL);
        apply_optimizer(update, ROLE_WEIGHTS, k->weights + i * NR, NR, g, count, vecs * VEC_LANES);
    }
    small_biases(vecs, gradient, k->deltas, rows, NULL);
    apply_optimizer(update, ROLE_OTHERS, k->biases, 0, g, 1, vecs * VEC_LANES);
}

static void small_optimizer(const bp_coefficients *update, const bp_small_layer *k, const float *x, size_t ldx,
                            size_t rows) {
    if (k->out <= VEC_LANES)
        small_optimizer_vecs(1, update, k, x, ldx, rows);
    else if (k->out <= 2 * VEC_LANES)
        small_optimizer_vecs(2, update, k, x, ldx, rows);
    else
        small_optimizer_vecs(TILE_VECS, update, k, x, ldx, rows);
}

/* ---- Back through a layer ------------------------------------------------------------------------------------- */

/* The previous layer's deltas; then, if `update` is not null, W^T is updated: plain SGD. */
static ALWAYS_INLINE void small_previous_vecs(const size_t vecs, const bp_small_layer *k, size_t rows,
                                              const bp_coefficients *update) {
    size_t n = 0;
    for (; n + SMALL_ROWS <= rows; n += SMALL_ROWS)
        small_deltas(SMALL_ROWS, vecs, k, n);
    if (rows & 2) {
        small_deltas(2, vecs, k, n);
        n += 2;
    }
    if (rows & 1)
        small_deltas(1, vecs, k, n);
    if (update)
        small_update(vecs, k->weights_t, k->deltas, NR, k[-1].outputs, rows, k->out, update);
}

static void small_previous(const bp_small_layer *k, size_t rows, const bp_coefficients *update) {
    if (k->in <= VEC_LANES)
        small_previous_vecs(1, k, rows, update);
    else if (k->in <= 2 * VEC_LANES)
        small_previous_vecs(2, k, rows, update);
    else
        small_previous_vecs(TILE_VECS, k, rows, update);
}

/* ---- Loss ----------------------------------------------------------------------------------------------------- */

static inline void small_mse(const bp_small_layer *k, const float *y, size_t ldy, size_t rows, float scale) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < k->out; j += VEC_LANES) {
            const float *a = k->outputs + n * NR + j;
            vec error = vec_sub(vec_load(a), load_some(y + n * ldy + j, least(k->out - j, VEC_LANES)));
            error = vec_mul(error, vec_set1(scale));
            if (k->derivative.kind != DERIVATIVE_ONE)
                small_times_derivatives(1, 1, &error, k->saved + n * NR + j, k->derivative);
            vec_store(k->deltas + n * NR + j, error);
        }
}

/* The loss of each row; in classification also the deltas, if the step trains. */
KEEP_APART void small_row_loss(const bp_small_step *s, const bp_small_layer *k) {
    const bp_batch *b = s->batch;
    if (s->loss == BP_LOSS_MSE)
        loss_mse(NULL, 0, s->row_loss, k->outputs, NR, b->targets, b->target_stride, b->rows, k->out, k->activation,
                 s->scale);
    else if (s->loss == LOSS_COUNT)
        s->other_loss(s->context);
    else
        loss_softmax_cross_entropy(s->update ? k->deltas : NULL, NR, s->row_loss, k->outputs, NR, b->labels, b->rows,
                                   k->out, s->scale);
}

/* ---- The step ------------------------------------------------------------------------------------------------- */

KEEP_APART void small_transpose(const bp_small_layer *layers, size_t count) {
    for (const bp_small_layer *k = layers + 1; k < layers + count; k++)
        pack_columns(k->weights_t, NR, k->weights, NR, k->out, k->in);
}

/* The backward pass by an optimizer. Its state has no transpose, so W^T becomes stale. */
KEEP_APART void small_optimizers(const bp_small_step *s) {
    const bp_batch *batch = s->batch;
    const bp_small_layer *first = s->layers;
    *s->weights_t_current = false;
    for (const bp_small_layer *k = first + s->count - 1; k > first; k--) {
        small_previous(k, batch->rows, NULL);
        small_optimizer(s->update, k, k[-1].outputs, NR, batch->rows);
    }
    small_optimizer(s->update, first, batch->inputs, batch->input_stride, batch->rows);
}

static void small_step(const bp_small_step *s) {
    const bp_batch *batch = s->batch;
    const size_t rows = batch->rows;
    const bp_small_layer *first = s->layers, *last = first + s->count - 1;
    small_forward(s, first, batch->inputs, batch->input_stride, rows);
    for (const bp_small_layer *k = first; k++ < last;)
        small_forward(s, k, k[-1].outputs, NR, rows);
    if (s->row_loss || (s->update && s->loss != BP_LOSS_MSE))
        small_row_loss(s, last);
    if (!s->update)
        return;
    if (s->loss == BP_LOSS_MSE)
        small_mse(last, batch->targets, batch->target_stride, rows, s->scale);
    if (!*s->weights_t_current)
        small_transpose(first, s->count);
    const bp_coefficients *update = s->update;
    if (!update->plain) {
        small_optimizers(s);
        return;
    }
    const bool both = rows <= SMALL_ROWS; /* W and W^T */
    *s->weights_t_current = both;
    for (const bp_small_layer *k = last; k > first; k--) {
        small_previous(k, rows, both ? update : NULL);
        small_sgd(update, k, k[-1].outputs, NR, rows);
    }
    small_sgd(update, first, batch->inputs, batch->input_stride, rows);
}

#endif
