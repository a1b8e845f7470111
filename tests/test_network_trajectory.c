/*
 * 200 steps of two networks with every optimizer, against a textbook network with textbook optimizers in double
 * precision.
 */
#include <stdio.h>

#include "optimizer_support.h"
#include "textbook_optimizer.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { STEPS = 200, ROWS = 24, WIDTH_MAX = 16, PARAMETERS_MAX = 512, SEED = 3 };

static const net nets[] = {
    {2, {2, 8, 1}, {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_IDENTITY, 0}}, BP_LOSS_MSE},
    {3,
     {5, 12, 9, 4},
     {{BP_ACTIVATION_TANH, 0}, {BP_ACTIVATION_SIGMOID, 0}, {BP_ACTIVATION_IDENTITY, 0}},
     BP_LOSS_SOFTMAX_CROSS_ENTROPY},
};

/* ---- The textbook's network ----------------------------------------------------------------------------------- */

static double value(bp_activation f, double z) {
    return f.kind == BP_ACTIVATION_TANH ? tanh(z) : f.kind == BP_ACTIVATION_SIGMOID ? 1 / (1 + exp(-z)) : z;
}

static double slope(bp_activation f, double a) {
    return f.kind == BP_ACTIVATION_TANH ? 1 - a * a : f.kind == BP_ACTIVATION_SIGMOID ? a * (1 - a) : 1;
}

/* Parameters of each layer: weights row by row, then biases. Adds the gradient of one row's loss, divided by ROWS. */
static void add_row(const net *shape, const textbook_parameter *p, const bp_batch *batch, size_t n, double *g) {
    double a[NET_LAYERS_MAX + 1][WIDTH_MAX], delta[WIDTH_MAX], previous[WIDTH_MAX];
    const size_t last = shape->layers, outputs = shape->sizes[last];
    const textbook_parameter *w = p;
    for (size_t i = 0; i < shape->sizes[0]; i++)
        a[0][i] = batch->inputs[n * shape->sizes[0] + i];
    for (size_t l = 0; l < last; w += (shape->sizes[l] + 1) * shape->sizes[l + 1], l++)
        for (size_t j = 0, out = shape->sizes[l + 1]; j < out; j++) {
            double z = w[shape->sizes[l] * out + j].w;
            for (size_t i = 0; i < shape->sizes[l]; i++)
                z += a[l][i] * w[i * out + j].w;
            a[l + 1][j] = value(shape->activations[l], z);
        }
    double sum = 0;
    for (size_t j = 0; j < outputs; j++)
        sum += exp(a[last][j]);
    for (size_t j = 0; j < outputs; j++) {
        const double error = shape->loss == BP_LOSS_MSE ? a[last][j] - (double)batch->targets[n * outputs + j]
                                                        : exp(a[last][j]) / sum - (j == batch->labels[n]);
        delta[j] = error / ROWS * slope(shape->activations[last - 1], a[last][j]);
    }
    for (size_t l = last; l-- > 0;) {
        const size_t in = shape->sizes[l], out = shape->sizes[l + 1];
        w -= (in + 1) * out;
        double *gradient = g + (w - p);
        for (size_t i = 0; i < in; i++) {
            previous[i] = 0;
            for (size_t j = 0; j < out; j++) {
                gradient[i * out + j] += a[l][i] * delta[j];
                previous[i] += delta[j] * w[i * out + j].w;
            }
        }
        for (size_t j = 0; j < out; j++)
            gradient[in * out + j] += delta[j];
        for (size_t i = 0; l > 0 && i < in; i++)
            delta[i] = previous[i] * slope(shape->activations[l - 1], a[l][i]);
    }
}

static void textbook_train(const net *shape, const bp_optimizer *o, unsigned step, double learning_rate,
                           textbook_parameter *p, size_t count, const bp_batch *batch) {
    double g[PARAMETERS_MAX] = {0}, square = 0;
    for (size_t n = 0; n < ROWS; n++)
        add_row(shape, p, batch, n, g);
    for (size_t k = 0; k < count; k++)
        square += g[k] * g[k];
    for (size_t k = 0; k < count; k++) {
        if (o->clip_norm > 0.0f && sqrt(square) > (double)o->clip_norm)
            g[k] *= (double)o->clip_norm / sqrt(square);
        textbook_step(o, step, learning_rate, &p[k], g[k]);
    }
}

/* ---- Both ----------------------------------------------------------------------------------------------------- */

static size_t read_parameters(const bp_network *network, float *values) {
    size_t count = 0;
    for (size_t l = 0; l < network->plan.layers; l++) {
        held_layer held = layer_get(network, l);
        assert_true(count + (held.in + 1) * held.out <= PARAMETERS_MAX);
        memcpy(values + count, held.weights, held.in * held.out * sizeof(float));
        count += held.in * held.out;
        memcpy(values + count, held.biases, held.out * sizeof(float));
        count += held.out;
        layer_free(&held);
    }
    return count;
}

