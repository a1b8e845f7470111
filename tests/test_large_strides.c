/*
 * Matrices whose rows lie more than 2^31 bytes apart, and whose ends more than 2^32 elements: every kernel with leading
 * dimensions, on every table, and a network's batch. Their memory is never touched but for the rows, so it is cheap.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "defaults.h"
#include "enum_counts.h"
#include "harness/harness.h"
#include "harness/layers.h"

#include <backprop/backprop.h>

enum { BATCH = 5, IN = 9, OUT = 19 };

/* ---- Matrices --------------------------------------------------------------------------------------------------- */

typedef struct place {
    float *at;
    size_t ld;
} place;

typedef enum name { X, W, S, A, D, Y, Z, MATRICES } name; /* S: the state of W */
static const size_t shapes[MATRICES][2] = {{BATCH, IN},  {IN, OUT},    {IN, OUT},  {BATCH, OUT},
                                           {BATCH, OUT}, {BATCH, OUT}, {BATCH, IN}};

/* What a kernel works on: the matrices, near or far, and vectors. */
typedef struct operands {
    place m[MATRICES];
    float bias[OUT], beta[OUT], row[BATCH];
    void *scratch;
} operands;

static const uint32_t labels[BATCH] = {3, 0, 18, 7, 7};

static float element(const operands *o, size_t m, size_t row, size_t column) {
    return o->m[m].at[row * o->m[m].ld + column];
}

static void fill(operands *o, const char *key) {
    test_random random = test_random_for(test_seed(), key);
    for (size_t m = 0; m < MATRICES; m++)
        for (size_t n = 0; n < shapes[m][0]; n++)
            for (size_t j = 0; j < shapes[m][1]; j++)
                o->m[m].at[n * o->m[m].ld + j] = test_random_symmetric(&random);
    for (size_t j = 0; j < OUT; j++) {
        o->bias[j] = test_random_symmetric(&random);
        o->beta[j] = test_random_symmetric(&random);
    }
    for (size_t n = 0; n < BATCH; n++)
        o->row[n] = fabsf(test_random_symmetric(&random)) + 0.5f;
}

static operands near_operands, far_operands;

static void *scratch_create(void) {
    void *scratch = aligned_alloc(BP_ALIGNMENT, bp_dense_scratch_bytes(BATCH, IN, OUT));
    assert_non_null(scratch);
    return scratch;
}

/* False where there is no address space for them. */
static bool make_operands(void) {
#if SIZE_MAX > UINT32_MAX
    static float rows[MATRICES][IN * OUT];
    const size_t ld = ((size_t)1 << 29) + 40;
    for (size_t m = 0; m < MATRICES; m++) {
        const size_t bytes = ((shapes[m][0] - 1) * ld + shapes[m][1]) * sizeof(float);
        void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED)
            return false;
        far_operands.m[m] = (place){memory, ld};
        near_operands.m[m] = (place){rows[m], shapes[m][1]};
    }
    far_operands.scratch = scratch_create();
    near_operands.scratch = scratch_create();
    return true;
#else
    return false;
#endif
}

/* ---- Kernels ---------------------------------------------------------------------------------------------------- */

static const bp_activation tanh_of = {.kind = BP_ACTIVATION_TANH}, gelu_of = {.kind = BP_ACTIVATION_GELU};

/* An operand and its leading dimension. */
#define M(name) o->m[name].at, o->m[name].ld

static void dense_forward(const bp_kernels *k, operands *o) {
    k->dense_forward(M(A), M(X), M(W), o->bias, BATCH, IN, OUT, tanh_of, o->scratch);
}

static void dense_delta(const bp_kernels *k, operands *o) {
    k->dense_delta(M(Z), M(D), M(W), M(X), BATCH, IN, OUT, tanh_of, o->scratch);
}

static void dense_gradient(const bp_kernels *k, operands *o) {
    k->dense_gradient(M(W), o->bias, M(X), M(D), BATCH, IN, OUT, o->scratch);
}

