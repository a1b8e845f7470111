/* Bad inputs of the functions of the kernel backend, but for the losses by their kind: test_loss_errors.c. */
#include "bad_inputs.h"
#include "enum_counts.h"

static unsigned char *scratch;

static const bp_activation bad_activations[] = {
    {ACTIVATION_COUNT, 0.0f},          {(bp_activation_kind)-1, 0.0f},  {(bp_activation_kind)1000, 0.0f},
    {BP_ACTIVATION_LEAKY_RELU, -0.1f}, {BP_ACTIVATION_LEAKY_RELU, NAN}, {BP_ACTIVATION_LEAKY_RELU, INFINITY},
    {BP_ACTIVATION_ELU, -0.1f},        {BP_ACTIVATION_ELU, NAN},        {BP_ACTIVATION_ELU, INFINITY},
    {BP_ACTIVATION_SINE, NAN},         {BP_ACTIVATION_SINE, INFINITY},  {BP_ACTIVATION_SINE, -INFINITY},
};
enum { BAD_ACTIVATIONS = sizeof bad_activations / sizeof *bad_activations };

typedef struct forward {
    float *a;
    size_t lda;
    const float *x;
    size_t ldx;
    const float *w;
    size_t ldw;
    const float *bias;
    size_t batch, in, out;
    bp_activation activation;
    void *scratch;
} forward;

static forward good_forward(void) {
    return (forward){slot(0), LD, slot(1), LD, slot(2), LD, slot(3), BATCH, IN, OUT, identity, scratch};
}

static bp_status call_forward(forward f) {
    return bp_dense_forward(f.a, f.lda, f.x, f.ldx, f.w, f.ldw, f.bias, f.batch, f.in, f.out, f.activation, f.scratch);
}

static void dense_forward(void **state) {
    (void)state;
    EXPECT(BP_OK, call_forward(good_forward()));
    EXPECT_WITH(BP_OK, forward, bias = NULL);
    EXPECT_WITH(BP_OK, forward, x = slot(2)); /* inputs may overlap each other */
    EXPECT_WITH(BP_OK, forward, lda = OUT);
    EXPECT_WITH(BP_ERROR_NULL, forward, a = NULL);
    EXPECT_WITH(BP_ERROR_NULL, forward, x = NULL);
    EXPECT_WITH(BP_ERROR_NULL, forward, w = NULL);
    EXPECT_WITH(BP_ERROR_NULL, forward, scratch = NULL);
    EXPECT_WITH(BP_ERROR_SIZE, forward, batch = 0);
    EXPECT_WITH(BP_ERROR_SIZE, forward, in = 0);
    EXPECT_WITH(BP_ERROR_SIZE, forward, out = 0);
    EXPECT_WITH(BP_ERROR_SIZE, forward, lda = OUT - 1);
    EXPECT_WITH(BP_ERROR_SIZE, forward, ldx = IN - 1);
    EXPECT_WITH(BP_ERROR_SIZE, forward, ldw = OUT - 1);
    EXPECT_WITH(BP_OK, forward, lda = 0, with.ldx = 0, with.ldw = 0); /* packed */
    EXPECT_WITH(BP_ERROR_OVERFLOW, forward, batch = SIZE_MAX);
    EXPECT_WITH(BP_ERROR_OVERFLOW, forward, batch = huge / LD);
    EXPECT_WITH(BP_ERROR_OVERFLOW, forward, lda = SIZE_MAX);
    EXPECT_WITH(BP_ERROR_OVERFLOW, forward, ldx = SIZE_MAX / 2);
    EXPECT_WITH(BP_ERROR_OVERFLOW, forward, ldw = huge);
    EXPECT_WITH(BP_ERROR_ALIGNMENT, forward, a = misaligned(0));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, forward, x = misaligned(1));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, forward, w = misaligned(2));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, forward, bias = misaligned(3));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, forward, scratch = scratch + BP_ALIGNMENT / 2);
    EXPECT_WITH(BP_ERROR_OVERLAP, forward, a = slot(1));
    EXPECT_WITH(BP_ERROR_OVERLAP, forward, a = slot(2) + (IN - 1) * LD + OUT - 1);
    EXPECT_WITH(BP_ERROR_OVERLAP, forward, a = slot(3) - 1);
    EXPECT_WITH(BP_ERROR_OVERLAP, forward, x = slot(0));
    EXPECT_WITH(BP_ERROR_OVERLAP, forward, bias = slot(0) + OUT - 1);
    EXPECT_WITH(BP_ERROR_OVERLAP, forward, w = (const float *)(const void *)(scratch + BP_ALIGNMENT));
    EXPECT_WITH(BP_ERROR_OVERLAP, forward, a = (float *)(void *)scratch);
    EXPECT_WITH(BP_ERROR_OVERLAP, forward,
                bias = (float *)(void *)(scratch + bp_dense_scratch_bytes(BATCH, IN, OUT)) - 1);
    for (size_t k = 0; k < BAD_ACTIVATIONS; k++) {
        EXPECT_WITH(BP_ERROR_VALUE, forward, activation = bad_activations[k]);
    }
    EXPECT_WITH(BP_OK, forward,
                activation = ((bp_activation){BP_ACTIVATION_TANH, NAN})); /* the slope is not its business */
    EXPECT_WITH(BP_OK, forward, activation = ((bp_activation){BP_ACTIVATION_LEAKY_RELU, 0.0f}));
}

