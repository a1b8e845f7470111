/*
 * A multi-layer perceptron, trained by back-propagation.
 *
 * Layer l maps [batch x sizes[l]] to [batch x sizes[l+1]]: a = f_l(x W_l + b_l). Where it is normalized (layer_norm.h),
 * that comes between the product and f_l; where it has dropout (dropout.h), that comes after f_l, in training steps
 * alone. All memory is taken at creation, in
 * one block; after that no call allocates or reads the environment, and none takes a lock but to share work with other
 * threads. Results have the same bits on every instruction set, for every number of threads and every thread pool.
 *
 * Different networks may be used in different threads at the same time; one network by one thread at a time, but for
 * bp_network_infer (inference.h), by which many threads evaluate one network.
 *
 * After fork the child has copies of the networks, to be used and destroyed as in the parent, with the same bits, but
 * for those that another thread was just using. One with a pool of the library's own runs on the calling thread alone
 * there; new ones have threads again. A host's pool is the host's to mend.
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

/** How the losses of a batch's rows become the loss that is trained on. */
typedef enum bp_reduction {
    BP_REDUCTION_MEAN = 0,      /* (sum of row_loss) * scale, scale = 1 / rows rounded, weighted rows or not */
    BP_REDUCTION_SUM,           /* sum of row_loss: the scale is 1 */
    BP_REDUCTION_WEIGHTED_MEAN, /* (sum of row_loss) * scale, scale = 1 / bp_sum(weights) rounded; without weights as
                                   the mean */
} bp_reduction;

/** What a network's loss leaves open. Zeroed fields take their defaults. */
typedef struct bp_loss_options {
    float huber_threshold;  /* of BP_LOSS_HUBER, above 0 and finite; 0: 1 */
    float label_smoothing;  /* of BP_LOSS_SOFTMAX_CROSS_ENTROPY, 0 .. 1 */
    bp_reduction reduction; /* over the rows of a batch */
} bp_loss_options;

/** Memory from the caller. `allocate` returns null on failure; its result needs no more than malloc's alignment. */
typedef struct bp_allocator {
    void *(*allocate)(void *context, size_t bytes);
    void (*release)(void *context, void *memory);
    void *context;
} bp_allocator;

/** What a network is made from. Zeroed optional fields take their defaults. Nothing of it is kept by reference
 *  but the contexts of allocator and pool. */
typedef struct bp_network_config {
    size_t layers;                    /* number of dense layers, at least 1 */
    const size_t *sizes;              /* layers + 1 widths: inputs, hidden layers, outputs */
    const bp_activation *activations; /* one a layer */
    bp_loss_kind loss;     /* see loss.h; those of softmax and binary cross-entropy need an identity output layer */
    size_t max_batch_size; /* largest batch of later calls, at least 1 */
    const float *dropout;  /* one a layer, or null: probability that an output is dropped in training; of the last 0 */
    const bool *normalize; /* one a layer, or null: whether it has layer normalization; the last has none */
    uint64_t seed;         /* of dropout's masks, see bp_network_steps */
    size_t threads;        /* most threads to use; 0: the pool's, else BACKPROP_THREADS, else one for each CPU in reach:
                              the affinity and the CPU quota of the control groups (containers), rounded up */
    bp_loss_options loss_options;
    bp_optimizer optimizer; /* how steps update the parameters; zeroed: plain stochastic gradient descent */
    bool gradients;         /* keep room for gradients that are kept (backward.h) or accumulated (update.h), as much as
                               for the weights */
    bp_thread_pool pool;    /* run null: the library makes its own pool if more than one thread helps */
    bp_allocator allocator; /* allocate null: malloc and free */
} bp_network_config;

/** A mini-batch: rows of inputs with what they should give. */
typedef struct bp_batch {
    size_t rows;
    const float *inputs;    /* [rows x sizes[0]] */
    size_t input_stride;    /* elements between rows; 0: packed */
    const float *targets;   /* of losses with targets: [rows x sizes[layers]] */
    size_t target_stride;   /* elements between rows; 0: packed */
    const uint32_t *labels; /* of softmax cross-entropy and the multi-class hinge: [rows], each below sizes[layers] */
    const float *weights;   /* of the rows in the loss: [rows], any numbers; null: none */
} bp_batch;

/** What one layer of a network is. */
typedef struct bp_layer {
    size_t in, out;
    bp_activation activation;
    float dropout;
    bool normalized;
} bp_layer;

/**
 * Bytes that bp_network_create would ask of the allocator, in one piece. (A thread pool of the library's own is
 * allocated by its implementation, besides.) Errors as bp_network_create.
 */
