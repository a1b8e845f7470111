/*
 * A whole step of a small network: every layer's outputs fit one panel, and the batch is a few rows. All products run
 * in one call, on rows that lie one panel's width apart, with nothing set up around them; the caller's inputs are read
 * where they lie. Weights are kept transposed too, so that the deltas are the same product as the outputs:
 *
 *   outputs = X W + biases     deltas below = deltas W^T     W -= rate X^T deltas     W^T -= rate deltas^T X
 *
 * Both updates run the same chains, factors exchanged, and so keep the same bits.
 */
#ifndef BP_VECTOR_SMALL_H
#define BP_VECTOR_SMALL_H

#include "vector/loss.h"
#include "vector/product.h"

/* Rows of results whose chains run together. */
#define SMALL_ROWS 4

typedef enum small_finish { SMALL_OUTPUTS, SMALL_DELTAS } small_finish;

/* C [rows x whole vectors] = A [rows x depth] B + the same start for each row. */
typedef struct small_product {
    float *c;
    const float *a;
    size_t lda;
    const float *b;
    const float *start;
    const float *below; /* SMALL_DELTAS: outputs of the layer below */
    size_t rows, depth;
    bp_activation activation;
} small_product;

static ALWAYS_INLINE void small_slopes(const size_t rows, const size_t vecs, vec *acc, const float *below,
                                       bp_activation activation) {
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++) {
            const vec a = vec_load(below + r * TILE_COLUMNS + v * VEC_LANES);
            acc[r * vecs + v] = vec_mul(acc[r * vecs + v], vec_derivative(a, activation));
        }
    }
}

static ALWAYS_INLINE void small_rectify(const size_t count, vec *acc, bp_activation activation) {
    UNROLL_FOR (size_t k = 0; k < count; k++)
        acc[k] = vec_rectify(acc[k], activation);
}

static ALWAYS_INLINE void small_rows(const size_t rows, const size_t vecs, const small_finish finish,
                                     const small_product *p, size_t n) {
    vec acc[SMALL_ROWS * TILE_VECS];
    const float *a = p->a + n * p->lda, *b = p->b;
    const size_t lda = p->lda;
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            acc[r * vecs + v] = finish == SMALL_OUTPUTS ? vec_load(p->start + v * VEC_LANES) : vec_set1(0.0f);
    }
    for (size_t k = 0; k < p->depth; k++, b += TILE_COLUMNS) {
        UNROLL_FOR (size_t r = 0; r < rows; r++) {
            const vec ak = vec_set1(a[r * lda + k]);
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                acc[r * vecs + v] = vec_fma(ak, vec_load(b + v * VEC_LANES), acc[r * vecs + v]);
        }
    }
    const bp_activation f = p->activation;
    if (finish == SMALL_OUTPUTS) {
        if (f.kind == BP_RELU)
            small_rectify(rows * vecs, acc, (bp_activation){BP_RELU, 0});
        else if (f.kind == BP_LEAKY_RELU)
            small_rectify(rows * vecs, acc, (bp_activation){BP_LEAKY_RELU, f.slope});
    } else if (f.kind != BP_IDENTITY) {
        const float *below = p->below + n * TILE_COLUMNS;
        if (f.kind == BP_RELU)
            small_slopes(rows, vecs, acc, below, (bp_activation){BP_RELU, 0});
        else if (f.kind == BP_LEAKY_RELU)
            small_slopes(rows, vecs, acc, below, (bp_activation){BP_LEAKY_RELU, f.slope});
        else if (f.kind == BP_SIGMOID)
            small_slopes(rows, vecs, acc, below, (bp_activation){BP_SIGMOID, 0});
        else
            small_slopes(rows, vecs, acc, below, (bp_activation){BP_TANH, 0});
    }
    UNROLL_FOR (size_t r = 0; r < rows; r++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++)
            vec_store(p->c + (n + r) * TILE_COLUMNS + v * VEC_LANES, acc[r * vecs + v]);
    }
}

