/*
 * bp_network_backward in all its forms: deltas of the network's loss, given, and by a function of the caller's;
 * updates, gradients kept, and none; with the gradient of the inputs and without. The bits are those of the scalar
 * kernels chained by hand, on every backend and in every way in which workers share a slice; finite differences check
 * the sense.
 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <backprop/backward.h>

#include "defaults.h"
#include "enum_counts.h"
#include "harness/bits.h"
#include "harness/mode.h"
#include "harness/session.h"
#include "loss_formulas.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { BATCH_MAX = 1100, SEED = 41 };
static const float learning_rate = 0.25f;

/* ---- What the kernels chained by hand compute ----------------------------------------------------------------- */

/* One call in general, in one call, of one row; by blocks, by rows, by columns, and by columns of the first layer. */
static const struct {
    net shape;
    size_t rows;
} cases[] = {
    {{2, {1024, 66, 70}, {{BP_ACTIVATION_GELU, 0}, {BP_ACTIVATION_TANH, 0}}, BP_LOSS_HUBER},
     31}, /* inputs would be packed */
    {{2, {17, 33, 7}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_SILU, 0}}, BP_LOSS_MAE}, 300},
    {{2, {3, 8, 4}, {{BP_ACTIVATION_SINE, 2}, {BP_ACTIVATION_LEAKY_RELU, 0.2f}}, BP_LOSS_MSE}, 9},
    {{2, {50, 90, 70}, {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_KULLBACK_LEIBLER}, 1},
    {{3,
      {17, 65, 31, 35},
      {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_SOFTPLUS, 0}},
      BP_LOSS_MSE},
     1100},
    {{1, {70, 3}, {{BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_SOFTMAX_CROSS_ENTROPY}, 515},
    {{2, {250, 256, 300}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_SIGMOID, 0}}, BP_LOSS_BINARY_CROSS_ENTROPY}, 20},
    {{1, {300, 256}, {{BP_ACTIVATION_MISH, 0}}, BP_LOSS_HINGE}, 19},
    {{3,
      {20, 384, 380, 9},
      {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
      BP_LOSS_MULTICLASS_HINGE},
     20},
};

typedef enum source { OWN_LOSS, GIVEN, BY_FUNCTION, SOURCES } source;

/* The running case: its batch, deltas that a caller might give, and all results. */
static struct {
    net shape;
    samples s;
    size_t in, out, parameters;
    float *outputs, *delta;
    float loss;
    struct {
        float *input_gradient, *gradients;
        uint64_t hash;
    } of[2]; /* of the network's loss, of the caller's deltas */
} expected;

static uint64_t initial_hash;

static void run_model(void) {
    const net *shape = &expected.shape;
    const bp_network_config config = net_config(shape, 1);
    bp_network *network = net_create(&config, SEED);
    const size_t rows = expected.s.batch.rows;
    initial_hash = bp_network_hash(network);
    expected.in = shape->sizes[0];
    expected.out = shape->sizes[shape->layers];
    expected.parameters = bp_network_parameters(network);
    expected.outputs = allocate(rows * expected.out, sizeof(float));
    expected.delta = random_rows(test_seed(), 9, rows, expected.out, 0);
    for (int given = 0; given < 2; given++) {
        model m = model_copy(shape, network);
        expected.of[given].input_gradient = allocate(rows * expected.in, sizeof(float));
        expected.of[given].gradients = allocate(expected.parameters, sizeof(float));
        const model_wishes wishes = {given ? expected.delta : NULL, expected.of[given].input_gradient,
                                     expected.of[given].gradients};
        if (!given)
            model_forward(&m, &expected.s.batch, expected.outputs);
        const float loss = model_backward(&m, &expected.s.batch, learning_rate, &wishes);
        if (!given)
            expected.loss = loss;
        expected.of[given].hash = model_hash(&m);
        model_destroy(&m);
    }
    bp_network_destroy(network);
}

