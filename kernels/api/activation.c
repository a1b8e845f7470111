#include <backprop/activation.h>

#include <string.h>

#include "activation_kinds.h"
#include "api/check.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

static const char *const names[BP_ACTIVATION_COUNT] = {
    [BP_IDENTITY] = "identity",
    [BP_RELU] = "relu",
    [BP_LEAKY_RELU] = "leaky-relu",
    [BP_SIGMOID] = "sigmoid",
    [BP_TANH] = "tanh",
    [BP_RELU6] = "relu6",
    [BP_ELU] = "elu",
    [BP_SELU] = "selu",
    [BP_SOFTSIGN] = "softsign",
    [BP_HARD_SIGMOID] = "hard-sigmoid",
    [BP_SOFTPLUS] = "softplus",
    [BP_HARD_SWISH] = "hard-swish",
    [BP_SILU] = "silu",
    [BP_GELU] = "gelu",
    [BP_GELU_TANH] = "gelu-tanh",
    [BP_MISH] = "mish",
    [BP_SINE] = "sine",
};

const char *bp_activation_name(bp_activation_kind kind) {
    return (unsigned)kind < BP_ACTIVATION_COUNT ? names[kind] : NULL;
}

bp_status bp_activation_from_name(const char *name, bp_activation_kind *kind) {
    if (!name || !kind)
        return BP_ERROR_NULL;
    for (unsigned k = 0; k < BP_ACTIVATION_COUNT; k++)
        if (strcmp(name, names[k]) == 0) {
            *kind = (bp_activation_kind)k;
            return BP_OK;
        }
    return BP_ERROR_VALUE;
}

bool bp_activation_keeps_input(bp_activation_kind kind) {
    return activation_keeps_input(kind);
}

static bp_status check_elementwise(matrix result, matrix argument, bp_activation activation) {
    if (!result.data || !argument.data)
        return BP_ERROR_NULL;
    const bp_status status = check_activation(activation);
    if (status != BP_OK)
        return status;
    return check_matrices(&result, 1, &argument, same_matrix(result, argument) ? 0 : 1);
}

bp_status bp_activate(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                      bp_activation activation) {
    CONTRACT_MODE(host);
    const bp_kernels *kernels;
    bp_status status =
        check_elementwise(matrix_of(a, rows, columns, lda), matrix_of(z, rows, columns, ldz), activation);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->activate(a, lda, z, ldz, rows, columns, activation);
    return BP_OK;
}

bp_status bp_activation_derivative(float *d, size_t ldd, const float *kept, size_t ldk, size_t rows, size_t columns,
                                   bp_activation activation) {
    CONTRACT_MODE(host);
    const bp_kernels *kernels;
    bp_status status =
        check_elementwise(matrix_of(d, rows, columns, ldd), matrix_of(kept, rows, columns, ldk), activation);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->activation_derivative(d, ldd, kept, ldk, rows, columns, activation);
    return BP_OK;
}

bp_status bp_activation_delta(float *delta, size_t ldd, const float *kept, size_t ldk, size_t rows, size_t columns,
                              bp_activation activation) {
    CONTRACT_MODE(host);
    if (!delta || (!kept && activation.kind != BP_IDENTITY))
        return BP_ERROR_NULL;
    const matrix output = matrix_of(delta, rows, columns, ldd), input = matrix_of(kept, rows, columns, ldk);
    const bp_kernels *kernels;
    bp_status status;
    if ((status = check_activation(activation)) != BP_OK ||
        (status = check_matrices(&output, 1, &input, kept ? 1 : 0)) != BP_OK ||
        (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->activation_delta(delta, ldd, kept, ldk, rows, columns, activation);
    return BP_OK;
}
