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
typedef enum bp_reduction {
    BP_REDUCTION_MEAN = 0,
    BP_REDUCTION_SUM,
    BP_REDUCTION_WEIGHTED_MEAN,
} bp_reduction;
typedef struct bp_loss_options {
    size_t struct_size;
    float huber_threshold;
    float label_smoothing;
    bp_reduction reduction;
} bp_loss_options;
BP_API void bp_loss_options_init(bp_loss_options *options, size_t struct_size);
static inline bp_loss_options bp_loss_options_defaults(void) {
    bp_loss_options bp_made;
    bp_loss_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}
typedef struct bp_allocator {
    void *(*allocate)(void *context, size_t bytes);
    void (*release)(void *context, void *memory);
    void *context;
} bp_allocator;
typedef struct bp_network_config {
    size_t struct_size;
    size_t layers;
    const size_t *sizes;
    const bp_activation *activations;
    bp_loss_kind loss;
    const bp_loss_options *loss_options;
    const bp_optimizer *optimizer;
    size_t max_batch_size;
    const float *dropout;
    const bool *normalize;
    uint64_t seed;
    size_t threads;
    bool gradients;
    const bp_thread_pool *pool;
    const bp_allocator *allocator;
} bp_network_config;
BP_API void bp_network_config_init(bp_network_config *config, size_t struct_size);
static inline bp_network_config bp_network_config_defaults(void) {
    bp_network_config bp_made;
    bp_network_config_init(&bp_made, sizeof bp_made);
    return bp_made;
}
typedef struct bp_batch {
    size_t rows;
    const float *inputs;
    size_t input_stride;
    const float *targets;
    size_t target_stride;
    const uint32_t *labels;
    const float *weights;
} bp_batch;
typedef struct bp_layer {
    size_t in, out;
    bp_activation activation;
    float dropout;
    bool normalized;
} bp_layer;
BP_API bp_status bp_network_memory(const bp_network_config *config, size_t *bytes);
BP_API bp_status bp_network_create(const bp_network_config *config, bp_network **network);
BP_API void bp_network_destroy(bp_network *network);
BP_API bp_status bp_network_initialize(bp_network *network, uint64_t seed);
BP_API bp_status bp_network_initialize_with(bp_network *network, const bp_initializer *initializers, uint64_t seed);
BP_API bp_status bp_network_forward(bp_network *network, const bp_batch *batch, float *outputs, size_t output_stride);
BP_API bp_status bp_network_loss(bp_network *network, const bp_batch *batch, float *loss);
BP_API bp_status bp_network_train_step(bp_network *network, const bp_batch *batch, float learning_rate, float *loss);
BP_API bp_status bp_network_layer(const bp_network *network, size_t index, bp_layer *layer);
BP_API uint64_t bp_network_steps(const bp_network *network);
BP_API uint64_t bp_network_seed(const bp_network *network);
BP_API bp_status bp_network_set_steps(bp_network *network, uint64_t seed, uint64_t steps);
BP_API uint64_t bp_network_hash(const bp_network *network);
BP_API bp_isa bp_network_isa(const bp_network *network);
BP_API size_t bp_network_threads(const bp_network *network);
BP_API bp_loss_kind bp_network_loss_kind(const bp_network *network);
BP_API size_t bp_network_parameters(const bp_network *network);
BP_API double bp_network_step_flops(const bp_network *network, size_t rows);
BP_END_DECLS
#endif
