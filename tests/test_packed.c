/*
 * The functions of a backend that a network is made of, on matrices in panels (see backend.h), against the scalar
 * kernels on the same matrices row-major: the same bits, and nothing written but the results and what fills their last
 * vector. A failure's last line repeats the case.
 */
#include <stdio.h>
#include <string.h>

#include <backprop/dense.h>

#include "enum_counts.h"
#include "harness/harness.h"
#include "packed_support.h"

enum { SLICES_MAX = 4 };

/* ---- Packing -------------------------------------------------------------------------------------------------- */

typedef struct packing {
    matrix *m;
    float *rows; /* of the caller */
    size_t ld;
} packing;

static void call_pack(void *argument) {
    const packing *p = argument;
    trial.table->backend->pack(p->m->packed, p->rows, p->ld, p->m->rows, p->m->columns);
}

static void call_unpack(void *argument) {
    const packing *p = argument;
    trial.table->backend->unpack(p->rows, p->ld, p->m->packed, p->m->rows, p->m->columns);
}

/* The caller's array has no room for whole vectors: its rows are ended by canaries, and the last one by a guard page.
 */
static void packing_case(test_table *table, test_side side, size_t rows, size_t columns, size_t padding) {
    static test_array caller;
    if (!caller.memory)
        test_array_create(&caller, MATRIX_BYTES);
    for (int unpack = 0; unpack <= 1; unpack++) {
        if (!begin(table, unpack ? "unpack" : "pack", side, rows, columns, padding))
            continue;
        trial.scratch.data = NULL;
        matrix *m = add_matrix("panels", unpack ? READ : RESULT, rows, columns);
        const size_t ld = columns + padding;
        test_array_place(&caller, rows, columns, ld, 0, side);
        for (size_t r = 0; r < rows && !unpack; r++)
            memcpy(caller.data + r * ld, m->plain + r * columns, columns * sizeof(float));
        if (!unpack)
            empty(m);
        test_array_protect(&caller, !unpack);
        run(unpack ? call_unpack : call_pack, &(packing){m, caller.data, ld});
        test_array_protect(&caller, false);
        bool same = test_array_intact(&caller, "the caller's rows", stderr);
        for (size_t r = 0; r < rows && same; r++)
            same = memcmp(caller.data + r * ld, m->plain + r * columns, columns * sizeof(float)) == 0;
        if (!same && test_count_failure())
            report("  the caller's rows are not as expected\n");
    }
}

static void packings(test_table *table) {
    const size_t widest = 3 * table->kernels->tile_columns + 1;
    for (size_t columns = 1; columns <= widest; columns++)
        for (size_t rows = 1; rows <= 10; rows += test_quick() ? 4 : 1)
            for (size_t padding = 0; padding <= 5; padding += 5) {
                packing_case(table, TEST_END, rows, columns, padding);
                packing_case(table, TEST_START, rows, columns, padding);
            }
}

/* ---- Forward -------------------------------------------------------------------------------------------------- */

typedef struct layer_call {
    matrix *result, *left, *weights, *other; /* other: biases, or the outputs of the layer below */
    matrix *derivatives;
    size_t batch, in, out;
    bp_activation activation; /* forward */
    bp_derivative derivative; /* delta */
    void *scratch;
} layer_call;

static void call_forward(void *argument) {
    const layer_call *c = argument;
    const bp_packed none = {0};
    trial.table->backend->forward(&c->result->packed, c->derivatives ? &c->derivatives->packed : &none,
                                  &c->left->packed, &c->weights->packed, c->other->packed.data, c->batch, c->in, c->out,
                                  c->activation, c->scratch);
}

