/*
 * What the tests of the network share: descriptions of small networks, batches for them, thread pools of a host, and
 * a model of the same network composed by hand of the scalar table's kernels.
 */
#ifndef BACKPROP_TESTS_NETWORK_SUPPORT_H
#define BACKPROP_TESTS_NETWORK_SUPPORT_H

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <backprop/backprop.h>

#include "harness/bits.h"
#include "harness/layers.h"
#include "harness/session.h"
#include "harness/usual.h"
#include "network/create.h"
#include "network/step_schedule.h"

#define NET_LAYERS_MAX 4

/* Nets are written in the order of their fields; the last ones are zero in most. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* Ends the test if there is no memory. */
static inline void *allocate(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    assert_non_null(memory);
    return memory;
}

/* ---- Networks ------------------------------------------------------------------------------------------------- */

typedef struct net {
    size_t layers;
    size_t sizes[NET_LAYERS_MAX + 1];
    bp_activation activations[NET_LAYERS_MAX];
    bp_loss_kind loss;
    bp_loss_options options;
    bool weighted;  /* its batches' rows have weights */
    bool gradients; /* it keeps room for a gradient */
} net;

/** Whether a net's batches have labels, else targets. */
static inline bool net_has_labels(const net *shape) {
    return shape->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY || shape->loss == BP_LOSS_MULTICLASS_HINGE;
}

/** Whether its loss needs an output layer without an activation. */
static inline bool net_needs_logits(const net *shape) {
    return shape->loss == BP_LOSS_BINARY_CROSS_ENTROPY || shape->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY ||
           shape->loss == BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS || shape->loss == BP_LOSS_KULLBACK_LEIBLER;
}

/** The configuration of a net that is created with everything else at its default. It points into `shape`. */
static inline bp_network_config net_config(const net *shape, size_t max_batch_size) {
    bp_network_config config = bp_network_config_defaults();
    config.layers = shape->layers;
    config.sizes = shape->sizes;
    config.activations = shape->activations;
    config.loss = shape->loss;
    config.max_batch_size = max_batch_size;
    config.loss_options = stored_loss(shape->options);
    config.gradients = shape->gradients;
    return config;
}

/** Creates and initializes a network; ends the test if that fails. */
static inline bp_network *net_create(const bp_network_config *config, uint64_t seed) {
    bp_network *network = NULL;
    assert_int_equal(bp_network_create(config, &network), BP_OK);
    assert_non_null(network);
    assert_int_equal(bp_network_initialize(network, seed), BP_OK);
    return network;
}

/**
 * The same on a table's backend, its small variant's included; for "public" as net_create.
 */
static inline bp_network *net_create_on(const test_table *table, const bp_network_config *config, uint64_t seed) {
    if (!table->backend)
        return net_create(config, seed);
    bp_network *network = NULL;
    assert_int_equal(bp_network_create_on(table->backend, config, &network), BP_OK);
    assert_int_equal(bp_network_isa(network), table->kernels->isa);
    assert_int_equal(bp_network_initialize(network, seed), BP_OK);
    return network;
}

/** One layer's parameters outside of its network. */
typedef struct held_layer {
    size_t in, out;
    float *weights; /* packed */
    float *biases;
} held_layer;

/** Copies a layer's parameters out. */
static inline held_layer layer_get(const bp_network *network, size_t index) {
    bp_layer described;
    assert_int_equal(bp_network_layer(network, index, &described), BP_OK);
    held_layer held = {.in = described.in, .out = described.out};
    held.weights = allocate(described.in * described.out, sizeof(float));
    held.biases = allocate(described.out, sizeof(float));
    assert_int_equal(layer_read(network, OF_PARAMETERS, index, held.weights, 0, held.biases), BP_OK);
    return held;
}

/** Copies them in. */
static inline void layer_set(bp_network *network, size_t index, const held_layer *held) {
    assert_int_equal(layer_write(network, OF_PARAMETERS, index, held->weights, 0, held->biases), BP_OK);
}

static inline void layer_free(held_layer *held) {
    free(held->weights);
    free(held->biases);
}

/* ---- Batches -------------------------------------------------------------------------------------------------- */

/** A batch with its memory. */
typedef struct samples {
    bp_batch batch;
    float *inputs, *targets, *weights;
    uint32_t *labels;
} samples;