typedef struct delta {
    float *previous;
    size_t ldp;
    const float *delta;
    size_t ldd;
    const float *w;
    size_t ldw;
    const float *saved;
    size_t lds;
    size_t batch, in, out;
    bp_activation activation;
    void *scratch;
} delta;

static delta good_delta(void) {
    return (delta){slot(0), LD, slot(1), LD, slot(2), LD, slot(3), LD, BATCH, IN, OUT, {BP_ACTIVATION_TANH, 0.0f},
                   scratch};
}

static bp_status call_delta(delta d) {
    return bp_dense_delta(d.previous, d.ldp, d.delta, d.ldd, d.w, d.ldw, d.saved, d.lds, d.batch, d.in, d.out,
                          d.activation, d.scratch);
}

static void dense_delta(void **state) {
    (void)state;
    EXPECT(BP_OK, call_delta(good_delta()));
    EXPECT_WITH(BP_OK, delta, previous = slot(3));                                /* in place */
    EXPECT_WITH(BP_OK, delta, ldp = 0, with.ldd = 0, with.ldw = 0, with.lds = 0); /* packed */
    EXPECT_WITH(BP_OK, delta, previous = slot(3), with.ldp = 0, with.lds = IN);
    delta without = good_delta();
    without.activation = identity;
    without.saved = NULL;
    without.lds = 0;
    EXPECT(BP_OK, call_delta(without));
    EXPECT_WITH(BP_ERROR_NULL, delta, previous = NULL);
    EXPECT_WITH(BP_ERROR_NULL, delta, delta = NULL);
    EXPECT_WITH(BP_ERROR_NULL, delta, w = NULL);
    EXPECT_WITH(BP_ERROR_NULL, delta, saved = NULL);
    EXPECT_WITH(BP_ERROR_NULL, delta, scratch = NULL);
    EXPECT_WITH(BP_ERROR_SIZE, delta, batch = 0);
    EXPECT_WITH(BP_ERROR_SIZE, delta, in = 0);
    EXPECT_WITH(BP_ERROR_SIZE, delta, out = 0);
    EXPECT_WITH(BP_ERROR_SIZE, delta, ldp = IN - 1);
    EXPECT_WITH(BP_ERROR_SIZE, delta, ldd = OUT - 1);
    EXPECT_WITH(BP_ERROR_SIZE, delta, ldw = OUT - 1);
    EXPECT_WITH(BP_ERROR_SIZE, delta, lds = IN - 1);
    EXPECT_WITH(BP_ERROR_OVERFLOW, delta, batch = SIZE_MAX);
    EXPECT_WITH(BP_ERROR_OVERFLOW, delta, in = huge, with.ldp = with.lds = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, delta, ldp = SIZE_MAX);
    EXPECT_WITH(BP_ERROR_OVERFLOW, delta, ldd = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, delta, ldw = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, delta, lds = huge);
    EXPECT_WITH(BP_ERROR_ALIGNMENT, delta, previous = misaligned(0));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, delta, delta = misaligned(1));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, delta, w = misaligned(2));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, delta, saved = misaligned(3));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, delta, scratch = scratch + sizeof(float));
    EXPECT_WITH(BP_ERROR_OVERLAP, delta, previous = slot(1));
    EXPECT_WITH(BP_ERROR_OVERLAP, delta, previous = slot(2));
    EXPECT_WITH(BP_ERROR_OVERLAP, delta, previous = slot(3) + 1); /* not the very place */
    EXPECT_WITH(BP_ERROR_OVERLAP, delta, previous = slot(3), with.ldp = IN);
    EXPECT_WITH(BP_ERROR_OVERLAP, delta, delta = (const float *)(const void *)scratch);
    for (size_t k = 0; k < BAD_ACTIVATIONS; k++) {
        EXPECT_WITH(BP_ERROR_VALUE, delta, activation = bad_activations[k]);
    }
}