BP_API bp_status bp_network_memory(const bp_network_config *config, size_t *bytes);

/**
 * Makes a network with all weights and biases zero, gains 1, shifts 0; see bp_network_initialize.
 *
 * BP_ERROR_NULL, BP_ERROR_SIZE (a zero), BP_ERROR_OVERFLOW, BP_ERROR_VALUE (an enumerator, a slope, a loss option, a
 * number of the optimizer; a release function missing; a probability that is not from 0 to below 1; dropout or
 * normalization of the last layer; a loss that needs logits on an activated output layer), BP_ERROR_MEMORY,
 * BP_ERROR_THREADS, and those of bp_cpu_active. On error *network is set to null and nothing is left allocated.
 */
BP_API bp_status bp_network_create(const bp_network_config *config, bp_network **network);

/** Frees a network; null is allowed. */
BP_API void bp_network_destroy(bp_network *network);

/**
 * Draws initial weights: w_ij of layer l = limit * bp_random_symmetric(seed, l, i * out + j), biases +0, gains 1,
 * shifts +0, with limit = sqrt(6 / in) where the layer's activation is z above 0 and small below: relu, leaky-relu,
 * relu6, elu, hard-swish, silu, gelu, gelu-tanh, mish (K. He et al., "Delving deep into rectifiers", 2015); sqrt(3 /
 * in) for selu, as it asks; sqrt(6 / in) / |p| for a sine of frequency p (V. Sitzmann et al., "Implicit neural
 * representations with periodic activation functions", 2020); else sqrt(6 / (in + out)) (X. Glorot, Y. Bengio,
 * "Understanding the difficulty of training deep feedforward neural networks", 2010), computed in binary32.
 */
BP_API bp_status bp_network_initialize(bp_network *network, uint64_t seed);

/**
 * Draws initial weights as bp_initialize does, layer l by initializers[l] from stream l of the seed; biases and shifts
 * +0, gains 1. (bp_network_initialize is the same with BP_INITIALIZER_HE_UNIFORM, BP_INITIALIZER_LECUN_UNIFORM,
 * BP_INITIALIZER_HE_UNIFORM of gain 1 / |p|, and BP_INITIALIZER_XAVIER_UNIFORM.) BP_ERROR_NULL, BP_ERROR_VALUE (an
 * initializer): then nothing is changed.
 */
BP_API bp_status bp_network_initialize_with(bp_network *network, const bp_initializer *initializers, uint64_t seed);

/**
 * Forward pass: outputs [rows x sizes[layers]] with `output_stride` elements between rows (0: packed). For softmax
 * cross-entropy these are the logits; bp_softmax turns them into probabilities. Only rows and inputs of `batch` are
 * used. BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_BATCH, BP_ERROR_OVERFLOW, BP_ERROR_OVERLAP, BP_ERROR_ALIGNMENT.
 */
BP_API bp_status bp_network_forward(bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride);

/**
 * Loss of the batch, its mean or sum over the rows; weights stay as they are. Errors as for bp_network_train_step.
 *
 * The mean divides by the number of rows, weighted or not, as Keras' "sum_over_batch_size" does and as importance
 * weights want it (T. Schaul et al., "Prioritized experience replay", 2016). The weighted mean is the sum of w_n L_n
 * over the sum of w_n, as PyTorch's reduction 'mean' has it with class weights; w_n of the row's label are those. Where
 * that sum or its reciprocal is not finite, as for weights that are all 0, there is none: BP_ERROR_VALUE.
 */
BP_API bp_status bp_network_loss(bp_network *network, const bp_batch *batch, float *loss);

/**
 * One step of training: forward, loss, deltas, and the optimizer's step on all parameters by G, the gradient of the
 * batch's loss: of plain stochastic gradient descent w = fma(-learning_rate, G, w). *loss (if not null) is that loss,
 * as of bp_network_loss, for the weights before the step. Accumulated gradients (update.h) are forgotten.
 *
 * Where the optimizer has a clip_norm, the gradient is computed first and kept, in one more array as large as the
 * parameters; then its norm, in this order:
 *
 *   c_j = +0;  for i ascending: c_j = fma(G[i][j], G[i][j], c_j);  c_j = fma(G_bias[j], G_bias[j], c_j)
 *   and of a normalized layer c_j = fma(G_gain[j], G_gain[j], c_j);  c_j = fma(G_shift[j], G_shift[j], c_j)
 *   square = +0;  for each layer ascending: square = square + bp_sum of the c_j;  norm = sqrt(square)
 *
 * and where norm > clip_norm the optimizer's step multiplies each gradient by factor = clip_norm / norm (R. Pascanu et
 * al., "On the difficulty of training recurrent neural networks", 2013). That takes two more passes over the gradient:
 * written by the products, read for the norm, read by the update. Other optimizers update as gradients come out of the
 * products.
 *
 * BP_ERROR_NULL, BP_ERROR_SIZE, BP_ERROR_BATCH, BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT, BP_ERROR_OVERLAP (the batch
 * lies in the network's own memory), BP_ERROR_LABEL: on error nothing is changed. A rate that is not finite is
 * BP_ERROR_VALUE, and so is a step while the moving average is swapped in (update.h).
 */