static ALWAYS_INLINE void small_run(const size_t vecs, const small_finish finish, const small_product *p) {
    size_t n = 0;
    for (; n + 4 <= p->rows; n += 4)
        small_rows(4, vecs, finish, p, n);
    switch (p->rows - n) {
    case 1:
        small_rows(1, vecs, finish, p, n);
        break;
    case 2:
        small_rows(2, vecs, finish, p, n);
        break;
    case 3:
        small_rows(3, vecs, finish, p, n);
        break;
    }
}

static void small_outputs(const small_product *p, size_t vecs) {
    if (vecs == 1)
        small_run(1, SMALL_OUTPUTS, p);
    else if (vecs == 2)
        small_run(2, SMALL_OUTPUTS, p);
    else
        small_run(TILE_VECS, SMALL_OUTPUTS, p);
}

static void small_deltas(const small_product *p, size_t vecs) {
    if (vecs == 1)
        small_run(1, SMALL_DELTAS, p);
    else if (vecs == 2)
        small_run(2, SMALL_DELTAS, p);
    else
        small_run(TILE_VECS, SMALL_DELTAS, p);
}

/* `count` rows of W, from row i on, less rate times those of X^T delta. */
static ALWAYS_INLINE void small_gradients(const size_t count, const size_t vecs, float *w, const float *x, size_t ldx,
                                          const float *delta, size_t rows, float rate) {
    vec g[SMALL_ROWS * TILE_VECS];
    UNROLL_FOR (size_t k = 0; k < count * vecs; k++)
        g[k] = vec_set1(0.0f);
    for (size_t n = 0; n < rows; n++, x += ldx, delta += TILE_COLUMNS) {
        UNROLL_FOR (size_t i = 0; i < count; i++) {
            const vec xi = vec_set1(x[i]);
            UNROLL_FOR (size_t v = 0; v < vecs; v++)
                g[i * vecs + v] = vec_fma(xi, vec_load(delta + v * VEC_LANES), g[i * vecs + v]);
        }
    }
    const vec r = vec_set1(rate);
    UNROLL_FOR (size_t i = 0; i < count; i++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++) {
            float *at = w + i * TILE_COLUMNS + v * VEC_LANES;
            vec_store(at, vec_fnma(r, g[i * vecs + v], vec_load(at)));
        }
    }
}

static ALWAYS_INLINE void small_update_vecs(const size_t vecs, float *w, const float *x, size_t ldx,
                                            const float *delta, size_t rows, size_t in, float rate) {
    size_t i = 0;
    for (; i + 4 <= in; i += 4)
        small_gradients(4, vecs, w + i * TILE_COLUMNS, x + i, ldx, delta, rows, rate);
    switch (in - i) {
    case 1:
        small_gradients(1, vecs, w + i * TILE_COLUMNS, x + i, ldx, delta, rows, rate);
        break;
    case 2:
        small_gradients(2, vecs, w + i * TILE_COLUMNS, x + i, ldx, delta, rows, rate);
        break;
    case 3:
        small_gradients(3, vecs, w + i * TILE_COLUMNS, x + i, ldx, delta, rows, rate);
        break;
    }
}

/* W [in x whole vectors] less rate times X^T delta. */
static void small_update(float *w, const float *x, size_t ldx, const float *delta, size_t rows, size_t in, size_t vecs,
                         float rate) {
    if (vecs == 1)
        small_update_vecs(1, w, x, ldx, delta, rows, in, rate);
    else if (vecs == 2)
        small_update_vecs(2, w, x, ldx, delta, rows, in, rate);
    else
        small_update_vecs(TILE_VECS, w, x, ldx, delta, rows, in, rate);
}

static inline void small_biases(float *biases, const float *delta, size_t rows, size_t vecs, float rate) {
    for (size_t v = 0; v < vecs; v++, biases += VEC_LANES, delta += VEC_LANES) {
        vec sum = vec_set1(0.0f);
        for (size_t n = 0; n < rows; n++)
            sum = vec_add(sum, vec_load(delta + n * TILE_COLUMNS));
        vec_store(biases, vec_fnma(vec_set1(rate), sum, vec_load(biases)));
    }
}