typedef struct gradient {
    bool update; /* bp_dense_gradient_sgd */
    float *weights;
    size_t ld;
    float *bias;
    const float *x;
    size_t ldx;
    const float *delta;
    size_t ldd;
    size_t batch, in, out;
    void *scratch;
} gradient;

static gradient good_gradient(void) {
    return (gradient){false, slot(0), LD, slot(1), slot(2), LD, slot(3), LD, BATCH, IN, OUT, scratch};
}

static gradient good_update(void) {
    gradient g = good_gradient();
    g.update = true;
    return g;
}

static bp_status call_gradient(gradient g) {
    return g.update ? bp_dense_gradient_sgd(g.weights, g.ld, g.bias, g.x, g.ldx, g.delta, g.ldd, g.batch, g.in, g.out,
                                            0.5f, g.scratch)
                    : bp_dense_gradient(g.weights, g.ld, g.bias, g.x, g.ldx, g.delta, g.ldd, g.batch, g.in, g.out,
                                        g.scratch);
}

typedef gradient update;

static bp_status call_update(update u) {
    return call_gradient(u);
}

static const argument_name gradient_names[] = {{"weights", "gradient"}, {"ld", "ldg"}, {"bias", "gradient_bias"}, {0}},
                           update_names[] = {{"weights", "w"}, {"ld", "ldw"}, {0}};

/* Both functions ask the same of their arguments. */
#define EXPECT_BOTH(expected, ...)                                                                                     \
    do {                                                                                                               \
        renamed = gradient_names;                                                                                      \
        EXPECT_WITH(expected, gradient, __VA_ARGS__);                                                                  \
        renamed = update_names;                                                                                        \
        EXPECT_WITH(expected, update, __VA_ARGS__);                                                                    \
        renamed = NULL;                                                                                                \
    } while (0)

static void dense_gradient(void **state) {
    (void)state;
    EXPECT_BOTH(BP_OK, ld = OUT);
    EXPECT_BOTH(BP_OK, ld = 0, with.ldx = 0, with.ldd = 0); /* packed */
    EXPECT_BOTH(BP_OK, weights = NULL);
    EXPECT_BOTH(BP_OK, bias = NULL);
    EXPECT_BOTH(BP_OK, x = slot(3));
    EXPECT_BOTH(BP_ERROR_NULL, weights = with.bias = NULL);
    EXPECT_BOTH(BP_ERROR_NULL, x = NULL);
    EXPECT_BOTH(BP_ERROR_NULL, delta = NULL);
    EXPECT_BOTH(BP_ERROR_NULL, scratch = NULL);
    EXPECT_BOTH(BP_ERROR_SIZE, batch = 0);
    EXPECT_BOTH(BP_ERROR_SIZE, in = 0);
    EXPECT_BOTH(BP_ERROR_SIZE, out = 0);
    EXPECT_BOTH(BP_ERROR_SIZE, ld = OUT - 1);
    EXPECT_BOTH(BP_ERROR_SIZE, ldx = IN - 1);
    EXPECT_BOTH(BP_ERROR_SIZE, ldd = OUT - 1);
    EXPECT_BOTH(BP_ERROR_OVERFLOW, batch = SIZE_MAX);
    EXPECT_BOTH(BP_ERROR_OVERFLOW, in = huge, with.ldx = huge);
    EXPECT_BOTH(BP_ERROR_OVERFLOW, ld = SIZE_MAX);
    EXPECT_BOTH(BP_ERROR_OVERFLOW, ldx = huge);
    EXPECT_BOTH(BP_ERROR_OVERFLOW, ldd = huge);
    EXPECT_BOTH(BP_ERROR_ALIGNMENT, weights = misaligned(0));
    EXPECT_BOTH(BP_ERROR_ALIGNMENT, bias = misaligned(1));
    EXPECT_BOTH(BP_ERROR_ALIGNMENT, x = misaligned(2));
    EXPECT_BOTH(BP_ERROR_ALIGNMENT, delta = misaligned(3));
    EXPECT_BOTH(BP_ERROR_ALIGNMENT, scratch = scratch + sizeof(float));
    EXPECT_BOTH(BP_ERROR_OVERLAP, weights = slot(2));
    EXPECT_BOTH(BP_ERROR_OVERLAP, weights = slot(3));
    EXPECT_BOTH(BP_ERROR_OVERLAP, weights = slot(1) - 1);
    EXPECT_BOTH(BP_ERROR_OVERLAP, bias = slot(2) + 1);
    EXPECT_BOTH(BP_ERROR_OVERLAP, bias = slot(3));
    EXPECT_BOTH(BP_ERROR_OVERLAP, bias = (float *)(void *)scratch);
    EXPECT_BOTH(BP_ERROR_OVERLAP, x = (const float *)(const void *)scratch);
}