static void forward_case(test_table *table, test_side side, size_t batch, size_t out, size_t in) {
    if (!begin(table, "forward", side, batch, out, in))
        return;
    layer_call c = {.batch = batch, .in = in, .out = out, .activation = draw_activation(ACTIVATION_COUNT)};
    c.left = add_matrix("x", READ, batch, in);
    c.weights = add_matrix("w", READ, in, out);
    c.other = add_vector("biases", READ, out);
    c.result = add_matrix("a", RESULT, batch, out);
    empty(c.result);
    c.scratch = scratch_for(batch, in, out);
    test_oracle()->dense_forward(c.result->plain, out, c.left->plain, in, c.weights->plain, out, c.other->plain, batch,
                                 in, out, (bp_activation){.kind = BP_ACTIVATION_IDENTITY}, oracle_scratch());
    const bool from_z = bp_activation_saves_input(c.activation.kind);
    if (derivative_of(c.activation).kind == DERIVATIVE_SAVED && test_random_below(&trial.random, 2) == 0) {
        c.derivatives = add_matrix("slopes", RESULT, batch, out);
        empty(c.derivatives);
    }
    if (c.derivatives && from_z)
        test_oracle()->activation_derivative(c.derivatives->plain, out, c.result->plain, out, batch, out, c.activation);
    test_oracle()->activate(c.result->plain, out, c.result->plain, out, batch, out, c.activation);
    if (c.derivatives && !from_z)
        test_oracle()->activation_derivative(c.derivatives->plain, out, c.result->plain, out, batch, out, c.activation);
    run(call_forward, &c);
}

/* ---- Delta ---------------------------------------------------------------------------------------------------- */

static void call_delta(void *argument) {
    const layer_call *c = argument;
    trial.table->backend->delta(&c->result->packed, &c->left->packed, &c->weights->packed, &c->other->packed, c->batch,
                                c->in, c->out, c->derivative, c->scratch);
}

/* The scalar kernels have no derivatives that are computed before: the result is multiplied by them. */
static void delta_case(test_table *table, test_side side, size_t batch, size_t in, size_t out) {
    if (!begin(table, "delta", side, batch, in, out))
        return;
    bp_activation activation = draw_activation(BP_ACTIVATION_TANH + 2);
    layer_call c = {.batch = batch, .in = in, .out = out, .derivative = derivative_of(activation)};
    const bool saved = c.derivative.kind == DERIVATIVE_SAVED;
    if (saved)
        activation.kind = BP_ACTIVATION_IDENTITY;
    c.left = add_matrix("delta", READ, batch, out);
    c.weights = add_matrix("w", READ, in, out);
    c.other = add_matrix("a_below", READ, batch, in);
    c.result = add_matrix("previous", RESULT, batch, in);
    empty(c.result);
    c.scratch = scratch_for(batch, in, out);
    test_oracle()->dense_delta(c.result->plain, in, c.left->plain, out, c.weights->plain, out, c.other->plain, in,
                               batch, in, out, activation, oracle_scratch());
    for (size_t k = 0; saved && k < batch * in; k++)
        c.result->plain[k] = c.result->plain[k] * c.other->plain[k];
    run(call_delta, &c);
}

static void call_multiply(void *argument) {
    const layer_call *c = argument;
    trial.table->backend->multiply(c->result->packed, c->other->packed, c->batch, c->out);
}

static void multiply_case(test_table *table, test_side side, size_t rows, size_t columns) {
    if (!begin(table, "multiply", side, rows, columns, 1))
        return;
    layer_call c = {.batch = rows, .out = columns};
    c.other = add_matrix("derivatives", READ, rows, columns);
    c.result = add_matrix("delta", RESULT, rows, columns);
    trial.scratch.data = NULL;
    for (size_t k = 0; k < rows * columns; k++)
        c.result->plain[k] = c.result->plain[k] * c.other->plain[k];
    run(call_multiply, &c);
}

/* ---- Update --------------------------------------------------------------------------------------------------- */

typedef struct update_call {
    bp_coefficients update;
    matrix *x, *delta, *weights, *sums, *biases, *bias_sums;
    bool with_biases;
    size_t in, out;
    size_t slices, rows[SLICES_MAX];
    void *scratch;
} update_call;

static void call_update(void *argument) {
    const update_call *c = argument;
    const bp_backend *backend = trial.table->backend;
    bp_packed x = c->x->packed, delta = c->delta->packed;
    for (size_t s = 0; s < c->slices; s++) {
        const gradient_use of_slice = {s > 0, s + 1 == c->slices ? &c->update : NULL};
        if (c->with_biases)
            backend->bias_gradient(&of_slice, c->biases->packed.data, c->bias_sums->packed.data, &delta, c->rows[s],
                                   c->out);
        backend->gradient(&of_slice, &c->weights->packed, &c->sums->packed, &x, &delta, c->rows[s], c->in, c->out,
                          c->scratch);
        x.data += c->rows[s] * x.row_stride;
        delta.data += c->rows[s] * delta.row_stride;
    }
}

