/* The backward pass in all its forms: checks, then a step with options. */
#include <backprop/backward.h>

#include <math.h>

#include "check/refuse.h"
#include "enum_counts.h"
#include "float_environment.h"
#include "network/batch_check.h"
#include "network/optimize.h"
#include "network/refusals.h"
#include "network/step_run.h"
#include "sized.h"

static const bp_backward_options defaults = {.struct_size = sizeof(bp_backward_options), .learning_rate = 0.001f};

void bp_backward_options_init(bp_backward_options *options, size_t struct_size) {
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
        return bp_fail_enumerator("options.gradient", (int)options->gradient, "bp_gradient_mode");
    if (options->gradient == BP_GRADIENT_MODE_UPDATE && !isfinite(options->learning_rate))
        return bp_refuse_learning_rate(options->learning_rate, "options.learning_rate");
    if (options->gradient == BP_GRADIENT_MODE_STORE && !network->plan.keeps_gradients)
        return bp_fail(BP_ERROR_VALUE, "options.gradient is BP_GRADIENT_MODE_STORE, and the network has no room for "
                                       "gradients: create it with config.gradients set");
    if (options->gradient != BP_GRADIENT_MODE_SKIP && bp_steps_are_over(network))
        return bp_refuse_steps(network);
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
    const size_t in = network->layers[0].in, out = bp_last_layer(network)->out, rows = b->rows;
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
    if (options->delta && bp_meets_block(network, given[1]))
        return BP_ERROR_OVERLAP;
    return options->input_gradient && bp_meets_block(network, result) ? BP_ERROR_OVERLAP : BP_OK;
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
        o.delta_stride = bp_last_layer(network)->out;
    if (o.input_gradient_stride == 0)
        o.input_gradient_stride = network->layers[0].in;
    step s = {.network = network,
              .workspace = &network->workspace,
              .batch = *batch,
              .train = true,
              .options = &o,
              .gradient = o.gradient};
    const bool own = o.delta || o.loss_callback;
    if ((status = check_options(network, &o)) != BP_OK)
        return status;
    if (own && (status = bp_check_inputs(network, &s.batch)) != BP_OK)
        return bp_refuse_inputs(network, &s.batch, status);
    if (!own && (status = bp_check_batch(network, &s.batch)) != BP_OK)
        return bp_refuse_batch(network, &s.batch, status);
    if ((status = check_arrays(network, &s.batch, &o)) != BP_OK)
        return bp_refuse_backward(&s, status);
    switch (o.gradient) {
    case BP_GRADIENT_MODE_UPDATE:
        if (network->optimizer.ema_swapped)
            return bp_refuse_swapped();
        bp_training_begin(network, &s, o.learning_rate);
        bp_step_run(&s, s.batch.rows, o.loss);
        bp_training_end(network);
        break;
    case BP_GRADIENT_MODE_STORE:
        bp_gradient_forget(network);
        bp_gradient_clear_frozen(network);
        bp_step_run(&s, s.batch.rows, o.loss);
        network->gradient.content = GRADIENT_STORED;
        network->optimizer.steps++;
        break;
    case BP_GRADIENT_MODE_SKIP:
        bp_step_run(&s, s.batch.rows, o.loss);
        break;
    }
    return BP_OK;
}
