#include <backprop/loss.h>

#include <string.h>

#include "activation_kinds.h"
#include "api/check.h"
#include "dispatch/dispatch.h"
#include "enum_counts.h"
#include "float_environment.h"

bp_status bp_sum(const float *values, size_t count, float *sum) {
    CONTRACT_MODE(host);
    if (!values || !sum)
        return BP_ERROR_NULL;
    const matrix result = vector_of(sum, 1), input = vector_of(values, count);
    const bp_kernels *kernels;
    bp_status status = check_matrices(&result, 1, &input, 1);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    *sum = kernels->sum(values, count);
    return BP_OK;
}

static const char *const names[LOSS_COUNT] = {
    [BP_LOSS_MSE] = "mse",
    [BP_LOSS_SOFTMAX_CROSS_ENTROPY] = "softmax-cross-entropy",
    [BP_LOSS_MAE] = "mae",
    [BP_LOSS_HUBER] = "huber",
    [BP_LOSS_BINARY_CROSS_ENTROPY] = "binary-cross-entropy",
    [BP_LOSS_SOFTMAX_CROSS_ENTROPY_TARGETS] = "softmax-cross-entropy-targets",
    [BP_LOSS_KULLBACK_LEIBLER] = "kullback-leibler",
    [BP_LOSS_HINGE] = "hinge",
    [BP_LOSS_MULTICLASS_HINGE] = "multiclass-hinge",
};

const char *bp_loss_name(bp_loss_kind loss) {
    return (unsigned)loss < LOSS_COUNT ? names[loss] : NULL;
}

bp_status bp_loss_from_name(const char *name, bp_loss_kind *loss) {
    if (!name || !loss)
        return BP_ERROR_NULL;
    for (unsigned i = 0; i < LOSS_COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            *loss = (bp_loss_kind)i;
            return BP_OK;
        }
    return BP_ERROR_VALUE;
}

/* Checks the two results of a loss against its inputs; the first input may be overwritten by delta. The first two are
 * required. */
static bp_status check_loss(matrix delta, matrix row_loss, const matrix *inputs, size_t input_count) {
    if ((!delta.data && !row_loss.data) || !inputs[0].data || !inputs[1].data)
        return BP_ERROR_NULL;
    const matrix outputs[] = {row_loss, delta};
    const size_t output_count = delta.data ? 2 : 1;
    bp_status status = check_matrices(outputs, 1, inputs, input_count);
    if (status != BP_OK || output_count == 1)
        return status;
    if (same_matrix(delta, inputs[0]))
        return check_matrices(outputs, 2, inputs + 1, input_count - 1);
    return check_matrices(outputs, 2, inputs, input_count);
}

bp_status bp_loss_mse(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y, size_t ldy,
                      size_t batch, size_t out, bp_activation activation, float scale) {
    CONTRACT_MODE(host);
    const matrix inputs[] = {matrix_of(a, batch, out, lda), matrix_of(y, batch, out, ldy)};
    const bp_kernels *kernels;
    bp_status status = check_loss(matrix_of(delta, batch, out, ldd), vector_of(row_loss, batch), inputs, 2);
    if (status == BP_OK && activation_saves_input(activation.kind))
        status = BP_ERROR_VALUE;
    if (status != BP_OK || (status = check_activation(activation)) != BP_OK ||
        (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->loss_mse(delta, ldd, row_loss, a, lda, y, ldy, batch, out, activation, scale);
    return BP_OK;
}

bp_status bp_loss_softmax_cross_entropy(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz,
                                        const uint32_t *labels, size_t batch, size_t classes, float scale) {
    CONTRACT_MODE(host);
    const matrix inputs[] = {matrix_of(z, batch, classes, ldz), vector_of(labels, batch)};
    const bp_kernels *kernels;
    bp_status status = check_loss(matrix_of(delta, batch, classes, ldd), vector_of(row_loss, batch), inputs, 2);
    if (status != BP_OK)
        return status;
    if ((status = check_labels(labels, batch, classes)) != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->loss_softmax_cross_entropy(delta, ldd, row_loss, z, ldz, labels, batch, classes, scale);
    return BP_OK;
}

bp_status bp_loss_targets(float *delta, size_t ldd, float *row_loss, const float *a, size_t lda, const float *y,
                          size_t ldy, const float *weights, size_t batch, size_t out, bp_loss_kind loss,
                          float parameter, float scale) {
    CONTRACT_MODE(host);
    const matrix inputs[] = {matrix_of(a, batch, out, lda), matrix_of(y, batch, out, ldy), vector_of(weights, batch)};
    const bp_kernels *kernels;
    bp_status status = check_loss(matrix_of(delta, batch, out, ldd), vector_of(row_loss, batch), inputs, 3);
    if (status != BP_OK || (status = check_loss_kind(loss, parameter)) != BP_OK)
        return status;
    if (loss_takes_labels(loss))
        return BP_ERROR_VALUE;
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->loss_targets(delta, ldd, row_loss, a, lda, y, ldy, weights, batch, out, loss, parameter, scale);
    return BP_OK;
}

bp_status bp_loss_labels(float *delta, size_t ldd, float *row_loss, const float *z, size_t ldz, const uint32_t *labels,
                         const float *weights, size_t batch, size_t classes, bp_loss_kind loss, float parameter,
                         float scale) {
    CONTRACT_MODE(host);
    const matrix inputs[] = {matrix_of(z, batch, classes, ldz), vector_of(labels, batch), vector_of(weights, batch)};
    const bp_kernels *kernels;
    bp_status status = check_loss(matrix_of(delta, batch, classes, ldd), vector_of(row_loss, batch), inputs, 3);
    if (status != BP_OK || (status = check_loss_kind(loss, parameter)) != BP_OK)
        return status;
    if (!loss_takes_labels(loss))
        return BP_ERROR_VALUE;
    if ((status = check_labels(labels, batch, classes)) != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->loss_labels(delta, ldd, row_loss, z, ldz, labels, weights, batch, classes, loss, parameter, scale);
    return BP_OK;
}

bp_status bp_softmax(float *p, size_t ldp, const float *z, size_t ldz, size_t rows, size_t classes) {
    CONTRACT_MODE(host);
    if (!p || !z)
        return BP_ERROR_NULL;
    const matrix output = matrix_of(p, rows, classes, ldp), input = matrix_of(z, rows, classes, ldz);
    const bp_kernels *kernels;
    bp_status status = check_matrices(&output, 1, &input, same_matrix(output, input) ? 0 : 1);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->softmax(p, ldp, z, ldz, rows, classes);
    return BP_OK;
}
