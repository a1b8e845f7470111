/*
 * A whole step of a small network: every layer's outputs fit one panel, and the batch is a few rows. All products run
 * in one call, on rows that lie one panel's width apart, with nothing set up around them; the caller's inputs are read
 * where they lie. Weights lie there transposed too, so that deltas and outputs are the same product:
 *
 *   outputs = X W + biases     deltas below = deltas W^T     W -= rate X^T deltas     W^T -= rate deltas^T X
 *
 * Both updates run the same chains, factors exchanged, and so give the same bits. With more rows than a few it takes
 * less to transpose W anew.
 */
#ifndef BP_VECTOR_SMALL_H
#define BP_VECTOR_SMALL_H

#include "tables.h"
#include "vector/loss.h"
#include "vector/optimizer.h"
#include "vector/tile.h"

/* Rows of results whose chains run together: 4, then 2, then 1. Up to so many rows, transposed weights are updated. */
#define SMALL_ROWS 4

/* Keeps what tiny networks seldom need out of the code that they always run. */
#define OUT_OF_LINE static __attribute__((noinline))

/* Adds A B to acc, for `rows` rows of A and `vecs` whole vectors of B's columns. */
static ALWAYS_INLINE void small_chains(const size_t rows, const size_t vecs, vec *acc, const float *a, size_t lda,
                                       const float *b, size_t depth) {
    for (size_t k = 0; k < depth; k++) {
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            const vec ak = vec_set1(a[r * lda + k]);
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                acc[r * vecs + v] = vec_fma(ak, vec_load(b + k * PANEL_COLUMNS + v * VEC_LANES), acc[r * vecs + v]);
        }
    }
}

static ALWAYS_INLINE void small_store(const size_t rows, const size_t vecs, float *c, const vec *acc) {
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            vec_store(c + r * PANEL_COLUMNS + v * VEC_LANES, acc[r * vecs + v]);
    }
}

/* ---- Forward -------------------------------------------------------------------------------------------------- */

static ALWAYS_INLINE void small_rectify(const size_t count, vec *acc, bp_activation activation) {
    UNROLL_FOR (size_t k = 0; k < count; k++)
        acc[k] = vec_rectify(acc[k], activation);
}

static ALWAYS_INLINE void small_outputs(const size_t rows, const size_t vecs, const bp_dense_layer *k, const float *x,
                                        size_t ldx, size_t n) {
    vec acc[SMALL_ROWS * TILE_VECS];
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            acc[r * vecs + v] = vec_load(k->biases + v * VEC_LANES);
    }
    small_chains(rows, vecs, acc, x + n * ldx, ldx, k->weights.at, k->in);
    if (k->activation.kind == BP_RELU)
        small_rectify(rows * vecs, acc, (bp_activation){BP_RELU, 0.0f});
    else if (k->activation.kind == BP_LEAKY_RELU)
        small_rectify(rows * vecs, acc, (bp_activation){BP_LEAKY_RELU, k->activation.parameter});
    small_store(rows, vecs, k->outputs.at + n * PANEL_COLUMNS, acc);
}

/*
 * a = f(a) for rows of which several fit a vector: a transcendental function takes as long for one lane as for all. A
 * few rows, one after the other, take no longer than gathering and spreading them does.
 */
static void small_activate_together(float *a, float *slopes, size_t rows, size_t columns, bp_activation activation) {
    const size_t together = VEC_LANES / columns;
    for (size_t n = 0; n < rows; n += together, a += together * PANEL_COLUMNS) {
        const size_t count = least(rows - n, together);
        vec z = vec_load(a);
        for (size_t r = 1; r < count; r++)
            z = vec_keep_first(z, r * columns, vec_rotate(vec_load(a + r * PANEL_COLUMNS), VEC_LANES - r * columns));
        const vec_curve f =
            slopes ? vec_activate_with_slope(z, activation) : (vec_curve){vec_activate(z, activation), z};
        for (size_t r = 0; r < count; r++)
            vec_store(a + r * PANEL_COLUMNS, vec_rotate(f.value, r * columns));
        for (size_t r = 0; slopes && r < count; r++)
            vec_store(slopes + (n + r) * PANEL_COLUMNS, vec_rotate(f.slope, r * columns));
    }
}

