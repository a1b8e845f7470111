/*
 * Weight decay of weights alone: every way in which a network updates its parameters, against single steps of the
 * optimizer on each array by the same gradient, those of biases, gains and shifts without decay.
 */
#include <string.h>

#include "defaults.h"
#include "enum_counts.h"
#include "network_support.h"

enum { LAYERS = 2, KINDS = 4, STEPS = 3, STATES = BP_OPTIMIZER_STATES + 1 };

typedef struct way {
    const char *name;
    net shape;
    bool normalizes;
    size_t rows, threads;
} way;

#define ACTIVATIONS                                                                                                    \
    {                                                                                                                  \
        {BP_ACTIVATION_TANH, 0}, {                                                                                     \
            BP_ACTIVATION_IDENTITY, 0                                                                                  \
        }                                                                                                              \
    }

static const way ways[] = {
    {"one row", {LAYERS, {50, 70, 40}, ACTIVATIONS, .loss = BP_LOSS_MSE}, false, 1, 1},
    {"one call", {LAYERS, {5, 7, 3}, ACTIVATIONS, .loss = BP_LOSS_MSE}, false, 9, 1},
    {"products", {LAYERS, {50, 70, 40}, ACTIVATIONS, .loss = BP_LOSS_MSE}, false, 33, 1},
    {"several slices", {LAYERS, {5, 70, 3}, ACTIVATIONS, .loss = BP_LOSS_MSE}, false, 600, 1},
    {"blocks of lanes", {LAYERS, {20, 33, 7}, ACTIVATIONS, .loss = BP_LOSS_MSE}, false, 2048, 2},
    {"sums", {LAYERS, {20, 33, 7}, ACTIVATIONS, .loss = BP_LOSS_MSE}, true, 40, 2},
};

static const bp_optimizer optimizers[KINDS] = {
    {.kind = BP_OPTIMIZER_SGD, .weight_decay = 0.25f, .decay_scope = BP_DECAY_SCOPE_WEIGHTS},
    {.kind = BP_OPTIMIZER_MOMENTUM,
     .weight_decay = 0.25f,
     .decay_scope = BP_DECAY_SCOPE_WEIGHTS,
     .clip = 0.01f,
     .ema_decay = 0.5f},
    {.kind = BP_OPTIMIZER_ADAM, .weight_decay = 0.25f, .decay_scope = BP_DECAY_SCOPE_WEIGHTS},
    {.kind = BP_OPTIMIZER_ADAMW, .weight_decay = 0.25f, .decay_scope = BP_DECAY_SCOPE_WEIGHTS, .ema_decay = 0.5f},
};

/* An array of parameters as the test keeps it. */
typedef struct array {
    float *values, *gradient, *state[STATES];
    size_t count;
    bool weights;
} array;

static array array_create(size_t count, bool weights) {
    array a = {.count = count, .weights = weights};
    a.values = allocate(count, sizeof(float));
    a.gradient = allocate(count, sizeof(float));
    for (size_t k = 0; k < STATES; k++)
        a.state[k] = allocate(count, sizeof(float));
    return a;
}

static void array_free(array *a) {
    free(a->values);
    free(a->gradient);
    for (size_t k = 0; k < STATES; k++)
        free(a->state[k]);
}

static void array_step(array *a, bp_optimizer o, uint64_t step) {
    if (!a->weights)
        o.weight_decay = 0.0f;
    const bp_parameters p = {a->values, {a->state[0], a->state[1]}, o.ema_decay > 0.0f ? a->state[2] : NULL};
    o = usual(o);
    assert_int_equal(bp_optimizer_step(&p, a->gradient, a->count, &o, step, 0.1f), BP_OK);
}

/* Weights, biases, gains and shifts. */
enum { ARRAYS = 4 };

static void compare(const bp_network *network, const bp_layer *layer, size_t l, const array *a, const char *name) {
    array got[ARRAYS];
    for (size_t k = 0; k < ARRAYS; k++)
        got[k] = array_create(a[k].count, false);
    assert_int_equal(layer_read(network, OF_PARAMETERS, l, got[0].values, 0, got[1].values), BP_OK);
    if (layer->normalized)
        assert_int_equal(norm_read(network, OF_PARAMETERS, l, got[2].values, got[3].values), BP_OK);
    for (size_t k = 0; k < (layer->normalized ? ARRAYS : 2); k++)
        if (memcmp(got[k].values, a[k].values, a[k].count * sizeof(float)) != 0)
            fail_msg("%s, layer %zu, array %zu", name, l, k);
    for (size_t k = 0; k < ARRAYS; k++)
        array_free(&got[k]);
}