static void forget_model(void) {
    free(expected.outputs);
    free(expected.delta);
    for (int given = 0; given < 2; given++) {
        free(expected.of[given].input_gradient);
        free(expected.of[given].gradients);
    }
}

/* ---- A loss of the caller's ----------------------------------------------------------------------------------- */

typedef struct visitor {
    size_t next; /* row */
    pthread_t thread;
} visitor;

static void visit(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride, float *delta,
                  size_t delta_stride) {
    visitor *v = context;
    assert_true(pthread_equal(pthread_self(), v->thread));
    assert_true(test_mode() == test_host_modes[0].mode);
    assert_int_equal(first, v->next);
    assert_true(rows > 0);
    v->next += rows;
    for (size_t n = 0; n < rows; n++) {
        for (size_t j = 0; j < expected.out; j++)
            assert_int_equal(test_bits(delta[n * delta_stride + j]), 0);
        assert_same_bits(outputs + n * output_stride, expected.outputs + (first + n) * expected.out, expected.out);
        memcpy(delta + n * delta_stride, expected.delta + (first + n) * expected.out, expected.out * sizeof(float));
    }
}

/* ---- What a network computes ---------------------------------------------------------------------------------- */

static char name[160];

static void check_rows(const float *got, size_t stride, const float *values, size_t rows, size_t columns,
                       const char *what) {
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < stride; j++)
            if (j < columns ? test_bits(got[n * stride + j]) != test_bits(values[n * columns + j])
                            : test_raw_bits(got[n * stride + j]) != TEST_CANARY)
                fail_msg("%s: %s [%zu][%zu] is %a", name, what, n, j, (double)got[n * stride + j]);
}

static float *canaries(size_t count) {
    float *array = allocate(count, sizeof(float));
    for (size_t k = 0; k < count; k++)
        array[k] = test_float(TEST_CANARY);
    return array;
}

static void check_gradients(const bp_network *network, const float *values, size_t gap) {
    for (size_t l = 0; l < expected.shape.layers; l++) {
        const size_t in = expected.shape.sizes[l], out = expected.shape.sizes[l + 1], stride = out + gap;
        float *weights = canaries(in * stride), *biases = canaries(out);
        assert_int_equal(layer_read(network, OF_GRADIENT, l, weights, gap ? stride : 0, biases), BP_OK);
        check_rows(weights, stride, values, in, out, "gradient");
        check_rows(biases, out, values + in * out, 1, out, "gradient of a bias");
        values += (in + 1) * out;
        free(weights);
        free(biases);
    }
}

static void check_backward(bp_network *network, source from, bp_gradient_mode use, size_t gap, bool inputs) {
    const size_t rows = expected.s.batch.rows, stride = expected.in + gap, delta_stride = expected.out + gap;
    float *input_gradient = canaries(rows * stride), loss = NAN;
    float *delta = allocate(rows * delta_stride, sizeof(float));
    for (size_t n = 0; n < rows; n++)
        memcpy(delta + n * delta_stride, expected.delta + n * expected.out, expected.out * sizeof(float));
    visitor v = {0, pthread_self()};
    const bp_backward_options options =
        BACKWARD_OPTIONS(.gradient = use, .learning_rate = use == BP_GRADIENT_MODE_UPDATE ? learning_rate : NAN,
                         .delta = from == GIVEN ? delta : NULL, .delta_stride = gap ? delta_stride : 0,
                         .loss_callback = from == BY_FUNCTION ? visit : NULL, .loss_context = &v,
                         .input_gradient = inputs ? input_gradient : NULL, .input_gradient_stride = gap ? stride : 0,
                         .loss = from == OWN_LOSS ? &loss : NULL);
    bp_batch batch = expected.s.batch;
    if (from != OWN_LOSS) {
        batch.targets = NULL;
        batch.labels = NULL;
        batch.weights = NULL;
    }
    assert_int_equal(bp_network_initialize(network, SEED), BP_OK);
    assert_int_equal(bp_network_backward(network, &batch, &options), BP_OK);
    const int of = from != OWN_LOSS;
    if (from == OWN_LOSS)
        assert_same_bits(&loss, &expected.loss, 1);
    if (from == BY_FUNCTION)
        assert_int_equal(v.next, rows);
    if (bp_network_hash(network) != (use == BP_GRADIENT_MODE_UPDATE ? expected.of[of].hash : initial_hash))
        fail_msg("%s: other parameters than expected", name);
    if (inputs)
        check_rows(input_gradient, stride, expected.of[of].input_gradient, rows, expected.in, "input gradient");
    if (use == BP_GRADIENT_MODE_STORE)
        check_gradients(network, expected.of[of].gradients, gap);
    free(input_gradient);
    free(delta);
}