/* activate, activation_derivative and softmax: one plane to another. */
typedef struct plane {
    int function;
    float *result;
    size_t ld;
    const float *input;
    size_t ld_input;
    size_t rows, columns;
    bp_activation activation;
} plane;

enum { ACTIVATE, DERIVATIVE, SOFTMAX, PLANE_FUNCTIONS };

static bp_status call_plane(plane p) {
    switch (p.function) {
    case ACTIVATE:
        return bp_activate(p.result, p.ld, p.input, p.ld_input, p.rows, p.columns, p.activation);
    case DERIVATIVE:
        return bp_activation_derivative(p.result, p.ld, p.input, p.ld_input, p.rows, p.columns, p.activation);
    default:
        return bp_softmax(p.result, p.ld, p.input, p.ld_input, p.rows, p.columns);
    }
}

static int plane_function;

static plane good_plane(void) {
    return (plane){plane_function, slot(0), LD, slot(1), LD, BATCH, OUT, {BP_ACTIVATION_SIGMOID, 0.0f}};
}

static const argument_name plane_names[PLANE_FUNCTIONS][6] = {
    [ACTIVATE] = {{"result", "a"}, {"ld", "lda"}, {"input", "z"}, {"ld_input", "ldz"}},
    [DERIVATIVE] = {{"result", "d"}, {"ld", "ldd"}, {"input", "saved"}, {"ld_input", "lds"}},
    [SOFTMAX] = {{"result", "p"}, {"ld", "ldp"}, {"input", "z"}, {"ld_input", "ldz"}, {"columns", "classes"}},
};

static void planes(void **state) {
    (void)state;
    for (plane_function = 0; plane_function < PLANE_FUNCTIONS; plane_function++) {
        renamed = plane_names[plane_function];
        EXPECT(BP_OK, call_plane(good_plane()));
        EXPECT_WITH(BP_OK, plane, result = slot(1));
        EXPECT_WITH(BP_OK, plane, ld = 0, with.ld_input = 0); /* packed */
        EXPECT_WITH(BP_OK, plane, result = slot(1), with.ld = 0, with.ld_input = OUT);
        EXPECT_WITH(BP_ERROR_NULL, plane, result = NULL);
        EXPECT_WITH(BP_ERROR_NULL, plane, input = NULL);
        EXPECT_WITH(BP_ERROR_SIZE, plane, rows = 0);
        EXPECT_WITH(BP_ERROR_SIZE, plane, columns = 0);
        EXPECT_WITH(BP_ERROR_SIZE, plane, ld = OUT - 1);
        EXPECT_WITH(BP_ERROR_SIZE, plane, ld_input = OUT - 1);
        EXPECT_WITH(BP_ERROR_OVERFLOW, plane, rows = SIZE_MAX);
        EXPECT_WITH(BP_ERROR_OVERFLOW, plane, columns = huge, with.ld = with.ld_input = huge);
        EXPECT_WITH(BP_ERROR_OVERFLOW, plane, ld = huge);
        EXPECT_WITH(BP_ERROR_OVERFLOW, plane, ld_input = huge);
        EXPECT_WITH(BP_ERROR_ALIGNMENT, plane, result = misaligned(0));
        EXPECT_WITH(BP_ERROR_ALIGNMENT, plane, input = misaligned(1));
        EXPECT_WITH(BP_ERROR_OVERLAP, plane, result = slot(1) + 1);
        EXPECT_WITH(BP_ERROR_OVERLAP, plane, result = slot(1), with.ld = OUT);
        for (size_t k = 0; k < BAD_ACTIVATIONS && plane_function != SOFTMAX; k++) {
            EXPECT_WITH(BP_ERROR_VALUE, plane, activation = bad_activations[k]);
        }
    }
    renamed = NULL;
}

typedef struct mse {
    float *delta;
    size_t ldd;
    float *row_loss;
    const float *a;
    size_t lda;
    const float *y;
    size_t ldy;
    size_t batch, out;
    bp_activation activation;
} mse;