/* What is no rectifier; `slopes` may be null. */
OUT_OF_LINE void small_activate(float *a, float *slopes, size_t rows, size_t columns, bp_activation activation) {
    if (rows > SMALL_ROWS && columns <= VEC_LANES / 2) {
        small_activate_together(a, slopes, rows, columns, activation);
        return;
    }
    if (activation.kind == BP_TANH)
        for (size_t n = 0; n < rows; n++)
            for (size_t j = 0; j < columns; j += VEC_LANES)
                vec_store(a + n * PANEL_COLUMNS + j, vec_tanh(vec_load(a + n * PANEL_COLUMNS + j)));
    else
        activate_in_place(a, PANEL_COLUMNS, slopes, PANEL_COLUMNS, rows, round_up(columns, VEC_LANES), activation);
}

static ALWAYS_INLINE void small_forward_vecs(const size_t vecs, const bp_dense_layer *k, const float *x, size_t ldx,
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

static void small_forward(const bp_dense_layer *k, const float *x, size_t ldx, size_t rows, bool train) {
    if (k->out <= VEC_LANES)
        small_forward_vecs(1, k, x, ldx, rows);
    else if (k->out <= 2 * VEC_LANES)
        small_forward_vecs(2, k, x, ldx, rows);
    else
        small_forward_vecs(TILE_VECS, k, x, ldx, rows);
    if (!is_rectifier(k->activation))
        small_activate(k->outputs.at, train ? kept_slopes(k).at : NULL, rows, k->out, k->activation);
}

/* ---- Deltas --------------------------------------------------------------------------------------------------- */

static ALWAYS_INLINE void small_slopes(const size_t rows, const size_t vecs, vec *acc, const float *kept,
                                       bp_activation activation) {
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++) {
            const vec a = vec_load(kept + r * PANEL_COLUMNS + v * VEC_LANES);
            acc[r * vecs + v] = vec_mul(acc[r * vecs + v], vec_derivative(a, activation));
        }
    }
}

/* Sums times the derivative, from what is kept. */
static ALWAYS_INLINE void small_times_slopes(const size_t rows, const size_t vecs, vec *acc, const float *kept,
                                             bp_activation activation) {
    switch (activation.kind) {
    case BP_RELU:
        small_slopes(rows, vecs, acc, kept, (bp_activation){BP_RELU, 0.0f});
        break;
    case BP_LEAKY_RELU:
        small_slopes(rows, vecs, acc, kept, (bp_activation){BP_LEAKY_RELU, activation.parameter});
        break;
    case BP_SIGMOID:
        small_slopes(rows, vecs, acc, kept, (bp_activation){BP_SIGMOID, 0.0f});
        break;
    case BP_TANH:
        small_slopes(rows, vecs, acc, kept, (bp_activation){BP_TANH, 0.0f});
        break;
    case KEPT_SLOPES:
        small_slopes(rows, vecs, acc, kept, (bp_activation){KEPT_SLOPES, 0.0f});
        break;
    default:
        break;
    }
}

static ALWAYS_INLINE void small_deltas(const size_t rows, const size_t vecs, const bp_dense_layer *k, size_t n) {
    const bp_dense_layer *below = k - 1;
    vec acc[SMALL_ROWS * TILE_VECS];
    UNROLL_FOR (size_t i = 0; i < rows * vecs; i++)
        acc[i] = vec_set1(0.0f);
    small_chains(rows, vecs, acc, k->deltas.at + n * PANEL_COLUMNS, PANEL_COLUMNS, k->transposed, k->out);
    if (below->activation.kind != BP_IDENTITY)
        small_times_slopes(rows, vecs, acc, below->kept.at + n * PANEL_COLUMNS, below->kept_as);
    small_store(rows, vecs, below->deltas.at + n * PANEL_COLUMNS, acc);
}

/* ---- Updates -------------------------------------------------------------------------------------------------- */

/* `count` rows of W less rate times those of X^T delta; or, without a rate, the latter. */
static ALWAYS_INLINE void small_weights(const size_t count, const size_t vecs, float *w, const float *x, size_t ldx,
                                        const float *delta, size_t rows, const float *rate) {
    vec g[SMALL_ROWS * TILE_VECS];
    UNROLL_FOR (size_t k = 0; k < count * vecs; k++)
        g[k] = vec_set1(0.0f);
    for (size_t n = 0; n < rows; n++) {
        const float *d = delta + n * PANEL_COLUMNS;
        UNROLL_FOR (size_t i = 0; i < count; i++) {
            const vec xi = vec_set1(x[n * ldx + i]);
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                g[i * vecs + v] = vec_fma(xi, vec_load(d + v * VEC_LANES), g[i * vecs + v]);
        }
    }
    UNROLL_FOR (size_t i = 0; i < count; i++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++) {
            float *at = w + i * PANEL_COLUMNS + v * VEC_LANES;
            vec_store(at, rate ? vec_fnma(vec_set1(*rate), g[i * vecs + v], vec_load(at)) : g[i * vecs + v]);
        }
    }
}