static inline float *random_rows(uint64_t seed, uint64_t stream, size_t rows, size_t columns, size_t beta) {
    const size_t stride = columns + beta, count = beta + rows * stride;
    float *values = allocate(count, sizeof *values);
    for (size_t k = 0; k < count; k++)
        values[k] = NAN;
    for (size_t n = 0; n < rows; n++)
        for (size_t j = 0; j < columns; j++)
            values[beta + n * stride + j] = bp_random_symmetric(seed, stream, n * columns + j);
    return values;
}

/**
 * Random rows for a net. Values depend on `seed`, row and column alone; `shift` moves every array by so many floats
 * and makes its rows so much longer than they need be, with NaN between them.
 */
static inline samples samples_create(const net *shape, size_t rows, size_t beta, uint64_t seed) {
    const size_t in = shape->sizes[0], out = shape->sizes[shape->layers];
    samples s = {.batch = {.rows = rows}};
    s.inputs = random_rows(seed, 1, rows, in, beta);
    s.batch.inputs = s.inputs + beta;
    s.batch.input_stride = beta ? in + beta : 0;
    if (shape->weighted) {
        s.weights = random_rows(seed, 4, 1, rows, beta);
        s.batch.weights = s.weights + beta;
    }
    if (!net_has_labels(shape)) {
        s.targets = random_rows(seed, 2, rows, out, beta);
        if (shape->loss == BP_LOSS_KULLBACK_LEIBLER) /* log of the targets */
            for (size_t k = 0; k < beta + rows * (out + beta); k++)
                s.targets[k] = fabsf(s.targets[k]);
        s.batch.targets = s.targets + beta;
        s.batch.target_stride = beta ? out + beta : 0;
    } else {
        s.labels = allocate(beta + rows, sizeof *s.labels);
        for (size_t n = 0; n < rows; n++)
            s.labels[beta + n] = (uint32_t)(bp_random_u32(seed, 3, n) % out);
        s.batch.labels = s.labels + beta;
    }
    return s;
}

static inline void samples_destroy(samples *s) {
    free(s->inputs);
    free(s->targets);
    free(s->weights);
    free(s->labels);
}

/* ---- Thread pools of a host ----------------------------------------------------------------------------------- */

/** What a pool was asked to do so far. */
typedef struct pool_log {
    atomic_size_t runs;  /* calls of `run` */
    atomic_size_t tasks; /* tasks in them */
} pool_log;

typedef void task_fn(void *argument, size_t index);

static inline void note(pool_log *log, size_t count) {
    atomic_fetch_add(&log->runs, 1);
    atomic_fetch_add(&log->tasks, count);
}

static inline void run_serial(void *context, task_fn *task, void *argument, size_t count) {
    note(context, count);
    for (size_t index = 0; index < count; index++)
        task(argument, index);
}

static inline void run_reverse(void *context, task_fn *task, void *argument, size_t count) {
    note(context, count);
    for (size_t index = count; index > 0; index--)
        task(argument, index - 1);
}

typedef struct shared_work {
    task_fn *task;
    void *argument;
    size_t count;
    atomic_size_t next;
} shared_work;

static inline void *take_tasks(void *argument) {
    shared_work *work = argument;
    for (size_t index; (index = atomic_fetch_add(&work->next, 1)) < work->count;)
        work->task(work->argument, index);
    return NULL;
}

static inline void run_threaded(void *context, task_fn *task, void *argument, size_t count) {
    enum { THREADS = 4 };
    note(context, count);
    shared_work work = {.task = task, .argument = argument, .count = count};
    pthread_t threads[THREADS];
    for (size_t t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, take_tasks, &work), 0);
    for (size_t t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
}

/** Runs tasks in order, in reverse order, or on four threads of its own; each says that it has `threads`. */
static inline bp_thread_pool pool_serial(pool_log *log, size_t threads) {
    return (bp_thread_pool){.run = run_serial, .context = log, .threads = threads};
}

static inline bp_thread_pool pool_reverse(pool_log *log, size_t threads) {
    return (bp_thread_pool){.run = run_reverse, .context = log, .threads = threads};
}

static inline bp_thread_pool pool_threaded(pool_log *log, size_t threads) {
    return (bp_thread_pool){.run = run_threaded, .context = log, .threads = threads};
}

/* ---- The network by hand -------------------------------------------------------------------------------------- */

typedef struct model {
    const net *shape;
    float *weights[NET_LAYERS_MAX]; /* packed */
    float *biases[NET_LAYERS_MAX];
} model;