static mse good_mse(void) {
    return (mse){slot(0), LD, slot(1), slot(2), LD, slot(3), LD, BATCH, OUT, identity};
}

static bp_status call_mse(mse m) {
    return bp_loss_mse(m.delta, m.ldd, m.row_loss, m.a, m.lda, m.y, m.ldy, m.batch, m.out, m.activation, 0.25f);
}

static void loss_mse(void **state) {
    (void)state;
    EXPECT(BP_OK, call_mse(good_mse()));
    EXPECT_WITH(BP_OK, mse, delta = NULL, with.ldd = 0);
    EXPECT_WITH(BP_OK, mse, row_loss = NULL);
    EXPECT_WITH(BP_OK, mse, delta = slot(2));
    EXPECT_WITH(BP_OK, mse, ldd = 0, with.lda = 0, with.ldy = 0); /* packed */
    EXPECT_WITH(BP_ERROR_NULL, mse, delta = with.row_loss = NULL);
    EXPECT_WITH(BP_ERROR_NULL, mse, a = NULL);
    EXPECT_WITH(BP_ERROR_NULL, mse, y = NULL);
    EXPECT_WITH(BP_ERROR_SIZE, mse, batch = 0);
    EXPECT_WITH(BP_ERROR_SIZE, mse, out = 0);
    EXPECT_WITH(BP_ERROR_SIZE, mse, ldd = OUT - 1);
    EXPECT_WITH(BP_ERROR_SIZE, mse, lda = OUT - 1);
    EXPECT_WITH(BP_ERROR_SIZE, mse, ldy = OUT - 1);
    EXPECT_WITH(BP_ERROR_OVERFLOW, mse, batch = SIZE_MAX);
    EXPECT_WITH(BP_ERROR_OVERFLOW, mse, ldd = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, mse, lda = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, mse, ldy = huge);
    EXPECT_WITH(BP_ERROR_ALIGNMENT, mse, delta = misaligned(0));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, mse, row_loss = misaligned(1));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, mse, a = misaligned(2));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, mse, y = misaligned(3));
    EXPECT_WITH(BP_ERROR_OVERLAP, mse, delta = slot(2) + 1);
    EXPECT_WITH(BP_ERROR_OVERLAP, mse, delta = slot(2), with.ldd = OUT);
    EXPECT_WITH(BP_ERROR_OVERLAP, mse, delta = slot(3));
    EXPECT_WITH(BP_ERROR_OVERLAP, mse, row_loss = slot(0) + LD);
    EXPECT_WITH(BP_ERROR_OVERLAP, mse, row_loss = slot(2));
    EXPECT_WITH(BP_ERROR_OVERLAP, mse, row_loss = slot(2), with.delta = slot(2));
    EXPECT_WITH(BP_ERROR_OVERLAP, mse, row_loss = slot(3), with.delta = NULL);
    for (size_t k = 0; k < BAD_ACTIVATIONS; k++) {
        EXPECT_WITH(BP_ERROR_VALUE, mse, activation = bad_activations[k]);
    }
    EXPECT_WITH(BP_ERROR_VALUE, mse, activation = ((bp_activation){BP_ACTIVATION_SILU, 0.0f})); /* it keeps z, not a */
}

typedef struct cross_entropy {
    float *delta;
    size_t ldd;
    float *row_loss;
    const float *z;
    size_t ldz;
    const uint32_t *labels;
    size_t batch, classes;
} cross_entropy;

static cross_entropy good_cross_entropy(void) {
    return (cross_entropy){slot(0), LD, slot(1), slot(2), LD, labels(), BATCH, OUT};
}

static bp_status call_cross_entropy(cross_entropy c) {
    return bp_loss_softmax_cross_entropy(c.delta, c.ldd, c.row_loss, c.z, c.ldz, c.labels, c.batch, c.classes, 1.0f);
}