/* W [in x whole vectors] less rate times X^T delta; or, without a rate, the latter. */
static ALWAYS_INLINE void small_update(const size_t vecs, float *w, const float *x, size_t ldx, const float *delta,
                                       size_t rows, size_t in, const float *rate) {
    size_t i = 0;
    for (; i + SMALL_ROWS <= in; i += SMALL_ROWS)
        small_weights(SMALL_ROWS, vecs, w + i * PANEL_COLUMNS, x + i, ldx, delta, rows, rate);
    if (in & 2) {
        small_weights(2, vecs, w + i * PANEL_COLUMNS, x + i, ldx, delta, rows, rate);
        i += 2;
    }
    if (in & 1)
        small_weights(1, vecs, w + i * PANEL_COLUMNS, x + i, ldx, delta, rows, rate);
}

static ALWAYS_INLINE void small_biases(const size_t vecs, float *biases, const float *delta, size_t rows,
                                       const float *rate) {
    vec sum[TILE_VECS];
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        sum[v] = vec_set1(0.0f);
    for (size_t n = 0; n < rows; n++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            sum[v] = vec_add(sum[v], vec_load(delta + n * PANEL_COLUMNS + v * VEC_LANES));
    }
    UNROLL_FOR (size_t v = 0; v < vecs; v++) {
        float *at = biases + v * VEC_LANES;
        vec_store(at, rate ? vec_fnma(vec_set1(*rate), sum[v], vec_load(at)) : sum[v]);
    }
}

/* Rows of W whose gradients stay in the first-level cache until an optimizer's step takes them. */
#define SMALL_RULE_ROWS 32

/* An optimizer's step on weights and biases of a layer, given its inputs. */
static ALWAYS_INLINE void small_rule_vecs(const size_t vecs, const bp_rule *rule, const bp_dense_layer *k,
                                          const float *x, size_t ldx, size_t rows) {
    float gradient[SMALL_RULE_ROWS * PANEL_COLUMNS];
    const bp_panels g = {gradient, PANEL_COLUMNS, TILE_COLUMNS};
    for (size_t i = 0; i < k->in; i += SMALL_RULE_ROWS) {
        const size_t count = least(k->in - i, SMALL_RULE_ROWS);
        small_update(vecs, gradient, x + i, ldx, k->deltas.at, rows, count, NULL);
        apply_rule(rule, RULE_WEIGHTS, k->weights.at + i * PANEL_COLUMNS, PANEL_COLUMNS, g, count, vecs * VEC_LANES);
    }
    small_biases(vecs, gradient, k->deltas.at, rows, NULL);
    apply_rule(rule, RULE_OTHERS, k->biases, 0, g, 1, vecs * VEC_LANES);
}

static void small_rule(const bp_rule *rule, const bp_dense_layer *k, const float *x, size_t ldx, size_t rows) {
    if (k->out <= VEC_LANES)
        small_rule_vecs(1, rule, k, x, ldx, rows);
    else if (k->out <= 2 * VEC_LANES)
        small_rule_vecs(2, rule, k, x, ldx, rows);
    else
        small_rule_vecs(TILE_VECS, rule, k, x, ldx, rows);
}

/* ---- Back through a layer ------------------------------------------------------------------------------------- */

/* Deltas of the layer below, and then, with a rate, W^T less rate times its gradient. */
static ALWAYS_INLINE void small_below_vecs(const size_t vecs, const bp_dense_layer *k, size_t rows, const float *rate) {
    size_t n = 0;
    for (; n + SMALL_ROWS <= rows; n += SMALL_ROWS)
        small_deltas(SMALL_ROWS, vecs, k, n);
    if (rows & 2) {
        small_deltas(2, vecs, k, n);
        n += 2;
    }
    if (rows & 1)
        small_deltas(1, vecs, k, n);
    if (rate)
        small_update(vecs, k->transposed, k->deltas.at, PANEL_COLUMNS, k[-1].outputs.at, rows, k->out, rate);
}

static void small_below(const bp_dense_layer *k, size_t rows, const float *rate) {
    if (k->in <= VEC_LANES)
        small_below_vecs(1, k, rows, rate);
    else if (k->in <= 2 * VEC_LANES)
        small_below_vecs(2, k, rows, rate);
    else
        small_below_vecs(TILE_VECS, k, rows, rate);
}

