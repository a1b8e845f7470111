#include <backprop/layer_norm.h>

#include "check/refuse.h"
#include "dispatch/dispatch.h"
#include "float_environment.h"

/* Removes null arrays from a list; returns the number that remain. */
static size_t present(matrix *matrices, size_t count) {
    size_t left = 0;
    for (size_t k = 0; k < count; k++)
        if (matrices[k].data)
            matrices[left++] = matrices[k];
    return left;
}

/* What a call may overwrite stands last among its inputs. */
static const matrix_names forward_names[] = {{"y", "ldy", "rows", "columns"},          {"rstd", .columns = "rows"},
                                             {"normalized", "ldn", "rows", "columns"}, {"gamma", .columns = "columns"},
                                             {"beta", .columns = "columns"},           {"z", "ldz", "rows", "columns"}};

bp_status bp_layer_norm_forward(float *y, size_t ldy, float *normalized, size_t ldn, float *rstd, const float *z,
                                size_t ldz, const float *gamma, const float *beta, size_t rows, size_t columns,
                                float epsilon) {
    CONTRACT_MODE(host);
    if (!y || !z || !gamma || !beta)
        return FAIL_NULL({"y", y}, {"z", z}, {"gamma", gamma}, {"beta", beta});
    const matrix all[] = {matrix_given(y, rows, columns, ldy), vector_of(rstd, rows),
                          matrix_given(normalized, rows, columns, ldn)};
    const matrix inputs[] = {vector_of(gamma, columns), vector_of(beta, columns), matrix_given(z, rows, columns, ldz)};
    matrix outputs[] = {all[0], all[1], all[2]};
    const bool in_place = same_matrix(all[0], inputs[2]) || same_matrix(all[2], inputs[2]);
    const size_t count = present(outputs, 3);
    const bp_kernels *kernels;
    bp_status status = check_matrices(NULL, 0, inputs, 3);
    /* In place, z is the same array as an output; other outputs are checked against that output. */
    if (status != BP_OK || (status = check_matrices(outputs, count, inputs, 3 - in_place)) != BP_OK)
        return bp_fail_matrices(status, all, 3, inputs, 3 - in_place, forward_names);
    if (!(epsilon > 0.0f && isfinite(epsilon)))
        return bp_fail_number("epsilon", (double)epsilon, "finite and above 0");
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->layer_norm_forward(y, all[0].ld, normalized, all[2].ld, rstd, z, inputs[2].ld, gamma, beta, rows, columns,
                                epsilon);
    return BP_OK;
}

static const matrix_names backward_names[] = {{"previous", "ldp", "rows", "columns"},
                                              {"normalized", "ldn", "rows", "columns"},
                                              {"rstd", .columns = "rows"},
                                              {"gamma", .columns = "columns"},
                                              {"delta", "ldd", "rows", "columns"}};

bp_status bp_layer_norm_backward(float *previous, size_t ldp, const float *delta, size_t ldd, const float *normalized,
                                 size_t ldn, const float *rstd, const float *gamma, size_t rows, size_t columns) {
    CONTRACT_MODE(host);
    if (!previous || !delta || !normalized || !rstd || !gamma)
        return FAIL_NULL({"previous", previous}, {"delta", delta}, {"normalized", normalized}, {"rstd", rstd},
                         {"gamma", gamma});
    const matrix output = matrix_given(previous, rows, columns, ldp);
    const matrix inputs[] = {matrix_given(normalized, rows, columns, ldn), vector_of(rstd, rows),
                             vector_of(gamma, columns), matrix_given(delta, rows, columns, ldd)};
    const size_t input_count = same_matrix(output, inputs[3]) ? 3 : 4;
    const bp_kernels *kernels;
    bp_status status = check_named_arrays(&output, 1, inputs, input_count, backward_names);
    if (status != BP_OK || (status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->layer_norm_backward(previous, output.ld, delta, inputs[3].ld, normalized, inputs[0].ld, rstd, gamma, rows,
                                 columns);
    return BP_OK;
}

static const matrix_names gradient_names[] = {{"gradient_gamma", .columns = "columns"},
                                              {"gradient_beta", .columns = "columns"},
                                              {"delta", "ldd", "rows", "columns"},
                                              {"normalized", "ldn", "rows", "columns"}};

bp_status bp_layer_norm_gradient(float *gradient_gamma, float *gradient_beta, const float *delta, size_t ldd,
                                 const float *normalized, size_t ldn, size_t rows, size_t columns) {
    CONTRACT_MODE(host);
    if (!delta || !normalized)
        return FAIL_NULL({"delta", delta}, {"normalized", normalized});
    if (!gradient_gamma && !gradient_beta)
        return bp_fail(BP_ERROR_NULL, "gradient_gamma and gradient_beta are null, and one of them must not be");
    const matrix all[] = {vector_of(gradient_gamma, columns), vector_of(gradient_beta, columns)};
    const matrix inputs[] = {matrix_given(delta, rows, columns, ldd), matrix_given(normalized, rows, columns, ldn)};
    matrix outputs[] = {all[0], all[1]};
    const size_t count = present(outputs, 2);
    const bp_kernels *kernels;
    bp_status status = check_matrices(outputs, count, inputs, 2);
    if (status != BP_OK)
        return bp_fail_matrices(status, all, 2, inputs, 2, gradient_names);
    if ((status = bp_dispatch(&kernels)) != BP_OK)
        return status;
    kernels->layer_norm_gradient(gradient_gamma, gradient_beta, delta, inputs[0].ld, normalized, inputs[1].ld, rows,
                                 columns);
    return BP_OK;
}