/* a = f(a) for the kinds that are no rectifiers. */
static inline void small_activate(float *a, size_t rows, size_t vecs, bp_activation activation) {
    for (size_t n = 0; n < rows; n++, a += TILE_COLUMNS)
        for (size_t v = 0; v < vecs; v++) {
            float *at = a + v * VEC_LANES;
            if (activation.kind == BP_TANH)
                vec_store(at, vec_tanh(vec_load(at)));
            else
                vec_store(at, vec_activate(vec_load(at), (bp_activation){BP_SIGMOID, 0}));
        }
}

static inline void small_mse(const bp_small_step *s, const bp_dense_layer *last) {
    const vec scale = vec_set1(s->scale);
    for (size_t n = 0; n < s->batch->rows; n++) {
        const float *a = last->outputs.at + n * TILE_COLUMNS, *y = s->batch->targets + n * s->batch->target_stride;
        float *d = last->deltas.at + n * TILE_COLUMNS;
        for (size_t j = 0; j < last->out; j += VEC_LANES) {
            const vec output = vec_load(a + j);
            vec delta = vec_mul(vec_sub(output, load_some(y + j, least(last->out - j, VEC_LANES))), scale);
            if (last->activation.kind != BP_IDENTITY)
                delta = vec_mul(delta, vec_derivative(output, last->activation));
            vec_store(d + j, delta);
        }
    }
}

static void small_loss(const bp_small_step *s, const bp_dense_layer *last) {
    const bp_batch *batch = s->batch;
    if (s->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY) {
        if (s->train || s->row_loss)
            loss_softmax_cross_entropy(s->train ? last->deltas.at : NULL, TILE_COLUMNS, s->row_loss, last->outputs.at,
                                       TILE_COLUMNS, batch->labels, batch->rows, last->out, s->scale);
        return;
    }
    if (s->row_loss)
        loss_mse(NULL, 0, s->row_loss, last->outputs.at, TILE_COLUMNS, batch->targets, batch->target_stride,
                 batch->rows, last->out, last->activation, s->scale);
    if (s->train)
        small_mse(s, last);
}

static inline size_t vectors_of(size_t columns) {
    return (columns + VEC_LANES - 1) / VEC_LANES;
}

static void small_step(const bp_small_step *s) {
    const bp_batch *batch = s->batch;
    const bp_dense_layer *layers = s->layers, *last = layers + s->count - 1;
    small_product p = {.a = batch->inputs, .lda = batch->input_stride, .rows = batch->rows};
    for (const bp_dense_layer *k = layers; k <= last; k++) {
        p.c = k->outputs.at;
        p.b = k->weights.at;
        p.start = k->biases;
        p.depth = k->in;
        p.activation = k->activation;
        small_outputs(&p, vectors_of(k->out));
        if (!is_rectifier(k->activation))
            small_activate(p.c, p.rows, vectors_of(k->out), k->activation);
        p.a = p.c;
        p.lda = TILE_COLUMNS;
    }
    small_loss(s, last);
    if (!s->train)
        return;
    for (const bp_dense_layer *k = last; k >= layers; k--) {
        const float *deltas = k->deltas.at, *x = batch->inputs;
        size_t ldx = batch->input_stride;
        if (k > layers) {
            const bp_dense_layer *below = k - 1;
            x = below->outputs.at;
            ldx = TILE_COLUMNS;
            if (s->transpose)
                pack_columns(k->transposed, TILE_COLUMNS, k->weights.at, TILE_COLUMNS, k->out, k->in);
            p.c = below->deltas.at;
            p.a = deltas;
            p.b = k->transposed;
            p.below = x;
            p.depth = k->out;
            p.activation = below->activation;
            small_deltas(&p, vectors_of(k->in));
            small_update(k->transposed, deltas, TILE_COLUMNS, x, p.rows, k->out, vectors_of(k->in), s->rate);
        }
        small_update(k->weights.at, x, ldx, deltas, p.rows, k->in, vectors_of(k->out), s->rate);
        small_biases(k->biases, deltas, p.rows, vectors_of(k->out), s->rate);
    }
}

#endif
