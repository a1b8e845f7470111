/* The backward pass in all its forms: checks, then a step that knows how. */
#include <backprop/backward.h>

#include <math.h>

#include "api/check.h"
#include "float_environment.h"
#include "network/step.h"

static bp_status check_how(const bp_network *network, const bp_backward *how) {
    const bool own = how->delta || how->own_loss;
    if ((unsigned)how->gradient >= BP_GRADIENT_USES)
        return BP_ERROR_VALUE;
    if (how->gradient == BP_GRADIENT_UPDATE && !isfinite(how->rate))
        return BP_ERROR_VALUE;
    if (how->gradient == BP_GRADIENT_KEEP && !network->gradients)
        return BP_ERROR_VALUE;
    if (how->gradient != BP_GRADIENT_SKIP && bp_steps_are_over(network))
        return BP_ERROR_VALUE;
    if (how->gradient == BP_GRADIENT_SKIP && !how->input_gradient)
        return BP_ERROR_NULL;
    return (how->delta && how->own_loss) || (own && how->loss) ? BP_ERROR_VALUE : BP_OK;
}

/* The caller's deltas, and the gradient of the inputs against all that is read after it is written. */
static bp_status check_arrays(const bp_network *network, const bp_batch *b, const bp_backward *how) {
    const size_t in = network->layer[0].in, out = network->layer[network->layers - 1].out, rows = b->rows;
    const size_t bytes = network->bytes - BP_ALIGNMENT;
    const bool own = how->delta || how->own_loss;
    const matrix result = matrix_of(how->input_gradient, rows, in, how->input_gradient_stride);
    const matrix given[] = {
        matrix_of(b->inputs, rows, in, b->input_stride),
        matrix_of(how->delta, rows, out, how->delta_stride),
        matrix_of(own ? NULL : b->targets, rows, out, b->target_stride ? b->target_stride : out),
        vector_of(own ? NULL : b->labels, rows),
        vector_of(own ? NULL : b->weights, rows),
    };
    const bp_status status = check_matrices(&result, 1, given, sizeof given / sizeof *given);
    if (status != BP_OK)
        return status;
    if (how->delta && ranges_overlap(network, bytes, how->delta, matrix_extent(given[1])))
        return BP_ERROR_OVERLAP;
    return how->input_gradient && ranges_overlap(network, bytes, how->input_gradient, matrix_extent(result))
               ? BP_ERROR_OVERLAP
               : BP_OK;
}

bp_status bp_network_backward(bp_network *network, const bp_batch *batch, const bp_backward *how) {
    CONTRACT_MODE(host);
    if (!network || !batch || !how)
        return BP_ERROR_NULL;
    bp_backward filled = *how;
    if (filled.delta_stride == 0)
        filled.delta_stride = network->layer[network->layers - 1].out;
    if (filled.input_gradient_stride == 0)
        filled.input_gradient_stride = network->layer[0].in;
    step s = {.network = network, .batch = *batch, .train = true, .rate = how->rate, .how = &filled};
    const bool own = how->delta || how->own_loss;
    bp_status status = check_how(network, how);
    if (status == BP_OK)
        status = own ? bp_step_check_inputs(network, &s.batch) : bp_step_check(network, &s.batch);
    if (status == BP_OK)
        status = check_arrays(network, &s.batch, &filled);
    if (status != BP_OK)
        return status;
    if (how->gradient == BP_GRADIENT_UPDATE && !network->plain)
        return bp_update_step(&s, how->loss);
    if (how->gradient != BP_GRADIENT_SKIP) {
        network->gradient_kept = how->gradient == BP_GRADIENT_KEEP;
        network->accumulated = false;
    }
    if (how->gradient == BP_GRADIENT_KEEP)
        bp_update_clear_frozen(network);
    bp_step_run(&s, s.batch.rows, how->loss);
    network->steps += how->gradient != BP_GRADIENT_SKIP;
    return BP_OK;
}
