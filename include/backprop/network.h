/*
 * A multi-layer perceptron, trained by back-propagation.
 *
 * Layer l maps [batch x sizes[l]] to [batch x sizes[l+1]]: a = f_l(x W_l + b_l). The order is: product, layer
 * normalization (layer_norm.h), activation, dropout (dropout.h; in training steps only). Results have the same bits on
 * every instruction set, for every number of threads and every thread pool.
 *
 * Memory: creation allocates one block. Steps and inference do not allocate, read the environment, or take a lock,
 * except to share work with other threads. Calls that allocate for a moment say so.
 *
 * Threads: different networks may be used in different threads at the same time. Functions that take a const network
 * may run for one network in many threads at the same time, such as bp_network_infer (inference.h). All other functions
 * need the network for themselves.
 *
 * Fork: the child has usable copies of all networks, with the same bits, except for those that another thread was using
 * at that time. A network with a private pool runs on the calling thread alone in the child; new networks have threads
 * again. If you supply the pool, you must make it fork-safe.
 */
#ifndef BACKPROP_NETWORK_H
#define BACKPROP_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <backprop/activation.h>
#include <backprop/cpu.h>
#include <backprop/export.h>
#include <backprop/initializer.h>
#include <backprop/loss.h>
#include <backprop/optimizer.h>
#include <backprop/status.h>
#include <backprop/thread_pool.h>

BP_BEGIN_DECLS

typedef struct bp_network bp_network;

/**
 * Reduction of the rows' losses to the loss of a batch: (sum of row_loss) * scale. The scale is rounded to binary32.
 *
 * | reduction                  | scale                                                     |
 * |----------------------------|-----------------------------------------------------------|
 * | BP_REDUCTION_MEAN          | 1 / rows, weighted or not                                 |
 * | BP_REDUCTION_SUM           | 1                                                         |
 * | BP_REDUCTION_WEIGHTED_MEAN | 1 / bp_sum(weights); without weights as BP_REDUCTION_MEAN |
 */
typedef enum bp_reduction {
    BP_REDUCTION_MEAN = 0,
    BP_REDUCTION_SUM,
    BP_REDUCTION_WEIGHTED_MEAN,
} bp_reduction;

/** Options of a network's loss. bp_loss_options_defaults makes them. */
typedef struct bp_loss_options {
    size_t struct_size;     /* sizeof(bp_loss_options), set by bp_loss_options_defaults */
    float huber_threshold;  /* for BP_LOSS_HUBER; above 0 and finite; default 1 */
    float label_smoothing;  /* for BP_LOSS_SOFTMAX_CROSS_ENTROPY, 0 to 1; must be 0 for other losses; default 0 */
    bp_reduction reduction; /* over the rows of a batch; default BP_REDUCTION_MEAN */
} bp_loss_options;

/** Sets the defaults in the first struct_size bytes of a struct; see bp_optimizer_init. */
BP_API void bp_loss_options_init(bp_loss_options *options, size_t struct_size);

