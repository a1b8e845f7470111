#include <backprop/layer_norm.h>

#include "api/check.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

/* Takes what is null out of a list of arrays; returns how many remain. */
static size_t present(matrix *matrices, size_t count) {
    size_t kept = 0;
    for (size_t k = 0; k < count; k++)
        if (matrices[k].data)
            matrices[kept++] = matrices[k];
    return kept;
}

bp_status bp_layer_norm_forward(float *y, size_t ldy, float *normalized, size_t ldn, float *rstd, const float *z,
                                size_t ldz, const float *gamma, const float *beta, size_t rows, size_t columns,
                                float epsilon) {
    CONTRACT_MODE(host);
    if (!y || !z || !gamma || !beta)
        return BP_ERROR_NULL;
    matrix outputs[] = {matrix_of(y, rows, columns, ldy), vector_of(rstd, rows),
                        matrix_of(normalized, rows, columns, ldn)};
    const matrix inputs[] = {matrix_of(z, rows, columns, ldz), vector_of(gamma, columns), vector_of(beta, columns)};
    const bool in_place = same_matrix(outputs[0], inputs[0]) || same_matrix(outputs[2], inputs[0]);
    const size_t count = present(outputs, 3);
    const bp_kernels *kernels;
    bp_status status = check_matrices(inputs, 0, inputs, 3);
    /* In place, z is an output's very own array; any further output in it is found among the outputs. */
    if (status != BP_OK || (status = check_matrices(outputs, count, inputs + in_place, 3 - in_place)) != BP_OK)
        return status;
    if (!(epsilon > 0.0f && isfinite(epsilon)))
        return BP_ERROR_VALUE;
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->layer_norm_forward(y, ldy, normalized, ldn, rstd, z, ldz, gamma, beta, rows, columns, epsilon);
    return BP_OK;
}

bp_status bp_layer_norm_backward(float *previous, size_t ldp, const float *delta, size_t ldd, const float *normalized,
                                 size_t ldn, const float *rstd, const float *gamma, size_t rows, size_t columns) {
    CONTRACT_MODE(host);
    if (!previous || !delta || !normalized || !rstd || !gamma)
        return BP_ERROR_NULL;
    const matrix output = matrix_of(previous, rows, columns, ldp);
    const matrix inputs[] = {matrix_of(delta, rows, columns, ldd), matrix_of(normalized, rows, columns, ldn),
                             vector_of(rstd, rows), vector_of(gamma, columns)};
    const bool in_place = same_matrix(output, inputs[0]);
    const bp_kernels *kernels;
    bp_status status = check_matrices(&output, 1, inputs + in_place, 4 - in_place);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->layer_norm_backward(previous, ldp, delta, ldd, normalized, ldn, rstd, gamma, rows, columns);
    return BP_OK;
}

bp_status bp_layer_norm_gradient(float *gradient_gamma, float *gradient_beta, const float *delta, size_t ldd,
                                 const float *normalized, size_t ldn, size_t rows, size_t columns) {
    CONTRACT_MODE(host);
    if (!delta || !normalized || (!gradient_gamma && !gradient_beta))
        return BP_ERROR_NULL;
    matrix outputs[] = {vector_of(gradient_gamma, columns), vector_of(gradient_beta, columns)};
    const matrix inputs[] = {matrix_of(delta, rows, columns, ldd), matrix_of(normalized, rows, columns, ldn)};
    const size_t count = present(outputs, 2);
    const bp_kernels *kernels;
    bp_status status = check_matrices(outputs, count, inputs, 2);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->layer_norm_gradient(gradient_gamma, gradient_beta, delta, ldd, normalized, ldn, rows, columns);
    return BP_OK;
}
