/*
 * One training step of a network with two inputs, two hidden neurons and two outputs, number by number: forward pass,
 * error terms, updates. First by the kernels, one formula at a time, then by a network in one call; both give the
 * same bits.
 *
 * The hidden layer is a leaky ReLU, the output layer the identity, the loss one half of the squared error. Weights
 * carry two digits: w11 w12 / w21 w22 lead from x1 / x2 to h1 h2, and w31 w32 / w41 w42 from h1 / h2 to o1 o2.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backprop/backprop.h>

#include "program.h"

enum { N = 2 };

static const bp_activation hidden = {.kind = BP_ACTIVATION_LEAKY_RELU, .parameter = 0.5f};
static const bp_activation identity = {.kind = BP_ACTIVATION_IDENTITY};
static const float learning_rate = 0.5f;
static const float x[N] = {1.5f, -0.5f};
static const float y[N] = {1.25f, -0.25f};

typedef struct parameters {
    float w1[N][N], b1[N]; /* w1[i][j] from input i to hidden neuron j */
    float w2[N][N], b2[N];
} parameters;

static const parameters initial = {.w1 = {{0.5f, -1.0f}, {0.25f, 0.5f}},
                                   .b1 = {0.125f, 0.75f},
                                   .w2 = {{1.0f, -0.5f}, {0.5f, 0.25f}},
                                   .b2 = {0.25f, 1.0f}};

static void check(bp_status status) {
    if (status != BP_OK)
        fail("%s", bp_status_string(status));
}

/* Prints inputs * weights + bias = sum for each neuron of a layer; `row` is the first digit of its first weights. */
static void print_forward(const char *result, const char *input, int row, const float *in, float (*w)[N],
                          const float *bias, const float *sum) {
    for (int j = 0; j < N; j++)
        printf("%s%d = w%d%d*%s1 + w%d%d*%s2 + b%d = %.9g*%.9g + %.9g*%.9g + %.9g = %.9g\n", result, j + 1, row, j + 1,
               input, row + 1, j + 1, input, row + j, (double)w[0][j], (double)in[0], (double)w[1][j], (double)in[1],
               (double)bias[j], (double)sum[j]);
}

/* Prints the updates of a layer: weights w_ij - rate * delta_j * input_i, then biases b_j - rate * delta_j. */
static void print_update(const char *neuron, const char *input, int row, const float *in, const float *delta,
                         float (*w)[N], const float *bias, float (*w_new)[N], const float *bias_new) {
    for (int j = 0; j < N; j++)
        for (int i = 0; i < N; i++)
            printf("w%d%d_new = w%d%d - learning_rate*delta_%s%d*%s%d = %.9g - %.9g*%.9g*%.9g = %.9g\n", row + i, j + 1,
                   row + i, j + 1, neuron, j + 1, input, i + 1, (double)w[i][j], (double)learning_rate,
                   (double)delta[j], (double)in[i], (double)w_new[i][j]);
    for (int j = 0; j < N; j++)
        printf("b%d_new = b%d - learning_rate*delta_%s%d = %.9g - %.9g*%.9g = %.9g\n", row + j, row + j, neuron, j + 1,
               (double)bias[j], (double)learning_rate, (double)delta[j], (double)bias_new[j]);
}