/* Cuts the batch into slices, all but the last of whole row blocks. */
static void draw_slices(update_call *c, size_t batch) {
    for (c->slices = 0; batch > 0; c->slices++) {
        const size_t blocks = (batch - 1) / BP_ROW_BLOCK;
        size_t rows = batch;
        if (blocks > 0 && c->slices + 1 < SLICES_MAX)
            rows = (1 + test_random_below(&trial.random, blocks + 1)) * BP_ROW_BLOCK;
        c->rows[c->slices] = rows < batch ? rows : batch;
        batch -= c->rows[c->slices];
        const size_t used = strlen(trial.note);
        snprintf(trial.note + used, sizeof trial.note - used, ", slice of %zu", c->rows[c->slices]);
    }
}

/* The scalar kernel takes the whole batch at once. */
static void update_case(test_table *table, test_side side, size_t in, size_t out, size_t batch) {
    if (!begin(table, "update", side, in, out, batch))
        return;
    static const float rates[] = {0.1f, -0.5f, 1.0f, 0.0f};
    const float learning_rate = rates[test_random_below(&trial.random, 4)];
    const bool with_biases = test_random_below(&trial.random, 4) != 0;
    update_call c = {.update = plain_sgd(learning_rate), .with_biases = with_biases, .in = in, .out = out};
    draw_slices(&c, batch);
    const use sums = c.slices > 1 ? SCRATCH : UNUSED;
    c.x = add_matrix("x", READ, batch, in);
    c.delta = add_matrix("delta", READ, batch, out);
    c.weights = add_matrix("w", RESULT, in, out);
    c.biases = add_vector("biases", with_biases ? RESULT : READ, out);
    c.sums = add_matrix("sums", sums, in, out);
    c.bias_sums = add_vector("bias sums", with_biases ? sums : UNUSED, out);
    c.scratch = scratch_for(batch, in, out);
    test_oracle()->dense_gradient_sgd(c.weights->plain, out, with_biases ? c.biases->plain : NULL, c.x->plain, in,
                                      c.delta->plain, out, batch, in, out, learning_rate, oracle_scratch());
    run(call_update, &c);
}

/* ---- Sums of blocks ------------------------------------------------------------------------------------------- */

typedef struct blocks_call {
    gradient_use use;
    float *weights, *sums;
    const float *blocks;
    size_t stride, count, parameters;
} blocks_call;

static void call_add_blocks(void *argument) {
    const blocks_call *c = argument;
    trial.table->backend->add_blocks(&c->use, ROLE_WEIGHTS, c->weights, c->sums, c->blocks, c->stride, c->count,
                                     c->parameters);
}

/* `count` sums of so many parameters, somewhat apart. */
static void blocks_case(test_table *table, test_side side, size_t parameters, size_t count, bool first, bool last) {
    const size_t gap = 16 * (parameters % 3), stride = parameters + gap;
    if (!begin(table,
               first  ? last ? "all_blocks" : "first_blocks"
               : last ? "last_blocks"
                      : "more_blocks",
               side, parameters, count, stride))
        return;
    const matrix *blocks = add_vector("blocks", READ, (count - 1) * stride + parameters);
    matrix *weights = add_vector("w", last ? RESULT : UNUSED, parameters);
    matrix *sums = add_vector("sums", !last ? RESULT : first ? UNUSED : READ, parameters);
    const float learning_rate = 0.3f;
    const bp_coefficients update = plain_sgd(learning_rate);
    blocks_call c = {.use = {.continues = !first, .update = last ? &update : NULL},
                     .weights = weights->packed.data,
                     .sums = sums->packed.data,
                     .blocks = blocks->packed.data,
                     .stride = stride,
                     .count = count,
                     .parameters = parameters};
    for (size_t k = 0; k < parameters; k++) {
        float g = first ? blocks->plain[k] : sums->plain[k] + blocks->plain[k];
        for (size_t b = 1; b < count; b++)
            g = g + blocks->plain[b * stride + k];
        if (last)
            test_oracle()->sgd(&weights->plain[k], &g, 1, learning_rate);
        else
            sums->plain[k] = g;
    }
    trial.scratch.data = NULL;
    run(call_add_blocks, &c);
}

/* ---- Sizes ---------------------------------------------------------------------------------------------------- */

