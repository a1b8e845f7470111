/* The backward pass in all its forms: checks, then a step with options. */
#include <backprop/backward.h>

#include <math.h>

#include "api/check.h"
#include "enum_counts.h"
#include "failure.h"
#include "float_environment.h"
#include "network/step.h"
#include "sized.h"

static const bp_backward_options defaults = {.struct_size = sizeof(bp_backward_options), .learning_rate = 0.001f};

void bp_backward_options_init(bp_backward_options *options, size_t struct_size) {
    if (options)
        sized_write(options, struct_size, &defaults, sizeof defaults);
}

static bp_status read_options(bp_backward_options *options, const bp_backward_options *given) {
    *options = defaults;
    return sized_read(options, sizeof *options, SIZED_END(bp_backward_options, loss), given, "options",
                      "bp_backward_options_defaults()");
}

static bp_status check_options(const bp_network *network, const bp_backward_options *options) {
    const bool own = options->delta || options->loss_callback;
    if ((unsigned)options->gradient >= GRADIENT_MODE_COUNT)
        return bp_fail(BP_ERROR_VALUE, "options.gradient is %d, and must be one of bp_gradient_mode",
                       (int)options->gradient);
    if (options->gradient == BP_GRADIENT_MODE_UPDATE && !isfinite(options->learning_rate))
        return bp_learning_rate_refuse(options->learning_rate, "options.learning_rate");
    if (options->gradient == BP_GRADIENT_MODE_STORE && !network->gradients)
        return bp_fail(BP_ERROR_VALUE, "options.gradient is BP_GRADIENT_MODE_STORE, and the network has no room for "
                                       "gradients: create it with config.gradients set");
    if (options->gradient != BP_GRADIENT_MODE_SKIP && bp_steps_are_over(network))
        return bp_steps_refuse(network);
    if (options->gradient == BP_GRADIENT_MODE_SKIP && !options->input_gradient)
        return bp_fail(BP_ERROR_NULL, "options.input_gradient is null, and BP_GRADIENT_MODE_SKIP computes nothing "
                                      "else");
    if (options->delta && options->loss_callback)
        return bp_fail(BP_ERROR_VALUE, "options.delta and options.loss_callback are both set: deltas come from one");
    if (own && options->loss)
        return bp_fail(BP_ERROR_VALUE,
                       "options.loss is set, and only the network's own loss is computed: leave it "
                       "null with options.%s",
                       options->delta ? "delta" : "loss_callback");
    return BP_OK;
}

/* Checks the caller's deltas; and that the gradient of the inputs overlaps nothing that is read after it is written. */
static bp_status check_arrays(const bp_network *network, const bp_batch *b, const bp_backward_options *options) {
    const size_t in = network->layer[0].in, out = network->layer[network->layers - 1].out, rows = b->rows;
    const size_t bytes = network->bytes - BP_ALIGNMENT;
    const bool own = options->delta || options->loss_callback;
    const matrix result = matrix_of(options->input_gradient, rows, in, options->input_gradient_stride);
    const matrix given[] = {
        matrix_of(b->inputs, rows, in, b->input_stride),
        matrix_of(options->delta, rows, out, options->delta_stride),
        own || !b->targets ? vector_of(NULL, rows)
                           : matrix_of(b->targets, rows, out, b->target_stride ? b->target_stride : out),
        vector_of(own ? NULL : b->labels, rows),
        vector_of(own ? NULL : b->weights, rows),
    };
    const bp_status status = check_matrices(&result, 1, given, sizeof given / sizeof *given);
    if (status != BP_OK)
        return status;
    if (options->delta && ranges_overlap(network, bytes, options->delta, matrix_extent(given[1])))
        return BP_ERROR_OVERLAP;
    return options->input_gradient && ranges_overlap(network, bytes, options->input_gradient, matrix_extent(result))
               ? BP_ERROR_OVERLAP
               : BP_OK;
}

bp_status bp_network_backward(bp_network *network, const bp_batch *batch, const bp_backward_options *options) {
    CONTRACT_MODE(host);
    if (!network || !batch || !options)
        return bp_fail(BP_ERROR_NULL, "%s is null", !network ? "network" : !batch ? "batch" : "options");
    bp_backward_options o; /* strides filled in */
    bp_status status = read_options(&o, options);
    if (status != BP_OK)
        return status;
    if (o.delta_stride == 0)
        o.delta_stride = network->layer[network->layers - 1].out;
    if (o.input_gradient_stride == 0)
        o.input_gradient_stride = network->layer[0].in;
    step s = {.network = network, .batch = *batch, .train = true, .options = &o};
    const bool own = o.delta || o.loss_callback;
    if ((status = check_options(network, &o)) != BP_OK)
        return status;
    if (own && (status = bp_step_check_inputs(network, &s.batch)) != BP_OK)
        return bp_inputs_refuse(network, &s.batch, status);
    if (!own && (status = bp_step_check(network, &s.batch)) != BP_OK)
        return bp_batch_refuse(network, &s.batch, status);
    if ((status = check_arrays(network, &s.batch, &o)) != BP_OK)
        return bp_backward_refuse(&s, status);
    if (o.gradient == BP_GRADIENT_MODE_UPDATE && !network->sgd_only)
        return bp_update_step(&s, o.learning_rate, o.loss);
    if (o.gradient == BP_GRADIENT_MODE_UPDATE)
        network->coefficients.learning_rate = o.learning_rate;
    if (o.gradient != BP_GRADIENT_MODE_SKIP) {
        network->gradient_stored = o.gradient == BP_GRADIENT_MODE_STORE;
        network->accumulated = false;
    }
    if (o.gradient == BP_GRADIENT_MODE_STORE)
        bp_update_clear_frozen(network);
    bp_step_run(&s, s.batch.rows, o.loss);
    network->steps += o.gradient != BP_GRADIENT_MODE_SKIP;
    return BP_OK;
}