static inline const bp_kernels *scalar(void) {
    const bp_kernels *kernels = NULL;
    assert_int_equal(bp_kernels_for(BP_ISA_SCALAR, &kernels), BP_OK);
    return kernels;
}

static inline void *scratch_create(void) {
    void *scratch = aligned_alloc(BP_ALIGNMENT, bp_dense_scratch_bytes(4096, 4096, 4096)); /* the most there is */
    assert_non_null(scratch);
    return scratch;
}

/** A model with the parameters of a network. */
static inline model model_copy(const net *shape, const bp_network *network) {
    model m = {.shape = shape};
    for (size_t l = 0; l < shape->layers; l++) {
        const held_layer held = layer_get(network, l);
        assert_int_equal(held.in, shape->sizes[l]);
        assert_int_equal(held.out, shape->sizes[l + 1]);
        m.weights[l] = held.weights;
        m.biases[l] = held.biases;
    }
    return m;
}

static inline void model_destroy(model *m) {
    for (size_t l = 0; l < m->shape->layers; l++) {
        free(m->weights[l]);
        free(m->biases[l]);
    }
}

/*
 * Outputs of every layer, packed, and z where the activation keeps it, else null; the caller frees each. A null `z` is
 * not wanted.
 */
static inline void forward_all(const model *m, const bp_batch *batch, float *outputs[], float *z[], void *scratch) {
    const net *shape = m->shape;
    const float *x = batch->inputs;
    size_t ldx = batch->input_stride ? batch->input_stride : shape->sizes[0];
    for (size_t l = 0; l < shape->layers; l++) {
        const size_t in = shape->sizes[l], out = shape->sizes[l + 1];
        outputs[l] = allocate(batch->rows * out, sizeof(float));
        scalar()->dense_forward(outputs[l], out, x, ldx, m->weights[l], out, m->biases[l], batch->rows, in, out,
                                shape->activations[l], scratch);
        if (z)
            z[l] = NULL;
        if (z && bp_activation_saves_input(shape->activations[l].kind)) {
            z[l] = allocate(batch->rows * out, sizeof(float));
            scalar()->dense_forward(z[l], out, x, ldx, m->weights[l], out, m->biases[l], batch->rows, in, out,
                                    (bp_activation){.kind = BP_ACTIVATION_IDENTITY}, scratch);
        }
        x = outputs[l];
        ldx = out;
    }
}

/** Outputs [rows x outputs], packed, by the scalar table. */
static inline void model_forward(const model *m, const bp_batch *batch, float *outputs) {
    const size_t last = m->shape->layers - 1;
    float *layers[NET_LAYERS_MAX];
    void *scratch = scratch_create();
    forward_all(m, batch, layers, NULL, scratch);
    memcpy(outputs, layers[last], batch->rows * m->shape->sizes[last + 1] * sizeof(float));
    for (size_t l = 0; l <= last; l++)
        free(layers[l]);
    free(scratch);
}

/* The loss of a batch whose packed outputs are a, and its deltas. */
static inline float model_loss(const net *shape, const bp_batch *batch, const float *a, const float *saved,
                               float *delta) {
    const bp_kernels *kernels = scalar();
    const size_t rows = batch->rows, out = shape->sizes[shape->layers];
    const bp_loss_options o = usual_loss(shape->options);
    const float scale = o.reduction == BP_REDUCTION_SUM ? 1.0f : 1.0f / (float)rows;
    float *row_loss = allocate(rows, sizeof(float));
    if (net_has_labels(shape))
        kernels->loss_labels(delta, out, row_loss, a, out, batch->labels, batch->weights, rows, out, shape->loss,
                             o.label_smoothing, scale);
    else
        kernels->loss_targets(delta, out, row_loss, a, out, batch->targets,
                              batch->target_stride ? batch->target_stride : out, batch->weights, rows, out, shape->loss,
                              o.huber_threshold, scale);
    kernels->activation_delta(delta, out, saved, out, rows, out, shape->activations[shape->layers - 1]);
    const float loss = kernels->sum(row_loss, rows) * scale;
    free(row_loss);
    return loss;
}

/** What a backward pass may be asked for; null: not wanted. */
typedef struct model_wishes {
    const float *delta; /* given, packed, of the outputs */
    float *input_gradient;
    float *gradients; /* of each layer's weights, then its biases, packed one after the other */
} model_wishes;

