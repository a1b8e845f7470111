#include <backprop/optimizer.h>

#include "api/check.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

bp_status bp_sgd(float *parameters, const float *gradient, size_t count, float rate) {
    if (!parameters || !gradient)
        return BP_ERROR_NULL;
    const matrix output = vector_of(parameters, count), input = vector_of(gradient, count);
    const bp_kernels *kernels;
    bp_status status = check_matrices(&output, 1, &input, 1);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    const uint64_t host = float_environment_enter();
    kernels->sgd(parameters, gradient, count, rate);
    float_environment_leave(host);
    return BP_OK;
}
