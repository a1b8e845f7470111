/*
 * Inference on constant networks: on every backend the bits of the scalar network's forward pass, whatever the rows,
 * their split into calls and the workspace held before; by several threads at the same time; on memory that is
 * write-protected. Arrays and workspace touch guard pages. Every refusal with its message.
 */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */
#include <stdio.h>
#include <sys/mman.h>

#include "enum_counts.h"
#include "harness/array.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { ROWS_MAX = 530, TRAIN_ROWS = 8, IN_MAX = 1024, OUT_MAX = 16, ARRAY_BYTES = 8 << 20, THREADS = 4 };

typedef struct subject {
    net shape;
    float dropout[NET_LAYERS_MAX];
    bool normalize[NET_LAYERS_MAX];
} subject;

static const subject subjects[] = {
    {.shape = {.layers = 2, .sizes = {2, 2, 2}, .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}}}},
    {.shape = {.layers = 1, .sizes = {40, 16}, .activations = {{BP_ACTIVATION_SIGMOID, 0}}}},
    {.shape = {.layers = 4,
               .sizes = {3, 1, 7, 11, 2},
               .activations = {{BP_ACTIVATION_RELU, 0},
                               {BP_ACTIVATION_LEAKY_RELU, 0.01f},
                               {BP_ACTIVATION_GELU, 0},
                               {BP_ACTIVATION_SOFTPLUS, 0}}}},
    {.shape = {.layers = 3,
               .sizes = {40, 70, 33, 9},
               .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_SINE, 2}, {BP_ACTIVATION_TANH, 0}}}},
    {.shape = {.layers = 2, /* inputs whose rows lie a page apart are packed */
               .sizes = {1024, 70, 10},
               .activations = {{BP_ACTIVATION_SILU, 0}, {BP_ACTIVATION_IDENTITY, 0}}}},
    {.shape = {.layers = 2, /* larger than any block of the kernels */
               .sizes = {530, 520, 3},
               .activations = {{BP_ACTIVATION_ELU, 1}, {BP_ACTIVATION_IDENTITY, 0}}}},
    {.shape = {.layers = 3,
               .sizes = {20, 40, 30, 5},
               .activations = {{BP_ACTIVATION_GELU, 0}, {BP_ACTIVATION_MISH, 0}, {BP_ACTIVATION_IDENTITY, 0}}},
     .dropout = {0.5f, 0.25f, 0},
     .normalize = {true, true, false}},
};

/* ---- Networks and what they must give ------------------------------------------------------------------------- */

static bp_network_config config_of(const subject *t, size_t max_batch_size) {
    bp_network_config config = net_config(&t->shape, max_batch_size);
    config.dropout = t->dropout;
    config.normalize = t->normalize;
    config.threads = 2;
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_SGD, .ema_decay = 0.5f});
    return config;
}

/* Some steps, so that gammas, betas and the average are not as in the beginning. */
static bp_network *trained(const test_table *table, const bp_network_config *config, const net *shape) {
    bp_network *network = net_create_on(table, config, 3);
    samples s = samples_create(shape, TRAIN_ROWS, 0, 4);
    for (int step = 0; step < 3; step++)
        assert_int_equal(bp_network_train_step(network, &s.batch, 0.03f, NULL), BP_OK);
    samples_destroy(&s);
    return network;
}

static float expected[ROWS_MAX * OUT_MAX], actual[ROWS_MAX * OUT_MAX];

/* By bp_network_forward on the scalar backend; null `s` rows are those of the subject. */
static void expect_outputs(const subject *t, const samples *s, bool swapped) {
    const bp_network_config config = config_of(t, ROWS_MAX);
    bp_isa active;
    assert_int_equal(bp_cpu_active(&active), BP_OK);
    assert_int_equal(bp_cpu_set(BP_ISA_SCALAR), BP_OK);
    bp_network *network = trained(&(test_table){.name = "public"}, &config, &t->shape);
    assert_int_equal(bp_cpu_set(active), BP_OK);
    if (swapped)
        assert_int_equal(bp_network_swap_ema(network), BP_OK);
    assert_int_equal(bp_network_forward(network, &s->batch, expected, 0), BP_OK);
    bp_network_destroy(network);
}

static test_array inputs, outputs, workspace;