static void loss_softmax_cross_entropy(void **state) {
    (void)state;
    const uint32_t last_too_large[BATCH] = {0, 1, OUT}, largest[BATCH] = {UINT32_MAX, 0, 0};
    EXPECT(BP_OK, call_cross_entropy(good_cross_entropy()));
    EXPECT_WITH(BP_OK, cross_entropy, delta = NULL);
    EXPECT_WITH(BP_OK, cross_entropy, row_loss = NULL);
    EXPECT_WITH(BP_OK, cross_entropy, delta = slot(2));
    EXPECT_WITH(BP_OK, cross_entropy, ldd = 0, with.ldz = 0); /* packed */
    EXPECT_WITH(BP_ERROR_NULL, cross_entropy, delta = with.row_loss = NULL);
    EXPECT_WITH(BP_ERROR_NULL, cross_entropy, z = NULL);
    EXPECT_WITH(BP_ERROR_NULL, cross_entropy, labels = NULL);
    EXPECT_WITH(BP_ERROR_SIZE, cross_entropy, batch = 0);
    EXPECT_WITH(BP_ERROR_SIZE, cross_entropy, classes = 0);
    EXPECT_WITH(BP_ERROR_SIZE, cross_entropy, ldd = OUT - 1);
    EXPECT_WITH(BP_ERROR_SIZE, cross_entropy, ldz = OUT - 1);
    EXPECT_WITH(BP_ERROR_OVERFLOW, cross_entropy, batch = SIZE_MAX);
    EXPECT_WITH(BP_ERROR_OVERFLOW, cross_entropy, ldd = huge);
    EXPECT_WITH(BP_ERROR_OVERFLOW, cross_entropy, ldz = huge);
    EXPECT_WITH(BP_ERROR_ALIGNMENT, cross_entropy, delta = misaligned(0));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, cross_entropy, row_loss = misaligned(1));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, cross_entropy, z = misaligned(2));
    EXPECT_WITH(BP_ERROR_ALIGNMENT, cross_entropy, labels = (const uint32_t *)(const void *)misaligned(5));
    EXPECT_WITH(BP_ERROR_OVERLAP, cross_entropy, delta = slot(2) + 1);
    EXPECT_WITH(BP_ERROR_OVERLAP, cross_entropy, delta = slot(5));
    EXPECT_WITH(BP_ERROR_OVERLAP, cross_entropy, row_loss = slot(5) + 1);
    EXPECT_WITH(BP_ERROR_OVERLAP, cross_entropy, row_loss = slot(2));
    EXPECT_WITH(BP_ERROR_OVERLAP, cross_entropy, row_loss = slot(0));
    EXPECT_WITH(BP_ERROR_LABEL, cross_entropy, labels = last_too_large);
    EXPECT_WITH(BP_ERROR_LABEL, cross_entropy, labels = largest);
    EXPECT_WITH(BP_ERROR_LABEL, cross_entropy, classes = OUT - 1);
}

static void sum_and_sgd(void **state) {
    (void)state;
    EXPECT(BP_OK, bp_sum(slot(1), slot(0), SLOT));
    EXPECT_NAMED(BP_ERROR_NULL, "values", bp_sum(slot(1), NULL, 1));
    EXPECT_NAMED(BP_ERROR_NULL, "sum", bp_sum(NULL, slot(0), 1));
    EXPECT_NAMED(BP_ERROR_SIZE, "count", bp_sum(slot(1), slot(0), 0));
    EXPECT_NAMED(BP_ERROR_OVERFLOW, "count", bp_sum(slot(1), slot(0), SIZE_MAX));
    EXPECT_NAMED(BP_ERROR_ALIGNMENT, "values", bp_sum(slot(1), misaligned(0), 2));
    EXPECT_NAMED(BP_ERROR_ALIGNMENT, "sum", bp_sum(misaligned(1), slot(0), 2));

    EXPECT(BP_OK, bp_sgd(slot(0), slot(1), SLOT, 0.5f));
    EXPECT_NAMED(BP_ERROR_NULL, "parameters", bp_sgd(NULL, slot(1), 1, 0.5f));
    EXPECT_NAMED(BP_ERROR_NULL, "gradient", bp_sgd(slot(0), NULL, 1, 0.5f));
    EXPECT_NAMED(BP_ERROR_SIZE, "count", bp_sgd(slot(0), slot(1), 0, 0.5f));
    EXPECT_NAMED(BP_ERROR_OVERFLOW, "count", bp_sgd(slot(0), slot(1), SIZE_MAX, 0.5f));
    EXPECT_NAMED(BP_ERROR_OVERFLOW, "count", bp_sgd(slot(0), slot(1), huge, 0.5f));
    EXPECT_NAMED(BP_ERROR_ALIGNMENT, "parameters", bp_sgd(misaligned(0), slot(1), 1, 0.5f));
    EXPECT_NAMED(BP_ERROR_ALIGNMENT, "gradient", bp_sgd(slot(0), misaligned(1), 1, 0.5f));
    EXPECT_NAMED(BP_ERROR_OVERLAP, "gradient", bp_sgd(slot(0), slot(0), 1, 0.5f));
    EXPECT_NAMED(BP_ERROR_OVERLAP, "gradient", bp_sgd(slot(0), slot(1) - 1, SLOT, 0.5f));
    EXPECT(BP_OK, bp_sgd(slot(0), slot(0) + SLOT / 2, SLOT / 2, 0.5f)); /* neighbors do not overlap */
}