/* The step, kernel by kernel. Returns the loss before the update. */
static float step_by_kernels(parameters *p, void *scratch) {
    parameters old = *p;
    float z[N], h[N], o[N], delta_o[N], delta_h[N], derivatives[N], loss;

    printf("Forward pass\n");
    check(bp_dense_forward(z, N, x, N, p->w1[0], N, p->b1, 1, N, N, identity, scratch));
    print_forward("z", "x", 1, x, old.w1, old.b1, z);
    check(bp_activate(h, N, z, N, 1, N, hidden));
    for (int j = 0; j < N; j++)
        printf("h%d = f(z%d) = %.9g\n", j + 1, j + 1, (double)h[j]);
    check(bp_dense_forward(o, N, h, N, p->w2[0], N, p->b2, 1, N, N, identity, scratch));
    print_forward("o", "h", 3, h, old.w2, old.b2, o);

    printf("\nLoss and error terms of the output layer\n");
    check(bp_loss_mse(delta_o, N, &loss, o, N, y, N, 1, N, identity, 1.0f));
    printf("L = 1/2*((y1 - o1)^2 + (y2 - o2)^2) = 0.5*((%.9g - %.9g)^2 + (%.9g - %.9g)^2) = %.9g\n", (double)y[0],
           (double)o[0], (double)y[1], (double)o[1], (double)loss);
    for (int j = 0; j < N; j++)
        printf("delta_o%d = o%d - y%d = %.9g - %.9g = %.9g\n", j + 1, j + 1, j + 1, (double)o[j], (double)y[j],
               (double)delta_o[j]);

    printf("\nError terms of the hidden layer\n");
    check(bp_dense_delta(delta_h, N, delta_o, N, p->w2[0], N, h, N, 1, N, N, hidden, scratch));
    check(bp_activation_derivative(derivatives, N, h, N, 1, N, hidden));
    for (int i = 0; i < N; i++)
        printf("delta_h%d = (delta_o1*w%d1 + delta_o2*w%d2)*f'(z%d) = (%.9g*%.9g + %.9g*%.9g)*%.9g = %.9g\n", i + 1,
               3 + i, 3 + i, i + 1, (double)delta_o[0], (double)old.w2[i][0], (double)delta_o[1], (double)old.w2[i][1],
               (double)derivatives[i], (double)delta_h[i]);

    printf("\nUpdates, learning_rate = %.9g\n", (double)learning_rate);
    check(bp_dense_gradient_sgd(p->w2[0], N, p->b2, h, N, delta_o, N, 1, N, N, learning_rate, scratch));
    print_update("o", "h", 3, h, delta_o, old.w2, old.b2, p->w2, p->b2);
    check(bp_dense_gradient_sgd(p->w1[0], N, p->b1, x, N, delta_h, N, 1, N, N, learning_rate, scratch));
    print_update("h", "x", 1, x, delta_h, old.w1, old.b1, p->w1, p->b1);
    return loss;
}

/* The same step by a network. */
static float step_by_network(parameters *p) {
    const size_t sizes[] = {N, N, N};
    const bp_activation activations[] = {hidden, identity};
    bp_network_config config = bp_network_config_defaults();
    config.layers = 2;
    config.sizes = sizes;
    config.activations = activations;
    const bp_batch batch = {.rows = 1, .inputs = x, .targets = y};
    float *const tensors[] = {p->w1[0], p->b1, p->w2[0], p->b2}; /* in the order of the network's list */
    bp_network *network;
    float loss;
    check(bp_network_create(&config, &network));
    for (size_t k = 0; k < bp_network_tensor_count(network); k++)
        check(bp_network_tensor_write(network, k, tensors[k], NULL));
    check(bp_network_train_step(network, &batch, learning_rate, &loss));
    for (size_t k = 0; k < bp_network_tensor_count(network); k++)
        check(bp_network_tensor_read(network, k, tensors[k], NULL));
    bp_network_destroy(network);
    return loss;
}

int main(void) {
    program_start("worked_example");
    void *scratch = aligned_alloc(BP_ALIGNMENT, bp_dense_scratch_bytes(1, N, N));
    if (!scratch)
        fail("out of memory");
    parameters by_kernels = initial, by_network = initial;
    const float kernels_loss = step_by_kernels(&by_kernels, scratch);
    const float network_loss = step_by_network(&by_network);
    free(scratch);

    const bool equal = memcmp(&by_kernels, &by_network, sizeof by_kernels) == 0 &&
                       memcmp(&kernels_loss, &network_loss, sizeof kernels_loss) == 0;
    printf("\nThe same step by a network: %s\n", equal ? "equal bits" : "DIFFERENT BITS");
    return equal ? 0 : 1;
}