static const struct {
    size_t workers;
    bp_thread_pool (*pool)(pool_log *log, size_t threads); /* null: the library's own */
} pools[] = {{1, NULL}, {2, pool_reverse}, {3, pool_serial}, {4, pool_threaded}, {2, NULL}};

static size_t case_number;

static void check_case_on(test_table *table) {
    for (size_t p = 0; p < COUNT(pools) && !(test_quick() && p > 1); p++)
        for (int small_slices = 0; small_slices < 2; small_slices++) {
            pool_log log = {0};
            bp_network_config config = net_config(&expected.shape, BATCH_MAX);
            config.threads = pools[p].workers;
            if (pools[p].pool)
                config.pool = stored_pool(pools[p].pool(&log, pools[p].workers));
            bp_network *network = net_create_on(table, &config, SEED);
            if (small_slices) { /* by rows or columns, in several slices */
                if (network->workspace.slice_rows <= 2 * BP_ROW_BLOCK) {
                    bp_network_destroy(network);
                    continue;
                }
                network->workspace.slice_rows = 2 * BP_ROW_BLOCK;
                network->plan.worker_blocks = 0;
            }
            for (int from = 0; from < SOURCES; from++)
                for (int use = 0; use < GRADIENT_MODE_COUNT; use++)
                    for (size_t form = 0; form < 3; form++) {
                        if (form == 0 && use == BP_GRADIENT_MODE_SKIP)
                            continue;
                        if (test_quick() && ((size_t)(from + use) + form + case_number + p) % 3 != 0)
                            continue;
                        snprintf(name, sizeof name, "case %zu on %s, %zu lanes%s, source %d, use %d, form %zu",
                                 case_number, table->name, pools[p].workers, small_slices ? ", small slices" : "", from,
                                 use, form);
                        check_backward(network, (source)from, (bp_gradient_mode)use, form == 2 ? 3 : 0, form > 0);
                        table->cases++;
                    }
            bp_network_destroy(network);
        }
}

static void backward_is_the_chain_of_kernels(void **state) {
    (void)state;
    for (case_number = 0; case_number < COUNT(cases); case_number++) {
        expected.shape = cases[case_number].shape;
        expected.shape.gradients = true;
        expected.shape.weighted = case_number % 2 == 1;
        if (net_needs_logits(&expected.shape))
            expected.shape.activations[expected.shape.layers - 1] = (bp_activation){BP_ACTIVATION_IDENTITY, 0};
        if (test_quick() && cases[case_number].rows > 600)
            continue;
        expected.s = samples_create(&expected.shape, cases[case_number].rows, case_number % 3, test_seed());
        run_model();
        test_each_table(check_case_on);
        forget_model();
        samples_destroy(&expected.s);
    }
}

/* ---- Normalized layers and dropout ---------------------------------------------------------------------------- */

static const net regularized = {
    .layers = 3,
    .sizes = {20, 70, 33, 6},
    .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
    .loss = BP_LOSS_HUBER,
    .gradients = true,
};
static const float dropout[] = {0.25f, 0.5f, 0};
static const bool normalize[] = {true, false, false};

static float *regularized_inputs; /* dL/dx on the scalar backend, one worker */

