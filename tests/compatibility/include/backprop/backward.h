#ifndef BACKPROP_BACKWARD_H
#define BACKPROP_BACKWARD_H
#include <stddef.h>
#include <backprop/export.h>
#include <backprop/network.h>
#include <backprop/status.h>
BP_BEGIN_DECLS
typedef enum bp_gradient_mode {
    BP_GRADIENT_MODE_UPDATE = 0,
    BP_GRADIENT_MODE_STORE,
    BP_GRADIENT_MODE_SKIP,
} bp_gradient_mode;
typedef void bp_loss_callback(void *context, size_t first, size_t rows, const float *outputs, size_t output_stride,
                              float *delta, size_t delta_stride);
typedef struct bp_backward_options {
    size_t struct_size;
    bp_gradient_mode gradient;
    float learning_rate;
    const float *delta;
    size_t delta_stride;
    bp_loss_callback *loss_callback;
    void *loss_context;
    float *input_gradient;
    size_t input_gradient_stride;
    float *loss;
} bp_backward_options;
BP_API void bp_backward_options_init(bp_backward_options *options, size_t struct_size);
static inline bp_backward_options bp_backward_options_defaults(void) {
    bp_backward_options bp_made;
    bp_backward_options_init(&bp_made, sizeof bp_made);
    return bp_made;
}
BP_API bp_status bp_network_backward(bp_network *network, const bp_batch *batch, const bp_backward_options *options);
BP_END_DECLS
#endif