/* Optimizers at rates at which 200 steps learn. */
static const struct {
    bp_optimizer optimizer;
    float learning_rate;
} trajectories[] = {
    {{.kind = BP_OPTIMIZER_SGD}, 0.25f},
    {{.kind = BP_OPTIMIZER_SGD, .weight_decay = 0.01f, .clip = 0.0625f}, 0.25f},
    {{.kind = BP_OPTIMIZER_SGD, .clip_norm = 0.25f}, 0.25f},
    {{.kind = BP_OPTIMIZER_MOMENTUM}, 0.03125f},
    {{.kind = BP_OPTIMIZER_NESTEROV, .weight_decay = 0.01f, .decoupled = true}, 0.03125f},
    {{.kind = BP_OPTIMIZER_ADAGRAD}, 0.0625f},
    {{.kind = BP_OPTIMIZER_RMSPROP}, 0.00390625f},
    {{.kind = BP_OPTIMIZER_ADAM}, 0.0078125f},
    {{.kind = BP_OPTIMIZER_ADAMW, .weight_decay = 0.1f, .clip_norm = 0.5f}, 0.0078125f},
    {{.kind = BP_OPTIMIZER_LION, .weight_decay = 0.1f}, 0.001953125f},
    {{.kind = BP_OPTIMIZER_RPROP, .step_max = 0.015625f}, 0.0009765625f},
    /* Complete: their zeros are zeros. */
    {{sizeof(bp_optimizer), BP_OPTIMIZER_MOMENTUM, .momentum = 0}, 0.25f},
    {{sizeof(bp_optimizer), BP_OPTIMIZER_NESTEROV, .momentum = 0, .weight_decay = 0.01f}, 0.25f},
    {{sizeof(bp_optimizer), BP_OPTIMIZER_ADAM, .beta1 = 0, .beta2 = 0.999f, .epsilon = 1e-8f}, 0.0078125f},
    {{sizeof(bp_optimizer), BP_OPTIMIZER_ADAMW, .beta1 = 0, .beta2 = 0.99f, .epsilon = 1e-8f, .weight_decay = 0.1f},
     0.00390625f}, /* coupled */
};

/*
 * The gradient of binary32 is off by some roundings of 2^-24 of its terms; a parameter follows it with the optimizer's
 * gain, over all steps. SGD and momentum pass that on in proportion. Those that divide by the gradient's size pass on
 * its relative error, which is larger where it has nearly vanished; those that follow its sign now and then take one
 * step of twice the rate into the other direction, where it passes through zero.
 */
static double bound_of(bp_optimizer_kind kind, double learning_rate) {
    switch (kind) {
    case BP_OPTIMIZER_SGD:
    case BP_OPTIMIZER_MOMENTUM:
    case BP_OPTIMIZER_NESTEROV:
        return 1e-5;
    case BP_OPTIMIZER_LION:
        return 4 * learning_rate;
    case BP_OPTIMIZER_RPROP:
        return 16 * learning_rate;
    default:
        return 1e-4;
    }
}

static void check_trajectory(const net *shape, const bp_optimizer *o, float learning_rate) {
    bp_network_config config = net_config(shape, ROWS);
    config.optimizer = stored_optimizer(*o);
    bp_network *network = net_create(&config, SEED);
    samples s = samples_create(shape, ROWS, 0, SEED);
    float values[PARAMETERS_MAX];
    textbook_parameter p[PARAMETERS_MAX] = {0};
    const size_t count = read_parameters(network, values);
    for (size_t k = 0; k < count; k++)
        p[k].w = values[k];
    float first = NAN, loss = NAN;
    double worst = 0;
    for (unsigned step = 1; step <= STEPS; step++) {
        assert_int_equal(bp_network_train_step(network, &s.batch, learning_rate, &loss), BP_OK);
        first = step == 1 ? loss : first;
        textbook_train(shape, o, step, (double)learning_rate, p, count, &s.batch);
        read_parameters(network, values);
        for (size_t k = 0; k < count; k++)
            worst = fmax(worst, fabs((double)values[k] - p[k].w));
    }
    if (!(worst <= bound_of(o->kind, (double)learning_rate)) || !(loss < 0.9f * first))
        fail_msg("%s at %g, net of %zu layers: %g from the textbook where %g is allowed; loss from %g to %g",
                 bp_optimizer_name(o->kind), (double)learning_rate, shape->layers, worst,
                 bound_of(o->kind, (double)learning_rate), (double)first, (double)loss);
    bp_network_destroy(network);
    samples_destroy(&s);
}

static void trajectories_are_the_textbooks(void **state) {
    (void)state;
    for (size_t n = 0; n < COUNT(nets); n++)
        for (size_t k = 0; k < COUNT(trajectories); k++)
            check_trajectory(&nets[n], stored_optimizer(trajectories[k].optimizer), trajectories[k].learning_rate);
}

int main(int argc, char **argv) {
    (void)argc;
    test_start(argv[0]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(trajectories_are_the_textbooks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
