/* The products of a dense layer on packed matrices, for the network; backend.h declares them. */
#ifndef BP_VECTOR_PACKED_H
#define BP_VECTOR_PACKED_H

#include "vector/dense.h"

static void packed_unpack(float *to, size_t ld, bp_packed from, size_t rows, size_t columns) {
    for (size_t c = 0; c < columns; c += NR)
        unpack_rows(to + c, ld, packed_at(from, 0, c), from.row_stride, rows, least(columns - c, NR));
}

static void packed_forward(bp_packed a, bp_packed derivatives, bp_packed x, bp_packed w, const float *bias,
                           size_t batch, size_t in, size_t out, bp_activation activation, void *scratch) {
    if (batch == 1) {
        row_forward(a, derivatives, x, w, bias, in, out, activation);
        return;
    }
    gemm_operands g = forward_operands(a, x, w, bias, batch, in, out);
    g.padded = true;
    const gemm_epilogue e = {.kind = EPILOGUE_ACTIVATION, .activation = activation, .derivatives = derivatives};
    const gemm_plan plan = chain_plan(&g);
    gemm(&g, &plan, &e, scratch);
}

static void packed_delta(bp_packed previous, bp_packed delta, bp_packed w, bp_packed previous_saved, size_t batch,
                         size_t in, size_t out, bp_activation activation, void *scratch) {
    if (batch == 1) {
        row_delta(previous, delta, w, previous_saved, in, out, activation);
        return;
    }
    const delta_operands d = {batch, in, out, previous, delta, w, previous_saved, activation, .padded = true};
    if (delta_transposes(batch, in, out))
        delta_by_rows(&d, PACK_NONE, scratch);
    else
        delta_by_columns(&d, PACK_NONE, scratch);
}

static void packed_update(const bp_update *u, bp_packed x, bp_packed delta, size_t batch, size_t in, size_t out,
                          void *scratch) {
    const bp_coefficients *coefficients = u->last ? u->coefficients : NULL;
    const float *earlier = u->first ? NULL : u->bias_gradient;
    if (u->with_biases && coefficients)
        bias_optimizer(coefficients, u->biases, earlier, delta, batch, round_up(out, VEC_LANES));
    else if (u->with_biases)
        bias_gradient(u->last ? u->biases : u->bias_gradient, earlier, delta, batch, round_up(out, VEC_LANES),
                      u->last ? &u->learning_rate : NULL);
    if (batch == 1 && u->first && u->last) {
        if (coefficients)
            row_optimizer(coefficients, u->weights, x, delta, in, out);
        else
            row_update(u->weights, x, delta, in, out, u->learning_rate);
        return;
    }
    gemm_operands g = gradient_operands(u->last ? u->weights : u->gradient, x, delta, batch, in, out);
    g.padded = true;
    g.sums = u->first ? (bp_packed){0} : u->gradient;
    const gemm_epilogue e = {.kind = coefficients ? EPILOGUE_OPTIMIZER
                                     : u->last    ? EPILOGUE_SGD
                                                  : EPILOGUE_STORE,
                             .learning_rate = u->learning_rate,
                             .coefficients = coefficients};
    gemm_plan plan = gradient_plan(&e);
    if (!coefficients) /* else the gradient of a panel stays in the first-level cache until the optimizer uses it */
        plan.mc = whole_panel_rows(UPDATE_BLOCK / least(batch, BP_ROW_BLOCK));
    gemm(&g, &plan, &e, scratch);
}

/* The sum of the blocks at element k, added to that of earlier slices. */
static ALWAYS_INLINE vec add_up(const bp_update *u, const float *blocks, size_t stride, size_t count, size_t k) {
    vec g = vec_load(blocks + k);
    if (!u->first)
        g = vec_add(vec_load(u->gradient.data + k), g);
    for (size_t b = 1; b < count; b++)
        g = vec_add(g, vec_load(blocks + b * stride + k));
    return g;
}

static void add_blocks(const bp_update *u, const float *blocks, size_t stride, size_t count, size_t parameters) {
    float *sums = u->gradient.data, *weights = u->weights.data;
    if (u->last && u->coefficients) {
        float gradient[OPTIMIZER_COLUMNS];
        for (size_t k = 0; k < parameters; k += OPTIMIZER_COLUMNS) {
            const size_t columns = least(parameters - k, OPTIMIZER_COLUMNS);
            for (size_t c = 0; c < columns; c += VEC_LANES)
                vec_store(gradient + c, add_up(u, blocks, stride, count, k + c));
            apply_optimizer(u->coefficients, u->role, weights + k, 0, row_major(gradient, 0), 1, columns);
        }
        return;
    }
    for (size_t k = 0; k < parameters; k += VEC_LANES) {
        const vec g = add_up(u, blocks, stride, count, k);
        if (u->last)
            vec_store(weights + k, vec_fnma(vec_set1(u->learning_rate), g, vec_load(weights + k)));
        else
            vec_store(sums + k, g);
    }
}

static void apply(const bp_coefficients *coefficients, parameter_role role, float *parameters, const float *gradient,
                  size_t count) {
    apply_optimizer(coefficients, role, parameters, 0, row_major(gradient, 0), 1, count);
}

static void interpolate(float *to, const float *from, float weight, float rest, size_t count) {
    for (size_t k = 0; k < count; k += VEC_LANES) {
        const size_t lanes = least(count - k, VEC_LANES);
        const vec rest_of_it = vec_mul(vec_set1(rest), load_some(to + k, lanes));
        store_some(to + k, lanes, vec_fma(vec_set1(weight), load_some(from + k, lanes), rest_of_it));
    }
}

/* Sums of squares of `vecs` vectors of columns from g on; the bias's gradient counts as one more row. */
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

static void squares(float *sums, bp_packed gradient, const float *bias_gradient, size_t in, size_t out) {
    for (size_t j = 0; j < out; j += NR) {
        const float *g = packed_at(gradient, 0, j);
        if (out - j > (TILE_VECS - 1) * VEC_LANES)
            square_sums(TILE_VECS, sums + j, g, gradient.row_stride, bias_gradient + j, in);
        else
            for (size_t k = j; k < out; k += VEC_LANES)
                square_sums(1, sums + k, g + (k - j), gradient.row_stride, bias_gradient + k, in);
    }
}

#endif