/* A parameter moves by its gradient, kept from the same step. */
static void assert_moved(const float *before, const float *gradient, const float *after, size_t count) {
    for (size_t k = 0; k < count; k++) {
        const float moved = fmaf(-learning_rate, gradient[k], before[k]);
        assert_same_bits(&after[k], &moved, 1);
    }
}

static void regularized_on(test_table *table) {
    samples s = samples_create(&regularized, 700, 0, test_seed());
    for (size_t p = 0; p < COUNT(pools); p++) {
        pool_log log = {0};
        bp_network_config config = net_config(&regularized, 700);
        config.dropout = dropout;
        config.normalize = normalize;
        config.threads = pools[p].workers;
        if (pools[p].pool)
            config.pool = stored_pool(pools[p].pool(&log, pools[p].workers));
        bp_network *network = net_create_on(table, &config, SEED);
        held_layer before[3], gradient[3];
        float gamma[3][70], beta[3][70], *inputs = allocate(700 * 20, sizeof(float));
        for (size_t l = 0; l < 3; l++)
            before[l] = layer_get(network, l);
        assert_int_equal(norm_read(network, OF_PARAMETERS, 0, gamma[0], beta[0]), BP_OK);
        const bp_backward_options keep = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE, .input_gradient = inputs);
        assert_int_equal(bp_network_backward(network, &s.batch, &keep), BP_OK);
        assert_true(bp_network_steps(network) == 1);
        for (size_t l = 0; l < 3; l++) {
            gradient[l] = layer_get(network, l); /* room for it */
            assert_same_bits(gradient[l].weights, before[l].weights, before[l].in * before[l].out);
            assert_int_equal(layer_read(network, OF_GRADIENT, l, gradient[l].weights, 0, gradient[l].biases), BP_OK);
        }
        assert_int_equal(norm_read(network, OF_GRADIENT, 0, gamma[1], beta[1]), BP_OK);
        assert_int_equal(norm_read(network, OF_GRADIENT, 1, gamma[1], NULL), BP_ERROR_VALUE);
        if (!regularized_inputs)
            regularized_inputs = inputs;
        else
            assert_same_bits(inputs, regularized_inputs, 700 * 20);

        /* The same step again, with an update. */
        assert_int_equal(bp_network_set_steps(network, 0, 0), BP_OK);
        assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, NULL), BP_OK);
        assert_int_equal(norm_read(network, OF_GRADIENT, 0, gamma[2], NULL), BP_ERROR_VALUE);
        for (size_t l = 0; l < 3; l++) {
            held_layer after = layer_get(network, l);
            assert_moved(before[l].weights, gradient[l].weights, after.weights, after.in * after.out);
            assert_moved(before[l].biases, gradient[l].biases, after.biases, after.out);
            layer_free(&after);
            layer_free(&before[l]);
            layer_free(&gradient[l]);
        }
        assert_int_equal(norm_read(network, OF_PARAMETERS, 0, gamma[2], beta[2]), BP_OK);
        assert_moved(gamma[0], gamma[1], gamma[2], 70);
        assert_moved(beta[0], beta[1], beta[2], 70);
        if (inputs != regularized_inputs)
            free(inputs);
        bp_network_destroy(network);
        table->cases++;
    }
    samples_destroy(&s);
}

static void regularized_networks_go_back_too(void **state) {
    (void)state;
    test_each_table(regularized_on);
    free(regularized_inputs);
}

/* ---- Finite differences --------------------------------------------------------------------------------------- */

enum { ROWS = 5, IN = 4, HIDDEN = 6, OUT = 3, PARAMETERS = (IN + 1) * HIDDEN + (HIDDEN + 1) * OUT };

static double activated(bp_activation f, double z) {
    return f.kind == BP_ACTIVATION_TANH ? tanh(z) : z;
}