/* Evaluates rows first .. first + rows - 1 between guard pages; the workspace has its exact size, and holds `fill`. */
static void infer_rows(const bp_network *network, const net *shape, const bp_batch *batch, size_t first, size_t rows,
                       int fill) {
    const size_t in = shape->sizes[0], out = shape->sizes[shape->layers], ld = rows % 2 ? in + 3 : in;
    const size_t bytes = bp_network_workspace_bytes(network, rows), stride = batch->input_stride;
    assert_true(bytes % BP_ALIGNMENT == 0);
    test_array_protect(&inputs, false);
    test_array_place(&inputs, rows, in, ld, 0, first % 2 ? TEST_START : TEST_END);
    for (size_t n = 0; n < rows; n++)
        memcpy(inputs.data + n * ld, batch->inputs + (first + n) * (stride ? stride : in), in * sizeof(float));
    test_array_protect(&inputs, true);
    test_array_place(&outputs, rows, out, out + rows % 3, 0, TEST_END);
    test_array_place(&workspace, 1, bytes / sizeof(float), bytes / sizeof(float), 0, TEST_END);
    memset(workspace.data, fill, bytes);
    const bp_batch part = {.rows = rows, .inputs = inputs.data, .input_stride = rows % 2 ? ld : 0};
    assert_int_equal(bp_network_infer(network, &part, outputs.data, rows % 3 ? outputs.ld : 0, workspace.data, bytes),
                     BP_OK);
    assert_true(test_array_intact(&inputs, "inputs", stderr));
    assert_true(test_array_intact(&outputs, "outputs", stderr));
    assert_true(test_array_intact(&workspace, "workspace", stderr));
    for (size_t n = 0; n < rows; n++)
        memcpy(actual + (first + n) * out, outputs.data + n * outputs.ld, out * sizeof(float));
}

static void expect_rows(const char *what, size_t rows, size_t out) {
    for (size_t k = 0; k < rows * out; k++)
        if (test_bits(actual[k]) != test_bits(expected[k]))
            fail_msg("%s: row %zu, column %zu of %zu rows: %a, expected %a", what, k / out, k % out, rows, actual[k],
                     expected[k]);
}

/* ---- Bits ------------------------------------------------------------------------------------------------------ */

static const size_t row_counts[] = {1, 2, 3, 7, 32, 255, 256, 257, ROWS_MAX};

static void check_subject(const test_table *table, const subject *t, const samples *s) {
    const bp_network_config config = config_of(t, TRAIN_ROWS); /* fewer than are evaluated */
    bp_network *network = trained(table, &config, &t->shape);
    const size_t out = t->shape.sizes[t->shape.layers];
    char what[64];
    snprintf(what, sizeof what, "subject %zu on %s", (size_t)(t - subjects), table->name);
    for (size_t k = 0; k < COUNT(row_counts); k += test_quick() ? 3 : 1) {
        memset(actual, 0xff, sizeof actual);
        infer_rows(network, &t->shape, &s->batch, 0, row_counts[k], 0xff);
        expect_rows(what, row_counts[k], out);
    }
    /* In calls of some rows each. */
    memset(actual, 0xff, sizeof actual);
    for (size_t first = 0, rows = 1; first < ROWS_MAX; first += rows, rows = rows * 3 + 1)
        infer_rows(network, &t->shape, &s->batch, first, first + rows < ROWS_MAX ? rows : ROWS_MAX - first, 0);
    expect_rows(what, ROWS_MAX, out);
    /* Frozen layers change nothing. */
    assert_int_equal(bp_network_freeze(network, 0, true), BP_OK);
    memset(actual, 0xff, sizeof actual);
    infer_rows(network, &t->shape, &s->batch, 0, 5, 1);
    expect_rows(what, 5, out);
    bp_network_destroy(network);
}

static void check_swapped(const test_table *table, const subject *t, const samples *s) {
    const bp_network_config config = config_of(t, TRAIN_ROWS);
    bp_network *network = trained(table, &config, &t->shape);
    assert_int_equal(bp_network_swap_ema(network), BP_OK);
    memset(actual, 0xff, sizeof actual);
    infer_rows(network, &t->shape, &s->batch, 0, 6, 0xff);
    expect_rows("swapped", 6, t->shape.sizes[t->shape.layers]);
    bp_network_destroy(network);
}

static void same_bits_as_the_forward_pass(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT(subjects); k++) {
        const subject *t = &subjects[k];
        samples s = samples_create(&t->shape, ROWS_MAX, 0, 9);
        expect_outputs(t, &s, false);
        for (size_t n = 0; test_table_at(n); n++)
            check_subject(test_table_at(n), t, &s);
        expect_outputs(t, &s, true);
        for (size_t n = 0; test_table_at(n); n++)
            check_swapped(test_table_at(n), t, &s);
        samples_destroy(&s);
    }
}