BP_API bp_status bp_network_train_step(bp_network *network, const bp_batch *batch, float learning_rate, float *loss);

/** Describes layer `index`, counted from 0 at the inputs. BP_ERROR_NULL, BP_ERROR_VALUE. */
BP_API bp_status bp_network_layer(const bp_network *network, size_t index, bp_layer *layer);

/**
 * Copies the parameters of layer `index` out of a network (get) or into it (set), between other calls on it:
 * weights [in x out], w_ij from input i to neuron j, with `weight_stride` elements between rows (0: packed), and
 * biases [out]. Either may be null and is left out. (A network keeps its weights in an order of its own, so that a
 * step never rearranges them.)
 *
 * BP_ERROR_NULL (network), BP_ERROR_VALUE (index), BP_ERROR_SIZE (stride), BP_ERROR_OVERFLOW, BP_ERROR_ALIGNMENT,
 * BP_ERROR_OVERLAP (arrays overlap each other or the network's own memory): on error nothing is copied.
 */
BP_API bp_status bp_network_get_parameters(const bp_network *network, size_t index, float *weights,
                                           size_t weight_stride, float *biases);
BP_API bp_status bp_network_set_parameters(bp_network *network, size_t index, const float *weights,
                                           size_t weight_stride, const float *biases);

/**
 * The same for the gain [out] and shift [out] of a layer with layer normalization; BP_ERROR_VALUE if it has none.
 */
BP_API bp_status bp_network_get_normalization(const bp_network *network, size_t index, float *gamma, float *beta);
BP_API bp_status bp_network_set_normalization(bp_network *network, size_t index, const float *gamma, const float *beta);

/**
 * The training steps of a network so far, which number the masks of dropout: in step t, counted from 0, element (n, j)
 * of layer l's outputs is dropped by the mask with that row and column, the network's seed, and the stream
 * (l + 1) * 2^48 + t. They are also the steps that the optimizer has taken: Adam's t is one more. bp_network_initialize
 * makes them 0, and the optimizer's state with them. There are at most 2^48 - 1: the next one is refused,
 * BP_ERROR_VALUE. 0 for null.
 */
BP_API uint64_t bp_network_steps(const bp_network *network);

/** The seed of the masks; 0 for null. */
BP_API uint64_t bp_network_seed(const bp_network *network);

/**
 * Sets both, to go on where another network stood: with the same parameters it then takes the same steps. A step that
 * was refused does not count, nor does a forward pass. BP_ERROR_NULL, BP_ERROR_VALUE (2^48 steps or more).
 */
BP_API bp_status bp_network_set_steps(bp_network *network, uint64_t seed, uint64_t steps);

/**
 * Hash of all parameters' bits: 64-bit FNV-1a over the bytes (least significant first) of every weight, row by row,
 * then every bias, every gain and every shift if there are such, layer after layer; a NaN counts as 0x7fc00000. Equal
 * networks hash equal on every machine. 0 for a null network.
 */
BP_API uint64_t bp_network_hash(const bp_network *network);

/** Instruction set that this network runs on, fixed at creation; BP_ISA_SCALAR for null. */
BP_API bp_isa bp_network_isa(const bp_network *network);

/** Threads that this network can use, itself included; 0 for null. Small steps use fewer. */
BP_API size_t bp_network_threads(const bp_network *network);

/** The loss that a network was created with; BP_LOSS_MSE for null. */
BP_API bp_loss_kind bp_network_loss_kind(const bp_network *network);

/** Number of weights, biases, gains and shifts; 0 for null. */
BP_API size_t bp_network_parameters(const bp_network *network);

/**
 * Floating-point operations of the products in one training step of `rows` rows:
 * 2 * rows * sum(n_l * n_{l+1}) * 3 - 2 * rows * n_0 * n_1 (no delta is computed for the inputs). 0 for null.
 */
BP_API double bp_network_step_flops(const bp_network *network, size_t rows);

BP_END_DECLS

#endif