/* Column ranges of one larger array share no element, though their extents cross. */
static void column_ranges_do_not_overlap(void **state) {
    (void)state;
    EXPECT(BP_OK, bp_activate(slot(0), 8, slot(0) + 4, 8, 4, 4, identity));
    EXPECT_NAMED(BP_ERROR_OVERLAP, "z", bp_activate(slot(0), 8, slot(0) + 3, 8, 4, 4, identity));
    EXPECT_NAMED(BP_ERROR_OVERLAP, "z",
                 bp_activate(slot(0), 8, slot(0) + 5, 8, 4, 4, identity)); /* wraps into the next row */
    EXPECT_NAMED(BP_ERROR_OVERLAP, "z", bp_activate(slot(0), 8, slot(0) + 8, 8, 4, 4, identity)); /* one row further */
}

static void random_permutation(void **state) {
    (void)state;
    EXPECT(BP_OK, bp_random_permutation(labels(), 1, 1, 2));
    EXPECT_NAMED(BP_ERROR_NULL, "order", bp_random_permutation(NULL, 5, 1, 2));
    EXPECT_NAMED(BP_ERROR_SIZE, "count", bp_random_permutation(labels(), 0, 1, 2));
#if SIZE_MAX > UINT32_MAX
    EXPECT_NAMED(BP_ERROR_SIZE, "count", bp_random_permutation(labels(), ((size_t)1 << 32) + 1, 1, 2));
#endif
    EXPECT_NAMED(BP_ERROR_SIZE, "count", bp_random_permutation(labels(), SIZE_MAX, 1, 2));
    EXPECT_NAMED(BP_ERROR_ALIGNMENT, "order", bp_random_permutation((uint32_t *)(void *)misaligned(5), 3, 1, 2));
}

static void scratch_bytes(void **state) {
    (void)state;
    assert_true(bp_dense_scratch_bytes(2, 2, 2) > 0 && bp_dense_scratch_bytes(2, 2, 2) <= 4096);
    assert_int_equal(bp_dense_scratch_bytes(0, 2, 2), 0);
    assert_int_equal(bp_dense_scratch_bytes(2, 0, 2), 0);
    assert_int_equal(bp_dense_scratch_bytes(2, 2, 0), 0);
    assert_int_equal(bp_dense_scratch_bytes(SIZE_MAX, 2, 2), 0);
    assert_int_equal(bp_dense_scratch_bytes(2, huge, 3), 0);
    assert_int_equal(bp_dense_scratch_bytes(2, 3, huge), 0);
    const size_t most = bp_dense_scratch_bytes(4096, 4096, 4096);
    assert_int_equal(bp_dense_scratch_bytes(1, 1, huge / 4), most); /* never more */
    static const size_t sizes[] = {1, 2, 8, 9, 63, 256, 257, 1000, 5000};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (size_t b = 0; b < SIZES; b++)
        for (size_t i = 0; i < SIZES; i++)
            for (size_t o = 0; o < SIZES; o++) {
                const size_t bytes = bp_dense_scratch_bytes(sizes[b], sizes[i], sizes[o]);
                assert_true(bytes > 0 && bytes <= most && bytes % BP_ALIGNMENT == 0);
            }
}

static void names(void **state) {
    (void)state;
    static const char *const isas[] = {"scalar", "avx2", "avx512", "neon"};
    for (int k = 0; k < ISA_COUNT; k++) {
        bp_isa isa = ISA_COUNT;
        assert_string_equal(bp_isa_name((bp_isa)k), isas[k]);
        assert_int_equal(bp_isa_from_name(isas[k], &isa), BP_OK);
        assert_int_equal(isa, k);
    }
    assert_null(bp_isa_name(ISA_COUNT));
    assert_null(bp_isa_name((bp_isa)-1));

    bp_isa isa = BP_ISA_NEON;
    static const char *const unknown[] = {"", "AVX2", "avx", "avx2 ", "sse"};
    for (size_t k = 0; k < sizeof unknown / sizeof *unknown; k++) {
        EXPECT_NAMED(BP_ERROR_ISA_UNKNOWN, unknown[k], bp_isa_from_name(unknown[k], &isa));
        for (size_t name = 0; name < ISA_COUNT; name++)
            assert_true(has_name(bp_error_message(), isas[name]));
    }
    EXPECT_NAMED(BP_ERROR_NULL, "name", bp_isa_from_name(NULL, &isa));
    EXPECT_NAMED(BP_ERROR_NULL, "isa", bp_isa_from_name("avx2", NULL));
    assert_int_equal(isa, BP_ISA_NEON);
}

