/* The products of a dense layer on packed matrices, for the network; backend.h declares them. */
#ifndef BP_VECTOR_PACKED_H
#define BP_VECTOR_PACKED_H

#include "vector/dense.h"

static void packed_unpack(float *to, size_t ld, bp_packed from, size_t rows, size_t columns) {
    for (size_t c = 0; c < columns; c += NR)
        unpack_rows(to + c, ld, packed_at(from, 0, c), from.row_stride, rows, least(columns - c, NR));
}

static void packed_activate(bp_packed a, bp_packed derivatives, size_t rows, size_t columns, bp_activation activation) {
    for (size_t j = 0; j < columns; j += NR)
        activate_in_place(packed_at(a, 0, j), a.row_stride, derivatives.data ? packed_at(derivatives, 0, j) : NULL,
                          derivatives.row_stride, rows, round_up(least(columns - j, NR), VEC_LANES), activation);
}

static void packed_forward(const bp_packed *a, const bp_packed *derivatives, const bp_packed *x, const bp_packed *w,
                           const float *bias, size_t batch, size_t in, size_t out, bp_activation activation,
                           void *scratch) {
    if (few_go_forward(batch)) {
        few_forward(batch, *a, *x, *w, bias, in, out, activation);
        if (!is_rectifier(activation))
            packed_activate(*a, *derivatives, batch, out, activation);
        return;
    }
    gemm_operands g = forward_operands(*a, *x, *w, bias, batch, in, out);
    g.padded = true;
    const gemm_epilogue e = {.kind = EPILOGUE_ACTIVATION, .activation = activation, .derivatives = *derivatives};
    const gemm_plan plan = chain_plan(&g);
    gemm(&g, &plan, &e, scratch);
}

static void packed_delta(const bp_packed *previous, const bp_packed *delta, const bp_packed *w,
                         const bp_packed *previous_saved, size_t batch, size_t in, size_t out, bp_derivative derivative,
                         void *scratch) {
    if (batch <= FEW_ROWS) {
        const few_operands o = {batch, in, out, *previous, *delta, *w, *previous_saved, derivative, .padded = true};
        few_backward(&o);
        return;
    }
    const delta_operands d = {batch, in, out, *previous, *delta, *w, *previous_saved, derivative, .padded = true};
    if (delta_transposes(batch, in, out))
        delta_by_rows(&d, PACK_NONE, scratch);
    else
        delta_by_columns(&d, PACK_NONE, scratch);
}

static void packed_multiply(bp_packed delta, bp_packed derivatives, size_t rows, size_t columns) {
    for (size_t j = 0; j < columns; j += NR)
        for (size_t n = 0; n < rows; n++) {
            float *d = packed_at(delta, n, j);
            const float *slope = packed_at(derivatives, n, j);
            for (size_t c = 0; c < least(columns - j, NR); c += VEC_LANES)
                vec_store(d + c, vec_mul(vec_load(d + c), vec_load(slope + c)));
        }
}

static void packed_gradient(const gradient_use *use, const bp_packed *w, const bp_packed *sums, const bp_packed *x,
                            const bp_packed *delta, size_t batch, size_t in, size_t out, void *scratch) {
    const bp_coefficients *update = use->update;
    if (batch <= FEW_ROWS && update && !use->continues) {
        const few_operands o = {batch, in, out, .delta = *delta, .w = *w, .update = update, .x = *x, .padded = true};
        few_backward(&o);
        return;
    }
    gemm_operands g = gradient_operands(update ? *w : *sums, *x, *delta, batch, in, out);
    g.padded = true;
    g.sums = use->continues ? *sums : (bp_packed){0};
    const gemm_epilogue e = gradient_epilogue(update);
    gemm_plan plan = gradient_plan();
    plan.sums_in_scratch = update != NULL;
    if (e.kind != EPILOGUE_OPTIMIZER) /* which takes a panel's gradient from the first-level cache */
        plan.mc = whole_panel_rows(UPDATE_BLOCK / least(batch, BP_ROW_BLOCK));
    gemm(&g, &plan, &e, scratch);
}

static void packed_bias_gradient(const gradient_use *use, float *biases, float *sums, const bp_packed *delta,
                                 size_t batch, size_t out) {
    const bp_coefficients *update = use->update;
    if (batch > 1 || !update || !update->plain || use->continues) {
        bias_gradient(use, biases, sums, *delta, batch, round_up(out, VEC_LANES));
        return;
    }
    for (size_t j = 0; j < out; j += NR) { /* without the cost of loops over rows, which shows in a step of one */
        const float *d = packed_at(*delta, 0, j);
        for (size_t c = 0; c < NR && j + c < out; c += VEC_LANES)
            store_gradient(update, biases + j + c, VEC_LANES, vec_add(vec_set1(0.0f), vec_load(d + c)));
    }
}

static void packed_backward(const gradient_use *use, const bp_backward *b, void *scratch) {
    if (b->batch <= FEW_ROWS && use->update && !use->continues) {
        const few_operands o = {b->batch,  b->in,         b->out,      *b->previous, *b->delta,     *b->w,
                                *b->saved, b->derivative, use->update, *b->x,        .padded = true};
        few_backward(&o);
        return;
    }
    packed_delta(b->previous, b->delta, b->w, b->saved, b->batch, b->in, b->out, b->derivative, scratch);
    packed_gradient(use, b->w, b->sums, b->x, b->delta, b->batch, b->in, b->out, scratch);
}

/* The sum of the blocks at element k, added to that of earlier slices, if `sums` is not null. */
static ALWAYS_INLINE vec add_up(const float *sums, const float *blocks, size_t stride, size_t count, size_t k) {
    vec g = vec_load(blocks + k);
    if (sums)
        g = vec_add(vec_load(sums + k), g);
    for (size_t b = 1; b < count; b++)
        g = vec_add(g, vec_load(blocks + b * stride + k));
    return g;
}

static void add_blocks(const gradient_use *use, parameter_role role, float *parameters, float *sums,
                       const float *blocks, size_t stride, size_t count, size_t parameters_count) {
    const bp_coefficients *update = use->update, *plain = update && update->plain ? update : NULL;
    const float *earlier = use->continues ? sums : NULL;
    float gradient[OPTIMIZER_COLUMNS];
    for (size_t k = 0; k < parameters_count; k += OPTIMIZER_COLUMNS) {
        const size_t columns = least(parameters_count - k, OPTIMIZER_COLUMNS);
        float *to = plain ? parameters + k : update ? gradient : sums + k;
        for (size_t c = 0; c < columns; c += VEC_LANES)
            store_gradient(plain, to + c, VEC_LANES, add_up(earlier, blocks, stride, count, k + c));
        if (update && !plain)
            apply_optimizer(update, role, parameters + k, 0, row_major(gradient, 0), 1, columns);
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