/* Loss of the batch by the textbook; p holds each layer's weights, then its biases. */
static double textbook(const net *shape, const double *p, const double *x, const bp_batch *batch) {
    double total = 0;
    for (size_t n = 0; n < ROWS; n++) {
        double h[HIDDEN], a[OUT];
        const double *w = p + (IN + 1) * HIDDEN;
        for (size_t j = 0; j < HIDDEN; j++) {
            h[j] = p[IN * HIDDEN + j];
            for (size_t i = 0; i < IN; i++)
                h[j] += x[n * IN + i] * p[i * HIDDEN + j];
            h[j] = tanh(h[j]);
        }
        for (size_t j = 0; j < OUT; j++) {
            a[j] = w[HIDDEN * OUT + j];
            for (size_t i = 0; i < HIDDEN; i++)
                a[j] += h[i] * w[i * OUT + j];
            a[j] = activated(shape->activations[1], a[j]);
        }
        const bp_loss_options *o = &shape->options;
        const formula_row row = {
            shape->loss, (double)(shape->loss == BP_LOSS_HUBER ? o->huber_threshold : o->label_smoothing), OUT,
            batch->targets ? batch->targets + n * OUT : NULL, batch->labels ? batch->labels[n] : 0};
        total += (double)batch->weights[n] * formula_loss(&row, a);
    }
    return shape->options.reduction == BP_REDUCTION_SUM ? total : total / ROWS;
}

static void assert_derivative(double got, double *at, const net *shape, const double *p, const double *x,
                              const bp_batch *batch, const char *what) {
    const double step = 1e-5, saved = *at;
    *at = saved + step;
    const double above = textbook(shape, p, x, batch);
    *at = saved - step;
    const double wanted = (above - textbook(shape, p, x, batch)) / (2 * step);
    *at = saved;
    if (!(fabs(got - wanted) <= 4e-6 * (1 + fabs(wanted))))
        fail_msg("%s of %s: %.9g, by finite differences %.9g", what, bp_loss_name(shape->loss), got, wanted);
}

static void gradients_agree_with_finite_differences(void **state) {
    (void)state;
    for (int loss = 0; loss < LOSS_COUNT; loss++)
        for (int sum = 0; sum < 2; sum++) {
            net shape = {
                .layers = 2,
                .sizes = {IN, HIDDEN, OUT},
                .activations = {{BP_ACTIVATION_TANH, 0}, {sum ? BP_ACTIVATION_TANH : BP_ACTIVATION_IDENTITY, 0}},
                .loss = (bp_loss_kind)loss,
                .options = {.huber_threshold = 0.5f,
                            .label_smoothing = loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY ? 0.2f : 0.0f,
                            .reduction = sum ? BP_REDUCTION_SUM : BP_REDUCTION_MEAN},
                .weighted = true,
                .gradients = true};
            if (net_needs_logits(&shape))
                shape.activations[1] = (bp_activation){BP_ACTIVATION_IDENTITY, 0};
            const bp_network_config config = net_config(&shape, ROWS);
            bp_network *network = net_create(&config, 5);
            samples s = samples_create(&shape, ROWS, 0, 77); /* fixed: kinks are not met */
            float input_gradient[ROWS * IN], loss_of_batch;
            const bp_backward_options options =
                BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE, .input_gradient = input_gradient,
                                 .loss = &loss_of_batch);
            assert_int_equal(bp_network_backward(network, &s.batch, &options), BP_OK);

            double p[PARAMETERS], g[PARAMETERS], x[ROWS * IN], largest = 0;
            size_t count = 0;
            for (size_t l = 0; l < 2; l++) {
                held_layer held = layer_get(network, l), gradient = layer_get(network, l);
                assert_int_equal(layer_read(network, OF_GRADIENT, l, gradient.weights, 0, gradient.biases), BP_OK);
                for (size_t k = 0; k < held.in * held.out; k++, count++) {
                    p[count] = (double)held.weights[k];
                    g[count] = (double)gradient.weights[k];
                }
                for (size_t j = 0; j < held.out; j++, count++) {
                    p[count] = (double)held.biases[j];
                    g[count] = (double)gradient.biases[j];
                }
                layer_free(&held);
                layer_free(&gradient);
            }
            assert_int_equal(count, PARAMETERS);
            for (size_t k = 0; k < ROWS * IN; k++)
                x[k] = (double)s.batch.inputs[k];
            assert_true(fabs((double)loss_of_batch - textbook(&shape, p, x, &s.batch)) < 1e-5);
            for (size_t k = 0; k < PARAMETERS; k++) {
                assert_derivative(g[k], &p[k], &shape, p, x, &s.batch, "gradient");
                largest = fmax(largest, fabs(g[k]));
            }
            for (size_t k = 0; k < ROWS * IN; k++)
                assert_derivative((double)input_gradient[k], &x[k], &shape, p, x, &s.batch, "input gradient");
            assert_true(largest > 0.01);
            bp_network_destroy(network);
            samples_destroy(&s);
        }
}