/* Of a small network and of another. */
static void every_activation(void **state) {
    (void)state;
    for (int kind = 0; kind < ACTIVATION_COUNT; kind++)
        for (size_t wide = 0; wide < 2; wide++) {
            const bp_activation f = {(bp_activation_kind)kind, kind == BP_ACTIVATION_LEAKY_RELU ? 0.1f : 1.0f};
            const subject t = {
                .shape = {.layers = 2, .sizes = {5, wide ? 90 : 6, 4}, .activations = {f, f}, .loss = BP_LOSS_MSE}};
            samples s = samples_create(&t.shape, ROWS_MAX, 0, 9);
            s.batch.rows = 37;
            expect_outputs(&t, &s, false);
            for (size_t n = 0; test_table_at(n); n++) {
                const bp_network_config config = config_of(&t, TRAIN_ROWS);
                bp_network *network = trained(test_table_at(n), &config, &t.shape);
                infer_rows(network, &t.shape, &s.batch, 0, 37, 0xff);
                expect_rows(bp_activation_name(f.kind), 37, 4);
                bp_network_destroy(network);
            }
            samples_destroy(&s);
        }
}

/* ---- Constant, at the same time -------------------------------------------------------------------------------- */

typedef struct pages {
    void *memory;
    size_t bytes;
} pages;

static void *map_pages(void *context, size_t bytes) {
    pages *p = context;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    *p = (pages){memory, bytes};
    return memory;
}

static void unmap_pages(void *context, void *memory) {
    pages *p = context;
    assert_ptr_equal(memory, p->memory);
    assert_int_equal(munmap(memory, p->bytes), 0);
}

/* A write to it would be a fault. */
static bp_network *protected_network(const subject *t, pages *p) {
    bp_network_config config = config_of(t, TRAIN_ROWS);
    config.allocator = stored_allocator((bp_allocator){map_pages, unmap_pages, p});
    bp_network *network = trained(test_table_at(0), &config, &t->shape);
    assert_int_equal(mprotect(p->memory, p->bytes, PROT_READ), 0);
    return network;
}

static void unprotect(bp_network *network, const pages *p) {
    assert_int_equal(mprotect(p->memory, p->bytes, PROT_READ | PROT_WRITE), 0);
    bp_network_destroy(network);
}

typedef struct evaluator {
    const bp_network *network[COUNT(subjects)];
    const samples *s;
    float *const *expected;
    size_t self, wrong;
} evaluator;

/* Evaluates one network after the other, some rows at a time, in one workspace. */
static void *evaluate(void *argument) {
    evaluator *e = argument;
    const size_t rounds = test_quick() ? 20 : 200;
    size_t bytes = 0;
    for (size_t k = 0; k < COUNT(subjects); k++) {
        const size_t needed = bp_network_workspace_bytes(e->network[k], 24);
        bytes = needed > bytes ? needed : bytes;
    }
    void *memory = aligned_alloc(BP_ALIGNMENT, bytes);
    float *y = calloc(24 * OUT_MAX, sizeof *y);
    for (size_t round = 0; memory && y && round < rounds; round++) {
        const size_t k = (round + e->self) % COUNT(subjects), out = subjects[k].shape.sizes[subjects[k].shape.layers];
        bp_batch batch = e->s[k].batch;
        batch.rows = 1 + (round * 5 + e->self * 7) % 24;
        e->wrong += bp_network_infer(e->network[k], &batch, y, 0, memory, bytes) != BP_OK;
        e->wrong += memcmp(y, e->expected[k], batch.rows * out * sizeof *y) != 0;
    }
    e->wrong += !memory || !y;
    free(memory);
    free(y);
    return NULL;
}

