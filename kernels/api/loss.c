#include <backprop/loss.h>

#include "api/check.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

bp_status bp_sum(const float *values, size_t count, float *sum) {
    if (!values || !sum)
        return BP_ERROR_NULL;
    const matrix result = vector_of(sum, 1), input = vector_of(values, count);
    const bp_kernels *kernels;
    bp_status status = check_matrices(&result, 1, &input, 1);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    const uint64_t host = float_environment_enter();
    *sum = kernels->sum(values, count);
    float_environment_leave(host);
    return BP_OK;
}

/* Checks the two results of a loss against its inputs; the first input may be overwritten by delta. */
static bp_status check_loss(matrix delta, matrix row_loss, const matrix *inputs) {
    if ((!delta.data && !row_loss.data) || !inputs[0].data || !inputs[1].data)
        return BP_ERROR_NULL;
    const matrix outputs[] = {row_loss, delta};
    const size_t output_count = delta.data ? 2 : 1;
    bp_status status = check_matrices(outputs, 1, inputs, 2);
    if (status != BP_OK || output_count == 1)
        return status;
    if (same_matrix(delta, inputs[0]))
        return check_matrices(outputs, 2, inputs + 1, 1);
    return check_matrices(outputs, 2, inputs, 2);
}

bp_status bp_loss_mse(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y, size_t ldy,
                      size_t batch, size_t out, bp_activation activation, float scale) {
    const matrix inputs[] = {matrix_of(a, batch, out, lda), matrix_of(y, batch, out, ldy)};
    const bp_kernels *kernels;
    bp_status status = check_loss(matrix_of(delta, batch, out, ldd), vector_of(row_loss, batch), inputs);
    if (status != BP_OK || (status = check_activation(activation)) != BP_OK ||
        (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    const uint64_t host = float_environment_enter();
    kernels->loss_mse(delta, ldd, row_loss, a, lda, y, ldy, batch, out, activation, scale);
    float_environment_leave(host);
    return BP_OK;
}

bp_status bp_loss_softmax_cross_entropy(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                        const uint32_t *labels, size_t batch, size_t classes, float scale) {
    const matrix inputs[] = {matrix_of(z, batch, classes, ldz), vector_of(labels, batch)};
    const bp_kernels *kernels;
    bp_status status = check_loss(matrix_of(delta, batch, classes, ldd), vector_of(row_loss, batch), inputs);
    if (status != BP_OK)
        return status;
    for (size_t n = 0; n < batch; n++)
        if (labels[n] >= classes)
            return BP_ERROR_LABEL;
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    const uint64_t host = float_environment_enter();
    kernels->loss_softmax_cross_entropy(delta, ldd, row_loss, z, ldz, labels, batch, classes, scale);
    float_environment_leave(host);
    return BP_OK;
}

bp_status bp_softmax(float *p, size_t ldp, const float *z, size_t ldz, size_t rows, size_t classes) {
    if (!p || !z)
        return BP_ERROR_NULL;
    const matrix output = matrix_of(p, rows, classes, ldp), input = matrix_of(z, rows, classes, ldz);
    const bp_kernels *kernels;
    bp_status status = check_matrices(&output, 1, &input, same_matrix(output, input) ? 0 : 1);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    const uint64_t host = float_environment_enter();
    kernels->softmax(p, ldp, z, ldz, rows, classes);
    float_environment_leave(host);
    return BP_OK;
}