static void check_way(const way *w, bp_optimizer optimizer) {
    const bool normalize[] = {w->normalizes, false};
    bp_network_config config = net_config(&w->shape, w->rows);
    config.normalize = normalize;
    config.threads = w->threads;
    config.optimizer = stored_optimizer(optimizer);
    bp_network *network = net_create(&config, 3);
    config.optimizer = stored_optimizer((bp_optimizer){.kind = BP_OPTIMIZER_SGD});
    config.gradients = true;
    bp_network *twin = net_create(&config, 3); /* for gradients alone */
    samples s = samples_create(&w->shape, w->rows, 0, 5);
    array arrays[LAYERS][ARRAYS];
    bp_layer layers[LAYERS];
    for (size_t l = 0; l < LAYERS; l++) {
        assert_int_equal(bp_network_layer(network, l, &layers[l]), BP_OK);
        for (size_t k = 0; k < ARRAYS; k++)
            arrays[l][k] = array_create(k == 0 ? layers[l].in * layers[l].out : layers[l].out, k == 0);
        array *a = arrays[l];
        for (size_t j = 0; j < layers[l].out; j++) {
            a[1].values[j] = 0.5f + (float)j;
            a[2].values[j] = 1.25f;
            a[3].values[j] = -0.75f;
        }
        assert_int_equal(layer_read(network, OF_PARAMETERS, l, a[0].values, 0, NULL), BP_OK);
        assert_int_equal(layer_write(network, OF_PARAMETERS, l, NULL, 0, a[1].values), BP_OK);
        if (layers[l].normalized)
            assert_int_equal(norm_write(network, OF_PARAMETERS, l, a[2].values, a[3].values), BP_OK);
        for (size_t k = 0; k < ARRAYS; k++)
            memcpy(a[k].state[2], a[k].values, a[k].count * sizeof(float));
    }
    for (uint64_t step = 1; step <= STEPS; step++) {
        for (size_t l = 0; l < LAYERS; l++) {
            array *a = arrays[l];
            assert_int_equal(layer_write(twin, OF_PARAMETERS, l, a[0].values, 0, a[1].values), BP_OK);
            if (layers[l].normalized)
                assert_int_equal(norm_write(twin, OF_PARAMETERS, l, a[2].values, a[3].values), BP_OK);
        }
        const bp_backward_options keep = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE);
        assert_int_equal(bp_network_backward(twin, &s.batch, &keep), BP_OK);
        assert_int_equal(bp_network_train_step(network, &s.batch, 0.1f, NULL), BP_OK);
        for (size_t l = 0; l < LAYERS; l++) {
            array *a = arrays[l];
            assert_int_equal(layer_read(twin, OF_GRADIENT, l, a[0].gradient, 0, a[1].gradient), BP_OK);
            if (layers[l].normalized)
                assert_int_equal(norm_read(twin, OF_GRADIENT, l, a[2].gradient, a[3].gradient), BP_OK);
            for (size_t k = 0; k < ARRAYS; k++)
                array_step(&a[k], optimizer, step);
            compare(network, &layers[l], l, a, w->name);
        }
    }
    for (size_t l = 0; l < LAYERS; l++)
        for (size_t k = 0; k < ARRAYS; k++)
            array_free(&arrays[l][k]);
    samples_destroy(&s);
    bp_network_destroy(network);
    bp_network_destroy(twin);
}

static void biases_do_not_decay(void **state) {
    (void)state;
    bp_isa before;
    assert_int_equal(bp_cpu_active(&before), BP_OK);
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (!bp_cpu_supports((bp_isa)isa))
            continue;
        assert_int_equal(bp_cpu_set((bp_isa)isa), BP_OK);
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
            for (size_t k = 0; k < KINDS; k++)
                check_way(&ways[w], optimizers[k]);
    }
    assert_int_equal(bp_cpu_set(before), BP_OK);
}

/* The fused kernel knows which of its arrays are biases. */
static void kernels_spare_biases(void **state) {
    (void)state;
    const bp_optimizer o =
        usual((bp_optimizer){.kind = BP_OPTIMIZER_SGD, .weight_decay = 0.5f, .decay_scope = BP_DECAY_SCOPE_WEIGHTS});
    float w = 1.0f, b = 1.0f;
    const float x = 0.0f, delta = 0.0f;
    const bp_parameters weights = {.values = &w}, biases = {.values = &b};
    _Alignas(BP_ALIGNMENT) static char scratch[4096];
    assert_int_equal(bp_dense_gradient_update(&weights, 1, &biases, &x, 1, &delta, 1, 1, 1, 1, &o, 1, 0.5f, scratch),
                     BP_OK);
    assert_true(w == 0.75f && b == 1.0f);
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(biases_do_not_decay),
        cmocka_unit_test(kernels_spare_biases),
    };
    test_start(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