static void dense_gradient_sgd(const bp_kernels *k, operands *o) {
    k->dense_gradient_sgd(M(W), o->bias, M(X), M(D), BATCH, IN, OUT, 0.5f, o->scratch);
}

static void dense_gradient_update(const bp_kernels *k, operands *o) {
    bp_optimizer momentum = bp_optimizer_defaults(BP_OPTIMIZER_MOMENTUM);
    momentum.weight_decay = 0.25f;
    const bp_parameters w = {.values = o->m[W].at, .state = {o->m[S].at}};
    const bp_parameters bias = {.values = o->bias, .state = {o->beta}};
    k->dense_gradient_update(&w, o->m[W].ld, &bias, M(X), M(D), BATCH, IN, OUT, &momentum, 1, 0.5f, o->scratch);
}

static void activate(const bp_kernels *k, operands *o) {
    k->activate(M(A), M(D), BATCH, OUT, gelu_of);
}

static void activation_derivative(const bp_kernels *k, operands *o) {
    k->activation_derivative(M(A), M(D), BATCH, OUT, gelu_of);
}

static void activation_delta(const bp_kernels *k, operands *o) {
    k->activation_delta(M(A), M(D), BATCH, OUT, tanh_of);
}

static void loss_mse(const bp_kernels *k, operands *o) {
    k->loss_mse(M(D), o->row, M(A), M(Y), BATCH, OUT, tanh_of, 0.5f);
}

static void loss_targets(const bp_kernels *k, operands *o) {
    k->loss_targets(M(D), o->row, M(A), M(Y), NULL, BATCH, OUT, BP_LOSS_HUBER, 0.25f, 0.5f);
}

static void loss_labels(const bp_kernels *k, operands *o) {
    k->loss_labels(M(D), o->row, M(A), labels, NULL, BATCH, OUT, BP_LOSS_SOFTMAX_CROSS_ENTROPY, 0.125f, 0.5f);
}

static void loss_softmax_cross_entropy(const bp_kernels *k, operands *o) {
    k->loss_softmax_cross_entropy(M(D), o->row, M(A), labels, BATCH, OUT, 0.5f);
}

static void softmax(const bp_kernels *k, operands *o) {
    k->softmax(M(D), M(A), BATCH, OUT);
}

static void layer_norm_forward(const bp_kernels *k, operands *o) {
    k->layer_norm_forward(M(A), M(Y), o->row, M(D), o->bias, o->beta, BATCH, OUT, 1e-5f);
}

static void layer_norm_backward(const bp_kernels *k, operands *o) {
    k->layer_norm_backward(M(A), M(D), M(Y), o->row, o->bias, BATCH, OUT);
}

static void layer_norm_gradient(const bp_kernels *k, operands *o) {
    k->layer_norm_gradient(o->bias, o->beta, M(D), M(Y), BATCH, OUT);
}

static const bp_dropout_mask mask = {.probability = 0.5f, .seed = 7, .stream = 9, .row = 2, .column = 1};

static void dropout(const bp_kernels *k, operands *o) {
    k->dropout(M(A), M(D), BATCH, OUT, &mask);
}

static void dropout_derivative(const bp_kernels *k, operands *o) {
    k->dropout_derivative(M(A), M(D), BATCH, OUT, tanh_of, &mask);
}