static void many_threads_evaluate_one_network(void **state) {
    (void)state;
    evaluator evaluators[THREADS] = {{.self = 0}};
    float *outputs_of[COUNT(subjects)];
    samples s[COUNT(subjects)];
    pages memory[COUNT(subjects)];
    bp_network *networks[COUNT(subjects)];
    pthread_t threads[THREADS];
    for (size_t k = 0; k < COUNT(subjects); k++) {
        const net *shape = &subjects[k].shape;
        s[k] = samples_create(shape, 24, 0, 9);
        const bp_network_config config = config_of(&subjects[k], 24);
        bp_network *network = trained(test_table_at(0), &config, shape);
        outputs_of[k] = allocate(24 * shape->sizes[shape->layers], sizeof(float));
        assert_int_equal(bp_network_forward(network, &s[k].batch, outputs_of[k], 0), BP_OK);
        bp_network_destroy(network);
        networks[k] = protected_network(&subjects[k], &memory[k]);
    }
    for (size_t t = 0; t < THREADS; t++) {
        evaluators[t] = (evaluator){.s = s, .expected = outputs_of, .self = t};
        memcpy(evaluators[t].network, networks, sizeof networks);
        assert_int_equal(pthread_create(&threads[t], NULL, evaluate, &evaluators[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    for (size_t t = 0; t < THREADS; t++)
        assert_int_equal(evaluators[t].wrong, 0);
    for (size_t k = 0; k < COUNT(subjects); k++) {
        unprotect(networks[k], &memory[k]);
        samples_destroy(&s[k]);
        free(outputs_of[k]);
    }
}

/* ---- Sizes and refusals ---------------------------------------------------------------------------------------- */

static void workspaces_grow_with_rows(void **state) {
    (void)state;
    assert_int_equal(bp_network_workspace_bytes(NULL, 1), 0);
    for (size_t k = 0; k < COUNT(subjects); k++) {
        const bp_network_config config = config_of(&subjects[k], 1);
        bp_network *network = net_create(&config, 1);
        assert_int_equal(bp_network_workspace_bytes(network, 0), 0);
        size_t last = BP_ALIGNMENT;
        for (size_t rows = 1; rows <= BP_WORKSPACE_ROWS; rows++) {
            const size_t bytes = bp_network_workspace_bytes(network, rows);
            assert_true(bytes >= last);
            last = bytes;
        }
        assert_true(last > bp_network_workspace_bytes(network, 1));
        assert_int_equal(bp_network_workspace_bytes(network, BP_WORKSPACE_ROWS + 1), last);
        assert_int_equal(bp_network_workspace_bytes(network, SIZE_MAX), last);
        bp_network_destroy(network);
    }
}

/* Ends the test unless the call is refused so. `message`: what it begins with. */
static void expect_refusal(bp_status got, bp_status status, const char *message) {
    assert_int_equal(got, status);
    if (strncmp(bp_error_message(), message, strlen(message)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", bp_error_message(), message);
}

static void refusals_say_what_is_wrong(void **state) {
    (void)state;
    enum { ROWS = 4, WORKSPACE = 1 << 17 };
    static _Alignas(BP_ALIGNMENT) char memory[WORKSPACE];
    static float x[8 * ROWS], y[8 * ROWS];
    for (size_t k = 0; k < 4; k += 3) { /* a small network, 2 to 2, and another, 40 to 9 */
        const bp_network_config config = config_of(&subjects[k], ROWS);
        bp_network *network = net_create(&config, 1);
        const size_t in = subjects[k].shape.sizes[0], needed = bp_network_workspace_bytes(network, ROWS);
        float *rows = k ? allocate(ROWS * in, sizeof *rows) : x, *z = k ? allocate(9 * ROWS, sizeof *z) : y;
        assert_true(needed < WORKSPACE);
        const bp_batch good = {.rows = ROWS, .inputs = rows};
        bp_batch bad = good;
        expect_refusal(bp_network_infer(NULL, &good, z, 0, memory, WORKSPACE), BP_ERROR_NULL, "network is null");
        expect_refusal(bp_network_infer(network, NULL, z, 0, memory, WORKSPACE), BP_ERROR_NULL, "batch is null");
        expect_refusal(bp_network_infer(network, &good, NULL, 0, memory, WORKSPACE), BP_ERROR_NULL, "outputs is null");
        expect_refusal(bp_network_infer(network, &good, z, 0, NULL, WORKSPACE), BP_ERROR_NULL, "workspace is null");
        bad.inputs = NULL;
        expect_refusal(bp_network_infer(network, &bad, z, 0, memory, WORKSPACE), BP_ERROR_NULL, "batch.inputs is null");
        bad = good;
        bad.rows = 0;
        expect_refusal(bp_network_infer(network, &bad, z, 0, memory, WORKSPACE), BP_ERROR_SIZE,
                       "batch.rows is 0, and must be at least 1");
        bad = good;
        bad.input_stride = in - 1;
        char text[128];
        snprintf(text, sizeof text, "batch.input_stride is %zu, and must be at least %zu", in - 1, in);
        expect_refusal(bp_network_infer(network, &bad, z, 0, memory, WORKSPACE), BP_ERROR_SIZE, text);
        expect_refusal(bp_network_infer(network, &good, z, 1, memory, WORKSPACE), BP_ERROR_SIZE,
                       "output_stride is 1, and must be at least ");
        bad = good;
        bad.rows = SIZE_MAX / 2;
        expect_refusal(bp_network_infer(network, &bad, z, 0, memory, WORKSPACE), BP_ERROR_OVERFLOW, "batch.rows is ");
        bad = good;
        bad.inputs = (const float *)((const char *)rows + 1);
        expect_refusal(bp_network_infer(network, &bad, z, 0, memory, WORKSPACE), BP_ERROR_ALIGNMENT,
                       "batch.inputs is 0x");
        expect_refusal(bp_network_infer(network, &good, (float *)((char *)z + 2), 0, memory, WORKSPACE),
                       BP_ERROR_ALIGNMENT, "outputs is 0x");
        expect_refusal(bp_network_infer(network, &good, z, 0, memory + 32, WORKSPACE - 32), BP_ERROR_ALIGNMENT,
                       "workspace is 0x");
        snprintf(text, sizeof text,
                 "workspace_bytes is %zu, and must be at least bp_network_workspace_bytes(network, 4), %zu", needed - 1,
                 needed);
        expect_refusal(bp_network_infer(network, &good, z, 0, memory, needed - 1), BP_ERROR_SIZE, text);
        expect_refusal(bp_network_infer(network, &good, rows + 1, 0, memory, WORKSPACE), BP_ERROR_OVERLAP,
                       "outputs overlaps batch.inputs");
        float *inside = network->layers[0].weights.data;
        expect_refusal(bp_network_infer(network, &good, inside, 0, memory, WORKSPACE), BP_ERROR_OVERLAP,
                       "outputs overlaps the network's memory");
        bad.inputs = inside;
        expect_refusal(bp_network_infer(network, &bad, z, 0, memory, WORKSPACE), BP_ERROR_OVERLAP,
                       "batch.inputs overlaps the network's memory");
        expect_refusal(bp_network_infer(network, &good, z, 0, inside, needed), BP_ERROR_OVERLAP,
                       "workspace overlaps the network's memory");
        bad.inputs = (const float *)(memory + needed) - 1;
        expect_refusal(bp_network_infer(network, &bad, z, 0, memory, WORKSPACE), BP_ERROR_OVERLAP,
                       "workspace overlaps batch.inputs");
        expect_refusal(bp_network_infer(network, &good, (float *)memory, 0, memory, WORKSPACE), BP_ERROR_OVERLAP,
                       "workspace overlaps outputs");
        for (size_t n = 0; n < ROWS; n++)
            assert_true(z[n] == 0.0f); /* nothing was written */
        /* What lies behind the used bytes is the caller's. */
        bad.inputs = (const float *)(memory + needed);
        assert_int_equal(bp_network_infer(network, &bad, z, 0, memory, WORKSPACE), BP_OK);
        bp_network_destroy(network);
        if (k) {
            free(rows);
            free(z);
        }
    }
}

/* A network of one row may fit where 256 rows of its inputs do not, on machines of 32 bits. Only the sizes are read. */
static void workspaces_may_exceed_the_address_range(void **state) {
    (void)state;
    dense_layer layer = {.in = PTRDIFF_MAX / sizeof(float) / 2, .out = 1};
    const bp_network network = {.backend = &bp_backend_scalar, .plan.layers = 1, .layers = &layer};
    assert_true(bp_network_workspace_bytes(&network, 1) < PTRDIFF_MAX);
    assert_true(bp_network_workspace_bytes(&network, BP_WORKSPACE_ROWS) == SIZE_MAX);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    test_array_create(&inputs, ARRAY_BYTES);
    test_array_create(&outputs, ARRAY_BYTES);
    test_array_create(&workspace, ARRAY_BYTES);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_as_the_forward_pass),           cmocka_unit_test(every_activation),
        cmocka_unit_test(many_threads_evaluate_one_network),       cmocka_unit_test(workspaces_grow_with_rows),
        cmocka_unit_test(workspaces_may_exceed_the_address_range), cmocka_unit_test(refusals_say_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
