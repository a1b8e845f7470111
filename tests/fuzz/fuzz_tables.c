/*
 * Every table of kernels against the scalar one: the same arguments, fuzzed, must leave the same bits in all arrays, a
 * NaN being any NaN. Tables: every instruction set that this CPU has, with blocks of the usual size and tiny ones.
 */
#include "harness/bits.h"
#include "harness/run.h"

#include "kernel_calls.h"
#include "operands.h"

typedef struct prepared {
    operands arrays;
    void *at[KERNEL_ARRAYS_MAX];
} prepared;

static const kernel_call *call;
static kernel_numbers numbers;
static bytes arrays_input;
static prepared expected;
static bool null_allowed;

/* Arrays of a call, the same ones at each call of this function. */
static void prepare(prepared *p, bytes in, kernel_numbers *n) {
    *p = (prepared){.arrays = {.sane = true}};
    for (size_t k = 0; call->arrays[k].shape != SHAPE_NONE; k++) {
        const kernel_array *a = &call->arrays[k];
        size_t rows, columns;
        kernel_shape_of(a, n, &rows, &columns);
        const size_t stride = kernel_stride_of(call, k);
        if (stride == k)
            n->ld[k] = rows > 1 ? columns + take_below(&in, 2) * take_below(&in, 24) : columns;
        const bool in_place = a->in_place > 0 && take_flag(&in) && p->at[a->in_place - 1];
        if (in_place) {
            n->ld[k] = n->ld[a->in_place - 1];
            p->at[k] = p->at[a->in_place - 1];
            continue;
        }
        if (!kernel_array_used(call, k, &n->optimizer, p->at))
            continue;
        p->at[k] = operand_new(&p->arrays, &in, rows, columns, n->ld[stride], sizeof(float),
                               a->use == USE_WRITE || a->use == USE_UPDATE);
        if (a->use == USE_LABELS)
            operand_labels(&p->arrays, &in, n->out);
    }
    for (size_t k = 0; call->arrays[k].shape != SHAPE_NONE; k++)
        if (null_allowed && take_rarely(&in, 3) && kernel_may_be_null(call, k, p->at))
            p->at[k] = NULL;
    operands_keep(&p->arrays);
}

static void compare(const test_table *table) {
    prepared p;
    prepare(&p, arrays_input, &numbers);
    REQUIRE(call->run(table->kernels, p.at, &numbers) == BP_OK);
    operands_require(&p.arrays, true);
    for (size_t k = 0; k < p.arrays.count; k++) {
        const operand *a = &p.arrays.list[k], *b = &expected.arrays.list[k];
        for (size_t e = 0; e < a->block_bytes / sizeof(float); e++) {
            float x, y;
            memcpy(&x, a->block + e * sizeof x, sizeof x);
            memcpy(&y, b->block + e * sizeof y, sizeof y);
            if (test_bits(x) != test_bits(y))
                fprintf(stderr, "%s on %s: array %zu, float %zu of its memory: %a, expected %a\n", call->name,
                        table->name, k, e, (double)x, (double)y);
            REQUIRE(test_bits(x) == test_bits(y));
        }
    }
    operands_free(&p.arrays);
}

/* Around the tiles, or longer in one direction, so that a case takes about a millisecond at most. */
static void take_sizes(bytes *in, kernel_numbers *n) {
    const size_t wide = take_below(in, 4);
    size_t *const sizes[] = {&n->batch, &n->in, &n->out};
    for (size_t k = 0; k < 3; k++)
        *sizes[k] = 1 + take_below(in, wide == k ? 700 : wide == 3 ? 40 : 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool opened;
    bytes in = bytes_of(data, size);
    if (!opened) {
        REQUIRE(test_open(&(test_settings){.quick = true}));
        opened = true;
    }
    call = &kernel_calls[take_below(&in, kernel_call_count)];
    numbers = (kernel_numbers){0};
    null_allowed = take_flag(&in);
    take_sizes(&in, &numbers);
    numbers.scratch = aligned_alloc(BP_ALIGNMENT, bp_dense_scratch_bytes(numbers.batch, numbers.in, numbers.out));
    REQUIRE(numbers.scratch != NULL);
    take_numbers(&in, call, &numbers);
    arrays_input = in;
    prepare(&expected, in, &numbers);
    REQUIRE(call->run(test_oracle(), expected.at, &numbers) == BP_OK);
    operands_require(&expected.arrays, true);
    for (size_t k = 0; test_table_at(k); k++)
        compare(test_table_at(k));
    operands_free(&expected.arrays);
    free(numbers.scratch);
    return 0;
}