static void instruction_sets(void **state) {
    (void)state;
    assert_true(bp_cpu_supports(BP_ISA_SCALAR));
    assert_true(bp_cpu_supports(bp_cpu_best()));
    assert_false(bp_cpu_supports(ISA_COUNT));
    assert_false(bp_cpu_supports((bp_isa)-1));
    EXPECT_NAMED(BP_ERROR_NULL, "isa", bp_cpu_active(NULL));

    const bp_isa foreign = bp_cpu_supports(BP_ISA_NEON) ? BP_ISA_AVX2 : BP_ISA_NEON;
    bp_isa active = ISA_COUNT;
    assert_int_equal(bp_cpu_set(BP_ISA_SCALAR), BP_OK);
    EXPECT_NAMED(BP_ERROR_ISA_UNSUPPORTED, "isa", bp_cpu_set(foreign));
    EXPECT_NAMED(BP_ERROR_ISA_UNKNOWN, "isa", bp_cpu_set(ISA_COUNT));
    EXPECT_NAMED(BP_ERROR_ISA_UNKNOWN, "isa", bp_cpu_set((bp_isa)-1));
    assert_int_equal(bp_cpu_active(&active), BP_OK);
    assert_int_equal(active, BP_ISA_SCALAR);

    const bp_kernels *kernels = NULL;
    EXPECT_NAMED(BP_ERROR_NULL, "kernels", bp_kernels_for(BP_ISA_SCALAR, NULL));
    EXPECT_NAMED(BP_ERROR_ISA_UNSUPPORTED, "isa", bp_kernels_for(foreign, &kernels));
    EXPECT_NAMED(BP_ERROR_ISA_UNKNOWN, "isa", bp_kernels_for(ISA_COUNT, &kernels));
    EXPECT_NAMED(BP_ERROR_ISA_UNKNOWN, "isa", bp_kernels_for((bp_isa)-1, &kernels));
    assert_null(kernels);
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (bp_cpu_supports((bp_isa)isa)) {
            assert_int_equal(bp_kernels_for((bp_isa)isa, &kernels), BP_OK);
            assert_int_equal(kernels->isa, isa);
        }
    }
}

static void status_strings(void **state) {
    (void)state;
    for (int status = BP_OK; status <= BP_ERROR_MISMATCH; status++) {
        const char *text = bp_status_string((bp_status)status);
        assert_non_null(text);
        assert_true(strlen(text) > 5);
        assert_int_not_equal(text[strlen(text) - 1], '.');
        for (int other = BP_OK; other < status; other++) {
            assert_string_not_equal(text, bp_status_string((bp_status)other));
        }
    }
    assert_non_null(bp_status_string((bp_status)-1));
    assert_non_null(bp_status_string((bp_status)1000));
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        const char *name = bp_isa_name((bp_isa)isa);
        assert_non_null(strstr(bp_status_string(BP_ERROR_ISA_UNKNOWN), name));
        if (bp_cpu_supports((bp_isa)isa)) {
            assert_non_null(strstr(bp_status_string(BP_ERROR_ISA_UNSUPPORTED), name));
        }
    }
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(dense_forward, set_up),
        cmocka_unit_test_setup(dense_delta, set_up),
        cmocka_unit_test_setup(dense_gradient, set_up),
        cmocka_unit_test_setup(planes, set_up),
        cmocka_unit_test_setup(loss_mse, set_up),
        cmocka_unit_test_setup(loss_softmax_cross_entropy, set_up),
        cmocka_unit_test_setup(sum_and_sgd, set_up),
        cmocka_unit_test_setup(column_ranges_do_not_overlap, set_up),
        cmocka_unit_test_setup(random_permutation, set_up),
        cmocka_unit_test(scratch_bytes),
        cmocka_unit_test(names),
        cmocka_unit_test(instruction_sets),
        cmocka_unit_test(status_strings),
    };
    test_start(argv[0]);
    scratch = aligned_alloc(BP_ALIGNMENT, bp_dense_scratch_bytes(64, 64, 64));
    if (scratch == NULL) {
        return 2;
    }
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(scratch);
    return failed;
}