static inline bp_loss_options bp_loss_options_defaults(void) {
    bp_loss_options bp_made;
    bp_loss_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/** The caller's allocator. `allocate` returns null on failure. Its result needs the alignment of malloc only. */
typedef struct bp_allocator {
    void *(*allocate)(void *context, size_t bytes);
    void (*release)(void *context, void *memory);
    void *context;
} bp_allocator;

/**
 * Configuration of a network. bp_network_config_defaults makes one; then set `layers`, `sizes`, and what you like. Zero
 * means zero. bp_network_create copies everything that it needs, including the structs that pointers refer to, such as
 * the optimizer and the pool. It does not copy what the contexts of pool and allocator point to.
 */
typedef struct bp_network_config {
    size_t struct_size;                  /* sizeof(bp_network_config), set by bp_network_config_defaults */
    size_t layers;                       /* number of dense layers, at least 1 */
    const size_t *sizes;                 /* layers + 1 widths: inputs, hidden layers, outputs */
    const bp_activation *activations;    /* one for each layer; null: ReLU, and identity for the last layer */
    bp_loss_kind loss;                   /* default BP_LOSS_MSE; a loss of logits needs an identity output layer */
    const bp_loss_options *loss_options; /* null: bp_loss_options_defaults */
    const bp_optimizer *optimizer;       /* null: plain stochastic gradient descent */
    size_t max_batch_size;               /* largest batch of later calls, at least 1; default 256 */
    const float *dropout;  /* one for each layer, 0 to below 1: probability that an output is dropped in training; 0 for
                              the last layer; null: none */
    const bool *normalize; /* one for each layer: whether it has layer normalization; false for the last layer; null:
                              none */
    uint64_t seed;         /* seed of the initial weights and of dropout's masks (bp_network_steps); default 0 */
    size_t threads;        /* largest number of threads; 0: the pool's; without a pool, BACKPROP_THREADS; if that is not
                              set, one for each available CPU: the affinity and the CPU quota of the control groups
                              (containers), rounded up */
    bool gradients;        /* whether to allocate memory for gradients, which is as large as the weights; for stored
                              (backward.h) and accumulated (update.h) gradients */
    const bp_thread_pool *pool;    /* null: the network makes a private pool if more than one thread helps */
    const bp_allocator *allocator; /* null: malloc and free */
} bp_network_config;

/** Sets the defaults in the first struct_size bytes of a struct; see bp_optimizer_init. */
BP_API void bp_network_config_init(bp_network_config *config, size_t struct_size);

static inline bp_network_config bp_network_config_defaults(void) {
    bp_network_config bp_made;
    bp_network_config_init(&bp_made, sizeof bp_made);
    return bp_made;
}

/** A mini-batch: rows of inputs, and their targets or labels. */
typedef struct bp_batch {
    size_t rows;
    const float *inputs;    /* [rows x sizes[0]] */
    size_t input_stride;    /* elements from one row to the next; 0: packed */
    const float *targets;   /* for losses with targets: [rows x sizes[layers]] */
    size_t target_stride;   /* elements from one row to the next; 0: packed */
    const uint32_t *labels; /* for softmax cross-entropy and multi-class hinge: [rows], each below sizes[layers] */
    const float *weights;   /* weights of the rows in the loss: [rows], any numbers; null: none */
} bp_batch;

/** Description of a layer. */
typedef struct bp_layer {
    size_t in, out;
    bp_activation activation;
    float dropout;
    bool normalized;
} bp_layer;

/**
 * Bytes that bp_network_create requests from the allocator, in one block. A private thread pool takes additional
 * memory.
 *
 * Errors: those of bp_network_create.
 */
BP_API bp_status bp_network_memory(const bp_network_config *config, size_t *bytes);

/**
 * Makes a network and draws its initial weights, as bp_network_initialize(*network, config->seed) does.
 *
 * | error             | cause                                                                                       |
 * |-------------------|---------------------------------------------------------------------------------------------|
 * | BP_ERROR_NULL     | config, config.sizes, network, or a function of config.pool or config.allocator             |
 * | BP_ERROR_SIZE     | a number that must be at least 1 is 0                                                       |
 * | BP_ERROR_VALUE    | an enumerator or a number outside its range                                                 |
 * | BP_ERROR_VALUE    | a struct_size that no defaults function has set                                             |
 * | BP_ERROR_VALUE    | dropout or normalization of the last layer                                                  |
 * | BP_ERROR_VALUE    | a loss of logits (softmax, binary cross-entropy, Kullback-Leibler) without identity outputs |
 * | BP_ERROR_VALUE    | label smoothing with a loss other than softmax cross-entropy                                |
 * | BP_ERROR_VALUE    | a number that the optimizer's kind does not have                                            |
 * | BP_ERROR_OVERFLOW | sizes that exceed the address range                                                         |
 * | BP_ERROR_MEMORY   | the allocator returned null                                                                 |
 * | BP_ERROR_THREADS  | a thread cannot be started, or BACKPROP_THREADS is not a number                             |
 *
 * Other errors: those of bp_cpu_active. bp_error_message names the field. On error *network is set to null and nothing
 * is left allocated.
 */
BP_API bp_status bp_network_create(const bp_network_config *config, bp_network **network);

/** Destroys a network and frees its memory. Null is allowed. */
BP_API void bp_network_destroy(bp_network *network);

/**
 * Draws new initial weights: w_ij of layer l = limit * bp_random_symmetric(seed, l, i * out + j). Biases become +0,
 * gamma 1, beta +0. The steps and the optimizer's state become 0; the seed of dropout's masks does not change. `limit`,
 * computed in binary32, depends on the layer's activation:
 *
 * | activation                                                            | limit                 |
 * |-----------------------------------------------------------------------|-----------------------|
 * | relu, leaky-relu, relu6, elu, hard-swish, silu, gelu, gelu-tanh, mish | sqrt(6 / in)          |
 * | selu                                                                  | sqrt(3 / in)          |
 * | sine of frequency p                                                   | sqrt(6 / in) / abs(p) |
 * | others                                                                | sqrt(6 / (in + out))  |
 *
 * Sources: K. He et al., "Delving deep into rectifiers", 2015; V. Sitzmann et al., "Implicit neural representations
 * with periodic activation functions", 2020; X. Glorot, Y. Bengio, "Understanding the difficulty of training deep
 * feedforward neural networks", 2010.
 *
 * Errors: BP_ERROR_NULL.
 */
BP_API bp_status bp_network_initialize(bp_network *network, uint64_t seed);

/**
 * The same with an initializer for each layer: initializers[l] draws layer l as bp_initialize does, from stream l of
 * the seed. (bp_network_initialize is the same with BP_INITIALIZER_HE_UNIFORM, BP_INITIALIZER_LECUN_UNIFORM,
 * BP_INITIALIZER_HE_UNIFORM with gain 1 / abs(p), and BP_INITIALIZER_XAVIER_UNIFORM.)
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for an initializer. On error nothing is changed.
 */
BP_API bp_status bp_network_initialize_with(bp_network *network, const bp_initializer *initializers, uint64_t seed);

/**
 * Forward pass: outputs [rows x sizes[layers]], with `output_stride` elements from one row to the next (0: packed). For
 * softmax cross-entropy the outputs are logits; bp_softmax converts them to probabilities. The call uses batch->rows
 * and batch->inputs only. Dropout is off. Elements between the rows of `outputs` are not written.
 *
 * Errors: BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_BATCH, BP_ERROR_OVERFLOW, BP_ERROR_OVERLAP, BP_ERROR_ALIGNMENT.
 */
BP_API bp_status bp_network_forward(bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride);

/**
 * *loss = the loss of the batch, as config.loss_options.reduction defines it. The weights do not change; dropout is
 * off.
 *
 * BP_REDUCTION_MEAN divides by the number of rows, weighted or not, like "sum_over_batch_size" in Keras. Importance
 * weights need this (T. Schaul et al., "Prioritized experience replay", 2016). BP_REDUCTION_WEIGHTED_MEAN is the sum of
 * w_n L_n over the sum of w_n, like the reduction 'mean' with class weights in PyTorch, where w_n is the weight of the
 * row's class.
 *
 * Errors: those of bp_network_train_step; BP_ERROR_VALUE if a weighted mean does not exist, because the sum of the
 * weights or its reciprocal is not finite (for example, if all weights are 0).
 */
BP_API bp_status bp_network_loss(bp_network *network, const bp_batch *batch, float *loss);

/**
 * One training step: forward pass, loss, backward pass, and one optimizer step on all parameters with G, the gradient
 * of the batch's loss. Plain SGD computes w = fma(-learning_rate, G, w). *loss, if not null, is the loss before the
 * update, as in bp_network_loss but with dropout on. Accumulated gradients (update.h) are discarded.
 *
 * If the optimizer has a clip_norm, the step computes the whole gradient first, then its norm:
 *
 *   for each column j of a layer: c_j = +0
 *     for i ascending:       c_j = fma(G[i][j], G[i][j], c_j)
 *     then                   c_j = fma(G_bias[j], G_bias[j], c_j)
 *     with layer norm also   c_j = fma(G_gamma[j], G_gamma[j], c_j);  c_j = fma(G_beta[j], G_beta[j], c_j)
 *   square = +0;  for each layer ascending: square = square + bp_sum of its c_j;  norm = sqrt(square)
 *
 * If norm > clip_norm, every gradient is multiplied by clip_norm / norm (R. Pascanu et al., "On the difficulty of
 * training recurrent neural networks", 2013). Clipping by norm costs memory for one gradient and two more passes over
 * it. Without it, the update is fused with the products and the gradient is never stored.
 *
 * | error              | cause                                                                |
 * |--------------------|----------------------------------------------------------------------|
 * | BP_ERROR_NULL      | network, batch, inputs, or the targets or labels that the loss needs |
 * | BP_ERROR_SIZE      | zero rows, or a stride below its columns                             |
 * | BP_ERROR_BATCH     | more rows than max_batch_size                                        |
 * | BP_ERROR_LABEL     | a label that is not below the number of outputs                      |
 * | BP_ERROR_VALUE     | a learning rate that is not finite                                   |
 * | BP_ERROR_VALUE     | the EMA is swapped in (update.h)                                     |
 * | BP_ERROR_VALUE     | the weighted mean does not exist (bp_network_loss)                   |
 * | BP_ERROR_VALUE     | 2^48 - 1 steps were taken (bp_network_steps)                         |
 * | BP_ERROR_OVERLAP   | an array of the batch overlaps the network's memory                  |
 * | BP_ERROR_ALIGNMENT | an array of the batch is not aligned to 4 bytes                      |
 * | BP_ERROR_OVERFLOW  | an array of the batch does not fit into the address range            |
 *
 * On error nothing is changed.
 */
BP_API bp_status bp_network_train_step(bp_network *network, const bp_batch *batch, float learning_rate, float *loss);

/** Describes layer `index`; layer 0 reads the inputs. Errors: BP_ERROR_NULL; BP_ERROR_VALUE for the index. */
BP_API bp_status bp_network_layer(const bp_network *network, size_t index, bp_layer *layer);

/**
 * Number of training steps so far; 0 for null. It has two uses:
 *
 * - Dropout: in step t, counted from 0, element (n, j) of layer l's outputs uses the mask with that row and column, the
 *   network's seed, and stream (l + 1) * 2^48 + t.
 * - The optimizer: Adam's t is this number plus 1.
 *
 * bp_network_initialize resets it to 0. The maximum is 2^48 - 1: the next step is refused with BP_ERROR_VALUE.
 */
BP_API uint64_t bp_network_steps(const bp_network *network);

/** The seed of dropout's masks; 0 for null. */
BP_API uint64_t bp_network_seed(const bp_network *network);

/**
 * Sets both, to continue another network's training: with the same parameters and state, the next steps are the same.
 * Refused steps and forward passes do not count.
 *
 * Errors: BP_ERROR_NULL; BP_ERROR_VALUE for 2^48 steps or more.
 */
BP_API bp_status bp_network_set_steps(bp_network *network, uint64_t seed, uint64_t steps);

/**
 * Hash of the bits of all parameters: 64-bit FNV-1a over the bytes, least significant first, of each layer's weights
 * (row by row), biases, gamma and beta. Every NaN counts as 0x7fc00000. Equal networks have equal hashes on every
 * machine. 0 for null.
 */
BP_API uint64_t bp_network_hash(const bp_network *network);

/** The network's instruction set, fixed at creation; BP_ISA_SCALAR for null. */
BP_API bp_isa bp_network_isa(const bp_network *network);

/** Largest number of threads that a step uses, the calling thread included; 0 for null. Small steps use fewer. */
BP_API size_t bp_network_threads(const bp_network *network);

/** The network's loss; BP_LOSS_MSE for null. */
BP_API bp_loss_kind bp_network_loss_kind(const bp_network *network);

/** Number of parameters: weights, biases, gamma and beta; 0 for null. */
BP_API size_t bp_network_parameters(const bp_network *network);

/**
 * Floating-point operations of the matrix products in one training step of `rows` rows:
 * 2 * rows * sum(n_l * n_{l+1}) * 3 - 2 * rows * n_0 * n_1. (The inputs need no delta.) 0 for null.
 */
BP_API double bp_network_step_flops(const bp_network *network, size_t rows);

BP_END_DECLS

#endif