/* ---- Refusals ------------------------------------------------------------------------------------------------- */

static const net small = {.layers = 2,
                          .sizes = {6, 7, 3},
                          .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}},
                          .loss = BP_LOSS_MSE,
                          .weighted = true,
                          .gradients = true};

enum { SMALL_ROWS = 8 };

static void no_loss(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride, float *delta,
                    size_t delta_stride) {
    (void)first, (void)rows, (void)outputs, (void)output_stride, (void)delta, (void)delta_stride;
    *(size_t *)context += 1;
}

static float *shift_bytes(const float *pointer, size_t bytes) {
    return (float *)(void *)((char *)(uintptr_t)pointer + bytes);
}

static void bad_calls_change_nothing(void **state) {
    (void)state;
    const bp_network_config config = net_config(&small, SMALL_ROWS);
    bp_network *network = net_create(&config, 3);
    samples s = samples_create(&small, SMALL_ROWS, 0, test_seed());
    float delta[SMALL_ROWS * 3] = {0}, gradient[SMALL_ROWS * 6] = {4711}, loss = 4711;
    size_t calls = 0;
    const uint64_t before = bp_network_hash(network);
    float *inside = network->layers[1].weights.data;
    const bp_backward_options good = BACKWARD_OPTIONS(.learning_rate = 0.1f, .input_gradient = gradient),
                              given = BACKWARD_OPTIONS(.delta = delta),
                              function = BACKWARD_OPTIONS(.loss_callback = no_loss, .loss_context = &calls);
    const struct {
        bp_status status;
        int line;
        bp_backward_options options;
    } bad[] = {
#define BAD(status, ...) {status, __LINE__, BACKWARD_OPTIONS(__VA_ARGS__)}
        BAD(BP_ERROR_VALUE, .struct_size = 0),
        BAD(BP_ERROR_VALUE, .gradient = GRADIENT_MODE_COUNT),
        BAD(BP_ERROR_VALUE, .gradient = (bp_gradient_mode)-1),
        BAD(BP_ERROR_VALUE, .learning_rate = NAN),
        BAD(BP_ERROR_VALUE, .learning_rate = INFINITY),
        BAD(BP_ERROR_NULL, .gradient = BP_GRADIENT_MODE_SKIP),
        BAD(BP_ERROR_VALUE, .delta = delta, .loss_callback = no_loss, .loss_context = &calls),
        BAD(BP_ERROR_VALUE, .delta = delta, .loss = &loss),
        BAD(BP_ERROR_VALUE, .loss_callback = no_loss, .loss_context = &calls, .loss = &loss),
        BAD(BP_ERROR_SIZE, .delta = delta, .delta_stride = 2),
        BAD(BP_ERROR_OVERFLOW, .delta = delta, .delta_stride = SIZE_MAX / 2),
        BAD(BP_ERROR_ALIGNMENT, .delta = shift_bytes(delta, 1)),
        BAD(BP_ERROR_OVERLAP, .delta = inside),
        BAD(BP_ERROR_SIZE, .input_gradient = gradient, .input_gradient_stride = 5),
        BAD(BP_ERROR_OVERFLOW, .input_gradient = gradient, .input_gradient_stride = SIZE_MAX / 2),
        BAD(BP_ERROR_ALIGNMENT, .input_gradient = shift_bytes(gradient, 2)),
        BAD(BP_ERROR_OVERLAP, .input_gradient = inside),
        BAD(BP_ERROR_OVERLAP, .input_gradient = s.inputs),
        BAD(BP_ERROR_OVERLAP, .input_gradient = s.targets),
        BAD(BP_ERROR_OVERLAP, .input_gradient = s.weights),
        BAD(BP_ERROR_OVERLAP, .delta = gradient, .input_gradient = gradient),
    };
    for (size_t k = 0; k < COUNT(bad); k++) {
        const bp_status status = bp_network_backward(network, &s.batch, &bad[k].options);
        if (status != bad[k].status)
            fail_msg("line %d: '%s' instead of '%s'", bad[k].line, bp_status_string(status),
                     bp_status_string(bad[k].status));
        assert_true(bp_network_hash(network) == before && gradient[0] == 4711 && loss == 4711 && calls == 0);
    }
    assert_int_equal(bp_network_backward(NULL, &s.batch, &good), BP_ERROR_NULL);
    assert_int_equal(bp_network_backward(network, NULL, &good), BP_ERROR_NULL);
    assert_int_equal(bp_network_backward(network, &s.batch, NULL), BP_ERROR_NULL);
    bp_batch batch = s.batch;
    batch.targets = NULL;
    assert_int_equal(bp_network_backward(network, &batch, &good), BP_ERROR_NULL);
    batch.rows = 0;
    assert_int_equal(bp_network_backward(network, &batch, &given), BP_ERROR_SIZE);
    batch.rows = SMALL_ROWS + 1;
    assert_int_equal(bp_network_backward(network, &batch, &function), BP_ERROR_BATCH);
    batch = s.batch;
    batch.inputs = NULL;
    assert_int_equal(bp_network_backward(network, &batch, &given), BP_ERROR_NULL);
    assert_true(bp_network_hash(network) == before && gradient[0] == 4711 && calls == 0);
    /* Of the targets, which the caller's deltas make useless, not even the stride counts. */
    batch = s.batch;
    batch.target_stride = 1;
    assert_int_equal(bp_network_backward(network, &batch, &good), BP_ERROR_SIZE);
    assert_int_equal(bp_network_backward(network, &batch, &given), BP_OK);
    assert_int_equal(bp_network_backward(network, &s.batch, &good), BP_OK);
    assert_true(bp_network_hash(network) != before);
    bp_network_destroy(network);

    net without = small;
    without.gradients = false;
    const bp_network_config plain = net_config(&without, SMALL_ROWS);
    network = net_create(&plain, 3);
    const bp_backward_options keep = BACKWARD_OPTIONS(.gradient = BP_GRADIENT_MODE_STORE);
    assert_int_equal(bp_network_backward(network, &s.batch, &keep), BP_ERROR_VALUE);
    assert_int_equal(bp_network_backward(network, &s.batch, &good), BP_OK);
    assert_int_equal(layer_read(network, OF_GRADIENT, 0, gradient, 0, NULL), BP_ERROR_VALUE);
    bp_network_destroy(network);
    samples_destroy(&s);

    net labeled = small;
    labeled.loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY;
    const bp_network_config classes = net_config(&labeled, SMALL_ROWS);
    network = net_create(&classes, 3);
    s = samples_create(&labeled, SMALL_ROWS, 0, test_seed());
    batch = s.batch;
    batch.labels = memcpy(gradient, s.labels, SMALL_ROWS * sizeof *s.labels);
    assert_int_equal(bp_network_backward(network, &batch, &good), BP_ERROR_OVERLAP);
    bp_network_destroy(network);
    samples_destroy(&s);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backward_is_the_chain_of_kernels),
        cmocka_unit_test(regularized_networks_go_back_too),
        cmocka_unit_test(gradients_agree_with_finite_differences),
        cmocka_unit_test(bad_calls_change_nothing),
    };
    return test_finish(cmocka_run_group_tests(tests, NULL, NULL));
}