/* A few rows have ways of their own, up to four panels at once. */
static void wide_rows(test_table *table) {
    const size_t panel = table->kernels->tile_columns, end = 2 * panel + 1, step = test_quick() ? 5 : 1;
    const size_t wide[] = {3 * panel, 4 * panel - 1, 4 * panel, 4 * panel + 1, 5 * panel, 9 * panel + 3};
    for (size_t in = 1; in <= end; in += step)
        for (size_t k = 0; k < sizeof wide / sizeof *wide && test_columns_matter(in); k++) {
            forward_case(table, TEST_END, 1 + in % 4, wide[k], in);
            forward_case(table, TEST_START, 1 + in % 4, in, wide[k]);
        }
}

static const test_shape large[] = {
    {131, 257, 67}, {67, 39, 135}, {128, 10, 784}, {300, 1000, 1},  {1, 300, 530},
    {7, 200, 530},  {513, 19, 70}, {70, 37, 1100}, {300, 130, 140},
};

static void forwards(test_table *table) {
    test_sweep_products(table, forward_case);
    test_sweep_few_rows(table, forward_case, false);
    wide_rows(table);
    test_sweep_shapes(table, forward_case, large, sizeof large / sizeof *large);
}

static void deltas(test_table *table) {
    test_sweep_products(table, delta_case);
    test_sweep_shapes(table, delta_case, large, sizeof large / sizeof *large);
}

static void updates(test_table *table) {
    test_sweep_products(table, update_case);
    test_sweep_shapes(table, update_case, large, sizeof large / sizeof *large);
}

static void multiplications(test_table *table) {
    const size_t widest = 3 * table->kernels->tile_columns + 1;
    for (size_t columns = 1; columns <= widest; columns++)
        for (size_t count = 1; count <= 5; count += 2) {
            multiply_case(table, TEST_END, count, columns);
            multiply_case(table, TEST_START, count, columns);
        }
}

static void slices(test_table *table) {
    enum { B = BP_ROW_BLOCK };
    static const size_t batches[] = {B - 1, B, B + 1, 2 * B - 1, 2 * B, 2 * B + 1, 3 * B, 3 * B + 1, 4 * B + 77};
    const size_t panel = table->kernels->tile_columns;
    const size_t widths[] = {1, panel - (panel > 1), panel + 1, 2 * panel, 2 * panel + 3, 3 * panel + 2};
    enum { WIDTHS = sizeof widths / sizeof *widths };
    for (size_t k = 0; k < sizeof batches / sizeof *batches; k++)
        for (size_t i = 0; i < WIDTHS; i++)
            for (size_t j = 0; j < WIDTHS; j++) {
                const test_shape shape = {widths[i], widths[j], batches[k]};
                if (!test_quick() || (i + j + k) % 7 == 0)
                    test_sweep_shapes(table, update_case, &shape, 1);
            }
}

static void block_sums(test_table *table) {
    static const size_t parameters[] = {16, 32, 80, 1056};
    for (size_t k = 0; k < sizeof parameters / sizeof *parameters; k++)
        for (size_t count = 1; count <= 5; count++)
            for (int flags = 0; flags < 4; flags++) {
                blocks_case(table, TEST_START, parameters[k], count, flags & 1, flags & 2);
                blocks_case(table, TEST_END, parameters[k], count, flags & 1, flags & 2);
            }
}

static void packing_copies(void **state) {
    (void)state;
    test_each_table(packings);
}

static void forward_has_the_scalar_bits(void **state) {
    (void)state;
    test_each_table(forwards);
}

static void delta_has_the_scalar_bits(void **state) {
    (void)state;
    test_each_table(deltas);
}

static void deltas_are_multiplied(void **state) {
    (void)state;
    test_each_table(multiplications);
}

static void update_has_the_scalar_bits(void **state) {
    (void)state;
    test_each_table(updates);
}

static void slices_add_up(void **state) {
    (void)state;
    test_each_table(slices);
}

static void block_sums_add_up(void **state) {
    (void)state;
    test_each_table(block_sums);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packing_copies),
        cmocka_unit_test(forward_has_the_scalar_bits),
        cmocka_unit_test(delta_has_the_scalar_bits),
        cmocka_unit_test(deltas_are_multiplied),
        cmocka_unit_test(update_has_the_scalar_bits),
        cmocka_unit_test(slices_add_up),
        cmocka_unit_test(block_sums_add_up),
    };
    test_start(argv[0]);
    test_keep_levels();
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
