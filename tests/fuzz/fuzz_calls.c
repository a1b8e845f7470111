/*
 * The public functions of kernels, called by careless callers: any sizes and strides, null, misaligned and overlapping
 * arrays, any numbers and enumerators. A call fails with all arrays as they were, or writes what it documents; what is
 * bad by any reading fails, and what is good by any reading does not.
 */
#include "../../kernels/enum_counts.h"
#include "kernel_calls.h"
#include "operands.h"

typedef struct careless {
    const kernel_call *call;
    kernel_numbers numbers;
    operands arrays;
    void *at[KERNEL_ARRAYS_MAX];
    bool odd_numbers;
    unsigned char *scratch;
} careless;

static void take_arrays(careless *c, bytes *in) {
    kernel_numbers *n = &c->numbers;
    for (size_t k = 0; c->call->arrays[k].shape != SHAPE_NONE; k++) {
        const kernel_array *a = &c->call->arrays[k];
        size_t rows, columns;
        kernel_shape_of(a, n, &rows, &columns);
        const size_t stride = kernel_stride_of(c->call, k);
        const bool vector = a->shape == SHAPE_OUT || a->shape == SHAPE_BATCH || a->shape == SHAPE_ONE;
        if (stride == k)
            n->ld[k] = vector ? columns : take_stride(in, columns);
        if (!kernel_array_used(c->call, k, &n->optimizer, c->at))
            continue;
        c->at[k] = operand_new(&c->arrays, in, rows, columns, vector ? columns : n->ld[stride], sizeof(float),
                               a->use == USE_WRITE || a->use == USE_UPDATE);
        if (a->use != USE_LABELS)
            continue;
        operand_labels(&c->arrays, in, n->out);
        operand_bad_label(&c->arrays, in, n->out);
    }
}

/* Scratch lies apart from all arrays and has no byte too many, or is none. */
static void take_scratch(careless *c, bytes *in) {
    kernel_numbers *n = &c->numbers;
    const size_t size = bp_dense_scratch_bytes(n->batch, n->in, n->out);
    REQUIRE((c->scratch = aligned_alloc(BP_ALIGNMENT, size ? size : BP_ALIGNMENT)) != NULL);
    const uint8_t kind = take_byte(in);
    c->odd_numbers |= kind >= 254;
    n->scratch = kind == 255 ? NULL : kind == 254 ? c->scratch + sizeof(float) : c->scratch;
}

/* Any instruction set that there is. */
static void take_isa(bytes *in) {
    const bp_isa isa = (bp_isa)take_below(in, ISA_COUNT);
    REQUIRE(bp_cpu_set(bp_cpu_supports(isa) ? isa : bp_cpu_best()) == BP_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bytes in = bytes_of(data, size);
    careless c = {.call = &kernel_calls[take_below(&in, kernel_call_count)]};
    kernel_numbers *n = &c.numbers;
    take_isa(&in);
    n->batch = take_size(&in, 33);
    n->in = take_size(&in, 19);
    n->out = take_size(&in, 35);
    take_scratch(&c, &in);
    take_numbers(&in, c.call, n);
    if (take_rarely(&in, 4)) {
        take_odd_number(&in, n);
        c.odd_numbers = true;
    }
    take_arrays(&c, &in);
    if (!c.arrays.too_large) {
        operands_keep(&c.arrays);
        const bp_status status = c.call->run(NULL, c.at, n);
        operands_require_status(&c.arrays, status, c.odd_numbers);
    }
    operands_free(&c.arrays);
    free(c.scratch);
    return 0;
}