#define KERNEL(name)                                                                                                   \
    { #name, name }
static const struct {
    const char *name;
    void (*run)(const bp_kernels *kernels, operands *o);
} kernels[] = {
    KERNEL(dense_forward),
    KERNEL(dense_delta),
    KERNEL(dense_gradient),
    KERNEL(dense_gradient_sgd),
    KERNEL(dense_gradient_update),
    KERNEL(activate),
    KERNEL(activation_derivative),
    KERNEL(activation_delta),
    KERNEL(loss_mse),
    KERNEL(loss_targets),
    KERNEL(loss_labels),
    KERNEL(loss_softmax_cross_entropy),
    KERNEL(softmax),
    KERNEL(layer_norm_forward),
    KERNEL(layer_norm_backward),
    KERNEL(layer_norm_gradient),
    KERNEL(dropout),
    KERNEL(dropout_derivative),
};

static bool equal_vectors(const float *a, const float *b, size_t count) {
    bool equal = true;
    for (size_t k = 0; k < count; k++)
        equal = equal && test_bits(a[k]) == test_bits(b[k]);
    return equal;
}

static bool equal_operands(void) {
    const operands *a = &near_operands, *b = &far_operands;
    bool equal = equal_vectors(a->bias, b->bias, OUT) && equal_vectors(a->beta, b->beta, OUT) &&
                 equal_vectors(a->row, b->row, BATCH);
    for (size_t m = 0; m < MATRICES; m++)
        for (size_t n = 0; n < shapes[m][0]; n++)
            for (size_t j = 0; j < shapes[m][1]; j++)
                equal = equal && test_bits(element(a, m, n, j)) == test_bits(element(b, m, n, j));
    return equal;
}

static void kernels_of(test_table *table) {
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
        if (!test_selected(kernels[k].name))
            continue;
        fill(&near_operands, kernels[k].name);
        fill(&far_operands, kernels[k].name);
        kernels[k].run(test_oracle(), &near_operands);
        kernels[k].run(table->kernels, &far_operands);
        table->cases++;
        if (!equal_operands() && test_count_failure()) {
            fprintf(stderr, "FAILED %s on %s\n  again: ", kernels[k].name, table->name);
            test_say_again(stderr, table->name, kernels[k].name);
            fputc('\n', stderr);
        }
    }
}

static void every_kernel(void **state) {
    (void)state;
    test_each_table(kernels_of);
}

/* ---- A network -------------------------------------------------------------------------------------------------- */

/* Parameters in, a step with the gradient of the inputs, outputs, parameters out. */
static void use_network(bp_network *network, operands *o) {
    const bp_batch batch = {.rows = BATCH,
                            .inputs = o->m[X].at,
                            .input_stride = o->m[X].ld,
                            .targets = o->m[Y].at,
                            .target_stride = o->m[Y].ld};
    float loss;
    assert_int_equal(layer_write(network, OF_PARAMETERS, 0, o->m[W].at, o->m[W].ld, o->bias), BP_OK);
    assert_int_equal(bp_network_train_step(network, &batch, 0.5f, &loss), BP_OK);
    const bp_backward_options options =
        BACKWARD_OPTIONS(.learning_rate = 0.5f, .delta = o->m[D].at, .delta_stride = o->m[D].ld,
                         .input_gradient = o->m[Z].at, .input_gradient_stride = o->m[Z].ld);
    assert_int_equal(bp_network_backward(network, &batch, &options), BP_OK);
    assert_int_equal(bp_network_forward(network, &batch, o->m[A].at, o->m[A].ld), BP_OK);
    assert_int_equal(layer_read(network, OF_PARAMETERS, 0, o->m[W].at, o->m[W].ld, o->bias), BP_OK);
    o->row[0] = loss;
}

static void a_network(void **state) {
    (void)state;
    bp_network_config config = bp_network_config_defaults();
    config.layers = 1;
    config.sizes = (const size_t[]){IN, OUT};
    config.activations = &tanh_of;
    config.max_batch_size = BATCH;
    config.threads = 1;
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (bp_cpu_set((bp_isa)isa) != BP_OK)
            continue;
        bp_network *network = NULL;
        assert_int_equal(bp_network_create(&config, &network), BP_OK);
        fill(&near_operands, "network");
        fill(&far_operands, "network");
        use_network(network, &near_operands);
        use_network(network, &far_operands);
        bp_network_destroy(network);
        assert_true(equal_operands());
    }
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    if (!make_operands()) {
        puts("no address space for such matrices");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kernel), cmocka_unit_test(a_network)};
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
