#include <backprop/optimizer.h>

#include "check/optimizer.h"
#include "check/refuse.h"
#include "coefficients.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"
#include "sized.h"

void bp_optimizer_init(bp_optimizer *optimizer, size_t struct_size, bp_optimizer_kind kind) {
    const bp_optimizer usual = usual_optimizer(kind);
    sized_write(optimizer, struct_size, &usual, sizeof usual);
}

/* ---- Steps ---------------------------------------------------------------------------------------------------- */

static const char *const array_names[PARAMETER_ARRAYS] = {"parameters->values", "parameters->state[0]",
                                                          "parameters->state[1]", "parameters->ema"};

/* The arrays of a step that check_matrices refused, or the first that is missing. */
__attribute__((cold)) static bp_status fail_arrays(bp_status status, const bp_optimizer *optimizer,
                                                   const bp_parameters *parameters, const matrix *gradient) {
    matrix outputs[PARAMETER_ARRAYS];
    matrix_names names[PARAMETER_ARRAYS + 1];
    const size_t count = gradient->columns;
    size_t output_count = 0;
    const bp_status missing =
        bp_name_parameters(optimizer, parameters, vector_of(NULL, count), (matrix_names){.columns = "count"},
                           array_names, outputs, names, &output_count);
    if (missing != BP_OK)
        return missing;
    names[output_count] = (matrix_names){"gradient", .columns = "count"};
    return bp_fail_matrices(status, outputs, output_count, gradient, 1, names);
}

bp_status bp_optimizer_step(const bp_parameters *parameters, const float *gradient, size_t count,
                            const bp_optimizer *optimizer, uint64_t step, float learning_rate) {
    CONTRACT_MODE(host);
    if (!optimizer || !parameters || !gradient)
        return FAIL_NULL({"parameters", parameters}, {"gradient", gradient}, {"optimizer", optimizer});
    const matrix input = vector_of(gradient, count);
    matrix outputs[PARAMETER_ARRAYS];
    size_t output_count = 0;
    const bp_kernels *kernels;
    bp_status status = bp_check_step(optimizer, step, learning_rate);
    if (status != BP_OK)
        return status;
    if ((status = list_parameters(optimizer, parameters, 1, count, count, outputs, &output_count)) != BP_OK ||
        (status = check_matrices(outputs, output_count, &input, 1)) != BP_OK)
        return fail_arrays(status, optimizer, parameters, &input);
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->optimizer_step(parameters, gradient, count, optimizer, step, learning_rate);
    return BP_OK;
}

static const matrix_names sgd_names[] = {{"parameters", .columns = "count"}, {"gradient", .columns = "count"}};

bp_status bp_sgd(float *parameters, const float *gradient, size_t count, float learning_rate) {
    CONTRACT_MODE(host);
    if (!parameters || !gradient)
        return FAIL_NULL({"parameters", parameters}, {"gradient", gradient});
    const matrix output = vector_of(parameters, count), input = vector_of(gradient, count);
    const bp_kernels *kernels;
    bp_status status = check_named_arrays(&output, 1, &input, 1, sgd_names);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->sgd(parameters, gradient, count, learning_rate);
    return BP_OK;
}