static ALWAYS_INLINE void small_parameters_vecs(const size_t vecs, const bp_dense_layer *k, const float *x, size_t ldx,
                                                size_t rows, const float *rate) {
    small_update(vecs, k->weights.at, x, ldx, k->deltas.at, rows, k->in, rate);
    small_biases(vecs, k->biases, k->deltas.at, rows, rate);
}

/* Weights and biases of a layer, given its inputs. */
static void small_parameters(const bp_dense_layer *k, const float *x, size_t ldx, size_t rows, const float *rate) {
    if (k->out <= VEC_LANES)
        small_parameters_vecs(1, k, x, ldx, rows, rate);
    else if (k->out <= 2 * VEC_LANES)
        small_parameters_vecs(2, k, x, ldx, rows, rate);
    else
        small_parameters_vecs(TILE_VECS, k, x, ldx, rows, rate);
}

/* ---- Loss ----------------------------------------------------------------------------------------------------- */

static inline void small_mse(const bp_dense_layer *k, const float *y, size_t ldy, size_t rows, float scale) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < k->out; j += VEC_LANES) {
            const float *a = k->outputs.at + n * PANEL_COLUMNS + j;
            vec error = vec_sub(vec_load(a), load_some(y + n * ldy + j, least(k->out - j, VEC_LANES)));
            error = vec_mul(error, vec_set1(scale));
            if (k->activation.kind != BP_IDENTITY)
                small_times_slopes(1, 1, &error, k->kept.at + n * PANEL_COLUMNS + j, k->kept_as);
            vec_store(k->deltas.at + n * PANEL_COLUMNS + j, error);
        }
}

/* The loss of each row; of classes, the deltas too if the step trains. */
OUT_OF_LINE void small_row_loss(const bp_small_step *s, const bp_dense_layer *k) {
    const bp_batch *b = s->batch;
    if (s->loss == BP_LOSS_MSE)
        loss_mse(NULL, 0, s->row_loss, k->outputs.at, PANEL_COLUMNS, b->targets, b->target_stride, b->rows, k->out,
                 k->activation, s->scale);
    else if (s->loss == BP_LOSS_COUNT)
        s->other_loss(s->context);
    else
        loss_softmax_cross_entropy(s->train ? k->deltas.at : NULL, PANEL_COLUMNS, s->row_loss, k->outputs.at,
                                   PANEL_COLUMNS, b->labels, b->rows, k->out, s->scale);
}

/* ---- All of it ------------------------------------------------------------------------------------------------ */

OUT_OF_LINE void small_transpose(const bp_dense_layer *layers, size_t count) {
    for (const bp_dense_layer *k = layers + 1; k < layers + count; k++)
        pack_columns(k->transposed, PANEL_COLUMNS, k->weights.at, PANEL_COLUMNS, k->out, k->in);
}

/* Back through all layers with an optimizer's steps. Its state has no transpose, so W^T is not kept up to date. */
OUT_OF_LINE void small_rules(const bp_small_step *s) {
    const bp_batch *batch = s->batch;
    const bp_dense_layer *first = s->layers;
    *s->transposed = false;
    for (const bp_dense_layer *k = first + s->count - 1; k > first; k--) {
        small_below(k, batch->rows, NULL);
        small_rule(s->rule, k, k[-1].outputs.at, PANEL_COLUMNS, batch->rows);
    }
    small_rule(s->rule, first, batch->inputs, batch->input_stride, batch->rows);
}

static void small_step(const bp_small_step *s) {
    const bp_batch *batch = s->batch;
    const size_t rows = batch->rows;
    const bp_dense_layer *first = s->layers, *last = first + s->count - 1;
    small_forward(first, batch->inputs, batch->input_stride, rows, s->train);
    for (const bp_dense_layer *k = first; k++ < last;)
        small_forward(k, k[-1].outputs.at, PANEL_COLUMNS, rows, s->train);
    if (s->row_loss || (s->train && s->loss != BP_LOSS_MSE))
        small_row_loss(s, last);
    if (!s->train)
        return;
    if (s->loss == BP_LOSS_MSE)
        small_mse(last, batch->targets, batch->target_stride, rows, s->scale);
    if (!*s->transposed)
        small_transpose(first, s->count);
    if (s->rule) {
        small_rules(s);
        return;
    }
    *s->transposed = rows <= SMALL_ROWS;
    for (const bp_dense_layer *k = last; k > first; k--) {
        small_below(k, rows, rows <= SMALL_ROWS ? &s->rate : NULL);
        small_parameters(k, k[-1].outputs.at, PANEL_COLUMNS, rows, &s->rate);
    }
    small_parameters(first, batch->inputs, batch->input_stride, rows, &s->rate);
}

#endif
