/* The products of a dense layer on matrices in panels, for the network; tables.h says what they promise each other. */
#ifndef BP_VECTOR_PANELS_H
#define BP_VECTOR_PANELS_H

#include "vector/dense.h"

/* A few rows at a time, whole: the hardware sees them coming only if they are read from end to end. */
static void panels_pack(bp_panels to, const float *from, size_t ld, size_t rows, size_t columns) {
    for (size_t n = 0; n < rows; n += PACK_STEP)
        for (size_t c = 0; c < columns; c += TILE_COLUMNS)
            pack_rows(panel_at(to, n, c), to.row, from + n * ld + c, ld, least(rows - n, PACK_STEP),
                      least(columns - c, TILE_COLUMNS));
}

static void panels_unpack(float *to, size_t ld, bp_panels from, size_t rows, size_t columns) {
    for (size_t c = 0; c < columns; c += TILE_COLUMNS)
        unpack_rows(to + c, ld, panel_at(from, 0, c), from.row, rows, least(columns - c, TILE_COLUMNS));
}

/* Chains of up to two blocks stay whole, so that no sums go through memory between them. */
static void long_chains(product *p) {
    if (!p->transposed && p->depth > BLOCK_DEPTH && p->depth <= 2 * BLOCK_DEPTH) {
        p->block_depth = p->depth;
        p->block_rows = BLOCK_ROWS / 2;
    }
}

static void panels_forward(bp_panels a, bp_panels slopes, bp_panels x, bp_panels w, const float *bias, size_t batch,
                           size_t in, size_t out, bp_activation activation, void *scratch) {
    if (batch == 1) {
        row_forward(a, slopes, x, w, bias, in, out, activation);
        return;
    }
    product p = forward_product(a, x, w, bias, batch, in, out, activation);
    p.slopes = slopes;
    long_chains(&p);
    p.padded = true;
    run_product(&p, scratch);
}

static void panels_delta(bp_panels below, bp_panels delta, bp_panels w, bp_panels a_below, size_t batch, size_t in,
                         size_t out, bp_activation activation, void *scratch) {
    if (batch == 1) {
        row_delta(below, delta, w, a_below, in, out, activation);
        return;
    }
    product p = delta_product(below, delta, w, a_below, batch, in, out, activation);
    long_chains(&p);
    p.padded = true;
    run_product(&p, scratch);
}

/* Elements of a block of X whose columns are used again and again: a share of the second-level cache. */
#define UPDATE_BLOCK (BLOCK_DEPTH * BLOCK_ROWS)

static void panels_update(const bp_update *u, bp_panels x, bp_panels delta, size_t batch, size_t in, size_t out,
                          void *scratch) {
    const bp_rule *rule = u->last ? u->rule : NULL;
    const float *bias_sums = u->first ? NULL : u->bias_sums;
    if (u->with_biases && rule)
        bias_rule(rule, u->biases, bias_sums, delta, batch, round_up(out, VEC_LANES));
    else if (u->with_biases)
        bias_gradient(u->last ? u->biases : u->bias_sums, bias_sums, delta, batch, round_up(out, VEC_LANES),
                      u->last ? &u->rate : NULL);
    if (batch == 1 && u->first && u->last) {
        if (rule)
            row_rule(rule, u->weights, x, delta, in, out);
        else
            row_update(u->weights, x, delta, in, out, u->rate);
        return;
    }
    product p = gradient_product(u->last ? u->weights : u->sums, x, delta, batch, in, out);
    p.padded = true;
    p.block_depth = batch;
    p.block_rows = whole_panels(UPDATE_BLOCK / batch);
    p.sums = u->first ? NULL : &u->sums;
    p.finish = rule ? FINISH_RULE : u->last ? FINISH_SGD : FINISH_STORE;
    p.rate = u->rate;
    p.rule = rule;
    run_product(&p, scratch);
}

/* The sum of blocks at element k, on top of those before. */
static ALWAYS_INLINE vec add_up(const bp_update *u, const float *blocks, size_t stride, size_t count, size_t k) {
    vec g = vec_load(blocks + k);
    if (!u->first)
        g = vec_add(vec_load(u->sums.at + k), g);
    for (size_t b = 1; b < count; b++)
        g = vec_add(g, vec_load(blocks + b * stride + k));
    return g;
}

static void add_blocks(const bp_update *u, const float *blocks, size_t stride, size_t count, size_t parameters) {
    float *sums = u->sums.at, *weights = u->weights.at;
    if (u->last && u->rule) {
        float gradient[RULE_COLUMNS];
        for (size_t k = 0; k < parameters; k += RULE_COLUMNS) {
            const size_t columns = least(parameters - k, RULE_COLUMNS);
            for (size_t c = 0; c < columns; c += VEC_LANES)
                vec_store(gradient + c, add_up(u, blocks, stride, count, k + c));
            apply_rule(u->rule, u->role, weights + k, 0, row_major(gradient, 0), 1, columns);
        }
        return;
    }
    for (size_t k = 0; k < parameters; k += VEC_LANES) {
        const vec g = add_up(u, blocks, stride, count, k);
        if (u->last)
            vec_store(weights + k, vec_fnma(vec_set1(u->rate), g, vec_load(weights + k)));
        else
            vec_store(sums + k, g);
    }
}

static void apply(const bp_rule *rule, rule_role role, float *parameters, const float *gradient, size_t count) {
    apply_rule(rule, role, parameters, 0, row_major(gradient, 0), 1, count);
}

/* `vecs` vectors of columns from the one at which `g` stands; the bias' gradients follow the last row. */
static ALWAYS_INLINE void square_sums(const size_t vecs, float *sums, const float *g, size_t row, const float *bias,
                                      size_t in) {
    vec c[SUM_CHAINS];
    UNROLL_FOR (size_t v = 0; v < vecs; v++)
        c[v] = vec_set1(0.0f);
    for (size_t i = 0; i < in; i++) {
        UNROLL_FOR (size_t v = 0; v < vecs; v++) {
            const vec x = vec_load(g + i * row + v * VEC_LANES);
            c[v] = vec_fma(x, x, c[v]);
        }
    }
    UNROLL_FOR (size_t v = 0; v < vecs; v++) {
        const vec x = vec_load(bias + v * VEC_LANES);
        vec_store(sums + v * VEC_LANES, vec_fma(x, x, c[v]));
    }
}

static void squares(float *sums, bp_panels gradient, const float *bias_gradient, size_t in, size_t out) {
    for (size_t j = 0; j < out; j += TILE_COLUMNS) {
        const float *g = panel_at(gradient, 0, j);
        if (out - j > (TILE_VECS - 1) * VEC_LANES)
            square_sums(TILE_VECS, sums + j, g, gradient.row, bias_gradient + j, in);
        else
            for (size_t k = j; k < out; k += VEC_LANES)
                square_sums(1, sums + k, g + (k - j), gradient.row, bias_gradient + k, in);
    }
}

#endif