/**
 * A step as network.h and backward.h describe it, by the scalar table. Returns the loss, or 0 with deltas that are
 * given; rate 0 changes nothing.
 */
static inline float model_backward(model *m, const bp_batch *batch, float learning_rate, const model_wishes *wishes) {
    const net *shape = m->shape;
    const bp_kernels *kernels = scalar();
    const size_t rows = batch->rows, last = shape->layers - 1, outputs = shape->sizes[shape->layers];
    void *scratch = scratch_create();
    float *a[NET_LAYERS_MAX], *z[NET_LAYERS_MAX];
    forward_all(m, batch, a, z, scratch);

    float *delta = allocate(rows * outputs, sizeof(float)), loss = 0;
    const float *saved = z[last] ? z[last] : a[last];
    if (wishes->delta) {
        memcpy(delta, wishes->delta, rows * outputs * sizeof(float));
        kernels->activation_delta(delta, outputs, saved, outputs, rows, outputs, shape->activations[last]);
    } else {
        loss = model_loss(shape, batch, a[last], saved, delta);
    }

    float *gradient = wishes->gradients;
    for (size_t l = 0; gradient && l <= last; l++)
        gradient += (shape->sizes[l] + 1) * shape->sizes[l + 1];
    for (size_t l = last + 1; l-- > 0;) {
        const size_t in = shape->sizes[l], out = shape->sizes[l + 1];
        const float *x = l ? a[l - 1] : batch->inputs;
        const size_t ldx = l || !batch->input_stride ? in : batch->input_stride;
        float *previous = NULL;
        if (l) {
            previous = allocate(rows * in, sizeof(float));
            kernels->dense_delta(previous, in, delta, out, m->weights[l], out, z[l - 1] ? z[l - 1] : a[l - 1], in, rows,
                                 in, out, shape->activations[l - 1], scratch);
        } else if (wishes->input_gradient) {
            kernels->dense_delta(wishes->input_gradient, in, delta, out, m->weights[l], out, NULL, 0, rows, in, out,
                                 (bp_activation){.kind = BP_ACTIVATION_IDENTITY}, scratch);
        }
        if (gradient) {
            gradient -= (in + 1) * out;
            kernels->dense_gradient(gradient, out, gradient + in * out, x, ldx, delta, out, rows, in, out, scratch);
        }
        if (learning_rate != 0)
            kernels->dense_gradient_sgd(m->weights[l], out, m->biases[l], x, ldx, delta, out, rows, in, out,
                                        learning_rate, scratch);
        free(delta);
        delta = previous;
    }
    for (size_t l = 0; l <= last; l++) {
        free(a[l]);
        free(z[l]);
    }
    free(scratch);
    return loss;
}

/** The training step as network.h describes it, by the scalar table. Returns the loss; rate 0 changes nothing. */
static inline float model_step(model *m, const bp_batch *batch, float learning_rate) {
    return model_backward(m, batch, learning_rate, &(model_wishes){0});
}

static inline uint64_t hash_floats(uint64_t hash, const float *values, size_t count) {
    for (size_t k = 0; k < count; k++)
        hash = test_hash(hash, test_bits(values[k]));
    return hash;
}

/** The hash that bp_network_hash describes. */
static inline uint64_t model_hash(const model *m) {
    const size_t *sizes = m->shape->sizes;
    uint64_t hash = TEST_HASH_START;
    for (size_t l = 0; l < m->shape->layers; l++) {
        hash = hash_floats(hash, m->weights[l], sizes[l] * sizes[l + 1]);
        hash = hash_floats(hash, m->biases[l], sizes[l + 1]);
    }
    return hash;
}

/** Ends the test unless both have the same bits. */
static inline void assert_same_bits(const float *actual, const float *expected, size_t count) {
    for (size_t k = 0; k < count; k++)
        if (test_bits(actual[k]) != test_bits(expected[k]))
            fail_msg("element %zu of %zu: %a, expected %a", k, count, actual[k], expected[k]);
}

/** Ends the test unless all parameters have the same bits. */
static inline void assert_same_parameters(const model *m, const bp_network *network) {
    for (size_t l = 0; l < m->shape->layers; l++) {
        held_layer held = layer_get(network, l);
        assert_same_bits(held.weights, m->weights[l], held.in * held.out);
        assert_same_bits(held.biases, m->biases[l], held.out);
        layer_free(&held);
    }
}

#endif
