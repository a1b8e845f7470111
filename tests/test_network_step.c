/*
 * What a network computes: the bits of its kernels chained by hand, the numbers of a worked example, and the
 * derivatives of its loss by finite differences.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "activation_formulas.h"
#include "enum_counts.h"
#include "harness/bits.h"
#include "harness/mode.h"
#include "harness/session.h"
#include "network_support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- The same bits as the scalar kernels chained by hand ------------------------------------------------------ */

static const net nets[] = {
    {.layers = 1, .sizes = {1, 1}, .activations = {{BP_ACTIVATION_RELU, 0}}, .loss = BP_LOSS_MSE},
    {.layers = 1, .sizes = {3, 2}, .activations = {{BP_ACTIVATION_IDENTITY, 0}}, .loss = BP_LOSS_MSE},
    {.layers = 1,
     .sizes = {70, 11},
     .activations = {{BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY},
    {.layers = 2,
     .sizes = {5, 1, 3},
     .activations = {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_TANH, 0}},
     .loss = BP_LOSS_MSE},
    {.layers = 2,
     .sizes = {37, 65, 1},
     .activations = {{BP_ACTIVATION_LEAKY_RELU, 0.01f}, {BP_ACTIVATION_SIGMOID, 0}},
     .loss = BP_LOSS_MSE},
    {.layers = 2,
     .sizes = {64, 129, 33},
     .activations = {{BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_LEAKY_RELU, 0.2f}},
     .loss = BP_LOSS_MSE},
    {.layers = 3,
     .sizes = {64, 64, 64, 10},
     .activations = {{BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY},
    {.layers = 4,
     .sizes = {13, 17, 31, 7, 5},
     .activations =
         {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_RELU, 0}, {BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     .loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY},
    {.layers = 4,
     .sizes = {9, 16, 8, 32, 4},
     .activations = {{BP_ACTIVATION_IDENTITY, 0},
                     {BP_ACTIVATION_LEAKY_RELU, 0.5f},
                     {BP_ACTIVATION_TANH, 0},
                     {BP_ACTIVATION_RELU, 0}},
     .loss = BP_LOSS_MSE},
};

static const size_t batches[] = {1, 3, 64, 257, 600};
enum { BATCH_MAX = 1000, BATCHES_QUICK = 3 };

static size_t batch_count(void) {
    return test_quick() ? BATCHES_QUICK : COUNT(batches);
}

/* Runs the check for every net and batch, with packed arrays and with offset, strided ones. */
static void each_case(void (*check)(bp_network *network, const net *shape, const samples *s)) {
    for (size_t k = 0; k < COUNT(nets); k++) {
        const bp_network_config config = net_config(&nets[k], BATCH_MAX);
        bp_network *network = net_create(&config, test_seed() + k);
        for (size_t b = 0; b < batch_count(); b++)
            for (size_t beta = 0; beta <= 5; beta += 5) {
                samples s = samples_create(&nets[k], batches[b], beta, test_seed() + b);
                check(network, &nets[k], &s);
                samples_destroy(&s);
            }
        bp_network_destroy(network);
    }
}

static void check_forward(bp_network *network, const net *shape, const samples *s) {
    const size_t rows = s->batch.rows, out = shape->sizes[shape->layers], stride = out + 3;
    float *packed = malloc(rows * out * sizeof(float)), *strided = malloc(rows * stride * sizeof(float)),
          *expected = malloc(rows * out * sizeof(float));
    assert_true(packed && strided && expected);
    model m = model_copy(shape, network);
    model_forward(&m, &s->batch, expected);

    /* Only rows and inputs are used. */
    const bp_batch batch = {
        .rows = rows, .inputs = s->batch.inputs, .input_stride = s->batch.input_stride, .target_stride = 1};
    assert_int_equal(bp_network_forward(network, &batch, packed, 0), BP_OK);
    assert_same_bits(packed, expected, rows * out);
    for (size_t k = 0; k < rows * stride; k++)
        strided[k] = test_float(TEST_CANARY);
    assert_int_equal(bp_network_forward(network, &batch, strided, stride), BP_OK);
    for (size_t n = 0; n < rows; n++) {
        assert_same_bits(strided + n * stride, expected + n * out, out);
        for (size_t j = out; j < stride; j++)
            assert_int_equal(test_raw_bits(strided[n * stride + j]), TEST_CANARY);
    }
    assert_same_parameters(&m, network);
    model_destroy(&m);
    free(packed);
    free(strided);
    free(expected);
}

static void forward_is_the_chain_of_kernels(void **state) {
    (void)state;
    each_case(check_forward);
}

static void check_step(bp_network *network, const net *shape, const samples *s) {
    model m = model_copy(shape, network);
    const float learning_rate = 0.25f, expected = model_step(&m, &s->batch, 0);
    float loss = NAN;
    assert_int_equal(bp_network_loss(network, &s->batch, &loss), BP_OK);
    assert_same_bits(&loss, &expected, 1);
    assert_true(bp_network_hash(network) == model_hash(&m));

    model_step(&m, &s->batch, learning_rate);
    loss = NAN;
    assert_int_equal(bp_network_train_step(network, &s->batch, learning_rate, &loss), BP_OK);
    assert_same_bits(&loss, &expected, 1);
    assert_same_parameters(&m, network);
    assert_true(bp_network_hash(network) == model_hash(&m));

    /* The same without a loss, and a rate that is negative or nothing. */
    model_step(&m, &s->batch, -learning_rate);
    assert_int_equal(bp_network_train_step(network, &s->batch, -learning_rate, NULL), BP_OK);
    assert_int_equal(bp_network_train_step(network, &s->batch, 0, NULL), BP_OK);
    assert_same_parameters(&m, network);
    model_destroy(&m);
}

static void step_is_the_chain_of_kernels(void **state) {
    (void)state;
    each_case(check_step);
}

static void the_hosts_rounding_does_not_matter(void **state) {
    (void)state;
    const net *shape = &nets[7];
    enum { ROWS = 64 };
    static float outputs[ROWS * 5], expected_outputs[ROWS * 5];
    samples s = samples_create(shape, ROWS, 0, test_seed());
    const bp_network_config config = net_config(shape, ROWS);
    bp_network *network = net_create(&config, 1);
    float expected_loss;
    assert_int_equal(bp_network_forward(network, &s.batch, expected_outputs, 0), BP_OK);
    assert_int_equal(bp_network_loss(network, &s.batch, &expected_loss), BP_OK);
    s.batch.rows = 1; /* which has a way of its own */
    assert_int_equal(bp_network_train_step(network, &s.batch, 0.5f, NULL), BP_OK);
    s.batch.rows = ROWS;
    assert_int_equal(bp_network_train_step(network, &s.batch, 0.5f, NULL), BP_OK);
    const uint64_t expected = bp_network_hash(network);
    for (const test_host_mode *host = test_host_modes; host->name; host++) {
        float loss = NAN;
        test_set_mode(host->mode);
        bp_status status = bp_network_initialize(network, 1);
        status |= bp_network_forward(network, &s.batch, outputs, 0);
        status |= bp_network_loss(network, &s.batch, &loss);
        s.batch.rows = 1;
        status |= bp_network_train_step(network, &s.batch, 0.5f, NULL);
        s.batch.rows = ROWS;
        status |= bp_network_train_step(network, &s.batch, 0.5f, NULL);
        const uint64_t left = test_mode();
        test_set_mode(test_host_modes[0].mode);
        assert_int_equal(status, BP_OK);
        assert_true(left == host->mode);
        assert_same_bits(outputs, expected_outputs, COUNT(outputs));
        assert_same_bits(&loss, &expected_loss, 1);
        assert_true(bp_network_hash(network) == expected);
    }
    bp_network_destroy(network);
    samples_destroy(&s);
}

/* ---- The worked example --------------------------------------------------------------------------------------- */

/* w11 w12 w21 w22 b1 b2 of the hidden layer, w31 w32 w41 w42 b3 b4 of the output layer. */
typedef struct parameters {
    float hidden[6], output[6];
} parameters;

static void check_worked_example(bp_activation hidden, float b2, const float o[2], const float y[2], float loss,
                                 const parameters *after) {
    const net shape = {.layers = 2, .sizes = {2, 2, 2}, .activations = {hidden, {BP_ACTIVATION_IDENTITY, 0}}};
    const parameters before = {{0.5f, -0.25f, 0.25f, 0.75f, 0.5f, b2}, {2, -1, 1, 2, -1, 0.25f}};
    const bp_network_config config = net_config(&shape, 2);
    /* One sample, and the same sample twice, whose mean it is. */
    for (size_t rows = 1; rows <= 2; rows++) {
        bp_network *network = net_create(&config, 0);
        const float *from[2] = {before.hidden, before.output}, *to[2] = {after->hidden, after->output};
        for (size_t l = 0; l < 2; l++)
            assert_int_equal(layer_write(network, OF_PARAMETERS, l, from[l], 0, from[l] + 4), BP_OK);
        const float x2[4] = {1, 2, 1, 2}, y2[4] = {y[0], y[1], y[0], y[1]};
        const bp_batch batch = {.rows = rows, .inputs = x2, .targets = y2};
        float outputs[4], measured;
        assert_int_equal(bp_network_forward(network, &batch, outputs, 0), BP_OK);
        for (size_t n = 0; n < rows; n++)
            assert_same_bits(outputs + 2 * n, o, 2);
        assert_int_equal(bp_network_train_step(network, &batch, 0.5f, &measured), BP_OK);
        assert_same_bits(&measured, &loss, 1);
        for (size_t l = 0; l < 2; l++) {
            held_layer held = layer_get(network, l);
            assert_same_bits(held.weights, to[l], 4);
            assert_same_bits(held.biases, to[l] + 4, 2);
            layer_free(&held);
        }
        bp_network_destroy(network);
    }
}

/*
 * Two inputs, two hidden neurons, two outputs, computed by hand in numbers that binary32 holds exactly, with x = (1, 2)
 * and a learning rate of 1/2.
 */
static void worked_example_by_hand(void **state) {
    (void)state;
    /* Identity: h = (1.5, 0.75), o = (2.75, 0.25), delta_o = (0.5, -0.5), delta_h = (1.5, -0.5). */
    check_worked_example(
        (bp_activation){BP_ACTIVATION_IDENTITY, 0}, -0.5f, (float[]){2.75f, 0.25f}, (float[]){2.25f, 0.75f}, 0.25f,
        &(parameters){{-0.25f, 0, -1.25f, 1.25f, -0.25f, -0.25f}, {1.625f, -0.625f, 0.8125f, 2.1875f, -1.25f, 0.5f}});
    /* ReLU, the second neuron off: z = (1.5, -0.25), o = (2, -1.25), delta_o = (0.5, -0.25), delta_h = (1.25, 0). */
    check_worked_example(
        (bp_activation){BP_ACTIVATION_RELU, 0}, -1.5f, (float[]){2, -1.25f}, (float[]){1.5f, -1}, 0.15625f,
        &(parameters){{-0.125f, -0.25f, -1, 0.75f, -0.125f, -1.5f}, {1.625f, -0.8125f, 1, 2, -1.25f, 0.375f}});
    /*
     * Leaky ReLU of slope 1/2: h2 = -0.125, o = (1.875, -1.5), delta_o = (0.375, -0.5);
     * delta_h1 = 0.375 * 2 + 0.5 = 1.25, delta_h2 = (0.375 - 1) / 2 = -0.3125.
     */
    check_worked_example((bp_activation){BP_ACTIVATION_LEAKY_RELU, 0.5f}, -1.5f, (float[]){1.875f, -1.5f},
                         (float[]){1.5f, -1}, 0.1953125f,
                         &(parameters){{-0.125f, -0.09375f, -1, 1.0625f, -0.125f, -1.34375f},
                                       {1.71875f, -0.625f, 1.0234375f, 1.96875f, -1.1875f, 0.5f}});
}

/* ---- Finite differences --------------------------------------------------------------------------------------- */

enum { WIDTH_MAX = 16, PARAMETERS_MAX = 1024 };

/* Mean loss by the textbook, in double precision; `p` holds each layer's weights, row by row, then its biases. */
static double textbook_loss(const net *shape, const double *p, const bp_batch *batch) {
    const size_t out = shape->sizes[shape->layers];
    double total = 0;
    for (size_t n = 0; n < batch->rows; n++) {
        double a[WIDTH_MAX], z[WIDTH_MAX];
        for (size_t i = 0; i < shape->sizes[0]; i++)
            a[i] = batch->inputs[n * shape->sizes[0] + i];
        const double *w = p;
        for (size_t l = 0; l < shape->layers; l++) {
            const size_t from = shape->sizes[l], to = shape->sizes[l + 1];
            for (size_t j = 0; j < to; j++) {
                z[j] = w[from * to + j];
                for (size_t i = 0; i < from; i++)
                    z[j] += a[i] * w[i * to + j];
            }
            for (size_t j = 0; j < to; j++)
                a[j] = activation_formula(z[j], shape->activations[l]);
            w += (from + 1) * to;
        }
        if (shape->loss == BP_LOSS_MSE) {
            for (size_t j = 0; j < out; j++)
                total += 0.5 * pow(a[j] - (double)batch->targets[n * out + j], 2);
        } else {
            double sum = 0;
            for (size_t j = 0; j < out; j++)
                sum += exp(a[j]);
            total += log(sum) - a[batch->labels[n]];
        }
    }
    return total / (double)batch->rows;
}

static size_t read_parameters(const bp_network *network, const net *shape, double *p) {
    size_t count = 0;
    for (size_t l = 0; l < shape->layers; l++) {
        held_layer held = layer_get(network, l);
        assert_true(count + (held.in + 1) * held.out <= PARAMETERS_MAX);
        for (size_t k = 0; k < held.in * held.out; k++)
            p[count++] = held.weights[k];
        for (size_t j = 0; j < held.out; j++)
            p[count++] = held.biases[j];
        layer_free(&held);
    }
    return count;
}

/* The weights' change in one step of rate 1 against central differences of the textbook's loss. */
static void check_gradient(const net *shape, size_t rows, uint64_t seed) {
    /* A float holds a weight of about 1 to 6e-8; sums of some tens of terms add as much again, several times. */
    const double h = 1e-5, tolerance = 1e-6;
    const bp_network_config config = net_config(shape, rows);
    bp_network *network = net_create(&config, seed);
    /* With biases of zero, a row of dead ReLUs puts the next on its kink. */
    for (size_t l = 0; l < shape->layers; l++) {
        float biases[WIDTH_MAX];
        for (size_t j = 0; j < shape->sizes[l + 1]; j++)
            biases[j] = 0.5f * bp_random_symmetric(seed, 100 + l, j);
        assert_int_equal(layer_write(network, OF_PARAMETERS, l, NULL, 0, biases), BP_OK);
    }
    samples s = samples_create(shape, rows, 0, seed);
    double before[PARAMETERS_MAX], after[PARAMETERS_MAX], largest = 0;
    const size_t count = read_parameters(network, shape, before);
    float loss;
    assert_int_equal(bp_network_train_step(network, &s.batch, 1.0f, &loss), BP_OK);
    read_parameters(network, shape, after);
    assert_true(fabs((double)loss - textbook_loss(shape, before, &s.batch)) < tolerance);

    for (size_t k = 0; k < count; k++) {
        const double saved = before[k], gradient = saved - after[k];
        before[k] = saved + h;
        const double up = textbook_loss(shape, before, &s.batch);
        before[k] = saved - h;
        const double expected = (up - textbook_loss(shape, before, &s.batch)) / (2 * h);
        before[k] = saved;
        if (!(fabs(gradient - expected) <= tolerance))
            fail_msg("parameter %zu of %zu, seed %llu: gradient %.9g, by finite differences %.9g", k, count,
                     (unsigned long long)seed, gradient, expected);
        largest = fmax(largest, fabs(expected));
    }
    assert_true(largest > 1e4 * tolerance); /* else the comparison says nothing */
    bp_network_destroy(network);
    samples_destroy(&s);
}

static void gradient_agrees_with_finite_differences(void **state) {
    (void)state;
    for (size_t f = 0; f < ACTIVATION_COUNT; f++)
        for (size_t g = f % 3; g < ACTIVATION_COUNT; g += 3) {
            const bp_activation first = {(bp_activation_kind)f, 0.25f}, other = {(bp_activation_kind)g, 0.25f};
            net shape = {.layers = 3, .sizes = {5, 7, 6, 4}, .activations = {first, other, other}};
            /* Fixed seeds: a random one could put a ReLU within h of its kink. */
            check_gradient(&shape, 6, 100 * f + g);
            shape.activations[2] = (bp_activation){BP_ACTIVATION_IDENTITY, 0};
            shape.loss = BP_LOSS_SOFTMAX_CROSS_ENTROPY;
            check_gradient(&shape, 6, 5000 + 100 * f + g);
        }
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_the_chain_of_kernels),         cmocka_unit_test(step_is_the_chain_of_kernels),
        cmocka_unit_test(the_hosts_rounding_does_not_matter),      cmocka_unit_test(worked_example_by_hand),
        cmocka_unit_test(gradient_agrees_with_finite_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
