#include <backprop/activation.h>

#include "activation_kinds.h"
#include "check/refuse.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

bool bp_activation_saves_input(bp_activation_kind kind) {
    return activation_saves_input(kind);
}

static inline __attribute__((always_inline)) bp_status
check_elementwise(matrix result, matrix argument, bp_activation activation, const matrix_names arrays[2]) {
    if (!result.data || !argument.data)
        return FAIL_NULL({arrays[0].data, result.data}, {arrays[1].data, argument.data});
    if (check_activation(activation) != BP_OK)
        return bp_fail_activation(activation);
    const size_t inputs = same_matrix(result, argument) ? 0 : 1;
    return check_named_arrays(&result, 1, &argument, inputs, arrays);
}

static const matrix_names activate_names[] = {{"a", "lda", "rows", "columns"}, {"z", "ldz", "rows", "columns"}};

bp_status bp_activate(float *a, size_t lda, const float *z, size_t ldz, size_t rows, size_t columns,
                      bp_activation activation) {
    CONTRACT_MODE(host);
    const bp_kernels *kernels;
    const matrix to = matrix_given(a, rows, columns, lda), from = matrix_given(z, rows, columns, ldz);
    bp_status status = check_elementwise(to, from, activation, activate_names);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->activate(a, to.ld, z, from.ld, rows, columns, activation);
    return BP_OK;
}

static const matrix_names derivative_names[] = {{"d", "ldd", "rows", "columns"}, {"saved", "lds", "rows", "columns"}};

bp_status bp_activation_derivative(float *d, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                                   bp_activation activation) {
    CONTRACT_MODE(host);
    const bp_kernels *kernels;
    const matrix to = matrix_given(d, rows, columns, ldd), from = matrix_given(saved, rows, columns, lds);
    bp_status status = check_elementwise(to, from, activation, derivative_names);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->activation_derivative(d, to.ld, saved, from.ld, rows, columns, activation);
    return BP_OK;
}

static const matrix_names delta_names[] = {{"delta", "ldd", "rows", "columns"}, {"saved", "lds", "rows", "columns"}};

bp_status bp_activation_delta(float *delta, size_t ldd, const float *saved, size_t lds, size_t rows, size_t columns,
                              bp_activation activation) {
    CONTRACT_MODE(host);
    if (!delta || (!saved && activation.kind != BP_ACTIVATION_IDENTITY))
        return FAIL_NULL({"delta", delta}, {"saved", saved});
    const matrix output = matrix_given(delta, rows, columns, ldd), input = matrix_given(saved, rows, columns, lds);
    const bp_kernels *kernels;
    bp_status status;
    if (check_activation(activation) != BP_OK)
        return bp_fail_activation(activation);
    if ((status = check_matrices(&output, 1, &input, saved ? 1 : 0)) != BP_OK)
        return bp_fail_matrices(status, &output, 1, &input, 1, delta_names);
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->activation_delta(delta, output.ld, saved, input.ld, rows, columns, activation);
    return BP_OK;
}
